"""Files whole or not at all, and what a run may write."""

import itertools
import os
import socket
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import files, images
from helpers.errors import OutputError, PictureError


def refused(word, reads, writes):
    with pytest.raises(OutputError, match=word) as caught:
        files.check_paths(reads, writes)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that is the working directory and the home, with two pictures a.png and b.png."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a.png", "b.png"):
        Image.new("RGB", (4, 4), "red").save(name)
    return tmp_path


# Paths.


def test_home_is_written_out_and_the_rest_made_absolute(place, monkeypatch):
    assert files.resolve("~/a.png") == files.resolve("a.png") == place / "a.png"
    assert files.resolve("~x.jpg") == place / "~x.jpg"  # a name like any other
    (place / "gone").mkdir()
    monkeypatch.chdir(place / "gone")
    (place / "gone").rmdir()
    for name in ("", "a\0b.png", "\ud800.png", "a.png"):
        for error in (OutputError, PictureError):
            with pytest.raises(error, match="name of a file"):
                files.resolve(name, error)


def test_only_regular_files_are_read(place):
    os.mkfifo("pipe.png")
    for name in ("pipe.png", "/dev/zero", "n" * 300 + ".png", "~nosuch/y.png"):
        for read in (images.load, images.read_metadata):
            with pytest.raises(PictureError, match="There is no picture"):
                read(name)
    os.rename("a.png", "~x.jpg")
    os.symlink("~x.jpg", "link.png")
    assert images.load("link.png").shape == (4, 4, 3)


# What a run reads and writes.


def test_what_is_read_is_not_written(place):
    os.symlink("a.png", "link.png")
    os.link("a.png", "hard.png")
    os.symlink(place, "folder")
    names = ["a.png", "~/a.png", str(place / "a.png"), "./a.png", "folder/a.png", "link.png"]
    for read, write in itertools.product([*names, "hard.png"], repeat=2):
        refused("the content and the report", [("the content", read)], [("the report", write)])
    reads = [("the content", "a.png"), ("the content", "https://example.org/a.png")]
    files.check_paths(reads, [("the report", "new.json"), ("the output", "b.png")])


def test_no_file_is_written_twice(place):
    os.symlink("new.png", "link.png")  # to what is not there yet
    for one, other in (("new.png", place / "new.png"), ("~/new.png", "link.png")):
        refused("both one and two", [], [("one", one), ("two", other)])
    # New names count as one also where they are two: nothing shows which it will be.
    refused("both", [], [("one", "new.png"), ("two", "NEW.png")])
    if not Path("A.PNG").exists():
        files.check_paths([("the content", "a.png")], [("one", "A.png"), ("two", "new.png")])
    assert sorted(os.listdir()) == ["a.png", "b.png", "link.png"]


def test_only_files_and_new_names_are_written(place):
    os.mkfifo("pipe.png")
    (place / "folder.png").mkdir()
    os.symlink("folder.png", "link.png")
    os.symlink("none/new.png", "dangling.png")
    os.symlink("loop.png", "loop.png")
    kept, gone = "not a file that can be replaced", "No such file or directory"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        for name, sentence in (
            *[(name, kept) for name in ("pipe.png", "socket.png", "/dev/null", "link.png", "~")],
            *[(name, gone) for name in ("none/new.png", "dangling.png", "~nosuch/y.png")],
            ("a.png/b.png", "Not a directory"),
            ("loop.png", "symbolic links"),
            ("n" * 300 + ".png", "name too long"),
        ):
            refused(sentence, [], [("the output", name)])
            with pytest.raises(OutputError, match=sentence), files.whole_file(name):
                pytest.fail("it was opened")
    assert stat.S_ISFIFO(os.stat("pipe.png").st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_what_may_not_be_written_to_is_kept(place, monkeypatch):
    access = os.access  # root may write everywhere
    kept = place / "a.png"
    monkeypatch.setattr(os, "access", lambda path, how: path != kept and access(path, how))
    refused("can be replaced", [], [("the output", "a.png")])


# Writing.


def test_an_interrupted_file_is_not_there(tmp_path):
    with pytest.raises(KeyboardInterrupt), files.whole_file(tmp_path / "a.npz") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_link_stays_and_its_file_is_replaced(place):
    (place / "d").mkdir()
    os.chmod("a.png", 0o600)
    os.symlink("../a.png", "d/link.png")
    with files.whole_file("d/link.png") as file:
        file.write(b"new")
    assert os.path.islink("d/link.png") and Path("a.png").read_bytes() == b"new"
    assert os.stat("a.png").st_mode & 0o777 == 0o600  # private stays private
    assert sorted(os.listdir()) == ["a.png", "b.png", "d"] and os.listdir("d") == ["link.png"]


def test_home_folders_are_written_to_with_the_permissions_of_the_user(place):
    before = os.umask(0o027)
    try:
        with files.whole_file("~/x/y/z", parents=True) as file:
            file.write(b"z")
    finally:
        os.umask(before)
    assert os.stat("x/y/z").st_mode & 0o777 == 0o640 and not os.path.exists("~")


def test_the_longest_names_are_written(place):
    for name in ("n" * 251 + ".png", "😀" * 62 + ".png"):
        files.check_paths([], [("the output", name)])
        images.save(name, np.zeros((2, 2, 3)))
        assert os.path.exists(name)


@pytest.mark.parametrize("call", ["chmod", "fsync"])
def test_a_network_folder_that_refuses_a_detail_takes_the_file(place, monkeypatch, call):
    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, call, refuse)
    images.save("a.png", np.zeros((2, 2, 3)))
    assert images.load("a.png").shape == (2, 2, 3)


def test_public_names_tell_no_path_no_key_and_no_query():
    for source, told in (
        ("/home/me/secret/cat.jpg", "cat.jpg"),
        ("~/cat.jpg", "cat.jpg"),
        ("starry_swirls", "starry_swirls"),
        ("https://a.example/b/c.jpg?X-Amz-Signature=key#x", "https://a.example/b/c.jpg"),
        ("https://me:password@a.example:8080/c.jpg", "https://a.example:8080/c.jpg"),
        ("data:image/png;base64,AAAA", "data:"),
    ):
        assert files.public(source) == told
