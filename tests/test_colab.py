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

import nbformat
import numpy as np
import pytest
from PIL import Image

from helpers import checkpoint, images, keep, start
from helpers.errors import CheckpointError, PictureError, SetupError
from tools import addresses
from tools.colab import changes

ROOT = Path(__file__).resolve().parent.parent
CELL = (ROOT / "tools" / "setup_cell.py").read_text(encoding="utf-8")
NAME = addresses.repository().split("/")[1]
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
        (folder / "helpers" / "start.py").write_text(START.format(version))
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", str(version))
        return folder

    return publish


@pytest.fixture
def run_cell(tmp_path):
    """Runs the setup cell in IPython in the folder content/, with the repository at an address or,
    as for an address that is none, nowhere; returns what it says."""
    for name in ("keras", "tensorflow"):
        (tmp_path / "fakes").mkdir(exist_ok=True)
        (tmp_path / "fakes" / f"{name}.py").touch()
    (tmp_path / "content").mkdir()
    (tmp_path / "cell.py").write_text(CELL, encoding="utf-8")

    def run(address=None, cwd=None):
        instead = f"url.{address or tmp_path / 'nowhere'}.insteadOf"
        theirs = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": instead}
        theirs["GIT_CONFIG_VALUE_0"] = f"https://github.com/{addresses.repository()}"
        theirs |= {"PYTHONPATH": str(tmp_path / "fakes"), "IPYTHONDIR": str(tmp_path / "ipython")}
        done = subprocess.run(
            [sys.executable, "-c", RUN, tmp_path / "cell.py"], cwd=cwd or tmp_path / "content",
            env=os.environ | theirs, capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert not re.search("Traceback|fatal|unzip|zipfile", said)
        return said

    return run


def test_the_cell_clones_and_updates_an_older_clone(published, run_cell, tmp_path):
    folder = published(1)
    assert "version 1\nwent on" in run_cell(folder.as_uri())
    assert (tmp_path / "content" / NAME / ".git").is_dir()
    published(2)
    assert "version 2\nwent on" in run_cell(folder.as_uri())
    said = run_cell()  # the clone is there, the address is gone
    assert "cannot be reached" in said
    assert "version 2\nwent on" in said


def test_the_cell_says_what_to_do_where_nothing_can_be_cloned(run_cell, tmp_path):
    said = run_cell()
    assert f"UsageError: Download the zip of https://github.com/{addresses.repository()}" in said
    assert "stopped\n" in said
    (tmp_path / "content" / f"{NAME}-main.zip").write_bytes(b"PK broken off")
    assert "UsageError: Download the zip" in run_cell()


@pytest.mark.skipif(not shutil.which("unzip"), reason="Colab has unzip, this machine has not")
@pytest.mark.parametrize("place", [".", "drive/MyDrive"])
def test_the_cell_unpacks_an_uploaded_zip(place, published, run_cell, tmp_path):
    folder = published(3)
    target = tmp_path / "content" / place
    target.mkdir(parents=True, exist_ok=True)
    git(folder, "archive", f"--prefix={NAME}-main/", f"--output={target / NAME}-main.zip", "HEAD")
    assert "version 3\nwent on" in run_cell()


def test_the_cell_finds_the_repository_that_it_lies_in(published, run_cell):
    notebooks = published(4) / "notebooks"
    notebooks.mkdir()
    assert "version 4\nwent on" in run_cell(cwd=notebooks)
    assert not list(notebooks.iterdir())


def test_every_notebook_has_this_cell_and_other_addresses_stay():
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = nbformat.read(path, 4).cells
        (setup,) = (c for c in cells if "setup" in c.metadata.get("tags", []))
        assert setup.source == CELL.rstrip("\n")
    text = "see https://github.com/tensorflow/tensorflow; git clone https://github.com/a/b"
    written = "see https://github.com/tensorflow/tensorflow; git clone https://github.com/c/d"
    assert addresses.with_addresses(text, "c/d") == written


# start.up


def test_up_says_what_is_there(capsys, monkeypatch):
    GPU, network = start.up()
    said = capsys.readouterr().out
    assert network.name == "mini" or GPU
    assert said.startswith("TensorFlow ")
    assert network.description in said
    assert "Change runtime type" not in said
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    if not GPU:
        start.up()
        assert "Choose Runtime → Change runtime type → T4 GPU" in capsys.readouterr().out


def test_up_goes_on_with_mini_where_there_is_a_gpu_but_no_weights(monkeypatch, capsys):
    import tensorflow as tf

    from helpers import weights

    def refuse(*_, **__):
        raise OSError("no internet")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: ["GPU:0"])
    monkeypatch.setitem(weights._APPLICATIONS, "vgg19", refuse)
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    GPU, network = start.up()
    assert GPU
    assert network.name == "mini"
    assert network.precision == "float32"  # float16 is a default nowhere
    assert "because VGG-19's weights could not be downloaded" in capsys.readouterr().out


