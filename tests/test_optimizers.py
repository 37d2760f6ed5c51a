"""L-BFGS against its references: SciPy's on a problem with bounds, and the two-loop recursion."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from helpers import optimizers
from helpers.objective import Costs

SHAPE = (2, 4, 3)
SIZE = 24


class Bowl:
    """J = ½ (x−b)ᵀA(x−b), whose lowest point b is partly outside 0–255; an objective's duties."""

    def __init__(self, batch=2):
        rng = np.random.default_rng(0)
        A = rng.normal(size=(SIZE, SIZE))
        self.A = (A @ A.T / SIZE + 0.1 * np.eye(SIZE)).astype(np.float32)
        self.b = rng.uniform(-60, 315, SIZE).astype(np.float32)
        self.batch = batch

    def J(self, x):
        away = x - self.b.astype(float)
        return away @ self.A.astype(float) @ away / 2

    def with_gradient(self, G):
        away = tf.reshape(G, (-1, SIZE)) - self.b
        gradient = tf.matmul(away, self.A)
        J = tf.reduce_sum(gradient * away, 1) / 2
        return Costs(J, J, J, J, {}), tf.reshape(gradient, G.shape)

    def unknown(self):
        one = tf.fill((self.batch,), np.float32(np.inf))
        return Costs(one, one, one, one, {})


def begin(batch=2):
    first = np.random.default_rng(1).uniform(0, 255, (batch, *SHAPE))
    G = tf.Variable(first, dtype=tf.float32)
    return G, optimizers.LBFGS(G, Bowl(batch))


def test_it_finds_the_lowest_point_within_the_bounds_as_scipy_does():
    G, lbfgs = begin()
    step, rows = tf.function(lbfgs.step), []
    for _ in range(150):
        costs, _ = step(0.0)
        rows.append(costs.total.numpy())
    bounds = scipy.optimize.Bounds(np.zeros(SIZE), np.full(SIZE, 255.0))
    J = lbfgs.objective.J
    found = scipy.optimize.minimize(J, np.full(SIZE, 127.0), method="L-BFGS-B", bounds=bounds)
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


def test_the_first_inverse_hessian_is_symmetric_and_positive():
    M = matrix_of(begin()[1])
    np.testing.assert_allclose(M, M.T, atol=1e-6)
    assert np.linalg.eigvalsh(M).min() > 0.99


def test_the_reach_is_long_where_the_network_sees_little():
    """Of waves along the width: a bright area, the brightness of edges, their color."""
    brightness, color = optimizers.reach(64, 64)[:, 0]
    bright_area, edges, colored_edges = brightness[1], brightness[12], color[20]
    assert edges == pytest.approx(1, abs=0.01)
    assert bright_area > 2
    assert colored_edges > 2


def test_its_move_is_that_of_the_two_loop_recursion():
    rng, pairs, scale = np.random.default_rng(2), [], 0.0
    _, lbfgs = begin(batch=1)
    A = lbfgs.objective.A.astype(float)
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


def test_a_batch_goes_separate_ways():
    G, both = begin()
    together, separate = tf.function(both.step), []
    for first in G.numpy():
        alone = tf.Variable(first[None])
        single = optimizers.LBFGS(alone, Bowl(1))
        separate.append((alone, tf.function(single.step)))
    for _ in range(8):
        together(0.0)
        for _, step in separate:
            step(0.0)
    for picture, (alone, _) in zip(G.numpy(), separate, strict=True):
        np.testing.assert_allclose(picture, alone.numpy()[0], atol=0.5)


def test_a_move_that_leads_upwards_is_tried_again_shorter():
    G, lbfgs = begin(batch=1)
    G.assign(np.clip(lbfgs.objective.b, 0, 255).reshape(1, *SHAPE))
    lbfgs.forget()
    lbfgs.step(0.0)
    lbfgs.trial.assign(255 - lbfgs.G)  # somewhere high
    before, high = G.numpy(), lbfgs.objective.with_gradient(lbfgs.trial)[0].total[0]
    costs, _ = lbfgs.step(0.0)
    assert costs.total[0] < high
    np.testing.assert_array_equal(G.numpy(), before)
    expected = np.clip(before + optimizers.SHRINK * lbfgs.move.numpy(), 0, 255)
    np.testing.assert_allclose(lbfgs.trial.numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("kind", [optimizers.LBFGS, optimizers.Adam])
def test_several_steps_in_one_call_are_the_steps_one_by_one(kind):
    found = []
    for lengths in ([6], [1, 3, 2]):
        G = tf.Variable(np.random.default_rng(1).uniform(0, 255, (2, *SHAPE)), dtype=tf.float32)
        steps, rows = optimizers.in_one_call(kind(G, Bowl(), 4.0)), []
        for n in lengths:
            costs, done = steps(np.full(n, 4.0, np.float32))
            assert done == n
            rows += [*costs.total.numpy()]
        found.append((G.numpy(), np.stack(rows)))
    for one, several in zip(*found, strict=True):
        np.testing.assert_array_equal(one, several)


@pytest.mark.parametrize("kind", [optimizers.LBFGS, optimizers.Adam])
def test_a_number_that_is_not_finite_ends_the_steps_and_leaves_the_picture(kind):
    class Cliff(Bowl):
        edge = tf.Variable(np.inf)

        def with_gradient(self, G):
            costs, gradient = super().with_gradient(G)
            return costs, tf.where(costs.total[0] > self.edge, np.nan, gradient)

    G = tf.Variable(np.full((2, *SHAPE), 100.0), dtype=tf.float32)
    cliff = Cliff()
    steps = optimizers.in_one_call(kind(G, cliff, 4.0))
    rates = np.full(3, 4.0, np.float32)
    assert steps(rates)[1] == 3
    before = G.numpy()
    cliff.edge.assign(-1.0)
    assert steps(np.full(12, 4.0, np.float32))[1] < 12  # L-BFGS tries shorter moves first
    np.testing.assert_array_equal(G.numpy(), before)


@pytest.mark.parametrize("kind", [optimizers.LBFGS, optimizers.Adam])
def test_its_variables_are_all_that_it_remembers(kind):
    """Put into another one, with the picture, they make the same next steps."""
    steps = {}
    for name in ("first", "second"):
        G = tf.Variable(np.random.default_rng(1).uniform(0, 255, (2, *SHAPE)), dtype=tf.float32)
        optimizer = kind(G, Bowl(), 4.0)
        steps[name] = G, optimizer, optimizers.in_one_call(optimizer)
    rates = np.full(5, 4.0, np.float32)
    steps["first"][2](rates)
    for mine, other in zip(steps["second"][1].variables, steps["first"][1].variables, strict=True):
        mine.assign(other.numpy())
    steps["second"][0].assign(steps["first"][0])
    for _, _, go_on in steps.values():
        go_on(rates)
    np.testing.assert_array_equal(steps["first"][0].numpy(), steps["second"][0].numpy())
