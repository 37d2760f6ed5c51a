"""The studio's widgets, by setting their traits as the page does.  Runs on ipywidgets 7 and 8."""

import base64
import functools
import html
import re
import signal
import threading
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import tensorflow as tf

from helpers import images, masks
from helpers.errors import PictureError, SettingError, StyleTransferError
from helpers.studio import Studio, classroom, page, panels, studio
from helpers.studio.session import BETA, REACH, START, ratio
from helpers.studio.sources import beta_for
from helpers.transfer import default_weights
from helpers.vgg import STYLE_LAYERS


@pytest.fixture
def made(tmp_path):
    """As it is when the cell is done, and then paused."""
    made = Studio(size=64, steps=4, folder=tmp_path)
    made.open()
    made.stage.start.click()
    return made


def tick(made, times=1):
    """What the link in the page does: it answers each number that is sent."""
    for _ in range(times):
        made.ticker.answered.value = max(made.ticker.asked.value, made.ticker.answered.value + 1)


def put(upload, name, data, kind="jpeg"):
    """What the page sends of a file."""
    upload.text.value = f"{name}|data:image/{kind};base64,{base64.b64encode(data).decode()}"


def click(faces, key):
    faces.made[key].children[1].click()


def shown(made):
    return images.load(made.stage.picture.value)


def as_jpeg(picture):
    return images.load(images.encode(picture, quality=88))


def said(made):
    return html.unescape(re.sub("<[^>]+>", "", made.message.value))


def widgets_of(box):
    yield box
    for child in getattr(box, "children", ()):
        yield from widgets_of(child)


def numbers(made):
    return {name: control.typed.value for name, control in made.stage.numbers.items()}


def slide(made, name, value, moved=None):
    """What a hand does: it moves the slider to where this number stands."""
    control = moved or made.stage.numbers[name]
    way = np.log(value / control._low) / np.log(control._high / control._low)
    control.slider.value = round(way * control.slider.max)


def test_the_photograph_is_there_before_the_network_is(monkeypatch):
    monkeypatch.setattr("helpers.vgg.load", lambda *_, **__: pytest.fail("the network is loaded"))
    made = Studio("dandelions", size=64)
    np.testing.assert_array_equal(shown(made), as_jpeg(images.load("dandelions", 64)))
    np.testing.assert_array_equal(images.load(made.stage.before.value), shown(made))


def test_what_cannot_be_painted_is_said_before_it_is_shown():
    for wrong, error in (
        ({"content": "no_such.png"}, PictureError),
        ({"style": ("cafe_terrace", "no_such.png")}, PictureError),
        ({"size": None}, SettingError),
        ({"hue": "red"}, SettingError),
    ):
        with pytest.raises(error):
            Studio(**{"size": 64} | wrong)


def test_a_network_that_cannot_be_had_is_said_and_the_studio_stays_usable(made, monkeypatch):
    def refuse(*_, **__):
        raise StyleTransferError("VGG-19's weights could not be downloaded.")

    monkeypatch.setattr("helpers.vgg.load", refuse)
    made.look.choices["network"].value = "vgg16"
    assert "could not be downloaded" in said(made)
    assert made.look.choices["network"].value == made.session.spec.network == "mini"
    slide(made, "ratio", 50.0)
    made.stage.keep.click()
    assert said(made).startswith("Kept")
    other = Studio(size=64, network="vgg16")
    monkeypatch.setattr("IPython.display.display", lambda widget: None)
    other._ipython_display_()
    assert "could not be downloaded" in said(other)


