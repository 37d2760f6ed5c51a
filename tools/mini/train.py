"""Train the embedded network `mini` (helpers/weights/mini.npz) to imitate VGG-19 to block5_conv1.

    python tools/mini/train.py --minutes 60 --photographs FOLDER      # teacher: Keras' VGG-19
    python tools/mini/train.py --teacher vgg19.npz --steps 4000

student.py computes the start.  Training then repairs what the factors lost, on three kinds of
evidence:

1. the activations, before the relu, where an error is seen even when both relus are shut;
2. the Gram matrices, with the `relative` cost's normalisation;
3. on wish, the gradient of J = α·J_content + β·J_style with respect to the picture, which is all
   that a style transfer ever takes from its network (--gradient-weight; it made the first two
   worse, see helpers/weights/README.md).

Half of each batch are pictures that the student itself is optimizing at that moment: a transfer
goes where its network is wrong in its favour, and ordinary pictures never show those places.

An interrupted run goes on where it was, from the checkpoint beside the output.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers import files
from tools.mini.easels import Easels
from tools.mini.losses import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    imitation,
    relative_distance,
    targets_of,
    transfer_cost,
)
from tools.mini.pictures import HELD_OUT, paintings, sample, to_learn_from
from tools.mini.student import RANKS, Student, before_relu, export, read_student, teacher_from

PATHS = (
    "teacher",
    "start",
    "output",
    "report",
    "photographs",
)  # say where, and so stay out of the report
OUTPUT = Path(__file__).resolve().parents[2] / "helpers" / "weights" / "mini.npz"
# How much an activation error counts; the layers that the costs read count most.
READ = {*STYLE_LAYERS, CONTENT_LAYER}
LAYER_WEIGHTS = {name: 1.0 if name in READ else 0.3 for name in RANKS}
# Of the Gram matrices: most for the last, where all errors before it have added up.
GRAM_WEIGHTS = {name: 1.0 if name == STYLE_LAYERS[-1] else 0.3 for name in STYLE_LAYERS}


class Trainer:
    """Student, teacher and optimizer, and the two functions that TensorFlow compiles."""

    def __init__(self, teacher, student, options):
        self.student, self.precision = student, options.precision
        self.teacher = {
            name: ([tf.cast(k, self.precision) for k in kernels], tf.constant(bias))
            for name, (kernels, bias) in teacher.items()
        }
        self.gradient_weight = options.gradient_weight
        self.optimizer = keras.optimizers.Adam(
            beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=0.995
        )
        self.optimizer.build(student.variables)

    @tf.function(reduce_retracing=True)
    def targets(self, content, style):
        """(the student's targets, the teacher's targets) of a batch of transfers."""
        pictures, count = tf.concat([content, style], axis=0), tf.shape(content)[0]
        found = []
        for network in (self.student.network(), self.teacher):
            z = before_relu(network, pictures, self.precision)
            split = [{k: v[:count] for k, v in z.items()}, {k: v[count:] for k, v in z.items()}]
            found.append(targets_of(*split))
        return found

    @tf.function
    def step(self, fresh, painted, student_targets, teacher_targets, beta):
        """Learn from fresh and from half-painted pictures.

        Returns the losses, and the student's own gradient at the half-painted pictures.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(painted)
            z_t = before_relu(self.teacher, painted, self.precision)
            J_t = transfer_cost(z_t, teacher_targets, beta)
        gradient_t = tape.gradient(J_t, painted)
        with tf.GradientTape() as learning:
            network = self.student.network()
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(painted)
                z_s = before_relu(network, painted, self.precision)
                J_s = transfer_cost(z_s, student_targets, beta)
            gradient_s = tape.gradient(J_s, painted)
            losses = {
                "painted": self._imitation(z_s, z_t),
                "fresh": self._imitation(
                    before_relu(network, fresh, self.precision),
                    before_relu(self.teacher, fresh, self.precision),
                ),
                "gradient": relative_distance(gradient_s, gradient_t),
            }
            loss = losses["painted"] + losses["fresh"]
            if self.gradient_weight:
                loss += self.gradient_weight * losses["gradient"]
        gradients = learning.gradient(loss, self.student.variables)
        self.optimizer.apply_gradients(zip(gradients, self.student.variables, strict=True))
        return losses, gradient_s

    def _imitation(self, z_s, z_t):
        return imitation(z_s, z_t, self.student.spread, LAYER_WEIGHTS, GRAM_WEIGHTS)


def save_checkpoint(path, trainer, step, seconds):
    state = [*trainer.student.variables, *trainer.optimizer.variables]
    arrays = {f"state_{i}": np.asarray(v) for i, v in enumerate(state)}
    with files.whole_file(path, parents=True) as file:
        np.savez(file, step=step, seconds=seconds, **arrays)


def load_checkpoint(path, trainer):
    """(step, seconds) of an interrupted run, whose state is put back; (0, 0.0) if there is none."""
    if not path.exists():
        return 0, 0.0
    state = [*trainer.student.variables, *trainer.optimizer.variables]
    with np.load(path, allow_pickle=False) as file:
        for i, variable in enumerate(state):
            variable.assign(file[f"state_{i}"])
        return int(file["step"]), float(file["seconds"])


