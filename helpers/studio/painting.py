"""A picture, laid out small and painted at full size, in bites of a fraction of a second."""

import numpy as np

from .. import images
from ..canvas import seen
from ..levels import levels_for
from ..optimizers import FAR
from ..transfer import Transfer
from .scene import layer_weights, ratio

MAX_STEPS = 50  # of a tick, so that a fast machine still hears the user at once
# The learning rate, in pixel units: high after a change, then falling, so that the pixels settle.
FRESH, CHANGED, SETTLED, FALL = 8.0, 4.0, 0.8, 0.98
# Where larger strokes are asked for, steps at ½ (and ¼) of the size come first: they are cheap,
# and find strokes that steps at full size never would.  After a small change they would only blur.
COARSE_STEPS = 30  # steps at each smaller size
LEVELS = 3  # at most: with a high β strokes are clearly larger than with 2
CURVE_POINTS = 400


def make_transfer(scene, content, styles, sources, **options):
    """A Transfer of the scene; content, styles: its pictures, in the size to paint."""
    options |= {n: getattr(scene, n) for n in ("init", "keep_colors", "style_cost", "style_masks")}
    options |= {"style_weights": list(scene.styles.values()), "mask": sources.mask(scene, content)}
    return Transfer(content, styles, sources.network(scene.network), **options)


