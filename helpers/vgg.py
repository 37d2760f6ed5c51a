"""Networks: which exist, where their weights come from, picture → {layer name: activation}.

VGG-19 and VGG-16 (Simonyan & Zisserman 2014, arXiv:1409.1556) come from Keras Applications with
ImageNet weights.  `mini` is a small network inside this package that imitates VGG-19's first
blocks, so that everything runs offline and at once (see weights/README.md).
"""

import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .errors import NetworkError, PictureError

NETWORKS = ("vgg19", "vgg16", "mini")
POOLINGS = ("max", "average")
PRECISIONS = ("float32", "bfloat16", "float16")
# Gatys et al. 2016, section 3.
STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))
CONTENT_LAYER = "block4_conv2"

MINI_WEIGHTS = Path(__file__).parent / "weights" / "mini.npz"
_APPLICATIONS = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}
_CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
_CHANNELS = (64, 128, 256, 512, 512)
# Keras' VGG expects BGR minus the mean of ImageNet's pixels ("caffe" preprocessing).
_MEAN_BGR = (103.939, 116.779, 123.68)
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error)


class Layer(NamedTuple):
    """A layer that can be read: n_C, pixels between neighbours, pixels that one value sees."""

    channels: int
    stride: int
    receptive_field: int


def layer_table(name="vgg19", weights=None):
    """{layer name: Layer} of a network, shallow to deep."""
    if name == "mini":
        arrays = _read_npz(weights or MINI_WEIGHTS)
        channels = {layer: arrays[f"{layer}/bias"].size for layer in _layers_of(arrays)}
    else:
        _check_name(name)
        channels = {
            f"block{block}_conv{i}": _CHANNELS[block - 1]
            for block, convolutions in enumerate(_CONVOLUTIONS[name], 1)
            for i in range(1, convolutions + 1)
        }
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

    def check_size(self, height, width):
        """Raises PictureError if a picture of this size is pooled away before the last layer."""
        stride = max(layer.stride for layer in self.layers.values())
        if None not in (height, width) and min(height, width) < stride:
            raise PictureError(
                f"A picture of {width} × {height} pixels is pooled away before "
                f"{list(self.layers)[-1]}: use one of at least {stride} pixels a side, "
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
            if isinstance(layer, (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)):
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
    layers: names as in `layer_table`; default: the style and content layers of Gatys et al. 2016
    that the network has.
    pooling: "max", or "average", which Gatys et al. 2016 (section 2) find to look better.
    weights: a file; else the environment variable NST_WEIGHTS; else Keras' cache or download.
    A .npz holds LAYER/kernel and LAYER/bias and may end early, a .h5 is a whole Keras network.
    precision: of the convolutions and activations.  "auto" is bfloat16 for VGG on a CPU that
    multiplies it (a step takes 0.6 of the time, and runs end within 1 % of float32's cost), else
    float32.
    Raises NetworkError for anything unknown, and for weights that are missing or damaged.
    """
    _check_choice("pooling", pooling, POOLINGS)
    if precision == "auto":
        precision = "bfloat16" if name != "mini" and _multiplies_bfloat16() else "float32"
    _check_choice("precision", precision, PRECISIONS)
    if name == "mini":
        return _load_mini(layers, pooling, weights, precision)
    weights = weights or os.environ.get("NST_WEIGHTS")
    if name != "auto":
        _check_name(name)
        return _load_vgg(name, layers, pooling, weights, precision)
    try:
        return _load_vgg("vgg19", layers, pooling, weights, precision)
    except _DownloadError:
        network = _load_mini(layers, pooling, None, "float32")
        network.description += ", because VGG-19's weights could not be downloaded"
        return network


def _multiplies_bfloat16():
    """Whether this is a CPU with such instructions.  GPUs are left at float32."""
    flags = Path("/proc/cpuinfo")
    known = flags.read_text() if flags.exists() else ""
    return bool(re.search(r"avx512_bf16|amx_bf16", known)) and not tf.config.list_physical_devices(
        "GPU"
    )


class _DownloadError(NetworkError):
    pass


def _load_vgg(name, layers, pooling, weights, precision):
    title = {"vgg19": "VGG-19", "vgg16": "VGG-16"}[name]
    table = layer_table(name)
    arrays = None
    if weights is None:
        model = _imagenet(name, title)
    elif str(weights).endswith(".npz"):
        arrays, model = _read_npz(weights), _APPLICATIONS[name](weights=None, include_top=False)
        table = {layer: row for layer, row in table.items() if f"{layer}/kernel" in arrays}
    else:
        model = _read_h5(name, title, weights)
    table = _cut(table, layers, f"{title}'s weights in {weights}" if arrays else title)
    if arrays:
        for layer in _up_to(layer_table(name), list(table)[-1]):
            _set_weights(model.get_layer(layer), arrays, layer, weights)
    outputs = _rebuild(model, table, pooling, precision)
    return Network(name, outputs, table, pooling, precision, f"Network: {title} (ImageNet weights)")


def _rebuild(model, table, pooling, precision):
    """A new model of the same convolutions, up to the last layer of the table."""
    pool = keras.layers.MaxPooling2D if pooling == "max" else keras.layers.AveragePooling2D
    inputs = keras.Input((None, None, 3))
    x = pixels = _split(inputs, precision)
    outputs = {}
    for layer in model.layers[1:]:
        if isinstance(layer, keras.layers.MaxPooling2D):
            x = pool(2, dtype=precision)(x)
            continue
        kernel, bias = layer.get_weights()
        if x is pixels:
            kernel = _for_split(kernel, precision)
        copy = keras.layers.Conv2D.from_config({**layer.get_config(), "dtype": precision})
        x = copy(x)
        copy.set_weights([kernel, bias])
        if layer.name in table:
            outputs[layer.name] = x
        if len(outputs) == len(table):
            break
    return _frozen(keras.Model(inputs, outputs))


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


def _load_mini(layers, pooling, weights, precision):
    """VGG-19's layers, each convolution in up to three factors: 1×1 reduce, 3×3, 1×1 expand."""
    weights = weights or MINI_WEIGHTS
    arrays = _read_npz(weights)
    table = _cut(layer_table("mini", weights), layers, "mini")
    pool = keras.layers.MaxPooling2D if pooling == "max" else keras.layers.AveragePooling2D
    inputs = keras.Input((None, None, 3))
    # 64 is the unit that keeps the first kernel within float16.
    x = pixels = _split(inputs / 64, precision)
    outputs = {}
    for layer in _up_to(_layers_of(arrays), list(table)[-1]):
        if _pools_before(layer):
            x = pool(2, dtype=precision)(x)
        factors = [f for f in ("reduce", "kernel", "expand") if f"{layer}/{f}" in arrays]
        for factor in factors:
            last = factor == factors[-1]
            kernel = arrays[f"{layer}/{factor}"]
            if x is pixels:
                kernel = arrays[f"{layer}/{factor}"] = _for_split(kernel, precision)
            convolution = keras.layers.Conv2D(
                kernel.shape[-1],
                kernel.shape[:2],
                padding="same",
                use_bias=last,
                activation="relu" if last else None,
                name=layer if last else f"{layer}_{factor}",
                dtype=precision,
            )
            x = convolution(x)
            _set_weights(convolution, arrays, layer, weights, factor)
        if layer in table:
            outputs[layer] = x
    description = "Network: mini (the embedded stand-in for VGG-19's first blocks)"
    return Network(
        "mini", _frozen(keras.Model(inputs, outputs)), table, pooling, precision, description
    )


def _frozen(model):
    model.trainable = False
    return model


def _imagenet(name, title):
    try:
        return _APPLICATIONS[name](weights="imagenet", include_top=False)
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise _DownloadError(
            f"{title}'s weights could not be downloaded: connect to the internet once, give a "
            "file of weights, or use the network mini."
        ) from error


def _read_h5(name, title, path):
    _check_file(path)
    try:
        return _APPLICATIONS[name](weights=str(path), include_top=False)
    except Exception as error:  # h5py and Keras raise many kinds
        raise NetworkError(
            f"{path} does not hold {title}'s weights (include_top=False): check the file."
        ) from error


def _read_npz(path):
    _check_file(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key].astype(np.float32) for key in file.files}
    except (OSError, ValueError, EOFError, KeyError, TypeError, *_BROKEN_ZIP) as error:
        raise NetworkError(
            f"The weights {path} are damaged: fetch or copy the file again."
        ) from error
    if not _layers_of(arrays):
        raise NetworkError(f"The weights {path} hold no layer: expected arrays as LAYER/kernel.")
    return arrays


def _check_file(path):
    if not Path(path).is_file():
        raise NetworkError(f"There is no weights file {path}: check the path.")


def _set_weights(layer, arrays, name, path, factor="kernel"):
    try:
        bias = [arrays[f"{name}/bias"]] if layer.use_bias else []
        layer.set_weights([arrays[f"{name}/{factor}"], *bias])
    except KeyError as error:
        raise NetworkError(
            f"The weights {path} lack {error}: fetch or copy the file again."
        ) from None
    except ValueError:
        raise NetworkError(
            f"The weights {path} have wrong shapes at {name}: they are of another network."
        ) from None


def _layers_of(arrays):
    return [key.removesuffix("/kernel") for key in arrays if key.endswith("/kernel")]


def _up_to(names, last):
    names = list(names)
    return names[: names.index(last) + 1]


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


def _check_name(name):
    if name not in _APPLICATIONS:
        raise NetworkError(f"There is no network {name!r}: choose auto, {', '.join(NETWORKS)}.")


def _check_choice(what, value, choices):
    if value not in choices:
        raise NetworkError(f"There is no {what} {value!r}: choose one of {', '.join(choices)}.")
