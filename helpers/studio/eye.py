"""What the cost sees: where each of its two parts pulls, and the Gram matrices that it compares."""

import numpy as np
import tensorflow as tf

from .. import costs
from .page import CONTENT, STYLE

SHOWN = 48  # channels of a Gram matrix: those that answer most to the style picture
_BLUR = 14  # pixels over which the pull is averaged: single pixels only flicker
# Dark to bright, seven of the colors of matplotlib's magma.
_MAGMA = np.float32([(0, 0, 4), (43, 18, 93), (114, 31, 129), (183, 55, 121), (241, 96, 93),
                     (254, 175, 119), (252, 253, 191)])  # fmt: skip


def pulls(run):
    """(content, style): the picture, dark, lit where that part of J pulls at it.

    Each is (height, width, 3) in 0–255; both have one scale: the lengths of α·dJ_content/dG and of
    β·dJ_style/dG at each pixel.
    """
    G = tf.convert_to_tensor(run.G)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(G)
        found = run.objective(G)
    parts = ((run.alpha, found.content), (run.beta, found.style))
    lengths = [weight * tf.norm(tape.gradient(cost, G)[0], axis=-1) for weight, cost in parts]
    lengths = [_blurred(length) for length in lengths]
    most = max(np.quantile(length, 0.98) for length in lengths) or 1.0
    grey = run.picture.mean(-1, keepdims=True) * 0.5
    shares = (np.clip(length / most, 0, 0.9)[..., np.newaxis] ** 2 for length in lengths)
    colors = (np.float32([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (CONTENT, STYLE))
    return [grey * (1 - s) + color * s for s, color in zip(shares, colors, strict=True)]


def grams(run, layer):
    """(S, G): Gram matrices of the first style picture and of the picture, in one scale.

    Each is (n, n, 3) in 0–255, the square roots of the values of the SHOWN channels that answer
    most to S, as colors from dark (0) to bright.
    """
    style = run.canvas.targets(run.level)[1][0]
    pictures = (tf.convert_to_tensor(style, tf.float32), tf.convert_to_tensor(run.G)[0])
    S, G = (costs.mean_gram_matrix(run.network(p)[layer]).numpy() for p in pictures)
    channels = np.argsort(-np.diag(S))[:SHOWN]
    S, G = (np.sqrt(np.maximum(A[np.ix_(channels, channels)], 0)) for A in (S, G))
    scale = (len(_MAGMA) - 1) / max(S.max(), 1e-12)
    return [_colored(np.clip(A * scale, 0, len(_MAGMA) - 1)) for A in (S, G)]


def _colored(values):
    places = np.arange(len(_MAGMA))
    return np.stack([np.interp(values, places, _MAGMA[:, c]) for c in range(3)], axis=-1)


def _blurred(values):
    pooled = tf.nn.avg_pool2d(values[tf.newaxis, ..., tf.newaxis], _BLUR, 1, "SAME")
    return pooled.numpy()[0, ..., 0]
