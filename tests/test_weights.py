"""Weights: every source, and what goes wrong with each of them."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import vgg, weights
from helpers.errors import NetworkError, SettingError

# Keras says so of its own file.
quiet = pytest.mark.filterwarnings("ignore:Skipping nested container")


def made_up(name, layers=None, channels=lambda n_C: n_C):
    """Random weights {LAYER/kernel, LAYER/bias}, of the first layers of a VGG."""
    rng, arrays, channels_in = np.random.default_rng(0), {}, 3
    for layer in weights.vgg_layers(name)[:layers]:
        n_C = channels(weights.CHANNELS[int(layer[5]) - 1])
        kernel = rng.normal(0, 0.05, (3, 3, channels_in, n_C))
        arrays[f"{layer}/kernel"] = kernel.astype(np.float32)
        arrays[f"{layer}/bias"] = rng.normal(0, 0.05, n_C).astype(np.float32)
        channels_in = n_C
    return arrays


@pytest.fixture(scope="module")
def two_blocks(tmp_path_factory):
    """A file of random weights that ends after block2_conv1, and its arrays."""
    arrays = made_up("vgg19", 3)
    path = tmp_path_factory.mktemp("weights") / "two_blocks.npz"
    np.savez(path, **arrays)
    return path, arrays


@pytest.fixture
def keras_gives(monkeypatch):
    """Keras' way to a network raises this error; NST_WEIGHTS is not set."""

    def with_error(error, name="vgg19"):
        def refuse(weights, **_):
            raise error

        monkeypatch.setitem(weights._APPLICATIONS, name, refuse)

    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    return with_error


@pytest.fixture
def offline(keras_gives):
    keras_gives(Exception("URL fetch failure"))  # what Keras raises


def test_a_file_that_ends_early_is_a_shallow_network(two_blocks):
    network = vgg.load("vgg19", weights=two_blocks[0])
    assert list(network.layers) == ["block1_conv1", "block2_conv1"]
    with pytest.raises(NetworkError, match="no layer block4_conv2: choose from block1_conv1"):
        vgg.load("vgg19", ["block4_conv2"], weights=two_blocks[0])


def test_the_order_of_a_file_does_not_matter(tmp_path, two_blocks, picture):
    path, arrays = two_blocks
    backwards = tmp_path / "backwards.npz"
    np.savez(backwards, **dict(reversed(arrays.items())))
    one, other = (vgg.load("vgg19", weights=file)(picture) for file in (path, backwards))
    assert list(one) == list(other)
    for layer, a in one.items():
        np.testing.assert_array_equal(other[layer], a)


def test_weights_come_from_the_environment(monkeypatch, two_blocks):
    monkeypatch.setenv("NST_WEIGHTS", str(two_blocks[0]))
    assert vgg.load("vgg19").style_layers == ["block1_conv1", "block2_conv1"]
    assert vgg.load("auto").name == "vgg19"


def test_an_empty_environment_variable_is_not_given(monkeypatch, offline):
    monkeypatch.setenv("NST_WEIGHTS", "")
    assert vgg.load("auto", ["block1_conv1"]).name == "mini"


def test_the_description_says_which_layers_are_read_and_from_which_weights(two_blocks, mini):
    description = vgg.load("vgg19", ["block1_conv2"], weights=two_blocks[0]).description
    for said in ("VGG-19", "block1_conv2", "two_blocks.npz"):
        assert said in description
    for said in ("mini", "stand-in for VGG-19", "block5_conv1", "embedded"):
        assert said in mini.description


def test_the_description_says_when_layers_have_8_bits(tmp_path, two_blocks):
    path, arrays = tmp_path / "rough.npz", two_blocks[1]
    rough = np.round(arrays["block2_conv1/kernel"], 2)
    np.savez(path, **arrays | {"block2_conv1/kernel": rough})
    assert "1 of its layers in 8 bits" in vgg.load("vgg19", weights=path).description
    assert "8 bits" not in vgg.load("vgg19", weights=two_blocks[0]).description


