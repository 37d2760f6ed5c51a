"""J(G) = α·J_content(C, G) + β·J_style(S, G) + λ·TV(G), as one object (Gatys et al. 2016, eq. 7).

costs.py has the formulas; here they meet a network, the pictures that they aim at, and weights that
may change between two steps.  Whatever looks at J, the transfer, a notebook, a benchmark, asks an
Objective.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from . import costs as formulas
from . import settings
from .errors import SettingError

WEIGHTS = ("alpha", "beta", "tv", "layer_weights")


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
    these weights.  style_weights: one for each style picture, averaged likewise.

    `aim` says which pictures C and S it compares with, at any size; `set` changes the weights.
    Neither traces a compiled step again.
    """

    def __init__(
        self, network, *, alpha, beta, tv, costs, content_layer, layer_weights, style_weights
    ):
        formulas.check_costs(costs)
        network.check_layers([content_layer, *layer_weights])
        self.network, self.costs = network, costs
        self.content_layer, self.style_layers = content_layer, tuple(layer_weights)
        self.style_weights = _average("style_weights", style_weights)
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
        self._A_S, self._style_scales = {}, {}
        for layer in self.style_layers:
            shape = (len(self.style_weights), n_C[layer], n_C[layer])
            self._A_S[layer] = tf.Variable(tf.zeros(shape))
            self._style_scales[layer] = tf.Variable(tf.zeros(shape[0]))

    batch = property(lambda self: self._weights["alpha"].shape[0])

    def aim(self, content, styles):
        """Take C (height, width, 3), in the size that G will have, and the pictures S."""
        a_C = tf.cast(self.network(content)[self.content_layer], tf.float32)
        self._a_C.assign(a_C)
        self._content_scale.assign(formulas.content_scale(a_C, self.costs))
        A_S = [self._gram_matrices(style) for style in styles]
        for layer in self.style_layers:
            of_each = [matrices[layer] for matrices in A_S]
            self._A_S[layer].assign(tf.stack(of_each))
            scales = [formulas.style_scale(A, self.costs) for A in of_each]
            self._style_scales[layer].assign(tf.stack(scales))

    def _gram_matrices(self, style):
        activations = self.network(style)
        return {name: formulas.mean_gram_matrix(activations[name]) for name in self.style_layers}

    def __call__(self, G):
        """The Costs of G."""
        alpha, beta, tv_weight, layer_weights = (self._weights[name] for name in WEIGHTS)
        G = tf.convert_to_tensor(G, tf.float32)
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
        """J_style^l of each picture, averaged over the style pictures."""
        A_G = formulas.mean_gram_matrix(a_G)[:, tf.newaxis]
        of_each = formulas.gram_cost(self._A_S[layer], A_G, scale=self._style_scales[layer])
        return tf.linalg.matvec(of_each, self.style_weights)

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
        return {"costs": self.costs} | weights | layers

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
