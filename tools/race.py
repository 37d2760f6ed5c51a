"""The race against programs that people would use instead; the pace of a step; sheets for the eye.

    python tools/race.py race CONTENT STYLE [CONTENT STYLE …] --sizes 384 --seconds 300
    python tools/race.py steps --networks mini vgg19 --sizes 256 512 --precisions float32 bfloat16
    python tools/race.py eye CONTENT STYLE PICTURE [PICTURE …] --output build/eye/sheet.png

In the race everybody lowers the same J = J_content + β·J_style of the `relative` costs, without
smoothing, from the photograph, so that only the way there differs.  All take turns in one process,
so that a machine that slows down for a while slows down all of them.  The five others are
restatements:

    tutorial   TensorFlow's style-transfer tutorial: Adam, learning rate 0.02 on pixels of 0–1,
               β₁ 0.99, ε 0.1, clipped
    keras      keras.io's example: gradient descent, learning rate 100 that falls by 4 % every 100
               steps; it sends content and style through the network at every step, here only G
    gatys      Gatys et al. 2016: L-BFGS (SciPy's)
    gordic     gordicaleksa's pytorch-neural-style-transfer: L-BFGS with a strong Wolfe line search,
               which SciPy's has, and a memory of 100 moves
    crowson    crowsonkb's style-transfer-pytorch: Adam, 0.02 on pixels of 0–1, the averaged iterate
               (0.99), sizes that grow by √2 from 128 pixels

The hyper-parameters of the first two belong to costs of a certain height; they get J times the
factor with which it begins as high as their own cost does.
"""

import argparse
import functools
import itertools
import json
import math
import random
import resource
import statistics
import string
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers import costs, files, images, vgg
from helpers.objective import Objective, Weights
from helpers.settings import OPTIONS
from helpers.transfer import Transfer


class Cost:
    """J of pictures that have the content picture's size."""

    def __init__(self, content, style, network, beta):
        self.content, self.style, self.network, self.beta = content, style, network, beta
        self.layers, self.objective = network.style_layers, Objective(network)
        self.targets = self.objective.targets(content, [style])
        n = len(self.layers)
        self.weights = Weights(*(tf.constant(w) for w in ([1.0], [beta], 0.0, [1 / n] * n)))
        self._compiled = tf.function(self.__call__)

    def __call__(self, G):
        """J, a tensor, of a picture (1, height, width, 3) in 0–255."""
        return self.objective(G, self.targets, self.weights)["total"][0]

    def judge(self, picture):
        """J, a number, of a picture (height, width, 3)."""
        return float(self._compiled(tf.constant(picture[np.newaxis], tf.float32)))

    def smaller(self, share):
        """The same J for pictures of this share of the size; the painting shrinks as well."""
        shapes = [[round(share * side) for side in p.shape[:2]] for p in (self.content, self.style)]
        pictures = [images.resize(self.content, *shapes[0]), images.resize(self.style, *shapes[1])]
        return Cost(*pictures, self.network, self.beta)


# Contenders have `step`, which returns the number of steps if it is not one, and `picture`.


class Descent:
    """One of Keras' optimizers on the pixels of a picture, in this unit."""

    def __init__(self, cost, picture, optimizer, unit=255.0, factor=1.0, clip=True):
        self.unit, self.G = unit, tf.Variable(picture[np.newaxis] / unit)
        optimizer.build([self.G])

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                J = factor * cost(unit * self.G)
            optimizer.apply([tape.gradient(J, self.G)], [self.G])
            if clip:
                self.G.assign(tf.clip_by_value(self.G, 0.0, 255 / unit))

        self.step = step

    @property
    def picture(self):
        return np.clip(self.unit * self.G.numpy()[0], 0, 255)


def tutorial(cost):
    S, G = cost.network(cost.style), cost.network(cost.content)
    own = 1e-2 * np.mean([costs.layer_style_cost(S[n], G[n], "mse") for n in cost.layers])
    adam = keras.optimizers.Adam(0.02, beta_1=0.99, epsilon=0.1)
    return Descent(cost, cost.content, adam, factor=own / cost.judge(cost.content))


