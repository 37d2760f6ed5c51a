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

The Gram matrix is one way to describe a layer without its places; style_costs.py has others.
"""

import tensorflow as tf

from .errors import SettingError
from .settings import OPTIONS

COSTS = OPTIONS["costs"].choices
_PICTURE_AXES = (-3, -2, -1)
_MATRIX_AXES = (-2, -1)
_NOT_ZERO = 1e-30  # an all-zero target has no unit to measure in; the cost stays finite


def unroll(a: tf.Tensor) -> tf.Tensor:
    """(…, n_H, n_W, n_C) → (…, n_H·n_W, n_C): one row for each position, one column a channel."""
    shape = tf.shape(a)
    rows = tf.reshape(a, tf.concat([shape[:-3], [shape[-3] * shape[-2], shape[-1]]], axis=0))
    return tf.ensure_shape(rows, (*a.shape[:-3], None, a.shape[-1]))


def gram_matrix(a: tf.Tensor) -> tf.Tensor:
    """G_ij = Σ_k F_ik F_jk over all positions k (Gatys 2016, eq. 3): (…, n_C, n_C)."""
    F = unroll(tf.cast(a, tf.float32))
    G = tf.matmul(tf.stop_gradient(F), F, transpose_a=True)
    # F counts twice, so dJ/dF = F·(D + Dᵀ) for D = dJ/dG.  Left alone, TensorFlow multiplies twice.
    transposed = tf.linalg.matrix_transpose(G)
    return G + (transposed - tf.stop_gradient(transposed))


def mean_gram_matrix(a: tf.Tensor) -> tf.Tensor:
    """The Gram matrix divided by the number of positions n_H·n_W: (…, n_C, n_C)."""
    positions = tf.shape(a)[-3] * tf.shape(a)[-2]
    return gram_matrix(a) / tf.cast(positions, tf.float32)


def content_cost(a_C, a_G, costs: str = "course") -> tf.Tensor:
    """J_content(C, G) of one layer (Gatys 2016, eq. 1, up to the constant)."""
    a_C, a_G = tf.cast(a_C, tf.float32), tf.cast(a_G, tf.float32)
    return content_scale(a_C, costs) * tf.reduce_sum((a_G - a_C) ** 2, _PICTURE_AXES)


def gram_cost(A_S, A_G, costs: str = "course") -> tf.Tensor:
    """J_style^l of one layer (Gatys 2016, eq. 4) from both pictures' `mean_gram_matrix`, or from
    another description in `style_costs.STYLE_COSTS`."""
    return style_scale(A_S, costs) * tf.reduce_sum((A_G - A_S) ** 2, _MATRIX_AXES)


def layer_style_cost(a_S, a_G, costs: str = "course", describe=mean_gram_matrix) -> tf.Tensor:
    """J_style^l(S, G) of one layer (Gatys 2016, eq. 4); the pictures' sizes may differ."""
    return gram_cost(describe(a_S), describe(a_G), costs)


def style_cost(
    activations_S: dict, activations_G: dict, layer_weights: dict, costs: str = "course"
) -> tf.Tensor:
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


def total_variation(pictures: tf.Tensor) -> tf.Tensor:
    """Mean over pixels and channels of the squared differences to the right and lower neighbor.

    pictures: (…, height, width, 3) in 0–255.  It punishes pixel noise, which the network hardly
    sees (Mahendran & Vedaldi 2015, arXiv:1412.0035, eq. 4 with exponent 2).
    """
    pictures = tf.convert_to_tensor(pictures)
    values = tf.cast(tf.reduce_prod(tf.shape(pictures)[-3:]), tf.float32)
    return (_differences(pictures, axis=-3) + _differences(pictures, axis=-2)) / values


def _differences(pictures, axis):
    """(b − a)² of neighbors a, b, summed.  tf.split's gradient takes a tenth of that of slices."""
    pairs = tf.shape(pictures)[axis] - 1
    a = tf.split(pictures, [pairs, 1], axis)[0]
    b = tf.split(pictures, [1, pairs], axis)[1]
    return tf.reduce_sum((b - a) ** 2, _PICTURE_AXES)


def content_scale(a_C: tf.Tensor, costs: str = "course") -> tf.Tensor:
    """The constant before Σ(a_C − a_G)².  Raises SettingError for unknown costs."""
    return tf.constant(0.5) if costs == "gatys" else _scale(a_C, _PICTURE_AXES, costs)


def style_scale(A_S: tf.Tensor, costs: str = "course") -> tf.Tensor:
    """The constant before Σ(A_S − A_G)², A_S = `mean_gram_matrix` of the style picture."""
    return _scale(A_S, _MATRIX_AXES, costs)


def _scale(target, axes, costs):
    target = tf.cast(target, tf.float32)
    if costs not in COSTS:  # asked first, because AutoGraph warns of what `check` calls
        OPTIONS["costs"].check(costs)
    if costs == "relative":
        return 1 / tf.maximum(tf.reduce_sum(target**2, axes), _NOT_ZERO)
    values = tf.cast(tf.reduce_prod(tf.shape(target)[axes[0] :]), tf.float32)
    return 1 / values if costs == "mse" else 1 / (4 * values)
