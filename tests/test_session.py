"""The session behind the studio: time, weights, undo, snapshots, grid, large copy; no widgets."""

import threading

import numpy as np
import pytest

from helpers import colors, images, masks, vgg
from helpers.errors import DivergedError, NetworkError, OutputError, PictureError, SettingError
from helpers.settings import TransferSpec
from helpers.studio import Session, eye, session
from helpers.studio.session import BETA, REACH, START, beta_for, number, ratio
from helpers.style_costs import STYLE_COSTS
from helpers.transfer import Transfer

FIRST_ALONE = {layer: float(layer == "block1_conv1") for layer in vgg.STYLE_LAYERS}


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
    large.set(alpha=3.0, beta=7.0, tv=0.0)
    large.tick(0)
    for fields in ({"content": "portrait"}, {"styles": "cafe_terrace"}, {"size": 128}):
        large.change(**fields)
        while large.tick(0) and large._detail is not None:
            pass
    other = Session(size=64)
    other.tick(0)
    assert other.transfer.network is large.transfer.network
    assert steps.experimental_get_tracing_count() == before == 1


def test_weights_take_effect_on_the_next_step(made):
    made.tick(0)
    made.set(alpha=3.0, beta=7.0, tv=0.0)
    made.tick(0)
    _, content, style, _, total, at, _ = made.curve[-1]
    assert total == pytest.approx(3 * content + 7 * style, rel=1e-4)
    assert at == ratio(made.spec) == pytest.approx(7 / 3)


def test_the_picture_follows_even_when_beta_falls_a_thousandfold(made):
    made.set(beta=1000.0)
    for _ in range(40):
        made.tick(0)
    before = made.picture
    made.set(beta=1.0)
    made.tick(0)
    assert np.abs(made.picture - before).mean() > 2


def test_the_left_end_of_the_knob_is_the_photograph_at_once(large):
    large.change(content="cat", size=192, beta=300.0, alpha=1.0)
    for _ in range(6):
        large.tick(0)
    assert np.abs(large.picture - large.content).mean() > 15
    large.set(beta=BETA / REACH)
    np.testing.assert_allclose(large.picture, large.content, atol=1e-3)
    large.tick(0)
    assert np.abs(large.picture - large.content).mean() < 3
    large.reset()  # and it stays so
    large.tick(0)
    assert np.abs(large.picture - large.content).mean() < 3


def test_nothing_is_set_when_one_weight_is_wrong(made):
    before = made.spec
    no_layer = FIRST_ALONE | {"block1_conv1": 0.0}
    for wrong in ("alpha=-1", "gamma=1", "beta=[1, 2]", "alpha=0, beta=0"):
        with pytest.raises(SettingError):
            made.set(**eval(f"dict({wrong})"))
    with pytest.raises(SettingError):
        made.set(beta=5.0, layer_weights=no_layer)
    assert made.spec == before
    assert not made.undo()


def test_coarse_sizes_come_first_and_change_the_picture_itself(large):
    large.change(content="cat", size=192, beta=BETA, alpha=1.0)
    large.reset()
    start = large.picture
    np.testing.assert_allclose(start, large.content, atol=0.51)
    small = large.transfer.G.shape[1:3]
    for _ in range(session.COARSE_STEPS):
        assert large.transfer.level == 0
        large.tick(0)
    assert large.transfer.level == large.transfer.levels - 1 == 1
    assert np.abs(large.picture - start).mean() > 10
    # The finest detail, which a picture of half the size does not have, is the photograph's still.
    difference = (large.picture - start) / 2 + 128
    lost = images.detail(difference, *small)
    assert np.abs(lost).mean() < 0.2 * np.abs(difference - 128).mean()


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
    equal = dict.fromkeys(vgg.STYLE_LAYERS, 1.0)
    large.set(alpha=1.0, beta=100.0, layer_weights=equal)
    large._enter(1)
    large._laid_out = large.spec
    large.set(**weights)
    assert large.transfer.level == (0 if coarse else 1)


def test_many_small_rises_make_a_large_one(large):
    large.set(alpha=1.0, beta=1.0)
    large._enter(1)
    large._laid_out, levels = large.spec, []
    for beta in np.geomspace(1.0, 8.5, 10):
        large.set(beta=float(beta))
        levels.append(large.transfer.level)
    assert levels == [1] * 9 + [0]


