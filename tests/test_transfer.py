"""The optimization: it lowers the cost, obeys its settings live, resumes, and never loses G."""

import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from helpers import costs, images, transfer, vgg
from helpers.errors import CheckpointError, DivergedError, NetworkError, PictureError, SettingError
from helpers.transfer import Transfer


@pytest.fixture
def make(mini, picture, style_picture):
    return lambda **settings: Transfer(picture, style_picture, mini, **settings)


def cost_by_hand(run, G, content, style, network):
    """J(G) put together from `costs` alone, as the notebooks do."""
    a_C, a_S, a_G = network(content), network(style), network(G)
    layer = run.content_layer
    J_content = costs.content_cost(a_C[layer], a_G[layer], run.convention)
    J_style = costs.style_cost(a_S, a_G, run.layer_weights, run.convention)
    J = costs.total_cost(J_content, J_style, run.alpha, run.beta)
    return {"content": J_content, "style": J_style, "total": J + run.tv * costs.total_variation(G)}


@pytest.mark.parametrize("convention", costs.CONVENTIONS)
def test_its_cost_is_the_cost_of_the_notebooks(make, mini, picture, style_picture, convention):
    weights = {"block1_conv1": 1.0, "block3_conv1": 3.0}
    run = make(convention=convention, init="noise", alpha=2.0, beta=5.0, layer_weights=weights)
    by_hand = cost_by_hand(run, run.picture, picture, style_picture, mini)
    found = run.costs()
    for name, expected in by_hand.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-3)
    assert run.layer_weights == {"block1_conv1": 0.25, "block3_conv1": 0.75}


def test_one_adam_step_is_adams_first_step(make):
    """Adam's first move is learning_rate · sign(gradient), whatever the gradient's length."""
    run = make(init="blank", optimizer="adam", learning_rate=4.0)
    before = run.picture
    _, gradient = run._with_gradient(tf.constant(before[None]))
    run.step()
    moved = run.picture - before
    clear = np.abs(gradient[0]) > 1e-7
    np.testing.assert_allclose(moved[clear], -4 * np.sign(gradient[0])[clear], atol=0.1)


@pytest.mark.parametrize("optimizer", transfer.OPTIMIZERS)
@pytest.mark.parametrize("init", transfer.INITS)
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
    for content in images.gallery("content"):
        run = Transfer(images.load(content, 96), style, mini, levels=2, beta=100.0)
        before = run.costs()["total"]
        run.run(30)
        assert run.costs()["total"] < 0.5 * before


def test_with_real_vgg19(vgg19_weights, picture, style_picture):
    network = vgg.load("vgg19", weights=vgg19_weights)
    run = Transfer(picture, style_picture, network)
    before = run.costs()["total"]
    run.run(15)
    assert run.costs()["total"] < 0.6 * before


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
    run.layer_weights = {"block1_conv1": 0, "block2_conv1": 1, "block3_conv1": 0}
    now = run.costs()
    expected = 2 * now["content"] + 50 * now["block2_conv1"]
    np.testing.assert_allclose(now["total"], expected, rtol=1e-4)
    assert now["total"] != content_only
    monkeypatch.setattr(run, "_measure", None)  # a trace would call it
    run.step(3)
    np.testing.assert_allclose(run.history["total"][2], expected, rtol=1e-4)


def test_adam_forgets_when_a_weight_becomes_another_one(make):
    run = make(optimizer="adam", beta=100.0)
    run.step(3)
    run.beta, run.tv = 150.0, 0.0015
    assert run._optimizer.adam.iterations == 3
    run.beta = 1.0
    assert run._optimizer.adam.iterations == 0


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


def test_small_pictures_have_fewer_levels(mini, style_picture):
    sizes = {24: 1, 127: 1, 128: 2, 192: 2, 256: 2, 2048: 2}
    assert {size: transfer.levels_for(size) for size in sizes} == sizes
    sizes |= {256: 3, 2048: 3}
    assert {size: transfer.levels_for(size, most=3) for size in sizes} == sizes
    assert Transfer(images.load("cat", 130), style_picture, mini, levels=None).levels == 2


def test_most_steps_are_taken_at_full_size(make):
    run = make(levels=3)
    run.run(24)
    assert np.bincount(run.history["level"]).tolist() == [4, 8, 12]
    hurried = make(levels=3)
    hurried.run(1)
    assert hurried.picture.shape == hurried.content.shape  # full size, however few


def test_a_step_is_traced_once_for_all_levels(make):
    run = make(levels=3)
    graph = run._graph
    run.run(6)
    assert run.level == 2
    assert run._graph is graph


