"""The optimization: it lowers the cost, obeys its settings live, and never loses G."""

import os
import signal

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_picture

from helpers import checkpoint, colors, images, levels, memory, transfer, vgg
from helpers.costs import STYLE_COSTS
from helpers.errors import DivergedError, NetworkError, PictureError, SettingError
from helpers.settings import OPTIONS
from helpers.transfer import Transfer

OPTIMIZERS = pytest.mark.parametrize("optimizer", transfer.OPTIMIZERS)


@pytest.fixture
def make(shallow, picture, style_picture):
    """Runs with two layers; the tests that the depth matters to say `mini`."""
    return lambda **how: Transfer(picture, style_picture, shallow, **{"levels": 1} | how)


def test_one_adam_step_is_adams_first_step(make):
    """Adam's first move is learning_rate · sign(gradient), whatever the gradient's length."""
    run = make(init="blank", optimizer="adam", learning_rate=4.0)
    before = run.picture
    _, gradient = run.objective.with_gradient(before[np.newaxis])
    run.step()
    moved = run.picture - before
    clear = np.abs(gradient[0]) > 1e-7
    np.testing.assert_allclose(moved[clear], -4 * np.sign(gradient[0])[clear], atol=0.1)


@OPTIMIZERS
@pytest.mark.parametrize("init", OPTIONS["init"].choices)
def test_every_start_and_optimizer_lowers_the_cost(make, optimizer, init):
    run = make(optimizer=optimizer, init=init)
    before = run.costs()["total"]
    run.run(20)
    assert run.costs()["total"] < 0.7 * before
    assert run.picture.min() >= 0
    assert run.picture.max() <= 255
    assert run.step_count == len(run.history["total"]) == 20


def test_it_lowers_the_cost_on_bundled_pictures(mini):
    style = images.load("starry_swirls", 96)
    for content in list(images.gallery("content"))[:2]:
        run = Transfer(images.load(content, 96), style, mini, beta=30.0)
        before = run.costs()["total"]
        run.run(15)
        assert run.costs()["total"] < 0.6 * before


def test_with_real_vgg19(vgg19_weights, picture, style_picture):
    run = Transfer(picture, style_picture, vgg.load("vgg19", weights=vgg19_weights))
    assert list(run.layer_weights) == [f"block{i}_conv1" for i in range(1, 6)]
    assert run.objective.content_layer == "block4_conv2"
    before = run.costs()["total"]
    run.run(15)
    assert run.costs()["total"] < 0.6 * before