def test_undo_goes_back_action_by_action_also_while_it_paints(monkeypatch):
    clock = Clock(monkeypatch, 1.0)
    made = Session(size=64, clock=clock)
    made.tick(0)
    made.tick(0)
    before = made.picture
    for beta in (20.0, 30.0, 40.0):  # one move of a slider
        made.set(beta=beta)
        clock.now += 0.2
    made.tick(0)
    between = made.picture
    made.change(styles="cafe_terrace")
    made.tick(0)
    made.tick(0)
    assert made.undo()
    assert (made.spec.styles, made.spec.beta) == (("starry_swirls",), 40)
    np.testing.assert_array_equal(made.picture, between)
    made.tick(0)  # it paints on
    assert made.undo()
    assert (made.spec.beta, made.steps) == (BETA, 2)
    np.testing.assert_array_equal(made.picture, before)
    assert not made.undo()


def test_snapshots_are_those_that_the_user_takes(made):
    made.tick(0)
    made.set(beta=30.0, layer_weights=FIRST_ALONE)
    made.change(styles="cafe_terrace", keep_colors="histogram")
    made.tick(0)
    made.reset()
    assert made.snapshots == []
    made.keep()
    made.restore(made.snapshots[0])
    assert len(made.snapshots) == 1


@pytest.mark.parametrize("keep_colors", [None, "luminance", "histogram"])
def test_a_snapshot_comes_back_exactly_and_is_painted_on_alike(made, keep_colors):
    made.change(keep_colors=keep_colors, styles="stained_glass")
    made.set(beta=1e4)
    for _ in range(12):
        made.tick(0)
    made.keep()
    snapshot, costs = made.snapshots[0], made.transfer.costs()
    if keep_colors == "luminance":  # so that the picture does not say what its luminance was
        assert np.mean((made.picture <= 0) | (made.picture >= 255)) > 0
    made.change(keep_colors=None if keep_colors else "luminance", size=48, content="dandelions")
    made.tick(0)
    made.restore(snapshot)
    np.testing.assert_array_equal(made.picture, snapshot.picture)
    assert made.spec == snapshot.spec
    assert (made.steps, len(made.curve)) == (12, 12)
    assert made.transfer.costs()["total"] == pytest.approx(costs["total"], rel=1e-5)
    made.tick(0)
    assert made.steps == 13


def test_another_painting_goes_on_from_the_picture_another_photograph_begins_anew(made):
    made.tick(0)
    before = made.picture
    made.change(styles="cafe_terrace")
    np.testing.assert_allclose(made.picture, before, atol=1e-3)
    assert made.steps == 1
    made.change(size=48)
    assert made.picture.shape[1] == 48
    made.change(content="launch_pad")
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
    before = made.spec, made.steps, list(made.curve), made.picture

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
        assert (made.spec, made.steps, made.curve) == before[:3]
        np.testing.assert_array_equal(made.picture, before[3])


def test_what_was_painted_before_a_failure_is_kept(made, monkeypatch):
    take, start = Transfer._take, made.picture

    def fail_at_the_end(run, rates):
        take(run, rates)
        raise DivergedError("The content cost is no longer finite.")

    monkeypatch.setattr(Transfer, "_take", fail_at_the_end)
    with pytest.raises(DivergedError):
        made.tick(0)
    assert made.steps == len(made.curve) == 1
    assert np.abs(made.picture - start).max() > 0


def test_one_thread_at_a_time_also_for_each_bite_of_a_generator(made):
    """A callback may come in another thread (ipykernel 7): it waits."""
    grid = made.grid([1.0], [10.0], size=48, steps=2)
    acts = (made.tick, lambda: made.change(init="blank"), lambda: next(grid), lambda: list(grid))
    for act in acts:
        other = threading.Thread(target=act)
        with made.lock:
            other.start()
            other.join(0.2)
            assert other.is_alive()
        other.join(60)
        assert not other.is_alive()
    assert len(made.cells) == 1


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
        ({"size": None}, SettingError),
        ({"size": 64.5}, SettingError),
        ({"styles": ()}, SettingError),
        ({"start": "noise"}, SettingError),
        ({"styles": ("starry_swirls", "no_such.png")}, PictureError),
        ({"style_scale": -9}, SettingError),
        ({"style_weights": (0, 0, 5)}, SettingError),
        ({"style_cost": "grams"}, SettingError),
        ({"mask": "no_such.png"}, PictureError),
    ],
)
def test_a_change_that_fails_changes_nothing(made, fields, error):
    made.tick(0)
    before, spec = made.picture, made.spec
    with pytest.raises(error):
        made.change(**fields)
    assert made.spec == spec
    np.testing.assert_array_equal(made.picture, before)
    assert made.tick(0) == 1


def test_a_network_that_cannot_be_had_is_refused_once(made, monkeypatch):
    def refuse(*_, **__):
        raise NetworkError("VGG-19's weights could not be downloaded.")

    monkeypatch.setattr("helpers.vgg.load", refuse)
    for act in (lambda: made.change(network="vgg19"), lambda: next(made.render(96, "vgg19"))):
        with pytest.raises(NetworkError):
            act()
    made.set(beta=20.0)
    made.estimate(768)
    made.tick(0)
    assert made.spec.network == "mini"


