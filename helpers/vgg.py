"""Networks: a picture → {layer name: activation}.

VGG-19, VGG-16 and `mini`, the embedded network that imitates VGG-19 to block5_conv1 so that
everything runs offline and at once.  weights.py says where their weights come from.
"""

import re
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from . import weights as stored
from .errors import NetworkError, PictureError
from .fast import MaxPooling
from .settings import OPTIONS

NETWORKS, POOLINGS, PRECISIONS = (
    tuple(choice for choice in OPTIONS[name].choices if choice != "auto")
    for name in ("network", "pooling", "precision")
)
# Gatys et al. 2016, section 3.
STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))
CONTENT_LAYER = "block4_conv2"
# Keras' VGG expects BGR minus the mean of ImageNet's pixels ("caffe" preprocessing).
_MEAN_BGR = (103.939, 116.779, 123.68)
_FACTORS = ("reduce", "kernel", "expand")  # of a layer; VGG itself has only the kernel


class Layer(NamedTuple):
    """A layer that can be read: n_C, pixels between neighbours, pixels that one value sees."""

    channels: int
    stride: int
    receptive_field: int


def layer_table(name="vgg19", weights=None):
    """{layer name: Layer} of a network, shallow to deep."""
    if name == "mini":
        return _table(_channels(stored.read(name, weights)[0]))
    _check_name(name)
    channels = {layer: stored.CHANNELS[int(layer[5]) - 1] for layer in stored.vgg_layers(name)}
    return _table(channels)


def _channels(arrays):
    """{layer: n_C}: what the last of its factors writes."""
    return {
        layer: arrays.get(f"{layer}/expand", arrays[f"{layer}/kernel"]).shape[-1]
        for layer in stored.layers_of(arrays)
    }


def _table(channels):
    table, stride, field = {}, 1, 1
    for layer, n_C in channels.items():
        if _pools_before(layer):  # a 2 × 2 pooling sees one more position and doubles the stride
            field, stride = field + stride, stride * 2
        field += 2 * stride  # a 3 × 3 convolution sees one more position on each side
        table[layer] = Layer(n_C, stride, field)
    return table


class Network:
    """A frozen network: calling it maps pictures to {layer name: activation}.

    pictures: RGB in 0–255, (batch, height, width, 3) or (height, width, 3); activations (after
    the relu) are (batch, n_H, n_W, n_C) in the network's precision, or without the batch axis
    likewise.  Raises PictureError for a picture so small that it is pooled away.

    name, layers ({name: Layer}), pooling, precision, and `description`: one line for the reader
    that says which network this is.
    """

    def __init__(self, name, model, layers, pooling, precision, description):
        self.name, self.model, self.layers = name, model, layers
        self.pooling, self.precision, self.description = pooling, precision, description

    def __call__(self, pictures):
        pictures = tf.convert_to_tensor(pictures, tf.float32)
        if pictures.shape.rank == 3:
            return {layer: a[0] for layer, a in self(pictures[tf.newaxis]).items()}
        self.check_size(*pictures.shape[1:3])
        # tf.reverse, because the gradient of [..., ::-1] takes four times as long.
        return self.model(tf.reverse(pictures, axis=[-1]) - tf.constant(_MEAN_BGR))

    @property
    def stride(self):
        """Pixels between neighbours in the deepest layer."""
        return max(layer.stride for layer in self.layers.values())

    def check_size(self, height, width):
        """Raises PictureError if a picture of this size is pooled away before the last layer."""
        if None not in (height, width) and min(height, width) < self.stride:
            raise PictureError(
                f"A picture of {width} × {height} pixels is pooled away before "
                f"{list(self.layers)[-1]}: use one of at least {self.stride} pixels a side, "
                "fewer levels, or shallower layers."
            )

    def check_layers(self, layers):
        """Raises NetworkError if a layer is not among those that this network was loaded with."""
        for layer in layers:
            if layer not in self.layers:
                names = ", ".join(self.layers)
                raise NetworkError(f"{self.name} was loaded without layer {layer}: it has {names}.")

    def values_per_pixel(self):
        """How many values each layer of the model, read or not, holds for a pixel of a picture."""
        found, area = [], 1.0
        for layer in self.model.layers:
            if isinstance(layer, (MaxPooling, keras.layers.AveragePooling2D)):
                area /= 4
            found.append(area * layer.output.shape[-1])
        return found

    @property
    def style_layers(self):
        """Gatys' block1_conv1 … block5_conv1, as far as this network has them."""
        return [layer for layer in STYLE_LAYERS if layer in self.layers] or list(self.layers)

    @property
    def content_layer(self):
        """Gatys' block4_conv2, or else the deepest layer of the third block that there is."""
        return _default_content_layer(self.layers)

    def __repr__(self):
        return f"<{self.description}>"


