"""The session behind the studio: time, weights, undo, snapshots, large copy; no widgets."""

import numpy as np
import pytest

from helpers import colors, images, masks, vgg
from helpers.errors import (
    DivergedError,
    NetworkError,
    OutputError,
    PictureError,
    SettingError,
    StyleTransferError,
)
from helpers.settings import TransferSpec
from helpers.studio import Session, panels, session
from helpers.studio.session import BETA, REACH, START, number, ratio
from helpers.studio.sources import beta_for
from helpers.transfer import Transfer

FIRST_ALONE = {layer: float(layer == "block1_conv1") for layer in vgg.STYLE_LAYERS}
EQUAL = dict.fromkeys(vgg.STYLE_LAYERS, 1.0)


@pytest.fixture
def made():
    return Session(size=64)


@pytest.fixture(scope="module")
def large():
    """A session with two sizes; tests leave it as they like."""
    return Session(size=192, styles="stained_glass")


class Clock:
    """Time as it goes by in steps: `pace` seconds each, however many there are at once."""

    def __init__(self, monkeypatch, pace):
        self.now, self.pace = 0.0, pace
        step = Transfer.step

        def timed(run, n=1, learning_rate=None):
            self.now += n * self.pace
            step(run, n, learning_rate)

        monkeypatch.setattr(Transfer, "step", timed)

    def __call__(self):
        return self.now


def paint(made, ticks):
    for _ in range(ticks):
        made.tick(0)


def at_full_size(made):
    return made.transfer.level == made.transfer.levels - 1


@pytest.mark.parametrize(("pace", "steps"), [(0.0625, 3), (0.2, 1), (3.0, 1), (1e-5, 50)])
def test_a_tick_takes_the_steps_that_fit_into_its_time(monkeypatch, pace, steps):
    made = Session(size=64, clock=(clock := Clock(monkeypatch, pace)))
    # The first step may be compiled, which takes longer; the second is the first to be measured.
    assert [made.tick(0.2) for _ in range(4)] == [1, 1, steps, steps]
    assert made.steps == 2 + 2 * steps
    clock.pace = 0.09  # a machine that slows down is noticed
    made.tick(0.2)
    assert made.tick(0.2) == 2


def test_nothing_is_traced_again_for_weights_pictures_sizes_levels_or_another_session(large):
    large.tick(0)
    (steps,) = [f for key, f in large.transfer.network.steps.items() if key[0] == "adam"][:1]
    before = steps.experimental_get_tracing_count()
    large.change(alpha=3.0, beta=7.0, tv=0.0)
    large.tick(0)
    for fields in ({"content": "portrait"}, {"styles": "cafe_terrace"}, {"size": 128}):
        large.change(**fields)
        while large.tick(0) and not at_full_size(large):
            pass
    other = Session(size=64)
    other.tick(0)
    assert other.transfer.network is large.transfer.network
    assert steps.experimental_get_tracing_count() == before == 1


def test_weights_take_effect_on_the_next_step(made):
    made.tick(0)
    made.change(alpha=3.0, beta=7.0, tv=0.0)
    made.tick(0)
    row = made.transfer.rows[-1]
    assert row["total"] == pytest.approx(3 * row["content"] + 7 * row["style"], rel=1e-4)
    assert ratio(made.spec) == pytest.approx(7 / 3)


def test_the_left_end_of_the_knob_is_the_photograph_at_once(large):
    large.change(content="cat", size=192, beta=300.0, alpha=1.0)
    paint(large, 6)
    assert np.abs(large.picture - large.content).mean() > 15
    large.change(beta=BETA / REACH)
    np.testing.assert_allclose(large.picture, large.content, atol=1e-3)
    for act in (large.tick, large.reset):  # and it stays so
        act()
        paint(large, 3)
        np.testing.assert_allclose(large.picture, large.content, atol=1e-3)
    paint_along = list(large.along([BETA / REACH, BETA], steps=4))
    assert paint_along[-1] == 1
    photograph, painted = (cell.picture for cell in large.cells)
    assert np.abs(painted - photograph).mean() > 5
    assert np.array_equal(photograph, images.load("cat", len(photograph[0])))


