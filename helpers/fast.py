"""What is there for speed: the values and gradients of TensorFlow's own, in less time on a CPU.

Nothing here belongs to the method; costs.py and vgg.py read the same with TensorFlow's functions in
their place, and tests compare the two.
"""

import keras
import tensorflow as tf

_PICTURE_AXES = (-3, -2, -1)


def product(a, b, **transposed):
    """tf.matmul, which is quicker without a batch than with a batch of one, at best four times."""
    if a.shape.rank == 3 and a.shape[0] == 1:
        return tf.expand_dims(tf.matmul(tf.squeeze(a, 0), tf.squeeze(b, 0), **transposed), 0)
    return tf.matmul(a, b, **transposed)


@tf.custom_gradient
def products(F):
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


def ascending(x):
    """tf.sort along the last axis, whose own way there and back takes twice as long."""
    return tf.gather(x, tf.argsort(x), axis=-1, batch_dims=x.shape.rank - 1)


@tf.custom_gradient
def squared_differences(pictures):
    """Of each pixel and its right and lower neighbour, summed over a picture (…, height, width, 3).

    TensorFlow's own gradient, of slices, takes ten times as long.
    """
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


@tf.custom_gradient
def max_pool(x):
    """2 × 2 max-pooling of (batch, height, width, n_C), a last odd row or column left out.

    TensorFlow's gradient takes three to eight times as long on a CPU.  Where several of the four
    are the largest, this one goes to each of them in equal shares, and TensorFlow's to the first.
    """
    y = tf.nn.max_pool2d(x, 2, 2, "VALID")

    def gradient(upstream):
        height, width = tf.unstack(2 * tf.shape(y)[1:3])
        largest = tf.cast(x[:, :height, :width] == _doubled(y), x.dtype)
        of_four = 4 * tf.nn.avg_pool2d(largest, 2, 2, "VALID")
        slope = largest * _doubled(upstream / of_four)
        odd = tf.unstack((tf.shape(x) - tf.shape(slope))[1:3])
        return tf.pad(slope, [(0, 0), (0, odd[0]), (0, odd[1]), (0, 0)])

    return y, gradient


def _doubled(x):
    """Each value in a square of four: broadcast, which is quicker than tf.repeat."""
    batch, height, width, channels = tf.unstack(tf.shape(x))
    pairs = (batch, height, 2, width, 2, channels)
    wide = tf.broadcast_to(x[:, :, tf.newaxis, :, tf.newaxis, :], pairs)
    return tf.reshape(wide, (batch, 2 * height, 2 * width, channels))


@keras.saving.register_keras_serializable("helpers")
class MaxPooling(keras.layers.Layer):
    """`max_pool` as a layer of a Keras model."""

    def call(self, x):
        return max_pool(x)

    def compute_output_shape(self, shape):
        half = [None if side is None else side // 2 for side in shape[1:3]]
        return (shape[0], *half, shape[3])
