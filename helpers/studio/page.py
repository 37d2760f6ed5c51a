"""What the page shows, as text: the style sheet, the chart, pictures and sentences as HTML."""

import html
import math
from pathlib import Path

import numpy as np

from .. import images
from .scene import number

CONTENT, STYLE = "#3B8FD4", "#E0701A"  # the colors of the two costs
CSS = f"<style>{(Path(__file__).parent / 'studio.css').read_text()}</style>"


def chart(rows, alive=False, width=460, height=120):
    """Content and style cost over the steps as an SVG, on a log scale that it names.

    rows: see `Session.tick`.  Where β/α moved there is a mark; where the painting goes on at
    another size, whose costs are others, the lines begin anew.
    alive: whether a sentence is to appear when nothing more comes for half a minute.
    """
    if len(rows) < 2:
        return "<p>The costs appear here once the painting has begun.</p>"
    table = np.array(rows, float)
    steps = table[:, 0]
    costs = np.log10(np.maximum(table[:, 1:3], max(table[1:, 1:3].min(), 1e-3)))
    low, high = math.floor(costs.min()), math.ceil(max(costs.max(), costs.min() + 0.1))
    x = 40 + (width - 50) * (steps - steps[0]) / max(steps[-1] - steps[0], 1)
    y = 8 + (height - 30) * (high - costs) / (high - low)
    drawn = _powers(low, high, width, height) + _moves(x, table[:, 4], height)
    pieces = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(table[:, 5])) + 1)
    for color, column in zip((CONTENT, STYLE), y.T, strict=True):
        for piece in pieces:
            points = " ".join(
                f"{a:.1f},{b:.1f}" for a, b in zip(x[piece], column[piece], strict=True)
            )
            drawn += f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
    first, (last, content, style, *_) = rows[0][0], rows[-1]
    drawn += f'<text x="40" y="{height - 4}">step {first}</text>'
    drawn += f'<text x="{width - 10}" y="{height - 4}" text-anchor="end">step {last}</text>'
    now = ((CONTENT, f"content cost {number(content)}"), (STYLE, f"style cost {number(style)}"))
    keys = " &nbsp; ".join(f'<span style="color: {c}">━</span> {text}' for c, text in now)
    spoken = ", ".join(text for _, text in now)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Costs at step {last}: {spoken}">{drawn}</svg>'
        f"<p>{keys} <small>(log scale)</small></p>{_SILENCE if alive else ''}"
    )


# Each new chart begins the half minute anew, without a script.
_SILENCE = (
    '<p class="nst-silence nst-message" role="status">Nothing has come from Python for half a '
    "minute. It is at other work, or it has stopped: then run the cell again. What was saved is "
    "there.</p>"
)


