"""The command line: one picture or a directory, a table of jobs, a film."""

import contextlib
import csv
import hashlib
import io
import json
import os
import shlex
from pathlib import Path

from . import animation, files, images, settings
from .errors import PictureError, SettingError, StyleTransferError
from .job import AGAIN, OPTIONS, Job, check, paint
from .settings import TransferSpec
from .terminal import Parser, command, fail, say

JOB = "job"  # under this name a finished picture's metadata tells its line from others


# One picture, or a directory.


def main(arguments: list[str] | None = None) -> None:
    """python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""
    prog = "python -m helpers"
    with command(prog):
        about = "Paint CONTENT in the style of STYLE (Gatys, Ecker & Bethge 2016)."
        content = "picture: a path, an http(s) address or a gallery name; or a directory"
        output = "file (.png, .jpg, .webp); for a directory, a directory"
        given = _read(arguments, Parser(prog, about), content, output, OPTIONS)
        jobs = list_jobs(given)
        check(jobs)
        if len(jobs) == 1:
            paint(jobs[0])
        else:
            run_all(prog, jobs)


def _read(arguments, parse, content, output, more):
    """{name: text or list of texts} of the arguments; see `Option.read`."""
    parse.add_argument("content", help=content)
    parse.add_argument("styles", metavar="style", nargs="+", help="one picture or several")
    parse.add_argument("--output", required=True, metavar="OUT", help=output)
    for option in (settings.OPTIONS | more).values():
        text = option.help
        if option.choices:
            text += f": {settings.either(option.choices)}"
        if option.default is not None:
            text += f" (default: {option.default})"
        parse.add_argument(option.flag, nargs="+" if option.many else None, help=text)
    return vars(parse.parse_args(arguments))


def _job(texts, output, **more):
    """The job of {name: text or list of texts}."""
    run = {n: OPTIONS[n].read(texts[n]) for n in OPTIONS if texts.get(n) is not None}
    spec = TransferSpec.read({n: text for n, text in texts.items() if n not in OPTIONS})
    return Job(spec, Path(output), **run, **more)


def list_jobs(given: dict) -> list[Job]:
    """One job, or one for each picture of a directory.

    given: {name: text or list of texts} as typed.  Raises a StyleTransferError.
    """
    texts, output = dict(given), given["output"]
    del texts["output"]
    content = given["content"]
    known = content in images.gallery() or files.is_address(content)
    if known or not os.path.isdir(files.resolve(content, PictureError)):
        return [_job(texts, output)]
    for name in ("checkpoint", "report", "resume"):
        if texts.get(name):
            raise SettingError(f"--{name} is for one picture: leave it out for a directory.")
    files.check_folder(output)
    pictures = animation.frame_files(content)
    # cat.png for cat.jpg, or cat.jpg.png where two have one name; many file systems ignore case.
    clear = len({path.stem.casefold() for path in pictures}) == len(pictures)
    names = [path.stem if clear else path.name for path in pictures]
    return [
        _job(texts | {"content": str(path)}, Path(output) / f"{name}.png")
        for path, name in zip(pictures, names, strict=True)
    ]


# A table of jobs.

TABLE = """Many pictures from a table of jobs.

JOBS.csv has a line of names and one line for each picture.  content and style are needed; any other
long option of `python -m helpers` may be a column (size, steps, beta, keep-colors, …), and `output`
names the file.  An empty field means the default; several styles are separated by spaces.

    content,style,beta,output
    cat,starry_swirls,30,
    cat,starry_swirls,300,cat_much.png

