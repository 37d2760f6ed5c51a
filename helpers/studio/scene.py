"""What a painting is made of, and what is kept of it."""

from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import SettingError

ALPHA, BETA, TV = 1.0, 100.0, 1e-3
WEIGHTS = ("alpha", "beta", "tv", "layer_weights")


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
            if name in ("content", "style") and isinstance(value, Path):
                fields[name] = str(value)
            elif name in ("content", "style", "network") and not isinstance(value, str):
                raise SettingError(f"The {name} is {value!r}: give its name.")
            elif name == "size":
                fields[name] = whole(name, value, 2)
        return self._replace(**fields)


class Snapshot(NamedTuple):
    """A picture, (height, width, 3) in 0–255, and all that was set when it was painted."""

    picture: np.ndarray
    scene: Scene
    weights: dict
    steps: int
    parent: int | None  # the snapshot that it was painted from
    curve: list  # the costs on the way there, see `Session.tick`

    @property
    def label(self):
        return f"α {number(self.weights['alpha'])} · β {number(self.weights['beta'])}"


def number(value):
    """Three digits, and no powers of ten, for readers: 0.0123, 4.5, 2750."""
    return f"{float(f'{value:.3g}'):g}"


def whole(name, value, least):
    """The value as an int, or a SettingError."""
    if not isinstance(value, Integral) or value < least:
        raise SettingError(f"The {name} is {value!r}: give a whole number of {least} or more.")
    return int(value)


def numbers(name, values):
    """A list of one number or more, or a SettingError; their range is checked by Transfer."""
    values = list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values]
    if not values:
        raise SettingError(f"There is no {name}: give at least one.")
    for value in values:
        if not isinstance(value, Real):
            raise SettingError(f"The {name} is {value!r}: give a number.")
    return values


def check_weights(weights):
    """Raises SettingError unless these are WEIGHTS, one number each or one for each layer."""
    for name, value in weights.items():
        if name not in WEIGHTS:
            raise SettingError(f"There is no weight {name!r}: set {', '.join(WEIGHTS)}.")
        if name == "layer_weights" and not isinstance(value, dict):
            raise SettingError(f"The layer weights are {value!r}: give a weight for each layer.")
        for one in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(one, Real):
                raise SettingError(f"The {name} is {one!r}: give one number.")


def layer_weights(network, given):
    """`given` where the network has the layer; layers that were not named get their mean."""
    given = {layer: w for layer, w in (given or {}).items() if layer in network.style_layers}
    if not any(given.values()):  # all that counted are layers of another network
        given = {}
    mean = sum(given.values()) / len(given) if given else 1.0
    return {layer: given.get(layer, mean) for layer in network.style_layers}