def averaged(trainer):
    """The student with each variable averaged over the last steps."""
    averages = trainer.optimizer._model_variables_moving_average
    return trainer.student.network([tf.convert_to_tensor(average) for average in averages])


def train(options):
    rng = np.random.default_rng(options.seed)
    keras.utils.set_random_seed(options.seed)
    photos = to_learn_from(options.photographs, options.leave_out)
    pictures = photos + paintings(rng, photos, options.paintings, 3 * options.size)
    teacher = teacher_from(options.teacher)
    first = np.stack([sample(rng, pictures, options.size) for _ in range(options.first_pictures)])
    student = Student(teacher, first, say=None if options.silent else tqdm.write)
    if options.start:
        student.take(read_student(options.start))
    trainer = Trainer(teacher, student, options)
    checkpoint = Path(options.output).with_suffix(".checkpoint.npz")
    step, before = load_checkpoint(checkpoint, trainer)
    # Whoever starts from a trained network sees other pictures than it has seen.
    rng = np.random.default_rng([options.seed, step, bool(options.start)])
    if step == 0:
        export(student.network(), options.output)
    if options.steps == 0:
        return None
    easels = Easels(
        trainer, rng, lambda: sample(rng, pictures, options.size), options.easels, options.batch
    )
    start, saved, curve, recent = time.monotonic(), time.monotonic(), [], []
    progress = tqdm(total=options.steps, initial=step, unit="step", disable=options.silent)
    while True:
        seconds = before + time.monotonic() - start
        done = step / options.steps if options.steps else 1
        if options.minutes:
            done = max(done, seconds / 60 / options.minutes)
        if done >= 1:
            break
        warmup = min(1, (step + 1) / 50)
        rate = options.learning_rate * warmup * (0.01 + 0.99 * (1 + np.cos(np.pi * done)) / 2)
        trainer.optimizer.learning_rate.assign(rate)
        fresh = np.stack([sample(rng, pictures, options.size) for _ in range(options.batch)])
        taken, *batch = easels.take()
        losses, gradients = trainer.step(fresh, *batch)
        easels.put(taken, gradients.numpy())
        step += 1
        recent.append({name: float(loss) for name, loss in losses.items()})
        progress.update()
        if step % 50 == 0:
            means = {name: float(np.mean([r[name] for r in recent])) for name in losses}
            curve.append({"step": step, **means})
            progress.set_postfix({name: f"{mean:.4f}" for name, mean in means.items()})
            recent = []
        if time.monotonic() - saved > options.save_every:
            save_checkpoint(checkpoint, trainer, step, seconds)
            export(averaged(trainer), options.output)
            saved = time.monotonic()
    progress.close()
    export(averaged(trainer), options.output)
    checkpoint.unlink(missing_ok=True)
    report = {
        "steps": step,
        "seconds": round(seconds),
        "bytes": os.path.getsize(options.output),
        "ranks": RANKS,
        "photographs": len(photos),
        "pictures": len(pictures),
        "options": {k: v for k, v in vars(options).items() if k not in PATHS},
        "losses": curve,
    }
    if options.report:
        with files.whole_file(options.report, parents=True) as file:
            file.write(json.dumps(report, indent=1).encode())
    return report


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description="Train the embedded network mini to imitate VGG-19."
    )
    add = parser.add_argument
    add("--teacher", help=".npz of VGG-19's LAYER/kernel and LAYER/bias (default: Keras' VGG-19)")
    add("--photographs", nargs="*", default=[], help="folders with more photographs (see there)")
    add("--start", help="a network of this tool to train on, instead of factors of the teacher's")
    add("--output", default=OUTPUT, help="the .npz to write (default: %(default)s)")
    add("--report", help="a .json to write: settings, seconds, losses")
    add("--steps", type=int, default=5000, help="training steps at most (default: %(default)s)")
    add("--minutes", type=float, help="stop after this time, learning rate included")
    add("--learning-rate", type=float, default=2e-4, help="its highest value")
    add("--gradient-weight", type=float, default=0.0, help="of the error of the picture's gradient")
    add("--batch", type=int, default=3, help="fresh pictures, and half-painted ones, in a step")
    add("--size", type=int, default=160, help="pixels a side (default: %(default)s)")
    add("--easels", type=int, default=16, help="pictures being painted (default: %(default)s)")
    add("--paintings", type=int, default=120, help="generated pictures (default: %(default)s)")
    add("--first-pictures", type=int, default=240, help="pictures that the factors come from")
    add("--precision", choices=("float32", "bfloat16"), default="float32", help="of convolutions")
    add("--save-every", type=float, default=120, help="seconds between checkpoints")
    add("--leave-out", nargs="*", default=HELD_OUT, help="pictures to keep for judging the result")
    add("--seed", type=int, default=0)
    add("--quick", action="store_true", help="a few small steps, to see that everything runs")
    add("--silent", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    if options.quick:
        options.steps, options.size, options.batch = min(options.steps, 3), 48, 2
        options.easels, options.paintings, options.first_pictures = 4, 6, 24
    return options


if __name__ == "__main__":
    train(parse())