@pytest.mark.parametrize("settings", [{}, {"keep_colors": "luminance"}])
def test_a_larger_level_brings_back_the_detail_of_the_photograph(make, settings):
    run = make(levels=2, **settings)
    run._enter(1)  # with no step taken, nothing of it may be lost
    np.testing.assert_allclose(run._G[0], run.first_picture(1), atol=2)
    blank = make(levels=2, init="blank")
    blank._enter(1)
    assert np.ptp(blank.picture) < 1


def test_it_needs_more_memory_for_more_pictures_and_moves(make, mini, picture, style_picture):
    needed = make().memory_needed()
    assert make(beta=[1.0, 2.0, 3.0]).memory_needed() == 3 * needed
    assert make(optimizer="adam").memory_needed() < needed
    half = vgg.load("mini", precision="bfloat16")
    assert Transfer(picture, style_picture, half).memory_needed() < needed
    # The activations of the layers read are held at once, whatever else there is.
    held = sum(tf.size(a).numpy() for a in mini(picture).values())
    assert 4 * held < needed < 40 * held


def test_several_styles_are_averaged(mini, picture, style_picture):
    other = style_picture[::-1, :, ::-1] * 0.5
    both = Transfer(picture, [style_picture, other], mini, style_weights=[3, 1]).costs()
    one, two = (Transfer(picture, s, mini).costs() for s in (style_picture, other))
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
    assert np.abs(images.luminance(G) - images.luminance(picture)).mean() > 2


def test_histogram_gives_the_style_the_colors_of_the_content(make, mini, picture, style_picture):
    run = make(keep_colors="histogram")
    recolored = Transfer(picture, images.match_colors(style_picture, picture), mini)
    np.testing.assert_allclose(run.costs()["style"], recolored.costs()["style"], rtol=1e-4)


@pytest.mark.parametrize("optimizer", transfer.OPTIMIZERS)
def test_a_resumed_run_equals_an_uninterrupted_one(make, tmp_path, optimizer):
    settings = {"optimizer": optimizer, "levels": 2, "init": "noise"}
    whole = make(**settings)
    whole.run(60)

    class Enough(Exception):
        pass

    def stop(run):
        if run.step_count > 30:  # in the middle of the second level
            run.save_checkpoint(tmp_path / "half.npz")
            raise Enough

    first = make(**settings)
    with pytest.raises(Enough):
        first.run(60, stop)
    second = make(**settings)
    second.restore(tmp_path / "half.npz")
    assert 30 < second.step_count < 60
    second.run(60)
    np.testing.assert_array_equal(second.picture, whole.picture)
    for name, values in whole.history.items():
        np.testing.assert_array_equal(second.history[name], values)


def test_a_checkpoint_of_other_settings_is_refused(make, mini, picture, style_picture, tmp_path):
    path = tmp_path / "checkpoint.npz"
    run = make()
    run.step()
    run.save_checkpoint(path)
    with pytest.raises(CheckpointError, match=r"made with beta 100.0, this run has 5.0"):
        make(beta=5.0).restore(path)
    with pytest.raises(CheckpointError, match="made with init content, this run has noise"):
        make(init="noise").restore(path)
    with pytest.raises(CheckpointError, match="other pictures or weights"):
        Transfer(picture + 1, style_picture, mini).restore(path)


