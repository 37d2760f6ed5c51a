"""L-BFGS against its references: SciPy's on a problem with bounds, and the two-loop recursion."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from helpers import optimizers

SHAPE = (2, 4, 3)
SIZE = 24


@pytest.fixture
def bowl():
    """evaluate, A and b of J = ½ (x−b)ᵀA(x−b), whose lowest point b is partly outside 0–255."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(SIZE, SIZE))
    A = (A @ A.T / SIZE + 0.1 * np.eye(SIZE)).astype(np.float32)
    b = rng.uniform(-60, 315, SIZE).astype(np.float32)

    def evaluate(G):
        away = tf.reshape(G, (-1, SIZE)) - b
        gradient = tf.matmul(away, A)
        J = tf.reduce_sum(gradient * away, 1) / 2
        return tf.stack([J] * 4, axis=1), tf.reshape(gradient, G.shape)

    return evaluate, A.astype(float), b.astype(float)


def begin(evaluate, batch=2):
    first = np.random.default_rng(1).uniform(0, 255, (batch, *SHAPE))
    G = tf.Variable(first, dtype=tf.float32)
    return G, optimizers.LBFGS(G, 4, evaluate)


def test_it_finds_the_lowest_point_within_the_bounds_as_scipy_does(bowl):
    evaluate, A, b = bowl
    G, lbfgs = begin(evaluate)
    step, rows = tf.function(lbfgs.step), []
    for _ in range(150):
        row, _ = step(0.0)
        rows.append(row.numpy()[:, optimizers.TOTAL])
    away = lambda x: (x - b) @ A @ (x - b) / 2  # noqa: E731
    bounds = scipy.optimize.Bounds(np.zeros(SIZE), np.full(SIZE, 255.0))
    found = scipy.optimize.minimize(away, np.full(SIZE, 127.0), method="L-BFGS-B", bounds=bounds)
    assert ((found.x < 1) | (found.x > 254)).any()  # the bounds matter
    for picture in G.numpy():
        np.testing.assert_allclose(picture.ravel(), found.x, atol=0.5)
    assert (np.diff(rows, axis=0) <= 0).all()  # it never shows a higher cost


def two_loops(gradient, pairs, H_0):
    """Nocedal & Wright 2006, algorithm 7.4; the oldest pair comes first."""
    q, weights = gradient.copy(), []
    for s, y in reversed(pairs):
        weights.append(s @ q / (s @ y))
        q -= weights[-1] * y
    q = H_0 @ q
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += s * (weight - y @ q / (s @ y))
    return -q


def matrix_of(lbfgs):
    return np.stack(
        [lbfgs._times_M(x.reshape(1, *SHAPE)).numpy().ravel() for x in np.eye(SIZE, dtype="f")]
    )


def test_the_first_inverse_hessian_is_symmetric_and_positive(bowl):
    M = matrix_of(begin(bowl[0])[1])
    np.testing.assert_allclose(M, M.T, atol=1e-6)
    assert np.linalg.eigvalsh(M).min() > 0.99


def test_the_reach_is_long_where_the_network_sees_little():
    """Of waves along the width: a bright area, the brightness of edges, their color."""
    brightness, color = optimizers.reach(64, 64)[:, 0]
    bright_area, edges, colored_edges = brightness[1], brightness[12], color[20]
    assert edges == pytest.approx(1, abs=0.01)
    assert bright_area > 2
    assert colored_edges > 2


def test_its_move_is_that_of_the_two_loop_recursion(bowl):
    evaluate, A, _ = bowl
    rng, pairs, scale = np.random.default_rng(2), [], 0.0
    _, lbfgs = begin(evaluate, batch=1)
    M = matrix_of(lbfgs)
    for i in range(optimizers.MEMORY + 4):
        s = rng.normal(size=SIZE)
        y = A @ s * (-1 if i == 3 else 1)  # one without positive curvature, which is left out
        gradient = rng.normal(size=SIZE)
        lbfgs.gradient.assign(gradient.reshape(1, *SHAPE))
        pair = (tf.constant(v.reshape(1, *SHAPE), tf.float32) for v in (s, y))
        move = lbfgs._move(*pair, tf.constant([True])).numpy().ravel()
        pairs.append((s, y) if i != 3 else None)
        if pairs[-1]:
            scale = max(optimizers.LONGER * (s @ y) / (y @ M @ y), optimizers.FADE * scale)
        remembered = [pair for pair in pairs[-optimizers.MEMORY :] if pair]
        expected = two_loops(gradient, remembered, scale * M)
        np.testing.assert_allclose(move, expected, rtol=1e-3, atol=1e-3)


def test_a_batch_goes_separate_ways(bowl):
    evaluate, _, _ = bowl
    G, both = begin(evaluate)
    together, separate = tf.function(both.step), []
    for first in G.numpy():
        alone = tf.Variable(first[None])
        single = optimizers.LBFGS(alone, 4, evaluate)
        separate.append((alone, tf.function(single.step)))
    for _ in range(8):
        together(0.0)
        for _, step in separate:
            step(0.0)
    for picture, (alone, _) in zip(G.numpy(), separate, strict=True):
        np.testing.assert_allclose(picture, alone.numpy()[0], atol=0.5)


def test_a_move_that_leads_upwards_is_tried_again_shorter(bowl):
    evaluate, _, b = bowl
    G, lbfgs = begin(evaluate, batch=1)
    G.assign(np.clip(b, 0, 255).reshape(1, *SHAPE))
    lbfgs.forget()
    lbfgs.step(0.0)
    lbfgs.trial.assign(255 - lbfgs.G)  # somewhere high
    before, high = G.numpy(), float(evaluate(lbfgs.trial)[0][0, 0])
    row, _ = lbfgs.step(0.0)
    assert float(row[0, 0]) < high
    np.testing.assert_array_equal(G.numpy(), before)
    expected = np.clip(before + optimizers.SHRINK * lbfgs.move.numpy(), 0, 255)
    np.testing.assert_allclose(lbfgs.trial.numpy(), expected, atol=1e-3)