def test_it_begins_by_itself_and_paints_until_pause(tmp_path):
    made = Studio(size=64, steps=4, folder=tmp_path)
    made.open()
    assert made.session.steps >= 4
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    assert np.abs(made.session.picture - made.session.content).mean() > 6
    assert made.ticker.running and made.stage.start.description == "Pause"
    assert "goes on when they are done" in made.chart.value  # where nothing comes any more
    assert made.ticker.asked.value > made.ticker.answered.value  # the next tick is asked for
    steps, before = made.session.steps, made.stage.picture.value
    tick(made, 2)
    assert made.session.steps > steps and made.stage.picture.value != before
    assert "cat in the style of starry swirls" in made.stage.caption.value
    assert "Network: mini" in made.stage.caption.value
    made.stage.start.click()
    assert made.stage.start.description == "Paint" and "nst-silence" not in made.chart.value
    steps = made.session.steps
    tick(made)  # one that was under way
    assert made.session.steps == steps
    assert made.ticker.asked.value == made.ticker.answered.value
    made.stage.start.click()
    tick(made)
    assert made.session.steps > steps


def test_knob_sliders_and_typed_numbers_agree(made, monkeypatch):
    monkeypatch.setattr(tf, "function", lambda *a, **k: pytest.fail("traced again"))
    before = made.session.picture
    slide(made, "ratio", 50.0)
    assert made.session.spec.beta == 52
    assert numbers(made) == {"ratio": "52", "alpha": "1", "beta": "52"}
    assert 0 < np.abs(made.session.picture - before).mean() < 20  # at once, and not anew
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    assert made.ticker.running
    slide(made, "beta", 10.0)
    slide(made, "alpha", 0.1)
    assert numbers(made) == {"ratio": "100", "alpha": "0.1", "beta": "10"}
    made.stage.numbers["ratio"].typed.value = "2,5"
    assert made.session.spec.beta == 0.25
    made.stage.numbers["beta"].typed.value = "much"
    assert "'much' is no number" in said(made)
    assert numbers(made)["beta"] == "0.25"
    slide(made, "", 0.01, made.look.smoothing)
    assert made.session.spec.tv == 0.01
    assert "β/α = 2.5." in made.stage.caption.value
    assert "α 0.1 ·" in made.stage.formula.value and "γ 0.01 ·" in made.stage.formula.value
    made.look.sliders["block1_conv1"].value = 0.0
    assert made.session.spec.layer_weights == (0, 0.5, 1, 0.15, 0.003)


def test_the_scale_of_the_knob_stays_and_a_slider_is_left_where_the_hand_put_it(made):
    """A value sent back, though only a rounded one, would undo the hand's next move."""
    for name, control in made.stage.numbers.items():
        sent, places = [], []
        control.slider.observe(lambda change, to=sent: to.append(change["new"]), "value")
        for place in range(1, control.slider.max, 9):
            places.append(place)
            control.slider.value = place
            value = float(numbers(made)[name])
            assert len(numbers(made)[name].strip("0.")) <= 4 and value == float(f"{value:.3g}")
            control.show(value)
        assert sent == places
    knob = made.stage.numbers["ratio"]
    ends = knob.slider.min, knob.slider.max
    for value, place in (("0.01", 0), ("1000", ends[1]), ("20", ends[1] / 2), ("5000", ends[1])):
        knob.typed.value = value
        assert numbers(made)["ratio"] == value and knob.slider.value == place
        assert (knob.slider.min, knob.slider.max) == ends
    slide(made, "ratio", BETA / REACH)
    assert numbers(made)["ratio"] == "0.4"


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_weight_of_0_is_shown_as_0_and_can_be_left_again(made, name):
    made.stage.numbers[name].typed.value = "0"
    assert numbers(made)[name] == "0"
    assert numbers(made)["ratio"] == {"alpha": "∞", "beta": "0"}[name]
    slide(made, "ratio", 10**1.5)
    assert ratio(made.session.spec) == pytest.approx(10**1.5, rel=0.05)
    made.stage.numbers["ratio"].typed.value = "∞"
    assert made.session.spec.alpha == 0
    slide(made, "alpha", 2.0)
    assert made.session.spec.alpha == 1.95 and said(made) == ""


