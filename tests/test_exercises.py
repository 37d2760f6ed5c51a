"""Every check takes right answers, and refuses what students get wrong."""

import numpy as np
import pytest
import tensorflow as tf

from helpers import costs
from helpers.course import draws, exercises
from helpers.course.answers import EXERCISES

MEAN = np.float32([103.939, 116.779, 123.68])


def rows(a):
    return tf.reshape(a, [-1, a.shape[-1]])


def mean_gram(a):
    return tf.matmul(rows(a), rows(a), transpose_a=True) / rows(a).shape[0]


def total(x):
    return tf.reduce_sum(x)


def total_of(a):
    return tf.reduce_sum(a, [0, 1])


def squares(a, b):
    return total((a - b) ** 2)


def distance(a, b):
    return squares(mean_gram(a), mean_gram(b))


def step(G, optimizer, cost, held=(0.0, 255.0), moves=1, clip_first=False, late=False, says=True):
    for _ in range(moves):
        with tf.GradientTape() as tape:
            value = cost(G)
        if clip_first:
            G.assign(tf.clip_by_value(G, *held))
        optimizer.apply_gradients([(tape.gradient(value, G), G)])
        if not clip_first:
            G.assign(tf.clip_by_value(G, *held))
    return (cost(G) if late else value) if says else None


def uphill(G, optimizer, cost):
    with tf.GradientTape() as tape:
        value = -cost(G)
    optimizer.apply([tape.gradient(value, G)], [G])
    G.assign(tf.clip_by_value(G, 0.0, 255.0))
    return -value


def unwatched(G, optimizer, cost):
    value = cost(G)
    with tf.GradientTape() as tape:
        pass
    optimizer.apply([tape.gradient(value, G)], [G])
    return value


def by_hand(G, optimizer, cost):
    with tf.GradientTape() as tape:
        value = cost(G)
    G.assign_sub(0.2 * tape.gradient(value, G))
    return value


def by_pairs(a):
    F, n_C = rows(a), a.shape[-1]
    G = [[total(F[:, i] * F[:, j]) for j in range(n_C)] for i in range(n_C)]
    return tf.stack([tf.stack(row) for row in G])


def by_places(a):
    return tf.add_n([tf.tensordot(f, f, 0) for f in tf.unstack(rows(a))])


def summed(S, G, weights):
    return tf.add_n([w * costs.layer_style_cost(S[name], G[name]) for name, w in weights.items()])


