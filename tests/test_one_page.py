"""The page 00 runs from top to bottom without the internet, and computes what helpers computes."""

import contextlib
import re

import keras
import matplotlib
import numpy as np
import pytest
from PIL import Image

from helpers import costs, images, vgg
from tools import notebooks

CELLS = notebooks.notebook(notebooks.FOLDER / "00_one_page.py").cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]


@pytest.fixture(scope="module", params=["mini", pytest.param("vgg19", marks=pytest.mark.real)])
def page(request, tmp_path_factory):
    """The names of the page after two small steps; `network`: helpers' with the same weights."""
    real, folder = request.param == "vgg19", tmp_path_factory.mktemp("page")
    path = request.getfixturevalue("vgg19_weights") if real else vgg.MINI
    names, build = {}, keras.applications.VGG19

    def offline(weights, **options):
        if weights == "imagenet" and path.suffix == ".npz":
            raise OSError("there is no internet")
        return build(weights=weights, **options)

    (folder / "images").symlink_to(notebooks.ROOT / "images")
    (folder / "notebooks").mkdir()
    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder / "notebooks"):
        patch.setattr(keras.applications, "VGG19", offline)
        patch.setenv("NST_WEIGHTS", str(path))
        for cell in CODE:
            small = "\nSIZE, STEPS = 64, 2" if "parameters" in cell.metadata.get("tags", []) else ""
            exec(cell.source + small, names)
        assert Image.open("painting.png").size == (64, 48)
        patch.setenv("NST_WEIGHTS", "nowhere.npz")
        with pytest.raises(SystemExit, match="set NST_WEIGHTS"):
            names["vgg19_from_file"]()
    return names | {"network": vgg.load(request.param, weights=path)}


def test_activations_and_costs(page):
    """The rate has fallen to zero, so that one more step gives the costs of G as it is."""
    G, layer = page["G"].numpy(), page["CONTENT_LAYER"]
    a_C, a_S, a_G = (page["network"](picture) for picture in (page["C"], page["S"], G))
    for name, a in page["activations"](G).items():
        np.testing.assert_allclose(a, a_G[name], rtol=1e-3, atol=1e-4 * np.max(a))
    np.testing.assert_array_equal(G, page["G"])  # Keras alone would have written into it
    gram = page["mean_gram_matrix"](a_C[layer])
    np.testing.assert_allclose(gram, costs.mean_gram_matrix(a_C[layer])[0], rtol=1e-4)
    content = costs.content_cost(a_C[layer], a_G[layer], "relative")
    style = costs.style_cost(a_S, a_G, dict.fromkeys(page["STYLE_LAYERS"], 1 / 5), "relative")
    expected = (
        page["ALPHA"] * content,
        page["BETA"] * style,
        page["GAMMA"] * costs.total_variation(G),
    )
    np.testing.assert_allclose(page["step"](), np.ravel(expected), rtol=1e-3)


def test_load(page, tmp_path, picture, monkeypatch):
    """From a file or an address; the sides become multiples of 16."""
    path = tmp_path / "picture.png"
    images.save(path, picture)
    np.testing.assert_array_equal(page["load"](str(path), 96)[0], images.load(path, 96))
    monkeypatch.setitem(page["load"].__globals__, "urlopen", lambda request: path.open("rb"))
    assert page["load"]("https://example.org/picture.png", 60).shape == (1, 48, 64, 3)


def test_it_is_one_page():
    """At most 80 lines of code to see, and 500 words."""
    seen = [cell.source for cell in CODE if "hide-input" not in cell.metadata.get("tags", [])]
    assert sum(bool(line.strip()) for line in "\n".join(seen).splitlines()) <= 80
    prose = " ".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
    assert len(re.sub(r"\$\$.*?\$\$|\]\(\S*\)", "", prose, flags=re.DOTALL).split()) <= 500
