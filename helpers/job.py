"""One job → one file: a spec, and where its painting goes.  It is checked, painted and written."""

import contextlib
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
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
    "resume": Option("resume", None, "checkpoint to go on from"),
    "preview_every": Option("preview_every", 0, "steps between previews, which go to OUT", int),
    "report": Option("report", None, "file (.json) for options, costs of every step and seconds"),
}
AGAIN = Option("again", 20, "steps of each frame but the first", int, least=1)


@dataclass(frozen=True)
class Job:
    """One picture or film to paint: what, and the files of the run.

    checkpoint, resume, preview_every, report: see OPTIONS.  again: see AGAIN; None where the
    content is no film.  also: kept with the picture's metadata.  where: " of line 3", in sentences.
    """

    spec: TransferSpec
    output: Path
    checkpoint: str | None = None
    resume: str | None = None
    preview_every: int = 0
    report: str | None = None
    again: int | None = None
    also: dict | None = None
    where: str = ""

    def reads(self, known: dict) -> list[tuple[str, object]]:
        """[(label, path or address)] of what painting will read.  known: `images.gallery()`."""
        spec, found = self.spec, []
        pictures = animation.frame_files(spec.content) if self.again else [spec.content]
        pictures += [*spec.styles, spec.mask, *(spec.style_mask or ())]
        for name in pictures:
            if name and name not in (*masks.PARTS, *masks.COLORS):
                found.append((f"a picture{self.where}", known.get(name, name)))
        if weights := spec.weights or os.environ.get("NST_WEIGHTS"):
            found.append(("the file of weights", weights))
        if self.resume and not self.goes_on:
            found.append((f"the checkpoint to resume{self.where}", self.resume))
        return found

    @property
    def writes(self) -> list[tuple[str, object]]:
        """[(label, path)] of what painting will write."""
        found = [("output", self.output), ("checkpoint", self.checkpoint), ("report", self.report)]
        return [(f"the {label}{self.where}", path) for label, path in found if path]

    @property
    def goes_on(self) -> bool:
        """Whether the checkpoint to write is the one to resume: what both together are for."""
        both = self.checkpoint and self.resume
        return bool(both) and files.check_file(self.checkpoint) == files.check_file(self.resume)

    def check(self) -> None:
        """What can be known of the job by itself, before any work.  Raises StyleTransferError."""
        (animation.check_film if self.again else images.check_output)(self.output)
        taken = self.checkpoint and os.path.lexists(files.resolve(self.checkpoint))
        if taken and not self.goes_on:
            raise OutputError(
                f"{self.checkpoint} exists: go on from it with --resume, or give another name."
            )
        if self.report and not _is_free_for_a_report(files.resolve(self.report)):
            raise OutputError(f"{self.report} exists and is not a report: give another name.")
        if self.resume:
            with quiet():
                from . import checkpoint  # and with it TensorFlow
            planned = checkpoint.peek(self.resume)[0].steps
            if self.spec.steps < planned:
                raise CheckpointError(
                    f"{self.resume} was begun for {planned} steps: resume it with as many or more."
                )


def _is_free_for_a_report(path):
    try:
        there = os.path.lexists(path)
        return not there or "steps_done" in json.loads(files.readable(path).read_bytes())
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def check(jobs: Iterable[Job], reads: Iterable = ()) -> None:
    """What can be known of jobs before any work, also that none writes what one of them reads.

    reads: (label, path) of what is read besides.  Raises a StyleTransferError.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend not in ("", "tensorflow"):
        raise SettingError(f"KERAS_BACKEND is {backend!r}: unset it, for this needs tensorflow.")
    known, reads, writes = images.gallery(), list(reads), []
    for job in jobs:
        job.check()
        reads += job.reads(known)
        writes += job.writes
    files.check_paths(reads, writes)


def load_network(spec: TransferSpec):
    """The network of a spec, with the layers that it names, or else Gatys'; each is loaded once."""
    layers = (spec.content_layer or "content", *(spec.style_layers or ("style",)))
    return _network(spec.network, layers, spec.pooling, spec.weights, spec.precision)


