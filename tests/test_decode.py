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


def turned(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def with_tag(array, tag, before, after):
    """The array as a TIFF of a kind that Pillow does not write."""
    data = bytearray(data_of(array, "tiff"))
    data[data.index(struct.pack("<HHIH", tag, 3, 1, before)) + 8] = after
    return bytes(data)


def palette():
    image = Image.fromarray(np.uint8([[0, 1], [1, 0]])).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    return data_of(image, transparency=1)


LEVELS = GRAY_CAT.astype(np.int64)
WIDE = (LEVELS * 257).astype(np.uint16)
FULL = (LEVELS * (2**32 - 1) // 255).astype(np.uint32).view(np.int32)
ALPHA = np.uint8([[[255, 0, 0, 255], [255, 0, 0, 0]], [[0, 0, 255, 128], [0, 0, 0, 255]]])
ON_WHITE = [[[255, 0, 0], [255, 255, 255]], [[127, 127, 255], [0, 0, 0]]]
MEANT = {  # what it is: (the file, what is meant, and how near that is)
    "RGBA with Display P3": (INPUTS / "mac_screenshot_cat.png", CAT, 1),
    "gAMA, too few bits in the dark": (INPUTS / "gama_linear.png", CAT, 6),
    "12 bits": (INPUTS / "grey12.tif", gray(LEVELS), 1),
    "gray and alpha, a profile of gray": (INPUTS / "icc_sgray_LA.png", gray(LEVELS), 1),
    "JPEG 2000": (INPUTS / "scan.jp2", CAT, 12),
    "CMYK that calls itself gray": (INPUTS / "inks.jpg", np.full((16, 16, 3), 128), 3),
    "8 of 32 bits": (data_of(LEVELS.astype(np.int32), "tiff"), gray(LEVELS), 1),
    "16 of 32 bits": (data_of((LEVELS * 257).astype(np.int32), "tiff"), gray(LEVELS), 1),
    "31 bits": (data_of(np.int32(LEVELS * (2**31 - 1) // 255), "tiff"), gray(LEVELS), 1),
    "32 bits without a sign": (with_tag(FULL, 339, 2, 1), gray(LEVELS), 1),
    "16 bits": (data_of(WIDE, "tiff"), gray(LEVELS), 0),
    "16 bits, 0 is white": (with_tag(WIDE, 262, 1, 0), gray(255 - LEVELS), 0),
    "16 bits, PNG": (data_of(WIDE), gray(LEVELS), 0),
    "8 bits": (data_of(GRAY_CAT), gray(LEVELS), 0),
    "1 bit": (data_of(GRAY_CAT > 100), gray(255 * (LEVELS > 100)), 0),
    "a camera turned by 90°": (data_of(RGB8, exif=turned(6)), np.rot90(RGB8, -1), 0),
    "alpha": (data_of(ALPHA), ON_WHITE, 1),
    "a transparent color": (palette(), [[[10, 20, 30], [255] * 3], [[255] * 3, [10, 20, 30]]], 0),
    "sRGB": (data_of(RGB8, icc_profile=SRGB), RGB8, 1),
    "no profile": (data_of(RGB8, icc_profile=b"nonsense"), RGB8, 0),
    "half a profile": (data_of(RGB8, icc_profile=P3[:200]), RGB8, 0),
    "an empty profile": (data_of(RGB8, icc_profile=P3[:40] + bytes(500)), RGB8, 0),
    "a profile of colors for gray": (data_of(GRAY_CAT, icc_profile=P3), gray(LEVELS), 1),
}


@pytest.mark.parametrize("what", MEANT)
def test_a_file_is_read_as_it_is_meant(what):
    source, expected, near = MEANT[what]
    found = images.load(source)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=near)
    assert np.abs(found - expected).mean() < 1


def test_a_transparent_value_of_16_bits_is_white():
    path = INPUTS / "grey16_trns.png"
    with Image.open(path) as image:
        clear = np.asarray(image) == image.info["transparency"]
        levels = np.asarray(image) / 257
    assert 0 < clear.mean() < 1
    np.testing.assert_allclose(images.load(path), gray(np.where(clear, 255, levels)), atol=1)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read_and_a_damaged_one_is_no_film():
    assert np.abs(images.load(INPUTS / "phone.avif") - CAT).mean() < 5
    assert "film" not in refused((INPUTS / "phone.avif").read_bytes()[:3000], "damaged")


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
    def do_GET(self):
        self.server.visits += 1
        self.send_response(self.server.status)
        with contextlib.suppress(OSError):
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for part in self.server.parts:
                self.wfile.write(part)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server and its address; status, headers and parts are what it answers: default, a PNG."""
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.status, served.headers, served.parts, served.visits = 200, {}, [data_of(RGB8)], 0
    threading.Thread(target=served.serve_forever, args=[0.02], daemon=True).start()
    served.address = f"http://127.0.0.1:{served.server_port}/a.png"
    yield served
    served.shutdown()
    served.server_close()


def test_an_address_is_fetched_once_and_cached(server, tmp_path):
    for _ in range(2):
        np.testing.assert_array_equal(images.load(server.address), RGB8)
    assert server.visits == 1
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:60])  # as an interrupted disk would leave it
    np.testing.assert_array_equal(images.load(server.address), RGB8)
    assert server.visits == 2
    (tmp_path / "mine.txt").write_text("keep")
    cached.unlink()
    cached.symlink_to(tmp_path / "mine.txt")  # a link is not followed
    np.testing.assert_array_equal(images.load(server.address), RGB8)
    assert (tmp_path / "mine.txt").read_text() == "keep" and not cached.is_symlink()


def test_a_cache_that_cannot_be_used_does_not_matter(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    for cache in (str(tmp_path / "file"), "~nosuch/cache", "a\0b"):
        monkeypatch.setattr(os, "environ", {**os.environ, "NST_CACHE": cache})
        assert images.load(server.address).shape == (6, 8, 3)


def test_addresses_that_give_no_picture_are_clear_errors(server, monkeypatch):
    picture, server.parts = server.parts, [b"<!DOCTYPE html>\n<HTML><body>no picture</body>"]
    refused(server.address, "web page")
    server.parts = picture  # what was no picture is not in the cache
    monkeypatch.setattr(decode, "MAX_BYTES", 10)
    refused(server.address, "is larger than")
    monkeypatch.undo()
    monkeypatch.setenv("NST_CACHE", "none")
    server.headers = {"Content-Length": 999}
    refused(server.address, "broke off")
    server.status = 404
    refused(server.address, "Not Found")


@pytest.mark.parametrize("path", ["", "möwe.png", "my photo.png", "a%C3%BC.png?x=ü&y=%20"])
@pytest.mark.parametrize("length", [None, "abc", "1e3", "5, 7"])
def test_what_is_a_picture_is_loaded_whatever_the_server_calls_it(server, path, length):
    server.headers = {"Content-Type": "text/html"} | ({"Content-Length": length} if length else {})
    assert images.load(server.address + path).shape == (6, 8, 3)


def test_a_server_that_drips_is_left(server, monkeypatch):
    server.parts = (time.sleep(0.05) or b"X" for _ in range(100))
    monkeypatch.setattr(decode, "DURATION", 0.4)
    started = time.monotonic()
    refused(server.address, "more than 0.4 seconds")
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("place", "word"),
    [
        ("ftp://127.0.0.1:9/a.png", "FTP server"),
        ("file:///etc/passwd", "not allowed"),
        ("/a.png", "infinite loop"),
    ],
)
def test_redirects_lead_to_web_addresses_only(server, place, word):
    server.status, server.headers = 302, {"Location": place}
    refused(server.address, "could not be fetched", word)


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
