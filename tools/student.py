"""Copies of the notebooks for a class, made from the .ipynb files in notebooks/.

    python tools/student.py            build/student and build/teacher, all notebooks

A student's copy has no outputs, empty stubs and folded solutions.  "Run all" still works: the
folded cell below each check fills in the solution where the stub is empty, and says so.  A
teacher's copy has every output, and everything that folds is open: hints, answers, solutions.
"""

import argparse
import ast
import copy
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
BADGE = "colab-badge.svg"  # leads to the notebook with its outputs, so students get none


def student(made):
    """A copy without outputs and badge, and with empty stubs."""
    made = copy.deepcopy(made)
    made.cells = [cell for cell in made.cells if BADGE not in cell.source]
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "exercise" in cell.metadata.get("tags", []):
            cell.source = emptied(cell.source)
    return made


def teacher(made):
    """A copy in which nothing is folded."""
    made = copy.deepcopy(made)
    for cell in made.cells:
        cell.source = cell.source.replace("<details>", "<details open>")
        cell.metadata.pop("cellView", None)  # Colab's folding
        cell.metadata.get("jupyter", {}).pop("source_hidden", None)  # Jupyter's
    return made


def emptied(source):
    """The code with `...` in place of each function's body, except for its docstring."""
    lines = source.split("\n")
    for function in reversed(ast.parse(source).body):
        if isinstance(function, ast.FunctionDef):
            body = function.body[1:] if ast.get_docstring(function) else function.body
            first = body[0].lineno - 1 if body else function.end_lineno
            lines[first : function.end_lineno] = ["    ..."]
    return "\n".join(lines)


def write(output):
    """Both copies of every notebook, in output/student and output/teacher."""
    paths = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
    for make in (student, teacher):
        folder = output / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            nbformat.write(make(nbformat.read(path, 4)), folder / path.name)
        print(f"{folder}: {len(paths)} notebooks")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="default: build/")
    write(parser.parse_args().output)
