"""Two ways down for the pixels of G: Adam and L-BFGS, one evaluation of J and its gradient a step.

Both know one Variable G of pictures (batch, height, width, 3), which they keep in 0–255, and one
`objective.Objective`.  `step` is called inside a tf.function and returns (Costs, finite); a step
that meets a number that is not finite leaves G as it was.  `variables` are all that a checkpoint
needs besides G.
ANY_SIZE: whether G may be given another size, after which `begin` is called; a step that was traced
once then serves all sizes.  PICTURES: how many of the size of G, about, a step holds besides it.
"""

import keras
import numpy as np
import tensorflow as tf

from .fast import product

# Adam's memory of squared gradients: with 0.9 a run of a few hundred steps gets lowest.  Adam's own
# 0.999 is for many thousand noisy ones.  (Measured with tools/against.py.)
BETA_2 = 0.9
FAR = 8.0  # a weight so many times as large, or as small, makes J another cost
MEMORY = 20  # pairs that L-BFGS remembers
# The scale of H₀ is what the newest pair asks for, times LONGER, because the memory knows the steep
# directions already; after a steep move it falls by FADE only, so that the next are not all short.
LONGER, FADE = 1.5, 0.95
FIRST_MOVE = 4.0  # root mean square of the first move of L-BFGS, in pixel units of 0–255
SHRINK = 0.3  # a move that led upwards is tried again with this share of its length
SHORTEST = 1e-3  # share of a move below which the memory misleads: it is given up


def in_one_call(optimizer):
    """A compiled function: rates, one for each step → (Costs with one row a step, steps done).

    It is traced once, when it is first called, and without AutoGraph, which takes longer to read
    the code than all the rest of the tracing.
    """

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)], autograph=False)
    def steps(rates):
        def goes_on(done, finite, rows):
            return finite & (done < tf.size(rates))

        def step(done, finite, rows):
            costs, finite = optimizer.step(rates[done])
            rows = tf.nest.map_structure(lambda row, cost: row.write(done, cost), rows, costs)
            return done + tf.cast(finite, tf.int32), finite, rows

        def row(cost):
            return tf.TensorArray(tf.float32, tf.size(rates), element_shape=cost.shape)

        rows = tf.nest.map_structure(row, optimizer.objective.unknown())
        done, _, rows = tf.while_loop(goes_on, step, (0, True, rows))
        return tf.nest.map_structure(lambda row: row.stack(), rows), done

    return steps


class Adam:
    """Kingma & Ba 2015, with Keras' own; needs a learning rate for each step."""

    ANY_SIZE, PICTURES = False, 6

    def __init__(self, G, objective, learning_rate):
        self.G, self.objective = G, objective
        self.adam = keras.optimizers.Adam(learning_rate, beta_2=BETA_2, epsilon=1e-12)
        self.adam.build([G])

    @property
    def variables(self):
        return self.adam.variables

    def step(self, rate):
        costs, gradient = self.objective.with_gradient(tf.convert_to_tensor(self.G))

        def move():
            self.adam.learning_rate.assign(rate)
            self.adam.apply([gradient], [self.G])
            self.G.assign(tf.clip_by_value(self.G, 0.0, 255.0))
            return True

        return costs, tf.cond(tf.reduce_all(_finite(costs, gradient)), move, lambda: False)

    def forget(self, factor=np.inf):
        """Adam divides by lengths of gradients that it remembers: after β has gone down a
        thousandfold the picture would hardly follow.  A small change of a weight, by `factor`, it
        follows best with all its memory."""
        if factor < FAR:
            return
        moments = [v for v in self.adam.variables if v.shape == self.G.shape]
        for variable in (self.adam.iterations, *moments):
            variable.assign(tf.zeros_like(variable))


