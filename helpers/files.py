"""Files that appear whole or not at all, and paths that are checked before any work begins."""

import contextlib
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from .errors import OutputError, PictureError

# What NumPy raises, at one place or another, for a file that is not an .npz or is damaged.
DAMAGED_NPZ = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, NotImplementedError, RuntimeError),
    *(SyntaxError, zipfile.BadZipFile, zlib.error),
)


def is_address(source: object) -> bool:
    """Whether it names something on a network, as https://… does, or is a data: address."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://|data:", str(source)) is not None


def public(source: object) -> str:
    """What may be told of where a picture comes from: of a path only the name of the file, of an
    address nothing that could be a key."""
    if str(source).startswith("data:"):
        return "data:"
    if is_address(source):
        parts = urlsplit(str(source))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return Path(source).name


def resolve(path: str | os.PathLike, error: type[Exception] = OutputError) -> Path:
    """The path as an absolute one, with `~` for the home folder; links are left as they are.

    Raises `error` where it can name no file.
    """
    name = os.path.expanduser(os.fsdecode(path))
    try:
        if not name or b"\0" in os.fsencode(name):
            raise error(f"{name!r} cannot be the name of a file: give another.")
        return Path(name).absolute()
    except UnicodeEncodeError:
        raise error(f"{name!r} cannot be the name of a file: give another.") from None
    except FileNotFoundError:  # relative paths start from the working directory
        raise error(f"{path} is in a directory that no longer exists: change to another.") from None


def readable(
    path: str | os.PathLike, error: type[Exception] = PictureError, what: str = "file"
) -> Path:
    """The path, resolved, of a regular file: a device or a pipe could be read for ever.

    Raises `error` with a sentence that calls the file `what`.
    """
    found = resolve(path, error)
    try:
        mode = os.stat(found).st_mode
    except OSError:  # also where a folder on the way may not be entered
        raise error(f"There is no {what} {path}: check the path.") from None
    if stat.S_ISDIR(mode):
        raise error(f"{path} is a directory: name a {what} in it.")
    if not stat.S_ISREG(mode):
        raise error(f"{path} is a device or a pipe: name a {what}.")
    if not os.access(found, os.R_OK):
        raise error(f"{path} may not be read: check its permissions.")
    return found


def check_file(path: str | os.PathLike) -> Path:
    """The file, with links followed, that writing to this path makes or replaces.

    Raises OutputError unless that is a regular file, or a new name in a folder that takes one.
    """
    target = resolve(path)
    try:
        check_folder(target.parent)  # before realpath, for which none/../a is a
        given, target = target, Path(os.path.realpath(target))
        if target.parent != given.parent:
            check_folder(target.parent)
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return target
    except OutputError:
        raise
    except OSError as error:  # a name that is too long, for example
        raise OutputError(
            f"{path} cannot be created ({error.strerror}): give another name or place."
        ) from None
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a directory: give the name of a file.")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{path} is a device or a pipe: give the name of a file.")
    if not os.access(target, os.W_OK):
        raise OutputError(f"{path} is write-protected: give another name.")
    return target


def check_folder(folder: str | os.PathLike) -> None:
    """Raises OutputError unless files can be created in this folder."""
    found = resolve(folder)
    if not os.path.isdir(found):
        raise OutputError(f"There is no directory {folder}: create it first.")
    if not os.access(found, os.W_OK | os.X_OK):
        raise OutputError(f"The directory {folder} is not writable: choose another.")


def make_folder(folder: str | os.PathLike) -> None:
    """Create it and those above it, if need be; raises OutputError where that is not possible."""
    try:
        resolve(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"The directory {folder} could not be created ({error.strerror}): choose another."
        ) from None
    check_folder(folder)


def check_paths(
    reads: Iterable[tuple[str, str | os.PathLike]], writes: Iterable[tuple[str, str | os.PathLike]]
) -> None:
    """Raises OutputError, before any work, where a run would lose a file.

    reads, writes: (label, path) pairs; the reads may be addresses too.  No two writes may go to
    one file, and none to a file that is read.
    """
    taken = {}
    for label, path in writes:
        target = _identity(check_file(path))
        if target in taken:
            raise _twice(path, taken[target], label)
        taken[target] = label
    for label, path in reads:
        source = None if is_address(path) else _identity(resolve(path, PictureError))
        if source in taken:
            raise _twice(path, label, taken[source])


def _twice(path, first, second):
    return OutputError(f"{path} is both {first} and {second}: give {second} another name.")


def _identity(path):
    """What is the same for two names of one file."""
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    # Some file systems take two new names for one that differ in nothing but case.
    return os.path.realpath(path).casefold()


@contextlib.contextmanager
def whole_file(path: str | os.PathLike, parents: bool = False) -> Iterator[BinaryIO]:
    """A binary file that appears at `path` whole, when the block ends, or not at all.

    A link stays, and what it points to is replaced.  parents: whether to create the folders above
    it.  Raises OutputError.
    """
    temporary = None
    try:
        if parents:
            make_folder(resolve(path).parent)
        target = check_file(path)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:20]}.")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            with contextlib.suppress(OSError):  # some network folders refuse it
                os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(temporary, _permissions(target))
        os.replace(temporary, target)
        temporary = None
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} could not be written ({error.strerror or error}): "
            "free some space or choose another place."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Write a whole file: see `whole_file`."""
    with whole_file(path) as file:
        file.write(data)


def _permissions(path):
    """Those of the file there, or of a new one (mkstemp's files only their owner can read)."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(os.stat(path).st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
