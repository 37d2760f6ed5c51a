"""The costs of neural style transfer, beside their formulas.

Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016
(section 2; preprint 2015, arXiv:1508.06576).  a_C, a_S, a_G are the activations of one layer for
the content, style and generated picture: float32 tensors (batch, n_H, n_W, n_C), where the batch
axis may be missing.  Every cost has one value for each picture of the batch.

Authors agree on *what* is summed and disagree on the constant in front, so each cost here is
`scale · Σ(difference²)`, and the name of a set of costs says nothing but its two scales:

    costs       content                    style of a layer, A = Gram matrix / (n_H·n_W)
    course      1 / (4·n_H·n_W·n_C)        1 / (4·n_C²)         these notebooks
    gatys       1/2                        1 / (4·n_C²)         Gatys et al., eqs. 1 and 4
    mse         1 / (n_H·n_W·n_C)          1 / n_C²             mean squared differences
    relative    1 / Σ a_C²                 1 / Σ A_S²           0 = the same, 1 = as far as zero

The papers write the style cost with 1 / (4·n_C²·(n_H·n_W)²) and undivided Gram matrices.  That is
the same number, but dividing first lets pictures of different sizes be compared and keeps the
sums within float32.

What `relative` makes comparable, and what not (twelve pairs, 192 pixels): at β = 5 mini and VGG-19
end at the same costs within 15 %, and look best at the same β, near 5.  It does not make sets
of layers comparable: with three blocks that β is about ten times as large.

The Gram matrix is one way to describe a layer without its places; STYLE_COSTS has others.  Each is
a function a → matrix A, and then all goes on as above, with the number of A's entries for n_C².
"""

import functools

import numpy as np
import tensorflow as tf

from . import fast
from .errors import SettingError
from .settings import OPTIONS

COSTS = OPTIONS["costs"].choices
_PICTURE_AXES = (-3, -2, -1)
_MATRIX_AXES = (-2, -1)
QUANTILES = 128  # of each direction: as many as keep a channel's rarest, strongest answers apart


def unroll(a):
    """(…, n_H, n_W, n_C) → (…, n_H·n_W, n_C): one row for each position, one column a channel."""
    shape = tf.shape(a)
    return tf.reshape(a, tf.concat([shape[:-3], [shape[-3] * shape[-2], shape[-1]]], axis=0))


def gram_matrix(a):
    """G_ij = Σ_k F_ik F_jk over all positions k (Gatys 2016, eq. 3): (…, n_C, n_C)."""
    return fast.products(unroll(tf.convert_to_tensor(a)))


def mean_gram_matrix(a):
    """The Gram matrix divided by the number of positions n_H·n_W: (…, n_C, n_C)."""
    positions = tf.shape(a)[-3] * tf.shape(a)[-2]
    return gram_matrix(a) / tf.cast(positions, tf.float32)


def mean_and_deviation(a):
    """Each channel's mean and standard deviation over all positions: (…, 2, n_C).

    Li et al. 2017 (arXiv:1701.01036): style as what batch normalization takes away.
    """
    F = unroll(tf.cast(a, tf.float32))
    mean, variance = tf.nn.moments(F, axes=[-2], keepdims=True)
    return tf.concat([mean, tf.sqrt(variance + 1e-6)], axis=-2)  # a root has no slope at 0


def central_moments(a, highest=5):
    """Mean, standard deviation σ, and further moments in the unit of a: (…, highest, n_C).

    Kalischek et al. 2021 (arXiv:2103.07208) compare the central moments of activations that
    a sigmoid bounds.  Here it is the k-th root that keeps rare large values from drowning all else:
    with m = E[((a − mean) / σ)^k] the row is σ·m / (1 + |m|)^(1 − 1/k), which has a slope at 0.
    """
    mean, deviation = tf.split(mean_and_deviation(a), 2, axis=-2)
    z, rows = (unroll(tf.cast(a, tf.float32)) - mean) / deviation, [mean, deviation]
    power = z * z
    for k in range(3, highest + 1):
        power *= z
        m = tf.reduce_mean(power, axis=-2, keepdims=True)
        rows.append(deviation * m * (1 + tf.abs(m)) ** (1 / k - 1))
    return tf.concat(rows, axis=-2)


def quantiles(a):
    """The activations along n_C directions, each from small to large: (…, n_C, QUANTILES).

    Entry k is the mean of the k-th of QUANTILES equal parts of the sorted values, so the squared
    distance of two such matrices is that of the sliced Wasserstein distance (Heitz et al. 2021,
    arXiv:2006.07229), also for pictures of two sizes.  They draw directions anew at
    each step; these stay, so that J is one function.
    """
    slices = tf.matmul(directions(a.shape[-1]), unroll(tf.cast(a, tf.float32)), transpose_b=True)
    slices = tf.cast(fast.ascending(slices), tf.float64)  # float32 would lose the ends of long sums
    sums = tf.cumsum(tf.concat([0 * slices[..., :1], slices], axis=-1), axis=-1)
    n = tf.cast(tf.shape(slices)[-1], tf.float64)
    cuts = tf.linspace(tf.constant(0, tf.float64), n, QUANTILES + 1)
    below, above = (tf.gather(sums, tf.cast(i, tf.int32), axis=-1) for i in _around(cuts))
    sums = below + (cuts - tf.floor(cuts)) * (above - below)
    return tf.cast((sums[..., 1:] - sums[..., :-1]) * QUANTILES / n, tf.float32)


