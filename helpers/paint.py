"""One job → one file: the pictures are loaded, the transfer runs, the painting is written."""

import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import checkpoint, files, images, masks, memory
from .errors import CheckpointError, SettingError, StyleTransferError
from .settings import check_one_each, for_each
from .terminal import Lasting, quiet, say


@dataclass(frozen=True)
class Job:
    """One picture to paint.

    content, styles: as `images.load` takes them.  output: where to write it.
    settings: {name: value} of all settings.OPTIONS.  also: what is kept with them in the file.
    whose: "the", or "line 3's", when a sentence speaks of its files.
    """

    content: str
    styles: tuple
    output: Path
    settings: dict
    also: dict = None
    whose: str = "the"

    @property
    def style_sizes(self):
        """[(style, longest side to load it with)]."""
        scales = for_each("style_scale", self.settings["style_scale"], self.styles)
        scales = scales or [1.0] * len(self.styles)
        sizes = [round(self.settings["size"] * scale) for scale in scales]
        for scale, size in zip(scales, sizes, strict=True):
            if size < 2:
                raise SettingError(f"At the style scale {scale:g} nothing is left: give more.")
        return list(zip(self.styles, sizes, strict=True))

    @property
    def style_masks(self):
        """[None, name of a color or picture for each style]; None without such an option."""
        return for_each("style_mask", self.settings["style_mask"], self.styles)


def check(jobs, reads=()):
    """What can be known before TensorFlow is loaded, so that mistakes show at once.

    reads: (label, path) of what is read besides.  Raises a StyleTransferError.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") not in ("", "tensorflow"):
        backend = os.environ["KERAS_BACKEND"]
        raise SettingError(f"KERAS_BACKEND is {backend!r}: this needs tensorflow, so unset it.")
    reads, writes = [*reads, ("the network mini", Path(__file__).parent / "weights/mini.npz")], []
    known = images.gallery()
    for job in jobs:
        reads += _reads(job, known)
        writes += _writes(job)
    files.check_paths(reads, writes)


def check_alone(job):
    """What can be known of one job without the others."""
    check_one_each(job.settings["style_weights"], job.styles)
    if job.style_sizes and job.style_masks and not job.settings["mask"]:
        raise SettingError("There are style masks and no mask of the photograph: give --mask.")
    images.check_output(job.output)
    for _, path in _writes(job):
        files.check_file(path)
    _check_resume(job.settings)


def _reads(job, known):
    """[(label, path or address)] of what painting will read."""
    sources = [("content", job.content), *(("style", style) for style in job.styles)]
    given = [job.settings["mask"]] if job.settings["mask"] not in masks.PARTS else []
    given += [mask for mask in job.style_masks or [] if mask not in masks.COLORS]
    sources += [("mask", mask) for mask in given if mask]
    found = [(name, known.get(str(source), source)) for name, source in sources]
    weights = job.settings["weights"] or os.environ.get("NST_WEIGHTS")
    if weights:
        found.append(("file of weights", weights))
    resume, rewritten = job.settings["resume"], job.settings["checkpoint"]
    # To go on in the same checkpoint is what both options together are for.
    if resume and not (rewritten and files.check_file(rewritten) == files.check_file(resume)):
        found.append(("checkpoint to resume", resume))
    return [(f"{job.whose} {name}", path) for name, path in found]


def _writes(job):
    """[(label, path)] of what painting will write."""
    found = [("output", job.output)]
    found += [(n, job.settings[n]) for n in ("checkpoint", "report") if job.settings[n]]
    return [(f"{job.whose} {name}", path) for name, path in found]


def _check_resume(settings):
    if not settings["resume"]:
        return
    planned = checkpoint.peek(settings["resume"])["steps"]
    if settings["steps"] < planned:
        raise CheckpointError(
            f"{settings['resume']} was begun for {planned} steps: resume it with as many or more."
        )


def load_network(settings):
    """The network with the layers that the job asks for, or else with Gatys'."""
    with quiet():
        import tensorflow as tf

        from . import vgg

        tf.config.list_physical_devices()  # looks for drivers now, while it is quiet

    content, styles = settings["content_layer"], settings["style_layers"]
    keywords = {name: settings[name] for name in ("pooling", "weights", "precision")}
    asked = [content, *styles] if content and styles else None
    network = vgg.load(settings["network"], asked, **keywords)
    if asked or not (content or styles):
        return network
    # Defaults fill in what was not asked for, and depend on which network it turned out to be.
    layers = [content or network.content_layer, *(styles or network.style_layers)]
    described = network.description
    network = vgg.load(network.name, layers, **keywords)
    network.description = described
    return network


def paint(job, network, quietly=False):
    """Paint one picture and write it.

    Raises KeyboardInterrupt with a sentence, or a StyleTransferError, after the picture so far
    is written.
    """
    painting = _Painting(job, network, quietly)
    with enough_memory():
        transfer = painting.begin()
    try:
        with enough_memory():
            painting.run()
    except KeyboardInterrupt:
        painting.write(stopped=True)
        raise KeyboardInterrupt(
            f"Stopped after {transfer.step_count} steps; {job.output} is the picture so far."
            if transfer.step_count
            else ""
        ) from None
    except StyleTransferError:
        painting.write(stopped=True)  # diverged, or no memory left: the last good one is kept
        raise
    painting.write()
    if not quietly:
        say(f"{job.output} was painted in {time.monotonic() - painting.started:.0f} s.")