def test_coarse_sizes_come_first_and_change_the_picture_itself(large):
    large.change(content="cat", size=192, beta=BETA, alpha=1.0)
    large.reset()
    start = large.picture
    small = large.transfer.G.shape[1:3]
    for _ in range(session.COARSE_STEPS):
        assert large.transfer.level == 0
        large.tick(0)
    assert at_full_size(large)
    assert np.abs(large.picture - start).mean() > 10
    # The finest detail, which a picture of half the size does not have, is the photograph's still.
    difference = (large.picture - start) / 2 + 128
    lost = images.detail(difference, *small)
    assert np.abs(lost).mean() < 0.2 * np.abs(difference - 128).mean()


@pytest.mark.parametrize(
    ("moves", "coarse"),
    [
        ([{"beta": 150.0}], False),
        ([{"alpha": 10.0, "beta": 1000.0}], False),
        ([{"beta": 1.0}], False),  # strokes go at full size
        ([{"beta": 1000.0}], True),
        ([{"alpha": 0.1}], True),
        ([{"layer_weights": FIRST_ALONE}], True),
        ([{"beta": beta} for beta in np.geomspace(100, 780, 9)], False),
        ([{"beta": beta} for beta in np.geomspace(100, 850, 9)], True),  # small ones add up
    ],
)
def test_only_where_larger_strokes_are_asked_for(large, moves, coarse):
    large.change(alpha=1.0, beta=100.0, layer_weights=EQUAL)
    large.restore(large.snapshot())  # at full size, with strokes for these weights
    assert at_full_size(large)
    for move in moves:
        large.change(**move)
    assert at_full_size(large) != coarse


def test_undo_goes_back_action_by_action_also_while_it_paints(monkeypatch):
    clock = Clock(monkeypatch, 1.0)
    made = Session(size=64, clock=clock)
    paint(made, 2)
    before = made.picture
    for beta in (20.0, 30.0, 40.0):  # one move of a slider
        made.change(beta=beta)
        clock.now += 0.2
    made.tick(0)
    between = made.picture
    made.change(styles="cafe_terrace")
    paint(made, 2)
    assert made.undo()
    assert (made.spec.styles, made.spec.beta) == (("starry_swirls",), 40)
    np.testing.assert_array_equal(made.picture, between)
    made.tick(0)  # it paints on
    assert made.undo()
    assert (made.spec.beta, made.steps) == (BETA, 2)
    np.testing.assert_array_equal(made.picture, before)
    assert not made.undo()


@pytest.mark.parametrize("keep_colors", [None, "luminance", "histogram"])
def test_a_snapshot_comes_back_and_is_painted_on_alike(made, keep_colors):
    made.change(keep_colors=keep_colors, styles="stained_glass", beta=30.0)
    paint(made, 12)
    assert made.snapshots == []  # there are those only that the user takes
    made.keep()
    (snapshot,), costs = made.snapshots, made.transfer.costs()
    made.change(keep_colors=None if keep_colors else "luminance", size=48, content="dandelions")
    made.tick(0)
    made.restore(snapshot)
    # Where a color was clipped, its luminance is no longer quite what it was.
    assert np.abs(made.picture - snapshot.picture).mean() < (0.5 if keep_colors else 1e-9)
    assert made.spec == snapshot.spec
    assert (made.steps, len(made.transfer.rows)) == (12, 12)
    assert made.transfer.costs()["total"] == pytest.approx(costs["total"], rel=0.2)
    made.tick(0)
    assert made.steps == 13 and len(made.snapshots) == 1


