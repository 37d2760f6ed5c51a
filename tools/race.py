"""The race of against.py on pairs of pictures: everybody's way down, and its figure."""

import math
import statistics
import time
from pathlib import Path

import numpy as np

from helpers import files, images
from helpers.settings import OPTIONS
from tools import timing

OURS = ("ours", "ours, bfloat16")
TITLES = {
    "tutorial": "TensorFlow's tutorial (Adam)",
    "keras": "Keras example (gradient descent)",
    "gatys": "Gatys' way (SciPy's L-BFGS)",
    "gordic": "gordicaleksa (L-BFGS, memory 100)",
    "crowson": "crowsonkb (Adam, from small to large)",
    "ours": "this package, float32",
    "ours, bfloat16": "this package, bfloat16",
}
# Ours take so many times fewer steps in a turn, so that the race ends soon after the others' end.
SHORTER_TURNS = 4


def on_pairs(pairs, options, rivals):
    """The race on each pair in each size, `rounds` times, and everybody's peak memory."""
    from helpers import vgg
    from tools import against

    found = {"rows": [], "races": {}}
    network = vgg.load(options.networks[0], weights=options.weights)
    narrow = vgg.load(network.name, weights=options.weights, precision="bfloat16")
    beta = OPTIONS["beta"].default
    makers = {name: against.RIVALS.get(name, against.Ours) for name in rivals}
    if OURS[1] in rivals:
        makers[OURS[1]] = lambda judge: against.Ours(judge, narrow)
    for size in options.sizes:
        memory = {name: _memory_of(name, options, size) for name in rivals}
        for content, style in pairs:
            pair = f"{Path(content).stem} + {Path(style).stem}, {size} pixels"
            judge = against.Judge(
                images.load(content, size), images.load(style, size), network, 1, beta
            )
            rounds = range(options.rounds or 1)
            races = [run(makers, judge, options.steps, options.seconds) for _ in rounds]
            rows = [
                {"pair": pair, "who": name, **result(races, name), "peak_mb": memory[name]}
                for name in rivals
            ]
            print_rows(rows, _goal(races[0]))
            found["rows"] += rows
            found["races"][pair] = races
    return found


def run(rivals, judge, steps, seconds, rows=60):
    """Everybody's way down: {name: {"seconds": […], "steps": […], "cost": […]}}, taking turns.

    Each stops after `steps` steps, or after `seconds` of its own clock, and ours also when they are
    as low as any of the others got.  Building and tracing count, judging does not.
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
            shorter = SHORTER_TURNS if name in OURS else 1
            turn = 1 if log["steps"][-1] < 10 else max(1, steps // rows // shorter)
            begun, taken = time.perf_counter(), 0
            try:
                while taken < turn:
                    taken += rival.step() or 1
            except StopIteration:
                running.pop(name)
            log["seconds"].append(log["seconds"][-1] + time.perf_counter() - begun)
            log["steps"].append(log["steps"][-1] + taken)
            log["cost"].append(float(judge(rival.picture)))
            over = log["steps"][-1] >= steps or log["seconds"][-1] > seconds
            if name in OURS and not set(running) - set(OURS):
                over |= log["cost"][-1] <= _goal(found)
            if over:
                running.pop(name, None)
    return found


def _goal(race):
    """The lowest J that one of the others reached."""
    lows = [np.nanmin(log["cost"]) for name, log in race.items() if name not in OURS]
    return min(lows, default=-math.inf)


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


def result(races, name):
    """Medians over the races; of the ratio also the lowest and the highest."""
    rounds = []
    for race in races:
        log, goal = race[name], _goal(race)
        first = min(r[0] for n, r in _reached_by_others(race, goal))
        paces = np.diff(log["seconds"][2:]) / np.maximum(np.diff(log["steps"][2:]), 1)
        there, steps = reached(log, goal) or (math.inf, math.inf)
        rounds.append(
            {
                "ms_per_full_step": 1000 * float(np.median(paces[-len(paces) // 3 :])),
                "seconds": log["seconds"][-1],
                "steps": log["steps"][-1],
                "final_cost": log["cost"][-1],
                "seconds_to_goal": there,
                "steps_to_goal": steps,
                "ratio_to_goal": there / first,
            }
        )
    found = {what: statistics.median(row[what] for row in rounds) for what in rounds[0]}
    ratios = [row["ratio_to_goal"] for row in rounds]
    found |= {"ratio_low": min(ratios), "ratio_high": max(ratios)}
    for what, value in found.items():
        if ("goal" in what or "ratio" in what) and math.isinf(value):
            found[what] = None  # not reached
    return found


def _reached_by_others(race, goal):
    found = [(name, reached(log, goal)) for name, log in race.items() if name not in OURS]
    return [(name, when) for name, when in found if when]


def _memory_of(name, options, size):
    """Peak MB of a process that takes three steps at full size."""
    process, pipe = timing.apart(_three_steps, name, options, size)
    peak = pipe.recv()
    process.kill()  # the line search of SciPy would wait for ever
    return peak


def _three_steps(pipe, name, options, size):
    from helpers import vgg
    from tools import against

    precision = "bfloat16" if name.endswith("bfloat16") else "float32"
    network = vgg.load(options.networks[0], weights=options.weights, precision=precision)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, size * 3 // 4, size, 3))
    judge = against.Judge(*pictures.astype(np.float32), network, 1, OPTIONS["beta"].default)
    rival = against.Ours(judge) if name in OURS else against.RIVALS[name](judge)
    for _ in range(3):
        rival.step()
    pipe.send(timing.peak_memory())


def print_rows(rows, goal):
    print(f"{rows[0]['pair']}: the lowest J that one of the others reached is {goal:.3f}")
    print(
        "  who             ms/step   final   steps  seconds to it        ratio (low–high)  peak MB"
    )
    for row in rows:
        print("  {who:15} {ms_per_full_step:7.0f} {final_cost:7.3f} ".format(**row), end="")
        if row["seconds_to_goal"] is None:
            said = f"{'not reached':>45}"
        else:
            high = "" if row["ratio_high"] is None else f"{row['ratio_high']:.3f}"
            said = "{steps_to_goal:7.0f} {seconds_to_goal:14.1f}     {ratio_to_goal:6.3f} ".format(
                **row
            )
            said += f"({row['ratio_low']:.3f}–{high:5})"
        print(f"{said} {row['peak_mb']:8.0f}", flush=True)


def draw(found, path):
    """Cost against seconds, one line for each rival, on the first pair."""
    from matplotlib import ticker

    from helpers import plots

    pair, (race, *_) = next(iter(found["races"].items()))
    series = {TITLES[name]: (log["seconds"][1:], log["cost"][1:]) for name, log in race.items()}
    named = {"alt": "Cost against seconds.", "xlabel": "seconds", "ylabel": f"J, {pair}"}
    figure = plots.curves(series, **named, width=8, height=4)
    axes = figure.axes[0]
    axes.set_xscale("log")
    for axis in (axes.xaxis, axes.yaxis):  # 0.9 and 100, no powers of ten
        axis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(ticker.NullFormatter())
    axes.yaxis.set_major_locator(
        ticker.LogLocator(subs=(0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 4))
    )
    with files.whole_file(path, parents=True) as file:
        file.write(figure.jpeg())
