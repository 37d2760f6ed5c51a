"""python -m helpers: every option arrives, every mistake is one sentence, nothing is lost."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import make_picture
from PIL import Image
from test_settings import OTHER

from helpers import animation, checkpoint, cli, files, images, job, masks, settings, transfer, vgg
from helpers.errors import DivergedError, PictureError
from helpers.settings import TransferSpec
from helpers.terminal import command

ROOT = Path(__file__).resolve().parent.parent
INPUTS = Path(__file__).parent / "inputs"


@pytest.fixture(name="paths")
def three_paths(tmp_path, picture, style_picture):
    """[content, style, output] as strings: a run of a few steps of small pictures."""
    images.save(tmp_path / "content.png", picture)
    images.save(tmp_path / "style.png", style_picture)
    return [str(tmp_path / name) for name in ("content.png", "style.png", "out.png")]


QUICK = ["--network=mini", "--size=48", "--steps=3", "--levels=1", "--precision=float32"]
QUICK += ["--content-layer=block2_conv1", "--style-layers", "block1_conv1", "block2_conv1"]
DEEP = ["--style-layers", "block5_conv1"]  # of which a picture must have a certain size


def arguments(paths, *more):
    content, style, output, *styles = paths
    return [content, style, *styles, "--output", output, *QUICK, *map(str, more)]


def call(name, given, status=0):
    """Call one of the commands, which ends with this status."""
    given = [str(word) for word in given]
    if status == 0:
        return command(name, given)
    with pytest.raises(SystemExit) as stopped:
        command(name, given)
    assert stopped.value.code == status


def refused(capsys, given, *words, name="main"):
    """The command ends with one sentence, the last line, that has these words."""
    call(name, given, 2)
    lines = capsys.readouterr().err.splitlines()
    problem = [line for line in lines if line.startswith("python -m helpers")]
    assert len(problem) == 1 and problem == lines[-1:], lines
    assert all(word in problem[0] for word in words), problem
    assert "Traceback" not in problem[0] and len(problem[0]) < 600


# What is typed arrives.


def test_a_run_writes_a_picture_that_holds_its_options(paths, capsys):
    cli.main(arguments(paths, "--size", 32, "--beta", 7))
    assert images.load(paths[2]).shape == (27, 32, 3)
    found = images.read_metadata(paths[2])
    assert (found["beta"], found["network"], found["size"]) == (7, "mini", 32)
    assert found["styles"] == ["style.png"]  # not where it lies: pictures are shared
    assert found["tv"] == 0.0003  # and not 0.0003000000142492354
    assert "out.png: 32 × 27 pixels" in capsys.readouterr().err


def test_every_option_is_the_same_in_a_spec_a_table_and_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line, styles = ["c.png", "s.png", "t.png", "--output", "o.png"], ("s.png", "t.png")
    fields = {"content": "c.png", "style": " ".join(styles), "output": "o.png"}
    painted = []
    monkeypatch.setattr(cli, "paint", painted.append)
    cli.main(line)
    assert painted[0].spec == TransferSpec("c.png", styles)
    for name, (_, text) in OTHER.items():
        words = text.split() if settings.OPTIONS[name].many and isinstance(text, str) else text
        words = words if isinstance(words, list) else [words]
        line += [settings.OPTIONS[name].flag, *words]
        fields[name] = " ".join(words)
    cli.main(line)
    spec = TransferSpec("c.png", styles, **{name: value for name, (value, _) in OTHER.items()})
    assert painted[1].spec == spec
    (tmp_path / "t.csv").write_text(f"{','.join(fields)}\n{','.join(fields.values())}\n")
    (found,) = cli.read_jobs("t.csv", tmp_path)
    assert found.spec == spec


BUNDLES = [
    "--style-layers block1_conv1 block2_conv1 --layer-weights 1 3 --optimizer adam --init noise "
    "--seed 9 --learning-rate 5 --tv 0.01 --alpha 2 --costs gatys --mask light --levels 2",
    "--content-layer block2_conv1 --style-layers block1_conv1 --style-cost wasserstein --levels 2 "
    "--keep-colors luminance --style-scale 0.5 --beta 9 --mask MASK --style-mask red",
]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_resumed_run_is_the_same_run_bit_for_bit(paths, tmp_path, monkeypatch, bundle):
    """Spec → checkpoint → the run goes on, masks included; and its metadata makes it again."""
    mask = np.where(np.arange(48) < 20, 4, 0) * np.ones((40, 1), int)  # red and black
    images.save(tmp_path / "mask.png", masks.to_picture(mask))
    more = bundle.replace("MASK", str(tmp_path / "mask.png")).split()
    cli.main(arguments(paths, "--steps", 14, *more))
    whole, metadata = images.load(paths[2]), images.read_metadata(paths[2])
    run, saved = transfer.Transfer.run, tmp_path / "run.npz"

    def stop_half_way(self, steps, callback, path):
        for done in self.chunks(steps, seconds=0.0):
            if done == 6:
                checkpoint.save(path, self)
                raise KeyboardInterrupt

    monkeypatch.setattr(transfer.Transfer, "run", stop_half_way)
    call("main", arguments(paths, "--steps", 14, "--checkpoint", saved, *more), 130)
    assert images.read_metadata(paths[2])["steps_done"] == 6
    monkeypatch.setattr(transfer.Transfer, "run", run)
    cli.main(arguments(paths, "--steps", 14, "--resume", saved, *more))
    np.testing.assert_array_equal(images.load(paths[2]), whole)
    assert images.read_metadata(paths[2]) == metadata
    monkeypatch.chdir(tmp_path)
    again = TransferSpec.from_metadata(metadata)
    again = again.transfer(job.load_network(again))
    again.run(14)
    np.testing.assert_array_equal(images.to_uint8(again.picture), whole)


def test_weights_of_an_odd_network_are_read_once_and_named(paths, capsys, tmp_path, monkeypatch):
    load, loads = np.load, []
    monkeypatch.setattr(np, "load", lambda *a, **k: loads.append(a) or load(*a, **k))
    odd = ["--style-layers", "block1_conv1", "block4_conv1", "--pooling", "average"]
    for _ in range(2):
        cli.main(arguments(paths, *odd, "--steps", 1))
    assert len(loads) == 1
    with load(vgg.MINI) as file:
        first = {name: file[name] for name in file.files if name.startswith("block1_conv1")}
    kernel, bias = (first[f"block1_conv1/{n}"] for n in ("kernel", "bias"))
    for arrays in (
        {},
        {"block1_conv1/a/b": kernel},
        {"/kernel": kernel, "/bias": bias},
        {"block1_conv1/kernel": kernel[..., :0], "block1_conv1/bias": bias[:0]},
        {"block1_conv1/kernel": kernel[:0, :0], "block1_conv1/bias": bias},
        {**first, "block1_conv1/more": bias},
    ):
        np.savez(tmp_path / "w.npz", **arrays)
        given = ["--network", "vgg19", "--weights", tmp_path / "w.npz"]
        refused(capsys, arguments(paths, *given), "weights", "w.npz")


@pytest.mark.real
def test_weights_reach_vgg19(paths, vgg19_weights):
    cli.main(arguments(paths, "--network", "vgg19", "--weights", vgg19_weights))
    assert images.read_metadata(paths[2])["network"] == "vgg19"


def test_masks_say_where_and_each_style_has_its_part_and_its_size(paths, tmp_path, monkeypatch):
    content, style, output = paths
    mask = np.zeros((40, 48), int)
    mask[:, :20], mask[:, 30:] = 7, 4  # white, red
    images.save(tmp_path / "mask.png", masks.to_picture(mask))
    images.save(tmp_path / "red.png", masks.to_picture(np.full((37, 30), 4)))
    loaded, load = [], images.load
    monkeypatch.setattr(images, "load", lambda p, size=None: loaded.append(size) or load(p, size))
    given = ["--mask", tmp_path / "mask.png", "--style-mask", "white", tmp_path / "red.png"]
    given += ["--style-scale", "1", "0.75", "--style-weights", *"1013"]
    cli.main(arguments([content, style, output, style], *given))
    assert loaded == [48, 36]
    change = np.abs(load(output) - load(content)).mean(axis=-1)
    assert change[mask == 0].max() < 1 and change[mask > 0].mean() > 3
    found = images.read_metadata(output)
    assert (found["mask"], found["style_mask"]) == ("mask.png", ["white", "red.png"])
    assert (found["style_scale"], found["style_weights"]) == ([1.0, 0.75], [1, 0, 1, 3])


# Mistakes.


BAD_OPTIONS = [  # (what is typed, words of the sentence)
    ("--alpha -1", "alpha is -1"),
    ("--alpha 0 --beta 0", "both 0"),
    ("--network alexnet", "auto, vgg19, vgg16 or mini"),
    ("--keep-colors cat", "keep_colors is 'cat'", "luminance"),
    ("--content-layer block9_conv1", "no layer block9_conv1"),
    ("--style-layers", "expected at least one argument"),
    ("--style-weights 1 2 3", "3 style_weights for 1"),
    ("--style-scale 0.1 --style-layers block5_conv1", "too small"),
    ("--style-mask red", "no mask"),
    ("--mask light --style-mask green", "green"),
    ("--mask none.png", "none.png"),
    (f"--mask {INPUTS / 'plain.png'}", "different sizes"),
    ("--levels 9", "fewer levels"),
    ("--size big", "size is 'big'"),
    ("--resume=", "resume is ''"),
    ("--resume none.npz", "no checkpoint none.npz"),
    ("--weights none.npz", "no weights file none.npz"),
    ("--report none/r.json", "No such file or directory"),
    ("--checkpoint none/c.npz", "No such file or directory"),
    ("--output none/out.png", "No such file or directory"),
    ("--output out.txt", "out.txt"),
    ("--unknown", "--unknown", "--help"),
]


def test_bad_options_are_one_sentence(paths, capsys):
    for given, *words in BAD_OPTIONS:
        refused(capsys, arguments(paths, *given.split(" ")), *words)
    assert not Path(paths[2]).exists()


def test_bad_pictures_are_one_sentence(paths, capsys, tmp_path):
    content, style, output = paths
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("hello")
    Image.new("RGB", (4000, 120)).save(tmp_path / "wide.png")
    for given, word in (
        (["none.png", style, output], "no picture none.png"),
        ([content, "none.png", output], "no picture none.png"),
        ([tmp_path / "empty", style, tmp_path], "no picture"),
        ([tmp_path, style, tmp_path / "none"], "No such file or directory"),
        ([tmp_path / "text.png", style, output], "not a picture"),
    ):
        refused(capsys, arguments(given), word)
    with pytest.raises(PictureError) as refusal:
        job.load_network(TransferSpec(network="mini", style_layers=DEEP[1:])).check_size(12, 384)
    size = int(re.search(r"size of at least (\d+)", str(refusal.value))[1])
    given = [tmp_path / "wide.png", style, output]
    refused(capsys, arguments(given, *DEEP, "--size", 384), f"at least {size}")
    call("main", arguments(given, *DEEP, "--size", size, "--steps", 1))


def test_a_directory_that_may_not_be_read_is_one_sentence(paths, capsys, tmp_path, monkeypatch):
    def closed(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", closed)  # root may read everywhere
    for name, output in (("main", tmp_path), ("film", tmp_path / "a.gif")):
        given = [tmp_path, paths[1], "--output", output]
        refused(capsys, given, "Permission denied", str(tmp_path), name=name)


def test_help_is_printed_in_any_encoding_and_nothing_waits_for_tensorflow(paths):
    content, style, output = paths
    wrong = [
        [content, style, "--output", output, *more]
        for more in (["--levels", "0"], ["--network", "x"], ["--unknown"], ["--report", content])
    ]
    code = f"""
