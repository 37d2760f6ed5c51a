"""Slides for notebooks 1 to 6, made from the cells that notebooks/GUIDE.md goes through.

    python tools/slides.py           to build/slides: a file for each, which needs no internet

A cell tagged `slide` begins a slide, a cell tagged `fragment` is added to it by the next key, and
all others stay in the notebook.  A code cell shows its pictures or tables; without any, the
functions that it defines, what it prints, or its code.  Questions ("Before you run it") and what
is folded in <details> wait for a key as well.
"""

import ast
import html
import re
import sys
from pathlib import Path
from string import Template
from xml.etree import ElementTree

import nbformat
import ziafont
import ziamath
from nbconvert.filters import markdown2html

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import notebooks  # noqa: E402

REVEAL = Path(sys.prefix, "reveal", "sphinx_revealjs", "_static", "revealjs")  # see the Makefile
ziafont.config.svg2 = False  # each formula is complete by itself


def formula(found):
    """LaTeX as a drawing, so that no program and no font is needed to show it."""
    inline, latex, size = found[1] == "$", html.unescape(found[2]), 30
    made = ziamath.Latex(latex, size=size, inline=inline)
    drawn = made.svgxml()
    for side in ("width", "height"):  # in units of the type around it
        drawn.set(side, f"{float(drawn.get(side)) / size:.3f}em")
    drawn.set("style", f"vertical-align: {made.getyofst() / size:.3f}em" if inline else "")
    drawn.set("aria-label", latex)
    return ElementTree.tostring(drawn, encoding="unicode")


def prose(text):
    """Markdown as HTML without links and asides; questions and answers are fragments."""
    page = re.sub(r'<a class="anchor-link".*?</a>|</?a\b[^>]*>', "", markdown2html(text))
    page = re.sub(r"\s*\([A-Z][^()]*\.\)", "", page)
    page = re.sub(r"(?s)(\$\$?)(.+?)\1", formula, page)
    question = r"(?s)(<p>)?(<strong>(?:Before you|On paper|Look for)\b.*?</p>)"
    begin = '<p class="fragment question">'
    page = re.sub(question, lambda m: ("" if m[1] else "</p>") + begin + m[2], page)
    answer = r"<details>\s*<summary>.*?</summary>"
    return re.sub(answer, '<div class="fragment">', page).replace("</details>", "</div>")


def pieces(cell):
    """What is shown of a cell, in HTML: the first piece on its slide, each other on its own."""
    if cell.cell_type == "markdown":
        return [prose(cell.source)]
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        found += [notebooks.img(output, kind) for kind in data if kind.startswith("image/")]
        pictures = re.findall(r'alt="([^"]*)" src="([^"]*)"', data.get("text/html", ""))
        found += [f'<h2>{alt}</h2><img alt="{alt}" src="{src}">' for alt, src in pictures]
        found += map(prose, re.split(r"\n(?=\*\*\d\.\*\*)", data.get("text/markdown", "")))
    if any(found):
        return list(filter(None, found))
    functions = [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
    code = "\n\n".join(ast.get_source_segment(cell.source, node) for node in functions)
    printed = "".join(output.get("text", "") for output in cell.outputs)
    if printed and not code:
        return [f"<pre>{html.escape(printed)}</pre>"]
    return [markdown2html(f"```python\n{code or cell.source}\n```")]


def section(parts):
    """A slide: what stands before its picture, the picture, and what stands behind it."""
    at = next((i for i, part in enumerate(parts) if "<img" in part), len(parts))
    before, picture, behind = map("".join, (parts[:at], parts[at : at + 1], parts[at + 1 :]))
    return f"<section><div>{before}</div>{picture}<div>{behind}</div></section>"


def page(path):
    """The slides of the notebook in this .ipynb file, in HTML, with all that they need."""
    slides = []
    for cell in nbformat.read(path, 4).cells:
        tags = {"slide", "fragment"} & set(cell.metadata.get("tags", []))
        if not tags:
            continue
        title = re.match(r"# ?@title (?!What else|.*folded)(.*)", cell.source)
        title = f"<h2>{title[1]}</h2>" if title else ""
        first, *more = pieces(cell)
        if "slide" in tags:
            slides.append([title, f"<div>{first}</div>"])
        else:
            waits = "" if first.startswith('<p class="fragment') else "fragment"  # by itself
            slides[-1].append(f'<div class="{waits}">{first}</div>')
        slides += [["" if "<h2" in piece else title, f"<div>{piece}</div>"] for piece in more]
    files = {"css": "dist/reveal.css", "js": "dist/reveal.js"}
    files |= {name: f"plugin/{name}/{name}.js" for name in ("notes", "zoom")}
    reveal = {name: (REVEAL / file).read_text(encoding="utf-8") for name, file in files.items()}
    template = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
    return template.substitute(reveal, title=path.stem, slides="\n".join(map(section, slides)))


if __name__ == "__main__":
    output = ROOT / "build" / "slides"
    output.mkdir(parents=True, exist_ok=True)
    for path in sorted(notebooks.FOLDER.glob("0[1-6]_*.ipynb")):
        (output / f"{path.stem}.html").write_text(page(path), encoding="utf-8")
    print(f"{output}: open a file in a browser; F is the full screen")