A picture that is there already, made by the same line, is not made again: call it a second time
after an interruption, or with more lines.  Jobs that fail are tried again, then reported; the
others go on.  --scheduler ADDRESS sends the jobs to the workers of a Dask cluster (pip install
distributed), which need this package, the pictures and FOLDER at the same paths.
"""


def batch(arguments: list[str] | None = None) -> None:
    """python -m helpers.batch JOBS.csv --output FOLDER"""
    prog = "python -m helpers.batch"
    with command(prog):
        parse = Parser(prog, TABLE)
        parse.add_argument("jobs", help="table (.csv)")
        parse.add_argument("--output", required=True, help="folder for the pictures")
        parse.add_argument(
            "--retries", type=int, default=1, help="retries of a job that fails (default: 1)"
        )
        parse.add_argument("--scheduler", help="address of a Dask scheduler: tcp://host:8786")
        given = parse.parse_args(arguments)
        files.make_folder(given.output)
        say(f"The lines of {given.jobs} are checked.")  # of thousands it takes a while
        jobs = read_jobs(given.jobs, files.resolve(given.output))
        run_all(prog, jobs, max(given.retries, 0), given.scheduler)


def read_jobs(path: str | os.PathLike, folder: Path) -> list[Job]:
    """The jobs that a table asks for.

    Raises SettingError for a table that makes no sense, with the number of the line, and
    OutputError where one job would write what it or another one reads or writes.
    """
    jobs = []
    for number, fields in _read_table(path):
        try:
            jobs.append(_job_of_line(fields, folder, number))
        except StyleTransferError as error:
            raise type(error)(f"Line {number} of {path}: {error}") from None
    check(jobs, [("the table", path)])
    return jobs


def _read_table(path):
    """[(number of the line, {column: text} of the fields that are not empty)]."""
    data = files.readable(path, SettingError, "table").read_bytes()
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # as older spreadsheets save it
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise SettingError(f"The table {path} cannot be read ({error}): check it.") from None
    rows = [[field.strip() for field in row] for row in rows or [[]]]
    columns = [name.lower().replace("-", "_") for name in rows[0]]
    while columns and not columns[-1]:  # spreadsheets leave columns of nothing, and lines
        columns.pop()
    for name in columns:
        if columns.count(name) > 1:
            raise SettingError(f"The table {path} has two columns {name}: leave one out.")
        if name in ("checkpoint", "resume"):  # a table is taken up by its finished pictures
            raise SettingError(f"A table has no {name}: leave the column out.")
        if name not in {"content", "style", "output", *settings.OPTIONS, *OPTIONS}:
            raise SettingError(f"There is no option {name!r}: rename the column, or leave it out.")
    found = [(number, row) for number, row in enumerate(rows[1:], 2) if any(row)]
    if not found:
        raise SettingError(f"The table {path} has no line below its names: add one a picture.")
    for number, row in found:
        if len(row) < len(columns) or any(row[len(columns) :]):
            raise SettingError(f"Line {number} of {path} does not have {len(columns)} fields.")
    return [
        (number, {name: text for name, text in zip(columns, row, strict=False) if text})
        for number, row in found
    ]


def _job_of_line(fields, folder, number):
    """A line's job.  Its key tells it from other lines, wherever it stands, and no local path."""
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
    try:
        found = images.read_metadata(job.output)
    except Exception:  # whatever is wrong with it, it is not finished
        return False
    return bool(job.also) and found.get(JOB) == job.also[JOB] and "steps_done" not in found


def run_job(job: Job) -> str | None:
    """Paint one of many jobs; returns None, or the sentence that says what went wrong."""
    try:
        paint(job)
    except StyleTransferError as error:
        return str(error)
    except Exception as error:  # one job must not take the others along
        return f"Something unforeseen went wrong ({type(error).__name__}: {error})."


def run_all(prog: str, jobs: list[Job], retries: int = 0, scheduler: str | None = None) -> None:
    """Every job that is not finished, on this machine or on a Dask cluster.

    The command ends with status 2 where some failed `1 + retries` times.
    """
    waiting = [job for job in jobs if not finished(job)]
    if len(waiting) < len(jobs):
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} are finished already.")
    for attempt in range(1 + retries):
        if attempt and waiting:
            say(f"{len(waiting)} failed and are tried again.")
        failed = []
        here = ((job, run_job(job)) for job in waiting)
        results = _on_cluster(waiting, scheduler) if scheduler else here
        for i, (job, sentence) in enumerate(results, 1):
            say(f"{job.output}: {sentence or 'painted.'} ({i} of {len(waiting)})")
            failed += [job] if sentence else []
        waiting = failed
    if waiting:
        named = ", ".join(str(job.output) for job in waiting)
        fail(prog, f"{len(waiting)} of {len(jobs)} pictures could not be made: {named}.")


def _on_cluster(jobs, address):
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise SettingError("Dask is not installed: pip install distributed.") from None
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise SettingError(f"There is no Dask scheduler at {address}: {error}.") from None
    with client:
        futures = {client.submit(run_job, job, pure=False): job for job in jobs}
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], f"The worker failed ({error})." if error else future.result()


# A film.

FILM = """A film, painted frame by frame.

FILM is an animated GIF or WebP file, or a directory with a picture for each frame.  It takes the
options of `python -m helpers`, but for those of one run's files.  Each frame begins as the last
one's painting, so strokes stay where the camera stands still.
"""


def film(arguments: list[str] | None = None) -> None:
    """python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif"""
    prog = "python -m helpers.film"
    with command(prog):
        content, output = "animated .gif or .webp, or a directory", "file (.gif or .webp)"
        given = _read(arguments, Parser(prog, FILM), content, output, {"again": AGAIN})
        again = AGAIN.read(given.pop("again") or AGAIN.default)
        job = _job(given, given.pop("output"), again=again)
        check([job])
        paint(job)
