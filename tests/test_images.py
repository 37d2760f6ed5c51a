"""Pictures in and out: every format, every kind of bad input, files whole or not at all."""

import contextlib
import errno
import http.server
import io
import os
import socket
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import images
from helpers.errors import OutputError, PictureError, SettingError


def saved(path, array, mode=None, **options):
    Image.fromarray(array, mode).save(path, **options)
    return path


@pytest.fixture
def rgb8():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


# Loading.


def test_a_picture_is_rgb_float32_in_0_255(tmp_path, rgb8):
    found = images.load(saved(tmp_path / "a.png", rgb8))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rgb8)


def test_bytes_and_strings_and_home_paths_load_too(tmp_path, rgb8, monkeypatch):
    path = saved(tmp_path / "ä b.png", rgb8)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (path.read_bytes(), str(path), "~/ä b.png"):
        np.testing.assert_array_equal(images.load(source), rgb8)


GREY = np.uint8([[0, 100], [200, 255]])


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("grey.png", Image.fromarray(GREY), GREY),
        ("bits.png", Image.fromarray(GREY > 150), np.uint8([[0, 0], [255, 255]])),
        ("16bit.png", Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
        ("16bit.tif", Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
        ("frames.gif", Image.fromarray(GREY), GREY),
    ],
)
def test_grey_pictures_become_rgb(tmp_path, name, image, expected):
    image.save(tmp_path / name)
    found = images.load(tmp_path / name)
    np.testing.assert_array_equal(found, np.repeat(expected[..., None], 3, -1))


def test_transparency_is_shown_on_white(tmp_path):
    rgba = np.uint8([[[255, 0, 0, 255], [255, 0, 0, 0]], [[0, 0, 255, 128], [0, 0, 0, 255]]])
    expected = [[[255, 0, 0], [255, 255, 255]], [[127, 127, 255], [0, 0, 0]]]
    found = images.load(saved(tmp_path / "a.png", rgba))
    np.testing.assert_allclose(found, expected, atol=1)
    grey = Image.fromarray(rgba).convert("LA")
    grey.save(tmp_path / "la.png")
    assert images.load(tmp_path / "la.png")[0, 1].tolist() == [255, 255, 255]
    palette = Image.fromarray(np.uint8([[0, 1], [1, 0]])).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "p.png", transparency=1)
    found = images.load(tmp_path / "p.png")
    assert found[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_cmyk_becomes_rgb(tmp_path):
    red = Image.new("CMYK", (9, 9), (0, 255, 255, 0))
    red.save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(images.load(tmp_path / "a.jpg")[4, 4], [255, 0, 0], atol=6)


def test_exif_rotation_is_applied(tmp_path, rgb8):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90° clockwise
    path = saved(tmp_path / "a.png", rgb8, exif=exif)
    np.testing.assert_array_equal(images.load(path), np.rot90(rgb8, -1))


def test_floating_point_pictures_are_refused(tmp_path):
    Image.fromarray(np.ones((3, 3), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(PictureError, match="floating-point values: save it with 8 or 16 bits"):
        images.load(tmp_path / "a.tif")


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 90), st.integers(2, 90), st.integers(2, 60))
def test_the_size_limits_the_longest_side_and_keeps_the_aspect(width, height, size):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "png")
    rows, columns, _ = images.load(buffer.getvalue(), size).shape
    if max(width, height) <= size:
        assert (rows, columns) == (height, width)  # nothing is enlarged
    else:
        assert max(rows, columns) == size
        scale = size / max(width, height)
        assert abs(min(rows, columns) - max(2, min(width, height) * scale)) <= 0.5


def test_the_gallery_names_what_is_bundled_and_famous():
    names = images.gallery()
    assert {"cat", "dandelions", "launch_pad", "starry_swirls", "great_wave"} <= set(names)
    assert set(images.gallery("content")) == {"cat", "dandelions", "launch_pad"}
    assert len(images.gallery("style")) >= 4 + len(images.PAINTINGS)
    for name, source in names.items():
        if name in images.PAINTINGS:
            assert source.startswith("https://upload.wikimedia.org/")
        else:
            assert 100 < max(images.load(name).shape) <= 1024


# What cannot be loaded.


def refused(source, sentence, size=None):
    with pytest.raises(PictureError, match=sentence) as caught:
        images.load(source, size)
    assert "\n" not in str(caught.value)


