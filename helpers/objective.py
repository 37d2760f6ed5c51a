"""J(G) = α·J_content(C, G) + β·J_style(S, G) + λ·TV(G), as one object (Gatys et al. 2016, eq. 7).

costs.py has the formulas; here they meet a network, the pictures that they aim at, and weights that
may change between two steps.  Whatever looks at J, the transfer, a notebook, a benchmark, asks an
Objective.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from . import costs as formulas
from . import masks, settings
from .errors import SettingError

WEIGHTS = ("alpha", "beta", "tv", "layer_weights")
STYLE_COST = settings.default("style_cost")


class Costs(NamedTuple):
    """The costs of a batch of pictures, each with one value a picture.

    total is J; content, style and tv are not yet weighted; layers: {style layer: its cost}.
    """

    total: tf.Tensor
    content: tf.Tensor
    style: tf.Tensor
    tv: tf.Tensor
    layers: dict

    def named(self):
        """{name: value}, in the order of the method: content, style, tv, total, then each layer."""
        mine = {name: getattr(self, name) for name in ("content", "style", "tv", "total")}
        return mine | self.layers


class Objective:
    """J of pictures (batch, height, width, 3), RGB float32 in 0–255.

    network: a `vgg.Network`.  alpha, beta: numbers, or arrays with one value for each picture of
    the batch.  tv: λ, the weight of the total variation.  costs: see `costs.COSTS`.
    content_layer, layer_weights: the layer of J_content; {layer: w_l} of J_style, averaged with
    these weights.  style_weights: one for each style picture, averaged likewise, or a list of such
    lists, one for each layer.  style_cost: a name in `costs.STYLE_COSTS`.
    regions: `masks.Masks.regions`, where the picture has several; each counts by its share.

    `aim` says which pictures C and S it compares with, at any size; `set` changes the weights.
    Neither traces a compiled step again.
    """

    def __init__(
        self,
        network,
        *,
        alpha,
        beta,
        tv,
        costs,
        content_layer,
        layer_weights,
        style_weights,
        style_cost=STYLE_COST,
        regions=None,
    ):
        formulas.check_costs(costs)
        network.check_layers([content_layer, *layer_weights])
        self.network, self.costs = network, costs
        self.style_cost = settings.OPTIONS["style_cost"].check(style_cost)
        self.content_layer, self.style_layers = content_layer, tuple(layer_weights)
        self.style_weights = _style_weights(style_weights, self.style_layers)
        alpha, beta = np.broadcast_arrays(
            *(np.atleast_1d(weight) for weight in settings.check_weights(alpha, beta))
        )
        self._weights = {
            "alpha": tf.Variable(alpha, dtype=tf.float32),
            "beta": tf.Variable(beta, dtype=tf.float32),
            "tv": tf.Variable(0.0),
            "layer_weights": tf.Variable(tf.zeros(len(self.style_layers))),
        }
        self.set(tv=tv, layer_weights=layer_weights)
        n_C = {name: layer.channels for name, layer in network.layers.items()}
        empty = tf.zeros((0, 0, n_C[content_layer]))
        self._a_C = tf.Variable(empty, shape=(None, None, n_C[content_layer]))
        self._content_scale = tf.Variable(0.0)
        self.masked = regions is not None
        self._photograph, self._painted = (tf.Variable(tf.zeros((0, 0, n)), shape=(None, None, n))
                                           for n in (3, 1))  # fmt: skip
        self._targets = self._all_targets(regions)

    batch = property(lambda self: self._weights["alpha"].shape[0])

    def _all_targets(self, regions):
        """[{layer: Target} of each region]."""
        styles = np.shape(self.style_weights)[-1]
        weights = np.broadcast_to(self.style_weights, (len(self.style_layers), styles))
        return [
            {
                layer: Target(
                    self.network.layers[layer], region, of_each, self.style_cost, self.costs
                )
                for layer, of_each in zip(self.style_layers, weights, strict=True)
            }
            for region in regions or [masks.Region(None, 1.0, tuple(range(styles)))]
        ]

    def aim(self, content, styles, mask=None, style_masks=None, painted=None):
        """Take C (height, width, 3), in the size that G will have, and the pictures S.

        With regions also what `masks.Masks.resized` and `painted` give for these sizes.
        """
        a_C = tf.cast(self.network(content)[self.content_layer], tf.float32)
        self._a_C.assign(a_C)
        self._content_scale.assign(formulas.content_scale(a_C, self.costs))
        if self.masked:
            self._photograph.assign(content)
            self._painted.assign(painted)
        for i, style in enumerate(styles):
            self._aim_at(i, style, style_masks and style_masks[i])
        for targets in self._targets if self.masked else ():
            for target in targets.values():
                target.look_at(mask)

    def _aim_at(self, i, style, style_mask):
        activations = self.network(style)
        for targets in self._targets:
            for layer, target in targets.items():
                target.aim(i, activations[layer], style_mask)

    def __call__(self, G):
        """The Costs of G."""
        alpha, beta, tv_weight, layer_weights = (self._weights[name] for name in WEIGHTS)
        G = tf.convert_to_tensor(G, tf.float32)
        if self.masked:  # where there is no style J knows the photograph, and has no gradient
            G = self._photograph + self._painted * (G - self._photograph)
        a_G = self.network(G)
        content = formulas.content_cost(
            self._a_C, a_G[self.content_layer], scale=self._content_scale
        )
        layers = {layer: self._layer_cost(layer, a_G[layer]) for layer in self.style_layers}
        style = tf.linalg.matvec(tf.stack(list(layers.values()), axis=1), layer_weights)
        tv = formulas.total_variation(G)
        total = formulas.total_cost(content, style, alpha, beta) + tv_weight * tv
        return Costs(total, content, style, tv, layers)

    def unknown(self):
        """Costs that are infinite: of pictures that are not measured yet."""
        one = tf.fill((self.batch,), np.float32(np.inf))
        return Costs(one, one, one, one, dict.fromkeys(self.style_layers, one))

    def _layer_cost(self, layer, a_G):
        """J_style^l of each picture, averaged over the style pictures and summed over regions."""
        first, *others = (targets[layer].cost(a_G) for targets in self._targets)
        return tf.add_n([first, *others]) if others else first

    def with_gradient(self, G):
        """(Costs, dJ/dG).  The pictures of a batch do not know of each other."""
        G = tf.convert_to_tensor(G, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(G)
            costs = self(G)
            J = tf.reduce_sum(costs.total)
        return costs, tape.gradient(J, G)

    @property
    def settings(self):
        """Everything that decides J, but for the network and the pictures."""
        weights = {name: np.asarray(value).tolist() for name, value in self.weights.items()}
        weights |= {"layer_weights": self.weights["layer_weights"]}
        layers = {"content_layer": self.content_layer, "style_weights": self.style_weights}
        return {"costs": self.costs, "style_cost": self.style_cost} | weights | layers

    @property
    def weights(self):
        """{name: value} of what `set` takes: a number, or an array for a batch; layers by name."""
        layers = self._weights["layer_weights"].numpy().tolist()
        found = {name: number_or_array(self._weights[name].numpy()) for name in WEIGHTS[:3]}
        return found | {"layer_weights": dict(zip(self.style_layers, layers, strict=True))}

    def set(self, **weights):
        """New alpha, beta, tv or layer_weights, from the next evaluation on.

        Returns the largest factor by which one of them grew or shrank, 1 if nothing changed.
        Raises SettingError, and then changes nothing.
        """
        new = {name: self._checked(name, value) for name, value in weights.items()}
        if {"alpha", "beta"} & set(new):
            pair = (new.get(name, self._weights[name].numpy()) for name in ("alpha", "beta"))
            settings.check_weights(*pair)
        factor = 1.0
        for name, value in new.items():
            before = self._weights[name].numpy()
            if not np.array_equal(value, before):
                factor = max(factor, _factor(before, value))
                self._weights[name].assign(value)
        return factor

    def _checked(self, name, value):
        """The value as an array of the shape that the weight has."""
        if name not in WEIGHTS:
            raise SettingError(f"There is no weight {name!r}: set {', '.join(WEIGHTS)}.")
        shape = self._weights[name].shape
        if name == "layer_weights":
            if not isinstance(value, dict) or set(value) != set(self.style_layers):
                raise SettingError(f"Give one weight for each of {', '.join(self.style_layers)}.")
            value = _average(name, [value[layer] for layer in self.style_layers])
        else:
            value = settings.OPTIONS[name].check(value)
        if np.ndim(value) and np.shape(value) != shape:
            raise SettingError(
                f"There are {np.size(value)} values of {name} for {shape.num_elements()} pictures: "
                "give one, or one for each."
            )
        return np.broadcast_to(value, shape).astype(np.float32)


class Target:
    """What the style pictures are in one layer and one region, and how far a picture is from it.

    layer: a `vgg.Layer`.  region: a `masks.Region`.  weights: one for each style picture.
    """

    def __init__(self, layer, region, weights, style_cost, costs):
        self.layer, self.region, self.costs = layer, region, costs
        self.describe = formulas.STYLE_COSTS[style_cost]
        of_each = np.array([weights[i] for i in region.styles])
        self.weights = (region.share * of_each / max(of_each.sum(), 1e-30)).tolist()
        shape = self.describe(tf.zeros((1, 1, layer.channels))).shape
        self.A_S = tf.Variable(tf.zeros((len(of_each), *shape)))
        self.scales = tf.Variable(tf.zeros(len(of_each)))
        self.rows = tf.Variable(tf.zeros(0, tf.int32), shape=(None,))  # G's, if not all

    def aim(self, i, a_S, style_mask=None):
        """Take the activations of the i-th style picture, if the region has anything of it."""
        if i not in self.region.styles:
            return
        at = self.region.styles.index(i)
        if style_mask is not None:
            a_S = _rows(a_S, masks.positions(style_mask == self.region.color, self.layer))
        A_S = self.describe(a_S)
        self.A_S.scatter_nd_update([[at]], A_S[tf.newaxis])
        self.scales.scatter_nd_update([[at]], formulas.style_scale(A_S, self.costs)[tf.newaxis])

    def look_at(self, mask):
        """Take the photograph's mask (height, width)."""
        self.rows.assign(masks.positions(mask == self.region.color, self.layer))

    def cost(self, a_G):
        """J_style^l of each picture, averaged over the style pictures."""
        a_G = a_G if self.region.color is None else _rows(a_G, self.rows)
        A_G = self.describe(a_G)[:, tf.newaxis]
        of_each = formulas.gram_cost(self.A_S, A_G, scale=self.scales)
        return tf.linalg.matvec(of_each, self.weights)


