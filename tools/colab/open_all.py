"""Open every notebook as Colab does, executed small: run in the twin, by `make colab`.

    python tools/colab/open_all.py [NAME …]

Each notebook gets an empty folder in the place of /content, and nothing but its own .ipynb.  It
clones this repository by its public address, which git is told to find here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools import addresses  # noqa: E402

SMALL = {"SIZE": 64, "STEPS": 2, "NETWORK": "mini"}


def publish(folder):
    """This repository as it is now, as the one commit of a repository at `folder`."""
    unwanted = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    who = ["-c", "user.name=Colab", "-c", "user.email=colab@example.org"]
    for words in (["init", "-q"], ["add", "--all"], [*who, "commit", "-q", "-m", "Published"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    instead = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{folder.as_uri()}.insteadOf"}
    address = f"https://github.com/{addresses.repository()}"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    os.environ |= instead | {"GIT_CONFIG_VALUE_0": address} | quiet


def run(path, content):
    """Execute the notebook alone in `content`; returns what its setup cell printed."""
    content.mkdir()
    shutil.copy(path, content)
    made = nbformat.read(content / path.name, 4)
    for cell in made.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += "".join(f"\n{name} = {value!r}" for name, value in SMALL.items())
    where = {"metadata": {"path": content}}
    NotebookClient(made, timeout=600, kernel_name="python3", resources=where).execute()
    (setup,) = (cell for cell in made.cells if "setup" in cell.metadata.get("tags", []))
    clone = content / addresses.repository().split("/")[1]
    if not (clone / ".git").is_dir():
        raise SystemExit(f"{path.name} did not clone the repository.")
    return "".join(output.get("text", "") for output in setup.outputs)


def main(names):
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        publish(Path(folder) / "published")
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            if names and not path.name.startswith(tuple(names)):
                continue
            begun = time.monotonic()
            try:
                said = run(path, Path(folder) / path.stem).strip().replace("\n", "; ")
            except CellExecutionError as error:
                failed.append(path.stem)
                said = str(error)
            print(f"{path.stem}: {time.monotonic() - begun:.0f} s. {said}", flush=True)
    if failed:
        raise SystemExit(f"These do not run in Colab: {', '.join(failed)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
