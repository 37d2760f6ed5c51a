"""Checkpoints: a run goes on bit for bit, and no file, however damaged, harms one."""

import json

import numpy as np
import pytest
from conftest import DAMAGES

from helpers import checkpoint, masks, vgg
from helpers.errors import CheckpointError
from helpers.optimizers import OPTIMIZERS
from helpers.transfer import Transfer

BOTH = pytest.mark.parametrize("optimizer", OPTIMIZERS)


@pytest.fixture
def saved(make, tmp_path):
    """A checkpoint after three steps, and its run."""
    run = make()
    run.step(3)
    checkpoint.save(tmp_path / "checkpoint.npz", run)
    return tmp_path / "checkpoint.npz", run


def assert_same(run, other):
    np.testing.assert_array_equal(run.pictures, other.pictures)
    assert run.history.keys() == other.history.keys()
    for name, values in run.history.items():
        np.testing.assert_array_equal(values, other.history[name])


def test_a_run_that_ends_within_its_coarse_beginning_can_be_resumed(make, tmp_path):
    run = make(levels=2)
    next(run.chunks(40, seconds=0.0))  # of which 20 are coarse
    run.run(10, checkpoint=tmp_path / "checkpoint.npz")
    resumed = checkpoint.resumed(tmp_path / "checkpoint.npz", run.network)
    assert_same(run, resumed)
    resumed.run(40)
    assert set(resumed.history["level"]) == {0, 1}


def assert_refused(path, run, word=""):
    with pytest.raises(CheckpointError, match=word):
        checkpoint.resumed(path, run.network)
    with pytest.raises(CheckpointError, match=word):
        checkpoint.restore(path, run)


def part_of_a_run(run, steps, path, part):
    """Save after `part` of the steps, and go away."""
    for done in run.chunks(steps, seconds=0.0):
        if done == part:
            return checkpoint.save(path, run)


