"""Pictures as arrays: sizes, values that can be RGB, files whole or not at all."""

import os

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import images
from helpers.errors import OutputError, PictureError, SettingError
from helpers.transfer import Transfer

RGB8 = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


# Loading.


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 90), st.integers(2, 90), st.integers(2, 60))
def test_the_size_is_the_longest_side_and_the_aspect_stays(width, height, size):
    found = images.load(Image.new("RGB", (width, height), (10, 128, 250)), size)
    shape, scale = found.shape[:2], size / max(width, height)
    assert found.dtype == np.float32
    assert max(shape) == size  # also where the picture is smaller
    assert abs(min(shape) - max(2, min(width, height) * scale)) <= 0.5
    assert (found == [10, 128, 250]).all()


def test_sizes_that_make_no_sense_are_refused_before_they_are_made():
    data = images.encode(RGB8, "png")
    np.testing.assert_array_equal(images.load(data), RGB8)
    np.testing.assert_array_equal(images.load(data, np.int64(8)), RGB8)
    for size in (1, 0, -3, 64.0, "64", True, float("nan"), float("inf")):
        with pytest.raises(SettingError, match="longest side"):
            images.load(data, size)
    with pytest.raises(SettingError, match="20000 × 15000"):
        images.load(data, 20000)


def test_the_gallery_names_what_is_bundled_and_famous():
    names = images.gallery()
    assert {"cat", "dandelions", "launch_pad", "starry_swirls", "great_wave"} <= set(names)
    assert {"building", "cat", "portrait"} <= set(images.gallery("content"))
    assert not set(images.gallery("content")) & set(images.gallery("style"))
    assert len(images.gallery("style")) >= 4 + len(images.PAINTINGS)
    assert all(path.startswith("https://upload.wikimedia") for path in images.PAINTINGS.values())
    for name in names.keys() - images.PAINTINGS:
        assert 100 < max(images.load(name).shape) <= 1600


# Arrays that stand for pictures.


def test_whatever_is_a_picture_in_0_255_is_meant(tmp_path, shallow):
    images.save(tmp_path / "a.png", RGB8)
    opened = Image.open(tmp_path / "a.png")
    same = [RGB8, RGB8.astype(np.float64), RGB8[np.newaxis], tf.constant(RGB8), opened]
    same += [tf.Variable(RGB8.astype(np.float32)), RGB8.tolist(), tmp_path / "a.png"]
    for value in same:
        found = images.as_picture(value)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, RGB8)
    for gray in (RGB8[..., :1], RGB8[..., 0]):
        np.testing.assert_array_equal(images.as_picture(gray), np.repeat(RGB8[..., :1], 3, -1))
    assert len(images.as_pictures([RGB8, opened])) == len(images.as_pictures(np.stack([RGB8] * 2)))
    for value in (tf.constant(RGB8), tf.constant(RGB8, tf.float64), RGB8[np.newaxis]):
        assert shallow(value)["block1_conv1"].shape[-3:] == (6, 8, 64)
    run = Transfer(opened, [tmp_path / "a.png", tf.constant(RGB8)], shallow)
    np.testing.assert_array_equal(run.content, RGB8)
    np.testing.assert_array_equal(run.styles[1], RGB8)


CAT = np.linspace(3, 250, 6 * 8 * 3).reshape(6, 8, 3)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (CAT / 255, "by 255"),
        (CAT > 100, "by 255"),
        (CAT / 127.5 - 1, "127.5"),
        (CAT[..., ::-1] - [103.9, 116.8, 123.7], "preprocess_input"),
        ((CAT * 257).astype(np.uint16), "257"),
        (np.where(CAT > 200, np.nan, CAT), "finite"),
        (np.where(CAT > 200, np.inf, CAT), "finite"),
        (CAT * 1j, "real numbers"),
        (CAT[..., :2], "(6, 8, 2)"),
        (CAT[:0], "(0, 8, 3)"),
        (np.stack([CAT, CAT]), "(2, 6, 8, 3)"),
        (None, "real numbers"),
    ],
)
def test_values_that_cannot_be_rgb_are_refused_with_their_cause(values, word, tmp_path, shallow):
    if values is not None:
        with pytest.raises(PictureError) as refused:
            images.save(tmp_path / "a.png", values)
        assert word in str(refused.value)
    with pytest.raises(PictureError) as refused:
        Transfer(values, CAT, shallow)
    assert word in str(refused.value) and "photograph" in str(refused.value)
    with pytest.raises(PictureError, match="style picture"):
        Transfer(CAT, [CAT, values], shallow)
    assert not os.listdir(tmp_path)


def test_black_and_a_little_too_much_are_pictures():
    assert images.as_picture(np.zeros((2, 2, 3))).max() == 0
    found = images.as_picture(np.float32([[[-0.4, 0, 255.6]]]))
    assert found.tolist() == [[[0, 0, 255]]]


# Saving.


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "webp", "PNG"])
def test_a_saved_picture_comes_back_with_its_metadata(tmp_path, picture, suffix):
    path = tmp_path / f"a.{suffix}"
    run = {"beta": 30.0, "styles": ["wéird — name"], "layer_weights": {"block1_conv1": 0.2}}
    images.save(path, picture, run)
    assert images.read_metadata(path) == images.read_metadata(path.read_bytes()) == run
    error = np.abs(images.load(path) - picture).mean()
    assert error < (0.3 if suffix.lower() == "png" else 12)


def test_saving_rounds_and_clips(tmp_path):
    images.save(tmp_path / "a.png", np.float32([[[-0.6, 0.6, 255.6], [1.4, 254.6, 255.4]]] * 2))
    assert images.load(tmp_path / "a.png")[0].tolist() == [[0, 1, 255], [1, 255, 255]]


@pytest.mark.parametrize("text", [None, "[]", "[[1, 2]]", "3", "{", "[" * 20000, ""])
def test_other_descriptions_are_no_metadata(text):
    exif = Image.Exif()
    if text is not None:
        exif[0x010E] = text
    with pytest.raises(PictureError, match="no settings"):
        images.read_metadata(images.encode(RGB8, "png", exif=exif))


@pytest.mark.parametrize("name", ["a.bmp", "a", "none/a.png", "folder.png"])
def test_outputs_that_cannot_be_are_refused(name, tmp_path, picture):  # why: see test_files.py
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError):
        images.save(tmp_path / name, picture)


def test_a_picture_that_its_format_cannot_hold_is_a_clear_error(tmp_path):
    for path, shape, metadata, word in (
        ("a.webp", (2, 17000, 3), None, "16383"),
        ("a.jpg", (2, 65501, 3), None, "use .png"),
        ("a.jpg", (2, 2, 3), {"notes": "x" * 70000}, "EXIF"),
    ):
        with pytest.raises(OutputError, match=word):
            images.save(tmp_path / path, np.zeros(shape), metadata)
    assert os.listdir(tmp_path) == []


# Sizes.


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60))
def test_resize_keeps_the_mean_color_and_detail_is_what_it_loses(height, width):
    flat = np.zeros((20, 30, 3), np.float32) + np.float32([10, 128, 250])
    found = images.resize(flat, height, width)
    assert found.shape == (height, width, 3)
    np.testing.assert_allclose(found, flat[:1, :1] + 0 * found, atol=0.01)
    assert np.abs(images.detail(flat, height, width)).max() < 0.01
