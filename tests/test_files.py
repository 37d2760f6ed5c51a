"""Files whole or not at all, what a run may write, and downloads from servers good and bad."""

import contextlib
import http.server
import io
import itertools
import os
import socket
import stat
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import download, files, images
from helpers.errors import OutputError, PictureError


def refused(sentence, reads, writes):
    with pytest.raises(OutputError, match=sentence) as caught:
        files.check_paths(reads, writes)
    assert "\n" not in str(caught.value)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that is the working directory and the home, with two pictures a.png and b.png."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a.png", "b.png"):
        Image.new("RGB", (4, 4), "red").save(name)
    return tmp_path


# Paths.


def test_home_is_written_out_and_the_rest_made_absolute(place):
    assert files.resolve("~/a.png") == files.resolve("a.png") == place / "a.png"
    assert files.resolve("~x.jpg") == place / "~x.jpg"  # a name like any other
    assert files.resolve("./~/a.png") == place / "~" / "a.png"
    for name in ("~nosuch/y.png", "", "a\0b.png", "\ud800.png"):
        with pytest.raises(OutputError, match=r"home folder that is not known|no name for a file"):
            files.resolve(name)
        with pytest.raises(PictureError):
            files.resolve(name, PictureError)


def test_a_working_directory_that_is_gone_is_a_clear_error(place, monkeypatch):
    (place / "gone").mkdir()
    monkeypatch.chdir(place / "gone")
    (place / "gone").rmdir()
    with pytest.raises(OutputError, match="in a directory that is gone"):
        files.resolve("a.png")


def test_only_regular_files_are_read(place):
    os.mkfifo("pipe.png")
    for name, sentence in (
        ("pipe.png", "is a device or a pipe: name a picture"),
        ("/dev/zero", "is a device or a pipe"),
        ("n" * 300 + ".png", "There is no picture"),
        ("~nosuch/y.png", "begins with a home folder that is not known"),
    ):
        for read in (images.load, images.read_settings):
            with pytest.raises(PictureError, match=sentence):
                read(name)
    os.rename("a.png", "~x.jpg")
    assert images.load("~x.jpg").shape == (4, 4, 3)
    os.symlink("~x.jpg", "link.png")
    assert images.load("link.png").shape == (4, 4, 3)


# What a run reads and writes.


def test_what_is_read_is_not_written(place):
    os.symlink("a.png", "link.png")
    os.link("a.png", "hard.png")
    os.symlink(place, "folder")
    names = ["a.png", "~/a.png", str(place / "a.png"), "./a.png", "folder/a.png", "link.png"]
    for read, write in itertools.product([*names, "hard.png"], repeat=2):
        refused(
            "is both the content and the report", [("the content", read)], [("the report", write)]
        )
    files.check_paths(
        [("the content", "a.png")], [("the report", "new.json"), ("--output", "b.png")]
    )


def test_no_file_is_written_twice(place):
    for one, other in (("q.png", "q.png"), ("q.png", place / "q.png"), ("~/q.png", "./q.png")):
        refused(
            "is both --output and --report: give --report",
            [],
            [("--output", one), ("--report", other)],
        )
    os.symlink("new.png", "link.png")  # to what is not there yet
    refused("both", [], [("the output", "new.png"), ("the report", "link.png")])
    refused("both", [("line 3", "new.png")], [("line 2", "new.png")])  # later, or before
    files.check_paths([], [("one", "q.png"), ("two", "q2.png")])
    assert sorted(os.listdir()) == ["a.png", "b.png", "link.png"]


def test_case_counts_where_the_file_system_says_so(place, monkeypatch):
    if not Path("A.PNG").exists():
        files.check_paths(
            [("the content", "a.png")], [("one", "A.png"), ("two", "new.png"), ("three", "NEW.png")]
        )
    identity = files._identity  # as of a folder that takes new and NEW for one name

    def of_either(path, trials=None):
        return identity(path if path.exists() else path.with_name(path.name.lower()), trials)

    monkeypatch.setattr(files, "_identity", of_either)
    refused("both", [], [("one", "new.png"), ("two", "NEW.png")])


