"""The settings of a run, each once: its name, default, help, choices and check.

The command line, the table of jobs, `Transfer`, the metadata and the checkpoint take them from
here.  Neither TensorFlow nor Keras is needed, so that mistakes show at once.
"""

import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .errors import SettingError

# Weights end up in float32: larger ones would become infinite there, smaller ones 0.
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Option:
    """One setting.

    kind: str, int or float.  what: how a sentence calls it.  choices: all values there are.
    many: a list of values.  batch: in Python also one value for each picture of a batch.
    least, most: bounds of a number; above: it must be more than `least`.
    twice: of many texts, whether one may come twice.
    alone: the value of the option without a value.  metavar: the value's name in the help.
    """

    name: str
    default: object
    help: str
    kind: type = str
    what: str = ""
    choices: tuple = ()
    many: bool = False
    batch: bool = False
    least: float = 0
    most: float = _LARGEST
    above: bool = False
    twice: bool = False
    alone: object = None
    metavar: str = None

    @property
    def flag(self):
        return "--" + self.name.replace("_", "-")

    def add_to(self, parser):
        """As an option of an argparse parser, which leaves its value a text: see `read`."""
        several = "+" if self.many else "?" if self.alone else None
        text = f"{self.help}: {_either(self.choices)}" if self.choices else self.help
        text += "" if self.default is None else f" (default: {self.default})"
        words = {"const": self.alone} if self.alone else {}
        parser.add_argument(self.flag, nargs=several, help=text, metavar=self.metavar, **words)

    def read(self, text):
        """The value that a text means; of an option with many values, words or a list of them."""
        if self.many:
            words = text.split() if isinstance(text, str) else text
            return self.check([self._parse(word) for word in words])
        return self.check(self._parse(text))

    def check(self, value):
        """The value as plain Python numbers, texts and lists; raises SettingError if it is wrong.

        None stands for a default that depends on the run, where there is one.
        """
        if value is None and self.default is None:
            return None
        if self.many:
            return self._many(value)
        values = _listed(value) if self.batch else []
        return [self._one(one) for one in values] or self._one(value)

    @property
    def _what(self):
        return self.what or self.name.replace("_", " ")

    def _parse(self, text):
        try:
            return self.kind(text)
        except ValueError:
            raise self._wrong(text) from None

    def _many(self, values):
        if isinstance(values, Mapping) and self.kind is float:
            return dict(zip(values, self._many(list(values.values())), strict=True))
        listed = _listed(values)
        if not listed:
            raise SettingError(f"The {self._what} is {_shown(values)}: give a list of them.")
        values = [self._one(value) for value in listed]
        if self.kind is str and not self.twice and len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise SettingError(f"The {self._what} {twice} is named twice: name each once.")
        if self.kind is float and not any(values):
            every = self._what.replace(" of a ", " of every ")
            raise SettingError(f"The {every} is 0: give at least one a weight.")
        return values

    def _one(self, value):
        if self.kind is str:
            return self._text(value)
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError
            number = operator.index(value) if self.kind is int else float(value)
        except (TypeError, ValueError, OverflowError):
            raise self._wrong(value) from None
        if not number >= self.least or (self.above and number == self.least):
            raise self._wrong(number)
        if number > self.most:
            raise self._wrong(number, f"of at most {self.most:.10g}")
        if self.kind is float and 0 < number < _SMALLEST:
            raise self._wrong(number, f"of at least {_SMALLEST:.1g}")
        return number

    def _text(self, value):
        if self.choices and (not isinstance(value, str) or value not in self.choices):
            named = f"choose {_either(self.choices)}"
            raise SettingError(f"There is no {self._what} {_shown(value)}: {named}.")
        try:
            text = os.fsdecode(value)
        except TypeError:
            text = ""
        if not text:
            raise SettingError(f"The {self._what} is {_shown(value)}: give a name or none at all.")
        return text

    def _wrong(self, value, bound=None):
        number = "a whole number" if self.kind is int else "a finite number"
        bound = bound or (f"above {self.least}" if self.above else f"of {self.least} or more")
        return SettingError(f"The {self._what} is {_shown(value)}: give {number} {bound}.")


def _listed(value):
    """The values of a list, tuple or array of one dimension, else an empty list."""
    try:
        return list(value) if np.ndim(value) == 1 else []
    except (TypeError, ValueError):  # of a list of lists of different lengths
        return []