def test_undo_and_starting_over(made):
    steps = made.session.steps
    slide(made, "ratio", 50.0)
    made.stage.undo.click()
    assert numbers(made)["beta"] == "20" and made.session.steps == steps
    slide(made, "ratio", 57.0)  # of before, which a busy kernel hears only now
    assert numbers(made)["beta"] == "20" and made.session.spec.beta == 20
    assert made.stage.numbers["ratio"].slider.value == made.stage.numbers["ratio"].slider.max / 2
    made.stage.start.click()
    tick(made)
    slide(made, "ratio", 57.0)
    assert made.session.spec.beta == pytest.approx(57, rel=0.05)
    made.stage.undo.click()
    made.stage.undo.click()
    assert said(made) == "There is nothing to undo."
    steps = made.session.steps
    made.stage.over.click()
    assert made.session.steps == 0
    np.testing.assert_array_equal(shown(made), as_jpeg(made.session.picture))
    made.stage.undo.click()
    assert made.session.steps == steps


def test_snapshots_are_compared_gone_back_to_and_never_rewind_by_themselves(made):
    assert len(made.keep.faces.box.children) == 0
    made.stage.keep.click()
    steps = made.session.steps
    slide(made, "ratio", 50.0)
    tick(made, 3)
    made.stage.keep.click()
    faces = made.keep.faces
    assert faces.box.children == (faces.made[2], faces.made[1])  # the newest first
    click(faces, 1)
    kept = made.session.snapshots[0]
    np.testing.assert_array_equal(images.load(made.stage.before.value), as_jpeg(kept.picture))
    assert f"Compare with the snapshot: β/α 20, step {steps}" in made.stage.wipe.value
    assert "nst-chosen" in faces.made[1]._dom_classes
    before = made.session.steps
    made.see.layer.value = "block3_conv1"
    made.look.choices["size"].value = 128
    made.classroom.switcher.click()
    made.classroom.switcher.click()
    assert made.session.steps >= before
    made.keep.back.click()
    assert (made.session.steps, made.session.spec.beta) == (steps + 1, BETA)  # one more at once
    click(faces, 1)
    np.testing.assert_array_equal(
        images.load(made.stage.before.value), as_jpeg(made.session.content)
    )


def test_pictures_are_chosen_by_a_click_on_them(made):
    faces = made.pictures.faces
    assert set(faces["style"].made) == set(images.gallery("style")) - set(images.PAINTINGS)
    click(faces["style"], "cafe_terrace")
    click(faces["content"], "dandelions")
    click(faces["second"], "stained_glass")
    made.pictures.share.value = 0.25
    made.look.strokes[0].value = 1.5
    made.look.strokes[1].value = 0.5
    spec = made.session.spec
    assert (spec.content, spec.styles) == ("dandelions", ("cafe_terrace", "stained_glass"))
    assert (spec.style_weights, spec.style_scale) == ((0.75, 0.25), (1.5, 0.5))
    chosen = [k for k, f in faces["style"].made.items() if "nst-chosen" in f._dom_classes]
    assert chosen == ["cafe_terrace"]
    assert made.stage.pair.value.count("<img") == 3
    found = re.search(r"base64,([^)]+)\)", faces["style"].made["cafe_terrace"].children[0].value)
    picture = images.load(base64.b64decode(found[1]))
    assert np.abs(picture - images.load("cafe_terrace", panels.THUMBNAIL)).mean() < 8
    click(faces["second"], None)
    assert made.session.spec.styles == ("cafe_terrace",)
    assert made.pictures.share.layout.display == "none" and said(made) == ""


def test_the_look_can_be_chosen(made):
    made.look.choices["size"].value = 128
    made.look.choices["init"].value = "blank"
    made.look.choices["keep_colors"].value = "luminance"
    spec = made.session.spec
    assert (spec.size, spec.init) == (128, "blank")
    assert spec.keep_colors == "luminance" and max(shown(made).shape) == 128
    assert made.ticker.running  # it is painted on at once
    made.look.choices["keep_colors"].value = ""
    assert made.session.spec.keep_colors is None and said(made) == ""