@functools.cache
def _network(name, layers, *how):
    with quiet():
        import tensorflow as tf

        from . import vgg

        tf.config.list_physical_devices()  # looks for drivers now, while it is quiet
    network = vgg.load(name, list(layers), *how)
    say(network.description)
    return network


def paint(job: Job) -> None:
    """Paint one picture or film and write it.

    Raises KeyboardInterrupt with a sentence, or a StyleTransferError, after what is painted so far
    is written.
    """
    started, spec, painted, stop = time.monotonic(), job.spec, [], None
    network = load_network(spec)  # before anything else that needs TensorFlow, which it quiets
    from . import checkpoint

    check_memory(job, network)
    with enough_memory():
        if job.again:
            frames, milliseconds, loop = animation.load(spec.content, spec.size)
        else:
            picture, opacity = images.load_with_opacity(spec.content, spec.size)
            frames = [picture]
        run = spec.transfer(network, frames[0])
        if job.resume:
            checkpoint.restore(job.resume, run)

    def encoded(path, pictures, stopped):
        if job.again:
            return animation.encoded(path, pictures, milliseconds[: len(pictures)], loop)
        done = {"steps_done": run.step_count} if stopped else {}
        return images.encoded(path, pictures[0], _metadata(job, run) | done, opacity)

    def write(path, pictures, stopped):
        files.write(path, encoded(path, pictures, stopped))

    # What its format cannot hold is refused now, and not when it is painted.
    encoded(job.output, [np.full_like(f, 255 * (i % 2)) for i, f in enumerate(frames)], True)
    new_checkpoint = job.checkpoint and not job.goes_on
    if new_checkpoint:
        files.claim(job.checkpoint)  # of two runs that begin at once it is one's
    with deferred_interrupt() as interrupted:
        try:
            if new_checkpoint:
                checkpoint.save(job.checkpoint, run)
            with enough_memory():
                _run(job, run, lambda: write(job.output, [run.full_picture], True))
                for picture in animation.follow(run, frames, job.again):
                    painted.append(picture)
                    if job.again:
                        say(f"{len(painted)} of {len(frames)} frames are painted.")
                    if interrupted and len(painted) < len(frames):
                        raise KeyboardInterrupt
        except (KeyboardInterrupt, StyleTransferError) as error:
            stop = error  # a StyleTransferError: diverged, or no memory left
        if run.step_count:
            painted = painted or [run.full_picture]
            sentences = _rescued(job.output, lambda path: write(path, painted, bool(stop)))
            if job.report:
                report = _report(job, run, started)
                sentences += _rescued(Path(job.report), lambda path: files.write(path, report))
            if sentences:
                raise OutputError(" ".join(sentences))
        elif new_checkpoint:
            os.unlink(files.resolve(job.checkpoint))
    if isinstance(stop, StyleTransferError):
        raise stop
    if stop or interrupted:  # others of a directory are not begun
        kept = f"Stopped after {run.step_count} steps; {job.output} is what was painted so far."
        raise KeyboardInterrupt(kept if stop and run.step_count else "")
    height, width = run.content.shape[:2]
    sentence = f"{job.output}: {width} × {height} pixels, {time.monotonic() - started:.0f} s"
    sentence += ", content cost {content:.3g}, style cost {style:.3g}.".format(**run.latest)
    if job.again and (moved := animation.flicker(painted, frames)) is not None:
        sentence += f" It flickers by {moved:.1f} gray levels where nothing moves."
    say(sentence)


def _run(job, run, preview):
    previewed = run.step_count
    shown = {"desc": job.output.name, "unit": "step", "file": Lasting(sys.stderr)}
    bar = tqdm(total=job.spec.steps, initial=run.step_count, disable=None, **shown)

    def show(run):
        nonlocal previewed
        bar.update(run.step_count - bar.n)
        bar.set_postfix({name: f"{run.latest[name]:.3g}" for name in ("content", "style")})
        if job.preview_every and run.step_count - previewed >= job.preview_every:
            preview()
            previewed = run.step_count

    with bar:
        run.run(job.spec.steps, show, job.checkpoint)


