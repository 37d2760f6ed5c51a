"""The studio's widgets, by setting their traits as the page does.  Runs on ipywidgets 7 and 8."""

import base64
import html
import re

import ipywidgets
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from helpers import images, masks
from helpers.errors import PictureError, SettingError, StyleTransferError
from helpers.studio import Studio, classroom, controls, page, panels, work
from helpers.studio.scene import BETA, number


@pytest.fixture
def made(tmp_path):
    """As it is when the cell is done, and then paused."""
    studio = Studio(size=64, steps=4, folder=tmp_path)
    studio.open()
    studio.buttons.start.click()
    return studio


def tick(made, times=1):
    """What the link in the page does: it answers each number that is sent."""
    for _ in range(times):
        made.ticker.play.value = max(made.ticker._pulse.value, made.ticker.play.value + 1)


def finish(made):
    for _ in range(1000):
        if made.work._job is None:
            return
        tick(made)
    raise AssertionError("the work did not end")


def put(upload, name, data, kind="jpeg"):
    """What the page sends of a file."""
    upload._text.value = f"{name}|data:image/{kind};base64,{base64.b64encode(data).decode()}"


def only_block_1(made):
    layers = made.session.transfer.network.style_layers
    return {layer: float(layer == "block1_conv1") for layer in layers}


def save_as(made, name):
    made.work.name.value = name
    made.work.save_button.click()


def shown(made):
    return images.load(made.view.picture.value)


def as_jpeg(picture):
    return images.load(images.encode(picture, quality=88))


def said(made):
    return re.sub("<[^>]+>", "", made.message.value)


def widgets_of(box):
    yield box
    for child in getattr(box, "children", ()):
        yield from widgets_of(child)


def test_the_photograph_is_there_before_the_network_is(monkeypatch):
    monkeypatch.setattr("helpers.vgg.load", lambda *_, **__: pytest.fail("the network is loaded"))
    made = Studio("dandelions", size=64)
    assert made.root.children
    np.testing.assert_array_equal(shown(made), as_jpeg(images.load("dandelions", 64)))
    np.testing.assert_array_equal(images.load(made.view.before.value), shown(made))


def test_what_cannot_be_painted_is_said_before_it_is_shown(tmp_path):
    for wrong, error in (({"content": "no_such.png"}, PictureError), ({"alpha": -1}, SettingError),
                         ({"tv": "x"}, SettingError), ({"size": 0}, SettingError)):  # fmt: skip
        with pytest.raises(error):
            Studio(**{"size": 64} | wrong)


def test_a_network_that_cannot_be_had_is_said_in_the_studio(monkeypatch):
    def refuse(*_, **__):
        raise StyleTransferError("VGG-19's weights could not be downloaded.")

    monkeypatch.setattr("helpers.vgg.load", refuse)
    made = Studio(size=64)
    monkeypatch.setattr("IPython.display.display", lambda widget: None)
    made._ipython_display_()
    assert "could not be downloaded" in said(made)


def test_it_begins_by_itself(tmp_path):
    made = Studio(size=64, steps=4, folder=tmp_path)
    made.open()
    assert made.session.steps >= 4
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    assert np.abs(made.session.picture - made.session.content).mean() > 6
    assert made.ticker.running
    assert made.buttons.start.description == "Pause"
    assert made.ticker._pulse.value > made.ticker.play.value  # the next tick is asked for
    steps = made.session.steps
    tick(made)
    assert made.session.steps > steps
    assert "cat in the style of starry swirls" in made.view.caption.value
    assert "Network: mini" in made.view.caption.value


def test_start_paints_until_pause(made):
    before, steps = made.view.picture.value, made.session.steps
    tick(made)
    assert made.session.steps == steps  # nothing runs before Start
    made.buttons.start.click()
    assert made.buttons.start.description == "Pause"
    tick(made, 2)
    assert made.session.steps > steps
    assert made.view.picture.value != before
    assert made.ticker._pulse.value > made.ticker.play.value
    made.buttons.start.click()
    steps = made.session.steps
    tick(made)  # one that was under way
    assert made.session.steps == steps
    assert made.ticker._pulse.value == made.ticker.play.value
    assert made.buttons.start.description == "Start"


