"""Pictures that follow one another: under a slider, as animated files, and as painted films."""

import base64
import html
import io
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from . import decode, files, images
from .decode import READABLE
from .errors import OutputError, PictureError

FILM = "an animation", (".gif", ".webp")  # that can be written
COLORS = 128  # of a GIF's frame, without dithering, which would flicker and be twice the bytes
STILL = 8.0  # gray levels: what changes by less from frame to frame stands still
Frames = Sequence[np.ndarray]  # RGB, (height, width, 3) in 0–255, of one size
Name = str | os.PathLike


class Flipbook:
    """Pictures under a slider that leafs through them: HTML alone, which needs no kernel.

    captions: what each shows.  name: of the slider.  first: shown first.  width: in pixels.
    """

    def __init__(self, frames: Frames, captions: Sequence[str], name: str, first=0, width=420):
        pages = []
        for frame, caption in zip(frames, map(html.escape, captions), strict=True):
            frame = images.resize(frame, round(width * frame.shape[0] / frame.shape[1]), width)
            jpeg = images.encode(frame, quality=68, optimize=True, progressive=True)
            pages.append(
                '<figure style="display:inline-block;margin:0 8px 8px 0"><img width="140" '
                f'alt="{caption}" src="{data_address(jpeg)}" style="max-width:100%">'
                f"<figcaption>{caption}</figcaption></figure>"
            )
        script = html.escape(Path(__file__).with_name("flipbook.js").read_text(encoding="utf-8"))
        pages[-1] = pages[-1].replace("<img", f'<img onload="{script}"', 1)
        self._html = (
            f'<div><label style="display:none">{html.escape(name)} <input type="range" '
            f'max="{len(pages) - 1}" value="{first}"></label>{"".join(pages)}</div>'
        )

    def _repr_html_(self):
        return self._html


def data_address(data: bytes, kind: str = "jpeg") -> str:
    """The address under which a page finds the bytes of a picture file within itself."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def animation(frames: Frames, *, alt: str, milliseconds: int = 150):
    """IPython's image of pictures that play over and over, with their alternative text."""
    from IPython import display

    from .plots import check_alt

    check_alt(alt)
    gif, wide = animated(frames, "gif", milliseconds), max(480, frames[0].shape[1])  # enlarged
    return display.Image(gif, format="gif", width=wide, metadata={"alt": alt})


def animated(frames: Frames, kind: str, milliseconds: int | list[int], loop=0) -> bytes:
    """The bytes of an animated picture; kind: "gif" or "webp".

    milliseconds: for each frame, or a list of them.  loop: 0: for ever, None: it plays once.
    """
    made = [Image.fromarray(images.to_uint8(frame)) for frame in frames]
    if kind == "gif":
        made = [frame.quantize(COLORS, dither=Image.Dither.NONE) for frame in made]
    elif loop is None:
        loop = 1  # a GIF has no count then
    options = {"append_images": made[1:], "duration": milliseconds, "loop": loop, "quality": 90}
    made[0].save(buffer := io.BytesIO(), kind, save_all=True, **options)
    return buffer.getvalue()


def encoded(path: Name, frames: Frames, milliseconds: list[int], loop=0) -> bytes:
    """The bytes of the film at `path`; OutputError where its format cannot hold them."""
    kind = files.check_output(path, *FILM)[1:]
    try:
        return animated(frames, kind, milliseconds[: len(frames)], loop)
    except Exception as error:  # Pillow raises whatever it likes beyond a format's limits
        sentence = f"{path} cannot hold this film ({error}): use a smaller --size."
        raise OutputError(sentence) from None


def load(path: Name, size: int | None = None) -> tuple[list[np.ndarray], list[int], int | None]:
    """(frames, milliseconds of each, loop) of an animated file or of a directory of pictures.

    size: the longest side.  Raises PictureError for what makes no film.
    """
    found, frames, milliseconds, loop = frame_files(path), [], [], 0
    if os.path.isdir(files.resolve(path)):
        frames = [images.load(picture, size) for picture in found]
        milliseconds = [100] * len(frames)
    else:
        with decode.opened(found[0], str(path)) as film:
            loop = film.info.get("loop")
            for frame in ImageSequence.Iterator(film):
                frames.append(images.load(frame.convert("RGBA"), size))
                milliseconds.append(round(film.info.get("duration") or 100))
    if len(frames) < 2 or len({frame.shape for frame in frames}) > 1:
        raise PictureError(f"{path} is not a film: give at least two frames, all of the same size.")
    return frames, milliseconds, loop


def frame_files(path: Name) -> list[Path]:
    """The file, or a directory's pictures as people count them, frame2 before frame10.

    Raises PictureError.
    """
    found = files.resolve(path, PictureError)
    if not os.path.isdir(found):
        return [files.readable(path, PictureError, "film")]
    pictures = [p for p in found.iterdir() if p.suffix.lower() in READABLE and not p.is_dir()]
    pictures = [p for p in pictures if not p.name.startswith(".")]  # macOS adds ._frame1.png
    if not pictures:
        raise PictureError(f"There are no pictures in {path}: check the path.")
    return sorted(
        pictures, key=lambda p: re.sub("[0-9]+", lambda n: n[0].zfill(20), p.name.lower())
    )


def follow(run, frames: Frames, again: int) -> Iterator[np.ndarray]:
    """Each frame's painting in turn; run: a `transfer.Transfer` that has painted the first one.

    Each further one begins at `next_start` and has `again` steps.
    """
    yield run.picture
    for before, frame in itertools.pairwise(frames):
        run.aim(content=frame)
        run.picture = next_start(run.picture, before, frame)
        run.step(again)
        yield run.picture


def next_start(painting: np.ndarray, before: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The painting of the frame before, plus what has changed since: all (height, width, 3)."""
    return np.clip(painting + frame - before, 0, 255)


def flicker(paintings: Frames, frames: Frames) -> float | None:
    """By how many gray levels paintings change where the film stands still; None: nowhere."""
    pairs = itertools.pairwise(zip(frames, paintings, strict=True))
    changes = [np.abs(q - p)[np.abs(b - a).max(axis=-1) < STILL] for (a, p), (b, q) in pairs]
    found = np.concatenate(changes)
    return float(found.mean()) if found.size else None
