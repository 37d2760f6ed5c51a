"""The optimization: a picture G whose pixels go down J(G) = α·J_content + β·J_style.

Gatys, Ecker & Bethge 2016 (section 2.3).  The network is frozen; only the pixels move.  One step
goes from `run` over `chunks` to the compiled steps, from there to an optimizer, which asks the
objective for J and its gradient, and the objective asks the network.
"""

import contextlib
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from . import checkpoint as checkpoints
from . import images, optimizers
from .canvas import Canvas, checked_pictures
from .errors import DivergedError, SettingError
from .levels import begins, levels_for, rates
from .masks import Masks
from .objective import WEIGHTS, Objective, number_or_array
from .optimizers import OPTIMIZERS
from .settings import OPTIONS, check_one_each

_DEFAULT = SimpleNamespace(**{name: option.default for name, option in OPTIONS.items()})


def _weight(name):
    """A weight of J that may be set between steps; nothing is traced again."""
    return property(
        lambda self: self.objective.weights[name], lambda self, value: self.set(**{name: value})
    )


class Transfer:
    """One run of style transfer: its objective, its picture, its history.

    content: RGB (height, width, 3) in 0–255.  styles: one such picture of any size, or several.
    network: a `vgg.Network` with the layers named here.  The options are those of `settings`, where
    each is explained; besides:

    alpha, beta: arrays of B values make a batch of B pictures at once, one for each pair, with one
    call of the network per step.
    layer_weights: {layer: w_l}; default: 1 for each of the network's style_layers.
    mask, style_masks: see `masks.Masks`; in Python they are arrays, or names of colors.
    levels: coarse to fine; 3 starts at ¼ of the size, then ½, then full; None: `levels.levels_for`.
    init, keep_colors: Gatys et al. 2016 (section 3.3), 2016b (arXiv:1606.05897).

    Raises SettingError for values that make no sense, PictureError for pictures that are too
    small, NetworkError for a layer that the network lacks.
    """

    def __init__(self, content, styles, network, *,
                 alpha=_DEFAULT.alpha, beta=_DEFAULT.beta, tv=_DEFAULT.tv,
                 layer_weights=None, style_weights=None, content_layer=None,
                 costs=_DEFAULT.costs, style_cost=_DEFAULT.style_cost,
                 mask=None, style_masks=None, keep_colors=_DEFAULT.keep_colors,
                 init=_DEFAULT.init, seed=_DEFAULT.seed, levels=None,
                 optimizer=_DEFAULT.optimizer, learning_rate=_DEFAULT.learning_rate):  # fmt: skip
        content, styles = checked_pictures(content, styles)
        optimizer, learning_rate = _checked(optimizer=optimizer, learning_rate=learning_rate)
        self.network, self.optimizer_name, self.learning_rate = network, optimizer, learning_rate
        if levels is None:
            levels = levels_for([content, *styles], network.stride)
        way = _checked(levels=levels, init=init, keep_colors=keep_colors, seed=seed)
        masks = None if mask is None else Masks(mask, style_masks, content, styles)
        self.canvas = Canvas(content, styles, *way, masks)
        for picture in (content, *styles):  # none may be pooled away at the smallest size
            network.check_size(*self.canvas.shape(0, picture))
        layer_weights = _of_layers(layer_weights, network)
        self.objective = Objective(
            network,
            alpha=alpha,
            beta=beta,
            tv=tv,
            costs=costs,
            style_cost=style_cost,
            content_layer=content_layer or network.content_layer,
            layer_weights=layer_weights,
            style_weights=check_one_each(style_weights, styles, len(layer_weights)),
            regions=masks and masks.regions,
        )
        self.step_count, self.begins, self.rows = 0, None, []
        self.enter(0, [self.canvas.first_picture()] * self.objective.batch)

    alpha, beta, tv, layer_weights = (_weight(name) for name in WEIGHTS)
    content, styles, G, level, levels, pictures = (
        property(lambda self, name=name: getattr(self.canvas, name))
        for name in ("content", "styles", "G", "level", "levels", "pictures")
    )

    def set(self, **weights):
        """New alpha, beta, tv or layer_weights, all or, with a SettingError, none of them."""
        factor = self.objective.set(**weights)
        if factor > 1:
            self.optimizer.forget(factor)

    # What comes out.

    @property
    def picture(self):
        """The generated picture, (height, width, 3) in 0–255; the first one of a batch.

        Setting it, to one of the same shape, goes on from there with a fresh optimizer.
        """
        return self.pictures[0]

    @picture.setter
    def picture(self, picture):
        self.canvas.paint_over(picture)
        self.optimizer.forget()

    def next_content(self, content, picture):
        """Go on with another photograph of the same shape, from this picture on."""
        self.canvas.show(content)
        self.objective.aim(*self.canvas.targets(self.level))
        self.picture = picture

    @property
    def full_picture(self):
        """`picture` at full size: enlarged, as long as a coarse level is at work."""
        return images.resize(self.picture, *self.content.shape[:2])

    @property
    def history(self):
        """{name: one row for each step}: step, level, content, style, tv, total and each layer.

        Costs are those before the step, with L-BFGS the lowest so far, not yet weighted but for
        total.  In a batch each row holds one value for each picture.
        """
        names = ("step", "level", "content", "style", "tv", "total", *self.objective.style_layers)
        found = {name: np.array([row[name] for row in self.rows]) for name in names}
        return found | {name: found[name].astype(int) for name in ("step", "level")}

    @property
    def latest(self):
        """{name: value} of the newest row of `history`; empty before the first step."""
        return dict(self.rows[-1]) if self.rows else {}

    def costs(self):
        """{name: value} of the picture as it is now, the same names as in `history`."""
        found = self.objective(tf.convert_to_tensor(self.G)).named()
        return {name: number_or_array(value.numpy()) for name, value in found.items()}

    # The work.

    def step(self, n=1, learning_rate=None):
        """n steps at the present level; learning_rate: Adam's, default the full one.

        The first step of L-BFGS only looks: it moves the picture from the second one on.
        """
        rate = self.learning_rate if learning_rate is None else learning_rate
        if rate != 0:
            (rate,) = _checked(learning_rate=rate)
        self._take(np.full(n, rate, np.float32))

    def run(self, steps, callback=None, checkpoint=None):
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

    def chunks(self, steps, seconds=0.5):
        """`run` as a generator, which stops after each `seconds`, for whoever has more to do.

        It yields the number of steps done.
        """
        # A run that is made longer keeps the beginning that it had.
        planned = self.begins or begins(steps, self.levels)
        self.begins, chunk = [*planned[:-1], max(steps, planned[-2], self.step_count)], 1
        while self.step_count < steps:
            while self.level + 1 < self.levels and self.step_count >= self.begins[self.level + 1]:
                self.enter(self.level + 1)
                chunk = 1
            begin, end = self.begins[self.level : self.level + 2]
            done, length = self.step_count - begin, end - begin
            n = min(chunk, length - done)
            started = time.monotonic()
            self._take(rates(self.learning_rate, done, n, length))
            pace = (time.monotonic() - started) / n
            chunk = int(np.clip(seconds / max(pace, 1e-6), 1, 25))
            yield self.step_count

    def _take(self, rates):
        """One step for each learning rate."""
        costs, done = self._steps(tf.constant(rates))
        done, named = int(done), {n: c.numpy() for n, c in costs.named().items()}
        for i in range(done):
            self.step_count += 1
            row = {name: number_or_array(values[i]) for name, values in named.items()}
            self.rows.append({"step": self.step_count, "level": self.level} | row)
        if done < len(rates):
            raise _diverged(self, {name: values[done] for name, values in named.items()})

    def enter(self, level, pictures=None):
        """Begin a level: its targets, its pictures and, where the last does not serve, its step."""
        pictures = self.canvas.enlarged(level) if pictures is None else pictures
        self.objective.aim(*self.canvas.targets(level))
        kind = OPTIMIZERS[self.optimizer_name]
        if self.canvas.lay(level, pictures, kind.ANY_SIZE):
            self.optimizer = kind(self.G, self.objective, self.learning_rate)
            self._steps = optimizers.in_one_call(self.optimizer)
        else:
            self.optimizer.begin()

    @property
    def settings(self):
        """Everything that decides the picture, but for the pictures and weights themselves."""
        network = {name: getattr(self.network, name) for name in ("name", "pooling", "precision")}
        network = {"network": network.pop("name")} | network
        way = {"optimizer": self.optimizer_name, "learning_rate": self.learning_rate}
        return network | self.objective.settings | way | self.canvas.settings


@contextlib.contextmanager
def deferred_interrupt():
    """A list, empty until Ctrl-C, so that what belongs together is finished first."""
    interrupted = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread receives signals
        return
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _checked(**options):
    return [OPTIONS[name].check(value) for name, value in options.items()]


def _of_layers(layer_weights, network):
    if layer_weights is None:
        return dict.fromkeys(network.style_layers, 1.0)
    if not isinstance(layer_weights, dict) or not layer_weights:
        raise SettingError("There is no style layer: give layer_weights as {layer: weight}.")
    return layer_weights


def _diverged(run, row):
    """The error for a step whose costs, {name: values}, or whose gradient are not finite."""
    named = [name for name, cost in row.items() if not np.isfinite(cost).all()]
    weighted = named in ([], ["total"])  # each cost by itself is finite
    what = f"{named[0]} cost" if named else "gradient"
    if run.network.precision != "float32" and not weighted:
        advice = "load the network with precision float32"
    elif weighted:
        advice = f"lower alpha ({run.alpha}), beta ({run.beta}) or tv ({run.tv})"
    else:
        advice = "check the network's weights"
    return DivergedError(
        f"The {what} is no longer finite after step {run.step_count}: {advice}; the last good "
        "picture is kept."
    )
