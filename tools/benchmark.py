"""Seconds and memory of one step: network × size × precision, and how near to the machine's peak.

    python tools/benchmark.py --networks mini vgg19 --sizes 256 512 --json build/benchmark.json

Each row runs in a process of its own, so that its peak memory is its own.  Rows of one size take
turns, round after round, and the ratio to the first row is the median over the rounds, so that a
machine that slows down for a while slows down all of them.  `yardstick` compares pictures:

    python tools/benchmark.py yardstick CONTENT STYLE [CONTENT STYLE …] --weights vgg19.npz

It runs the transfer with mini and with VGG-19 and judges both results with VGG-19.

    python tools/benchmark.py --against CONTENT STYLE [CONTENT STYLE …] --figure build/against.jpg

races helpers.transfer against what people would use instead (see against.py): all lower the same
cost from the same photograph with the same network, in turns; `--rounds 3` races three times, for
the spread.  The network is VGG-19 where --weights or --networks say so, else mini.

    python tools/benchmark.py grid

compares a 3 × 3 grid of α and β as one batch with nine runs, in turns.

    python tools/benchmark.py curvature CONTENT STYLE [CONTENT STYLE …]

measures how strongly J curves along waves of each frequency, from which L-BFGS sets out.

    python tools/benchmark.py shares

measures what a step spends outside the network: on the costs and on L-BFGS.
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

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers import images

# What both networks have: mini ends at block3_conv3.
LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block3_conv3")
ROUNDS = 5
# Edges of bands, in cycles per pixel, and the colors of the waves of `curvature`.
BANDS = (0, 0.02, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.36, 0.42, 0.5, 0.71)
WAVES = {"brightness": (1, 1, 1), "color": (1, -1, 0)}


def worker(pipe, network, size, precision, weights, layers, xla):
    """Answers "step" with milliseconds per step, "flops" with GFLOP, and "memory" with MB: the
    peak, what the run added, and what it said beforehand that it would need."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from helpers import vgg
    from helpers.transfer import Transfer

    rng = np.random.default_rng(0)
    content, style = rng.uniform(0, 255, (2, round(size * 0.75), size, 3)).astype(np.float32)
    weights = weights if network.startswith("vgg") else None
    loaded = vgg.load(network, layers, weights=weights, precision=precision)
    before = peak_memory()
    transfer = Transfer(content, style, loaded, xla=xla)
    transfer.step(2)
    while (question := pipe.recv()) != "end":
        if question == "memory":
            pipe.send((peak_memory(), peak_memory() - before, transfer.memory_needed() / 1e6))
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
        kinds = itertools.product(
            options.networks, options.precisions, (False, True)[: 1 + options.xla]
        )
        for network, precision, xla in kinds:
            here, there = context.Pipe()
            arguments = (there, network, size, precision, options.weights, options.layers, xla)
            process = context.Process(target=worker, args=arguments, daemon=True)
            process.start()
            there.close()
            group.append((network, precision + " XLA" * xla, here))
        times = {i: [] for i in range(len(group))}
        for _ in range(options.rounds or ROUNDS):
            for i, (_, _, pipe) in enumerate(group):
                pipe.send("step")
                times[i].append(pipe.recv())
        for i, (network, precision, pipe) in enumerate(group):
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
        row["of_matmul_peak"] = row["gflop_per_s"] / peaks[row["precision"].removesuffix(" XLA")]
    return {"rows": rows, "matmul_gflop_per_s": peaks, "cores": os.cpu_count()}


