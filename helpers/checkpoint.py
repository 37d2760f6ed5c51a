"""A run's state ↔ one .npz, so that an interrupted run goes on bit for bit on the same machine."""

import hashlib
import json

import numpy as np

from .errors import CheckpointError
from .files import DAMAGED_NPZ, readable, whole_file
from .settings import OPTIONS


def save(path, transfer):
    """Write all that `restore` needs, whole or not at all.  Raises OutputError."""
    state = transfer.settings | {
        "fingerprint": _fingerprint(transfer),
        "begins": transfer.begins,
        "step_count": transfer.step_count,
        "level": transfer.level,
    }
    arrays = {f"optimizer_{i}": v.numpy() for i, v in enumerate(transfer.optimizer.variables)}
    history = {f"history_{name}": values for name, values in transfer.history.items()}
    with whole_file(path) as file:
        np.savez(file, state=json.dumps(state), pictures=transfer.G.numpy(), **arrays, **history)


def peek(path):
    """What a checkpoint says of its run: its settings, step_count, and `steps` that were planned.

    Needs no TensorFlow.  Raises CheckpointError for a file that is none, or damaged.
    """
    state = _read(path)[0]
    return state | {"steps": state["begins"][-1] if state["begins"] else 0}


def restore(path, transfer):
    """Take up the run that `save` wrote.

    Raises CheckpointError when the file is damaged, or made with other settings, pictures or
    weights than this Transfer, which then stays as it was.
    """
    state, arrays = _read(path)
    for name, mine in (transfer.settings | {"fingerprint": _fingerprint(transfer)}).items():
        # An option that came later had its default.
        theirs = state.get(name, OPTIONS[name].default if name in OPTIONS else None)
        if theirs != mine:
            what = f"{name} {theirs}, this run has {mine}"
            if name == "fingerprint":
                what = "other pictures or weights"
            raise CheckpointError(f"{path} was made with {what}: use the same to resume.")
    before = transfer.level, transfer.G.numpy(), [v.numpy() for v in transfer.optimizer.variables]
    try:
        rows = _rows(arrays, state["step_count"])
        found = [arrays[f"optimizer_{i}"] for i in range(len(before[2]))]
        _put(transfer, state["level"], arrays["pictures"], found)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        _put(transfer, *before)
        raise CheckpointError(
            f"{path} was written by another version of this package: begin anew."
        ) from error
    transfer.step_count, transfer.begins, transfer.rows = state["step_count"], state["begins"], rows


def _rows(arrays, count):
    """The history, one {name: value} for each of `count` steps."""
    columns = {n.removeprefix("history_"): a for n, a in arrays.items() if n.startswith("history_")}
    return [
        {n: a[i].tolist() if a.ndim == 1 else a[i] for n, a in columns.items()}
        for i in range(count)
    ]  # fmt: skip


def _put(transfer, level, pictures, variables):
    shape = (transfer.objective.batch, *transfer.canvas.shape(level), 3)
    if level not in range(transfer.levels) or pictures.shape != shape:
        raise ValueError(f"pictures {pictures.shape} of level {level}")
    transfer.enter(level, pictures)
    for variable, value in zip(transfer.optimizer.variables, variables, strict=True):
        variable.assign(value)


def _read(path):
    """(state, arrays) of a checkpoint."""
    found = readable(path, CheckpointError, "checkpoint")
    try:
        with np.load(found, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
        state = json.loads(str(arrays.pop("state")))
        begins = state["begins"] and [int(step) for step in state["begins"]]
        return state | {"step_count": int(state["step_count"]), "begins": begins}, arrays
    except (*DAMAGED_NPZ, MemoryError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint, or it is damaged: begin anew."
        ) from error


def _fingerprint(transfer):
    """Of the pictures, their masks and the network's weights."""
    digest, masks = hashlib.sha256(), transfer.canvas.masks
    pictures = [transfer.content, *transfer.styles]
    pictures += [masks.content, *masks.styles] if masks else []
    for array in (*pictures, *transfer.network.model.get_weights()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
