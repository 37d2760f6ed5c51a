"""Adam against Keras' own; L-BFGS against SciPy's, with bounds, and the two-loop recursion."""

import keras
import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from helpers import optimizers
from helpers.optimizers import MEMORY, OPTIMIZERS, State, reach

SHAPE = (2, 4, 3)
SIZE = 24
ADAM, LBFGS = OPTIMIZERS["adam"], OPTIMIZERS["lbfgs"]
EACH = pytest.mark.parametrize("optimizer", [ADAM, LBFGS], ids=["adam", "lbfgs"])


class Bowl:
    """J = ½ (x−b)ᵀA(x−b), as an Objective has it: its targets are the lowest point b, its
    weights a level of J above which the gradient is no number."""

    def __init__(self):
        A = np.random.default_rng(0).normal(size=(SIZE, SIZE))
        self.A = (A @ A.T / SIZE + 0.1 * np.eye(SIZE)).astype(np.float32)

    def with_gradient(self, G, b, edge):
        away = tf.reshape(G, (-1, SIZE)) - b
        gradient = tf.matmul(away, self.A)
        J = tf.reduce_sum(gradient * away, 1) / 2
        gradient = tf.where(J[0] > edge, np.nan, gradient)
        return {"total": J}, tf.reshape(gradient, tf.shape(G))


BOWL = Bowl()
OUTSIDE, INSIDE = (
    np.random.default_rng(3).uniform(low, high, SIZE).astype(np.float32)
    for low, high in ((-60, 315), (60, 190))
)


def begin(optimizer, batch=2):
    """A state at random pictures."""
    G = tf.constant(np.random.default_rng(1).uniform(70, 180, (batch, *SHAPE)), tf.float32)
    return optimizer.begin(G, ["total"])


@pytest.fixture(scope="module")
def go():
    """(optimizer, state, rates, b, edge) → (state, J a step, steps done), traced once for each."""
    compiled = {}

    def go(optimizer, state, rates, b=OUTSIDE, edge=np.inf):
        def step(state, b, edge, rate):
            return optimizer.step(state, lambda G: BOWL.with_gradient(G, b, edge), rate)

        rows = []
        for rate in rates:
            arguments = state, *(tf.constant(value, tf.float32) for value in (b, edge, rate))
            if optimizer not in compiled:
                signature = tf.nest.map_structure(any_batch, arguments)
                compiled[optimizer] = tf.function(step, signature, autograph=False)
            state, costs, finite = compiled[optimizer](*arguments)
            if not finite:
                break
            rows.append(costs["total"].numpy())
        return state, np.array(rows), len(rows)

    def any_batch(tensor):
        return tf.TensorSpec([None, *tensor.shape[1:]][: tensor.shape.rank], tensor.dtype)

    return go


def assert_equal_states(one, other):
    for mine, theirs in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_adam_is_keras_adam(go):
    """Inside 0–255, where nothing is clipped."""
    theirs = keras.optimizers.Adam(beta_2=0.9, epsilon=1e-12)
    state = begin(ADAM)
    first = state.G.numpy()
    G = tf.Variable(first)
    for rate in (2.0, 2.0, 1.5, 1.0, 3.0, 0.5, 2.0, 2.0):
        theirs.learning_rate = rate
        theirs.apply([BOWL.with_gradient(G, INSIDE, np.inf)[1]], [G])
        state, *_ = go(ADAM, state, [rate], INSIDE)
        np.testing.assert_allclose(state.G, G, rtol=1e-5)
    assert np.abs(state.G - first).mean() > 5
    state, *_ = go(ADAM, state, [300.0] * 3)
    assert state.G.numpy().min() == 0 and state.G.numpy().max() == 255


def test_lbfgs_finds_the_lowest_point_within_the_bounds_as_scipy_does(go):
    state, totals = begin(LBFGS), []
    for _ in range(150):
        state, J, _ = go(LBFGS, state, [0.0])
        totals += [*J]
        assert state.G.numpy().min() >= 0 and state.G.numpy().max() <= 255
        now = BOWL.with_gradient(state.G, OUTSIDE, np.inf)[0]
        np.testing.assert_allclose(J[-1], now["total"], rtol=1e-3)  # costs are those of G
    bounds = scipy.optimize.Bounds(np.zeros(SIZE), np.full(SIZE, 255.0))
    found = scipy.optimize.minimize(
        lambda x: (x - OUTSIDE) @ BOWL.A.astype(float) @ (x - OUTSIDE) / 2,
        np.full(SIZE, 127.0),
        method="L-BFGS-B",
        bounds=bounds,
    )
    assert ((found.x < 1) | (found.x > 254)).any()  # the bounds matter
    for picture in state.G.numpy():
        np.testing.assert_allclose(picture.ravel(), found.x, atol=0.5)
    assert (np.diff(totals, axis=0) <= 0).all()  # it never shows a higher cost