@quiet
@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_an_h5_file_of_keras_is_read(tmp_path, name):
    base = weights._APPLICATIONS[name](weights=None, include_top=False)
    path = tmp_path / f"{name}.weights.h5"
    base.save_weights(path)
    network = vgg.load(name, ["block1_conv1"], weights=path)
    np.testing.assert_array_equal(
        network.model.get_layer("block1_conv1").get_weights()[0],
        base.get_layer("block1_conv1").get_weights()[0],
    )
    other, title = {"vgg16": ("vgg19", "VGG-19"), "vgg19": ("vgg16", "VGG-16")}[name]
    with pytest.raises(NetworkError, match=f"does not hold {title}'s weights"):
        vgg.load(other, weights=path)


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_a_file_of_one_vgg_is_refused_as_the_other(tmp_path, name):
    """Thin layers: it is their names that tell them apart."""
    path = tmp_path / f"{name}.npz"
    np.savez(path, **made_up(name, channels=lambda n_C: n_C // 32))
    other = {"vgg16": "vgg19", "vgg19": "vgg16"}[name]
    with pytest.raises(NetworkError, match=f"not {weights.TITLES[other]}'s: choose another"):
        vgg.load(other, weights=path)
    assert vgg.load(name, weights=path).content_layer == "block4_conv2"


def test_vgg_and_mini_are_not_taken_for_each_other(two_blocks):
    with pytest.raises(NetworkError, match="not mini's: choose another network"):
        vgg.load("mini", weights=two_blocks[0])
    for name in ("vgg19", "vgg16"):
        with pytest.raises(NetworkError, match=r"not VGG-1.'s: choose another network"):
            vgg.load(name, weights=weights.MINI)


def test_auto_falls_back_to_mini_and_says_so(offline):
    network = vgg.load("auto", ["block1_conv1"])
    assert network.name == "mini"
    assert "VGG-19's weights could not be downloaded" in network.description


def test_auto_keeps_the_precision_and_the_pooling_that_were_asked_for(offline):
    network = vgg.load("auto", ["block1_conv1"], pooling="average", precision="bfloat16")
    assert (network.name, network.precision, network.pooling) == ("mini", "bfloat16", "average")


def test_vgg19_offline_is_a_clear_error(offline):
    with pytest.raises(NetworkError, match="could not be downloaded: connect to the internet"):
        vgg.load("vgg19")


def test_weights_by_path_never_fall_back(offline, tmp_path, monkeypatch):
    with pytest.raises(NetworkError, match="weights file"):
        vgg.load("auto", weights=tmp_path / "absent.npz")
    monkeypatch.setenv("NST_WEIGHTS", str(tmp_path / "absent.npz"))
    with pytest.raises(NetworkError, match="weights file"):
        vgg.load("auto")


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")]
)
def test_too_little_memory_is_not_called_a_failed_download(keras_gives, error):
    keras_gives(error)
    for name in ("vgg19", "auto"):
        with pytest.raises(SettingError, match="not enough memory"):
            vgg.load(name)


def test_too_little_memory_for_a_file_is_said(monkeypatch, two_blocks):
    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(SettingError, match="not enough memory"):
        vgg.load("vgg19", weights=two_blocks[0])


def encrypted(data):
    """The .npz with the flag of an encrypted file set in each of its headers."""
    found = bytearray(data)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = found.find(signature)
        while at >= 0:
            found[at + flags] |= 1
            at = found.find(signature, at + 4)
    return bytes(found)


def unknown_compression(data):
    """The .npz as if packed by a method that Python's zipfile does not know."""
    found = bytearray(data)
    for signature, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = found.find(signature)
        while at >= 0:
            found[at + method] = 97
            at = found.find(signature, at + 4)
    return bytes(found)


def a_bit_flipped(data):
    found = bytearray(data)
    found[len(found) // 2] ^= 4
    return bytes(found)


DAMAGES = {
    "empty": lambda data: b"",
    "text": lambda data: b"<!DOCTYPE html>",
    "cut": lambda data: data[: len(data) // 2],
    "end lost": lambda data: data[:-30],
    "a bit flipped": a_bit_flipped,
    "encrypted": encrypted,
    "unknown compression": unknown_compression,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_clear_errors(tmp_path, two_blocks, damage):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(DAMAGES[damage](two_blocks[0].read_bytes()))
    for name in ("vgg19", "auto", "mini"):
        with pytest.raises(NetworkError, match="damaged"):
            vgg.load(name, weights=bad)


def test_random_damage_is_a_clear_error_or_harmless(tmp_path):
    """Bytes anywhere, also in the headers, which no checksum covers."""
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    np.savez_compressed(good, **made_up("vgg19", 3, channels=lambda n_C: n_C // 16))
    rng, data, refused = np.random.default_rng(0), good.read_bytes(), 0
    for _ in range(300):
        damaged = bytearray(data)
        at = rng.integers(0, len(data)) if rng.random() < 0.5 else -1 - rng.integers(0, 400)
        damaged[at] = rng.integers(0, 256)
        bad.write_bytes(damaged)
        try:
            weights.read("vgg19", bad)
        except NetworkError:
            refused += 1
    assert refused > 100


def test_arrays_that_are_no_network_are_clear_errors(tmp_path, two_blocks):
    _, arrays = two_blocks
    bad = tmp_path / "bad.npz"
    np.save(tmp_path / "bad.npy", np.zeros(3))
    (tmp_path / "bad.npy").rename(bad)
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=bad)
    with zipfile.ZipFile(bad, "w") as file:
        file.writestr("block1_conv1/kernel", "no array")
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=bad)
    np.savez(bad, something=np.zeros(3))
    with pytest.raises(NetworkError, match="hold no layer"):
        vgg.load("vgg19", weights=bad)
    np.savez(bad, **arrays | {"block1_conv2/kernel": np.zeros((3, 3, 64, 32), np.float32)})
    with pytest.raises(NetworkError, match="wrong shapes at block1_conv2"):
        vgg.load("vgg19", weights=bad)
    for shape in ((), (3,), (3, 3)):
        np.savez(bad, **arrays | {"block1_conv2/kernel": np.zeros(shape, np.float32)})
        with pytest.raises(NetworkError, match="wrong shapes at block1_conv2"):
            vgg.load("vgg19", weights=bad)
    np.savez(bad, **{k: v for k, v in arrays.items() if k != "block1_conv1/bias"})
    with pytest.raises(NetworkError, match="lack"):
        vgg.load("vgg19", weights=bad)
    np.savez(bad, **{k: v for k, v in arrays.items() if k != "block1_conv2/kernel"})
    with pytest.raises(NetworkError, match="lack block1_conv2, so they are not VGG-19's"):
        vgg.load("vgg19", weights=bad)
    bad.with_suffix(".h5").write_bytes(b"not HDF5")
    with pytest.raises(NetworkError, match="check the file"):
        vgg.load("vgg19", weights=bad.with_suffix(".h5"))


def test_pickled_weights_are_refused(tmp_path):
    path = tmp_path / "pickle.npz"
    np.savez(path, **{"block1_conv1/kernel": np.array([{"an": "object"}], dtype=object)})
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=path)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_names_that_are_no_file_are_clear_errors(tmp_path, suffix):
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    for path in (tmp_path / ("x" * 300 + suffix), f"nul\0byte{suffix}", folder):
        with pytest.raises(NetworkError, match=r"weights file|is no name"):
            vgg.load("vgg19", weights=path)


@quiet
def test_vgg16_with_random_weights_is_keras_own(tmp_path, picture):
    """Its real weights were not at hand for these tests; the structure is what they check."""
    base = keras.applications.VGG16(weights=None, include_top=False)
    path = tmp_path / "vgg16.weights.h5"
    base.save_weights(path)
    network = vgg.load("vgg16", weights=path)
    assert list(network.layers) == [
        *(f"block{block}_conv1" for block in range(1, 5)),
        "block4_conv2",
        "block5_conv1",
    ]
    batch = picture[np.newaxis]
    expected = keras.Model(base.input, base.get_layer("block5_conv1").output)(
        keras.applications.vgg16.preprocess_input(batch.copy())
    )
    scale = np.abs(expected).max()
    found = network(batch)["block5_conv1"]
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-4)
