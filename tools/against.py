"""What people would use instead, restated: the same cost, their optimizers and hyper-parameters.

    tutorial   TensorFlow's style-transfer tutorial: Adam, learning rate 0.02 on pixels of 0–1,
               β₁ 0.99, ε 0.1, clipped, 10 × 100 steps
    keras      the Keras example: gradient descent, learning rate 100 that falls by 4 % every 100
               steps, on pixels of 0–255; content, style and G go through the network at every step
    gatys      Gatys et al. 2016: L-BFGS (SciPy's), from the first step to the last at full size
    gordic     gordicaleksa's pytorch-neural-style-transfer: L-BFGS with a strong Wolfe line search,
               which SciPy's has, and a memory of 100 moves
    crowson    crowsonkb's style-transfer-pytorch: Adam, 0.02 on pixels of 0–1, the averaged iterate
               (0.99), sizes that grow by √2 from 128 pixels
    ours       helpers.transfer: L-BFGS within 0–255, at full size

All lower the same J = α·J_content + β·J_style of the `relative` costs, from the photograph, so that
only the way there differs.  The first two have hyper-parameters that belong to a cost of a certain
height; they get J times the factor that makes it begin as high as their own cost does.
"""

import threading

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf

from helpers import costs, images
from helpers.objective import Objective
from helpers.transfer import Transfer


class Judge:
    """J of any picture, in float32, outside everybody's clock."""

    def __init__(self, content, style, network, alpha, beta):
        self.weights = {"alpha": alpha, "beta": beta, "tv": 0.0}
        self.content, self.style, self.network = content, style, network
        self.layers = network.style_layers
        self.objective = self.objective_at(content.shape[:2])
        self.J = tf.function(lambda G: self.objective(G).total[0])

    def objective_at(self, shape):
        """J for pictures of another height and width; the painting shrinks with the photograph."""
        objective = Objective(
            self.network,
            costs="relative",
            content_layer=self.network.content_layer,
            layer_weights=dict.fromkeys(self.layers, 1.0),
            style_weights=[1.0],
            **self.weights,
        )
        share = max(shape) / max(self.content.shape)
        of_style = [max(1, round(share * side)) for side in self.style.shape[:2]]
        objective.aim(images.resize(self.content, *shape), [images.resize(self.style, *of_style)])
        return objective

    def __call__(self, picture):
        return float(self.J(tf.constant(picture[np.newaxis], tf.float32)))

    def cost(self, G):
        """J as a tensor, for pictures (1, height, width, 3) in 0–255."""
        return self.objective(G).total[0]


class Tutorial:
    def __init__(self, judge):
        self.G = tf.Variable(judge.content[None] / 255)
        self.adam = keras.optimizers.Adam(0.02, beta_1=0.99, epsilon=0.1)
        factor = self.own_cost(judge) / judge(judge.content)

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                J = factor * judge.cost(255 * self.G)
            self.adam.apply([tape.gradient(J, self.G)], [self.G])
            self.G.assign(tf.clip_by_value(self.G, 0.0, 1.0))

        self.step = step

    @staticmethod
    def own_cost(judge):
        """Of the photograph, whose content cost is 0: 1e-2 · the mean over the style layers."""
        S, G = judge.network(judge.style), judge.network(judge.content)
        of_layers = [float(costs.layer_style_cost(S[n], G[n], "mse")) for n in judge.layers]
        return 1e-2 * np.mean(of_layers)

    picture = property(lambda self: 255 * self.G.numpy()[0])


class KerasExample:
    def __init__(self, judge):
        schedule = keras.optimizers.schedules.ExponentialDecay(100.0, 100, 0.96)
        self.sgd = keras.optimizers.SGD(schedule)
        self.G = tf.Variable(judge.content[None])
        factor = self.own_cost(judge) / judge(judge.content)
        still = tf.stack([judge.content, tf.image.resize(judge.style, judge.content.shape[:2])])
        content_layer = judge.network.content_layer
        weights = dict.fromkeys(judge.layers, 1 / len(judge.layers))
        alpha, beta = judge.weights["alpha"], judge.weights["beta"]

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                a = judge.network(tf.concat([still, self.G], axis=0))
                C, S, G = ({layer: a[layer][i] for layer in a} for i in range(3))
                content = costs.content_cost(C[content_layer], G[content_layer], "relative")
                style = costs.style_cost(S, G, weights, "relative")
                J = factor * costs.total_cost(content, style, alpha, beta)
            self.sgd.apply([tape.gradient(J, self.G)], [self.G])

        self.step = step

    @staticmethod
    def own_cost(judge):
        """1e-6 / layers · Σ(Gram − Gram)² / (4 · 3² · (height · width of the picture)²)."""
        S, G = judge.network(judge.style), judge.network(judge.content)
        pixels, total = np.prod(judge.content.shape[:2]), 0.0
        for n in judge.layers:
            positions = np.prod(G[n].shape[:2])
            difference = costs.mean_gram_matrix(S[n]) - costs.mean_gram_matrix(G[n])
            total += float(tf.reduce_sum((difference * positions) ** 2)) / (36 * pixels**2)
        return 1e-6 * total / len(judge.layers)

    picture = property(lambda self: np.clip(self.G.numpy()[0], 0, 255))


