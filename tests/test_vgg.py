"""Networks: structure, layers, precision, and where their weights come from."""

import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import DAMAGES, made_up, make_picture
from test_costs import value_and_gradient

from helpers import vgg
from helpers.errors import NetworkError, PictureError, SettingError

GATYS = [f"block{i}_conv1" for i in range(1, 6)]
VGGS = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}
HALVES = pytest.mark.parametrize("precision", ["bfloat16", "float16"])
# Keras says so of its own file.
quiet = pytest.mark.filterwarnings("ignore:Skipping nested container")


@pytest.fixture(scope="module")
def two_blocks(tmp_path_factory):
    """A file of random weights that ends after block2_conv1, and its arrays."""
    arrays = made_up("vgg19", 3)
    path = tmp_path_factory.mktemp("weights") / "two_blocks.npz"
    np.savez(path, **arrays)
    return path, arrays


@quiet
@pytest.mark.parametrize("name", VGGS)
def test_it_is_keras_network(name, tmp_path, picture):
    """Layer tables, preprocessing, structure, and a .h5 file, with random weights."""
    base = VGGS[name](weights=None, include_top=False, input_shape=(224, 224, 3))
    table = vgg.layer_table(name)
    convolutions = [layer for layer in base.layers if "conv" in layer.name]
    assert list(table) == [layer.name for layer in convolutions]
    for layer in convolutions:
        assert table[layer.name].channels == layer.output.shape[-1]
        assert table[layer.name].stride == 224 // layer.output.shape[1]
    base = VGGS[name](weights=None, include_top=False)
    base.save_weights(path := tmp_path / f"{name}.weights.h5")
    network = vgg.load(name, weights=path)
    assert list(network.layers) == [*GATYS[:4], "block4_conv2", "block5_conv1"]
    batch = picture[np.newaxis, :32]  # of 32 × 48 pixels nothing needs to be continued
    expected = keras.Model(base.input, base.get_layer("block5_conv1").output)(
        keras.applications.vgg19.preprocess_input(batch.copy())
    )
    scale = np.abs(expected).max()
    found = network(batch)["block5_conv1"]
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-4)
    with pytest.raises(NetworkError, match="does not hold"):
        vgg.load({"vgg16": "vgg19", "vgg19": "vgg16"}[name], weights=path)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_receptive_fields_are_what_one_value_sees(pooling):
    """The gradient of one value reaches exactly as far as the table says."""
    layer, network = "block2_conv1", vgg.load("mini", ["block2_conv1"], pooling)
    for variable in network.model.weights:  # positive weights let no relu swallow a gradient
        variable.assign(tf.ones_like(variable))
    # Many pictures, because max-pooling looks at one place of four in each of them.
    x = tf.random.Generator.from_seed(0).uniform((64, 48, 48, 3))
    _, gradient = value_and_gradient(lambda x: tf.reduce_sum(network.model(x)[layer][:, 12, 12]), x)
    seen = gradient.numpy().any(axis=(0, -1))
    assert seen.any(axis=0).sum() == seen.any(axis=1).sum()
    assert seen.any(axis=0).sum() == network.layers[layer].receptive_field


def test_defaults_are_gatys_layers_as_far_as_they_exist(mini, two_blocks):
    assert mini.style_layers == GATYS
    assert mini.content_layer == "block4_conv2"
    assert list(mini.layers) == [*GATYS[:4], "block4_conv2", "block5_conv1"]
    assert mini.stride == 16
    real, table = vgg.layer_table("vgg19"), vgg.layer_table("mini")
    assert list(real.items())[: len(table)] == list(table.items())  # a stand-in for each of them
    shallow = vgg.load("vgg19", weights=two_blocks[0])
    assert shallow.style_layers == ["block1_conv1", "block2_conv1"]
    assert shallow.content_layer == "block2_conv1"
    assert shallow.stride == 2
    to_block3 = {k: v for k, v in vgg.layer_table("vgg19").items() if k < "block4"}
    network = vgg.Network("vgg19", None, to_block3, "max", "float32", "")
    assert network.content_layer == "block3_conv4"
    network = vgg.load("vgg19", ["block1_conv1"], weights=two_blocks[0])
    assert list(network.layers) == ["block1_conv1"]  # and nothing deeper is computed
    assert not [w for w in network.model.weights if "block1_conv2" in w.path]
    assert network.model.trainable_weights == []


