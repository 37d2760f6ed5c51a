"""What a painting is made of, and what is kept of it."""

import os
from typing import NamedTuple

import numpy as np

from .. import files
from ..errors import SettingError
from ..settings import OPTIONS, Option
from .film import Film

ALPHA, BETA, TV = (OPTIONS[name].default for name in ("alpha", "beta", "tv"))
MASKS = ("white", "black")  # the parts of a mask that the first style and the second one have
# What only a scene has.
_OWN = {
    "style_scale": Option("style_scale", 1.0, "", float, "scale of the style picture",
                          least=0.25, most=4),
    "share": Option("share", 0.5, "", float, "share of the second style", most=1),
}  # fmt: skip


class Scene(NamedTuple):
    """What a Transfer is built of: when it changes, a new one is made.

    content, style: names of the gallery, paths, addresses, or names given by `Sources.upload`.
    size: the longest side in pixels.  init: "content", "noise" or "blank".
    keep_colors: None, "luminance" or "histogram".
    style_scale: the style picture's longest side as a share of the photograph's; with 2 the strokes
    are twice as large.  second: another style picture, or None.  share: of J_style that it has.
    style_cost: what of a layer is its style, see `costs.STYLE_COSTS`.
    mask: None, a part of the photograph in `masks.PARTS`, or the name of a mask's picture: where it
    is white the style is at work; elsewhere the second one, or the photograph stays.
    """

    content: str = "cat"
    style: str = "starry_swirls"
    network: str = "mini"
    size: int = 256
    init: str = "content"
    keep_colors: str | None = None
    style_scale: float = 1.0
    second: str | None = None
    share: float = 0.5
    style_cost: str = OPTIONS["style_cost"].default
    mask: str | None = None

    def changed(self, **fields):
        """The scene with other fields.  Raises SettingError for what no scene can have."""
        for name, value in fields.items():
            if name not in self._fields:
                raise SettingError(f"A scene has no {name!r}: change {', '.join(self._fields)}.")
            if option := _OWN.get(name) or OPTIONS.get(name):
                fields[name] = option.check(value)
            elif isinstance(value, str | os.PathLike):
                fields[name] = os.fspath(value)
            elif name != "second" or value is not None:
                raise SettingError(f"The {name} is {value!r}: give the name of a picture.")
        return self._replace(**fields)

    @property
    def styles(self):
        """{name: its share of J_style}, which a mask gives to both alike: each has its place."""
        if self.second in (None, self.style):
            return {self.style: 1.0}
        if self.mask:
            return {self.style: 0.5, self.second: 0.5}
        return {self.style: 1 - self.share, self.second: self.share}

    @property
    def style_masks(self):
        """Of each style, the color of its part of the mask; None without one."""
        return list(MASKS[: len(self.styles)]) if self.mask else None


class Snapshot(NamedTuple):
    """A picture, (height, width, 3) in 0–255, and all that was set when it was painted."""

    picture: np.ndarray
    scene: Scene
    weights: dict
    steps: int
    parent: int | None = None  # the snapshot that it was painted from
    curve: list = ()  # the costs on the way there, see `Session.tick`
    film: Film = None  # the pictures on the way there
    # What the optimizer moves: another picture where colors are kept, and clipped.
    pixels: np.ndarray | None = None

    @property
    def label(self):
        return f"α {number(self.weights['alpha'])} · β {number(self.weights['beta'])}"


def number(value):
    """Three digits, and no powers of ten, for readers: 0.0123, 4.5, 2750."""
    return f"{float(f'{value:.3g}'):g}" if np.isfinite(value) else "∞"


def readable(name):
    """What a picture is called on the page."""
    return files.public(name).replace("_", " ")


def ratio(weights):
    """β/α, infinite where the style alone counts."""
    return weights["beta"] / weights["alpha"] if weights["alpha"] else np.inf


def layer_weights(network, given):
    """`given` where the network has the layer; layers that were not named get their mean."""
    if not isinstance(given, dict | None):
        raise SettingError(f"The weights of the layers are {given!r}: give one for each by name.")
    given = OPTIONS["layer_weights"].check(given) if given else {}
    given = {layer: weight for layer, weight in given.items() if layer in network.style_layers}
    if not any(given.values()):  # all that counted are layers of another network
        given = {}
    mean = sum(given.values()) / len(given) if given else 1.0
    return {layer: given.get(layer, mean) for layer in network.style_layers}
