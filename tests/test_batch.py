"""A table of jobs: read, painted, skipped when finished, retried and reported when not."""

import re

import numpy as np
import pytest
from PIL import Image

from helpers import batch, images, settings
from helpers.errors import SettingError, StyleTransferError

HEAD = "content,style,network,size,steps,levels,beta,output\n"


@pytest.fixture
def table(tmp_path):
    def write(text, head=HEAD):
        path = tmp_path / "jobs.csv"
        path.write_text(head + text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def call(*arguments):
    return batch.main([str(a) for a in arguments])


def test_every_line_becomes_a_picture_and_is_not_made_again(table, folder, capsys, monkeypatch):
    path = table("cat,starry_swirls,mini,48,4,1,30,\ncat,night_cafe,mini,48,4,1,,second.jpg\n")
    call(path, "--output", folder)
    assert {p.name for p in folder.iterdir()} == {"cat_starry_swirls_2.png", "second.jpg"}
    found = images.read_settings(folder / "cat_starry_swirls_2.png")
    assert (found["beta"], found["steps"], found["network"]) == (30, 4, "mini")
    assert images.read_settings(folder / "second.jpg")["beta"] == settings.default("beta")
    assert "1 to go" in capsys.readouterr().out

    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    monkeypatch.setattr(batch, "run", lambda *_: pytest.fail("painted again"))
    call(path, "--output", folder)
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    assert "2 of 2 are finished already" in capsys.readouterr().out


def test_the_folder_is_made_unless_a_file_is_in_its_place(table, tmp_path, capsys):
    path = table("cat,starry_swirls,mini,48,2,1,,a.png\n")
    call(path, "--output", tmp_path / "class" / "monday")
    assert (tmp_path / "class" / "monday" / "a.png").exists()
    with pytest.raises(SystemExit):
        call(path, "--output", path / "monday")
    assert "could not be created (Not a directory): choose another." in capsys.readouterr().err


def test_a_changed_line_and_an_unfinished_picture_are_made_again(table, folder):
    path = table("cat,starry_swirls,mini,48,4,1,30,a.png\n")
    call(path, "--output", folder)
    (job,) = batch.read_jobs(path, folder)
    assert batch.finished(job)
    found = images.read_settings(folder / "a.png")
    images.save(folder / "a.png", np.zeros((8, 8, 3)), found | {"steps_done": 2})
    assert not batch.finished(job)
    (changed,) = batch.read_jobs(table("cat,starry_swirls,mini,48,5,1,30,a.png\n"), folder)
    images.save(folder / "a.png", np.zeros((8, 8, 3)), found)
    assert batch.finished(job)
    assert not batch.finished(changed)


def test_failed_jobs_are_tried_again_and_reported_and_the_others_go_on(table, folder, capsys):
    path = table("gone.jpg,cat,mini,48,2,1,,a.png\ncat,starry_swirls,mini,48,2,1,,b.png\n")
    with pytest.raises(SystemExit):
        call(path, "--output", folder, "--retries", 2)
    said = capsys.readouterr()
    assert said.out.count("a.png: There is no picture gone.jpg") == 3
    assert said.out.count("tried again") == 2
    assert re.search(r"1 of 2 pictures could not be made: \S*a\.png", said.err)
    assert (folder / "b.png").exists()


def test_a_job_that_fails_once_is_made_by_the_retry(table, folder, monkeypatch):
    paint, calls = batch.paint, []

    def fail_once(*arguments, **keywords):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("odd")
        paint(*arguments, **keywords)

    monkeypatch.setattr(batch, "paint", fail_once)
    call(table("cat,starry_swirls,mini,48,2,1,,a.png\n"), "--output", folder)
    assert len(calls) == 2
    assert (folder / "a.png").exists()


@pytest.mark.parametrize(
    ("text", "head", "sentence"),
    [
        ("cat\n", "content\n", "lacks the columns"),
        ("cat,,mini,48,2,1,,\n", HEAD, "Line 2 .* has no style"),
        ("cat,cat\n", HEAD, "Line 2 .* fields"),
        ("cat,cat,mini,big,2,1,,\n", HEAD, "Line 2 .*size"),
        ("cat,cat,mini,48,0,1,,\n", HEAD, "Line 2 .*number of steps is 0"),
        (
            "cat,cat,mini,48,2,1,,a.png\n" * 2,
            HEAD,
            "a.png is both line 2's output and line 3's output",
        ),
        ("cat,cat,3\n", "content,style,colour\n", "Line 2 .*colour"),
        ("cat,cat,3\n", "content,style,help\n", "Line 2 .*no setting 'help'"),
        ("", HEAD, "has no line but its names"),
        ("cat,cat,1,2\n", "content,style,beta,beta\n", "two columns of one name"),
        ("cat,cat,mini,64 --output keep.jpg,2,1,,\n", HEAD, "The size is '64 --output keep.jpg'"),
        ("cat,cat,mini,48,2,1,,\n", HEAD.replace("size", "resume"), "no checkpoint 48"),
    ],
)
def test_a_table_that_makes_no_sense_is_a_clear_error(table, folder, text, head, sentence):
    with pytest.raises(StyleTransferError, match=sentence):
        batch.read_jobs(table(text, head), folder)


def test_no_line_writes_what_another_reads(table, folder, tmp_path, capsys, picture):
    source = tmp_path / "photo.png"
    images.save(source, picture)
    before = source.read_bytes()
    lines = ["cat,starry_swirls,mini,48,2,1,,../photo.png\n", f"{source},cat,mini,48,2,1,,\n"]
    for text in (lines[0] + lines[1], lines[1] + lines[0]):
        with pytest.raises(SystemExit):
            call(table(text), "--output", folder)
        assert "is both line" in capsys.readouterr().err
        assert source.read_bytes() == before


@pytest.mark.parametrize("name", ["output", "report", "checkpoint"])
def test_one_file_by_two_names_is_not_written_twice(table, folder, name):
    suffix = {"output": "png", "report": "json", "checkpoint": "npz"}[name]
    second = f"cat,cat,{folder.parent}/out/../out/e.{suffix}\n"
    first = f"cat,cat,{'' if name == 'output' else f'{folder}/'}e.{suffix}\n"
    with pytest.raises(StyleTransferError, match=f"is both line 2's {name} and line 3's {name}"):
        batch.read_jobs(table(first + second, f"content,style,{name}\n"), folder)


def test_a_table_that_is_a_report_is_not_written_over(table, folder):
    path = table("cat,cat,jobs.csv\n", "content,style,report\n")
    path = table(f"cat,cat,{path}\n", "content,style,report\n")
    with pytest.raises(StyleTransferError, match="is both the table and line 2's report"):
        batch.read_jobs(path, folder)


def test_one_value_a_cell_but_for_options_of_many(table, folder, tmp_path):
    weights = tmp_path / "my weights.npz"
    text = f"cat,cat,{weights},block1_conv1 block2_conv1,1 3\n"
    path = table(text, "content,style,weights,style-layers,layer_weights\n")
    (job,) = batch.read_jobs(path, folder)
    assert job.settings["weights"] == str(weights)
    assert job.settings["style_layers"] == ["block1_conv1", "block2_conv1"]
    assert job.settings["layer_weights"] == [1.0, 3.0]


def test_equal_names_in_two_folders_are_told_apart(table, folder, capsys, monkeypatch):
    for name in ("x", "y"):
        (folder / name).mkdir()
    path = table("cat,gone.png,mini,48,2,1,,x/a.png\ncat,cat,mini,48,2,1,,y/a.png\n")
    monkeypatch.setattr(batch, "run", lambda job: "no" if job.output.parent.name == "x" else None)
    with pytest.raises(SystemExit):
        call(path, "--output", folder)
    assert (
        f"1 of 2 pictures could not be made: {folder / 'x' / 'a.png'}." in capsys.readouterr().err
    )


def test_a_broken_picture_in_the_place_of_one_is_painted_again(table, folder, monkeypatch):
    path = table("cat,cat,mini,48,2,1,,a.png\n")
    (job,) = batch.read_jobs(path, folder)
    assert not batch.finished(job)
    for error in (Image.DecompressionBombError("huge"), SyntaxError("broken"), MemoryError()):

        def read(_, error=error):
            raise error

        monkeypatch.setattr(images, "read_settings", read)
        assert not batch.finished(job)


def test_a_picture_of_a_table_tells_no_local_path(table, folder, tmp_path, picture):
    images.save(tmp_path / "photo.png", picture)
    call(table(f"{tmp_path}/photo.png,cat,mini,32,2,1,,a.png\n"), "--output", folder)
    found = images.read_settings(folder / "a.png")
    assert found["content"] == "photo.png"
    assert str(tmp_path) not in str(found)


def test_a_missing_table_is_a_clear_error(folder):
    with pytest.raises(SettingError, match="There is no table"):
        batch.read_jobs(folder / "no.csv", folder)


def test_on_a_dask_cluster(table, folder, capsys):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    text = "cat,starry_swirls,mini,48,2,1,,a.png\ngone.jpg,cat,mini,48,2,1,,b.png\n"
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as hub,
        pytest.raises(SystemExit),
    ):
        call(table(text), "--output", folder, "--scheduler", hub.scheduler_address, "--retries", 0)
    assert (folder / "a.png").exists()
    assert "b.png: There is no picture gone.jpg" in capsys.readouterr().out


def test_a_scheduler_that_is_not_there_is_a_clear_error(table, folder, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")

    def refuse(*_, **__):
        raise OSError("Timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(SystemExit):
        call(table("cat,cat,mini,48,2,1,,a.png\n"), "--output", folder, "--scheduler", "tcp://x:1")
    assert "no Dask scheduler at tcp://x:1" in capsys.readouterr().err
