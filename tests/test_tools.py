"""The tools: training in small, the paintings, the benchmark."""

import json

import numpy as np
import pytest

from helpers import images, vgg
from helpers.weights import MINI
from tools import against, benchmark, judge, paint_styles, race
from tools.colab import card
from tools.mini import deep as mini_deep
from tools.mini import student as mini_student
from tools.mini import train as mini_train
from tools.mini.pictures import carved, photographs


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Random weights of VGG-19 to block5_conv1."""
    rng, arrays, n_in = np.random.default_rng(0), {}, 3
    for layer in mini_student.LAYERS:
        n_out = vgg.layer_table("vgg19")[layer].channels
        kernel = rng.normal(0, 1.4 / np.sqrt(9 * n_in), (3, 3, n_in, n_out))
        arrays[f"{layer}/kernel"] = kernel.astype(np.float32)
        arrays[f"{layer}/bias"] = rng.normal(0, 0.1, n_out).astype(np.float32)
        n_in = n_out
    path = tmp_path_factory.mktemp("teacher") / "vgg19.npz"
    np.savez(path, **arrays)
    return path


def train(teacher, output, *more):
    given = ["--teacher", teacher, "--output", output, "--quick", "--silent", *more]
    return mini_train.train(mini_train.parse([str(value) for value in given]))


def test_training_writes_a_network_that_helpers_load(teacher, tmp_path):
    output, report = tmp_path / "mini.npz", tmp_path / "report.json"
    train(teacher, output, "--steps", 2, "--report", report)
    with np.load(output, allow_pickle=False) as file:
        assert {array.dtype for array in file.values()} == {np.dtype(np.float16)}
    student = vgg.load("mini", weights=output)
    assert student.content_layer == "block4_conv2"
    assert student.style_layers == [f"block{i}_conv1" for i in range(1, 6)]
    real = vgg.load("vgg19", list(student.layers), weights=teacher)
    picture = images.load("cat", 64)
    a, b = student(picture), real(picture)
    np.testing.assert_allclose(a["block1_conv1"], b["block1_conv1"], rtol=1e-2, atol=0.5)
    for layer in student.layers:  # the factors alone come near, before any training
        assert np.corrcoef(np.ravel(a[layer]), np.ravel(b[layer]))[0, 1] > 0.3
    assert json.loads(report.read_text())["steps"] == 2
    assert not list(tmp_path.glob("*.checkpoint.npz"))


def test_training_is_deterministic(teacher, tmp_path):
    for name in ("one.npz", "two.npz"):
        train(teacher, tmp_path / name, "--steps", 1)
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / "two.npz") as two:
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])


def test_the_deep_half_is_trained_alone(teacher, tmp_path):
    given = {"teacher": teacher, "output": tmp_path / "deep.npz", "pictures": 8, "paintings": 6,
             "size": 64, "steps": 2, "learning-rate": 30}  # fmt: skip
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    assert mini_deep.train(mini_deep.parse(words)) == 2
    with np.load(MINI) as before, np.load(tmp_path / "deep.npz") as after:
        assert set(before) == set(after)
        for key in before:
            a, b = (file[key].astype(np.float32) for file in (before, after))
            same = np.allclose(a, b, rtol=2e-3, atol=2e-3 * np.abs(a).max())
            assert same == (key.split("/")[0] not in mini_deep.LAYER_WEIGHTS), key
    assert vgg.load("mini", weights=tmp_path / "deep.npz").content_layer == "block4_conv2"


def test_an_interrupted_training_goes_on(teacher, tmp_path, monkeypatch):
    output = tmp_path / "mini.npz"
    put, calls = mini_train.Easels.put, []

    def interrupt(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return put(self, *arguments)

    monkeypatch.setattr(mini_train.Easels, "put", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(teacher, output, "--steps", 3, "--save-every", 0)
    assert output.with_suffix(".checkpoint.npz").exists()
    assert output.exists()
    assert train(teacher, output, "--steps", 3)["steps"] == 3
    assert len(calls) == 4  # one step before the interruption, two after it


def test_the_embedded_network_is_small_and_shaped_as_the_script_trains_it():
    assert MINI.stat().st_size < 8e6
    with np.load(MINI, allow_pickle=False) as file:
        for layer, (r_in, r_out) in mini_student.RANKS.items():
            assert file[f"{layer}/kernel"].shape == (3, 3, r_in, r_out)


@pytest.mark.parametrize("name", ["woodblock_wave", "stained_glass"])
def test_the_bundled_painting_is_what_the_program_paints(name, tmp_path):
    paint_styles.main(["--output", str(tmp_path), "--only", name])
    painted, bundled = images.load(tmp_path / f"{name}.jpg"), images.load(name)
    assert np.abs(painted - bundled).mean() < 1  # JPEG libraries round differently


def test_the_benchmark_measures(tmp_path, capsys):
    given = ["--networks", "mini", "--sizes", "48", "--precisions", "float32", "bfloat16"]
    benchmark.main([*given, "--rounds", "1", "--json", str(tmp_path / "b.json")])
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert [row["precision"] for row in rows] == ["float32", "bfloat16"]
    assert rows[0]["ratio"] == 1
    assert all(row["ms_per_step"] > 0 and row["added_mb"] > 0 for row in rows)
    assert "ms/step" in capsys.readouterr().out


def test_the_benchmark_compares_a_grid_with_its_runs_and_measures_curvature(tmp_path):
    given = ["--networks", "mini", "--sizes", "48", "--rounds", "1", "--json", tmp_path / "b.json"]
    benchmark.main([str(word) for word in ("grid", *given, "--grid-steps", 4)])
    (row,) = json.loads((tmp_path / "b.json").read_text())
    assert 0 < row["whole_runs"][0] < 5
    assert 0 < row["steps_alone"][0] < 5
    benchmark.main([str(word) for word in ("curvature", "cat", "starry_swirls", *given)])
    (row,) = json.loads((tmp_path / "b.json").read_text())
    # J hardly curves along large areas of brightness, the finest grain and details of color.
    assert max(row["brightness"][0], row["brightness"][-1], *row["color"][7:]) < 0.3


def test_the_benchmark_names_what_passes_before_the_first_picture(tmp_path, capsys):
    given = ["--networks", "mini", "--sizes", "64", "--rounds", "1", "--json", tmp_path / "b.json"]
    benchmark.main([str(word) for word in ("first", *given)])
    (row,) = json.loads((tmp_path / "b.json").read_text())
    assert row["tracing and the first look"] > row["the first move"] > 0
    assert row["TensorFlow and Keras"] > row["pictures"] > 0
    assert "the first changed picture" in capsys.readouterr().out


def test_the_table_of_a_card_also_tells_what_does_not_fit(capsys, monkeypatch):
    """On a CPU it is small and says so; a row that fails does not end the others."""
    monkeypatch.setattr(card, "WAYS", (("float32", True), ("float99", False)))
    monkeypatch.setattr(card, "card", lambda: None)
    (xla, wrong) = card.table([48])["rows"]
    said = capsys.readouterr().out
    assert said.startswith("There is no GPU here: small pictures")
    assert "There is no precision 'float99'" in wrong["error"]
    assert xla["ms"] > 0
    assert 0 < xla["J"] < 10
    assert "48  float32 + XLA" in said
    assert "TensorFlow " in said


def test_the_race_takes_turns_and_reports(tmp_path, capsys):
    given = ["--against", "cat", "cubist_facets", "--networks", "mini", "--sizes", "48"]
    given += ["--steps", "12", "--seconds", "60", "--rounds", "2"]
    benchmark.main(
        [*given, "--json", str(tmp_path / "a.json"), "--figure", str(tmp_path / "a.jpg")]
    )
    found = json.loads((tmp_path / "a.json").read_text())
    assert [row["who"] for row in found["rows"]] == list(benchmark.RIVALS)
    assert all(row["peak_mb"] > 100 for row in found["rows"])
    ((first, second),) = found["races"].values()
    assert second["ours"]["seconds"] != first["ours"]["seconds"]
    # The first of the others that is as low as the lowest of them is the measure.
    lows = [row["ratio_low"] for row in found["rows"] if row["who"] not in race.OURS]
    assert min(low for low in lows if low is not None) == 1
    for row in found["rows"]:
        if row["ratio_to_goal"] and row["ratio_high"]:
            assert row["ratio_low"] <= row["ratio_to_goal"] <= row["ratio_high"]
    for name, log in first.items():
        assert log["seconds"] == sorted(log["seconds"])
        if name != "keras":  # whose constant rate is too much for a picture this small
            assert log["cost"][-1] < log["cost"][0]
    assert (tmp_path / "a.jpg").stat().st_size > 5000
    assert "the lowest J that one of the others reached" in capsys.readouterr().out


@pytest.mark.parametrize("rival", against.RIVALS.values())
def test_every_rival_lowers_the_same_cost(mini, rival):
    picture, style_picture = images.load("cat", 64), images.load("cubist_facets", 64)
    judge = against.Judge(picture, style_picture, mini, 1.0, 5.0)
    run, before = rival(judge), judge(picture)
    np.testing.assert_allclose(run.picture, picture, atol=1e-3)
    if rival is against.KerasExample:  # its rate is too much for a picture this small
        run.step()
        assert np.abs(run.picture - picture).mean() > 1
        return
    for _ in range(10):
        run.step()
    assert judge(run.picture) < (0.8 if rival is not against.Crowson else 1.0) * before
    assert run.picture.min() >= 0
    assert run.picture.max() <= 255


def test_reached_finds_the_first_time():
    log = {"seconds": [0, 1, 2], "steps": [0, 6, 9], "cost": [9.0, 3.0, 4.0]}
    assert race.reached(log, 3.0) == (1, 6)
    assert race.reached(log, 5.0) == (pytest.approx(2 / 3), 4)  # on the way there
    assert race.reached(log, 9.0) == (0, 0)
    assert race.reached(log, 1.0) is None


def test_the_yardstick_judges_with_vgg19(vgg19_weights):
    pairs = [("cat", "cubist_facets")]
    (row,) = judge.yardstick(pairs, vgg19_weights, size=64, steps=30)
    assert row["vgg19"] < row["start"]
    assert row["share"] > 0.85


def test_photographs_are_cut_out_of_resource_files(tmp_path):
    photo = images.load("cat", 300)
    flat = np.full((200, 200, 3), 9.0)
    data = b"".join([b"\0" * 33, images.encode(photo), b"qres", images.encode(photo, "webp")])
    (tmp_path / "things.rcc").write_bytes(data + images.encode(flat) + b"\xff\xd8\xff broken")
    found = list(carved((tmp_path / "things.rcc").read_bytes()))
    assert [picture.shape for picture in found] == [photo.shape] * 2
    assert np.abs(found[0] - photo).mean() < 8
    with_them = photographs(folders=[tmp_path])
    assert len(with_them) == len(photographs()) + 2
