"""Networks: structure, weights from every source, and what goes wrong with them."""

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


@pytest.mark.parametrize("name", ["vgg16", "mini"])
def test_receptive_fields_are_what_one_value_sees(name):
    """The gradient of one value reaches exactly as far as the table says."""
    table = vgg.layer_table(name)
    layer = "block2_conv1"
    if name == "mini":
        model = vgg.load("mini", [layer], pooling="average").model
    else:
        base = keras.applications.VGG16(weights=None, include_top=False)
        model = vgg._rebuild(base, {layer: table[layer]}, "average", "float32")
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
    assert mini.style_layers == ["block1_conv1", "block2_conv1", "block3_conv1"]
    assert mini.content_layer.startswith("block3_")
    shallow = vgg.load("vgg19", weights=two_blocks[0])
    assert shallow.style_layers == ["block1_conv1", "block2_conv1"]
    full = vgg.Network("vgg19", None, vgg.layer_table("vgg19"), "max", "float32", "")
    assert full.style_layers == [f"block{i}_conv1" for i in range(1, 6)]
    assert full.content_layer == "block4_conv2"


def test_average_pooling_differs_from_max_pooling_behind_the_first_block(picture):
    most, mean = vgg.load("mini"), vgg.load("mini", pooling="average")
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
        assert np.corrcoef(a.numpy().ravel(), b.ravel())[0, 1] > 0.7


def test_vgg19_of_blocks_1_to_3_names_what_it_has(vgg19_weights):
    network = vgg.load("vgg19", weights=vgg19_weights)
    assert network.content_layer == "block3_conv4"
    with pytest.raises(NetworkError, match="no layer block4_conv2: choose from block1_conv1"):
        vgg.load("vgg19", ["block4_conv2"], weights=vgg19_weights)


def test_weights_come_from_the_environment(monkeypatch, two_blocks):
    monkeypatch.setenv("NST_WEIGHTS", str(two_blocks[0]))
    assert vgg.load("vgg19").style_layers == ["block1_conv1", "block2_conv1"]
    assert vgg.load("auto").name == "vgg19"


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras, of its own file
def test_an_h5_file_of_keras_is_read(tmp_path):
    base = keras.applications.VGG16(weights=None, include_top=False)
    path = tmp_path / "vgg16.weights.h5"
    base.save_weights(path)
    network = vgg.load("vgg16", ["block1_conv1"], weights=path)
    np.testing.assert_array_equal(
        network.model.get_layer("block1_conv1").get_weights()[0],
        base.get_layer("block1_conv1").get_weights()[0],
    )
    with pytest.raises(NetworkError, match="does not hold VGG-19's weights"):
        vgg.load("vgg19", weights=path)


@pytest.fixture
def offline(monkeypatch):
    def refuse(weights, **_):
        raise Exception("URL fetch failure")  # what Keras raises

    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    monkeypatch.setitem(vgg._APPLICATIONS, "vgg19", refuse)


def test_auto_falls_back_to_mini_and_says_so(offline):
    network = vgg.load("auto")
    assert network.name == "mini"
    assert "VGG-19's weights could not be downloaded" in network.description


def test_vgg19_offline_is_a_clear_error(offline):
    with pytest.raises(NetworkError, match="could not be downloaded: connect to the internet"):
        vgg.load("vgg19")


def test_weights_by_path_never_fall_back(offline, tmp_path):
    with pytest.raises(NetworkError, match="no weights file"):
        vgg.load("auto", weights=tmp_path / "absent.npz")


def test_damaged_weights_are_clear_errors(tmp_path, two_blocks):
    path, arrays = two_blocks
    bad = tmp_path / "bad.npz"
    bad.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=bad)
    bad.write_bytes(b"")
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=bad)
    np.save(tmp_path / "bad.npy", np.zeros(3))
    (tmp_path / "bad.npy").rename(bad)
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=bad)
    np.savez(bad, something=np.zeros(3))
    with pytest.raises(NetworkError, match="hold no layer"):
        vgg.load("vgg19", weights=bad)
    np.savez(bad, **arrays | {"block1_conv2/kernel": np.zeros((3, 3, 64, 32), np.float32)})
    with pytest.raises(NetworkError, match="wrong shapes at block1_conv2"):
        vgg.load("vgg19", weights=bad)
    np.savez(bad, **{k: v for k, v in arrays.items() if k != "block1_conv1/bias"})
    with pytest.raises(NetworkError, match="lack"):
        vgg.load("vgg19", weights=bad)
    bad.with_suffix(".h5").write_bytes(b"not HDF5")
    with pytest.raises(NetworkError, match="check the file"):
        vgg.load("vgg19", weights=bad.with_suffix(".h5"))


def test_pickled_weights_are_refused(tmp_path):
    path = tmp_path / "pickle.npz"
    np.savez(path, **{"block1_conv1/kernel": np.array([{"an": "object"}], dtype=object)})
    with pytest.raises(NetworkError, match="damaged"):
        vgg.load("vgg19", weights=path)


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


def test_a_picture_that_is_pooled_away_is_refused(mini):
    mini(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(PictureError, match="pooled away before block3_conv3"):
        mini(np.zeros((3, 8, 3), np.float32))


def test_auto_precision_is_bfloat16_only_for_vgg_on_a_cpu_that_has_it(vgg19_weights, monkeypatch):
    assert vgg.load("mini", precision="auto").precision == "float32"
    for able in (True, False):
        monkeypatch.setattr(vgg, "_multiplies_bfloat16", lambda able=able: able)
        found = vgg.load("vgg19", weights=vgg19_weights, precision="auto")
        assert found.precision == ("bfloat16" if able else "float32")
