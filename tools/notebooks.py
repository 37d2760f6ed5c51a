"""The notebooks: NAME.py (jupytext's percent format) is edited, NAME.ipynb is made from it.

    python tools/notebooks.py build                      execute all notebooks, into notebooks/
    python tools/notebooks.py build 01 -p SIZE 128       one of them, with another parameter
    python tools/notebooks.py build --output build --html
    python tools/notebooks.py sync                       copy changed prose to the .ipynb files
    python tools/notebooks.py check                      compare the pairs and the addresses
    python tools/notebooks.py publish [ADDRESS]          write badges, addresses and setup cells

What `publish` writes is in addresses.py.
"""

import argparse
import ast
import base64
import copy
import html
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import addresses  # noqa: E402

FOLDER = ROOT / "notebooks"
FOLDED = {"setup", "hide-input"}  # tags of cells whose code is hidden until it is clicked
METADATA = {  # for Colab and Jupyter: ask for a GPU; the kernel is any Python 3
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "provenance": []},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NOISE = re.compile(r"WARNING: All log messages before absl|I0000|\r")  # TensorFlow, progress bars
WIDGET = "application/vnd.jupyter.widget-view+json"
STUDIO = ROOT / "images" / "studio.jpg"  # taken by tests/test_browser.py
STUDIO_ALT = "The studio: photograph, style, painting, J in numbers, the knob β/α, cost curves."


def sources(names=()):
    """The .py files of the notebooks whose names begin with one of `names`; by default of all."""
    found = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
    for name in names:
        if not any(path.stem.startswith(name) for path in found):
            raise SystemExit(f"There is no notebook {name}: {', '.join(p.stem for p in found)}.")
    return [path for path in found if not names or path.stem.startswith(tuple(names))]


def notebook(path):
    """The notebook that a .py file describes, with its folded cells, not executed."""
    made = jupytext.read(path)
    made.metadata = {"jupytext": made.metadata["jupytext"], **METADATA}
    for i, cell in enumerate(made.cells):
        cell["id"] = f"cell-{i}"  # the same in every build, so that a diff shows what changed
        if FOLDED & set(cell.metadata.get("tags", [])):
            cell.metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
    return made


def execute(made, parameters=None, name="", folder=FOLDER):
    """Run a notebook in `folder`; `parameters` are set at the end of its cell tagged so."""
    for cell in made.cells:
        if parameters and "parameters" in cell.metadata.get("tags", []):
            cell.source += "".join(f"\n{key} = {value!r}" for key, value in parameters.items())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if weights := os.environ.get("NST_WEIGHTS"):  # the kernel works in another folder
        os.environ["NST_WEIGHTS"] = os.path.abspath(weights)
    code = sum(cell.cell_type == "code" for cell in made.cells)
    with tqdm(total=code, desc=name, unit="cell", leave=False, disable=None) as bar:
        NotebookClient(
            made,
            timeout=None,
            record_timing=False,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            extra_arguments=["--log-level=ERROR"],
            on_cell_executed=lambda **_: bar.update(),
        ).execute(stderr=subprocess.DEVNULL)
    made.metadata.language_info = METADATA["language_info"]
    made.metadata.pop("widgets", None)
    for cell in made.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and not NOISE.match(output.text):
                print(f"{name}: not stored: {output.text.strip()}", file=sys.stderr)
        if "outputs" in cell:
            cell.outputs = [_lasting(o) for o in cell.outputs if o.get("name") != "stderr"]


def _lasting(output):
    """The studio is dead without its kernel: a picture of it is stored instead."""
    if WIDGET in output.get("data", {}):
        picture = base64.b64encode(STUDIO.read_bytes()).decode()
        output.data = {"image/jpeg": picture, "text/plain": STUDIO_ALT}
        output.metadata = {"image/jpeg": {"alt": STUDIO_ALT}}
    return output


