"""Neural style transfer from a shell: python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path

from . import images
from .errors import OutputError, PictureError, SettingError, StyleTransferError


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(f"{message[0].upper()}{message[1:]}: see python -m helpers --help.")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """The default of every option that has one."""

    def _get_help_string(self, action):
        return action.help if action.default is None else super()._get_help_string(action)


def fail(message):
    sys.exit(_say(f"python -m helpers: {message}") or 2)


def parser():
    parse = _Parser(
        prog="python -m helpers",
        description="Paint CONTENT in the style of STYLE (Gatys, Ecker & Bethge 2016).",
        formatter_class=_Help,
    )
    add = parse.add_argument
    add("content", help="picture: a path, an http(s) address or a gallery name; or a directory")
    add("style", nargs="+", help="one or several pictures, likewise")
    add("--output", required=True, help=".png, .jpg or .webp; for a directory, a directory")
    add("--size", type=int, default=384, help="longest side in pixels")
    add("--steps", type=int, default=200, help="steps over all levels")
    levels = "coarse to fine: 3 is 1/4, 1/2, full size (default: 2 from 128 pixels on, else 1)"
    add("--levels", type=int, help=levels)
    add("--alpha", type=float, default=1.0, help="weight of the content cost")
    add("--beta", type=float, default=100.0, help="weight of the style cost")
    add("--tv", type=float, default=1e-3, help="weight of the total variation")
    add("--costs", default="relative", help="course, gatys, mse or relative")
    add("--network", default="auto", help="auto, vgg19, vgg16 or mini")
    add("--weights", help="file of the network's weights (.npz or .h5)")
    add("--pooling", default="max", help="max or average")
    add("--precision", default="auto", help="of the network: float32, bfloat16 or float16")
    add("--content-layer", help="layer of the content cost (default: block4_conv2, if it is there)")
    add("--style-layers", nargs="+", help="layers of the style cost (default: block*_conv1)")
    add("--layer-weights", nargs="+", type=float, help="one for each style layer (default: equal)")
    add("--style-weights", nargs="+", type=float, help="one for each STYLE (default: equal)")
    add("--init", default="content", help="start from content, noise or blank")
    add("--optimizer", default="lbfgs", help="lbfgs or adam")
    add("--learning-rate", type=float, default=12.0, help="of Adam, in pixel units of 0-255")
    add("--keep-colors", nargs="?", const="luminance", help="luminance (if alone) or histogram")
    add("--seed", type=int, default=0, help="of the noise")
    add("--checkpoint", help="file (.npz) rewritten while the run goes on")
    add("--resume", help="checkpoint to go on from")
    add("--preview-every", type=int, default=0, metavar="N", help="write OUT every N steps")
    add("--report", help="file (.json) for settings, network, costs per step and seconds")
    return parse


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        jobs = list_jobs(options)
        check_options(options, jobs)
        network = load_network(options)
        _say(network.description)
        styles = [images.load(style, options.size) for style in options.style]
        failures = [job for job in jobs if not _paint_or_say(job, styles, network, options, jobs)]
    except StyleTransferError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(_say("Stopped; pictures that are written stay.") or 130)
    if failures:
        fail(f"{len(failures)} of {len(jobs)} pictures could not be made.")


def list_jobs(options):
    """[(content, path of the picture to write)]: one job, or one for each file of a directory."""
    content, output = Path(options.content), Path(options.output)
    if not os.path.isdir(content):
        images.check_output(output)
        return [(options.content, output)]
    images.check_folder(output)
    try:
        files = sorted(p for p in content.iterdir() if p.suffix.lower() in images.READABLE)
    except OSError:
        raise PictureError(f"{content} may not be read: check its permissions.") from None
    if not files:
        raise PictureError(f"The directory {content} holds no picture: add some.")
    names = [file.stem for file in files]
    return [
        (file, output / f"{file.stem if names.count(file.stem) == 1 else file.name}.png")
        for file in files
    ]


def check_options(options, jobs):
    """What can be known before TensorFlow is loaded, so that mistakes show at once."""
    if options.steps < 1:
        raise SettingError(f"There are {options.steps} steps: use 1 or more.")
    for content, output in jobs:
        images.check_apart(output, content, *options.style)
    if options.preview_every < 0:
        raise SettingError(f"A preview every {options.preview_every} steps: use 0 or more.")
    for name, path in (("checkpoint", options.checkpoint), ("report", options.report)):
        if path and len(jobs) > 1:
            raise SettingError(f"--{name} is for one picture: leave it out for a directory.")
        if path:
            images.check_folder(Path(path).parent)
            if os.path.isdir(path):
                raise OutputError(f"{path} is a directory: give the name of a file.")
    if options.resume and len(jobs) > 1:
        raise SettingError("--resume is for one picture: leave it out for a directory.")
    layers = options.style_layers
    if options.layer_weights and layers and len(layers) != len(options.layer_weights):
        raise SettingError("Give one of --layer-weights for each of --style-layers.")


def load_network(options):
    with _quiet():
        import tensorflow as tf

        from . import vgg

        tf.config.list_physical_devices()  # looks for drivers now, while it is quiet

    asked = [options.content_layer] * bool(options.content_layer) + (options.style_layers or [])
    keywords = {
        "pooling": options.pooling,
        "weights": options.weights,
        "precision": options.precision,
    }
    network = vgg.load(options.network, None, **keywords)
    if not asked:
        return network
    # Defaults fill in what was not asked for, and depend on which network it turned out to be.
    layers = [options.content_layer or network.content_layer]
    layers += options.style_layers or network.style_layers
    described = network.description
    network = vgg.load(network.name, layers, **keywords)
    network.description = described
    return network


def _paint_or_say(job, styles, network, options, jobs):
    """One of several pictures may fail without taking the others along."""
    try:
        paint(*job, styles, network, options)
    except StyleTransferError as error:
        if len(jobs) == 1:
            raise
        _say(f"{job[0]}: {error}")
        return False
    return True


def paint(content, output, styles, network, options, also=None, quiet=False):
    """Paint one picture and write it; `also` is kept with its settings."""
    from tqdm import tqdm

    from .transfer import Transfer, deferred_interrupt

    started = time.monotonic()
    layers = options.style_layers or network.style_layers
    weights = options.layer_weights or [1.0] * len(layers)
    if len(weights) != len(layers):
        raise SettingError(f"Give one of --layer-weights for each of {', '.join(layers)}.")
    picture = images.load(content, options.size)
    with _enough_memory():
        transfer = Transfer(
            picture,
            styles,
            network,
            alpha=options.alpha,
            beta=options.beta,
            tv=options.tv,
            convention=options.costs,
            content_layer=options.content_layer,
            layer_weights=dict(zip(layers, weights, strict=True)),
            style_weights=options.style_weights,
            init=options.init,
            optimizer=options.optimizer,
            learning_rate=options.learning_rate,
            levels=options.levels,
            keep_colors=options.keep_colors,
            seed=options.seed,
        )
        if not quiet:
            _warn_of_memory(transfer)
        if options.resume:
            transfer.restore(options.resume)
    settings = {
        "content": str(content),
        "styles": options.style,
        "size": options.size,
        "steps": options.steps,
        **transfer.settings,
        **(also or {}),
    }

    def write(stopped=False):
        if transfer.step_count == 0:
            return
        done = {"steps_done": transfer.step_count} if stopped else {}
        with deferred_interrupt() as again:
            images.save(output, transfer.full_picture, settings | done)
            if options.report:
                report = {
                    "settings": settings,
                    "network": network.description,
                    "steps_done": transfer.step_count,
                    "seconds": round(time.monotonic() - started, 3),
                    "costs": {name: row.tolist() for name, row in transfer.history.items()},
                    "final": transfer.costs(),
                }
                with images.whole_file(options.report) as file:
                    file.write(json.dumps(report, indent=1).encode())
        if again and not stopped:  # others of a directory are not begun
            raise KeyboardInterrupt

    previewed = transfer.step_count
    done = transfer.step_count
    bar = tqdm(total=options.steps, initial=done, unit="step", desc=output.name, disable=quiet)

    def show(transfer):
        nonlocal previewed
        bar.update(transfer.step_count - bar.n)
        newest = transfer.latest
        bar.set_postfix(content=f"{newest['content']:.3g}", style=f"{newest['style']:.3g}")
        if options.preview_every and transfer.step_count - previewed >= options.preview_every:
            done = {"steps_done": transfer.step_count}
            images.save(output, transfer.full_picture, settings | done)
            previewed = transfer.step_count

    try:
        with bar, _enough_memory():
            transfer.run(options.steps, show, options.checkpoint)
    except KeyboardInterrupt:
        write(stopped=True)
        sys.exit(
            _say(f"Stopped after {transfer.step_count} steps; {output} is the picture so far.")
            or 130
        )
    except StyleTransferError:
        write(stopped=True)  # diverged, or no memory left: the last good picture is worth having
        raise
    write()
    if not quiet:
        _say(f"{output} was painted in {time.monotonic() - started:.0f} s.")


@contextlib.contextmanager
def _enough_memory():
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise SettingError("There is not enough memory for this: use a smaller --size.") from None


def _warn_of_memory(transfer):
    """A process that runs out of memory is killed without a word, so the word comes before."""
    import psutil
    import tensorflow as tf

    needed, free = transfer.memory_needed(), psutil.virtual_memory().available
    if needed > free and not tf.config.list_physical_devices("GPU"):
        _say(
            f"This run needs about {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are "
            "free: if it is stopped by the system, use a smaller --size."
        )


def _say(line):
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _quiet():
    """Hide what TensorFlow's C++ start-up prints about drivers that are not there."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    main()
