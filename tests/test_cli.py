"""python -m helpers: every setting arrives, every mistake is one sentence, nothing is lost."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image

from helpers import __main__ as cli
from helpers import checkpoint as checkpoints
from helpers import images, memory, paint, settings, transfer
from helpers.errors import DivergedError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def files(tmp_path, picture, style_picture):
    """(content, style, output) as strings: a run of a few steps of small pictures."""
    images.save(tmp_path / "content.png", picture)
    images.save(tmp_path / "style.png", style_picture)
    return [str(tmp_path / name) for name in ("content.png", "style.png", "out.png")]


def arguments(files, *more):
    content, style, output, *styles = files
    quick = ["--network", "mini", "--size", "48", "--steps", "3", "--levels", "1"]
    return [content, style, *styles, "--output", output, *quick, *map(str, more)]


def refused(capsys, given, sentence, status=2):
    with pytest.raises(SystemExit) as stopped:
        cli.main(given)
    assert stopped.value.code == status
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    problem = [line for line in lines if not line.startswith("Network:") and "step/s" not in line]
    assert len(problem) == 1, problem
    assert sentence in problem[0]
    assert "Traceback" not in problem[0]


def test_a_run_writes_a_picture_that_holds_its_settings(files, capsys, picture):
    cli.main(arguments(files, "--size", 32, "--beta", 7))
    found = images.load(files[2])
    assert found.shape == (27, 32, 3)
    found = images.read_settings(files[2])
    assert (found["beta"], found["network"], found["size"]) == (7, "mini", 32)
    assert found["styles"] == ["style.png"]  # not where it lies: pictures are shared
    assert "Network: mini" in capsys.readouterr().err


def test_too_little_memory_is_said_beforehand(files, capsys, monkeypatch):
    cli.main(arguments(files))
    assert "of memory" not in capsys.readouterr().err
    memory = SimpleNamespace(available=1000, total=10**12)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    cli.main(arguments(files))
    assert "of memory and 0.0 GB are free: if it is stopped" in capsys.readouterr().err
    assert Path(files[2]).exists()


def test_more_memory_than_the_machine_has_is_not_begun(files, capsys, monkeypatch):
    monkeypatch.setattr(images, "load", lambda *_: pytest.fail("allocated"))
    refused(capsys, arguments(files, "--size", 90_000), "GB of memory and this machine has")
    assert not Path(files[2]).exists()


def test_the_estimate_of_memory_includes_large_styles(files, mini):
    content, style, output = files
    Image.new("RGB", (384, 8)).save(content)
    one, two = (
        memory.of_job(paint.Job(c, (s,), output, settings.read({})), mini)
        for c, s in ((content, content), (content, style))
    )
    assert two > 5 * one


def test_the_settings_of_a_picture_make_it_again(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.main(arguments(files, "--init", "noise", "--seed", 5))
    first = images.load(files[2])
    made = images.read_settings(files[2])
    again = [made["content"], *made["styles"], "--output", files[2]]
    for name in ("network", "steps", "levels", "init", "seed", "alpha", "beta", "tv", "costs"):
        again += [f"--{name}", str(made[name])]
    again += ["--size", str(made["size"])]
    cli.main(again)
    np.testing.assert_array_equal(images.load(files[2]), first)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--alpha", 3, 3.0),
        ("--beta", 7, 7.0),
        ("--tv", 0.5, 0.5),
        ("--costs", "gatys", "gatys"),
        ("--init", "blank", "blank"),
        ("--optimizer", "adam", "adam"),
        ("--learning-rate", 2, 2.0),
        ("--levels", 2, 2),
        ("--seed", 9, 9),
        ("--content-layer", "block2_conv1", "block2_conv1"),
        ("--style-layers", "block1_conv1", {"block1_conv1": 1.0}),
        ("--layer-weights", "1 2 5", [0.125, 0.25, 0.625]),
        ("--style-weights", "4", [1.0]),
        ("--keep-colors", "histogram", "histogram"),
        ("--keep-colors", "", "luminance"),
        ("--size", 24, (24, 20)),
        ("--size", 64, (64, 53)),
    ],
)
def test_every_setting_reaches_the_transfer(files, monkeypatch, option, value, expected):
    made = []

    class Spy(transfer.Transfer):
        def run(self, steps, *rest):
            made.append((self.settings, steps))
            self.step(1)

    monkeypatch.setattr(transfer, "Transfer", Spy)
    more = ["--style-layers", "block1_conv1", "block2_conv1", "block3_conv1"]
    more = more if option == "--layer-weights" else []
    cli.main(arguments(files, "--steps", 4, option, *str(value).split(), *more))
    ((found, steps),) = made
    name = option[2:].replace("-", "_")
    found["style_layers"] = found["layer_weights"]
    found["size"] = (found["width"], found["height"])
    found = found[name]
    if name == "layer_weights":
        found = list(found.values())
    np.testing.assert_equal(found, expected)
    assert steps == 4


def test_network_options_reach_the_network(files, tmp_path):
    report = tmp_path / "report.json"
    cli.main(
        arguments(files, "--pooling", "average", "--precision", "bfloat16", "--report", report)
    )
    settings = json.loads(report.read_text())["settings"]
    assert (settings["pooling"], settings["precision"]) == ("average", "bfloat16")


def test_weights_reach_vgg19(files, vgg19_weights, capsys):
    given = arguments(files, "--network", "vgg19", "--weights", vgg19_weights)
    cli.main(given)
    assert "Network: VGG-19" in capsys.readouterr().err
    assert images.read_settings(files[2])["network"] == "vgg19"


def test_several_styles_have_their_weights(files):
    content, style, output = files
    cli.main(arguments([content, style, output, content], "--style-weights", "3", "1"))
    assert images.read_settings(output)["style_weights"] == [0.75, 0.25]


def test_the_report_holds_costs_settings_and_seconds(files, tmp_path):
    # In bfloat16, which auto takes on some CPUs, two sums of J differ in the fourth digit.
    cli.main(arguments(files, "--report", tmp_path / "r.json", "--precision", "float32"))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["network"].startswith("Network: mini")
    assert report["settings"]["steps"] == report["steps_done"] == 3
    assert report["costs"]["step"] == [1, 2, 3]
    assert report["costs"]["total"][-1] < report["costs"]["total"][0]
    # The last row of L-BFGS is of the lowest picture, which is the one that is kept.
    assert report["final"]["total"] == pytest.approx(report["costs"]["total"][-1], rel=1e-4)
    assert report["seconds"] > 0


def test_previews_appear_while_it_paints(files, monkeypatch):
    saves = []
    save = images.save
    monkeypatch.setattr(images, "save", lambda *a: saves.append(a[2].get("steps_done")) or save(*a))
    cli.main(arguments(files, "--steps", 60, "--preview-every", 1))
    assert saves[-1] is None  # the finished picture
    assert len(saves) > 2
    assert saves[:-1] == sorted(set(saves[:-1]))


def test_a_resumed_run_equals_an_uninterrupted_one(files, tmp_path, monkeypatch):
    cli.main(arguments(files, "--steps", 60))
    whole = images.load(files[2])
    run = transfer.Transfer.run
    save = checkpoints.save

    def stop_half_way(self, steps, callback, checkpoint):
        def stop(running):
            if running.step_count > 10:
                raise KeyboardInterrupt

        run(self, steps, lambda r: (save(checkpoint, r), stop(r)), None)

    monkeypatch.setattr(transfer.Transfer, "run", stop_half_way)
    checkpoint = tmp_path / "run.npz"
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments(files, "--steps", 60, "--checkpoint", checkpoint))
    assert stopped.value.code == 130
    assert 10 < images.read_settings(files[2])["steps_done"] < 60
    monkeypatch.setattr(transfer.Transfer, "run", run)
    cli.main(arguments(files, "--steps", 60, "--resume", checkpoint))
    np.testing.assert_array_equal(images.load(files[2]), whole)


def test_a_directory_makes_one_picture_per_file(files, tmp_path, capsys, picture):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("a.png", "b.jpg", "b.png"):
        images.save(tmp_path / "in" / name, picture)
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    given = [str(tmp_path / "in"), files[1], str(tmp_path / "out")]
    cli.main(arguments(given))
    assert sorted(os.listdir(tmp_path / "out")) == ["a.png", "b.jpg.png", "b.png.png"]
    (tmp_path / "in" / "broken.png").write_text("not a picture either")
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments(given))
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "broken.png is not a picture" in said
    assert "1 of 4 pictures could not be made" in said


def test_a_diverged_run_keeps_the_last_good_picture(files, capsys, monkeypatch):
    def diverge(self, *_):
        self.step(2)
        raise DivergedError("The total cost is no longer finite after step 2: lower beta.")

    monkeypatch.setattr(transfer.Transfer, "run", diverge)
    refused(capsys, arguments(files), "lower beta")
    assert images.read_settings(files[2])["steps_done"] == 2


BAD_SETTINGS = [
    (["--alpha", "-1"], "The alpha is -1.0: give a finite number of 0 or more."),
    (["--beta", "nan"], "The beta is nan"),
    (["--alpha", "0", "--beta", "0"], "Alpha and beta are both 0"),
    (["--alpha", "much"], "The alpha is 'much': give a finite number of 0 or more."),
    (["--network", "alexnet"], "There is no network 'alexnet': choose auto, vgg19, vgg16 or mini."),
    (["--costs", "coursera"], "There is no cost convention 'coursera'"),
    (["--optimizer", "sgd"], "There is no optimizer 'sgd'"),
    (["--init", "photo"], "There is no start 'photo'"),
    (["--pooling", "median"], "There is no pooling 'median'"),
    (["--precision", "int8"], "There is no precision 'int8'"),
    (["--keep-colors", "all"], "There is no way to keep colors 'all'"),
    (["--content-layer", "block9_conv1"], "no layer block9_conv1: choose from block1_conv1"),
    (["--style-layers", "block9_conv1"], "no layer block9_conv1"),
    (["--style-layers"], "expected at least one argument"),
    (["--init", "noise", "--seed", "-1"], "The seed is -1: give a whole number of 0 or more."),
    (["--style-layers", "block1_conv1", "--layer-weights", "0"], "every style layer is 0"),
    (["--layer-weights", "1", "2"], "Give one of --layer-weights for each"),
    (["--style-weights", "1", "2"], "2 style weights for 1 style pictures"),
    (["--steps", "0"], "The number of steps is 0: give a whole number of 1 or more."),
    (["--levels", "0"], "The number of levels is 0"),
    (["--levels", "9"], "fewer levels"),
    (["--size", "1"], "The size is 1"),
    (["--size", "big"], "The size is 'big': give a whole number of 2 or more."),
    (["--learning-rate", "0"], "The learning rate is 0.0: give a finite number above 0."),
    (["--preview-every", "-1"], "The number of steps between previews is -1"),
    (["--levels", "100000000000"], "at most 16"),
    (["--alpha", "1e308"], "The alpha is 1e+308: give a finite number of at most"),
    (["--layer-weights", "1e308", "1"], "The weight of a style layer is 1e+308"),
    (["--learning-rate", "1e300"], "The learning rate is 1e+300"),
    (["--style-layers", "block1_conv1", "block1_conv1"], "block1_conv1 is named twice"),
    (["--keep-colors", "None"], "'None': choose luminance or histogram."),
    (["--resume", ""], "The checkpoint to resume is ''"),
    (["--weights", "none.npz"], "There is no weights file none.npz"),
    (["--report", "none/r.json"], "none: create it first."),
    (["--checkpoint", "none/c.npz"], "none: create it first."),
    (["--resume", "none.npz"], "There is no checkpoint none.npz"),
    (["--output", "none/out.png"], "none: create it first."),
    (["--output", "out.txt"], "out.txt has no known picture ending"),
    (["--unknown"], "Unrecognized arguments: --unknown: see python -m helpers --help."),
]


@pytest.mark.parametrize(
    ("given", "sentence"), BAD_SETTINGS, ids=[" ".join(b[0]) for b in BAD_SETTINGS]
)
def test_bad_settings_are_one_sentence(files, capsys, given, sentence):
    refused(capsys, arguments(files, *given), sentence)
    assert not Path(files[2]).exists()


def test_bad_pictures_are_one_sentence(files, capsys, tmp_path):
    content, style, output = files
    refused(capsys, arguments(["none.png", style, output]), "There is no picture none.png")
    refused(capsys, arguments([content, "none.png", output]), "There is no picture none.png")
    (tmp_path / "empty").mkdir()
    refused(capsys, arguments([str(tmp_path / "empty"), style, str(tmp_path)]), "holds no picture")
    refused(capsys, arguments([str(tmp_path), style, str(tmp_path / "none")]), "no directory")
    (tmp_path / "text.png").write_text("hello")
    refused(capsys, arguments([str(tmp_path / "text.png"), style, output]), "is not a picture")


def test_the_pictures_to_paint_from_are_never_replaced(files, capsys, tmp_path):
    content, style, _ = files
    before = Path(content).read_bytes()
    refused(capsys, arguments([content, style, content]), "is both")
    refused(capsys, arguments([content, style, style]), "is both")
    refused(capsys, arguments([str(tmp_path), style, str(tmp_path)]), "is both")
    assert Path(content).read_bytes() == before


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
    refused(capsys, given, "There is not enough memory for this: use a smaller --size.")
    assert images.read_settings(files[2])["steps_done"] == 1
    assert json.loads((tmp_path / "r.json").read_text())["final"]["total"] > 0


def test_a_checkpoint_of_other_settings_is_one_sentence(files, capsys, tmp_path):
    checkpoint = tmp_path / "c.npz"
    cli.main(arguments(files, "--checkpoint", checkpoint))
    capsys.readouterr()
    given = arguments(files, "--resume", checkpoint, "--beta", 7)
    refused(capsys, given, "was made with beta 6.0, this run has 7.0")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    refused(capsys, arguments(files, "--resume", checkpoint), "is damaged: begin anew")


def test_a_full_disk_is_one_sentence(files, capsys, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    given = arguments(files)
    with pytest.raises(SystemExit) as stopped:
        cli.main(given)
    assert stopped.value.code == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not [name for name in os.listdir(Path(files[2]).parent) if name.startswith(".")]


def shell(files, *more):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "NST_WEIGHTS": ""}
    command = [sys.executable, "-m", "helpers", *arguments(files, *more)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=listen)  # fmt: skip


def listen():
    """Ctrl-C is heard, also where this test runs in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_while_the_picture_is_written_does_not_lose_it(files, capsys, monkeypatch):
    save = images.save

    def impatient(*given):
        os.kill(os.getpid(), signal.SIGINT)
        save(*given)

    monkeypatch.setattr(images, "save", impatient)
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments(files))
    assert stopped.value.code == 130
    assert "pictures that are written stay" in capsys.readouterr().err
    assert images.read_settings(files[2])["steps"] == 3


