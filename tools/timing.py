"""What a step takes, and of what it is made: time, memory, and how near to the machine's peak."""

import itertools
import math
import multiprocessing
import os
import re
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from helpers import images

ROUNDS = 5


def apart(target, *arguments):
    """(process, pipe) of a fresh process that runs target(pipe, *arguments)."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *arguments), daemon=True)
    process.start()
    there.close()  # so that a process that dies is noticed here
    return process, here


def worker(pipe, network, size, precision, weights, layers, style_cost):
    """Answers "step" with milliseconds per step, "flops" with GFLOP, and "memory" with MB: the
    peak, what the run added, and what it said beforehand that it would need."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from helpers import memory, vgg
    from helpers.transfer import Transfer

    rng = np.random.default_rng(0)
    content, style = rng.uniform(0, 255, (2, round(size * 0.75), size, 3)).astype(np.float32)
    weights = weights if network.startswith("vgg") else None
    loaded = vgg.load(network, layers, weights=weights, precision=precision)
    before = peak_memory()
    transfer = Transfer(content, style, loaded, levels=1, style_cost=style_cost)
    transfer.step(2)
    while (question := pipe.recv()) != "end":
        if question == "memory":
            pipe.send((peak_memory(), peak_memory() - before, memory.of_transfer(transfer) / 1e6))
        elif question == "flops":
            pipe.send(2 * gflop(loaded.model, *content.shape[:2]))  # forward, and back to pixels
        else:
            steps, started = 0, time.perf_counter()
            while steps < 2 or time.perf_counter() - started < 1:
                transfer.step(1)
                steps += 1
            pipe.send((time.perf_counter() - started) / steps * 1000)