def build(names, parameters, output, pages):
    output.mkdir(parents=True, exist_ok=True)
    for path in sources(names):
        made, begun = notebook(path), time.monotonic()
        written = [cell.source for cell in made.cells]
        execute(made, parameters, path.stem)
        if output == FOLDER:  # a pair has the same sources, without the parameters of this call
            for cell, source in zip(made.cells, written, strict=True):
                cell.source = source
        target = output / f"{path.stem}.ipynb"
        nbformat.write(made, target)
        if pages:
            target.with_suffix(".html").write_text(page(made, path.stem), encoding="utf-8")
        size, seconds = target.stat().st_size / 1e6, time.monotonic() - begun
        print(f"{path.stem}: {seconds:.0f} s, {size:.1f} MB", flush=True)


def sync():
    """Copy prose, tags and setup cells to each .ipynb file whose other code has not changed."""
    for path in sources():
        target, made = path.with_suffix(".ipynb"), notebook(path)
        before = nbformat.read(target, 4).cells if target.exists() else []
        old, new = ([c for c in cells if c.cell_type == "code"] for cells in (before, made.cells))
        if _code(old) != _code(new):
            print(f"{path.stem}: its code has changed: call build {path.stem}.")
            continue
        for cell, executed in zip(new, old, strict=True):
            cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
        nbformat.write(made, target)


def _code(cells):
    """What the outputs depend on."""
    return [None if "setup" in c.metadata.get("tags", []) else c.source for c in cells]


def page(made, title):
    """The notebook as one HTML page; nbconvert leaves out GIFs and the alt texts of SVGs."""
    made = copy.deepcopy(made)
    for output in (o for cell in made.cells for o in cell.get("outputs", [])):
        for kind in {"image/gif", "image/svg+xml"} & set(output.get("data", {})):
            output.data["text/html"] = img(output, kind)
    return HTMLExporter().from_notebook_node(made, {"metadata": {"name": title}})[0]


def img(output, kind):
    """A picture among the outputs as a tag of HTML."""
    data, about = output.data[kind], output.metadata.get(kind, {})
    if kind == "image/svg+xml":  # is text; the others are base64 already
        data = base64.b64encode(data.encode()).decode()
    alt = html.escape(about.get("alt", ""))
    wide = f' width="{about["width"]}"' if "width" in about else ""
    return f'<img alt="{alt}"{wide} style="max-width: 100%" src="data:{kind};base64,{data}">'


def problems():
    """A sentence for each notebook whose two files differ and each address that is wrong."""
    for path in sources():
        pair = path.with_suffix(".ipynb")
        if not pair.exists():
            yield f"{pair.name} is missing: call tools/notebooks.py build {path.stem}."
        elif _cells(nbformat.read(pair, 4)) != _cells(notebook(path)):
            yield f"{pair.name} differs from {path.name}: call tools/notebooks.py build or sync."
    for path, text in addresses.written().items():
        if path.read_text(encoding="utf-8") != text:
            yield f"{path.name} has another address or setup cell: call tools/notebooks.py publish."


def _cells(made):
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in made.cells]


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("build", help="make and execute the .ipynb files").add_argument
    add("names", nargs="*", help="beginnings of names, such as 01 (default: all)")
    add("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="parameter")
    add("--output", type=Path, default=FOLDER, help="folder (default: notebooks/)")
    add("--html", action="store_true", help="also write .html pages")
    commands.add_parser("sync", help="copy changed prose to the .ipynb files")
    commands.add_parser("check", help="compare the pairs and the addresses")
    add = commands.add_parser("publish", help="write badges, addresses, setup cells").add_argument
    add("address", nargs="?", help="https://github.com/OWNER/NAME (default: pyproject.toml's)")
    given = parser.parse_args()
    if given.command == "build":
        output = FOLDER if given.output.resolve() == FOLDER else given.output
        parameters = {name: _value(text) for name, text in given.p}
        build(given.names, parameters, output, given.html)
    elif given.command == "sync":
        sync()
    elif given.command == "publish":
        addresses.publish(given.address)
        sync()
    elif found := list(problems()):
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
