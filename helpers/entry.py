"""Where a command begins: Ctrl-C is one sentence from the first moment on."""

import sys


def run(command: str) -> None:
    """Call a function of `cli`, which takes a moment to import."""
    try:
        from . import cli

        getattr(cli, command)()
    except KeyboardInterrupt:
        print("Stopped before anything was painted.", file=sys.stderr)
        sys.exit(130)
