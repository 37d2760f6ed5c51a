"""The session behind the studio: time, weights, snapshots, grid, rendering; no widgets."""

import threading

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from helpers import colors, images, masks, optimizers, vgg
from helpers.costs import STYLE_COSTS
from helpers.errors import DivergedError, NetworkError, OutputError, PictureError, SettingError
from helpers.studio import Session, eye, film, jobs, painting, session
from helpers.studio.scene import BETA, number
from helpers.transfer import Transfer

FIRST_ALONE = {layer: float(layer == "block1_conv1") for layer in vgg.STYLE_LAYERS}


@pytest.fixture
def made():
    return Session(size=64)


@pytest.fixture(scope="module")
def large():
    """A session with two sizes; tests leave it as they like."""
    return Session(size=192, style="stained_glass")


class Clock:
    """Time as it goes by in steps: `pace` seconds each, however many there are at once."""

    def __init__(self, monkeypatch, pace):
        self.now, self.pace, self.calls = 0.0, pace, []
        step = Transfer.step

        def timed(run, n=1, learning_rate=None):
            self.now += n * self.pace
            self.calls.append(n)
            step(run, n, learning_rate)

        monkeypatch.setattr(Transfer, "step", timed)

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("pace", "steps"), [(0.0625, 3), (0.2, 1), (3.0, 1), (1e-5, 50)])
def test_a_tick_takes_the_steps_that_fit_into_its_time(monkeypatch, pace, steps):
    clock = Clock(monkeypatch, pace)
    made = Session(size=64, clock=clock)
    # The first step is compiled, which takes longer; the second is the first to be measured.
    assert [made.tick(0.2) for _ in range(4)] == [1, 1, steps, steps]
    assert made.steps == 2 + 2 * steps


def test_a_machine_that_slows_down_is_noticed(monkeypatch):
    clock = Clock(monkeypatch, 0.01)
    made = Session(size=64, clock=clock)
    made.tick(0.2)
    made.tick(0.2)
    assert made.tick(0.2) == 20
    clock.pace = 0.1
    made.tick(0.2)
    assert made.tick(0.2) == 2


def test_weights_take_effect_on_the_next_step_without_tracing(made, monkeypatch):
    made.tick(0)
    monkeypatch.setattr(tf, "function", lambda *a, **k: pytest.fail("traced again"))
    made.set(alpha=3.0, beta=7.0, tv=0.0)
    made.tick(0)
    newest = made.transfer.latest
    assert newest["total"] == pytest.approx(3 * newest["content"] + 7 * newest["style"], rel=1e-4)
    assert made.weights["beta"] == 7


def test_the_picture_follows_even_when_beta_falls_a_thousandfold(made):
    made.set(beta=1000.0)
    for _ in range(40):
        made.tick(0)
    before = made.picture
    made.set(beta=1.0)
    made.tick(0)
    assert np.abs(made.picture - before).mean() > 2


def test_content_alone_and_style_alone_follow_each_other(made):
    for weights in ({"alpha": 0, "beta": 5}, {"alpha": 5, "beta": 0}, {"alpha": 0, "beta": 7}):
        made.set(**weights)
        assert {name: made.weights[name] for name in weights} == weights
        made.tick(0)
        made.keep()
    made.restore(2)
    assert (made.transfer.alpha, made.transfer.beta) == (5, 0)


def test_nothing_is_set_when_one_weight_is_wrong(made):
    before = made.weights
    with pytest.raises(SettingError, match="beta"):
        made.set(alpha=5.0, beta=-1.0)
    with pytest.raises(SettingError, match="no weight"):
        made.set(gamma=1.0)
    with pytest.raises(SettingError, match="2 values of beta"):
        made.set(alpha=5.0, beta=np.array([1.0, 2.0]))
    with pytest.raises(SettingError, match="each of block1"):
        made.set(layer_weights=None)
    assert made.weights == before


