"""The studio's widgets, by setting their traits as the page does.  Runs on ipywidgets 7 and 8."""

import datetime
import html
import re

import ipywidgets
import numpy as np
import pytest
import tensorflow as tf

from helpers import images
from helpers.errors import StyleTransferError
from helpers.studio import Studio, classroom, controls, page, work
from helpers.studio.scene import BETA, number


@pytest.fixture
def made(tmp_path):
    return Studio(size=64, steps=4, folder=tmp_path)


def tick(made, times=1):
    """What the page sends while the Play widget plays."""
    for _ in range(times):
        made.ticker.play.value += 1


def finish(made):
    for _ in range(1000):
        if made.work._job is None:
            return
        tick(made)
    raise AssertionError("the work did not end")


def put(upload, name, data):
    """An upload as the page makes it, in either version of ipywidgets."""
    if isinstance(upload.value, dict):
        upload.set_trait("value", {name: {"metadata": {"name": name}, "content": data}})
    else:
        upload.value = ({"name": name, "content": memoryview(data), "type": "", "size": len(data),
                         "last_modified": datetime.datetime.now()},)  # fmt: skip


def save_as(made, name):
    made.work.file_name.value = name
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


def test_it_opens_with_a_first_painting(made):
    assert made.session.steps >= 4
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    assert np.abs(made.session.picture - made.session.content).mean() > 6
    assert not made.ticker.running
    assert "cat in the style of starry_swirls" in made.view.caption.value
    assert "Network: mini" in made.view.caption.value


def test_start_paints_until_pause(made):
    before, steps = made.view.picture.value, made.session.steps
    tick(made)
    assert made.session.steps == steps  # nothing runs before Start
    made.start_button.click()
    assert made.start_button.description == "Pause"
    tick(made, 2)
    assert made.session.steps > steps
    assert made.view.picture.value != before
    made.start_button.click()
    steps = made.session.steps
    tick(made)  # one that was under way
    assert made.session.steps == steps
    assert made.start_button.description == "Start"


def test_the_next_tick_is_asked_for(made):
    """By the page itself in ipywidgets 8, by a link in 7, where the kernel cannot start a Play."""
    made.start_button.click()
    if made.ticker.play.has_trait("playing"):
        assert made.ticker.play.playing
        made.start_button.click()
        assert not made.ticker.play.playing
    else:
        assert made.ticker._pulse.value > made.ticker.play.value
        made.ticker.play.value = made.ticker._pulse.value  # what the link does
        assert made.ticker._pulse.value > made.ticker.play.value
        made.start_button.click()
        made.ticker.play.value = made.ticker._pulse.value
        assert made.ticker._pulse.value == made.ticker.play.value


def test_a_click_on_the_play_widget_starts_and_pauses_as_well(made):
    setattr(made.ticker.play, made.ticker._trait, True)
    steps = made.session.steps
    tick(made)
    assert made.session.steps > steps
    setattr(made.ticker.play, made.ticker._trait, False)
    assert not made.ticker.running


def test_sliders_set_the_weights_live_and_agree_with_each_other(made, monkeypatch):
    monkeypatch.setattr(tf, "function", lambda *a, **k: pytest.fail("traced again"))
    before = made.session.picture
    made.weights.beta.value = 1000.0
    assert made.session.weights["beta"] == 1000
    assert made.weights.balance.value == pytest.approx(3)
    made.weights.balance.value = 1.0
    assert made.session.weights["beta"] == pytest.approx(10)
    assert made.weights.beta.value == pytest.approx(10)
    made.weights.alpha.value = 0.1
    assert made.session.weights["alpha"] == pytest.approx(0.1)
    assert made.weights.balance.value == pytest.approx(2)
    made.weights.tv.value = 0.01
    assert made.session.weights["tv"] == pytest.approx(0.01)
    made.weights.layer_sliders["block1_conv1"].value = 0.0
    assert made.session.transfer.layer_weights["block1_conv1"] == 0
    np.testing.assert_array_equal(made.session.picture, before)  # nothing restarts
    assert "α = 0.1, β = 10." in made.view.caption.value


def test_the_echo_of_the_page_is_not_a_wish(made):
    """Sliders know steps only; the page answers a value between two with the nearest one."""
    made.session.set(beta=523.0)
    made.show()
    made.weights.beta.value = 10**2.72
    made.weights.balance.value = 2.72
    assert made.session.weights["beta"] == 523


def test_step_reset_snapshot_undo_and_the_strip(made):
    steps = made.session.steps
    made.step_button.click()
    assert made.session.steps == steps + 1
    made.strip.snapshot_button.click()
    items = made.strip.items.children
    assert len(items) == 2
    alt = f'alt="Snapshot 1: α 1 · β {number(BETA)}, step {made.session.steps}"'
    assert alt in items[1].children[0].value
    made.weights.beta.value = 10.0
    made.step_button.click()
    made.strip.undo_button.click()
    assert made.session.steps == steps + 1
    assert made.weights.beta.value == pytest.approx(BETA)
    made.reset_button.click()
    assert made.session.steps == 0
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.content))
    made.strip.items.children[1].children[1].click()
    assert made.session.steps == steps + 1
    assert made.strip.items.children[:2] == items  # what was there is not made again