def test_an_upload_and_a_path_become_faces_and_a_mistyped_one_stays(made, tmp_path):
    upload, faces = made.pictures.uploads["content"], made.pictures.faces["content"]
    put(upload, "mine.jpg", images.encode(np.full((40, 80, 3), 99.0)))
    mine = made.session.spec.content
    assert mine.endswith("mine.jpg") and upload.text.value == ""
    assert panels.UPLOADED in made.keep.line.value
    assert made.session.content.shape == (32, 64, 3)
    click(faces, "cat")
    click(faces, mine)
    assert made.session.spec.content == mine
    assert faces.made[mine].children[1].description == "mine.jpg"
    images.save(tmp_path / "other.png", images.load("launch_pad", 96))
    lines = made.pictures.lines
    assert len({line.description for line in lines.values()}) == 3
    lines["style"].value = str(tmp_path / "ohter.png")
    assert "no picture" in said(made) and lines["style"].value == str(tmp_path / "ohter.png")
    lines["style"].value = f" {tmp_path / 'other.png'} "
    assert made.session.spec.styles == (str(tmp_path / "other.png"),)
    assert lines["style"].value == "" and made.session.spec.content == mine
    assert "mine.jpg in the style of other.png" in made.stage.caption.value
    assert said(made) == ""
    lines["content"].value = "launch pad"  # as it is written under its face
    assert made.session.spec.content == "launch_pad"


def test_which_part_is_painted(made):
    drawn = masks.white(masks.rectangle(made.session.content, 0, 0, 1, 0.5))
    canvas = made.pictures.brush.html.value
    put(made.pictures.brush, "brush.png", images.encode(masks.to_picture(drawn), "png"), "png")
    brush = made.session.spec.mask
    assert brush.endswith("brush.png")
    assert made.pictures.brush.html.value == canvas  # the strokes stay
    tick(made, 2)
    change = np.abs(made.session.picture - made.session.content).mean(axis=-1)
    assert change[drawn == 0].max() < 1e-3 and change[drawn > 0].mean() > 3
    put(made.pictures.brush, "b.png", images.encode(0 * made.session.content, "png"), "png")
    assert "nothing in the mask is" in said(made) and made.session.spec.mask == brush
    made.pictures.all.click()
    assert made.session.spec.mask is None
    made.stage.undo.click()
    click(made.pictures.faces["content"], "dandelions")
    assert made.session.spec.mask is None  # it was the other photograph's
    assert made.pictures.brush.html.value != canvas and said(made) == ""


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda s: put(s.pictures.uploads["style"], "a.png", b"junk"), "not a picture"),
        (lambda s: put(s.pictures.uploads["style"], "a.heic", b""), "this browser can read"),
        (lambda s: put(s.keep.upload, "a.png", images.encode(s.session.content)), "no settings"),
        (lambda s: (setattr(s, "folder", Path("/proc/x")), s.keep.save_button.click()), "/proc"),
        (lambda s: (setattr(s, "folder", Path("/proc/x")), s.keep.copy_button.click()), "/proc"),
    ],
)
def test_errors_are_sentences_and_the_studio_stays_usable(made, act, sentence):
    before = made.session.picture
    act(made)
    assert sentence in said(made) and 'role="alert"' in made.message.value
    assert not made.job
    np.testing.assert_array_equal(made.session.picture, before)
    slide(made, "ratio", 30.0)
    assert said(made) == "" and np.abs(made.session.picture - before).max() > 0


def test_a_slip_of_the_hand_stops_neither_the_painting_nor_a_copy(made):
    made.stage.start.click()
    made.keep.copy_button.click()
    for typed in ("-3", "nan", "much"):
        made.stage.numbers["beta"].typed.value = typed
        assert f"'{typed}' is no number from 0 up" in said(made)
    made.pictures.lines["style"].value = "nowhere.png"
    assert made.job and made.ticker.running


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM"), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (KeyboardInterrupt(), "Interrupted"),
        (RuntimeError("odd"), "RuntimeError: odd"),
    ],
)
def test_errors_while_painting_pause_it(made, monkeypatch, error, sentence):
    def fail(*_):
        raise error

    made.stage.start.click()
    with monkeypatch.context() as patch:
        patch.setattr(made.session.transfer.__class__, "step", fail)
        tick(made)
    assert sentence in said(made) and made.stage.start.description == "Paint"
    steps = made.session.steps
    made.stage.start.click()
    tick(made)
    assert made.session.steps > steps