def test_coarse_sizes_come_first_and_change_the_picture_itself(large):
    large.reset()
    start, sizes = large.picture, []
    while large._painting._planned:
        sizes.append(large._painting._planned[0][0])
        large.tick(0)
    assert sizes == [0] * painting.COARSE_STEPS
    assert np.abs(large.picture - start).mean() > 10
    # The finest detail, which a picture of half the size does not have, is the photograph's still.
    difference = (large.picture - start) / 2 + 128
    coarse = images.resize(
        images.resize(difference, *large._painting._runs[0].content.shape[:2]), *start.shape[:2]
    )
    assert np.abs(difference - coarse).mean() < 0.2 * np.abs(coarse - 128).mean()
    large.tick(0)
    assert not large._painting._planned


@pytest.mark.parametrize(
    ("weights", "coarse"),
    [
        ({"beta": 150.0}, False),
        ({"alpha": 10.0, "beta": 1000.0}, False),
        ({"beta": 1.0}, False),  # strokes go at full size
        ({"beta": 1000.0}, True),
        ({"alpha": 0.1}, True),
        ({"layer_weights": FIRST_ALONE}, True),
    ],
)
def test_only_where_larger_strokes_are_asked_for(large, weights, coarse):
    large._painting._planned = []
    large.set(
        alpha=1.0, beta=100.0, layer_weights=dict.fromkeys(large.transfer.network.style_layers, 1.0)
    )
    large._painting._planned, large._painting._laid_out = [], large.weights
    large.set(**weights)
    assert [level for level, _ in large._painting._planned] == [0] * coarse


def test_many_small_rises_make_a_large_one(large):
    large.set(alpha=1.0, beta=1.0)
    large._painting._planned, planned = [], []
    for beta in np.geomspace(1.0, 8.5, 10):
        large.set(beta=float(beta))
        planned.append(bool(large._painting._planned))
    assert planned == [False] * 9 + [True]


def test_a_small_change_does_not_spoil_the_picture(made):
    for _ in range(60):
        made.tick(0)
    before = made.transfer.costs()["total"]
    for beta in BETA * np.geomspace(1.01, 1.3, 8):
        made.set(beta=float(beta))
        made.tick(0)
        assert made.transfer.costs()["total"] < 1.3 * before


def test_undo_goes_back_to_the_last_snapshot_and_loses_nothing(made):
    made.tick(0)
    first = made.keep()
    kept = made.picture
    made.set(beta=500.0)
    made.tick(0)
    left = made.picture
    made.undo()
    np.testing.assert_array_equal(made.picture, kept)
    assert made.weights["beta"] == BETA
    np.testing.assert_array_equal(made.snapshots[-1].picture, left)
    assert made.snapshots[-1].parent == first
    made.undo()
    np.testing.assert_array_equal(made.picture, images.load("cat", 64))
    made.undo()  # there is nothing before the start
    assert made.steps == 0


def test_a_snapshot_restores_picture_weights_and_scene(made):
    made.set(beta=30.0, layer_weights=FIRST_ALONE)
    made.tick(0)
    number = made.keep()
    assert made.keep() == number  # nothing has moved: the same snapshot
    made.change(content="dandelions", keep_colors="histogram", size=48)
    made.set(beta=1.0, layer_weights=dict.fromkeys(made.transfer.network.style_layers, 1))
    made.tick(0)
    made.restore(number)
    snapshot = made.snapshots[number]
    np.testing.assert_array_equal(made.picture, snapshot.picture)
    assert made.scene == snapshot.scene
    assert made.weights == snapshot.weights
    assert snapshot.label == "α 1 · β 30"
    assert made.steps == len(made.curve) == 1


def test_another_style_goes_on_from_the_picture_another_content_begins_anew(made):
    made.tick(0)
    before = made.picture
    made.change(style="cafe_terrace")
    np.testing.assert_allclose(made.picture, before, atol=1e-3)
    made.change(size=48)
    assert made.picture.shape[1] == 48
    made.change(content="launch_pad")
    np.testing.assert_allclose(made.picture, images.load("launch_pad", 48), atol=1e-3)
    made.change(init="blank")
    assert np.ptp(made.picture) == 0
    made.tick(0)
    made.reset()
    assert np.ptp(made.picture) == 0


