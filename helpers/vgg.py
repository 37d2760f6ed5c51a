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

from .errors import NetworkError, PictureError, SettingError, SetupError, either
from .files import DAMAGED_NPZ, readable
from .settings import OPTIONS

if int(keras.__version__.partition(".")[0]) < 3:
    raise SetupError(f"Keras {keras.__version__} is too old: pip install -r requirements.txt.")
keras.config.set_image_data_format("channels_last")  # whatever the user's keras.json says

MINI = Path(__file__).parent / "weights" / "mini.npz"
TITLES = {"vgg19": "VGG-19", "vgg16": "VGG-16", "mini": "mini"}
CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3), "mini": (2, 2, 4, 4, 1)}
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
        self.style_layers = _style_layers(layers)
        self.content_layer = _content_layer(layers)
        self.stride = max(layer.stride for layer in layers.values())
        self.steps = {}

    def __call__(self, pictures) -> dict[str, tf.Tensor]:
        """The activations of pictures, by name, as described above."""
        pictures = tf.cast(pictures, tf.float32)
        if pictures.shape.rank == 3:
            return {layer: a[0] for layer, a in self(pictures[tf.newaxis]).items()}
        self.check_size(*pictures.shape[1:3])
        # Pooling drops what does not fill a window, and with it the last rows and columns: so a
        # picture is continued by its mirror image, and read as far as it goes itself.
        size = tf.shape(pictures)[1:3]
        below, right = tf.unstack(-size % self.stride)
        pixels = tf.pad(pictures, [[0, 0], [0, below], [0, right], [0, 0]], "REFLECT")
        # tf.reverse and tf.slice: the gradients of [..., ::-1] and [:, :n_H, :n_W] take far longer.
        bgr = tf.reverse(tf.ensure_shape(pixels, (None, None, None, 3)), axis=[-1])
        found = self.model(bgr - tf.constant(MEAN_BGR))
        for layer, a in found.items():
            n_H, n_W = tf.unstack(-(-size // self.layers[layer].stride))
            found[layer] = tf.slice(a, [0, 0, 0, 0], [-1, n_H, n_W, a.shape[-1]])
        return found

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
    Raises SettingError for a network, pooling or precision that there is not, NetworkError for
    unknown layers and for weights that are missing or damaged.
    """
    for option, value in (("network", name), ("pooling", pooling), ("precision", precision)):
        OPTIONS[option].check(value)
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
    table, stride, field = {}, 1, 1
    for block, convolutions in enumerate(CONVOLUTIONS[name], 1):
        if block > 1:  # a 2 × 2 pooling sees one more position and doubles the stride
            field, stride = field + stride, stride * 2
        for i in range(1, convolutions + 1):
            field += 2 * stride  # a 3 × 3 convolution sees one more position on each side
            table[f"block{block}_conv{i}"] = Layer(CHANNELS[block - 1], stride, field)
    return table


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
    table = {layer: row for layer, row in layer_table(name).items() if f"{layer}/bias" in arrays}
    asked = _asked(table, layers, f"{TITLES[name]} ({source})")
    pool = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[pooling]
    inputs, outputs = keras.Input((None, None, 3), dtype="float32"), {}
    # 64 is the unit that keeps mini's first kernel within float16.
    x = _split(inputs / 64 if name == "mini" else inputs, precision)
    for layer, row in table.items():
        if len(outputs) == len(asked):
            break
        if layer.endswith("_conv1") and row.stride > 1:
            x = pool(2, dtype=precision)(x)
        try:
            x = _convolve(x, layer, arrays, precision)
        except (IndexError, ValueError) as error:
            raise NetworkError(
                f"Arrays of {layer} have the wrong shape ({source}): check the file."
            ) from error
        if layer in asked:
            outputs[layer] = x
    model = keras.Model(inputs, outputs)
    model.trainable = False
    asked = {layer: row._replace(channels=outputs[layer].shape[-1]) for layer, row in asked.items()}
    what = TITLES[name] if name != "mini" else "mini (the embedded stand-in for VGG-19)"
    description = f"Network: {what}, read to {list(asked)[-1]}, {source}"
    return Network(name, model, asked, pooling, precision, description)


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
        if layer == "block1_conv1" and precision != "float32":  # see `_split`
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


# Where the weights come from: {LAYER/FACTOR: float32 array}, FACTOR being one of FACTORS, or bias.


def _read(name, path):
    """(arrays, where they come from)."""
    if name != "mini":
        path = path or os.environ.get("NST_WEIGHTS")
    if not path:
        if name == "mini":
            return _read_npz(name, MINI), "embedded"
        return _from_keras(name, "imagenet"), "ImageNet weights from Keras"
    path, said = readable(path, NetworkError, "weights file"), f"weights from {Path(path).name}"
    if path.suffix != ".npz" and name != "mini":  # of which Keras knows nothing
        return _from_keras(name, str(path)), said
    return _read_npz(name, path), said


def _from_keras(name, weights):
    build = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}[name]
    title, found = TITLES[name], {}
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
    for layer in layer_table(name):
        found[f"{layer}/kernel"], found[f"{layer}/bias"] = model.get_layer(layer).get_weights()
    return found


def _read_npz(name, path):
    """The arrays of a file: those of this network's layers, from the first on."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: np.asarray(file[key], np.float32) for key in file.files}
    except MemoryError:
        raise SettingError(f"There is not enough memory for {path}: use mini.") from None
    except DAMAGED_NPZ as error:
        raise NetworkError(
            f"The weights {path} are damaged: fetch or copy the file again."
        ) from error
    layers = sorted({key.partition("/")[0] for key in arrays})
    parts = {layer: FACTORS if name == "mini" else ("kernel",) for layer in layers}
    parts["block1_conv1"] = ("kernel",)
    named = {f"{layer}/{part}" for layer in parts for part in (*parts[layer], "bias")}
    if named != set(arrays) or layers != list(layer_table(name))[: len(layers)]:
        raise NetworkError(
            f"The weights {path} are not {TITLES[name]}'s: check the file, or choose another "
            "network."
        )
    return arrays
