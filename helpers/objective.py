"""J(G) = α·J_content(C, G) + β·J_style(S, G) + γ·TV(G), a pure function (Gatys et al. 2016, eq. 7).

costs.py has the formulas; here they meet a network.  What J compares G with (`Targets`) and how
much each cost counts (`Weights`) are arguments, tensors like G: other pictures, sizes or weights
are other tensors, and nothing is compiled again.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from . import costs as formulas
from . import masks as regions
from .errors import NetworkError
from .settings import OPTIONS
from .style_costs import STYLE_COSTS


class Weights(NamedTuple):
    """alpha, beta: (batch,).  tv: γ, a number.  layers: w_l, (style layers,), adding up to 1."""

    alpha: tf.Tensor
    beta: tf.Tensor
    tv: tf.Tensor
    layers: tf.Tensor


class Target(NamedTuple):
    """What the style pictures are in one layer and one region.

    A_S: their descriptions, such as mean Gram matrices, (styles, …); weights: (styles,).
    rows: () where the region is the whole picture, else a tuple of one tensor: the positions of G.
    """

    A_S: tf.Tensor
    weights: tf.Tensor
    rows: tuple


class Targets(NamedTuple):
    """What G is compared with.

    a_C: (n_H, n_W, n_C).  regions: of each region, a Target for each style layer.
    kept: () without masks, else C and (height, width, 1): 1 where G is painted, 0 where C stays.
    """

    a_C: tf.Tensor
    regions: tuple
    kept: tuple


class Objective:
    """J of pictures (batch, height, width, 3), RGB float32 in 0–255.

    network: a `vgg.Network`.  costs: a name in `costs.COSTS`, style_cost one in
    `style_costs.STYLE_COSTS`.  content_layer, style_layers: default, those of the network.
    names: of the costs, in the order of the method; "total" is J, the others are not yet weighted.
    Raises SettingError and NetworkError for names that there are not.
    """

    def __init__(
        self,
        network,
        costs: str = "relative",
        style_cost: str = "gram",
        content_layer: str | None = None,
        style_layers: tuple[str, ...] | None = None,
    ):
        self.network, self.costs = network, OPTIONS["costs"].check(costs)
        self.describe = STYLE_COSTS[OPTIONS["style_cost"].check(style_cost)]
        self.content_layer = content_layer or network.content_layer
        self.style_layers = tuple(style_layers or network.style_layers)
        self.names = ("content", "style", "tv", "total", *self.style_layers)
        for layer in (self.content_layer, *self.style_layers):
            if layer not in network.layers:
                names = ", ".join(network.layers)
                raise NetworkError(
                    f"{network.name} was loaded without layer {layer}: choose one of {names}."
                )

    def targets(self, content, styles, style_weights=None, masks=None) -> Targets:
        """What pictures C, in the size of G, and S, of any sizes, ask of G.

        content: (height, width, 3).  styles: a list of such pictures.  style_weights: one for each
        of them, or (style layers, styles), averaged with; default: equal.
        masks: a `masks.Masks` of these very pictures, where the picture has regions.
        """
        a_C = tf.cast(self.network(content)[self.content_layer], tf.float32)
        activations = [self.network(style) for style in styles]
        given = np.ones(len(styles)) if style_weights is None else np.asarray(style_weights, float)
        given = given.reshape(-1, len(styles))
        given = np.broadcast_to(given, (len(self.style_layers), len(styles)))
        found = masks.regions if masks else [regions.Region(None, 1.0, tuple(range(len(styles))))]
        targets = tuple(
            tuple(
                self._target(layer, region, activations, weights, masks)
                for layer, weights in zip(self.style_layers, given, strict=True)
            )
            for region in found
        )
        kept = (tf.constant(content, tf.float32), tf.constant(masks.painted)) if masks else ()
        return Targets(a_C, targets, kept)

    def _target(self, name, region, activations, weights, masks):
        layer, rows, A_S = self.network.layers[name], (), []
        if masks:
            rows = (tf.constant(regions.positions(masks.content == region.color, layer)),)
        for i in region.styles:
            a_S = activations[i][name]
            if masks:
                a_S = _rows(a_S, regions.positions(masks.styles[i] == region.color, layer))
            A_S.append(self.describe(a_S))
        weights = np.array([weights[i] for i in region.styles])
        weights = region.share * weights / max(weights.sum(), 1e-30)
        return Target(tf.stack(A_S), tf.constant(weights, tf.float32), rows)

    def __call__(self, G: tf.Tensor, targets: Targets, weights: Weights) -> dict[str, tf.Tensor]:
        """{name: (batch,)}: the costs of pictures G (batch, height, width, 3)."""
        if targets.kept:  # where there is no style J knows the photograph, and has no gradient
            photograph, painted = targets.kept
            G = photograph + painted * (G - photograph)
        a_G = self.network(G)
        content = formulas.content_cost(targets.a_C, a_G[self.content_layer], self.costs)
        layers = {
            name: tf.add_n([self._layer_cost(a_G[name], region[i]) for region in targets.regions])
            for i, name in enumerate(self.style_layers)
        }
        style = tf.linalg.matvec(tf.stack(list(layers.values()), axis=1), weights.layers)
        tv = formulas.total_variation(G)
        total = formulas.total_cost(content, style, weights.alpha, weights.beta) + weights.tv * tv
        return {"content": content, "style": style, "tv": tv, "total": total} | layers

    def _layer_cost(self, a_G, target):
        """J_style^l of each picture in one region, averaged over the style pictures."""
        a_G = _rows(a_G, target.rows[0]) if target.rows else a_G
        A_G = self.describe(a_G)[:, tf.newaxis]
        of_each = formulas.gram_cost(target.A_S, A_G, self.costs)
        return tf.linalg.matvec(of_each, target.weights)

    def with_gradient(
        self, G: tf.Tensor, targets: Targets, weights: Weights
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """(the costs, dJ/dG).  The pictures of a batch do not know of each other."""
        G = tf.convert_to_tensor(G, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(G)
            costs = self(G, targets, weights)
            J = tf.reduce_sum(costs["total"])
        return costs, tape.gradient(J, G)


def _rows(a, rows):
    """Some positions of an activation, as one that is one position wide: (…, n, 1, n_C)."""
    return tf.gather(formulas.unroll(a), rows, axis=-2)[..., tf.newaxis, :]
