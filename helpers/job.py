"""One job → one file: a spec, and where its painting goes.  It is checked, painted and written."""

import contextlib
import functools
import json
import math
import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from . import animation, files, images
from .decode import opened
from .errors import CheckpointError, OutputError, SettingError, StyleTransferError
from .interrupts import deferred_interrupt
from .settings import Option, TransferSpec
from .terminal import quiet, say

# Options of one run, beside those of `settings.TransferSpec`, which decide the painting.
RUN_FILES = {
    "checkpoint": Option(
        "checkpoint", None, "file (.npz) to which the run is saved about once a minute"
    ),
    "resume": Option("resume", None, "checkpoint to go on from"),
    "report": Option(
        "report", None, "file (.json) for the options, the costs of every step and the seconds"
    ),
}
AGAIN = Option("again", 20, "steps of each frame after the first", int, least=1)


@dataclass(frozen=True)
class Job:
    """One picture or film to paint: what, and the files of the run.

    checkpoint, resume, report: see RUN_FILES.  again: see AGAIN; None where the content is no film.
    also: kept with the picture's metadata.  where: " of line 3", in sentences.
    """

    spec: TransferSpec
    output: Path
    checkpoint: str | None = None
    resume: str | None = None
    report: str | None = None
    again: int | None = None
    also: dict | None = None
    where: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether the checkpoint to write is the one to resume: what both together are for."""
        places = [files.resolve(path) for path in (self.checkpoint, self.resume) if path]
        return len(places) == 2 and os.path.realpath(places[0]) == os.path.realpath(places[1])

    def check(self) -> None:
        """What can be known of the job by itself, before any work.  Raises StyleTransferError."""
        files.check_output(self.output, *(animation.FILM if self.again else images.PICTURE))
        taken = self.checkpoint and os.path.lexists(files.resolve(self.checkpoint))
        if taken and not self.goes_on:
            raise OutputError(
                f"{self.checkpoint} exists: go on from it with --resume, or give another name."
            )
        if self.report and not _is_free_for_a_report(files.resolve(self.report)):
            raise OutputError(f"{self.report} exists and is not a report: give another name.")

    def reads(self) -> list:
        """The names of what painting will read, or None, but for a checkpoint that goes on."""
        spec = self.spec
        found = animation.frame_files(spec.content) if self.again else [spec.content]
        found += [*spec.styles, spec.mask, *(spec.style_mask or ())]
        found += [spec.weights or os.environ.get("NST_WEIGHTS")]
        return found if self.goes_on else [*found, self.resume]


def _is_free_for_a_report(path):
    with contextlib.suppress(OutputError):
        data = files.readable(path, OutputError).read_bytes()
        return data.startswith(b"{") and b'"steps_done"' in data  # which a picture may hold, too
    return not os.path.lexists(path)


def check(jobs: Iterable[Job], reads: Iterable = ()) -> None:
    """What can be known of jobs before any work, also that none writes what one of them reads.

    reads: (label, path) of what is read besides.  Raises a StyleTransferError.
    """
    known, reads, writes = images.gallery(), list(reads), []
    for job in jobs:
        job.check()
        reads += [(f"a source{job.where}", known.get(name, name)) for name in job.reads() if name]
        for name in ("output", "checkpoint", "report"):
            if path := getattr(job, name):
                writes.append((f"the {name}{job.where}", path))
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
    started, painted, stop = time.monotonic(), [], None
    network = load_network(job.spec)  # before anything else that needs TensorFlow, which it quiets
    from . import checkpoint

    check_memory(job, network)
    with enough_memory():
        frames, encoded = _load(job)
        run = job.spec.transfer(network, frames[0])
        if job.resume:
            checkpoint.restore(job.resume, run)
            if job.spec.steps < run.plan[-1]:
                begun = f"{job.resume} was begun for {run.plan[-1]} steps"
                raise CheckpointError(f"{begun}: resume it with as many --steps or more.")

    about = run.spec.metadata() | (job.also or {})

    def write(path):
        done = {"steps_done": run.step_count} if stop else {}
        files.write(path, encoded(path, painted, about | done))

    # What its format cannot hold is refused now, and not when it is painted.
    encoded(job.output, frames, about | {"steps_done": 0})
    with deferred_interrupt() as interrupted, _checkpoint_of(job, run):
        try:
            with enough_memory():
                _run(job, run)
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
            sentences = _rescued(job.output, write)
            if job.report:
                report = _report(about, run, time.monotonic() - started)
                sentences += _rescued(Path(job.report), lambda path: files.write(path, report))
            if sentences:
                raise OutputError(" ".join(sentences))
    if isinstance(stop, StyleTransferError):
        raise stop
    if stop or interrupted:  # others of a directory are not begun
        kept = f"Stopped after {run.step_count} steps; {job.output} is what was painted so far."
        raise KeyboardInterrupt(kept if stop and run.step_count else "")
    height, width = run.content.shape[:2]
    sentence = f"{job.output}: {width} × {height} pixels, {time.monotonic() - started:.0f} s"
    say(sentence + ", content cost {content:.3g}, style cost {style:.3g}.".format(**run.latest))


def _load(job):
    """(frames, a function: path, paintings of them, metadata → the bytes of a file)."""
    content, size = job.spec.content, job.spec.size
    if job.again:
        frames, *timing = animation.load(content, size)
        return frames, lambda path, found, _: animation.encoded(path, found, *timing)
    picture, opacity = images.load_with_opacity(content, size)
    return [picture], lambda path, found, about: images.encoded(path, found[0], about, opacity)


@contextlib.contextmanager
def _checkpoint_of(job, run):
    """Begins the job's checkpoint, if it has one; a run that painted nothing leaves none."""
    from . import checkpoint

    if not job.checkpoint or job.goes_on:
        yield
        return
    files.claim(job.checkpoint)  # of two runs that begin at once it is one's
    try:
        checkpoint.save(job.checkpoint, run)
        yield
    finally:
        if not run.step_count:
            os.unlink(files.resolve(job.checkpoint))


