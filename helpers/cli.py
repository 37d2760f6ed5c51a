"""The command line: one picture or a directory, a table of jobs, a film."""

import contextlib
import csv
import hashlib
import io
import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np

from . import animation, files, images, settings
from .errors import OutputError, PictureError, SettingError, StyleTransferError
from .interrupts import deferred_interrupt
from .job import OPTIONS, Job, check, check_memory, enough_memory, load_network, paint, rescued
from .terminal import Parser, command, fail, say

JOB = "job"  # under this name a finished picture's metadata tells its line from others
# What decides the network; jobs of this process with the same one share it.
OF_NETWORK = ("network", "weights", "pooling", "precision", "content_layer", "style_layers")
_networks = {}

# One picture, or a directory.


def main(arguments: list[str] | None = None) -> None:
    """python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""
    prog = "python -m helpers"
    with command(prog):
        about = "Paint CONTENT in the style of STYLE (Gatys, Ecker & Bethge 2016)."
        content = "picture: a path, an http(s) address or a gallery name; or a directory"
        output = "file (.png, .jpg, .webp); for a directory, a directory"
        options = settings.OPTIONS | OPTIONS
        jobs = list_jobs(_read(arguments, Parser(prog, about), content, output, options))
        for job in jobs:
            job.check()
        check(jobs)
        network = load_network(jobs[0].spec)
        say(network.description)
        failures = 0
        for job in jobs:
            try:
                paint(job, network)
            except StyleTransferError as error:  # which takes no other picture along
                if len(jobs) == 1:
                    raise
                say(f"{job.spec.content}: {error}")
                failures += 1
        if failures:
            fail(prog, f"{failures} of {len(jobs)} pictures could not be made.")


def _read(arguments, parse, content, output, options):
    """{name: text or list of texts} of the arguments; see `Option.read`."""
    parse.add_argument("content", help=content)
    parse.add_argument("styles", metavar="style", nargs="+", help="one picture or several")
    parse.add_argument("--output", required=True, metavar="OUT", help=output)
    for option in options.values():
        text = option.help
        if option.choices:
            text += f": {settings.either(option.choices)}"
        if option.default is not None:
            text += f" (default: {option.default})"
        many = "+" if option.many else None
        parse.add_argument(option.flag, nargs=many, help=text, metavar=option.metavar)
    return vars(parse.parse_args(_with_values(arguments)))


def _with_values(arguments):
    """The arguments with the value that --keep-colors has where it is given without one."""
    found = []
    for argument in sys.argv[1:] if arguments is None else arguments:
        if found[-1:] == ["--keep-colors"] and argument not in ("luminance", "histogram"):
            found.append("luminance")
        found.append(argument)
    return [*found, "luminance"] if found[-1:] == ["--keep-colors"] else found


def _of_run(given):
    """(the options that decide a painting, those of the run, read), out of {name: text}."""
    texts = {name: text for name, text in given.items() if name not in OPTIONS}
    run = {n: OPTIONS[n].read(given[n]) for n in OPTIONS if given.get(n) is not None}
    return texts, run


def list_jobs(given: dict) -> list[Job]:
    """One job, or one for each picture of a directory.

    given: {name: text or list of texts} as typed.  Raises a StyleTransferError.
    """
    output = given.pop("output")
    texts, run = _of_run(given)
    spec = settings.TransferSpec.read(texts)
    known = spec.content in images.gallery() or files.is_address(spec.content)
    if known or not os.path.isdir(files.resolve(spec.content, PictureError)):
        return [Job(spec, Path(output), **run)]
    for name in ("checkpoint", "report", "resume"):
        if name in run:
            raise SettingError(f"--{name} is for one picture: leave it out for a directory.")
    files.check_folder(output)
    found = animation.pictures_in(files.resolve(spec.content))
    pictures = [path for path in found if not path.is_dir()]
    return [
        Job(spec.changed(content=str(picture)), Path(output) / name, **run)
        for picture, name in zip(pictures, _names(pictures), strict=True)
    ]


def _names(pictures):
    """A file name for each painting: cat.png for cat.jpg, or cat.jpg.png where that is not clear.

    Upper and lower case count as one, as in many file systems.
    """
    stems = [path.stem.casefold() for path in pictures]
    names = [p.stem if stems.count(p.stem.casefold()) == 1 else p.name for p in pictures]
    if len({name.casefold() for name in names}) < len(names):  # as of a.gif, a.jpg, a.jpg.png
        names = [path.name for path in pictures]
    return [f"{name}.png" for name in names]


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
        say(f"The lines of {given.jobs} are checked.", sys.stdout)  # of thousands it takes a while
        jobs = read_jobs(given.jobs, files.resolve(given.output))
        failed = run_all(jobs, max(given.retries, 0), given.scheduler)
        if failed:
            named = ", ".join(map(str, failed))
            fail(prog, f"{len(failed)} of {len(jobs)} pictures could not be made: {named}.")


def read_jobs(path: str | os.PathLike, folder: Path) -> list[Job]:
    """The jobs that a table asks for.

    Raises SettingError for a table that makes no sense, with the number of the line, and
    OutputError where one job would write what it or another one reads or writes.
    """
    jobs = []
    for number, fields in _read_table(path):
        where = f"Line {number} of {path}"
        try:
            for needed in ("content", "style"):
                if needed not in fields:
                    raise SettingError(f"there is no {needed}: name a picture.")
            jobs.append(_job_of_line(fields, folder, number))
            jobs[-1].check()
        except StyleTransferError as error:
            raise type(error)(f"{where}: {error}") from None
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
    columns = [name.strip().lower().replace("-", "_") for name in (rows or [[]])[0]]
    while columns and not columns[-1]:  # spreadsheets leave columns of nothing, and lines
        columns.pop()
    allowed = {"content", "style", "output", *settings.OPTIONS, *OPTIONS}
    if not {"content", "style"} <= set(columns):
        raise SettingError(f"The table {path} lacks the columns content and style: add them.")
    for name in columns:
        if columns.count(name) > 1:
            raise SettingError(f"The table {path} has two columns {name}: leave one out.")
        if name not in allowed:
            raise SettingError(f"There is no option {name!r}: rename the column, or leave it out.")
    found = []
    for number, row in enumerate(rows[1:], 2):
        fields = [field.strip() for field in row]
        if any(fields[len(columns) :]) or (any(fields) and len(fields) < len(columns)):
            raise SettingError(f"Line {number} of {path} does not have {len(columns)} fields.")
        if any(fields):
            pairs = zip(columns, fields, strict=False)
            found.append((number, {name: field for name, field in pairs if field}))
    if not found:
        raise SettingError(f"The table {path} has no line below its names: add one a picture.")
    return found


def _job_of_line(fields, folder, number):
    """A line's job.  Its key tells it from other lines, wherever it stands, and no local path."""
    described = json.dumps({n: t for n, t in fields.items() if n != "output"}, sort_keys=True)
    key = hashlib.sha256(described.encode()).hexdigest()[:16]
    texts, run = _of_run({n: t for n, t in fields.items() if n not in ("output", "style")})
    styles = _styles(fields["style"])
    stems = [Path(name).stem for name in (fields["content"], *styles)]
    output = fields.get("output", f"{'_'.join(stems)}_{key[:10]}.png")
    output = Path(folder) / os.path.expanduser(output)  # which takes a file named ~x.png as it is
    spec = settings.TransferSpec.read(texts | {"styles": styles})
    return Job(spec, output, **run, also={JOB: key}, whose=f"line {number}'s")


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
    return found.get(JOB) == job.also[JOB] and "steps_done" not in found


