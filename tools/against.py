"""What people would use instead, restated: the same cost, their optimizers and hyper-parameters.

    tutorial   TensorFlow's style-transfer tutorial: Adam, learning rate 0.02 on pixels of 0–1,
               β₁ 0.99, ε 0.1, clipped, 10 × 100 steps
    keras      the Keras example: gradient descent, learning rate 100 that falls by 4 % every 100
               steps, on pixels of 0–255; content, style and G go through the network at every step
    gatys      Gatys et al. 2016: L-BFGS (SciPy's), from the first step to the last at full size
    ours       helpers.transfer: L-BFGS within 0–255, coarse to fine

All lower the same J = α·J_content + β·J_style of the `relative` convention, from the photograph, so
that only the way there differs.  The first two have hyper-parameters that belong to a cost of a
certain height; they get J times the factor that makes it begin as high as their own cost does.
"""

import threading
import time

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf

from helpers import costs
from helpers.optimizers import TOTAL
from helpers.transfer import Transfer

TUTORIAL_STEPS = 1000


class Judge:
    """J of any picture, in float32, outside everybody's clock."""

    def __init__(self, content, style, network, alpha, beta):
        self.settings = {"alpha": alpha, "beta": beta, "tv": 0.0}
        self.content, self.style, self.network = content, style, network
        self.run = Transfer(content, style, network, optimizer="adam", **self.settings)

    def __call__(self, picture):
        self.run.picture = picture
        return self.run.costs()["total"]

    def cost(self, G):
        """J as a tensor, for pictures (1, height, width, 3) in 0–255."""
        return self.run._measure(G)[0, TOTAL]


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
        layers = judge.run.style_layers
        return 1e-2 * np.mean([float(costs.layer_style_cost(S[n], G[n], "mse")) for n in layers])

    picture = property(lambda self: 255 * self.G.numpy()[0])


class KerasExample:
    def __init__(self, judge):
        schedule = keras.optimizers.schedules.ExponentialDecay(100.0, 100, 0.96)
        self.sgd = keras.optimizers.SGD(schedule)
        self.G = tf.Variable(judge.content[None])
        factor = self.own_cost(judge) / judge(judge.content)
        still = tf.stack([judge.content, tf.image.resize(judge.style, judge.content.shape[:2])])
        content_layer, weights = judge.run.content_layer, judge.run.layer_weights
        alpha, beta = judge.run.alpha, judge.run.beta

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
        for n in judge.run.style_layers:
            positions = np.prod(G[n].shape[:2])
            difference = costs.mean_gram_matrix(S[n]) - costs.mean_gram_matrix(G[n])
            total += float(tf.reduce_sum((difference * positions) ** 2)) / (36 * pixels**2)
        return 1e-6 * total / len(judge.run.style_layers)

    picture = property(lambda self: np.clip(self.G.numpy()[0], 0, 255))


class Gatys:
    """One evaluation of J and its gradient is one step.

    SciPy owns the loop, so it runs in a thread that waits for `step`.
    """

    def __init__(self, judge):
        shape = judge.content.shape
        gradient_of = tf.function(judge.run._with_gradient).get_concrete_function(
            tf.TensorSpec((1, *shape), tf.float32)
        )
        self.picture, self._go, self._done = judge.content, *(threading.Semaphore(0) for _ in "ab")
        factor = 1e4  # SciPy's line search wants gradients that are not tiny

        def cost(x):
            self._go.acquire()
            row, gradient = gradient_of(tf.constant(x.reshape(1, *shape), tf.float32))
            J = factor * float(row[0, TOTAL])
            self.picture = np.clip(x.reshape(shape), 0, 255).astype(np.float32)
            self._done.release()
            return J, factor * gradient.numpy().astype(np.float64).ravel()

        def minimize():
            options = {"maxiter": 10**6, "maxfun": 10**6, "ftol": 0, "gtol": 0, "maxcor": 20}
            start = judge.content.astype(np.float64).ravel()
            scipy.optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options=options)

        threading.Thread(target=minimize, daemon=True).start()

    def step(self):
        self._go.release()
        self._done.acquire()


class Ours:
    """With everything by default, but for the smoothing, which the others do not have, and for
    the number of steps, which is to last until the tutorial's last cost is reached."""

    def __init__(self, judge, network=None, steps=500, levels=None):
        network = network or judge.network
        self.run = Transfer(judge.content, judge.style, network, levels=levels, **judge.settings)
        self.chunks = self.run.chunks(steps, seconds=0.2)  # several steps in one call, as `run`

    def step(self):
        before = self.run.step_count
        if next(self.chunks, None) is None:
            raise StopIteration
        return self.run.step_count - before

    @property
    def picture(self):
        return self.run.full_picture


def race(rivals, judge, steps=TUTORIAL_STEPS, seconds=120.0, rows=60):
    """Everybody's way down: {name: {"seconds": […], "steps": […], "cost": […]}}, taking turns.

    The tutorial takes `steps` steps; the others stop after so many, or after `seconds` of their
    own clock.  Building and tracing count, judging does not.
    """
    found, running = {}, {}
    for name, make in rivals.items():
        begun = time.perf_counter()
        rival = make(judge)
        found[name] = {"seconds": [time.perf_counter() - begun], "steps": [0]}
        found[name]["cost"] = [judge(rival.picture)]
        running[name] = rival
    while running:
        for name, rival in list(running.items()):
            log = found[name]
            turn = 1 if log["steps"][-1] < 10 else max(1, steps // rows)
            begun, taken = time.perf_counter(), 0
            try:
                while taken < turn:
                    taken += rival.step() or 1
            except StopIteration:
                running.pop(name)
            log["seconds"].append(log["seconds"][-1] + time.perf_counter() - begun)
            log["steps"].append(log["steps"][-1] + taken)
            log["cost"].append(float(judge(rival.picture)))
            over = name != "tutorial" and log["seconds"][-1] > seconds
            if name in running and (log["steps"][-1] >= steps or over):
                running.pop(name)
    return found


def reached(log, cost):
    """(seconds, steps) after which the cost was first as low, or None.

    Between two looks it is taken to fall evenly, where in truth it falls ever slower, so that
    nobody gains by it.
    """
    lower = np.asarray(log["cost"]) <= cost
    if not lower.any():
        return None
    i = int(np.argmax(lower))
    if i == 0:
        return log["seconds"][0], log["steps"][0]
    above, below = log["cost"][i - 1 : i + 1]
    share = (above - cost) / (above - below)

    def on_the_way(name):
        before, after = log[name][i - 1 : i + 1]
        return before + share * (after - before)

    return on_the_way("seconds"), round(on_the_way("steps"))