def test_another_painting_goes_on_from_the_picture_another_photograph_begins_anew(made):
    made.tick(0)
    before = made.picture
    made.change(styles="cafe_terrace")
    np.testing.assert_allclose(made.picture, before, atol=1e-3)
    assert made.steps == 1
    made.change(keep_colors="luminance")
    inside = (made.picture > 5).all(-1) & (made.picture < 250).all(-1)  # not clipped
    lights = [colors.luminance(picture)[inside] for picture in (made.picture, before)]
    np.testing.assert_allclose(*lights, atol=0.1)
    made.change(size=48, keep_colors=None)
    assert made.picture.shape[1] == 48
    made.change(content="launch_pad", init="content")
    np.testing.assert_allclose(made.picture, images.load("launch_pad", 48), atol=1e-3)
    made.change(init="blank")
    assert np.ptp(made.picture) == 0
    made.tick(0)
    made.reset()
    assert np.ptp(made.picture) == 0


def test_what_fails_leaves_nothing_half_done(made, monkeypatch):
    made.keep()
    made.change(styles="stained_glass", beta=77.0)
    made.tick(0)
    before = made.spec, made.steps, list(made.transfer.rows), made.picture

    def fail(*_):
        raise MemoryError

    acts = (
        lambda: made.restore(made.snapshots[0]),
        lambda: made.change(size=48),
        made.undo,
        made.reset,
    )
    for act in acts:
        with monkeypatch.context() as patch:
            patch.setattr(Transfer, "picture", property(Transfer.picture.fget, fail))
            with pytest.raises(MemoryError):
                act()
        assert (made.spec, made.steps, made.transfer.rows) == before[:3]
        np.testing.assert_array_equal(made.picture, before[3])


def test_what_was_painted_before_a_failure_is_kept(made, monkeypatch):
    step, start = Transfer.step, made.picture

    def fail_at_the_end(*arguments):
        step(*arguments)
        raise DivergedError("The content cost is no longer finite.")

    monkeypatch.setattr(Transfer, "step", fail_at_the_end)
    with pytest.raises(DivergedError):
        made.tick(0)
    assert made.steps == len(made.transfer.rows) == 1
    assert np.abs(made.picture - start).max() > 0


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"content": "no_such.png"}, PictureError),
        ({"styles": ("starry_swirls", "no_such.png")}, PictureError),
        ({"mask": "no_such.png"}, PictureError),
        ({"network": "alexnet"}, SettingError),
        ({"size": None}, SettingError),
        ({"styles": ()}, SettingError),
        ({"start": "noise"}, SettingError),
        ({"alpha": -1}, SettingError),
        ({"alpha": 0, "beta": 0}, SettingError),
        ({"beta": [1, 2]}, SettingError),
        ({"beta": 5.0, "layer_weights": FIRST_ALONE | {"block1_conv1": 0.0}}, SettingError),
        ({"beta": 5.0, "style_layers": ("block9_conv1",)}, StyleTransferError),
    ],
)
def test_a_change_that_fails_changes_nothing(made, fields, error):
    made.tick(0)
    before, spec = made.picture, made.spec
    with pytest.raises(error):
        made.change(**fields)
    assert made.spec == spec and not made.undo()
    np.testing.assert_array_equal(made.picture, before)
    assert made.tick(0) == 1


def test_two_paintings_and_a_part_of_the_photograph(made):
    made.change(styles=("starry_swirls", "stained_glass"), style_weights=(0.25, 0.75))
    made.change(style_scale=(0.5, 1.5))
    assert [max(style.shape) for style in made.styles] == [32, 96]
    made.change(styles="cafe_terrace")
    assert (made.spec.style_weights, made.spec.style_scale) == (None, (0.5,))
    made.change(mask="light")
    paint(made, 3)
    kept = ~masks.lighter(made.content)
    change = np.abs(made.picture - made.content).mean(axis=-1)
    assert change[kept].max() < 1e-3 < 3 < change[~kept].mean()
    made.change(styles=("cafe_terrace", "stained_glass"))
    assert made.spec.style_mask == ("white", "black")
    made.change(mask=None)
    assert made.spec.style_mask is None