def _either(choices):
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _shown(value):
    """The value for a sentence, in one short line."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write out whole numbers of thousands of digits
        return "a number of thousands of digits"
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:60]}…"


_CONTENT_LAYER = "layer of the content cost (default: block4_conv2, if it is there)"
_LAYERS = "layers of the style cost (default: block*_conv1)"
_STYLE_WEIGHTS = "one for each STYLE, or for each in each style layer (default: equal)"
_STYLE_SCALE = (
    "size of STYLE over SIZE, one for all or for each: 0.5 has finer strokes (default: 1)"
)
_MASK = (
    "picture of CONTENT's regions, black, white or red to magenta, or light or dark for its light "
    "or dark parts; those of no STYLE stay"
)
_STYLE_MASK = "for each STYLE the region it paints, or such a picture of it (default: white)"
_LEVELS = "coarse to fine: 3 is 1/4, 1/2, full size (default: 2 if there is room, else 1)"
_REPORT = "file (.json) for settings, network, costs per step and seconds"
_KEEP = "the photograph's colors stay; alone: luminance"

_COSTS = ("course", "gatys", "mse", "relative")
_STYLE_COSTS = ("gram", "mean-std", "moments", "wasserstein")
_NETWORKS = ("auto", "vgg19", "vgg16", "mini")
_PRECISIONS = ("auto", "float32", "bfloat16", "float16")
_INITS = ("content", "noise", "blank")

_ALL = (
    Option("size", 384, "longest side in pixels", int, least=2, most=100_000),
    Option("steps", 200, "steps over all levels", int, "number of steps", least=1, most=10**9),
    Option("levels", None, _LEVELS, int, "number of levels", least=1, most=16),
    Option("alpha", 1.0, "weight of the content cost", float, batch=True),
    Option("beta", 6.0, "weight of the style cost", float, batch=True),
    Option("tv", 1e-3, "weight of the total variation", float, "weight of the total variation"),
    Option("costs", "relative", "constants of the costs", what="cost convention", choices=_COSTS),
    Option("style_cost", "gram", "what of a layer is its style", choices=_STYLE_COSTS),
    Option("network", "auto", "network that looks", choices=_NETWORKS),
    Option("weights", None, "file of the network's weights (.npz or .h5)", what="weights file"),
    Option("pooling", "max", "of the network", choices=("max", "average")),
    Option("precision", "auto", "of the network", choices=_PRECISIONS),
    Option("content_layer", None, _CONTENT_LAYER),
    Option("style_layers", None, _LAYERS, what="style layer", many=True),
    Option("layer_weights", None, "one for each style layer (default: equal)", float,
           "weight of a style layer", many=True),
    Option("style_weights", None, _STYLE_WEIGHTS, float, "weight of a style picture", many=True),
    Option("style_scale", None, _STYLE_SCALE, float, "scale of a style picture", many=True,
           most=100, above=True),
    Option("mask", None, _MASK),
    Option("style_mask", None, _STYLE_MASK, many=True, twice=True),
    Option("init", "content", "what to start from", what="start", choices=_INITS),
    Option("optimizer", "lbfgs", "way down", choices=("lbfgs", "adam")),
    Option("learning_rate", 12.0, "of Adam, in pixel units of 0-255", float, most=255, above=True),
    Option("keep_colors", None, _KEEP, what="way to keep colors",
           choices=("luminance", "histogram"), alone="luminance"),
    Option("seed", 0, "of the noise", int, most=2**63 - 1),
    Option("checkpoint", None, "file (.npz) rewritten while the run goes on"),
    Option("resume", None, "checkpoint to go on from", what="checkpoint to resume"),
    Option("preview_every", 0, "write OUT every N steps", int, "number of steps between previews",
           most=10**9, metavar="N"),
    Option("report", None, _REPORT),
)  # fmt: skip

OPTIONS = {option.name: option for option in _ALL}


def default(name):
    return OPTIONS[name].default


def read(texts):
    """{name: value} of every option: what the texts mean, {name: text or list}, else defaults."""
    found = {name: option.default for name, option in OPTIONS.items()}
    found |= {name: OPTIONS[name].read(text) for name, text in texts.items() if text is not None}
    check_weights(found["alpha"], found["beta"])
    layers, weights = found["style_layers"], found["layer_weights"]
    if layers and weights and len(layers) != len(weights):
        raise SettingError("Give one of --layer-weights for each of --style-layers.")
    return found


def check_one_each(style_weights, styles, layers=None):
    """Style weights, or None for equal ones; raises SettingError unless each style has one.

    layers: how many there are.  Where each style has a weight in each of them, they become a list
    of lists.
    """
    weights, count = OPTIONS["style_weights"].check(style_weights), len(styles)
    if weights is None or len(weights) == count:
        return weights or [1.0] * count
    if len(weights) % count or layers not in (None, len(weights) // count):
        raise SettingError(
            f"There are {len(weights)} style weights for {count} style pictures: give one for "
            "each, or one for each in each style layer."
        )
    return [weights[i : i + count] for i in range(0, len(weights), count)]


def for_each(name, values, styles):
    """Values of an option, one for each style picture, where one value stands for all of them."""
    values = OPTIONS[name].check(values)
    if values is None or len(values) == len(styles):
        return values
    if len(values) > 1:
        raise SettingError(
            f"There are {len(values)} values of {name.replace('_', ' ')} for {len(styles)} style "
            "pictures: give one for all, or one for each."
        )
    return values * len(styles)


def check_weights(alpha, beta):
    """α and β that go together, each a number or a list; raises SettingError if they do not."""
    alpha, beta = OPTIONS["alpha"].check(alpha), OPTIONS["beta"].check(beta)
    lengths = {len(value) for value in (alpha, beta) if isinstance(value, list)} - {1}
    if len(lengths) > 1:
        raise SettingError(
            f"There are {len(alpha)} values of alpha and {len(beta)} of beta: give as many."
        )
    if np.any((np.asarray(alpha) == 0) & (np.asarray(beta) == 0)):
        raise SettingError("Alpha and beta are both 0: give at least one of them a weight.")
    return alpha, beta
