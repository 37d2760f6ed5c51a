"""Whatever is typed: no file is lost, one sentence, no traceback.

Whole command lines and tables are drawn, in a folder of sources, links, pipes and devices.  Only
the painting itself is a stub there; real runs are killed at random moments further below.
"""

import contextlib
import csv
import io
import json
import os
import random
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import make_picture
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from helpers import animation, checkpoint, errors, files, images, job, transfer, vgg
from helpers.settings import OPTIONS
from helpers.terminal import command

ROOT = Path(__file__).resolve().parent.parent
CASES = int(os.environ.get("NST_CASES", "150"))  # of each property
many = hypothesis_settings(
    max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck)
)
ALL = OPTIONS | job.RUN_FILES
Transfer, restore = transfer.Transfer, checkpoint.restore  # the real ones, for the kills

THERE = (
    *("a.png", "b.jpg", "with space.png", "broken.png", "film.gif", "keep.txt", "w.npz", "c.npz"),
    *("jobs.csv", "hard.png", "link.png", "dangling.png", "sub", "sub/a.png", "sub/a.gif"),
    *("sub/a.png.png", "linked", "linked/a.png", "sub/dir.png", "pipe.png", "null.png"),
    *("home/h.png", "out"),
)
NEW = (
    *("new.png", "new.jpg", "NEW.png", "out/new.png", "sub/new.png", "linked/new.png", "new.npz"),
    *("new.json", "new.gif", "new.txt", "none/new.png", "A.PNG", "ü.png", "~x.png"),
    *("x" * 300 + ".png", "x" * 300 + ".npz"),
)
ODD = (
    *("", " ", ".", "..", "~", "~nosuch/y.png", "cat", "http://[::1", "http://127.0.0.1:9/x.png"),
    *("ftp://x/y.png", "64 --output a.png", "-", "\udcff.png", "new.png/", "a.png/x.png"),
)
NUMBERS = ("0", "1", "2", "3.5", "-1", "nan", "inf", "1e308", "1e-60", "9" * 12, "9" * 30, "x")
PATHS = ("checkpoint", "report", "resume", "weights")


def in_world(name):
    """The ways to write a path of the folder, which is the working directory."""
    forms = ["{}", "./{}", "{world}/{}", "~/../{}", "sub/../{}", "linked/../{}"]
    return st.sampled_from(forms).map(lambda form: (form, name))


words = st.one_of(
    st.sampled_from(THERE).flatmap(in_world),
    st.sampled_from(THERE).flatmap(in_world),
    st.sampled_from(NEW).flatmap(in_world),
    st.sampled_from(ODD).map(lambda word: ("{}", word)),
)
pictures = st.one_of(st.sampled_from(("a.png", "b.jpg", "with space.png")).flatmap(in_world), words)
outputs = st.one_of(st.sampled_from(("new.png", "out/new.png", "out")).flatmap(in_world), words)


def texts(option):
    """What may be typed for an option: good and bad."""
    if option.name in PATHS:
        return words
    of_one = st.sampled_from((*option.choices, *NUMBERS, "", "None", "block1_conv1"))
    one = of_one.map(lambda word: ("{}", word))
    return st.lists(one, min_size=1, max_size=3) if option.many else one


typed = st.lists(
    st.sampled_from(sorted(ALL)).flatmap(lambda name: st.tuples(st.just(name), texts(ALL[name]))),
    max_size=3,
)
risky = st.lists(st.tuples(st.sampled_from(PATHS), words), max_size=2)


class Stub:
    """A transfer that paints nothing and writes what a real one writes."""

    def __init__(self, content, styles, network, spec):
        self.content, self.step_count, self.spec, self.network = content, 0, spec, network
        self.latest, self.plan = {"content": 1.0, "style": 1.0}, [0]
        self.history, self.full_picture = {"total": np.ones(1)}, content

    def run(self, steps, callback=None, checkpoint=None):
        self.step_count = steps
        if callback:
            callback(self)
        if checkpoint:
            save_checkpoint(checkpoint, self)


def save_checkpoint(path, transfer):
    files.write(path, b"a checkpoint")


def load_network(spec):
    if spec.weights:
        files.readable(spec.weights, errors.NetworkError, "weights file")
    return SimpleNamespace(description="Network: stub", name="mini")


@pytest.fixture(scope="module")
def stubs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "Transfer", Stub)
        patch.setattr(checkpoint, "restore", lambda path, transfer: None)
        patch.setattr(checkpoint, "save", save_checkpoint)
        patch.setattr(job, "load_network", load_network)
        patch.setattr(job, "check_memory", lambda *_: None)
        patch.setattr(animation, "follow", lambda run, frames, again: iter(frames))
        patch.delenv("NST_WEIGHTS", raising=False)
        yield