def test_pictures_of_any_kind_and_size(mini, picture):
    """Without batch axis, in a batch, as other types; n_H is the height over the stride, up."""
    alone, batch = mini(picture), mini(tf.constant([picture, picture]))
    whole = np.rint(picture)
    for layer, a in alone.items():
        np.testing.assert_allclose(batch[layer][1], a, rtol=1e-4, atol=1e-3)
        np.testing.assert_array_equal(mini(whole.astype(np.uint8))[layer], mini(whole)[layer])
    for height, width in ((16, 16), (17, 31), (48, 33)):
        for layer, a in mini(np.zeros((height, width, 3), np.float32)).items():
            stride = mini.layers[layer].stride
            n_H, n_W = -(-height // stride), -(-width // stride)
            assert a.shape == (n_H, n_W, mini.layers[layer].channels)
    for height, width in ((6, 6), (6, 384)):
        with pytest.raises(PictureError, match=f"{width} × {height}.*block5_conv1"):
            mini(np.zeros((height, width, 3), np.float32))
    whole = whole[:32]  # of 32 × 48 pixels nothing needs to be continued
    average = vgg.load("mini", ["block1_conv1", "block2_conv1"], pooling="average")(whole)
    np.testing.assert_array_equal(average["block1_conv1"], mini(whole)["block1_conv1"])
    assert not np.allclose(average["block2_conv1"], mini(whole)["block2_conv1"], rtol=1e-2)


@HALVES
def test_half_precision_stays_close_and_sees_a_hundredth_of_a_level(mini, picture, precision):
    half = vgg.load("mini", precision=precision)
    for (layer, a), b in zip(mini(picture).items(), half(picture).values(), strict=True):
        assert b.dtype == precision
        assert 0 < tf.norm(tf.cast(b, tf.float32) - a) / tf.norm(a) < 0.05, layer
    # Near 200 bfloat16 knows every second level only; the pixels come in two parts.
    bright, brighter = (np.full((16, 16, 3), level, np.float32) for level in (201.0, 201.3))
    rise, exact = (
        tf.norm(tf.cast(n(brighter)["block1_conv1"] - n(bright)["block1_conv1"], tf.float32))
        for n in (half, mini)
    )
    assert 0.5 * exact < rise < 2 * exact


def test_auto_precision_is_bfloat16_on_a_cpu_that_has_it(monkeypatch, tmp_path):
    monkeypatch.setattr(vgg, "Path", lambda _: tmp_path / "cpuinfo")
    for flags, gpus, found in (
        ("flags : fpu avx512f avx512_bf16 amx_tile", [], "bfloat16"),
        ("flags : amx_bf16", [], "bfloat16"),
        ("flags : avx2", [], "float32"),
        ("flags : avx512_bf16", ["a GPU"], "float32"),
    ):
        (tmp_path / "cpuinfo").write_text(flags)
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, gpus=gpus: gpus)
        assert vgg.load("mini", ["block1_conv1"], precision="auto").precision == found


@pytest.mark.real
def test_mini_follows_the_real_vgg19(mini, vgg19_weights, picture):
    real = vgg.load("vgg19", weights=vgg19_weights)
    assert (real.style_layers, real.content_layer, real.stride) == (GATYS, "block4_conv2", 16)
    expected = real(picture)
    for layer, a in mini(picture).items():
        b = expected[layer].numpy()
        assert np.corrcoef(a.numpy().ravel(), b.ravel())[0, 1] > 0.7, layer


def keras_raises(monkeypatch, error):
    """Keras' way to VGG-19 ends in this error; NST_WEIGHTS is not set."""

    def refuse(*_, **__):
        raise error

    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    monkeypatch.setattr(keras.applications, "VGG19", refuse)
    return refuse


def test_a_file_may_end_early_and_be_in_any_order(tmp_path, two_blocks):
    path, arrays = two_blocks
    backwards = tmp_path / "backwards.npz"
    np.savez(backwards, **dict(reversed(arrays.items())))
    one, other = (vgg.load("vgg19", weights=file) for file in (path, backwards))
    assert list(one.layers) == list(other.layers) == ["block1_conv1", "block2_conv1"]
    x = make_picture(1, 8, 9)
    np.testing.assert_array_equal(other(x)["block2_conv1"], one(x)["block2_conv1"])
    for said in ("VGG-19", "block2_conv1", "two_blocks.npz"):
        assert said in one.description
    with pytest.raises(NetworkError, match="block4_conv2"):
        vgg.load("vgg19", ["block4_conv2"], weights=path)


def test_weights_come_from_the_environment(monkeypatch, two_blocks, tmp_path):
    keras_raises(monkeypatch, Exception("URL fetch failure"))  # what it raises offline
    monkeypatch.setenv("NST_WEIGHTS", str(two_blocks[0]))
    assert vgg.load("auto").name == "vgg19"
    assert vgg.load("vgg19").style_layers == ["block1_conv1", "block2_conv1"]
    monkeypatch.setenv("NST_WEIGHTS", "")  # offline: mini, otherwise as it was asked for
    network = vgg.load("auto", ["block1_conv1"], pooling="average", precision="bfloat16")
    assert (network.name, network.precision, network.pooling) == ("mini", "bfloat16", "average")
    for said in ("mini", "stand-in for VGG-19", "block1_conv1", "embedded", "downloaded"):
        assert said in network.description
    with pytest.raises(NetworkError, match="connect"):
        vgg.load("vgg19")
    monkeypatch.setenv("NST_WEIGHTS", str(tmp_path / "absent.npz"))
    for how in ({}, {"weights": tmp_path / "absent.npz"}):  # given by path, it never falls back
        with pytest.raises(NetworkError, match="weights file"):
            vgg.load("auto", **how)


