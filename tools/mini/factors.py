"""The embedded network `mini`: VGG-19 with each convolution after the first in three factors.

    3×3, n_in → n_out   ≈   1×1, n_in → r_in  ·  3×3, r_in → r_out  ·  1×1, r_out → n_out

(a Tucker decomposition, Kim et al. 2016, arXiv:1511.06530).  `factorize` finds them layer by layer:
r_in and r_out are the principal components of what a layer reads and writes, and least squares map
what the *student's* layer reads to what the teacher's writes by the last factor, so that each layer
makes up for the errors of those before it (Zhang et al. 2015, arXiv:1505.06798, section 3.2).

A network is {layer: (kernels, bias)}; a layer's kernels are applied one after another.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers import files

MEAN_BGR = (103.939, 116.779, 123.68)
INPUT_UNIT = 64.0  # the file's first kernel reads (BGR - mean) / 64
FIRST = "block1_conv1"  # has only three channels to read, so it stays whole
RANKS = {  # layer: (r_in, r_out), multiples of 16 because CPUs compute channels in such blocks
    "block1_conv2": (16, 32),
    "block2_conv1": (32, 48),
    "block2_conv2": (48, 64),
    "block3_conv1": (80, 96),
    "block3_conv2": (80, 96),
    "block3_conv3": (80, 96),
    "block3_conv4": (80, 96),
    "block4_conv1": (144, 176),
    "block4_conv2": (176, 176),
    "block4_conv3": (224, 224),
    "block4_conv4": (224, 224),
    "block5_conv1": (224, 256),
}
FACTORS = ("reduce", "kernel", "expand")
CHUNK = 16  # pictures that the least squares look at together


def read(path=None):
    """The network in an .npz file, VGG-19 or a student; default: Keras' VGG-19."""
    if path is None:
        model = keras.applications.VGG19(weights="imagenet", include_top=False)
        arrays = {name: model.get_layer(name).get_weights() for name in (FIRST, *RANKS)}
        return {name: ([kernel], bias) for name, (kernel, bias) in arrays.items()}
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key].astype(np.float32) for key in file.files}
    if any(key.endswith("/reduce") for key in arrays):  # a student
        arrays[f"{FIRST}/kernel"] /= INPUT_UNIT
    return {
        name: (
            [arrays[f"{name}/{factor}"] for factor in FACTORS if f"{name}/{factor}" in arrays],
            arrays[f"{name}/bias"],
        )
        for name in (FIRST, *RANKS)
    }


def as_input(pictures):
    """RGB pictures in 0–255 as VGG reads them."""
    return pictures[..., ::-1] - tf.constant(MEAN_BGR)


def convolved(h, layer, precision=tf.float32):
    """What a layer writes, before its relu."""
    kernels, bias = layer
    h = tf.cast(h, precision)
    for kernel in kernels:
        h = tf.nn.conv2d(h, tf.cast(kernel, precision), 1, "SAME")
    return tf.cast(h, tf.float32) + bias


def read_by(name, z):
    """What the layer `name` reads of what the layer before it has written."""
    h = tf.nn.relu(z)
    pooled = name.endswith("conv1") and name != FIRST
    return tf.nn.max_pool2d(h, 2, 2, "SAME") if pooled else h


def before_relu(network, pictures, precision=tf.float32):
    """{layer: what it writes, before its relu}, float32, of RGB pictures in 0–255."""
    found = {FIRST: convolved(as_input(pictures), network[FIRST], precision)}
    for before, name in zip((FIRST, *RANKS), RANKS, strict=False):
        found[name] = convolved(read_by(name, found[before]), network[name], precision)
    return found


def factorize(teacher, pictures):
    """The factors of the teacher's layers, by what they read and write on these pictures."""
    chunks = [pictures[i : i + CHUNK] for i in range(0, len(pictures), CHUNK)]
    theirs = [convolved(as_input(chunk), teacher[FIRST]) for chunk in chunks]
    mine, network = theirs, {FIRST: teacher[FIRST]}
    for name, ranks in RANKS.items():
        mine, theirs = ([read_by(name, z) for z in zs] for zs in (mine, theirs))
        theirs = [convolved(h, teacher[name]) for h in theirs]
        network[name] = _factors(teacher[name][0][0], mine, theirs, *ranks)
        mine = [convolved(h, network[name]) for h in mine]
    return network


def _factors(kernel, reads, writes, r_in, r_out):
    """A layer of three factors that maps `reads` to `writes`, both lists of chunks."""
    rows_in, rows_out = ([_rows(chunk) for chunk in chunks] for chunks in (reads, writes))
    count = sum(len(rows) for rows in rows_out)
    mean = sum(tf.reduce_sum(rows, 0) for rows in rows_out).numpy() / count
    covariance = sum(_product(rows, rows) for rows in rows_out) / count - np.outer(mean, mean)
    P_in = _principal(sum(_product(rows, rows) for rows in rows_in), r_in)
    P_out = _principal(covariance, r_out)
    core = np.einsum("hwio,ir,os->hwrs", kernel, P_in, P_out, optimize=True)
    inner = [P_in[np.newaxis, np.newaxis], core], 0.0
    # The last factor and the bias, by least squares.
    A, B = 1e-3 * np.eye(r_out + 1), 0.0
    for read, written in zip(reads, rows_out, strict=True):
        X = _rows(convolved(read, inner))
        X = tf.concat([X, tf.ones((len(X), 1))], axis=1)
        A, B = A + _product(X, X), B + _product(X, written)
    found = np.linalg.solve(A, B).astype(np.float32)
    return [*inner[0], found[np.newaxis, np.newaxis, :-1]], found[-1]


def _rows(a):
    return tf.reshape(a, (-1, a.shape[-1]))


def _product(a, b):
    return tf.matmul(a, b, transpose_a=True).numpy().astype(np.float64)


def _principal(covariance, count):
    """The `count` main directions of a covariance, as columns."""
    return np.linalg.eigh(covariance)[1][:, ::-1][:, :count].astype(np.float32)


def export(network, path):
    """Write float16 arrays LAYER/reduce, LAYER/kernel, LAYER/expand, LAYER/bias, in this order."""
    arrays = {}
    for name, (kernels, bias) in network.items():
        names = ["kernel"] if name == FIRST else FACTORS
        arrays |= {f"{name}/{f}": kernel for f, kernel in zip(names, kernels, strict=True)}
        arrays[f"{name}/bias"] = bias
    arrays[f"{FIRST}/kernel"] = arrays[f"{FIRST}/kernel"] * INPUT_UNIT
    arrays = {key: np.asarray(array).astype(np.float16) for key, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise FloatingPointError("A weight is not finite in float16: the training diverged.")
    with files.whole_file(path, parents=True) as file:
        np.savez_compressed(file, **arrays)