def test_a_missing_picture_is_a_clear_error(tmp_path):
    refused(tmp_path / "none.png", "There is no picture .*none.png: check the path")
    refused("catt", "nor a name of cat, dandelions")
    refused(tmp_path, "is a directory: name a picture file in it")


def test_what_is_not_a_picture_is_a_clear_error(tmp_path, rgb8):
    (tmp_path / "text.png").write_text("hello")
    refused(tmp_path / "text.png", "is not a picture that can be read")
    (tmp_path / "empty.png").write_bytes(b"")
    refused(tmp_path / "empty.png", "is not a picture that can be read")
    whole = saved(tmp_path / "a.png", np.tile(rgb8, (20, 20, 1))).read_bytes()
    for suffix in ("png", "jpg", "gif", "webp", "tif", "bmp"):
        Image.fromarray(np.tile(rgb8, (20, 20, 1))).save(tmp_path / f"b.{suffix}")
        data = (tmp_path / f"b.{suffix}").read_bytes()
        refused(data[: len(data) // 2], "is not a picture that can be read, or it is damaged")
    refused(whole[:200], "The uploaded file is not a picture")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 100))
def test_damaged_bytes_never_raise_anything_else(noise, at):
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "png")
    data = bytearray(buffer.getvalue())
    data[at : at + len(noise)] = noise
    with contextlib.suppress(PictureError):
        assert images.load(bytes(data)).shape[-1] == 3


def test_tiny_and_huge_pictures_are_clear_errors(tmp_path, monkeypatch):
    Image.new("RGB", (1, 9)).save(tmp_path / "thin.png")
    refused(tmp_path / "thin.png", "is 1 × 9 pixels: a side needs at least 2")
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 899)
    refused(tmp_path / "a.png", "has 30 × 30 pixels, more than")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    refused(tmp_path / "a.png", "too many pixels: make it smaller")
    with pytest.raises(SettingError, match="The size is 1"):
        images.load(tmp_path / "a.png", 1)


# Addresses.


class Handler(http.server.BaseHTTPRequestHandler):
    visits = 0

    def do_GET(self):
        type(self).visits += 1
        if self.path == "/missing.png":
            self.send_error(404)
            return
        kind = "text/html" if self.path == "/page" else "image/png"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if self.path == "/cut.png":
            self.send_header("Content-Length", str(len(self.server.data) + 1))
        self.end_headers()
        self.wfile.write(self.server.data)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch, rgb8):
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.data = saved(tmp_path / "served.png", rgb8).read_bytes()
    Handler.visits = 0
    threading.Thread(target=served.serve_forever, daemon=True).start()
    served.address = f"http://127.0.0.1:{served.server_port}"
    yield served
    served.shutdown()


def test_an_address_is_fetched_once_and_cached(server, rgb8, tmp_path):
    for _ in range(2):
        np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), rgb8)
    assert Handler.visits == 1
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])  # as an interrupted disk would leave it
    np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), rgb8)
    assert Handler.visits == 2


def test_no_picture_of_the_gallery_is_written_over():
    path = images.gallery("content")["cat"]
    with pytest.raises(OutputError, match="a picture to paint from"):
        images.check_apart(path, "dandelions", "cat")
    images.check_apart(path, "dandelions")


def test_a_cache_that_cannot_be_written_does_not_matter(server, rgb8, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), rgb8)


def test_addresses_that_give_no_picture_are_clear_errors(server, monkeypatch):
    refused(f"{server.address}/missing.png", "answered 404: check the address")
    refused(f"{server.address}/page", "is a page, not a picture")
    refused(f"{server.address}/cut.png", "broke off before its end: try again")
    refused(f"{server.address}/my photo.png", "could not be fetched")
    picture, server.data = server.data, b"no picture at all"
    refused(f"{server.address}/b.png", "is not a picture that can be read")
    server.data = picture  # what was no picture is not in the cache
    assert images.load(f"{server.address}/b.png").shape == images.load(picture).shape
    monkeypatch.setattr(images, "MAX_DOWNLOAD", 10)
    refused(f"{server.address}/c.png", "is larger than")


def test_other_schemes_and_no_network_are_clear_errors(monkeypatch, tmp_path):
    monkeypatch.setenv("NST_CACHE", str(tmp_path))
    refused("ftp://example.org/a.png", "must begin with http:// or https://")
    refused("file:///etc/passwd", "must begin with http:// or https://")
    with socket.socket() as taken:  # bound but not listening: nothing answers
        taken.bind(("127.0.0.1", 0))
        refused(f"http://127.0.0.1:{taken.getsockname()[1]}/a.png", "could not be fetched.*network")
    refused("http://", "could not be fetched")


