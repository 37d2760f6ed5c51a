"""The reader's own pictures, and runs that outlive their session: what Colab takes more care for.

Colab's disk is gone when a session ends.  A run that is begun here keeps its pictures and its
checkpoint in one folder, in the reader's Drive where that is mounted, and `resume` goes on from it.
"""

import inspect
import os
from pathlib import Path

from . import checkpoint, files, images
from .errors import CheckpointError, PictureError, SetupError
from .start import in_colab

DRIVE = Path("/content/drive")  # where Colab mounts it
CHECKPOINT = "run.npz"
_CONTENT, _STYLE = "content.png", "style_{}.png"


def upload(what):
    """The path of a picture that the reader chooses on their computer; Colab shows the dialog.

    what: how a sentence calls it, such as "the photograph".  Of several the first is taken.
    Raises SetupError outside Colab, PictureError where nothing is chosen, or no picture.
    """
    if not in_colab():
        raise SetupError(f"Only Colab uploads: put in the path or address of {what} instead.")
    from google.colab import files as dialogs

    print(f"Choose {what}:")
    chosen = list(dialogs.upload())
    if not chosen:
        raise PictureError(f"Nothing was chosen: run the cell again, or put in a path of {what}.")
    if len(chosen) > 1:
        print(f"{len(chosen)} files were chosen; {chosen[0]} is taken.")
    path = Path.cwd() / chosen[0]  # where Colab has put it
    images.load(path, 64)  # refuses what is no picture
    return path


def offer(path):
    """Say where a file is, and offer it as a download where a browser can take it."""
    print("Saved:", str(path).replace(str(Path.home()), "~"))
    if in_colab():
        from google.colab import files as dialogs

        dialogs.download(str(path))


def folder(drive=False):
    """A new folder for one run: in the Drive where it is mounted, else on this machine.

    drive: mount it if need be; Colab then asks the reader.  Raises SetupError outside Colab, or
    where the reader does not allow it.
    """
    if drive:
        _mount()
    runs, number = _runs(), 1
    while (runs / f"run_{number}").exists():
        number += 1
    files.make_folder(runs / f"run_{number}")
    return runs / f"run_{number}"


def begin(folder, content, styles, network, **options):
    """A Transfer whose pictures are kept in the folder.  Its arguments are those of `Transfer`.

    `run(steps, checkpoint=folder / CHECKPOINT)` keeps the rest, about once a minute.
    """
    from .transfer import Transfer

    styles = [styles] if getattr(styles, "ndim", None) == 3 else list(styles)
    images.save(folder / _CONTENT, content)
    for i, style in enumerate(styles):
        images.save(folder / _STYLE.format(f"{i:02}"), style)
    return Transfer(*_pictures(folder), network, **options)


def resume(network, folder=None):
    """(the Transfer that `begin` began, its folder), as the last checkpoint has it.

    folder: default: that of the newest run; where there is none, Colab is asked for the Drive.
    Raises CheckpointError if there is no run, or if it was painted with another network.
    """
    from .transfer import Transfer

    if folder is None and not _kept() and in_colab():
        _mount()
    if folder is None and not _kept():
        raise CheckpointError("There is no run to go on with: begin one, and keep it in the Drive.")
    folder = folder or _kept()[-1].parent
    known = checkpoint.peek(folder / CHECKPOINT)
    taken = inspect.signature(Transfer).parameters.values()
    names = [parameter.name for parameter in taken if parameter.kind == parameter.KEYWORD_ONLY]
    options = {name: known[name] for name in names if name in known}
    transfer = Transfer(*_pictures(folder), network, **options)
    checkpoint.restore(folder / CHECKPOINT, transfer)
    return transfer, folder


def _kept():
    """The checkpoints of all runs, the newest last."""
    return sorted(_runs().glob(f"*/{CHECKPOINT}"), key=lambda path: path.stat().st_mtime)


def _runs():
    """The folder that holds the runs."""
    if (DRIVE / "MyDrive").is_dir():
        return DRIVE / "MyDrive" / "style transfer"
    if in_colab():
        return Path.cwd() / "style transfer"
    cache = os.environ.get("NST_CACHE") or "~/.cache/neural-style-transfer"
    return Path(cache).expanduser() / "runs"


def _pictures(folder):
    """C and [S, …] as they are kept: whole grey levels, which is what `images.load` gives."""
    styles = sorted(folder.glob(_STYLE.format("*")))
    return images.load(folder / _CONTENT), [images.load(path) for path in styles]


def _mount():
    if (DRIVE / "MyDrive").is_dir():
        return
    if not in_colab():
        raise SetupError("Only Colab mounts a Drive: here, runs are kept on this machine.")
    from google.colab import drive

    try:
        drive.mount(str(DRIVE))
    except Exception as error:  # of Colab's own, when the reader closes or refuses its dialog
        raise SetupError(
            f"The Drive could not be mounted ({error}): run the cell again and allow it, or go on "
            "without it."
        ) from None
