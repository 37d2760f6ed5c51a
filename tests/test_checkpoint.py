"""Checkpoints: a run goes on bit for bit, and no file, however damaged, harms one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import make_picture
from test_weights import DAMAGES

from helpers import checkpoint, transfer, vgg
from helpers.errors import CheckpointError
from helpers.transfer import Transfer

OPTIMIZERS = pytest.mark.parametrize("optimizer", transfer.OPTIMIZERS)


@pytest.fixture
def make(shallow, picture, style_picture):
    return lambda **how: Transfer(picture, style_picture, shallow, **{"levels": 1} | how)


@pytest.fixture
def saved(make, tmp_path):
    """A checkpoint after three steps, and its run."""
    run = make()
    run.step(3)
    checkpoint.save(tmp_path / "checkpoint.npz", run)
    return tmp_path / "checkpoint.npz", run


def edited(path, state=None, **arrays):
    """The checkpoint with other arrays, None for none, or other words of its state."""
    found = dict(np.load(path)) | arrays
    found["state"] = json.dumps(json.loads(str(found["state"])) | (state or {}))
    np.savez(path, **{name: array for name, array in found.items() if array is not None})


def assert_same(run, other):
    np.testing.assert_array_equal(run.pictures, other.pictures)
    assert run.history.keys() == other.history.keys()
    for name, values in run.history.items():
        np.testing.assert_array_equal(values, other.history[name])


def part_of_a_run(run, steps, path, part):
    """Save after `part` of the steps, and go away."""
    for done in run.chunks(steps, seconds=0.0):
        if done == part:
            return checkpoint.save(path, run)


def assert_goes_on_bit_for_bit(new, steps, path, part):
    whole, second = new(), new()
    whole.run(steps)
    part_of_a_run(new(), steps, path, part)
    checkpoint.restore(path, second)
    assert second.step_count == part
    second.run(steps)
    assert_same(second, whole)


@OPTIMIZERS
def test_a_resumed_run_equals_an_uninterrupted_one(make, tmp_path, optimizer):
    """From the middle of the second level."""

    def new():
        return make(optimizer=optimizer, levels=2, init="noise", beta=[5.0, 50.0])

    assert_goes_on_bit_for_bit(new, 24, tmp_path / "part.npz", part=17)


def test_a_resumed_run_in_bfloat16_with_four_levels_equals_an_uninterrupted_one(tmp_path):
    network = vgg.load("mini", ["block1_conv1", "block2_conv1"], precision="bfloat16")

    def new():
        pictures = make_picture(0, 40, 48), make_picture(5, 44, 36)
        return Transfer(*pictures, network, levels=4, init="noise")

    assert_goes_on_bit_for_bit(new, 24, tmp_path / "part.npz", part=7)  # level 2 of 0 to 3


def test_a_resumed_run_of_five_blocks_equals_an_uninterrupted_one(
    mini, picture, style_picture, tmp_path
):
    def new():
        return Transfer(picture, style_picture, mini)

    assert_goes_on_bit_for_bit(new, 8, tmp_path / "part.npz", part=5)


@OPTIMIZERS
def test_a_finished_run_is_resumed_with_more_steps(make, tmp_path, optimizer):
    """It goes where the finished run itself would have gone."""
    path, first = tmp_path / "done.npz", make(optimizer=optimizer, levels=2)
    first.run(8, checkpoint=path)
    assert checkpoint.peek(path)["steps"] == 8
    second = make(optimizer=optimizer, levels=2)
    checkpoint.restore(path, second)
    for run in (first, second):
        run.run(12)
        assert run.step_count == 12
        assert run.history["step"].tolist() == list(range(1, 13))
    assert_same(second, first)


def test_a_checkpoint_of_other_settings_is_refused(make, saved, picture, style_picture, shallow):
    path, _ = saved
    for run, sentence in (
        (make(beta=7.0), r"made with beta 6.0, this run has 7.0"),
        (make(init="noise"), "made with init content, this run has noise"),
        (make(costs="mse"), "made with costs relative, this run has mse"),
        (make(levels=2), "made with levels 1, this run has 2"),
        (make(beta=[6.0, 6.0]), "made with alpha"),
        (Transfer(picture + 1, style_picture, shallow, levels=1), "other pictures or weights"),
    ):
        before = run.picture
        with pytest.raises(CheckpointError, match=sentence):
            checkpoint.restore(path, run)
        np.testing.assert_array_equal(run.picture, before)
        assert run.step_count == 0


def test_a_missing_checkpoint_is_a_clear_error(make, tmp_path):
    run = make()
    for path in (tmp_path / "absent.npz", tmp_path / ("x" * 300), "nul\0byte.npz", tmp_path):
        for read in (checkpoint.peek, lambda path: checkpoint.restore(path, run)):
            with pytest.raises(CheckpointError):
                read(path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_a_clear_error(make, saved, damage):
    path, run = saved
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = run.picture
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.restore(path, run)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.peek(path)
    np.testing.assert_array_equal(run.picture, before)


@OPTIMIZERS
def test_a_failed_restore_changes_nothing(make, tmp_path, optimizer):
    """Whatever is wrong with the file: the run goes on as if nobody had asked."""
    path = tmp_path / "checkpoint.npz"
    run, untouched = (make(optimizer=optimizer, levels=2) for _ in range(2))
    other = make(optimizer=optimizer, levels=2)
    part_of_a_run(other, 12, path, part=8)
    data = path.read_bytes()
    for one in (run, untouched):
        one.step(3)
    for change in (
        {"optimizer_2": None},
        {"optimizer_2": np.zeros((2, 3, 5))},
        {"pictures": None},
        {"pictures": np.zeros((1, 7, 5, 3), np.float32)},
        {"history_total": np.zeros(2)},
        {"state": {"level": 5}},
        {"state": {"level": -1}},
        {"state": {"level": "1"}},
        {"state": {"step_count": 10**6}},
    ):
        path.write_bytes(data)
        edited(path, **change)
        with pytest.raises(CheckpointError, match=r"another version|damaged"):
            checkpoint.restore(path, run)
        assert (run.level, run.step_count) == (0, 3)
    for one in (run, untouched):
        one.run(10)
    assert_same(run, untouched)


def test_a_state_without_its_words_is_a_clear_error(saved):
    path, run = saved
    data = path.read_bytes()
    for state in ('["a list"]', "3", "{}", '{"step_count": "many"}', '{"step_count": 1}'):
        path.write_bytes(data)
        np.savez(path, **dict(np.load(path)) | {"state": state})
        for read in (checkpoint.peek, lambda path: checkpoint.restore(path, run)):
            with pytest.raises(CheckpointError, match="damaged"):
                read(path)


def test_whole_numbers_of_numpy_survive_a_checkpoint(make, tmp_path):
    path = tmp_path / "checkpoint.npz"
    how = {"seed": np.int64(3), "levels": np.int32(1), "beta": np.float32(5), "init": "noise"}
    run = make(**how)
    run.step(2)
    checkpoint.save(path, run)
    again = make(**how | {"seed": 3})
    checkpoint.restore(path, again)
    assert_same(again, run)


def test_peek_says_what_a_checkpoint_holds(make, saved, tmp_path):
    path, _ = saved
    assert checkpoint.peek(path)["steps"] == 0  # steps were taken, no run was planned
    run = make(levels=2, beta=7.0)
    part_of_a_run(run, 30, tmp_path / "part.npz", part=4)
    found = checkpoint.peek(tmp_path / "part.npz")
    assert (found["steps"], found["step_count"]) == (30, 4)
    assert (found["beta"], found["levels"], found["network"]) == (7.0, 2, "mini")


def test_peek_needs_no_tensorflow(saved):
    code = (
        "import sys\nfrom helpers import checkpoint\n"
        "print(checkpoint.peek(sys.argv[1])['step_count'])\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    root = Path(__file__).resolve().parents[1]
    result = subprocess.run(
        [sys.executable, "-c", code, saved[0]], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "3"


def test_a_checkpoint_is_written_whole_or_not_at_all(make, saved, monkeypatch):
    path, run = saved
    data = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    run.step(1)
    with pytest.raises(OSError, match="space"):
        checkpoint.save(path, run)
    assert path.read_bytes() == data
    assert os.listdir(path.parent) == [path.name]