def print_table(found):
    print(
        "network  size  precision       ms/step  ratio (low–high)    peak MB  added (estimated)   "
        "GFLOP/s  of matmul"
    )
    for row in found["rows"]:
        print(
            "{network:8} {size:4}  {precision:13} {ms_per_step:9.1f}  {ratio:.2f} "
            "({ratio_low:.2f}–{ratio_high:.2f})  {peak_mb:9.0f} {added_mb:7.0f} "
            "({estimated_mb:6.0f})  {gflop_per_s:9.0f}  "
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


def against_others(pairs, options):
    """The race of against.py on each pair, `rounds` times, and everybody's peak memory."""
    from helpers import vgg
    from tools import against

    found = {"rows": [], "races": {}}
    memory = {name: _memory_of(name, options) for name in RIVALS}
    network = vgg.load("vgg19" if options.weights else options.networks[0], weights=options.weights)
    bfloat16 = vgg.load(network.name, weights=options.weights, precision="bfloat16")
    for content, style in pairs:
        pair, size = f"{Path(content).stem} + {Path(style).stem}", options.sizes[0]
        judge = against.Judge(images.load(content, size), images.load(style, size), network, 1, 100)
        makers = _rivals(against, bfloat16)
        races = [
            against.race(makers, judge, options.steps, options.seconds)
            for _ in range(options.rounds or 1)
        ]
        rows = [
            {"pair": pair, "who": name, **_result(races, name, against), "peak_mb": memory[name]}
            for name in RIVALS
        ]
        print_against(rows, races[0]["tutorial"]["cost"][-1])
        found["rows"] += rows
        found["races"][pair] = races
    return found


def _result(races, name, against):
    """Medians over the races; of the ratio also the lowest and the highest."""
    rounds = []
    for race in races:
        log, tutorial = race[name], race["tutorial"]
        paces = np.diff(log["seconds"][2:]) / np.maximum(np.diff(log["steps"][2:]), 1)
        there, steps = against.reached(log, tutorial["cost"][-1]) or (math.inf, math.inf)
        rounds.append(
            {
                "ms_per_full_step": 1000 * float(np.median(paces[-len(paces) // 3 :])),
                "seconds": log["seconds"][-1],
                "steps": log["steps"][-1],
                "final_cost": log["cost"][-1],
                "seconds_to_goal": there,
                "steps_to_goal": steps,
                "ratio_to_goal": there / tutorial["seconds"][-1],
            }
        )
    result = {what: statistics.median(row[what] for row in rounds) for what in rounds[0]}
    ratios = [row["ratio_to_goal"] for row in rounds]
    result |= {"ratio_low": min(ratios), "ratio_high": max(ratios)}
    for what, value in result.items():
        if ("goal" in what or "ratio" in what) and math.isinf(value):
            result[what] = None  # not reached
    return result


RIVALS = ("tutorial", "keras", "gatys", "ours", "ours, bfloat16")


def _rivals(against, bfloat16):
    makers = (against.Tutorial, against.KerasExample, against.Gatys, against.Ours)
    return dict(zip(RIVALS, (*makers, lambda judge: against.Ours(judge, bfloat16)), strict=True))


def _memory_of(name, options):
    """Peak MB of a process that takes three steps at full size."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_three_steps, args=(there, name, options))
    process.start()
    there.close()  # so that a process that dies is noticed here
    peak = here.recv()
    process.kill()  # the line search of SciPy would wait for ever
    return peak


def _three_steps(pipe, name, options):
    from helpers import vgg
    from tools import against

    precision = "bfloat16" if name.endswith("bfloat16") else "float32"
    network = "vgg19" if options.weights else options.networks[0]
    network = vgg.load(network, weights=options.weights, precision=precision)
    size = options.sizes[0]
    content, style = np.random.default_rng(0).uniform(0, 255, (2, size * 3 // 4, size, 3))
    judge = against.Judge(content.astype(np.float32), style.astype(np.float32), network, 1, 100)
    rival = _rivals(against, network)[name](judge)
    if name.startswith("ours"):
        rival = against.Ours(judge, levels=1)
    for _ in range(3):
        rival.step()
    pipe.send(peak_memory())


def print_against(rows, goal):
    print(f"{rows[0]['pair']}: the tutorial ends at {goal:.3f}")
    print(
        "  who             ms/step   final   steps  seconds to its end   ratio (low–high)  peak MB"
    )
    for row in rows:
        print("  {who:15} {ms_per_full_step:7.0f} {final_cost:7.3f} ".format(**row), end="")
        if row["seconds_to_goal"] is None:
            reached = f"{'not reached':>45}"
        else:
            high = "" if row["ratio_high"] is None else f"{row['ratio_high']:.3f}"
            reached = (
                "{steps_to_goal:7.0f} {seconds_to_goal:14.1f}     {ratio_to_goal:6.3f} ".format(
                    **row
                )
            )
            reached += f"({row['ratio_low']:.3f}–{high:5})"
        print(f"{reached} {row['peak_mb']:8.0f}", flush=True)


def draw_against(found, path):
    """Cost against seconds, one line for each rival, on the first pair."""
    from helpers import plots

    pair, (race, *_) = next(iter(found["races"].items()))
    series = {name: (log["seconds"][1:], log["cost"][1:]) for name, log in race.items()}
    figure = plots.curves(
        series, alt="Cost against seconds.", xlabel="seconds", ylabel=f"J, {pair}"
    )
    figure.axes[0].set_xscale("log")
    with images.whole_file(path, parents=True) as file:
        file.write(figure.jpeg())


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


def curvature(pairs, options, steps=150):
    """J's second derivative along noise of each band of frequencies, `steps` steps down.

    1 is the curvature along the brightness of the bands from 0.16 to 0.3, which are the steepest.
    """
    import tensorflow as tf

    from helpers import vgg
    from helpers.transfer import Transfer

    rng, found = np.random.default_rng(0), []
    network = vgg.load(options.networks[0], weights=options.weights)
    for content, style in pairs:
        size = options.sizes[0]
        run = Transfer(
            images.load(content, size), images.load(style, size), network, tv=0, levels=3
        )
        run.run(steps)
        picture = run.picture
        gradient = tf.function(lambda G, run=run: run._with_gradient(G)[1])
        bands = list(itertools.pairwise(BANDS))
        rows = {
            name: [
                _curvature_along(_noise(picture.shape, band, color, rng), picture, gradient)
                for band in bands
            ]
            for name, color in WAVES.items()
        }
        steep = np.mean(rows["brightness"][BANDS.index(0.16) : BANDS.index(0.3)])
        rows = {name: [float(c / steep) for c in row] for name, row in rows.items()}
        found.append({"content": content, "style": style, "bands": bands} | rows)
        print(f"{content} + {style}: cycles per pixel, curvature along {', '.join(WAVES)}")
        for band, *curvatures in zip(bands, *rows.values(), strict=True):
            print("  {:.2f}–{:.2f}".format(*band), *(f"{c:7.3f}" for c in curvatures), flush=True)
    return found


def shares(options):
    """Milliseconds of a step, and of its costs and its optimizer by themselves, in turns.

    What is left is the network's share: at least so much, for the three can also overlap.
    """
    import tensorflow as tf

    from helpers import vgg
    from helpers.optimizers import LBFGS, TOTAL
    from helpers.transfer import Transfer

    rows = []
    kinds = itertools.product(options.networks, options.sizes, options.precisions)
    for name, size, precision in kinds:
        weights = options.weights if name.startswith("vgg") else None
        network = vgg.load(name, weights=weights, precision=precision)
        run = Transfer(images.load("cat", size), images.load("starry_swirls", size), network)
        run.step(2)
        G = tf.convert_to_tensor(run._G)
        activations, (row, gradient) = network(G), run._with_gradient(G)
        optimizer = LBFGS(tf.Variable(G), row.shape[1], lambda _, found=(row, gradient): found)

        def costs(run=run, G=G, activations=activations):
            run.network = lambda _: activations
            with tf.GradientTape() as tape:
                tape.watch([G, activations])
                J = run._measure(G)[0, TOTAL]
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


def _noise(shape, band, color, rng):
    """Of a band (low, high) of frequencies in cycles per pixel; its root mean square is 1."""
    height, width, _ = shape
    f = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    waves = np.fft.rfft2(rng.normal(size=(height, width))) * ((f >= band[0]) & (f < band[1]))
    noise = np.fft.irfft2(waves, (height, width))[..., np.newaxis] * np.array(color)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _curvature_along(v, picture, gradient):
    difference = gradient((picture + v)[np.newaxis]) - gradient((picture - v)[np.newaxis])
    return np.vdot(v, difference) / (2 * np.vdot(v, v))


def main(arguments=None):
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parse.add_argument
    add(
        "words",
        nargs="*",
        help="yardstick, curvature, --against: CONTENT STYLE …; grid; shares; nothing",
    )
    add("--against", action="store_true", help="race against what people would use instead")
    add("--networks", nargs="+", default=["mini", "vgg19"])
    add("--sizes", nargs="+", type=int, default=[256, 512], help="longest side, aspect 4 : 3")
    add("--precisions", nargs="+", default=["float32", "bfloat16"])
    add("--layers", nargs="+", default=LAYERS)
    add("--weights", help="file of VGG weights; default: Keras' own")
    add("--xla", action="store_true", help="rows compiled with XLA as well")
    add("--steps", type=int, default=1000, help="of the tutorial, in the race")
    add("--grid-steps", type=int, default=90, help="of each picture of the grid")
    add("--seconds", type=float, default=120, help="after which others leave the race")
    add("--figure", help="file (.jpg) for the race on the first pair")
    add("--rounds", type=int, help=f"of turns, default {ROUNDS}; of whole races, default 1")
    add("--json", help="file to write, with every number")
    add("--save", help="for the yardstick: folder for both pictures of each pair")
    options = parse.parse_args(arguments)
    what = "against" if options.against else options.words.pop(0) if options.words else "steps"
    pairs = list(zip(options.words[::2], options.words[1::2], strict=True))
    if what == "against":
        found = against_others(pairs, options)
        if options.figure:
            draw_against(found, options.figure)
    elif what == "grid":
        found = grid(options)
    elif what == "yardstick":
        found = yardstick(pairs, options.weights)
        for i, row in enumerate(found):
            for name, picture in row.pop("pictures").items():
                if options.save:
                    images.save(Path(options.save) / f"pair{i}_{name}.png", picture)
    elif what == "curvature":
        found = curvature(pairs, options)
    elif what == "shares":
        found = shares(options)
    elif what == "steps":
        found = measure(options)
        print_table(found)
    else:
        parse.error(f"there is no {what}")
    if options.json:
        with images.whole_file(options.json, parents=True) as file:
            file.write(json.dumps(found, indent=1).encode())


if __name__ == "__main__":
    main()