def test_only_files_and_new_names_are_written(place):
    os.mkfifo("pipe.png")
    (place / "folder.png").mkdir()
    os.symlink("folder.png", "link.png")
    os.symlink("none/new.png", "dangling.png")
    os.symlink("none/../pipe.png", "through.png")
    os.symlink("loop.png", "loop.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        for name, sentence in (
            ("pipe.png", "is a device or a pipe: give the name of a file"),
            ("socket.png", "is a device or a pipe"),
            ("/dev/null", "is a device or a pipe"),
            ("folder.png", "is a directory"),
            ("link.png", "is a directory"),
            ("~", "is a directory"),
            ("none/../pipe.png", "There is no directory .*none"),
            ("through.png", "There is no directory .*none"),
            ("dangling.png", "There is no directory .*none: create it first"),
            ("a.png/b.png", "There is no directory .*a.png"),
            ("loop.png", "cannot be created .*symbolic links"),
            ("n" * 300 + ".png", "cannot be created .*name too long"),
            ("~nosuch/y.png", "home folder that is not known"),
        ):
            refused(sentence, [], [("the output", name)])
            with pytest.raises(OutputError, match=sentence), files.whole_file(name):
                pytest.fail("it was opened")
            with pytest.raises(OutputError):
                images.save(name, np.zeros((2, 2, 3)))
    assert stat.S_ISFIFO(os.stat("pipe.png").st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_what_may_not_be_written_to_is_kept(place, monkeypatch):
    access = os.access  # root may write everywhere
    kept = place / "a.png"
    monkeypatch.setattr(os, "access", lambda path, how: path != kept and access(path, how))
    refused("is protected against writing: give another name", [], [("the output", "a.png")])


def test_addresses_are_never_written_over(place):
    files.check_paths([("the content", "https://example.org/a.png")], [("the output", "q.png")])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_file_but_the_named_ones_changes(data):
    """Links, hard links, pipes, folders, `~`, absolute and relative: what passes harms nothing."""
    home = os.environ.get("HOME")
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.callback(os.chdir, before)
        stack.callback(os.environ.__setitem__, "HOME", home or "/")
        os.chdir(folder)
        os.environ["HOME"] = folder
        os.makedirs("d/e")
        names = ["a", "B", "d/c", "d/e/a"]
        for name in data.draw(st.lists(st.sampled_from(names), unique=True)):
            Path(name).write_text(name)
        everywhere = st.sampled_from([*names, "b", "l", "m", "d/l", "h", "p", "d", "new", "d/NEW"])
        for name in data.draw(st.lists(st.sampled_from(["l", "m", "d/l"]), unique=True)):
            target = data.draw(everywhere)
            os.symlink(os.path.abspath(target) if data.draw(st.booleans()) else target, name)
        if os.path.isfile("a") and data.draw(st.booleans()):
            os.link("a", "h")
        os.mkfifo("p")
        spelled = st.sampled_from(["{}", "./{}", "~/{}", folder + "/{}", "d/../{}", "none/../{}"])
        path = st.builds(str.format, spelled, everywhere)
        reads = list(enumerate(data.draw(st.lists(path, max_size=3)), 10))
        writes = list(enumerate(data.draw(st.lists(path, min_size=1, max_size=3))))
        listed = sorted(os.walk(folder))
        try:
            files.check_paths(reads, writes)
        except (OutputError, PictureError) as error:
            assert str(error).endswith(".") and "\n" not in str(error)
            assert sorted(os.walk(folder)) == listed
            return
        assert sorted(os.walk(folder)) == listed
        regular = {name for name in Path(folder).rglob("*") if name.is_file()}
        contents = {name: name.read_bytes() for name in regular}
        for label, name in writes:
            with files.whole_file(name) as file:
                file.write(b"%d" % label)
        for label, name in writes:  # none wrote over another
            assert files.resolve(name).read_bytes() == b"%d" % label
        for _, name in reads:
            if files.resolve(name) in contents:
                assert files.resolve(name).read_bytes() == contents[files.resolve(name)]
        written = {os.path.realpath(files.resolve(name)) for _, name in writes}
        for name, content in contents.items():
            if os.path.realpath(name) not in written:
                assert name.read_bytes() == content


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


def test_home_folders_are_written_to(place):
    images.save("~/q.png", np.zeros((2, 2, 3)), {"a": 1})
    assert images.read_settings("~/q.png") == {"a": 1}
    with files.whole_file("~/x/y/z", parents=True) as file:
        file.write(b"z")
    files.make_folder("~/x/w")
    files.check_folder("~/x/w")
    assert sorted(os.listdir("x")) == ["w", "y"] and not os.path.exists("~")


def test_the_longest_names_are_written(place):
    for name in ("n" * 251 + ".png", "😀" * 62 + ".png"):
        files.check_paths([], [("the output", name)])
        images.save(name, np.zeros((2, 2, 3)))
        assert os.path.exists(name)


# Downloads.


@pytest.fixture
def picture_bytes():
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "png")
    return buffer.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """What it answers is in the path: /length/5,7 and the like."""

    visits = 0

    def do_GET(self):
        type(self).visits += 1
        what, _, value = self.path[1:].partition("/")
        if what == "missing.png":
            self.send_error(404)
            return
        self.send_response(302 if what == "to" else 200)
        if what == "to":
            self.send_header("Location", value)
        if what == "length":
            self.send_header("Content-Length", value.replace("%20", " "))
        if what == "cut.png":
            self.send_header("Content-Length", str(len(self.server.data) + 1))
        if what != "bare":
            self.send_header("Content-Type", "text/html" if what == "page" else "image/png")
        with contextlib.suppress(OSError):
            if what == "drip":  # in its header or its body
                self._drip(value)
            self.end_headers()
            self.wfile.write(self.server.data)

    def _drip(self, where):
        if where == "body":
            self.end_headers()
        for _ in range(100):
            self.wfile.write(b"X")
            self.wfile.flush()
            if self.server.over.wait(0.05):
                return

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch, picture_bytes):
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.data, served.over = picture_bytes, threading.Event()
    Handler.visits = 0
    threading.Thread(target=served.serve_forever, args=[0.02], daemon=True).start()
    served.address = f"http://127.0.0.1:{served.server_port}"
    yield served
    served.over.set()
    served.shutdown()
    served.server_close()


