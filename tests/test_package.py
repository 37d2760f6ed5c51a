"""The package as a whole: small, in order, and quick to import."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "helpers").rglob("*.py"))
CORE = ("images", "vgg", "costs", "objective", "optimizers", "transfer")


def lines_of(paths):
    return sum(path.read_text(encoding="utf-8").count("\n") for path in paths)


def test_the_project_does_not_grow():
    """What is there, rounded up.  The third edition wants 4,800 lines of helpers, 1,250 of them the
    method's core, and 5,500 of tests: whoever makes something shorter lowers the number here."""
    assert lines_of(MODULES) <= 6034
    assert lines_of(ROOT / "helpers" / f"{name}.py" for name in CORE) <= 1318
    assert lines_of((ROOT / "tools").rglob("*.py")) <= 1410
    assert lines_of((ROOT / "tests").glob("*.py")) <= 7193
    paths = [
        path
        for folder in ("helpers", "notebooks", "tests", "tools")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert sum(path.read_text(encoding="utf-8").count("# fmt: " + "skip") for path in paths) <= 5


def imports(path):
    """The files of helpers that a file needs before it can be imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for name in node.names:
                found = (folder / f"{name.name}.py", folder.with_suffix(".py"))
                yield from [file for file in found if file in MODULES][:1]


def test_arrows_go_one_way():
    graphlib.TopologicalSorter({path: set(imports(path)) for path in MODULES}).prepare()


def test_options_are_checked_before_tensorflow_is_loaded():
    names = "helpers, helpers.settings, helpers.errors, helpers.images, helpers.masks, helpers.cli"
    code = f"import sys, {names}; print(sorted({{'tensorflow', 'keras'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
