"""How much memory a run takes: known before anything is allocated, so that it can be said."""

import contextlib
import math

from PIL import Image

from . import files, images
from .errors import SettingError
from .terminal import say

# float32 numbers that a style cost keeps on the way back for each activation of a style layer, the
# picture's powers or its sorted slices; `tools/benchmark.py --style-costs` measures what it takes.
KEPT = {"gram": 0, "mean-std": 0, "moments": 3.8, "wasserstein": 6.2}


def of_step(network, shape, optimizer="lbfgs", batch=1, styles=(), style_cost="gram"):
    """Bytes that a step with pictures of this shape (height, width, …) takes, about, or, if that is
    more, a look at the largest of the style pictures, of which `styles` are the shapes.

    At 512 pixels it was within a seventh of what was measured, for each style cost.
    """
    import tensorflow as tf

    from .optimizers import OPTIMIZERS

    values, size = network.values_per_pixel(), tf.as_dtype(network.precision).size
    # On the way back all activations are there, and the widest one a few times more: gradients
    # before and after the relu and of each cost, and float32 for the Gram matrix.
    activations = size * (sum(values) + 4 * max(values)) + 4 * max(values)
    pictures = 3 * 4 * OPTIMIZERS[optimizer].PICTURES
    style_layers = (network.layers[name] for name in network.style_layers)
    described = sum(layer.channels / layer.stride**2 for layer in style_layers)
    kept = 4 * KEPT[style_cost] * described
    step = round(batch * math.prod(shape[:2]) * (activations + pictures + kept))
    return max(step, *(size * sum(values) * math.prod(style[:2]) for style in styles), 0)


def of_transfer(run):
    """Bytes that a step of a `transfer.Transfer` at full size takes, about."""
    shape, *styles = (picture.shape for picture in (run.content, *run.styles))
    objective = run.objective
    return of_step(
        run.network, shape, run.optimizer_name, objective.batch, styles, objective.style_cost
    )


def of_job(job, network):
    """Bytes that the pictures, the targets and the steps of a `paint.Job` take, about."""
    sources = [(job.content, job.settings["size"]), *job.style_sizes]
    content, *styles = shapes = [_shape(source, size) for source, size in sources]
    given = {name: job.settings[name] for name in ("optimizer", "style_cost")}
    work = of_step(network, content, styles=styles, **given)
    return 4 * 3 * sum(map(math.prod, shapes)) + work


def _shape(source, size):
    """(height, width) of a picture once it is loaded; a square's, where a look does not tell."""
    width = height = 1
    with contextlib.suppress(Exception):
        path = files.readable(images.gallery().get(str(source), source))
        with Image.open(path) as image:
            width, height = image.size
    scale = size / max(width, height)
    return round(height * scale), round(width * scale)


def look(job, network, quietly):
    """A process that runs out of memory is killed without a word, so the word comes before.

    Raises SettingError where the machine has less than the job needs.
    """
    import psutil
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    needed, memory = of_job(job, network), psutil.virtual_memory()
    sentence = f"This run needs about {needed / 1e9:.1f} GB of memory and "
    if needed > memory.total + psutil.swap_memory().total:
        there = f"this machine has {memory.total / 1e9:.1f} GB: use a smaller --size."
        raise SettingError(sentence + there)
    if needed > memory.available and not quietly:
        free = f"{memory.available / 1e9:.1f} GB are free: "
        say(f"{sentence}{free}if it is stopped by the system, use a smaller --size.")
