"""Pictures and a slider that leafs through them: HTML alone, which no kernel has to answer."""

import base64
import html

from . import images

_LEAF = (
    "const i=+this.value;this.closest('div').querySelectorAll('figure')"
    ".forEach((f,k)=>{f.style.display=k==i?'':'none'})"
)


class Flipbook:
    """frames: RGB pictures (height, width, 3) in 0–255; captions: one for each, which is also what
    is said of it to who does not see it.  name: of the slider.  first: the one that is shown first.
    width: in pixels, of each frame."""

    def __init__(self, frames, captions, name, first=0, width=420):
        pages = []
        for i, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
            frame = images.resize(frame, round(width * frame.shape[0] / frame.shape[1]), width)
            jpeg = images.encode(frame, quality=68, optimize=True, progressive=True)
            data, caption = base64.b64encode(jpeg).decode(), html.escape(caption, quote=True)
            shown = "" if i == first else "display:none"
            pages.append(
                f'<figure style="margin:0;{shown}"><img src="data:image/jpeg;base64,{data}" '
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
