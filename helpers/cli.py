"""The command line: one picture or a directory, a table of jobs, a film."""

import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from . import animation, files, images, settings
from .errors import OutputError, PictureError, SettingError, StyleTransferError
from .job import AGAIN, RUN_FILES, Job, check, paint
from .settings import TransferSpec
from .terminal import Parser, say

JOB = "job"  # under this name a finished picture's metadata tells its line from others


# One picture, or a directory.


def main(arguments: list[str] | None = None) -> None:
    """python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""
    about = "Paint CONTENT in the style of STYLE (Gatys, Ecker & Bethge 2016)."
    content = "picture: a path, an http(s) address or a gallery name; or a directory"
    output = "file (.png, .jpg, .webp); for a directory, a directory"
    parse = Parser("python -m helpers", about)
    jobs = list_jobs(_parse(arguments, parse, content, output, RUN_FILES))
    check(jobs)
    if len(jobs) == 1:
        paint(jobs[0])
    else:
        paint_all(jobs)


def _parse(arguments, parse, content, output, more):
    """{name: text or list of texts} of the arguments; see `Option.read`."""
    parse.add_argument("content", help=content)
    parse.add_argument("styles", metavar="style", nargs="+", help="one picture or several")
    parse.add_argument("--output", required=True, metavar="OUT", help=output)
    for option in (settings.OPTIONS | more).values():
        parse.add_argument(option.flag, nargs="+" if option.many else None, help=option.described)
    return vars(parse.parse_args(arguments))


def _job(texts, output, **more):
    """The job of {name: text or list of texts}."""
    known = settings.OPTIONS | RUN_FILES
    found = {n: known[n].read(t) if n in known else t for n, t in texts.items() if t is not None}
    run = {name: found.pop(name) for name in RUN_FILES if name in found}
    return Job(TransferSpec().changed(**found), Path(output), **run, **more)


def list_jobs(given: dict) -> list[Job]:
    """One job, or one for each picture of a directory.

    given: {name: text or list of texts} as typed.  Raises a StyleTransferError.
    """
    texts = {name: text for name, text in given.items() if name != "output"}
    content, output = given["content"], Path(given["output"])
    if not os.path.isdir(files.resolve(images.gallery().get(content, content), PictureError)):
        return [_job(texts, output)]
    jobs = [
        _job(texts | {"content": str(path)}, output / f"{path.stem}.png", where=f" of {path.name}")
        for path in animation.frame_files(content)
    ]
    for job in jobs:  # whose outputs nobody has named
        if os.path.lexists(job.output) and "beta" not in _metadata_of(job.output):
            sentence = f"{job.output} exists and was not painted here: give another directory."
            raise OutputError(sentence)
    return jobs


def _metadata_of(path):
    """What a painting of ours tells of itself; {} where there is none."""
    try:
        return images.read_metadata(path)
    except Exception:  # whatever is wrong with it, it is no painting of ours
        return {}


# A table of jobs.

TABLE = """Many pictures from a table of jobs.

JOBS.csv has a line of names and one line for each picture.  content and style are needed; any other
long option of `python -m helpers` may be a column (size, steps, beta, keep-colors and so on), and
`output` names the file.  An empty field means the default; several styles are separated by spaces.

    content,style,beta,output
    cat,starry_swirls,30,
    cat,starry_swirls,300,cat_much.png

