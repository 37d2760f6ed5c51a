"""Train the deep half of `mini` alone, on activations that are computed once.

    python tools/mini/deep.py --teacher vgg19.npz --photographs FOLDER --minutes 15

What is wrong with the factors is wrong in blocks 4 and 5 above all (helpers/weights/README.md), and
these cost a tenth of the network's time.  So what the student's block 3 writes, and what the
teacher's deep layers answer, is stored for some hundred pictures, and only the deep layers are
trained, many times as many steps in the same time as train.py takes.  Half-painted pictures may be
among the pictures (--painted): a transfer goes where its network is wrong in its favour.
"""

import argparse
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.mini.losses import imitation, relative_distance
from tools.mini.pictures import paintings, sample, to_learn_from
from tools.mini.student import (
    FACTORS,
    LAYERS,
    before_relu,
    export,
    onwards,
    read_student,
    teacher_from,
)
from tools.mini.train import OUTPUT

FIRST_DEEP = "block4_conv1"
# How much a layer's error counts; block5_conv1 is the farthest off, and style looks at it.
LAYER_WEIGHTS = {
    "block4_conv1": 1.0,
    "block4_conv2": 1.2,
    "block4_conv3": 0.4,
    "block4_conv4": 0.5,
    "block5_conv1": 2.0,
}
GRAM_WEIGHTS = {"block4_conv1": 0.3, "block5_conv1": 0.3}


def network(arrays, layers):
    """{layer: (kernels, bias)} of the arrays."""
    return {
        layer: (
            [arrays[f"{layer}/{f}"] for f in FACTORS if f"{layer}/{f}" in arrays],
            arrays[f"{layer}/bias"],
        )
        for layer in layers
    }


class Deep:
    """The deep layers: their variables, of about unit size, and the optimizer."""

    def __init__(self, arrays, targets):
        self.arrays, self.layers = arrays, list(LAYER_WEIGHTS)
        names = [f"{n}/{f}" for n in self.layers for f in (*FACTORS, "bias")]
        self.gains = {k: float(np.sqrt((arrays[k] ** 2).mean()) + 1e-9) for k in names}
        self.variables = {k: tf.Variable(arrays[k] / self.gains[k]) for k in names}
        spread = [tf.constant(z.astype(np.float32).std((0, 1, 2)) + 1e-3) for z in targets]
        self.spread = dict(zip(self.layers, spread, strict=True))
        self.optimizer = keras.optimizers.Adam(
            beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=0.99
        )
        self.optimizer.build(list(self.variables.values()))

    @tf.function
    def step(self, h, targets):
        """Learn from what block 3 wrote and the teacher's answers; returns each relative error."""
        with tf.GradientTape() as tape:
            values = {k: v * self.gains[k] for k, v in self.variables.items()}
            found = onwards(network(values, self.layers), h)
            right = dict(zip(found, targets, strict=True))
            loss = imitation(found, right, self.spread, LAYER_WEIGHTS, GRAM_WEIGHTS)
        trained = list(self.variables.values())
        self.optimizer.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
        return [relative_distance(tf.nn.relu(found[n]), tf.nn.relu(right[n])) for n in found]

    def save(self, path):
        """With each variable averaged over the last steps."""
        averages = self.optimizer._model_variables_moving_average
        arrays = dict(self.arrays)
        for key, average in zip(self.variables, averages, strict=True):
            arrays[key] = np.asarray(average) * self.gains[key]
        export(network(arrays, LAYERS), path)


def evidence(arrays, teacher, pictures, batch=8):
    """What the student's block 3 writes, and what the teacher's deep layers answer: float16."""
    early = network(arrays, LAYERS[: LAYERS.index(FIRST_DEEP)])
    last = list(early)[-1]
    # before_relu pools where a pooling follows, so that block 4 reads what is stored here.
    write = tf.function(lambda x: tf.nn.relu(before_relu(early, x, tf.float32)[last]))
    answer = tf.function(lambda x: [before_relu(teacher, x, tf.float32)[n] for n in LAYER_WEIGHTS])
    reads, answers = [], [[] for _ in LAYER_WEIGHTS]
    for i in tqdm(range(0, len(pictures) - batch + 1, batch), unit="batch"):
        x = tf.constant(np.stack(pictures[i : i + batch]), tf.float32)
        reads.append(write(x).numpy().astype(np.float16))
        for kept, z in zip(answers, answer(x), strict=True):
            kept.append(z.numpy().astype(np.float16))
    return np.concatenate(reads), [np.concatenate(z) for z in answers]


def train(options):
    rng = np.random.default_rng(options.seed)
    photos = to_learn_from(options.photographs)
    pool = photos + paintings(rng, photos, options.paintings, 2 * options.size)
    pictures = [*np.load(options.painted)] if options.painted else []
    while len(pictures) < options.pictures:
        pictures.append(sample(rng, pool, options.size))
    arrays, teacher = read_student(options.start), teacher_from(options.teacher)
    reads, answers = evidence(arrays, teacher, pictures)
    deep = Deep(arrays, answers)
    begun, done, step = time.monotonic(), 0.0, 0
    with tqdm(unit="step") as bar:
        while done < 1:
            warmup = min(1, (step + 1) / 30)
            rate = options.learning_rate * warmup * (0.02 + 0.49 * (1 + np.cos(np.pi * done)))
            deep.optimizer.learning_rate.assign(rate)
            chosen = np.sort(rng.choice(len(reads), 8, replace=False))
            batch = [array[chosen].astype(np.float32) for array in (reads, *answers)]
            errors = deep.step(batch[0], batch[1:])
            bar.update()
            bar.set_postfix({n: f"{e:.3f}" for n, e in zip(deep.layers, errors, strict=True)})
            step += 1
            done = max((time.monotonic() - begun) / 60 / options.minutes, step / options.steps)
    deep.save(options.output)
    return step


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--teacher", help=".npz of VGG-19's LAYER/kernel and LAYER/bias (default: Keras' VGG-19)")
    add("--start", default=OUTPUT, help="the network to begin with (default: %(default)s)")
    add("--output", default=OUTPUT, help="the .npz to write (default: %(default)s)")
    add("--photographs", nargs="*", default=[], help="folders with more photographs")
    add("--painted", help=".npy of half-painted pictures of the size below")
    add("--pictures", type=int, default=760, help="in all")
    add("--paintings", type=int, default=100, help="generated pictures that some are cut out of")
    add("--size", type=int, default=144, help="pixels a side")
    add("--minutes", type=float, default=15, help="of training")
    add("--steps", type=int, default=10**6, help="at most")
    add("--learning-rate", type=float, default=1.2e-3, help="its highest value")
    add("--seed", type=int, default=11)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    train(parse())
