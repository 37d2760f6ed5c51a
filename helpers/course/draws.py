"""Random arguments for the exercises' functions: rng → a tuple of them.

Their sides differ, so that an axis that is taken for another shows; sizes change from one to the
next, so that a loop over positions shows as well; values are above zero, as behind a relu.
"""

import itertools

import numpy as np
import tensorflow as tf

_CHANNELS = itertools.cycle([3, 5, 2, 7])
_SIDES = itertools.cycle([(2, 3, 4), (5, 6, 7), (5, 6, 7), (8, 9), (8, 9), (2, 3, 4)])
_BATCHES = itertools.cycle([[], [2], [], [3]])


def activation(rng, n_C=None):
    n_C = n_C or next(_CHANNELS)
    n_H, n_W = rng.permutation([side for side in next(_SIDES) if side != n_C])[:2]
    return tf.constant(rng.gamma(1.0, 2.0, (n_H, n_W, n_C)), tf.float32)


def twins(rng):
    a = activation(rng)
    return a, a + tf.constant(rng.normal(0, 1, a.shape), tf.float32)


def two_sizes(rng):
    a = activation(rng)
    return a, activation(rng, a.shape[-1])


def layers(rng):
    found = {layer: two_sizes(rng) for layer in ("block1_conv1", "block2_conv1", "block3_conv1")}
    S, G = ({layer: pair[i] for layer, pair in found.items()} for i in range(2))
    asked = rng.permutation(list(found))[:2]  # what is read need not be what is compared
    return S, G, {str(layer): float(rng.uniform(0.2, 2)) for layer in asked}


def pictures(rng):
    shape = (*next(_BATCHES), *rng.integers(4, 9, 2), 3)
    return (tf.constant(rng.uniform(0, 255, shape), tf.float32),)


def masked(rng):
    a = activation(rng)
    mask = rng.integers(0, 2, a.shape[:2])
    mask.flat[:2] = 0, 1  # never all of one kind
    return a, tf.constant(mask, tf.float32)


def part(rng):
    a, mask = masked(rng)
    return a, mask.numpy()


def piles(rng):
    return [tf.constant(rng.normal(5, 3, n), tf.float32) for n in [rng.integers(4, 9)] * 2]


def steps(rng):
    start, goal = rng.uniform(0, 255, (3, 4, 3)), rng.uniform(-120, 375, (3, 4, 3))
    return np.float32(start), np.float32(goal), float(rng.uniform(0.1, 0.3))