@pytest.mark.parametrize("keep_colors", [None, "luminance", "histogram"])
def test_a_snapshot_comes_back_exactly_and_is_painted_on_alike(made, keep_colors):
    made.change(keep_colors=keep_colors, style="stained_glass")
    made.set(beta=1e4)
    for _ in range(12):
        made.tick(0)
    number, costs = made.keep(), made.transfer.costs()
    if keep_colors == "luminance":  # so that the picture does not say what its luminance was
        assert np.mean((made.picture <= 0) | (made.picture >= 255)) > 0
    made.change(keep_colors=None if keep_colors else "luminance")
    made.restore(number)
    np.testing.assert_array_equal(made.picture, made.snapshots[number].picture)
    assert made.transfer.costs()["total"] == pytest.approx(costs["total"], rel=1e-5)


@pytest.mark.parametrize("style", ["starry_swirls", "stained_glass"])
def test_a_restore_that_fails_leaves_nothing_half_done(made, monkeypatch, style):
    """In the same scene, and in another one."""
    made.change(style=style)
    made.set(beta=77.0)
    made.tick(0)
    before = made.scene, made.weights, made.steps, made.curve, made.picture

    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Transfer, "picture", property(Transfer.picture.fget, fail))
        with pytest.raises(MemoryError):
            made.restore(0)
        with pytest.raises(MemoryError):
            made.change(size=48)
    assert (made.scene, made.weights, made.steps, made.curve) == before[:4]
    np.testing.assert_array_equal(made.picture, before[4])


@pytest.mark.parametrize("number", [-1, 99, "1", None])
def test_a_snapshot_that_is_not_there_is_a_clear_error(made, number):
    with pytest.raises(SettingError, match="no snapshot"):
        made.restore(number)


def test_what_was_painted_before_a_failure_is_kept(made, monkeypatch):
    take, start = Transfer._take, made.picture

    def fail_at_the_end(run, rates):
        take(run, rates)
        raise DivergedError("The content cost is no longer finite.")

    monkeypatch.setattr(Transfer, "_take", fail_at_the_end)
    with pytest.raises(DivergedError):
        made.tick(0)
    assert made.steps == 1
    made.undo()
    np.testing.assert_array_equal(made.picture, start)
    assert np.abs(made.snapshots[1].picture - start).max() > 0


def test_one_thread_at_a_time(made, monkeypatch):
    """A callback may come while a cell runs (ipykernel 7): it waits until the steps are done."""
    step, inside, go_on = Transfer.step, threading.Event(), threading.Event()

    def slow(run, *arguments):
        inside.set()
        assert go_on.wait(60)
        step(run, *arguments)

    monkeypatch.setattr(Transfer, "step", slow)
    painter = threading.Thread(target=made.tick)
    other = threading.Thread(target=made.change, kwargs={"init": "blank"})
    painter.start()
    assert inside.wait(60)
    other.start()
    other.join(0.3)
    assert other.is_alive()
    go_on.set()
    painter.join(60)
    other.join(60)
    assert (made.scene.init, made.steps) == ("blank", 0)
    assert [snapshot.steps for snapshot in made.snapshots] == [0, 1, 0]


def test_keeping_the_colors_keeps_the_painting(made):
    for _ in range(5):
        made.tick(0)
    before = colors.luminance(made.picture)
    made.change(keep_colors="luminance")
    inside = (made.picture > 5).all(-1) & (made.picture < 250).all(-1)  # not clipped
    np.testing.assert_allclose(colors.luminance(made.picture)[inside], before[inside], atol=0.1)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"content": "no_such.png"}, PictureError),
        ({"network": "alexnet"}, SettingError),
        ({"init": "stars"}, SettingError),
        ({"size": 1}, SettingError),
        ({"size": 0}, SettingError),
        ({"size": 64.5}, SettingError),
        ({"style": 3}, SettingError),
        ({"start": "noise"}, SettingError),
        ({"second": 3}, SettingError),
        ({"second": "no_such.png"}, PictureError),
        ({"style_scale": 9}, SettingError),
        ({"share": 1.5}, SettingError),
        ({"style_cost": "grams"}, SettingError),
        ({"mask": "no_such.png"}, PictureError),
    ],
)
def test_a_change_that_fails_changes_nothing(made, fields, error):
    made.tick(0)
    before, scene = made.picture, made.scene
    with pytest.raises(error):
        made.change(**fields)
    assert made.scene == scene
    np.testing.assert_array_equal(made.picture, before)
    assert made.tick(0) == 1