def _powers(low, high, width, height):
    """A line for each power of ten, or for every few of them."""
    drawn = ""
    for power in range(low, high + 1, max(1, (high - low) // 4)):
        level = 8 + (height - 30) * (high - power) / (high - low)
        drawn += (
            f'<line x1="40" x2="{width - 10}" y1="{level:.1f}" y2="{level:.1f}" '
            'stroke="currentColor" stroke-opacity=".2"/>'
            f'<text x="36" y="{level + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    return drawn


def _moves(x, ratios, height, apart=42):
    """A dashed line where β/α has moved, and where to; of moves close together, the last."""
    drawn, before = "", None
    for i in np.flatnonzero(np.diff(ratios))[::-1] + 1:
        if before is None or before - x[i] >= apart:
            before, text = x[i], f"β/α {number(ratios[i])}"
            anchor, shift = ("end", -3) if x[i] > 380 else ("start", 3)
            drawn += (
                f'<line x1="{x[i]:.1f}" x2="{x[i]:.1f}" y1="8" y2="{height - 22}" '
                'stroke="currentColor" stroke-opacity=".6" stroke-dasharray="3 3"/>'
                f'<text x="{x[i]:.1f}" y="16" dx="{shift}" text-anchor="{anchor}">{text}</text>'
            )
    return drawn


WIPE = (
    '<label class="nst-wipe"><span class="nst-sr">Wipe between photograph and painting</span>'
    '<input type="range" min="0" max="100" step="0.5" value="0" title="Drag: the photograph" '
    "oninput=\"this.closest('.nst-picture').style.setProperty('--wipe', this.value + '%')\">"
    '<i aria-hidden="true"></i></label>'
)

# Shrinks a picture in the browser to what every notebook's messages can carry (Colab drops those
# of a widget above 1 MB without a word), upright and in sRGB, and puts it into the text area.
_SHRINK = (
    "const box=this.closest('.nst-upload'),file=this.files[0],to=box.querySelector('textarea');"
    "if(file)createImageBitmap(file,{imageOrientation:'from-image'}).then(image=>{"
    "const canvas=document.createElement('canvas');let side=2048,quality=.92,data;"
    "do{const k=Math.min(1,side/Math.max(image.width,image.height));"
    "canvas.width=Math.round(k*image.width);canvas.height=Math.round(k*image.height);"
    "const pen=canvas.getContext('2d');pen.fillStyle='#fff';"
    "pen.fillRect(0,0,canvas.width,canvas.height);"
    "pen.drawImage(image,0,0,canvas.width,canvas.height);"
    "data=canvas.toDataURL('image/jpeg',quality);side*=.9;quality=Math.max(.8,quality-.03)}"
    "while(data.length>900000);return file.name+'|'+data},()=>file.name+'|')"
    ".then(text=>{to.value=text;to.dispatchEvent(new Event('change',{bubbles:true}))})"
)


# The beginning of the file as it is, where its settings stand.
_HEAD = (
    "const box=this.closest('.nst-upload'),file=this.files[0],to=box.querySelector('textarea'),"
    "reader=new FileReader();reader.onload=()=>{to.value=file.name+'|'+reader.result;"
    "to.dispatchEvent(new Event('change',{bubbles:true}))};"
    "if(file)reader.readAsDataURL(file.slice(0,600000))"
)


def upload(label, whole=True):
    """A field for a picture file of any size, by a click or a drop: see `controls.Upload`.

    whole: False sends the beginning of the file as it is, not the picture made small.
    """
    script = _SHRINK if whole else _HEAD
    return (
        f'<label class="nst-drop">{html.escape(label)} <input type="file" accept="image/*" '
        f'onchange="{script}"></label>'
    )


# A round brush, wide as the slider says in hundredths of the picture's width.
_DRAW = (
    "if(!event.buttons)return;const pen=this.getContext('2d'),k=this.width/this.clientWidth,"
    "x=k*event.offsetX,y=k*event.offsetY;if(event.type=='pointerdown'){"
    "this.setPointerCapture(event.pointerId);pen.beginPath();pen.moveTo(x-.1,y)}"
    "pen.lineWidth=this.width*this.closest('.nst-upload').querySelector('input').value/100;"
    "pen.lineCap=pen.lineJoin='round';pen.strokeStyle='#fff';pen.lineTo(x,y);pen.stroke()"
)
_BUTTON = "jupyter-widgets jupyter-button widget-button"  # as ipywidgets' own look
_CLEAR = "const all=this.closest('.nst-upload').querySelector('canvas');all.width=all.width"
_SEND = (
    "const box=this.closest('.nst-upload'),drawn=box.querySelector('canvas'),"
    "to=box.querySelector('textarea'),all=document.createElement('canvas'),"
    "pen=all.getContext('2d');all.width=drawn.width;all.height=drawn.height;"
    "pen.fillRect(0,0,all.width,all.height);pen.drawImage(drawn,0,0);"
    "to.value='brush.png|'+all.toDataURL();to.dispatchEvent(new Event('change',{bubbles:true}))"
)


def brush(picture):
    """The picture to brush over, which sends a mask, white under the brush: `controls.Upload`."""
    height, width = picture.shape[:2]
    return (
        f'<div class="nst-brush">{img(picture, 640, "the photograph")}<canvas width="{width}" '
        f'height="{height}" aria-label="Brush over the photograph" onpointerdown="{_DRAW}" '
        f'onpointermove="{_DRAW}"></canvas></div><div class="nst-row"><label>brush '
        '<input type="range" min="2" max="30" value="12"></label>'
        f'<button type="button" class="{_BUTTON}" onclick="{_SEND}">Paint there</button>'
        f'<button type="button" class="{_BUTTON}" onclick="{_CLEAR}">Clear</button></div>'
    )


def message(sentence, note=False):
    """A sentence in a frame: a note, or what went wrong, which screen readers say at once."""
    kind, role = ("nst-message nst-note", "status") if note else ("nst-message", "alert")
    return f'<div class="{kind}" role="{role}">{html.escape(sentence)}</div>' if sentence else ""


def paragraph(text, kind=""):
    return f'<p class="{kind}">{html.escape(text)}</p>'


def download(path):
    """A link to the file in the page itself, which opens it once: in Colab the file would be on
    another machine."""
    kind = path.suffix.lower().lstrip(".").replace("jpg", "jpeg")
    address = images.data_address(path.read_bytes(), kind)
    name = html.escape(path.name)
    click = "this.previousElementSibling.click();this.remove()"
    return (
        f'<a download="{name}" href="{address}">Download {name}</a>'
        f'<img src="data:," alt="" hidden onerror="{click}">'
    )


def at_most(picture, side):
    scale = side / max(picture.shape)
    if scale >= 1:
        return picture
    return images.resize(picture, *(max(1, round(n * scale)) for n in picture.shape[:2]))


def address(picture, side):
    """The picture as a data: address, at most `side` pixels long."""
    return images.data_address(images.encode(at_most(picture, side), quality=85))


def img(picture, side, alt):
    alt = html.escape(alt, quote=True)
    return f'<img alt="{alt}" src="{address(picture, side)}">'


def figures(shown, side):
    """Pictures beside each other: [(picture, what it is)]."""
    found = (
        f"<figure>{img(picture, side, text)}<figcaption>{html.escape(text)}</figcaption></figure>"
        for picture, text in shown
    )
    return f'<div class="nst-figures">{"".join(found)}</div>'
