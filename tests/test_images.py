"""Pictures in and out: every format, every kind of bad input, files whole or not at all."""

import contextlib
import errno
import io
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

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
def test_the_size_is_the_longest_side_and_the_aspect_stays(width, height, size):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 128, 250)).save(buffer, "png")
    found = images.load(buffer.getvalue(), size)
    shape, scale = found.shape[:2], size / max(width, height)
    assert max(shape) == size  # also where the file is smaller
    assert abs(min(shape) - max(2, min(width, height) * scale)) <= 0.5
    assert (found == [10, 128, 250]).all()


def test_without_a_size_the_picture_stays_as_it_is(rgb8):
    data = images.encode(rgb8, "png")
    np.testing.assert_array_equal(images.load(data), rgb8)
    np.testing.assert_array_equal(images.load(data, 8), rgb8)


def test_the_gallery_names_what_is_bundled_and_famous():
    names = images.gallery()
    assert {"cat", "dandelions", "launch_pad", "starry_swirls", "great_wave"} <= set(names)
    assert set(images.gallery("content")) == {
        "building",
        "cat",
        "dandelions",
        "launch_pad",
        "portrait",
    }
    assert len(images.gallery("style")) >= 4 + len(images.PAINTINGS)
    for name, source in names.items():
        if name in images.PAINTINGS:
            assert source.startswith("https://upload.wikimedia.org/")
        else:
            assert 100 < max(images.load(name).shape) <= 1600


# Colours as the file means them.


def profile(space, pcs, tags):
    """The bytes of a small ICC profile: {tag: data}."""
    table, data, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, value in tags.items():
        table += struct.pack(">4sII", tag, at + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    kind = b"mntr" if space == b"RGB " else b"prtr"
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"none", 0x02400000, kind, space, pcs)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return head + bytes(48) + table + data


TEXT = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 4) + b"old\0" + bytes(79)}
TEXT |= {b"cprt": b"text" + bytes(4) + b"none"}


def xyz(values):
    return b"XYZ " + bytes(4) + struct.pack(">3i", *np.int64(np.rint(np.float64(values) * 65536)))


WHITE = {b"wtpt": xyz([0.9642, 1, 0.8249])}
# Red, green and blue of Display P3 and of sRGB, seen under D50.
P3 = np.float64([[0.5151, 0.2412, -0.0011], [0.2920, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]])
SRGB = np.float64([[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]])


@pytest.fixture
def p3():
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))
    curves = {tag: curve for tag in (b"rTRC", b"gTRC", b"bTRC")}
    colorants = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, P3), strict=True))
    return profile(b"RGB ", b"XYZ ", TEXT | WHITE | curves | colorants)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_display_p3_keeps_its_saturation(tmp_path, p3, suffix):
    color = [190, 100, 80]
    linear = (np.float64(color) / 255) ** 2.2 @ P3 @ np.linalg.inv(SRGB)
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert expected[0] > color[0] + 10 and expected[2] < color[2] - 5
    options = {"quality": 100} if suffix in ("jpg", "webp") else {}
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (16, 16), tuple(color)).save(path, icc_profile=p3, **options)
    np.testing.assert_allclose(images.load(path)[8, 8], expected, atol=3)


def test_profiles_and_transparency_and_palettes_go_together(tmp_path, p3):
    clear = Image.new("RGBA", (4, 4), (190, 100, 80, 255))
    clear.putpixel((0, 0), (190, 100, 80, 0))
    clear.save(tmp_path / "a.png", icc_profile=p3)
    palette = Image.new("RGB", (4, 4), (190, 100, 80)).quantize(4)
    palette.save(tmp_path / "p.png", icc_profile=p3)
    for name in ("a.png", "p.png"):
        found = images.load(tmp_path / name)
        assert found[1, 1, 0] > 200 and found[1, 1, 2] < 77
    assert images.load(tmp_path / "a.png")[0, 0].tolist() == [255, 255, 255]


