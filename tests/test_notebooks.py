"""The notebooks: their files, exports, cells and outputs.  (Page 00: see also test_one_page.py.)"""

import ast
import re

import jupytext
import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from helpers import costs, vgg
from helpers.course import exercises
from helpers.course.answers import EXERCISES
from helpers.objective import Objective, Weights
from helpers.transfer import Transfer
from tools import addresses, notebooks

PATHS = notebooks.sources()
COURSE = [path for path in PATHS if not path.stem.startswith("00")]
SMALL = {"SIZE": 64, "STEPS": 3}
MINI = vgg.load("mini")
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
every_lesson = pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)


def tags(cell):
    return cell.metadata.get("tags", [])


def tagged(cells, tag):
    return [cell for cell in cells if tag in tags(cell)]


# Functions that a reader writes.


@pytest.fixture(scope="module")
def written():
    """{name: function} of the functions in all cells tagged `export`."""
    cells = [cell for path in PATHS for cell in tagged(jupytext.read(path).cells, "export")]
    nodes = [node for cell in cells for node in ast.parse(cell.source).body]
    body, names = [n for n in nodes if isinstance(n, ast.FunctionDef)], {"np": np, "tf": tf}
    exec(compile(ast.Module(body, []), "notebooks", "exec"), names)
    return {function.name: names[function.name] for function in body}


def test_exercises_compare_with_the_package_and_the_written_functions_are_right(written):
    """Also in their gradients: test_exercises.py."""
    others = {"extract", "receptive_field", "mean_gram_matrix", "root"}
    assert set(written) - set(EXERCISES) == others
    for name in set(written) - others:
        assert exercises.check(name, written[name]), name
    for name in written.keys() & vars(costs).keys() - others:
        assert EXERCISES[name].answer is getattr(costs, name)


def test_what_is_written_and_no_exercise_equals_the_package(written):
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 32, 48, 3)).astype("float32")
    shown = vgg.Network("", lambda x: {"x": x}, {"x": vgg.Layer(3, 1, 1)}, "max", "float32", "")
    np.testing.assert_allclose(written["preprocess"](pictures), shown(pictures)["x"], atol=1e-4)
    found, expected = written["extract"](MINI.model, pictures), MINI(pictures)
    assert list(found) == list(expected)
    for layer, a in expected.items():
        np.testing.assert_allclose(found[layer], a, rtol=1e-4, atol=1e-4 * np.max(a))
        mean_gram = written["mean_gram_matrix"](a[0])
        np.testing.assert_allclose(mean_gram, costs.mean_gram_matrix(a[0]), rtol=1e-4)
    sigma = np.cov(pictures[0].reshape(-1, 3).T)
    root = written["root"](sigma)
    np.testing.assert_allclose([root @ root, root.T], [sigma, root], rtol=1e-4)
    for table in map(vgg.layer_table, ("vgg16", "vgg19")):
        for i, row in enumerate(table.values()):
            assert written["receptive_field"](list(table)[: i + 1]) == row.receptive_field


def test_the_loop_by_hand_is_that_of_a_transfer(written):
    C, S = np.random.default_rng(0).uniform(0, 255, (2, 32, 48, 3)).astype("float32")
    how = {"optimizer": "adam", "levels": 1, "layer_weights": [1] * 5, "init": "content"}
    run = Transfer(C, S, MINI, beta=30.0, tv=0.0, **how)
    run.step(3)
    G, adam = tf.Variable(C), keras.optimizers.Adam(12.0, beta_2=0.9, epsilon=1e-12)
    objective, weights = Objective(MINI), Weights([1.0], [30.0], 0.0, [0.2] * 5)
    targets = objective.targets(C, [S])

    def J(G):
        return objective(G[tf.newaxis], targets, weights)["total"][0]

    values = [float(written["optimization_step"](G, adam, J)) for _ in range(3)]
    np.testing.assert_allclose(values, run.history["total"], rtol=1e-4)


# Every cell, in this process, so that TensorFlow is imported and each network traced once for all.
LOADED, load = {}, vgg.load


def load_once(*given, **named):
    key = repr((given, named))
    LOADED[key] = LOADED.get(key) or load(*given, **named)
    return LOADED[key]


@pytest.fixture
def shell(monkeypatch, tmp_path):
    monkeypatch.setattr(vgg, "load", load_once)
    monkeypatch.setenv("NST_CACHE", str(tmp_path))  # where a notebook keeps what it paints
    monkeypatch.chdir(notebooks.FOLDER)
    yield InteractiveShell.instance(user_ns={})
    InteractiveShell.clear_instance()


