"""Ctrl-C and its relatives come when it suits: what belongs together is finished first."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[list]:
    """A list, empty until Ctrl-C; whoever holds it stops when it can."""
    interrupted = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread receives signals
        return
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a closed terminal, do what Ctrl-C does at that moment."""

    def stop(number, frame):
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # in the background a shell has Ctrl-C ignored
            raise KeyboardInterrupt
        handler(number, frame)

    kinds = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}  # Windows has no SIGHUP
    # Whoever has hung up on purpose, with nohup, is left alone.
    kinds = [kind for kind in kinds if signal.getsignal(kind) is not signal.SIG_IGN]
    before = {kind: signal.signal(kind, stop) for kind in kinds}
    # Likewise Ctrl-C in the background of a script, whatever handlers come and go.
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if ignored:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for kind, handler in before.items():
            signal.signal(kind, handler)