def times_M(x):
    """The filter `reach` in NumPy: brightness is the mean of the channels, color the rest."""
    brightness, color = np.moveaxis(reach(*SHAPE[:2]), -1, 0)
    waves = np.fft.rfft2(x.reshape(SHAPE), axes=(0, 1))
    mean = waves.mean(-1, keepdims=True)
    waves = color[..., None] * (waves - mean) + brightness[..., None] * mean
    return np.fft.irfft2(waves, SHAPE[:2], axes=(0, 1)).ravel()


def two_loops(gradient, pairs, scale):
    """Nocedal & Wright 2006, algorithm 7.4; the oldest pair comes first."""
    q, weights = gradient.copy(), []
    for s, y in reversed(pairs):
        weights.append(s @ q / (s @ y))
        q -= weights[-1] * y
    q = scale * times_M(q)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += s * (weight - y @ q / (s @ y))
    return -q


def test_lbfgs_moves_as_the_two_loop_recursion_says(go):
    """For longer than the memory; without bounds, which the recursion does not know."""
    state, compared, scale = begin(LBFGS, 1), 0, 0.0
    for step in range(MEMORY + 10):
        before, (state, *_) = state, go(LBFGS, state, [0.0], INSIDE)
        memory = state.memory
        gradient, move = memory.gradient.numpy().ravel(), memory.move.numpy().ravel()
        moved = (state.G.numpy() != before.G.numpy()).any()
        if moved:  # the newest pair is what the move did to the gradient
            s, y = memory.pairs[-1].numpy()[0].reshape(2, SIZE).astype(float)
            np.testing.assert_array_equal(s, (state.G - before.G).numpy().ravel())
            np.testing.assert_array_equal(y, gradient - before.memory.gradient.numpy().ravel())
            wanted = optimizers.LONGER * (s @ y) / (y @ times_M(y))
            scale = max(wanted, optimizers.FADE * scale)
            np.testing.assert_allclose(memory.scale[0], scale, rtol=1e-3)
        inside = ((state.G.numpy() > 0) & (state.G.numpy() < 255)).all()
        pairs = [pair.numpy()[0].reshape(2, SIZE).astype(float) for pair in memory.pairs]
        pairs = [pair for pair, rho in zip(pairs, memory.rho[0], strict=True) if rho > 0]
        if step == 0:
            assert np.sqrt(np.mean(move**2)) == pytest.approx(optimizers.FIRST_MOVE, rel=1e-4)
        elif moved and inside:
            expected = two_loops(gradient.astype(float), pairs, scale)
            np.testing.assert_allclose(move, expected, rtol=0.02, atol=1e-3 * np.abs(move).max())
            compared += len(pairs)
    assert compared > 50


def test_a_move_that_leads_upwards_is_tried_again_shorter(go):
    state = begin(LBFGS, 1)
    lowest = tf.constant(np.clip(OUTSIDE, 0, 255).reshape(1, *SHAPE))
    state = LBFGS.forget(State(lowest, state.memory), 1)
    state, J, _ = go(LBFGS, state, [0.0])
    high = State(state.G, state.memory._replace(trial=255 - state.G))
    after, J_after, _ = go(LBFGS, high, [0.0])
    np.testing.assert_array_equal(J_after, J)
    np.testing.assert_array_equal(after.G, state.G)
    expected = np.clip(state.G + optimizers.SHRINK * after.memory.move, 0, 255)
    np.testing.assert_allclose(after.memory.trial, expected, atol=1e-3)


@EACH
def test_a_state_is_all_there_is_to_know(go, optimizer):
    """The next steps of a state that was stored are those of the state itself."""
    one, J, done = go(optimizer, begin(optimizer), [4.0] * 6)
    assert done == 6
    state, *_ = go(optimizer, begin(optimizer), [4.0] * 3)
    arrays = [leaf.numpy() for leaf in tf.nest.flatten(state)]
    stored = tf.nest.pack_sequence_as(state, list(map(tf.constant, arrays)))
    state, rows, _ = go(optimizer, stored, [4.0] * 3)
    assert_equal_states(state, one)
    np.testing.assert_array_equal(rows, J[3:])


@EACH
def test_a_number_that_is_not_finite_ends_the_steps_and_leaves_the_state(go, optimizer):
    good, _, _ = go(optimizer, begin(optimizer), [4.0] * 3)
    state, _, done = go(optimizer, good, [4.0] * 12, edge=-1.0)
    assert done < 12  # L-BFGS tries shorter moves first
    np.testing.assert_array_equal(state.G, good.G)
    state, _, done = go(optimizer, state, [4.0] * 3)
    assert done == 3


def test_what_is_forgotten(go):
    """Adam keeps its memory when a weight changes a little; L-BFGS' curvature belongs to one J."""
    for factor, kept in ((optimizers.FAR / 2, True), (optimizers.FAR, False)):
        state, *_ = go(ADAM, begin(ADAM), [1.0])
        assert (ADAM.forget(state, factor).memory.t == 1) == kept
    state, *_ = go(LBFGS, begin(LBFGS), [0.0] * 3)
    found = LBFGS.forget(state, 1.1)
    assert_equal_states([found.G, found.memory.trial], [state.G, state.G])
    assert np.isinf(found.memory.costs["total"]).all() and not found.memory.rho.numpy().any()
