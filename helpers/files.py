"""Files that appear whole or not at all, and paths that are checked before any work begins."""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from .errors import OutputError, PictureError, either

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
    try:
        name = os.path.expanduser(os.fsdecode(path))
        if name and b"\0" not in os.fsencode(name):
            return Path(name).absolute()
    except (UnicodeEncodeError, FileNotFoundError):  # the working directory is no longer there
        pass
    raise error(f"{str(path)!r} cannot be the name of a file here: give another.")


def readable(
    path: str | os.PathLike, error: type[Exception] = PictureError, what: str = "file"
) -> Path:
    """The path, resolved, of a regular file: a device or a pipe could be read for ever.

    Raises `error` with a sentence that calls the file `what`.
    """
    found = resolve(path, error)
    if not (os.path.isfile(found) and os.access(found, os.R_OK)):
        raise error(f"There is no {what} {path}, or it cannot be read: check the path.")
    return found


def check_file(path: str | os.PathLike) -> Path:
    """The file, with links followed, that writing to this path makes or replaces.

    Raises OutputError unless that is a regular file, or a new name, in a folder that takes one.
    """
    target = Path(os.path.realpath(resolve(path)))
    with _as_sentence(path):
        with contextlib.suppress(FileNotFoundError):
            os.stat(target)  # refuses names that are too long, links in a circle, …
            if not (target.is_file() and os.access(target, os.W_OK)):
                raise OutputError(f"{path} is not a file that can be replaced: give another name.")
        with tempfile.TemporaryFile(dir=target.parent):
            return target


def check_output(path: str | os.PathLike, what: str, endings: Iterable[str]) -> str:
    """The path's ending, in lower case; OutputError where such a file cannot be written."""
    ending = Path(path).suffix.lower()
    if ending not in endings:
        raise OutputError(f"{path} does not have the ending of {what}: use {either(endings)}.")
    check_file(path)
    return ending


@contextlib.contextmanager
def _as_sentence(path):
    """What the system says about a path that cannot be written, as an OutputError."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:  # no such folder, a full disk, …
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}): choose another place."
        ) from error


def make_folder(folder: str | os.PathLike) -> None:
    """Create it and those above it, if need be; raises OutputError where that is not possible."""
    with _as_sentence(folder):
        resolve(folder).mkdir(parents=True, exist_ok=True)


def check_paths(
    reads: Iterable[tuple[str, str | os.PathLike]], writes: Iterable[tuple[str, str | os.PathLike]]
) -> None:
    """Raises OutputError, before any work, where a run would lose a file.

    reads, writes: (label, path) pairs; the reads may be addresses too.  No two writes may go to
    one file, and none to a file that is read.
    """
    read = {_identity(resolve(p, PictureError)): label for label, p in reads if not is_address(p)}
    written = {}
    for label, path in writes:
        file = _identity(check_file(path))
        if other := written.get(file) or read.get(file):
            raise OutputError(f"{path} is both {other} and {label}: give {label} another name.")
        written[file] = label


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
        temporary = target.with_name(f".{secrets.token_hex(8)}.part")
        stack.callback(temporary.unlink, missing_ok=True)
        with open(temporary, "xb") as file:
            with contextlib.suppress(OSError):  # there is none; some network folders refuse it
                shutil.copymode(target, temporary)
            yield file
            file.flush()
            with contextlib.suppress(OSError):
                os.fsync(file.fileno())
        os.replace(temporary, target)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Write a whole file: see `whole_file`."""
    with whole_file(path) as file:
        file.write(data)


def claim(path: str | os.PathLike) -> None:
    """Create an empty file, which nobody else creates then.  Raises OutputError if it exists."""
    with _as_sentence(path), open(resolve(path), "xb"):
        pass
