"""What each exercise of the notebooks asks for, and slips: wrong answers that students give.

exercises.py compares a reader's function with these; sentences.toml has a sentence for each slip.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .. import animation, colors, costs

MEAN = np.float32([103.939, 116.779, 123.68])  # of ImageNet's blue, green and red
# Activations to try a function on.  Their sides differ, so that an axis taken for another shows,
# and positions are few and many by turns, so that a loop over them shows.
SHAPES = ((2, 4, 5), (8, 9, 3), (4, 2, 6), (7, 8, 10))

_sum, _mean, _gram = tf.reduce_sum, tf.reduce_mean, costs.mean_gram_matrix


class Exercise(NamedTuple):
    """answer: a right function.  draw: (rng, i) → arguments, one set for each of SHAPES.

    tape: whether gradients have to pass through it.  play: calls a function with what was drawn.
    compiled: whether it has to work inside a tf.function.
    """

    answer: Callable
    draw: Callable
    tape: bool = True
    play: Callable = lambda function, *drawn: function(*drawn)
    compiled: bool = False


def _above_zero(rng, *shape):
    return tf.constant(rng.gamma(1.0, 2.0, shape), tf.float32)  # as behind a ReLU


def _activation(rng, i):
    return [_above_zero(rng, *SHAPES[i])]


def _one_size(rng, i):
    return _above_zero(rng, 2, *SHAPES[i])


def _two_sizes(rng, i):
    return _above_zero(rng, *SHAPES[i]), _above_zero(rng, *SHAPES[i - 1][:2], SHAPES[i][2])


def _layers(rng, i):
    pairs = {f"block{k}_conv1": _two_sizes(rng, i) for k in (1, 2, 3)}
    S, G = ({layer: pair[k] for layer, pair in pairs.items()} for k in range(2))
    some = rng.permutation(list(pairs))[:2]  # a network may give more layers than are compared
    return S, G, {str(layer): float(rng.uniform(0.2, 2)) for layer in some}


def _region(rng, i):
    mask = rng.integers(0, 2, SHAPES[i][:2]).astype(np.float32)
    mask.flat[:2] = 0, 1  # neither nothing nor all
    return [*_activation(rng, i), mask]


def _covariances(rng, _):
    spread = rng.uniform(0, 40, (2, 3, 3))
    return spread @ np.swapaxes(spread, 1, 2) + 100 * np.eye(3)


def _recolored(matrix, sigma_S, sigma_C):
    """The covariance that the matrix makes of Σ_S: several matrices are right."""
    M = matrix(sigma_S, sigma_C)
    return None if M is None else M @ sigma_S @ np.transpose(M)


def _film(rng, i):
    painting, before, frame = np.float32(rng.uniform(0, 255, (3, *SHAPES[i][:2], 3)))
    still = rng.integers(0, 2, SHAPES[i][:2]).astype(bool)
    return painting, before, np.where(still[..., None], before, frame)


def _pictures(rng, i):
    shape = ((5, 6, 3), (2, 4, 7, 3), (7, 4, 3), (3, 6, 5, 3))[i]
    values = np.float32(rng.uniform(0, 255, shape))
    return [tf.constant(values) if i < 2 else values]


def _start_and_goal(rng, _):
    start, goal = rng.uniform(0, 255, (3, 4, 3)), rng.uniform(-120, 375, (3, 4, 3))
    return np.float32(start), np.float32(goal), float(rng.uniform(0.1, 0.3))


def _two_steps(step, start, goal, rate):
    """The costs and the last pixels of two steps towards a picture out of the pixels' range."""
    G, optimizer = tf.Variable(start), keras.optimizers.SGD(rate, momentum=0.5)
    values = [step(G, optimizer, lambda G: _squares(G, goal)) for _ in range(2)]
    if values[0] is None and np.array_equal(G, start):
        return None
    return [*(np.nan if value is None else float(value) for value in values), *np.ravel(G)]


def _squares(a, b):
    return _sum((a - b) ** 2)


def _undivided(a, b):
    return _squares(costs.gram_matrix(a), costs.gram_matrix(b)) / (4 * a.shape[-1] ** 2)


