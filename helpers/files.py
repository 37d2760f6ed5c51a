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
        if name and b"\0" not in os.fsencode(name):
            return Path(name).absolute()
    except UnicodeEncodeError:
        pass
    except FileNotFoundError:  # relative paths start from the working directory
        raise error(f"{path} is in a directory that no longer exists: change to another.") from None
    raise error(f"{name!r} cannot be the name of a file: give another.")


def readable(
    path: str | os.PathLike, error: type[Exception] = PictureError, what: str = "file"
) -> Path:
    """The path, resolved, of a regular file: a device or a pipe could be read for ever.

    Raises `error` with a sentence that calls the file `what`.
    """
    found = resolve(path, error)
    try:
        _check_regular(path, found, os.R_OK, error)
    except OSError:  # also where a folder on the way may not be entered
        raise error(f"There is no {what} {path}: check the path.") from None
    return found


def check_file(path: str | os.PathLike) -> Path:
    """The file, with links followed, that writing to this path makes or replaces.

    Raises OutputError unless that is a regular file, or a new name in a folder that takes one.
    """
    check_folder(resolve(path).parent)  # before realpath, for which none/../a is a
    target = Path(os.path.realpath(resolve(path)))
    check_folder(target.parent)
    with _as_sentence(path), contextlib.suppress(FileNotFoundError):
        _check_regular(path, target, os.W_OK, OutputError)
    return target


def _check_regular(path, found, access, error):
    mode = os.stat(found).st_mode
    if not stat.S_ISREG(mode):
        kind = "directory" if stat.S_ISDIR(mode) else "device or a pipe"
        raise error(f"{path} is a {kind}: give the name of a file.")
    if not os.access(found, access):
        done = "read" if access == os.R_OK else "replaced"
        raise error(f"{path} may not be {done}: check its permissions.")


@contextlib.contextmanager
def _as_sentence(path):
    """What the system says about a path that cannot be written, as an OutputError."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:  # a name that is too long, a full disk, …
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}): choose another place."
        ) from error


def check_folder(folder: str | os.PathLike) -> None:
    """Raises OutputError unless files can be created in this folder."""
    found = resolve(folder)
    if not os.path.isdir(found):
        raise OutputError(f"There is no directory {folder}: create it first.")
    if not os.access(found, os.W_OK | os.X_OK):
        raise OutputError(f"The directory {folder} is not writable: choose another.")


def make_folder(folder: str | os.PathLike) -> None:
    """Create it and those above it, if need be; raises OutputError where that is not possible."""
    with _as_sentence(folder):
        resolve(folder).mkdir(parents=True, exist_ok=True)
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
            raise _both(path, taken[target], label)
        taken[target] = label
    for label, path in reads:
        source = None if is_address(path) else _identity(resolve(path, PictureError))
        if source in taken:
            raise _both(path, label, taken[source])


def _both(path, first, second):
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
    with _as_sentence(path), contextlib.ExitStack() as stack:
        if parents:
            make_folder(resolve(path).parent)
        target = check_file(path)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:20]}.")
        stack.callback(Path(temporary).unlink, missing_ok=True)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            with contextlib.suppress(OSError):  # some network folders refuse it
                os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(temporary, _permissions(target))
        os.replace(temporary, target)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Write a whole file: see `whole_file`."""
    with whole_file(path) as file:
        file.write(data)


def claim(path: str | os.PathLike) -> None:
    """Create an empty file, which nobody else creates then.  Raises OutputError if it exists."""
    with _as_sentence(path), open(resolve(path), "xb"):
        pass


def _permissions(path):
    """Those of the file there, or of a new one (mkstemp's files only their owner can read)."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(os.stat(path).st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
