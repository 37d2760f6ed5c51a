"""The optimization: a picture G whose pixels go down J(G) = α·J_content + β·J_style + γ·TV.

Gatys, Ecker & Bethge 2016 (section 2.3).  The network is frozen; only the pixels move.  From `run`
a step goes to an optimizer, which asks `Objective.with_gradient` for J and its gradient, and the
objective asks the network.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from . import checkpoint as checkpoints
from . import colors, images
from .errors import DivergedError, SettingError
from .interrupts import deferred_interrupt
from .masks import Masks
from .objective import Objective, Weights
from .optimizers import OPTIMIZERS
from .settings import OPTIONS, TransferSpec

# Coarse to fine: a stroke is laid out where it is small and cheap, and finished at full size
# (Gatys et al. 2017, arXiv:1611.07865, section 6.2).
COARSE_STEPS = 40  # at most, of a run at half of the size; they lay out, they do not finish
COARSER = 2  # at each smaller size so many times fewer: too many there, and the subject is lost
COARSEST = 64  # pixels of the longest side, below which there is no room for a stroke
POSITIONS = 4  # of the deepest layer along a short side; with fewer, a Gram matrix knows too little
# How much the style of a layer counts, if nobody says otherwise.  People who saw pictures without
# knowing their weights liked these better than equal ones, at which the deep layers leave
# fragments of the painting's subject (faces, a fence) in the sky.
LAYER_WEIGHTS = {
    "block1_conv1": 0.2,
    "block2_conv1": 0.5,
    "block3_conv1": 1.0,
    "block4_conv1": 0.15,
    "block5_conv1": 0.003,
}
FINAL_RATE = 0.5  # of Adam's learning rate, at the end of each level of a run
_STEPS = dataclasses.replace(OPTIONS["steps"], least=0)


class Transfer:
    """One run of style transfer: its pictures, its objective, its state, its history.

    content: C, anything that `images.as_picture` takes: RGB (height, width, 3) in 0–255, a path ….
    styles: one such picture of any size, or a list.  network: a `vgg.Network`.
    spec, options: the options of `settings.TransferSpec`, where each is explained; alpha and beta
    may be arrays of B values: they make a batch of B pictures, with one call of the network a step.
    mask, style_masks: see `masks.Masks`; default: those that the spec names.

    spec: that of this run, with every default filled in.  level: 0, the coarsest, to levels − 1.
    state: G and what the optimizer remembers.  targets: what J compares G with at this level.
    Raises SettingError for values that make no sense, PictureError for pictures that are too small
    or are none, NetworkError for a layer that the network lacks.
    """

    def __init__(
        self, content, styles, network, spec=None, *, mask=None, style_masks=None, **options
    ):
        spec = (spec or TransferSpec()).changed(**options)
        self.network, self.optimizer = network, OPTIMIZERS[spec.optimizer]
        self.content = images.as_picture(content, "photograph")
        self.styles = images.as_pictures(styles, "style picture")
        spec.check_styles(len(self.styles))
        mask = spec.mask if mask is None else mask
        style_masks = spec.style_mask if style_masks is None else style_masks
        self.masks = Masks.of(mask, style_masks, self.content, self.styles)
        self.levels = spec.levels or levels_for([self.content, *self.styles], network.stride)
        for picture in (self.content, *self.styles):
            network.check_size(*self._shape(picture, 0), shrunk=2 ** (self.levels - 1))
        layers = spec.content_layer, spec.style_layers
        self.objective = Objective(network, spec.costs, spec.style_cost, *layers)
        self.spec = spec.changed(
            network=network.name,
            pooling=network.pooling,
            precision=network.precision,
            levels=self.levels,
            content_layer=self.objective.content_layer,
            style_layers=self.objective.style_layers,
            layer_weights=spec.layer_weights or default_weights(self.objective.style_layers),
        )
        self.step_count, self.plan, self.rows = 0, None, []
        self.enter(0, [self.first_picture(0)] * self.spec.batch)

    # The pictures.

    @property
    def G(self) -> tf.Tensor:
        """The pixels that move, (batch, height, width, 3) in 0–255, in the size of the level."""
        return self.state.G

    @property
    def pictures(self) -> np.ndarray:
        """(batch, height, width, 3) in 0–255: G, in the photograph's colors where it keeps them,
        and the photograph itself where a mask has no style."""
        found = self.G.numpy()
        height, width = found.shape[1:3]
        if self.targets.kept:
            photograph, painted = (tensor.numpy() for tensor in self.targets.kept)
            found = photograph + painted * (found - photograph)
        if self.spec.keep_colors == "luminance":
            content = images.resize(self.content, height, width)
            found = np.stack([colors.with_luminance(content, G) for G in found])
        return found

    @property
    def picture(self) -> np.ndarray:
        """The generated picture, (height, width, 3) in 0–255; the first one of a batch.

        Setting it, to one of any size, goes on from there with a fresh optimizer.
        """
        return self.pictures[0]

    @picture.setter
    def picture(self, picture):
        picture = images.as_picture(picture)
        batch, height, width, _ = self.G.shape
        if self.spec.keep_colors == "luminance":
            picture = colors.luminance(picture)
        self.state = self._begun([images.resize(picture, height, width)] * batch)

    @property
    def full_picture(self) -> np.ndarray:
        """`picture` at full size: enlarged, as long as a coarse level is at work."""
        return images.resize(self.picture, *self.content.shape[:2])

    def first_picture(self, level: int) -> np.ndarray:
        """The picture to start from, as `init` says, in the size of a level."""
        height, width = self._shape(self.content, level)
        if self.spec.init == "noise":
            return np.random.default_rng(self.spec.seed).uniform(0, 255, (height, width, 3))
        if self.spec.init == "blank":
            return np.full((height, width, 3), 127.5)
        content, *styles = colors.seen(self.content, self.styles, self.spec.keep_colors)
        if self.spec.init == "light" and not self.masks and not self.spec.keep_colors:
            content = colors.in_light_of(content, styles)
        return images.resize(content, height, width)

    def aim(self, content) -> None:
        """From the next step on another photograph, of the same shape.

        Raises SettingError or PictureError, and is then as it was.
        """
        content = images.as_picture(content)
        if content.shape != self.content.shape:
            raise SettingError("Another size of C needs another Transfer.")
        self.targets = self._targets(self.level, content)
        self.state = self.optimizer.forget(self.state, np.inf)
        self.content = content

    # The weights of J.

    def set(self, **weights) -> None:
        """New alpha, beta, tv or layer_weights, all or, with a SettingError, none of them."""
        spec = self.spec.weighted(**weights)
        pairs = zip(self._weights(), self._weights(spec), strict=True)
        factor = max(_factor(before, after) for before, after in pairs)
        if factor > 1:
            self.state = self.optimizer.forget(self.state, factor)
        self.spec = spec

    def _weights(self, spec=None):
        spec = spec or self.spec
        pair = np.broadcast_arrays(np.atleast_1d(spec.alpha), np.atleast_1d(spec.beta))
        layers = np.divide(spec.layer_weights, sum(spec.layer_weights))
        return Weights(*(tf.constant(w, tf.float32) for w in (*pair, spec.tv, layers)))

    # What has happened.

    @property
    def history(self) -> dict[str, np.ndarray]:
        """{name: one row for each step}: step, level, content, style, tv, total and each layer.

        Costs are those before the step, with L-BFGS the lowest so far, not yet weighted but for
        total.  In a batch each row holds one value for each picture.
        """
        names = ("step", "level", *self.objective.names)
        found = {name: np.array([row[name] for row in self.rows]) for name in names}
        return found | {name: found[name].astype(int) for name in ("step", "level")}

    @property
    def latest(self) -> dict:
        """{name: value} of the newest row of `history`; empty before the first step."""
        return dict(self.rows[-1]) if self.rows else {}

    def costs(self) -> dict:
        """{name: value} of the picture as it is now, the same names as in `history`."""
        return _row(self.objective(self.G, self.targets, self._weights()))

    # The work.

    def run(self, steps: int, callback: Callable | None = None, checkpoint=None) -> None:
        """Go on until `steps` steps are done: some at each coarse level, the rest at full size.

        callback(transfer) is called about twice a second.  checkpoint: a path that is rewritten
        about once a minute and at the end.  An interrupt (Ctrl-C) raises KeyboardInterrupt after
        the steps at hand; `picture` is then the picture so far and `run` may be called again, also
        for more steps.
        Raises DivergedError when a cost is no longer finite; `picture` is the last good one.
        """
        saved = time.monotonic()
        with deferred_interrupt() as interrupted:
            for done in self.chunks(steps):
                if callback:
                    callback(self)
                stop = bool(interrupted)
                if checkpoint and (stop or done >= steps or time.monotonic() - saved > 60):
                    checkpoints.save(checkpoint, self)
                    saved = time.monotonic()
                if stop:
                    raise KeyboardInterrupt

    def chunks(self, steps: int, seconds: float = 0.5) -> Iterator[int]:
        """`run` as a generator, which stops after each `seconds`, for whoever has more to do.

        It yields the number of steps done.
        """
        steps = _STEPS.check(steps)
        # A run that is made longer keeps the coarse beginning that it had, if it had one.
        keep = self.plan and 0 < self.plan[-2] < steps
        plan = [*self.plan[:-1], steps] if keep else begins(steps, self.levels)
        self.plan, looked = plan, -math.inf
        while self.step_count < steps:
            # The level that this step belongs to.
            level = sum(self.step_count >= begin for begin in plan[1:-1])
            if level != self.level:
                self.enter(level)
                looked = -math.inf
            # The step.
            done, length = self.step_count - plan[level], plan[level + 1] - plan[level]
            self._take([rate_at(done / length, self.spec.learning_rate)])
            # A look at it.
            if self.step_count == steps or time.monotonic() - looked >= seconds:
                yield self.step_count
                looked = time.monotonic()

    def step(self, n: int = 1, learning_rate: float | None = None) -> None:
        """n steps at the present level; learning_rate: Adam's, default the full one.

        The first step of L-BFGS only looks: it moves the picture from the second one on.
        """
        rate = self.spec.learning_rate if learning_rate is None else learning_rate
        if rate != 0:
            rate = OPTIONS["learning_rate"].check(rate)
        self._take([rate] * _STEPS.check(n))

    def enter(self, level: int, pictures: list | None = None) -> None:
        """Begin a level, with these pictures in its size; default: the present ones, with the
        detail of the photograph that this size can hold."""
        if pictures is None:
            shape, detail = self._shape(self.content, level), 0.0
            if self.spec.init in ("content", "light"):
                detail = images.detail(self.first_picture(level), *self.G.shape[1:3])
            pictures = [np.clip(images.resize(G, *shape) + detail, 0, 255) for G in self.G.numpy()]
        targets = self._targets(level, self.content)
        self.level, self.targets, self.state = level, targets, self._begun(pictures)

    def _begun(self, pictures):
        G = tf.constant(np.stack(pictures), tf.float32)
        return self.optimizer.begin(G, self.objective.names)

    def _targets(self, level, content):
        """What J asks of G, in the size of a level."""
        seen = colors.seen(content, self.styles, self.spec.keep_colors)
        content, *styles = (images.resize(one, *self._shape(one, level)) for one in seen)
        masks = self.masks and self.masks.resized(content, styles)
        return self.objective.targets(content, styles, self.spec.style_weights, masks)

    def _shape(self, picture, level):
        """(height, width) of a picture at a level."""
        shrink = 2 ** (self.levels - 1 - level)
        return [max(1, round(side / shrink)) for side in picture.shape[:2]]

    def _take(self, rates):
        """One step for each learning rate."""
        weights = self._weights()
        for rate in rates:
            arguments = (self.state, self.targets, weights, tf.constant(rate, tf.float32))
            self.state, costs, finite = self._compiled(arguments)(*arguments)
            if not finite:
                raise self._diverged(_row(costs))
            self.step_count += 1
            self.rows.append({"step": self.step_count, "level": self.level} | _row(costs))

    def _compiled(self, arguments):
        """The compiled step, which the network keeps: one trace serves all pictures and sizes."""
        spec, optimizer, objective = self.spec, self.optimizer, self.objective
        # Whatever `step` takes from here is in the key; all else is an argument.
        key = (spec.optimizer, spec.costs, objective.describe)
        key += (spec.content_layer, spec.style_layers)
        key += (len(self.targets.regions), bool(self.targets.kept))
        if key not in self.network.steps:

            def step(state, targets, weights, rate):
                def evaluate(G):
                    return objective.with_gradient(G, targets, weights)

                return optimizer.step(state, evaluate, rate)

            signature = tf.nest.map_structure(_any_size, arguments)
            # Without AutoGraph, which takes longer to read the code than all the rest.
            self.network.steps[key] = tf.function(step, signature, autograph=False)
        return self.network.steps[key]

    def _diverged(self, row):
        """The error for a step whose costs, {name: values}, or whose gradient are not finite."""
        named = [name for name, cost in row.items() if not np.isfinite(cost).all()]
        what = f"{named[0]} cost" if named else "gradient"
        advice = "lower alpha, beta or tv, or load the network with precision float32"
        kept = "; the last good picture is kept" if self.step_count else ""
        return DivergedError(
            f"The {what} is no longer finite after step {self.step_count}: {advice}{kept}."
        )


def default_weights(style_layers) -> tuple[float, ...]:
    """The weight of each of these layers where none is given: see LAYER_WEIGHTS."""
    return tuple(LAYER_WEIGHTS.get(layer, 1.0) for layer in style_layers)


def levels_for(pictures: list[np.ndarray], stride: int, most: int = 2) -> int:
    """The number of levels for a run with these pictures, (height, width, 3), C first.

    stride: `Network.stride`.  Strokes are larger with more levels.  After the same seconds J is as
    low with 2 as with 1 at 384 pixels, and one to two hundredths higher at 256 (five blocks).
    """
    room = [max(pictures[0].shape) / COARSEST]
    room += [min(picture.shape[:2]) / (POSITIONS * stride) for picture in pictures]
    return int(np.clip(math.log2(min(room)), 0, most - 1)) + 1


def begins(steps: int, levels: int) -> list[int]:
    """The number of steps at which each level of a run begins, and at which the last ends."""
    share = min(steps // levels, COARSE_STEPS)
    coarse = [share // COARSER**halvings for halvings in range(levels - 1)]
    return [*np.cumsum([0, *reversed(coarse)]).tolist(), steps]


def rate_at(done: float, learning_rate: float) -> float:
    """Adam's rate when this share of a level is done: it falls on a cosine to a half, which settles
    the pixels."""
    cosine = (1 + math.cos(math.pi * done)) / 2
    return learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def _any_size(tensor):
    """The signature of a tensor whose batch, height and width may change: of arrays of more than
    two dimensions the last one stays, which holds channels."""
    rank = tensor.shape.rank
    kept = tensor.shape[-1] if rank > 2 else None
    return tf.TensorSpec([*[None] * (rank - 1), kept][:rank], tensor.dtype)


def _factor(before, after):
    """How many times as large, or as small, one of some weights has become."""
    logs = np.log(np.maximum([before, after], 1e-30, dtype=float))
    return float(np.exp(np.abs(np.diff(logs, axis=0)).max()))


def _row(costs):
    """Costs as numbers, or as arrays where there is a batch."""
    return {name: c.numpy() if len(c) > 1 else float(c[0]) for name, c in costs.items()}
