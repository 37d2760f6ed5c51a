"""J(G): the formulas of costs.py put together, its gradient, and weights that change at once."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import costs, vgg
from helpers.errors import NetworkError, SettingError
from helpers.objective import WEIGHTS, Objective
from helpers.transfer import Transfer

ALL_COSTS = pytest.mark.parametrize("which", costs.COSTS)


@pytest.fixture(scope="module")
def smooth():
    """The first block alone, whose only kinks are those of its relus."""
    return vgg.load("mini", ["block1_conv1", "block1_conv2"])


def made(network, styles=1, which="relative", **weights):
    """An Objective that aims at small pictures, and these."""
    given = {"alpha": 1.0, "beta": 5.0, "tv": 1e-3} | weights
    given.setdefault("layer_weights", dict.fromkeys(network.style_layers, 1.0))
    given.setdefault("style_weights", [1.0] * styles)
    objective = Objective(network, costs=which, content_layer=network.content_layer, **given)
    content, pictures = (
        make_picture(0, 12, 16),
        [make_picture(5 + i, 14, 10) for i in range(styles)],
    )
    objective.aim(content, pictures)
    return objective, content, pictures


def by_hand(network, G, C, styles, which, weights):
    """J of one picture out of costs.py alone, as the notebooks write it down."""
    a_C, a_G = network(C), network(G)
    layer = network.content_layer
    J_content = costs.content_cost(a_C[layer], a_G[layer], which)
    shares = np.array(weights["style_weights"]) / sum(weights["style_weights"])
    sum_w = sum(weights["layer_weights"].values())
    w = {name: weight / sum_w for name, weight in weights["layer_weights"].items()}
    J_style = sum(
        share * costs.style_cost(network(S), a_G, w, which)
        for share, S in zip(shares, styles, strict=True)
    )
    tv = costs.total_variation(G)
    J = costs.total_cost(J_content, J_style, weights["alpha"], weights["beta"]) + weights["tv"] * tv
    return {"content": J_content, "style": J_style, "tv": tv, "total": J}


@ALL_COSTS
def test_J_is_one(shallow, which):
    """objective(G), Transfer.costs and its history, and the formulas put together by hand."""
    weights = {"alpha": 2.0, "beta": 7.0, "tv": 0.01, "style_weights": [3.0, 1.0]}
    weights["layer_weights"] = {"block1_conv1": 1.0, "block2_conv1": 3.0}
    objective, C, styles = made(shallow, 2, which, **weights)
    run = Transfer(C, styles, shallow, costs=which, init="noise", levels=1, **weights)
    G = run.picture
    expected = by_hand(shallow, tf.constant(G), C, styles, which, weights)
    found = objective(G[np.newaxis]).named()
    now = run.costs()
    run.step(1)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name][0], value, rtol=1e-3)
        np.testing.assert_allclose(now[name], value, rtol=1e-3)
        np.testing.assert_allclose(run.history[name][0], value, rtol=1e-3)
    for layer in weights["layer_weights"]:
        np.testing.assert_allclose(found[layer][0], run.history[layer][0], rtol=1e-4)
    assert run.layer_weights == {"block1_conv1": 0.25, "block2_conv1": 0.75}


def test_J_of_five_blocks_is_put_together_alike(mini, picture, style_picture):
    run = Transfer(picture, style_picture, mini, init="noise", levels=1)
    weights = run.objective.weights | {"style_weights": [1.0]}
    expected = by_hand(
        mini, tf.constant(run.picture), picture, [style_picture], "relative", weights
    )
    for name, value in expected.items():
        np.testing.assert_allclose(run.costs()[name], value, rtol=1e-3)


@settings(deadline=None, max_examples=12)
@given(
    st.sampled_from(costs.COSTS),
    st.floats(0.1, 10),
    st.floats(0.1, 10),
    st.floats(1e-4, 0.1),
    st.integers(0, 2**31),
)
def test_the_gradient_agrees_with_finite_differences(smooth, which, alpha, beta, tv, seed):
    """Along random directions, one for each picture of a batch of two."""
    pair = {"alpha": [alpha, 2 * alpha], "beta": beta}
    objective, *_ = made(smooth, which=which, tv=tv, **pair)
    rng = np.random.default_rng(seed)
    G = np.stack([make_picture(seed % 97 + 1 + i, 12, 16) for i in range(2)])
    found, gradient = objective.with_gradient(G)
    assert gradient.shape == G.shape
    # With the gradient itself, the steepest direction, float32 sees the slope clearly.
    direction = gradient.numpy() * rng.uniform(0.5, 1, G.shape)
    direction /= np.abs(direction).max(axis=(1, 2, 3), keepdims=True)
    up, down = (objective(G + sign * direction).total.numpy() for sign in (1, -1))
    slope = (gradient.numpy() * direction).sum(axis=(1, 2, 3))
    np.testing.assert_allclose((up - down) / 2, slope, rtol=0.05)
    np.testing.assert_allclose(objective(G).total, found.total, rtol=1e-5)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=1, max_size=3))
def test_a_batch_has_the_costs_and_gradients_of_its_pictures(shallow, pairs):
    alphas, betas = (list(values) for values in zip(*pairs, strict=True))
    batch, *_ = made(shallow, alpha=alphas, beta=betas)
    G = np.stack([make_picture(9 + i, 12, 16) for i in range(len(pairs))])
    together, gradients = batch.with_gradient(G)
    for i, (alpha, beta) in enumerate(pairs):
        single, *_ = made(shallow, alpha=alpha, beta=beta)
        alone, gradient = single.with_gradient(G[i : i + 1])
        for name, value in together.named().items():
            np.testing.assert_allclose(value[i], alone.named()[name][0], rtol=1e-4)
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(gradients[i] / scale, gradient[0] / scale, atol=1e-3)


def test_it_takes_arrays_tensors_and_variables(shallow):
    objective, C, _ = made(shallow)
    G = C[np.newaxis] / 2
    expected = float(objective(G).total[0])
    for kind in (tf.constant, tf.Variable, lambda G: G.astype(np.float64)):
        assert float(objective(kind(G)).total[0]) == pytest.approx(expected, rel=1e-5)
        found, gradient = objective.with_gradient(kind(G))
        assert float(found.total[0]) == pytest.approx(expected, rel=1e-5)
        assert gradient.dtype == tf.float32


def test_weights_and_aims_change_without_tracing_again(shallow):
    objective, C, styles = made(shallow)
    traced = []

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])])
    def total(G):
        traced.append(G)
        return objective(G).total[0]

    G = C[np.newaxis] / 2
    before = float(total(G))
    objective.set(alpha=2.0, beta=10.0, tv=2e-3)
    assert float(total(G)) == pytest.approx(2 * before, rel=1e-4)
    small = [C[:8, :6], [style[:7] for style in styles]]
    objective.aim(*small)
    expected, *_ = made(shallow, alpha=2.0, beta=10.0, tv=2e-3)
    expected.aim(*small)
    G = G[:, :8, :6]
    assert float(total(G)) == pytest.approx(float(expected(G).total[0]), rel=1e-4)
    assert len(traced) == 1


def test_set_is_all_or_nothing(shallow):
    objective, *_ = made(shallow)
    before = objective.weights
    for wrong in (
        {"beta": 7.0, "alpha": -1.0},
        {"alpha": 0.0, "beta": 0.0},
        {"tv": 0.5, "gamma": 1.0},
        {"alpha": 3.0, "layer_weights": {"block1_conv1": 1.0}},
        {"alpha": 3.0, "layer_weights": None},
        {"alpha": [1.0, 2.0]},
        {"beta": []},
        {"beta": [[1.0], [2.0]]},
    ):
        with pytest.raises(SettingError):
            objective.set(**wrong)
        assert objective.weights == before


def test_set_says_how_much_has_changed(shallow):
    objective, *_ = made(shallow)
    assert objective.set(beta=5.0) == 1
    assert objective.set(beta=10.0, alpha=0.25) == pytest.approx(4, rel=1e-4)
    assert objective.set(beta=0.0) > 1e6
    with np.errstate(over="raise"):
        assert objective.set(beta=3e38) > 1e6
    assert tuple(objective.weights) == WEIGHTS


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"which": "ours"}, SettingError),
        ({"alpha": [1.0, 2.0], "beta": [1.0, 2.0, 3.0]}, SettingError),
        ({"layer_weights": {"block4_conv2": 1.0}}, NetworkError),
        ({"layer_weights": {"block1_conv1": 0.0}}, SettingError),
        ({"style_weights": [0.0]}, SettingError),
    ],
)
def test_what_makes_no_sense_is_a_clear_error(shallow, wrong, error):
    with pytest.raises(error):
        made(shallow, **wrong)
