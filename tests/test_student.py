"""The copies for a class: nothing is given away to students, nothing is folded for teachers."""

import ast

import nbformat
import pytest

from tools import notebooks, student

every_notebook = pytest.mark.parametrize("path", notebooks.sources(), ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    student.write(folder)
    return folder


def cells(folder, path):
    """The cells of a notebook or of a copy of it, and of these the ones with code."""
    made = nbformat.read(folder / f"{path.stem}.ipynb", 4)
    nbformat.validate(made)
    return made.cells, [cell for cell in made.cells if cell.cell_type == "code"]


@every_notebook
def test_a_students_copy_has_no_outputs_and_no_answers(path, build):
    """Its code is that of the notebook, which tests/test_notebooks.py runs with empty stubs."""
    copy, code = cells(build / "student", path)
    assert not any("colab-badge" in cell.source for cell in copy)
    assert all("<details open" not in cell.source for cell in copy)
    for mine, theirs in zip(code, cells(path.parent, path)[1], strict=True):
        assert mine.outputs == [] and mine.execution_count is None
        if "exercise" in mine.metadata.get("tags", []):
            (function,) = ast.parse(mine.source).body
            assert ast.get_docstring(function)
            assert [ast.unparse(line) for line in function.body[1:]] == ["..."]
        else:
            assert mine.source == theirs.source
        if "exercises.settled" in mine.source:
            assert mine.metadata["jupyter"]["source_hidden"] and mine.metadata["cellView"] == "form"


@every_notebook
def test_a_teachers_copy_shows_everything(path, build):
    (copy, _), (whole, _) = cells(build / "teacher", path), cells(path.parent, path)
    for mine, theirs in zip(copy, whole, strict=True):
        assert mine.source == theirs.source.replace("<details>", "<details open>")
        assert "cellView" not in mine.metadata
        assert not mine.metadata.get("jupyter", {}).get("source_hidden")
        assert mine.get("outputs") == theirs.get("outputs")


def test_a_stub_that_somebody_has_filled_is_emptied():
    stub = 'def unroll(a):\n    """What is asked."""\n'
    for body in ("    return tf.reshape(a, [-1, a.shape[-1]])\n", ""):
        assert student.emptied(stub + body).strip() == stub + "    ..."
    assert student.emptied("def f(a):\n    return a") == "def f(a):\n    ..."