def run_job(job: Job) -> str | None:
    """Paint one job of a table; returns None, or the sentence that says what went wrong."""
    key = tuple(getattr(job.spec, name) for name in OF_NETWORK)
    try:
        if key not in _networks:
            _networks[key] = load_network(job.spec)
        paint(job, _networks[key], quietly=True)
    except StyleTransferError as error:
        return str(error)
    except Exception as error:  # one job must not take the others along
        return f"Something unforeseen went wrong ({type(error).__name__}: {error})."


def run_all(jobs: list[Job], retries: int = 1, scheduler: str | None = None) -> dict:
    """Every job that is not finished, on this machine or on a Dask cluster.

    Returns {output: sentence} of those that failed `1 + retries` times.
    """
    waiting = [job for job in jobs if not finished(job)]
    if len(waiting) < len(jobs):
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} are finished already.", sys.stdout)
    failed, left = {}, len(waiting)
    for attempt in range(1 + retries):
        failed = {}
        here = ((job, run_job(job)) for job in waiting)
        for job, sentence in _on_cluster(waiting, scheduler) if scheduler else here:
            if sentence:
                failed[job.output] = sentence
                say(f"{job.output}: {sentence}", sys.stdout)
            else:
                left -= 1
                say(f"{job.output} is painted; {left} to go.", sys.stdout)
        waiting = [job for job in waiting if job.output in failed]
        if not waiting:
            break
        if attempt < retries:
            say(f"{len(waiting)} failed and are tried again.", sys.stdout)
    return failed


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
AGAIN = settings.Option("again", 20, "steps of each frame but the first", int, least=1)