class Painting:
    """One Transfer for each size, and how far it has come.

    scene: what it is built of.  weights: alpha, beta, tv and perhaps layer_weights.
    steps: done so far.  curve: the costs on the way, see `tick`.
    Raises what `images.load`, `vgg.load` and `Transfer` raise.
    """

    def __init__(self, scene, weights, sources, clock):
        content, styles = sources.pictures(scene)
        network = sources.network(scene.network)
        self.scene, self._clock, self._runs, self._compiled = scene, clock, [], set()
        for halvings in reversed(range(_levels(content, styles, network))):
            small, *others = (_shrunk(picture, 2**halvings) for picture in (content, *styles))
            # Adam where weights move: the memory of L-BFGS would be lost each time.
            run = make_transfer(scene, small, others, sources, optimizer="adam", levels=1)
            self._runs.append(run)
        given = layer_weights(network, weights.get("layer_weights"))
        self._assign(weights | {"layer_weights": given})
        self.begin()

    transfer = property(lambda self: self._runs[-1])
    picture = property(lambda self: self.transfer.picture)
    pixels = property(lambda self: self.transfer.G.numpy()[0])
    # Seconds of a step at full size, None before one is measured.
    pace = property(lambda self: self._paces.get(len(self._runs) - 1))
    weights = property(lambda self: self.transfer.objective.weights)

    def begin(self):
        """Back to the picture to start from."""
        self.put(self.transfer.canvas.first_picture())
        self.plan(FRESH)
        self.steps, self.curve = 0, []

    def put(self, picture):
        """Go on from this picture, of any size."""
        shape = self.transfer.content.shape
        if picture.shape != shape:
            picture = images.resize(picture, *shape[:2])
        self.transfer.picture = picture
        self._paces = {}  # the pace is measured anew

    def restyle(self, scene, sources):
        """Aims at the style pictures of another scene, at once: nothing is traced again.

        Returns False, and does nothing, where that takes a new painting.
        """
        if scene._replace(style=self.scene.style, style_scale=self.scene.style_scale) != self.scene:
            return False
        if len(scene.styles) != len(self.scene.styles):
            return False
        content, styles = sources.pictures(scene)
        network, before = self.transfer.network, [run.styles for run in self._runs]
        if _levels(content, styles, network) != len(self._runs):
            return False
        for style in styles:
            network.check_size(*style.shape[:2])
        try:
            for halvings, run in enumerate(reversed(self._runs)):
                _aim(run, [_shrunk(style, 2**halvings) for style in styles])
        except BaseException:
            for run, styles in zip(self._runs, before, strict=True):
                _aim(run, styles)
            raise
        self.scene = scene
        self.plan(CHANGED)
        return True

    def go_on_from(self, other):
        """From where another painting is, with this scene."""
        self.put(other.picture)
        self.plan(CHANGED)
        self.steps, self.curve = other.steps, other.curve[:]

    def take(self, snapshot):
        """Picture, weights and steps of a snapshot of this scene; all of them or none."""
        before = self.weights
        try:
            self._assign(snapshot.weights)
            self.put(snapshot.picture)
            if snapshot.pixels is not None:
                self.transfer.G.assign(snapshot.pixels[np.newaxis])
                self.transfer.optimizer.forget()
        except BaseException:
            self._assign(before)
            raise
        # It was settled when it was left.
        self._rate, self._planned, self._laid_out = SETTLED, [], self.weights
        self.steps, self.curve = snapshot.steps, snapshot.curve[:]

    def weigh(self, weights):
        """New weights, from the next step on; nothing is traced again.  All of them or none."""
        before = self.weights
        self._assign(weights)
        if self.weights == before:
            return
        if _asks_for_strokes(self.weights, self._laid_out):
            self.plan(CHANGED)
            return
        self._rate = max(self._rate, CHANGED)
        if _lean(self.weights) < _lean(self._laid_out):
            self._laid_out = self.weights  # strokes go at full size

    def plan(self, rate):
        """What the next ticks do: [(level, steps)] of the coarse ones, then the last for ever."""
        self._rate, self._coarse_rate = rate, rate
        self._planned = [(level, COARSE_STEPS) for level in range(len(self._runs) - 1)]
        self._entered, self._laid_out = None, self.weights

    def tick(self, seconds):
        """As many steps as fit into `seconds`, at least one.  Returns how many.

        `curve` gets a row: (step, content cost, style cost, total cost, β/α, level), level 0 being
        full size.
        """
        level, left = self._planned[0] if self._planned else (len(self._runs) - 1, MAX_STEPS)
        pace = self._paces.get(level)
        n = int(np.clip(seconds / pace, 1, left)) if pace else 1
        begun = self._clock()
        costs = self._step_coarsely(level, n) if self._planned else self._step_finely(n)
        if level in self._compiled:  # the first step takes longer
            self._paces[level] = (self._clock() - begun) / n
        self._compiled.add(level)
        of_each = (costs[name] for name in ("content", "style", "total"))
        coarser = len(self._runs) - 1 - level
        self.curve.append((self.steps, *of_each, ratio(self.weights), coarser))
        if len(self.curve) > CURVE_POINTS:
            self.curve = self.curve[::2]
        return n

    def _step_finely(self, n):
        before = self.transfer.step_count
        try:
            self.transfer.step(n, self._rate)
        finally:  # some may be done where one fails
            self.steps += self.transfer.step_count - before
        self._rate = max(self._rate * FALL**n, SETTLED)
        return self.transfer.latest

    def _step_coarsely(self, level, n):
        """Steps of the picture made smaller; what they change is added to the picture itself."""
        run, shape = self._runs[level], self.picture.shape[:2]
        if self._entered != level:
            small = run.picture.shape[:2]
            run.picture = images.resize(self.picture, *small)
            self._base = images.detail(self.picture, *small)
            self._entered = level
        run.step(n, self._coarse_rate)
        self.transfer.picture = self._base + images.resize(run.picture, *shape)
        self.steps += n
        left = self._planned[0][1] - n
        self._planned[:1] = [(level, left)] if left else []
        return run.latest

    def _assign(self, weights):
        for run in self._runs:
            run.set(**weights)


def _levels(content, styles, network):
    return levels_for([content, *styles], network.stride, LEVELS)


def _aim(run, styles):
    """At other style pictures, in their number: the compiled steps stay."""
    canvas = run.canvas
    canvas.styles, canvas.seen = styles, seen(run.content, styles, canvas.keep_colors)
    run.objective.aim(*canvas.targets(run.level))
    run.optimizer.forget()


def _shrunk(picture, times):
    if times == 1:
        return picture
    return images.resize(picture, *(round(side / times) for side in picture.shape[:2]))


def _lean(weights):
    return max(weights["beta"], 1e-9) / max(weights["alpha"], 1e-9)


def _asks_for_strokes(weights, before):
    """Whether β/α has risen, or what the style layers count has changed, so much that it takes
    other large strokes than before."""
    now, then = weights["layer_weights"], before["layer_weights"]
    differences = sum(abs(now.get(layer, 0) - then.get(layer, 0)) for layer in {*now, *then})
    return _lean(weights) >= FAR * _lean(before) or differences > 0.5