def test_a_click_on_the_play_widget_starts_and_pauses_as_well(made):
    """Where a page does not follow the link."""
    setattr(made.ticker.play, made.ticker._trait, True)
    steps, pulse = made.session.steps, made.ticker._pulse.value
    tick(made)
    assert made.session.steps > steps
    assert made.ticker._pulse.value == pulse
    assert made.ticker.box.layout.display == "none"
    setattr(made.ticker.play, made.ticker._trait, False)
    assert not made.ticker.running


def test_the_knob_and_the_sliders_set_the_weights_and_agree(made, monkeypatch):
    monkeypatch.setattr(tf, "function", lambda *a, **k: pytest.fail("traced again"))
    before = made.session.picture
    made.weights.knob.value = 50.0
    assert made.session.weights["beta"] == pytest.approx(50)
    assert made.weights.beta.value == pytest.approx(50)
    assert 0 < np.abs(made.session.picture - before).mean() < 20  # at once, and not anew
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    assert made.ticker.running
    made.weights.beta.value = 10.0
    assert made.weights.knob.value == pytest.approx(10)
    made.weights.alpha.value = 0.1
    assert made.session.weights["alpha"] == pytest.approx(0.1)
    assert made.weights.knob.value == pytest.approx(100)
    made.weights.tv.value = 0.01
    assert made.session.weights["tv"] == pytest.approx(0.01)
    made.weights.layer_sliders["block1_conv1"].value = 0.0
    assert made.session.transfer.layer_weights["block1_conv1"] == 0
    assert "β/α = 100." in made.view.caption.value


def test_the_useful_middle_is_the_middle_of_the_knob(made):
    knob = made.weights.knob
    assert (knob.min + knob.max) / 2 == pytest.approx(np.log10(BETA))
    for name, value in panels.PRESETS.items():
        made.ticker.stop()
        made.weights.presets[name].click()
        assert made.ticker.running  # also where the knob stands there already
        assert made.session.weights["beta"] == pytest.approx(value)
        assert knob.value == pytest.approx(value)
        assert knob.min <= np.log10(value) <= knob.max + 1e-9


def test_moves_of_the_knob_are_marked_on_the_curves(made):
    for _ in range(20):
        made.session.tick(0)
    made.weights.knob.value = 20.0
    assert "β/α 20" in made.view.chart.value


def test_the_echo_of_the_page_is_not_a_wish(made):
    """Sliders know steps only; the page answers a value between two with the nearest one."""
    made.session.set(beta=523.0)
    made.show()
    made.weights.beta.value = made.weights.knob.value = 10**2.72
    assert made.session.weights["beta"] == 523


def test_step_snapshot_undo_and_starting_over(made):
    steps = made.session.steps
    made.buttons.step.click()
    assert made.session.steps == steps + 1
    made.buttons.snapshot.click()
    items = made.snapshots.box.children
    assert len(items) == 2
    assert made.snapshots.faces.button(1).description == f"1: β/α {number(BETA)}, step {steps + 1}"
    made.weights.beta.value = 10.0
    made.buttons.undo.click()
    assert made.session.steps == steps + 1
    assert made.weights.beta.value == pytest.approx(BETA)
    made.buttons.over.click()
    assert made.session.steps == 0
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.content))
    made.snapshots.faces.button(1).click()
    assert made.session.steps == steps + 1
    assert made.snapshots.box.children[:2] == items  # what was there is not made again


def test_the_way_back_is_looked_at_first_and_taken_by_what_is_done_next(made):
    begun = made.session.steps
    for _ in range(6):
        made.buttons.step.click()
    made.view.way.value = 50
    moment = made.session.film.at(0.5)
    np.testing.assert_array_equal(shown(made), as_jpeg(moment.picture.astype(float)))
    assert f"step {moment.steps} of {begun + 6}" in made.view.caption.value
    assert made.session.steps == begun + 6  # nothing is done yet
    made.view.way.value = 100
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    made.view.way.value = 50
    made.buttons.start.click()
    assert made.session.steps == moment.steps
    assert (made.view.way.value, made.view.moment) == (100, None)
    assert made.ticker.running
    made.buttons.undo.click()
    assert made.session.steps == begun + 6


