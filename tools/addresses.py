"""Where this repository is published, and what says so: badges, clone addresses, setup cells.

The address stands in pyproject.toml, [project.urls]; all others are written from it.  The setup
cell of the notebooks is setup_cell.py.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BADGE = re.compile(r"(colab\.research\.google\.com/github)/[\w.-]+/[\w.-]+/blob/main/([\w./-]+)")
CLONE = re.compile(r'((?:git clone |REPOSITORY = \\?"))https://github\.com/[\w.-]+/[\w.-]+')
SETUP = re.compile(r'(# %% tags=\["setup"\]\n).*?(?=\n# %%)', re.DOTALL)
OF_PROJECT = re.compile(r'(?m)^Repository = ".*"$')


def repository(root=ROOT):
    """The public address of this repository, OWNER/NAME."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def with_addresses(text, address, stem=None):
    """The text with every badge and clone address right; `stem`: the notebook that it is."""
    own = f"notebooks/{stem}.ipynb" if stem else r"\2"
    text = BADGE.sub(rf"\1/{address}/blob/main/{own}", text)
    return CLONE.sub(rf"\1https://github.com/{address}", text)


def written(root=ROOT):
    """{file: the text that it should have} of the files that hold addresses or setup cells."""
    address, folder = repository(root), root / "notebooks"
    cell = root / "tools" / "setup_cell.py"
    pages = [cell, root / "README.md", *root.glob("docs/*.md"), *folder.glob("*.ipynb")]
    found = {}
    for path in sorted(path for path in pages if path.exists()):
        stem = path.stem if path.suffix == ".ipynb" else None
        found[path] = with_addresses(path.read_text(encoding="utf-8"), address, stem)
    for path in sorted(folder.glob("[0-9][0-9]_*.py")):
        text = path.read_text(encoding="utf-8")
        text = SETUP.sub(lambda match: match[1] + found[cell], text)
        found[path] = with_addresses(text, address, path.stem)
    return found


def publish(address=None, root=ROOT):
    """Write the address, https://github.com/OWNER/NAME, into pyproject.toml and from there
    everywhere; git's way of writing it is understood.  None leaves the one that is there."""
    if address:
        named = re.search(r"github\.com[/:]([\w.-]+/[\w.-]+?)(\.git)?/?$", address)
        if not named:
            raise SystemExit(
                f"{address} is no address at GitHub: give https://github.com/OWNER/NAME."
            )
        project = root / "pyproject.toml"
        line = f'Repository = "https://github.com/{named[1]}"'
        project.write_text(OF_PROJECT.sub(line, project.read_text(encoding="utf-8")), "utf-8")
    for path, text in written(root).items():
        path.write_text(text, encoding="utf-8")