RIGHT = {
    "preprocess": [
        lambda p: p[..., ::-1] - MEAN,
        lambda p: tf.reverse(p, [-1]) - tf.constant(MEAN),
        lambda p: tf.gather(p - MEAN[::-1], [2, 1, 0], axis=-1),
    ],
    "content_cost": [
        lambda a, b: tf.reduce_mean((a - b) ** 2) / 4,
        lambda a, b: squares(a, b) / (4 * a.shape[0] * a.shape[1] * a.shape[2]),
    ],
    "activation_gradient": [lambda C, G: (G - C) / (2 * tf.cast(tf.size(C), tf.float32))],
    "share_inside": [
        lambda a, m: total_of(a * m[:, :, None]) / (1 + total_of(a)),
    ],
    "unroll": [rows, lambda a: tf.reshape(a, [a.shape[0] * a.shape[1], a.shape[2]])],
    "gram_matrix": [
        lambda a: tf.transpose(rows(a)) @ rows(a),
        lambda a: tf.einsum("hwi,hwj->ij", a, a),
    ],
    "layer_style_cost": [
        lambda a, b: tf.reduce_mean((mean_gram(a) - mean_gram(b)) ** 2) / 4,
        lambda a, b: distance(a, b) / (4 * a.shape[-1] ** 2),
    ],
    "style_cost": [
        summed,
        lambda S, G, w: sum(w[x] * costs.layer_style_cost(S[x], G[x]) for x in w),
    ],
    "total_cost": [lambda C, S, a, b: a * C + b * S],
    "optimization_step": [step],
    "region_gram": [
        lambda a, m: costs.mean_gram_matrix(tf.boolean_mask(a, m > 0.5)[:, None]),
        lambda a, m: tf.einsum("hwi,hwj,hw->ij", a, a, m) / tf.reduce_sum(m),
    ],
    "earth_moved": [lambda x, y: tf.reduce_mean((tf.sort(x) - tf.sort(y)) ** 2)],
}
WRONG = {
    "preprocess": [
        lambda p: p,
        lambda p: p - MEAN,
        lambda p: p[..., ::-1],
        lambda p: p[..., ::-1] + MEAN,
        lambda p: p[..., ::-1] - MEAN[::-1],
        lambda p: p[::-1] - MEAN,
        lambda p: p[..., ::-1, :] - MEAN,
        lambda p: p[..., ::-1] / 255 - MEAN,
        lambda p: (p[..., ::-1] - MEAN) / 255,
        lambda p: p[..., ::-1] - MEAN.mean(),
        lambda p: p[:, :, ::-1] - MEAN,  # right for one picture, wrong for a batch
        lambda p: MEAN,
        lambda p: p.numpy()[..., ::-1] - MEAN,  # the gradient is lost
    ],
    "content_cost": [
        lambda a, b: 0.0,
        lambda a, b: tf.constant(1.0),
        lambda a, b: squares(a, b),
        lambda a, b: squares(a, b) / 4,
        lambda a, b: tf.reduce_mean((a - b) ** 2),
        lambda a, b: tf.reduce_mean((a - b) ** 2) / 2,
        lambda a, b: squares(a, b) / (4 * a.shape[0] * a.shape[1]),
        lambda a, b: total(tf.abs(a - b)) / (4 * tf.size(a, tf.float32)),
        lambda a, b: total(a - b) ** 2 / (4 * tf.size(a, tf.float32)),
        lambda a, b: tf.reduce_mean(a - b) / 4,
        lambda a, b: (a - b) ** 2 / (4 * tf.size(a, tf.float32)),
        lambda a, b: tf.reduce_sum((a - b) ** 2, -1) / (4 * tf.size(a, tf.float32)),
        lambda a, b: tf.norm(a - b) / (4 * tf.size(a, tf.float32)),
        lambda a, b: np.mean((a.numpy() - b.numpy()) ** 2) / 4,  # the gradient is lost
    ],
    "activation_gradient": [
        lambda C, G: tf.zeros_like(G),
        lambda C, G: (G - C) / G.shape[-1],
        lambda C, G: total((G - C) / (2 * tf.size(C, tf.float32))),
        lambda C, G: tf.abs(G - C) / (2 * tf.size(C, tf.float32)),
        lambda C, G: (G - C) / (2 * G.shape[0] * G.shape[1]),
        lambda C, G: (C - G) / (2 * tf.size(C, tf.float32)),
        lambda C, G: None,
    ],
    "share_inside": [
        lambda a, m: total_of(a * m[:, :, None]),
        lambda a, m: total_of(a * m[:, :, None]) / total_of(a),
        lambda a, m: total_of(a * (1 - m)[:, :, None]) / (1 + total_of(a)),
        lambda a, m: total(a * m[:, :, None]) / (1 + total(a)),
        lambda a, m: tf.ones(a.shape[-1]) / 2,
        lambda a, m: tf.reduce_max(a * m[:, :, None], [0, 1]) / (1 + total_of(a)),
        lambda a, m: None,
    ],
    "unroll": [
        lambda a: a,
        lambda a: tf.zeros([6, 2]),
        lambda a: tf.transpose(rows(a)),
        lambda a: tf.reshape(a, [a.shape[-1], -1]),
        lambda a: tf.reshape(a, [-1]),
        lambda a: tf.reshape(a, [a.shape[0], -1]),
        lambda a: tf.transpose(tf.reshape(a, [a.shape[-1], -1])),
        lambda a: rows(tf.transpose(a, [1, 0, 2])),
        lambda a: tf.reshape(tf.transpose(a, [2, 0, 1]), [-1, a.shape[-1]]),
        lambda a: a.numpy().reshape(-1, a.shape[-1]),  # the gradient is lost
    ],
    "gram_matrix": [
        lambda a: tf.eye(a.shape[-1]),
        lambda a: rows(a) @ tf.transpose(rows(a)),
        mean_gram,
        lambda a: tf.matmul(rows(a), rows(a), transpose_a=True) / a.shape[-1],
        lambda a: tf.matmul(a, a, transpose_a=True),
        lambda a: rows(a) ** 2,
        lambda a: tf.reduce_sum(a**2, [0, 1]),
        lambda a: tf.tensordot(tf.reduce_sum(a, [0, 1]), tf.reduce_sum(a, [0, 1]), 0),
        lambda a: tf.einsum("hwi,hwj->ij", a, a - tf.reduce_mean(a, [0, 1])),
        lambda a: tf.reshape(a, [a.shape[-1], -1]) @ tf.transpose(tf.reshape(a, [a.shape[-1], -1])),
        lambda a: tf.einsum("hwi,hvj->ij", a, a),
        lambda a: rows(a).numpy().T @ rows(a).numpy(),  # the gradient is lost
        by_pairs,  # right, and no layer of VGG would ever be through
        by_places,
    ],
    "layer_style_cost": [
        lambda a, b: 0.0,
        distance,
        lambda a, b: distance(a, b) / 4,
        lambda a, b: distance(a, b) / a.shape[-1] ** 2,
        lambda a, b: distance(a, b) / (4 * a.shape[-1]),
        lambda a, b: distance(a, b) / (2 * a.shape[-1] ** 2),
        lambda a, b: squares(costs.gram_matrix(a), costs.gram_matrix(b)) / (4 * a.shape[-1] ** 2),
        lambda a, b: (
            squares(costs.gram_matrix(a), costs.gram_matrix(b))
            / (4 * a.shape[-1] ** 2 * (a.shape[0] * a.shape[1]) ** 2)
        ),
        lambda a, b: (mean_gram(a) - mean_gram(b)) ** 2 / (4 * a.shape[-1] ** 2),
        lambda a, b: total(tf.abs(mean_gram(a) - mean_gram(b))) / (4 * a.shape[-1] ** 2),
        lambda a, b: total(mean_gram(a) - mean_gram(b)) ** 2 / (4 * a.shape[-1] ** 2),
        lambda a, b: distance(a, b) / (4 * a.shape[-1] ** 2 * (a.shape[0] * a.shape[1]) ** 2),
        lambda a, b: squares(tf.reduce_mean(a, [0, 1]), tf.reduce_mean(b, [0, 1])),
        lambda a, b: squares(a, b) / 4,  # stops where the sizes differ
        lambda a, b: float(distance(a, b)) / (4 * a.shape[-1] ** 2),  # the gradient is lost
    ],
    "style_cost": [
        lambda S, G, w: 0.0,
        lambda S, G, w: summed(S, G, dict.fromkeys(w, 1.0)),
        lambda S, G, w: summed(S, G, dict.fromkeys(w, 1 / len(w))),
        lambda S, G, w: summed(S, G, dict.fromkeys(S, 0.2)),
        lambda S, G, w: summed(S, G, w) / len(w),
        lambda S, G, w: summed(S, G, w) / sum(w.values()),
        lambda S, G, w: summed(S, G, dict(list(w.items())[-1:])),
        lambda S, G, w: summed(S, G, dict(list(w.items())[:1])),
        lambda S, G, w: summed(S, G, {name: value**2 for name, value in w.items()}),
        lambda S, G, w: [v * costs.layer_style_cost(S[x], G[x]) for x, v in w.items()],
        lambda S, G, w: sum(w.values()) * summed(S, G, dict.fromkeys(w, 1.0)),
        lambda S, G, w: summed(S, S, w),
    ],
    "total_cost": [
        lambda C, S, a, b: 50.0,
        lambda C, S, a, b: C + S,
        lambda C, S, a, b: b * C + a * S,
        lambda C, S, a, b: a * C - b * S,
        lambda C, S, a, b: a * C * b * S,
        lambda C, S, a, b: (a * C + b * S) / (a + b),
        lambda C, S, a, b: (a + b) * (C + S),
        lambda C, S, a, b: a * C + (1 - a) * S,
        lambda C, S, a, b: 10 * C + 40 * S,
        lambda C, S, a, b: C + b / a * S,
    ],
    "region_gram": [
        lambda a, m: mean_gram(a),
        lambda a, m: mean_gram(a * m[..., None]),
        lambda a, m: mean_gram(a) * m.mean(),
        lambda a, m: costs.gram_matrix(a * m[..., None]),
        lambda a, m: mean_gram(tf.boolean_mask(a, m < 0.5)[:, None]),
        lambda a, m: tf.einsum("hwi,hwj,hw->ij", a, a, m) / a.shape[-1],
        lambda a, m: rows(a * m[..., None]),
        lambda a, m: tf.einsum("hwi,hwj,hw->ij", a, a, m) / total(m) ** 2,
        lambda a, m: mean_gram(a) / total(m),
        lambda a, m: np.einsum("hwi,hwj,hw->ij", a, a, m) / m.sum(),  # the gradient is lost
    ],
    "earth_moved": [
        lambda x, y: tf.reduce_mean((x - y) ** 2),
        lambda x, y: tf.reduce_mean((tf.sort(x) - y) ** 2),
        lambda x, y: tf.reduce_sum((tf.sort(x) - tf.sort(y)) ** 2),
        lambda x, y: tf.reduce_mean(tf.abs(tf.sort(x) - tf.sort(y))),
        lambda x, y: tf.reduce_mean(tf.sort(x) - tf.sort(y)),
        lambda x, y: tf.reduce_mean(tf.sort(x) - tf.sort(y)) ** 2,
        lambda x, y: tf.sqrt(tf.reduce_mean((tf.sort(x) - tf.sort(y)) ** 2)),
        lambda x, y: tf.reduce_mean((tf.sort(x) - tf.sort(y, direction="DESCENDING")) ** 2),
        lambda x, y: (tf.sort(x) - tf.sort(y)) ** 2,
        lambda x, y: np.mean((np.sort(x) - np.sort(y)) ** 2),  # the gradient is lost
    ],
    "optimization_step": [
        lambda G, optimizer, cost: 0.0,
        lambda G, optimizer, cost: cost(G),
        lambda *given: step(*given, held=(-1e9, 1e9)),
        lambda *given: step(*given, held=(0.0, 1.0)),
        lambda *given: step(*given, moves=2),
        lambda *given: step(*given, clip_first=True),
        lambda *given: step(*given, late=True),
        lambda *given: step(*given, says=False),
        uphill,
        unwatched,
        by_hand,
    ],
}