import os, sys
os.close(2)
sys.stderr = None
from helpers.terminal import command
for given in (["--help"], *{wrong!r}):
    for name in ("main", "film", "batch"):
        try:
            command(name, given)
        except SystemExit as end:
            assert end.code == (0 if given == ["--help"] else 2)
        else:
            raise AssertionError(given)
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=ROOT, env=environment, timeout=60, stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert all(option.flag in done.stdout.decode() for option in settings.OPTIONS.values())


# A directory.


def test_a_directory_makes_one_picture_per_file(paths, tmp_path, capsys, picture):
    folder, output = tmp_path / "in", tmp_path / "out"
    (folder / "sub.png").mkdir(parents=True)
    output.mkdir()
    small = Image.fromarray(images.to_uint8(picture))
    for name, kind in (("a.png", "png"), ("d.JFIF", "jpeg"), ("e.mpo", "mpo"), ("f.avif", "avif")):
        small.save(folder / name, kind)
    (folder / "notes.txt").write_text("not a picture")
    (folder / "._a.png").write_bytes(b"of macOS")
    given = arguments([str(folder), paths[1], str(output)], "--steps", 1)
    cli.main(given)
    assert sorted(os.listdir(output)) == ["a.png", "d.png", "e.png", "f.png"]
    (folder / "broken.HEIC").write_bytes(b"\0\0\0\x24ftypheic" + bytes(100))
    call("main", given, 2)
    said = capsys.readouterr().err
    assert "broken.HEIC is in HEIC" in said and "1 of 5 pictures could not be made" in said
    refused(capsys, [*given, "--report", "r.json"], "the report of a.png and")
    (folder / "g.png").write_bytes((folder / "a.png").read_bytes())
    (output / "g.png").write_bytes((folder / "a.png").read_bytes())  # a picture that nobody named
    refused(capsys, given, "was not painted here")
    (folder / "a.jpg").write_bytes((folder / "d.JFIF").read_bytes())
    (output / "g.png").unlink()
    refused(capsys, given, "the output of a.jpg and the output of a.png")


