"""Where this repository is published, and the files that say so.

The address is in pyproject.toml, [project.urls]; badges, clone addresses and the notebooks' setup
cells (from setup_cell.py) are written from it.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BADGE = re.compile(r"(colab\.research\.google\.com/github)/[\w.-]+/[\w.-]+/blob/main/([\w./-]+)")
CLONE = re.compile(r'((?:git clone |REPOSITORY = \\?"))https://github\.com/[\w.-]+/[\w.-]+')
SETUP = re.compile(r'(# %% tags=\["setup"\]\n).*?(?=\n# %%)', re.DOTALL)


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
    """{file: the text it should have} of the files that hold addresses or a setup cell."""
    address, setup = repository(root), root / "tools" / "setup_cell.py"
    found = {setup: with_addresses(setup.read_text(encoding="utf-8"), address)}
    for path in sorted([*root.glob("*.md"), *root.glob("notebooks/[0-9][0-9]_*.*")]):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            text = SETUP.sub(lambda match: match[1] + found[setup], text)
        found[path] = with_addresses(text, address, None if path.suffix == ".md" else path.stem)
    return found


def publish(address=None, root=ROOT):
    """Write an address at GitHub into every file; None: the one that pyproject.toml has."""
    if address:
        named = re.search(r"github\.com[/:]([\w.-]+/[\w.-]+?)(\.git)?/?$", address)
        if not named:
            raise SystemExit(f"{address} is not at GitHub: give https://github.com/OWNER/NAME.")
        project = root / "pyproject.toml"
        text = project.read_text(encoding="utf-8")
        line = f'Repository = "https://github.com/{named[1]}"'
        project.write_text(re.sub(r'(?m)^Repository = ".*"$', line, text), encoding="utf-8")
    for path, text in written(root).items():
        path.write_text(text, encoding="utf-8")