def test_another_style_is_aimed_at_without_tracing(made, monkeypatch):
    made.tick(0)
    run = made.transfer
    monkeypatch.setattr(optimizers, "in_one_call", lambda _: pytest.fail("traced again"))
    made.change(style="stained_glass")
    made.change(style_scale=2.0)
    assert made.transfer is run
    assert made.styles[0].shape == images.load("stained_glass", 128).shape
    made.tick(0)
    monkeypatch.undo()
    fresh = Transfer(made.content, made.styles, run.network)
    fresh.picture = made.picture
    assert run.costs()["style"] == pytest.approx(fresh.costs()["style"], rel=1e-3)


@pytest.mark.parametrize("colors_kept", [None, "histogram", "luminance"])
def test_a_style_that_is_aimed_at_keeps_the_colors_too(made, colors_kept):
    made.change(keep_colors=colors_kept)
    made.change(style="stained_glass")
    fresh = Session(size=64, style="stained_glass", keep_colors=colors_kept)
    for seen, expected in zip(made.transfer.canvas.seen, fresh.transfer.canvas.seen, strict=True):
        np.testing.assert_array_equal(seen, expected)


def test_an_aim_that_fails_leaves_the_one_before(made, monkeypatch):
    made.tick(0)
    before, aim = made.transfer.costs()["style"], painting._aim

    def fail_once(run, styles):
        monkeypatch.setattr(painting, "_aim", aim)
        aim(run, styles)
        raise MemoryError

    monkeypatch.setattr(painting, "_aim", fail_once)
    with pytest.raises(MemoryError):
        made.change(style="stained_glass")
    assert made.scene.style == "starry_swirls"
    assert made.transfer.costs()["style"] == pytest.approx(before, rel=1e-5)


def test_a_second_style_has_its_share_of_the_cost(made):
    made.change(second="stained_glass", share=0.25)
    made.tick(0)
    both = made.transfer.costs()["style"]
    made.change(share=1.0)
    second = made.transfer.costs()["style"]
    made.change(share=0.0)
    assert both == pytest.approx(0.75 * made.transfer.costs()["style"] + 0.25 * second, rel=1e-3)
    assert made.settings["styles"] == ["starry_swirls", "stained_glass"]
    made.change(second=None)
    assert made.settings["styles"] == ["starry_swirls"]
    made.change(second="starry_swirls")  # the same once more: no second one
    assert made.settings["style_weights"] == [1.0]


def test_a_mask_keeps_the_photograph_or_gives_the_rest_to_the_second_style(made):
    made.change(mask="light")
    for _ in range(3):
        made.tick(0)
    light = masks.lighter(made.content)
    change = np.abs(made.picture - made.content).mean(axis=-1)
    assert change[~light].max() < 1e-3 and change[light].mean() > 3
    made.change(second="stained_glass", share=0.25)
    made.tick(0)
    assert made.settings["style_mask"] == ["white", "black"]
    expected = Transfer(made.content, made.styles, made.transfer.network,
                        mask=masks.white(light), style_masks=["white", "black"])  # fmt: skip
    expected.picture = made.picture
    assert made.transfer.costs()["style"] == pytest.approx(expected.costs()["style"], rel=1e-3)
    made.change(style="stained_glass")  # the same as the second: the rest stays as it is
    assert made.settings["style_mask"] == ["white"]


def test_a_mask_in_a_file_and_one_that_does_not_fit(made, tmp_path):
    left = masks.white(masks.rectangle(made.content, 0, 0, 1, 0.5))
    images.save(tmp_path / "mask.png", masks.to_picture(left))
    made.change(mask=tmp_path / "mask.png")
    made.tick(0)
    with pytest.raises(OutputError, match="both a picture to paint from"):
        made.save(tmp_path / "mask.png")
    list(made.render(size=192, steps=4))
    assert made.rendered[1]["mask"] == "mask.png"
    images.save(tmp_path / "square.png", np.zeros((40, 40, 3)))
    before = made.scene
    with pytest.raises(SettingError, match="have other sizes"):
        made.change(mask=tmp_path / "square.png")
    assert made.scene == before