def test_with_vgg16_and_random_weights(tmp_path, picture, style_picture):
    """Layers as thin as these need no memory; VGG-16's own weights were not at hand."""
    from test_weights import made_up

    path = tmp_path / "vgg16.npz"
    np.savez(path, **made_up("vgg16", channels=lambda n_C: n_C // 16))
    run = Transfer(picture, style_picture, vgg.load("vgg16", weights=path), beta=100.0)
    assert run.settings["network"] == "vgg16"
    before = run.costs()["total"]
    run.run(15)
    assert run.costs()["total"] < 0.8 * before


def test_starts_are_what_they_say(make, picture):
    np.testing.assert_allclose(make().picture, picture, atol=1e-3)
    assert np.ptp(make(init="blank").picture) == 0
    noise = make(init="noise", seed=1).picture
    assert 65 < noise.std() < 82  # a uniform spread over 0–255 has 73.6
    np.testing.assert_array_equal(noise, make(init="noise", seed=1).picture)
    assert not np.array_equal(noise, make(init="noise", seed=2).picture)


def test_weights_change_between_steps_without_tracing_again(make, monkeypatch):
    run = make(beta=0.0)
    run.step(2)
    content_only = run.costs()["total"]
    run.beta, run.alpha, run.tv = 50.0, 2.0, 0.0
    run.layer_weights = {"block1_conv1": 0, "block2_conv1": 1}
    now = run.costs()
    expected = 2 * now["content"] + 50 * now["block2_conv1"]
    np.testing.assert_allclose(now["total"], expected, rtol=1e-4)
    assert now["total"] != content_only
    with monkeypatch.context() as patch:
        patch.setattr(run.objective, "network", None)  # a trace would call it
        run.step(3)
    np.testing.assert_allclose(run.history["total"][2], expected, rtol=1e-4)


def test_adam_forgets_when_a_weight_becomes_another_one(make):
    run = make(optimizer="adam", beta=100.0)
    run.step(3)
    run.beta, run.tv = 150.0, 0.0015
    assert run.optimizer.adam.iterations == 3
    run.beta = 1.0
    assert run.optimizer.adam.iterations == 0


def test_alpha_alone_keeps_the_content_and_beta_alone_forgets_it(make):
    kept, forgotten = make(beta=0.0, tv=0.0), make(alpha=0.0)
    kept.run(15)
    forgotten.run(15)
    assert kept.costs()["content"] < 1e-3 < forgotten.costs()["content"]
    assert forgotten.costs()["style"] < kept.costs()["style"] / 5


def test_a_batch_is_the_single_runs_side_by_side(make):
    alphas, betas = [1.0, 1.0, 4.0], [3.0, 300.0, 30.0]
    grid = make(alpha=alphas, beta=betas, levels=2)
    grid.run(8)
    assert grid.history["total"].shape == (8, 3)
    for i, (alpha, beta) in enumerate(zip(alphas, betas, strict=True)):
        single = make(alpha=alpha, beta=beta, levels=2)
        single.run(8)
        # Sums in another order differ in the last bits, which Adam's first steps amplify.
        assert np.abs(grid.pictures[i] - single.picture).mean() < 1.0
        np.testing.assert_allclose(
            grid.history["total"][-1, i], single.history["total"][-1], rtol=2e-2
        )


def test_steps_of_any_length_make_the_same_picture(make):
    one, several = make(), make()
    one.step(6)
    for n in (1, 3, 2):
        several.step(n)
    np.testing.assert_array_equal(one.picture, several.picture)


def test_levels_go_from_coarse_to_fine(make, picture):
    run, shapes = make(levels=3), []
    run.run(7, lambda run: shapes.append(run.picture.shape[:2]))
    height, width = picture.shape[:2]
    expected = [(height // 4, width // 4), (height // 2, width // 2), (height, width)]
    assert list(dict.fromkeys(shapes)) == expected
    assert run.history["level"].tolist() == sorted(run.history["level"])
    assert set(run.history["level"]) == {0, 1, 2}


def level_count(content, style, stride, **most):
    pictures = [np.zeros((*shape, 3)) for shape in (content, style)]
    return levels.levels_for(pictures, stride, **most)


def test_small_pictures_have_fewer_levels():
    sizes = {24: 1, 127: 1, 128: 2, 192: 2, 256: 2, 2048: 2}
    assert {n: level_count((n, n), (2048, 2048), 4) for n in sizes} == sizes
    sizes |= {256: 3, 2048: 3}
    assert {n: level_count((n, n), (2048, 2048), 4, most=3) for n in sizes} == sizes


def test_levels_follow_short_sides_style_pictures_and_the_networks_stride():
    """A Gram matrix of four positions a side is the least at the smallest level."""
    large = (384, 512)
    assert level_count(large, large, 16) == 2
    assert level_count((6, 384), large, 1) == 1
    assert level_count((100, 384), large, 16) == 1
    assert level_count((100, 384), large, 8) == 2
    assert level_count(large, (6, 6), 1) == 1
    assert level_count(large, (127, 384), 16) == 1
    assert level_count(large, (128, 384), 16) == 2
    assert level_count((1, 1), (1, 1), 16) == 1


def test_levels_are_chosen_when_none_are_asked_for(make, style_picture, shallow):
    assert make(levels=None).levels == 1
    assert Transfer(images.load("cat", 130), style_picture, shallow).levels == 2
    assert Transfer(make_picture(0, 6, 384), style_picture, shallow).levels == 1


def test_small_pictures_work_with_five_blocks(mini, style_picture):
    for side in (48, 96):
        run = Transfer(make_picture(0, side, side), style_picture, mini)
        assert run.levels == 1
        before = run.costs()["total"]
        run.step(5)
        assert run.costs()["total"] < before


def test_thin_pictures_are_refused_in_a_sentence(mini, style_picture):
    thin, tile = make_picture(0, 6, 384), make_picture(0, 6, 6)
    with pytest.raises(PictureError, match="384 × 6 pixels is pooled away before block5_conv1"):
        Transfer(thin, style_picture, mini)
    with pytest.raises(PictureError, match="6 × 6 pixels is pooled away before block5_conv1"):
        Transfer(style_picture, tile, mini)


def test_most_steps_are_taken_at_full_size(make):
    run = make(levels=3)
    run.run(24)
    assert np.bincount(run.history["level"]).tolist() == [4, 8, 12]
    hurried = make(levels=3)
    hurried.run(1)
    assert hurried.picture.shape == hurried.content.shape  # full size, however few


def test_a_step_is_traced_once_for_all_levels(make):
    run = make(levels=3)
    steps, optimizer = run._steps, run.optimizer
    run.run(6)
    assert run.level == 2
    assert run._steps is steps
    assert run.optimizer is optimizer


@pytest.mark.parametrize("settings", [{}, {"keep_colors": "luminance"}])
def test_a_larger_level_brings_back_the_detail_of_the_photograph(make, settings):
    run = make(levels=2, **settings)
    run.enter(1)  # with no step taken, nothing of it may be lost
    np.testing.assert_allclose(run.G[0], run.canvas.first_picture(1), atol=2)
    blank = make(levels=2, init="blank")
    blank.enter(1)
    assert np.ptp(blank.picture) < 1


def test_it_needs_more_memory_for_more_pictures_and_moves(make, shallow, picture, style_picture):
    needed = memory.of_transfer(make())
    assert memory.of_transfer(make(beta=[1.0, 2.0, 3.0])) == 3 * needed
    assert memory.of_transfer(make(optimizer="adam")) < needed
    half = vgg.load("mini", list(shallow.layers), precision="bfloat16")
    assert memory.of_transfer(Transfer(picture, style_picture, half)) < needed
    # The activations of the layers read are held at once, whatever else there is.
    held = sum(tf.size(a).numpy() for a in shallow(picture).values())
    assert 4 * held < needed < 40 * held


def test_memory_needed_is_known_before_anything_is_allocated(mini, picture):
    """Of pictures that no machine could hold; a style picture counts when it is the largest."""
    assert memory.of_step(mini, (10**6, 10**6)) > 10**15
    small = memory.of_step(mini, picture.shape)
    assert memory.of_step(mini, picture.shape, styles=[picture.shape]) == small
    assert memory.of_step(mini, picture.shape, styles=[(10**6, 10**6, 3)]) > 10**14
    of_costs = [memory.of_step(mini, picture.shape, style_cost=name) for name in STYLE_COSTS]
    assert of_costs == sorted(of_costs) and of_costs[0] == small < of_costs[-1]


def test_several_styles_are_averaged(shallow, picture, style_picture):
    other = style_picture[::-1, :, ::-1] * 0.5
    both = Transfer(picture, [style_picture, other], shallow, style_weights=[3, 1]).costs()
    one, two = (Transfer(picture, s, shallow).costs() for s in (style_picture, other))
    expected = 0.75 * one["style"] + 0.25 * two["style"]
    np.testing.assert_allclose(both["style"], expected, rtol=1e-3)


def test_luminance_keeps_the_colors_of_the_content(make, picture):
    run = make(keep_colors="luminance")
    run.run(10)
    G = run.picture
    inside = ((G > 1) & (G < 254)).all(axis=-1)  # clipping at the edges of 0–255 shifts a color
    for a, b in ((0, 1), (1, 2)):
        wanted = (picture[..., a] - picture[..., b])[inside]
        np.testing.assert_allclose((G[..., a] - G[..., b])[inside], wanted, atol=0.01)
    assert np.abs(colors.luminance(G) - colors.luminance(picture)).mean() > 2


def test_histogram_gives_the_style_the_colors_of_the_content(make, shallow, picture, style_picture):
    run = make(keep_colors="histogram")
    recolored = Transfer(picture, colors.match_colors(style_picture, picture), shallow)
    np.testing.assert_allclose(run.costs()["style"], recolored.costs()["style"], rtol=1e-4)


@OPTIMIZERS
@pytest.mark.parametrize("levels", [1, 2])
def test_a_finished_run_may_be_extended(make, optimizer, levels):
    run = make(optimizer=optimizer, levels=levels)
    run.run(6)
    first = run.costs()["total"]
    run.run(20)
    assert run.step_count == len(run.history["total"]) == 20
    assert (np.diff(run.history["level"]) >= 0).all()
    assert run.costs()["total"] < first
    run.run(5)  # done already
    assert run.step_count == 20


@OPTIMIZERS
def test_a_learning_rate_of_zero_moves_nothing(make, optimizer):
    run = make(optimizer=optimizer)
    if optimizer == "adam":  # L-BFGS has none
        run.step(3)
        before = run.picture
        run.step(2, learning_rate=0)
        np.testing.assert_array_equal(run.picture, before)
    for wrong in (-1.0, np.nan, np.inf, "fast"):
        with pytest.raises(SettingError, match="learning rate"):
            run.step(learning_rate=wrong)
    assert np.isfinite(run.picture).all()


@OPTIMIZERS
def test_an_interrupt_keeps_the_picture_and_the_run_goes_on(make, tmp_path, monkeypatch, optimizer):
    run, before = make(optimizer=optimizer), signal.getsignal(signal.SIGINT)
    steps = run._steps

    def press_ctrl_c(rates):
        found = steps(rates)
        if run.step_count < 7 <= run.step_count + len(rates):
            os.kill(os.getpid(), signal.SIGINT)
        return found

    monkeypatch.setattr(run, "_steps", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        run.run(100_000, checkpoint=tmp_path / "checkpoint.npz")
    assert signal.getsignal(signal.SIGINT) == before
    assert 7 <= run.step_count < 100_000
    assert len(run.history["total"]) == run.step_count
    assert run.costs()["total"] < run.history["total"][0]
    again = make(optimizer=optimizer)
    checkpoint.restore(tmp_path / "checkpoint.npz", again)
    np.testing.assert_array_equal(again.picture, run.picture)
    run.step(2)
    assert run.step_count >= 9


def test_an_interrupt_during_the_callback_leaves_a_checkpoint(make, tmp_path):
    run = make()

    def press_ctrl_c(run):
        if run.step_count > 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run.run(100_000, press_ctrl_c, tmp_path / "checkpoint.npz")
    again = make()
    checkpoint.restore(tmp_path / "checkpoint.npz", again)
    assert again.step_count == run.step_count


def test_another_picture_can_be_put_in_place(make, picture):
    run = make()
    run.step(3)
    run.picture = picture
    np.testing.assert_array_equal(run.picture, picture)
    with pytest.raises(SettingError, match="shape"):
        run.picture = picture[1:]
    with pytest.raises(SettingError, match="not finite"):
        run.picture = picture * np.nan
    np.testing.assert_array_equal(run.picture, picture)


@OPTIMIZERS
def test_a_cost_that_is_not_finite_leaves_the_last_good_picture(make, optimizer):
    run = make(optimizer=optimizer)
    run.step(20)
    good = run.picture
    run.beta = 3e38
    run.layer_weights = dict.fromkeys(run.layer_weights, 1.0)
    run.alpha = 3e38
    with pytest.raises(DivergedError, match=r"after step 20: lower alpha .*beta"):
        run.step(5)
    np.testing.assert_array_equal(run.picture, good)
    assert run.step_count == 20
    run.alpha, run.beta = 1.0, 100.0
    run.step(2)
    assert run.step_count == 22
    assert np.isfinite(run.picture).all()


def test_a_nan_within_a_network_points_at_the_precision(shallow, picture, style_picture):
    class Broken(vgg.Network):
        def __call__(self, pictures):
            found = super().__call__(pictures)
            bright = tf.reduce_mean(tf.convert_to_tensor(pictures, tf.float32)) > 1e9
            return {k: tf.where(bright | self.on, np.nan, a) for k, a in found.items()}

    half = Broken("mini", shallow.model, shallow.layers, "max", "float16", "")
    half.on = tf.Variable(False)
    run = Transfer(picture, style_picture, half)
    run.step(2)
    good = run.picture
    half.on.assign(True)
    with pytest.raises(DivergedError, match="precision float32"):
        run.step(9)  # L-BFGS tries shorter moves first
    np.testing.assert_array_equal(run.picture, good)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"beta": float("inf")}, "beta is inf"),
        ({"alpha": 0.0, "beta": 0.0}, "Alpha and beta are both 0"),
        ({"alpha": "much"}, "alpha is 'much': give a"),
        ({"alpha": [1.0, 0.0], "beta": [1.0, 0.0]}, "both 0"),
        ({"alpha": [1.0, 2.0], "beta": [1.0, 2.0, 3.0]}, "2 values of alpha and 3 of beta"),
        ({"beta": []}, "beta is"),
        ({"beta": [[1.0, 2.0], [3.0, 4.0]]}, "beta is"),
        ({"beta": np.ones((2, 2))}, "beta is"),
        ({"beta": [[1.0], [2.0, 3.0]]}, "beta is"),
        ({"beta": None}, "beta is None"),
        ({"tv": -1e-3}, "total variation"),
        ({"tv": [1.0, 2.0]}, "total variation"),
        ({"costs": "ours"}, "'ours': choose"),
        ({"optimizer": "sgd"}, "no optimizer 'sgd'"),
        ({"init": "photo"}, "no start 'photo'"),
        ({"keep_colors": "all"}, "no way to keep colors 'all'"),
        ({"learning_rate": 0}, "learning rate"),
        ({"learning_rate": 1e300}, "learning rate"),
        ({"levels": 0}, "levels is 0"),
        ({"levels": "2"}, "levels is '2'"),
        ({"levels": 1.5}, "levels is 1.5"),
        ({"levels": 100_000_000_000}, "levels is 100000000000"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "1"}, "seed is '1'"),
        ({"layer_weights": {}}, "no style layer"),
        ({"layer_weights": [1.0]}, "layer_weights as"),
        ({"layer_weights": {"block1_conv1": 0.0}}, "weight of every style layer is 0"),
        ({"layer_weights": {"block1_conv1": -1.0}}, "weight of a style layer is -1"),
        ({"style_weights": [1.0, 2.0, 3.0]}, "3 style weights for 1 style pictures"),
        ({"style_weights": 1.0}, "weight of a style picture is 1.0"),
        ({"style_weights": [0.0]}, "weight of every style picture is 0"),
    ],
)
def test_settings_that_make_no_sense_are_clear_errors(make, settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        make(**settings)


def test_settings_are_plain_numbers_and_texts(make):
    """So that a file may hold them, whatever they were given as."""
    run = make(seed=np.int64(3), beta=np.float32(2), levels=np.int8(2), learning_rate=np.int16(9))
    assert run.settings["seed"] == 3
    assert {type(value) for value in run.settings.values()} <= {
        int, float, str, list, dict, type(None),
    }  # fmt: skip


def test_live_settings_are_checked_and_stay_as_they_were(make):
    run = make()
    for name, value in (
        ("alpha", -1), ("beta", float("nan")), ("tv", -1), ("alpha", [1.0, 2.0]), ("beta", "5"),
    ):  # fmt: skip
        with pytest.raises(SettingError):
            setattr(run, name, value)
    run.beta = 0.0
    with pytest.raises(SettingError, match="both 0"):
        run.alpha = 0.0
    for layers in ({"block1_conv1": 1.0}, None, [1.0, 1.0]):
        with pytest.raises(SettingError, match="one weight for each"):
            run.layer_weights = layers
    assert (run.alpha, run.beta) == (1.0, 0.0)
    np.testing.assert_allclose(run.tv, 1e-3)


def test_set_is_all_or_nothing(make):
    run = make(optimizer="adam")
    run.step(2)
    before = run.objective.weights
    for wrong in ({"beta": 500.0, "alpha": -1.0}, {"beta": 500.0, "gamma": 1.0}):
        with pytest.raises(SettingError):
            run.set(**wrong)
    assert run.objective.weights == before
    assert run.optimizer.adam.iterations == 2  # nothing is forgotten either
    run.set(alpha=2.0, beta=500.0, tv=0.0, layer_weights={"block1_conv1": 1, "block2_conv1": 3})
    assert (run.alpha, run.beta, run.tv) == (2.0, 500.0, 0.0)
    assert run.layer_weights == {"block1_conv1": 0.25, "block2_conv1": 0.75}


def test_unusable_pictures_and_layers_are_clear_errors(shallow, make, picture, style_picture):
    with pytest.raises(NetworkError, match="without layer block4_conv2"):
        make(content_layer="block4_conv2")
    with pytest.raises(NetworkError, match="without layer block4_conv1"):
        make(layer_weights={"block4_conv1": 1.0})
    with pytest.raises(PictureError, match="fewer levels"):
        make(levels=6)
    with pytest.raises(PictureError, match="pooled away"):
        Transfer(picture[:1], style_picture, shallow)
    with pytest.raises(SettingError, match="must be"):
        Transfer(picture[..., 0], style_picture, shallow)
    with pytest.raises(SettingError, match="must be"):
        Transfer(picture[:0], style_picture, shallow)
    with pytest.raises(SettingError, match="no style picture"):
        Transfer(picture, [], shallow)
    with pytest.raises(SettingError, match="not finite"):
        Transfer(picture * np.nan, style_picture, shallow)
    with pytest.raises(SettingError, match=r"open it with images\.load"):
        Transfer("cat.jpg", style_picture, shallow)


def test_a_changed_weight_makes_adam_fresh_and_the_same_weight_does_not(make):
    run = make(beta=1000.0, optimizer="adam")
    run.step(20)
    before = run.picture
    run.beta = 1000.0
    assert int(run.optimizer.adam.iterations) == 20
    run.beta = 1.0
    assert int(run.optimizer.adam.iterations) == 0
    run.step()
    moved = np.abs(run.picture - before)
    assert np.median(moved) > 0.9 * run.learning_rate  # Adam's first step


def test_chunks_are_the_run_in_pieces(make):
    whole, pieces = make(levels=2), make(levels=2)
    whole.run(7)
    seen = [pieces.step_count for _ in pieces.chunks(7, seconds=0.0)]
    assert seen == list(range(1, 8))
    np.testing.assert_allclose(pieces.picture, whole.picture, atol=1e-3)
    assert pieces.latest["total"] == whole.history["total"][-1]
