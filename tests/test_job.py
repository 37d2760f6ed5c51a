"""One job, one file: previews, report, memory, and no work lost that was painted."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image
from test_cli import arguments, call, refused, three_paths  # noqa: F401

from helpers import cli, files, images, transfer
from helpers.errors import DivergedError


def stops(monkeypatch, steps, error):
    """From now on a run ends after these steps with this error."""

    def run(self, *_):
        if steps:
            self.step(steps)
        raise error

    monkeypatch.setattr(transfer.Transfer, "run", run)


def test_the_report_holds_costs_options_and_seconds(paths, tmp_path):
    cli.main(arguments(paths, "--report", tmp_path / "r.json"))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["network"].startswith("Network: mini")
    assert report["settings"]["steps"] == report["steps_done"] == 3
    assert report["settings"] == images.read_metadata(paths[2])
    assert report["costs"]["step"] == [1, 2, 3]
    assert report["costs"]["total"][-1] < report["costs"]["total"][0]
    assert report["seconds"] > 0


# Memory.


def test_too_little_memory_is_said_beforehand(paths, capsys, monkeypatch):
    cli.main(arguments(paths))
    assert "of memory" not in capsys.readouterr().err
    memory = SimpleNamespace(available=1000, total=10**12)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    cli.main(arguments(paths))
    assert "more than is free" in capsys.readouterr().err
    assert Path(paths[2]).exists()
    monkeypatch.undo()
    monkeypatch.setattr(images, "load", lambda *_: pytest.fail("allocated"))
    refused(capsys, arguments(paths, "--size", 90_000), "GB of memory", "use a smaller --size")
    memory.available = memory.total = 10**10
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    refused(capsys, arguments(paths, "--style-scale", 100), "GB of memory")


@pytest.mark.parametrize(
    ("line", "file"),
    [("0::/box", "box/memory.max"), ("4:memory:/box", "memory/memory.limit_in_bytes")],
)
def test_a_container_has_less_memory_than_its_machine(paths, capsys, monkeypatch, line, file):
    texts = {"/proc/self/cgroup": line, f"/sys/fs/cgroup/{file}": "1000"}

    def read_text(path):
        if text := texts.get(str(path)):
            return text
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", read_text)
    refused(capsys, arguments(paths), "of memory and there are 0.0 GB")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\na tensor"),
        tf.errors.AbortedError(None, None, "could not create a memory object"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_too_little_memory_keeps_the_picture_so_far(paths, capsys, monkeypatch, error):
    stops(monkeypatch, 1, error)
    refused(capsys, arguments(paths), "not enough memory", "--size")
    assert images.read_metadata(paths[2])["steps_done"] == 1


# What was painted is kept, wherever it can be.


def test_a_diverged_run_keeps_the_last_good_picture_if_there_is_one(paths, capsys, monkeypatch):
    refused(capsys, arguments(paths, "--beta", 1e30, "--alpha", 1e30), "no longer finite")
    assert not Path(paths[2]).exists()
    stops(monkeypatch, 2, DivergedError("A cost is no longer finite."))
    refused(capsys, arguments(paths, "--levels", 2), "no longer finite")
    assert images.read_metadata(paths[2])["steps_done"] == 2
    assert images.load(paths[2]).shape == (40, 48, 3)  # at its full size, from a coarse level


def test_a_picture_that_its_format_cannot_hold_is_not_begun(paths, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer.Transfer, "run", lambda *_: pytest.fail("painted"))
    Image.new("RGB", (16400, 16)).save(tmp_path / "wide.png")
    given = arguments([tmp_path / "wide.png"] * 2 + [tmp_path / "a.webp"], "--size", 16400)
    refused(capsys, given, "16383", ".png")
    address = f"https://a.example/{'x' * 70_000}.jpg"
    load = images.load
    monkeypatch.setattr(images, "load", lambda source, size: load("cat", size))
    refused(capsys, arguments([paths[0], address, tmp_path / "a.jpg"]), "a.jpg cannot hold", "EXIF")
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize("wrong", ["mount point", "folder is gone"])
def test_a_picture_that_cannot_be_written_is_written_elsewhere(
    paths, capsys, tmp_path, monkeypatch, wrong
):
    for name in ("out", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    output, replace, run = tmp_path / "out" / "a.png", os.replace, transfer.Transfer.run

    def refuse(source, target):
        if target == output:
            raise OSError(16, "Device or resource busy")
        replace(source, target)

    def disappear(self, *given):
        run(self, *given)
        (tmp_path / "out").rmdir()

    if wrong == "mount point":
        monkeypatch.setattr(os, "replace", refuse)
    else:
        monkeypatch.setattr(transfer.Transfer, "run", disappear)
    given = arguments([*paths[:2], output], "--report", tmp_path / "out" / "r.json")
    refused(capsys, given, "It was saved as", "a_rescued")
    folder = "out" if wrong == "mount point" else "here"
    (place,) = (tmp_path / folder).glob("a_rescued*.png")
    assert images.read_metadata(place)["steps"] == 3
    (report,) = (tmp_path / folder).glob("r*.json")
    assert json.loads(report.read_text())["steps_done"] == 3


def full(*_):
    raise OSError(28, "No space left on device")


def test_where_nothing_can_be_written_one_sentence_says_so(paths, capsys, monkeypatch):
    monkeypatch.setattr(os, "replace", full)
    refused(capsys, arguments(paths), "No space left on device")
    assert not [name for name in os.listdir(Path(paths[2]).parent) if name.startswith(".")]


def test_ctrl_c_while_the_picture_is_written_does_not_lose_it(paths, monkeypatch):
    write = files.write

    def impatient(*given):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        write(*given)

    monkeypatch.setattr(files, "write", impatient)
    call("main", arguments(paths), 130)
    assert images.read_metadata(paths[2])["steps"] == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_a_run_twice_keeps_its_picture(paths, capsys, monkeypatch, number):
    latest = transfer.Transfer.latest.fget

    def end(self):
        os.kill(os.getpid(), number)
        return latest(self)

    monkeypatch.setattr(transfer.Transfer, "latest", property(end))  # the progress asks for it
    call("main", arguments(paths, "--steps", 50), 130)
    done = images.read_metadata(paths[2])["steps_done"]
    assert 0 < done < 50 and f"Stopped after {done} steps" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)  # as before


def test_where_a_shell_has_ctrl_c_ignored_it_is(paths, monkeypatch):
    """As in the background of a script, whose Ctrl-C every process of it receives."""
    latest = transfer.Transfer.latest.fget

    def interrupted(self):
        signal.raise_signal(signal.SIGINT)
        return latest(self)

    monkeypatch.setattr(transfer.Transfer, "latest", property(interrupted))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        call("main", arguments(paths), 0)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGINT, before)
    assert "steps_done" not in images.read_metadata(paths[2])


# Checkpoints and reports replace nothing that was not made for them.


def test_a_checkpoint_is_taken_up_only_by_resuming_it(paths, capsys, tmp_path, monkeypatch):
    saved, output = tmp_path / "c.npz", Path(paths[2])
    monkeypatch.setenv("HOME", str(tmp_path))
    cli.main(arguments(paths, "--steps", 4, "--checkpoint", saved))
    before = output.read_bytes(), saved.read_bytes()
    for name in (saved, "~/c.npz", paths[0]):  # the same command twice, and a photograph
        refused(capsys, arguments(paths, "--steps", 4, "--checkpoint", name), "--resume")
    refused(capsys, arguments(paths, "--resume", saved), "was begun for 4 steps")
    refused(capsys, arguments(paths, "--steps", 4, "--resume", saved, "--beta", 7), "beta", "7")
    given = arguments(paths, "--steps", 4, "--resume", saved, "--report", saved)
    refused(capsys, given, "not a report")
    assert (output.read_bytes(), saved.read_bytes()) == before
    cli.main(arguments(paths, "--steps", 6, "--resume", saved, "--checkpoint", "~/c.npz"))
    assert images.read_metadata(output)["steps"] == 6
    with np.load(saved) as file:
        assert len(file["history_total"]) == 6
    saved.write_bytes(saved.read_bytes()[:100])
    refused(capsys, arguments(paths, "--resume", saved), "is damaged")


def test_of_two_runs_that_begin_at_once_one_has_the_checkpoint(
    paths, capsys, tmp_path, monkeypatch
):
    saved, load = tmp_path / "c.npz", images.load_with_opacity

    def begin_another(*given):
        """While the first run loads its pictures, after it was checked."""
        monkeypatch.setattr(images, "load_with_opacity", load)
        other = [*paths[:2], str(tmp_path / "other.png")]
        cli.main(arguments(other, "--checkpoint", saved))
        return load(*given)

    monkeypatch.setattr(images, "load_with_opacity", begin_another)
    refused(capsys, arguments(paths, "--checkpoint", saved, "--beta", 7), "c.npz", "exists")
    assert not Path(paths[2]).exists()
    assert images.read_metadata(tmp_path / "other.png")["beta"] == 20


def test_a_run_that_painted_nothing_leaves_no_checkpoint(paths, capsys, tmp_path, monkeypatch):
    for error, status in ((DivergedError("Not finite."), 2), (KeyboardInterrupt(), 130)):
        stops(monkeypatch, 0, error)
        call("main", arguments(paths, "--checkpoint", tmp_path / "c.npz"), status)
        assert not (tmp_path / "c.npz").exists()
    capsys.readouterr()
    monkeypatch.setattr(os, "replace", full)
    refused(capsys, arguments(paths, "--checkpoint", tmp_path / "c.npz"), "No space left")
    assert not (tmp_path / "c.npz").exists()


def test_a_report_replaces_only_a_report(paths, capsys, tmp_path):
    report = tmp_path / "r.json"
    stopped = images.encoded("a.png", images.load(paths[0]), {"steps_done": 1})
    for content in (b"{}", b"\xff\xd8\xff", b"", stopped):
        report.write_bytes(content)
        refused(capsys, arguments(paths, "--report", report), "not a report")
        assert report.read_bytes() == content and not Path(paths[2]).exists()
    os.mkfifo(tmp_path / "pipe")
    refused(capsys, arguments(paths, "--report", tmp_path / "pipe"), "not a report")
    report.write_text('{"steps_done": 1}')
    cli.main(arguments(paths, "--report", report))
    assert json.loads(report.read_text())["steps_done"] == 3


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_what_is_transparent_stays_transparent(paths, tmp_path, suffix):
    """A cut-out: half of the photograph, with an edge that is half transparent."""
    opaque = images.load(paths[0]).astype(np.uint8)
    opacity = np.full(opaque.shape[:2], 255, np.uint8)
    opacity[:, :20], opacity[:, 20:22] = 0, 128
    cut = Image.fromarray(np.dstack([opaque, opacity]))
    content, output = str(tmp_path / "cut.png"), str(tmp_path / f"out{suffix}")
    cut.save(content)
    cli.main(arguments([content, paths[1], output], "--size", 48))
    with Image.open(output) as painted:
        assert painted.mode == ("RGB" if suffix == ".jpg" else "RGBA")
        if suffix != ".jpg":
            np.testing.assert_array_equal(painted.getchannel("A"), opacity)