def _rows(a, rows):
    """Some positions of an activation, as one that is one position wide: (…, n, 1, n_C)."""
    return tf.gather(formulas.unroll(a), rows, axis=-2)[..., tf.newaxis, :]


def _style_weights(weights, layers):
    """Weights that add up to 1, or, given as a list of lists, one such list for each layer."""
    if np.ndim(weights[0]) == 0:
        return _average("style_weights", weights)
    if len(weights) != len(layers):
        raise SettingError(
            f"There are style weights for {len(weights)} layers, not for {len(layers)}: give one "
            f"for each style picture in each of {', '.join(layers)}."
        )
    return [_average("style_weights", of_layer) for of_layer in weights]


def _average(name, weights):
    """Weights that add up to 1, as Gatys' 1/5 for each of five layers."""
    weights = np.asarray(settings.OPTIONS[name].check(weights), float)
    return (weights / weights.sum()).tolist()


def _factor(before, after):
    """How many times as large, or as small, one of some weights has become."""
    logs = np.log(np.maximum([before, after], 1e-30, dtype=float))
    return float(np.exp(np.abs(np.diff(logs, axis=0)).max()))


def number_or_array(values):
    """Of an array, a float where there is one value, else the array."""
    return float(values.reshape(-1)[0]) if values.size == 1 else values
