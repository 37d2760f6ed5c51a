"""Each option: read from a text or given in Python, it is a plain value or one sentence."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.errors import SettingError
from helpers.settings import OPTIONS, TransferSpec

# A value other than the default for each option, and how it is typed.
OTHER = {
    "size": (200, "200"),
    "steps": (10, "10"),
    "levels": (3, "3"),
    "alpha": (2.5, "2.5"),
    "beta": (0.1, "1e-1"),
    "tv": (0.02, "0.02"),
    "costs": ("mse", "mse"),
    "style_cost": ("wasserstein", "wasserstein"),
    "network": ("mini", "mini"),
    "weights": ("my weights.npz", "my weights.npz"),
    "pooling": ("average", "average"),
    "precision": ("bfloat16", "bfloat16"),
    "content_layer": ("block3_conv1", "block3_conv1"),
    "style_layers": (("block1_conv1", "block2_conv1"), ["block1_conv1", "block2_conv1"]),
    "layer_weights": ((1.0, 3.0), "1 3"),
    "style_weights": ((0.5, 2.0), ["0.5", "2"]),
    "style_scale": ((0.5,), "0.5"),
    "mask": ("light", "light"),
    "style_mask": (("red", "red"), "red red"),
    "init": ("noise", "noise"),
    "optimizer": ("adam", "adam"),
    "learning_rate": (3.0, "3"),
    "keep_colors": ("histogram", "histogram"),
    "seed": (2**62, str(2**62)),
}
PICTURES = {"content": "cat", "styles": ("starry_swirls", "night_cafe")}
EVERYTHING = PICTURES | {name: value for name, (value, _) in OTHER.items()}
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
    if isinstance(value, tuple):
        return all(map(plain, value))
    return value is None or type(value) in (int, float, str)


def there_and_back(spec):
    return TransferSpec.from_metadata(json.loads(json.dumps(spec.metadata())))


def test_every_field_is_an_option_or_a_picture():
    assert set(TransferSpec.__dataclass_fields__) == {"content", "styles"} | set(OPTIONS)
    assert set(OTHER) == set(OPTIONS)


@pytest.mark.parametrize("name", OTHER)
def test_every_option_comes_back_from_its_text_and_from_metadata(name):
    value, text = OTHER[name]
    option = OPTIONS[name]
    assert option.check(option.default) == option.default
    assert option.read(text) == option.check(value) == value != option.default
    with_mask = {"mask": "light"} if name == "style_mask" else {}
    spec = TransferSpec(**PICTURES, **with_mask | {name: value})
    assert there_and_back(spec) == spec


def test_a_spec_with_everything_comes_back():
    spec = TransferSpec(**EVERYTHING)
    assert there_and_back(spec) == spec
    batch = spec.changed(alpha=[1.0, 2.0], beta=np.array([3, 4]), size=None)
    assert (batch.beta, batch.size) == ((3.0, 4.0), None)
    assert there_and_back(batch) == batch
    assert TransferSpec.from_metadata({}) == TransferSpec()  # an older file may lack some
    assert OPTIONS["size"].read("original") is None
    assert TransferSpec(**PICTURES, style_scale=[2]).for_each_style("style_scale") == [2.0, 2.0]
    sizes = TransferSpec(**PICTURES, size=100, style_scale=[0.001, 1.5]).style_sizes(40)
    assert sizes == [2, 150]  # of a picture too small the network says so
    assert TransferSpec(**PICTURES, size=None).style_sizes(40) == [40, 40]
    assert TransferSpec(**PICTURES).for_each_style("style_mask") == [None, None]


def test_metadata_tells_no_paths_and_no_keys():
    address = "https://me:secret@host.org/a.jpg?X-Amz-Signature=b"
    spec = TransferSpec("/home/me/cat.jpg", (address, "s/x.png"), weights="/w/v.npz", mask="/m.png")
    found = spec.metadata()
    assert (found["content"], found["weights"], found["mask"]) == ("cat.jpg", "v.npz", "m.png")
    assert found["styles"] == ["https://host.org/a.jpg", "x.png"]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(OPTIONS)), anything)
def test_a_value_is_made_plain_or_refused_in_one_sentence(name, value):
    option = OPTIONS[name]
    for understand in (option.check, option.read) if isinstance(value, str) else (option.check,):
        try:
            found = understand(value)
        except SettingError as error:
            assert "\n" not in str(error) and len(str(error)) < 250
        else:
            assert plain(found) and option.check(found) == found


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seed", np.int64(3), 3),
        ("alpha", np.float32(0.5), 0.5),
        ("alpha", np.array(2), 2.0),
        ("beta", np.array([1, 2]), (1.0, 2.0)),
        ("style_weights", [1, 3], (1.0, 3.0)),
        ("weights", Path("my weights.npz"), "my weights.npz"),
        ("layer_weights", {"block2_conv1": 1, "block1_conv1": 3}, (1.0, 3.0)),
    ],
)
def test_values_of_any_kind_become_plain_ones(name, value, expected):
    spec = TransferSpec().changed(**{name: value})
    assert getattr(spec, name) == expected and plain(getattr(spec, name))
    assert (spec.style_layers or ()) == tuple(value if isinstance(value, dict) else ())


WRONG = [  # each with a word that its sentence must have
    ({"alpha": -1.0}, "alpha"),
    ({"alpha": 1e308}, "1e.30"),
    ({"alpha": 1e-60, "beta": 0}, "both"),
    ({"alpha": True}, "alpha"),
    ({"beta": math.nan}, "beta"),
    ({"beta": None}, "beta"),
    ({"beta": [[1.0], [2.0, 3.0]]}, "beta"),
    ({"alpha": [1.0, 0.0], "beta": [1.0, 0.0]}, "both"),
    ({"alpha": [1.0, 2.0], "beta": [1.0, 2.0, 3.0]}, "equally"),
    ({"tv": [1.0, 2.0]}, "tv"),
    ({"style_cost": "grams"}, "wasserstein"),
    ({"keep_colors": "None"}, "luminance"),
    ({"size": "64"}, "size"),
    ({"steps": 0}, "steps"),
    ({"levels": 10**11}, "to 16"),
    ({"learning_rate": 0}, "from 0.001"),
    ({"seed": -1}, "seed"),
    ({"layer_weights": {}}, "style_layers"),
    ({"layer_weights": {"block1_conv1": 0.0}}, "0"),
    ({"style_layers": ["block1_conv1"], "layer_weights": [1, 2]}, "one for each"),
    ({"style_layers": ["block1_conv1", "block1_conv1"]}, "twice"),
    ({"style_weights": [0.0]}, "0"),
    (PICTURES | {"style_weights": [1.0] * 3}, "style_weights"),
    (PICTURES | {"style_scale": [1.0] * 3}, "style_scale"),
    ({"style_scale": [0]}, "from 0.001"),
    (PICTURES | {"style_mask": ["red"]}, "no mask"),
    ({"mask": ""}, "mask"),
    ({"gamma": 1.0}, "no option"),
]


def test_what_makes_no_sense_is_one_sentence():
    for fields, word in WRONG:
        with pytest.raises(SettingError, match=word) as error:
            TransferSpec().changed(**fields)
        assert "\n" not in str(error.value) and len(str(error.value)) < 500