def test_an_interrupt_pauses_it_also_where_callbacks_come_in_another_thread(made):
    import asyncio

    async def notebook():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as ipykernel has it in a cell
        studio.when_idle(made.interrupt)
        await asyncio.sleep(0.3)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as ipykernel has it when it is idle
        await asyncio.sleep(0.4)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    made.stage.start.click()
    try:
        asyncio.run(notebook())
    finally:
        signal.signal(signal.SIGINT, before)
    steps = made.session.steps
    tick(made)
    assert made.session.steps == steps and "Interrupted" in said(made)
    made.stage.start.click()
    tick(made)
    assert made.session.steps > steps


def test_a_callback_in_another_thread_waits_for_the_one_that_is_at_work(made, monkeypatch):
    begun, done = threading.Event(), threading.Event()
    monkeypatch.setattr(made.session, "tick", lambda *_: (begun.set(), done.wait(60)))
    made.stage.start.click()
    painting = threading.Thread(target=tick, args=[made])
    painting.start()
    assert begun.wait(60)
    other = threading.Thread(target=made.stage.over.click)
    other.start()
    other.join(0.3)
    assert other.is_alive() and made.session.steps > 0
    done.set()
    other.join(60)
    painting.join(60)
    assert made.session.steps == 0


def test_five_paintings_along_beta_around_the_present_one(made):
    made.see.five_button.click()
    assert made.work.layout.display != "none" and made.see.five_button.disabled
    while made.job:
        tick(made)
    assert not made.ticker.running and made.work.layout.display == "none"
    faces = made.see.five.children[0].children
    betas = [face.children[1].description for face in faces]
    assert betas == ["β 2.22", "β 6.67", "β 20", "β 60", "β 180"]
    faces[4].children[1].click()
    assert numbers(made)["beta"] == "180"
    steps = made.session.steps
    tick(made, 3)
    assert made.session.steps > steps and said(made) == ""


def test_a_large_copy_ends_in_a_file_and_painting_goes_on(made, tmp_path, monkeypatch):
    quick = functools.partial(made.session.render, steps=3)
    monkeypatch.setattr(made.session, "render", quick)
    made.stage.start.click()
    made.keep.size.value = 384
    assert "384 × 258 pixels. With β 120" in made.keep.about.value
    made.keep.size.options = [("96", 96)]
    made.keep.copy_button.click()
    slide(made, "ratio", 50.0)  # the sliders are free meanwhile
    while made.job:
        tick(made)
    (path,) = tmp_path.glob("painting_96x*.png")
    assert images.read_metadata(path)["beta"] == beta_for(BETA, 64, 96)
    assert f"Download {path.name}" in made.keep.download.value
    assert f"Copied: {path.name}, 96 × 6" in said(made) and str(tmp_path) in said(made)
    steps = made.session.steps
    tick(made)
    assert made.session.steps > steps


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_copy_that_is_given_up_is_kept_as_far_as_it_went(made, tmp_path, monkeypatch, how):
    made.keep.size.value = 384
    made.keep.copy_button.click()
    tick(made, 2)
    if how == "cancelled":
        made.cancel.click()
        assert "as far as it went" in said(made)
    else:
        made.go_on()
        made.interrupt()
        tick(made)
        assert "Interrupted" in said(made) and "of the copy is saved" in said(made)
    (path,) = tmp_path.glob("painting_384x*.png")
    assert 0 < images.read_metadata(path)["steps"] < 120
    assert not made.ticker.running and not made.job


def test_a_studio_that_is_made_anew_pauses_the_one_before_and_says_so(made):
    made.stage.start.click()
    Studio(size=64, steps=0)
    assert not made.ticker.running and made.stage.start.description == "Paint"
    assert "Another studio has begun" in said(made)
    assert "nst-silence" not in made.chart.value
    made.stage.start.click()
    assert made.ticker.running