# Saving.


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "webp", "PNG"])
def test_a_saved_picture_comes_back_with_its_settings(tmp_path, picture, suffix):
    path = tmp_path / f"a.{suffix}"
    run = {"beta": 30.0, "styles": ["wéird — name"], "layer_weights": {"block1_conv1": 0.2}}
    images.save(path, picture, run)
    assert images.read_settings(path) == run
    error = np.abs(images.load(path) - picture).mean()
    assert error < (0.3 if suffix.lower() == "png" else 12)


def test_saving_rounds_and_clips(tmp_path):
    images.save(tmp_path / "a.png", np.float32([[[-5, 0.6, 300], [1.4, 254.6, 255.4]]] * 2))
    assert images.load(tmp_path / "a.png")[0].tolist() == [[0, 1, 255], [1, 255, 255]]


def test_pictures_without_settings_say_so(tmp_path, picture):
    images.save(tmp_path / "a.png", picture)
    with pytest.raises(PictureError, match="holds no settings"):
        images.read_settings(tmp_path / "a.png")
    with pytest.raises(PictureError, match="not a picture"):
        images.read_settings(tmp_path / "none.png")


def test_outputs_that_cannot_be_are_clear_errors(tmp_path, picture, monkeypatch):
    for name, sentence in (
        ("a.bmp", "no known picture ending: use .png"),
        ("a", "no known picture ending"),
        ("none/a.png", "There is no directory .*none: create it first"),
    ):
        with pytest.raises(OutputError, match=sentence):
            images.save(tmp_path / name, picture)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match="is a directory"):
        images.save(tmp_path / "folder.png", picture)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(OutputError, match="is not writable: choose another"):
        images.save(tmp_path / "a.png", picture)


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, picture, monkeypatch):
    path = tmp_path / "a.png"
    images.save(path, picture)
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        images.save(path, picture * 0)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_an_interrupted_file_is_not_there(tmp_path):
    with pytest.raises(KeyboardInterrupt), images.whole_file(tmp_path / "a.npz") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_saved_file_has_the_permissions_of_the_user(tmp_path, picture):
    before = os.umask(0o027)
    try:
        images.save(tmp_path / "a.png", picture)
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


# Colors.


def test_match_colors_gives_mean_and_covariance(picture):
    soft = 60 + picture * 0.3  # away from 0 and 255, where clipping would change the statistics
    target = 110 + 0.1 * picture[::-1, :, ::-1]
    found = images.match_colors(soft, target)
    np.testing.assert_allclose(found.mean((0, 1)), target.mean((0, 1)), rtol=1e-3)
    np.testing.assert_allclose(
        np.cov(found.reshape(-1, 3).T), np.cov(target.reshape(-1, 3).T), rtol=2e-2, atol=0.1
    )


def test_match_luminance_gives_mean_and_deviation(picture):
    target = picture * 0.5 + 20
    found, aim = images.match_luminance(picture, target), images.luminance(target)
    np.testing.assert_allclose([found.mean(), found.std()], [aim.mean(), aim.std()], rtol=1e-3)


def test_with_luminance_takes_light_from_one_and_color_from_the_other():
    colors = np.float32([[[100, 120, 90], [110, 100, 140]]])
    light = np.float32([[[80, 80, 80], [130, 130, 130]]])
    found = images.with_luminance(colors, light)
    np.testing.assert_allclose(images.luminance(found), light, atol=0.01)
    differences = found[..., 0] - found[..., 2]
    np.testing.assert_allclose(differences, colors[..., 0] - colors[..., 2], atol=0.01)


def test_a_picture_of_one_color_can_still_be_matched():
    flat = np.full((4, 4, 3), 90, np.float32)
    assert np.isfinite(images.match_colors(flat, flat + 20)).all()
    assert np.isfinite(images.match_luminance(flat, flat + 20)).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60))
def test_resize_keeps_the_mean_color_and_the_range(height, width):
    picture = np.zeros((20, 30, 3), np.float32) + np.float32([10, 128, 250])
    found = images.resize(picture, height, width)
    assert found.shape == (height, width, 3)
    np.testing.assert_allclose(found, picture[:1, :1] + 0 * found, atol=0.01)
