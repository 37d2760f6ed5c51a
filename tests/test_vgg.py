"""Networks: structure, layers, precision.  Where their weights come from: test_weights.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import vgg
from helpers.errors import NetworkError, PictureError


@pytest.fixture(scope="module")
def two_blocks(tmp_path_factory):
    """A file of random weights that ends after block2_conv1, and its arrays."""
    rng = np.random.default_rng(0)
    arrays, channels_in = {}, 3
    for layer, row in list(vgg.layer_table("vgg19").items())[:3]:
        shape = (3, 3, channels_in, row.channels)
        arrays[f"{layer}/kernel"] = rng.normal(0, 0.05, shape).astype(np.float32)
        arrays[f"{layer}/bias"] = rng.normal(0, 0.05, row.channels).astype(np.float32)
        channels_in = row.channels
    path = tmp_path_factory.mktemp("weights") / "two_blocks.npz"
    np.savez(path, **arrays)
    return path, arrays


def test_layer_tables_agree_with_keras():
    for name, application in (
        ("vgg19", keras.applications.VGG19),
        ("vgg16", keras.applications.VGG16),
    ):
        model = application(weights=None, include_top=False, input_shape=(224, 224, 3))
        table = vgg.layer_table(name)
        convolutions = [layer for layer in model.layers if "conv" in layer.name]
        assert list(table) == [layer.name for layer in convolutions]
        for layer in convolutions:
            assert table[layer.name].channels == layer.output.shape[-1]
            assert table[layer.name].stride == 224 // layer.output.shape[1]


@pytest.mark.parametrize("name", ["vgg19", "mini"])
def test_receptive_fields_are_what_one_value_sees(name, two_blocks):
    """The gradient of one value reaches exactly as far as the table says."""
    layer = "block2_conv1"
    weights = two_blocks[0] if name == "vgg19" else None
    table = vgg.layer_table(name)
    model = vgg.load(name, [layer], pooling="average", weights=weights).model
    for variable in model.weights:  # positive weights let no relu swallow a gradient
        variable.assign(tf.ones_like(variable))
    x = tf.ones((1, 48, 48, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = model(x)[layer][0, 12, 12, 0]
    seen = tape.gradient(value, x).numpy()[0].any(axis=-1)
    assert seen.any(axis=0).sum() == seen.any(axis=1).sum() == table[layer].receptive_field


def test_preprocessing_is_keras_own(two_blocks):
    """RGB pictures through our network equal preprocess_input and the bare Keras model."""
    path, arrays = two_blocks
    picture = np.random.default_rng(1).uniform(0, 255, (1, 16, 20, 3)).astype(np.float32)
    network = vgg.load("vgg19", weights=path)
    base = keras.applications.VGG19(weights=None, include_top=False)
    for layer in ("block1_conv1", "block1_conv2", "block2_conv1"):
        base.get_layer(layer).set_weights([arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"]])
    reference = keras.Model(base.input, base.get_layer("block2_conv1").output)
    expected = reference(keras.applications.vgg19.preprocess_input(picture.copy()))
    np.testing.assert_allclose(network(picture)["block2_conv1"], expected, rtol=1e-3, atol=1e-3)


def test_a_network_is_only_as_deep_as_the_layers_asked_for(two_blocks):
    network = vgg.load("vgg19", ["block1_conv1"], weights=two_blocks[0])
    assert list(network.layers) == ["block1_conv1"]
    assert not [w for w in network.model.weights if "block1_conv2" in w.path]
    assert network.model.trainable_weights == []


def test_a_picture_without_batch_axis_gives_activations_without_one(mini, picture):
    alone, batch = mini(picture), mini(np.stack([picture, picture]))
    for layer, a in alone.items():
        assert a.shape[-1] == mini.layers[layer].channels
        np.testing.assert_allclose(batch[layer][1], a, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("pooling", vgg.POOLINGS)
def test_values_per_pixel_count_what_every_layer_holds(picture, pooling):
    network = vgg.load("mini", pooling=pooling)
    everything = keras.Model(network.model.input, [x.output for x in network.model.layers])
    square = np.zeros((1, 16, 16, 3), np.float32)
    sizes = [tf.size(a).numpy() / 16**2 for a in everything(square)]
    assert network.values_per_pixel() == pytest.approx(sizes)


def test_defaults_are_gatys_layers_as_far_as_they_exist(mini, two_blocks):
    gatys = [f"block{i}_conv1" for i in range(1, 6)]
    assert mini.style_layers == gatys
    assert mini.content_layer == "block4_conv2"
    assert list(mini.layers) == [*gatys[:4], "block4_conv2", "block5_conv1"]
    assert mini.stride == 16
    shallow = vgg.load("vgg19", weights=two_blocks[0])
    assert shallow.style_layers == ["block1_conv1", "block2_conv1"]
    assert shallow.stride == 2
    full = vgg.Network("vgg19", None, vgg.layer_table("vgg19"), "max", "float32", "")
    assert full.style_layers == gatys
    assert full.content_layer == "block4_conv2"
    to_block3 = {k: v for k, v in vgg.layer_table("vgg19").items() if k < "block4"}
    assert vgg.Network("vgg19", None, to_block3, "max", "float32", "").content_layer == (
        "block3_conv4"
    )


def test_minis_layers_are_vgg19s(mini):
    """The same names, channels, strides and receptive fields: a stand-in for each of them."""
    real = vgg.layer_table("vgg19")
    table = vgg.layer_table("mini")
    assert list(table) == list(real)[: len(table)]
    assert list(table)[-1] == "block5_conv1"
    assert all(row == real[layer] for layer, row in table.items())


def test_average_pooling_differs_from_max_pooling_behind_the_first_block(shallow, picture):
    most, mean = shallow, vgg.load("mini", list(shallow.layers), pooling="average")
    a, b = most(picture), mean(picture)
    np.testing.assert_array_equal(a["block1_conv1"], b["block1_conv1"])
    assert not np.allclose(a["block2_conv1"], b["block2_conv1"], rtol=1e-2)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_stays_close(mini, picture, precision):
    half = vgg.load("mini", precision=precision)(picture)
    for layer, a in mini(picture).items():
        assert half[layer].dtype == precision
        error = np.linalg.norm(tf.cast(half[layer], tf.float32) - a) / np.linalg.norm(a)
        assert 0 < error < 0.05


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_knows_a_pixel_to_a_hundredth(picture, precision):
    split = vgg._split(tf.constant(picture), precision)
    assert split.dtype == precision
    coarse, rest = tf.split(tf.cast(split, tf.float32), 2, axis=-1)
    np.testing.assert_allclose(coarse + rest, picture, atol=0.01)


def test_mini_follows_vgg19(mini, vgg19_weights, picture):
    real = vgg.load("vgg19", list(mini.layers), weights=vgg19_weights)(picture)
    for layer, a in mini(picture).items():
        b = real[layer].numpy()
        assert np.corrcoef(a.numpy().ravel(), b.ravel())[0, 1] > 0.7, layer


def test_real_vgg19_has_all_of_gatys_layers(vgg19_weights):
    network = vgg.load("vgg19", weights=vgg19_weights)
    assert network.style_layers == [f"block{i}_conv1" for i in range(1, 6)]
    assert network.content_layer == "block4_conv2"
    assert vgg.load("vgg19", ["block5_conv4"], weights=vgg19_weights).stride == 16


def test_max_pooling_is_tensorflows_own_within_a_network(monkeypatch, mini, picture):
    """What is quicker than TensorFlow may not be another network."""
    expected = mini(picture)
    monkeypatch.setattr(vgg, "MaxPooling", lambda **how: keras.layers.MaxPooling2D(**how))
    for layer, a in vgg.load("mini")(picture).items():
        np.testing.assert_array_equal(a, expected[layer])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "resnet"}, "no network 'resnet'"),
        ({"name": "mini", "layers": ["block9_conv1"]}, "no layer block9_conv1"),
        ({"name": "mini", "layers": []}, "No layer is asked for"),
        ({"name": "mini", "pooling": "median"}, "no pooling 'median'"),
        ({"name": "mini", "precision": "int8"}, "no precision 'int8'"),
    ],
)
def test_unknown_choices_are_clear_errors(arguments, sentence):
    with pytest.raises(NetworkError, match=sentence):
        vgg.load(**arguments)


def test_a_picture_that_is_pooled_away_is_refused(mini, shallow):
    mini(np.zeros((16, 16, 3), np.float32))
    with pytest.raises(PictureError, match="6 × 6 pixels is pooled away before block5_conv1: use"):
        mini(np.zeros((6, 6, 3), np.float32))
    with pytest.raises(PictureError, match="384 × 6 pixels is pooled away before block5_conv1"):
        mini(np.zeros((6, 384, 3), np.float32))
    shallow(np.zeros((2, 2, 3), np.float32))


@pytest.mark.parametrize("side", [48, 96])
def test_small_pictures_work_with_five_blocks(mini, side):
    a = mini(np.zeros((side, side, 3), np.float32))
    assert a["block5_conv1"].shape == (side // 16, side // 16, 512)


def test_auto_precision_is_bfloat16_on_a_cpu_that_has_it(two_blocks, monkeypatch):
    for able in (True, False):
        monkeypatch.setattr(vgg, "_multiplies_bfloat16", lambda able=able: able)
        for name, weights in (("mini", None), ("vgg19", two_blocks[0])):
            found = vgg.load(name, ["block1_conv1"], weights=weights, precision="auto")
            assert found.precision == ("bfloat16" if able else "float32")


@pytest.mark.parametrize(
    ("flags", "gpus", "able"),
    [
        ("flags : fpu avx512f avx512_bf16 amx_tile", [], True),
        ("flags : amx_bf16", [], True),
        ("flags : avx2", [], False),
        ("flags : avx512_bf16", ["a GPU"], False),
        (None, [], False),
    ],
)
def test_which_cpus_multiply_bfloat16(monkeypatch, tmp_path, flags, gpus, able):
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(flags)
    monkeypatch.setattr(vgg, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    assert vgg._multiplies_bfloat16() == able
