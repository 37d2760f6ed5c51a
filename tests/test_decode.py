"""Whatever people bring: every format and color space, damage, and servers good and bad."""

import contextlib
import http.server
import io
import os
import socket
import struct
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, features

from helpers import decode, images
from helpers.errors import PictureError

INPUTS = Path(__file__).parent / "inputs"
CAT = np.float32(Image.open(INPUTS / "plain.png"))
GRAY_CAT = np.asarray(Image.open(INPUTS / "plain.png").convert("L"))
RGB8 = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3 = Image.open(INPUTS / "mac_screenshot_cat.png").info["icc_profile"]


def refused(source, *words, size=None):
    """It is refused in one sentence that has these words."""
    with pytest.raises(PictureError) as caught:
        images.load(source, size)
    said = str(caught.value)
    assert all(word in said for word in words), said
    assert "\n" not in said and said.endswith(".")
    return said


def data_of(image, format="png", **options):
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, format, **options)
    return buffer.getvalue()


def gray(values):
    return np.repeat(np.asarray(values)[..., np.newaxis], 3, axis=-1)


# Ways to give a picture.


def test_paths_bytes_files_uploads_and_pillow_pictures_are_meant(tmp_path, monkeypatch):
    path, data = tmp_path / "ä b.png", data_of(RGB8)
    path.write_bytes(data)
    monkeypatch.setenv("HOME", str(tmp_path))
    read = io.BytesIO(data)
    read.read()  # to its end, as whoever has just written it leaves it
    upload = {"name": "a.png", "type": "image/png", "content": memoryview(data)}
    sources = [data, bytearray(data), str(path), path, "~/ä b.png", read, Image.open(path)]
    sources += [upload, {"a.png": {"metadata": {}, "content": data}}, {"a.png": data}]
    with open(path, "rb") as binary, open(path) as text:
        for source in (*sources, binary, text):
            np.testing.assert_array_equal(images.load(source), RGB8)
    np.testing.assert_array_equal(images.load(Image.fromarray(RGB8).convert("RGBA"), 8), RGB8)


@pytest.mark.parametrize("source", [None, 3, {}, [], np.zeros((4, 4, 3))])
def test_what_stands_for_no_picture_is_one_sentence(source):
    refused(source, "is not a picture")


