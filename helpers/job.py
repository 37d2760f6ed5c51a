"""One job → one file: a spec, and where its painting goes.  It is checked, painted and written."""

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from . import animation, files, images, masks
from .decode import opened
from .errors import CheckpointError, OutputError, SettingError, StyleTransferError
from .interrupts import deferred_interrupt
from .settings import Option, TransferSpec
from .terminal import Lasting, quiet, say

# Options of one run, beside those of `settings.TransferSpec`, which decide the painting.
OPTIONS = {
    "checkpoint": Option("checkpoint", None, "file (.npz) that keeps the run, about once a minute"),
    "resume": Option("resume", None, "checkpoint to go on from", title="checkpoint to resume"),
    "preview_every": Option(
        "preview_every", 0, "steps between previews, which go to OUT", int, "preview interval"
    ),
    "report": Option("report", None, "file (.json) for options, costs of every step and seconds"),
}


@dataclass(frozen=True)
class Job:
    """One picture to paint: what, and the files of the run.

    checkpoint, resume, preview_every, report: see OPTIONS.  also: kept with the picture's metadata.
    whose: "the", or "line 3's", when a sentence speaks of its files.
    """

    spec: TransferSpec
    output: Path
    checkpoint: str | None = None
    resume: str | None = None
    preview_every: int = 0
    report: str | None = None
    also: dict | None = None
    whose: str = "the"

    def reads(self, known: dict) -> list[tuple[str, object]]:
        """[(label, path or address)] of what painting will read.  known: `images.gallery()`."""
        spec = self.spec
        found = [("content", spec.content), *(("style", style) for style in spec.styles)]
        found += [("mask", m) for m in (spec.mask, *(spec.style_mask or ())) if m]
        found = [(n, known.get(s, s)) for n, s in found if s not in (*masks.PARTS, *masks.COLORS)]
        if weights := spec.weights or os.environ.get("NST_WEIGHTS"):
            found.append(("file of weights", weights))
        # To go on in the same checkpoint is what both options together are for.
        if self.resume and not self._goes_on:
            found.append(("checkpoint to resume", self.resume))
        return [(f"{self.whose} {label}", path) for label, path in found]

    @property
    def writes(self) -> list[tuple[str, object]]:
        """[(label, path)] of what painting will write."""
        found = [("output", self.output), ("checkpoint", self.checkpoint), ("report", self.report)]
        return [(f"{self.whose} {label}", path) for label, path in found if path]

    @property
    def _goes_on(self):
        """Whether the checkpoint to write is the one to resume."""
        both = self.checkpoint and self.resume
        return both and files.check_file(self.checkpoint) == files.check_file(self.resume)

    def check(self) -> None:
        """What can be known of the job by itself, before any work.  Raises StyleTransferError."""
        images.check_output(self.output)
        for _, path in self.writes[1:]:
            files.check_file(path)
        taken = self.checkpoint and os.path.lexists(files.resolve(self.checkpoint))
        if taken and not self._goes_on:
            raise OutputError(
                f"{self.checkpoint} exists already: go on from it with --resume, or give another "
                "name."
            )
        if self.report and not _is_free_for_a_report(files.resolve(self.report)):
            raise OutputError(f"{self.report} exists and is not a report: give another name.")
        if self.resume:
            from . import checkpoint  # and with it TensorFlow

            planned = checkpoint.peek(self.resume)[0].steps
            if self.spec.steps < planned:
                raise CheckpointError(
                    f"{self.resume} was begun for {planned} steps: resume it with as many or more."
                )


def _is_free_for_a_report(path):
    try:
        return not os.path.lexists(path) or "steps_done" in json.loads(path.read_bytes())
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def check(jobs: Iterable[Job], reads: Iterable = ()) -> None:
    """What can be known of jobs together: that none writes what one of them reads or writes.

    reads: (label, path) of what is read besides.  Raises a StyleTransferError.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend not in ("", "tensorflow"):
        raise SettingError(f"KERAS_BACKEND is {backend!r}: unset it, for this needs tensorflow.")
    jobs, known = list(jobs), images.gallery()
    reads = [*reads, *(pair for job in jobs for pair in job.reads(known))]
    files.check_paths(reads, [pair for job in jobs for pair in job.writes])


def load_network(spec: TransferSpec):
    """The network of a spec, with the layers that it names, or else Gatys'."""
    with quiet():
        import tensorflow as tf

        from . import vgg

        tf.config.list_physical_devices()  # looks for drivers now, while it is quiet
    layers = [spec.content_layer or "content", *(spec.style_layers or ["style"])]
    return vgg.load(spec.network, layers, spec.pooling, spec.weights, spec.precision)


def paint(job: Job, network, quietly: bool = False) -> None:
    """Paint one picture and write it.

    Raises KeyboardInterrupt with a sentence, or a StyleTransferError, after the picture so far
    is written.
    """
    from . import checkpoint

    started, stop = time.monotonic(), None
    check_memory(job.spec, network, quietly)
    with enough_memory():
        run = job.spec.transfer(network)
        if job.resume:
            checkpoint.restore(job.resume, run)
    # What its format cannot hold is refused now, and not when it is painted.
    images.encoded(job.output, np.zeros_like(run.content), _metadata(job, run))
    with deferred_interrupt() as interrupted:
        try:
            with enough_memory():
                _run(job, run, quietly)
        except (KeyboardInterrupt, StyleTransferError) as error:
            stop = error  # a StyleTransferError: diverged, or no memory left
        if run.step_count:
            _write(job, run, started, stopped=stop is not None)
    if isinstance(stop, StyleTransferError):
        raise stop
    if stop or interrupted:  # others of a directory are not begun
        kept = f"Stopped after {run.step_count} steps; {job.output} is the picture so far."
        raise KeyboardInterrupt(kept if stop and run.step_count else "")
    if not quietly:
        height, width = run.content.shape[:2]
        latest = run.latest
        say(
            f"{job.output}: {width} × {height} pixels, {time.monotonic() - started:.0f} s, content "
            f"cost {latest['content']:.3g}, style cost {latest['style']:.3g}."
        )


