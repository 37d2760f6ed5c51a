"""The costs of neural style transfer, beside their formulas.

Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016
(section 2; preprint 2015, arXiv:1508.06576).  a_C, a_S, a_G are the activations of one layer for
the content, style and generated picture: float32 tensors (batch, n_H, n_W, n_C), where the batch
axis may be missing.  Every cost has one value for each picture of the batch.

Authors agree on *what* is summed and disagree on the constant in front, so each cost here is
`scale · Σ(difference²)` and a convention is nothing but its two scales:

    convention  content                    style of a layer, A = Gram matrix / (n_H·n_W)
    course      1 / (4·n_H·n_W·n_C)        1 / (4·n_C²)         these notebooks
    gatys       1/2                        1 / (4·n_C²)         Gatys et al., eqs. 1 and 4
    mse         1 / (n_H·n_W·n_C)          1 / n_C²             mean squared differences
    relative    1 / Σ a_C²                 1 / Σ A_S²           0 = the same, 1 = as far as zero

The papers write the style cost with 1 / (4·n_C²·(n_H·n_W)²) and undivided Gram matrices.  That is
the same number, but dividing first lets pictures of different sizes be compared and keeps the
sums within float32.
"""

import tensorflow as tf

from .errors import SettingError

CONVENTIONS = ("course", "gatys", "mse", "relative")
_PICTURE_AXES = (-3, -2, -1)
_MATRIX_AXES = (-2, -1)


def unroll(a):
    """(…, n_H, n_W, n_C) → (…, n_H·n_W, n_C): one row for each position, one column a channel."""
    shape = tf.shape(a)
    return tf.reshape(a, tf.concat([shape[:-3], [shape[-3] * shape[-2], shape[-1]]], axis=0))


def gram_matrix(a):
    """G_ij = Σ_k F_ik F_jk over all positions k (Gatys 2016, eq. 3): (…, n_C, n_C)."""
    return _products(unroll(tf.convert_to_tensor(a)))


@tf.custom_gradient
def _products(F):
    """FᵀF in float32.  Its gradient is F·(D + Dᵀ), one product, where TensorFlow takes two.

    That one may be in bfloat16, if F is: D is a difference already, so that nothing cancels.
    float16 would be too narrow for it.
    """
    wide = tf.cast(F, tf.float32)

    def gradient(D):
        D = D + tf.linalg.matrix_transpose(D)
        if F.dtype == tf.bfloat16:
            return product(F, tf.cast(D, tf.bfloat16))
        return tf.cast(product(wide, D), F.dtype)

    return product(wide, wide, transpose_a=True), gradient


def product(a, b, **transposed):
    """tf.matmul, which is quicker without a batch than with a batch of one, at best four times."""
    if a.shape.rank == 3 and a.shape[0] == 1:
        return tf.expand_dims(tf.matmul(tf.squeeze(a, 0), tf.squeeze(b, 0), **transposed), 0)
    return tf.matmul(a, b, **transposed)


def mean_gram_matrix(a):
    """The Gram matrix divided by the number of positions n_H·n_W: (…, n_C, n_C)."""
    positions = tf.shape(a)[-3] * tf.shape(a)[-2]
    return gram_matrix(a) / tf.cast(positions, tf.float32)


def content_scale(a_C, convention="course"):
    """The constant before Σ(a_C − a_G)².  Raises SettingError for an unknown convention."""
    check_convention(convention)
    a_C = tf.cast(a_C, tf.float32)
    n = tf.cast(tf.reduce_prod(tf.shape(a_C)[-3:]), tf.float32)
    if convention == "course":
        return 1 / (4 * n)
    if convention == "gatys":
        return tf.constant(0.5)
    if convention == "mse":
        return 1 / n
    return 1 / _not_zero(tf.reduce_sum(a_C**2, _PICTURE_AXES))


