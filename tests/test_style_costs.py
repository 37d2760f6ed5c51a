"""Descriptions of a layer other than the Gram matrix, against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from test_costs import activations, value_and_gradient

from helpers import costs
from helpers.style_costs import QUANTILES, STYLE_COSTS, directions

NAMES = pytest.mark.parametrize("name", STYLE_COSTS)
SHAPES = [(3, 4, 5), (1, 1, 6), (6, 25, 1), (2, 65, 3)]


def rows_of(a):
    return np.asarray(a, float).reshape(-1, a.shape[-1])


def quantiles_by_hand(a):
    """Each sorted value QUANTILES times, so that any number of them falls into equal parts."""
    slices = np.sort(directions(a.shape[-1]).astype(float) @ rows_of(a).T, axis=1)
    parts = np.repeat(slices, QUANTILES, axis=1).reshape(len(slices), QUANTILES, -1)
    return parts.mean(-1)


BY_HAND = {
    "gram": lambda a: rows_of(a).T @ rows_of(a) / len(rows_of(a)),
    "mean-std": lambda a: np.stack([rows_of(a).mean(0), np.sqrt(rows_of(a).var(0) + 1e-6)]),
    "wasserstein": quantiles_by_hand,
}


@NAMES
@pytest.mark.parametrize("shape", SHAPES)
def test_descriptions_equal_numpys(name, shape):
    a = activations(1, shape)
    batch = STYLE_COSTS[name](tf.constant([a, 2 * a]))
    for found, one in zip(batch, (a, 2 * a), strict=True):
        np.testing.assert_allclose(found, BY_HAND[name](one), rtol=2e-3, atol=4e-4)


@NAMES
def test_gradients_equal_finite_differences(name):
    target, start = (activations(seed, (5, 6, 4)) for seed in (1, 2))
    aim, describe = BY_HAND[name](target), STYLE_COSTS[name]

    def by_hand(a):
        return ((BY_HAND[name](a) - aim) ** 2).sum() / (aim**2).sum()

    def cost(G):
        return costs.layer_style_cost(tf.constant(target), G, "relative", describe)

    A, B = BY_HAND[name](target), BY_HAND[name](start)
    for which, scale in (("mse", 1 / A.size), ("course", 1 / (4 * A.size))):
        found = costs.layer_style_cost(tf.constant(target), tf.constant(start), which, describe)
        np.testing.assert_allclose(found, scale * ((A - B) ** 2).sum(), rtol=2e-3)
    J, gradient = value_and_gradient(cost, tf.constant(start))
    np.testing.assert_allclose(J, by_hand(start), rtol=1e-3)
    for position in [(0, 0, 0), (4, 5, 3), (1, 2, 3)]:
        step = np.zeros(start.shape)
        step[position] = 1e-5
        slope = (by_hand(start + step) - by_hand(start - step)) / 2e-5
        np.testing.assert_allclose(gradient[position], slope, rtol=1e-2, atol=1e-5)
    _, silent = value_and_gradient(cost, tf.zeros_like(start))
    assert np.isfinite(silent).all()


def test_what_each_description_lets_go():
    """Two channels that fire together or apart: only what looks at pairs sees the difference;
    and the same mean and deviation skewed upwards or downwards: only the sorted values do."""
    together = np.float32([[0, 0], [1, 1]] * 8).reshape(4, 4, 2)
    apart = np.float32([[0, 1], [1, 0]] * 8).reshape(4, 4, 2)
    up = np.float32([0, 0, 0, 4]).reshape(2, 2, 1)
    for name, describe in STYLE_COSTS.items():
        found = [
            costs.layer_style_cost(tf.constant(a), tf.constant(b), "mse", describe) > 1e-3
            for a, b in ((together, apart), (up, 2 - up))
        ]
        assert found == [name in ("gram", "wasserstein"), name == "wasserstein"]
