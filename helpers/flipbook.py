"""Pictures that follow one another: as an animated file, and under a slider that leafs."""

import html
import io
from pathlib import Path

from PIL import Image

from . import files, images
from .errors import OutputError

SUFFIXES = (".gif", ".webp")

COLORS = 128  # of a GIF's frame, without dithering, which would flicker and be twice the bytes

_LEAF = (
    "const i=+this.value;this.closest('div').querySelectorAll('figure')"
    ".forEach((f,k)=>{f.style.display=k==i?'':'none'})"
)


def animated(frames, kind, milliseconds):
    """The bytes of a film that plays over and over.

    frames: RGB pictures of one size, (height, width, 3) in 0–255.  kind: "gif" or "webp".
    milliseconds: that each is seen; a number, or a list with one for each.
    """
    made = [Image.fromarray(images.to_uint8(frame)) for frame in frames]
    options = {"save_all": True, "duration": milliseconds, "loop": 0}
    if kind == "gif":
        made = [frame.quantize(COLORS, dither=Image.Dither.NONE) for frame in made]
    else:
        options["quality"] = 90
    buffer = io.BytesIO()
    made[0].save(buffer, kind, append_images=made[1:], **options)
    return buffer.getvalue()


def save(path, frames, milliseconds):
    """Write them as an animated .gif or .webp file, whole or not at all.  Raises OutputError."""
    check_film(path)
    with files.whole_file(path) as file:
        file.write(animated(frames, Path(path).suffix.lower()[1:], milliseconds))


def check_film(path):
    """Raises OutputError when no film can be written there."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path} has no ending of a film: use .gif or .webp.")
    files.check_file(path)


class Flipbook:
    """Pictures and a slider that leafs through them: HTML alone, which no kernel has to answer.

    frames: RGB pictures (height, width, 3) in 0–255; captions: one for each, which is also what
    is said of it to who does not see it.  name: of the slider.  first: the one that is shown first.
    width: in pixels, of each frame."""

    def __init__(self, frames, captions, name, first=0, width=420):
        pages = []
        for i, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
            frame = images.resize(frame, round(width * frame.shape[0] / frame.shape[1]), width)
            jpeg = images.encode(frame, quality=68, optimize=True, progressive=True)
            caption = html.escape(caption, quote=True)
            shown = "" if i == first else "display:none"
            pages.append(
                f'<figure style="margin:0;{shown}"><img src="{images.data_address(jpeg)}" '
                f'alt="{caption}" style="width:{width}px;max-width:100%">'
                f"<figcaption>{caption}</figcaption></figure>"
            )
        slider = (
            f'<input type="range" min="0" max="{len(pages) - 1}" value="{first}" '
            f'style="width:{width - 60}px;max-width:80%" oninput="{_LEAF}">'
        )
        self._html = f"<div><label>{html.escape(name)} {slider}</label>{''.join(pages)}</div>"

    def _repr_html_(self):
        return self._html