A job that fails is reported, and the others go on.  A picture already made from the same
line is skipped, so run the command again after an interruption or after adding lines.
--scheduler ADDRESS sends the jobs to the workers of a Dask cluster (pip install distributed), which
need this package, the pictures and FOLDER at the same paths.
"""


def batch(arguments: list[str] | None = None) -> None:
    """python -m helpers.batch JOBS.csv --output FOLDER"""
    parse = Parser("python -m helpers.batch", TABLE)
    parse.add_argument("jobs", help="table (.csv)")
    parse.add_argument("--output", required=True, help="folder for the pictures")
    parse.add_argument("--scheduler", help="address of a Dask scheduler: tcp://host:8786")
    given = parse.parse_args(arguments)
    files.make_folder(given.output)
    say(f"The lines of {given.jobs} are checked.")  # of thousands it takes a while
    paint_all(read_jobs(given.jobs, files.resolve(given.output)), given.scheduler)


def read_jobs(path: str | os.PathLike, folder: Path) -> list[Job]:
    """The jobs that a table asks for.

    Raises SettingError for a table that makes no sense, with the number of the line, and
    OutputError where one job would write what it or another one reads or writes.
    """
    names, *lines = _read_table(path)
    columns, jobs = [name.lower().replace("-", "_") for name in names], []
    if twice := {name for name in columns if name and columns.count(name) > 1}:
        raise SettingError(f"The table {path} has two columns {twice.pop()}: leave one out.")
    for number, line in enumerate(lines, 2):
        pairs = itertools.zip_longest(columns, line, fillvalue="")
        fields = {name: text for name, text in pairs if text}
        if not fields:
            continue  # spreadsheets leave columns of nothing, and lines
        try:
            jobs.append(_job_of_line(fields, folder, number))
        except StyleTransferError as error:
            raise type(error)(f"Line {number} of {path}: {error}") from None
    if not jobs:
        raise SettingError(
            f"The table {path} has no line below its names: add one for each picture."
        )
    check(jobs, [("the table", path)])
    return jobs


def _read_table(path):
    """The lines of a table, each a list of texts."""
    data = files.readable(path, SettingError, "table").read_bytes()
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # as older spreadsheets save it
    try:
        separator = max(",;\t", key=text.partition("\n")[0].count)
        lines = list(csv.reader(io.StringIO(text, None), delimiter=separator, strict=True))
    except csv.Error as error:
        raise SettingError(f"The table {path} cannot be read ({error}): check it.") from None
    return [[field.strip() for field in line] for line in lines] or [[]]


def _job_of_line(fields, folder, number):
    """A line's job.  Its key tells it from other lines, wherever it stands, and no local path."""
    if more := {"styles", "checkpoint", "resume"} & set(fields):
        raise SettingError(f"a table has no {more.pop()}: leave the column out.")
    for needed in ("content", "style"):
        if needed not in fields:
            raise SettingError(f"there is no {needed}: name a picture.")
    output, described = fields.pop("output", ""), json.dumps(fields, sort_keys=True)
    key = hashlib.sha256(described.encode()).hexdigest()[:16]
    styles = fields["styles"] = _styles(fields.pop("style"))
    stems = [Path(name).stem for name in (fields["content"], *styles)]
    output = os.path.expanduser(output) or f"{'_'.join(stems)}_{key[:10]}.png"
    return _job(fields, folder / output, also={JOB: key}, where=f" of line {number}")


def _styles(field):
    """The styles of a field: a file's name may have spaces, else they part several styles."""
    if not os.path.exists(os.path.expanduser(field)):
        with contextlib.suppress(ValueError):  # an apostrophe in a name
            return tuple(shlex.split(field))
    return (field,)


def finished(job: Job) -> bool:
    """Whether the picture is there, all its steps done, and the same line made it."""
    if not job.also:  # it is no line of a table
        return False
    found = _metadata_of(job.output)
    return found.get(JOB) == job.also[JOB] and "steps_done" not in found


def run_job(job: Job) -> str | None:
    """Paint one of many jobs; returns None, or the sentence that says what went wrong."""
    try:
        paint(job)
    except StyleTransferError as error:
        return str(error)
    except Exception as error:  # one job must not take the others along
        return f"An unexpected error occurred ({type(error).__name__}: {error})."


def paint_all(jobs: list[Job], scheduler: str | None = None) -> None:
    """Every job that is not finished, on this machine or on a Dask cluster.

    Raises PictureError at the end where some failed.
    """
    waiting, failed = [job for job in jobs if not finished(job)], []
    if len(waiting) < len(jobs):
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} are finished already.")
    here = ((job, run_job(job)) for job in waiting)
    for i, (job, sentence) in enumerate(_on_cluster(waiting, scheduler) if scheduler else here, 1):
        say(f"{job.output}: {sentence or 'painted.'} ({i} of {len(waiting)})")
        if sentence:
            failed.append(str(job.output))
    if failed:
        count = f"{len(failed)} of {len(jobs)}"
        raise PictureError(f"{count} pictures could not be made: {', '.join(failed)}. See above.")


def _on_cluster(jobs, address) -> Iterator[tuple[Job, str | None]]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise SettingError("Dask is not installed: pip install distributed.") from None
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise SettingError(f"No Dask scheduler answers at {address} ({error}): check it.") from None
    with client:
        futures = {client.submit(run_job, job, pure=False): job for job in jobs}
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], f"The worker failed ({error})." if error else future.result()


# A film.

FILM = """A film, painted frame by frame.

FILM is an animated GIF or WebP file, or a directory with a picture for each frame.  It takes the
options of `python -m helpers`, except --checkpoint, --resume and --report.  Each frame begins as
the last one's painting, so strokes stay where the camera stands still.
"""


def film(arguments: list[str] | None = None) -> None:
    """python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif"""
    content, output = "animated .gif or .webp, or a directory", "file (.gif or .webp)"
    parse = Parser("python -m helpers.film", FILM)
    given = _parse(arguments, parse, content, output, {"again": AGAIN})
    again = AGAIN.read(given.pop("again") or AGAIN.default)
    job = _job(given, given.pop("output"), again=again)
    check([job])
    paint(job)
