"""One job, one file: previews, report, memory, and no work lost that was painted."""

import errno
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
from test_cli import arguments, call, refused, share, shared_network, three_files  # noqa: F401

from helpers import checkpoint, cli, images, job, transfer
from helpers.errors import DivergedError, OutputError
from helpers.job import Job
from helpers.settings import TransferSpec


def spec_of(files, **options):
    quick = {"network": "mini", "size": 48, "steps": 3, "levels": 1, "precision": "float32"}
    return TransferSpec(content=files[0], styles=(files[1],), **quick | options)


def painted(files, **about):
    """Paint a job of a few steps; its metadata."""
    one = Job(spec_of(files), Path(files[2]), **about)
    job.paint(one, shared_network(one.spec), quietly=True)
    return images.read_metadata(files[2])


def test_the_report_holds_costs_options_and_seconds(files, tmp_path):
    cli.main(arguments(files, "--report", tmp_path / "r.json"))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["network"].startswith("Network: mini")
    assert report["settings"]["steps"] == report["steps_done"] == 3
    assert report["settings"] == images.read_metadata(files[2])
    assert report["costs"]["step"] == [1, 2, 3]
    assert report["costs"]["total"][-1] < report["costs"]["total"][0]
    # The last row of L-BFGS is of the lowest picture, which is the one that is kept.
    assert report["final"]["total"] == pytest.approx(report["costs"]["total"][-1], rel=1e-4)
    assert report["seconds"] > 0


def test_previews_appear_while_it_paints(files, monkeypatch):
    saves, save = [], images.save
    monkeypatch.setattr(images, "save", lambda *a: saves.append(a[2].get("steps_done")) or save(*a))
    cli.main(arguments(files, "--steps", 60, "--preview-every", 1))
    assert saves[-1] is None  # the finished picture
    assert len(saves) > 2 and saves[:-1] == sorted(set(saves[:-1]))


# Memory.