def _run(job, run, quietly):
    previewed = run.step_count
    shown = {"desc": job.output.name, "unit": "step", "file": Lasting(sys.stderr)}
    bar = tqdm(total=job.spec.steps, initial=run.step_count, disable=quietly, **shown)

    def show(run):
        nonlocal previewed
        bar.update(run.step_count - bar.n)
        newest = run.latest
        bar.set_postfix(content=f"{newest['content']:.3g}", style=f"{newest['style']:.3g}")
        if job.preview_every and run.step_count - previewed >= job.preview_every:
            _save(job, run, stopped=True)
            previewed = run.step_count

    with bar:
        run.run(job.spec.steps, show, job.checkpoint)


def _write(job, run, started, stopped):
    try:
        rescued(job.output, lambda path: _save(job, run, stopped, path))
    finally:
        if job.report:
            report = json.dumps(_report(job, run, started), indent=1)
            files.write(job.report, report.encode())


def rescued(output: Path, write) -> None:
    """write(path) with output, or else, so that no work is lost, with a new name beside it or in
    the working directory; the error then says where it is."""
    try:
        write(output)
    except OutputError as error:
        for folder in (files.resolve(output).parent, Path.cwd()):
            names = (f"{output.stem[:99]}_rescued{n}{output.suffix}" for n in ("", *range(2, 1000)))
            place = folder / next(name for name in names if not (folder / name).exists())
            with contextlib.suppress(OutputError):
                write(place)
                raise StyleTransferError(f"{error} It is in {place}.") from error
        raise


def _save(job, run, stopped, path=None):
    done = {"steps_done": run.step_count} if stopped else {}
    images.save(path or job.output, run.full_picture, _metadata(job, run) | done)


def _metadata(job, run):
    return run.spec.metadata() | (job.also or {})


def _report(job, run, started):
    try:
        with enough_memory():
            final = run.costs()
    except SettingError:  # it was memory that stopped the run
        final = run.latest
    return {
        "settings": _metadata(job, run),
        "network": run.network.description,
        "steps_done": run.step_count,
        "seconds": round(time.monotonic() - started, 3),
        "costs": {name: row.tolist() for name, row in run.history.items()},
        "final": final,
    }


# Memory.


@contextlib.contextmanager
def enough_memory():
    """TensorFlow's ways to say that memory ran out, as one sentence."""
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.AbortedError):
        raise SettingError("There is not enough memory for this: use a smaller --size.") from None


def bytes_of_step(network, shape: tuple, optimizer: str = "lbfgs", style_cost: str = "gram") -> int:
    """Bytes that a step with a picture of this shape (height, width, …) takes, about."""
    import tensorflow as tf

    area, values = 1.0, []  # of each layer, for a pixel of the picture
    for layer in network.model.layers:
        area /= 4 if "pool" in layer.name else 1
        values.append(area * layer.output.shape[-1])
    size = tf.as_dtype(network.precision).size
    # On the way back all activations are there, and the widest one a few times more: gradients
    # before and after the relu and of each cost, and float32 for the Gram matrix.
    activations = size * (sum(values) + 4 * max(values)) + 4 * max(values)
    pictures = 3 * 4 * {"lbfgs": 90, "adam": 12}[optimizer]  # old and new memory at once
    layers = (network.layers[name] for name in network.style_layers)
    described = sum(layer.channels / layer.stride**2 for layer in layers)
    sorted_slices = 4 * 6.2 * described if style_cost == "wasserstein" else 0
    return round(math.prod(shape[:2]) * (activations + pictures + sorted_slices))


def check_memory(spec: TransferSpec, network, quietly: bool = False, film: bool = False) -> None:
    """A process that runs out of memory is killed without a word, so the word comes before.

    film: whether the content is one: its frames are held as they are and painted.  Raises
    SettingError where the machine has less than the run needs.
    """
    import psutil
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    height, width, frames = _look(spec)
    needed = bytes_of_step(network, (height, width), spec.optimizer, spec.style_cost)
    needed += 2 * 3 * 4 * height * width * frames * film
    memory = psutil.virtual_memory()
    sentence = f"This run needs about {needed / 1e9:.1f} GB of memory and "
    if needed > memory.total + psutil.swap_memory().total:
        there = f"this machine has {memory.total / 1e9:.1f} GB: use a smaller --size."
        raise SettingError(sentence + there)
    if needed > memory.available and not quietly:
        free = f"{memory.available / 1e9:.1f} GB are free: "
        say(f"{sentence}{free}if it is stopped by the system, use a smaller --size.")


def _look(spec):
    """(height, width, frames) of the photograph or film once it is loaded; 1, where a look cannot
    tell, and the sides of a square."""
    width = height = frames = 1
    with contextlib.suppress(StyleTransferError, OSError):
        source = files.resolve(images.gallery().get(spec.content, spec.content))
        pictures = animation.pictures_in(source) if os.path.isdir(source) else [source]
        with opened(files.readable(pictures[0]), spec.content) as image:
            width, height = image.size
            frames = max(len(pictures), getattr(image, "n_frames", 1))
    scale = spec.size / max(width, height) if spec.size else 1
    return round(height * scale), round(width * scale), frames