class Gatys:
    """One evaluation of J and its gradient is one step.

    SciPy owns the loop, so it runs in a thread that waits for `step`.
    """

    MEMORY = 20

    def __init__(self, judge):
        shape = judge.content.shape
        gradient_of = tf.function(judge.objective.with_gradient).get_concrete_function(
            tf.TensorSpec((1, *shape), tf.float32)
        )
        self.picture, self._go, self._done = judge.content, *(threading.Semaphore(0) for _ in "ab")
        factor = 1e4  # SciPy's line search wants gradients that are not tiny

        def cost(x):
            self._go.acquire()
            found, gradient = gradient_of(tf.constant(x.reshape(1, *shape), tf.float32))
            self.picture = np.clip(x.reshape(shape), 0, 255).astype(np.float32)
            self._done.release()
            J = factor * float(found.total[0])
            return J, factor * gradient.numpy().astype(np.float64).ravel()

        def minimize():
            options = {"maxiter": 10**6, "maxfun": 10**6, "ftol": 0, "gtol": 0}
            options |= {"maxcor": self.MEMORY}
            start = judge.content.astype(np.float64).ravel()
            scipy.optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options=options)

        threading.Thread(target=minimize, daemon=True).start()

    def step(self):
        self._go.release()
        self._done.acquire()


class Gordic(Gatys):
    MEMORY = 100


class Crowson:
    """Adam from small to large; what is shown is the average of the iterates.

    Of its 1000 steps at the first size and 500 at each other one, which are meant for GPUs, each
    size but the last takes a tenth here, so that full size begins within its time.
    """

    FIRST, OTHER, DECAY = 100, 50, 0.99

    def __init__(self, judge):
        self.judge, longest = judge, max(judge.content.shape)
        sizes = [longest / 2 ** (i / 2) for i in range(20) if longest / 2 ** (i / 2) >= 128]
        self.sizes = [longest] if not sizes else sizes[::-1]
        self._begin(judge.content / 255, self.FIRST)

    def _begin(self, picture, steps):
        share = self.sizes.pop(0) / max(self.judge.content.shape)
        shape = [round(share * side) for side in self.judge.content.shape[:2]]
        self.G = tf.Variable(images.resize(255 * picture, *shape)[np.newaxis] / 255)
        self.average, self.left, self.count = tf.Variable(tf.zeros_like(self.G)), steps, 0
        adam, objective = keras.optimizers.Adam(0.02, beta_2=0.99), self.judge.objective_at(shape)
        adam.build([self.G])

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                J = objective(255 * self.G).total[0]
            adam.apply([tape.gradient(J, self.G)], [self.G])
            self.G.assign(tf.clip_by_value(self.G, 0.0, 1.0))
            self.average.assign(self.DECAY * self.average + (1 - self.DECAY) * self.G)

        self._step = step

    def step(self):
        if self.left == 0 and self.sizes:
            self._begin(self._mean(), self.OTHER)
        self._step()
        self.left, self.count = max(self.left - 1, 0), self.count + 1

    def _mean(self):
        """The average of the iterates, without the zeros that it began with."""
        if self.count == 0:
            return self.G.numpy()[0]
        return self.average.numpy()[0] / (1 - self.DECAY**self.count)

    @property
    def picture(self):
        return images.resize(255 * self._mean(), *self.judge.content.shape[:2])


class Ours:
    """With everything by default, but for the smoothing, which the others do not have, for the
    number of steps, of which it takes at most `steps`, and for the sizes: strokes are larger with
    the default two, but at 256 pixels J falls faster with one."""

    def __init__(self, judge, network=None, steps=500):
        network = network or judge.network
        self.run = Transfer(judge.content, judge.style, network, levels=1, **judge.weights)
        self.chunks = self.run.chunks(steps, seconds=0.2)  # several steps in one call, as `run`

    def step(self):
        before = self.run.step_count
        if next(self.chunks, None) is None:
            raise StopIteration
        return self.run.step_count - before

    @property
    def picture(self):
        return self.run.full_picture


RIVALS = {
    "tutorial": Tutorial,
    "keras": KerasExample,
    "gatys": Gatys,
    "gordic": Gordic,
    "crowson": Crowson,
}