def test_a_pillow_picture_has_the_same_limits_as_a_file(monkeypatch):
    refused(Image.new("RGB", (1, 9)), "at least 2")
    refused(Image.new("F", (9, 9)), "floating-point")
    whole = data_of(np.tile(RGB8, (20, 20, 1)))
    refused(Image.open(io.BytesIO(whole[: len(whole) // 2])), "damaged")
    monkeypatch.setattr(decode, "MAX_PIXELS", 899)
    refused(Image.new("RGB", (30, 30)), "30 × 30", "more than")


# Values and colors as the file means them.


@pytest.mark.parametrize(
    ("name", "expected", "near"),
    [
        ("mac_screenshot_cat.png", CAT, 1),  # RGBA with a Display P3 profile
        ("gama_linear.png", CAT, 6),  # whose 8 bits are too few for the darkest levels
        ("grey12.tif", gray(GRAY_CAT), 1),
        ("icc_sgray_LA.png", gray(GRAY_CAT), 1),  # gray and alpha with a profile of gray
        ("scan.jp2", CAT, 12),
        ("inks.jpg", np.full((16, 16, 3), 128), 3),  # CMYK, its profile calls it middle gray
    ],
)
def test_files_that_were_read_wrongly_are_read_rightly(name, expected, near):
    found = images.load(INPUTS / name)
    np.testing.assert_allclose(found, expected, atol=near)
    assert np.abs(found - expected).mean() < 1


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read_and_a_damaged_one_is_no_film():
    assert np.abs(images.load(INPUTS / "phone.avif") - CAT).mean() < 5
    assert "film" not in refused((INPUTS / "phone.avif").read_bytes()[:3000], "damaged")


def test_whole_numbers_of_16_and_32_bits_are_scaled():
    """Programs that write 32 bits often use only 8 or 16 of them."""
    levels = GRAY_CAT.astype(np.int64)
    wide = (levels * 257).astype(np.uint16)
    full = (levels * (2**32 - 1) // 255).astype(np.uint32).view(np.int32)
    # Pillow writes neither a picture in which 0 means white nor numbers without a sign.
    negative = _with_tag(wide, 262, 1, 0)
    unsigned = _with_tag(full, 339, 2, 1)
    signed = [levels, levels * 257, levels * (2**31 - 1) // 255]
    for data in (
        *(data_of(array.astype(np.int32), "tiff") for array in signed),
        *(data_of(wide, "tiff"), data_of(wide), unsigned),
    ):
        np.testing.assert_allclose(images.load(data), gray(GRAY_CAT), atol=1)
    np.testing.assert_allclose(images.load(negative), gray(255 - GRAY_CAT), atol=1)


def _with_tag(array, tag, before, after):
    data = bytearray(data_of(array, "tiff"))
    at = data.index(struct.pack("<HHIH", tag, 3, 1, before))
    data[at + 8] = after
    return bytes(data)


def test_a_transparent_value_of_16_bits_is_white():
    path = INPUTS / "grey16_trns.png"
    with Image.open(path) as image:
        clear = np.asarray(image) == image.info["transparency"]
        levels = np.asarray(image) / 257
    assert 0 < clear.mean() < 1
    np.testing.assert_allclose(images.load(path), gray(np.where(clear, 255, levels)), atol=1)


def test_gray_bits_and_a_turned_camera():
    for image, expected in (
        (Image.fromarray(GRAY_CAT), GRAY_CAT),
        (Image.fromarray(GRAY_CAT > 100), 255 * (GRAY_CAT > 100)),
    ):
        found = images.load(data_of(image))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, gray(expected))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90° clockwise
    np.testing.assert_array_equal(images.load(data_of(RGB8, exif=exif)), np.rot90(RGB8, -1))


def test_transparency_is_shown_on_white():
    rgba = np.uint8([[[255, 0, 0, 255], [255, 0, 0, 0]], [[0, 0, 255, 128], [0, 0, 0, 255]]])
    expected = [[[255, 0, 0], [255, 255, 255]], [[127, 127, 255], [0, 0, 0]]]
    image = Image.fromarray(rgba)
    np.testing.assert_allclose(images.load(data_of(image)), expected, atol=1)
    assert images.load(data_of(image.convert("LA")))[0, 1].tolist() == [255, 255, 255]
    palette = Image.fromarray(np.uint8([[0, 1], [1, 0]])).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    found = images.load(data_of(palette, transparency=1))
    assert found[0].tolist() == [[10, 20, 30], [255, 255, 255]]


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_is_applied_once(format, mode):
    if mode != "RGB" and format == "jpeg":
        return  # which a JPEG cannot have
    color = (190, 100, 80)
    # Red, green and blue of Display P3 and of sRGB, seen under D50.
    p3 = [[0.5151, 0.2412, -0.0011], [0.2920, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]]
    srgb = [[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]]
    linear = ((np.float64(color) / 255 + 0.055) / 1.055) ** 2.4 @ p3 @ np.linalg.inv(srgb)
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert expected[0] > color[0] + 10 and expected[2] < color[2] - 5
    image = Image.new("RGB", (16, 16), color)
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    if mode == "RGBA":
        image.putpixel((0, 0), (*color, 0))
    options = {"quality": 100} if format in ("jpeg", "webp") else {}
    found = images.load(data_of(image, format, icc_profile=P3, **options))
    np.testing.assert_allclose(found[8, 8], expected, atol=3)
    assert mode != "RGBA" or found[0, 0].tolist() == [255, 255, 255]


def test_srgb_stays_and_a_broken_profile_is_ignored():
    for harmless in (SRGB, b"nonsense", P3[:200], P3[:40] + bytes(500)):
        found = images.load(data_of(RGB8, icc_profile=harmless))
        np.testing.assert_allclose(found, RGB8, atol=1)
    for wrong in (P3, SRGB):  # of three channels, for one
        found = images.load(data_of(GRAY_CAT, icc_profile=wrong))
        np.testing.assert_allclose(found, gray(GRAY_CAT), atol=1)


# Large files, damaged files, and what is no picture.


def test_a_jpeg_of_108_megapixels_is_read_at_a_fraction():
    data = data_of(Image.new("L", (12000, 9000), 90), "jpeg")
    begun = time.monotonic()
    found = images.load(data, 384)
    assert found.shape == (288, 384, 3) and np.abs(found - 90).max() < 2
    assert time.monotonic() - begun < 5
    refused(data, "12000 × 9000", "smaller")  # at the size that it has
    refused(data_of(Image.new("1", (12000, 9000))), "12000 × 9000", size=384)  # a PNG has no draft


@pytest.mark.parametrize("color", [None, (250, 250, 250)])
def test_a_jpeg_that_lacks_only_its_end_is_read_with_a_warning(color):
    """Also where its last corner is white, and not where a row of pixels is missing."""
    whole = (INPUTS / "nearlyall.jpg").read_bytes()
    if color:
        whole = data_of(Image.new("RGB", (64, 64), color), "jpeg")[:-2]
    with pytest.warns(UserWarning, match="lacks its end"):
        found = images.load(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(found, images.load(whole + b"\xff\xd9"))
    refused(whole[: len(whole) * 9 // 10], "damaged")


@pytest.mark.parametrize(
    ("start", "word"),
    [
        ((INPUTS / "lfs.jpg").read_bytes(), "git lfs pull"),
        ((INPUTS / "clip.mp4").read_bytes(), "film"),
        (b"\0\0\0\x24ftypheic" + bytes(100), "HEIC"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b'<?xml version="1.0"?><svg/>', "SVG"),
        (b"<svg xmlns='x'/>", "SVG"),
        (b"\n<!DOCTYPE html>\n<HTML><body>no picture</body>", "web page"),
        (b"hello", "not a picture"),
        (b"", "not a picture"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, start, word):
    (tmp_path / "a.jpg").write_bytes(start)
    for source in (start, tmp_path / "a.jpg"):
        refused(source, word)


def test_half_a_file_is_damaged_in_every_format():
    for format in ("png", "jpeg", "gif", "webp", "tiff", "bmp"):
        data = data_of(np.tile(RGB8, (20, 20, 1)), format)
        refused(data[: len(data) // 2], "damaged")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_broken_exif_costs_at_most_the_turn(format):
    for broken in (b"MM\0*", b"II*\0\x08\0\0\0\x01", b"MM\0*\0\0\0\x08\0\x01\1\x12"):
        data = data_of(RGB8, format, exif=b"Exif\0\0" + broken)
        assert images.load(data).shape == RGB8.shape
        with pytest.raises(PictureError, match="no settings"):
            images.read_metadata(data)
    for tag, kind in ((0xA005, 1), (0x010E, 5), (0x011A, 1), (0x8769, 4)):  # only these are broken
        entries = [(0x0112, 3, 1, 6 << 16), (tag, kind, 1, 0)]
        tags = b"".join(struct.pack(">HHII", *entry) for entry in sorted(entries))
        exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + tags + bytes(4)
        assert images.load(data_of(RGB8, format, exif=exif)).shape == (8, 6, 3)


def test_only_the_formats_that_are_meant_are_opened():
    for format in ("eps", "dds", "ppm", "ico", "tga"):
        data = data_of(RGB8, format)
        refused(data, "not a picture")
        with pytest.raises(PictureError, match="not a picture"):
            images.read_metadata(data)
    assert images.load(data_of(RGB8, "MPO", save_all=True)).shape == RGB8.shape  # a phone's


def test_too_little_memory_and_too_many_pixels_are_called_so(monkeypatch):
    data = data_of(RGB8)
    with monkeypatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        refused(data, "too many pixels")

    def too_much(*_):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", too_much)
    refused(data, "more memory than there is")


def corpus():
    """A picture of each format and mode, with EXIF and a profile where the format has room."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, '{"a": 1}'
    for format in ("png", "jpeg", "webp", "tiff", "bmp", "gif", "mpo"):
        for mode in ("RGB", "P", "RGBA", "CMYK", "L", "1", "I", "LA"):
            extra = {} if format in ("bmp", "gif") else {"exif": exif, "icc_profile": SRGB}
            with contextlib.suppress(OSError, KeyError, ValueError):
                yield data_of(noise.convert("L").convert(mode), format, **extra)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(list(corpus())), st.data())
def test_damaged_bytes_never_raise_anything_else(data, draw):
    data = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(data) - 1) | st.integers(0, 60))
        noise = draw.draw(st.binary(max_size=4) | st.just(b"\xff\xff\xff\xff"))
        data[at : at + len(noise)] = noise
    data = data[: draw.draw(st.integers(0, len(data)) | st.just(len(data)))]
    with contextlib.suppress(PictureError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert images.load(bytes(data), 8).shape[-1] == 3
    with contextlib.suppress(PictureError):
        assert isinstance(images.read_metadata(bytes(data)), dict)


# Downloads.


class Handler(http.server.BaseHTTPRequestHandler):
    """What it answers is in the path: /length/5,7 and the like."""

    visits = 0

    def do_GET(self):
        type(self).visits += 1
        what, _, value = self.path[1:].partition("/")
        if what == "missing.png":
            return self.send_error(404)
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
            self.end_headers()
            for _ in range(100 if what == "drip" else 0):
                self.wfile.write(b"X")
                self.wfile.flush()
                if self.server.over.wait(0.05):
                    return None
            self.wfile.write(self.server.data)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.data, served.over = data_of(RGB8), threading.Event()
    Handler.visits = 0
    threading.Thread(target=served.serve_forever, args=[0.02], daemon=True).start()
    served.address = f"http://127.0.0.1:{served.server_port}"
    yield served
    served.over.set()
    served.shutdown()
    served.server_close()


def test_an_address_is_fetched_once_and_cached(server, tmp_path):
    for _ in range(2):
        np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), RGB8)
    assert Handler.visits == 1
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:60])  # as an interrupted disk would leave it
    np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), RGB8)
    assert Handler.visits == 2
    (tmp_path / "mine.txt").write_text("keep")
    cached.unlink()
    cached.symlink_to(tmp_path / "mine.txt")  # a link is not followed
    np.testing.assert_array_equal(images.load(f"{server.address}/a.png"), RGB8)
    assert (tmp_path / "mine.txt").read_text() == "keep" and not cached.is_symlink()


def test_a_cache_that_cannot_be_used_does_not_matter(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    for cache in (tmp_path / "file", "~nosuch/cache"):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("NST_CACHE", str(cache))
        assert images.load(f"{server.address}/a.png").shape == (6, 8, 3)
    monkeypatch.setattr(os, "environ", {**os.environ, "NST_CACHE": "a\0b"})
    assert images.load(f"{server.address}/a.png").shape == (6, 8, 3)


def test_addresses_that_give_no_picture_are_clear_errors(server, monkeypatch):
    refused(f"{server.address}/missing.png", "Not Found")
    refused(f"{server.address}/cut.png", "broke off")
    picture, server.data = server.data, b"<!DOCTYPE html>\n<HTML><body>no picture</body>"
    refused(f"{server.address}/page", "web page")
    server.data = picture  # what was no picture is not in the cache
    assert images.load(f"{server.address}/page").shape == (6, 8, 3)
    monkeypatch.setattr(decode, "MAX_BYTES", 10)
    refused(f"{server.address}/c.png", "is larger than")


@pytest.mark.parametrize(
    "path",
    [
        *("bare", "page", "möwe.png", "my photo.png", "a%C3%BC.png?x=ü&y=%20"),
        *("length/abc", "length/1e3", "length/5, 7", "to//b.png"),
    ],
)
def test_what_is_a_picture_is_loaded_whatever_the_server_calls_it(server, path):
    assert images.load(f"{server.address}/{path}").shape == (6, 8, 3)


def test_a_server_that_drips_is_left(server, monkeypatch):
    monkeypatch.setattr(decode, "DURATION", 0.4)
    started = time.monotonic()
    refused(f"{server.address}/drip/body", "more than 0.4 seconds")
    assert time.monotonic() - started < 3


def test_redirects_lead_to_web_addresses_only(server):
    for place in ("ftp://127.0.0.1:9/a.png", "FTP://127.0.0.1:9/", "file:///etc/passwd"):
        refused(f"{server.address}/to/{place}")
    refused(f"{server.address}/to//to//to/")


def test_other_schemes_and_no_network_are_clear_errors(monkeypatch, tmp_path):
    monkeypatch.setenv("NST_CACHE", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    refused("ftp://example.org/a.png", "http://")
    refused("file:///etc/passwd", "http://")
    assert len(refused("data:image/png;base64," + "A" * 500, "http://")) < 140
    with socket.socket() as taken:  # bound but not listening: nothing answers
        taken.bind(("127.0.0.1", 0))
        refused(f"http://127.0.0.1:{taken.getsockname()[1]}/a.png", "network")
    for rest in ("", "[::1", "a b/", "127.0.0.1:x/", "\udcff/"):
        refused(f"http://{rest}", "could not be fetched")
