"""What the cost sees: where each of its two parts pulls, and the Gram matrices that it compares."""

import matplotlib
import numpy as np
import tensorflow as tf

from .. import costs
from ..transfer import Transfer

CONTENT, STYLE = (59, 143, 212), (224, 112, 26)  # the colors of the two costs
SHOWN = 48  # channels of a Gram matrix: those that answer most to the painting
_BLUR = 14  # pixels over which the pull is averaged: single pixels only flicker


def pulls(run: Transfer) -> list[np.ndarray]:
    """[content, style]: the picture, dark, lit where that part of J pulls at it.

    Each is (height, width, 3) in 0–255; both have one scale: the lengths of α·dJ_content/dG and of
    β·dJ_style/dG at each pixel.
    """
    G, spec = run.G, run.spec
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(G)
        found = run.objective(G, run.targets, run._weights())
    parts = ((spec.alpha, found["content"]), (spec.beta, found["style"]))
    lengths = [weight * tf.norm(tape.gradient(cost, G)[0], axis=-1) for weight, cost in parts]
    lengths = [_blurred(length) for length in lengths]
    most = max(np.quantile(length, 0.98) for length in lengths) or 1.0
    gray = run.picture.mean(-1, keepdims=True) * 0.5
    shares = (np.clip(length / most, 0, 0.9)[..., np.newaxis] ** 2 for length in lengths)
    colors = (np.float32(CONTENT), np.float32(STYLE))
    return [gray * (1 - s) + color * s for s, color in zip(shares, colors, strict=True)]


def grams(run: Transfer, layer: str) -> list[np.ndarray] | None:
    """[S, G]: Gram matrices of the first painting and of the picture, in one scale; None where the
    style cost compares something else.

    Each is (n, n, 3) in 0–255, the square roots of the values of the SHOWN channels that answer
    most to S, as colors from dark (0) to bright.
    """
    if run.spec.style_cost != "gram":
        return None
    S = run.targets.regions[0][run.spec.style_layers.index(layer)].A_S[0].numpy()
    G = costs.mean_gram_matrix(run.network(run.G[0])[layer]).numpy()
    channels = np.argsort(-np.diag(S))[:SHOWN]
    S, G = (np.sqrt(np.maximum(A[np.ix_(channels, channels)], 0)) for A in (S, G))
    colors = matplotlib.colormaps["magma"]
    return [colors(A / max(S.max(), 1e-12))[..., :3] * 255 for A in (S, G)]


def _blurred(values):
    pooled = tf.nn.avg_pool2d(values[tf.newaxis, ..., tf.newaxis], _BLUR, 1, "SAME")
    return pooled.numpy()[0, ..., 0]
