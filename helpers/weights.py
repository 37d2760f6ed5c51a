"""Where a network's weights come from: Keras, a file, or this package → {LAYER/kernel: array}.

VGG-19 and VGG-16 (Simonyan & Zisserman 2014, arXiv:1409.1556) come from Keras Applications with
ImageNet weights, or from a file: an .npz of LAYER/kernel and LAYER/bias, which may end early, or a
whole Keras network as .h5.  `mini` lies in this package (weights/README.md).
"""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from .errors import NetworkError, SettingError
from .files import DAMAGED_NPZ, readable

MINI = Path(__file__).parent / "weights" / "mini.npz"
TITLES = {"vgg19": "VGG-19", "vgg16": "VGG-16", "mini": "mini"}
CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
CHANNELS = (64, 128, 256, 512, 512)
_APPLICATIONS = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}
_SAMPLE = 10_000  # values of a kernel that tell whether it has more than the 256 of 8 bits


class DownloadError(NetworkError):
    """The weights are neither at hand nor to be had."""


def vgg_layers(name):
    """The names of a VGG's convolutions, shallow to deep."""
    return [
        f"block{block}_conv{i}"
        for block, convolutions in enumerate(CONVOLUTIONS[name], 1)
        for i in range(1, convolutions + 1)
    ]


def read(name, path=None):
    """(arrays, where they come from) of "vgg19", "vgg16" or "mini".

    arrays: {LAYER/FACTOR: float32 array}, where FACTOR is kernel and bias, with mini also reduce
    and expand.  path: a file; else, for a VGG, the environment variable NST_WEIGHTS; else Keras'
    cache or download.  Raises NetworkError for weights that are missing, damaged or another
    network's, DownloadError where Keras cannot fetch them.
    """
    if name == "mini":
        arrays = _read_npz(path or MINI)
        if path and not _has_factors(arrays):
            raise NetworkError(f"The weights {path} are not mini's: choose another network.")
        return arrays, f"weights from {Path(path).name}" if path else "embedded"
    path = path or os.environ.get("NST_WEIGHTS") or None
    if path is None:
        return _from_keras(name, "imagenet"), "ImageNet weights from Keras"
    if not str(path).endswith(".npz"):
        path = readable(path, NetworkError, "weights file")
        return _from_keras(name, str(path)), f"weights from {Path(path).name}"
    arrays = _read_npz(path)
    _check_architecture(name, arrays, path)
    kernels = [array.ravel()[:_SAMPLE] for key, array in arrays.items() if key.endswith("/kernel")]
    few = [kernel for kernel in kernels if len(np.unique(kernel)) <= 256]
    said = f", {len(few)} of its layers in 8 bits" if few else ""
    return arrays, f"weights from {Path(path).name}{said}"


def layers_of(arrays):
    """The layers that arrays hold, shallow to deep, whatever their order in a file."""
    return sorted(key.removesuffix("/kernel") for key in arrays if key.endswith("/kernel"))


def _has_factors(arrays):
    """Whether layers are thin products, as mini's are and a VGG's are not."""
    return any(key.endswith("/reduce") for key in arrays)


def _from_keras(name, weights):
    title = TITLES[name]
    try:
        model = _APPLICATIONS[name](weights=weights, include_top=False)
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
    for layer in vgg_layers(name):
        found[f"{layer}/kernel"], found[f"{layer}/bias"] = model.get_layer(layer).get_weights()
    return found


def _read_npz(path):
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
    if not layers_of(arrays):
        raise NetworkError(f"The weights {path} hold no layer: expected arrays as LAYER/kernel.")
    for key, array in arrays.items():
        if array.ndim != (1 if key.endswith("/bias") else 4):
            raise NetworkError(f"The weights {path} have wrong shapes at {key}: check the file.")
    return arrays


def _check_architecture(name, arrays, path):
    """A VGG's file may end early, but it has no other layers and leaves none out."""
    expected, found = vgg_layers(name), layers_of(arrays)
    other = [layer for layer in found if layer not in expected]
    missing = [layer for layer in expected[: len(found)] if layer not in found]
    if other or missing or _has_factors(arrays):
        what = f"hold {other[0]}" if other else f"lack {missing[0]}" if missing else "are mini's"
        raise NetworkError(
            f"The weights {path} {what}, so they are not {TITLES[name]}'s: choose another network."
        )