def test_what_the_cost_sees(made):
    S, G = panels.grams(made.transfer, "block1_conv1")
    assert S.shape == G.shape == (panels.SHOWN, panels.SHOWN, 3)
    made.change(content="starry_swirls")
    S, G = panels.grams(made.transfer, "block1_conv1")
    np.testing.assert_allclose(S, G, atol=3)  # the painting in its own style


def test_uploads_of_one_name_stay_apart_and_no_source_is_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = (images.encode(images.load(name, 64)) for name in ("dandelions", "launch_pad"))
    images.save("photo.png", images.load("cat", 64))
    (tmp_path / "link.png").symlink_to("photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    made = Session(content="photo.png", size=48)
    first, second = (made.sources.upload("photo.png", data) for data in (one, other))
    made.change(content=first, styles=second)
    np.testing.assert_array_equal(made.content, images.load(one, 48))
    np.testing.assert_array_equal(made.styles[0], images.load(other, 48))
    assert first == made.sources.upload("photo.png", one)  # the very same once more
    with pytest.raises(PictureError, match="uploaded"):
        made.sources.upload("text.png", b"no picture")
    for path in ("photo.png", "link.png", first):  # which may be gone back to
        with pytest.raises(OutputError, match="picture to paint from"):
            made.save(path)
    assert (tmp_path / "photo.png").read_bytes() == before
    made.save("other.png")


def test_a_batch_along_beta_equals_single_runs_and_one_of_it_is_painted_on(made):
    progress = list(made.along((0.5, 4.0, 15.0), size=48, steps=4))
    assert progress[0] == 0 and progress[-1] == 1 and progress == sorted(progress)
    for cell, beta in zip(made.cells, (0.5, 4.0, 15.0), strict=True):
        assert cell.spec.beta == beta
        single = made.sources.transfer(cell.spec.changed(size=48), optimizer="lbfgs", levels=1)
        single.run(4)
        apart = [np.abs(c.picture - single.picture).mean() for c in made.cells]
        assert np.abs(cell.picture - single.picture).mean() == min(apart) < 2
    made.restore(made.cells[2])
    assert (made.spec.beta, made.steps) == (15, 4)
    paint(made, 3)
    assert [row["step"] for row in made.transfer.rows] == [5, 6, 7]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda made: made.along([]),
        lambda made: made.along(["x"]),
        lambda made: made.along([1], size=0),
        lambda made: made.along([1], steps=0),
        lambda made: made.render(size=1),
    ],
)
def test_what_cannot_be_painted_is_refused_at_the_first_bite(made, wrong):
    with pytest.raises(SettingError):
        next(wrong(made))


def test_a_large_copy_goes_on_from_the_picture_with_the_beta_that_keeps_its_strokes(made, tmp_path):
    paint(made, 20)
    assert list(made.render(size=128, steps=6))[-1] == 1
    picture, spec = made.rendered
    assert picture.shape[1] == spec.size == 128
    assert spec.beta == beta_for(BETA, 64, 128) == 2 * BETA
    assert made.spec.beta == BETA
    small = images.resize(picture, *made.picture.shape[:2])
    assert np.corrcoef(small.ravel(), made.picture.ravel())[0, 1] > 0.9
    made.save(tmp_path / "large.png", rendered=True)
    assert TransferSpec.from_metadata(images.read_metadata(tmp_path / "large.png")).size == 128


def test_a_copy_that_is_stopped_is_kept_and_says_what_it_was_begun_with(made):
    copy = made.render(size=192, steps=1000)
    for _ in range(3):
        next(copy)
    made.change(styles="cubist_facets", tv=0.5)
    copy.close()
    picture, spec = made.rendered
    assert picture.shape[1] == 192  # though it was painted at half the size as yet
    assert 0 < spec.steps < 1000
    assert (spec.styles, spec.tv, spec.beta) == (
        ("starry_swirls",),
        START.tv,
        beta_for(BETA, 64, 192),
    )