def peak_memory():
    """The most memory that this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: ru_maxrss would count what the parent process held as well
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024
    scale = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def gflop(model, height, width):
    """Of a model's convolutions, forward: two operations for each multiplication."""
    total = 0
    for layer in model.layers:
        if "_conv" in layer.name:
            stride = 2 ** (int(layer.name.removeprefix("block")[0]) - 1)
            positions = (height // stride) * (width // stride)
            total += 2 * math.prod(layer.kernel.shape) * positions
    return total / 1e9


def matmul_peak(precision):
    """GFLOP/s of a large matrix product on this machine."""
    import tensorflow as tf

    n = 2048
    a = tf.cast(tf.random.normal((n, n)), precision)
    product = tf.function(lambda a: tf.matmul(a, a))
    product(a)
    best = 0.0
    for _ in range(10):
        started = time.perf_counter()
        product(a).numpy()
        best = max(best, 2 * n**3 / (time.perf_counter() - started) / 1e9)
    return best


def measure(options):
    rows = []
    for size in options.sizes:
        group = []
        kinds = itertools.product(options.networks, options.precisions, options.style_costs)
        for network, precision, style_cost in kinds:
            more = (options.weights, options.layers, style_cost)
            _, pipe = apart(worker, network, size, precision, *more)
            group.append((network, precision, style_cost, pipe))
        times = {i: [] for i in range(len(group))}
        for _ in range(options.rounds or ROUNDS):
            for i, (*_, pipe) in enumerate(group):
                pipe.send("step")
                times[i].append(pipe.recv())
        for i, (network, precision, style_cost, pipe) in enumerate(group):
            pipe.send("memory")
            peak, added, estimate = pipe.recv()
            pipe.send("flops")
            flops = pipe.recv()
            pipe.send("end")
            milliseconds = statistics.median(times[i])
            ratios = [mine / first for mine, first in zip(times[i], times[0], strict=True)]
            rows.append(
                {
                    "network": network,
                    "size": size,
                    "precision": precision,
                    "style_cost": style_cost,
                    "ms_per_step": milliseconds,
                    "ratio": statistics.median(ratios),
                    "ratio_low": min(ratios),
                    "ratio_high": max(ratios),
                    "peak_mb": peak,
                    "added_mb": added,
                    "estimated_mb": estimate,
                    "gflop_per_s": flops / milliseconds * 1000,
                }
            )
    peaks = {precision: matmul_peak(precision) for precision in options.precisions}
    for row in rows:
        row["of_matmul_peak"] = row["gflop_per_s"] / peaks[row["precision"]]
    return {"rows": rows, "matmul_gflop_per_s": peaks, "cores": os.cpu_count()}


def print_table(found):
    print(
        "network  size  precision  style cost      ms/step  ratio (low–high)    peak MB  added "
        "(estimated)   GFLOP/s  of matmul"
    )
    for row in found["rows"]:
        print(
            "{network:8} {size:4}  {precision:9}  {style_cost:11} {ms_per_step:10.1f}  {ratio:.2f} "
            "({ratio_low:.2f}–{ratio_high:.2f})  {peak_mb:9.0f} {added_mb:7.0f} "
            "({estimated_mb:6.0f})  {gflop_per_s:9.0f}  "
            "{of_matmul_peak:8.0%}".format(**row)
        )
    for precision, peak in found["matmul_gflop_per_s"].items():
        print(f"A 2048 × 2048 matrix product in {precision}: {peak:.0f} GFLOP/s")


def grid(options):
    """Seconds of the studio's 3 × 3 grid as one batch against nine runs, at each size.

    Whole runs, which are built, traced and painted, and the steps alone.
    """
    from helpers import vgg
    from helpers.transfer import Transfer

    network, rows = vgg.load(options.networks[0], weights=options.weights), []
    alphas, betas = np.repeat([0.1, 1.0, 10.0], 3), np.tile([10.0, 100.0, 1000.0], 3)

    def seconds(size, alpha, beta):
        content, style = images.load("cat", size), images.load("starry_swirls", size)
        begun, stepping = time.perf_counter(), 0.0
        run = Transfer(content, style, network, alpha=alpha, beta=beta, levels=2)
        chunks = run.chunks(options.grid_steps, seconds=0.2)
        while True:
            before = time.perf_counter()
            level = run.level
            if next(chunks, None) is None:
                return np.array([time.perf_counter() - begun, stepping])
            if run.level == level:  # entering a level is building, not stepping
                stepping += time.perf_counter() - before

    for size in options.sizes:
        found = []
        for _ in range(options.rounds or ROUNDS):
            together = seconds(size, alphas, betas)
            separate = sum(seconds(size, a, b) for a, b in zip(alphas, betas, strict=True))
            found.append(together / separate)
        whole, steps = np.transpose(found).tolist()
        rows.append({"size": size, "whole_runs": whole, "steps_alone": steps})
        print(
            f"{size} pixels: a batch takes {statistics.median(whole):.2f} "
            f"({min(whole):.2f}–{max(whole):.2f}) of nine runs, its steps alone "
            f"{statistics.median(steps):.2f} ({min(steps):.2f}–{max(steps):.2f})",
            flush=True,
        )
    return rows


def shares(options):
    """Milliseconds of a step, and of its costs and its optimizer by themselves, in turns.

    What is left is the network's share: at least so much, for the three can also overlap.
    """
    import tensorflow as tf

    from helpers import vgg
    from helpers.optimizers import LBFGS
    from helpers.transfer import Transfer

    rows = []
    kinds = itertools.product(options.networks, options.sizes, options.precisions)
    for name, size, precision in kinds:
        weights = options.weights if name.startswith("vgg") else None
        network = vgg.load(name, weights=weights, precision=precision)
        pictures = images.load("cat", size), images.load("starry_swirls", size)
        run = Transfer(*pictures, network, levels=1)
        run.step(2)
        objective, G = run.objective, tf.convert_to_tensor(run.G)
        activations, known = network(G), objective.with_gradient(G)

        class Still:
            """An objective that has nothing to compute."""

            unknown, with_gradient = objective.unknown, staticmethod(lambda G, known=known: known)

        optimizer = LBFGS(tf.Variable(G), Still)

        def costs(objective=objective, G=G, activations=activations):
            objective.network = lambda _: activations
            with tf.GradientTape() as tape:
                tape.watch([G, activations])
                J = objective(G).total[0]
            return tape.gradient(J, [G, activations])

        parts = {"step": run.step, "costs": tf.function(costs)}
        parts["optimizer"] = tf.function(lambda optimizer=optimizer: optimizer.step(1.0))
        times = {part: [] for part in parts}
        for function in parts.values():
            function()
        for _, (part, function) in itertools.product(
            range(10 * (options.rounds or ROUNDS)), parts.items()
        ):
            started = time.perf_counter()
            function()
            times[part].append(1000 * (time.perf_counter() - started))
        found = {part: statistics.median(milliseconds) for part, milliseconds in times.items()}
        share = 1 - (found["costs"] + found["optimizer"]) / found["step"]
        rows.append({"network": name, "size": size, "precision": precision, **found})
        rows[-1]["share"] = share
        print(
            "{network:8} {size:4}  {precision:9} {step:7.1f} ms a step, {costs:5.1f} costs, "
            "{optimizer:5.1f} L-BFGS: {share:.1%} are the network's".format(**rows[-1]),
            flush=True,
        )
    return rows