def test_looking_back_pauses(made):
    made.buttons.start.click()
    made.view.way.value = 0
    assert not made.ticker.running
    assert made.buttons.start.description == "Start"
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.content))


def test_pictures_are_chosen_by_a_click_on_them(made):
    assert set(made.pictures.faces["style"]._made) == {
        name for name in images.gallery("style") if name not in images.PAINTINGS
    }
    made.pictures.faces["style"].button("cafe_terrace").click()
    made.pictures.faces["content"].button("dandelions").click()
    made.pictures.faces["second"].button("stained_glass").click()
    made.pictures.sliders["share"].value = 0.25
    made.pictures.sliders["style_scale"].value = 1.5
    scene = made.session.scene
    assert (scene.style, scene.content, scene.second) == (
        "cafe_terrace", "dandelions", "stained_glass")  # fmt: skip
    assert (scene.share, scene.style_scale) == (0.25, 1.5)
    chosen = [k for k, f in made.pictures.faces["style"]._made.items()
              if "nst-chosen" in f._dom_classes]  # fmt: skip
    assert chosen == ["cafe_terrace"]
    made.pictures.faces["second"].button("").click()
    assert made.session.scene.second is None
    assert made.pictures.share.layout.display == "none"
    assert said(made) == ""


def test_a_face_shows_the_picture_that_it_takes(made):
    (rule, button) = made.pictures.faces["style"]._made["cafe_terrace"].children
    found = re.search(r"base64,([^)]+)\)", rule.value)[1]
    picture = images.load(base64.b64decode(found))
    expected = images.load("cafe_terrace", panels.THUMBNAIL)
    assert np.abs(picture - expected).mean() < 8
    assert button.description == "cafe terrace"


def test_network_size_start_and_colors_can_be_chosen(made):
    made.pictures.choices["size"].value = 128
    made.pictures.choices["init"].value = "blank"
    assert made.pictures.choices["keep_colors"].label == "the painting's"
    made.pictures.choices["keep_colors"].value = "luminance"
    scene = made.session.scene
    assert (scene.size, scene.init, scene.keep_colors) == (128, "blank", "luminance")
    assert max(shown(made).shape) == 128
    assert made.ticker.running  # it is painted on at once
    made.pictures.choices["keep_colors"].value = ""
    assert made.session.scene.keep_colors is None
    assert said(made) == ""


def test_an_upload_becomes_the_content_and_a_face(made):
    upload, _ = made.pictures.own["content"]
    put(upload, "mine.jpg", images.encode(np.full((40, 80, 3), 99.0)))
    assert made.session.scene.content == "mine.jpg"
    assert made.session.content.shape == (32, 64, 3)
    assert upload._text.value == ""
    made.pictures.faces["content"].button("cat").click()
    made.pictures.faces["content"].button("mine.jpg").click()
    assert made.session.scene.content == "mine.jpg"


def test_where_the_painting_belongs(made):
    made.tabs.value = "Where"
    made.where.place.value = "light"
    assert made.session.scene.mask == "light"
    assert "lit is what" in made.where.shown.value
    drawn = masks.white(masks.rectangle(made.session.content, 0, 0, 1, 0.5))
    canvas = made.where.brush.html.value
    put(made.where.brush, "brush.png", images.encode(masks.to_picture(drawn), "png"), "png")
    assert (made.session.scene.mask, made.where.place.label) == ("brush.png", "brush.png")
    assert made.where.brush.html.value == canvas  # the strokes stay
    tick(made, 2)
    change = np.abs(made.session.picture - made.session.content).mean(axis=-1)
    assert change[drawn == 0].max() < 1e-3 and change[drawn > 0].mean() > 3
    made.where.place.value = "dark"
    made.where.place.value = "brush.png"
    put(made.where.brush, "brush.png", images.encode(0 * made.session.content, "png"), "png")
    assert "Nothing in the mask is white" in said(made)
    assert made.session.scene.mask == "brush.png"
    made.pictures.faces["second"].button("stained_glass").click()
    assert made.pictures.share.layout.display == "none"  # each has its place
    made.pictures.faces["content"].button("dandelions").click()
    assert made.session.scene.mask is None  # it was the other photograph's
    assert made.where.brush.html.value != canvas
    assert said(made) == ""


