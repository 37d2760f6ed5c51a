"""What the style cost sees: the Gram matrices that it compares."""

import matplotlib
import numpy as np

from .. import costs
from ..transfer import Transfer

SHOWN = 48  # channels of a Gram matrix: those that answer most to the painting


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
