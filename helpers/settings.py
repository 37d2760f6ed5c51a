"""The options of a run: each has its name, default, help and check here, and nowhere else.

`TransferSpec` is the one value between whoever asks for a painting (a command line, a line of a
table, the studio, a kept run) and `transfer.Transfer`, and it is what the picture's metadata and a
checkpoint remember.  TensorFlow is not needed here, so that mistakes show at once.
"""

import contextlib
import dataclasses
import operator
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from .errors import SettingError, either
from .files import public

WEIGHTS = ("alpha", "beta", "tv", "layer_weights")  # of J, which may change during a run


@dataclass(frozen=True)
class Option:
    """One option: how it is called, what it may be, and how the help describes it.

    kind: str, int or float.  choices: all its values.  many: it is a tuple of values.  batch: it
    may also be one value for each picture of a batch.  least, most: bounds of a number; larger
    weights would be infinite in float32.  none: the word that stands for None.
    """

    name: str
    default: object
    help: str
    kind: type = str
    choices: tuple = ()
    many: bool = False
    batch: bool = False
    least: float = 0
    most: float = 1e30
    none: str | None = None

    @property
    def described(self) -> str:
        """Its help, with its choices and default."""
        choices = f": {either(self.choices)}" if self.choices else ""
        default = "" if self.default is None else f" (default: {self.default})"
        return self.help + choices + default

    @property
    def flag(self) -> str:
        """Its name on a command line."""
        return "--" + self.name.replace("_", "-")

    def read(self, text: str | list[str]) -> object:
        """The value that a text, or a list of words, stands for.  Raises SettingError."""
        if self.many:
            words = text.split() if isinstance(text, str) else text
            return self.check([self._parsed(word) for word in words])
        return self.check(self._parsed(text))

    def _parsed(self, text):
        if text == self.none:
            return None
        with contextlib.suppress(ValueError):
            return self.kind(text)
        return text  # which is refused

    def check(self, value: object) -> object:
        """The value as plain Python numbers, texts and tuples.  Raises SettingError."""
        if value is None and (self.default is None or self.none):
            return None
        several = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 1
        if not (self.many or (self.batch and several)):
            return self._one(value)
        values = tuple(map(self._one, value if several else ()))
        if not values:
            raise SettingError(f"{self.name} is {_shown(value)}: give a list of values.")
        if self.many and self.kind is float and not any(values):
            raise SettingError(f"All {self.name} are 0: make at least one larger than 0.")
        return values

    def _one(self, value):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            if self.kind is str:
                found = str(os.fsdecode(value))
                if found in self.choices or (found and not self.choices):
                    return found
            elif not isinstance(value, (str, bytes, bool)):
                found = operator.index(value) if self.kind is int else float(value)
                if self.least <= found <= self.most:
                    return found
        if self.kind is str:
            advice = f"choose {either(self.choices)}" if self.choices else "give a name"
        else:
            number = "a whole number" if self.kind is int else "a number"
            advice = f"give {number} from {self.least} to {self.most}"
        raise SettingError(f"{self.name} is {_shown(value)}: {advice}.")


def _option(default, help, kind=str, **about):
    return field(default=default, metadata={"option": {"help": help, "kind": kind} | about})


def _choice(help, *choices):
    """An option whose first choice is its default."""
    return _option(choices[0], help, choices=choices)


def _list(help, kind=str, **bounds):
    return _option(None, help, kind, many=True, **bounds)


