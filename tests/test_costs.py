"""Costs against NumPy written from the papers, hand-worked numbers, and what the text claims."""

import numpy as np
import pytest
import tensorflow as tf

from helpers import costs
from helpers.errors import SettingError

ALL_COSTS = pytest.mark.parametrize("which", costs.COSTS)
BOTH = (costs.content_cost, costs.layer_style_cost)
SHAPES = pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 6), (5, 2, 1)])


def activations(seed, shape=(3, 4, 5)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def value_and_gradient(function, x, upstream=None):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    upstream = upstream if upstream is None else tf.cast(upstream, y.dtype)
    return y, tape.gradient(y, x, output_gradients=upstream)


def gram(a):
    """Gatys 2016, eq. 3, by its indices: i and j are channels, k runs over positions."""
    F = np.asarray(a, float).reshape(-1, a.shape[-1])
    n_C = range(F.shape[1])
    return np.array([[sum(F[k, i] * F[k, j] for k in range(len(F))) for j in n_C] for i in n_C])


def content_of_the_papers(a_C, a_G, which):
    a_C, a_G = np.asarray(a_C, float), np.asarray(a_G, float)
    squares, n = ((a_G - a_C) ** 2).sum(), a_C.size
    return {
        "course": squares / (4 * n),
        "gatys": squares / 2,
        "mse": squares / n,
        "relative": squares / (a_C**2).sum(),
    }[which]


def style_of_the_papers(a_S, a_G, which):
    n, n_C = a_S.shape[0] * a_S.shape[1], a_S.shape[2]
    S, G = gram(a_S), gram(a_G)
    gatys = ((S - G) ** 2).sum() / (4 * n_C**2 * n**2)
    return {
        "course": gatys,
        "gatys": gatys,
        "mse": ((S / n - G / n) ** 2).mean(),
        "relative": ((S / n - G / n) ** 2).sum() / ((S / n) ** 2).sum(),
    }[which]


@SHAPES
@ALL_COSTS
def test_costs_are_those_of_the_papers(which, shape):
    a, b = activations(1, shape), activations(2, shape)
    np.testing.assert_allclose(costs.gram_matrix(a), gram(a), rtol=1e-4, atol=1e-5)
    for cost, formula in zip(BOTH, (content_of_the_papers, style_of_the_papers), strict=True):
        np.testing.assert_allclose(cost(a, b, which), formula(a, b, which), rtol=1e-3)
        assert cost(a, a, which) == 0
    # A picture tiled twice has the same style.
    np.testing.assert_allclose(
        costs.layer_style_cost(a, np.tile(a, (2, 1, 1)), which), 0, atol=1e-6
    )


# Two positions, two channels: F = [[1, 2], [3, 4]], so G = FᵀF = [[10, 14], [14, 20]].
HAND = np.float32([[[1, 2], [3, 4]]])
ZERO = np.zeros_like(HAND)


def test_worked_by_hand():
    np.testing.assert_array_equal(costs.unroll(HAND), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(costs.gram_matrix(HAND), [[10, 14], [14, 20]])
    np.testing.assert_array_equal(costs.mean_gram_matrix(HAND), [[5, 7], [7, 10]])
    picture = np.zeros((2, 2, 3), np.float32)
    picture[0, 0] = [3, 0, 0]  # two neighbors differ by 3 in one of 2 × 2 × 3 values
    np.testing.assert_allclose(costs.total_variation(picture), 18 / 12)
    assert costs.total_variation(np.full((4, 5, 3), 7.0, np.float32)) == 0
    assert costs.total_cost(2.0, 3.0, 10, 40) == 140


@pytest.mark.parametrize(
    ("which", "content", "style"),
    # Σ a² = 30, n = 4; Σ G² = 892, n_C = 2, n_H·n_W = 2.
    [
        ("course", 15 / 8, 892 / 64),
        ("gatys", 15, 892 / 64),
        ("mse", 7.5, 892 / 16),
        ("relative", 1, 1),
    ],
)
def test_costs_worked_by_hand(which, content, style):
    np.testing.assert_allclose(costs.content_cost(HAND, ZERO, which), content, rtol=1e-6)
    np.testing.assert_allclose(costs.layer_style_cost(HAND, ZERO, which), style, rtol=1e-6)
    assert np.isfinite(costs.content_cost(ZERO, HAND, which))  # an empty target too


def test_style_cost_is_the_weighted_sum_over_layers():
    S = {"x": activations(1), "y": activations(2, (2, 2, 7))}
    G = {"x": activations(3), "y": activations(4, (2, 2, 7))}
    expected = 0.25 * style_of_the_papers(S["x"], G["x"], "course")
    expected += 0.75 * style_of_the_papers(S["y"], G["y"], "course")
    found = costs.style_cost(S, G, {"x": 0.25, "y": 0.75})
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    with pytest.raises(SettingError, match="layer"):
        costs.style_cost(S, G, {})


@ALL_COSTS
def test_a_batch_gives_one_cost_for_each_picture(which):
    target, batch = activations(1), activations(2, (2, 3, 4, 5))
    np.testing.assert_allclose(costs.gram_matrix(batch), [gram(one) for one in batch], rtol=1e-4)
    for function in (costs.total_variation, *(lambda a, c=c: c(target, a, which) for c in BOTH)):
        alone = [function(one) for one in batch]
        np.testing.assert_allclose(function(batch), alone, rtol=1e-5)
        np.testing.assert_allclose(function(batch[:1]), alone[:1], rtol=1e-5)


def test_half_precision_does_not_overflow_and_keeps_the_gradients_precision():
    a = tf.fill((64, 64, 8), tf.constant(300, tf.float16))  # Σ of 4096 · 9·10⁴ exceeds float16
    assert np.isfinite(costs.gram_matrix(a)).all()
    assert costs.gram_matrix(a).dtype == tf.float32
    target = activations(1)
    for precision in ("bfloat16", "float16"):
        a = tf.cast(activations(2), precision)
        for cost in BOTH:
            (J, gradient), (wide_J, wide) = (
                value_and_gradient(lambda G, cost=cost: cost(target, G), G)
                for G in (a, tf.cast(a, tf.float32))
            )
            assert gradient.dtype == precision
            assert wide_J == J
            assert tf.norm(tf.cast(gradient, tf.float32) - wide) < 0.01 * tf.norm(wide)


def test_unknown_costs_are_refused():
    for cost in BOTH:
        with pytest.raises(SettingError, match="relative"):
            cost(HAND, ZERO, "coursera")
