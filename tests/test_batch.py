"""A table of jobs: read, painted, skipped when finished, and reported when not."""

import re
import time

import numpy as np
import pytest
from PIL import Image
from test_cli import INPUTS
from test_cli import call as call_command

from helpers import cli, images
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


def call(path, folder, *more, status=0):
    call_command("batch", [path, "--output", folder, *more], status)


def test_every_line_becomes_a_picture_and_is_not_made_again(table, folder, capsys, monkeypatch):
    folder = folder / "class" / "monday"
    path = table("cat,starry_swirls,mini,48,2,1,30,\ncat,night_cafe,mini,48,2,1,,日本.jpg\n")
    call(path, folder)
    (first,) = folder.glob("cat_starry_swirls_*.png")
    assert {p.name for p in folder.iterdir()} == {first.name, "日本.jpg"}
    found = images.read_metadata(first)
    assert (found["beta"], found["steps"], found["network"]) == (30, 2, "mini")
    assert images.read_metadata(folder / "日本.jpg")["beta"] == 20
    assert "2 of 2" in capsys.readouterr().err

    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    monkeypatch.setattr(cli, "run_job", lambda *_: pytest.fail("painted again"))
    call(path, folder)
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    assert "2 of 2 are finished already" in capsys.readouterr().err
    call(path, path / "monday", status=2)
    assert "Not a directory" in capsys.readouterr().err


def test_a_changed_line_and_an_unfinished_picture_are_made_again(table, folder):
    path = table("cat,starry_swirls,mini,48,2,1,30,a.png\n")
    call(path, folder)
    (job,) = cli.read_jobs(path, folder)
    assert cli.finished(job)
    found = images.read_metadata(folder / "a.png")
    images.save(folder / "a.png", np.zeros((8, 8, 3)), found | {"steps_done": 1})
    assert not cli.finished(job)
    (changed,) = cli.read_jobs(table("cat,starry_swirls,mini,48,5,1,30,a.png\n"), folder)
    images.save(folder / "a.png", np.zeros((8, 8, 3)), found)
    assert cli.finished(job)
    assert not cli.finished(changed)


def test_failed_jobs_are_reported_and_the_others_go_on(table, folder, capsys, monkeypatch):
    paint = cli.paint

    def fail(job):
        if job.output.name == "b.png":
            raise RuntimeError("odd")
        paint(job)

    monkeypatch.setattr(cli, "paint", fail)
    lines = "gone.jpg,cat,mini,48,2,1,,a.png\ncat,cat,mini,48,2,1,,b.png\n"
    call(table(lines + "cat,starry_swirls,mini,48,2,1,,c.png\n"), folder, status=2)
    said = capsys.readouterr().err
    assert "a.png: There is no picture gone.jpg" in said and "unexpected" in said
    assert [path.name for path in folder.iterdir()] == ["c.png"]
    assert re.search(r"2 of 3 pictures could not be made: \S*a\.png, \S*b\.png", said)


NO_TABLES = [  # (lines, names of columns, what is said)
    ("cat\n", "content\n", "Line 2.*no style"),
    ("cat,,mini,48,2,1,,\n", HEAD, "Line 2.*no style"),
    ("cat,cat,mini,48,2,1,,,9\n", HEAD, "Line 2.*no option ''"),
    ("cat,cat,mini,big,2,1,,\n", HEAD, "Line 2.*size"),
    ("\n,,,,,,,\ncat,cat,mini,48,0,1,,\n", HEAD, "Line 4.*steps is 0"),
    ("cat,cat,mini,48,2,1,,a.png\n" * 2, HEAD, "the output of line 2 and the output of line 3"),
    ("cat,cat,mini,48,2,1,,\n" * 2, HEAD, "the output of line 2 and the output of line 3"),
    ("cat,cat,3\n", "content,style,hue\n", "'hue'"),
    ("", HEAD, "no line"),
    ("cat,cat,gram,gram\n", "content,style,style-cost,Style_cost\n", "two columns style_cost"),
    ("cat,cat,mini,64 --output keep.jpg,2,1,,\n", HEAD, "'64 --output keep.jpg'"),
    ("cat,cat,mini,48,2,1,,\n", HEAD.replace("size", "resume"), "no resume"),
    ("cat,cat,jobs.csv\n", "content,style,report\n", "not a report"),
    ('cat,"cat\n', "content,style\n", "cannot be read"),
]