def test_two_paintings_and_a_part_of_the_photograph(made):
    made.change(styles=("starry_swirls", "stained_glass"), style_weights=(0.25, 0.75))
    made.change(style_scale=(0.5, 1.5))
    assert [max(style.shape) for style in made.styles] == [32, 96]
    made.change(styles="cafe_terrace")
    assert (made.spec.style_weights, made.spec.style_scale) == (None, None)
    made.change(mask="light")
    for _ in range(3):
        made.tick(0)
    kept = ~masks.lighter(made.content)
    change = np.abs(made.picture - made.content).mean(axis=-1)
    assert change[kept].max() < 1e-3 < 3 < change[~kept].mean()
    made.change(styles=("cafe_terrace", "stained_glass"))
    assert made.spec.style_mask == ("white", "black")
    made.change(mask=None)
    assert made.spec.style_mask is None


@pytest.mark.parametrize("name", list(STYLE_COSTS))
def test_every_style_cost_is_painted_with(made, name):
    made.change(style_cost=name)
    start = made.transfer.costs()["total"]
    for _ in range(4):
        made.tick(0)
    assert made.transfer.costs()["total"] < start
    assert (eye.grams(made.transfer, "block1_conv1") is None) == (name != "gram")


def test_what_the_cost_sees(made):
    content, style = eye.pulls(made.transfer)
    gray = made.picture.mean(-1, keepdims=True) * 0.5
    np.testing.assert_allclose(content, np.broadcast_to(gray, content.shape), atol=1e-3)
    assert np.abs(style - gray).mean() > 5  # the photograph itself: only the style pulls
    S, G = eye.grams(made.transfer, "block1_conv1")
    assert S.shape == G.shape == (eye.SHOWN, eye.SHOWN, 3)
    made.change(content="starry_swirls")
    S, G = eye.grams(made.transfer, "block1_conv1")
    np.testing.assert_allclose(S, G, atol=3)  # the painting in its own style


def test_uploads_of_one_name_stay_apart_and_take_no_other_picture_s_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = (images.encode(images.load(name, 64)) for name in ("dandelions", "launch_pad"))
    images.save("photo.png", images.load("cat", 64))
    made = Session(content="photo.png", size=48)
    upload = made.sources.upload
    assert (upload("image.jpg", one), upload("image.jpg", other)) == ("image.jpg", "image (2).jpg")
    assert upload("image.jpg", one) == "image.jpg"  # the very same once more
    assert (upload("photo.png", other), upload("cat", other)) == ("photo (2).png", "cat (2)")
    made.change(content="image.jpg", styles="image (2).jpg")
    np.testing.assert_array_equal(made.content, images.load(one, 48))
    np.testing.assert_array_equal(made.styles[0], images.load(other, 48))
    with pytest.raises(PictureError, match="uploaded"):
        upload("text.png", b"no picture")


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
    made.change(content="cat")  # it may be gone back to
    with pytest.raises(OutputError, match="picture to paint from"):
        made.save(tmp_path / "photo.png" if spelled == "absolute" else spelled)
    assert (tmp_path / "photo.png").read_bytes() == before
    made.save("other.png")


def test_the_grid_equals_single_runs(monkeypatch):
    monkeypatch.setattr(vgg, "_multiplies_bfloat16", lambda: False)  # its roundings would be seen
    session.Sources.transfer.__globals__["load_network"].cache_clear()
    made = Session(size=64)
    alphas, betas = (0.5, 2.0), (0.5, 15.0)
    progress = list(made.grid(alphas, betas, size=48, steps=4))
    assert progress[0] == 0 and progress[-1] == 1 and progress == sorted(progress)
    assert [[cell.spec.alpha for cell in row] for row in made.cells] == [[0.5, 2.0]] * 2
    content, style = images.load("cat", 48), images.load("starry_swirls", 48)
    for row, beta in zip(made.cells, betas, strict=True):
        for cell, alpha in zip(row, alphas, strict=True):
            single = Transfer(content, style, made.transfer.network, alpha=alpha, beta=beta)
            single.run(4)  # roundings grow with every further step
            assert np.abs(cell.picture - single.picture).mean() < 0.3  # of 255
    session.Sources.transfer.__globals__["load_network"].cache_clear()


def test_a_cell_of_the_grid_is_painted_on(made):
    list(made.grid([1.0, 2.0], [10.0], size=48, steps=3))
    made.restore(made.cells[0][1])
    assert (made.spec.alpha, made.spec.beta, made.steps) == (2, 10, 3)
    for _ in range(3):
        made.tick(0)
    assert [row[0] for row in made.curve] == [4, 5, 6]


