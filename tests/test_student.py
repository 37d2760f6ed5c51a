"""The copies for a class: nothing is given away to students, nothing is folded for teachers."""

import ast

import nbformat
import pytest

from tools import notebooks, student

PATHS = notebooks.sources()
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    student.write(folder)
    return folder


def read(folder, kind, path):
    return nbformat.read(folder / kind / f"{path.stem}.ipynb", 4)


def tags(cell):
    return cell.metadata.get("tags", [])


@every_notebook
def test_a_students_copy_is_the_notebook_without_outputs_and_answers(path, copies):
    """Its code is that of the notebook, which tests/test_notebooks.py runs with empty stubs."""
    made, stored = read(copies, "student", path), nbformat.read(path.with_suffix(".ipynb"), 4)
    nbformat.validate(made)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert not any("colab-badge" in cell.source for cell in made.cells)
    assert all("<details open" not in cell.source for cell in made.cells)
    whole = [cell for cell in stored.cells if cell.cell_type == "code"]
    for mine, theirs in zip(code, whole, strict=True):
        if "exercise" in tags(mine):
            (function,) = ast.parse(mine.source).body
            assert ast.get_docstring(function)
            assert [ast.unparse(line) for line in function.body[1:]] == ["..."]
        else:
            assert mine.source == theirs.source
        if "exercises.settled" in mine.source:
            assert mine.metadata["jupyter"]["source_hidden"] and mine.metadata["cellView"] == "form"


@every_notebook
def test_a_teachers_copy_shows_everything(path, copies):
    made, stored = read(copies, "teacher", path), nbformat.read(path.with_suffix(".ipynb"), 4)
    nbformat.validate(made)
    assert not any("<details>" in cell.source for cell in made.cells)
    opened = sum(cell.source.count("<details open>") for cell in made.cells)
    assert opened == sum(cell.source.count("<details>") for cell in stored.cells) > 0
    for cell in made.cells:
        assert "cellView" not in cell.metadata
        assert not cell.metadata.get("jupyter", {}).get("source_hidden")
    assert [c.get("outputs") for c in made.cells] == [c.get("outputs") for c in stored.cells]


def test_a_stub_that_somebody_has_filled_is_emptied():
    filled = 'def unroll(a):\n    """What is asked."""\n    n_H, n_W, n_C = a.shape\n\n'
    filled += "    return tf.reshape(a, [n_H * n_W, n_C])\n"
    assert student.emptied(filled) == 'def unroll(a):\n    """What is asked."""\n    ...\n'
    assert student.emptied("def f(a):\n    return a") == "def f(a):\n    ..."
    only = 'def f(a):\n    """What is asked."""'
    assert student.emptied(only) == only + "\n    ..."
