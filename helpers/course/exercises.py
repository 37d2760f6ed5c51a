"""The notebooks' exercises: what a reader writes is compared with the package on random arguments.

    exercises.check("gram_matrix", gram_matrix)                    right, or what is wrong
    exercises.settled("gram_matrix", mine, gram_matrix)            the reader's, where it is right

To add one, write its answer and its slips into answers.py and their sentences into sentences.toml.
"""

import contextlib
import copy
import io
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from .answers import EXERCISES, SHAPES, SLIPS

LOOPS = 1.5  # so many times the operations for one shape than for another: the function loops
NOT_COMPILED = "fails inside a tf.function, which knows no .numpy(), float() or NumPy of a tensor."
SENTENCES = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8"))


def check(name: str, function: Callable) -> bool:
    """Print whether the function is right, and if not, what is wrong; return whether it is."""
    wrong = _quietly(name, function)
    print(f"not yet: {wrong}" if wrong else f"right: {SENTENCES[name]['right']}")
    return wrong is None


def settled(name: str, function: Callable, solution: Callable) -> Callable:
    """The reader's function where it is right, else the solution; prints which it is."""
    mine = _quietly(name, function) is None
    whose = "yours" if mine else "the solution, until yours is right"
    print(f"From here on, {name} is {whose}.")
    return function if mine else solution


def _quietly(name, function):
    # On the CPU, because the rounding of a GPU's TF32 would tell two right answers apart.
    with contextlib.redirect_stdout(io.StringIO()), tf.device("CPU"):
        return _objection(name, function)


def _objection(name, function):
    """What is wrong with the function, in a sentence, or None."""
    exercise, rng = EXERCISES[name], np.random.default_rng()
    trials = [exercise.draw(rng, trial) for trial in range(len(SHAPES))]
    found = [_result(exercise, function, given) for given in trials]
    if all(result is None for result in found):
        return f"{name} returns nothing so far: write its body in the cell above and run it."
    expected = [_result(exercise, exercise.answer, given) for given in trials]
    if all(map(_same, found, expected)):
        flaw = exercise.tape and _flaw(function, exercise.answer, trials)
        if exercise.compiled and not _same(
            _result(exercise, tf.function(function), trials[0]), expected[0]
        ):
            flaw = NOT_COMPILED
        return f"the numbers are right, but {name} {flaw}" if flaw else None
    for slip, wrong in SLIPS[name]:
        if all(map(_same, found, (_result(exercise, wrong, given) for given in trials))):
            return SENTENCES[name][slip]
    for result in found:
        if not isinstance(result, np.ndarray):
            return f"{name} {result or 'returns nothing for some arguments.'}"
    return _difference(trials, found, expected)


def _result(exercise, function, given):
    """What a function returns: an array, None, or words where it gets no result."""
    copies = copy.deepcopy(given)
    try:
        value = exercise.play(function, *copies)
        result = None if value is None else np.asarray(value, np.float64)
    except Exception as error:
        what = (str(error).split("}} ")[-1].strip() or "no message").splitlines()[0][:160]
        return f"fails with {type(error).__name__}{_shapes(given)}: {what}"
    now, before = tf.nest.flatten(copies), tf.nest.flatten(given)
    if len(now) == len(before) and all(map(np.array_equal, now, before)):
        return result
    return "changes its argument, which other cells still need: work on a copy."


def _shapes(given):
    shapes = [str(tuple(a.shape)) for a in given if getattr(a, "shape", ())]
    return f" for arguments of shape {' and '.join(shapes)}" if shapes else ""


def _same(a, b, rtol=1e-4):
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return isinstance(a, str) and isinstance(b, str) and a == b
    atol = rtol * 1e-2 * np.nanmax(np.abs(b), initial=0)
    return a.shape == b.shape and np.allclose(a, b, rtol, atol, equal_nan=True)


def _difference(trials, found, expected):
    """What can be said of any wrong answer: its shape, its factor, how far off it is."""
    pairs = list(zip(found, expected, strict=True))
    for given, (mine, right) in zip(trials, pairs, strict=True):
        if mine.shape != right.shape:
            is_, should = (str(a.shape) if a.shape else "a single number" for a in (mine, right))
            return f"the shape is {is_}{_shapes(given)}, and should be {should}."
        if not np.isfinite(mine).all():
            return "some of the numbers are not finite: nan, or infinity."
    if all(_same(mine, found[0]) for mine in found):
        return "the result is the same whatever the arguments."
    factors = [np.vdot(mine, right) / np.vdot(right, right) for mine, right in pairs]
    if all(_same(a, np.asarray(f * b)) for f, (a, b) in zip(factors, pairs, strict=True)):
        least, most = f"{min(factors):.3g}", f"{max(factors):.3g}"
        if least != most:
            return f"it is {least} to {most} times what it should be, depending on the arguments."
        if least not in ("0", "1"):
            return f"it is right but for a factor: it is {least} times what it should be."
    apart = max(np.abs(mine - right).max() / np.abs(right).max() for mine, right in pairs)
    far = "less than 1 %" if apart < 0.01 else f"up to {100 * apart:.0f} %"
    return f"the shape is right, the numbers are not: they are off by {far} of the largest."


def _flaw(function, answer, trials):
    """What is wrong with a function whose numbers are right: no gradient, or loops; or None."""
    for mine, right in zip(*(_gradients(f, trials[0]) for f in (function, answer)), strict=True):
        if right is not None and (mine is None or not _same(mine, right, 1e-3)):
            return "loses the gradient: take TensorFlow's functions instead of NumPy's."
    try:
        traced = [tf.function(lambda g=g: function(*g), autograph=False) for g in trials]
        counts = [len(f.get_concrete_function().graph.get_operations()) for f in traced]
    except Exception:  # NumPy where the tape allows it
        return None
    if max(counts) > LOOPS * min(counts):
        return "does one by one what one expression can do: a real layer would take minutes."
    return None


def _gradients(function, given):
    """The gradient of Σ(result²) for each tensor in the arguments, None where there is none."""
    watched = [x for x in tf.nest.flatten(given) if tf.is_tensor(x)]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        J = tf.reduce_sum(tf.convert_to_tensor(function(*given)) ** 2)
    found = tape.gradient(J, watched)
    return [None if x is None else np.asarray(tf.convert_to_tensor(x)) for x in found]
