"""The notebooks' exercises: what a reader writes is compared with the package on random pictures.

    exercises.check("gram_matrix", gram_matrix)                    right, or what is off
    exercises.settled("gram_matrix", mine, gram_matrix)            the reader's, where it is right

An exercise is an answer, a way to draw arguments for it, and slips: wrong answers that students
give, each with a sentence that helps without saying the answer.  To add one, write a row in
EXERCISES; tests/test_exercises.py wants at least five more wrong answers for it.
"""

import contextlib
import io

import numpy as np
import tensorflow as tf

from .answers import EXERCISES

DRAWS = 4
LOOPS = 1.5  # times more operations of TensorFlow for one shape than for another tell of loops


def check(name, function):
    """Print whether the function is right, and if not what is off; returns whether it is."""
    found = _quietly(name, function)
    print(f"right: {EXERCISES[name].praise}" if found is None else f"not yet: {found}")
    return found is None


def settled(name, function, solution):
    """The reader's function where it is right, else the solution; says which in one sentence."""
    mine = _quietly(name, function) is None
    whose = "yours" if mine else "the solution, until yours is right"
    print(f"From here on, {name} is {whose}.")
    return function if mine else solution


def _quietly(name, function):
    log = tf.get_logger()
    level = log.level
    log.setLevel("ERROR")  # that a function is traced for each shape is meant
    try:
        # What the function prints is not repeated.  On a GPU the roundings of TF32 would tell two
        # right answers apart.
        with contextlib.redirect_stdout(io.StringIO()), tf.device("CPU"):
            return _objection(name, function)
    finally:
        log.setLevel(level)


def _objection(name, function):
    """What is to be said against a function, in a sentence, or None."""
    exercise, rng = EXERCISES[name], np.random.default_rng()
    play = exercise.played or (lambda f: f)
    draws = [exercise.draw(rng) for _ in range(DRAWS)]
    found = []
    for arguments in draws:
        try:
            found.append(_arrays(play(function)(*arguments)))
        except Exception as error:
            what = (str(error).strip() or "no message").splitlines()[0][:160]
            return f"{name} stops with {type(error).__name__}: {what}"
    if all(values is None for values in found):
        return f"{name} returns nothing so far; write its body in the cell above and run it."
    if any(values is None for values in found):
        return f"{name} returns nothing for some pictures, or something else than numbers."
    expected = [_arrays(play(exercise.answer)(*arguments)) for arguments in draws]
    if all(map(_same, found, expected)):
        return None if exercise.played else _untraceable(name, function, draws)
    return _slip(exercise, play, draws, found) or _difference(draws, found, expected)


def _slip(exercise, play, draws, found):
    """The sentence for a wrong answer that is known."""
    for sentence, wrong in exercise.slips.items():
        with contextlib.suppress(Exception):
            if all(_same(f, _arrays(play(wrong)(*d))) for f, d in zip(found, draws, strict=True)):
                return sentence
    return None


def _difference(draws, found, expected):
    """What can be said of any wrong answer: its shape, its size, how far it goes astray."""
    for arguments, mine, right in zip(draws, found, expected, strict=True):
        if mine.shape != right.shape:
            given = " and ".join(str(a.shape) for a in arguments if tf.is_tensor(a))
            given = f" for arguments of shape {given}" if given else ""
            return f"the shape is {mine.shape or 'a single number'}{given}, and should be " + (
                f"{right.shape}." if right.shape else "a single number."
            )
    if all(_same(mine, found[0]) for mine in found):
        return "the result is the same for every picture."
    pairs = list(zip(found, expected, strict=True))
    ratios = [float((mine * right).sum() / max((right**2).sum(), 1e-12)) for mine, right in pairs]
    along = all(_same(x, ratio * y) for (x, y), ratio in zip(pairs, ratios, strict=True))
    if along and np.allclose(ratios, ratios[0], rtol=1e-3):
        return f"it is right but for a factor: it is {ratios[0]:.3g} times what it should be."
    if not expected[0].shape:
        return "the number is not right, and its ratio to the right one changes with the picture."
    if along:
        some = " and ".join(f"{ratio:.3g}" for ratio in ratios[:2])
        return f"it is off by a factor that changes with the picture's shape, such as {some}."
    apart = max(np.abs(mine - right).max() / (np.abs(right).max() + 1e-12) for mine, right in pairs)
    return f"the shape is right, the numbers are not: off by up to {apart:.0%} of the largest."


def _untraceable(name, function, draws):
    """Whether TensorFlow can go through the function, and back, as the following cells do."""
    numbers = f"the numbers are right, but {name}"
    try:
        graphs = [tf.function(function).get_concrete_function(*given).graph for given in draws]
    except Exception:
        return f"{numbers} leaves TensorFlow on the way: use its functions instead of NumPy's."
    operations = [len(graph.get_operations()) for graph in graphs]
    if max(operations) > LOOPS * min(operations):
        return f"{numbers} takes one by one what one expression can do, and would take for ever."
    arguments = draws[0]
    gradients = []
    for f in (function, EXERCISES[name].answer):
        watched = [a for a in tf.nest.flatten(arguments) if tf.is_tensor(a)]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            J = tf.reduce_sum(tf.convert_to_tensor(f(*arguments)) ** 2)
        gradients.append(tape.gradient(J, watched))
    for mine, right in zip(*gradients, strict=True):
        if right is not None and (mine is None or not _same(mine.numpy(), right.numpy(), 1e-3)):
            return f"{numbers} loses the gradient on the way: keep to TensorFlow's functions."
    return None


def _arrays(value):
    """As an array of floats; None for nothing, and for what is no array of numbers."""
    try:
        return None if value is None else np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None


def _same(a, b, rtol=1e-4):
    if a is None or a.shape != b.shape:
        return False
    return np.allclose(
        a, b, rtol, atol=rtol * 1e-2 * np.nanmax(np.abs(b), initial=0), equal_nan=True
    )
