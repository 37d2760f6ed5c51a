"""How a command speaks: one sentence, an exit status, and no end because nobody listens."""

import argparse
import contextlib
import os
import signal
import sys
import threading

from .errors import StyleTransferError


class Parser(argparse.ArgumentParser):
    """A wrong use is one sentence, too."""

    def error(self, message):
        message = " ".join(message.split())
        fail(self.prog, f"{message[0].upper()}{message[1:]}: see {self.prog} --help.")


class Lasting:
    """A stream that may lose its reader, as in `2>&1 | head -1`, and takes no run with it."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        with self._kept():
            self.stream.write(text.encode(errors="backslashreplace").decode())

    def flush(self):
        with self._kept():
            self.stream.flush()

    @contextlib.contextmanager
    def _kept(self):
        try:
            yield
        except OSError:  # what is still buffered, and all that follows, goes nowhere
            with open(os.devnull, "wb") as nowhere, contextlib.suppress(OSError):
                os.dup2(nowhere.fileno(), self.stream.fileno())


def say(line, stream=None):
    print(line, file=Lasting(stream or sys.stderr), flush=True)


def fail(prog, message):
    sys.exit(say(f"{prog}: {message}") or 2)


@contextlib.contextmanager
def command(prog):
    """Errors become one sentence and status 2, Ctrl-C and SIGTERM one sentence and status 130."""
    _open_standard_streams()
    try:
        with _terminated_like_ctrl_c():
            yield
    except StyleTransferError as error:
        fail(prog, error)
    except KeyboardInterrupt as stopped:
        sys.exit(say(str(stopped) or "Stopped; pictures that are written stay.") or 130)


def _open_standard_streams():
    """Where one is closed (`2>&-`), the next file would take its number, and what is said."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


@contextlib.contextmanager
def _terminated_like_ctrl_c():
    """SIGTERM does what Ctrl-C does at that moment: the picture so far is written."""

    def stop(number, frame):
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # in the background a shell has Ctrl-C ignored
            raise KeyboardInterrupt
        handler(number, frame)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives signals
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def quiet():
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