@BOTH
@pytest.mark.parametrize(
    ("how", "part"),
    [
        ({"init": "noise", "beta": [5.0, 50.0]}, 9),  # amid the second level
        ({"levels": 3, "mask": "light", "keep_colors": "luminance"}, 3),  # amid the first
        ({}, 3),  # in bfloat16
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    picture, style_picture, shallow, tmp_path, optimizer, how, part
):
    network = shallow if how else vgg.load("mini", list(shallow.layers), precision="bfloat16")
    how = {"optimizer": optimizer, "levels": 2} | how
    whole, first, second = (Transfer(picture, style_picture, network, **how) for _ in range(3))
    whole.run(15)
    part_of_a_run(first, 15, tmp_path / "part.npz", part)
    checkpoint.restore(tmp_path / "part.npz", second)
    assert second.step_count == part and second.level == first.level
    second.run(15)
    assert_same(second, whole)
    assert second.spec == whole.spec


@BOTH
def test_a_finished_run_is_resumed_with_more_steps(make, tmp_path, optimizer):
    """It goes where the finished run itself would have gone, and may be saved before it is run."""
    path, first = tmp_path / "done.npz", make(optimizer=optimizer, levels=2)
    checkpoint.save(path, first)
    fresh = make(optimizer=optimizer, levels=2)
    checkpoint.restore(path, fresh)
    first.run(8, checkpoint=path)
    second = make(optimizer=optimizer, levels=2)
    checkpoint.restore(path, second)
    fresh.run(8)
    assert_same(fresh, first)
    for run in (first, second):
        run.run(12)
    assert_same(second, first)
    assert second.history["step"].tolist() == list(range(1, 13))
    assert second.history["level"].tolist() == [0] * 4 + [1] * 8


def test_a_checkpoint_of_another_run_is_refused(make, saved, picture, style_picture, shallow):
    path, _ = saved
    other_weights = vgg.load("mini", list(shallow.layers))
    bias = other_weights.model.weights[-1]
    bias.assign(bias + 1e-3)
    light = masks.lighter(picture)
    for run, word in (
        (make(beta=7.0), "beta"),
        (make(levels=2), "levels"),
        (make(beta=[6.0, 6.0]), "beta"),
        (make(optimizer="adam"), "optimizer"),
        (make(layer_weights=[1.0, 2.0]), "layer_weights"),
        (Transfer(picture + 1, style_picture, shallow, levels=1), "pictures"),
        (Transfer(picture, style_picture[1:], shallow, levels=1), "pictures"),
        (Transfer(picture, style_picture, other_weights, levels=1), "network"),
        (make(mask=light), "pictures"),
    ):
        before = run.picture
        with pytest.raises(CheckpointError, match=word):
            checkpoint.restore(path, run)
        np.testing.assert_array_equal(run.picture, before)
        assert run.step_count == 0
    checkpoint.save(path, make(mask=light))
    with pytest.raises(CheckpointError, match="pictures"):
        checkpoint.restore(path, make(mask=~light))


def edited(data, path, state=None, spec=None, **arrays):
    """The checkpoint with other arrays, None for none, or other words of its state."""
    path.write_bytes(data)
    found = dict(np.load(path)) | arrays
    words = json.loads(str(found["checkpoint"])) | (state or {})
    words["spec"] = words["spec"] | (spec or {})
    found["checkpoint"] = json.dumps(words)
    np.savez(path, **{name: array for name, array in found.items() if array is not None})


@BOTH
def test_a_failed_restore_changes_nothing(make, tmp_path, optimizer):
    """Whatever is wrong with the file: the run goes on as if nobody had asked."""
    path = tmp_path / "checkpoint.npz"
    run, untouched, other = (make(optimizer=optimizer, levels=2) for _ in range(3))
    part_of_a_run(other, 12, path, part=8)
    data, short = path.read_bytes(), np.zeros(2)
    history = {f"history_{name}": None for name in other.history}
    for one in (run, untouched):
        one.step(3)
    for change in (
        *({"state_0": None}, {"state_2": None}, {"state_2": np.zeros((2, 3, 5))}),
        *({"picture_1": None}, {"picture_0": np.array("text")}, {"picture_9": short}),
        *({"state_0": np.zeros((1, 7, 5, 3), np.float32)}, {"state_0": np.array("text")}),
        *({"history_total": short}, {"history_total": None}, {"history_more": np.zeros(8)}),
        history | {"state": {"step_count": 10**15}},
        *({"state": {"level": level}} for level in (2, -1, "one", None, np.inf)),
        *({"state": {"step_count": n}} for n in (10**6, -1, 7, np.inf, np.nan, "many", None)),
        *({"state": {"plan": plan}} for plan in ([0, np.inf, 9], [0, 9], [0] * 100, [0, 9, 3])),
        *({"state": {"plan": plan}} for plan in ([5, 6, 9], [-1, 0, 9], "plan", 3)),
        *({"state": {"spec": spec}} for spec in ({}, {"beta": "much"}, {"levels": 10**9})),
        *({"spec": {"beta": np.nan}}, {"spec": {"styles": 3}}, {"state": {"weights": 3}}),
    ):
        edited(data, path, **change)
        with pytest.raises(CheckpointError):
            checkpoint.restore(path, run)
        assert (run.level, run.step_count) == (0, 3)
    for one in (run, untouched):
        one.run(10)
    assert_same(run, untouched)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused(make, saved, damage):
    path, run = saved
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = run.picture
    assert_refused(path, run, "damaged")
    np.testing.assert_array_equal(run.picture, before)


def test_what_is_no_checkpoint_of_this_edition_is_refused(make, saved, tmp_path):
    path, run = saved
    state = json.dumps(
        {"step_count": 3, "level": 0, "begins": None}
    )  # as the second edition had it
    np.savez(old := tmp_path / "old.npz", state=state, pictures=run.pictures)
    absent = [tmp_path / "absent.npz", tmp_path / ("x" * 300), "nul\0byte.npz", tmp_path]
    for file in (old, *absent):
        assert_refused(file, run)
    for words in ('["a list"]', "3", "{}", '{"step_count": 1}', "no JSON", "null"):
        np.savez(path, **dict(np.load(path)) | {"checkpoint": words})
        assert_refused(path, run, "damaged")


def test_a_run_is_resumed_with_its_own_pictures_masks_and_plan(make, shallow, picture, tmp_path):
    how = {"mask": masks.lighter(picture), "style_masks": "white", "optimizer": "adam"}
    run = make(levels=2, beta=7.0, seed=np.int64(3), **how)
    part_of_a_run(run, 30, tmp_path / "part.npz", part=4)
    again = checkpoint.resumed(tmp_path / "part.npz", shallow)
    assert (again.step_count, again.spec) == (4, run.spec.changed(steps=30))
    np.testing.assert_array_equal(again.masks.content, run.masks.content)
    np.savez(tmp_path / "part.npz", **{"checkpoint": np.load(tmp_path / "part.npz")["checkpoint"]})
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.resumed(tmp_path / "part.npz", shallow)


def test_a_run_is_saved_as_it_goes_on(make, tmp_path, monkeypatch):
    """About once a minute, and at the end."""
    monkeypatch.setattr("time.monotonic", iter(range(0, 10**6, 10)).__next__)
    saves = []
    monkeypatch.setattr(checkpoint, "save", lambda path, run: saves.append(run.step_count))
    make().run(6, checkpoint=tmp_path / "run.npz")
    assert saves[-1] == 6 and 1 < len(saves) < 6