def said(shell, source):
    """What a cell prints."""
    with capture_output() as captured:
        result = shell.run_cell(source, store_history=False)
    result.raise_error()
    return captured.stdout


@pytest.mark.parametrize(
    "network", ["mini", pytest.param("vgg19", marks=[pytest.mark.real, pytest.mark.slow])]
)
@every_lesson
def test_every_cell_runs_and_every_solution_is_right(path, network, shell, monkeypatch, request):
    """Each check with the empty stub says "not yet", and "right" once the solution is there."""
    if network == "vgg19":
        monkeypatch.setenv("NST_WEIGHTS", str(request.getfixturevalue("vgg19_weights")))
    cells, right = notebooks.notebook(path).cells, []
    for i, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        out = said(shell, cell.source)
        if "parameters" in tags(cell):
            shell.push(SMALL | {"NETWORK": network})
        if "check" in tags(cell):
            assert out.startswith("not yet"), cell.source
            if "exercises.check" not in cell.source:  # its solution is in the prose below
                folded = r"<summary>Solution</summary>.*?```python\n(.*?)```"
                said(shell, re.search(folded, cells[i + 1].source, re.DOTALL)[1])
                right.append(said(shell, cell.source))
        for name in re.findall(r"exercises\.settled\(\s*\"(\w+)\"", cell.source):
            with capture_output() as captured:
                exercises.check(name, shell.user_ns[name])
            right.append(captured.stdout)
    assert len(right) == len(tagged(cells, "check")) == len(tagged(cells, "exercise"))
    assert all(out.startswith("right") for out in right), right


# The files.


def test_pairs_and_addresses():
    assert list(notebooks.problems()) == []


@every_notebook
def test_form(path):
    """One title, the badge of this very file, short cells, links that lead somewhere."""
    cells = jupytext.read(path).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    address = f"{addresses.repository()}/blob/main/notebooks/{path.stem}.ipynb"
    assert f"(https://colab.research.google.com/github/{address})" in cells[0].source
    assert len(tagged(cells, "parameters")) == 1
    assert len(tagged(cells, "setup")) == (path in COURSE)
    for cell in cells:
        if cell.cell_type == "code":
            assert cell.source.count("\n") < (30 if notebooks.FOLDED & set(tags(cell)) else 25)
        if notebooks.FOLDED & set(tags(cell)):  # Colab shows the first line in the code's place
            assert re.match(r"# ?@title \S", cell.source), cell.source
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", prose):
        assert (path.parent / link).exists(), f"{link} does not exist"


# Of HTML, GitHub leaves out the first; the second may be there, for who has the page elsewhere.
STRIPPED = re.compile(r"<(script|style|iframe|object|embed)\b|javascript:|<link\b")
DEAD = re.compile(r"<(input|button|form|select)\b[^>]*>|\son\w+=\"[^\"]*\"")
HIDDEN = re.compile(r"<(\w+)[^>]*display: ?none.*?</\1>", re.DOTALL)


@every_notebook
def test_stored_outputs(path):
    """Executed from first to last, without errors, warnings, widgets or local paths, and below
    3 MB; figures have text, and what GitHub leaves of the HTML makes sense."""
    assert path.with_suffix(".ipynb").stat().st_size < 3e6
    made = nbformat.read(path.with_suffix(".ipynb"), 4)
    assert "widgets" not in made.metadata
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    text, figures = "", 0
    for output in (output for cell in code for output in cell.outputs):
        assert output.output_type != "error" and output.get("name") != "stderr"
        data = output.get("data", {})
        text += output.get("text", "") + data.get("text/plain", "")
        assert not any("widget" in kind for kind in data)
        for kind in (kind for kind in data if kind.startswith("image/")):
            figures += 1
            assert kind in ("image/jpeg", "image/gif", "image/png", "image/svg+xml")
            assert len(output.metadata[kind]["alt"]) > 10
        page = re.sub('"data:[^"]*"', '""', data.get("text/html", ""))
        assert page.count("<img") == len(re.findall(r'<img [^>]*alt="[^"]{5,}"', page))
        assert not STRIPPED.search(page)
        if DEAD.search(page):  # where there was a slider, one picture is shown
            assert "<img" in HIDDEN.sub("", DEAD.sub("", page))
    assert figures and "Network: " in text
    assert not re.search(r"(?<![\w.~])/(home|root|tmp|usr|work|opt|var|content|Users)/", text)
