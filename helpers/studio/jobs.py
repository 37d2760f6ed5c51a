"""What takes longer than a tick: generators that yield their progress, 0 to 1, as often as one.

They take the scene and the weights of the session as these are when they are called, and leave
what they paint there; meanwhile it may be changed.  Values that make no sense are a SettingError
at once, before the first bite.
"""

import math

import keras
import numpy as np

from .. import images, memory
from ..fast import MaxPooling
from ..levels import begins, levels_for
from ..settings import OPTIONS, check_weights
from .painting import make_transfer
from .scene import Snapshot, layer_weights

TICK = 0.12  # seconds: one more step and the way there and back, and it is three tenths
RENDER_STEPS = 120
# Multiplications in the time in which a value is written: between mini and VGG-19 the time of a
# step then grows threefold, where two- to more than threefold was measured at 160 to 256 pixels.
VALUE = 100
LBFGS = 1.15  # what a step of L-BFGS takes, as a share of one of Adam (measured: 1.09 to 1.15)


def grid(session, alphas, betas, size, steps):
    """See `Session.grid`."""
    alphas = np.atleast_1d(OPTIONS["alpha"].check(alphas)).tolist()
    betas = np.atleast_1d(OPTIONS["beta"].check(betas)).tolist()
    pairs = [(alpha, beta) for beta in betas for alpha in alphas]
    check_weights(*np.transpose(pairs))
    scene, steps = session.scene.changed(size=size), OPTIONS["steps"].check(steps)
    scene = scene.changed(size=min(scene.size, session.scene.size))
    return _grid(session, session.scene, scene, session.weights, pairs, len(alphas), steps)


def _grid(session, begun, scene, weights, pairs, columns, steps):
    batch = weights | dict(zip(("alpha", "beta"), np.transpose(pairs), strict=True))
    run = _build(session.sources, scene, batch, 2)
    yield 0.0
    for _ in run.chunks(steps, TICK):
        yield run.step_count / steps
    cells = [
        Snapshot(picture, begun, weights | {"alpha": a, "beta": b}, steps)
        for picture, (a, b) in zip(run.pictures, pairs, strict=True)
    ]
    session.cells = [cells[i : i + columns] for i in range(0, len(cells), columns)]


def render(session, size, network, steps):
    """See `Session.render`."""
    scene = session.scene.changed(size=size, network=network or session.scene.network)
    settings, steps = session.settings, OPTIONS["steps"].check(steps)
    return _render(session, session.picture, scene, session.weights, settings, steps)


def estimate(session, size, network=None, steps=RENDER_STEPS):
    """(rows, columns, seconds, bytes) that `Session.render` would make, and take, about.

    seconds: None before a step at full size has been measured.
    """
    scene = session.scene.changed(size=size, network=network or session.scene.network)
    sources = session.sources
    content, styles = sources.pictures(scene)
    rows, columns = content.shape[:2]
    model, pace = sources.network(scene.network), session.pace
    shapes = [style.shape for style in styles]
    needed = memory.of_step(model, content.shape, styles=shapes, style_cost=scene.style_cost)
    if pace is not None:
        pace *= _work(model) / _work(session.transfer.network)
        pace *= LBFGS / math.prod(session.picture.shape[:2])  # of a pixel
    levels = levels_for([content, *styles], model.stride, _levels(session.picture, scene))
    ends = begins(steps, levels)
    areas = [rows * columns / 4**halvings for halvings in reversed(range(levels))]
    pixels = sum(n * area for n, area in zip(np.diff(ends), areas, strict=True))
    return rows, columns, pace and pace * float(pixels), needed


def _work(network):
    """Multiplications that a pixel of a picture takes, and as much for what is written."""
    found, area = VALUE * sum(network.values_per_pixel()), 1.0
    for layer in network.model.layers:
        if isinstance(layer, (MaxPooling, keras.layers.AveragePooling2D)):
            area /= 4
        if isinstance(layer, keras.layers.Conv2D):
            found += area * math.prod(layer.kernel.shape)
    return found


def _levels(picture, scene):
    """At most: each is half as large as the next, and the smallest as large as the picture."""
    return math.floor(math.log2(max(scene.size / max(picture.shape), 1))) + 1


def _render(session, picture, scene, weights, settings, steps):
    run = _build(session.sources, scene, weights, _levels(picture, scene))
    run.picture = images.resize(picture, *run.picture.shape[:2])
    settings |= run.settings
    yield 0.0
    try:
        for _ in run.chunks(steps, TICK):
            yield run.step_count / steps
    finally:
        steps_done = {"size": scene.size, "steps": steps, "steps_done": run.step_count}
        session.rendered = run.full_picture, settings | steps_done


def _build(sources, scene, weights, most):
    content, styles = sources.pictures(scene)
    network = sources.network(scene.network)
    given = layer_weights(network, weights["layer_weights"])
    levels = levels_for([content, *styles], network.stride, most)
    options = weights | {"layer_weights": given, "optimizer": "lbfgs", "levels": levels}
    return make_transfer(scene, content, styles, sources, **options)
