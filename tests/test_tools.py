"""The tools: training in small, the race, the sheet for the eye."""

import json

import numpy as np
import pytest
from conftest import made_up
from PIL import Image

from helpers import images, vgg
from tools import race
from tools.mini import factors, train
from tools.mini.pictures import carved


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Random weights of VGG-19 to block5_conv1."""
    path = tmp_path_factory.mktemp("teacher") / "vgg19.npz"
    np.savez(path, **made_up("vgg19", 1 + len(factors.RANKS)))
    return path


@pytest.fixture
def training(teacher, monkeypatch):
    """A function that trains a network in small: (output, its further options) → its losses."""
    photographs = [images.to_uint8(images.load(name, 200)) for name in ("cat", "building")]
    monkeypatch.setattr(train, "to_learn_from", lambda folders: photographs)
    small = ["--size", 64, "--paintings", 2, "--first-pictures", 24, "--underway", 2, "--batch", 2]

    def run(output, *more):
        given = ["--teacher", teacher, "--output", output, *small, *more]
        return train.train(train.parse([str(word) for word in given]))

    return run


@pytest.mark.slow
def test_training_writes_a_network_that_helpers_load_and_goes_on(training, teacher, tmp_path):
    output = tmp_path / "mini.npz"
    losses = training(output, "--steps", 2)
    assert np.shape(losses) == (2, 2) and np.isfinite(losses).all()
    with np.load(output, allow_pickle=False) as file:
        assert {array.dtype for array in file.values()} == {np.dtype(np.float16)}
        before = {key: file[key] for key in file.files}
    student = vgg.load("mini", weights=output)
    assert student.content_layer == "block4_conv2"
    assert student.style_layers == [f"block{i}_conv1" for i in range(1, 6)]
    real = vgg.load("vgg19", list(student.layers), weights=teacher)
    a, b = student(images.load("cat", 64)), real(images.load("cat", 64))
    np.testing.assert_allclose(a["block1_conv1"], b["block1_conv1"], rtol=1e-2, atol=0.5)
    for layer in student.layers:  # the factors alone come near, before any training
        assert np.corrcoef(np.ravel(a[layer]), np.ravel(b[layer]))[0, 1] > 0.3
    training(tmp_path / "same.npz", "--steps", 2)
    training(tmp_path / "on.npz", "--steps", 1, "--start", output)
    with np.load(tmp_path / "same.npz") as same, np.load(tmp_path / "on.npz") as on:
        for key in before:
            np.testing.assert_array_equal(same[key], before[key])  # it is deterministic
        assert any((on[key] != before[key]).any() for key in before)


def test_the_embedded_network_is_small_and_shaped_as_the_script_trains_it():
    assert vgg.MINI.stat().st_size < 8e6
    network = factors.read(vgg.MINI)
    for layer, (r_in, r_out) in factors.RANKS.items():
        assert network[layer][0][1].shape == (3, 3, r_in, r_out)
    picture = images.resize(images.load("cat", 64), 48, 64)
    theirs = np.maximum(factors.before_relu(network, picture[np.newaxis])["block5_conv1"][0], 0)
    ours = vgg.load("mini")(picture)["block5_conv1"]
    np.testing.assert_allclose(theirs, ours, atol=1e-3 * np.max(ours))


def call(tmp_path, *words):
    race.main([*map(str, words), "--json", str(tmp_path / "found.json")])
    return json.loads((tmp_path / "found.json").read_text())


@pytest.mark.slow
def test_the_race_takes_turns_and_reports(tmp_path, capsys):
    given = ["--networks", "mini", "--sizes", 48, "--precisions", "float32"]
    more = ["--seconds", 20, "--others", "tutorial", "gatys"]
    (found,) = call(tmp_path, "race", "cat", "cubist_facets", *given, *more).values()
    assert [row["who"] for row in found["rows"]] == ["tutorial", "gatys", "ours, mini in float32"]
    for log in found["logs"].values():
        assert log["seconds"] == sorted(log["seconds"]) and log["seconds"][-1] >= 20
        assert log["cost"][-1] < log["cost"][0]
    ratios = [row["ratio"] for row in found["rows"][:2]]
    assert min(ratio for ratio in ratios if ratio) == 1
    assert "seconds to the goal" in capsys.readouterr().out
    (first, second) = call(tmp_path, "steps", *given, "bfloat16", "--rounds", 1)
    assert first["ratio"] == 1 and second["milliseconds"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*race.OTHERS, "ours"])
def test_everybody_lowers_the_same_cost(mini, name):
    pictures = images.load("cat", 64), images.load("cubist_facets", 64)
    cost = race.Cost(*pictures, mini, 5.0)
    makers = race.OTHERS | {"ours": lambda cost: race.Ours(cost, mini)}
    rival, before = makers[name](cost), cost.judge(pictures[0])
    if name == "ours":
        assert rival.run.costs()["total"] == pytest.approx(before, rel=1e-4)
    np.testing.assert_allclose(rival.picture, pictures[0], atol=1e-3)
    for _ in range(1 if name == "keras" else 10):
        rival.step()
    assert np.abs(rival.picture - pictures[0]).mean() > 0.5
    # The rate of Keras' example is too much for a picture this small.
    assert name == "keras" or cost.judge(rival.picture) < before
    assert rival.picture.min() >= 0 and rival.picture.max() <= 255


def test_the_sheet_for_the_eye_has_every_candidate_under_a_letter(tmp_path):
    given = ["cat", "night_cafe", "cat", "building", "--output", tmp_path / "s.png"]
    key = call(tmp_path, "eye", *given)
    assert sorted(key) == ["A", "B"] and sorted(key.values()) == ["building", "cat"]
    assert json.loads((tmp_path / "s.key.json").read_text()) == key
    with Image.open(tmp_path / "s.png") as sheet:
        assert min(sheet.size) > 200


def test_photographs_are_cut_out_of_resource_files():
    photo, flat = images.load("cat", 300), np.full((200, 200, 3), 9.0)
    files = [images.encode(photo), images.encode(photo, "webp"), images.encode(flat)]
    found = list(carved(b"qres".join([b"\0" * 33, *files]) + b"\xff\xd8\xff broken"))
    assert [picture.shape for picture in found] == [photo.shape] * 2
    assert np.abs(found[0] - photo).mean() < 8
