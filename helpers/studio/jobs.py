"""What takes longer than a tick: generators that yield their progress, 0 to 1, as often as one.

They take the scene and the weights of the session as these are when they are called, and leave
what they paint there; meanwhile it may be changed.  Values that make no sense are a SettingError
at once, before the first bite.
"""

import math

import numpy as np

from .. import images
from ..levels import levels_for
from ..settings import OPTIONS, check_weights
from .painting import make_transfer
from .scene import Snapshot, layer_weights

TICK = 0.2  # seconds: two ticks and the way there and back are less than half a second


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
        Snapshot(picture, begun, weights | {"alpha": a, "beta": b}, steps, None, [])
        for picture, (a, b) in zip(run.pictures, pairs, strict=True)
    ]
    session.cells = [cells[i : i + columns] for i in range(0, len(cells), columns)]


def render(session, size, network, steps):
    """See `Session.render`."""
    scene = session.scene.changed(size=size, network=network or session.scene.network)
    settings, steps = session.settings, OPTIONS["steps"].check(steps)
    return _render(session, session.picture, scene, session.weights, settings, steps)


def _render(session, picture, scene, weights, settings, steps):
    grown = max(scene.size / max(picture.shape), 1)
    run = _build(session.sources, scene, weights, math.floor(math.log2(grown)) + 1)
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
    content, style = sources.pictures(scene)
    network = sources.network(scene.network)
    given = layer_weights(network, weights["layer_weights"])
    levels = levels_for([content, style], network.stride, most)
    options = weights | {"layer_weights": given, "optimizer": "lbfgs", "levels": levels}
    return make_transfer(scene, content, style, network, **options)
