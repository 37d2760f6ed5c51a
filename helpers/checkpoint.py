"""A run's pictures and state ↔ one .npz: it goes on bit for bit on the same machine."""

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
        "weights": _fingerprint(transfer.network),
        "plan": transfer.plan,
        "step_count": transfer.step_count,
        "level": transfer.level,
    }
    leaves = tf.nest.flatten(transfer.state)
    arrays = {f"state_{i}": leaf.numpy() for i, leaf in enumerate(leaves)}
    arrays |= {f"history_{name}": values for name, values in transfer.history.items()}
    arrays |= {f"picture_{i}": array for i, array in enumerate(_pictures(transfer))}
    with whole_file(path) as file:
        np.savez(file, checkpoint=json.dumps(state), **arrays)


def resumed(path: str | os.PathLike, network):
    """The `transfer.Transfer` that `save` wrote, with its pictures and the steps that were planned.

    Errors: see `restore`.
    """
    from .transfer import Transfer

    spec, state, arrays = _read(path)
    spec = spec.changed(steps=state["plan"][-1] or spec.steps)
    found = [array for name, array in arrays.items() if name.startswith("picture_")]
    pictures, masks = ([array for array in found if array.ndim == n] for n in (3, 2))
    if not pictures:
        raise CheckpointError(f"{path} is damaged: begin anew.")
    mask, style_masks = (masks[0], masks[1:]) if masks else (None, None)
    run = Transfer(pictures[0], pictures[1:], network, spec, mask=mask, style_masks=style_masks)
    _take_up(path, run, spec, state, arrays)
    return run


def restore(path: str | os.PathLike, transfer) -> None:
    """Take up the run that `save` wrote.

    Raises CheckpointError when the file is damaged, or made with other options, pictures or
    weights than this Transfer, which then stays as it was.
    """
    _take_up(path, transfer, *_read(path))


def _take_up(path, transfer, spec, state, arrays):
    for name in TransferSpec.__dataclass_fields__:
        theirs, mine = getattr(spec, name), getattr(transfer.spec, name)
        if name not in _NAMES and theirs != mine:
            raise CheckpointError(
                f"{path} was made with {name} {theirs}, but this run has {mine}: use the same to "
                "resume."
            )
    theirs = [arrays.pop(name) for name in list(arrays) if name.startswith("picture_")]
    mine = _pictures(transfer)
    if len(theirs) != len(mine) or not all(map(np.array_equal, theirs, mine)):
        raise CheckpointError(f"{path} was made with other pictures: use the same to resume.")
    if state["weights"] != _fingerprint(transfer.network):
        raise CheckpointError(f"{path} was made with another network: use the same to resume.")
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
        rising = list(map(operator.index, plan)) == sorted(plan) and plan[0] == 0
        there = 0 <= operator.index(level) < spec.levels == len(plan) - 1
        if not (rising and there and operator.index(count) >= 0):
            raise ValueError("no such place in a run")
    except (*DAMAGED_NPZ, MemoryError, OverflowError, AttributeError, StyleTransferError) as error:
        raise CheckpointError(
            f"{path} is damaged, or not a checkpoint of this edition: begin anew."
        ) from error
    return spec, state, arrays


def _pictures(transfer):
    """The photograph and the paintings, then their masks, which have two axes."""
    found, masks = [transfer.content, *transfer.styles], transfer.masks
    return [*found, masks.content, *masks.styles] if masks else found


def _fingerprint(network):
    """Of the network's weights."""
    digest = hashlib.sha256()
    for array in network.model.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