def test_a_picture_that_is_stopped_at_a_coarse_level_has_its_full_size(files, monkeypatch):
    def stop(self, *_):
        self.step(2)
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer.Transfer, "run", stop)
    with pytest.raises(SystemExit):
        cli.main(arguments(files, "--levels", "2"))
    settings = images.read_settings(files[2])
    assert settings["steps_done"] == 2
    assert images.load(files[2]).shape[:2] == (settings["height"], settings["width"])


def until_it_paints(process, files):
    deadline = time.monotonic() + 120
    while not Path(files[2]).exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_in_a_real_shell_keep_the_picture(files, number):
    process = shell(files, "--steps", 100_000, "--preview-every", 1)
    until_it_paints(process, files)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "is the picture so far." in said
    assert "Traceback" not in said
    done = images.read_settings(files[2])["steps_done"]
    assert f"Stopped after {done} steps" in said


def test_a_reader_that_goes_away_takes_no_picture_along(files):
    process = shell(files, "--steps", "30")
    assert process.stderr.readline().startswith("Network: mini")
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert "steps_done" not in images.read_settings(files[2])


def test_a_closed_stream_of_errors_takes_no_picture_along(files):
    command = [sys.executable, "-m", "helpers", *arguments(files)]
    line = shlex.join(command) + " 2>&- <&-"
    assert subprocess.run(line, shell=True, cwd=ROOT, timeout=120).returncode == 0
    assert images.load(files[2]).shape == (40, 48, 3)