def test_a_table_that_makes_no_sense_is_a_clear_error(table, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for text, head, word in NO_TABLES:
        with pytest.raises(StyleTransferError, match=word) as caught:
            cli.read_jobs(table(text, head), folder)
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    with pytest.raises(SettingError, match="no table"):
        cli.read_jobs(folder / "no.csv", folder)


@pytest.mark.parametrize("name", ["caps.csv", "semi.csv", "two.csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_tables_as_spreadsheets_save_them(folder, tmp_path, name, encoding):
    """Semicolons, tabs, capital names, other encodings, lines and columns of nothing."""
    text = (INPUTS / name).read_text()
    for separator in ";\t" if ";" in text else ",":
        path = tmp_path / "t.csv"
        lines = [f"{line}{separator * 2}" for line in text.splitlines()]
        blank = separator * (lines[0].count(separator))
        for end in ("\r\n", "\r"):  # of Windows, and of old for the Macintosh
            found = end.join([*lines, blank, ""]).replace(";", separator)
            path.write_bytes(found.replace("cat", "möwe").encode(encoding))
            (job,) = cli.read_jobs(path, folder)
            assert (job.spec.content, job.spec.size, job.spec.network) == ("möwe", 64, "mini")
            two = ("starry_swirls", "night_cafe")
            assert job.spec.styles == (two if name == "two.csv" else two[:1])


def test_a_field_may_have_several_values_or_a_name_with_spaces(table, folder, tmp_path):
    text = f"cat,cat night_cafe,1 3,light,white black,0.5 2,{tmp_path}/my w.npz\n"
    head = "content,style,style-weights,mask,style_mask,style-scale,weights\n"
    (job,) = cli.read_jobs(table(text, head), folder)
    spec = job.spec
    assert (spec.style_weights, spec.style_mask) == ((1.0, 3.0), ("white", "black"))
    assert (spec.styles, spec.style_scale) == (("cat", "night_cafe"), (0.5, 2.0))
    assert spec.weights == f"{tmp_path}/my w.npz"
    (tmp_path / "a style.png").touch()
    for field, styles in (
        (f"{tmp_path}/a style.png", (f"{tmp_path}/a style.png",)),
        ("'b style.png' cat", ("b style.png", "cat")),
        ("Van Gogh's.png", ("Van Gogh's.png",)),
        ("https://a.example/x https://b.example", ("https://a.example/x", "https://b.example")),
    ):
        (job,) = cli.read_jobs(table(f"cat,{field}\n", "content,style\n"), folder)
        assert job.spec.styles == styles


def test_a_line_is_known_by_what_it_says_and_not_by_its_place(table, folder):
    lines = ["cat,starry_swirls,7", "cat,night_cafe,7"]
    before = cli.read_jobs(table("\n".join(lines), "content,style,beta\n"), folder)
    after = cli.read_jobs(table("\n".join(["cat,cat,1", *lines]), "content,style,beta\n"), folder)
    assert [(j.output, j.also) for j in before] == [(j.output, j.also) for j in after[1:]]
    assert len({j.output for j in after}) == 3


def test_thousands_of_lines_are_checked_in_seconds_and_not_without_a_word(table, folder, capsys):
    text = "".join(f"cat,starry_swirls,{i + 1}\n" for i in range(3000))
    begun = time.process_time()
    jobs = cli.read_jobs(table(text, "content,style,beta\n"), folder)
    assert len({job.output for job in jobs}) == 3000
    assert time.process_time() - begun < 6
    call(table(text, "content,style,size\n"), folder, status=2)
    said = capsys.readouterr().err
    assert "jobs.csv are checked" in said and "Line 2 of" in said


def test_no_line_writes_what_another_reads(table, folder, tmp_path, capsys, picture):
    source = tmp_path / "photo.png"
    images.save(source, picture)
    before = source.read_bytes()
    lines = ["cat,starry_swirls,mini,48,2,1,,../photo.png\n", f"{source},cat,mini,48,2,1,,\n"]
    for text in (lines[0] + lines[1], lines[1] + lines[0]):
        call(table(text), folder, status=2)
        assert "is both" in capsys.readouterr().err
        assert source.read_bytes() == before


def test_a_broken_picture_in_the_place_of_one_is_painted_again(table, folder, monkeypatch):
    (job,) = cli.read_jobs(table("cat,cat,mini,48,2,1,,a.png\n"), folder)
    for error in (Image.DecompressionBombError("huge"), SyntaxError("broken"), MemoryError()):

        def read(_, error=error):
            raise error

        monkeypatch.setattr(images, "read_metadata", read)
        assert not cli.finished(job)


@pytest.mark.slow
def test_on_a_dask_cluster(table, folder, capsys):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    text = "cat,starry_swirls,mini,48,2,1,,a.png\ngone.jpg,cat,mini,48,2,1,,b.png\n"
    cluster = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**cluster) as hub:
        call(table(text), folder, "--scheduler", hub.scheduler_address, status=2)
    assert (folder / "a.png").exists()
    assert "b.png: There is no picture gone.jpg" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_is_a_clear_error(table, folder, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")

    def refuse(*_, **__):
        raise OSError("Timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    call(table("cat,cat,mini,48,2,1,,a.png\n"), folder, "--scheduler", "tcp://x:1", status=2)
    assert "No Dask scheduler answers at tcp://x:1" in capsys.readouterr().err


def test_an_interrupt_ends_a_table_and_keeps_what_is_painted(table, folder, monkeypatch):
    paint = cli.paint

    def impatient(job):
        paint(job)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "paint", impatient)
    path = table("cat,cat,mini,48,1,1,,a.png\ncat,cat,mini,48,1,1,9,b.png\n")
    call(path, folder, status=130)
    assert [name.name for name in folder.iterdir()] == ["a.png"]
    assert [cli.finished(job) for job in cli.read_jobs(path, folder)] == [True, False]


def test_a_picture_of_a_table_tells_no_local_path(table, folder, tmp_path, picture):
    images.save(tmp_path / "photo.png", picture)
    call(table(f"{tmp_path}/photo.png,cat,mini,32,2,1,,a.png\n"), folder)
    found = images.read_metadata(folder / "a.png")
    assert found["content"] == "photo.png"
    assert str(tmp_path) not in str(found)