@pytest.mark.parametrize("name", list(STYLE_COSTS))
def test_every_style_cost_is_painted_with(made, name):
    made.change(style_cost=name)
    start = made.transfer.costs()["total"]
    for _ in range(4):
        made.tick(0)
    assert made.transfer.costs()["total"] < start
    assert made.settings["style_cost"] == name
    list(made.grid([1.0], [1.0, 10.0], size=64, steps=3))
    assert len(made.cells) == 2


def test_the_film_is_the_whole_way_and_any_moment_can_be_gone_back_to(made):
    for beta in (1.0, 2.0, 4.0):
        made.set(beta=beta)
        made.tick(0)
    assert [moment.steps for moment in made.film.moments] == [0, 1, 2, 3]
    left, moment = made.picture, made.film.at(1 / 3)
    made.go_back(moment)
    assert (made.steps, made.weights["beta"], len(made.curve)) == (1, 1.0, 1)
    np.testing.assert_array_equal(made.picture, moment.picture)
    assert [moment.steps for moment in made.film.moments] == [0, 1]
    made.tick(0)
    made.undo()  # to where it was before it went back
    np.testing.assert_array_equal(made.picture, left)
    assert [moment.steps for moment in made.film.moments] == [0, 1, 2, 3]


def test_a_film_keeps_equal_distances_and_does_not_grow_for_ever(made, monkeypatch):
    monkeypatch.setattr(film, "MOST", 8)
    for _ in range(40):
        made.tick(0)
    steps = [moment.steps for moment in made.film.moments]
    assert 4 <= len(steps) <= 9
    assert len(set(np.diff(steps))) == 1
    assert steps[0] == 0
    assert made.film.strip(3, 20).shape == (20, 3 * 30 + 2 * 2, 3)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_film_is_saved_with_its_last_frame_held(made, tmp_path, suffix):
    made.change(size=48)
    made.tick(0)
    made.film.save(tmp_path / f"way.{suffix}", made.picture)
    with Image.open(tmp_path / f"way.{suffix}") as found:
        assert max(found.size) == film.SIDE
        assert found.n_frames == len(made.film.moments) == 2
        found.seek(0)
        found.load()
        first = found.info["duration"]
        found.seek(found.n_frames - 1)
        found.load()
        assert found.info["duration"] == film.LAST > 10 * first
        last = np.asarray(found.convert("RGB"), np.float32)
    assert np.abs(last - images.resize(made.picture, *last.shape[:2])).mean() < 12
    with pytest.raises(OutputError, match=r"\.gif or \.webp"):
        made.film.save(tmp_path / "way.png", made.picture)


@pytest.mark.parametrize("size", [97, 150])
def test_the_estimate_says_the_size_that_is_rendered(made, tmp_path, size):
    images.save(tmp_path / "odd.png", images.resize(images.load("cat"), 333, 201))
    made.change(content=str(tmp_path / "odd.png"))
    rows, columns, seconds, memory = jobs.estimate(made, size, None, steps=2)
    assert seconds is None
    assert memory > 0
    list(made.render(size=size, steps=2))
    assert made.rendered[0].shape == (rows, columns, 3)
    assert max(rows, columns) == size


def test_the_estimate_grows_with_the_work(monkeypatch):
    made = Session(size=64, clock=Clock(monkeypatch, 0.01))
    for _ in range(3):
        made.tick(0)
    small, large, long = (
        jobs.estimate(made, *of)[2:] for of in ((64, None, 10), (256, None, 10), (64, None, 20))
    )
    assert small[0] == pytest.approx(10 * 0.01 * jobs.LBFGS, rel=0.01)
    assert large[0] > 5 * small[0]
    assert large[1] > 10 * small[1]
    assert long[0] == pytest.approx(2 * small[0])


