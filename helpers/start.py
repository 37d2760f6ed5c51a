"""What a notebook's setup cell does once this package is found, so that the cell stays short.

Nothing is installed or upgraded here: what Colab brings is taken as it is.
"""

import importlib.metadata
import os
import re
import sys
import time
from pathlib import Path

from .errors import SetupError

_HERE = Path(__file__).resolve().parent
_LOADED = time.time()
_NO_GPU = (
    "There is no GPU in this session. Choose Runtime → Change runtime type → T4 GPU and run all "
    "cells for VGG-19 and larger pictures; without one, all goes on with the network mini."
)


def in_colab():
    """Whether this is Google Colab, whose kernel has its module loaded from the start."""
    return "google.colab" in sys.modules


def up(name=None):
    """(whether there is a GPU, the network), and prints what the reader has.

    name: as for `vgg.load`; None: VGG-19 on a GPU, if its weights can be had, else mini.
    Raises SetupError for a TensorFlow that is too old, and for a package whose files have changed
    since they were loaded, NetworkError for weights of a `name` that cannot be had.
    """
    check_versions()
    check_loaded()
    # Or TensorFlow takes all of a GPU's memory for itself, and nothing else runs beside it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    import keras
    import tensorflow as tf

    from . import vgg

    GPU = bool(tf.config.list_physical_devices("GPU"))
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, on a {'GPU' if GPU else 'CPU'}")
    if in_colab() and not GPU:
        print(_NO_GPU)
    network = vgg.load(name or ("auto" if GPU else "mini"))
    print(network.description)
    return GPU, network


def check_versions(requirements=_HERE.parent / "requirements.txt"):
    """Raises SetupError for TensorFlow or Keras older than the list asks for, and prints a sentence
    about one that is newer than the list knows.  An installed package has pip for this."""
    text = requirements.read_text(encoding="utf-8") if requirements.exists() else ""
    for package, least, below in re.findall(r"^(\w+)>=([\d.]+),<([\d.]+)$", text, re.MULTILINE):
        if package in ("tensorflow", "keras"):
            _check_version(package, least, below)


def _check_version(package, least, below):
    title = {"tensorflow": "TensorFlow", "keras": "Keras"}[package]
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # its name may be tensorflow-cpu, for example
        return
    if _numbers(found) < _numbers(least):
        raise SetupError(
            f"{title} {found} is too old, {least} is needed: in Colab choose Runtime → Change "
            "runtime type → the latest version, elsewhere pip install -r requirements.txt."
        )
    if _numbers(found) >= _numbers(below):
        print(f"{title} {found} is newer than those that were tried, all below {below}.")


def _numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def check_loaded():
    """Raises SetupError if the files are newer than what this session has loaded of them."""
    if any(path.stat().st_mtime > _LOADED for path in _HERE.rglob("*.py")):
        raise SetupError(
            "The helpers have been updated, but this session still has the old ones loaded: choose "
            "Runtime → Restart session (in Jupyter: Kernel → Restart) and run all cells."
        )