@dataclass(frozen=True)
class TransferSpec:
    """Everything that decides a painting, checked.  Values that make no sense: SettingError.

    content, styles: paths, addresses or gallery names; empty where pictures are given as arrays.
    Lists are kept as tuples.  layer_weights: in Python also {layer: weight}, which names the
    style layers too.  None stands for a default that depends on the network or the pictures.
    """

    content: str = ""
    styles: tuple[str, ...] = ()
    size: int | None = _option(
        512, "longest side in pixels, or original", int, least=2, most=100_000, none="original"
    )
    steps: int = _option(150, "steps over all levels", int, least=1, most=10**9)
    levels: int | None = _option(
        None,
        "sizes from coarse to fine (default: 2 if there is room, else 1)",
        int,
        least=1,
        most=16,
    )
    alpha: float | tuple[float, ...] = _option(1.0, "weight of the content cost", float, batch=True)
    beta: float | tuple[float, ...] = _option(20.0, "weight of the style cost", float, batch=True)
    tv: float = _option(3e-4, "weight of the total variation", float)
    costs: str = _choice("constants before the costs", "relative", "course", "gatys", "mse")
    style_cost: str = _choice("statistics that are the style", "gram", "mean-std", "wasserstein")
    network: str = _choice("network that compares the pictures", "auto", "vgg19", "vgg16", "mini")
    weights: str | None = _option(None, "file with the network's weights (.npz or .h5)")
    pooling: str = _choice("pooling of the network", "max", "average")
    precision: str = _choice("precision of the network", "auto", "float32", "bfloat16", "float16")
    content_layer: str | None = _option(
        None, "layer of the content cost (default: block4_conv2 if the network has it)"
    )
    style_layers: tuple[str, ...] | None = _list("layers of the style cost (default: block*_conv1)")
    layer_weights: tuple[float, ...] | None = _list(
        "one weight for each style layer (default: 0.2 0.5 1 0.15 0.003 from block 1 to 5)", float
    )
    style_weights: tuple[float, ...] | None = _list(
        "one weight for each STYLE, or for each in each style layer (default: equal)", float
    )
    style_scale: tuple[float, ...] | None = _list(
        "size of each STYLE, or of all, as a multiple of SIZE (default: 1); 0.5: finer strokes",
        float,
        least=0.001,
        most=100,
    )
    mask: str | None = _option(
        None,
        "picture that marks regions of CONTENT in black, white, red, green, blue, cyan, magenta or "
        "yellow; or light or dark, for its light or dark parts; a region without a STYLE stays "
        "as it is",
    )
    style_mask: tuple[str, ...] | None = _list(
        "for each STYLE the color of its region, or a picture of its regions (default: white)"
    )
    init: str = _choice(
        "first picture (light: CONTENT in the light of STYLE, without a mask or kept colors)",
        *("light", "content", "noise", "blank"),
    )
    optimizer: str = _choice("optimizer", "lbfgs", "adam")
    learning_rate: float = _option(
        12.0, "learning rate of Adam, in gray levels", float, least=0.001, most=255
    )
    keep_colors: str | None = _option(
        None, "way to keep the photograph's colors", choices=("luminance", "histogram")
    )
    seed: int = _option(0, "noise seed", int, most=2**63 - 1)

    def __post_init__(self):
        if isinstance(self.layer_weights, Mapping):
            self._set(style_layers=tuple(self.layer_weights))
            self._set(layer_weights=tuple(self.layer_weights.values()))
        styles = (self.styles,) if isinstance(self.styles, str) else self.styles
        try:
            self._set(content=os.fsdecode(self.content), styles=tuple(map(os.fsdecode, styles)))
        except TypeError:
            raise SettingError("A picture's name is not text: give paths or addresses.") from None
        for name, option in OPTIONS.items():
            self._set(**{name: option.check(getattr(self, name))})
        self._check_together()

    def _set(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen for everybody else

    def _check_together(self):
        alpha, beta = np.atleast_1d(self.alpha), np.atleast_1d(self.beta)
        if len({len(alpha), len(beta)} - {1}) > 1:
            raise SettingError(
                "alpha and beta differ in number: give equally many values, or one for one of them."
            )
        if np.any(alpha + beta < 1e-30):  # for float32, in which J is summed, that is nothing
            raise SettingError("alpha and beta are both 0: give at least one of them a weight.")
        layers, weights = self.style_layers or (), self.layer_weights
        if len(set(layers)) < len(layers):
            raise SettingError("One of style_layers is named twice: name each once.")
        if layers and weights and len(layers) != len(weights):
            raise SettingError(
                f"There are {len(weights)} layer_weights for {len(layers)} style_layers: give one "
                "for each."
            )
        if self.styles:
            self.check_styles(len(self.styles))
            if self.style_mask and not self.mask:
                raise SettingError("There is a style_mask but no mask: give a mask as well.")

    def check_styles(self, count: int) -> None:
        """Raises SettingError unless what is given for each style picture fits so many of them."""
        if not count:
            raise SettingError("There is no style picture: give at least one.")
        for name in ("style_scale", "style_mask"):
            for_each(getattr(self, name), count, name)
        weights = len(self.style_weights or ())
        layers = len(self.style_layers) if self.style_layers else weights // count
        if weights not in (0, count, layers * count):
            raise SettingError(
                f"There are {weights} style_weights for {count} style pictures: give one for each, "
                "or one for each in each style layer."
            )

    def style_sizes(self, original: float) -> list[int]:
        """The longest side of each style picture; original: that of the photograph's file, which
        counts where no size is asked for."""
        size = self.size or original
        return [max(2, round(size * (s or 1))) for s in self.for_each_style("style_scale")]

    def for_each_style(self, name: str) -> list:
        """The values of style_scale or style_mask, one for each style; None where none is given."""
        return for_each(getattr(self, name), len(self.styles), name)

    def transfer(self, network, content: np.ndarray | None = None):
        """The `transfer.Transfer` that this spec describes: its pictures and masks are loaded.

        network: a `vgg.Network`.  content: the photograph, where it is loaded already.
        """
        from . import images  # TensorFlow is needed from here on
        from .transfer import Transfer

        content = images.load(self.content, self.size) if content is None else content
        pairs = zip(self.styles, self.style_sizes(max(content.shape)), strict=True)
        return Transfer(content, [images.load(style, size) for style, size in pairs], network, self)

    def changed(self, **fields) -> "TransferSpec":
        """This spec with other values.  Raises SettingError for a name that is no option."""
        for name in fields:
            if name not in self.__dataclass_fields__:
                raise SettingError(f"There is no option {name!r}: choose {either(OPTIONS)}.")
        if isinstance(fields.get("layer_weights"), Mapping):
            fields = {"style_layers": None} | fields
        return dataclasses.replace(self, **fields)

    @property
    def batch(self) -> int:
        """The number of pictures that alpha and beta make."""
        return max(np.size(self.alpha), np.size(self.beta))

    def weighted(self, **weights) -> "TransferSpec":
        """The spec of a run with other WEIGHTS.  Raises SettingError for what needs another run."""
        for name in weights:
            if name not in WEIGHTS:
                raise SettingError(f"There is no weight {name!r}: set {', '.join(WEIGHTS)}.")
        found = self.changed(**weights)
        if found.style_layers != self.style_layers or not found.layer_weights:
            names = ", ".join(self.style_layers)
            raise SettingError(
                f"layer_weights does not fit the style layers: give one for each of {names}."
            )
        if found.batch != self.batch:
            raise SettingError(
                f"alpha or beta has another number of values: give one, or {self.batch}."
            )
        return found

    def metadata(self) -> dict:
        """The spec for JSON.  Pictures are shared, so of local paths only names are told."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        found = {n: list(v) if isinstance(v, tuple) else v for n, v in found.items()}
        for name in ("content", "styles", "mask", "style_mask", "weights"):
            value = found[name]
            found[name] = (
                [*map(public, value)] if isinstance(value, list) else value and public(value)
            )
        return found

    @classmethod
    def from_metadata(cls, values: dict) -> "TransferSpec":
        """The spec that `metadata` described; what it does not name has its default."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


OPTIONS = {
    f.name: Option(f.name, f.default, **f.metadata["option"])
    for f in dataclasses.fields(TransferSpec)
    if f.metadata
}


def for_each(values: Iterable | None, count: int, what: str) -> list:
    """The values, one for each of `count` style pictures, where one stands for all and None for no
    value.  Raises SettingError for another number of them."""
    values = list(values or [None])
    if len(values) not in (1, count):
        raise SettingError(
            f"There are {len(values)} values of {what} for {count} style pictures: give one for "
            "all, or one for each."
        )
    return (values * count)[:count]


def _shown(value):
    """The value for a sentence, in one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}…"