def load(name="auto", layers=None, pooling="max", weights=None, precision="float32"):
    """A Network that ends at the deepest of the layers asked for.

    name: "vgg19", "vgg16", "mini", or "auto": vgg19 when its weights are at hand or can be
    downloaded, else mini; the network's description says so.
    layers: names as in `layer_table`; default: the style and content layers of Gatys et al. 2016.
    pooling: "max", or "average", which Gatys et al. 2016 (section 2) find to look better.
    weights: a file; see `weights.read` for where they come from otherwise.
    precision: of the convolutions and activations.  "auto" is bfloat16 on a CPU that multiplies it
    (a step takes 0.6 of the time, and runs end within 1 % of float32's cost), else float32.
    Raises NetworkError for anything unknown, and for weights that are missing or damaged.
    """
    _check_choice("pooling", pooling, POOLINGS)
    if precision == "auto":
        precision = "bfloat16" if _multiplies_bfloat16() else "float32"
    _check_choice("precision", precision, PRECISIONS)
    if name != "auto":
        _check_name(name, "mini")
        return _build(name, layers, pooling, weights, precision)
    try:
        return _build("vgg19", layers, pooling, weights, precision)
    except stored.DownloadError:
        network = _build("mini", layers, pooling, None, precision)
        network.description += ", because VGG-19's weights could not be downloaded"
        return network


def _multiplies_bfloat16():
    """Whether this is a CPU with such instructions.  GPUs are left at float32."""
    flags = Path("/proc/cpuinfo")
    known = flags.read_text() if flags.exists() else ""
    return bool(re.search(r"avx512_bf16|amx_bf16", known)) and not tf.config.list_physical_devices(
        "GPU"
    )


def _build(name, layers, pooling, weights, precision):
    """The convolutions of a network, each in up to three factors, as a frozen Keras model."""
    arrays, source = stored.read(name, weights)
    title = stored.TITLES[name]
    names = stored.layers_of(arrays)
    table = _cut(_table(_channels(arrays)), layers, f"{title} ({source})")
    inputs = keras.Input((None, None, 3))
    # 64 is the unit that keeps mini's first kernel within float16.
    x = pixels = _split(inputs / 64 if name == "mini" else inputs, precision)
    outputs = {}
    for layer in names[: names.index(list(table)[-1]) + 1]:
        if _pools_before(layer):
            average = keras.layers.AveragePooling2D(2, dtype=precision)
            x = (MaxPooling(dtype=precision) if pooling == "max" else average)(x)
        x = _convolve(x, layer, arrays, precision, split=x is pixels, path=source)
        if layer in table:
            outputs[layer] = x
    model = keras.Model(inputs, outputs)
    model.trainable = False
    what = title if name != "mini" else "mini (the embedded stand-in for VGG-19)"
    description = f"Network: {what}, read to {list(table)[-1]}, {source}"
    return Network(name, model, table, pooling, precision, description)


def _convolve(x, layer, arrays, precision, split, path):
    """A layer's factors, 1×1 reduce, 3×3 kernel, 1×1 expand, as far as it has them, then relu."""
    factors = [factor for factor in _FACTORS if f"{layer}/{factor}" in arrays]
    for factor in factors:
        kernel, last = arrays[f"{layer}/{factor}"], factor == factors[-1]
        if split and factor == factors[0]:
            kernel = _for_split(kernel, precision)
        convolution = keras.layers.Conv2D(
            kernel.shape[-1],
            kernel.shape[:2],
            padding="same",
            use_bias=last,
            activation="relu" if last else None,
            kernel_initializer="zeros",  # until set below; random ones take a third of the time
            name=layer if last else f"{layer}_{factor}",
            dtype=precision,
        )
        x = convolution(x)
        try:
            convolution.set_weights([kernel, arrays[f"{layer}/bias"]] if last else [kernel])
        except KeyError as error:
            raise NetworkError(f"The {path} lack {error}: fetch or copy the file again.") from None
        except ValueError:
            raise NetworkError(
                f"The {path} have wrong shapes at {layer}: they are of another network."
            ) from None
    return x


def _split(pixels, precision):
    """Each value as the sum of two, in twice the channels: of grey level 200 bfloat16 knows only
    the half, and L-BFGS would not see what its small moves do."""
    if precision == "float32":
        return pixels
    coarse = keras.ops.cast(pixels, precision)
    rest = pixels - keras.ops.cast(coarse, "float32")
    return keras.layers.Concatenate(dtype=precision)([coarse, rest])


def _for_split(kernel, precision):
    """The kernel that does to split pixels what this one does to pixels."""
    return kernel if precision == "float32" else np.concatenate([kernel, kernel], axis=2)


def _pools_before(layer):
    return layer.endswith("_conv1") and not layer.startswith("block1_")


def _default_content_layer(layers):
    third = [layer for layer in layers if layer.startswith("block3_")]
    return CONTENT_LAYER if CONTENT_LAYER in layers else (third or list(layers))[-1]


def _cut(table, layers, owner):
    """The rows of the table that were asked for, shallow to deep."""
    if layers is None:
        layers = [layer for layer in STYLE_LAYERS if layer in table]
        layers.append(_default_content_layer(table))
    for layer in layers:
        if layer not in table:
            raise NetworkError(f"{owner} has no layer {layer}: choose from {', '.join(table)}.")
    if not layers:
        raise NetworkError("No layer is asked for: name at least one.")
    return {layer: row for layer, row in table.items() if layer in layers}


def _check_name(name, *more):
    if name not in (*stored.CONVOLUTIONS, *more):
        raise NetworkError(f"There is no network {name!r}: choose auto, {', '.join(NETWORKS)}.")


def _check_choice(what, value, choices):
    if value not in choices:
        raise NetworkError(f"There is no {what} {value!r}: choose one of {', '.join(choices)}.")
