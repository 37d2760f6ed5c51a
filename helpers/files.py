"""Files that appear whole or not at all, folders, and what a run reads and writes.

Paths are resolved here and nowhere else, so that what is checked is what is written.
"""

import contextlib
import os
import re
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path

from .errors import OutputError, PictureError

# What NumPy raises, at one place or another, for an .npz that is damaged or none.
DAMAGED_NPZ = (OSError, ValueError, EOFError, KeyError, TypeError, NotImplementedError,
               RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error)  # fmt: skip


# Paths.


def is_address(source):
    """Whether it names something on a network, as https://… does, and not a file."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", str(source)) is not None


def public(source):
    """What may be told of where a picture comes from: of a path, only the name of the file."""
    return str(source) if is_address(source) else Path(source).name


def resolve(path, error=OutputError):
    """The path as an absolute one, with `~` for the home folder; links are left as they are.

    Raises `error` where it can name no file: nothing, a NUL in it, the home of nobody.
    """
    name = os.path.expanduser(os.fsdecode(path))
    home = name.split(os.sep)[0]
    try:
        if not name or b"\0" in os.fsencode(name):
            raise error(f"{name!r} is no name for a file: give another.")
        if name.startswith("~") and home != name and not os.path.lexists(home):
            raise error(f"{path} begins with a home folder that is not known: write it out.")
        return Path(name).absolute()
    except UnicodeEncodeError:
        raise error(f"{name!r} is no name for a file: give another.") from None
    except FileNotFoundError:  # of the working directory, from which relative paths start
        raise error(f"{path} is in a directory that is gone: change to another.") from None


def readable(path, error=PictureError, what="file"):
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


def check_file(path):
    """The path, resolved and with links followed, of the file that writing there makes or replaces.

    Raises OutputError unless that is a regular file, or a new name in a folder that takes one.
    """
    found = resolve(path)
    try:
        mode = os.stat(found).st_mode
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        while os.path.islink(found):
            found = found.parent / os.readlink(found)
        check_folder(found.parent)  # before realpath, to which none/../a is a
        return Path(os.path.realpath(found))
    except OSError as error:
        raise _refused(path, error) from None
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a directory: give the name of a file.")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{path} is a device or a pipe: give the name of a file.")
    target = Path(os.path.realpath(found))
    check_folder(target.parent)
    if not os.access(target, os.W_OK):
        raise OutputError(f"{path} is protected against writing: give another name.")
    return target


def _refused(path, error):
    return OutputError(f"{path} cannot be created ({error.strerror}): give another name or place.")


def check_folder(folder):
    """Raises OutputError unless files can be created in this folder."""
    found = resolve(folder)
    if not os.path.isdir(found):
        raise OutputError(f"There is no directory {folder}: create it first.")
    if not os.access(found, os.W_OK | os.X_OK):
        raise OutputError(f"The directory {folder} is not writable: choose another.")


def make_folder(folder):
    """Create it and those above it, if need be; raises OutputError where that is not possible."""
    try:
        resolve(folder).mkdir(parents=True, exist_ok=True)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"The directory {folder} could not be created ({error.strerror}): choose another."
        ) from None
    check_folder(folder)


# What a run reads and writes.


def check_paths(reads, writes):
    """Raises OutputError, before any work, if a run would lose a file.

    reads, writes: (label, path) pairs; among the reads may be addresses.  No two writes may be one
    file, none may be one that is read, and each must be a regular file or a new name that its
    folder takes.  What is read and then rewritten on purpose is named among the writes only.
    """
    written, trials = {}, {}
    with contextlib.ExitStack() as stack:
        for label, path in writes:
            target = check_file(path)
            try:
                if not target.exists():
                    _try_name(target, trials, stack)
                mark = _identity(target, trials)
            except OSError as error:
                raise _refused(path, error) from None
            if mark in written:
                raise _twice(path, written[mark], label)
            written[mark] = label
        for label, path in reads:
            if not is_address(path):
                mark = _identity(Path(os.path.realpath(resolve(path, PictureError))), trials)
                if mark in written:
                    raise _twice(path, label, written[mark])


def _twice(path, first, second):
    return OutputError(f"{path} is both {first} and {second}: give {second} another name.")


def _try_name(path, trials, stack):
    """Creates the name in an empty folder beside it, a stand-in that `stack` removes.

    Only the file system knows whether it takes a name, and which names are one to it, as those
    that differ in case or accents may be.
    """
    folder = _identity(path.parent)
    if folder not in trials:
        made = tempfile.TemporaryDirectory(
            dir=path.parent, prefix=".names-", ignore_cleanup_errors=True
        )
        trials[folder] = Path(stack.enter_context(made))
    (trials[folder] / path.name).touch()


def _identity(path, trials=None):
    """What tells one file from all others, whatever it is called; None if there is none.

    A new name's is that of its stand-in in `trials`.
    """
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    folder = trials.get(_identity(path.parent)) if trials else None
    return _identity(folder / path.name) if folder else None


# Writing.


@contextlib.contextmanager
def whole_file(path, parents=False):
    """A binary file that appears at `path` whole, when the block ends, or not at all.

    A link stays, and what it points to is replaced; what is no regular file is refused.
    parents: whether to create the folders above it.  Raises OutputError.
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
            os.fsync(file.fileno())
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


def _permissions(path):
    """Those of the file there, or of a new one (mkstemp's files only their owner can read)."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(os.stat(path).st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
