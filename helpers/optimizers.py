"""Two ways to move the pixels of G down J: L-BFGS and Adam, pure functions of their state.

`begin` gives the first State for pictures G, `step` takes a State and gives the next one, and
`forget` a State that remembers nothing of another cost.  A State is made of tensors only: it is
what a checkpoint holds.  The pixels stay in 0–255, and each picture of a batch goes its own way.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

FAR = 8.0  # a weight so many times as large, or as small, makes J another cost
# Adam's memory of gradients and of their squares.  With 0.9 for both a run of a few hundred steps
# gets lowest; Adam's own 0.999 is for many thousand noisy ones.  (Measured with tools/race.py.)
BETA_1, BETA_2, EPSILON = 0.9, 0.9, 1e-12
MEMORY = 20  # pairs that L-BFGS remembers
# The scale of H₀ is what the newest pair asks for, times LONGER, because the memory knows the steep
# directions already; after a steep move it falls by FADE only, so that the next are not all short.
LONGER, FADE = 1.5, 0.95
FIRST_MOVE = 4.0  # root mean square of the first move of L-BFGS, in gray levels
SHRINK = 0.3  # a move that led upwards is tried again with this share of its length
SHORTEST = 1e-3  # share of a move below which the memory misleads: it is given up


class State(NamedTuple):
    """Pictures G (batch, height, width, 3), float32 in 0–255, and the optimizer's memory."""

    G: tf.Tensor
    memory: NamedTuple


class AdamMemory(NamedTuple):
    """t: steps taken.  m, v: mean gradient and mean squared gradient, of the shape of G."""

    t: tf.Tensor
    m: tf.Tensor
    v: tf.Tensor


class Adam:
    """Kingma & Ba 2015 (arXiv:1412.6980, algorithm 1)."""

    def begin(self, G: tf.Tensor, names: Iterable[str]) -> State:  # noqa: ARG002 (as LBFGS has it)
        """A state that has not seen these pictures yet."""
        return State(G, AdamMemory(tf.constant(0.0), tf.zeros_like(G), tf.zeros_like(G)))

    def forget(self, state: State, factor: float) -> State:
        """After a weight has changed by `factor`.  A small change it follows best with all its
        memory; but Adam divides by lengths of gradients that it remembers, and after β has gone
        down a thousandfold the picture would hardly follow."""
        return state if factor < FAR else self.begin(state.G, ())

    def step(
        self, state: State, evaluate: Callable, rate: tf.Tensor
    ) -> tuple[State, dict, tf.Tensor]:
        """(the next state, the costs of this one, whether they and the gradient are finite)."""
        G, (t, m, v) = state
        costs, gradient = evaluate(G)
        t += 1
        m += (gradient - m) * (1 - BETA_1)
        v += (gradient**2 - v) * (1 - BETA_2)
        length = rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        moved = tf.clip_by_value(G - length * m / (tf.sqrt(v) + EPSILON), 0.0, 255.0)
        finite = tf.reduce_all(_finite(costs, gradient))
        new = State(moved, AdamMemory(t, m, v))
        return tf.cond(finite, lambda: new, lambda: state), costs, finite


class LBFGSMemory(NamedTuple):
    """What L-BFGS knows of G, and of the last MEMORY moves; B is the batch.

    costs: those of G, infinite before it is measured.  trial: where J is asked next.  gradient: at
    G.  move: from G to the trial, of which a `share` (B,) is taken.  scale: of H₀, (B,).
    M: `reach`.  pairs: for each move, oldest first, s and y, what the move did to the gradient:
    (B, 2, height, width, 3).  rho: 1 / sᵀy of each pair, 0 where there is none, (B, MEMORY).
    """

    costs: dict
    trial: tf.Tensor
    gradient: tf.Tensor
    move: tf.Tensor
    share: tf.Tensor
    scale: tf.Tensor
    M: tf.Tensor
    pairs: tuple
    rho: tf.Tensor


class LBFGS:
    """L-BFGS (Nocedal & Wright 2006, algorithm 7.4), its moves projected into 0–255 (Bertsekas
    1982).  Its first guess of the inverse Hessian, H₀ = scale·M, is `reach` of each frequency.

    It evaluates once a step, at `trial`: where J went down, the trial becomes G and the next one
    follows the gradient, bent by the last MEMORY moves; elsewhere the move is tried again, shorter.
    So G is the lowest picture so far, and the costs of a step are its costs.
    """

    def begin(self, G: tf.Tensor, names: Iterable[str]) -> State:
        """A state that has not seen these pictures yet; names: of the costs of `evaluate`."""
        batch, height, width = G.shape[:3]
        unknown = dict.fromkeys(names, tf.fill((batch,), np.float32(np.inf)))
        none, zeros = tf.zeros(batch), tf.zeros_like(G)
        pairs = (tf.stack([zeros, zeros], axis=1),) * MEMORY
        M, rho = tf.constant(reach(height, width)), tf.zeros((batch, MEMORY))
        return State(G, LBFGSMemory(unknown, G, zeros, zeros, none, none, M, pairs, rho))

    def forget(self, state: State, factor: float) -> State:  # noqa: ARG002
        """After a weight has changed, by whatever factor: curvature belongs to a cost."""
        return self.begin(state.G, state.memory.costs)

    def step(
        self,
        state: State,
        evaluate: Callable,
        rate: tf.Tensor,  # noqa: ARG002 (it has no rate)
    ) -> tuple[State, dict, tf.Tensor]:
        """(the next state, the costs of its G, whether it could be taken)."""
        G, memory = state
        trial = memory.trial
        costs, gradient = evaluate(trial)
        J = memory.costs["total"]
        finite, first = _finite(costs, gradient), tf.math.is_inf(J)
        lower = finite & (costs["total"] <= J)
        share = tf.where(lower, 1.0, SHRINK * memory.share)
        stuck = share < SHORTEST
        # A trial that is not finite counts as uphill, unless there is nothing shorter to try.
        usable = tf.reduce_all(finite | ~(first | stuck))

        def go_on():
            s, y = trial - G, gradient - memory.gradient
            better, slope = _where(lower, trial, G), _where(lower, gradient, memory.gradient)
            lowest = tf.nest.map_structure(lambda a, b: _where(lower, a, b), costs, memory.costs)
            rho = _where(stuck, tf.zeros_like(memory.rho), memory.rho)
            told = memory._replace(costs=lowest, gradient=slope, rho=rho)
            told = _remember(told, s, y, lower & ~first)
            move = _where(lower | stuck, _move(better, told), memory.move)
            length = tf.where(stuck, 1.0, share)
            next_trial = tf.clip_by_value(better + _each(length) * move, 0.0, 255.0)
            return State(better, told._replace(trial=next_trial, move=move, share=length)), lowest

        new, costs = tf.cond(usable, go_on, lambda: (state, costs))
        return new, costs, usable


