"""The package: pip install brings all that it needs, and any file is read in one sitting."""

import ast
import graphlib
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_a_wheel_holds_the_code_the_weights_and_the_pictures(tmp_path):
    source, site, elsewhere = (tmp_path / name for name in ("source", "site", "elsewhere"))
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("helpers", "images"):
        shutil.copytree(ROOT / name, source / name, ignore=unwanted)
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    at_hand = int(version("setuptools").split(".")[0]) >= 77
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path]
    build += ["--no-build-isolation"] if at_hand else []  # else pip fetches it
    subprocess.run([*build, source], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        held = set(file.namelist())
        file.extractall(site)
    code = {path.relative_to(source).as_posix() for path in source.glob("helpers/**/*.py")}
    assert code <= held
    assert "helpers/weights/mini.npz" in held
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    quick = ["--network", "mini", "--size", "32", "--steps", "2", "--levels", "1"]
    command = [sys.executable, "-m", "helpers", "cat", "starry_swirls", "--output", "a.png", *quick]
    subprocess.run(command, cwd=elsewhere, env=environment, check=True, timeout=200)
    assert [path.name for path in elsewhere.iterdir()] == ["a.png"]


MODULES = sorted((ROOT / "helpers").rglob("*.py"))


def _imports(path):
    """The files of helpers that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for name in node.names:
                for found in (folder / f"{name.name}.py", folder.with_suffix(".py")):
                    if found in MODULES:
                        yield found
                        break


def test_arrows_go_one_way():
    graphlib.TopologicalSorter({path: set(_imports(path)) for path in MODULES}).prepare()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_can_be_read_in_one_sitting(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 300
    for node in ast.walk(ast.parse(source)):
        lines = getattr(node, "end_lineno", 0) - getattr(node, "lineno", 0) + 1
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            assert lines <= 200 and len(methods) <= 20, node.name
        if isinstance(node, ast.FunctionDef):
            assert lines <= 40, node.name
