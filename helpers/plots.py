"""Figures for the notebooks.  Every function returns the figure and needs its alternative text.

Pictures are RGB (height, width, 3) with values 0–255.  `alt` says in a sentence what is to be seen,
for readers who do not see the figure; it is stored with the notebook's output.
"""

import base64
import io
import textwrap
from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

# Okabe & Ito's colors, which remain apart for readers who confuse red and green.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
matplotlib.rcParams.update({"font.size": 12, "axes.titlesize": 13})  # for the last row of a room
Names = Sequence[str]


class AltFigure(Figure):
    """A matplotlib figure that shows itself in a notebook as one JPEG with its alternative text.

    It is not known to pyplot: nothing is left open, and it may be made inside a widget's callback.
    """

    def __init__(self, width: float, height: float, *, alt: str):
        check_alt(alt)
        super().__init__(figsize=(width, height), dpi=110, layout="constrained")
        self.alt = alt

    def jpeg(self) -> bytes:
        """The bytes of a JPEG file of the figure."""
        buffer = io.BytesIO()
        small = {"quality": 80, "optimize": True, "progressive": True}  # a notebook below 3 MB
        self.draw_without_rendering()  # the layout of long titles takes two passes
        self.savefig(buffer, format="jpeg", pil_kwargs=small)
        return buffer.getvalue()

    def _ipython_display_(self):
        from IPython.display import display

        data = {"image/jpeg": base64.b64encode(self.jpeg()).decode(), "text/plain": self.alt}
        display(data, metadata={"image/jpeg": {"alt": self.alt}}, raw=True)


def check_alt(alt: str) -> None:
    """Raises ValueError unless there is a sentence for readers who do not see a figure."""
    if not alt or not alt.strip():
        raise ValueError("The figure has no alt text: say in a sentence what it shows.")


def pictures(
    found: Iterable[np.ndarray], titles: Names = (), *, alt: str, columns=None, height=2.6
) -> AltFigure:
    """Pictures side by side, `columns` to a row (default: all in one), each `height` inches."""
    found = [None if p is None else np.clip(np.asarray(p) / 255, 0, 1) for p in found]
    return _tiles(found, titles, alt, columns, height)


def grid(
    found: Iterable[Sequence], row_titles: Names, column_titles: Names, *, alt: str, height=2.2
) -> AltFigure:
    """A table of pictures, found[row][column]; the place of None stays empty."""
    columns, tiles = len(column_titles), [picture for row in found for picture in row]
    figure = pictures(tiles, column_titles, alt=alt, columns=columns, height=height)
    for axes, title in zip(figure.axes[::columns], row_titles, strict=True):
        axes.set_ylabel(_wrapped(title, height))
    return figure


def channels(
    activation, which: Iterable[int], *, alt: str, columns=None, height=2.0, titles=(), vmax=None
) -> AltFigure:
    """Activation maps of some channels of one layer, (n_H, n_W, n_C): dark 0, bright `vmax`.

    Without it each map has its own scale, from 0 to its largest value.
    """
    which = list(which)
    maps = [np.asarray(activation, np.float32)[..., channel] for channel in which]
    titles = titles or [f"channel {channel}" for channel in which]
    shown = {"cmap": "magma", "vmin": 0, "vmax": vmax}
    return _tiles(maps, titles, alt, columns or min(len(maps), 4), height, **shown)


def heat(
    values, rows: Names, columns: Names, *, alt: str, label: str, xlabel="", ylabel=""
) -> AltFigure:
    """A table of numbers, called `label`, on colors from light at 0 to dark at 1 and above."""
    figure = AltFigure(1.1 * len(columns) + 3.3, 0.42 * len(rows) + 1.6, alt=alt)
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    shown = axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=20, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    for (i, j), value in np.ndenumerate(values):
        ink = "white" if value > 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink)
    figure.colorbar(shown, ax=axes, label=label, extend="max")
    return figure


def curves(
    series: dict, *, alt: str, xlabel="step", ylabel="cost", width=6, height=3.2
) -> AltFigure:
    """Lines on a logarithmic axis, {label: y values, or (x values, y values)}."""
    figure = AltFigure(width, height, alt=alt)
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel, yscale="log")
    for (label, values), color in zip(series.items(), COLORS * 4, strict=False):
        x, y = values if isinstance(values, tuple) else (np.arange(len(values)), values)
        axes.plot(x, y, label=label, color=color, lw=1.8)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="major", alpha=0.25)
    low, high = axes.get_ylim()  # plain numbers, 1, 2, 5, 10, in the place of powers of ten
    steps = LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,))
    axes.yaxis.set_major_locator(steps if high > 10 * low else MaxNLocator(5))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    return figure


def _tiles(found, titles, alt, columns, height, **shown):
    """Pictures and maps, `columns` to a row, shown as imshow takes it; titles of the first ones."""
    columns = columns or len(found)
    width = height * max(tile.shape[1] / tile.shape[0] for tile in found if tile is not None)
    titles = [_wrapped(title, width) for title in titles] + [""] * (len(found) - len(titles))
    rows = [titles[i : i + columns] for i in range(0, len(found), columns)]
    above = sum(0.13 + 0.22 * max(len(title.splitlines()) for title in row) for row in rows)
    figure = AltFigure(columns * width, len(rows) * height + above, alt=alt)
    for i, (tile, title) in enumerate(zip(found, titles, strict=True)):
        axes = figure.add_subplot(len(rows), columns, i + 1, xticks=(), yticks=())
        axes.set_title(title)
        axes.set_box_aspect(height / width if tile is None else None)
        axes.spines[:].set(color="none" if tile is None else "#dddddd", linewidth=0.6)
        if tile is not None:
            axes.imshow(tile, interpolation="antialiased", **shown)  # squares from 3 × size on
    return figure


def _wrapped(title, inches):
    return "\n".join(textwrap.fill(line, max(8, int(9.5 * inches))) for line in title.splitlines())