class LBFGS:
    """L-BFGS in the compact form of Byrd, Nocedal & Schnabel 1994 (equation 3.1), its moves
    projected into 0–255 (Bertsekas 1982); each picture of a batch goes its own way.  Its first
    guess of the inverse Hessian, H₀ = scale·M, is `reach` of each frequency.

    It evaluates once a step, at `trial`: where J went down, the trial becomes G and the next one
    follows the gradient, bent by the last MEMORY moves; elsewhere the move is tried again, shorter.
    So G is the lowest picture so far, and `costs` are its costs.
    """

    ANY_SIZE, PICTURES = True, 2 * MEMORY + 10

    def __init__(self, G, objective, learning_rate=None):
        self.G, self.objective = G, objective
        batch = G.shape[0]
        # Of G; infinite before it is measured.
        self.costs = tf.nest.map_structure(tf.Variable, objective.unknown())
        self.trial, self.gradient, self.move = (tf.Variable(G, shape=G.shape) for _ in range(3))
        self.share, self.scale = (tf.Variable(tf.zeros(batch)) for _ in range(2))
        self.M = tf.Variable(tf.zeros((2, 0, 0)), shape=(2, None, None))
        # Moves s, and My, where y is what they did to the gradient; the oldest first.  One Variable
        # for each pair, because TensorFlow copies all of a Variable that is written in parts.
        pair = tf.zeros((batch, 2, 0))
        self.pairs = [tf.Variable(pair, shape=(batch, 2, None)) for _ in range(MEMORY)]
        self.known = tf.Variable(tf.zeros((batch, MEMORY)))  # 1 where there is a pair
        # sᵢᵀyⱼ and yᵢᵀMyⱼ, where i is not the newer one.
        self.s_y, self.y_y = (tf.Variable(tf.zeros((batch, MEMORY, MEMORY))) for _ in range(2))
        self.begin()

    @property
    def variables(self):
        mine = [
            *tf.nest.flatten(self.costs),
            self.trial,
            self.gradient,
            self.move,
            self.share,
            self.scale,
        ]
        return [*mine, *self.pairs, self.known, self.s_y, self.y_y]

    def begin(self):
        """With a G of another size, of which nothing is known."""
        zeros = tf.zeros_like(self.G)
        self.M.assign(reach(*zeros.shape[1:3]))
        for variable in (self.gradient, self.move):
            variable.assign(zeros)
        for pair in self.pairs:
            pair.assign(tf.reshape(tf.stack([zeros, zeros], axis=1), (self.G.shape[0], 2, -1)))
        self.forget()

    def forget(self, factor=np.inf):
        """Curvature belongs to a cost: after α, β or the picture has changed it would mislead."""
        _assign(self.costs, self.objective.unknown())
        for variable in (self.known, self.scale):
            variable.assign(tf.zeros_like(variable))
        self.trial.assign(self.G)

    def step(self, rate):
        trial = tf.convert_to_tensor(self.trial)
        costs, gradient = self.objective.with_gradient(trial)
        J = self.costs.total
        finite, first = _finite(costs, gradient), tf.math.is_inf(J)
        lower = finite & (costs.total <= J)
        share = tf.where(lower, 1.0, SHRINK * self.share)
        stuck = share < SHORTEST
        usable = tf.reduce_all(finite | ~(first | stuck))

        def go_on():
            s, y = trial - self.G, gradient - self.gradient
            for kept, new in ((self.G, trial), (self.gradient, gradient)):
                kept.assign(_where(lower, new, kept))
            chosen = tf.nest.map_structure(lambda a, b: _where(lower, a, b), costs, self.costs)
            _assign(self.costs, chosen)
            self.known.assign(_where(stuck, tf.zeros_like(self.known), self.known))
            self.share.assign(tf.where(stuck, 1.0, share))
            move = self._move(s, y, lower & ~first)
            self.move.assign(_where(lower | stuck, move, self.move))
            moved = self.G + _each(self.share) * self.move
            self.trial.assign(tf.clip_by_value(moved, 0.0, 255.0))
            return tf.nest.map_structure(tf.convert_to_tensor, self.costs)

        return tf.cond(usable, go_on, lambda: costs), usable

    def _move(self, s, y, lower):
        """−H·gradient, with the pair (s, y) in H wherever the curvature sᵀy is positive."""
        q = tf.convert_to_tensor(self.gradient)
        held = ((self.G <= 0) & (q > 0)) | ((self.G >= 255) & (q < 0))  # would leave 0–255 at once
        free = 1 - tf.cast(held, tf.float32)
        q *= free
        M_q, M_y = self._times_M(q), self._times_M(y)
        s_y, y_y = _dot(s, y), _dot(y, M_y)
        good = lower & (s_y > 1e-6 * tf.sqrt(_dot(s, s) * y_y))
        newest = tf.maximum(LONGER * tf.math.divide_no_nan(s_y, y_y), FADE * self.scale)
        self.scale.assign(tf.where(good, newest, self.scale))
        s, y, M_y = (_where(good, v, tf.zeros_like(v)) for v in (s, y, M_y))
        rows = (tf.reshape(v, (self.G.shape[0], -1)) for v in (s, M_y, y, q))
        s_q, y_q = self._remember(*rows, good)

        known = tf.convert_to_tensor(self.known)
        both = known[:, tf.newaxis] * known[..., tf.newaxis]
        R, Y_Y = both * self.s_y, both * self.y_y
        D = tf.linalg.diag_part(R)
        R += tf.linalg.diag(1 - known)  # where nothing is known
        Y_Y += tf.linalg.matrix_transpose(tf.linalg.set_diag(Y_Y, tf.zeros_like(known)))
        first = tf.math.divide_no_nan(FIRST_MOVE, tf.sqrt(tf.reduce_mean(M_q**2, (1, 2, 3))))
        scale = tf.where(tf.reduce_any(known > 0, 1), self.scale, first)
        of_s, of_y = _compact(R, D, Y_Y, s_q * known, y_q * known, scale)
        weights = tf.unstack(tf.stack([of_s, of_y], axis=2)[:, tf.newaxis], axis=2)
        bent = tf.add_n([product(w, p) for w, p in zip(weights, self.pairs, strict=True)])
        return -free * (_each(scale) * M_q + tf.reshape(bent, tf.shape(q)))

    def _times_M(self, pictures):
        """M·pictures: a filter, symmetric and positive."""
        brightness, color = tf.unstack(tf.cast(self.M, tf.complex64))
        waves = tf.signal.rfft2d(tf.transpose(pictures, (0, 3, 1, 2)))
        mean = tf.reduce_mean(waves, 1, keepdims=True)
        waves = color * waves + (brightness - color) * mean
        found = tf.signal.irfft2d(waves, tf.shape(pictures)[1:3])
        return tf.ensure_shape(tf.transpose(found, (0, 2, 3, 1)), pictures.shape)

    def _remember(self, s, M_y, y, q, good):
        """Put (s, My) last, or an empty pair, and drop the first.  Returns sᵢᵀq and yᵢᵀMq."""
        for older, newer in zip(self.pairs, [*self.pairs[1:], tf.stack([s, M_y], 1)], strict=True):
            older.assign(newer)  # hands the memory on, and copies nothing
        self.known.assign(
            tf.concat([self.known[:, 1:], tf.cast(good, tf.float32)[:, tf.newaxis]], 1)
        )
        # One pass over the memory gives the products with all that is new.
        recent = tf.stack([y, q], axis=1)
        dots = tf.stack([product(recent, p, transpose_b=True) for p in self.pairs], axis=1)
        (S_y, Y_y), (S_q, Y_q) = (tf.unstack(d, axis=2) for d in tf.unstack(dots, axis=2))
        self.s_y.assign(_pushed(self.s_y, S_y))
        self.y_y.assign(_pushed(self.y_y, Y_y))
        return S_q, Y_q


