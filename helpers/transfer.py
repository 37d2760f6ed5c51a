"""The optimization: a picture G whose pixels go down J(G) = α·J_content + β·J_style.

Gatys, Ecker & Bethge 2016 (section 2.3).  The network is frozen; only the pixels move.
"""

import contextlib
import hashlib
import json
import math
import signal
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from . import costs, images, optimizers
from .errors import CheckpointError, DivergedError, SettingError

INITS = ("content", "noise", "blank")
OPTIMIZERS = {"lbfgs": optimizers.LBFGS, "adam": optimizers.Adam}
KEEP_COLORS = ("luminance", "histogram")
COARSE_STEPS = 40  # at most, of `run` at half of the size; they lay out, they do not finish
COARSER = 2  # at each smaller size so many times fewer: too many there, and the motif is lost
COARSEST = 64  # pixels of the longest side, below which there is no room for a stroke
FINAL_RATE = 0.5  # of Adam's learning rate, at the end of each level of `run`


class Transfer:
    """One run of style transfer: its targets, its picture, its history.

    content: RGB (height, width, 3) in 0–255.  styles: one such picture of any size, or several.
    network: a `vgg.Network` with the layers named here.

    alpha, beta: weights of the content and the style cost.  Arrays of B values make a batch of B
    pictures at once, one for each pair, with one call of the network per step.
    tv: weight of the total variation (costs.total_variation).
    convention: the constants of the costs, see `costs`.
    content_layer, layer_weights: the layer of J_content; {layer: w_l} of J_style, averaged with
    these weights.  Default: the network's content_layer, and 1 for each of its style_layers.
    style_weights: one weight for each style picture, averaged likewise.
    init: G starts from "content", white "noise" or a "blank" grey picture.
    optimizer: "lbfgs" or "adam", whose learning_rate is in pixel units of 0–255.
    levels: coarse to fine; 3 starts at ¼ of the size, then ½, then full; None: see `levels_for`.
    keep_colors: None, "luminance" or "histogram" (Gatys et al. 2016b, arXiv:1606.05897).
    xla: compile a step with XLA, which takes minutes on some machines and is slower on CPUs.

    alpha, beta, tv and layer_weights may be set between steps; nothing is traced again.
    Raises SettingError for values that make no sense, PictureError for pictures that are too
    small, NetworkError for a layer that the network lacks.
    """

    def __init__(
        self,
        content,
        styles,
        network,
        *,
        alpha=1.0,
        beta=100.0,
        tv=1e-3,
        convention="relative",
        content_layer=None,
        layer_weights=None,
        style_weights=None,
        init="content",
        optimizer="lbfgs",
        learning_rate=12.0,
        levels=1,
        keep_colors=None,
        seed=0,
        xla=False,
    ):
        costs.check_convention(convention)
        _check_choice("start", init, INITS)
        _check_choice("optimizer", optimizer, OPTIMIZERS)
        _check_choice("way to keep colors", keep_colors, (None, *KEEP_COLORS))
        _check_number("learning rate", learning_rate, above_zero=True)
        _check_number("seed", seed)
        self.content, self.styles = _pictures(content, styles)
        levels = levels_for(max(self.content.shape)) if levels is None else levels
        if levels < 1:
            raise SettingError(f"There are {levels} levels: use 1 or more.")
        self.network, self.convention = network, convention
        self.init, self.optimizer, self.learning_rate = init, optimizer, float(learning_rate)
        self.levels, self.keep_colors, self.seed = int(levels), keep_colors, seed
        compiled = tf.function(self._gradient, jit_compile=True, autograph=False)
        self._with_gradient = compiled if xla else self._gradient
        self.content_layer = content_layer or network.content_layer
        if layer_weights is None:
            layer_weights = dict.fromkeys(network.style_layers, 1.0)
        self.style_layers = tuple(layer_weights)
        self._names = ("content", "style", "tv", "total", *self.style_layers)
        network.check_layers([self.content_layer, *self.style_layers])
        self.style_weights = _average(
            "style picture", [1.0] * len(self.styles) if style_weights is None else style_weights
        )
        if len(self.style_weights) != len(self.styles):
            raise SettingError(
                f"There are {len(self.style_weights)} style weights for {len(self.styles)} style "
                "pictures: give one for each."
            )
        self._check_weights(alpha, beta)
        alpha, beta = np.broadcast_arrays(np.atleast_1d(alpha), np.atleast_1d(beta))
        self._alpha, self._beta = (tf.Variable(w, dtype=tf.float32) for w in (alpha, beta))
        self._optimizer = None  # until a level begins
        self._tv = tf.Variable(0.0)
        self._layer_weights = tf.Variable(tf.zeros(len(self.style_layers)))
        self.tv, self.layer_weights = tv, layer_weights
        channels = {name: layer.channels for name, layer in network.layers.items()}
        self._content_target = _content_target(channels[self.content_layer])
        self._style_targets = {
            layer: _style_target(len(self.styles), channels[layer]) for layer in self.style_layers
        }
        for level in range(self.levels):
            for picture in (self.content, *self.styles):
                network.check_size(*self._shape(picture, level))
        self.step_count, self._planned, self._rows = 0, None, []
        self._enter(0, [self.first_picture()] * self._alpha.shape[0])

    # What may change between steps.

    alpha = property(lambda self: _scalar_or_array(self._alpha.numpy()))
    beta = property(lambda self: _scalar_or_array(self._beta.numpy()))
    tv = property(lambda self: float(self._tv.numpy()))

    @alpha.setter
    def alpha(self, value):
        self._check_weights(value, self._beta.numpy())
        self._weigh(self._alpha, value)

    @beta.setter
    def beta(self, value):
        self._check_weights(self._alpha.numpy(), value)
        self._weigh(self._beta, value)

    @tv.setter
    def tv(self, value):
        _check_number("weight of the total variation", value)
        self._weigh(self._tv, value)

    @property
    def layer_weights(self):
        return dict(zip(self.style_layers, self._layer_weights.numpy().tolist(), strict=True))

    @layer_weights.setter
    def layer_weights(self, weights):
        if set(weights) != set(self.style_layers):
            raise SettingError(f"Give one weight for each of {', '.join(self.style_layers)}.")
        values = _average("style layer", [weights[layer] for layer in self.style_layers])
        self._weigh(self._layer_weights, values)

    def _weigh(self, variable, value):
        if np.ndim(value) and np.shape(value) != variable.shape:
            raise SettingError(
                f"There are {np.size(value)} weights for {variable.shape[0]} pictures or layers: "
                "give one, or one for each."
            )
        value, before = np.broadcast_to(value, variable.shape).astype(np.float32), variable.numpy()
        if not np.array_equal(value, before):
            variable.assign(value)
            if self._optimizer:
                self._optimizer.forget(_factor(before, value))

    # What comes out.

    @property
    def pictures(self):
        """The generated pictures, (batch, height, width, 3) in 0–255."""
        found = self._G.numpy()
        if self.keep_colors == "luminance":
            content = images.resize(self.content, *found.shape[1:3])
            found = np.stack([images.with_luminance(content, G) for G in found])
        return found

    @property
    def picture(self):
        """The generated picture, (height, width, 3) in 0–255; the first one of a batch.

        Setting it, to one of the same shape, goes on from there with a fresh optimizer.
        """
        return self.pictures[0]

    @picture.setter
    def picture(self, picture):
        shape = (*self._shape(self.content, self.level), 3)
        if np.shape(picture) != shape:
            shapes = f"{np.shape(picture)}, the run has {shape}"
            raise SettingError(f"The picture has the shape {shapes}: resize it first.")
        if self.keep_colors == "luminance":
            picture = images.luminance(picture)
        self._G.assign(np.broadcast_to(np.clip(picture, 0, 255), (self._G.shape[0], *shape)))
        self._optimizer.forget()

    @property
    def full_picture(self):
        """`picture` at full size: enlarged, as long as a coarse level is at work."""
        return images.resize(self.picture, *self.content.shape[:2])

    @property
    def history(self):
        """{name: one row for each step}: step, level, content, style, tv, total and each layer.

        Costs are those before the step, with L-BFGS those of the lowest picture that it has
        measured; content, style and tv are not yet weighted.  In a batch each row holds one value
        for each picture.
        """
        batch = self._alpha.shape[0]
        rows = np.array([row for _, _, row in self._rows], np.float32)
        rows = rows.reshape(-1, batch, len(self._names))
        found = {name: rows[..., i] for i, name in enumerate(self._names)}
        if batch == 1:
            found = {name: values[:, 0] for name, values in found.items()}
        steps, levels = (np.array([entry[i] for entry in self._rows], int) for i in (0, 1))
        return {"step": steps, "level": levels} | found

    @property
    def latest(self):
        """{name: value} of the newest row of `history`; empty before the first step."""
        if not self._rows:
            return {}
        step, level, row = self._rows[-1]
        costs = {name: _scalar_or_array(row[:, i]) for i, name in enumerate(self._names)}
        return {"step": step, "level": level} | costs

    def costs(self):
        """{name: value} of the picture as it is now, the same names as in `history`."""
        row = self._measure(tf.convert_to_tensor(self._G)).numpy()
        return {name: _scalar_or_array(row[:, i]) for i, name in enumerate(self._names)}

    def memory_needed(self):
        """Bytes that a step at full size takes, about: to be compared with what is free."""
        values = self.network.values_per_pixel()
        size = tf.as_dtype(self.network.precision).size
        # On the way back all activations are there, and the widest one a few times more: gradients
        # before and after the relu and of each cost, and float32 for the Gram matrix.
        network = size * (sum(values) + 4 * max(values)) + (4 * max(values) if size < 4 else 0)
        optimizer = 3 * 4 * OPTIMIZERS[self.optimizer].PICTURES
        pixels = self._alpha.shape[0] * math.prod(self.content.shape[:2])
        return pixels * (network + optimizer)

    # The work.

    def step(self, n=1, learning_rate=None):
        """n steps at the present level; learning_rate: Adam's, default the full one.

        The first step of L-BFGS only looks: it moves the picture from the second one on.
        """
        self._steps(np.full(n, learning_rate or self.learning_rate, np.float32))

    def run(self, steps, callback=None, checkpoint=None):
        """Go on until `steps` steps are done: some at each coarse level, the rest at full size.

        Within a level Adam's learning rate falls on a cosine to a half, which settles the pixels.
        callback(transfer) is called about twice a second.  checkpoint: a path that is rewritten
        about once a minute and at the end.  An interrupt (Ctrl-C) raises KeyboardInterrupt after
        the steps at hand; `picture` is then the picture so far and `run` may be called again.
        Raises DivergedError when a cost is no longer finite; `picture` is the last good one.
        """
        saved = time.monotonic()
        with deferred_interrupt() as interrupted:
            for _ in self.chunks(steps):
                if callback:
                    callback(self)
                stop = bool(interrupted)
                if checkpoint and self._due(saved, steps, stop):
                    self.save_checkpoint(checkpoint)
                    saved = time.monotonic()
                if stop:
                    raise KeyboardInterrupt

    def chunks(self, steps, seconds=0.5):
        """`run` as a generator, which stops after each `seconds`, for whoever has more to do.

        It yields the number of steps done.
        """
        if self._planned not in (None, steps):
            raise SettingError(
                f"This run was begun for {self._planned} steps, not {steps}: its learning rate "
                "depends on that, so finish it or begin anew."
            )
        self._planned, chunk = steps, 1
        begins = self._begins(steps)
        while self.step_count < steps:
            while self.step_count >= begins[self.level + 1]:
                self._enter(self.level + 1)
                chunk = 1
            begin, end = begins[self.level : self.level + 2]
            done, length = self.step_count - begin, end - begin
            n = min(chunk, length - done)
            started = time.monotonic()
            self._steps(self._rates(done, n, length))
            pace = (time.monotonic() - started) / n
            chunk = int(np.clip(seconds / max(pace, 1e-6), 1, 25))
            yield self.step_count

    def _begins(self, steps):
        """The number of steps at which each level of a run begins, and at which the last ends."""
        share = min(steps // self.levels, COARSE_STEPS)
        coarse = [share // COARSER**halvings for halvings in range(self.levels - 1)]
        return [*np.cumsum([0, *reversed(coarse)]).tolist(), steps]

    def _due(self, saved, steps, interrupted):
        return interrupted or self.step_count >= steps or time.monotonic() - saved > 60

    def _rates(self, done, n, length):
        progress = (done + np.arange(n)) / length
        cosine = (1 + np.cos(np.pi * progress)) / 2
        return (self.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * cosine)).astype(np.float32)

    def _steps(self, rates):
        """One step for each learning rate."""
        rows, done = self._graph(tf.constant(rates))
        rows, done = rows.numpy(), int(done)
        for row in rows[:done]:
            self.step_count += 1
            self._rows.append((self.step_count, self.level, row))
        if done < len(rates):
            raise self._diverged(rows[done])

    def _steps_graph(self):
        """A compiled function of n steps, with a new optimizer."""
        self._optimizer = OPTIMIZERS[self.optimizer](
            self._G, len(self._names), self._with_gradient, self.learning_rate
        )

        # Without AutoGraph, which takes longer to read the code than all the rest of the tracing.
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)], autograph=False)
        def steps(rates):
            def goes_on(done, finite, rows):
                return finite & (done < tf.size(rates))

            def step(done, finite, rows):
                row, finite = self._optimizer.step(rates[done])
                return done + tf.cast(finite, tf.int32), finite, rows.write(done, row)

            shape = (self._alpha.shape[0], len(self._names))
            rows = tf.TensorArray(tf.float32, tf.size(rates), element_shape=shape)
            done, _, rows = tf.while_loop(goes_on, step, (0, True, rows))
            return rows.stack(), done

        return steps.get_concrete_function()  # traced here, once

    def _gradient(self, G):
        with tf.GradientTape() as tape:
            tape.watch(G)
            row = self._measure(G)
            J = tf.reduce_sum(row[:, optimizers.TOTAL])
        return row, tape.gradient(J, G)

    def _measure(self, G):
        """The costs of each picture of the batch, in the order of `_names`."""
        activations = self.network(G)
        a_C, scale = self._content_target
        a_G = tf.cast(activations[self.content_layer], tf.float32)
        content = scale * tf.reduce_sum((a_G - a_C) ** 2, (1, 2, 3))
        layers = []
        for layer in self.style_layers:
            A_S, scales = self._style_targets[layer]
            A_G = costs.mean_gram_matrix(activations[layer])[:, tf.newaxis]
            of_each_style = scales * tf.reduce_sum((A_G - A_S) ** 2, (2, 3))
            layers.append(tf.linalg.matvec(of_each_style, self.style_weights))
        layers = tf.stack(layers, axis=1)
        style = tf.linalg.matvec(layers, self._layer_weights)
        tv = costs.total_variation(G)
        total = costs.total_cost(content, style, self._alpha, self._beta) + self._tv * tv
        return tf.concat([tf.stack([content, style, tv, total], axis=1), layers], axis=1)

    # Levels and targets.

    def _enter(self, level, pictures=None):
        """Begin a level: its targets, its pictures and, where the last does not serve, its step."""
        content, styles = self.content, self.styles
        if self.keep_colors == "luminance":
            content = images.luminance(self.content)
            styles = [images.match_luminance(style, self.content) for style in styles]
        elif self.keep_colors == "histogram":
            styles = [images.match_colors(style, self.content) for style in styles]
        content = images.resize(content, *self._shape(content, level))
        styles = [images.resize(style, *self._shape(style, level)) for style in styles]
        if pictures is None:
            pictures = self._enlarged(level)

        a_C = tf.cast(self.network(content)[self.content_layer], tf.float32)
        _assign(self._content_target, a_C, costs.content_scale(a_C, self.convention))
        activations = [self.network(style) for style in styles]
        for layer in self.style_layers:
            A_S = tf.stack([costs.mean_gram_matrix(a[layer]) for a in activations])
            scales = tf.stack([costs.style_scale(A, self.convention) for A in A_S])
            _assign(self._style_targets[layer], A_S, scales)

        self.level = level
        pictures = np.stack(pictures).astype(np.float32)
        any_size = OPTIMIZERS[self.optimizer].ANY_SIZE
        if self._optimizer and any_size:
            self._G.assign(pictures)
            self._optimizer.begin()
        else:
            sides = (None, None) if any_size else pictures.shape[1:3]
            self._G = tf.Variable(pictures, shape=(len(pictures), *sides, 3))
            self._graph = self._steps_graph()

    def _shape(self, picture, level):
        shrink = 2 ** (self.levels - 1 - level)
        return [round(side / shrink) for side in picture.shape[:2]]

    def _enlarged(self, level):
        """The pictures in the size of a level, with the photograph's detail that it can hold."""
        shape, detail = self._shape(self.content, level), 0.0
        if self.init == "content":
            detail = images.detail(self.first_picture(level), *self._shape(self.content, level - 1))
        return [np.clip(images.resize(G, *shape) + detail, 0, 255) for G in self._G.numpy()]

    def first_picture(self, level=0):
        """The picture to start from, as `init` says, in the size of a level."""
        shape = (*self._shape(self.content, level), 3)
        if self.init == "noise":
            first = np.random.default_rng(self.seed).uniform(0, 255, shape)
        elif self.init == "blank":
            first = np.full(shape, 127.5)
        else:
            first = images.resize(self.content, *shape[:2])
            if self.keep_colors == "luminance":
                first = images.luminance(first)
        return first

    def _diverged(self, row):
        named = [
            n for n, cost in zip(self._names, row.T, strict=True) if not np.isfinite(cost).all()
        ]
        weighted = named in ([], ["total"])  # each cost by itself is finite
        what = f"{named[0]} cost" if named else "gradient"
        if self.network.precision != "float32" and not weighted:
            advice = "load the network with precision float32"
        elif weighted:
            advice = f"lower alpha ({self.alpha}), beta ({self.beta}) or tv ({self.tv})"
        else:
            advice = "check the network's weights"
        return DivergedError(
            f"The {what} is no longer finite after step {self.step_count}: {advice}; the last "
            "good picture is kept."
        )

    def _check_weights(self, alpha, beta):
        for name, value in (("alpha", alpha), ("beta", beta)):
            _check_number(name, value)
        if np.any((np.asarray(alpha) == 0) & (np.asarray(beta) == 0)):
            raise SettingError("Alpha and beta are both 0: give at least one of them a weight.")

    # Checkpoints.

    @property
    def settings(self):
        """Everything that decides the picture, but for the pictures and weights themselves."""
        return {
            "network": self.network.name,
            "pooling": self.network.pooling,
            "precision": self.network.precision,
            "costs": self.convention,
            "alpha": self.alpha if np.isscalar(self.alpha) else self.alpha.tolist(),
            "beta": self.beta if np.isscalar(self.beta) else self.beta.tolist(),
            "tv": self.tv,
            "content_layer": self.content_layer,
            "layer_weights": self.layer_weights,
            "style_weights": self.style_weights,
            "init": self.init,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "levels": self.levels,
            "keep_colors": self.keep_colors,
            "seed": self.seed,
            "width": self.content.shape[1],
            "height": self.content.shape[0],
        }

    def save_checkpoint(self, path):
        """Write all that `restore` needs as one .npz, whole or not at all."""
        state = self.settings | {
            "fingerprint": self._fingerprint(),
            "steps": self._planned,
            "step_count": self.step_count,
            "level": self.level,
        }
        arrays = {f"optimizer_{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)}
        if self._rows:
            arrays["rows"] = np.stack([row for _, _, row in self._rows])
        arrays["row_levels"] = np.array([level for _, level, _ in self._rows], int)
        with images.whole_file(path) as file:
            np.savez(file, state=json.dumps(state), pictures=self._G.numpy(), **arrays)

    def restore(self, path):
        """Take up the run that `save_checkpoint` wrote, bit for bit on the same machine.

        Raises CheckpointError when the file is damaged, or made with other settings, pictures or
        weights than this Transfer.
        """
        if not Path(path).is_file():
            raise CheckpointError(f"There is no checkpoint {path}: check the path.")
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            state = json.loads(str(arrays["state"]))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointError(
                f"{path} is not a checkpoint, or it is damaged: begin anew."
            ) from error
        for name, mine in (self.settings | {"fingerprint": self._fingerprint()}).items():
            if state.get(name) != mine:
                what = f"{name} {state.get(name)}, this run has {mine}"
                if name == "fingerprint":
                    what = "other pictures or weights"
                raise CheckpointError(f"{path} was made with {what}: use the same to resume.")
        try:
            self._enter(state["level"], arrays["pictures"])
            for i, variable in enumerate(self._optimizer.variables):
                variable.assign(arrays[f"optimizer_{i}"])
            self.step_count, self._planned = state["step_count"], state["steps"]
            levels = arrays["row_levels"].tolist()
            self._rows = [(i + 1, levels[i], arrays["rows"][i]) for i in range(len(levels))]
        except (KeyError, ValueError) as error:
            raise CheckpointError(
                f"{path} was written by another version of this package: begin anew."
            ) from error

    def _fingerprint(self):
        digest = hashlib.sha256()
        for array in (self.content, *self.styles, *self.network.model.get_weights()):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def levels_for(size, most=2):
    """The levels of a picture whose longest side has `size` pixels, none of them below COARSEST.

    After the same seconds J is as low with 2 as with 1 or 3, or lower; with 3 strokes are larger.
    """
    return int(np.clip(math.log2(size / COARSEST), 0, most - 1)) + 1


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


def _content_target(n_C):
    """Variables for a_C of any size and for its scale."""
    return tf.Variable(tf.zeros((0, 0, n_C)), shape=(None, None, n_C)), tf.Variable(0.0)


def _style_target(styles, n_C):
    """Variables for the Gram matrices of a layer, one for each style picture, and their scales."""
    return tf.Variable(tf.zeros((styles, n_C, n_C))), tf.Variable(tf.zeros(styles))


def _assign(variables, *values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _pictures(content, styles):
    styles = [styles] if getattr(styles, "ndim", None) == 3 else list(styles)
    if not styles:
        raise SettingError("There is no style picture: give at least one.")
    found = [np.asarray(picture, np.float32) for picture in (content, *styles)]
    for picture in found:
        if picture.ndim != 3 or picture.shape[-1] != 3:
            raise SettingError(
                f"A picture has the shape {picture.shape}: it must be (height, width, 3), RGB."
            )
        if not np.isfinite(picture).all():
            raise SettingError("A picture has values that are not finite: use values 0 to 255.")
    return found[0], found[1:]


def _average(what, weights):
    """Weights that add up to 1, as Gatys' 1/5 for each of five layers."""
    if len(weights) == 0:
        raise SettingError(f"There is no {what}: give at least one.")
    _check_number(f"weight of a {what}", weights)
    if not np.any(weights):
        raise SettingError(f"The weight of every {what} is 0: give at least one a weight.")
    return (np.asarray(weights, float) / np.sum(weights)).tolist()


def _factor(before, after):
    """How many times as large, or as small, one of some weights has become."""
    logs = np.log(np.maximum([before, after], 1e-30))
    return float(np.exp(np.abs(np.diff(logs, axis=0)).max()))


def _check_number(name, value, above_zero=False):
    try:
        value = np.asarray(value, float)
    except (TypeError, ValueError):
        raise SettingError(f"The {name} is {value!r}: give a number.") from None
    if not np.isfinite(value).all() or (value < 0).any() or (above_zero and (value == 0).any()):
        least = "above 0" if above_zero else "of 0 or more"
        raise SettingError(f"The {name} is {value}: give a finite number {least}.")


def _check_choice(what, value, choices):
    if value not in choices:
        named = ", ".join(map(str, choices))
        raise SettingError(f"There is no {what} {value!r}: choose one of {named}.")


def _scalar_or_array(values):
    values = np.asarray(values)
    return float(values[0]) if len(values) == 1 else values
