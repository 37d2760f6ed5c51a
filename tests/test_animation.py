"""Films: frames in and out, strokes that stay where nothing moves; a slider that leafs."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from conftest import make_picture
from PIL import Image

from helpers import animation, images
from helpers.errors import OutputError, PictureError

INPUTS = Path(__file__).parent / "inputs"


@pytest.fixture(scope="module")
def frames():
    """A square that moves over a picture that stands still but for a little noise."""
    found = []
    for i in range(3):
        picture = make_picture(0, 40, 48) + np.random.default_rng(i).normal(0, 1, (40, 48, 3))
        picture[10:20, 5 + 12 * i : 15 + 12 * i] = 20
        found.append(np.clip(picture, 0, 255).astype(np.float32))
    return found


@pytest.mark.parametrize("kind", ["webp", "gif"])
@pytest.mark.parametrize("loop", [None, 0, 3])
def test_a_film_comes_back_from_its_file_with_its_times_and_loops(tmp_path, frames, kind, loop):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(animation.animated(frames, kind, [80, 250, 1000], loop))
    found, milliseconds, again = animation.load(path, 48)
    assert milliseconds == [80, 250, 1000]
    assert again == (1 if loop is None and kind == "webp" else loop)  # a WebP says it with 1
    assert np.abs(np.stack(found) - np.stack(frames)).mean() < 12
    assert animation.load(path, 24)[0][0].shape == (20, 24, 3)
    assert animation.load(INPUTS / "var.gif")[1:] == ([1000, 50, 50, 400], 2)


def test_a_frame_without_a_time_is_shown_for_a_tenth_of_a_second(tmp_path, frames):
    (tmp_path / "a.gif").write_bytes(animation.animated(frames, "gif", 0))
    assert animation.load(tmp_path / "a.gif")[1] == [100] * 3


def test_a_directory_is_a_film_in_the_order_in_which_people_count(tmp_path, frames):
    for i, frame in zip((10, 9, 1), frames, strict=True):
        images.save(tmp_path / f"frame{i}.png", frame)
    (tmp_path / "._frame1.png").write_bytes(b"AppleDouble")
    (tmp_path / "notes.txt").write_text("no picture")
    found, milliseconds, loop = animation.load(tmp_path, 48)
    np.testing.assert_allclose(np.stack(found), np.rint(frames[::-1]), atol=0.5)
    assert (milliseconds, loop) == ([100] * 3, 0)
    names = [path.name for path in animation.frame_files(INPUTS / "frames")]
    assert names == [f"frame{i}.png" for i in range(1, 13)]


def test_flicker_is_measured_where_the_film_stands_still(frames):
    rng = np.random.default_rng(0)
    assert animation.flicker(frames, frames) < 2
    shaken = [frame + rng.normal(0, 10, frame.shape) for frame in frames]
    expected = 10 * np.sqrt(2) * np.sqrt(2 / np.pi)
    assert animation.flicker(shaken, frames) == pytest.approx(expected, rel=0.1)
    moved = [frame.copy() for frame in frames]
    moved[1][10:20, 17:27] += 100  # where the square is now: it moves there
    still = animation.flicker(frames, frames)
    assert animation.flicker(moved, frames) == pytest.approx(still, rel=0.01)


def test_where_nothing_stands_still_there_is_no_flicker(frames):
    flashes = [frames[0] * 0, frames[0] * 0 + 255, frames[0] * 0]
    assert animation.flicker(frames, flashes) is None


def test_a_further_frame_begins_as_the_last_painting_plus_what_changed(frames):
    frames = [0.5 * frame for frame in frames]

    class Run:
        """Paints by adding one to every pixel."""

        picture, aims = frames[0] + 5, ()

        def aim(self, content):
            self.aims = (*self.aims, content)

        def step(self, n):
            self.picture = self.picture + n

    run = Run()
    painted = list(animation.follow(run, frames, again=2))
    for i, (picture, frame) in enumerate(zip(painted, frames, strict=True)):
        np.testing.assert_allclose(picture, frame + 5 + 2 * i, atol=1e-3)
    assert [aim is frame for aim, frame in zip(run.aims, frames[1:], strict=True)] == [True] * 2


def test_what_makes_no_film_is_one_sentence(tmp_path, frames):
    Image.fromarray(images.to_uint8(frames[0])).save(tmp_path / "one.gif")
    (tmp_path / "broken.gif").write_bytes(b"GIF89a and no more")
    (tmp_path / "folder").mkdir()
    (tmp_path / "sizes").mkdir()
    for i, size in enumerate([(40, 30), (30, 40)]):
        images.save(tmp_path / "sizes" / f"{i}.png", make_picture(i, *size))
    for name, sentence in (
        ("one.gif", "at least two frames"),
        ("folder", "There are no pictures in .*folder"),
        ("sizes", "all of the same size"),
        ("broken.gif", "not a picture that can be read, or it is damaged"),
        ("none.gif", "none.gif"),
        ("x" * 300, "There is no film"),
    ):
        with pytest.raises(PictureError, match=sentence) as error:
            animation.load(tmp_path / name, 40)
        assert "\n" not in str(error.value)
    with pytest.raises(OutputError, match=r"use \.gif or \.webp"):
        animation.encoded(tmp_path / "film.mp4", frames, [100] * 3)


def test_an_animation_is_one_gif_with_its_alternative_text(frames):
    data, metadata = animation.animation(frames, alt="a moving square")._repr_mimebundle_()
    assert metadata["image/gif"] == {"alt": "a moving square", "width": 480}  # it is enlarged
    with Image.open(io.BytesIO(base64.b64decode(data["image/gif"]))) as image:
        assert (image.format, image.n_frames, image.info["loop"]) == ("GIF", 3, 0)
    with pytest.raises(ValueError, match="no alt text"):
        animation.animation(frames, alt=" ")


# A slider.

BOOKS = [
    animation.Flipbook([make_picture(i, 12, 16) for i in range(3)], list(said), "β", first=1)
    for said in ("abc", "de<")
]
PAGE = f"<html><body>{''.join(book._repr_html_() for book in BOOKS)}</body></html>"


def shown(page):
    return [f.inner_text().strip() for f in page.locator("figure").all() if f.is_visible()]


@pytest.mark.browser
def test_a_flipbook_leafs_without_a_kernel(browser):
    page = browser.new_page()
    page.set_content(PAGE)
    page.wait_for_function("document.querySelectorAll('label[style=\"\"]').length == 2")
    assert shown(page) == ["b", "e"]
    page.locator("input").nth(1).fill("2")
    assert shown(page) == ["b", "<"]  # and the other one stays
    assert page.locator("img").first.get_attribute("alt") == "a"
    assert page.locator("figure:visible img").first.bounding_box()["width"] == 420


@pytest.mark.browser
def test_the_arrow_keys_are_the_sliders_alone(browser):
    page = browser.new_page()
    page.set_content(PAGE)
    page.evaluate("window.heard = 0; document.addEventListener('keydown', () => window.heard++)")
    page.locator("input").first.focus()
    page.keyboard.press("ArrowRight")
    assert shown(page) == ["c", "e"] and page.evaluate("window.heard") == 0
    page.locator("input").first.blur()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == 1


@pytest.mark.browser
def test_where_no_handler_runs_all_pictures_are_shown_and_no_dead_slider(browser):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_content(PAGE)
    assert shown(page) == ["a", "b", "c", "d", "e", "<"]
    assert not page.locator("input").first.is_visible()