def test_too_little_memory_is_said_beforehand(files, capsys, monkeypatch):
    cli.main(arguments(files))
    assert "of memory" not in capsys.readouterr().err
    memory = SimpleNamespace(available=1000, total=10**12)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    cli.main(arguments(files))
    assert "if it is stopped by the system" in capsys.readouterr().err
    assert Path(files[2]).exists()
    monkeypatch.undo()
    monkeypatch.setattr(cli, "load_network", shared_network)
    monkeypatch.setattr(images, "load", lambda *_: pytest.fail("allocated"))
    refused(capsys, arguments(files, "--size", 90_000), "GB of memory", "use a smaller --size")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\na tensor"),
        tf.errors.AbortedError(None, None, "could not create a memory object"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_too_little_memory_keeps_the_picture_so_far(files, capsys, monkeypatch, tmp_path, error):
    def run_out(self, *_):
        self.step(1)
        monkeypatch.setattr(transfer.Transfer, "costs", run_out)
        raise error

    monkeypatch.setattr(transfer.Transfer, "run", run_out)
    given = arguments(files, "--report", tmp_path / "r.json")
    refused(capsys, given, "not enough memory", "--size")
    assert images.read_metadata(files[2])["steps_done"] == 1
    assert json.loads((tmp_path / "r.json").read_text())["final"]["total"] > 0


# What was painted is kept, wherever it can be.


def test_a_diverged_run_keeps_the_last_good_picture_if_there_is_one(files, capsys, monkeypatch):
    for steps in (0, 2):

        def diverge(self, *_, steps=steps):
            if steps:
                self.step(steps)
            raise DivergedError(f"The cost is no longer finite after step {steps}.")

        monkeypatch.setattr(transfer.Transfer, "run", diverge)
        refused(capsys, arguments(files), "no longer finite")
        assert Path(files[2]).exists() == (steps > 0)
    assert images.read_metadata(files[2])["steps_done"] == 2
    monkeypatch.undo()
    monkeypatch.setattr(cli, "load_network", shared_network)
    Path(files[2]).unlink()
    refused(capsys, arguments(files, "--beta", 1e38, "--alpha", 1e38), "no longer finite")
    assert not Path(files[2]).exists()


def test_a_picture_that_its_format_cannot_hold_is_not_begun(files, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer.Transfer, "run", lambda *_: pytest.fail("painted"))
    Image.new("RGB", (16400, 16)).save(tmp_path / "wide.png")
    given = arguments([tmp_path / "wide.png"] * 2 + [tmp_path / "a.webp"], "--size", 16400)
    refused(capsys, given, "16383", ".png")
    address = f"https://a.example/{'x' * 70_000}.jpg"
    load = images.load
    monkeypatch.setattr(images, "load", lambda source, size: load("cat", size))
    given = arguments([files[0], address, tmp_path / "a.jpg"])
    call(cli.main, given, 2)
    assert "EXIF" in capsys.readouterr().err
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize("wrong", ["mount point", "folder is gone", "full once"])
def test_a_picture_that_cannot_be_written_is_written_elsewhere(
    files, capsys, tmp_path, monkeypatch, wrong
):
    (tmp_path / "out").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    output, replace, run = tmp_path / "out" / "a.png", os.replace, transfer.Transfer.run
    (tmp_path / "here" / "a_rescued.png").write_text("another's")

    def refuse(source, target):
        if target == output:
            raise OSError(errno.EBUSY, "Device or resource busy")
        replace(source, target)

    def disappear(self, *given):
        run(self, *given)
        (tmp_path / "out").rmdir()

    if wrong == "folder is gone":
        monkeypatch.setattr(transfer.Transfer, "run", disappear)
    else:
        monkeypatch.setattr(os, "replace", refuse)
    report = tmp_path / "r.json"
    given = arguments([*files[:2], output], "--report", report)
    place = tmp_path / "out" / "a_rescued.png"
    if wrong == "folder is gone":
        place = tmp_path / "here" / "a_rescued2.png"
    refused(capsys, given, f"It is in {place}")
    assert images.read_metadata(place)["steps"] == 3
    assert json.loads(report.read_text())["steps_done"] == 3
    assert (tmp_path / "here" / "a_rescued.png").read_text() == "another's"


def test_where_nothing_can_be_written_one_sentence_says_so(files, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    refused(capsys, arguments(files), "No space left on device")
    assert not [name for name in os.listdir(Path(files[2]).parent) if name.startswith(".")]


def test_ctrl_c_while_the_picture_is_written_does_not_lose_it(files, capsys, monkeypatch):
    save = images.save

    def impatient(*given):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        save(*given)

    monkeypatch.setattr(images, "save", impatient)
    call(cli.main, arguments(files), 130)
    assert images.read_metadata(files[2])["steps"] == 3
    for number in (signal.SIGTERM, signal.SIGHUP):  # while it paints, twice
        monkeypatch.undo()
        monkeypatch.setattr(cli, "load_network", shared_network)
        step = transfer.Transfer._take

        def take(self, rates, step=step, number=number):
            step(self, rates)
            os.kill(os.getpid(), number)

        monkeypatch.setattr(transfer.Transfer, "_take", take)
        call(cli.main, arguments(files, "--steps", 50), 130)
        done = images.read_metadata(files[2])["steps_done"]
        assert 0 < done < 50 and f"Stopped after {done} steps" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # as before


def test_a_picture_that_is_stopped_at_a_coarse_level_has_its_full_size(files, monkeypatch):
    def stop(self, *_):
        self.step(2)
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer.Transfer, "run", stop)
    call(cli.main, arguments(files, "--levels", "2"), 130)
    assert images.read_metadata(files[2])["steps_done"] == 2
    assert images.load(files[2]).shape == (40, 48, 3)


# Checkpoints and reports replace nothing that was not made for them.


def test_a_checkpoint_is_taken_up_only_by_resuming_it(files, capsys, tmp_path, monkeypatch):
    saved, output = tmp_path / "c.npz", Path(files[2])
    monkeypatch.setenv("HOME", str(tmp_path))
    cli.main(arguments(files, "--steps", 4, "--checkpoint", saved))
    before = output.read_bytes(), saved.read_bytes()
    capsys.readouterr()
    for name in (saved, "~/c.npz", files[0]):  # the same command twice, and a photograph
        refused(capsys, arguments(files, "--steps", 4, "--checkpoint", name), "--resume")
    refused(capsys, arguments(files, "--resume", saved), "was begun for 4 steps")
    refused(capsys, arguments(files, "--steps", 4, "--resume", saved, "--beta", 7), "beta", "7")
    given = arguments(files, "--steps", 4, "--resume", saved, "--report", saved)
    refused(capsys, given, "not a report")
    assert (output.read_bytes(), saved.read_bytes()) == before
    given = arguments(files, "--steps", 6, "--resume", saved, "--checkpoint", "~/c.npz")
    cli.main(given)
    assert images.read_metadata(output)["steps"] == 6
    assert checkpoint.peek(saved)[1] == 6
    saved.write_bytes(saved.read_bytes()[:100])
    refused(capsys, arguments(files, "--resume", saved), "is damaged")


@pytest.mark.parametrize("content", [b"{}", b"[", b"[" * 20000, b"7", b"\xff\xd8\xff", b""])
def test_a_report_replaces_only_a_report(files, capsys, tmp_path, content):
    report = tmp_path / "r.json"
    report.write_bytes(content)
    refused(capsys, arguments(files, "--report", report), "not a report")
    assert report.read_bytes() == content and not Path(files[2]).exists()
    report.write_text('{"steps_done": 1}')
    painted(files, report=str(report))
    assert json.loads(report.read_text())["steps_done"] == 3


def test_an_address_with_a_key_is_not_told(files, monkeypatch):
    content = "https://a.example/cat.jpg?X-Amz-Signature=secret"
    load = images.load
    monkeypatch.setattr(images, "load", lambda source, size: load(files[0], size))
    found = painted([content, *files[1:]])
    assert found["content"] == "https://a.example/cat.jpg"
    assert b"secret" not in Path(files[2]).read_bytes()


def test_jobs_that_would_lose_a_file_are_refused_together(files, tmp_path):
    one, other = (Job(spec_of(files), Path(files[2]), whose=f"line {i}'s") for i in (2, 3))
    with pytest.raises(OutputError, match="line 2's output and line 3's output"):
        job.check([one, other])
    with pytest.raises(OutputError, match="the table"):
        job.check([one], [("the table", files[2])])
    assert np.all([label.startswith("line 2's") for label, _ in one.reads({})])
