"""A table of jobs: read, painted, skipped when finished, retried and reported when not."""

import numpy as np
import pytest

from helpers import gallery, images
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
    return gallery.main([str(a) for a in arguments])


def test_every_line_becomes_a_picture_and_is_not_made_again(table, folder, capsys, monkeypatch):
    path = table("cat,starry_swirls,mini,48,4,1,30,\ncat,water_light,mini,48,4,1,,second.jpg\n")
    call(path, "--output", folder)
    assert {p.name for p in folder.iterdir()} == {"cat_starry_swirls_2.png", "second.jpg"}
    settings = images.read_settings(folder / "cat_starry_swirls_2.png")
    assert (settings["beta"], settings["steps"], settings["network"]) == (30, 4, "mini")
    assert images.read_settings(folder / "second.jpg")["beta"] == 100  # the default
    assert "1 to go" in capsys.readouterr().out

    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    monkeypatch.setattr(gallery, "run", lambda *_: pytest.fail("painted again"))
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
    (job,) = gallery.read_jobs(path, folder)
    assert gallery.finished(*job)
    settings = images.read_settings(folder / "a.png")
    images.save(folder / "a.png", np.zeros((8, 8, 3)), settings | {"steps_done": 2})
    assert not gallery.finished(*job)
    (changed,) = gallery.read_jobs(table("cat,starry_swirls,mini,48,5,1,30,a.png\n"), folder)
    images.save(folder / "a.png", np.zeros((8, 8, 3)), settings)
    assert gallery.finished(*job)
    assert not gallery.finished(*changed)


def test_failed_jobs_are_tried_again_and_reported_and_the_others_go_on(table, folder, capsys):
    path = table("gone.jpg,cat,mini,48,2,1,,a.png\ncat,starry_swirls,mini,48,2,1,,b.png\n")
    with pytest.raises(SystemExit):
        call(path, "--output", folder, "--retries", 2)
    said = capsys.readouterr()
    assert said.out.count("a.png: There is no picture gone.jpg") == 3
    assert said.out.count("tried again") == 2
    assert "1 of 2 pictures could not be made: a.png" in said.err
    assert (folder / "b.png").exists()


def test_a_job_that_fails_once_is_made_by_the_retry(table, folder, monkeypatch):
    paint, calls = gallery.paint, []

    def fail_once(*arguments, **keywords):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("odd")
        paint(*arguments, **keywords)

    monkeypatch.setattr(gallery, "paint", fail_once)
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
        ("cat,cat,mini,48,0,1,,\n", HEAD, "0 steps"),
        ("cat,cat,mini,48,2,1,,a.png\n" * 2, HEAD, "Line 3 .* a.png again"),
        ("cat,cat,3\n", "content,style,colour\n", "Line 2 .*colour"),
    ],
)
def test_a_table_that_makes_no_sense_is_a_clear_error(table, folder, text, head, sentence):
    with pytest.raises(StyleTransferError, match=sentence):
        gallery.read_jobs(table(text, head), folder)


def test_a_missing_table_is_a_clear_error(folder):
    with pytest.raises(SettingError, match="cannot be read"):
        gallery.read_jobs(folder / "no.csv", folder)


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