def test_saved_metadata_set_everything_again(made, tmp_path):
    styles = ("cubist_facets", "cafe_terrace")
    made.change(styles=styles, style_weights=(0.75, 0.25), style_scale=(0.5, 1.5))
    made.change(keep_colors="histogram", alpha=2.0, beta=55.0, tv=0.01, layer_weights=FIRST_ALONE)
    made.tick(0)
    made.save(tmp_path / "g.png")
    fresh = Session(size=64)
    for _ in range(2):  # the second time all of it is there already
        assert fresh.apply(images.read_metadata(tmp_path / "g.png")) == []
        assert fresh.spec.changed(steps=1) == made.spec.changed(steps=1)
    fresh.change(mask="dark", style_cost="mean-std")
    fresh.save(tmp_path / "masked.png")
    assert made.apply(images.read_metadata(tmp_path / "masked.png")) == []
    assert (made.spec.mask, made.spec.style_mask) == ("dark", ("white", "black"))


def test_a_saved_picture_tells_names_and_opens_nothing_that_was_not_given(
    made, tmp_path, monkeypatch
):
    """A stranger's picture may name any file and any address."""
    images.save(tmp_path / "photo.png", images.load("dandelions", 64))
    given = Session(content=tmp_path / "photo.png", size=48)
    given.save(tmp_path / "painting.png")
    metadata = images.read_metadata(tmp_path / "painting.png")
    assert metadata["content"] == "photo.png" and tmp_path.name not in str(metadata)
    given.change(content="cat")
    assert given.apply(metadata) == []  # it was read before, and is known by its name
    assert given.spec.content == str(tmp_path / "photo.png")
    for module in (images, masks):
        monkeypatch.setattr(module, "load", lambda *_: pytest.fail("it was opened"))
    address, path = "http://127.0.0.1:9/a.png", str(tmp_path / "photo.png")
    strange = metadata | {"content": address, "beta": 7.0, "weights": "/etc/passwd"}
    spec, missing = made.sources.saved(made.spec, strange | {"mask": path, "style_mask": ["red"]})
    assert missing == [address, path]
    assert (spec.content, spec.mask, spec.style_mask, spec.weights) == ("cat", None, None, None)
    assert spec.beta == 7
    spec, missing = made.sources.saved(made.spec, strange | {"styles": ["starry_swirls", path]})
    assert missing == [address, path] and spec.styles == made.spec.styles


@pytest.mark.parametrize(
    "junk",
    [
        {"alpha": "much"},
        {"network": 3},
        {"beta": [1, 2]},
        {"layer_weights": "all"},
        {"styles": [3]},
        {"style_layers": ["block9_conv1"], "layer_weights": [1.0]},
        {"costs": "gatys", "beta": 1e4},
    ],
)
def test_metadata_of_a_strange_file_are_a_clear_error_and_change_nothing(made, junk):
    before = made.spec
    with pytest.raises((SettingError, NetworkError)):
        made.apply(before.metadata() | {"content": "dandelions", "init": "noise"} | junk)
    assert made.spec == before


def test_what_it_remembers_does_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr(session, "CURVE_POINTS", 10)
    monkeypatch.setattr(session, "UNDONE", 3)
    made = Session(size=64)
    paint(made, 45)
    steps = [row["step"] for row in made.transfer.rows]
    assert len(steps) <= 10 and steps == sorted(set(steps))
    assert steps[0] == 1 and steps[-1] == 45 and max(np.diff(steps)) < 25  # all of it is shown
    for init in ("blank", "content") * 2:
        made.change(init=init)
    assert [made.undo() for _ in range(4)] == [True, True, True, False]


def test_numbers_are_written_for_readers():
    found = [number(x) for x in (0.01234, 1.0, 2754.2, 1e4, np.inf)]
    assert found == ["0.0123", "1", "2750", "10000", "∞"]