class _Painting:
    """A job at work: its transfer, and what is written of it."""

    def __init__(self, job, network, quietly):
        self.job, self.network, self.quietly = job, network, quietly
        self.started, self.transfer, self.previewed = time.monotonic(), None, 0

    def begin(self):
        given = self.job.settings
        memory.look(self.job, self.network, self.quietly)
        self.transfer = make_transfer(self.job, self.network)
        if given["resume"]:
            checkpoint.restore(given["resume"], self.transfer)
        self.previewed = self.transfer.step_count
        return self.transfer

    def run(self):
        from tqdm import tqdm

        steps, done = self.job.settings["steps"], self.transfer.step_count
        bar = tqdm(total=steps, initial=done, unit="step", desc=self.job.output.name,
                   disable=self.quietly, file=Lasting(sys.stderr))  # fmt: skip

        def show(transfer):
            bar.update(transfer.step_count - bar.n)
            newest = transfer.latest
            bar.set_postfix(content=f"{newest['content']:.3g}", style=f"{newest['style']:.3g}")
            every = self.job.settings["preview_every"]
            if every and transfer.step_count - self.previewed >= every:
                self._save(stopped=True)
                self.previewed = transfer.step_count

        with bar:
            self.transfer.run(steps, show, self.job.settings["checkpoint"])

    def write(self, stopped=False):
        """The picture and the report; Ctrl-C waits for them."""
        from .transfer import deferred_interrupt

        if self.transfer.step_count == 0:
            return
        with deferred_interrupt() as again:
            self._save(stopped)
            if self.job.settings["report"]:
                with files.whole_file(self.job.settings["report"]) as file:
                    file.write(json.dumps(self._report(), indent=1).encode())
        if again and not stopped:  # others of a directory are not begun
            raise KeyboardInterrupt

    def _save(self, stopped):
        done = {"steps_done": self.transfer.step_count} if stopped else {}
        images.save(self.job.output, self.transfer.full_picture, self._settings() | done)

    def _settings(self):
        """What made the picture.  Pictures are shared, so local paths are not told: names only."""
        return {
            "content": files.public(self.job.content),
            "styles": [files.public(style) for style in self.job.styles],
            "size": self.job.settings["size"],
            "steps": self.job.settings["steps"],
            **_control(self.job),
            **self.transfer.settings,
            **(self.job.also or {}),
        }

    def _report(self):
        transfer = self.transfer
        try:
            with enough_memory():
                final = transfer.costs()
        except SettingError:  # it was memory that stopped the run
            final = transfer.latest
        return {
            "settings": self._settings(),
            "network": self.network.description,
            "steps_done": transfer.step_count,
            "seconds": round(time.monotonic() - self.started, 3),
            "costs": {name: row.tolist() for name, row in transfer.history.items()},
            "final": final,
        }


def make_transfer(job, network, content=None):
    """The `Transfer` that a job asks for.  content: its photograph, if it is loaded already."""
    from .transfer import Transfer

    given = job.settings
    layers = given["style_layers"] or network.style_layers
    weights = given["layer_weights"] or [1.0] * len(layers)
    if len(weights) != len(layers):
        raise SettingError(f"Give one of --layer-weights for each of {', '.join(layers)}.")
    names = ("alpha", "beta", "tv", "costs", "style_cost", "content_layer", "style_weights")
    names += ("init", "optimizer", "learning_rate", "levels", "keep_colors", "seed")
    content = images.load(job.content, given["size"]) if content is None else content
    return Transfer(
        content,
        [images.load(style, size) for style, size in job.style_sizes],
        network,
        layer_weights=dict(zip(layers, weights, strict=True)),
        **_masks(job, content),
        **{name: given[name] for name in names},
    )


def _masks(job, content):
    """The masks of a job as `Transfer` takes them."""
    if not job.settings["mask"]:
        return {}
    found = {"mask": masks.of_photograph(job.settings["mask"], content)}
    if job.style_masks:
        pairs = zip(job.style_masks, job.style_sizes, strict=True)
        found["style_masks"] = [
            one if one in masks.COLORS else masks.load(one, size) for one, (_, size) in pairs
        ]
    return found


def _control(job):
    """The settings that `Transfer` does not know, as far as they were given."""
    mask, style_masks = job.settings["mask"], job.style_masks
    found = {
        "style_scale": job.settings["style_scale"],
        "mask": mask and files.public(mask),
        "style_mask": style_masks and [files.public(one) for one in style_masks],
    }
    return {name: value for name, value in found.items() if value is not None}


@contextlib.contextmanager
def enough_memory():
    """TensorFlow's ways to say that memory ran out, as one sentence."""
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.AbortedError):
        raise SettingError("There is not enough memory for this: use a smaller --size.") from None