@contextlib.contextmanager
def world():
    """A folder with a home in it, the working directory for a while."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name).resolve() / "world"  # so that `..` is no place of others
        for part in ("home", "sub/dir.png", "out"):
            (folder / part).mkdir(parents=True)
        for i, part in enumerate(("a.png", "b.jpg", "with space.png", "sub/a.png", "home/h.png")):
            images.save(folder / part, make_picture(i, 8, 10))
        (folder / "sub/a.gif").write_bytes(images.encode(make_picture(7, 8, 10), "gif"))
        (folder / "sub/a.png.png").write_bytes((folder / "a.png").read_bytes())
        (folder / "keep.txt").write_text("keep")
        (folder / "jobs.csv").write_text("content,style\na.png,b.jpg\n")
        (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:60])
        np.savez(folder / "w.npz", **{"block1_conv1/kernel": np.zeros(3)})
        state = {"spec": {"levels": 1}, "step_count": 1, "level": 0, "plan": [0, 1]}
        np.savez(folder / "c.npz", checkpoint=json.dumps(state))
        films = [make_picture(i, 8, 10) for i in (8, 9)]
        files.write(folder / "film.gif", animation.animated(films, "gif", 100))
        (folder / "link.png").symlink_to("a.png")
        (folder / "hard.png").hardlink_to(folder / "a.png")
        (folder / "dangling.png").symlink_to("out/behind.png")
        (folder / "linked").symlink_to("sub")
        os.mkfifo(folder / "pipe.png")
        with contextlib.suppress(PermissionError):
            os.mknod(folder / "null.png", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        patch.chdir(folder)
        patch.setenv("HOME", str(folder / "home"))
        patch.setenv("NST_CACHE", str(folder / "none"))
        yield folder


def snapshot(folder):
    """{path: (its kind, its bytes or where it points to)} of everything in a folder."""
    found = {}
    for path in folder.rglob("*"):
        kind = stat.S_IFMT(path.lstat().st_mode)
        data = os.readlink(path) if path.is_symlink() else None
        found[path] = kind, path.read_bytes() if kind == stat.S_IFREG else data
    return found


def fill(folder, word):
    form, name = word
    return form.format(name, world=folder)


def real(word):
    with contextlib.suppress(ValueError, OSError):
        return Path(os.path.realpath(os.path.expanduser(word)))


def in_turn(name, given):
    """(exit status, lines on stderr) of a command that is called in this process."""
    said, status = io.StringIO(), 0
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            command(name, given)
        except SystemExit as end:
            status = end.code
    return status, [line for line in said.getvalue().replace("\r", "\n").splitlines() if line]


def check_what_remains(folder, before, may_change, sources, status, said, prog):
    after = snapshot(folder)
    changed = {path for path in after | before if after.get(path) != before.get(path)}
    new_folders = {p for p in changed if p not in before and after[p][0] == stat.S_IFDIR}
    assert changed - new_folders <= set(may_change)
    assert not changed & set(sources) & set(before)
    assert status in (0, 2, 130)
    sentences = [line for line in said if line.startswith(f"{prog}: ")]
    assert len(sentences) == (status == 2), said
    assert not any("Traceback" in line for line in said)


A_STYLE = ("{}", "b.jpg")
RESUMED_AND_REPORTED = [("resume", ("{}", "c.npz")), ("report", ("{}", "c.npz"))]


@many
@given(
    pictures,
    st.lists(pictures, min_size=1, max_size=2),
    *(outputs, typed, risky),
    st.sampled_from(["main", "film", "batch"]),
)
@example(("~/../{}", "a.png"), [A_STYLE], ("{}", "a.png"), [], [], "main")
@example(("{}", "sub"), [A_STYLE], ("{}", "out"), [], [], "main")
@example(("{}", "sub"), [A_STYLE], ("{}", "sub/a.gif"), [], [], "film")
@example(("{}", "film.gif"), [A_STYLE], ("{}", "new.gif"), [], [], "film")
@example(("{}", "film.gif"), [A_STYLE], ("{}", "film.gif"), [], [], "film")
@example(("{}", "a.png"), [("{}", "sub/a.gif")], ("{}", "sub/a.gif"), [], [], "film")
@example(("{}", "a.png"), [A_STYLE], ("{}", "b.jpg"), [], [], "main")
@example(("{}", "a.png"), [A_STYLE], ("{}", "new.png"), [], RESUMED_AND_REPORTED, "main")
@example(("{}", "a.png"), [A_STYLE], ("{}", "../b.jpg"), [], [], "batch")
@example(
    ("{}", "a.png"), [A_STYLE], ("{}", ""), [("size", ("{}", "64 --output k.png"))], [], "batch"
)
def test_no_command_line_and_no_table_loses_a_file(
    stubs, content, styles, output, options, more, name
):
    with world() as folder:
        content, output = fill(folder, content), fill(folder, output)
        styles = [fill(folder, style) for style in styles]
        line = [content, *styles, f"--output={output}", "--size=24"]
        table = {"content": content, "style": shlex.join(styles), "output": output}
        paths = {}
        for option, value in [*options, *more]:
            several = [fill(folder, v) for v in (value if isinstance(value, list) else [value])]
            flag, one = ALL[option].flag, len(several) == 1
            line += [f"{flag}={several[0]}"] if one else [flag, *several]
            table[option], paths[option] = " ".join(several), several[0]
        read = [content, *styles, *(paths[n] for n in ("weights", "resume") if n in paths)]
        if name == "batch":
            with open("jobs.csv", "w", newline="", errors="surrogateescape") as file:
                csv.writer(file).writerows([table.keys(), table.values()])
            line = ["jobs.csv", "--output=out"]
            read.append("jobs.csv")
            output = (
                os.path.join("out", os.path.expanduser(output.strip())) if output.strip() else ""
            )
        before = snapshot(folder)
        written = [output, *(paths[n] for n in ("checkpoint", "report") if n in paths)]
        goes_on = paths.get("resume") and real(paths["resume"]) == real(paths.get("checkpoint", ""))
        if goes_on:
            read.remove(paths["resume"])
        may_change, sources = [real(w) for w in written], [real(r) for r in read]
        # What exists is replaced by the output alone, and by the run that goes on.
        kept = [real(paths[n]) for n in ("checkpoint", "report") if n in paths]
        sources += [path for path in kept if path in before and not goes_on]
        if os.path.isdir(os.path.expanduser(content)):
            inside = list(real(content).iterdir())
            sources += inside
            names = [f"{p.stem}.png" for p in inside]
            may_change = may_change if name == "film" else [real(output) / name for name in names]
        status, said = in_turn(name, line)
        # In a table, the names of lines without an output end with a hash.
        new = [path for path in snapshot(folder) if path not in before and "_" in path.name]
        may_change += [path for path in new if name == "batch" and path.parent == folder / "out"]
        prog = "python -m helpers" if name == "main" else f"python -m helpers.{name}"
        check_what_remains(folder, before, may_change, sources, status, said, prog)


# A second in a run is a fraction of one, so that checkpoints are written all the time.
HURRY = """
import sys, time
real = time.monotonic
time.monotonic = lambda: real() * 600
from helpers.terminal import command
command("main", sys.argv[1:])
"""


@pytest.mark.kill
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])  # the others: see test_job
def test_a_run_that_is_killed_at_any_moment_goes_on_bit_for_bit(tmp_path, name):
    number = signal.Signals[name]
    pictures = [tmp_path / "content.png", tmp_path / "style.png"]
    for i, path in enumerate(pictures):
        images.save(path, make_picture(i, 48, 64))
    output, saved = tmp_path / "out.png", tmp_path / "c.npz"
    options = ["--network=mini", "--size=64", "--levels=2", "--precision=bfloat16"]
    files = [f"--output={output}", f"--checkpoint={saved}"]
    process = subprocess.Popen(
        [sys.executable, "-c", HURRY, *pictures, *options, *files, "--steps=3000"],
        **{"cwd": ROOT, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True},
        # Ctrl-C is heard, also where this test runs in the background, which ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 200
    while not saved.exists() or not saved.stat().st_size:
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.05)
    time.sleep(random.uniform(3, 6))
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == (-number if name == "SIGKILL" else 130), said
    assert "Traceback" not in said and (name == "SIGKILL" or "Stopped after" in said)
    assert name == "SIGKILL" or images.load(output).shape == (48, 64, 3)
    with np.load(saved) as file:
        done = len(file["history_total"])
    assert done < 3000
    steps = done + 10
    np.testing.assert_array_equal(costs(pictures, steps, saved), costs(pictures, steps))


def costs(pictures, steps, resume=None):
    """J before each of so many steps of that run, begun anew or resumed."""
    network = vgg.load("mini", precision="bfloat16")
    run = Transfer(*(images.load(source, 64) for source in pictures), network, levels=2)
    if resume:
        restore(resume, run)
    for done in run.chunks(3000):
        if done >= steps:
            return run.history["total"][:steps]
