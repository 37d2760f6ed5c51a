"""What a painting is made of, and what is kept of it."""

import os
from typing import NamedTuple

import numpy as np

from ..errors import SettingError
from ..settings import OPTIONS

ALPHA, BETA, TV = (OPTIONS[name].default for name in ("alpha", "beta", "tv"))


class Scene(NamedTuple):
    """What a Transfer is built of: when it changes, a new one is made.

    content, style: names of the gallery, paths, addresses, or names given by `Sources.upload`.
    size: the longest side in pixels.  init: "content", "noise" or "blank".
    keep_colors: None, "luminance" or "histogram".
    """

    content: str = "cat"
    style: str = "starry_swirls"
    network: str = "mini"
    size: int = 256
    init: str = "content"
    keep_colors: str | None = None

    def changed(self, **fields):
        """The scene with other fields.  Raises SettingError for what no scene can have."""
        for name, value in fields.items():
            if name not in self._fields:
                raise SettingError(f"A scene has no {name!r}: change {', '.join(self._fields)}.")
            if name in OPTIONS:
                fields[name] = OPTIONS[name].check(value)
            elif isinstance(value, str | os.PathLike):
                fields[name] = os.fspath(value)
            else:
                raise SettingError(f"The {name} is {value!r}: give the name of a picture.")
        return self._replace(**fields)


class Snapshot(NamedTuple):
    """A picture, (height, width, 3) in 0–255, and all that was set when it was painted."""

    picture: np.ndarray
    scene: Scene
    weights: dict
    steps: int
    parent: int | None  # the snapshot that it was painted from
    curve: list  # the costs on the way there, see `Session.tick`
    # What the optimizer moves: another picture where colors are kept, and clipped.
    pixels: np.ndarray | None = None

    @property
    def label(self):
        return f"α {number(self.weights['alpha'])} · β {number(self.weights['beta'])}"


def number(value):
    """Three digits, and no powers of ten, for readers: 0.0123, 4.5, 2750."""
    return f"{float(f'{value:.3g}'):g}"


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
