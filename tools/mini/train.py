"""Train the embedded network `mini` (helpers/weights/mini.npz) to imitate VGG-19 to block5_conv1.

    python tools/mini/train.py --minutes 60 --photographs FOLDER      # teacher: Keras' VGG-19
    python tools/mini/train.py --teacher vgg19.npz --steps 4000

factors.py computes the start.  Training then repairs what the factors lost: the error of the
activations, taken before the relu, where it is seen even if both relus are shut, and the error of
the Gram matrices.  Half of each batch are pictures that the student itself is painting at that
moment: a transfer goes where its network is wrong in its favor, and ordinary pictures never show
those places.

Ctrl-C writes the network so far; --start goes on with it.  The network in this repository was
trained by a longer program with the same losses (see CHANGELOG.md).
"""

import argparse
import collections
import contextlib
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers import costs
from tools.mini.factors import CHUNK, FIRST, RANKS, before_relu, export, factorize, read
from tools.mini.pictures import paintings, sample, to_learn_from

OUTPUT = Path(__file__).resolve().parents[2] / "helpers" / "weights" / "mini.npz"
STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))
CONTENT_LAYER = "block4_conv2"
# The layers that the costs read count most; of the Gram matrices the last, where all errors add up.
LAYER_WEIGHTS = {n: 1.0 if n in (*STYLE_LAYERS, CONTENT_LAYER) else 0.3 for n in RANKS}
GRAM_WEIGHTS = {n: 1.0 if n == STYLE_LAYERS[-1] else 0.3 for n in STYLE_LAYERS}
BOTH_SHUT = 0.1  # weight of an error where both relus are shut


class Trainer:
    """The student, its teacher and optimizer, and the two functions that TensorFlow compiles.

    The student's arrays are variables of unit size, multiplied by fixed gains: so one learning rate
    suits all of them.
    """

    def __init__(self, teacher, network, pictures, precision):
        self.teacher, self.first, self.precision = teacher, network[FIRST], precision
        arrays = [np.asarray(a) for name in RANKS for a in (*network[name][0], network[name][1])]
        self.gains = [np.sqrt(np.mean(array**2)) for array in arrays]
        self.variables = [tf.Variable(a / gain) for a, gain in zip(arrays, self.gains, strict=True)]
        z = before_relu(teacher, pictures)
        self.spread = {name: tf.math.reduce_std(z[name], (0, 1, 2)) + 1e-3 for name in RANKS}
        self.optimizer = keras.optimizers.Adam(
            beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=0.995
        )
        self.optimizer.build(self.variables)

    def network(self):
        """{layer: (kernels, bias)} of the student."""
        arrays = iter([v * gain for v, gain in zip(self.variables, self.gains, strict=True)])
        layers = {name: ([next(arrays) for _ in range(3)], next(arrays)) for name in RANKS}
        return {FIRST: self.first, **layers}

    @tf.function(autograph=False)
    def targets(self, content, style):
        """What transfers by the student aim at: the content activation, then the Gram matrices."""
        network = self.network()
        z_C, z_S = (before_relu(network, x, self.precision) for x in (content, style))
        return [tf.nn.relu(z_C[CONTENT_LAYER]), *(_gram(z_S[name]) for name in STYLE_LAYERS)]

    @tf.function(autograph=False)
    def step(self, fresh, painted, targets, beta):
        """Learn from fresh and from half-painted pictures.

        Returns the losses of both, and the gradient of the student's J at the half-painted ones.
        """
        with tf.GradientTape() as learning:
            network = self.network()
            with tf.GradientTape(watch_accessed_variables=False) as painting:
                painting.watch(painted)
                z = before_relu(network, painted, self.precision)
                content, *styles = targets
                J = costs.content_cost(content, tf.nn.relu(z[CONTENT_LAYER]), "relative")
                for name, A in zip(STYLE_LAYERS, styles, strict=True):
                    J += beta / len(styles) * costs.gram_cost(A, _gram(z[name]), "relative")
            losses = [
                self._imitation(before_relu(network, fresh, self.precision), fresh),
                self._imitation(z, painted),
            ]
        self.optimizer.apply(learning.gradient(losses, self.variables), self.variables)
        return losses, painting.gradient(J, painted)

    def _imitation(self, z_s, pictures):
        """Errors before the relu, in units of each channel's spread, and of the Gram matrices."""
        z_t, loss = before_relu(self.teacher, pictures, self.precision), 0.0
        for name, weight in LAYER_WEIGHTS.items():
            s, t = z_s[name], z_t[name]
            seen = tf.where((s < 0) & (t < 0), BOTH_SHUT, 1.0)
            loss += weight * tf.reduce_mean(seen * ((s - t) / self.spread[name]) ** 2)
        for name, weight in GRAM_WEIGHTS.items():
            error = costs.gram_cost(_gram(z_t[name]), _gram(z_s[name]), "relative")
            loss += weight * tf.reduce_mean(tf.sqrt(error + 1e-6))  # the root: no picture rules
        return loss