def _remember(memory, s, y, lower):
    """The memory with the pair (s, y) put last, or an empty one unless the curvature sᵀy is
    positive, and the first pair dropped.  The others are handed on, not copied."""
    s_y, y_y = _dot(s, y), _dot(y, _times_M(memory.M, y))
    good = lower & (s_y > 1e-6 * tf.sqrt(_dot(s, s) * y_y))
    newest = tf.maximum(LONGER * tf.math.divide_no_nan(s_y, y_y), FADE * memory.scale)
    pair = tf.stack([s, y], axis=1)
    pairs = (*memory.pairs[1:], _where(good, pair, tf.zeros_like(pair)))
    rho = tf.where(good, tf.math.divide_no_nan(1.0, s_y), 0.0)
    rho = tf.concat([memory.rho[:, 1:], rho[:, tf.newaxis]], axis=1)
    return memory._replace(pairs=pairs, rho=rho, scale=tf.where(good, newest, memory.scale))


def _move(G, memory):
    """−H·gradient of pictures G: the two loops over the memory."""
    gradient = memory.gradient
    held = ((G <= 0) & (gradient > 0)) | ((G >= 255) & (gradient < 0))  # would leave 0–255 at once
    free = 1 - tf.cast(held, tf.float32)
    q, shares = free * gradient, []
    rhos = tf.unstack(memory.rho, num=MEMORY, axis=1)
    for rho, pair in zip(reversed(rhos), reversed(memory.pairs), strict=True):
        s, y = tf.unstack(pair, num=2, axis=1)
        shares.append(rho * _dot(s, q))
        q -= _each(shares[-1]) * y
    q = _times_M(memory.M, q)
    first = tf.math.divide_no_nan(FIRST_MOVE, tf.sqrt(tf.reduce_mean(q**2, (1, 2, 3))))
    q *= _each(tf.where(tf.reduce_any(memory.rho > 0, 1), memory.scale, first))
    for rho, pair, share in zip(rhos, memory.pairs, reversed(shares), strict=True):
        s, y = tf.unstack(pair, num=2, axis=1)
        q += _each(share - rho * _dot(y, q)) * s
    return -free * q


OPTIMIZERS = {"lbfgs": LBFGS(), "adam": Adam()}


def reach(height: int, width: int) -> np.ndarray:
    """(height, width // 2 + 1, 2): how far brightness and color move for a gradient, by frequency.

    The network hardly sees how bright a large area is, nor the finest grain, nor any detail of
    color: J curves little there, and the gradient is small, while the way to go is as long.  So M
    is one over the square root of J's curvature; the ramps are its shape for VGG-19 in cycles per
    pixel, as measured, and mini's is much the same.
    """
    f = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    brightness = np.clip(f / 0.14, 0.1, 1) * np.clip((0.62 - f) / 0.25, 0.1, 1)
    color = np.clip((0.25 - f) / 0.1, 0.1, 1)
    return np.stack([brightness, color], axis=-1).astype(np.float32) ** -0.5


def _times_M(M, pictures):
    """M·pictures: a filter, symmetric and positive."""
    brightness, color = tf.unstack(tf.cast(M, tf.complex64), axis=-1)
    waves = tf.signal.rfft2d(tf.transpose(pictures, (0, 3, 1, 2)))
    mean = tf.reduce_mean(waves, 1, keepdims=True)
    waves = color * waves + (brightness - color) * mean
    found = tf.signal.irfft2d(waves, tf.shape(pictures)[1:3])
    return tf.ensure_shape(tf.transpose(found, (0, 2, 3, 1)), pictures.shape)


def _finite(costs, gradient):
    """For each picture.  Of squares, because Adam squares the gradient and must stay finite too."""
    return tf.math.is_finite(
        tf.add_n(tf.nest.flatten(costs)) + tf.reduce_sum(gradient**2, (1, 2, 3))
    )


def _dot(a, b):
    return tf.reduce_sum(a * b, (1, 2, 3))


def _each(values):
    """One value for each picture, ready to be multiplied with pictures."""
    return values[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _where(chosen, new, old):
    """Whole pictures, in a tenth of the time of today's tf.where, which looks at each number."""
    return tf.compat.v1.where(chosen, new, old)
