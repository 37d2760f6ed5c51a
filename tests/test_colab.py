"""The first minute and the last in Colab: the setup cell, uploads, runs that outlive a session.

Colab itself is not here: its module is faked.  What a fake cannot show is told in tools/colab.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from helpers import checkpoint, colab, images, vgg
from helpers.errors import CheckpointError, PictureError, SetupError
from tools import addresses

ROOT = Path(__file__).resolve().parent.parent
CELL = (ROOT / "tools" / "setup_cell.py").read_text(encoding="utf-8")
REPOSITORY = addresses.repository()
NAME = REPOSITORY.split("/")[1]
RUN = """
import sys
from IPython.core.interactiveshell import InteractiveShell
NETWORK = None
result = InteractiveShell.instance(user_ns=globals()).run_cell(open(sys.argv[1]).read())
print("stopped" if not result.success else "went on")
"""
# Stands for the package, so that only the way to it is tested, and quickly.
START = "def up(network):\n    print('version', {})\n    return False, None\n"


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def published(tmp_path):
    """A function that publishes a version of the package, in a repository beside Colab."""
    folder = tmp_path / "published"
    (folder / "helpers").mkdir(parents=True)
    for name in ("__init__", "images", "plots", "vgg"):
        (folder / "helpers" / f"{name}.py").touch()
    git(folder, "init", "--quiet", "--initial-branch=main")

    def publish(version):
        (folder / "helpers" / "colab.py").write_text(START.format(version))
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", str(version))
        return folder

    return publish


@pytest.fixture
def run_cell(tmp_path):
    """Runs the setup cell in IPython in the folder content/, with the repository at an address or
    nowhere; returns what it says."""
    for folder in ("fakes", "content"):
        (tmp_path / folder).mkdir()
    for name in ("keras", "tensorflow"):
        (tmp_path / "fakes" / f"{name}.py").touch()
    (tmp_path / "cell.py").write_text(CELL, encoding="utf-8")

    def run(address=None, cwd=tmp_path / "content"):
        env = os.environ | {
            "PYTHONPATH": str(tmp_path / "fakes"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{address or tmp_path / 'nowhere'}.insteadOf",
            "GIT_CONFIG_VALUE_0": f"https://github.com/{REPOSITORY}",
        }
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        command = [sys.executable, "-c", RUN, tmp_path / "cell.py"]
        said = subprocess.run(command, cwd=cwd, env=env, timeout=100, **streams).stdout
        assert not re.search("Traceback|fatal|unzip|zipfile", said)
        return said

    return run


def test_the_cell_clones_and_updates_an_older_clone(published, run_cell, tmp_path):
    assert "version 1\nwent on" in run_cell(published(1).as_uri())
    assert (tmp_path / "content" / NAME / ".git").is_dir()
    assert "version 2\nwent on" in run_cell(published(2).as_uri())
    said = run_cell()  # the clone is there, the address is gone
    assert "cannot be reached" in said and "version 2\nwent on" in said


def test_the_cell_says_what_to_do_where_nothing_can_be_cloned(run_cell, tmp_path):
    said = run_cell()
    assert f"UsageError: Download the zip of https://github.com/{REPOSITORY}" in said
    assert "stopped\n" in said
    (tmp_path / "content" / f"{NAME}-main.zip").write_bytes(b"PK broken off")
    assert "UsageError: Download the zip" in run_cell()


@pytest.mark.skipif(not shutil.which("unzip"), reason="Colab has unzip, this machine has not")
@pytest.mark.parametrize("place", [".", "drive/MyDrive"])
def test_the_cell_unpacks_an_uploaded_zip(place, published, run_cell, tmp_path):
    target = tmp_path / "content" / place / f"{NAME}-main.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    git(published(3), "archive", f"--prefix={NAME}-main/", f"--output={target}", "HEAD")
    assert "version 3\nwent on" in run_cell()


def test_the_cell_finds_the_repository_that_it_lies_in(published, run_cell):
    notebooks = published(4) / "notebooks"
    notebooks.mkdir()
    assert "version 4\nwent on" in run_cell(cwd=notebooks)
    assert not list(notebooks.iterdir())


# colab.up


def test_up_says_what_is_there(capsys, reader):
    GPU, network = colab.up()
    said = capsys.readouterr().out
    assert said.startswith("TensorFlow ") and network.description in said
    assert network.name == "mini" or GPU
    assert ("T4 GPU" in said) != GPU


def test_up_goes_on_with_mini_where_there_is_a_gpu_but_no_weights(monkeypatch, capsys):
    import keras
    import tensorflow as tf

    def refuse(*_, **__):
        raise OSError("no internet")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: ["GPU:0"])
    monkeypatch.setattr(keras.applications, "VGG19", refuse)
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    GPU, network = colab.up()
    assert GPU and network.name == "mini"
    assert network.precision == "float32"  # float16 is a default nowhere
    assert "because VGG-19's weights could not be downloaded" in capsys.readouterr().out


def test_an_error_of_the_package_is_one_sentence_in_a_notebook():
    from IPython.core.interactiveshell import InteractiveShell

    shell, shown = InteractiveShell(), []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.run_cell("from helpers import images\nimages.load('nowhere.png')")
    assert len(shown) == 1 and shown[0].startswith("PictureError: There is no picture nowhere.png")


# Uploads, downloads, Drive.


@pytest.fixture
def reader(monkeypatch, tmp_path):
    """Colab's module, faked: `chosen` are the files that the reader picks, as {name: bytes};
    `offered` those that are offered; `allowed`: whether the Drive may be mounted."""

    def upload():
        for name, data in fake.chosen.items():
            (tmp_path / name).write_bytes(data)
        return dict(fake.chosen)

    def mount(place):
        if not fake.allowed:
            raise ValueError("mount failed")
        (Path(place) / "MyDrive").mkdir(parents=True)

    fake = types.SimpleNamespace(chosen={}, offered=[], allowed=True)
    fake.files = types.SimpleNamespace(upload=upload, download=fake.offered.append)
    fake.drive = types.SimpleNamespace(mount=mount)
    monkeypatch.setitem(sys.modules, "google.colab", fake)
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return fake


def test_upload_takes_the_first_picture_or_refuses_with_a_sentence(reader):
    reader.chosen = {"IMG_1.jpg": images.encode(np.zeros((3000, 4000, 3))), "b.jpg": b""}
    path = colab.upload("the photograph")  # of 12 megapixels
    assert path.name == "IMG_1.jpg" and images.load(path, 64).shape == (48, 64, 3)
    for reader.chosen, word in (({}, "Nothing was chosen"), ({"a.jpg": b"hello"}, "a.jpg is not")):
        with pytest.raises(PictureError, match=word):
            colab.upload("the photograph")


def test_outside_colab_a_sentence_says_so(tmp_path, capsys, monkeypatch):
    for act in (lambda: colab.upload("the photograph"), lambda: colab.folder(drive=True)):
        with pytest.raises(SetupError, match="Only Colab"):
            act()
    monkeypatch.setenv("NST_CACHE", str(tmp_path))
    assert colab.folder() == tmp_path / "runs" / "run_1"
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    colab.offer(colab.folder() / "a.png")
    assert capsys.readouterr().out == "Saved: ~/runs/run_2/a.png\n"


def test_a_drive_that_is_not_allowed_is_one_sentence(reader):
    reader.allowed = False
    with pytest.raises(SetupError, match="mount failed"):
        colab.folder(drive=True)
    assert colab.folder().name == "run_1"


HALVES = np.where(np.arange(48) < 24, 7, 4) * np.ones((40, 1), int)  # white and red


@pytest.mark.parametrize("masked", [False, True])
def test_a_run_in_the_drive_goes_on_after_a_disconnect(
    reader, shallow, picture, style_picture, masked
):
    """A session ends between two checkpoints; the next knows the Drive and nothing else."""
    options = {"beta": 7.0, "levels": 2, "optimizer": "adam", "keep_colors": "luminance"}
    options |= {"mask": HALVES, "style_masks": ["white", "red"]} if masked else {}
    styles = [style_picture, style_picture[::-1]]
    folder = colab.folder(drive=True)
    assert folder.is_relative_to(colab.DRIVE / "MyDrive")
    whole = colab.begin(folder, picture, styles, shallow, **options)
    whole.run(6)
    run = colab.begin(folder, picture, styles, shallow, **options)

    def disconnect(run):
        if run.step_count >= 3:
            checkpoint.save(folder / colab.CHECKPOINT, run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(6, disconnect)
    del run
    assert colab.folder() == folder.parent / "run_2"  # a newer one that holds nothing yet
    again, found = colab.resume(shallow)
    assert found == folder
    assert 3 <= again.step_count < 6
    again.run(again.spec.steps)
    np.testing.assert_array_equal(again.picture, whole.picture)
    np.testing.assert_array_equal(again.history["total"], whole.history["total"])
    images.save(found / "mine.png", again.picture)
    colab.offer(found / "mine.png")
    assert reader.offered == [str(found / "mine.png")]


def test_a_used_folder_has_the_pictures_of_the_new_run(reader, shallow, picture):
    folder = colab.folder()
    colab.begin(folder, picture, [picture] * 3, shallow, mask=HALVES, style_masks=["red"] * 3)
    images.save(folder / "mine.png", picture)
    run = colab.begin(folder, picture, [picture], shallow)
    run.run(2, checkpoint=folder / colab.CHECKPOINT)
    with pytest.raises(PictureError):  # nothing is lost to a run that cannot begin
        colab.begin(folder, picture, [picture[:1, :1]], shallow)
    again, _ = colab.resume(shallow)
    assert len(again.styles) == 1 and again.masks is None
    assert (folder / "mine.png").exists()


def test_resume_says_what_is_missing(reader, shallow, picture):
    with pytest.raises(CheckpointError, match="no run"):
        colab.resume(shallow)
    folder = colab.folder()
    colab.begin(folder, picture, picture, shallow).run(2, checkpoint=folder / colab.CHECKPOINT)
    other = vgg.load("mini", ["block1_conv1", "block2_conv1", "block3_conv1"])
    with pytest.raises(CheckpointError, match="use the same"):
        colab.resume(other)
    colab.begin(folder, picture[::-1], picture, shallow)  # another run, not yet painted
    run, _ = colab.resume(shallow)
    assert run.step_count == 0
    np.testing.assert_array_equal(run.content, picture[::-1])
    (folder / colab.CHECKPOINT).write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="damaged"):
        colab.resume(shallow)


# Requirements, addresses.


def test_requirements_are_what_the_package_imports_and_no_more():
    imported = set()
    for path in (ROOT / "helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    # IPython comes with ipywidgets, dask's distributed is asked for by who has a cluster.
    imported -= {"google", "IPython", "distributed", "helpers", *sys.stdlib_module_names}
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    listed = set(re.findall(r"^[\w-]+", text, re.MULTILINE))
    assert {"pillow" if name == "PIL" else name for name in imported} == listed


def test_the_pins_of_colab_are_admitted_by_the_requirements():
    from packaging.requirements import Requirement

    pins = (ROOT / "tools" / "colab" / "pins.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", pins, re.MULTILINE))
    assert {"tensorflow", "keras", "numpy", "pillow", "ipywidgets"} <= set(map(str.lower, pinned))
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if re.match(r"\w", line)]
    for wish in wanted:
        version = {name.lower(): at for name, at in pinned.items()}.get(wish.name.lower())
        assert version is None or version in wish.specifier, wish


@pytest.fixture
def copied(tmp_path):
    """A copy of all text in this repository."""
    left_out = shutil.ignore_patterns(".*", "build", "outputs", "__pycache__", "*.jpg", "*.npz")
    return shutil.copytree(ROOT, tmp_path / "copied", ignore=left_out)


@pytest.mark.parametrize(
    "address",
    ["https://github.com/some-one/else.where/", "git@github.com:some-one/else.where.git"],
)
def test_publish_forgets_no_address(address, copied):
    addresses.publish(address, copied)
    assert addresses.repository(copied) == "some-one/else.where"
    texts = {
        path.relative_to(copied).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in copied.rglob("*")
        if path.is_file()
    }
    assert [name for name, text in texts.items() if REPOSITORY in text] == []
    notebooks = [name for name in texts if name.startswith("notebooks/0")]
    assert len(notebooks) >= 10
    for name in notebooks:
        assert "github/some-one/else.where/blob/main/notebooks/" in texts[name]
        if name.endswith(".py") and not name.startswith("notebooks/00"):
            assert texts["tools/setup_cell.py"] in texts[name]


def test_publish_refuses_what_is_no_address_and_leaves_others(copied):
    with pytest.raises(SystemExit, match="not at GitHub"):
        addresses.publish("https://example.org/a/b", copied)
    assert addresses.repository(copied) == REPOSITORY
    text = "see https://github.com/tensorflow/tensorflow; git clone https://github.com/a/b"
    assert addresses.with_addresses(text, "c/d") == text.replace("a/b", "c/d")