def _inside(a, mask):
    return tf.einsum("hwc,hw->c", a, mask)


def _differences(p):
    """Of each pixel to its right and its lower neighbor, in one row."""
    return tf.concat([tf.reshape(p[:, 1:] - p[:, :-1], [-1]), tf.reshape(p[1:] - p[:-1], [-1])], 0)


def _step(G, optimizer, cost, low=0.0, high=255.0, late=False, sign=1.0, clip="last"):
    def hold(when):
        if clip == when:
            G.assign(tf.clip_by_value(G, low, high))

    hold("first")
    with tf.GradientTape() as tape:
        value = cost(G)
    hold("before the move")
    optimizer.apply([sign * tape.gradient(value, G)], [G])
    hold("last")
    return cost(G) if late else value


EXERCISES = {
    "preprocess": Exercise(lambda p: p[..., ::-1] - MEAN, _pictures, tape=False),
    "content_cost": Exercise(costs.content_cost, _one_size),
    "activation_gradient": Exercise(lambda C, G: (G - C) / (2 * np.size(C)), _one_size, tape=False),
    "share_inside": Exercise(
        lambda a, m: _inside(a, m) / (1 + _sum(a, [0, 1])), _region, tape=False
    ),
    "unroll": Exercise(costs.unroll, _activation),
    "gram_matrix": Exercise(costs.gram_matrix, _activation),
    "layer_style_cost": Exercise(costs.layer_style_cost, _two_sizes),
    "style_cost": Exercise(costs.style_cost, _layers),
    "total_cost": Exercise(costs.total_cost, lambda rng, _: tf.constant(rng.uniform(0.2, 5, 4))),
    "total_variation": Exercise(
        costs.total_variation, lambda rng, i: [_above_zero(rng, *SHAPES[i][:2], 3)]
    ),
    "optimization_step": Exercise(
        _step, _start_and_goal, tape=False, play=_two_steps, compiled=True
    ),
    "slider_to_beta": Exercise(
        lambda position, low, high: low * (high / low) ** position,
        lambda rng, _: (rng.uniform(0.1, 0.9), rng.uniform(0.01, 1), rng.uniform(10, 1e4)),
        tape=False,
    ),
    "steps_in": Exercise(
        lambda seconds, pace: max(1, int(seconds / pace)),
        lambda _, i: ((0.67, 0.1), (0.3, 1.0), (0.53, 0.2), (2.1, 0.5))[i],
        tape=False,
    ),
    "region_gram": Exercise(lambda a, m: costs.gram_matrix(a * m[..., None]) / _sum(m), _region),
    "earth_moved": Exercise(
        lambda x, y: _mean((tf.sort(x) - tf.sort(y)) ** 2),
        lambda rng, i: tf.constant(rng.normal(5, 3, (2, 4 + 3 * i))),
    ),
    "recoloring_matrix": Exercise(
        colors.recoloring_matrix, _covariances, tape=False, play=_recolored
    ),
    "next_start": Exercise(animation.next_start, _film, tape=False),
}

