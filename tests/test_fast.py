"""What is there for speed gives TensorFlow's own values and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import fast

SIZES = st.integers(2, 9)
PRECISIONS = pytest.mark.parametrize("precision", ["float32", "bfloat16"])


def all_different(seed, shape):
    """Whole numbers below 256, which bfloat16 knows exactly, each once in a picture."""
    rng, values = np.random.default_rng(seed), np.prod(shape[1:])
    batch = [rng.permutation(256)[:values].reshape(shape[1:]) for _ in range(shape[0])]
    return np.stack(batch).astype(np.float32)


def value_and_gradient(pool, x, upstream):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = pool(x)
    return y, tape.gradient(y, x, output_gradients=tf.cast(upstream, x.dtype))


def with_tensorflow(x):
    return tf.nn.max_pool2d(x, 2, 2, "VALID")


@PRECISIONS
@settings(deadline=None, max_examples=25)
@given(SIZES, SIZES, st.integers(1, 2), st.integers(0, 2**31))
def test_max_pool_is_tensorflows_own_where_there_are_no_ties(precision, height, width, batch, seed):
    """Odd sizes too: their last row or column is left out and gets no gradient."""
    x = tf.cast(all_different(seed, (batch, height, width, 3)), precision)
    upstream = np.random.default_rng(seed).normal(size=(batch, height // 2, width // 2, 3))
    ours = value_and_gradient(fast.max_pool, x, upstream)
    theirs = value_and_gradient(with_tensorflow, x, upstream)
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.dtype == precision
        assert mine.shape == expected.shape
        np.testing.assert_array_equal(tf.cast(mine, "float32"), tf.cast(expected, "float32"))


@PRECISIONS
def test_max_pool_shares_the_gradient_among_ties(precision):
    x = tf.constant([[5, 5, 1, 7], [0, 5, 7, 7], [2, 2, 9, 0], [2, 2, 0, 0]], precision)
    upstream = np.float32([[3, 6], [8, 4]])[np.newaxis, :, :, np.newaxis]
    _, gradient = value_and_gradient(fast.max_pool, x[tf.newaxis, :, :, tf.newaxis], upstream)
    expected = [[1, 1, 0, 2], [0, 1, 2, 2], [2, 2, 4, 0], [2, 2, 0, 0]]
    np.testing.assert_allclose(tf.cast(gradient[0, :, :, 0], "float32"), expected, rtol=4e-3)


@PRECISIONS
@settings(deadline=None, max_examples=15)
@given(SIZES, SIZES, st.integers(0, 2**31))
def test_max_pool_loses_no_gradient(precision, height, width, seed):
    """Ties are frequent behind a relu, where four zeros are alike."""
    rng = np.random.default_rng(seed)
    x = tf.cast(np.maximum(rng.integers(-2, 3, (1, height, width, 2)), 0), precision)
    # A multiple of 12 is shared by two, three or four without a rounding.
    upstream = 12 * rng.integers(-4, 5, (1, height // 2, width // 2, 2))
    _, gradient = value_and_gradient(fast.max_pool, x, upstream)
    assert tf.reduce_sum(tf.cast(gradient, "float32")) == upstream.sum()


def test_max_pool_serves_every_size_within_one_trace():
    traced = []

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])])
    def gradient(x):
        traced.append(x)
        return value_and_gradient(fast.max_pool, x, tf.ones_like(fast.max_pool(x)))[1]

    for shape in ((1, 4, 6, 2), (3, 5, 7, 2)):
        x = all_different(0, shape)
        expected = value_and_gradient(with_tensorflow, tf.constant(x), 1 + 0 * with_tensorflow(x))
        np.testing.assert_array_equal(gradient(x), expected[1])
    assert len(traced) == 1


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 3), st.integers(1, 7), st.integers(1, 5), st.integers(0, 2**31))
def test_products_are_tensorflows_own(batch, positions, channels, seed):
    rng = np.random.default_rng(seed)
    F = tf.constant(rng.normal(size=(batch, positions, channels)), tf.float32)
    upstream = rng.normal(size=(batch, channels, channels))  # not symmetric
    ours = value_and_gradient(fast.products, F, upstream)
    theirs = value_and_gradient(lambda F: tf.matmul(F, F, transpose_a=True), F, upstream)
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 3), SIZES, SIZES, st.integers(0, 2**31))
def test_squared_differences_are_tensorflows_own(batch, height, width, seed):
    rng = np.random.default_rng(seed)
    pictures = tf.constant(rng.uniform(0, 255, (batch, height, width, 3)), tf.float32)
    upstream = rng.normal(size=batch)

    def with_slices(x):
        right, below = x[:, :, 1:] - x[:, :, :-1], x[:, 1:] - x[:, :-1]
        return tf.reduce_sum(right**2, (1, 2, 3)) + tf.reduce_sum(below**2, (1, 2, 3))

    ours = value_and_gradient(fast.squared_differences, pictures, upstream)
    theirs = value_and_gradient(with_slices, pictures, upstream)
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 4), (2, 3, 4)])
def test_a_product_is_the_same_with_and_without_a_batch(shape):
    a = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = fast.product(tf.constant(a), tf.constant(a), transpose_b=True)
    np.testing.assert_allclose(found, a @ np.swapaxes(a, -1, -2), rtol=1e-5)
