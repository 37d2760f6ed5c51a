"""The embedded network `mini`: VGG-19 with every convolution after the first in three factors.

    3×3, n_in → n_out   ≈   1×1, n_in → r_in  ·  3×3, r_in → r_out  ·  1×1, r_out → n_out

(a Tucker decomposition, Kim et al. 2016, arXiv:1511.06530).  `Student` computes its start, layer by
layer: r_in and r_out are the principal components of what a layer reads and writes, and least
squares then find the factors that map what the *student's* layer reads to what the teacher's
writes, so that each layer makes up for the errors of those before it (Zhang et al. 2015,
arXiv:1505.06798, section 3.2).

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
LAYERS = ("block1_conv1", *RANKS)
POOLED_BEFORE = ("block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
POOLED_AFTER = {LAYERS[LAYERS.index(name) - 1] for name in POOLED_BEFORE}
CHUNK = 16  # pictures that the least squares look at together
POSITIONS = 60_000  # of a layer, at most, from which its 3×3 factor is found
RIDGE = 100.0  # pseudo-observations that hold the 3×3 factor to the teacher's own kernel


def teacher_from(path):
    """VGG-19's layers from an .npz of LAYER/kernel and LAYER/bias, or from Keras."""
    if path:
        with np.load(path, allow_pickle=False) as file:
            return {name: ([file[f"{name}/kernel"]], file[f"{name}/bias"]) for name in LAYERS}
    model = keras.applications.VGG19(weights="imagenet", include_top=False)
    arrays = {name: model.get_layer(name).get_weights() for name in LAYERS}
    return {name: ([kernel], bias) for name, (kernel, bias) in arrays.items()}


def before_relu(network, pictures, precision):
    """{layer: what its relu reads}, float32; max-pooled already where a pooling follows.

    Pooling first is the same (relu and max commute) and leaves a quarter of the numbers.
    """
    return onwards(network, tf.cast(pictures[..., ::-1] - tf.constant(MEAN_BGR), precision))


def onwards(network, h):
    """The same from what the first layer of a network reads, in the precision of that."""
    found = {}
    for name, (kernels, bias) in network.items():
        for kernel in kernels:
            h = tf.nn.conv2d(h, tf.cast(kernel, h.dtype), 1, "SAME")
        z = tf.nn.bias_add(h, tf.cast(bias, h.dtype))
        if name in POOLED_AFTER:
            z = tf.nn.max_pool2d(z, 2, 2, "VALID")
        found[name] = tf.cast(z, tf.float32)
        h = tf.nn.relu(z)
    return found


def in_spread(covariance, count):
    """The `count` main directions of a covariance, and the spread along each."""
    spread, directions = np.linalg.eigh(covariance)
    order = np.argsort(spread)[::-1][:count]
    spread = np.sqrt(np.maximum(spread[order], 1e-6 * spread.max() + 1e-9))
    return directions[:, order].astype(np.float32), spread.astype(np.float32)


class Student:
    """The factorised network.  Its variables have about unit size; fixed gains restore VGG's.

    So one learning rate suits every array, although VGG's activations span three magnitudes.
    """

    def __init__(self, teacher, pictures, ranks=None, say=None):
        """Factorise the teacher's layers, by what they read and write on these pictures."""
        chunks = [pictures[i : i + CHUNK] for i in range(0, len(pictures), CHUNK)]
        x = [chunk[..., ::-1] - np.float32(MEAN_BGR) for chunk in chunks]
        self.first = fit_convolution(x[0], conv(x[0], teacher["block1_conv1"]))
        self.variables, self.gains, self.spread = [], [], {}
        mine = [conv(chunk, self.first) for chunk in x]
        theirs = [conv(chunk, teacher["block1_conv1"]) for chunk in x]
        for name, (r_in, r_out) in (ranks or RANKS).items():
            mine, theirs = ([_read(z, name) for z in zs] for zs in (mine, theirs))
            theirs = [conv(h, teacher[name]) for h in theirs]
            layer = self._factorise(teacher[name][0][0], mine, theirs, r_in, r_out)
            self.spread[name] = tf.constant(self.gains[-1])
            mine = [conv(h, layer) for h in mine]
            if say:
                error = sum(
                    ((relu(m) - relu(t)) ** 2).sum() for m, t in zip(mine, theirs, strict=True)
                )
                size = sum((relu(t) ** 2).sum() for t in theirs)
                say(f"{name}: relative error of the activation {np.sqrt(error / size):.3f}")

    def _factorise(self, kernel, h, z, r_in, r_out):
        """Append the variables of a layer that maps the chunks h to z; returns the layer."""
        size_in, size_out = (np.sqrt(_mean(c**2 for c in chunks)) for chunks in (h, z))
        mean = _mean(z)
        reads, reads_spread = in_spread(_products(h), r_in)
        writes, writes_spread = in_spread(_products(z) - np.outer(mean, mean), r_out)
        reduce = reads / reads_spread
        start = np.einsum("hwio,ir,os->hwrs", kernel, reads, writes, optimize=True)
        start = (start * reads_spread[:, None] / writes_spread).astype(np.float32)
        core = _fit_core(start, h, z, reduce, (writes / writes_spread), mean)
        inner = ([reduce[None, None], core], np.zeros(r_out, np.float32))
        found = _least_squares([conv(c, inner) for c in h], z)
        factors, bias = [*inner[0], found[:-1][None, None]], found[-1]
        size_in, size_out = _not_small(size_in), _not_small(np.sqrt(size_out**2 - mean**2 + 1e-6))
        gains = [1 / size_in[:, None], np.float32(1), size_out, size_out]
        for array, gain in zip([*factors, bias], gains, strict=True):
            self.variables.append(tf.Variable((array / gain).astype(np.float32)))
            self.gains.append(gain)
        return factors, bias

    def network(self, values=None):
        """{layer: (kernels, bias)} from the variables, or from other values for them."""
        arrays = [v * g for v, g in zip(values or self.variables, self.gains, strict=True)]
        fours = [arrays[i : i + 4] for i in range(0, len(arrays), 4)]
        layers = {name: (four[:3], four[3]) for name, four in zip(self.spread, fours, strict=True)}
        return {"block1_conv1": self.first, **layers}