def test_a_real_shell_shows_only_what_concerns_the_reader(files):
    process = shell(files)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    lines = [line for line in said.replace("\r", "\n").splitlines() if line.strip()]
    lines = [line for line in lines if "step" not in line]
    assert len(lines) == 2, lines
    assert lines[0].startswith("Network: mini")
    assert "was painted in" in lines[1]


def test_a_wrong_word_is_told_before_tensorflow_is_loaded(files):
    content, style, output = files
    wrong = [
        [content, style, "--output", output, *more]
        for more in (["--levels", "0"], ["--network", "x"], ["--unknown"], ["--report", content])
    ]
    code = f"""
import sys
from helpers import __main__ as cli
for given in {wrong!r}:
    try:
        cli.main(given)
    except SystemExit as end:
        assert end.code == 2
    else:
        raise AssertionError(given)
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("backend", ["jax", "nonsense"])
def test_another_backend_is_one_sentence(files, capsys, monkeypatch, backend):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    refused(capsys, arguments(files), f"KERAS_BACKEND is '{backend}': this needs tensorflow")


def test_no_files_for_one_picture_with_a_directory(files, capsys, tmp_path):
    (tmp_path / "out").mkdir()
    given = arguments([str(tmp_path), files[1], str(tmp_path / "out")])
    for name in ("checkpoint", "report", "resume"):
        refused(capsys, [*given, f"--{name}", "x.npz"], f"--{name} is for one picture")


def test_three_pictures_of_nearly_one_name_are_three(tmp_path):
    names = cli._names([Path(name) for name in ("a.gif", "a.jpg", "a.jpg.png")])
    assert names == ["a.gif.png", "a.jpg.png", "a.jpg.png.png"]
    assert cli._names([Path("A.jpg"), Path("a.png")]) == ["A.jpg.png", "a.png.png"]
    assert cli._names([Path("a.jpg"), Path("b.png")]) == ["a.png", "b.png"]


def test_resuming_may_take_more_steps_and_never_fewer(files, capsys, tmp_path):
    checkpoint, output = tmp_path / "c.npz", Path(files[2])
    cli.main(arguments(files, "--steps", 4, "--checkpoint", checkpoint))
    before = output.read_bytes(), checkpoint.read_bytes()
    capsys.readouterr()
    refused(capsys, arguments(files, "--resume", checkpoint), "was begun for 4 steps")
    assert (output.read_bytes(), checkpoint.read_bytes()) == before
    cli.main(arguments(files, "--steps", 6, "--resume", checkpoint, "--checkpoint", checkpoint))
    assert images.read_settings(output)["steps"] == 6
    assert checkpoints.peek(checkpoint)["step_count"] == 6


def test_an_empty_variable_for_weights_is_none(files, tmp_path):
    unreachable = {"HTTPS_PROXY": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path)}
    environment = {**os.environ, **unreachable, "NST_WEIGHTS": ""}
    command = [sys.executable, "-m", "helpers", *arguments(files, "--network", "auto")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert "because VGG-19's weights could not be downloaded" in done.stderr
    assert done.returncode == 0
