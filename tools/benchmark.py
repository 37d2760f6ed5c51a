"""Seconds and memory of one step: network × size × precision, and how near to the machine's peak.

    python tools/benchmark.py --networks mini vgg19 --sizes 256 512 --json build/benchmark.json

Each row runs in a process of its own, so that its peak memory is its own.  Rows of one size take
turns, round after round, and the ratio to the first row is the median over the rounds, so that a
machine that slows down for a while slows down all of them.  `yardstick` compares pictures:

    python tools/benchmark.py yardstick CONTENT STYLE [CONTENT STYLE …] --weights vgg19.npz

It runs the transfer with mini and with VGG-19 and judges both results with VGG-19.
"""

import argparse
import itertools
import json
import math
import multiprocessing
import os
import re
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers import images

# What both networks have: mini ends at block3_conv3.
LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block3_conv3")
ROUNDS = 5


def worker(pipe, network, size, precision, weights, layers):
    """Answers "step" with milliseconds per step, "memory" with peak MB, "flops" with GFLOP."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    before = peak_memory()
    import numpy as np

    from helpers import vgg
    from helpers.transfer import Transfer

    rng = np.random.default_rng(0)
    content, style = rng.uniform(0, 255, (2, round(size * 0.75), size, 3)).astype(np.float32)
    weights = weights if network.startswith("vgg") else None
    loaded = vgg.load(network, layers, weights=weights, precision=precision)
    transfer = Transfer(content, style, loaded)
    transfer.step(2)
    while (question := pipe.recv()) != "end":
        if question == "memory":
            pipe.send((peak_memory(), peak_memory() - before))
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
    context = multiprocessing.get_context("spawn")
    rows = []
    for size in options.sizes:
        group = []
        for network, precision in itertools.product(options.networks, options.precisions):
            here, there = context.Pipe()
            arguments = (there, network, size, precision, options.weights, options.layers)
            process = context.Process(target=worker, args=arguments, daemon=True)
            process.start()
            there.close()
            group.append((network, precision, here))
        times = {i: [] for i in range(len(group))}
        for _ in range(options.rounds):
            for i, (_, _, pipe) in enumerate(group):
                pipe.send("step")
                times[i].append(pipe.recv())
        for i, (network, precision, pipe) in enumerate(group):
            pipe.send("memory")
            peak, added = pipe.recv()
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
                    "ms_per_step": milliseconds,
                    "ratio": statistics.median(ratios),
                    "ratio_low": min(ratios),
                    "ratio_high": max(ratios),
                    "peak_mb": peak,
                    "added_mb": added,
                    "gflop_per_s": flops / milliseconds * 1000,
                }
            )
    peaks = {precision: matmul_peak(precision) for precision in options.precisions}
    for row in rows:
        row["of_matmul_peak"] = row["gflop_per_s"] / peaks[row["precision"]]
    return {"rows": rows, "matmul_gflop_per_s": peaks, "cores": os.cpu_count()}


def print_table(found):
    print("network  size  precision   ms/step  ratio (low–high)    peak MB   GFLOP/s  of matmul")
    for row in found["rows"]:
        print(
            "{network:8} {size:4}  {precision:9} {ms_per_step:9.1f}  {ratio:.2f} "
            "({ratio_low:.2f}–{ratio_high:.2f})  {peak_mb:9.0f} {gflop_per_s:9.0f}  "
            "{of_matmul_peak:8.0%}".format(**row)
        )
    for precision, peak in found["matmul_gflop_per_s"].items():
        print(f"A 2048 × 2048 matrix product in {precision}: {peak:.0f} GFLOP/s")


def yardstick(pairs, weights, size=256, steps=200, beta=30.0):
    """How much of the drop in cost that VGG-19 reaches mini reaches too, judged by VGG-19."""
    from helpers import vgg
    from helpers.transfer import Transfer

    teacher, mini = vgg.load("vgg19", LAYERS, weights=weights), vgg.load("mini", LAYERS)
    rows = []
    for content, style in pairs:
        judge = Transfer(
            images.load(content, size), images.load(style, size), teacher, beta=beta, tv=0
        )
        start, finals, pictures = judge.costs()["total"], {}, {}
        for network in (teacher, mini):
            run = Transfer(judge.content, judge.styles, network, beta=beta)
            run.step(steps)
            pictures[network.name] = run.picture
            judge.picture = run.picture
            finals[network.name] = judge.costs()["total"]
        share = (start - finals["mini"]) / (start - finals["vgg19"])
        rows.append(
            {"content": content, "style": style, "start": start, **finals, "share": share}
            | {"pictures": pictures}
        )
        print(
            f"{content} + {style}: start {start:.2f}, VGG-19 {finals['vgg19']:.3f}, "
            f"mini {finals['mini']:.3f}: {share:.1%} of VGG-19's drop",
            flush=True,
        )
    return rows


def main(arguments=None):
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parse.add_argument
    add("what", nargs="?", default="steps", choices=("steps", "yardstick"))
    add("pictures", nargs="*", help="for the yardstick: CONTENT STYLE CONTENT STYLE …")
    add("--networks", nargs="+", default=["mini", "vgg19"])
    add("--sizes", nargs="+", type=int, default=[256, 512], help="longest side, aspect 4 : 3")
    add("--precisions", nargs="+", default=["float32", "bfloat16"])
    add("--layers", nargs="+", default=LAYERS)
    add("--weights", help="file of VGG weights; default: Keras' own")
    add("--rounds", type=int, default=ROUNDS)
    add("--json", help="file to write, with every number")
    add("--save", help="for the yardstick: folder for both pictures of each pair")
    options = parse.parse_args(arguments)
    if options.what == "yardstick":
        pairs = list(zip(options.pictures[::2], options.pictures[1::2], strict=True))
        found = yardstick(pairs, options.weights)
        for i, row in enumerate(found):
            for name, picture in row.pop("pictures").items():
                if options.save:
                    images.save(Path(options.save) / f"pair{i}_{name}.png", picture)
    else:
        found = measure(options)
        print_table(found)
    if options.json:
        with images.whole_file(options.json, parents=True) as file:
            file.write(json.dumps(found, indent=1).encode())


if __name__ == "__main__":
    main()