def _run(job, run):
    """All steps of the first frame, or of the only one, with a bar if this is a terminal."""
    shown = {"desc": job.output.name, "unit": "step", "disable": None}
    with tqdm(total=job.spec.steps, initial=run.step_count, **shown) as bar:

        def show(run):
            bar.update(run.step_count - bar.n)
            bar.set_postfix({name: f"{run.latest[name]:.3g}" for name in ("content", "style")})

        run.run(job.spec.steps, show, job.checkpoint)


def _rescued(path: Path, write: Callable) -> list[str]:
    """write(path), or else, so that no work is lost, to a new name beside it or in the working
    directory; returns the sentence that says so, if any."""
    try:
        write(path)
        return []
    except OutputError as error:
        name = f"{path.stem[:99]}_rescued_{secrets.token_hex(3)}{path.suffix}"
        for place in (path.with_name(name), Path(name)):
            with contextlib.suppress(OutputError):
                write(place)
                return [f"{error} It was saved as {files.resolve(place)} instead."]
        return [str(error)]


def _report(about, run, seconds):
    """The bytes of a report."""
    report = {
        "settings": about,
        "network": run.network.description,
        "steps_done": run.step_count,
        "seconds": round(seconds, 3),
        "costs": {name: row.tolist() for name, row in run.history.items()},
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

    Raises SettingError where the machine has less than a step, and the frames of a film, need.
    """
    import psutil
    import tensorflow as tf

    from .optimizers import OPTIMIZERS

    if tf.config.list_physical_devices("GPU"):
        return
    area, values = 1.0, []  # of each layer, for a pixel of the picture
    for layer in network.model.layers:
        area /= 4 if "pool" in layer.name else 1
        values.append(area * layer.output.shape[-1])
    # All activations, and the widest a few times: gradients, and float32 for the Gram matrix; then
    # the optimizer's pictures, old and new at once.
    size, most = (4 if network.precision == "float32" else 2), max(values)
    step = size * (sum(values) + 4 * most) + 4 * most
    step *= 2 if job.spec.style_cost == "wasserstein" else 1  # sorted slices
    state = OPTIMIZERS[job.spec.optimizer].begin(tf.zeros((1, 8, 8, 3)), ["total"])
    step += 2 * 4 * sum(leaf.numpy().size for leaf in tf.nest.flatten(state)) / 8**2  # old and new
    pixels, frames = _pixels(job.spec.content, job.spec.size, job.again)
    sizes = zip(job.spec.styles, job.spec.style_sizes(pixels**0.5), strict=True)
    styles = max(_pixels(*pair)[0] for pair in sizes)  # without a gradient, which is half a step
    needed = max(pixels * (step + 24 * frames), styles * step / 2) / 1e9
    memory, limit = psutil.virtual_memory(), _limit() / 1e9
    sentence = f"This run needs about {needed:.1f} GB of memory"
    if needed > min(limit, (memory.total + psutil.swap_memory().total) / 1e9):
        there = min(limit, memory.total / 1e9)
        raise SettingError(f"{sentence} and there are {there:.1f} GB: use a smaller --size.")
    if needed > memory.available / 1e9:
        say(f"{sentence}, more than is free: if the system stops it, use a smaller --size.")


def _limit():
    """The bytes of memory that Linux allows this process and its container."""
    groups, found = Path("/proc/self/cgroup"), [math.inf]
    for line in groups.read_text().splitlines() if groups.exists() else ():
        _, kind, group = line.split(":", 2)
        name = "memory.limit_in_bytes" if kind else "memory.max"  # of version 1 and 2
        for place in ("", group):
            with contextlib.suppress(OSError, ValueError):  # no such file; no limit
                found.append(int(Path(f"/sys/fs/cgroup/{kind}{place}/{name}").read_text()))
    return min(found)


def _pixels(source, size, film=None):
    """(pixels of what will be painted, frames of a film); of an address, those of a square."""
    with contextlib.suppress(StyleTransferError, OSError):
        found = animation.frame_files(images.gallery().get(source, source))
        with opened(found[0], source) as image:
            scale = size / max(image.size) if size else 1
            frames = max(len(found), getattr(image, "n_frames", 1)) if film else 1
            return image.height * image.width * scale**2, frames
    return (size or 1) ** 2, 1