def test_what_the_cost_sees(made):
    content, style = eye.pulls(made.transfer)
    grey = made.picture.mean(-1, keepdims=True) * 0.5
    np.testing.assert_allclose(content, np.broadcast_to(grey, content.shape), atol=1e-3)
    assert np.abs(style - grey).mean() > 5  # the photograph itself: only the style pulls
    for _ in range(3):
        made.tick(0)
    content, style = eye.pulls(made.transfer)
    grey = made.picture.mean(-1, keepdims=True) * 0.5
    assert np.abs(content - grey).mean() > 5
    S, G = eye.grams(made.transfer, "block1_conv1")
    assert S.shape == G.shape == (eye.SHOWN, eye.SHOWN, 3)
    np.testing.assert_allclose(S, S.transpose(1, 0, 2), atol=0.5)
    made.change(content="starry_swirls")
    S, G = eye.grams(made.transfer, "block1_conv1")
    np.testing.assert_allclose(S, G, atol=1)  # the painting in its own style


def test_an_upload_is_a_picture_like_any_other(made):
    made.sources.upload("mine.jpg", images.encode(images.load("dandelions", 64)))
    made.change(content="mine.jpg")
    assert made.picture.shape == images.load("dandelions", 64).shape
    with pytest.raises(PictureError, match="uploaded"):
        made.sources.upload("text.png", b"no picture")


def test_uploads_of_one_name_stay_apart(made):
    one, other = (images.encode(images.load(name, 64)) for name in ("dandelions", "launch_pad"))
    assert made.sources.upload("image.jpg", one) == "image.jpg"
    assert made.sources.upload("image.jpg", other) == "image (2).jpg"
    assert made.sources.upload("image.jpg", one) == "image.jpg"  # the very same once more
    made.change(content="image.jpg", style="image (2).jpg")
    np.testing.assert_array_equal(made.content, images.load(one, 64))
    np.testing.assert_array_equal(made.styles[0], images.load(other, 64))