OPTIMIZERS = {"lbfgs": LBFGS, "adam": Adam}


def reach(height, width):
    """(2, height, width // 2 + 1): how far brightness and color move for a gradient, by frequency.

    The network hardly sees how bright a large area is, nor the finest grain, nor any detail of
    color: J curves little there, and the gradient is small, while the way to go is as long.  So M
    is one over the square root of J's curvature, which `tools/benchmark.py curvature` measures;
    the ramps are its shape for VGG-19 in cycles per pixel, and mini's is much the same.
    """
    f = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    brightness = np.clip(f / 0.14, 0.1, 1) * np.clip((0.62 - f) / 0.25, 0.1, 1)
    color = np.clip((0.25 - f) / 0.1, 0.1, 1)
    return np.stack([brightness, color]).astype(np.float32) ** -0.5


def _compact(R, D, Y_Y, S_q, Y_q, scale):
    """The weights of S and of MY in H·q − scale·Mq, for a diagonal D; Y_Y is YᵀMY, Y_q is YᵀMq."""
    R, D, Y_Y, S_q, Y_q, scale = (tf.cast(v, tf.float64) for v in (R, D, Y_Y, S_q, Y_q, scale))
    scale = scale[:, tf.newaxis]
    u = tf.linalg.solve(R, S_q[..., tf.newaxis])
    w = D * u[..., 0] + scale * (tf.linalg.matvec(Y_Y, u[..., 0]) - Y_q)
    of_s = tf.linalg.solve(R, w[..., tf.newaxis], adjoint=True)
    return tf.cast(of_s[..., 0], tf.float32), tf.cast(-scale * u[..., 0], tf.float32)


def _pushed(matrices, column):
    """Without their first row and column; the last row is 0 but for the end of the last column."""
    kept = tf.pad(matrices[:, 1:, 1:], ((0, 0), (0, 1), (0, 0)))
    return tf.concat([kept, column[..., tf.newaxis]], axis=2)


def _finite(costs, gradient):
    """For each picture.  Of squares, because Adam squares the gradient and must stay finite too."""
    return tf.math.is_finite(
        tf.add_n(tf.nest.flatten(costs)) + tf.reduce_sum(gradient**2, (1, 2, 3))
    )


def _assign(variables, values):
    tf.nest.map_structure(lambda variable, value: variable.assign(value), variables, values)


def _dot(a, b):
    return tf.reduce_sum(a * b, (1, 2, 3))


def _each(values):
    """One value for each picture, ready to be multiplied with pictures."""
    return values[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _where(chosen, new, old):
    """Whole pictures, in a tenth of the time of today's tf.where, which looks at each number."""
    return tf.compat.v1.where(chosen, new, old)
