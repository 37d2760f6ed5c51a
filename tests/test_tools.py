"""The tools: training in small, the paintings, the benchmark."""

import json

import numpy as np
import pytest

from helpers import images, vgg
from tools import against, benchmark, paint_styles, train_mini


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Random weights of VGG-19's first seven layers."""
    rng, arrays, n_in = np.random.default_rng(0), {}, 3
    for layer in train_mini.LAYERS:
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
    return train_mini.train(train_mini.parse([str(value) for value in given]))


def test_training_writes_a_network_that_helpers_load(teacher, tmp_path):
    output, report = tmp_path / "mini.npz", tmp_path / "report.json"
    train(teacher, output, "--steps", 2, "--report", report)
    with np.load(output, allow_pickle=False) as file:
        assert {array.dtype for array in file.values()} == {np.dtype(np.float16)}
    student = vgg.load("mini", weights=output)
    assert student.content_layer == "block3_conv3"
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


def test_an_interrupted_training_goes_on(teacher, tmp_path, monkeypatch):
    output = tmp_path / "mini.npz"
    put, calls = train_mini.Easels.put, []

    def interrupt(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return put(self, *arguments)

    monkeypatch.setattr(train_mini.Easels, "put", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(teacher, output, "--steps", 3, "--save-every", 0)
    assert output.with_suffix(".checkpoint.npz").exists()
    assert output.exists()
    assert train(teacher, output, "--steps", 3)["steps"] == 3
    assert len(calls) == 4  # one step before the interruption, two after it


def test_the_embedded_network_is_small_and_shaped_as_the_script_trains_it():
    assert vgg.MINI_WEIGHTS.stat().st_size < 2.5e6
    with np.load(vgg.MINI_WEIGHTS, allow_pickle=False) as file:
        for layer, (r_in, r_out) in train_mini.RANKS.items():
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


def test_the_benchmark_compares_xla_and_a_grid_with_its_runs(tmp_path):
    given = ["--networks", "mini", "--sizes", "48", "--rounds", "1", "--json", tmp_path / "b.json"]
    benchmark.main([str(word) for word in (*given, "--precisions", "float32", "--xla")])
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert [row["precision"] for row in rows] == ["float32", "float32 XLA"]
    benchmark.main([str(word) for word in ("grid", *given, "--grid-steps", 4)])
    (row,) = json.loads((tmp_path / "b.json").read_text())
    assert 0 < row["whole_runs"][0] < 5
    assert 0 < row["steps_alone"][0] < 5
    benchmark.main([str(word) for word in ("curvature", "cat", "starry_swirls", *given)])
    (row,) = json.loads((tmp_path / "b.json").read_text())
    # J hardly curves along large areas of brightness, the finest grain and details of color.
    assert max(row["brightness"][1], row["brightness"][-1], *row["color"][7:]) < 0.3


def test_the_race_takes_turns_and_reports(tmp_path, capsys):
    given = ["--against", "cat", "cubist_facets", "--networks", "mini", "--sizes", "48"]
    given += ["--steps", "12", "--seconds", "3", "--rounds", "2"]
    benchmark.main(
        [*given, "--json", str(tmp_path / "a.json"), "--figure", str(tmp_path / "a.jpg")]
    )
    found = json.loads((tmp_path / "a.json").read_text())
    assert [row["who"] for row in found["rows"]] == list(benchmark.RIVALS)
    assert all(row["peak_mb"] > 100 for row in found["rows"])
    ((race, second),) = found["races"].values()
    assert second["ours"]["seconds"] != race["ours"]["seconds"]
    assert found["rows"][0]["ratio_low"] == found["rows"][0]["ratio_high"] == 1
    for row in found["rows"][1:]:
        if row["ratio_to_goal"] and row["ratio_high"]:
            assert row["ratio_low"] <= row["ratio_to_goal"] <= row["ratio_high"]
    for name, log in race.items():
        assert log["seconds"] == sorted(log["seconds"])
        if name != "keras":  # whose constant rate is too much for a picture this small
            assert log["cost"][-1] < log["cost"][0]
    assert (tmp_path / "a.jpg").stat().st_size > 5000
    assert "the tutorial ends at" in capsys.readouterr().out


@pytest.mark.parametrize("rival", [against.Tutorial, against.KerasExample, against.Gatys])
def test_every_rival_lowers_the_same_cost(mini, rival):
    picture, style_picture = images.load("cat", 64), images.load("cubist_facets", 64)
    judge = against.Judge(picture, style_picture, mini, 1.0, 100.0)
    run, before = rival(judge), judge(picture)
    np.testing.assert_allclose(run.picture, picture, atol=1e-3)
    for _ in range(10):
        run.step()
    assert judge(run.picture) < 0.8 * before
    assert run.picture.min() >= 0
    assert run.picture.max() <= 255


def test_reached_finds_the_first_time():
    log = {"seconds": [0, 1, 2], "steps": [0, 6, 9], "cost": [9.0, 3.0, 4.0]}
    assert against.reached(log, 3.0) == (1, 6)
    assert against.reached(log, 5.0) == (pytest.approx(2 / 3), 4)  # on the way there
    assert against.reached(log, 9.0) == (0, 0)
    assert against.reached(log, 1.0) is None


def test_the_yardstick_judges_with_vgg19(vgg19_weights, monkeypatch):
    rows = benchmark.yardstick([("cat", "cubist_facets")], vgg19_weights, size=64, steps=30)
    assert rows[0]["vgg19"] < rows[0]["start"]
    assert rows[0]["share"] > 0.9
