"""A painting in progress, without widgets: what the studio's controls do.

Whoever shows it has one thread and wants to hear the user: nothing here works longer than it is
told to.  `tick` paints for a fraction of a second; `grid` and `render` are generators that yield
their progress, 0 to 1, as often.  Every picture that is left behind becomes a snapshot first.
"""

import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import images, vgg
from .errors import PictureError, SettingError
from .optimizers import FAR
from .transfer import Transfer, levels_for

TICK = 0.2  # seconds: two ticks and the way there and back are less than half a second
MAX_STEPS = 50  # of a tick, so that a fast machine still hears the user at once
# The learning rate, in pixel units: high after a change, then falling, so that the pixels settle.
FRESH, CHANGED, SETTLED, FALL = 8.0, 4.0, 0.8, 0.98
# Where larger strokes are asked for, steps at ¼ and at ½ of the size come first: they are cheap,
# and find strokes that steps at full size never would.  After a small change they would only blur.
COARSE_STEPS = 30  # steps at each smaller size
LEVELS = 3  # at most: with a high β strokes are clearly larger than with 2
CURVE_POINTS = 400
WEIGHTS = ("alpha", "beta", "tv", "layer_weights")


class Scene(NamedTuple):
    """What a Transfer is built of: when it changes, a new one is made.

    content, style: names of the gallery, paths, addresses, or names given to `Session.upload`.
    size: the longest side in pixels.  start: "content", "noise" or "blank".
    keep_colors: None, "luminance" or "histogram".
    """

    content: str = "cat"
    style: str = "starry_swirls"
    network: str = "mini"
    size: int = 256
    start: str = "content"
    keep_colors: str | None = None


class Snapshot(NamedTuple):
    """A picture, (height, width, 3) in 0–255, and all that was set when it was painted."""

    picture: np.ndarray
    scene: Scene
    weights: dict
    steps: int
    parent: int | None  # the snapshot that it was painted from
    curve: list  # the costs on the way there, see `Session.tick`

    @property
    def label(self):
        return f"α {number(self.weights['alpha'])} · β {number(self.weights['beta'])}"


def number(value):
    """Three digits, and no powers of ten, for readers: 0.0123, 4.5, 2750."""
    return f"{float(f'{value:.3g}'):g}"


