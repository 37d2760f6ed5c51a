"""A run's state ↔ one .npz, so that an interrupted run goes on bit for bit on the same machine."""

import hashlib
import json
import operator
import os

import numpy as np
import tensorflow as tf

from .errors import CheckpointError, StyleTransferError
from .files import DAMAGED_NPZ, readable, whole_file
from .settings import TransferSpec

# What may differ between a run and the one that resumes it: the pictures, masks and weights are
# compared themselves, wherever they lie, and a run may be made longer.
_NAMES = ("content", "styles", "size", "style_scale", "mask", "style_mask", "weights", "steps")


def save(path: str | os.PathLike, transfer) -> None:
    """Write all that `restore` needs, whole or not at all.  Raises OutputError."""
    state = {
        "spec": transfer.spec.metadata(),
        "fingerprint": _fingerprint(transfer),
        "plan": transfer.plan,
        "step_count": transfer.step_count,
        "level": transfer.level,
    }
    leaves = tf.nest.flatten(transfer.state)
    arrays = {f"state_{i}": leaf.numpy() for i, leaf in enumerate(leaves)}
    history = {f"history_{name}": values for name, values in transfer.history.items()}
    with whole_file(path) as file:
        np.savez(file, checkpoint=json.dumps(state), **arrays, **history)


def peek(path: str | os.PathLike) -> tuple[TransferSpec, int]:
    """(the spec of a checkpoint's run, its `steps` being those that were planned, and how many are
    done).  Needs no TensorFlow work.  Raises CheckpointError for a file that is none, or damaged.
    """
    spec, state, _ = _read(path)
    return spec.changed(steps=state["plan"][-1] or spec.steps), state["step_count"]


def restore(path: str | os.PathLike, transfer) -> None:
    """Take up the run that `save` wrote.

    Raises CheckpointError when the file is damaged, or made with other options, pictures or
    weights than this Transfer, which then stays as it was.
    """
    spec, state, arrays = _read(path)
    for name in TransferSpec.__dataclass_fields__:
        theirs, mine = getattr(spec, name), getattr(transfer.spec, name)
        if name not in _NAMES and theirs != mine:
            raise CheckpointError(
                f"{path} was made with {name} {theirs}, this run has {mine}: use the same to "
                "resume."
            )
    if state["fingerprint"] != _fingerprint(transfer):
        raise CheckpointError(
            f"{path} was made with other pictures or weights: use the same to resume."
        )
    before = transfer.level, transfer.state, transfer.targets
    try:
        columns = {name: arrays.pop(f"history_{name}") for name in transfer.history}
        if {len(column) for column in columns.values()} != {state["step_count"]}:
            raise ValueError("not one row a step")
        rows = [
            {name: a[i].tolist() if a.ndim == 1 else a[i] for name, a in columns.items()}
            for i in range(state["step_count"])
        ]
        transfer.enter(state["level"])
        empty = tf.nest.flatten(transfer.state)
        leaves = [tf.constant(arrays.pop(f"state_{i}"), t.dtype) for i, t in enumerate(empty)]
        if arrays or any(leaf.shape != t.shape for leaf, t in zip(leaves, empty, strict=True)):
            raise ValueError("other shapes")
        transfer.state = tf.nest.pack_sequence_as(transfer.state, leaves)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        transfer.level, transfer.state, transfer.targets = before
        raise CheckpointError(f"{path} is damaged: begin anew.") from error
    transfer.step_count, transfer.plan, transfer.rows = state["step_count"], state["plan"], rows


def _read(path):
    """(the spec, {name: value} of where the run stood, {name: array}) of a checkpoint."""
    found = readable(path, CheckpointError, "checkpoint")
    try:
        with np.load(found, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
        state = json.loads(str(arrays.pop("checkpoint")))
        spec = TransferSpec.from_metadata(state.pop("spec"))
        count, level = state["step_count"], state["level"]
        plan = state["plan"] = state["plan"] or [0] * (spec.levels + 1)
        if not (0 <= operator.index(level) < spec.levels and operator.index(count) >= 0):
            raise ValueError("no such level")
        if (
            list(map(operator.index, plan)) != sorted(plan)
            or plan[0] != 0
            or len(plan) != spec.levels + 1
        ):
            raise ValueError("no such plan")
    except (*DAMAGED_NPZ, MemoryError, OverflowError, AttributeError, StyleTransferError) as error:
        raise CheckpointError(
            f"{path} is damaged, or no checkpoint of this edition: begin anew."
        ) from error
    return spec, state, arrays


def _fingerprint(transfer):
    """Of the pictures, their masks and the network's weights."""
    digest, masks = hashlib.sha256(), transfer.masks
    pictures = [transfer.content, *transfer.styles]
    pictures += [masks.content, *masks.styles] if masks else []
    for array in (*pictures, *transfer.network.model.get_weights()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
