"""Many pictures from a table of jobs: python -m helpers.batch JOBS.csv --output FOLDER

JOBS.csv has a line of names and one line for each picture.  content and style are needed; any other
long option of `python -m helpers` may be a column (size, steps, beta, keep-colors, …), and `output`
names the file.  An empty field means the default.

    content,style,beta,output
    cat,starry_swirls,30,
    cat,starry_swirls,300,cat_much.png

A picture that is there already, made with the same settings, is not made again: call it a second
time after an interruption, or with more lines.  Jobs that fail are tried again, then reported; the
others go on.  --scheduler ADDRESS sends the jobs to the workers of a Dask cluster (pip install
distributed), which need this package, the pictures and FOLDER at the same paths.
"""

import argparse
import csv
import hashlib
import json
import os
import sys
from pathlib import Path

from . import files, images, settings
from .errors import SettingError, StyleTransferError
from .paint import Job, check, check_alone, load_network, paint
from .terminal import Parser, command, fail, say

PROG = "python -m helpers.batch"
JOB = "job"  # under this name a finished picture's settings keep what tells its line from others
_networks = {}  # of this process: jobs with the same network share it


def read_jobs(path, folder):
    """The jobs that a table asks for.

    Raises SettingError for a table that makes no sense, with the number of the line, and
    OutputError where one job would write what it or another one reads or writes.
    """
    jobs = []
    for number, given in _read_table(path):
        where = f"Line {number} of {path}"
        for needed in ("content", "style"):
            if needed not in given:
                raise SettingError(f"{where} has no {needed}: name a picture.")
        try:
            jobs.append(_job(given, folder, number))
            check_alone(jobs[-1])
        except StyleTransferError as error:
            raise type(error)(f"{where}: {error}") from None
    check(jobs, [("the table", path)])
    return jobs


def _read_table(path):
    """[(number of the line, {column: text} of the fields that are not empty)]."""
    try:
        found = files.readable(path, SettingError, "table")
        with open(found, newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            rows = [(table.line_num, row) for row in table]
            columns = [name.strip() for name in table.fieldnames or []]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(f"The table {path} cannot be read ({error}): check it.") from None
    if not {"content", "style"} <= set(columns):
        raise SettingError(f"The table {path} lacks the columns content and style: add them.")
    if len(set(columns)) < len(columns):
        raise SettingError(f"The table {path} has two columns of one name: leave one out.")
    if not rows:
        raise SettingError(f"The table {path} has no line but its names: add a line a picture.")
    for number, row in rows:
        if None in row or None in row.values():
            raise SettingError(f"Line {number} of {path} has not as many fields as the first one.")
    return [
        (number, {name.strip(): text.strip() for name, text in row.items() if text.strip()})
        for number, row in rows
    ]


def _job(given, folder, number):
    """A line's fields, one value each but for the options that have many."""
    also = {JOB: _key(given)}
    given = dict(given)
    content, style = given.pop("content"), given.pop("style")
    output = given.pop("output", f"{Path(content).stem}_{Path(style).stem}_{number}.png")
    texts = {name.replace("-", "_"): text for name, text in given.items()}
    for name in texts:
        if name not in settings.OPTIONS:
            raise SettingError(f"There is no setting {name!r}: rename the column, or leave it out.")
    output = Path(folder) / os.path.expanduser(output)  # which takes a file named ~x.png as it is
    return Job(content, (style,), output, settings.read(texts), also, f"line {number}'s")


def _key(given):
    """What tells a line from others.  Pictures are shared, so it does not tell local paths."""
    fields = {name: text for name, text in given.items() if name != "output"}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def finished(job):
    """Whether the picture is there, all its steps done, and the same line made it."""
    try:
        found = images.read_settings(job.output)
    except Exception:  # whatever is wrong with it, it is not finished
        return False
    return found.get(JOB) == job.also[JOB] and "steps_done" not in found


def run(job):
    """Paint one job; returns None, or the sentence that says what went wrong."""
    shared = ("network", "weights", "pooling", "precision", "content_layer", "style_layers")
    key = json.dumps([job.settings[name] for name in shared])
    try:
        if key not in _networks:
            _networks[key] = load_network(job.settings)
        paint(job, _networks[key], quietly=True)
    except StyleTransferError as error:
        return str(error)
    except Exception as error:  # one job must not take the others along
        return f"Something unforeseen went wrong ({type(error).__name__}: {error})."


def run_all(jobs, retries=1, scheduler=None, tell=None):
    """Every job that is not finished, on this machine or on a Dask cluster.

    Returns {output: sentence} of those that failed `1 + retries` times.
    """
    tell = tell or (lambda line: say(line, sys.stdout))
    waiting = [job for job in jobs if not finished(job)]
    if len(waiting) < len(jobs):
        tell(f"{len(jobs) - len(waiting)} of {len(jobs)} are finished already.")
    failed, left = {}, len(waiting)
    for attempt in range(1 + retries):
        failed = {}
        for job, sentence in _on_cluster(waiting, scheduler) if scheduler else _here(waiting):
            if sentence:
                failed[job.output] = sentence
                tell(f"{job.output}: {sentence}")
            else:
                left -= 1
                tell(f"{job.output} is painted; {left} to go.")
        waiting = [job for job in waiting if job.output in failed]
        if not waiting:
            break
        if attempt < retries:
            tell(f"{len(waiting)} failed and are tried again.")
    return failed


def _here(jobs):
    return ((job, run(job)) for job in jobs)


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
        futures = {client.submit(run, job, pure=False): job for job in jobs}
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], f"The worker failed ({error})." if error else future.result()


def main(arguments=None):
    parse = Parser(
        prog=PROG, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parse.add_argument("jobs", help="a table (.csv)")
    parse.add_argument("--output", required=True, help="folder for the pictures, made if need be")
    parse.add_argument("--retries", type=int, default=1, help="of each job that fails")
    parse.add_argument("--scheduler", help="address of a Dask scheduler, such as tcp://host:8786")
    given = parse.parse_args(arguments)
    with command(PROG):
        files.make_folder(given.output)
        jobs = read_jobs(given.jobs, files.resolve(given.output))
        failed = run_all(jobs, max(given.retries, 0), given.scheduler)
    if failed:
        named = ", ".join(map(str, failed))
        fail(PROG, f"{len(failed)} of {len(jobs)} pictures could not be made: {named}.")


if __name__ == "__main__":
    main()