def keras_example(cost):
    """Its own cost is 1e-6 / layers · Σ(Gram − Gram)² / (4 · 3² · (pixels of the picture)²)."""
    S, G, own = cost.network(cost.style), cost.network(cost.content), 0.0
    for n in cost.layers:
        difference = costs.mean_gram_matrix(S[n]) - costs.mean_gram_matrix(G[n])
        share = math.prod(G[n].shape[-3:-1]) / math.prod(cost.content.shape[:2])
        own += 1e-6 / len(cost.layers) * float(tf.reduce_sum((share * difference) ** 2)) / 36
    sgd = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(100.0, 100, 0.96))
    factor = own / cost.judge(cost.content)
    return Descent(cost, cost.content, sgd, unit=1.0, factor=factor, clip=False)


class Gatys:
    """A step is an evaluation of J.  SciPy owns the loop, so it runs in a thread that waits."""

    def __init__(self, cost, memory=20):
        shape, self.picture = cost.content.shape, cost.content
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        factor = 1e4  # SciPy's line search wants gradients that are not tiny

        @tf.function
        def with_gradient(G):
            return cost.objective.with_gradient(G, cost.targets, cost.weights)

        def evaluate(x):
            self._go.acquire()
            found, gradient = with_gradient(tf.constant(x.reshape(1, *shape), tf.float32))
            self.picture = np.clip(x.reshape(shape), 0, 255).astype(np.float32)
            slope = factor * gradient.numpy().astype(np.float64).ravel()
            self._done.release()
            return factor * float(found["total"][0]), slope

        options = {"maxiter": 10**6, "maxfun": 10**6, "ftol": 0, "gtol": 0, "maxcor": memory}
        start = cost.content.astype(np.float64).ravel()
        keywords = {"jac": True, "method": "L-BFGS-B", "options": options}
        threading.Thread(
            target=scipy.optimize.minimize, args=(evaluate, start), kwargs=keywords, daemon=True
        ).start()

    def step(self):
        self._go.release()
        self._done.acquire()


class Crowson:
    """Of its 1000 steps at the first size and 500 at each other one, which are meant for GPUs, each
    size but the last takes a tenth here, so that full size begins within the time."""

    FIRST, OTHER, DECAY = 100, 50, 0.99

    def __init__(self, cost):
        self.cost, longest = cost, max(cost.content.shape)
        sizes = max(0, math.floor(2 * math.log2(longest / 128)))
        self.shares = [2 ** (-i / 2) for i in range(sizes, -1, -1)]
        self._begin(cost.content, self.FIRST)

    def _begin(self, picture, steps):
        share = self.shares.pop(0)
        cost = self.cost.smaller(share) if share < 1 else self.cost
        picture = images.resize(picture, *cost.content.shape[:2])
        self.descent = Descent(cost, picture, keras.optimizers.Adam(0.02, beta_2=0.99))
        self.sum, self.left, self.count = np.zeros_like(picture), steps, 0

    def step(self):
        if self.left == 0 and self.shares:
            self._begin(self.picture, self.OTHER)
        self.descent.step()
        self.sum = self.DECAY * self.sum + (1 - self.DECAY) * self.descent.picture
        self.left, self.count = max(self.left - 1, 0), self.count + 1

    @property
    def picture(self):
        """The average of the iterates, without the zeros that it began with."""
        G = self.sum / (1 - self.DECAY**self.count) if self.count else self.descent.picture
        return images.resize(G, *self.cost.content.shape[:2])


class Ours:
    """This package by default, but at one size, from the photograph, and for the J of the race."""

    def __init__(self, cost, network):
        about = {"beta": cost.beta, "layer_weights": [1.0] * len(cost.layers), "tv": 0.0}
        about |= {"levels": 1, "init": "content"}
        self.run = Transfer(cost.content, [cost.style], network, **about)
        self.chunks = self.run.chunks(10**6, seconds=0.2)  # several steps in one call, as `run`

    def step(self):
        before = self.run.step_count
        return next(self.chunks) - before

    @property
    def picture(self):
        return self.run.picture