def test_what_style_is_can_be_chosen(made):
    made.pictures.choices["style_cost"].value = "wasserstein"
    tick(made)
    assert made.session.settings["style_cost"] == "wasserstein"
    assert said(made) == ""


def test_a_path_is_taken_as_well(made, tmp_path):
    images.save(tmp_path / "mine.png", images.load("launch_pad", 96))
    _, line = made.pictures.own["style"]
    line.value = f" {tmp_path / 'mine.png'} "
    assert made.session.scene.style == str(tmp_path / "mine.png")
    assert line.value == ""
    assert "mine.png" in made.view.caption.value
    assert str(tmp_path) not in made.view.caption.value


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda s: put(s.pictures.own["style"][0], "a.png", b"junk"), "not a picture"),
        (lambda s: put(s.pictures.own["style"][0], "a.heic", b""), "this browser can read"),
        (lambda s: setattr(s.pictures.own["content"][1], "value", "gone.png"), "no picture gone"),
        (lambda s: put(s.work.upload, "a.png", images.encode(s.session.content, "png")),
         "holds no settings"),
        (lambda s: setattr(s.work.settings, "value", "gone.png"), "no picture gone.png"),
        (lambda s: (s.session.set(layer_weights=only_block_1(s)), s.show(),
                    setattr(s.weights.layer_sliders["block1_conv1"], "value", 0.0)),
         "style layer"),
        (lambda s: save_as(s, "x.txt"), "ending"),
        (lambda s: save_as(s, "gone/x.png"), "directory"),
    ],
)  # fmt: skip
def test_errors_are_sentences_and_the_studio_stays_usable(made, act, sentence):
    before = made.session.picture
    act(made)
    assert sentence in said(made)
    assert 'role="alert"' in made.message.value
    np.testing.assert_array_equal(made.session.picture, before)
    made.buttons.start.click()
    tick(made)
    assert said(made) == ""
    assert np.abs(made.session.picture - before).max() > 0


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM"), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (tf.errors.AbortedError(None, None, "OOM"), "not enough memory"),
        (KeyboardInterrupt(), "Interrupted"),
        (RuntimeError("odd"), "RuntimeError: odd"),
    ],
)
def test_errors_while_painting_pause_it(made, monkeypatch, error, sentence):
    def fail(*_):
        raise error

    made.buttons.start.click()
    with monkeypatch.context() as patch:
        patch.setattr(made.session.transfer.__class__, "step", fail)
        tick(made)
    assert sentence in said(made)
    assert made.buttons.start.description == "Start"
    made.buttons.start.click()
    tick(made)
    assert said(made) == ""


@pytest.mark.parametrize("name", ["alpha", "beta", "tv", "knob"])
def test_a_slider_is_left_where_the_hand_put_it(made, name):
    """A value sent back, though only rounded to float32, would undo the hand's next move."""
    slider = getattr(made.weights, name)
    sent = []
    slider.observe(lambda change: sent.append(change["new"]), "value")
    wished = [slider.value * 10**0.14, slider.value * 10**0.48]
    for value in wished:
        slider.value = value
    assert sent == wished


def test_weights_that_cannot_be_had_leave_the_network_as_it_was(made, monkeypatch):
    def refuse(*_, **__):
        raise StyleTransferError("VGG-19's weights could not be downloaded.")

    monkeypatch.setattr("helpers.vgg.load", refuse)
    made.pictures.choices["network"].value = "vgg19"
    assert "could not be downloaded" in said(made)
    assert made.pictures.choices["network"].value == made.session.scene.network == "mini"


def test_the_grid_is_painted_in_ticks_and_a_click_takes_a_cell(made):
    made.work.grid_button.click()
    assert made.work.progress_row.layout.display != "none"
    assert made.work.grid_button.disabled
    finish(made)
    assert not made.ticker.running
    assert made.work.progress_row.layout.display == "none"
    cells = made.work.grid_cells.box.children
    assert len(cells) == len(work.GRID_ALPHAS) * len(work.GRID_BETAS)
    assert cells[-1].children[1].description == f"α 3 · β {number(10 * BETA)}"
    cells[-1].children[1].click()
    assert made.weights.alpha.value == pytest.approx(3)
    assert made.weights.beta.value == pytest.approx(10 * BETA)