SLIPS = {
    "preprocess": [
        ("rgb", lambda p: p - MEAN),
        ("own means", lambda p: p - MEAN[::-1]),
        ("wrong means", lambda p: (p - MEAN)[..., ::-1]),
        ("no means", lambda p: p[..., ::-1]),
        ("mirrored", lambda p: p[..., ::-1, :] - MEAN),
        ("third axis", lambda p: p[:, :, ::-1] - MEAN),
        ("first axis", lambda p: p[::-1] - MEAN),
        ("range", lambda p: p[..., ::-1] / 255 - MEAN),
        ("range", lambda p: (p[..., ::-1] - MEAN) / 255),
        ("channels first", lambda p: np.moveaxis(p[..., ::-1] - MEAN, -1, -3)),
        ("channels first", lambda p: tf.transpose(p[..., ::-1] - MEAN, [2, 0, 1])),
    ],
    "content_cost": [
        ("sum", _squares),
        ("half", lambda a, b: _squares(a, b) / 2),
        ("no n_C", lambda a, b: _squares(a, b) / (4 * a.shape[0] * a.shape[1])),
        ("precedence", lambda a, b: _squares(a, b) / 4 * np.size(a)),
        ("absolute", lambda a, b: _mean(tf.abs(a - b)) / 4),
        ("signed", lambda a, b: _mean(a - b) / 4),
        ("signed", lambda a, b: _sum(a - b) ** 2 / (4 * np.size(a))),
        ("channels", lambda a, b: _sum((a - b) ** 2, [0, 1]) / (4 * np.size(a))),
    ],
    "activation_gradient": [
        ("sign", lambda C, G: (C - G) / (2 * np.size(C))),
        ("two", lambda C, G: (G - C) / (4 * np.size(C))),
        ("constant", lambda C, G: 2 * (G - C)),
        ("half", lambda C, G: G - C),
        ("precedence", lambda C, G: (G - C) / 2 * np.size(C)),
        ("square", lambda C, G: (G - C) ** 2 / (4 * np.size(C))),
        ("absolute", lambda C, G: tf.abs(G - C) / (2 * np.size(C))),
    ],
    "share_inside": [
        ("no one", lambda a, m: _inside(a, m) / _sum(a, [0, 1])),
        ("many ones", lambda a, m: _inside(a, m) / _sum(1 + a, [0, 1])),
        ("undivided", _inside),
        ("together", lambda a, m: _sum(_inside(a, m)) / (1 + _sum(a))),
        ("outside", lambda a, m: _inside(a, 1 - m) / (1 + _sum(a, [0, 1]))),
        ("means", lambda a, m: _inside(a, m) / _sum(m) / (1 + _mean(a, [0, 1]))),
    ],
    "unroll": [
        ("transposed", lambda a: tf.transpose(costs.unroll(a))),
        ("mixed", lambda a: tf.transpose(tf.reshape(a, [a.shape[-1], -1]))),
        ("columns", lambda a: costs.unroll(tf.transpose(a, [1, 0, 2]))),
    ],
    "gram_matrix": [
        ("positions", lambda a: costs.unroll(a) @ tf.transpose(costs.unroll(a))),
        ("mixed", lambda a: tf.einsum("ik,jk->ij", *[tf.reshape(a, [a.shape[-1], -1])] * 2)),
        ("sums", lambda a: tf.tensordot(_sum(a, [0, 1]), _sum(a, [0, 1]), 0)),
        ("mean", _gram),
        ("diagonal", lambda a: tf.linalg.diag(_sum(a**2, [0, 1]))),
    ],
    "layer_style_cost": [
        ("sum", lambda a, b: _squares(_gram(a), _gram(b))),
        ("no n_C", lambda a, b: _squares(_gram(a), _gram(b)) / 4),
        ("n_C once", lambda a, b: _squares(_gram(a), _gram(b)) / (4 * a.shape[-1])),
        ("precedence", lambda a, b: _squares(_gram(a), _gram(b)) / 4 * a.shape[-1] ** 2),
        ("absolute", lambda a, b: _mean(tf.abs(_gram(a) - _gram(b))) / 4),
        ("undivided", _undivided),
        ("one size", lambda a, b: _undivided(a, b) / np.prod(a.shape[:2]) ** 2),
        ("one size", lambda a, b: _undivided(a, b) / np.prod(b.shape[:2]) ** 2),
    ],
    "style_cost": [
        ("no weights", lambda S, G, w: costs.style_cost(S, G, dict.fromkeys(w, 1.0))),
        ("first", lambda S, G, w: costs.style_cost(S, G, dict([*w.items()][:1]))),
        ("last", lambda S, G, w: costs.style_cost(S, G, dict([*w.items()][-1:]))),
    ],
    "total_cost": [
        ("swapped", lambda C, S, alpha, beta: beta * C + alpha * S),
        ("no α", lambda C, S, _alpha, beta: C + beta * S),
        ("no weights", lambda C, S, _alpha, _beta: C + S),
        ("divided", lambda C, S, alpha, beta: (alpha * C + beta * S) / (alpha + beta)),
    ],
    "total_variation": [
        ("sum", lambda p: _sum(_differences(p) ** 2)),
        ("absolute", lambda p: _sum(tf.abs(_differences(p))) / np.size(p)),
        ("library", tf.image.total_variation),
        ("right only", lambda p: _sum((p[:, 1:] - p[:, :-1]) ** 2) / np.size(p)),
        ("below only", lambda p: _sum((p[1:] - p[:-1]) ** 2) / np.size(p)),
        ("count", lambda p: _mean((p[:, 1:] - p[:, :-1]) ** 2) + _mean((p[1:] - p[:-1]) ** 2)),
        ("around", lambda p: _mean((p - tf.roll(p, -1, 0)) ** 2 + (p - tf.roll(p, -1, 1)) ** 2)),
    ],
    "optimization_step": [
        ("silent", lambda *given: _step(*given) * np.nan),
        ("range", lambda *given: _step(*given, clip="never")),
        ("unit range", lambda *given: _step(*given, high=1.0)),
        ("clipped early", lambda *given: _step(*given, clip="first")),
        ("clipped early", lambda *given: _step(*given, clip="before the move")),
        ("uphill", lambda *given: _step(*given, sign=-1.0)),
        ("late", lambda *given: _step(*given, late=True)),
        ("still", lambda G, _optimizer, cost: cost(G)),
    ],
    "slider_to_beta": [
        ("fixed", lambda position, _low, _high: 10 ** (5 * position - 1)),
        ("straight", lambda position, low, high: low + position * (high - low)),
        ("backwards", lambda position, low, high: high * (low / high) ** position),
    ],
    "steps_in": [
        ("rounded", lambda seconds, pace: max(1, round(seconds / pace))),
        ("fixed", lambda seconds, pace: min(3, max(1, int(seconds / pace)))),
        ("none", lambda seconds, pace: int(seconds / pace)),
    ],
    "region_gram": [
        ("count", lambda a, m: _gram(a * m[..., None])),
        ("whole", lambda a, _m: _gram(a)),
        ("outside", lambda a, m: costs.gram_matrix(a * (1 - m)[..., None]) / _sum(1 - m)),
        ("sum", lambda a, m: costs.gram_matrix(a * m[..., None])),
    ],
    "earth_moved": [
        ("unsorted", lambda x, y: _mean((x - y) ** 2)),
        ("one sorted", lambda x, y: _mean((tf.sort(x) - y) ** 2)),
        ("means", lambda x, y: (_mean(x) - _mean(y)) ** 2),
        ("sum", lambda x, y: _sum((tf.sort(x) - tf.sort(y)) ** 2)),
        ("root", lambda x, y: tf.sqrt(_mean((tf.sort(x) - tf.sort(y)) ** 2))),
        ("absolute", lambda x, y: _mean(tf.abs(tf.sort(x) - tf.sort(y)))),
    ],
    "recoloring_matrix": [
        ("transposed", lambda S, C: np.linalg.inv(colors.root(S)) @ colors.root(C)),
        ("half", lambda S, _C: np.linalg.inv(colors.root(S))),
        ("one root", lambda S, C: colors.root(C) @ np.linalg.inv(S)),
        ("other way", lambda S, C: colors.root(S) @ np.linalg.inv(colors.root(C))),
        ("no inverse", lambda S, C: colors.root(C) @ colors.root(S)),
        ("no roots", lambda S, C: C @ np.linalg.inv(S)),
        ("entries", lambda S, C: np.sqrt(C) @ np.linalg.inv(np.sqrt(S))),
        ("entries", lambda S, C: np.sqrt(C / S)),
        ("entries", lambda S, C: colors.root(C) / colors.root(S)),
    ],
    "next_start": [
        ("range", lambda G, before, frame: G + frame - before),
        ("backwards", lambda G, before, frame: np.clip(G + before - frame, 0, 255)),
        ("nothing new", lambda G, _before, _frame: G),
        ("no strokes", lambda _G, _before, frame: frame),
        ("pasted", lambda G, before, frame: np.where(frame == before, G, frame)),
        ("mean", lambda G, _before, frame: (G + frame) / 2),
    ],
}