def test_pictures_network_size_start_and_colors_can_be_chosen(made):
    made.pictures.fields["style"].value = "cafe_terrace"
    made.pictures.fields["content"].value = "dandelions"
    made.pictures.fields["size"].value = 128
    made.pictures.fields["init"].value = "blank"
    made.pictures.keep_colors.value = True
    scene = made.session.scene
    assert (scene.style, scene.content, scene.size) == ("cafe_terrace", "dandelions", 128)
    assert (scene.init, scene.keep_colors) == ("blank", "luminance")
    assert 'alt="Content: dandelions"' in made.pictures.thumbnails.value
    assert max(shown(made).shape) == 128
    assert said(made) == ""


def test_an_upload_becomes_the_content(made):
    put(
        made.pictures.uploads["content"],
        "mine.png",
        images.encode(np.full((40, 80, 3), 99.0), "png"),
    )
    assert made.pictures.fields["content"].value == "mine.png"
    assert made.session.content.shape == (32, 64, 3)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda s: put(s.pictures.uploads["style"], "a.png", b"junk"), "not a picture"),
        (lambda s: put(s.work.upload_settings, "a.png", images.encode(s.session.style, "png")),
         "holds no settings"),
        (lambda s: [setattr(slider, "value", 0.0) for slider in s.weights.layer_sliders.values()],
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
    made.start_button.click()
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

    made.start_button.click()
    with monkeypatch.context() as patch:
        patch.setattr(made.session.transfer.__class__, "step", fail)
        tick(made)
    assert sentence in said(made)
    assert made.start_button.description == "Start"
    made.start_button.click()
    tick(made)
    assert said(made) == ""


@pytest.mark.parametrize("name", ["alpha", "beta", "tv", "balance"])
def test_a_slider_is_left_where_the_hand_put_it(made, name):
    """A value sent back, though only rounded to float32, would undo the hand's next move."""
    slider = getattr(made.weights, name)
    sent = []
    slider.observe(lambda change: sent.append(change["new"]), "value")
    wished = [slider.value + 0.14, slider.value + 0.48]
    if name != "balance":
        wished = [slider.value * 10**0.14, slider.value * 10**0.48]
    for value in wished:
        slider.value = value
    assert sent == wished


def test_weights_that_cannot_be_had_leave_the_network_as_it_was(made, monkeypatch):
    def refuse(*_, **__):
        raise StyleTransferError("VGG-19's weights could not be downloaded.")

    monkeypatch.setattr("helpers.vgg.load", refuse)
    made.pictures.fields["network"].value = "vgg19"
    assert "could not be downloaded" in said(made)
    assert made.pictures.fields["network"].value == made.session.scene.network == "mini"


def test_the_grid_is_painted_in_ticks_and_a_click_takes_a_cell(made):
    made.work.grid_button.click()
    assert made.work.progress_row.layout.display != "none"
    assert made.work.grid_button.disabled
    finish(made)
    assert not made.ticker.running
    assert made.work.progress_row.layout.display == "none"
    cells = made.work.grid_cells.children
    assert len(cells) == len(work.GRID_ALPHAS) * len(work.GRID_BETAS)
    assert f'alt="Grid: α 10 · β {number(10 * BETA)}"' in cells[-1].children[0].value
    cells[-1].children[1].click()
    assert made.weights.alpha.value == pytest.approx(10)
    assert made.weights.beta.value == pytest.approx(10 * BETA)


def test_rendering_ends_in_a_file_and_painting_goes_on(made, tmp_path):
    made.start_button.click()
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
    made.work.file_name.value = "painting"
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
    made.start_button.click()
    Studio(size=64, steps=0)
    assert not made.ticker.running
    assert made.start_button.description == "Start"


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_weight_of_0_is_shown_as_0_and_can_be_left_again(made, name):
    slider, end = getattr(made.weights, name), {"alpha": 4, "beta": -1}[name]
    described = slider.description
    made.session.set(**{name: 0.0})
    made.show()
    assert slider.value == pytest.approx(10**slider.min)
    assert slider.description == f"{described}: 0"
    assert not slider.readout
    assert made.weights.balance.value == end
    slider.value = 1.003 * 10**slider.min  # the echo of the page
    made.weights.balance.value = end + 0.004
    assert made.session.weights[name] == 0
    slider.value = 2.0
    assert made.session.weights[name] == 2
    assert (slider.description, slider.readout) == (described, True)


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_content_or_style_alone_can_be_left_by_the_one_slider(made, name):
    made.session.set(**{name: 0.0})
    made.show()
    made.weights.balance.value = 1.5
    weights = made.session.weights
    assert weights["beta"] / weights["alpha"] == pytest.approx(10**1.5)
    assert said(made) == ""


def test_a_network_that_is_not_in_the_list_can_be_left_again():
    options = controls.choice("network", {"VGG-19": "vgg19", "mini": "mini"}, "auto")
    options.value = "mini"
    assert options.value == "mini"


def test_save_and_load_settings(made, tmp_path):
    made.weights.beta.value = 500.0
    made.pictures.fields["style"].value = "cubist_facets"
    made.work.save_button.click()
    data = (tmp_path / "painting.png").read_bytes()
    assert 'download="painting.png"' in made.work.download.value
    other = Studio(size=64, steps=1, folder=tmp_path)
    put(other.work.upload_settings, "painting.png", data)
    assert other.pictures.fields["style"].value == "cubist_facets"
    assert other.weights.beta.value == pytest.approx(500)
    assert "are set as when this picture was saved" in said(other)


@pytest.mark.parametrize("button", ["save_button", "render_button"])
def test_the_photograph_is_not_written_over(tmp_path, button):
    images.save(tmp_path / "photo.png", images.load("cat", 96))
    before = (tmp_path / "photo.png").read_bytes()
    made = Studio(str(tmp_path / "photo.png"), size=64, steps=0, folder=tmp_path)
    made.work.file_name.value = "photo.png"
    if button == "render_button":
        (tmp_path / "photo.png").rename(tmp_path / "photo_384x256.png")
        made.pictures.fields["content"].value = "cat"
        made.session.change(content=str(tmp_path / "photo_384x256.png"))
        rows, columns = images.load(tmp_path / "photo_384x256.png", 384).shape[:2]
        made.work.render_size.value = 384
        assert (rows, columns) == (256, 384)
    getattr(made.work, button).click()
    assert "picture to paint from" in said(made)
    assert not made.work.busy
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_compare_shows_both_sides_of_the_divider(made):
    made.view.compare.value = "content"
    made.view.divider.value = 0.5
    before, after = made.session.content, made.session.picture
    expected = np.concatenate([before[:, :32], after[:, 32:]], axis=1)
    expected[:, 31:33] = 255  # the line between them
    np.testing.assert_array_equal(shown(made), as_jpeg(expected))
    assert made.view.divider.layout.display != "none"
    made.view.compare.value = "nothing"
    np.testing.assert_array_equal(shown(made), as_jpeg(after))
    assert made.view.divider.layout.display == "none"


def test_classroom_mode_asks_and_sets_the_controls(made):
    made.classroom_button.click()
    assert "nst-classroom" in made.root._dom_classes
    for i, (question, wished, answer) in enumerate(classroom.QUESTIONS):
        assert made.classroom._asked == i
        text = made.classroom.question.value
        assert html.escape(question) in text
        assert html.escape(answer) not in text
        made.classroom.set_button.click()
        assert made.session.weights["beta"] == pytest.approx(wished["beta"])
        assert made.session.scene.init == wished.get("init", "content")
        counted = [w > 0 for w in made.session.transfer.layer_weights.values()]
        assert sum(counted) == (1 if "only" in wished else len(counted))
        assert made.ticker.running
        made.classroom.answer_button.click()
        assert html.escape(answer) in made.classroom.question.value
        made.classroom.next_button.click()
    made.classroom_button.click()
    assert "nst-classroom" not in made.root._dom_classes


def test_every_control_has_a_visible_description_and_every_picture_a_text(made):
    made.strip.snapshot_button.click()
    controls = (ipywidgets.Button, ipywidgets.Dropdown, ipywidgets.FloatSlider, ipywidgets.Text,
                ipywidgets.FloatLogSlider, ipywidgets.Checkbox, ipywidgets.FileUpload,
                ipywidgets.FloatProgress)  # fmt: skip
    found = list(widgets_of(made.root))
    for widget in found:
        if isinstance(widget, controls):
            assert widget.description
        for tag in re.findall("<img[^>]*>", getattr(widget, "value", "") or "" if isinstance(
                widget, ipywidgets.HTML) else ""):  # fmt: skip
            assert re.search('alt="[^"]{5,}"', tag)
    assert sum(isinstance(widget, controls) for widget in found) > 25


def test_the_chart_names_its_scale_and_speaks():
    rows = [(i, 1.0 / (i + 1), 2.0 / (i + 1), 30.0 / (i + 1)) for i in range(50)]
    drawn = page.chart(rows)
    assert "log scale" in drawn
    assert drawn.count("<polyline") == 3
    assert 'aria-label="Costs at step 49: content 0.02, style 0.04, total 0.6"' in drawn
    for x, y in re.findall(r"([\d.]+),([\d.]+)", drawn.split("<polyline", 1)[1].split("<text")[0]):
        assert 0 <= float(x) <= 460
        assert 0 <= float(y) <= 150
    assert "once the painting has begun" in page.chart([])
    assert "<polyline" in page.chart([(0, 0.0, 0.0, 0.0), (1, 0.0, 0.0, 0.0)])


def test_a_tick_is_nearly_all_painting(made, monkeypatch):
    """What the studio itself does in a tick does not grow with the length of the run."""
    lengths = []
    chart = page.chart
    monkeypatch.setattr(page, "chart", lambda rows, *a: lengths.append(len(rows)) or chart(rows))
    monkeypatch.setattr("helpers.studio.painting.CURVE_POINTS", 8)
    made.start_button.click()
    tick(made, 20)
    assert max(lengths[1:]) <= 8
