"""A film, painted frame by frame: python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif

FILM is an animated GIF or WebP file, or a directory with a picture for each frame.  It takes the
options of `python -m helpers`, but for those that speak of one run's files.  Each frame begins as
the last one's painting, so strokes stay where the camera stands still; --again says how many steps
each frame after the first one has.
"""

import argparse
import io
import itertools
from pathlib import Path

import numpy as np
from PIL import ImageSequence

from . import files, flipbook, images, settings
from .errors import PictureError
from .paint import Job, check, load_network, make_transfer
from .terminal import Parser, command, say

PROG = "python -m helpers.film"
AGAIN = 20  # steps of each frame after the first one
OF_FILES = ("checkpoint", "resume", "preview_every", "report")
STILL = 8.0  # grey levels: what changes by less from frame to frame stands still


def load(path, size):
    """(frames, milliseconds of one): pictures (height, width, 3) in 0–255, two or more.

    size: the longest side.  Raises PictureError for a film that cannot be read.
    """
    found = files.resolve(path, PictureError)
    if found.is_dir():
        frames, milliseconds = [images.load(p, size) for p in _pictures_in(found)], 100
    else:
        frames, milliseconds = _animated(path, size)
    if len(frames) < 2:
        raise PictureError(f"{path} has {len(frames)} pictures: a film needs two or more.")
    if len({frame.shape for frame in frames}) > 1:
        raise PictureError(f"The pictures in {path} have several sizes: a film needs one.")
    return frames, milliseconds


def _pictures_in(directory):
    return sorted(p for p in directory.iterdir() if p.suffix.lower() in images.READABLE)


def _animated(path, size):
    frames = []
    with images.opened(files.readable(path, PictureError, "film"), str(path)) as film:
        for frame in ImageSequence.Iterator(film):
            buffer = io.BytesIO()
            frame.convert("RGBA").save(buffer, "png")
            frames.append(images.load(buffer.getvalue(), size))
        return frames, round(film.info.get("duration") or 100)  # WebP knows it with the last frame


def follow(run, frames, again=AGAIN):
    """Each frame's painting in turn, (height, width, 3).

    run: a `transfer.Transfer` that has painted the first frame.  again: steps of each further one,
    which begins as the last painting plus what has changed in the film.
    """
    yield run.picture
    for before, frame in itertools.pairwise(frames):
        run.next_content(frame, run.picture + (frame - before))
        run.step(again)
        yield run.picture


def flicker(paintings, frames, still=STILL):
    """How much the paintings change from frame to frame where the film does not, in grey levels.

    The mean over all pixels of two neighbouring frames that differ by less than `still`; nan if
    there are none.
    """
    changes = []
    for i in range(1, len(frames)):
        stands = np.abs(frames[i] - frames[i - 1]).max(axis=-1) < still
        changes.append(np.abs(paintings[i] - paintings[i - 1])[stands].ravel())
    found = np.concatenate(changes)
    return float(found.mean()) if found.size else float("nan")


def parser():
    parse = Parser(
        prog=PROG, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parse.add_argument("film", help="an animated .gif or .webp, or a directory of pictures")
    parse.add_argument("style", nargs="+", help="one or several pictures")
    parse.add_argument("--output", required=True, help=".gif or .webp")
    parse.add_argument("--again", type=int, default=AGAIN, help="steps of each further frame")
    for option in settings.OPTIONS.values():
        if option.name not in OF_FILES:
            option.add_to(parse)
    return parse


def main(arguments=None):
    given = vars(parser().parse_args(arguments))
    path, styles, output = given.pop("film"), tuple(given.pop("style")), given.pop("output")
    with command(PROG):
        again = settings.OPTIONS["steps"].check(given.pop("again"))
        flipbook.check_film(output)
        job = Job(path, styles, Path(output), settings.read(given))
        settings.check_one_each(job.settings["style_weights"], styles)
        found = files.resolve(path, PictureError)
        check([job], [("frame", p) for p in (_pictures_in(found) if found.is_dir() else ())])
        frames, milliseconds = load(path, job.settings["size"])
        network = load_network(job.settings)
        say(network.description)
        run, painted = make_transfer(job, network, frames[0]), []
        try:
            run.run(job.settings["steps"])
            for picture in follow(run, frames, again):
                painted.append(picture)
                say(f"{len(painted)} of {len(frames)} frames are painted.")
        finally:  # also of a film that was stopped
            if len(painted) > 1:
                flipbook.save(output, painted, milliseconds)
        say(f"{output} flickers by {flicker(painted, frames):.1f} grey levels where nothing moves.")


if __name__ == "__main__":
    main()
