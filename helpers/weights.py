"""Where a network's weights come from: Keras, a file, or this package → {LAYER/kernel: array}.

VGG-19 and VGG-16 (Simonyan & Zisserman 2014, arXiv:1409.1556) come from Keras Applications with
ImageNet weights, or from a file: an .npz of LAYER/kernel and LAYER/bias, which may end early, or a
whole Keras network as .h5.  `mini` lies in this package (weights/README.md).
"""

import os
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

from .errors import NetworkError, SettingError
from .files import readable

MINI = Path(__file__).parent / "weights" / "mini.npz"
TITLES = {"vgg19": "VGG-19", "vgg16": "VGG-16", "mini": "mini"}
CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
CHANNELS = (64, 128, 256, 512, 512)
_APPLICATIONS = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}
_DAMAGED = (OSError, ValueError, EOFError, KeyError, TypeError, NotImplementedError,
            RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error)  # fmt: skip


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
        return _read_npz(path or MINI), f"weights from {Path(path).name}" if path else "embedded"
    path = path or os.environ.get("NST_WEIGHTS") or None
    if path is None:
        return _from_keras(name, "imagenet"), "ImageNet weights from Keras"
    if not str(path).endswith(".npz"):
        path = readable(path, NetworkError, "weights file")
        return _from_keras(name, str(path)), f"weights from {Path(path).name}"
    arrays = _read_npz(path)
    _check_architecture(name, arrays, path)
    few = [k for k, a in arrays.items() if k.endswith("/kernel") and len(np.unique(a)) <= 256]
    said = f", {len(few)} of its layers in 8 bits" if few else ""
    return arrays, f"weights from {Path(path).name}{said}"


def layers_of(arrays):
    """The layers that arrays hold, in their order."""
    return [key.removesuffix("/kernel") for key in arrays if key.endswith("/kernel")]


def _from_keras(name, weights):
    title = TITLES[name]
    try:
        model = _APPLICATIONS[name](weights=weights, include_top=False)
    except MemoryError:
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
            arrays = {key: file[key].astype(np.float32) for key in file.files}
    except MemoryError:
        raise SettingError(f"There is not enough memory for the weights {path}.") from None
    except _DAMAGED as error:
        raise NetworkError(
            f"The weights {path} are damaged: fetch or copy the file again."
        ) from error
    if not layers_of(arrays):
        raise NetworkError(f"The weights {path} hold no layer: expected arrays as LAYER/kernel.")
    return arrays


def _check_architecture(name, arrays, path):
    """A VGG's file may end early, but it has no other layers and leaves none out."""
    expected, found = vgg_layers(name), layers_of(arrays)
    other = [layer for layer in found if layer not in expected]
    missing = [layer for layer in expected[: len(found)] if layer not in found]
    if other or missing:
        what = f"hold {other[0]}" if other else f"lack {missing[0]}"
        raise NetworkError(
            f"The weights {path} {what}, so they are not {TITLES[name]}'s: choose another network."
        )