OTHERS = {
    "tutorial": tutorial,
    "keras": keras_example,
    "gatys": Gatys,
    "gordic": functools.partial(Gatys, memory=100),
    "crowson": Crowson,
}


def race(makers, cost, seconds):
    """Everybody's way down: {name: {"seconds": […], "steps": […], "cost": […]}}.

    A turn is a step, or as many as make 5 % of one's time so far.  Building and tracing count,
    judging does not.  Each stops after `seconds` of its own clock.
    """
    found, running = {}, {}
    for name, make in makers.items():
        begun = time.perf_counter()
        running[name] = make(cost)
        spent, J = time.perf_counter() - begun, cost.judge(cost.content)
        found[name] = {"seconds": [spent], "steps": [0], "cost": [J]}
    while running:
        for name, contender in list(running.items()):
            log, taken, begun = found[name], 0, time.perf_counter()
            before = log["seconds"][-1]
            while not taken or time.perf_counter() - begun < 0.05 * before:
                taken += contender.step() or 1
            picture = contender.picture  # a GPU has finished when the picture is here
            log["seconds"].append(before + time.perf_counter() - begun)
            log["steps"].append(log["steps"][-1] + taken)
            log["cost"].append(cost.judge(picture))
            if log["seconds"][-1] >= seconds:
                running.pop(name)
    return found


