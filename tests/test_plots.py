"""Every figure is drawn, needs its alternative text and shows itself with it."""

import base64
import inspect
import io

import IPython.display
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from helpers import plots

RNG = np.random.default_rng(0)
PHOTO = RNG.uniform(0, 255, (12, 16, 3))
EXAMPLES = {
    "pictures": lambda alt: plots.pictures([PHOTO, PHOTO], ["a", "b"], alt=alt),
    "grid": lambda alt: plots.grid([[PHOTO, None]] * 2, ["a", "b"], ["c", "d"], alt=alt),
    "channels": lambda alt: plots.channels(RNG.uniform(size=(4, 5, 7)), range(7), alt=alt),
    "heat": lambda alt: plots.heat(
        RNG.uniform(size=(2, 3)), ["a", "b"], ["c", "d", "e"], label="distance", alt=alt
    ),
    "curves": lambda alt: plots.curves({"a": [3, 2, 1], "b": ([1, 5], [2, 1])}, alt=alt),
}


def test_every_public_function_has_an_example():
    functions = inspect.getmembers(plots, inspect.isfunction)
    public = {n for n, f in functions if f.__module__ == plots.__name__ and n[0] != "_"}
    assert public == {*EXAMPLES, "check_alt"}


@pytest.fixture
def shown(monkeypatch):
    """What IPython is given to display, as (data, options)."""
    found = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: found.append((*a, k)))
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_is_one_image_with_its_alternative_text(name, shown):
    """What is written on it can be read from the last row of a room."""
    figure = EXAMPLES[name]("what is to be seen")
    figure._ipython_display_()
    ((data, options),) = shown
    assert set(data) == {"image/jpeg", "text/plain"}
    assert data["text/plain"] == "what is to be seen"
    assert options["metadata"] == {"image/jpeg": {"alt": "what is to be seen"}}
    with Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))) as image:
        assert image.format == "JPEG"
        assert np.asarray(image).std() > 1  # something is drawn on it
    titles = [axes.title for axes in figure.axes if axes.get_title()]
    assert all(title.get_fontsize() >= 13 for title in titles)
    words = [text for text in figure.findobj(Text) if text.get_text()]
    assert all(text.get_fontsize() >= 12 for text in words)
    for missing in ("", " ", None):
        with pytest.raises(ValueError, match="no alt text"):
            EXAMPLES[name](missing)


def test_long_titles_stay_above_their_pictures():
    long = "a title that says more than can stand above one picture\nand a line"
    figure = plots.pictures([PHOTO] * 3, [long, "b", ""], alt="three")
    figure.jpeg()
    for axes in figure.axes:
        title, box = axes.title.get_window_extent(), axes.get_window_extent()
        assert title.width <= 1.02 * box.width and title.y1 <= figure.bbox.y1
    assert figure.axes[0].get_title().endswith("\nand a line")


def test_the_gap_of_a_grid_is_empty_and_its_titles_are_in_line():
    figure = plots.grid([[PHOTO, None], [None, PHOTO]], ["a", "b"], ["c", "d"], alt="a diagonal")
    assert [len(axes.images) for axes in figure.axes] == [1, 0, 0, 1]
    assert [axes.get_title() for axes in figure.axes] == ["c", "d", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["a", "", "b", ""]
    figure.draw_without_rendering()
    tops = [axes.title.get_window_extent().y0 for axes in figure.axes[:2]]
    assert tops[0] == pytest.approx(tops[1], abs=1)
    assert pixels_of(figure, figure.axes[1]).min() > 240


def pixels_of(figure, axes):
    """What is drawn within the axes, (height, width, 3)."""
    picture = np.asarray(Image.open(io.BytesIO(figure.jpeg())), float)
    x0, y0, x1, y1 = axes.get_window_extent().extents
    return picture[round(len(picture) - y1) : round(len(picture) - y0), round(x0) : round(x1)]


def test_maps_of_few_positions_show_their_squares():
    figure = plots.channels(RNG.uniform(0.2, 1, (3, 4, 1)), [0], alt="twelve squares")
    pixels = pixels_of(figure, figure.axes[0])
    height, width = pixels.shape[0] / 3, pixels.shape[1] / 4
    for i, j in np.ndindex(3, 4):
        inner = pixels[int((i + 0.3) * height) : int((i + 0.7) * height)]
        inner = inner[:, int((j + 0.3) * width) : int((j + 0.7) * width)]
        assert inner.std(axis=(0, 1)).max() < 6


@pytest.mark.parametrize(
    ("values", "plain"),
    [
        ([1.66, 2.1, 9.7], ["2", "4", "6", "8", "10"]),
        ([0.3, 30.0], ["0.5", "1", "2", "5", "10", "20"]),
        # Every second power of ten; matplotlib's version decides which.
        ([1e-4, 1e4], ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100", "1000", "10000"]),
    ],
)
def test_ticks_of_costs_are_plain_numbers(values, plain):
    figure = plots.curves({"J": values}, alt="J")
    figure.draw_without_rendering()
    axis, (low, high) = figure.axes[0].yaxis, figure.axes[0].get_ylim()
    labels = [
        tick.label1.get_text() for tick in axis.get_major_ticks() if low < tick.get_loc() < high
    ]
    assert labels in (plain, plain[::2], plain[1::2]) and len(labels) >= 3


def test_pyplot_is_left_alone():
    import matplotlib.pyplot as plt

    EXAMPLES["curves"]("curves")
    assert plt.get_fignums() == []
