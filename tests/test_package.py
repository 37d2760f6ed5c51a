"""pip install . brings all that is needed: python -m helpers runs from anywhere."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

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
