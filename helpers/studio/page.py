"""What the page shows, as text: pieces of HTML, with studio.css and studio.js in them; the chart.

studio.js is divided into snippets, studio.html into templates.  Snippets stand in attributes of the
page, because GitHub and Colab run nothing else.
"""

import html
import math
import re
import string
from pathlib import Path

import numpy as np

from .. import images
from ..animation import data_address
from .session import number

_HERE = Path(__file__).parent


def _pieces(name, mark):
    """{name: text} of a file that is divided by lines with names."""
    parts = re.split(mark, (_HERE / name).read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _attribute(code):
    lines = [line.strip() for line in code.splitlines()]
    return html.escape(" ".join(line for line in lines if not line.startswith("//")))


_SCRIPTS = {n: _attribute(code) for n, code in _pieces("studio.js", r"^//: (\w+)\n").items()}
_SCRIPTS["css"] = (_HERE / "studio.css").read_text(encoding="utf-8")
_HTML = _pieces("studio.html", r"^<!-- (\w+) -->\n")


def piece(name: str, /, **values) -> str:
    """A piece of studio.html, filled with texts and numbers."""
    values = {name: html.escape(str(value)) for name, value in values.items()}
    return string.Template(_HTML[name].strip()).substitute(_SCRIPTS | values)


def formula(spec, costs: dict) -> str:
    """J with its weights and its costs, in the colors of the chart; costs: `Transfer.latest`."""
    if not costs:
        return piece("no_formula")
    values = {name: costs[name] for name in ("content", "style", "tv", "total")}
    values |= {"alpha": spec.alpha, "beta": spec.beta, "gamma": spec.tv}
    return piece("formula", **{name: number(value) for name, value in values.items()})


def chart(rows: list[dict], alive: bool = False, width: int = 460, height: int = 96) -> str:
    """Content and style cost over the steps as an SVG, on a log scale that it names.

    rows: as in `Transfer.history`.  Where the painting goes on at another size, whose costs are
    others, the lines begin anew.
    alive: whether a sentence is to appear when nothing more comes for half a minute.
    """
    silence = piece("silence") if alive else ""
    if len(rows) < 2:
        return piece("no_chart") + silence
    steps, levels, *costs = (
        np.array([row[name] for row in rows]) for name in ("step", "level", "content", "style")
    )
    costs = np.log10(np.maximum(costs, 1e-3))
    low, high = math.floor(costs[:, 1:].min()), math.ceil(max(costs.max(), costs.min() + 0.1))
    x = 40 + (width - 50) * (steps - steps[0]) / max(steps[-1] - steps[0], 1)
    y = 6 + (height - 24) * (high - np.maximum(costs, low)) / (high - low)
    drawn = ""
    for power in range(low, high + 1, max(1, (high - low) // 3)):
        level = 6 + (height - 24) * (high - power) / (high - low)
        drawn += f'<path class="nst-rule" d="M40 {level:.1f}H{width - 10}"/>'
        drawn += _text(36, level + 4, f"{10.0**power:g}", "end")
    pieces = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(levels)) + 1)
    for kind, heights in zip(("nst-c", "nst-s"), y, strict=True):
        for part in pieces:
            points = " ".join(f"{x[i]:.1f},{heights[i]:.1f}" for i in part)
            drawn += f'<polyline class="{kind}" points="{points}"/>'
    drawn += _text(40, height - 4, f"step {steps[0]}")
    drawn += _text(width - 10, height - 4, f"step {steps[-1]}", "end")
    content, style = (number(rows[-1][name]) for name in ("content", "style"))
    said = f"Costs at step {steps[-1]}: content cost {content}, style cost {style}"
    opened = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{said}">'
    return f"{opened}{drawn}</svg>{piece('keys')}{silence}"


def _text(x, y, text, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def download(path: Path) -> str:
    """A link to the file in the page itself, which opens it once: in Colab the file would be on
    another machine."""
    kind = path.suffix.lower().lstrip(".").replace("jpg", "jpeg")
    return piece("download", name=path.name, address=data_address(path.read_bytes(), kind))


def jpeg(picture: np.ndarray, side: int) -> bytes:
    """The bytes of a JPEG of the picture, at most `side` pixels long."""
    scale = side / max(picture.shape)
    if scale < 1:
        shape = (max(1, round(n * scale)) for n in picture.shape[:2])
        picture = images.resize(picture, *shape)
    return images.encode(picture, quality=88)


def address(picture: np.ndarray, side: int) -> str:
    """The same as a data: address."""
    return data_address(jpeg(picture, side))


def figures(shown: list, side: int = 320) -> str:
    """Pictures beside each other: [(picture, what it is)]."""
    found = (piece("figure", text=text, address=address(picture, side)) for picture, text in shown)
    return f'<div class="nst-figures">{"".join(found)}</div>'