def results(found):
    """A row for each: its pace, its lowest J, and when it was as low as the best of the others got.

    `ratio` is of the seconds that the best of the others took to get there.  None: never.
    """
    lows = {name: np.nanmin(log["cost"]) for name, log in found.items()}
    best = min((name for name in lows if name in OTHERS), key=lows.get)
    rows = []
    for name, log in found.items():
        lower = np.flatnonzero(np.array(log["cost"]) <= lows[best])
        seconds, steps = ([*log[what], None] for what in ("seconds", "steps"))
        there = lower[0] if len(lower) else -1
        paces = np.diff(log["seconds"]) / np.diff(log["steps"])
        row = {"who": name, "milliseconds": 1000 * float(np.median(paces[len(paces) // 2 :]))}
        row |= {"steps": log["steps"][-1], "lowest": float(lows[name])}
        rows.append(row | {"seconds_to_goal": seconds[there], "steps_to_goal": steps[there]})
    first = next(row["seconds_to_goal"] for row in rows if row["who"] == best)
    for row in rows:
        row["ratio"] = row["seconds_to_goal"] and row["seconds_to_goal"] / first
    return rows


def race_on_pairs(options):
    """The race on every pair in every size; the first of the networks judges."""
    found, pairs = {}, zip(options.pictures[::2], options.pictures[1::2], strict=True)
    for (content, style), size in itertools.product(pairs, options.sizes):
        pictures = images.load(content, size), images.load(style, size)
        cost = Cost(*pictures, loaded(options, ["float32"])[0], options.beta)
        makers = {name: OTHERS[name] for name in options.others}
        for network in loaded(options):  # anew, because a network keeps what has been traced
            name = f"ours, {network.name} in {network.precision}"
            makers[name] = functools.partial(Ours, network=network)
        logs = race(makers, cost, options.seconds)
        rows = results(logs)
        pair = f"{Path(content).stem} + {Path(style).stem}, {size} pixels"
        found[pair] = {"rows": rows, "logs": logs}
        print(f"{pair}\n   ms/step   steps  lowest J   steps, seconds to the goal   ratio")
        for row in rows:
            there = "steps_to_goal", "seconds_to_goal", "ratio"
            when = [f"{row[key]:9.3g}" if row[key] else "    never" for key in there]
            print("{milliseconds:10.0f} {steps:7} {lowest:9.4f} ".format(**row), *when, row["who"])
    return found


def loaded(options, precisions=None):
    """Every network in every precision; the file of weights is VGG's."""
    kinds = itertools.product(options.networks, precisions or options.precisions)
    weights = {"vgg19": options.weights, "vgg16": options.weights}
    return [vgg.load(name, weights=weights.get(name), precision=kind) for name, kind in kinds]


def steps(options):
    """Milliseconds of a step of ours, in turns, and the ratio to the first of the same size."""
    found = []
    for size in options.sizes:
        pictures = images.load("cat", size), images.load("starry_swirls", size)
        runs = [Transfer(*pictures, network, levels=1) for network in loaded(options)]
        times = {run: [] for run in runs}
        for run in (*runs, *options.rounds * runs):
            begun, before = time.perf_counter(), run.step_count
            while run.step_count < before + 2 or time.perf_counter() < begun + 1:
                run.step()
            times[run].append(1000 * (time.perf_counter() - begun) / (run.step_count - before))
        for run in runs:
            mine, firsts = times[run][1:], times[runs[0]][1:]  # without what was traced
            row = {"network": run.network.name, "precision": run.network.precision, "size": size}
            row |= {"milliseconds": round(statistics.median(mine), 1)}
            found.append(row | {"ratio": float(np.median(np.divide(mine, firsts)))})
            print(*row.values(), f"ms, {found[-1]['ratio']:.3f} of the first", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"The process held at most {peak:.2f} GB (on Linux), all networks together.")
    return found


def eye(options):
    """A sheet with C, S and candidates in random order under letters, and a key: {letter: file}."""
    content, style, *candidates = options.pictures
    order = random.SystemRandom().sample(candidates, len(candidates))
    key = dict(zip(string.ascii_uppercase, order, strict=False))
    shown = {"photograph": content, "painting": style} | key
    cells = {
        name: Image.fromarray(images.to_uint8(images.load(path, options.sizes[0])))
        for name, path in shown.items()
    }
    gap, columns = 40, 2 if len(key) < 5 else 3
    width, height = (gap + max(cell.size[i] for cell in cells.values()) for i in range(2))
    # C and S in a row of their own.
    places = [(0, 0), (1, 0), *((i % columns, 1 + i // columns) for i in range(len(key)))]
    sheet = Image.new("RGB", (columns * width + gap, (places[-1][1] + 1) * height + gap), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(24)
    for (name, cell), (column, row) in zip(cells.items(), places, strict=True):
        at = gap + column * width, gap + row * height
        sheet.paste(cell, at)
        draw.text((at[0], at[1] - 4), name, "black", font, anchor="lb")
    output = Path(options.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(output)
    output.with_suffix(".key.json").write_text(json.dumps(key, indent=1), encoding="utf-8")
    print(f"{output}; which is which stands in {output.with_suffix('.key.json').name}")
    return key


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("command", choices=("race", "steps", "eye"))
    add("pictures", nargs="*", help="CONTENT STYLE …; for the eye also the candidates")
    add("--networks", nargs="+", default=["vgg19"], help="of ours; the first one judges")
    add("--precisions", nargs="+", default=["float32", "bfloat16"], help="of ours")
    add("--weights", help="file of VGG's weights (default: Keras')")
    add("--sizes", nargs="+", type=int, default=[512], help="longest side in pixels")
    add("--others", nargs="*", default=list(OTHERS), choices=OTHERS, help="in the race")
    add("--seconds", type=float, default=300, help="of everybody in the race")
    add("--beta", type=float, default=OPTIONS["beta"].default, help="weight of the style cost")
    add("--rounds", type=int, default=5, help="of `steps`")
    add("--output", default="build/eye/sheet.png", help="the eye's sheet")
    add("--json", help="file for every number")
    options = parser.parse_args(arguments)
    found = {"race": race_on_pairs, "steps": steps, "eye": eye}[options.command](options)
    if options.json:
        with files.whole_file(options.json, parents=True) as file:
            file.write(json.dumps(found, indent=1).encode())


if __name__ == "__main__":
    main()
