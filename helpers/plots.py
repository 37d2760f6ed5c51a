"""Figures for the notebooks.  Every function returns the figure and needs its alternative text.

pictures are RGB (height, width, 3) with values 0–255.  `alt` says in a sentence what is to be
seen, for readers who do not see the figure; it is stored with the notebook's output.
"""

import base64
import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .flipbook import animated

DPI = 110
_INK = "#333333"
_SMOOTH = "hanning"  # a small picture is enlarged without its pixels becoming tiles
# Okabe & Ito's colors, which remain apart for readers who confuse red and green.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


class AltFigure(Figure):
    """A matplotlib figure that shows itself in a notebook as one JPEG with its alternative text.

    It is not known to pyplot: nothing is left open, and it may be made inside a widget's callback.
    """

    def __init__(self, width, height, *, alt):
        _require(alt)
        super().__init__(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(self)
        self.alt = alt

    def jpeg(self):
        """The bytes of a JPEG file of the figure."""
        buffer = io.BytesIO()
        # So small that a notebook with all its figures stays well below 3 MB.
        small = {"quality": 80, "optimize": True, "progressive": True}
        self.savefig(buffer, format="jpeg", pil_kwargs=small)
        return buffer.getvalue()

    def _ipython_display_(self):
        _display("image/jpeg", self.jpeg(), self.alt)


def _require(alt):
    if not alt or not alt.strip():
        raise ValueError("The figure has no alt text: say in a sentence what it shows.")


def _display(kind, data, alt, **size):
    from IPython.display import display

    bundle = {kind: base64.b64encode(data).decode(), "text/plain": alt}
    display(bundle, metadata={kind: {"alt": alt, **size}}, raw=True)


def pictures(found, titles=None, *, alt, columns=None, height=2.6):
    """Pictures side by side, `columns` to a row (default: all in one), each `height` inches."""
    found = list(found)
    columns = columns or len(found)
    rows = -(-len(found) // columns)
    aspect = max(p.shape[1] / p.shape[0] for p in found)
    figure = AltFigure(columns * height * aspect, rows * (height + 0.3), alt=alt)
    for i, picture in enumerate(found):
        axes = figure.add_subplot(rows, columns, i + 1)
        _show(axes, picture, titles[i] if titles else None)
    return figure


class Animation:
    """Pictures of one size that play in a notebook as a GIF, with its alternative text."""

    def __init__(self, found, milliseconds, *, alt):
        _require(alt)
        self.alt = alt
        self.gif = animated(found, "gif", milliseconds)
        self.width = max(480, found[0].shape[1])  # as shown: small frames are enlarged

    def _ipython_display_(self):
        _display("image/gif", self.gif, self.alt, width=self.width)


def animation(found, *, alt, milliseconds=150):
    """The pictures one after another, over and over."""
    return Animation(list(found), milliseconds, alt=alt)


def grid(found, row_titles, column_titles, *, alt, height=2.2):
    """A table of pictures: found[row][column]."""
    aspect = max(p.shape[1] / p.shape[0] for row in found for p in row)
    size = len(column_titles) * height * aspect, len(row_titles) * height + 0.3
    figure = AltFigure(*size, alt=alt)
    axes = figure.subplots(len(row_titles), len(column_titles), squeeze=False)
    for i, row in enumerate(found):
        for j, picture in enumerate(row):
            _show(axes[i, j], picture, column_titles[j] if i == 0 else None)
        axes[i, 0].set_ylabel(row_titles[i], fontsize=9, color=_INK)
    return figure


def channels(activation, which, *, alt, columns=None, height=2.0, titles=None, vmax=None):
    """Activation maps of some channels of one layer, (n_H, n_W, n_C): dark 0, bright `vmax`.

    Without it each map has its own scale, from 0 to its largest value.
    """
    which = list(which)
    activation = np.asarray(activation)
    columns = columns or min(len(which), 4)
    rows = -(-len(which) // columns)
    aspect = activation.shape[1] / activation.shape[0]
    figure = AltFigure(columns * height * aspect, rows * (height + 0.25), alt=alt)
    for i, channel in enumerate(which):
        axes = figure.add_subplot(rows, columns, i + 1)
        _bare(axes, titles[i] if titles else f"channel {channel}")
        axes.imshow(
            activation[..., channel], cmap="magma", vmin=0, vmax=vmax, interpolation="bicubic"
        )
    return figure


def spotlight(picture, activation, which, *, alt, columns=None, height=2.2, titles=None):
    """The picture, light where a channel of the activation (n_H, n_W, n_C) answers, else dark.

    Each channel has its own scale: as light as the picture itself at its strongest answer.
    """
    which = list(which)
    found = []
    for channel in which:
        strength = np.asarray(activation)[..., channel].astype(np.float32)
        strength = Image.fromarray(strength / max(strength.max(), 1e-6))
        wide = strength.resize(picture.shape[1::-1], Image.Resampling.BICUBIC)
        found.append(picture * (0.25 + 0.75 * np.clip(wide, 0, 1)[..., None]))
    titles = titles or [f"channel {channel}" for channel in which]
    columns = columns or min(len(which), 4)
    return pictures(found, titles, alt=alt, columns=columns, height=height)


def filters(kernel, *, alt, columns=16, height=0.7):
    """First-layer filters, kernel (height, width, 3, n_C) in RGB order: grey is a weight of 0."""
    kernel = np.asarray(kernel)
    rows = -(-kernel.shape[-1] // columns)
    figure = AltFigure(columns * height, rows * height, alt=alt)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for i, ax in enumerate(axes):
        _bare(ax)
        if i < kernel.shape[-1]:
            ax.imshow(np.clip(0.5 + 0.5 * kernel[..., i] / np.abs(kernel[..., i]).max(), 0, 1))
        else:
            ax.set_visible(False)
    return figure


def receptive_fields(picture, table, *, alt, center=None, width=5.5):
    """Squares on the picture: what one value of each layer sees.

    table: {layer name: something with .receptive_field in pixels}, see vgg.layer_table.
    """
    from matplotlib.patches import Rectangle

    rows, columns = picture.shape[:2]
    y, x = center or (rows / 2, columns / 2)
    figure = AltFigure(width + 3.4, width * rows / columns + 0.2, alt=alt)
    axes = figure.add_subplot()
    _show(axes, picture)
    for (layer, row), color in zip(table.items(), COLORS * 4, strict=False):
        side = row.receptive_field
        corner = x - side / 2, y - side / 2
        label = f"{layer}: {side} px"
        axes.add_patch(Rectangle(corner, side, side, fill=False, color=color, lw=2, label=label))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def heat(values, rows, columns, *, alt, label, xlabel=None, ylabel=None):
    """A table of numbers from 0 up, each written on its color; what is above 1 is as dark as 1.

    rows, columns: their names; label: what the numbers are.
    """
    values = np.asarray(values)
    figure = AltFigure(1.1 * len(columns) + 2.8, 0.42 * len(rows) + 1.5, alt=alt)
    axes = figure.add_subplot()
    shown = axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=20, ha="right", fontsize=9)
    axes.set_yticks(range(len(rows)), rows, fontsize=9)
    for (i, j), value in np.ndenumerate(values):
        ink = "white" if value > 0.6 else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9, color=ink)
    axes.set_xlabel(xlabel, color=_INK)
    axes.set_ylabel(ylabel, color=_INK)
    figure.colorbar(shown, ax=axes, label=label)
    return figure


def curves(
    series, *, alt, xlabel="step", ylabel="cost", log=True, ticks=None, width=6.0, height=3.2
):
    """Lines on one pair of axes.  series: {label: y values} or {label: (x values, y values)}.

    ticks: names for x = 0, 1, …, such as layers.
    """
    figure = AltFigure(width, height, alt=alt)
    axes = figure.add_subplot()
    for (label, values), color in zip(series.items(), COLORS * 4, strict=False):
        x, y = values if isinstance(values, tuple) else (np.arange(len(values)), values)
        axes.plot(x, y, label=label, color=color, lw=1.8)
    if log:
        axes.set_yscale("log")
    if ticks:
        axes.set_xticks(range(len(ticks)), list(ticks), fontsize=8)
    _label(axes, xlabel, ylabel)
    beside = {"loc": "upper left", "bbox_to_anchor": (1, 1)} if ticks else {}
    axes.legend(fontsize=9, frameon=False, **beside)
    return figure


def trade_off(points, thumbnails, labels, *, alt, xlabel, ylabel, width=9.0, height=5.5, zoom=0.5):
    """A curve of (x, y) points on log axes with the picture made at each point beside it."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    figure = AltFigure(width, height, alt=alt)
    axes = figure.add_subplot()
    x, y = np.transpose(points)
    axes.loglog(x, y, "o-", color=COLORS[0], lw=1.2)
    for i, (point, picture, label) in enumerate(zip(points, thumbnails, labels, strict=True)):
        shift = (-58, -50) if i % 2 else (58, 50)
        box = OffsetImage(np.clip(picture / 255, 0, 1), zoom=zoom)
        axes.add_artist(
            AnnotationBbox(box, point, xybox=shift, boxcoords="offset points", pad=0.1,
                           arrowprops={"arrowstyle": "-", "color": _INK})
        )  # fmt: skip
        # On the side where the thumbnail's line is not.
        beside = {"xytext": (6, 5), "ha": "left"} if i % 2 else {"xytext": (-6, -11), "ha": "right"}
        axes.annotate(label, point, textcoords="offset points", fontsize=9, **beside)
    axes.margins(0.35)
    _label(axes, xlabel, ylabel)
    return figure


def _show(axes, picture, title=None):
    _bare(axes, title)
    axes.spines[:].set(visible=True, color="#dddddd", linewidth=0.6)  # else white has no edge
    axes.imshow(np.clip(np.asarray(picture) / 255, 0, 1), interpolation=_SMOOTH)


def _bare(axes, title=None):
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        axes.set_title(title, fontsize=9, color=_INK)


def _label(axes, xlabel, ylabel):
    axes.set_xlabel(xlabel, color=_INK)
    axes.set_ylabel(ylabel, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="major", alpha=0.25)
