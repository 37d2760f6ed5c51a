"""Open every notebook as Colab does, executed small: run in the twin, by `make colab`.

    python tools/colab/open_all.py [NAME …]

Each notebook gets an empty folder in place of /content, with nothing in it but its own .ipynb file.
It clones this repository from its public address, which git is told to find here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools import addresses, notebooks  # noqa: E402

SMALL = {"SIZE": 64, "STEPS": 2, "NETWORK": "mini"}
CAT, CAFE = (str(ROOT / "images" / name) for name in ("content/cat.jpg", "style/cafe_terrace.jpg"))


def publish(folder):
    """This repository as it is now, as the one commit of a repository at `folder`."""
    unwanted = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    who = ["-c", "user.name=Colab", "-c", "user.email=colab@example.org"]
    for words in (["init", "-q"], ["add", "--all"], [*who, "commit", "-q", "-m", "Published"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    instead = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{folder.as_uri()}.insteadOf"}
    address = f"https://github.com/{addresses.repository()}"
    os.environ |= instead | {"GIT_CONFIG_VALUE_0": address, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    # For the page that clones nothing, where there is no internet.
    os.environ.setdefault("NST_WEIGHTS", str(ROOT / "helpers" / "weights" / "mini.npz"))


def run(path, content):
    """Execute a notebook alone in the folder `content`; returns what its setup cell printed."""
    content.mkdir()
    made = nbformat.read(shutil.copy(path, content), 4)
    setup = [cell for cell in made.cells if "setup" in cell.metadata.get("tags", [])]
    parameters = SMALL if setup else SMALL | {"CONTENT": CAT, "STYLE": CAFE}
    notebooks.execute(made, parameters, path.stem, content)
    if setup and not (content / addresses.repository().split("/")[1] / ".git").is_dir():
        raise SystemExit(f"{path.name} did not clone the repository.")
    return "; ".join(o.get("text", "").strip() for cell in setup for o in cell.outputs)


def main(names):
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        publish(Path(folder) / "published")
        for path in (source.with_suffix(".ipynb") for source in notebooks.sources(names)):
            begun = time.monotonic()
            try:
                said = run(path, Path(folder) / path.stem).replace("\n", "; ")
            except CellExecutionError as error:
                failed.append(path.stem)
                said = str(error)
            print(f"{path.stem}: {time.monotonic() - begun:.0f} s. {said}", flush=True)
    if failed:
        raise SystemExit(f"These do not run in Colab: {', '.join(failed)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
