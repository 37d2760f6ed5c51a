"""What passes before the first changed picture, each part by its name."""

import itertools
import os
import statistics
import time

import numpy as np

from helpers import images
from tools import timing


def opening(pipe, begun, network, size, precision, weights):
    """Sends {what: seconds} of a process that was begun then, up to the first changed picture."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    clock = [begun]

    def lap():
        clock.append(time.perf_counter())
        return clock[-1] - clock[-2]

    # What this file imports, the package's pictures and files with it, has been read by now.
    found = {"Python, NumPy, Pillow": lap()}
    import keras
    import tensorflow

    assert keras and tensorflow
    found["TensorFlow and Keras"] = lap()
    from helpers import vgg
    from helpers.transfer import Transfer

    found["the rest of the package"] = lap()
    loaded = vgg.load(network, weights=weights, precision=precision)
    found["network"] = lap()
    content, style = images.load("cat", size), images.load("cafe_terrace", size)
    found["pictures"] = lap()
    run = Transfer(content, style, loaded)
    found["targets"] = lap()
    begun = run.picture
    run.step()  # which traces, and looks
    found["tracing and the first look"] = lap()
    while np.array_equal(run.picture, begun):
        run.step()
    found["the first move"] = lap()
    pipe.send(found)


def first(options):
    """Seconds to the first changed picture, of which each part is the median of some processes."""
    rows = []
    for name, size in itertools.product(options.networks, options.sizes):
        weights, found = options.weights if name.startswith("vgg") else None, []
        for _ in range(options.rounds or timing.ROUNDS):
            what = (name, size, options.precisions[0], weights)
            process, pipe = timing.apart(opening, time.perf_counter(), *what)
            found.append(pipe.recv())
            process.join()
        parts = {part: statistics.median(row[part] for row in found) for part in found[0]}
        rows.append({"network": name, "size": size, "precision": options.precisions[0]} | parts)
        total = sum(parts.values())
        print(f"{name}, {size} pixels: {total:.1f} s to the first changed picture", flush=True)
        for part, seconds in parts.items():
            print(f"  {part:28} {seconds:6.2f}", flush=True)
    return rows
