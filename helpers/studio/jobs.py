"""What takes longer than a tick: generators that yield their progress, 0 to 1, as often as one.

They take the scene and the weights of the session as these are when they are called, and leave
what they paint there; meanwhile it may be changed.  Values that make no sense are a SettingError
at once, before the first bite.
"""

import math

import numpy as np

from .. import images
from .painting import levels_for, make_transfer
from .scene import Snapshot, numbers, whole

TICK = 0.2  # seconds: two ticks and the way there and back are less than half a second


def grid(session, alphas, betas, size, steps):
    """See `Session.grid`."""
    alphas, betas, steps = (
        numbers("alpha", alphas),
        numbers("beta", betas),
        whole("steps", steps, 1),
    )
    scene = session.scene.changed(size=min(whole("size", size, 2), session.scene.size))
    return _grid(session, session.scene, scene, session.weights, alphas, betas, steps)


def _grid(session, begun, scene, weights, alphas, betas, steps):
    pairs = [(alpha, beta) for beta in betas for alpha in alphas]
    batch = weights | dict(zip(("alpha", "beta"), np.transpose(pairs), strict=True))
    run = _build(session.sources, scene, batch, 2)
    yield 0.0
    for _ in run.chunks(steps, TICK):
        yield run.step_count / steps
    cells = [
        Snapshot(picture, begun, weights | {"alpha": a, "beta": b}, steps, None, [])
        for picture, (a, b) in zip(run.pictures, pairs, strict=True)
    ]
    session.cells = [cells[i : i + len(alphas)] for i in range(0, len(cells), len(alphas))]


def render(session, size, network, steps):
    """See `Session.render`."""
    scene = session.scene.changed(size=size, network=network or session.scene.network)
    settings, steps = session.settings, whole("steps", steps, 1)
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
    levels = levels_for(content, style, network, most)
    return make_transfer(scene, weights, content, style, network, optimizer="lbfgs", levels=levels)
