"""Every check takes right answers, however written, and refuses what students get wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg

from helpers import costs
from helpers.course import exercises
from helpers.course.answers import EXERCISES, MEAN, SLIPS

total, mean = tf.reduce_sum, tf.reduce_mean


def rows(a):
    return tf.reshape(a, [-1, a.shape[-1]])


def gram(a):
    return tf.matmul(rows(a), rows(a), transpose_a=True)


def mean_gram(a):
    return gram(a) / rows(a).shape[0]


def inside(a, mask):
    return total(a * mask[:, :, None], [0, 1])


def in_region(a, mask):
    F = tf.boolean_mask(a, mask > 0.5)
    return tf.matmul(F, F, transpose_a=True) / F.shape[0]


def summed(S, G, weights):
    return tf.add_n([w * costs.layer_style_cost(S[name], G[name]) for name, w in weights.items()])


def by_positions(a):
    return tf.add_n([tf.tensordot(f, f, 0) for f in tf.unstack(rows(a))])


def in_order(x):
    return tf.gather(x, tf.argsort(x))


def variation(p):
    right, below = p[:, 1:] - p[:, :-1], p[1:] - p[:-1]
    return (total(right**2) + total(below**2)) / (p.shape[0] * p.shape[1] * 3)


def down(p, axis):
    """The neighbors below or to the right; the last ones are their own."""
    return tf.gather(p, [*range(1, p.shape[axis]), p.shape[axis] - 1], axis=axis)


def step(G, optimizer, cost, moves=1):
    for _ in range(moves):
        with tf.GradientTape() as tape:
            value = cost(G)
        optimizer.apply_gradients([(tape.gradient(value, G), G)])
        G.assign(tf.minimum(tf.maximum(G, 0.0), 255.0))
    return value


def by_hand(G, optimizer, cost):
    with tf.GradientTape() as tape:
        value = cost(G)
    G.assign(tf.clip_by_value(G - 0.2 * tape.gradient(value, G), 0, 255))
    return value


RIGHT = {
    "preprocess": [
        lambda p: tf.reverse(p, [-1]) - tf.constant(MEAN),
        lambda p: np.flip(p, -1) - MEAN,
        lambda p: keras.applications.vgg19.preprocess_input(np.array(p)),
    ],
    "content_cost": [
        lambda a, b: mean((a - b) ** 2) / 4,
        lambda a, b: total((a - b) ** 2) / (4 * np.prod(a.shape)),
        lambda a, b: tf.norm(a - b) ** 2 / (4 * float(tf.size(a))),
    ],
    "activation_gradient": [
        lambda C, G: (G - C) / (2 * tf.cast(tf.size(C), tf.float32)),
        lambda C, G: np.subtract(G, C) / (2 * np.prod(C.shape)),
    ],
    "share_inside": [
        lambda a, m: inside(a, m) / (1 + total(a, [0, 1])),
        lambda a, m: total(tf.boolean_mask(a, m == 1), 0) / (1 + total(a, [0, 1])),
    ],
    "unroll": [rows, lambda a: tf.reshape(a, [a.shape[0] * a.shape[1], a.shape[2]])],
    "gram_matrix": [
        lambda a: tf.transpose(rows(a)) @ rows(a),
        lambda a: tf.einsum("hwi,hwj->ij", a, a),
    ],
    "layer_style_cost": [lambda a, b: mean((mean_gram(a) - mean_gram(b)) ** 2) / 4],
    "style_cost": [summed],
    "total_cost": [lambda C, S, alpha, beta: alpha * C + beta * S],
    "total_variation": [
        variation,
        lambda p: (total((p - down(p, 0)) ** 2) + total((p - down(p, 1)) ** 2)) / np.size(p),
    ],
    "optimization_step": [step],
    "slider_to_beta": [lambda p, low, high: low ** (1 - p) * high**p],
    "steps_in": [lambda seconds, pace: int(seconds // pace) or 1],
    "region_gram": [
        in_region,
        lambda a, m: tf.einsum("hwi,hwj,hw->ij", a, a, m) / m.sum(),
    ],
    "earth_moved": [lambda x, y: mean((in_order(x) - in_order(y)) ** 2)],
    "recoloring_matrix": [  # whatever turns Σ_S into Σ_C
        lambda S, C: linalg.sqrtm(C) @ linalg.inv(linalg.sqrtm(S)),
        lambda S, C: linalg.cholesky(C).T @ np.linalg.inv(linalg.cholesky(S).T),
    ],
    "next_start": [
        lambda G, before, frame: tf.clip_by_value(G + (frame - before), 0, 255),
        lambda G, before, frame: np.maximum(0, np.minimum(255, frame + (G - before))),
    ],
}
WRONG = [  # besides the slips, and what is wrong in the same way whatever the exercise
    ("preprocess", lambda p: p[..., 0] - MEAN[0]),
    ("unroll", lambda a: tf.zeros([6, 2])),
    ("layer_style_cost", lambda a, b: total((a - b) ** 2) / 4),  # fails where the sizes differ
    ("style_cost", lambda S, G, w: [costs.layer_style_cost(S[x], G[x]) for x in w]),
    ("recoloring_matrix", lambda S, C: np.mean(C) / np.mean(S)),
    ("next_start", lambda G, before, frame: np.clip(G + np.abs(frame - before), 0, 255)),
    ("optimization_step", lambda *given: step(*given, moves=2)),
    ("optimization_step", by_hand),
]


def said(capsys, name, function):
    """Whether the function is right, and what is said of it, in one line."""
    right = exercises.check(name, function)
    line = capsys.readouterr().out
    assert line.startswith("right: " if right else "not yet: ") and line.count("\n") == 1
    return right, line.split(": ", 1)[1].strip()


def test_each_exercise_has_right_answers_slips_and_other_wrong_ones():
    assert set(RIGHT) == set(SLIPS) == set(exercises.SENTENCES) == set(EXERCISES)
    for name, slips in SLIPS.items():
        assert {slip for slip, _ in slips} | {"right"} == set(exercises.SENTENCES[name])


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_are_taken(name, capsys):
    for function in RIGHT[name]:
        assert said(capsys, name, function) == (True, exercises.SENTENCES[name]["right"])


@pytest.mark.parametrize("name", EXERCISES)
def test_the_answer_is_right_and_each_slip_has_its_sentence(name, capsys):
    assert said(capsys, name, EXERCISES[name].answer)[0]
    for slip, wrong in SLIPS[name]:
        assert said(capsys, name, wrong) == (False, exercises.SENTENCES[name][slip])


def test_wrong_answers_are_refused_with_a_sentence(capsys):
    for name, function in WRONG:
        right, sentence = said(capsys, name, function)
        assert not right and len(sentence) > 25


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_wrong_whatever_the_exercise(name, capsys):
    answer, tape = EXERCISES[name].answer, EXERCISES[name].tape
    for wrong, word in (
        (lambda *given: None, f"{name} returns nothing so far"),
        (lambda *given: 0.0, ""),
        (lambda *given: 1.001 * np.asarray(answer(*given)), ""),
    ):
        right, sentence = said(capsys, name, wrong)
        assert not right and word in sentence
    if tape:
        lost = said(capsys, name, lambda *given: np.asarray(answer(*given)))
        assert not lost[0] and "loses the gradient" in lost[1]


def test_what_changes_its_argument_is_refused(capsys):
    def in_place(p):
        p = p[..., ::-1]
        p -= MEAN
        return p

    for function in (in_place, keras.applications.vgg19.preprocess_input):
        assert "preprocess changes its argument" in said(capsys, "preprocess", function)[1]


def test_what_is_said_of_other_wrong_answers(capsys):
    for wrong, sentence in (
        (lambda a: a @ a, "gram_matrix fails with InvalidArgumentError for arguments of shape (2,"),
        (lambda a: rows(a), "the shape is (8, 5) for arguments of shape (2, 4, 5)"),
        (lambda a: 0.5 * gram(a), "right but for a factor: it is 0.5 times what it should be"),
        (lambda a: gram(a) / a.shape[-1], "it is 0.1 to 0.333 times what it should be"),
        (lambda a: gram(a) * 1.0002, "off by less than 1 %"),
        (lambda a: gram(a) * np.inf, "not finite"),
        (by_positions, "does one by one"),
    ):
        assert sentence in said(capsys, "gram_matrix", wrong)[1]


def test_a_step_has_to_work_where_it_is_compiled(capsys):
    def in_numpy(G, optimizer, cost):
        value = step(G, optimizer, cost)
        G.assign(np.clip(G, 0, 255))
        return value

    for function in (in_numpy, lambda *given: step(*given).numpy()):
        assert "inside a tf.function" in said(capsys, "optimization_step", function)[1]


def test_what_a_function_prints_is_not_repeated(capsys):
    assert "here" not in said(capsys, "unroll", lambda a: print("here") or rows(a))[1]


def test_settled_takes_the_readers_where_it_is_right(capsys):
    assert exercises.settled("unroll", rows, None) is rows
    assert "yours" in capsys.readouterr().out
    assert exercises.settled("unroll", lambda a: None, rows) is rows
    assert "the solution" in capsys.readouterr().out