def test_an_upload_does_not_take_the_place_of_another_picture(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images.save("photo.png", images.load("dandelions", 64))
    other = images.encode(images.load("launch_pad", 64))
    made.change(content="photo.png")
    assert made.sources.upload("photo.png", other) == "photo (2).png"
    assert made.sources.upload("cat", other) == "cat (2)"
    images.save("beside.png", images.load("cat", 64))
    assert made.sources.upload("beside.png", other) == "beside (2).png"
    before = made.content
    made.change(size=48)
    made.change(size=64)
    np.testing.assert_array_equal(made.content, before)


@pytest.mark.parametrize(
    "spelled", ["photo.png", "./photo.png", "absolute", "link.png", "~/photo.png"]
)
def test_a_picture_that_was_painted_from_is_not_written_over(tmp_path, monkeypatch, spelled):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    images.save("photo.png", images.load("dandelions", 64))
    (tmp_path / "link.png").symlink_to("photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    made = Session(content="~/photo.png" if spelled == "photo.png" else "photo.png", size=48)
    made.change(content="cat")  # it is in a snapshot still
    with pytest.raises(OutputError, match="picture to paint from"):
        made.save(tmp_path / "photo.png" if spelled == "absolute" else spelled)
    assert (tmp_path / "photo.png").read_bytes() == before
    made.save("other.png")


def test_a_saved_picture_tells_names_and_no_folders(tmp_path):
    images.save(tmp_path / "photo.png", images.load("dandelions", 64))
    made = Session(content=tmp_path / "photo.png", style="cubist_facets", size=48)
    made.save(tmp_path / "painting.png")
    settings = images.read_settings(tmp_path / "painting.png")
    assert (settings["content"], settings["styles"]) == ("photo.png", ["cubist_facets"])
    assert str(tmp_path.name) not in str(settings)
    made.change(content="cat")
    assert made.apply(settings) == []  # it was read before, and is known by its name
    assert made.scene.content == str(tmp_path / "photo.png")


def test_what_is_changed_meanwhile_is_not_said_of_a_grid_or_a_rendering(made):
    grid, rendering = made.grid([1.0], [10.0], size=48, steps=3), made.render(size=96, steps=3)
    next(grid)
    next(rendering)
    made.change(style="cubist_facets")
    made.set(tv=0.5)
    list(grid)
    list(rendering)
    cell, (_, settings) = made.cells[0][0], made.rendered
    assert cell.scene.style == "starry_swirls"
    assert cell.weights["tv"] == pytest.approx(1e-3)
    assert settings["styles"] == ["starry_swirls"]


def test_weights_of_layers_that_a_network_lacks_become_equal_ones(made):
    layers = made.transfer.network.style_layers
    only = {"block9_conv1": 1.0} | dict.fromkeys(layers, 0.0)
    assert made.apply(made.settings | {"layer_weights": only}) == []
    found = list(made.weights["layer_weights"].values())
    assert found == pytest.approx([1 / len(layers)] * len(layers))


def test_the_grid_equals_single_runs(monkeypatch):
    monkeypatch.setattr(vgg, "_multiplies_bfloat16", lambda: False)  # its roundings would be seen
    made = Session(size=64)
    alphas, betas = (0.5, 2.0), (0.5, 15.0, 50.0)
    progress = list(made.grid(alphas, betas, size=48, steps=4))
    assert progress[0] == 0
    assert progress[-1] == 1
    assert progress == sorted(progress)
    assert [[cell.weights["alpha"] for cell in row] for row in made.cells] == [[0.5, 2.0]] * 3
    content, style = images.load("cat", 48), images.load("starry_swirls", 48)
    for row, beta in zip(made.cells, betas, strict=True):
        for cell, alpha in zip(row, alphas, strict=True):
            single = Transfer(content, style, made.transfer.network, alpha=alpha, beta=beta)
            single.run(4)  # roundings grow with every further step
            assert np.abs(cell.picture - single.picture).mean() < 0.3  # of 255
    made.send(made.cells[2][0])
    assert (made.weights["alpha"], made.weights["beta"]) == (0.5, 50)
    enlarged = images.resize(made.cells[2][0].picture, *made.picture.shape[:2])
    np.testing.assert_allclose(made.picture, enlarged, atol=1e-3)


@pytest.mark.parametrize(
    ("alphas", "betas", "others"),
    [([], [1], {}), ([1], [], {}), (["x"], [1], {}), ([0], [1, 0], {}), ([1], [1], {"size": 0}),
     ([1], [1], {"steps": 0})],
)  # fmt: skip
def test_a_grid_of_nothing_is_refused_at_once(made, alphas, betas, others):
    with pytest.raises(SettingError):
        made.grid(alphas, betas, **others)
    with pytest.raises(SettingError):
        made.render(size=1)


@pytest.mark.parametrize("size", [64, 100, 128, 256])
def test_every_coarse_size_has_room_for_the_deepest_layer(size):
    made = Session(size=size, style="stained_glass")
    assert made.transfer.network.stride == 16
    for run in made._painting._runs[:-1]:
        for picture in (run.content, *run.styles):
            assert min(picture.shape[:2]) >= 4 * 16
    made.tick(0)
    grid = made.grid([1.0], [5.0], size=size, steps=2)
    next(grid)
    run = grid.gi_frame.f_locals["run"]
    assert run.levels == 1 or min(run.content.shape[:2]) >= 2 * 4 * 16
    grid.close()


def test_rendering_goes_on_from_the_picture_at_another_size(made, tmp_path):
    for _ in range(20):
        made.tick(0)
    progress = list(made.render(size=128, steps=6))
    assert progress[-1] == 1
    picture, settings = made.rendered
    assert picture.shape[1] == settings["width"] == settings["size"] == 128
    assert settings["levels"] == 1  # the deepest layer would not have room at 64 pixels
    small = images.resize(picture, *made.picture.shape[:2])
    assert np.corrcoef(small.ravel(), made.picture.ravel())[0, 1] > 0.9
    made.save(tmp_path / "large.png", rendered=True)
    assert images.read_settings(tmp_path / "large.png")["content"] == "cat"


def test_a_rendering_that_is_stopped_keeps_its_picture(made):
    rendering = made.render(size=192, steps=1000)
    for _ in range(3):
        next(rendering)
    rendering.close()
    picture, settings = made.rendered
    assert picture.shape[1] == 192  # though it was painted at half the size as yet
    assert 0 < settings["steps_done"] < 1000


def test_saved_settings_set_everything_again(made, tmp_path):
    made.change(style="cubist_facets", keep_colors="histogram", style_scale=1.5)
    made.change(second="cafe_terrace", share=0.25)
    made.set(alpha=2.0, beta=55.0, tv=0.01)
    made.tick(0)
    made.save(tmp_path / "g.png")
    fresh = Session(size=64)
    for _ in range(2):  # the second time all of it is there already
        assert fresh.apply(images.read_settings(tmp_path / "g.png")) == []
        assert fresh.weights == made.weights
        assert fresh.scene == made.scene
    fresh.change(mask="dark", style_cost="mean-std", share=0.5)
    fresh.save(tmp_path / "masked.png")
    assert made.apply(images.read_settings(tmp_path / "masked.png")) == []
    assert made.scene == fresh.scene
    with pytest.raises(SettingError, match="other style masks than white and black"):
        made.apply(fresh.settings | {"style_mask": ["red", "black"]})


def test_settings_of_other_costs_are_refused_and_change_nothing(made):
    before = made.weights
    with pytest.raises(SettingError, match="costs gatys"):
        made.apply(made.settings | {"costs": "gatys", "beta": 1e4, "content": "dandelions"})
    assert (made.weights, made.scene.content) == (before, "cat")


def test_settings_that_are_refused_at_their_end_change_nothing_either(made):
    for junk in ({"beta": -1.0}, {"beta": [1, 2]}, {"layer_weights": "all"}, {"styles": [3]}):
        with pytest.raises(SettingError):
            made.apply(made.settings | {"content": "dandelions", "init": "noise"} | junk)
        assert made.scene == session.Scene(size=64)
        assert len(made.snapshots) == 1


def test_settings_of_an_old_picture_still_load(made):
    """Of a network of three blocks; block4 and block5 count as these do in the mean."""
    old = {
        "content": "cat", "styles": ["cubist_facets"], "size": 256, "steps": 120,
        "network": "mini", "pooling": "max", "precision": "float32", "costs": "relative",
        "alpha": 1.0, "beta": 55.0, "tv": 0.001, "content_layer": "block3_conv1",
        "layer_weights": {"block1_conv1": 0.2, "block2_conv1": 0.2, "block3_conv1": 0.6},
        "style_weights": [1.0], "init": "blank", "optimizer": "adam", "learning_rate": 12.0,
        "levels": 1, "keep_colors": None, "seed": 0, "width": 256, "height": 171,
    }  # fmt: skip
    assert made.apply(old) == []
    assert (made.scene.style, made.scene.init, made.weights["beta"]) == (
        "cubist_facets",
        "blank",
        55,
    )
    layers = made.weights["layer_weights"]
    assert layers["block3_conv1"] == pytest.approx(3 * layers["block1_conv1"])
    assert layers["block5_conv1"] == pytest.approx(sum(layers.values()) / 5)


def test_settings_name_pictures_that_are_not_at_hand(made):
    settings = made.settings | {"content": "gone.jpg", "beta": 7.0}
    assert made.apply(settings) == ["gone.jpg"]
    assert made.weights["beta"] == 7
    assert made.scene.content == "cat"


@pytest.mark.parametrize(
    "junk", [{"alpha": "much"}, {"network": 3}, {"init": []}, {"beta": [1, 2]}]
)
def test_settings_of_a_strange_file_are_a_clear_error(made, junk):
    before = made.weights
    with pytest.raises((SettingError, NetworkError)):
        made.apply(made.settings | junk)
    assert made.weights == before


def test_the_curve_has_one_row_a_tick_and_does_not_grow_for_ever(made, monkeypatch):
    monkeypatch.setattr(painting, "CURVE_POINTS", 10)
    for _ in range(25):
        made.tick(0)
    assert len(made.curve) <= 10
    assert [row[0] for row in made.curve] == sorted({row[0] for row in made.curve})
    newest = made.transfer.latest
    costs = (newest[name] for name in ("content", "style", "total"))
    assert made.curve[-1] == (25, *costs, BETA, 0)


def test_numbers_are_written_for_readers():
    assert [number(x) for x in (0.01234, 1.0, 2754.2, 1e4)] == [
        "0.0123",
        "1",
        "2750",
        "10000",
    ]
