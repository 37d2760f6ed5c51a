"""What can go wrong, by type.  Each message is one sentence: what is wrong and what to do."""


class StyleTransferError(Exception):
    """The base of every error that this package raises on purpose."""

    def _render_traceback_(self):
        """What IPython shows of it in a notebook: the sentence, which says what to do."""
        return [f"{type(self).__name__}: {self}"]


class SetupError(StyleTransferError, RuntimeError):
    """What a notebook needs is not here, or is too old."""


class PictureError(StyleTransferError, ValueError):
    """A picture cannot be found, fetched, read or used."""


class NetworkError(StyleTransferError, ValueError):
    """A network, one of its layers or its weights cannot be had."""


class SettingError(StyleTransferError, ValueError):
    """A setting has a value that makes no sense."""


class OutputError(StyleTransferError, OSError):
    """A file cannot be written; what stood in its place is untouched."""


class CheckpointError(StyleTransferError, ValueError):
    """A checkpoint cannot be read, or belongs to another run."""


class DivergedError(StyleTransferError, ArithmeticError):
    """A cost stopped being finite; the transfer still holds the last good picture."""


def either(choices) -> str:
    """'a, b or c'."""
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last
