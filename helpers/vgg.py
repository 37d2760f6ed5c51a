"""Networks: a picture → {layer name: activation}.

VGG-19 and VGG-16 (Simonyan & Zisserman 2014, arXiv:1409.1556) come from Keras Applications, or from
a file: an .npz of LAYER/kernel and LAYER/bias, which may end early, or a Keras network as .h5.
`mini` lies in this package (weights/README.md): it imitates VGG-19 to block5_conv1, so that
everything runs offline and at once.
"""

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .errors import NetworkError, PictureError, SettingError
from .files import DAMAGED_NPZ, readable
from .settings import OPTIONS, either

keras.config.set_image_data_format("channels_last")  # whatever the user's keras.json says

MINI = Path(__file__).parent / "weights" / "mini.npz"
TITLES = {"vgg19": "VGG-19", "vgg16": "VGG-16", "mini": "mini"}
CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
CHANNELS = (64, 128, 256, 512, 512)
STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))  # Gatys et al. 2016, section 3
CONTENT_LAYER = "block4_conv2"
# Keras' VGG expects BGR minus the mean of ImageNet's pixels ("caffe" preprocessing).
MEAN_BGR = (103.939, 116.779, 123.68)
FACTORS = ("reduce", "kernel", "expand")  # of a layer of mini; VGG itself has only the kernel


class Layer(NamedTuple):
    """A layer that can be read: n_C, pixels between neighbors, pixels that one value sees."""

    channels: int
    stride: int
    receptive_field: int


