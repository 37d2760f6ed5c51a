"""Each setting: read from a text or given in Python, it is a plain value or one sentence."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import settings
from helpers.errors import SettingError
from helpers.settings import OPTIONS

ROOT = Path(__file__).resolve().parent.parent
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.one_of(st.integers(), st.floats(), st.text(), st.lists(st.integers()))),
    st.dictionaries(st.text(), st.floats()),
    st.just(object()),
)


def plain(value):
    if isinstance(value, dict):
        return all(map(plain, value.values()))
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (int, float, str, bool)


def test_defaults_pass_their_own_check():
    for option in OPTIONS.values():
        assert option.check(option.default) == option.default
        for choice in option.choices:
            assert option.check(choice) == option.read(choice) == choice


def test_neither_tensorflow_nor_keras_is_needed():
    code = "import sys, helpers.settings; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@given(st.sampled_from(sorted(OPTIONS)), anything)
def test_a_value_is_made_plain_or_refused_in_one_sentence(name, value):
    try:
        found = OPTIONS[name].check(value)
    except SettingError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 250
    else:
        assert plain(found)
        assert OPTIONS[name].check(found) == found


@given(st.sampled_from(sorted(OPTIONS)), st.text())
def test_a_text_is_read_or_refused_in_one_sentence(name, text):
    try:
        assert plain(OPTIONS[name].read(text))
    except SettingError as error:
        assert "\n" not in str(error)


@given(anything, anything)
def test_alpha_and_beta_go_together_or_are_refused(alpha, beta):
    try:
        alpha, beta = settings.check_weights(alpha, beta)
    except SettingError:
        return
    alpha, beta = np.broadcast_arrays(alpha, beta)
    assert np.float32(alpha).ndim < 2
    assert np.all((np.float32(alpha) > 0) | (np.float32(beta) > 0))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seed", np.int64(3), 3),
        ("levels", np.int32(2), 2),
        ("alpha", np.float32(0.5), 0.5),
        ("alpha", np.array(2), 2.0),
        ("beta", np.array([1, 2]), [1.0, 2.0]),
        ("style_weights", (1, 3), [1.0, 3.0]),
        ("layer_weights", {"block1_conv1": np.float64(2)}, {"block1_conv1": 2.0}),
        ("weights", Path("my weights.npz"), "my weights.npz"),
    ],
)
def test_numbers_of_any_kind_become_plain_ones(name, value, expected):
    found = OPTIONS[name].check(value)
    assert found == expected
    assert plain(found)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("seed", 1.5, "The seed is 1.5: give a whole number of 0 or more."),
        ("levels", "2", "The number of levels is '2': give a whole number of 1 or more."),
        ("levels", 10**11, "The number of levels is 100000000000: .* at most 16."),
        pytest.param("seed", 10**5000, "thousands of digits", id="digits"),
        ("beta", [], "The beta is"),
        ("beta", [[1, 2]], "The beta is"),
        ("beta", [[1], [1, 2]], "The beta is"),
        ("alpha", 1e308, "The alpha is 1e.308: give a finite number of at most 3.4"),
        ("alpha", 1e-60, "The alpha is 1e-60: give a finite number of at least 1e-38"),
        ("layer_weights", [1e308, 1], "weight of a style layer is 1e.308"),
        ("learning_rate", 1e300, "The learning rate is 1e.300: .* at most 255."),
        ("learning_rate", math.nan, "above 0"),
        ("style_layers", ["block1_conv1", "block1_conv1"], "block1_conv1 is named twice"),
        ("resume", "", "The checkpoint to resume is '': give a name or none at all."),
        ("keep_colors", "None", "'None': choose luminance or histogram."),
        ("size", None, "The size is None"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(name, value, sentence):
    with pytest.raises(SettingError, match=sentence):
        OPTIONS[name].check(value)


def test_weights_that_do_not_go_together():
    with pytest.raises(SettingError, match="2 values of alpha and 3 of beta"):
        settings.check_weights([1, 2], [1, 2, 3])
    with pytest.raises(SettingError, match="both 0"):
        settings.check_weights([1, 0], [1, 0])
    assert settings.check_weights(1, [1, 2]) == (1.0, [1.0, 2.0])
    with pytest.raises(SettingError, match="Give one of --layer-weights"):
        settings.read({"style_layers": "block1_conv1", "layer_weights": "1 2"})