@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_an_old_version_is_refused_and_a_newer_one_told(package, monkeypatch, capsys):
    found = {"tensorflow": "2.19.0", "keras": "3.10.0"} | {package: "2.4.1"}
    monkeypatch.setattr("importlib.metadata.version", found.__getitem__)
    with pytest.raises(SetupError, match=r"is too old, [\d.]+ is needed: in Colab choose Runtime"):
        start.check_versions()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "9.1.0")
    start.check_versions()
    assert "is newer than those that were tried" in capsys.readouterr().out


def test_files_that_were_updated_while_loaded_ask_for_a_restart(monkeypatch):
    start.check_loaded()
    monkeypatch.setattr(start, "_LOADED", 0.0)
    with pytest.raises(SetupError, match="choose Runtime → Restart session"):
        start.check_loaded()


def test_an_error_of_the_package_is_one_sentence_in_a_notebook():
    from IPython.core.interactiveshell import InteractiveShell

    shell, shown = InteractiveShell(), []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.run_cell("from helpers import images\nimages.load('nowhere.png')")
    assert shown == ["PictureError: There is no picture nowhere.png: check the path."]


# Uploads, downloads, Drive.


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """Colab's module, faked: `chosen` are the files that the reader picks, as {name: bytes};
    `offered` those that are offered; `allowed`: whether the Drive may be mounted."""
    fake = types.SimpleNamespace(chosen={}, offered=[], allowed=True)
    module, dialogs, drive = (
        types.ModuleType(f"google.colab{n}") for n in ("", ".files", ".drive")
    )

    def upload():
        for name, data in fake.chosen.items():
            (tmp_path / name).write_bytes(data)
        return dict(fake.chosen)

    def mount(place):
        if not fake.allowed:
            raise ValueError("mount failed")
        (Path(place) / "MyDrive").mkdir(parents=True)

    dialogs.upload, dialogs.download, drive.mount = upload, fake.offered.append, mount
    module.files, module.drive = dialogs, drive
    for found in (module, dialogs, drive):
        monkeypatch.setitem(sys.modules, found.__name__, found)
    monkeypatch.setattr(keep, "DRIVE", tmp_path / "drive")
    monkeypatch.chdir(tmp_path)
    return fake


def jpeg(width, height):
    rows = np.linspace(0, 255, height)[:, None, None] * np.ones((1, width, 3))
    return images.encode(rows)


def test_upload_takes_the_first_of_several_also_with_12_megapixels(colab, capsys):
    colab.chosen = {"IMG_1.jpg": jpeg(4000, 3000), "b.jpg": jpeg(40, 30)}
    path = keep.upload("the photograph")
    assert images.load(path, 64).shape == (48, 64, 3)
    assert path.name == "IMG_1.jpg"
    assert "2 files were chosen; IMG_1.jpg is taken." in capsys.readouterr().out


HEIC = b"\x00\x00\x00\x24ftypheic" + bytes(100)


def test_upload_refuses_with_a_sentence(colab):
    with pytest.raises(PictureError, match="Nothing was chosen: run the cell again"):
        keep.upload("the photograph")
    colab.chosen = {"IMG_1.HEIC": HEIC}
    with pytest.raises(PictureError, match=r"IMG_1.HEIC is in HEIC, .* export it as JPEG first"):
        keep.upload("the photograph")
    with pytest.raises(PictureError, match="The uploaded file is in HEIC"):
        images.load(HEIC)
    colab.chosen = {"a.jpg": b"no picture"}
    with pytest.raises(PictureError, match=r"a\.jpg is not a picture"):
        keep.upload("the photograph")


def test_outside_colab_a_sentence_says_so(tmp_path, capsys, monkeypatch):
    with pytest.raises(SetupError, match="Only Colab uploads: put in the path"):
        keep.upload("the photograph")
    with pytest.raises(SetupError, match="Only Colab mounts a Drive"):
        keep.folder(drive=True)
    monkeypatch.setenv("NST_CACHE", str(tmp_path))
    assert keep.folder() == tmp_path / "runs" / "run_1"
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    keep.offer(keep.folder() / "a.png")
    assert capsys.readouterr().out == "Saved: ~/runs/run_2/a.png\n"


def test_a_drive_that_is_not_allowed_is_one_sentence(colab):
    colab.allowed = False
    with pytest.raises(SetupError, match=r"could not be mounted \(mount failed\): run the cell"):
        keep.folder(drive=True)
    assert keep.folder().name == "run_1"