def test_rendering_ends_in_a_file_and_painting_goes_on(made, tmp_path):
    made.buttons.start.click()
    made.work.render_size.value = 384
    made.work.render_button.click()
    made.weights.beta.value = 50.0  # the sliders are free meanwhile
    made.work._job = (0.5 for _ in range(2))  # stand-in for a long rendering
    made.session.rendered = images.load("cat", 96), {"a": 1}
    tick(made, 3)
    assert made.work._job is None
    assert images.read_settings(tmp_path / "painting_96x64.png") == {"a": 1}
    assert "Download painting_96x64.png" in made.work.download.value
    assert made.ticker.running
    steps = made.session.steps
    tick(made)
    assert made.session.steps > steps


def test_a_cancelled_rendering_is_kept_as_far_as_it_went(made, tmp_path):
    made.work.render_size.value = 384
    made.work.render_button.click()
    tick(made, 2)
    made.work.cancel_button.click()
    (path,) = tmp_path.glob("painting_384x*.png")
    assert "as far as it went" in said(made)
    assert 0 < images.read_settings(path)["steps_done"] < 120
    assert not made.ticker.running


def test_a_rendering_is_not_begun_for_a_name_that_cannot_be_written(made):
    made.work.name.value = "painting"
    made.work.render_button.click()
    assert "no known picture ending" in said(made)
    assert made.work._job is None


def test_a_rendering_that_fails_is_kept_as_far_as_it_went(made, tmp_path):
    made.work.render_size.value = 384
    made.work.render_button.click()
    tick(made, 2)

    def fail(_):
        raise KeyboardInterrupt

    made.work._job.gi_frame.f_locals["run"]._steps = fail
    tick(made)
    assert "Interrupted" in said(made)
    assert "rendered so far is saved" in said(made)
    (path,) = tmp_path.glob("painting_384x*.png")
    assert 0 < images.read_settings(path)["steps_done"] < 120


def test_a_studio_that_is_made_anew_silences_the_one_before(made):
    made.buttons.start.click()
    Studio(size=64, steps=0)
    assert not made.ticker.running


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_weight_of_0_is_shown_as_0_and_can_be_left_again(made, name):
    slider, knob = getattr(made.weights, name), made.weights.knob
    end = {"alpha": knob.max, "beta": knob.min}[name]
    described = slider.description
    made.session.set(**{name: 0.0})
    made.show()
    assert slider.value == pytest.approx(10**slider.min)
    assert slider.description == f"{described}: 0"
    assert not slider.readout
    assert np.log10(knob.value) == pytest.approx(end)
    slider.value = 1.003 * 10**slider.min  # the echo of the page
    knob.value = 10**end * (0.997 if end > 0 else 1.003)
    assert made.session.weights[name] == 0
    slider.value = 2.0
    assert made.session.weights[name] == 2
    assert (slider.description, slider.readout) == (described, True)


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_content_or_style_alone_can_be_left_by_the_knob(made, name):
    made.session.set(**{name: 0.0})
    made.show()
    made.weights.knob.value = 10**1.5
    weights = made.session.weights
    assert weights["beta"] / weights["alpha"] == pytest.approx(10**1.5)
    assert said(made) == ""


def test_a_network_that_is_not_in_the_list_can_be_left_again():
    options = controls.choice("network", {"VGG-19": "vgg19", "mini": "mini"}, "auto")
    options.value = "mini"
    assert options.value == "mini"