def _gram(z):
    return costs.mean_gram_matrix(tf.nn.relu(z))


class Painting:
    """Some transfers that the student is painting, with Adam on their pixels."""

    def __init__(self, trainer, rng, draw, batch, life):
        content, style = (np.stack([draw() for _ in range(batch)]) for _ in "CS")
        share = rng.uniform(0.3, 1, batch) * (rng.random(batch) < 0.2)  # one in five, from noise
        noise = rng.uniform(0, 255, content.shape) - content
        self.G = (content + share[:, None, None, None] * noise).astype(np.float32)
        self.targets = trainer.targets(content, style)
        self.beta = np.exp(rng.uniform(np.log(2), np.log(100), batch)).astype(np.float32)
        self.m = self.v = np.zeros_like(self.G)
        self.steps, self.life = 0, life

    def move(self, gradient):
        self.steps += 1
        self.m = self.m + 0.1 * (gradient - self.m)
        self.v = self.v + 0.01 * (gradient**2 - self.v)
        m, v = self.m / (1 - 0.9**self.steps), self.v / (1 - 0.99**self.steps)
        self.G = np.clip(self.G - 8 * m / (np.sqrt(v) + 1e-9), 0, 255)


def train(options):
    """Train, write the network, and return the losses of each step, (fresh, painted)."""
    rng, size = np.random.default_rng(options.seed), options.size
    photographs = to_learn_from(options.photographs)
    pictures = photographs + paintings(rng, photographs, options.paintings, 3 * size)

    def draw():
        return sample(rng, pictures, size)

    teacher = read(options.teacher)
    first = np.stack([draw() for _ in range(options.first_pictures)])
    network = read(options.start) if options.start else factorize(teacher, first)
    trainer = Trainer(teacher, network, first[:CHUNK], options.precision)
    underway = collections.deque(
        Painting(trainer, rng, draw, options.batch, rng.integers(1, 200))
        for _ in range(options.underway)
    )
    start, found, progress = time.monotonic(), [], tqdm(range(options.steps), unit="step")
    with contextlib.suppress(KeyboardInterrupt):
        for step in progress:
            done = max(step / options.steps, (time.monotonic() - start) / 60 / options.minutes)
            if done >= 1:
                break
            rate = min(1, (step + 1) / 50) * (0.01 + 0.99 * (1 + np.cos(np.pi * done)) / 2)
            trainer.optimizer.learning_rate.assign(options.learning_rate * rate)
            painting = underway.popleft()
            fresh = np.stack([draw() for _ in range(options.batch)])
            losses, gradient = trainer.step(fresh, painting.G, painting.targets, painting.beta)
            painting.move(gradient.numpy())
            if painting.steps >= painting.life:
                painting = Painting(trainer, rng, draw, options.batch, rng.integers(50, 250))
            underway.append(painting)
            found.append([float(loss) for loss in losses])
            fresh, painted = np.mean(found[-50:], axis=0)
            progress.set_postfix(fresh=f"{fresh:.4f}", painted=f"{painted:.4f}")
    if found:  # the average over the last steps is better than the last one
        trainer.optimizer.finalize_variable_values(trainer.variables)
    export(trainer.network(), options.output)
    return found


def parse(arguments=None):
    parser = argparse.ArgumentParser(description="Train the embedded network mini.")
    add = parser.add_argument
    add("--teacher", help=".npz of VGG-19's LAYER/kernel and LAYER/bias (default: Keras' VGG-19)")
    add("--photographs", nargs="*", default=[], help="folders with more photographs")
    add("--start", help="a trained network to go on with, instead of factors of the teacher's")
    add("--output", default=OUTPUT, help=".npz to write (default: %(default)s)")
    add("--steps", type=int, default=5000, help="training steps at most (default: %(default)s)")
    add("--minutes", type=float, default=float("inf"), help="minutes at most")
    add("--learning-rate", type=float, default=1e-3, help="its highest value")
    add("--batch", type=int, default=3, help="fresh pictures, and half-painted ones, in a step")
    add("--size", type=int, default=160, help="pixels a side (default: %(default)s)")
    add("--underway", type=int, default=5, help="batches being painted (default: %(default)s)")
    add("--paintings", type=int, default=120, help="generated pictures (default: %(default)s)")
    add("--first-pictures", type=int, default=240, help="pictures that the factors come from")
    add("--precision", choices=("float32", "bfloat16"), default="float32", help="of convolutions")
    add("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    train(parse())