def _rescued(output: Path, write: Callable) -> list[str]:
    """write(path) with output, or else, so that no work is lost, with a new name beside it, in the
    working directory or among temporary files; returns the sentence that says so, if any."""
    try:
        write(output)
        return []
    except OutputError as error:
        for folder in (lambda: files.resolve(output).parent, Path.cwd, tempfile.gettempdir):
            names = (f"{output.stem[:99]}_rescued{n}{output.suffix}" for n in ("", *range(2, 1000)))
            with contextlib.suppress(OSError):  # an OutputError, or a folder that is gone or closed
                found = Path(folder())
                place = next(found / name for name in names if not (found / name).exists())
                write(place)
                return [f"{error} It is in {place}."]
        return [str(error)]


def _metadata(job, run):
    return run.spec.metadata() | (job.also or {})


def _report(job, run, started):
    """The bytes of a report."""
    final = run.latest
    with contextlib.suppress(SettingError), enough_memory():  # which may have stopped the run
        final = run.costs()
    report = {
        "settings": _metadata(job, run),
        "network": run.network.description,
        "steps_done": run.step_count,
        "seconds": round(time.monotonic() - started, 3),
        "costs": {name: row.tolist() for name, row in run.history.items()},
        "final": final,
    }
    return json.dumps(report, indent=1).encode()


# Memory.


@contextlib.contextmanager
def enough_memory():
    """TensorFlow's ways to say that memory ran out, as one sentence."""
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.AbortedError):
        raise SettingError("There is not enough memory for this: use a smaller --size.") from None


def check_memory(job: Job, network) -> None:
    """A process that runs out of memory is killed without a word, so the word comes before.

    Raises SettingError where the machine has less than the run needs.
    """
    import psutil
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    needed, memory = _bytes_needed(job, network), psutil.virtual_memory()
    sentence = f"This run needs about {needed / 1e9:.1f} GB of memory and "
    if needed > memory.total + psutil.swap_memory().total:
        there = f"this machine has {memory.total / 1e9:.1f} GB: use a smaller --size."
        raise SettingError(sentence + there)
    if needed > memory.available:
        free = f"{memory.available / 1e9:.1f} GB are free: "
        say(f"{sentence}{free}if it is stopped by the system, use a smaller --size.")


def _bytes_needed(job, network):
    """Bytes that a step takes, and the frames of a film as they are and as they are painted."""
    area, values = 1.0, []  # of each layer, for a pixel of the picture
    for layer in network.model.layers:
        area /= 4 if "pool" in layer.name else 1
        values.append(area * layer.output.shape[-1])
    # On the way back all activations are there, and the widest one a few times more: gradients
    # before and after the relu and of each cost, and float32 for the Gram matrix.
    size = 4 if network.precision == "float32" else 2
    step = size * (sum(values) + 4 * max(values)) + 4 * max(values)
    step += 12 * {"lbfgs": 90, "adam": 12}[job.spec.optimizer]  # pictures, old and new at once
    if job.spec.style_cost == "wasserstein":  # sorted slices
        layers = (network.layers[name] for name in network.style_layers)
        step += 4 * 6.2 * sum(layer.channels / layer.stride**2 for layer in layers)
    height, width, frames = _look(job)
    return height * width * (step + 24 * frames)


def _look(job):
    """(height, width, frames) of what will be painted; of an address, a square."""
    content, size = job.spec.content, job.spec.size
    with contextlib.suppress(StyleTransferError, OSError):
        found = animation.frame_files(images.gallery().get(content, content))
        with opened(found[0], content) as image:
            scale = size / max(image.size) if size else 1
            frames = max(len(found), getattr(image, "n_frames", 1)) if job.again else 1
            return image.height * scale, image.width * scale, frames
    return size or 1, size or 1, 1
