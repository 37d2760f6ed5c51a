"""Costs against plain loops, hand-worked numbers and the properties that the text claims."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import costs
from helpers.errors import SettingError

ALL_COSTS = pytest.mark.parametrize("which", costs.COSTS)


def activations(seed, shape=(3, 4, 5)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


shapes = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 6))
seeds = st.integers(0, 2**31)


def gram_by_loops(a):
    n_H, n_W, n_C = a.shape
    G = np.zeros((n_C, n_C))
    for i in range(n_C):
        for j in range(n_C):
            for y in range(n_H):
                for x in range(n_W):
                    G[i, j] += float(a[y, x, i]) * float(a[y, x, j])
    return G


def content_by_loops(a_C, a_G, which):
    total, norm = 0.0, 0.0
    for c, g in zip(a_C.ravel().tolist(), a_G.ravel().tolist(), strict=True):
        total += (c - g) ** 2
        norm += c**2
    n = a_C.size
    return {"course": total / (4 * n), "gatys": total / 2, "mse": total / n}.get(
        which, total / norm
    )


def style_by_loops(a_S, a_G, which):
    (n_H, n_W, n_C), n_S = a_G.shape, a_S.shape[0] * a_S.shape[1]
    S, G = gram_by_loops(a_S), gram_by_loops(a_G)
    if which in ("course", "gatys"):  # exactly as the papers write it: equal sizes
        assert n_S == n_H * n_W
        return ((S - G) ** 2).sum() / (4 * n_C**2 * (n_H * n_W) ** 2)
    difference = ((S / n_S - G / (n_H * n_W)) ** 2).sum()
    return difference / (n_C**2 if which == "mse" else ((S / n_S) ** 2).sum())


@settings(deadline=None, max_examples=25)
@given(shapes, seeds)
def test_gram_matrix_is_the_sum_over_positions(shape, seed):
    a = activations(seed, shape)
    np.testing.assert_allclose(costs.gram_matrix(a), gram_by_loops(a), rtol=1e-4, atol=1e-4)


@ALL_COSTS
@settings(deadline=None, max_examples=15)
@given(shapes, seeds)
def test_costs_equal_plain_loops(which, shape, seed):
    a, b = activations(seed, shape), activations(seed + 1, shape)
    np.testing.assert_allclose(
        costs.content_cost(a, b, which), content_by_loops(a, b, which), rtol=1e-4
    )
    np.testing.assert_allclose(
        costs.layer_style_cost(a, b, which), style_by_loops(a, b, which), rtol=1e-3
    )


# Two positions, two channels: F = [[1, 2], [3, 4]], so G = FᵀF = [[10, 14], [14, 20]].
HAND = np.float32([[[1, 2], [3, 4]]])
ZERO = np.zeros_like(HAND)


def test_gram_matrix_worked_by_hand():
    np.testing.assert_array_equal(costs.gram_matrix(HAND), [[10, 14], [14, 20]])
    np.testing.assert_array_equal(costs.mean_gram_matrix(HAND), [[5, 7], [7, 10]])


@pytest.mark.parametrize(
    ("which", "content", "style"),
    # Σ a² = 30, n = 4; Σ G² = 892, n_C = 2, n_H·n_W = 2.
    [
        ("course", 30 / 16, 892 / 64),
        ("gatys", 15, 892 / 64),
        ("mse", 30 / 4, 892 / 16),
        ("relative", 1, 1),
    ],
)
def test_costs_worked_by_hand(which, content, style):
    np.testing.assert_allclose(costs.content_cost(HAND, ZERO, which), content, rtol=1e-6)
    np.testing.assert_allclose(costs.layer_style_cost(HAND, ZERO, which), style, rtol=1e-6)


@ALL_COSTS
def test_gradients_equal_finite_differences(which):
    target, start = activations(1), activations(2)
    for cost in (costs.content_cost, costs.layer_style_cost):
        G = tf.constant(start)
        with tf.GradientTape() as tape:
            tape.watch(G)
            J = cost(target, G, which)
        gradient = tape.gradient(J, G).numpy()
        loops = content_by_loops if cost is costs.content_cost else style_by_loops
        for position in [(0, 0, 0), (2, 3, 4), (1, 2, 3)]:
            step = np.zeros(start.shape)
            step[position] = 1e-4  # the loops compute in float64
            up = loops(target, start + step, which)
            down = loops(target, start - step, which)
            np.testing.assert_allclose(gradient[position], (up - down) / 2e-4, rtol=1e-2)


@settings(deadline=None, max_examples=25)
@given(shapes, seeds)
def test_gram_matrix_is_symmetric_and_positive_semi_definite(shape, seed):
    G = costs.gram_matrix(activations(seed, shape)).numpy()
    np.testing.assert_allclose(G, G.T, rtol=1e-5, atol=1e-5)
    assert np.linalg.eigvalsh(G).min() > -1e-4 * max(1, np.abs(G).max())


@settings(deadline=None, max_examples=25)
@given(shapes, seeds)
def test_gram_matrix_does_not_know_where(shape, seed):
    a = activations(seed, shape)
    rows = np.random.default_rng(seed).permutation(a.reshape(-1, shape[-1]))
    shuffled = rows.reshape(shape)
    np.testing.assert_allclose(
        costs.gram_matrix(shuffled), costs.gram_matrix(a), rtol=1e-4, atol=1e-4
    )


@ALL_COSTS
@settings(deadline=None, max_examples=10)
@given(shapes, seeds)
def test_costs_are_zero_at_the_target_and_positive_elsewhere(which, shape, seed):
    a = activations(seed, shape)
    for cost in (costs.content_cost, costs.layer_style_cost):
        assert cost(a, a, which) == 0
        assert cost(a, a + 1.5, which) > 0


@settings(deadline=None, max_examples=25)
@given(shapes, seeds, st.floats(1e-2, 1e2))
def test_relative_costs_have_no_unit(shape, seed, scale):
    a, b = activations(seed, shape), activations(seed + 1, shape)
    for cost in (costs.content_cost, costs.layer_style_cost):
        scaled = cost(a * np.float32(scale), b * np.float32(scale), "relative")
        np.testing.assert_allclose(scaled, cost(a, b, "relative"), rtol=1e-3)


def test_relative_cost_of_an_empty_target_is_finite():
    assert np.isfinite(costs.content_cost(ZERO, HAND, "relative"))


@settings(deadline=None, max_examples=25)
@given(shapes, seeds)
def test_unroll_keeps_every_position_with_its_channels(shape, seed):
    a = activations(seed, shape)
    F = costs.unroll(a).numpy()
    assert F.shape == (shape[0] * shape[1], shape[2])
    for y in range(shape[0]):
        for x in range(shape[1]):
            np.testing.assert_array_equal(F[y * shape[1] + x], a[y, x])


def test_style_of_pictures_of_different_size_compares():
    """A picture tiled twice has the same style, and only the division by n_H·n_W sees that."""
    a = activations(3)
    np.testing.assert_allclose(costs.layer_style_cost(a, np.tile(a, (2, 1, 1))), 0, atol=1e-6)


def test_style_cost_is_the_weighted_sum_over_layers():
    S = {"x": activations(1), "y": activations(2, (2, 2, 7))}
    G = {"x": activations(3), "y": activations(4, (2, 2, 7))}
    expected = 0.25 * style_by_loops(S["x"], G["x"], "course")
    expected += 0.75 * style_by_loops(S["y"], G["y"], "course")
    found = costs.style_cost(S, G, {"x": 0.25, "y": 0.75})
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    with pytest.raises(SettingError, match="no style layer"):
        costs.style_cost(S, G, {})


@ALL_COSTS
def test_a_batch_gives_one_cost_for_each_picture(which):
    target, batch = activations(1), activations(2, (2, 3, 4, 5))
    for cost in (costs.content_cost, costs.layer_style_cost):
        alone = [float(cost(target, one, which)) for one in batch]
        np.testing.assert_allclose(cost(target, batch, which), alone, rtol=1e-5)
    np.testing.assert_allclose(
        costs.total_variation(batch), [costs.total_variation(one) for one in batch], rtol=1e-5
    )


def test_total_variation_worked_by_hand():
    picture = np.zeros((2, 2, 3), np.float32)
    picture[0, 0] = [3, 0, 0]  # two neighbours differ by 3 in one of 2 × 2 × 3 values
    np.testing.assert_allclose(costs.total_variation(picture), 18 / 12)
    assert costs.total_variation(np.full((4, 5, 3), 7.0, np.float32)) == 0


def test_total_variations_gradient_equals_finite_differences():
    batch = np.random.default_rng(3).uniform(0, 255, (2, 4, 5, 3))
    G = tf.constant(batch, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(G)
        J = tf.reduce_sum([2.0, 3.0] * costs.total_variation(G))

    def by_hand(picture):
        return sum((np.diff(picture, axis=axis) ** 2).sum() for axis in (0, 1)) / picture.size

    gradient = tape.gradient(J, G).numpy()
    for position in np.ndindex(4, 5, 3):
        for picture, weight in enumerate((2.0, 3.0)):
            step = np.zeros((4, 5, 3))
            step[position] = 1e-3
            rise = by_hand(batch[picture] + step) - by_hand(batch[picture] - step)
            found = gradient[(picture, *position)]
            np.testing.assert_allclose(found, weight * rise / 2e-3, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_the_gradient_comes_back_in_the_precision_of_the_activations(precision):
    target, a = activations(1), tf.cast(activations(2), precision)
    found = {}
    for wide in (True, False):
        G = tf.cast(a, tf.float32) if wide else a
        with tf.GradientTape() as tape:
            tape.watch(G)
            J = costs.layer_style_cost(target, G)
        found[wide] = J, tape.gradient(J, G)
    assert found[False][1].dtype == precision
    assert found[False][0] == found[True][0]
    error = tf.cast(found[False][1], tf.float32) - found[True][1]
    assert tf.norm(error) < 0.01 * tf.norm(found[True][1])


@ALL_COSTS
@settings(deadline=None, max_examples=10)
@given(shapes, seeds)
def test_a_cost_is_its_scale_times_the_squared_differences(which, shape, seed):
    """Whoever holds the scale, as the transfer does, gets the same cost."""
    a, b = activations(seed, shape), activations(seed + 1, shape)
    scale = costs.content_scale(a, which)
    expected = costs.content_cost(a, b, which)
    np.testing.assert_allclose(scale * ((a - b) ** 2).sum(), expected, rtol=1e-4)
    np.testing.assert_allclose(costs.content_cost(a, b, scale=scale), expected, rtol=1e-6)
    A_S, A_G = costs.mean_gram_matrix(a), costs.mean_gram_matrix(b)
    scale = costs.style_scale(A_S, which)
    expected = costs.layer_style_cost(a, b, which)
    np.testing.assert_allclose(costs.gram_cost(A_S, A_G, which), expected, rtol=1e-6)
    np.testing.assert_allclose(costs.gram_cost(A_S, A_G, scale=scale), expected, rtol=1e-6)


def test_total_cost_is_linear_in_alpha_and_beta():
    assert float(costs.total_cost(tf.constant(2.0), tf.constant(3.0), 10, 40)) == 140


def test_costs_of_half_precision_activations_do_not_overflow():
    a = np.full((64, 64, 8), 300, np.float16)  # Σ over 4096 positions of 9·10⁴ exceeds float16
    assert np.isfinite(costs.gram_matrix(tf.constant(a)).numpy()).all()
    assert costs.gram_matrix(tf.constant(a)).dtype == tf.float32


def test_unknown_costs_are_refused():
    with pytest.raises(SettingError, match="choose one of course, gatys, mse, relative"):
        costs.content_cost(HAND, ZERO, "coursera")
    with pytest.raises(SettingError, match="choose one of course, gatys, mse, relative"):
        costs.layer_style_cost(HAND, ZERO, "coursera")


OTHERS = pytest.mark.parametrize("name", [name for name in costs.STYLE_COSTS if name != "gram"])


def mean_and_deviation_by_loops(rows):
    return np.array(
        [[np.mean(c), np.sqrt(np.mean((c - np.mean(c)) ** 2) + 1e-6)] for c in rows.T]
    ).T


def central_moments_by_loops(rows):
    found = [*mean_and_deviation_by_loops(rows)]
    for k in (3, 4, 5):
        m = np.array(
            [np.mean(((c - np.mean(c)) / s) ** k) for c, s in zip(rows.T, found[1], strict=True)]
        )
        found.append(found[1] * m / (1 + np.abs(m)) ** (1 - 1 / k))
    return np.array(found)


def quantiles_by_loops(rows):
    """Each sorted value QUANTILES times, so that any number of them falls into equal parts."""
    slices = np.sort(costs.directions(rows.shape[1]).astype(float) @ rows.T, axis=1)
    return (
        np.repeat(slices, costs.QUANTILES, axis=1)
        .reshape(*slices.shape[:1], costs.QUANTILES, -1)
        .mean(-1)
    )


BY_LOOPS = {
    "mean-std": mean_and_deviation_by_loops,
    "moments": central_moments_by_loops,
    "wasserstein": quantiles_by_loops,
}


def described(name, a):
    rows = np.asarray(a, float).reshape(-1, a.shape[-1])
    return BY_LOOPS[name](rows)


@OTHERS
@settings(deadline=None, max_examples=20)
@given(st.tuples(st.integers(2, 6), st.integers(1, 30), st.integers(1, 6)), seeds)
def test_descriptions_equal_plain_loops(name, shape, seed):
    a = activations(seed, shape)
    found = costs.STYLE_COSTS[name](tf.constant(a))
    np.testing.assert_allclose(found, described(name, a), rtol=2e-3, atol=2e-4)


@OTHERS
def test_descriptions_gradients_equal_finite_differences(name):
    target, start = (activations(seed, (5, 6, 4)) for seed in (1, 2))
    aim, G = described(name, target), tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch(G)
        J = costs.layer_style_cost(tf.constant(target), G, "relative", costs.STYLE_COSTS[name])
    gradient = tape.gradient(J, G).numpy()

    def at(a):
        return ((described(name, a) - aim) ** 2).sum() / (aim**2).sum()

    np.testing.assert_allclose(J, at(start), rtol=1e-3)
    for position in [(0, 0, 0), (4, 5, 3), (1, 2, 3)]:
        step = np.zeros(start.shape)
        step[position] = 1e-5
        slope = (at(start + step) - at(start - step)) / 2e-5
        np.testing.assert_allclose(gradient[position], slope, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("name", costs.STYLE_COSTS)
@settings(deadline=None, max_examples=10)
@given(shapes, seeds)
def test_no_description_knows_where(name, shape, seed):
    a = activations(seed, shape)
    rows = np.random.default_rng(seed).permutation(a.reshape(-1, shape[-1]))
    describe = costs.STYLE_COSTS[name]
    shuffled = describe(tf.constant(rows.reshape(shape)))
    np.testing.assert_allclose(shuffled, describe(tf.constant(a)), rtol=1e-3, atol=1e-3)
    twice = describe(tf.constant(np.tile(a, (2, 1, 1))))
    np.testing.assert_allclose(twice, describe(tf.constant(a)), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", costs.STYLE_COSTS)
@ALL_COSTS
def test_each_description_has_the_constants_of_the_table(name, which):
    a, b = (tf.constant(activations(seed)) for seed in (1, 2))
    describe = costs.STYLE_COSTS[name]
    A, B = describe(a).numpy(), describe(b).numpy()
    scale = {"mse": 1 / A.size, "relative": 1 / (A**2).sum()}.get(which, 1 / (4 * A.size))
    found = costs.layer_style_cost(a, b, which, describe)
    np.testing.assert_allclose(found, scale * ((A - B) ** 2).sum(), rtol=1e-4)
    batch = costs.layer_style_cost(a, tf.stack([b, a]), which, describe)
    np.testing.assert_allclose(batch, [found, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", costs.STYLE_COSTS)
def test_a_silent_layer_has_a_description_and_a_gradient(name):
    G = tf.zeros((3, 4, 5))
    with tf.GradientTape() as tape:
        tape.watch(G)
        J = costs.layer_style_cost(
            tf.constant(activations(1)), G, "relative", costs.STYLE_COSTS[name]
        )
    assert np.isfinite(J) and np.isfinite(tape.gradient(J, G)).all()


def test_what_each_description_lets_go():
    """Two channels that fire together or apart: only what looks at pairs sees the difference."""
    half = np.float32([[0, 0], [1, 1]] * 8).reshape(4, 4, 2)
    apart = np.float32([[0, 1], [1, 0]] * 8).reshape(4, 4, 2)
    for name, describe in costs.STYLE_COSTS.items():
        found = float(
            costs.layer_style_cost(tf.constant(half), tf.constant(apart), "mse", describe)
        )
        assert (found > 1e-3) == (name in ("gram", "wasserstein")), name
    # One channel, the same mean and deviation, skewed upwards or downwards.
    up = np.float32([0, 0, 0, 4]).reshape(2, 2, 1)
    down = 2 - up
    for name, describe in costs.STYLE_COSTS.items():
        found = float(costs.layer_style_cost(tf.constant(up), tf.constant(down), "mse", describe))
        assert (found > 1e-3) == (name in ("moments", "wasserstein")), name
