"""How a command speaks: one sentence, an exit status, and no end because nobody listens."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

from .errors import SettingError, StyleTransferError
from .interrupts import terminated_like_interrupted


def command(name: str, arguments: list[str] | None = None) -> None:
    """Call a function of `cli`, by default with what was typed.

    Errors become one sentence and status 2; Ctrl-C, SIGTERM and SIGHUP one and status 130.
    """
    # Where a standard stream is closed (`2>&-`), the next file would take its number.
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", 1, errors="replace", closefd=False)  # noqa: SIM115
    warnings.showwarning = lambda warning, *_, **__: say(warning)
    try:
        with terminated_like_interrupted():
            from . import cli  # here, because Ctrl-C may come while it is loaded

            return getattr(cli, name)(arguments)
    except StyleTransferError as error:
        sentence = error
    except ImportError as error:
        missing = error.name or "TensorFlow"
        sentence = f"{missing} cannot be loaded: install it (see README.md), or free memory."
    except OSError as error:  # of a directory, for example, that may not be read
        sentence = f"{error.strerror or error}: check {error.filename or 'your disk'}."
    except KeyboardInterrupt as stopped:
        say(str(stopped) or "Stopped; files already written are kept.")
        sys.exit(130)
    say(f"python -m helpers{'' if name == 'main' else f'.{name}'}: {sentence}")
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    """A parser of arguments whose complaints are one sentence, too."""

    def __init__(self, prog: str, description: str):
        kept = argparse.RawDescriptionHelpFormatter  # the lines of the description
        super().__init__(prog, description=description, formatter_class=kept, allow_abbrev=False)

    def error(self, message):
        """Raises SettingError."""
        message = " ".join(message.split())
        raise SettingError(f"{message[0].upper()}{message[1:]}: see {self.prog} --help.")


def say(line: object) -> None:
    """Print a line to standard error."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any more, as in `2>&1 | head -1`: all that follows is dropped
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stderr.fileno())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide what TensorFlow's C++ start-up prints about drivers that are not there."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