def film(arguments: list[str] | None = None) -> None:
    """python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif"""
    prog = "python -m helpers.film"
    with command(prog):
        content, output = "animated .gif or .webp, or a directory", "file (.gif or .webp)"
        options = settings.OPTIONS | {"again": AGAIN}
        given = _read(arguments, Parser(prog, FILM), content, output, options)
        again = AGAIN.read(given.pop("again") or str(AGAIN.default))
        output = Path(given.pop("output"))
        animation.check_film(output)
        job = Job(settings.TransferSpec.read(given), output)
        found = files.resolve(job.spec.content, PictureError)
        folder = os.path.isdir(found)
        frames = animation.pictures_in(found) if folder else [files.readable(found, what="film")]
        check([job], [("a frame", path) for path in frames])
        _paint_film(job, again)


def _paint_film(job, again):
    """Paint and write a film; what is painted is written before anything ends."""
    network, painted, stop = load_network(job.spec), [], None
    say(network.description)
    check_memory(job.spec, network, film=True)
    with enough_memory():
        frames, milliseconds, loop = animation.load(job.spec.content, job.spec.size)
        # What its format cannot hold is refused now, and not when it is painted.
        blank = [np.full_like(frames[0], level) for level in (0, 255)] * len(frames)
        _encoded(job.output, blank[: len(frames)], milliseconds, loop)
        run = job.spec.transfer(network, frames[0])
    with deferred_interrupt() as interrupted:
        try:
            with enough_memory():
                run.run(job.spec.steps)
                for picture in animation.follow(run, frames, again):
                    painted.append(picture)
                    say(f"{len(painted)} of {len(frames)} frames are painted.")
                    if interrupted:
                        raise KeyboardInterrupt
        except (KeyboardInterrupt, StyleTransferError) as error:
            stop = error
            painted = painted or [run.full_picture] * (run.step_count > 0)
        if painted:
            data = _encoded(job.output, painted, milliseconds[: len(painted)], loop)
            rescued(job.output, lambda path: files.write(path, data))
    if isinstance(stop, KeyboardInterrupt) and painted:
        raise KeyboardInterrupt(f"Stopped; {job.output} has the frames so far.")
    if stop:
        raise stop
    moved = animation.flicker(painted, frames)
    still = "" if moved is None else f" It flickers by {moved:.1f} gray levels where nothing moves."
    say(f"{job.output} has {len(painted)} frames.{still}")


def _encoded(path, frames, milliseconds, loop):
    try:
        return animation.animated(frames, path.suffix.lower()[1:], milliseconds, loop)
    except Exception as error:  # Pillow raises whatever it likes beyond a format's limits
        sentence = f"{path} cannot hold this film ({error}): use a smaller --size."
        raise OutputError(sentence) from None