@pytest.mark.parametrize(
    ("alphas", "betas", "others"),
    [
        ([], [1], {}),
        (["x"], [1], {}),
        ([0], [1, 0], {}),
        ([1], [1], {"size": 0}),
        ([1], [1], {"steps": 0}),
    ],
)
def test_a_grid_of_nothing_is_refused_at_the_first_bite(made, alphas, betas, others):
    with pytest.raises(SettingError):
        next(made.grid(alphas, betas, **others))
    with pytest.raises(SettingError):
        next(made.render(size=1))


def test_a_large_copy_goes_on_from_the_picture_with_the_beta_that_keeps_its_strokes(made, tmp_path):
    for _ in range(20):
        made.tick(0)
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
    copy = made.render(size=192, steps=1000, beta=9.0)
    for _ in range(3):
        next(copy)
    made.change(styles="cubist_facets", tv=0.5)
    copy.close()
    picture, spec = made.rendered
    assert picture.shape[1] == 192  # though it was painted at half the size as yet
    assert 0 < spec.steps < 1000
    assert (spec.styles, spec.tv, spec.beta) == (("starry_swirls",), START.tv, 9.0)


def test_an_estimate_decodes_nothing_and_grows_with_the_work(monkeypatch):
    made = Session(size=64, clock=Clock(monkeypatch, 0.01))
    assert made.estimate(768)[2] is None
    for _ in range(3):
        made.tick(0)
    monkeypatch.setattr(images, "load", lambda *_: pytest.fail("a picture was decoded"))
    (rows, columns, small), (*_, large) = made.estimate(64, steps=10), made.estimate(256, steps=10)
    assert (rows, columns) == made.picture.shape[:2]
    assert small == pytest.approx(10 * 0.01 * session.LBFGS, rel=0.01)
    assert large > 5 * small


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
    read = []
    monkeypatch.setattr(images, "load", lambda source, size: read.append(source))
    monkeypatch.setattr(masks, "load", lambda source, size: read.append(source))
    strange = metadata | {
        "content": "http://127.0.0.1:9/a.png",
        "beta": 7.0,
        "styles": ["starry_swirls", str(tmp_path / "photo.png")],
        "mask": str(tmp_path / "photo.png"),
        "style_mask": ["white", "black"],
        "weights": "/etc/passwd",
    }
    spec, missing = made.sources.saved(made.spec, strange)
    path = str(tmp_path / "photo.png")
    assert missing == ["http://127.0.0.1:9/a.png", path, path]
    assert (spec.content, spec.styles, spec.mask, spec.weights) == (
        "cat",
        ("starry_swirls",),
        None,
        None,
    )
    assert spec.beta == 7
    assert not {"http://127.0.0.1:9/a.png", path} & set(read)


@pytest.mark.parametrize(
    "junk",
    [
        {"alpha": "much"},
        {"network": 3},
        {"init": []},
        {"beta": [1, 2]},
        {"beta": -1.0},
        {"layer_weights": "all"},
        {"styles": [3]},
        {"costs": "gatys", "beta": 1e4},
    ],
)
def test_metadata_of_a_strange_file_are_a_clear_error_and_change_nothing(made, junk):
    before = made.spec
    with pytest.raises((SettingError, NetworkError)):
        made.apply(before.metadata() | {"content": "dandelions", "init": "noise"} | junk)
    assert made.spec == before


def test_layers_that_a_network_lacks_are_named(made):
    metadata = made.spec.metadata() | {"style_layers": ["block9_conv1"], "layer_weights": [1.0]}
    assert made.apply(metadata | {"beta": 5.0}) == ["block9_conv1"]
    assert made.spec.style_layers == vgg.STYLE_LAYERS
    assert made.spec.beta == 5


def test_what_it_remembers_of_the_steps_does_not_grow_for_ever(made, monkeypatch):
    monkeypatch.setattr(session, "CURVE_POINTS", 10)
    for _ in range(25):
        made.tick(0)
    assert len(made.curve) <= 10 and len(made.transfer.rows) == 1
    assert [row[0] for row in made.curve] == sorted({row[0] for row in made.curve})
    newest = made.transfer.latest
    costs = (newest[name] for name in ("content", "style", "tv", "total"))
    assert made.curve[-1] == (25, *costs, BETA, 0)
    assert made._undo.maxlen == session.UNDONE


def test_numbers_are_written_for_readers():
    assert [number(x) for x in (0.01234, 1.0, 2754.2, 1e4, np.inf)] == [
        "0.0123",
        "1",
        "2750",
        "10000",
        "∞",
    ]
