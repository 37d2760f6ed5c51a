"""What each exercise of the notebooks asks for: its answer, and wrong answers that students give.

exercises.py compares a reader's function with these, on what draws.py draws.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .. import costs, fast
from . import draws


class Exercise(NamedTuple):
    """answer, draw: rng → its arguments; slips: {sentence: wrong answer}; praise: a sentence.

    played: makes a function of the drawn arguments out of one that is called differently.
    """

    answer: Callable
    draw: Callable
    slips: dict
    praise: str
    played: Callable | None = None


def _play_steps(step):
    """Three steps towards a picture that pixels cannot quite reach, one of them compiled."""

    def played(start, goal, rate):
        G, optimizer = tf.Variable(start), keras.optimizers.SGD(rate, momentum=0.5)

        def one():
            return step(G, optimizer, lambda G: tf.reduce_sum((G - goal) ** 2))

        values = [one(), one()]
        if values[0] is None and np.array_equal(G, start):
            return None
        values = [np.nan if value is None else float(value) for value in values]
        tf.function(one)()
        return np.concatenate([values, np.ravel(G)])

    return played


def _step(G, optimizer, cost, low=0.0, high=255.0, late=False, sign=1.0):
    with tf.GradientTape() as tape:
        value = cost(G)
    optimizer.apply([sign * tape.gradient(value, G)], [G])
    G.assign(tf.clip_by_value(G, low, high))
    return cost(G) if late else value


_MEAN = np.float32([103.939, 116.779, 123.68])


def _sum(x):
    return tf.reduce_sum(x)


def _gram_distance(a_S, a_G, gram=costs.mean_gram_matrix):
    return tf.reduce_sum((gram(a_S) - gram(a_G)) ** 2)


def _inside(a, mask):
    return tf.reduce_sum(a * mask[..., None], [0, 1])


def _share(a, mask):
    return _inside(a, mask) / (1 + tf.reduce_sum(a, [0, 1]))


def _region_gram(a, mask):
    F = costs.unroll(a * mask[..., None])
    return tf.matmul(F, F, transpose_a=True) / _sum(mask)


def _in_order(x, y, power=2):
    return tf.reduce_mean(tf.abs(fast.ascending(x) - fast.ascending(y)) ** power)


EXERCISES = {
    "preprocess": Exercise(
        lambda pictures: pictures[..., ::-1] - _MEAN,
        draws.pictures,
        {
            "the channels are still red, green, blue.": lambda p: p - _MEAN,
            "the means are subtracted from the wrong channels: look at their order.": (
                lambda p: (p - _MEAN)[..., ::-1]
            ),
            "the channels are turned round, but nothing is subtracted.": lambda p: p[..., ::-1],
            "the picture itself is turned round: which axis holds the colors?": (
                lambda p: p[..., ::-1, :] - _MEAN
            ),
            "VGG's values stay in the range of grey levels, not 0 to 1.": (
                lambda p: p[..., ::-1] / 255 - _MEAN
            ),
        },
        "this is what VGG was trained on.",
    ),
    "content_cost": Exercise(
        costs.content_cost,
        draws.twins,
        {
            "differences above and below zero cancel: nothing must.": (
                lambda a, b: _sum(a - b) / (4 * tf.size(a, tf.float32))
            ),
            "this is the sum alone; look at what stands before the Σ.": (
                lambda a, b: _sum((a - b) ** 2)
            ),
            "there is one value for each channel: the sum runs over channels too.": (
                lambda a, b: tf.reduce_sum((a - b) ** 2, [0, 1]) / (4 * tf.size(a, tf.float32))
            ),
        },
        "the same cost as the package's, on pictures of several sizes.",
    ),
    "share_inside": Exercise(
        _share,
        draws.masked,
        {
            "the 1 below the line is missing.": (
                lambda a, m: _inside(a, m) / tf.reduce_sum(a, [0, 1])
            ),
            "this is the sum inside; it is not yet divided by the sum everywhere.": _inside,
            "this is one share for all channels together: leave the axis of the channels.": (
                lambda a, m: _sum(_inside(a, m)) / (1 + _sum(a))
            ),
            "this is the share outside the mask.": lambda a, m: _share(a, 1 - m),
            "the 1 is added at every position: it belongs to the sum.": (
                lambda a, m: _inside(a, m) / tf.reduce_sum(1 + a, [0, 1])
            ),
            "the means are compared here, not the sums: the mask's size comes in.": (
                lambda a, m: _inside(a, m) / _sum(m) / (1 + tf.reduce_mean(a, [0, 1]))
            ),
        },
        "one share for each channel, all at once.",
    ),
    "activation_gradient": Exercise(
        lambda a_C, a_G: (a_G - a_C) / (2 * tf.size(a_C, tf.float32)),
        draws.twins,
        {
            "the sign is the other way round: where a_G is too large, J grows with it.": (
                lambda a_C, a_G: (a_C - a_G) / (2 * tf.size(a_C, tf.float32))
            ),
            "the derivative of a square brings a factor with it.": (
                lambda a_C, a_G: (a_G - a_C) / (4 * tf.size(a_C, tf.float32))
            ),
            "what stands before the Σ is lost.": lambda a_C, a_G: 2 * (a_G - a_C),
            "this is still the square, and knows no up and down.": (
                lambda a_C, a_G: (a_G - a_C) ** 2 / (4 * tf.size(a_C, tf.float32))
            ),
        },
        "TensorFlow's own derivative is the same.",
    ),
    "unroll": Exercise(
        costs.unroll,
        lambda rng: (draws.activation(rng),),
        {
            "the rows are channels now, as in the paper; here they are the positions.": (
                lambda a: tf.transpose(costs.unroll(a))
            ),
            "the shape is right, but positions and channels got mixed: "
            "follow one position's numbers into their row.": (
                lambda a: tf.transpose(tf.reshape(a, [a.shape[-1], -1]))
            ),
            "the positions run down the columns of the picture; take them row by row.": (
                lambda a: costs.unroll(tf.transpose(a, [1, 0, 2]))
            ),
        },
        "each position has its row, and each channel its column.",
    ),
    "gram_matrix": Exercise(
        costs.gram_matrix,
        lambda rng: (draws.activation(rng),),
        {
            "this compares positions with one another; the question is about channels.": (
                lambda a: tf.matmul(costs.unroll(a), costs.unroll(a), transpose_b=True)
            ),
            "here the sum over the positions comes first and the product afterwards: "
            "then it no longer matters whether two channels fire in the same places.": (
                lambda a: tf.tensordot(tf.reduce_sum(a, [0, 1]), tf.reduce_sum(a, [0, 1]), 0)
            ),
            "this is the mean over the positions; the definition has their sum.": (
                costs.mean_gram_matrix
            ),
            "only the diagonal is there: each channel with itself.": (
                lambda a: tf.linalg.diag(tf.reduce_sum(a**2, [0, 1]))
            ),
        },
        "every pair of channels has its sum of products.",
    ),
    "layer_style_cost": Exercise(
        costs.layer_style_cost,
        draws.two_sizes,
        {
            "the Gram matrices are sums over the positions: a larger picture then has "
            "another style.": (
                lambda a, b: _gram_distance(a, b, costs.gram_matrix) / (4 * a.shape[-1] ** 2)
            ),
            "this is the sum alone; look at what stands before the Σ.": _gram_distance,
            "n_C occurs, but how often is it there in the formula?": (
                lambda a, b: _gram_distance(a, b) / (4 * a.shape[-1])
            ),
        },
        "pictures of two sizes can be compared by their style.",
    ),
    "style_cost": Exercise(
        costs.style_cost,
        draws.layers,
        {
            "the weights are not used: each layer has its own.": (
                lambda S, G, w: costs.style_cost(S, G, dict.fromkeys(w, 1.0))
            ),
            "only one of the layers is in it.": (
                lambda S, G, w: costs.style_cost(S, G, dict(list(w.items())[-1:]))
            ),
            "this is a mean over the layers; the formula has a sum.": (
                lambda S, G, w: costs.style_cost(S, G, w) / len(w)
            ),
        },
        "each layer has its say, by its weight.",
    ),
    "total_cost": Exercise(
        costs.total_cost,
        lambda rng: [tf.constant(x, tf.float32) for x in rng.uniform(0.2, 5, 4)],
        {
            "α and β have changed places.": lambda C, S, a, b: b * C + a * S,
            "the two weights are not used.": lambda C, S, a, b: C + S,
            "this divides by α + β, which the formula does not.": (
                lambda C, S, a, b: (a * C + b * S) / (a + b)
            ),
        },
        "that is the number that goes down from now on.",
    ),
    "optimization_step": Exercise(
        _step,
        draws.steps,
        {
            "G moves as it should, but the cost is not returned.": (
                lambda *given: _step(*given) * np.nan
            ),
            "pixels leave the range 0 to 255.": lambda *given: _step(*given, low=-1e9, high=1e9),
            "pixels are held between 0 and 1; here they go up to 255.": (
                lambda *given: _step(*given, high=1.0)
            ),
            "it goes uphill: the cost grows.": lambda *given: _step(*given, sign=-1.0),
            "G moves as it should, but the cost returned is the one after the move.": (
                lambda *given: _step(*given, late=True)
            ),
            "G does not move: it still has its old pixels.": lambda G, optimizer, cost: cost(G),
        },
        "forward, back, one move of the pixels, and none leaves its range.",
        _play_steps,
    ),
    "region_gram": Exercise(
        _region_gram,
        draws.part,
        {
            "it is right but for what it is divided by: how many positions were counted?": (
                lambda a, m: costs.mean_gram_matrix(a * m[..., None])
            ),
            "the whole layer is in it: what lies outside must not count.": (
                lambda a, m: costs.mean_gram_matrix(a)
            ),
            "it is the other region: 1 is inside.": lambda a, m: _region_gram(a, 1 - m),
            "this is the sum over the positions; divide it by their number.": (
                lambda a, m: costs.gram_matrix(a * m[..., None])
            ),
        },
        "what lies outside has no say any more.",
    ),
    "earth_moved": Exercise(
        _in_order,
        draws.piles,
        {
            "each grain goes where its number in the list sends it; is that the shortest way?": (
                lambda x, y: tf.reduce_mean((x - y) ** 2)
            ),
            "only one of the piles is in order.": (
                lambda x, y: tf.reduce_mean((fast.ascending(x) - y) ** 2)
            ),
            "this compares the middles of the piles alone.": (
                lambda x, y: (tf.reduce_mean(x) - tf.reduce_mean(y)) ** 2
            ),
            "these are the ways themselves; their squares are asked for.": (
                lambda x, y: _in_order(x, y, 1)
            ),
        },
        "nobody can carry the grains a shorter way.",
    ),
}
