"""What a reader's card does: python tools/benchmark.py colab

Milliseconds a step, memory and J after equal steps, in float32 and float16, with and without XLA,
at three sizes.  Each row is a process of its own, so that its memory is its own, XLA is asked for
before TensorFlow starts, and a row that runs out of memory ends alone.  J is always judged in
float32.  No table of a card has been sent yet, so float16 is a default nowhere.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

WAYS = (("float32", False), ("float16", False), ("float32", True), ("float16", True))
XLA = "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"
ON_GPU = {"sizes": (256, 512, 1024), "steps": 60, "network": "auto"}
ON_CPU = {"sizes": (64, 96, 128), "steps": 8, "network": "mini"}


def card():
    """Name, memory and driver of the GPU, or None."""
    if not shutil.which("nvidia-smi"):
        return None
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    said = subprocess.run(asked, capture_output=True, text=True)
    return said.stdout.strip().splitlines()[0] if said.returncode == 0 else None


def table(sizes=None):
    """Print the table; returns {"card": …, "rows": […]}."""
    found = {"card": card(), "rows": []}
    plan = ON_GPU if found["card"] else ON_CPU
    if not found["card"]:
        print("There is no GPU here: small pictures and few steps, only to show the table.")
    print(f"{found['card'] or 'CPU'}, {plan['steps']} steps of {plan['network']}")
    print("size  precision       first s  ms/step  peak GB (estimated)        J")
    for size in sizes or plan["sizes"]:
        for precision, xla in WAYS:
            row = measured(size, precision, xla, plan)
            found["rows"].append(row)
            print(line(row), flush=True)
    versions = next((row["versions"] for row in found["rows"] if "versions" in row), "")
    print(versions)
    return found


def line(row):
    named = f"{row['size']:4}  {row['precision'] + (' + XLA' if row['xla'] else ''):14}"
    if "error" in row:
        return f"{named} {row['error']}"
    peak = f"{row['peak_gb']:.2f}" if row["peak_gb"] else "—"
    return (
        f"{named} {row['first_s']:8.1f} {row['ms']:8.1f} {peak:>8} ({row['estimated_gb']:.2f})"
        f"{row['J']:18.4f}"
    )


def measured(size, precision, xla, plan):
    """One row, from a process of its own."""
    row = {"size": size, "precision": precision, "xla": xla}
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    environment |= {"TF_XLA_FLAGS": XLA} if xla else {}
    words = [str(word) for word in (size, precision, plan["steps"], plan["network"])]
    done = subprocess.run(
        [sys.executable, __file__, *words], env=environment, capture_output=True, text=True
    )
    try:
        return row | json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return row | {"error": f"ended with {done.returncode}: {done.stderr[-200:]}"}


def measure(size, precision, steps, name):
    """What is measured of `steps` steps; the first two, which compile, by themselves."""
    import keras
    import tensorflow as tf

    from helpers import images, memory, vgg
    from helpers.transfer import Transfer

    pictures = images.load("cat", size), images.load("starry_swirls", size)
    network, begun = vgg.load(name, precision=precision), time.perf_counter()
    run = Transfer(*pictures, network, levels=1)
    run.step(2)
    first, milliseconds = time.perf_counter() - begun, []
    for _ in range(steps - 2):
        begun = time.perf_counter()
        run.step()
        milliseconds.append(1000 * (time.perf_counter() - begun))
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e9 if on_gpu else None
    judge = Transfer(*pictures, vgg.load(network.name), levels=1)
    judge.picture = run.picture
    return {
        "first_s": first,
        "ms": statistics.median(milliseconds),
        "peak_gb": peak,
        "estimated_gb": memory.of_transfer(run) / 1e9,
        "J": judge.costs()["total"],
        "versions": f"TensorFlow {tf.__version__}, Keras {keras.__version__}. "
        f"{network.description}",
    }


def main(words):
    from helpers.errors import StyleTransferError
    from helpers.paint import enough_memory

    size, precision, steps, name = int(words[0]), words[1], int(words[2]), words[3]
    try:
        with enough_memory():
            found = measure(size, precision, steps, name)
    except StyleTransferError as error:  # out of memory, or float16 overflowed
        found = {"error": str(error)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