def test_a_run_in_the_drive_goes_on_after_a_disconnect(colab, shallow, picture, style_picture):
    """A session ends between two checkpoints; the next knows the Drive and nothing else."""
    options = {"beta": 7.0, "levels": 2, "optimizer": "adam", "keep_colors": "luminance"}
    folder = keep.folder(drive=True)
    assert folder.is_relative_to(keep.DRIVE / "MyDrive")
    whole = keep.begin(folder, picture, style_picture, shallow, **options)
    whole.run(6)
    run = keep.begin(folder, picture, style_picture, shallow, **options)

    def disconnect(run):
        if run.step_count >= 3:
            checkpoint.save(folder / keep.CHECKPOINT, run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(6, disconnect)
    del run
    assert keep.folder() == folder.parent / "run_2"  # a newer one that holds nothing yet
    again, found = keep.resume(shallow)
    assert found == folder
    assert 3 <= again.step_count < 6
    again.run(again.begins[-1])
    np.testing.assert_allclose(again.picture, whole.picture, atol=1e-3)
    np.testing.assert_allclose(again.history["total"], whole.history["total"], rtol=1e-5)
    images.save(found / "mine.png", again.picture)
    keep.offer(found / "mine.png")
    assert colab.offered == [str(found / "mine.png")]


def test_resume_says_what_is_missing(colab, shallow, mini, picture):
    with pytest.raises(CheckpointError, match="There is no run to go on with"):
        keep.resume(shallow)
    folder = keep.folder()
    run = keep.begin(folder, picture, [picture, picture], shallow)
    run.run(2, checkpoint=folder / keep.CHECKPOINT)
    assert len(keep.resume(shallow)[0].styles) == 2
    with pytest.raises(CheckpointError, match="use the same to resume"):
        keep.resume(shallow, folder=begun_elsewhere(folder))


def begun_elsewhere(folder):
    """The same run, but somebody has exchanged its photograph."""
    with Image.open(folder / "content.png") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "content.png")
    return folder


# Requirements, tools/colab, tools/addresses.


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
    assert {"pillow" if name == "PIL" else name for name in imported} | {"scipy"} == listed


def test_changes_tell_what_a_newer_list_means():
    pins = "# published on 2026-08-19\ntensorflow==2.20.0\njupyter_client==7.4.9\nnumpy==2.1.3\n"
    newer = "tensorflow==2.99.0\njupyter-client==8.0\nkeras==3.14\nbranched @ git+https://a/b\n"
    requirements = "# why\n-r other.txt\ntensorflow>=2.18,<2.22  # a range\nnumpy>=2\n"
    assert list(changes.changes(pins, newer, requirements)) == [
        ("tensorflow", "2.20.0", "2.99.0", "not in tensorflow>=2.18,<2.22"),
        ("jupyter-client", "7.4.9", "8.0", ""),
        ("numpy", "2.1.3", "none", "is gone"),
    ]
    assert changes.taken(pins, newer, "2027-01-02") == (
        "# published on 2027-01-02\ntensorflow==2.99.0\njupyter_client==8.0\nnumpy==2.1.3\n"
    )


def test_the_pins_are_admitted_by_the_requirements(tmp_path, capsys):
    pins = changes.PINS.read_text(encoding="utf-8")
    assert changes.DATE.search(pins)
    assert "https://github.com/" in pins
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    said = {changes.admitted(name, at, requirements) for name, at in changes.versions(pins).items()}
    assert said == {"", "admitted"}
    newer = tmp_path / "newer.txt"
    newer.write_text(pins.replace("tensorflow==2.20.0", "tensorflow==2.21.0"), encoding="utf-8")
    changes.main([str(newer)])
    assert "2.20.0 → 2.21.0       admitted" in capsys.readouterr().out
    newer.write_text("<html>", encoding="utf-8")
    with pytest.raises(SystemExit, match="names no package"):
        changes.main([str(newer)])


@pytest.fixture
def copied(tmp_path):
    """A copy of all text in this repository."""
    left_out = shutil.ignore_patterns(".*", "build", "outputs", "__pycache__", "*.jpg", "*.npz")
    return shutil.copytree(ROOT, tmp_path / "copied", ignore=left_out)


@pytest.mark.parametrize(
    "address",
    ["https://github.com/some-one/else.where", "git@github.com:some-one/else.where.git",
     "https://github.com/some-one/else.where/"],
)  # fmt: skip
def test_publish_forgets_no_address(address, copied):
    before = addresses.repository()
    addresses.publish(address, copied)
    assert addresses.repository(copied) == "some-one/else.where"
    texts = {
        path.relative_to(copied).as_posix(): path.read_text(encoding="utf-8")
        for path in copied.rglob("*")
        if path.suffix in (".md", ".py", ".ipynb", ".toml", ".txt", ".sh", "")
        and path.is_file()
    }  # fmt: skip
    assert [name for name, text in texts.items() if before in text] == []
    notebooks = [name for name in texts if name.startswith("notebooks/0")]
    assert len(notebooks) >= 10
    for name in notebooks:
        assert "github/some-one/else.where/blob/main/notebooks/" in texts[name]
        assert "https://github.com/some-one/else.where" in texts[name].split("REPOSITORY", 1)[1]
    cell = texts["tools/setup_cell.py"]
    for name in notebooks:
        assert cell in texts[name] or name.endswith(".ipynb")


def test_publish_refuses_what_is_no_address(copied):
    with pytest.raises(SystemExit, match="is no address at GitHub: give https"):
        addresses.publish("https://example.org/a/b", copied)
    assert addresses.repository(copied) == addresses.repository()