def _around(x):
    return tf.floor(x), tf.math.ceil(x)


@functools.cache
def directions(n_C):
    """n_C unit vectors at right angles to each other, the same ones every time: (n_C, n_C)."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(n_C, n_C)))[0].astype(np.float32)


STYLE_COSTS = {
    "gram": mean_gram_matrix,
    "mean-std": mean_and_deviation,
    "moments": central_moments,
    "wasserstein": quantiles,
}


def content_cost(a_C, a_G, costs="course", scale=None):
    """J_content(C, G) of one layer (Gatys 2016, eq. 1, up to the constant).

    scale: `content_scale` of a_C, for whoever has it already.
    """
    a_C, a_G = tf.cast(a_C, tf.float32), tf.cast(a_G, tf.float32)
    scale = content_scale(a_C, costs) if scale is None else scale
    return scale * tf.reduce_sum((a_G - a_C) ** 2, _PICTURE_AXES)


def gram_cost(A_S, A_G, costs="course", scale=None):
    """J_style^l of one layer (Gatys 2016, eq. 4) from both pictures' `mean_gram_matrix`, or from
    another description in STYLE_COSTS.

    scale: `style_scale` of A_S, for whoever has it already.
    """
    scale = style_scale(A_S, costs) if scale is None else scale
    return scale * tf.reduce_sum((A_G - A_S) ** 2, _MATRIX_AXES)


def layer_style_cost(a_S, a_G, costs="course", describe=mean_gram_matrix):
    """J_style^l(S, G) of one layer (Gatys 2016, eq. 4); the pictures' sizes may differ."""
    return gram_cost(describe(a_S), describe(a_G), costs)


def style_cost(activations_S, activations_G, layer_weights, costs="course"):
    """J_style = Σ_l w_l · J_style^l (Gatys 2016, eq. 5).

    activations_S, activations_G: {layer name: activation}; layer_weights: {layer name: w_l},
    taken as they are (Gatys: 1/5 for each of five layers).  Raises SettingError if it is empty.
    """
    if not layer_weights:
        raise SettingError("There is no style layer: name at least one, such as block1_conv1.")
    return tf.add_n(
        [
            weight * layer_style_cost(activations_S[layer], activations_G[layer], costs)
            for layer, weight in layer_weights.items()
        ]
    )


def total_cost(J_content, J_style, alpha, beta):
    """J(G) = α·J_content(C, G) + β·J_style(S, G) (Gatys 2016, eq. 7)."""
    return alpha * J_content + beta * J_style


def total_variation(pictures):
    """Mean over pixels and channels of the squared differences to the right and lower neighbour.

    pictures: (…, height, width, 3) in 0–255.  It punishes pixel noise, which the network hardly
    sees (Mahendran & Vedaldi 2015, eq. 4 with exponent 2).
    """
    values = tf.cast(tf.reduce_prod(tf.shape(pictures)[-3:]), tf.float32)
    return fast.squared_differences(tf.convert_to_tensor(pictures)) / values


def content_scale(a_C, costs="course"):
    """The constant before Σ(a_C − a_G)².  Raises SettingError for unknown costs."""
    check_costs(costs)
    a_C = tf.cast(a_C, tf.float32)
    n = tf.cast(tf.reduce_prod(tf.shape(a_C)[-3:]), tf.float32)
    if costs == "course":
        return 1 / (4 * n)
    if costs == "gatys":
        return tf.constant(0.5)
    if costs == "mse":
        return 1 / n
    return 1 / _not_zero(tf.reduce_sum(a_C**2, _PICTURE_AXES))


def style_scale(A_S, costs="course"):
    """The constant before Σ(A_S − A_G)², A_S = `mean_gram_matrix` of the style picture."""
    check_costs(costs)
    entries = tf.cast(tf.reduce_prod(tf.shape(A_S)[-2:]), tf.float32)  # n_C² of a Gram matrix
    if costs in ("course", "gatys"):
        return 1 / (4 * entries)
    if costs == "mse":
        return 1 / entries
    return 1 / _not_zero(tf.reduce_sum(A_S**2, _MATRIX_AXES))


def check_costs(costs):
    """Raises SettingError unless `costs` is one of COSTS."""
    if costs not in COSTS:
        raise SettingError(f"There are no costs {costs!r}: choose one of {', '.join(COSTS)}.")


def _not_zero(x):
    # An all-zero target has no unit to measure in; the smallest float32 keeps the cost finite.
    return tf.maximum(x, 1e-30)