def test_inks_are_what_their_profile_says(tmp_path):
    steps = bytes(range(256))
    # Lab of the sixteen corners: paper, black where there is black ink, a middle grey elsewhere.
    light = [255] + 15 * [137]
    light[1::2] = 8 * [0]
    corners = bytes(value for L in light for value in (L, 128, 128))
    unit = struct.pack(">9i", *(65536 * (k % 4 == 0) for k in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unit + 4 * steps + corners + 3 * steps
    inks = profile(b"CMYK", b"Lab ", TEXT | WHITE | {b"A2B0": table})
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(tmp_path / "a.jpg", icc_profile=inks)
    np.testing.assert_allclose(images.load(tmp_path / "a.jpg"), 128, atol=3)


def test_srgb_stays_and_a_broken_profile_is_ignored(tmp_path, rgb8, p3):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = GREY[..., None].repeat(3, -1)
    for broken in (srgb, b"nonsense", p3[:200], p3[:40] + bytes(len(p3) - 40)):
        found = images.load(saved(tmp_path / "a.png", rgb8, icc_profile=broken))
        np.testing.assert_allclose(found, rgb8, atol=1)
    for wrong in (p3, srgb):  # of three channels, for one
        found = images.load(saved(tmp_path / "g.png", GREY, icc_profile=wrong))
        np.testing.assert_allclose(found, grey, atol=1)


# What cannot be loaded.


def refused(source, sentence, size=None):
    with pytest.raises(PictureError, match=sentence) as caught:
        images.load(source, size)
    assert "\n" not in str(caught.value)


def test_a_missing_picture_is_a_clear_error(tmp_path):
    refused(tmp_path / "none.png", "There is no picture .*none.png: check the path")
    refused("catt", "nor a name of building, cat")
    refused(tmp_path, "is a directory: name a picture in it")


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


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize(
    "broken", [b"MM\0*", b"II*\0\x08\0\0\0\x01", b"MM\0*\0\0\0\x08\0\x01\1\x12"]
)
def test_a_picture_with_broken_exif_is_read_without_its_turn(tmp_path, rgb8, suffix, broken):
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", rgb8, exif=b"Exif\0\0" + broken, **options)
    assert images.load(path).shape == rgb8.shape
    with pytest.raises(PictureError, match="holds no settings"):
        images.read_settings(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize(("tag", "kind"), [(0xA005, 1), (0x010E, 5), (0x011A, 1), (0x8769, 4)])
def test_a_turn_that_can_be_read_is_applied_whatever_else_is_broken(rgb8, suffix, tag, kind):
    entries = [(0x0112, 3, 1, 6 << 16), (tag, kind, 1, 0)]
    tags = b"".join(struct.pack(">HHII", *entry) for entry in sorted(entries))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + tags + bytes(4)
    buffer = io.BytesIO()
    Image.fromarray(rgb8).save(buffer, "jpeg" if suffix == "jpg" else suffix, exif=exif)
    assert images.load(buffer.getvalue()).shape == (8, 6, 3)


def test_only_the_formats_that_are_meant_are_opened(tmp_path, rgb8):
    for format in ("eps", "dds", "ppm", "ico", "avif", "tga"):
        with contextlib.suppress(KeyError, OSError):  # where Pillow lacks one
            Image.fromarray(rgb8).save(tmp_path / "a.png", format)
        refused(tmp_path / "a.png", "is not a picture that can be read")
        with pytest.raises(PictureError, match="is not a picture that can be read"):
            images.read_settings(tmp_path / "a.png")
    Image.fromarray(rgb8).save(tmp_path / "two.jpg", "MPO", save_all=True, quality=95)  # a phone's
    assert images.load(tmp_path / "two.jpg").shape == rgb8.shape


def test_memory_that_does_not_suffice_is_called_so(tmp_path, rgb8, monkeypatch):
    def too_much(*_):
        raise MemoryError

    monkeypatch.setattr(images, "_to_rgb", too_much)
    refused(
        images.encode(rgb8), "The uploaded file needs more memory than there is: make it smaller"
    )


def test_settings_are_read_from_no_bomb(tmp_path, rgb8, monkeypatch):
    path = saved(tmp_path / "a.png", rgb8)
    data = path.read_bytes()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(PictureError, match="too many pixels"):
        images.read_settings(path)
    with pytest.raises(PictureError, match="not a picture that can be read"):
        images.read_settings(data.replace(b"IHDR", b"IHDX"))


@pytest.mark.parametrize("text", ["[]", "[[1, 2]]", "3", "{", "[" * 20000, ""])
def test_other_descriptions_are_no_settings(rgb8, text):
    exif = Image.Exif()
    exif[0x010E] = text
    with pytest.raises(PictureError, match="holds no settings"):
        images.read_settings(images.encode(rgb8, "png", exif=exif))


def corpus():
    """A picture of each format and mode, with EXIF and a profile where the format has room."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, '{"a": 1}'
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for format in ("png", "jpeg", "webp", "tiff", "bmp", "gif", "mpo"):
        for mode in ("RGB", "P", "RGBA", "CMYK", "L", "1", "I"):
            buffer = io.BytesIO()
            extra = {} if format in ("bmp", "gif") else {"exif": exif, "icc_profile": srgb}
            with contextlib.suppress(OSError, KeyError, ValueError):
                noise.convert("L" if mode == "I" else mode).convert(mode).save(
                    buffer, format, **extra
                )
                yield buffer.getvalue()


CORPUS = list(corpus())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CORPUS), st.data())
def test_damaged_bytes_never_raise_anything_else(data, draw):
    data = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(data) - 1) | st.integers(0, 60))
        noise = draw.draw(st.binary(max_size=4) | st.just(b"\xff\xff\xff\xff"))
        data[at : at + len(noise)] = noise
    data = data[: draw.draw(st.integers(0, len(data)) | st.just(len(data)))]
    with contextlib.suppress(PictureError):
        assert images.load(bytes(data), 8).shape[-1] == 3
    with contextlib.suppress(PictureError):
        assert isinstance(images.read_settings(bytes(data)), dict)


def test_tiny_and_huge_pictures_are_clear_errors(tmp_path, monkeypatch):
    Image.new("RGB", (1, 9)).save(tmp_path / "thin.png")
    refused(tmp_path / "thin.png", "is 1 × 9 pixels: a side needs at least 2")
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 899)
    refused(tmp_path / "a.png", "has 30 × 30 pixels, more than")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    refused(tmp_path / "a.png", "too many pixels: make it smaller")
    for size in (1, 0, -3, float("nan"), float("inf")):
        with pytest.raises(SettingError, match=f"The size is {size}: give the longest side"):
            images.load(tmp_path / "a.png", size)


def test_a_size_that_makes_too_many_pixels_is_refused_before_they_are_made(rgb8):
    with pytest.raises(SettingError, match="20000, which makes 20000 × 15000 pixels, more than"):
        images.load(images.encode(rgb8, "png"), 20000)


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
    with pytest.raises(PictureError, match=r"There is no picture .*none.png"):
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


def test_a_picture_that_its_format_cannot_hold_is_a_clear_error(tmp_path):
    with pytest.raises(OutputError, match=r"cannot hold this picture \(.*16383.*: use .png"):
        images.save(tmp_path / "a.webp", np.zeros((2, 17000, 3)))
    with pytest.raises(OutputError, match=r"cannot hold this picture \(EXIF .*: use .png"):
        images.save(tmp_path / "a.jpg", np.zeros((2, 2, 3)), {"notes": "x" * 70000})
    assert os.listdir(tmp_path) == []


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


def test_a_saved_file_has_the_permissions_of_the_user(tmp_path, picture):
    before = os.umask(0o027)
    try:
        images.save(tmp_path / "a.png", picture)
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60))
def test_resize_keeps_the_mean_color_and_the_range(height, width):
    picture = np.zeros((20, 30, 3), np.float32) + np.float32([10, 128, 250])
    found = images.resize(picture, height, width)
    assert found.shape == (height, width, 3)
    np.testing.assert_allclose(found, picture[:1, :1] + 0 * found, atol=0.01)
