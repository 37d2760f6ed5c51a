"""Many pictures from a table of jobs: python -m helpers.gallery JOBS.csv --output FOLDER

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
import json
import sys
from pathlib import Path

from . import images
from .__main__ import check_options, fail, load_network, paint, parser
from .errors import PictureError, SettingError, StyleTransferError

JOB = "job"  # under this name a finished picture's settings keep the line that made it
_networks = {}  # of this process: jobs with the same network share it


def read_jobs(path, folder):
    """[(line of the table, what it asks for as options of `python -m helpers`)].

    Raises SettingError for a table that makes no sense, with the number of the line.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            rows = [(table.line_num, row) for row in table]
            columns = table.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(f"The table {path} cannot be read ({error}): check it.") from None
    if not {"content", "style"} <= set(columns):
        raise SettingError(f"The table {path} lacks the columns content and style: add them.")
    jobs, outputs = [], set()
    for number, row in rows:
        if None in row or None in row.values():
            raise SettingError(f"Line {number} of {path} has not as many fields as the first one.")
        given = {name: value.strip() for name, value in row.items() if value.strip()}
        for needed in ("content", "style"):
            if needed not in given:
                raise SettingError(f"Line {number} of {path} has no {needed}: name a picture.")
        stem = f"{Path(given['content']).stem}_{Path(given['style']).stem}_{number}"
        output = Path(folder) / given.get("output", f"{stem}.png")
        if output in outputs:
            raise SettingError(f"Line {number} of {path} writes {output.name} again: rename it.")
        outputs.add(output)
        jobs.append((given, _options(given, output, f"Line {number} of {path}")))
    return jobs


def _options(given, output, where):
    """The line's fields as `python -m helpers` would understand them."""
    words = [given["content"], given["style"], "--output", str(output)]
    for name, value in given.items():
        if name not in ("content", "style", "output"):
            words += [f"--{name}", *value.split()]
    strict = parser()

    def refuse(message):
        raise SettingError(f"{where}: {message}.")

    strict.error = refuse
    options = strict.parse_args(words)
    try:
        check_options(options, [(options.content, output)])
    except StyleTransferError as error:
        raise SettingError(f"{where}: {error}") from None
    return options


def finished(given, options):
    """Whether the picture is there, all its steps done, and the same line made it."""
    try:
        settings = images.read_settings(options.output)
    except PictureError:
        return False
    return settings.get(JOB) == _key(given) and "steps_done" not in settings


def run(given, options):
    """Paint one job; returns None, or the sentence that says what went wrong."""
    key = json.dumps([options.network, options.weights, options.pooling, options.precision,
                      options.content_layer, options.style_layers])  # fmt: skip
    try:
        if key not in _networks:
            _networks[key] = load_network(options)
        styles = [images.load(style, options.size) for style in options.style]
        images.check_output(options.output)
        paint(options.content, Path(options.output), styles, _networks[key], options,
              also={JOB: _key(given)}, quiet=True)  # fmt: skip
    except StyleTransferError as error:
        return str(error)
    except Exception as error:  # one job must not take the others along
        return f"Something unforeseen went wrong ({type(error).__name__}: {error})."


def _key(given):
    return {name: value for name, value in given.items() if name != "output"}


def run_all(jobs, retries=1, scheduler=None, say=print):
    """Every job that is not finished, on this machine or on a Dask cluster.

    Returns {output: sentence} of those that failed `1 + retries` times.
    """
    waiting = [job for job in jobs if not finished(*job)]
    if len(waiting) < len(jobs):
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} are finished already.")
    failed, begun = {}, len(waiting)
    for attempt in range(1 + retries):
        failed = {}
        results = _on_cluster(waiting, scheduler) if scheduler else map(_here, waiting)
        for (_, options), sentence in results:
            name = Path(options.output).name
            if sentence:
                failed[name] = sentence
                say(f"{name}: {sentence}")
            else:
                begun -= 1
                say(f"{name} is painted; {begun} to go.")
        waiting = [job for job in waiting if Path(job[1].output).name in failed]
        if not waiting:
            break
        if attempt < retries:
            say(f"{len(waiting)} failed and are tried again.")
    return failed


def _here(job):
    return job, run(*job)


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
        futures = {client.submit(run, *job, pure=False): job for job in jobs}
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], f"The worker failed ({error})." if error else future.result()


def main(arguments=None):
    parse = argparse.ArgumentParser(
        prog="python -m helpers.gallery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parse.add_argument("jobs", help="a table (.csv)")
    parse.add_argument("--output", required=True, help="folder for the pictures, made if need be")
    parse.add_argument("--retries", type=int, default=1, help="of each job that fails")
    parse.add_argument("--scheduler", help="address of a Dask scheduler, such as tcp://host:8786")
    given = parse.parse_args(arguments)
    try:
        images.make_folder(given.output)
        jobs = read_jobs(given.jobs, given.output)
        failed = run_all(jobs, max(given.retries, 0), given.scheduler)
    except StyleTransferError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)  # finished pictures stay, the next call goes on
    if failed:
        fail(f"{len(failed)} of {len(jobs)} pictures could not be made: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
