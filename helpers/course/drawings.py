"""Drawings for the notebooks: the method, VGG and the layers that are read, unrolling, successors.

They are the .svg files of this folder; the style in a file says how its parts look, and classes
that are added here say which are lit.  Each has a light ground of its own: GitHub and JupyterLab
show an SVG as an image, which knows nothing of the page's colors and would be dark on dark.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from .. import vgg as networks

PARTS = ("vgg", "content", "gram", "style", "total", "gradient", "pixels")


class Drawing:
    """An SVG, which a notebook shows with its alternative text beside it.

    data: the text of the SVG; its <title> is what it says to those who do not see it.
    """

    def __init__(self, data: str):
        self.data = data
        self.alt = re.search("<title>(.*?)</title>", data, re.DOTALL)[1]

    def _repr_mimebundle_(self, **_):
        bundle = {"image/svg+xml": self.data, "text/plain": self.alt}
        return bundle, {"image/svg+xml": {"alt": self.alt}}


def method(lit: str | Iterable[str] = ()) -> Drawing:
    """The whole method in one drawing.

    lit: names of PARTS, drawn in color, the rest in gray.  Raises ValueError for other names.
    """
    lit = {lit} if isinstance(lit, str) else set(lit)
    if unknown := lit - set(PARTS):
        raise ValueError(f"The drawing has no part {unknown.pop()!r}: it has {', '.join(PARTS)}.")
    data = _file("method")
    if names := [part for part in PARTS if part in lit]:
        data = _add_classes(data, "method", "lit", *(f"lit-{name}" for name in names))
        data = data.replace("</title>", f" Lit here: {', '.join(names)}.</title>")
    return Drawing(data)


def vgg(network: networks.Network) -> Drawing:
    """The network's blocks and convolutions; those that it was loaded to read are in color."""
    table = list(networks.layer_table(network.name))
    read = [layer for layer in table if layer in network.layers]
    styles = ", ".join(layer for layer in network.style_layers if layer in read)
    data = _file("vgg")
    for layer in table[: table.index(read[-1]) + 1]:
        kind = "content" if layer == network.content_layer else "style"
        data = _add_classes(data, layer, "shown", *[kind] * (layer in read))
        if layer.endswith("conv1"):
            data = _add_classes(data, layer.split("_")[0], "shown")
    data = data.replace("640", str(max(640, 408 + 7 * len(styles))))  # as wide as its legend
    data = data.replace("NETWORK", network.name).replace("READ", ", ".join(read))
    data = data.replace("CONTENT", network.content_layer).replace("STYLE", styles)
    return Drawing(data)


def unrolled() -> Drawing:
    """An activation (n_H, n_W, n_C) becomes the matrix F: a row a position, a column a channel."""
    return Drawing(_file("unrolled"))


def successors() -> Drawing:
    """What came after the loop: feed-forward networks, statistics, matching, diffusion."""
    return Drawing(_file("successors"))


def _file(name):
    return Path(__file__).with_name(f"{name}.svg").read_text(encoding="utf-8")


def _add_classes(data, element, *classes):
    """The SVG with more classes for the element whose class is, or ends with, this one."""
    return data.replace(f'{element}"', f'{" ".join([element, *classes])}"')