def test_networks_are_not_taken_for_each_other(tmp_path, two_blocks):
    """Thin layers: it is their names that tell the VGGs apart."""
    for name, other in (("vgg16", "vgg19"), ("vgg19", "vgg16")):
        np.savez(path := tmp_path / f"{name}.npz", **made_up(name, thinner=32))
        assert vgg.load(name, weights=path).content_layer == "block4_conv2"
        for wrong in (path, vgg.MINI):
            with pytest.raises(NetworkError, match="choose another network"):
                vgg.load(other, weights=wrong)
    with pytest.raises(NetworkError, match="choose another network"):
        vgg.load("mini", weights=two_blocks[0])


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")]
)
def test_too_little_memory_is_said(monkeypatch, two_blocks, error):
    keras_raises(monkeypatch, error)
    for how in ({"name": "vgg19"}, {"name": "auto"}):
        with pytest.raises(SettingError, match="memory"):
            vgg.load(**how)
    monkeypatch.setattr(np, "load", keras_raises(monkeypatch, MemoryError()))
    for how in ({"name": "mini"}, {"weights": two_blocks[0]}):
        with pytest.raises(SettingError, match="memory"):
            vgg.load(**how)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_network_errors(tmp_path, two_blocks, damage):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(DAMAGES[damage](two_blocks[0].read_bytes()))
    for name in ("vgg19", "auto", "mini"):
        with pytest.raises(NetworkError, match="damaged"):
            vgg.load(name, weights=bad)


def test_random_damage_is_a_network_error_or_harmless(tmp_path):
    """Bytes anywhere, also in the headers, which no checksum covers."""
    np.savez_compressed(good := tmp_path / "good.npz", **made_up("vgg19", 1, thinner=16))
    rng, data, refused = np.random.default_rng(0), good.read_bytes(), 0
    for _ in range(100):
        damaged = bytearray(data)
        at = rng.integers(0, len(data)) if rng.random() < 0.5 else -1 - rng.integers(0, 200)
        damaged[at] = rng.integers(0, 256)
        good.write_bytes(damaged)
        try:
            vgg.load("vgg19", ["block1_conv1"], weights=good)
        except NetworkError:
            refused += 1
    assert refused > 30


def test_an_old_keras_is_refused():
    code = "import keras; keras.__version__ = '2.15.0'; import helpers.vgg"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "SetupError: Keras 2.15.0 is too old" in done.stderr


def test_what_is_no_network_is_a_network_error(tmp_path):
    arrays, bad = made_up("vgg19", 3, thinner=16), tmp_path / "bad.npz"
    kernel = "block1_conv2/kernel"
    others = [
        {"something": np.zeros(3)},
        {kernel: np.array([{"an": "object"}], dtype=object)},  # is never unpickled
        {kernel: np.full((3, 3, 4, 4), "text")},
        *({kernel: np.zeros(shape)} for shape in ((), (3,), (3, 3), (0, 0, 4, 4), (3, 3, 4, 0))),
        {kernel: np.zeros((3, 3, 4, 2))},
        {kernel: np.zeros((3, 3, 2, 4))},  # half the channels that there are
        {"block1_conv2/a/kernel": arrays[kernel]},
        {"block9_conv1/kernel": arrays[kernel]},
    ]
    for other in others:
        np.savez(bad, **arrays | other)
        with pytest.raises(NetworkError):
            vgg.load("vgg19", weights=bad)
    for layers in (["block9_conv1"], []):
        with pytest.raises(NetworkError, match="layer"):
            vgg.load("mini", layers)
    for how in ({"name": "resnet"}, {"pooling": "m"}, {"precision": "int8"}):
        with pytest.raises(SettingError, match="choose"):
            vgg.load(**{"name": "mini"} | how)
    for missing in arrays:
        np.savez(bad, **{name: array for name, array in arrays.items() if name != missing})
        with pytest.raises(NetworkError, match="check the file"):
            vgg.load("vgg19", weights=bad)
    with zipfile.ZipFile(bad, "w") as file:
        file.writestr("block1_conv1/kernel", "no array")
    (text := tmp_path / "text.h5").write_bytes(b"not HDF5")
    for suffix in (".npz", ".h5"):
        (tmp_path / f"folder{suffix}").mkdir()
    names = [tmp_path / ("x" * 300 + ".npz"), "nul\0byte.npz", "nul\0byte.h5", "none.h5"]
    for path in (bad, text, *tmp_path.glob("folder*"), *names):
        with pytest.raises(NetworkError):
            vgg.load("vgg19", weights=path)
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("mini", weights=text)