def test_a_missing_or_damaged_checkpoint_is_a_clear_error(make, tmp_path):
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(CheckpointError, match="no checkpoint"):
        make().restore(path)
    run = make()
    run.step()
    run.save_checkpoint(path)
    data = path.read_bytes()
    arrays = dict(np.load(path))
    np.savez(path, **{name: a for name, a in arrays.items() if name != "optimizer_3"})
    with pytest.raises(CheckpointError, match="another version"):
        make().restore(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(CheckpointError, match="damaged"):
        make().restore(tmp_path / "array.npy")
    for damaged in (b"", b"text", data[: len(data) // 2], data[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged"):
            make().restore(path)


def test_the_number_of_steps_may_not_change_within_a_run(make):
    run = make()
    run.run(3)
    with pytest.raises(SettingError, match="begun for 3 steps, not 5"):
        run.run(5)


@pytest.mark.parametrize("optimizer", transfer.OPTIMIZERS)
def test_an_interrupt_keeps_the_picture_and_the_run_goes_on(make, tmp_path, monkeypatch, optimizer):
    run, before = make(optimizer=optimizer), signal.getsignal(signal.SIGINT)
    graph = run._graph

    def press_ctrl_c(rates):
        found = graph(rates)
        if run.step_count < 7 <= run.step_count + len(rates):
            os.kill(os.getpid(), signal.SIGINT)
        return found

    monkeypatch.setattr(run, "_graph", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        run.run(100_000, checkpoint=tmp_path / "checkpoint.npz")
    assert signal.getsignal(signal.SIGINT) == before
    assert 7 <= run.step_count < 100_000
    assert len(run.history["total"]) == run.step_count
    assert run.costs()["total"] < run.history["total"][0]
    again = make(optimizer=optimizer)
    again.restore(tmp_path / "checkpoint.npz")
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
    again.restore(tmp_path / "checkpoint.npz")
    assert again.step_count == run.step_count


def test_another_picture_can_be_put_in_place(make, picture):
    run = make()
    run.step(3)
    run.picture = picture
    np.testing.assert_array_equal(run.picture, picture)
    with pytest.raises(SettingError, match="shape"):
        run.picture = picture[1:]


@pytest.mark.parametrize("optimizer", transfer.OPTIMIZERS)
def test_a_cost_that_is_not_finite_leaves_the_last_good_picture(make, optimizer):
    run = make(optimizer=optimizer)
    run.step(20)
    good = run.picture
    run.beta = 3e38
    run.layer_weights = dict.fromkeys(run.style_layers, 1.0)
    run.alpha = 3e38
    with pytest.raises(DivergedError, match=r"after step 20: lower alpha .*beta"):
        run.step(5)
    np.testing.assert_array_equal(run.picture, good)
    assert run.step_count == 20
    run.alpha, run.beta = 1.0, 100.0
    run.step(2)
    assert run.step_count == 22
    assert np.isfinite(run.picture).all()


def test_a_nan_within_a_network_points_at_the_precision(make, mini, picture, style_picture):
    class Broken(vgg.Network):
        def __call__(self, pictures):
            found = super().__call__(pictures)
            bright = tf.reduce_mean(tf.convert_to_tensor(pictures, tf.float32)) > 1e9
            return {k: tf.where(bright | self.on, np.nan, a) for k, a in found.items()}

    half = Broken("mini", mini.model, mini.layers, "max", "float16", "")
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
        ({"alpha": "much"}, "alpha is 'much': give a number"),
        ({"alpha": [1.0, 0.0], "beta": [1.0, 0.0]}, "both 0"),
        ({"tv": -1e-3}, "total variation"),
        ({"convention": "ours"}, "no cost convention 'ours'"),
        ({"optimizer": "sgd"}, "no optimizer 'sgd'"),
        ({"init": "photo"}, "no start 'photo'"),
        ({"keep_colors": "all"}, "no way to keep colors 'all'"),
        ({"learning_rate": 0}, "learning rate"),
        ({"levels": 0}, "0 levels"),
        ({"layer_weights": {}}, "no style layer"),
        ({"layer_weights": {"block1_conv1": 0.0}}, "weight of every style layer is 0"),
        ({"style_weights": [1.0, 2.0]}, "2 style weights for 1 style pictures"),
    ],
)
def test_settings_that_make_no_sense_are_clear_errors(make, settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        make(**settings)


def test_live_settings_are_checked_and_stay_as_they_were(make):
    run = make()
    for name, value in (("alpha", -1), ("beta", float("nan")), ("tv", -1)):
        with pytest.raises(SettingError):
            setattr(run, name, value)
    run.beta = 0.0
    with pytest.raises(SettingError, match="both 0"):
        run.alpha = 0.0
    with pytest.raises(SettingError, match="one weight for each"):
        run.layer_weights = {"block1_conv1": 1.0}
    assert (run.alpha, run.beta) == (1.0, 0.0)
    np.testing.assert_allclose(run.tv, 1e-3)


def test_unusable_pictures_and_layers_are_clear_errors(mini, make, picture, style_picture):
    with pytest.raises(NetworkError, match="without layer block4_conv2"):
        make(content_layer="block4_conv2")
    with pytest.raises(PictureError, match="fewer levels"):
        make(levels=5)
    with pytest.raises(PictureError, match="pooled away"):
        Transfer(picture[:3], style_picture, mini)
    with pytest.raises(SettingError, match="must be"):
        Transfer(picture[..., 0], style_picture, mini)
    with pytest.raises(SettingError, match="no style picture"):
        Transfer(picture, [], mini)
    with pytest.raises(SettingError, match="not finite"):
        Transfer(picture * np.nan, style_picture, mini)


def test_a_changed_weight_makes_adam_fresh_and_the_same_weight_does_not(make):
    run = make(beta=1000.0, optimizer="adam")
    run.step(20)
    before = run.picture
    run.beta = 1000.0
    assert int(run._optimizer.adam.iterations) == 20
    run.beta = 1.0
    assert int(run._optimizer.adam.iterations) == 0
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


def test_xla_makes_the_same_steps(make):
    plain, compiled = make(), make(xla=True)
    for run in (plain, compiled):
        run.step(3)
    np.testing.assert_allclose(plain.history["total"], compiled.history["total"], rtol=1e-3)
