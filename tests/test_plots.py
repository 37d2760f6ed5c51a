"""Every figure is drawn, needs its alternative text and shows itself with it."""

import base64
import inspect
import io

import IPython.display
import numpy as np
import pytest
from PIL import Image
from test_browser import browser  # noqa: F401, a fixture

from helpers import plots, vgg
from helpers.course import picker
from helpers.flipbook import Flipbook

RNG = np.random.default_rng(0)
PHOTO = RNG.uniform(0, 255, (12, 16, 3))
TABLE = vgg.layer_table("vgg16")
EXAMPLES = {
    "animation": lambda alt: plots.animation([PHOTO, PHOTO[::-1]], alt=alt),
    "pictures": lambda alt: plots.pictures([PHOTO, PHOTO], ["a", "b"], alt=alt),
    "grid": lambda alt: plots.grid([[PHOTO, PHOTO]] * 2, ["a", "b"], ["c", "d"], alt=alt),
    "channels": lambda alt: plots.channels(RNG.uniform(size=(4, 5, 7)), range(7), alt=alt),
    "spotlight": lambda alt: plots.spotlight(PHOTO, RNG.uniform(size=(3, 4, 7)), [2, 5], alt=alt),
    "filters": lambda alt: plots.filters(RNG.normal(size=(3, 3, 3, 20)), alt=alt),
    "receptive_fields": lambda alt: plots.receptive_fields(PHOTO, TABLE, alt=alt),
    "heat": lambda alt: plots.heat(
        RNG.uniform(size=(2, 3)), ["a", "b"], ["c", "d", "e"], label="distance", alt=alt
    ),
    "curves": lambda alt: plots.curves({"a": [3, 2, 1], "b": ([1, 5], [2, 1])}, alt=alt),
    "trade_off": lambda alt: plots.trade_off(
        [(1, 3), (2, 1)], [PHOTO, PHOTO], ["a", "b"], xlabel="x", ylabel="y", alt=alt
    ),
}


def test_every_public_function_has_an_example():
    functions = inspect.getmembers(plots, inspect.isfunction)
    public = {n for n, f in functions if f.__module__ == plots.__name__ and n[0] != "_"}
    assert public == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_is_one_image_with_its_alternative_text(name, monkeypatch):
    kind = "image/gif" if name == "animation" else "image/jpeg"
    figure = EXAMPLES[name]("what is to be seen")
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: shown.append((*a, k)))
    figure._ipython_display_()
    ((data, options),) = shown
    assert set(data) == {kind, "text/plain"}
    assert data["text/plain"] == "what is to be seen"
    wide = {"width": 480} if name == "animation" else {}  # small frames are enlarged
    assert options["metadata"] == {kind: {"alt": "what is to be seen", **wide}}
    with Image.open(io.BytesIO(base64.b64decode(data[kind]))) as image:
        assert f"image/{image.format.lower()}" == kind
        assert np.asarray(image).std() > 1  # something is drawn on it


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_without_alternative_text_is_refused(name):
    for missing in ("", " ", None):
        with pytest.raises(ValueError, match="no alt text"):
            EXAMPLES[name](missing)
    with pytest.raises(TypeError):
        getattr(plots, name)(PHOTO)


def test_pyplot_is_left_alone():
    import matplotlib.pyplot as plt

    EXAMPLES["curves"]("curves")
    assert plt.get_fignums() == []


def drawn(left, right):
    return plots.pictures([PHOTO], [left + right], alt=f"the choice {left}{right}")


def test_a_picker_follows_its_dropdowns_and_keeps_a_picture_for_where_no_kernel_is(monkeypatch):
    chosen = picker.dropdowns(drawn, left="ab", right="cd")
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: shown.append((*a, k)))
    chosen._ipython_display_()
    ((data, options),) = shown
    assert data["text/plain"] == "the choice ac" and data[picker.WIDGET]["model_id"]
    static = options["metadata"]["static"]
    assert static["metadata"] == {"image/jpeg": {"alt": "the choice ac"}}
    assert base64.b64decode(static["data"]["image/jpeg"])[:2] == b"\xff\xd8"


def test_a_picked_figure_takes_the_place_of_the_last():
    boxes, view = picker.dropdowns(drawn, left="ab", right="cd").widget().children
    assert [box.description for box in boxes.children] == ["left", "right"]
    before = view.value
    boxes.children[1].value = "d"
    assert 'alt="the choice ad"' in view.value and view.value != before


def test_a_flipbook_leafs_without_a_kernel(browser):  # noqa: F811
    books = [Flipbook([PHOTO] * 3, list(said), "β", first=1) for said in ("abc", "def")]
    pages = [book._repr_html_() for book in books]
    page = browser.new_page()
    page.set_content("<html><body>" + "".join(pages) + "</body></html>")

    def shown():
        return [f.inner_text().strip() for f in page.locator("figure").all() if f.is_visible()]

    assert shown() == ["b", "e"]
    page.locator("input").nth(1).fill("2")
    assert shown() == ["b", "f"]  # and the other one stays
    assert page.locator("img").first.get_attribute("alt") == "a"
