"""J(G): the formulas of costs.py put together, its gradient, and that nothing is traced again."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_picture

from helpers import costs, vgg
from helpers.errors import NetworkError, SettingError
from helpers.objective import Objective, Weights

ALL_COSTS = pytest.mark.parametrize("which", costs.COSTS)
C = make_picture(0, 12, 16)
S = [make_picture(5, 14, 10), make_picture(6, 9, 11)]
PAIR = tf.constant([make_picture(7, 12, 16), make_picture(8, 12, 16)])


def weighted(alpha=(1.0,), beta=(5.0,), tv=1e-3, layers=(0.5, 0.5)):
    return Weights(*(tf.constant(w, tf.float32) for w in (alpha, beta, tv, layers)))


@pytest.fixture(scope="module")
def smooth():
    """The first block alone, whose only kinks are those of its relus."""
    return vgg.load("mini", ["block1_conv1", "block1_conv2"])


def by_hand(network, G, which, style_weights, weights):
    """J of one picture out of costs.py alone, as the notebooks write it down."""
    a_G, w = network(G), dict(zip(network.style_layers, weights.layers, strict=True))
    layer = network.content_layer
    J_content = costs.content_cost(network(C)[layer], a_G[layer], which)
    J_style = sum(
        share * costs.style_cost(network(one), a_G, w, which)
        for share, one in zip(style_weights, S, strict=True)
    )
    tv = costs.total_variation(G)
    J = costs.total_cost(J_content, J_style, weights.alpha[0], weights.beta[0]) + weights.tv * tv
    return {"content": J_content, "style": J_style, "tv": tv, "total": J}


@ALL_COSTS
def test_J_is_put_together_as_by_hand(shallow, which):
    objective = Objective(shallow, which)
    weights = weighted([2.0], [7.0], 0.01, [0.25, 0.75])
    found = objective(PAIR[:1], objective.targets(C, S, [3.0, 1.0]), weights)
    for name, value in by_hand(shallow, PAIR[0], which, (0.75, 0.25), weights).items():
        np.testing.assert_allclose(found[name], [value], rtol=1e-3)
    layers = 0.25 * found["block1_conv1"] + 0.75 * found["block2_conv1"]
    np.testing.assert_allclose(layers, found["style"], rtol=1e-5)
    # The same share of each style in each layer, or another one.
    weighed = objective.targets(C, S, [[1, 0], [0, 1]])
    for i, layer in enumerate(shallow.style_layers):
        alone = objective(PAIR[:1], objective.targets(C, S[i : i + 1]), weights)
        mine = objective(PAIR[:1], weighed, weights)
        np.testing.assert_allclose(mine[layer], alone[layer], rtol=1e-4)


@ALL_COSTS
def test_the_gradient_agrees_with_finite_differences(smooth, which):
    """Along a direction for each picture of a batch."""
    objective = Objective(smooth, which)
    how = objective.targets(C, S[:1]), weighted([1.0, 3.0], [5.0, 2.0], 0.02, [1.0])
    found, gradient = objective.with_gradient(PAIR, *how)
    # With the gradient itself, the steepest direction, float32 sees the slope clearly.
    direction = gradient * np.random.default_rng(1).uniform(0.5, 1, PAIR.shape)
    direction /= np.abs(direction).max(axis=(1, 2, 3), keepdims=True)
    up, down = (objective(PAIR + sign * direction, *how)["total"] for sign in (1, -1))
    slope = tf.reduce_sum(gradient * direction, (1, 2, 3))
    np.testing.assert_allclose((up - down) / 2, slope, rtol=0.05)
    np.testing.assert_allclose(objective(PAIR, *how)["total"], found["total"], rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"costs": "ours"}, SettingError),
        ({"style_cost": "grams"}, SettingError),
        ({"content_layer": "block4_conv2"}, NetworkError),
        ({"style_layers": ("block1_conv1", "block4_conv1")}, NetworkError),
    ],
)
def test_names_that_there_are_not_are_refused(shallow, wrong, error):
    with pytest.raises(error):
        Objective(shallow, **wrong)
