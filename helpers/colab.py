"""What a notebook needs around the method: its setup, uploads, runs that outlive a session.

Nothing is installed or upgraded here: what Colab brings is taken as it is.  Colab's disk is gone
when a session ends, so a run that is begun here keeps its pictures and its checkpoint in one
folder, in the reader's Drive where that is mounted, and `resume` goes on from it.
"""

import itertools
import os
import sys
from pathlib import Path

from . import checkpoint, files, images
from .errors import CheckpointError, PictureError, SetupError

DRIVE = Path("/content/drive")  # where Colab mounts it
CHECKPOINT = "run.npz"
_NO_GPU = (
    "There is no GPU in this session. Choose Runtime → Change runtime type → T4 GPU and run all "
    "cells for VGG-19 and larger pictures; without one, all goes on with the network mini."
)


def in_colab() -> bool:
    """Whether this is Google Colab, whose kernel has its module loaded from the start."""
    return "google.colab" in sys.modules


def up(name: str | None = None) -> tuple:
    """(whether there is a GPU, the network), and prints what the reader has.

    name: as for `vgg.load`; None: VGG-19 on a GPU, if its weights can be had, else mini.
    Raises NetworkError for weights of a `name` that cannot be had.
    """
    # Or TensorFlow takes all of a GPU's memory for itself, and nothing else runs beside it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    import keras
    import tensorflow as tf

    from . import vgg

    GPU = bool(tf.config.list_physical_devices("GPU"))
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, on a {'GPU' if GPU else 'CPU'}")
    if in_colab() and not GPU:
        print(_NO_GPU)
    network = vgg.load(name or ("auto" if GPU else "mini"))
    print(network.description)
    return GPU, network


def upload(what: str) -> Path:
    """The path of a picture that the reader chooses on their computer; Colab shows the dialog.

    what: how a sentence calls it, such as "the photograph".  Of several the first is taken.
    Raises SetupError outside Colab, PictureError where nothing is chosen, or no picture.
    """
    if not in_colab():
        raise SetupError(f"Only Colab uploads files: give the path or address of {what} instead.")
    from google.colab import files as dialogs

    print(f"Choose {what}:")
    chosen = list(dialogs.upload())
    if not chosen:
        raise PictureError(f"Nothing was chosen: run the cell again, or give the path of {what}.")
    path = Path.cwd() / chosen[0]  # where Colab has put it
    images.load(path, 64)  # refuses what is no picture
    return path


def offer(path: str | os.PathLike) -> None:
    """Say where a file is, and offer it as a download where a browser can take it."""
    print("Saved:", str(path).replace(str(Path.home()), "~"))
    if in_colab():
        from google.colab import files as dialogs

        dialogs.download(str(path))


def folder(drive: bool = False) -> Path:
    """A new folder for one run: in the Drive where it is mounted, else on this machine.

    drive: mount it if need be; Colab then asks the reader.  Raises SetupError outside Colab, or
    where the reader does not allow it.
    """
    if drive:
        _mount()
    new = (_runs() / f"run_{number}" for number in itertools.count(1))
    found = next(place for place in new if not place.exists())
    files.make_folder(found)
    return found


def begin(folder: Path, content, styles, network, **options):
    """A `transfer.Transfer`, with its arguments, that is kept in the folder.

    `run(steps, checkpoint=folder / CHECKPOINT)` does so again about once a minute.
    """
    from .transfer import Transfer

    run = Transfer(content, styles, network, **options)
    checkpoint.save(folder / CHECKPOINT, run)
    return run


def resume(network) -> tuple:
    """(the Transfer that `begin` began, its folder), as the newest run's last checkpoint has it.

    Where there is no run, Colab is asked for the Drive.  Raises CheckpointError if there is none
    there either, or if it was painted with another network.
    """
    if not any(_runs().glob(f"*/{CHECKPOINT}")) and in_colab():
        _mount()
    kept = sorted(_runs().glob(f"*/{CHECKPOINT}"), key=os.path.getmtime)
    if not kept:
        raise CheckpointError(
            "There is no run to go on with: begin one, in Colab with KEEP_IN_DRIVE ticked."
        )
    return checkpoint.resumed(kept[-1], network), kept[-1].parent


def _runs():
    """The folder that holds the runs."""
    if (DRIVE / "MyDrive").is_dir():
        return DRIVE / "MyDrive" / "style transfer"
    cache = os.environ.get("NST_CACHE") or "~/.cache/neural-style-transfer"
    return Path(cache).expanduser() / "runs"


def _mount():
    if (DRIVE / "MyDrive").is_dir():
        return
    if not in_colab():
        raise SetupError("Only Colab mounts a Drive: untick it, and runs are kept on this machine.")
    from google.colab import drive

    try:
        drive.mount(str(DRIVE))
    except Exception as error:  # of Colab's own, when the reader closes or refuses its dialog
        raise SetupError(
            f"The Drive could not be mounted ({error}): run the cell again and allow it, or go on "
            "without it."
        ) from None
