"""Neural style transfer from a shell: python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""

import os
from pathlib import Path

from . import files, images, settings
from .errors import PictureError, SettingError, StyleTransferError
from .paint import Job, check, check_alone, load_network, paint
from .terminal import Parser, command, fail, say

PROG = "python -m helpers"


def parser():
    parse = Parser(
        prog=PROG, description="Paint CONTENT in the style of STYLE (Gatys, Ecker & Bethge 2016)."
    )
    add = parse.add_argument
    add("content", help="picture: a path, an http(s) address or a gallery name; or a directory")
    add("style", nargs="+", help="one or several pictures, likewise")
    add("--output", required=True, help=".png, .jpg or .webp; for a directory, a directory")
    for option in settings.OPTIONS.values():
        option.add_to(parse)
    return parse


def main(arguments=None):
    with command(PROG):
        jobs = list_jobs(vars(parser().parse_args(arguments)))
        for job in jobs:
            check_alone(job)
        check(jobs)
        network = load_network(jobs[0].settings)
        say(network.description)
        failures = [job for job in jobs if not _paint_or_say(job, network, len(jobs) > 1)]
    if failures:
        fail(PROG, f"{len(failures)} of {len(jobs)} pictures could not be made.")


def list_jobs(given):
    """One job, or one for each picture of a directory.

    given: {name: text or list of texts} as typed.
    """
    content, styles, output = given.pop("content"), tuple(given.pop("style")), given.pop("output")
    chosen = settings.read(given)
    if not _is_directory(content):
        return [Job(content, styles, Path(output), chosen)]
    for name in ("checkpoint", "report", "resume"):
        if chosen[name]:
            raise SettingError(f"--{name} is for one picture: leave it out for a directory.")
    files.check_folder(output)
    pictures = _pictures_in(files.resolve(content))
    return [
        Job(str(picture), styles, Path(output) / name, chosen)
        for picture, name in zip(pictures, _names(pictures), strict=True)
    ]


def _is_directory(content):
    known = content in images.gallery() or files.is_address(content)
    return not known and os.path.isdir(files.resolve(content, PictureError))


def _pictures_in(folder):
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in images.READABLE)
    except OSError:
        raise PictureError(f"{folder} may not be read: check its permissions.") from None
    found = [path for path in found if not path.is_dir()]
    if not found:
        raise PictureError(f"The directory {folder} holds no picture: add some.")
    return found


def _names(pictures):
    """A file name for each painting: cat.png for cat.jpg, or cat.jpg.png where that is not clear.

    Upper and lower case count as one, as in many file systems.
    """
    stems = [path.stem.casefold() for path in pictures]
    names = [p.stem if stems.count(p.stem.casefold()) == 1 else p.name for p in pictures]
    if len({name.casefold() for name in names}) < len(names):  # as of a.gif, a.jpg, a.jpg.png
        names = [path.name for path in pictures]
    return [f"{name}.png" for name in names]


def _paint_or_say(job, network, one_of_several):
    """One of several pictures may fail without taking the others along."""
    try:
        paint(job, network)
    except StyleTransferError as error:
        if not one_of_several:
            raise
        say(f"{job.content}: {error}")
        return False
    return True


if __name__ == "__main__":
    main()