class Session:
    """Two pictures, a network, the weights of the costs, and the picture that they lead to.

    scene: the fields of `Scene`; weights: alpha, beta, tv, layer_weights of `Transfer`.
    Raises what `images.load`, `vgg.load` and `Transfer` raise; a change that fails changes nothing.
    """

    def __init__(self, *, alpha=1.0, beta=100.0, tv=1e-3, clock=time.perf_counter, **scene):
        self._clock, self._networks, self._uploads = clock, {}, {}
        self.snapshots, self.cells, self.rendered = [], [], None
        self.scene = Scene(**scene)
        self._pyramid = self._build_all(self.scene, {"alpha": alpha, "beta": beta, "tv": tv})
        self._begin()

    # What is there.

    transfer = property(lambda self: self._pyramid[-1])
    picture = property(lambda self: self.transfer.picture)
    content = property(lambda self: self.transfer.content)
    style = property(lambda self: self.transfer.styles[0])
    network = property(lambda self: self.transfer.network)

    @property
    def weights(self):
        """{name: value} of what `set` takes."""
        return {name: getattr(self.transfer, name) for name in WEIGHTS}

    @property
    def settings(self):
        """What is saved with the picture, as `python -m helpers` does it."""
        names = {"content": str(self.scene.content), "styles": [str(self.scene.style)]}
        steps = {"size": self.scene.size, "steps": self.steps}
        return names | steps | self.transfer.settings

    # What the controls do.

    def upload(self, name, data):
        """Make the bytes of a picture file known.  Returns the name by which they are known: the
        one given, with a number where another upload has it.  Raises PictureError."""
        images.load(data, 64)
        given, number = Path(name), 2
        while self._uploads.get(name, data) != data:
            name, number = f"{given.stem} ({number}){given.suffix}", number + 1
        self._uploads[name] = data
        return name

    def set(self, **weights):
        """New alpha, beta, tv or layer_weights, from the next step on; nothing is traced again."""
        before = self.weights
        try:
            for name, value in _zeros_last(weights):
                if name not in WEIGHTS:
                    raise SettingError(f"There is no weight {name!r}: set {', '.join(WEIGHTS)}.")
                self._set(name, value)
        except SettingError:
            for name, value in _zeros_last(before):
                self._set(name, value)
            raise
        if self.weights == before:
            return
        if _asks_for_strokes(self.weights, self._laid_out):
            self._plan(CHANGED)
            return
        self._rate = max(self._rate, CHANGED)
        if _lean(self.weights) < _lean(self._laid_out):
            self._laid_out = self.weights  # strokes go at full size

    def change(self, **fields):
        """Another content, style, network, size, start or keep_colors.

        The painting goes on from where it is, or begins anew where it cannot: with another
        content, or another start.
        """
        scene = self.scene._replace(**fields)
        if scene == self.scene:
            return
        anew = (scene.content, scene.start) != (self.scene.content, self.scene.start)
        pyramid = self._build_all(scene, self.weights)
        self.keep()
        picture, self.scene, self._pyramid = self.picture, scene, pyramid
        if anew:
            self._begin()
        else:
            self._put(picture)
            self._plan(CHANGED)
            self._moved = True

    def tick(self, seconds=TICK):
        """As many steps as fit into `seconds`, at least one.  Returns how many.

        `curve` gets a row: (step, content cost, style cost, total cost) at full size.
        """
        level, left = self._planned[0] if self._planned else (len(self._pyramid) - 1, MAX_STEPS)
        pace = self._paces.get(level)
        n = int(np.clip(seconds / pace, 1, left)) if pace else 1
        begun = self._clock()
        if self._pyramid[level] is self.transfer:
            self.transfer.step(n, self._rate)
            self._rate = max(self._rate * FALL**n, SETTLED)
            costs = self.transfer.latest
        else:
            self._step_coarsely(level, n)
            costs = self.transfer.costs()
        self._paces[level] = (self._clock() - begun) / n
        self.steps += n
        self._moved = True
        self.curve.append((self.steps, costs["content"], costs["style"], costs["total"]))
        if len(self.curve) > CURVE_POINTS:
            self.curve = self.curve[::2]
        return n

    def keep(self):
        """Make a snapshot, unless the present picture is one already.  Returns its number."""
        if self._moved or not self.snapshots:
            now = (self.picture, self.scene, self.weights, self.steps, self._here, self.curve[:])
            self.snapshots.append(Snapshot(*now))
            self._here, self._moved = len(self.snapshots) - 1, False
        return self._here

    def undo(self):
        """Back to the snapshot that the present picture was painted from, if there is one."""
        parent = self.snapshots[self.keep()].parent
        if parent is not None:
            self.restore(parent)

    def restore(self, number):
        """Back to a snapshot, with everything that was set then."""
        self.keep()
        self._take(self.snapshots[number])
        self._here, self._moved = number, False

    def reset(self):
        """Back to the picture to start from; α, β and the rest stay as they are."""
        self.keep()
        self._begin()

    def send(self, cell):
        """A cell of the grid, a Snapshot, becomes the present picture."""
        self.keep()
        self._take(cell)
        self._moved = True

    def grid(self, alphas, betas, size=128, steps=90):
        """Paint every α × β as one batch, coarse to fine; a generator of progress from 0 to 1.

        At its end `cells` holds one list of Snapshots for each β, one Snapshot for each α.
        """
        begun, scene = self.scene, self.scene._replace(size=min(size, self.scene.size))
        pairs = [(alpha, beta) for beta in betas for alpha in alphas]
        set_then = self.weights  # the controls are free while the grid is painted
        weights = set_then | dict(zip(("alpha", "beta"), np.transpose(pairs), strict=True))
        run = self._build(scene, weights, "lbfgs", levels=None)
        yield 0.0
        for _ in run.chunks(steps, TICK):
            yield run.step_count / steps
        cells = [
            Snapshot(picture, begun, set_then | {"alpha": a, "beta": b}, steps, None, [])
            for picture, (a, b) in zip(run.pictures, pairs, strict=True)
        ]
        self.cells = [cells[i : i + len(alphas)] for i in range(0, len(cells), len(alphas))]

    def render(self, size=768, network=None, steps=120):
        """The present picture at another size; a generator of progress from 0 to 1.

        It goes on from the present picture, coarse to fine.  At its end, or when the generator is
        closed, `rendered` holds the picture so far and its settings.
        """
        scene = self.scene._replace(size=size, network=network or self.scene.network)
        grown = size / max(self.picture.shape)
        levels = max(1, math.floor(math.log2(max(grown, 1))) + 1)
        run = self._build(scene, self.weights, "lbfgs", levels)
        run.picture = images.resize(self.picture, *run.picture.shape[:2])
        settings = self.settings | run.settings
        yield 0.0
        try:
            for _ in run.chunks(steps, TICK):
                yield run.step_count / steps
        finally:
            steps_done = {"size": size, "steps": steps, "steps_done": run.step_count}
            self.rendered = run.full_picture, settings | steps_done

    def save(self, path, rendered=False):
        """Write the picture (or the rendered one) with its settings.  Raises OutputError."""
        picture, settings = (self.picture, self.settings)
        if rendered and self.rendered:
            picture, settings = self.rendered
        images.save(path, picture, settings)

    def apply(self, settings):
        """Set pictures, network, start and weights as `settings` of a saved picture say.

        Raises SettingError where the weights belong to other costs, and what `change` raises.
        Pictures that are not at hand are left as they are; returns their names.
        """
        if settings.get("costs", "relative") != "relative":
            raise SettingError(
                f"This picture was painted with the costs {settings['costs']}, whose alpha and "
                "beta mean something else here: choose one painted with relative costs."
            )
        fields, missing = {}, []
        named = {"content": settings.get("content"), "style": (settings.get("styles") or [None])[0]}
        for field, name in named.items():
            if name is None or name == getattr(self.scene, field):
                continue
            try:
                self._load(name, 64)
                fields[field] = name
            except PictureError:
                missing.append(name)
        for field, name in (("network", "network"), ("start", "init"), ("keep_colors",) * 2):
            if name in settings:
                fields[field] = settings[name]
        self.change(**fields)
        weights = {name: settings[name] for name in WEIGHTS if name in settings}
        weights["layer_weights"] = _layer_weights(self.network, weights.get("layer_weights"))
        self.set(**weights)
        return missing

    # How.

    def _load(self, name, size):
        return images.load(self._uploads.get(name, name), size)

    def _build_all(self, scene, weights):
        """One Transfer for each size, the last one for the picture itself."""
        sizes = [round(scene.size / 2**i) for i in range(levels_for(scene.size, LEVELS))][::-1]
        return [self._build(scene._replace(size=size), weights) for size in sizes]

    def _build(self, scene, weights, optimizer="adam", levels=1):
        """Adam where weights move: the memory of L-BFGS would be lost each time."""
        content, style = (self._load(name, scene.size) for name in (scene.content, scene.style))
        if scene.network not in self._networks:
            self._networks[scene.network] = vgg.load(scene.network, precision="auto")
        network = self._networks[scene.network]
        layer_weights = _layer_weights(network, weights.get("layer_weights"))
        return Transfer(
            content,
            style,
            network,
            **weights | {"layer_weights": layer_weights},
            init=scene.start,
            keep_colors=scene.keep_colors,
            optimizer=optimizer,
            levels=levels,
        )

    def _set(self, name, value):
        for run in self._pyramid:
            setattr(run, name, value)

    def _plan(self, rate):
        """What the next ticks do: [(level, steps)] of the coarse ones, then the last for ever."""
        self._rate, self._coarse_rate = rate, rate
        self._planned = [(level, COARSE_STEPS) for level in range(len(self._pyramid) - 1)]
        self._entered, self._laid_out = None, self.weights

    def _step_coarsely(self, level, n):
        """Steps of the picture made smaller; what they change is added to the picture itself."""
        run, shape = self._pyramid[level], self.picture.shape[:2]
        if self._entered != level:
            small = run.picture.shape[:2]
            run.picture = images.resize(self.picture, *small)
            self._base = images.detail(self.picture, *small)
            self._entered = level
        run.step(n, self._coarse_rate)
        self.transfer.picture = self._base + images.resize(run.picture, *shape)
        left = self._planned[0][1] - n
        self._planned[:1] = [(level, left)] if left else []

    def _begin(self):
        self._put(self.transfer.first_picture())
        self._plan(FRESH)
        self.steps, self.curve, self._here, self._moved = 0, [], None, True
        self.keep()

    def _take(self, snapshot):
        if snapshot.scene != self.scene:
            pyramid = self._build_all(snapshot.scene, snapshot.weights)
            self.scene, self._pyramid = snapshot.scene, pyramid
        self.set(**snapshot.weights)
        self._put(snapshot.picture)
        # It was settled when it was left.
        self._rate, self._planned, self._laid_out = SETTLED, [], self.weights
        self.steps, self.curve = snapshot.steps, snapshot.curve[:]

    def _put(self, picture):
        if picture.shape != self.picture.shape:
            picture = images.resize(picture, *self.picture.shape[:2])
        self.transfer.picture = picture
        self._paces = {}  # the pace is measured anew


def _zeros_last(weights):
    """So that α and β are not both 0 on the way, which is an error."""
    return sorted(weights.items(), key=lambda item: np.isscalar(item[1]) and item[1] == 0)


def _lean(weights):
    return max(weights["beta"], 1e-9) / max(weights["alpha"], 1e-9)


def _asks_for_strokes(weights, before):
    """Whether β/α has risen, or what the style layers count has changed, so much that it takes
    other large strokes than before."""
    now, then = weights["layer_weights"], before["layer_weights"]
    differences = sum(abs(now.get(layer, 0) - then.get(layer, 0)) for layer in {*now, *then})
    return _lean(weights) >= FAR * _lean(before) or differences > 0.5


def _layer_weights(network, given):
    """`given` where the network has the layer; layers that were not named get their mean."""
    given = given if isinstance(given, dict) else {}
    given = {layer: weight for layer, weight in given.items() if layer in network.style_layers}
    if not any(given.values()):  # all that counted are layers of another network
        given = {}
    mean = sum(given.values()) / len(given) if given else 1.0
    return {layer: given.get(layer, mean) for layer in network.style_layers}