def cases(table):
    return [
        pytest.param(name, function, id=f"{name}-{i}")
        for name, functions in table.items()
        for i, function in enumerate(functions)
    ]


def test_each_exercise_has_right_answers_and_five_wrong_ones():
    assert set(RIGHT) == set(WRONG) == set(EXERCISES)
    assert all(len(functions) >= 5 for functions in WRONG.values())


@pytest.mark.parametrize(("name", "function"), cases(RIGHT))
def test_right_answers_are_taken(name, function, capsys):
    assert exercises.check(name, function)
    assert capsys.readouterr().out.startswith("right: ")


@pytest.mark.parametrize(("name", "function"), cases(WRONG))
def test_wrong_answers_are_refused_with_a_sentence(name, function, capsys):
    assert not exercises.check(name, function)
    said = capsys.readouterr().out
    assert said.startswith("not yet: ") and len(said) > 30 and said.count("\n") == 1


@pytest.mark.parametrize("name", EXERCISES)
def test_an_empty_stub_is_called_empty(name, capsys):
    def stub(*arguments):
        """What is to be written."""
        ...

    assert not exercises.check(name, stub)
    assert capsys.readouterr().out.startswith(f"not yet: {name} returns nothing so far")


@pytest.mark.parametrize("name", EXERCISES)
def test_each_slip_has_its_own_sentence(name, capsys):
    for sentence, wrong in EXERCISES[name].slips.items():
        assert not exercises.check(name, wrong)
        assert capsys.readouterr().out == f"not yet: {sentence}\n"


def test_draws_differ_in_size_enough_to_tell_a_loop_over_positions():
    rng = np.random.default_rng(0)
    sizes = [draws.activation(rng, 3).shape[:2].num_elements() for _ in range(24)]
    for i in range(len(sizes) - exercises.DRAWS):
        some = sizes[i : i + exercises.DRAWS]
        assert max(some) > 1.1 * exercises.LOOPS * min(some)


def test_an_error_is_told_in_one_line(capsys):
    assert not exercises.check("gram_matrix", lambda a: a @ a)
    assert "gram_matrix stops with" in capsys.readouterr().out


def test_what_a_function_prints_is_not_repeated(capsys):
    def chatty(a):
        print("here")
        return rows(a)

    assert exercises.check("unroll", chatty)
    assert "here" not in capsys.readouterr().out


def test_settled_takes_the_readers_where_it_is_right(capsys):
    def solution(a):
        return rows(a)

    assert exercises.settled("unroll", rows, solution) is rows
    assert "yours" in capsys.readouterr().out
    assert exercises.settled("unroll", lambda a: None, solution) is solution
    assert "the solution" in capsys.readouterr().out