def test_an_interrupt_in_a_directory_begins_no_other_picture(paths, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("a.png", "b.png"):
        images.save(tmp_path / "in" / name, images.load(paths[0]))
    write = files.write

    def impatient(*given):
        os.kill(os.getpid(), signal.SIGINT)
        write(*given)

    monkeypatch.setattr(files, "write", impatient)
    call("main", arguments([tmp_path / "in", paths[1], tmp_path / "out"]), 130)
    assert os.listdir(tmp_path / "out") == ["a.png"]


# A film.


@pytest.fixture
def frames(tmp_path):
    """A film in which a square moves, in.gif, and its frames; a style."""
    found = []
    for i in range(3):
        frame = make_picture(0, 40, 48)
        frame[10:20, 5 + 12 * i : 15 + 12 * i] = 20
        found.append(frame)
    files.write(tmp_path / "in.gif", animation.animated(found, "gif", [120, 50, 700]))
    images.save(tmp_path / "style.png", make_picture(5, 44, 36))
    return found


def of_film(tmp_path, source="in.gif", output="out.webp", *more):
    given = [tmp_path / source, tmp_path / "style.png", "--output", tmp_path / output]
    return [str(word) for word in (*given, *QUICK, "--again", 2, *more)]


def test_a_film_is_painted_frame_by_frame_with_its_own_times(tmp_path, frames, capsys):
    cli.film(of_film(tmp_path))
    found, milliseconds, _ = animation.load(tmp_path / "out.webp", 48)
    assert milliseconds == [120, 50, 700]
    assert np.abs(found[0] - frames[0]).mean() > 3
    assert "3 of 3 frames" in capsys.readouterr().err


@pytest.mark.parametrize("when", ["in the first frame", "after one", "twice", "diverged"])
def test_what_is_painted_of_a_film_is_written_before_it_ends(tmp_path, frames, monkeypatch, when):
    step, run, calls = transfer.Transfer.step, transfer.Transfer.run, []

    def interrupted(self, *given):
        calls.append(1)
        for _ in range(2 if when == "twice" else 1):
            os.kill(os.getpid(), signal.SIGINT)
        step(self, *given)

    def stop(self, *given):
        run(self, 2)
        raise KeyboardInterrupt if when == "in the first frame" else DivergedError("Diverged.")

    if when in ("in the first frame", "diverged"):
        monkeypatch.setattr(transfer.Transfer, "run", stop)
    else:
        monkeypatch.setattr(transfer.Transfer, "step", interrupted)
    call("film", of_film(tmp_path, "in.gif", "out.gif"), 2 if when == "diverged" else 130)
    with Image.open(tmp_path / "out.gif") as film:
        assert getattr(film, "n_frames", 1) < 3
    assert len(calls) <= 1


def test_a_film_that_cannot_be_written_is_written_elsewhere_or_not_begun(
    tmp_path, frames, capsys, monkeypatch
):
    replace = os.replace

    def refuse(source, target):
        if Path(target).name == "out.webp":
            raise OSError(16, "Device or resource busy")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    refused(capsys, of_film(tmp_path), "out_rescued", name="film")
    (place,) = tmp_path.glob("out_rescued*.webp")
    assert animation.load(place, 48)[1] == [120, 50, 700]
    monkeypatch.setattr(transfer.Transfer, "run", lambda *_: pytest.fail("painted"))
    files.write(tmp_path / "long.webp", animation.animated(frames, "webp", [700_000] * 3))
    (tmp_path / "wide").mkdir()
    for i in range(2):
        Image.new("RGB", (16400, 32), (i, 0, 0)).save(tmp_path / "wide" / f"{i}.png")
    wide = "wide", "w.webp", "--size=16400", "--style-scale=0.002"
    for given in (of_film(tmp_path, "long.webp", "l.gif"), of_film(tmp_path, *wide)):
        refused(capsys, given, "cannot hold this film", name="film")
    monkeypatch.setattr(animation, "load", lambda *_: pytest.fail("allocated"))
    given = of_film(tmp_path, "in.gif", "out.webp", "--size", 60_000)
    refused(capsys, given, "GB of memory", name="film")


def test_what_makes_no_film_is_one_sentence(tmp_path, frames, capsys):
    for name in ("style.png", "none.gif", "x" * 300):
        refused(capsys, of_film(tmp_path, name), name, name="film")
    refused(capsys, of_film(tmp_path, "in.gif", "out.mp4"), ".gif or .webp", name="film")
    given = of_film(tmp_path, "in.gif", "out.gif", "--style-mask", "red")
    refused(capsys, given, "no mask", name="film")


# A real shell.


def shell(given, **keywords):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "NST_WEIGHTS": ""}
    line = [sys.executable, "-m", "helpers", *given]
    return subprocess.Popen(
        line,
        **{"cwd": ROOT, "env": environment | keywords, "text": True},
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
        # Ctrl-C is heard, also where this test runs in the background, which ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_package_that_is_missing_is_one_sentence(paths):
    line = [sys.executable, "-S", "-m", "helpers", *arguments(paths)]  # -S: as nothing is installed
    found = subprocess.run(line, cwd=ROOT, text=True, stderr=subprocess.PIPE, timeout=60)
    assert found.returncode == 2 and len(found.stderr.splitlines()) == 1, found.stderr
    assert "numpy cannot be loaded: install it" in found.stderr


def test_a_name_that_is_no_text_is_written_also_where_nobody_listens(paths, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as Python has it for `2>&-`
    call("main", arguments(["\udcff.png", *paths[1:]]), 2)


@pytest.mark.kill
def test_ctrl_c_while_the_program_is_loaded_is_one_sentence(paths):
    for wait in (0.4, 0.8, 1.5):
        process = shell(arguments(paths, "--steps", 100_000))
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130 and len(said.splitlines()) == 1, said


@pytest.mark.slow
def test_a_real_shell_shows_only_what_concerns_the_reader_and_needs_none(paths, tmp_path):
    unreachable = {"HTTPS_PROXY": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path / "keras")}
    unreachable |= {"KERAS_BACKEND": "jax"}
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text('{"image_data_format": "channels_first"}')
    process = shell(arguments(paths, "--network", "auto"), **unreachable)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    network, painted = said.splitlines()
    assert "because VGG-19's weights could not be downloaded" in network
    assert "out.png: 48 × 40 pixels" in painted
    process = shell(arguments(paths, "--steps", "30"))  # whose reader goes away
    assert process.stderr.readline().startswith("Network: mini")
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert "steps_done" not in images.read_metadata(paths[2])
    Path(paths[2]).unlink()
    line = shlex.join([sys.executable, "-m", "helpers", *arguments(paths)]) + " 2>&- <&-"
    assert subprocess.run(line, shell=True, cwd=ROOT, timeout=120).returncode == 0
    assert images.load(paths[2]).shape == (40, 48, 3)