def test_save_and_open_and_the_line_that_begins_with_the_same(made, tmp_path):
    made.stage.numbers["ratio"].typed.value = "50"
    click(made.pictures.faces["style"], "cubist_facets")
    made.keep.save_button.click()
    data = (tmp_path / "painting_64x43.png").read_bytes()
    assert 'download="painting_64x43.png"' in made.keep.download.value
    assert f"Saved: painting_64x43.png, 64 × 43 pixels, in {tmp_path}" in said(made)
    line = html.unescape(re.sub("<[^>]+>", "", made.keep.line.value))
    assert line == "Studio('cat', 'cubist_facets', size=64, beta=50.0)"
    assert eval(line).spec.changed(levels=1) == START.changed(
        styles="cubist_facets", size=64, beta=50.0, levels=1
    )
    other = Studio(size=64, steps=1, folder=tmp_path)
    put(other.keep.upload, "painting.png", data)
    assert other.session.spec.styles == ("cubist_facets",) and numbers(other)["beta"] == "50"
    assert said(other) == "All is set as when this picture was saved."
    large = images.read_metadata(data) | {"size": 1024}
    images.save(tmp_path / "large.png", images.load("cat", 64), large)
    put(other.keep.upload, "large.png", (tmp_path / "large.png").read_bytes())
    assert "as when this picture was saved, at 64 pixels." in said(other)
    assert other.session.spec.beta == 50 / 16  # what that copy was made from
    metadata = images.read_metadata(data) | {"content": "gone.jpg", "beta": 2.0}
    images.save(tmp_path / "odd.png", images.load("cat", 64), metadata)
    put(other.keep.upload, "odd.png", (tmp_path / "odd.png").read_bytes())
    assert "left as it was: gone.jpg. The rest is set" in said(other)
    assert other.session.spec.beta == 2


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_beginning_of_a_file_holds_its_metadata(tmp_path, suffix):
    """So much of it is all that the page sends."""
    noise = np.random.default_rng(0).uniform(0, 255, (700, 900, 3))
    images.save(tmp_path / f"a.{suffix}", noise, {"beta": 7.0})
    data = (tmp_path / f"a.{suffix}").read_bytes()
    assert len(data) > 600_000 and images.read_metadata(data[:600_000]) == {"beta": 7.0}
    assert "600000" in page.piece("saved", label="")


def test_what_is_there_is_not_written_over(tmp_path):
    for size in ("64x43", "384x258"):
        images.save(tmp_path / f"painting_{size}.png", images.load("cat", 96))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    made = Studio(str(tmp_path / "painting_64x43.png"), size=64, steps=0, folder=tmp_path)
    made.keep.save_button.click()
    made.keep.size.value = 384
    made.keep.copy_button.click()
    tick(made, 2)
    made.cancel.click()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: found[name] for name in before} == before
    assert len(set(found) - set(before)) == 2 and "painting_64x43 (2).png" in found


def test_drive_is_where_files_go_if_it_is_mounted(tmp_path, monkeypatch):
    monkeypatch.setattr(studio, "DRIVE", tmp_path)
    assert Studio(size=64).folder == tmp_path


def test_what_the_cost_sees_is_shown_while_its_drawer_is_open(made):
    assert made.see.grams.value == ""
    made.drawer.value = "See"
    assert made.see.grams.value.count("<img") == 2
    before = made.see.grams.value
    made.see.layer.value = "block3_conv1"
    assert made.see.grams.value != before
    before = made.see.grams.value
    made.stage.start.click()
    tick(made, made.see.EVERY)
    assert made.see.grams.value != before
    made.drawer.value = "Pictures"
    before = made.see.grams.value
    tick(made, made.see.EVERY)
    assert made.see.grams.value == before
    made.drawer.value = "See"
    made.change(style_cost="mean-std")
    assert made.see.grams.value == ""  # it compares none


