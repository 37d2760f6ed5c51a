"""What mini learns from: its errors, and the costs of a transfer, for a batch of pictures."""

import tensorflow as tf

STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))
CONTENT_LAYER = "block4_conv2"
BOTH_SHUT = 0.1  # weight of an error where both relus are shut


# The costs, for a batch of pictures: `relative`, as in helpers/costs.py.


def mean_gram_matrices(z):
    F = tf.reshape(tf.nn.relu(z), (tf.shape(z)[0], -1, z.shape[-1]))
    return tf.matmul(F, F, transpose_a=True) / tf.cast(tf.shape(F)[1], tf.float32)


def relative_error(a, b):
    """Σ(a − b)² / Σb² for each picture."""
    axes = list(range(1, a.shape.rank))
    return tf.reduce_sum((a - b) ** 2, axes) / (tf.reduce_sum(b**2, axes) + 1e-12)


def relative_distance(a, b):
    """|a − b| / |b|, averaged over the pictures; its root keeps one bad picture from ruling."""
    return tf.reduce_mean(tf.sqrt(relative_error(a, b) + 1e-6))


def targets_of(z_content, z_style):
    """What a transfer aims at: the content activation, then a Gram matrix per style layer."""
    grams = [mean_gram_matrices(z_style[name]) for name in STYLE_LAYERS]
    return [tf.nn.relu(z_content[CONTENT_LAYER]), *grams]


def transfer_cost(z, targets, beta):
    """J of each picture, α = 1."""
    content, *styles = targets
    J_style = tf.add_n(
        [
            relative_error(mean_gram_matrices(z[name]), A)
            for name, A in zip(STYLE_LAYERS, styles, strict=True)
        ]
    ) / len(STYLE_LAYERS)
    return relative_error(tf.nn.relu(z[CONTENT_LAYER]), content) + beta * J_style


def imitation(z_s, z_t, spread, layer_weights, gram_weights):
    """Errors before the relu, in units of each channel's spread, and of the Gram matrices."""
    loss = 0.0
    for name, weight in layer_weights.items():
        s, t = z_s[name], z_t[name]
        seen = tf.where((s < 0) & (t < 0), BOTH_SHUT, 1.0)
        loss += weight * tf.reduce_mean(seen * ((s - t) / spread[name]) ** 2)
        if name in gram_weights:
            grams = mean_gram_matrices(s), mean_gram_matrices(t)
            loss += gram_weights[name] * relative_distance(*grams)
    return loss
