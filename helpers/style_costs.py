"""Other ways than the Gram matrix to describe a layer without its places.

Each is a function a → matrix A, and then the style cost goes on as with Gram matrices, with the
number of A's entries for n_C².
"""

import functools

import numpy as np
import tensorflow as tf

from .costs import mean_gram_matrix, unroll

QUANTILES = 128  # of each direction: enough to keep a channel's rarest, strongest answers apart


def mean_and_deviation(a: tf.Tensor) -> tf.Tensor:
    """Each channel's mean and standard deviation over all positions: (…, 2, n_C).

    Li et al. 2017 (arXiv:1701.01036): style as what batch normalization takes away.
    """
    F = unroll(tf.cast(a, tf.float32))
    mean, variance = tf.nn.moments(F, axes=[-2], keepdims=True)
    return tf.concat([mean, tf.sqrt(variance + 1e-6)], axis=-2)  # a root has no slope at 0


def quantiles(a: tf.Tensor) -> tf.Tensor:
    """The activations along n_C directions, each from small to large: (…, n_C, QUANTILES).

    Entry k is the mean of the k-th of QUANTILES equal parts of the sorted values, so the squared
    distance of two such matrices is that of the sliced Wasserstein distance (Heitz et al. 2021,
    arXiv:2006.07229), also for pictures of two sizes.  They draw directions anew at each step;
    these stay, so that J is one function.
    """
    slices = tf.matmul(directions(a.shape[-1]), unroll(tf.cast(a, tf.float32)), transpose_b=True)
    # tf.sort's own way there and back takes twice as long.
    order = tf.argsort(slices)
    slices = tf.gather(slices, order, axis=-1, batch_dims=slices.shape.rank - 1)
    slices = tf.cast(slices, tf.float64)  # float32 would lose the ends of long sums
    sums = tf.cumsum(tf.concat([0 * slices[..., :1], slices], axis=-1), axis=-1)
    n = tf.cast(tf.shape(slices)[-1], tf.float64)
    cuts = tf.linspace(tf.constant(0, tf.float64), n, QUANTILES + 1)
    below = tf.gather(sums, tf.cast(tf.floor(cuts), tf.int32), axis=-1)
    above = tf.gather(sums, tf.cast(tf.math.ceil(cuts), tf.int32), axis=-1)
    at_cuts = below + (cuts - tf.floor(cuts)) * (above - below)
    return tf.cast((at_cuts[..., 1:] - at_cuts[..., :-1]) * QUANTILES / n, tf.float32)


@functools.cache
def directions(n_C: int) -> np.ndarray:
    """n_C unit vectors at right angles to each other, the same ones every time: (n_C, n_C)."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(n_C, n_C)))[0].astype(np.float32)


STYLE_COSTS = {"gram": mean_gram_matrix, "mean-std": mean_and_deviation, "wasserstein": quantiles}