class Network:
    """A frozen network: calling it maps pictures to {layer name: activation}.

    pictures: RGB in 0–255, (batch, height, width, 3) or (height, width, 3).  Activations, after the
    relu, are (batch, n_H, n_W, n_C) in the network's precision, or likewise without the batch axis;
    n_H and n_W are the sides over the layer's stride, rounded up.  Raises PictureError for a
    picture smaller than the deepest layer's stride.

    layers: {name: Layer}.  style_layers: Gatys' block1_conv1 … block5_conv1, as far as they are
    among these.  content_layer: his block4_conv2, or else the deepest one of the third block.
    description: one line that says which network this is.
    steps: the compiled steps that `transfer` keeps with the network.
    """

    def __init__(self, name, model, layers, pooling, precision, description):
        self.name, self.model, self.layers = name, model, layers
        self.pooling, self.precision, self.description = pooling, precision, description
        self.style_layers, self.content_layer = _style_layers(layers), _content_layer(layers)
        self.stride = max(layer.stride for layer in layers.values())
        self.steps = {}

    def __call__(self, pictures) -> dict[str, tf.Tensor]:
        """The activations of pictures, by name, as described above."""
        pictures = tf.cast(pictures, tf.float32)
        if pictures.shape.rank == 3:
            return {layer: a[0] for layer, a in self(pictures[tf.newaxis]).items()}
        self.check_size(*pictures.shape[1:3])
        # tf.reverse, because the gradient of [..., ::-1] takes four times as long.
        return self.model(tf.reverse(pictures, axis=[-1]) - tf.constant(MEAN_BGR))

    def check_size(self, height: int | None, width: int | None, shrunk: int = 1) -> None:
        """Raises PictureError if a picture of this size is too small for the deepest layer.

        shrunk: how many times as large it is at the size that was asked for.
        """
        if None not in (height, width) and min(height, width) < self.stride:
            # Half a pixel less than it has, for a short side is rounded.
            shortest = min(height, width) - 0.5
            size = math.ceil(max(height, width) * self.stride / shortest) * shrunk
            raise PictureError(
                f"A picture of {width} × {height} pixels is too small for {list(self.layers)[-1]}: "
                f"use a size of at least {size}, fewer levels, or shallower layers."
            )

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raises NetworkError if a layer is not among those that this network was loaded with."""
        for layer in layers:
            if layer not in self.layers:
                names = ", ".join(self.layers)
                raise NetworkError(f"{self.name} was loaded without layer {layer}: it has {names}.")

    def __repr__(self):
        return f"<{self.description}>"


def load(
    name: str = "auto",
    layers: Iterable[str] = ("style", "content"),
    pooling: str = "max",
    weights: str | os.PathLike | None = None,
    precision: str = "float32",
) -> Network:
    """A Network that ends at the deepest of the layers asked for.

    name: "vgg19", "vgg16", "mini", or "auto": vgg19 when its weights are at hand or can be
    downloaded, else mini; the description says so.
    layers: names as in `layer_table`; "style" and "content" stand for those of Gatys et al. 2016.
    pooling: "max", or "average", which Gatys et al. 2016 (section 2) find to look better.
    weights: a file; else, for a VGG, the one that the environment variable NST_WEIGHTS names; else
    Keras' cache or download.
    precision: of the convolutions and activations.  "auto" is bfloat16 on a CPU that multiplies it
    (a step takes 0.6 of the time, and runs end within 1 % of float32's cost), else float32.
    Raises NetworkError for anything unknown, and for weights that are missing or damaged.
    """
    for option, value in (("network", name), ("pooling", pooling), ("precision", precision)):
        if value not in OPTIONS[option].choices:
            choices = either(OPTIONS[option].choices)
            raise NetworkError(f"There is no {option} {value!r}: choose {choices}.")
    if precision == "auto":
        precision = "bfloat16" if _multiplies_bfloat16() else "float32"
    if name != "auto":
        return _build(name, layers, pooling, weights, precision)
    try:
        return _build("vgg19", layers, pooling, weights, precision)
    except DownloadError:
        network = _build("mini", layers, pooling, None, precision)
        network.description += ", because VGG-19's weights could not be downloaded"
        return network


class DownloadError(NetworkError):
    """The weights are neither at hand nor to be had."""


def layer_table(name: str = "vgg19") -> dict[str, Layer]:
    """{layer name: Layer} of a network, shallow to deep."""
    if name == "mini":
        return _table(_channels(_read_npz(name, MINI)))
    return _table({layer: CHANNELS[int(layer[5]) - 1] for layer in _vgg_layers(name)})


def _table(channels):
    table, stride, field = {}, 1, 1
    for layer, n_C in channels.items():
        if _pools_before(layer):  # a 2 × 2 pooling sees one more position and doubles the stride
            field, stride = field + stride, stride * 2
        field += 2 * stride  # a 3 × 3 convolution sees one more position on each side
        table[layer] = Layer(n_C, stride, field)
    return table


def _pools_before(layer):
    return layer.endswith("_conv1") and not layer.startswith("block1_")


def _style_layers(layers):
    return [layer for layer in STYLE_LAYERS if layer in layers] or list(layers)


def _content_layer(layers):
    third = [layer for layer in layers if layer.startswith("block3_")]
    return CONTENT_LAYER if CONTENT_LAYER in layers else (third or list(layers))[-1]


def _multiplies_bfloat16():
    """Whether this is a CPU with such instructions.  GPUs are left at float32."""
    flags = Path("/proc/cpuinfo")
    known = flags.read_text() if flags.exists() else ""
    on_gpu = tf.config.list_physical_devices("GPU")
    return bool(re.search(r"avx512_bf16|amx_bf16", known)) and not on_gpu


# The model.


def _build(name, layers, pooling, path, precision):
    """The convolutions of a network, each in up to three factors, as a frozen Keras model."""
    arrays, source = _read(name, path)
    table = _asked(_table(_channels(arrays)), layers, f"{TITLES[name]} ({source})")
    inputs = keras.Input((None, None, 3), dtype="float32")
    # 64 is the unit that keeps mini's first kernel within float16.
    x = _split(inputs / 64 if name == "mini" else inputs, precision)
    outputs, names = {}, list(_channels(arrays))
    for layer in names[: names.index(list(table)[-1]) + 1]:
        if _pools_before(layer):
            average = keras.layers.AveragePooling2D(2, padding="same", dtype=precision)
            x = MaxPooling(dtype=precision)(x) if pooling == "max" else average(x)
        x = _convolve(x, layer, arrays, precision)
        if layer in table:
            outputs[layer] = x
    model = keras.Model(inputs, outputs)
    model.trainable = False
    what = TITLES[name] if name != "mini" else "mini (the embedded stand-in for VGG-19)"
    description = f"Network: {what}, read to {list(table)[-1]}, {source}"
    return Network(name, model, table, pooling, precision, description)


def _asked(table, layers, owner):
    """The rows of the table that were asked for, shallow to deep."""
    of = {"style": _style_layers(table), "content": [_content_layer(table)]}
    names = [name for layer in layers for name in of.get(layer, [layer])]
    for layer in names:
        if layer not in table:
            raise NetworkError(f"{owner} has no layer {layer}: choose {either(table)}.")
    if not names:
        raise NetworkError("No layer is asked for: name at least one.")
    return {layer: row for layer, row in table.items() if layer in names}


def _convolve(x, layer, arrays, precision):
    """A layer's factors, 1×1 reduce, 3×3 kernel, 1×1 expand, as far as it has them, then relu."""
    factors = [factor for factor in FACTORS if f"{layer}/{factor}" in arrays]
    for factor in factors:
        kernel, last = arrays[f"{layer}/{factor}"], factor == factors[-1]
        if x.shape[-1] == 2 * kernel.shape[2]:  # x holds every channel twice, as from `_split`
            kernel = np.concatenate([kernel, kernel], axis=2)
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
        convolution.set_weights([kernel, arrays[f"{layer}/bias"]] if last else [kernel])
    return x


def _split(pixels, precision):
    """Each value as the sum of two, in twice the channels: near 200 bfloat16 knows only every
    second level, and L-BFGS would not see what its small moves do."""
    if precision == "float32":
        return pixels
    coarse = keras.ops.cast(pixels, precision)
    rest = pixels - keras.ops.cast(coarse, "float32")
    return keras.layers.Concatenate(dtype=precision)([coarse, rest])


@tf.custom_gradient
def max_pool(x: tf.Tensor) -> tf.Tensor:
    """2 × 2 max-pooling of (batch, height, width, n_C); a last odd row or column is kept.

    Where several values of a window are the largest, as in a flat picture, the gradient goes to
    each in equal shares.  TensorFlow's own goes to the first.
    """
    y = tf.nn.max_pool2d(x, 2, 2, "SAME")
    height, width = tf.unstack(tf.shape(x)[1:3])

    def spread(pooled):
        """Each value in all places of its window; a broadcast is quicker than tf.repeat."""
        batch, rows, columns, channels = tf.unstack(tf.shape(pooled))
        shape = (batch, rows, 2, columns, 2, channels)
        wide = tf.broadcast_to(pooled[:, :, tf.newaxis, :, tf.newaxis, :], shape)
        return tf.reshape(wide, (batch, 2 * rows, 2 * columns, channels))[:, :height, :width]

    def places(side):
        """How many of two each window has along a side: one at an odd end."""
        return tf.minimum(side - 2 * tf.range((side + 1) // 2), 2)

    def gradient(upstream):
        largest = tf.cast(x == spread(y), x.dtype)
        windows = tf.cast(places(height)[:, tf.newaxis] * places(width), x.dtype)
        of_them = tf.nn.avg_pool2d(largest, 2, 2, "SAME") * windows[..., tf.newaxis]
        return largest * spread(upstream / of_them)

    return y, gradient


@keras.saving.register_keras_serializable("helpers")
class MaxPooling(keras.layers.Layer):
    """`max_pool` as a layer of a Keras model."""

    def call(self, x):
        """(batch, height, width, n_C) → half of the sides, rounded up."""
        return max_pool(x)

    def compute_output_shape(self, shape):
        """As `call`; None stays None."""
        half = [None if side is None else (side + 1) // 2 for side in shape[1:3]]
        return (shape[0], *half, shape[3])


# Where the weights come from: {LAYER/FACTOR: float32 array}, FACTOR being one of FACTORS, or bias.


def _read(name, path):
    """(arrays, where they come from)."""
    if name != "mini":
        path = path or os.environ.get("NST_WEIGHTS")
    if not path:
        if name == "mini":
            return _read_npz(name, MINI), "embedded"
        return _from_keras(name, "imagenet"), "ImageNet weights from Keras"
    said = f"weights from {Path(path).name}"
    if not str(path).endswith(".npz"):
        return _from_keras(name, str(readable(path, NetworkError, "weights file"))), said
    arrays = _read_npz(name, path)
    kernels = [array.ravel()[:10_000] for array in arrays.values() if array.ndim == 4]
    few = sum(len(np.unique(kernel)) <= 256 for kernel in kernels)
    return arrays, said + (f", {few} of its layers in 8 bits" if few else "")


def _channels(arrays):
    """{layer: n_C}, shallow to deep."""
    biases = sorted(key for key in arrays if key.endswith("/bias"))
    return {key.removesuffix("/bias"): len(arrays[key]) for key in biases}


def _vgg_layers(name):
    blocks = enumerate(CONVOLUTIONS["vgg16" if name == "vgg16" else "vgg19"], 1)
    return [f"block{block}_conv{i}" for block, n in blocks for i in range(1, n + 1)]


def _from_keras(name, weights):
    build = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}[name]
    title = TITLES[name]
    try:
        model = build(weights=weights, include_top=False)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        sentence = f"There is not enough memory for {title}: use the network mini."
        raise SettingError(sentence) from None
    except Exception as error:  # Keras raises a bare Exception when a download fails, h5py many
        if weights == "imagenet":
            raise DownloadError(
                f"{title}'s weights could not be downloaded: connect to the internet once, give a "
                "file of weights, or use the network mini."
            ) from error
        raise NetworkError(
            f"{weights} does not hold {title}'s weights (include_top=False): check the file."
        ) from error
    found = {}
    for layer in _vgg_layers(name):
        found[f"{layer}/kernel"], found[f"{layer}/bias"] = model.get_layer(layer).get_weights()
    return found


def _read_npz(name, path):
    """The arrays of a file: those of this network's layers, from the first on."""
    path = readable(path, NetworkError, "weights file")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: np.asarray(file[key], np.float32) for key in file.files}
    except MemoryError:
        raise SettingError(f"There is not enough memory for the weights {path}.") from None
    except DAMAGED_NPZ as error:
        raise NetworkError(
            f"The weights {path} are damaged: fetch or copy the file again."
        ) from error
    if wrong := _what_is_wrong(name, arrays):
        raise NetworkError(
            f"The weights {path} {wrong}, so they are not {TITLES[name]}'s: check the file, or "
            "choose another network."
        )
    return arrays


def _what_is_wrong(name, arrays):
    """What keeps arrays from being those of a network, or None."""
    layers, channels, known = sorted({key.partition("/")[0] for key in arrays}), 3, 0
    if not layers or layers != _vgg_layers(name)[: len(layers)]:
        return f"hold the layers {', '.join(layers[:3])}, …" if layers else "are empty"
    for layer in layers:
        whole = name != "mini" or layer == layers[0]
        for part in (*(("kernel",) if whole else FACTORS), "bias"):
            shape = arrays.get(f"{layer}/{part}", np.empty(0)).shape
            kernel_fits = len(shape) == 4 and 0 not in shape and shape[2] == channels
            if not (shape == (channels,) if part == "bias" else kernel_fits):
                return f"lack {layer}/{part}, or have a wrong shape there"
            channels, known = shape[-1], known + 1
    return None if len(arrays) == known else "have arrays that belong to no layer"
