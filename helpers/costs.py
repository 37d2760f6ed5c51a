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
"""

import tensorflow as tf

from . import fast
from .errors import SettingError
from .settings import OPTIONS

COSTS = OPTIONS["costs"].choices
_PICTURE_AXES = (-3, -2, -1)
_MATRIX_AXES = (-2, -1)


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


def content_cost(a_C, a_G, costs="course", scale=None):
    """J_content(C, G) of one layer (Gatys 2016, eq. 1, up to the constant).

    scale: `content_scale` of a_C, for whoever has it already.
    """
    a_C, a_G = tf.cast(a_C, tf.float32), tf.cast(a_G, tf.float32)
    scale = content_scale(a_C, costs) if scale is None else scale
    return scale * tf.reduce_sum((a_G - a_C) ** 2, _PICTURE_AXES)


def gram_cost(A_S, A_G, costs="course", scale=None):
    """J_style^l of one layer (Gatys 2016, eq. 4) from both pictures' `mean_gram_matrix`.

    scale: `style_scale` of A_S, for whoever has it already.
    """
    scale = style_scale(A_S, costs) if scale is None else scale
    return scale * tf.reduce_sum((A_G - A_S) ** 2, _MATRIX_AXES)


def layer_style_cost(a_S, a_G, costs="course"):
    """J_style^l(S, G) of one layer (Gatys 2016, eq. 4); the pictures' sizes may differ."""
    return gram_cost(mean_gram_matrix(a_S), mean_gram_matrix(a_G), costs)


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
    n_C = tf.cast(tf.shape(A_S)[-1], tf.float32)
    if costs in ("course", "gatys"):
        return 1 / (4 * n_C**2)
    if costs == "mse":
        return 1 / n_C**2
    return 1 / _not_zero(tf.reduce_sum(A_S**2, _MATRIX_AXES))


def check_costs(costs):
    """Raises SettingError unless `costs` is one of COSTS."""
    if costs not in COSTS:
        raise SettingError(f"There are no costs {costs!r}: choose one of {', '.join(COSTS)}.")


def _not_zero(x):
    # An all-zero target has no unit to measure in; the smallest float32 keeps the cost finite.
    return tf.maximum(x, 1e-30)