def conv(h, layer):
    kernels, bias = layer
    for kernel in kernels:
        h = tf.nn.conv2d(h, kernel, 1, "SAME")
    return (h + bias).numpy()


def relu(z):
    return np.maximum(z, 0)


def _read(z, name):
    """What a layer reads of what the layer before has written."""
    h = relu(z)
    return tf.nn.max_pool2d(h, 2, 2, "VALID").numpy() if name in POOLED_BEFORE else h


def _mean(chunks):
    means = [tf.reduce_mean(chunk, (0, 1, 2)).numpy() for chunk in chunks]
    return np.mean(means, axis=0).astype(np.float32)


def _products(chunks):
    rows = [chunk.reshape(-1, chunk.shape[-1]) for chunk in chunks]
    return sum(_product(r, r) for r in rows) / sum(len(r) for r in rows)


def _product(a, b):
    """aᵀb, by TensorFlow, whose products of long thin matrices are many times as quick."""
    return tf.matmul(a, b, transpose_a=True).numpy().astype(np.float64)


def _fit_core(start, h, z, reduce, writes, mean):
    """The 3×3 factor that maps h·reduce to (z − mean)·writes, near `start`, by least squares."""
    rng, share = np.random.default_rng(0), POSITIONS // len(h)
    n = 9 * start.shape[2]
    A, B = RIDGE * np.eye(n), np.zeros((n, start.shape[3]))
    K = start.reshape(n, -1)
    for read, written in zip(h, z, strict=True):
        u = tf.nn.conv2d(read, reduce[None, None], 1, "SAME")
        X = tf.image.extract_patches(u, [1, 3, 3, 1], [1] * 4, [1] * 4, "SAME").numpy()
        X, y = (
            X.reshape(-1, n),
            tf.matmul((written - mean).reshape(-1, len(writes)), writes).numpy(),
        )
        if len(X) > share:
            chosen = rng.choice(len(X), share, replace=False)
            X, y = X[chosen], y[chosen]
        A += _product(X, X)
        B += _product(X, y - tf.matmul(X, K))
    return (K + np.linalg.solve(A, B)).reshape(start.shape).astype(np.float32)


def _least_squares(inputs, outputs):
    """(weights and, last, a bias) that map the channels of one list of chunks to the other's."""
    n = inputs[0].shape[-1] + 1
    A, B = 1e-3 * np.eye(n), 0.0
    for chunk, answer in zip(inputs, outputs, strict=True):
        X = chunk.reshape(-1, n - 1)
        X = np.c_[X, np.ones(len(X), np.float32)]
        A = A + _product(X, X)
        B = B + _product(X, answer.reshape(len(X), -1))
    return np.linalg.solve(A, B).astype(np.float32)


def fit_convolution(x, z):
    """The 3×3 convolution that maps x to z, by least squares: exact for a layer that reads pixels.

    Such a layer is linear in 3 × 3 × 3 values, so its answers determine it; there is nothing left
    to train.
    """
    ones = [1, 1, 1, 1]
    patches = tf.image.extract_patches(x, [1, 3, 3, 1], ones, ones, "VALID").numpy()
    n_in = patches.shape[-1]
    reads = np.c_[patches.reshape(-1, n_in).astype(np.float64), np.ones(patches[..., 0].size)]
    answers = z[:, 1:-1, 1:-1].reshape(len(reads), -1).astype(np.float64)
    found = np.linalg.lstsq(reads, answers, rcond=None)[0].astype(np.float32)
    kernel = found[:-1].reshape(3, 3, n_in // 9, -1)
    return [tf.constant(kernel)], tf.constant(found[-1])


def _not_small(sizes):
    return np.maximum(sizes, 0.01 * sizes.max()).astype(np.float32)


def export(network, path):
    """float16 arrays LAYER/reduce, LAYER/kernel, LAYER/expand, LAYER/bias, in this order.

    The 1×1 factors get columns and rows of length one; the kernel between takes up the
    difference, so that no number is too small for float16.
    """
    arrays = {}
    for name, (kernels, bias) in network.items():
        kernels = [np.asarray(kernel, np.float64) for kernel in kernels]
        if len(kernels) == 1:
            arrays[f"{name}/kernel"] = kernels[0] * INPUT_UNIT
        else:
            reduce, kernel, expand = kernels
            length_in = np.linalg.norm(reduce, axis=2).ravel()
            length_out = np.linalg.norm(expand, axis=3).ravel()
            arrays[f"{name}/reduce"] = reduce / length_in
            arrays[f"{name}/kernel"] = kernel * length_in[:, None] * length_out
            arrays[f"{name}/expand"] = expand / length_out[:, None]
        arrays[f"{name}/bias"] = np.asarray(bias)
    arrays = {key: array.astype(np.float16) for key, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise FloatingPointError("A weight is not finite in float16: the training diverged.")
    with files.whole_file(path, parents=True) as file:
        np.savez_compressed(file, **arrays)