def not_fetched(address, sentence):
    with pytest.raises(PictureError, match=sentence) as caught:
        images.load(address)
    assert "\n" not in str(caught.value)


def test_an_address_is_fetched_once_and_cached(server, tmp_path):
    expected = images.load(server.data)
    for _ in range(2):
        np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), expected)
    assert Handler.visits == 1
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])  # as an interrupted disk would leave it
    np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), expected)
    assert Handler.visits == 2


def test_a_cache_that_cannot_be_used_does_not_matter(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    for cache in (tmp_path / "file", "~nosuch/cache"):
        monkeypatch.setenv("NST_CACHE", str(cache))
        assert images.load(f"{server.address}/a.png").shape == (6, 8, 3)
    assert Handler.visits == 2 and not os.path.exists("~nosuch")


def test_addresses_that_give_no_picture_are_clear_errors(server, monkeypatch):
    not_fetched(f"{server.address}/missing.png", "answered 404: check the address")
    not_fetched(f"{server.address}/cut.png", "broke off before its end: try again")
    picture, server.data = server.data, b"no picture at all"
    not_fetched(f"{server.address}/b.png", "is not a picture that can be read")
    server.data = b"<!DOCTYPE html>\n<HTML><body>no picture</body>"
    not_fetched(f"{server.address}/page", "is a page, not a picture")
    server.data = picture  # what was no picture is not in the cache
    assert images.load(f"{server.address}/b.png").shape == (6, 8, 3)
    monkeypatch.setattr(download, "MAX_BYTES", 10)
    not_fetched(f"{server.address}/c.png", "is larger than")


@pytest.mark.parametrize(
    "path",
    ["bare", "page", "möwe.png", "my photo.png", "a%C3%BC.png?x=ü&y=%20", "length/abc",
     "length/1e3", "length/5, 7", "to//b.png"],
)  # fmt: skip
def test_what_is_a_picture_is_loaded_whatever_the_server_calls_it(server, path):
    assert images.load(f"{server.address}/{path}").shape == (6, 8, 3)


def test_hosts_have_any_letters():
    assert download._ascii("http://bücher.example/ü") == "http://xn--bcher-kva.example/%C3%BC"
    assert download._ascii("http://a.b:80/%20?q=1#x") == "http://a.b:80/%20?q=1#x"


@pytest.mark.parametrize("where", ["header", "body"])
def test_a_server_that_drips_is_left(server, monkeypatch, where):
    monkeypatch.setattr(download, "DURATION", 0.4)
    started = time.monotonic()
    not_fetched(f"{server.address}/drip/{where}", "took longer than 0.4 seconds: try again")
    assert time.monotonic() - started < 3


def test_redirects_lead_to_web_addresses_only(server):
    for place in ("ftp://127.0.0.1:9/a.png", "FTP://127.0.0.1:9/"):
        not_fetched(f"{server.address}/to/{place}", "is not a web address: it must begin with")
    not_fetched(f"{server.address}/to/file:///etc/passwd", "answered 302|is not a web address")
    not_fetched(f"{server.address}/to//to//to/", "answered 302")


def test_other_schemes_and_no_network_are_clear_errors(monkeypatch, tmp_path):
    monkeypatch.setenv("NST_CACHE", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    not_fetched("ftp://example.org/a.png", "must begin with http:// or https://")
    not_fetched("file:///etc/passwd", "must begin with http:// or https://")
    with socket.socket() as taken:  # bound but not listening: nothing answers
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        not_fetched(f"http://127.0.0.1:{port}/a.png", r"could not be fetched.*network")
    for address in (
        "http://",
        "http://[::1",
        "http://a b/",
        "http://127.0.0.1:x/",
        "http://\udcff/",
    ):
        not_fetched(address, "could not be fetched")