def style_scale(A_S, convention="course"):
    """The constant before Σ(A_S − A_G)², A_S = `mean_gram_matrix` of the style picture."""
    check_convention(convention)
    n_C = tf.cast(tf.shape(A_S)[-1], tf.float32)
    if convention in ("course", "gatys"):
        return 1 / (4 * n_C**2)
    if convention == "mse":
        return 1 / n_C**2
    return 1 / _not_zero(tf.reduce_sum(A_S**2, _MATRIX_AXES))


def content_cost(a_C, a_G, convention="course"):
    """J_content(C, G) of one layer (Gatys 2016, eq. 1, up to the convention's constant)."""
    a_C, a_G = tf.cast(a_C, tf.float32), tf.cast(a_G, tf.float32)
    return content_scale(a_C, convention) * tf.reduce_sum((a_G - a_C) ** 2, _PICTURE_AXES)


def layer_style_cost(a_S, a_G, convention="course"):
    """J_style^l(S, G) of one layer (Gatys 2016, eq. 4); the pictures' sizes may differ."""
    A_S, A_G = mean_gram_matrix(a_S), mean_gram_matrix(a_G)
    return style_scale(A_S, convention) * tf.reduce_sum((A_G - A_S) ** 2, _MATRIX_AXES)


def style_cost(activations_S, activations_G, layer_weights, convention="course"):
    """J_style = Σ_l w_l · J_style^l (Gatys 2016, eq. 5).

    activations_S, activations_G: {layer name: activation}; layer_weights: {layer name: w_l},
    taken as they are (Gatys: 1/5 for each of five layers).  Raises SettingError if it is empty.
    """
    if not layer_weights:
        raise SettingError("There is no style layer: name at least one, such as block1_conv1.")
    return tf.add_n(
        [
            weight * layer_style_cost(activations_S[layer], activations_G[layer], convention)
            for layer, weight in layer_weights.items()
        ]
    )


def total_variation(pictures):
    """Mean over pixels and channels of the squared differences to the right and lower neighbour.

    pictures: (…, height, width, 3) in 0–255.  It punishes pixel noise, which the network hardly
    sees (Mahendran & Vedaldi 2015, eq. 4 with exponent 2).
    """
    values = tf.cast(tf.reduce_prod(tf.shape(pictures)[-3:]), tf.float32)
    return _squared_differences(tf.convert_to_tensor(pictures)) / values


@tf.custom_gradient
def _squared_differences(pictures):
    """Summed.  With a gradient of its own: TensorFlow's, of slices, takes ten times as long."""
    right = pictures[..., :, 1:, :] - pictures[..., :, :-1, :]
    below = pictures[..., 1:, :, :] - pictures[..., :-1, :, :]

    def gradient(upstream):
        def pad(differences, rows, columns):
            batch = [(0, 0)] * (len(pictures.shape) - 3)
            return tf.pad(differences, [*batch, rows, columns, (0, 0)])

        slope = pad(right, (0, 0), (1, 0)) - pad(right, (0, 0), (0, 1))
        slope += pad(below, (1, 0), (0, 0)) - pad(below, (0, 1), (0, 0))
        return 2 * upstream[..., tf.newaxis, tf.newaxis, tf.newaxis] * slope

    return tf.reduce_sum(right**2, _PICTURE_AXES) + tf.reduce_sum(below**2, _PICTURE_AXES), gradient


def total_cost(J_content, J_style, alpha, beta):
    """J(G) = α·J_content(C, G) + β·J_style(S, G) (Gatys 2016, eq. 7)."""
    return alpha * J_content + beta * J_style


def check_convention(convention):
    """Raises SettingError unless `convention` is one of CONVENTIONS."""
    if convention not in CONVENTIONS:
        raise SettingError(
            f"There is no cost convention {convention!r}: choose one of {', '.join(CONVENTIONS)}."
        )


def _not_zero(x):
    # An all-zero target has no unit to measure in; the smallest float32 keeps the cost finite.
    return tf.maximum(x, 1e-30)
