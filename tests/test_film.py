"""Films: frames in and out, strokes that stay where nothing moves, mistakes in one sentence."""

import numpy as np
import pytest
from conftest import make_picture
from PIL import Image

from helpers import film, flipbook, images
from helpers.errors import OutputError, PictureError
from helpers.transfer import Transfer


@pytest.fixture(scope="module")
def frames():
    """A square that moves over a picture that stands still but for a little noise."""
    found = []
    for i in range(3):
        picture = make_picture(0, 40, 48) + np.random.default_rng(i).normal(0, 1, (40, 48, 3))
        picture[10:20, 5 + 12 * i : 15 + 12 * i] = 20
        found.append(np.clip(picture, 0, 255).astype(np.float32))
    return found


def test_a_film_comes_back_from_its_file(tmp_path, frames):
    for name, near in (("a.webp", 12), ("a.gif", 12)):
        flipbook.save(tmp_path / name, frames, 80)
        found, milliseconds = film.load(tmp_path / name, 48)
        assert milliseconds == 80
        assert [frame.shape for frame in found] == [(40, 48, 3)] * 3
        assert np.abs(np.stack(found) - np.stack(frames)).mean() < near
    small, _ = film.load(tmp_path / "a.gif", 24)
    assert small[0].shape == (20, 24, 3)


def test_a_directory_is_a_film(tmp_path, frames):
    for i, frame in enumerate(frames):
        images.save(tmp_path / f"{i:02}.png", frame)
    found, _ = film.load(tmp_path, 48)
    np.testing.assert_allclose(np.stack(found), np.rint(frames), atol=0.5)


def test_flicker_is_measured_where_the_film_stands_still(frames):
    rng = np.random.default_rng(0)
    assert film.flicker(frames, frames) < 2
    shaken = [frame + rng.normal(0, 10, frame.shape) for frame in frames]
    expected = 10 * np.sqrt(2) * np.sqrt(2 / np.pi)
    assert film.flicker(shaken, frames) == pytest.approx(expected, rel=0.1)
    moved = [frame.copy() for frame in frames]
    moved[1][10:20, 17:27] += 100  # where the square is now: it moves there
    assert film.flicker(moved, frames) == pytest.approx(film.flicker(frames, frames), rel=0.01)
    assert np.isnan(film.flicker(frames, [frames[0] * 0, frames[0] * 0 + 255, frames[0] * 0]))


@pytest.mark.parametrize("keep_colors", [None, "luminance"])
def test_strokes_stay_where_nothing_moves(shallow, frames, style_picture, keep_colors):
    def run(content):
        options = {"levels": 1, "keep_colors": keep_colors, "init": "noise"}
        return Transfer(content, style_picture, shallow, **options)

    first = run(frames[0])
    first.run(12)
    painted = list(film.follow(first, frames, again=4))
    assert [p.shape for p in painted] == [frames[0].shape] * 3
    alone = []
    for seed, frame in enumerate(frames):
        one = run(frame)
        one.picture = np.random.default_rng(seed).uniform(0, 255, frame.shape)
        one.run(12)
        alone.append(one.picture)
    assert film.flicker(painted, frames) < 0.7 * film.flicker(alone, frames)


def test_the_command_paints_every_frame(tmp_path, frames, style_picture, capsys):
    flipbook.save(tmp_path / "in.gif", frames, 120)
    images.save(tmp_path / "style.png", style_picture)
    quick = ["--network", "mini", "--size", "48", "--steps", "3", "--again", "2", "--levels", "1"]
    given = [tmp_path / "in.gif", tmp_path / "style.png", "--output", tmp_path / "out.webp", *quick]
    film.main(list(map(str, given)))
    found, milliseconds = film.load(tmp_path / "out.webp", 48)
    assert (len(found), milliseconds) == (3, 120)
    assert np.abs(found[0] - frames[0]).mean() > 3
    said = capsys.readouterr().err
    assert "3 of 3 frames are painted." in said and "flickers by" in said


def test_what_makes_no_sense_is_one_sentence(tmp_path, frames, style_picture, capsys):
    Image.fromarray(images.to_uint8(frames[0])).save(tmp_path / "one.gif")
    (tmp_path / "broken.gif").write_bytes(b"GIF89a and no more")
    (tmp_path / "folder").mkdir()
    (tmp_path / "sizes").mkdir()
    for i, size in enumerate([(40, 30), (30, 40)]):
        images.save(tmp_path / "sizes" / f"{i}.png", make_picture(i, *size))
    for name, sentence in (
        ("one.gif", "has 1 pictures: a film needs two or more"),
        ("folder", "has 0 pictures"),
        ("sizes", "several sizes"),
        ("broken.gif", "not a picture that can be read, or it is damaged"),
        ("none.gif", "none.gif"),
    ):
        with pytest.raises(PictureError, match=sentence) as error:
            film.load(tmp_path / name, 40)
        assert "\n" not in str(error.value)
    with pytest.raises(OutputError, match=r"use \.gif or \.webp"):
        flipbook.save(tmp_path / "film.mp4", frames, 100)
    with pytest.raises(SystemExit):
        film.main([str(tmp_path / "one.gif"), "cat", "--output", str(tmp_path / "out.gif")])
    assert "a film needs two or more" in capsys.readouterr().err


@pytest.mark.parametrize("lost", ["in.gif", "style.gif", "frames/b.gif"])
def test_no_picture_that_is_read_is_written_over(tmp_path, frames, style_picture, capsys, lost):
    film_file = tmp_path / "in.gif"
    flipbook.save(film_file, frames, 120)
    flipbook.save(tmp_path / "style.gif", [style_picture], 120)
    (tmp_path / "frames").mkdir()
    for name, frame in zip("abc", frames, strict=True):
        flipbook.save(tmp_path / "frames" / f"{name}.gif", [frame], 120)
    source = tmp_path / "frames" if lost.startswith("frames") else film_file
    before = (tmp_path / lost).read_bytes()
    quick = ["--network", "mini", "--size", "48", "--steps", "1", "--again", "1", "--levels", "1"]
    given = [source, tmp_path / "style.gif", "--output", tmp_path / lost, *quick]
    with pytest.raises(SystemExit):
        film.main(list(map(str, given)))
    assert "another name" in capsys.readouterr().err
    assert (tmp_path / lost).read_bytes() == before
