"""The notebooks: their two files, what they export, their exercises, their stored outputs."""

import ast
import re

import hypothesis.strategies as st
import jupytext
import keras
import nbformat
import numpy as np
import papermill
import pytest
import tensorflow as tf
from hypothesis import given, settings
from nbconvert import HTMLExporter

from helpers import costs, fast, vgg
from helpers.transfer import Transfer
from tools import addresses, notebooks

SMALL = {"SIZE": 64, "STEPS": 2, "NETWORK": "mini"}
PATHS = notebooks.sources()
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def stored(path):
    return nbformat.read(path.with_suffix(".ipynb"), 4)


def exported(path):
    """The names of the functions that the cells tagged `export` define."""
    source = "\n".join(cell.source for cell in tagged(jupytext.read(path).cells, "export"))
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]


# Exported functions and their twins in helpers: {name: (twin, strategy of its arguments)}, and a
# third where the two are called differently: it makes the function callable as its twin is.
# Tensors among the arguments are also what the gradients are taken of.

sides = st.integers(1, 7)


@st.composite
def tensors(draw, shape, number=1, top=4.0):
    """Random tensors of one shape, above zero as after a relu."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(side) if isinstance(side, st.SearchStrategy) else side for side in shape)
    return [tf.constant(random.uniform(0, top, shape), tf.float32) for _ in range(number)]


@st.composite
def pairs(draw):
    """Activations of one layer for two pictures of different sizes."""
    n_C = draw(sides)
    return [draw(tensors((sides, sides, n_C)))[0] for _ in range(2)]


@st.composite
def layers_of_pairs(draw):
    """{layer: activation} of two pictures, and {layer: weight}."""
    weights = draw(st.dictionaries(st.sampled_from("abc"), st.floats(0.1, 1), min_size=1))
    found = {layer: draw(pairs()) for layer in weights}
    return [{layer: pair[i] for layer, pair in found.items()} for i in range(2)] + [weights]


def preprocess(pictures):
    """What a Network feeds to its model."""
    layers = {"input": vgg.Layer(3, 1, 1)}
    return vgg.Network("", lambda x: {"input": x}, layers, "max", "float32", "")(pictures)["input"]


MINI = vgg.load("mini")


@st.composite
def small_pictures(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [random.uniform(0, 255, (32, 48, 3)).astype("float32") for _ in range(2)]


def costs_of_transfer(content, style):
    """The total cost at each of three steps of Adam."""
    run = Transfer(content, style, MINI, beta=30.0, tv=0.0, optimizer="adam", levels=1)
    run.step(3)
    return run.history["total"].tolist()


def costs_of_steps(optimization_step):
    def run(content, style):
        a_C, a_S = MINI(content)[MINI.content_layer], MINI(style)
        weights = dict.fromkeys(MINI.style_layers, 1 / len(MINI.style_layers))

        def J(G):
            a_G = MINI(G)
            content_cost = costs.content_cost(a_C, a_G[MINI.content_layer], "relative")
            return content_cost + 30.0 * costs.style_cost(a_S, a_G, weights, "relative")

        G, adam = tf.Variable(content), keras.optimizers.Adam(12.0, beta_2=0.9, epsilon=1e-12)
        return [float(optimization_step(G, adam, J)) for _ in range(3)]

    return run


FIELDS = {  # the first layers of each VGG, in order: what the last one sees
    tuple(list(table)[: i + 1]): row.receptive_field
    for table in map(vgg.layer_table, ("vgg16", "vgg19"))
    for i, row in enumerate(table.values())
}


def mask_of(bits, shape):
    """A mask of zeros and ones, not all of them 0."""
    flat = [bits >> i & 1 for i in range(shape[0] * shape[1])]
    return np.float32(flat).reshape(shape)


activation = (sides, sides, sides)
TWINS = {
    "preprocess": (preprocess, tensors((sides, sides, sides, 3), top=255)),
    "extract": (
        lambda model, pictures: MINI(pictures),
        tensors((2, st.integers(16, 36), 24, 3), top=255).map(lambda found: [MINI.model, *found]),
    ),
    "receptive_field": (
        lambda layers: FIELDS[tuple(layers)],
        st.sampled_from(list(FIELDS)).map(lambda layers: [list(layers)]),
    ),
    "unroll": (costs.unroll, tensors(activation)),
    "content_cost": (
        costs.content_cost,
        st.one_of(tensors(activation, 2), tensors((sides, *activation), 2)),
    ),
    "gram_matrix": (costs.gram_matrix, tensors(activation)),
    "mean_gram_matrix": (costs.mean_gram_matrix, tensors(activation)),
    "layer_style_cost": (costs.layer_style_cost, pairs()),
    "style_cost": (costs.style_cost, layers_of_pairs()),
    "total_cost": (costs.total_cost, tensors((), 4)),
    "optimization_step": (costs_of_transfer, small_pictures(), costs_of_steps),
    "region_gram": (
        lambda a, mask: costs.mean_gram_matrix(tf.boolean_mask(a, mask > 0.5)[:, tf.newaxis]),
        tensors(activation).flatmap(
            lambda found: st.integers(1, 2 ** min(found[0][..., 0].numpy().size, 20) - 1).map(
                lambda bits: [found[0], mask_of(bits, found[0].shape[:2])]
            )
        ),
    ),
    "earth_moved": (
        lambda x, y: tf.reduce_mean((fast.ascending(x) - fast.ascending(y)) ** 2),
        tensors((sides,), 2),
    ),
    "total_variation": (costs.total_variation, tensors((st.integers(2, 7), sides, 3), top=255)),
}


@pytest.fixture(scope="module")
def namespaces():
    """{path: what the export cells of this and of all earlier notebooks define}."""
    names, found = {"np": np, "tf": tf, "keras": keras}, {}
    for path in PATHS:
        for cell in tagged(jupytext.read(path).cells, "export"):
            # The functions alone: what follows them chooses between the reader's and this one.
            body = [n for n in ast.parse(cell.source).body if isinstance(n, ast.FunctionDef)]
            exec(compile(ast.Module(body, []), path.name, "exec"), names)
        found[path] = dict(names)
    return found


def value_and_gradients(function, arguments):
    """All that the function returns, as one list of arrays, and the gradients of a mix of it."""
    watched = [a for a in tf.nest.flatten(arguments) if tf.is_tensor(a)]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        values = [tf.convert_to_tensor(v) for v in tf.nest.flatten(function(*arguments))]
        mix = tf.add_n([tf.reduce_sum(tf.cast(v, tf.float32) * _weights(v)) for v in values])
    gradients = tape.gradient(mix, watched) if watched else []
    return [v.numpy() for v in values], [g.numpy() for g in gradients]


def _weights(values):
    return np.random.default_rng(0).uniform(0.5, 1.5, values.shape).astype("float32")


@pytest.mark.parametrize(
    ("path", "name"),
    [pytest.param(p, name, id=f"{p.stem}-{name}") for p in PATHS for name in exported(p)],
)
def test_exported_function_equals_its_twin(path, name, namespaces):
    assert name in TWINS, f"{name} has no twin: write it into helpers and into TWINS"
    twin, strategy, *adapted = TWINS[name]
    function = namespaces[path][name]
    for adapt in adapted:
        function = adapt(function)

    @settings(max_examples=2 if adapted else 15, deadline=None, database=None, derandomize=True)
    @given(strategy)
    def compare(arguments):
        mine, theirs = (value_and_gradients(f, arguments) for f in (function, twin))
        for a, b in zip(mine[0] + mine[1], theirs[0] + theirs[1], strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * max(1, np.abs(b).max()))

    compare()


def test_pairs_and_addresses():
    assert list(notebooks.problems()) == []


@pytest.mark.parametrize("network", ["mini", "vgg19"])
@every_notebook
def test_runs_and_every_solution_is_right(path, network, tmp_path, monkeypatch, request):
    """One run: each check with the stub says "not yet", and "right" once it is settled."""
    if network == "vgg19":
        monkeypatch.setenv("NST_WEIGHTS", str(request.getfixturevalue("vgg19_weights")))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    made = notebooks.notebook(path)
    checks, cells = tagged(made.cells, "check"), []
    assert len(checks) == len(tagged(made.cells, "exercise"))
    for i, cell in enumerate(made.cells):
        cells.append(cell)
        settled = re.search(r"exercises\.settled\(\s*\"(\w+)\"", cell.source)
        if settled:
            name = settled[1]
            again = f"from helpers.course import exercises\n_ = exercises.check({name!r}, {name})"
            cells.append(nbformat.v4.new_code_cell(again, metadata={"tags": ["recheck"]}))
        elif tagged([cell], "check") and "exercises.check" not in cell.source:
            for source, tag in (
                (solution(made.cells[i + 1]), "solution"),
                (cell.source, "recheck"),
            ):
                cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}))
    made.cells = cells
    for i, cell in enumerate(made.cells):
        cell["id"] = f"cell-{i}"
    nbformat.write(made, tmp_path / "in.ipynb")
    done = papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", SMALL | {"NETWORK": network},
        cwd=path.parent, kernel_name="python3", progress_bar=False,
    )  # fmt: skip
    assert len(tagged(done.cells, "recheck")) == len(checks)
    for tag, answer in (("check", "not yet"), ("recheck", "right")):
        for cell in tagged(done.cells, tag):
            said = [o.get("text", "") for o in cell.outputs if o.get("name") == "stdout"]
            assert "".join(said).startswith(answer), f"{cell.source}\n{said}"


def solution(cell):
    """The code in the folded solution of a markdown cell."""
    _, _, rest = cell.source.partition("<summary>Solution</summary>")
    (code,) = re.findall(r"```python\n(.*?)```", rest, re.DOTALL)
    return code


def test_the_answer_from_an_empty_file_is_the_method(tmp_path, monkeypatch):
    """The folded program at the end of notebook 4 runs on its own, and goes down the same J."""
    text = next(path for path in PATHS if path.stem.startswith("04")).read_text(encoding="utf-8")
    text = re.sub("^# ?", "", text, flags=re.MULTILINE)
    (program,) = re.findall(r"One answer.*?```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(program.replace("192", "64").replace("range(40)", "range(3)"), names)
    run = Transfer(names["C"], names["S"], MINI, beta=6.0, tv=0.0, optimizer="adam", levels=1)
    run.step(3)
    assert np.isclose(float(names["J"](names["C"])), run.history["total"][0], rtol=1e-4)
    assert np.isclose(float(names["value"]), run.history["total"][2], rtol=1e-2)
    assert (tmp_path / "painting.png").exists()


@every_notebook
def test_form(path):
    """One title, the badge of this very file, short cells, links that lead somewhere."""
    cells = jupytext.read(path).cells
    assert cells[0].cell_type == "markdown"
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    address = f"{addresses.repository()}/blob/main/notebooks/{path.stem}.ipynb"
    assert f"(https://colab.research.google.com/github/{address})" in cells[0].source
    assert len(tagged(cells, "parameters")) == len(tagged(cells, "setup")) == 1
    for cell in cells:
        long = 30 if "setup" in cell.metadata.get("tags", []) else 25
        assert cell.cell_type != "code" or cell.source.count("\n") < long, cell.source
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", prose):
        assert (path.parent / link).exists(), f"{link} does not exist"


@every_notebook
def test_folded_cells_are_colabs_forms(path):
    """Colab folds by cellView, and shows the title of the first line in the place of the code."""
    folded = [cell for cell in stored(path).cells if {"setup", "hide-input"} & set(
        cell.metadata.get("tags", []))]  # fmt: skip
    for cell in folded:
        assert cell.metadata["cellView"] == "form"
        assert cell.metadata["jupyter"] == {"source_hidden": True}
        assert re.match(r"# ?@title \S", cell.source), cell.source


# Of HTML, GitHub leaves out the first; the second may be there, for who has the page elsewhere.
STRIPPED = re.compile(r"<(script|style|iframe|object|embed)\b|javascript:|<link\b")
DEAD = re.compile(r"<(input|button|form|select)\b[^>]*>|\son\w+=\"[^\"]*\"")
HIDDEN = re.compile(r"<(\w+)[^>]*display: ?none.*?</\1>", re.DOTALL)


@every_notebook
def test_stored_outputs_can_be_read_at_github(path):
    """Below 3 MB, without widgets, and what is left when GitHub has cleaned the HTML makes sense:
    where there was a slider, one picture is shown."""
    assert path.with_suffix(".ipynb").stat().st_size < 3e6
    made = stored(path)
    assert "widgets" not in made.metadata
    for cell in made.cells:
        for output in cell.get("outputs", []):
            assert not any("widget" in kind for kind in output.get("data", {})), cell.source
    for shown in shown_by_nbconvert(made):
        assert not STRIPPED.search(shown), shown[:500]
        if DEAD.search(shown):
            assert "<img" in HIDDEN.sub("", DEAD.sub("", shown)), shown[:500]


def shown_by_nbconvert(made):
    """The HTML of each output and each piece of prose, as nbconvert renders it, without its own
    frame."""
    page = HTMLExporter(template_name="basic").from_notebook_node(made)[0]
    page = re.sub(r'"data:[^"]*"', '""', page)
    return re.split(r'<div class="[^"]*(?:jp-Cell|cell border-box)[^"]*"', page)[1:]


@every_notebook
def test_stored_outputs(path):
    """Executed from first to last, without errors, warnings or local paths; figures have text."""
    code = [cell for cell in stored(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert all(output.output_type != "error" for output in outputs)
    assert all(output.get("name") != "stderr" for output in outputs)
    figures = [o for o in outputs if any(k.startswith("image/") for k in o.get("data", {}))]
    assert figures
    for figure in figures:
        (kind,) = (key for key in figure.data if key.startswith("image/"))
        assert kind in ("image/jpeg", "image/gif", "image/png", "image/svg+xml")
        assert len(figure.metadata[kind]["alt"]) > 10
    for page in (o.data["text/html"] for o in outputs if "text/html" in o.get("data", {})):
        assert page.count("<img") == len(re.findall(r'<img [^>]*alt="[^"]{5,}"', page))
    said = "\n".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)
    assert "Network: " in said
    assert not re.search(r"(?<![\w.~])/(home|root|tmp|usr|work|opt|var|content|Users)/", said)
    assert path.with_suffix(".ipynb").stat().st_size < 3e6