def test_classroom_asks_reveals_and_leaves_everything_as_it_was(made):
    slide(made, "ratio", 33.0)
    made.look.choices["keep_colors"].value = "histogram"
    made.stage.start.click()
    before, room = made.session.snapshot(), made.classroom
    made.classroom.switcher.click()
    assert "nst-classroom" in made.root._dom_classes
    assert 3 <= len(classroom.QUESTIONS) <= 5 and room.previous.disabled
    for i, asked in enumerate(classroom.QUESTIONS):
        answers = [html.unescape(re.sub("<[^>]+>", "", answer.value)) for answer in room.answers]
        assert answers == [f"{'ABC'[i]}  {text}" for i, text in enumerate(asked["answers"])]
        assert "{" not in room.question.value and asked["reason"][:20] not in room.reason.value
        plain = START.changed(init="content", layer_weights=default_weights(STYLE_LAYERS))
        for name in ("alpha", "beta", "tv", "init", "keep_colors", "layer_weights"):
            assert getattr(made.session.spec, name) == getattr(plain, name)
        assert made.session.steps == 1  # whatever the question before has left
        room.counts[i][1].value = "12"
        tick(made, 3)
        steps = made.session.steps
        room.reveal.click()
        sets, spec = asked["sets"], made.session.spec
        for name in ("alpha", "beta", "tv", "init"):
            assert getattr(spec, name) == sets.get(name, getattr(plain, name))
        assert sum(w > 0 for w in spec.layer_weights) == (1 if "only" in sets else 5)
        assert made.session.steps == (1 if sets.get("anew", True) else steps + 1)
        assert ["nst-right" in a.value for a in room.answers].index(True) == asked["right"]
        assert "{" not in room.reason.value and room.rows[1].children[1].value == "12"
        assert made.ticker.running
        if i < len(classroom.QUESTIONS) - 1:
            room.next.click()
    assert room.next.disabled
    room.previous.click()
    assert "Question 4 of" in room.question.value and room.rows[1].children[1].value == "12"
    made.classroom.switcher.click()
    assert "nst-classroom" not in made.root._dom_classes
    assert made.session.spec == before.spec and not made.ticker.running
    np.testing.assert_array_equal(made.session.picture, before.picture)
    for asked in classroom.QUESTIONS[:2]:
        assert f" {asked['sets']['beta']:g}." in asked["text"]


def test_every_control_has_a_name_and_every_picture_a_text(made):
    made.drawer.value = "See"
    count, named = 0, (ipywidgets.Button, ipywidgets.Dropdown, ipywidgets.FloatSlider)
    named += (ipywidgets.IntSlider, ipywidgets.Combobox, ipywidgets.FloatProgress)
    made.progress.description = "Five"
    for widget in widgets_of(made.root):
        if isinstance(widget, named):
            assert widget.description
            count += 1
        text = getattr(widget, "value", "") if isinstance(widget, ipywidgets.HTML) else ""
        for tag in re.findall("<img[^>]*>", text):
            assert "hidden" in tag or re.search('alt="[^"]{5,}"', tag)
        for tag in re.findall("<input[^>]*>", text):
            assert re.search(r"<label[^>]*>.*\S.*" + re.escape(tag), text)
    assert count > 55


def test_the_chart_names_its_scale_and_breaks_where_the_size_changes():
    def row(step, content, style):
        return {"step": step, "content": content, "style": style, "level": int(step > 9)}

    drawn = page.chart([row(i, 1 / (i + 1), 2 / (i + 1)) for i in range(50)])
    assert "log scale" in drawn and drawn.count("<polyline") == 4
    assert 'aria-label="Costs at step 49: content cost 0.02, style cost 0.04"' in drawn
    for points in re.findall(r'points="([^"]+)"', drawn):
        for x, y in (map(float, point.split(",")) for point in points.split()):
            assert 0 <= x <= 460 and 0 <= y <= 96
    assert "stroke-dasharray" in page.piece("head")  # of the style cost's line
    assert "once the painting has begun" in page.chart([])
    assert "<polyline" in page.chart([row(i, 0.0, 0.0) for i in range(2)])


def test_scripts_fit_into_attributes():
    for name in ("head", "wipe", "upload", "saved", "brush", "download"):
        blank = dict.fromkeys(("what", "at", "label", "address", "width", "height", "name"), "")
        for code in re.findall(r' on\w+="([^"]*)"', page.piece(name, **blank)):
            assert "//" not in code and "<" not in code and len(code) > 20
