"""How a command speaks: one sentence, an exit status, and no end because nobody listens."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

from .errors import StyleTransferError
from .interrupts import terminated_like_interrupted


def run(name: str) -> None:
    """Call a command of `cli`; Ctrl-C is one sentence also while that is imported."""
    try:
        from . import cli

        getattr(cli, name)()
    except KeyboardInterrupt:
        say("Stopped before anything was painted.")
        sys.exit(130)


class Parser(argparse.ArgumentParser):
    """A parser of arguments whose complaints are one sentence, too."""

    def __init__(self, prog: str, description: str):
        kept = argparse.RawDescriptionHelpFormatter  # the lines of the description
        super().__init__(prog, description=description, formatter_class=kept, allow_abbrev=False)

    def error(self, message):
        """End with a sentence and exit status 2."""
        message = " ".join(message.split())
        fail(self.prog, f"{message[0].upper()}{message[1:]}: see {self.prog} --help.")


class Lasting:
    """A stream that may lose its reader, as in `2>&1 | head -1`, and takes no run with it."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        """Write to the stream."""
        self._lasting(self.stream.write, text)

    def flush(self):
        """Flush the stream."""
        self._lasting(self.stream.flush)

    def _lasting(self, act, *given):
        try:
            act(*given)
        except OSError:  # what is still buffered, and all that follows, goes nowhere
            with open(os.devnull, "wb") as nowhere, contextlib.suppress(OSError):
                os.dup2(nowhere.fileno(), self.stream.fileno())


def say(line: object, stream=None) -> None:
    """Print a line, by default to standard error."""
    print(line, file=Lasting(stream or sys.stderr), flush=True)


def fail(prog: str, message: object) -> None:
    """End with a sentence and exit status 2."""
    say(f"{prog}: {message}")
    sys.exit(2)


@contextlib.contextmanager
def command(prog: str) -> Iterator[None]:
    """Errors become one sentence and status 2; Ctrl-C, SIGTERM and SIGHUP one and status 130."""
    # Where a standard stream is closed (`2>&-`), the next file would take its number.
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    with contextlib.suppress(AttributeError):  # names have letters that not every terminal knows
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.showwarning = lambda warning, *_, **__: say(warning)
    try:
        with terminated_like_interrupted():
            yield
    except StyleTransferError as error:
        fail(prog, error)
    except OSError as error:  # of a directory, for example, that may not be read
        fail(prog, f"{error.strerror or error}: check {error.filename or 'your disk'}.")
    except KeyboardInterrupt as stopped:
        say(str(stopped) or "Stopped; what has been written stays.")
        sys.exit(130)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide what TensorFlow's C++ start-up prints about drivers that are not there."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    Lasting(sys.stderr).flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        Lasting(sys.stderr).flush()
        os.dup2(kept, 2)
        os.close(kept)