def test_save_and_load_settings(made, tmp_path):
    made.weights.beta.value = 50.0
    made.pictures.faces["style"].button("cubist_facets").click()
    made.work.save_button.click()
    data = (tmp_path / "painting.png").read_bytes()
    assert 'download="painting.png"' in made.work.download.value
    other = Studio(size=64, steps=1, folder=tmp_path)
    put(other.work.upload, "painting.png", data)
    assert other.session.scene.style == "cubist_facets"
    assert other.weights.beta.value == pytest.approx(50)
    assert "are set as when this picture was saved" in said(other)
    other.weights.beta.value = 2.0
    other.work.settings.value = str(tmp_path / "painting.png")
    assert other.session.weights["beta"] == pytest.approx(50)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_beginning_of_a_file_holds_its_settings(tmp_path, suffix):
    """So much of it is all that the page sends."""
    noise = np.random.default_rng(0).uniform(0, 255, (700, 900, 3))
    images.save(tmp_path / f"a.{suffix}", noise, {"beta": 7.0})
    data = (tmp_path / f"a.{suffix}").read_bytes()
    assert len(data) > 600_000
    assert images.read_settings(data[:600_000]) == {"beta": 7.0}


@pytest.mark.parametrize("button", ["save_button", "render_button"])
def test_what_is_there_is_not_written_over(tmp_path, button):
    for name in ("photo.png", "photo_384x256.png"):
        images.save(tmp_path / name, images.load("cat", 96))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    made = Studio(str(tmp_path / "photo.png"), size=64, steps=0, folder=tmp_path)
    made.work.name.value = "photo.png"
    made.work.render_size.value = 384
    getattr(made.work, button).click()
    tick(made, 2)
    made.work.cancel_button.click()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: found[name] for name in before} == before
    new = {"save_button": "photo (2).png", "render_button": "photo_384x256 (2).png"}[button]
    assert set(found) - set(before) == {new}


def test_drive_is_where_files_go_if_it_is_mounted(tmp_path, monkeypatch):
    assert work.folder() == work.Path(".")
    monkeypatch.setattr(work, "DRIVE", tmp_path)
    assert Studio(size=64).folder == tmp_path


def test_the_film_is_saved_and_downloaded(made, tmp_path):
    made.work.film_button.click()
    with Image.open(tmp_path / "painting.gif") as found:
        assert max(found.size) >= 320
        assert found.n_frames == len(made.session.film.moments) > 1
    assert 'href="data:image/gif;base64,' in made.work.download.value


def test_what_a_rendering_takes_is_said_before_it_begins(made):
    made.tabs.value = "Save and load"
    made.work.render_size.value = 512
    text = made.work.estimate.value
    assert re.search(r"512 × 341 pixels, .*(seconds|minutes|steps), \d+\.\d GB of memory", text)
    made.pictures.faces["content"].button("building").click()
    rows, columns = images.load("building", 512).shape[:2]
    assert f"{columns} × {rows} pixels" in made.work.estimate.value


def test_what_the_cost_sees_is_shown_while_its_drawer_is_open(made):
    assert made.eye.pulls.value == ""
    made.tabs.value = "What the cost sees"
    assert made.eye.pulls.value.count("<img") == made.eye.grams.value.count("<img") == 2
    before = made.eye.grams.value
    made.eye.layer.value = "block3_conv1"
    assert made.eye.grams.value != before
    before = made.eye.grams.value
    made.buttons.start.click()
    tick(made, made.eye.EVERY)
    assert made.eye.grams.value != before
    made.tabs.value = "Painting"
    before = made.eye.grams.value
    tick(made, made.eye.EVERY)
    assert made.eye.grams.value == before


def test_the_wipe_lies_on_the_picture(made):
    _, before, wipe = made.view.frame.children
    np.testing.assert_array_equal(images.load(before.value), as_jpeg(made.session.content))
    assert 'type="range"' in wipe.value
    made.pictures.faces["content"].button("launch_pad").click()
    np.testing.assert_array_equal(images.load(before.value), as_jpeg(made.session.content))
    rows, columns = made.session.content.shape[:2]
    assert made.view.frame.layout.width == f"min(100%, {round(560 * columns / rows)}px)"


def test_classroom_mode_asks_and_sets_the_controls(made):
    made.class_button.click()
    assert "nst-classroom" in made.root._dom_classes
    assert made.pictures.both in list(widgets_of(made.root))
    for i, (question, wished, answer) in enumerate(classroom.QUESTIONS):
        assert made.classroom._asked == i
        text = made.classroom.question.value
        assert html.escape(question) in text
        assert html.escape(answer.split("{")[0]) not in text
        seen = list(widgets_of(made.root))
        assert made.weights.knob in seen
        assert (made.weights.layers in seen) == ("only" in wished)
        assert (made.weights.alpha in seen) == (wished["alpha"] != 1)
        made.classroom.set_button.click()
        assert made.session.weights["beta"] == pytest.approx(wished["beta"])
        assert made.session.scene.init == wished.get("init", "content")
        counted = [w > 0 for w in made.session.transfer.layer_weights.values()]
        assert sum(counted) == (1 if "only" in wished else len(counted))
        assert made.ticker.running
        made.classroom.answer_button.click()
        assert html.escape(answer.split("{")[0]) in made.classroom.question.value
        assert "{" not in made.classroom.question.value
        made.classroom.next_button.click()
    made.class_button.click()
    assert "nst-classroom" not in made.root._dom_classes
    fields = [layer.receptive_field for layer in made.session.transfer.network.layers.values()]
    assert fields[-1] == 156  # what the last question says: more than half of 256 pixels


def test_every_control_has_a_visible_description_and_every_picture_a_text(made):
    controls = (ipywidgets.Button, ipywidgets.Dropdown, ipywidgets.FloatSlider, ipywidgets.Text,
                ipywidgets.FloatLogSlider, ipywidgets.FloatProgress,
                ipywidgets.Combobox)  # fmt: skip
    count = 0
    for drawer in made.tabs.options:
        made.tabs.value = drawer
        for widget in widgets_of(made.root):
            if isinstance(widget, controls):
                assert widget.description
                count += 1
            text = getattr(widget, "value", "") if isinstance(widget, ipywidgets.HTML) else ""
            for tag in re.findall("<img[^>]*>", text):
                assert "hidden" in tag or re.search('alt="[^"]{5,}"', tag)
            for tag in re.findall("<input[^>]*>", text):
                assert re.search(r"<label[^>]*>.*\S.*" + re.escape(tag), text)
    assert count > 100


def test_the_chart_names_its_scale_and_speaks():
    rows = [(i, 1.0 / (i + 1), 2.0 / (i + 1), 30.0 / (i + 1), 5.0, 0) for i in range(50)]
    drawn = page.chart(rows)
    assert "log scale" in drawn
    assert drawn.count("<polyline") == 2
    assert 'aria-label="Costs at step 49: content cost 0.02, style cost 0.04"' in drawn
    for x, y in re.findall(r"([\d.]+),([\d.]+)", drawn.split("<polyline", 1)[1].split("<text")[0]):
        assert 0 <= float(x) <= 460
        assert 0 <= float(y) <= 120
    assert "once the painting has begun" in page.chart([])
    assert "<polyline" in page.chart([(0, 0.0, 0.0, 0.0, 1, 0), (1, 0.0, 0.0, 0.0, 1, 0)])


def test_the_chart_marks_moves_and_breaks_where_the_size_changes():
    ratios = [5.0] * 20 + [6.0, 7.0, 8.0] + [9.0] * 27
    rows = [(i, 0.5, 0.2, 1.0, ratio, int(i < 10)) for i, ratio in enumerate(ratios)]
    drawn = page.chart(rows)
    assert drawn.count("<polyline") == 4
    assert re.findall("β/α [^<]+", drawn) == ["β/α 9"]  # one drag, one mark
    assert "∞" in page.chart([*rows, (50, 0.5, 0.2, 1.0, np.inf, 0)])


def test_silence_is_noticed_by_the_page_itself(made):
    """When the kernel is dead only the style sheet is left to say so."""
    assert "nst-silence" not in made.view.chart.value
    made.buttons.start.click()
    tick(made)
    assert "run the cell again" in made.view.chart.value
    assert "animation: nst-silence" in page.CSS
    made.buttons.start.click()
    assert "nst-silence" not in made.view.chart.value


def test_a_tick_is_nearly_all_painting(made, monkeypatch):
    """What the studio itself does in a tick does not grow with the length of the run."""
    lengths = []
    chart = page.chart
    monkeypatch.setattr(page, "chart", lambda rows, *a: lengths.append(len(rows)) or chart(rows))
    monkeypatch.setattr("helpers.studio.painting.CURVE_POINTS", 8)
    made.buttons.start.click()
    tick(made, 20)
    assert max(lengths[1:]) <= 8
