"""What the page shows, as text: the style sheet, the chart, pictures and sentences as HTML."""

import base64
import html
import math

import numpy as np

from .. import images

CSS = """<style>
.nst { max-width: 1120px; }
.nst-columns { display: flex; flex-flow: row wrap; gap: 8px 24px; align-items: flex-start; }
.nst-left { flex: 1 1 340px; max-width: 560px; min-width: 280px; overflow: visible; }
.nst-right { flex: 1 1 320px; max-width: 460px; min-width: 280px; overflow: visible; }
.nst-row { display: flex; flex-flow: row wrap; gap: 4px; overflow: visible; }
.nst-strip { display: flex; flex-flow: row wrap; gap: 6px; overflow: visible; }
.nst-strip > * { width: 104px; }
.nst-strip button, .nst-cells button { width: 100%; font-size: 11px; padding: 0 2px; }
.nst-cells { display: grid; grid-template-columns: repeat(3, minmax(0, 140px)); gap: 6px; }
.nst img { border-radius: 3px; } .nst a { text-decoration: underline; }
.nst-view img, img.nst-view { width: 100%; max-width: 512px; height: auto; object-fit: contain; }
.nst .widget-html-content, .nst p { color: inherit; line-height: 1.35; }
.nst p { margin: 2px 0; }
.nst-left > *, .nst-right > *, .nst-layers > * { max-width: calc(100% - 6px); }
.nst h4 { margin: 8px 0 2px; font-size: 13px; color: inherit; }
.nst-message { border-left: 4px solid #D55E00; padding: 4px 10px; margin: 4px 0; }
.nst-note { border-left-color: #3B8FD4; }
.nst :focus-visible { outline: 2px solid #3B8FD4; outline-offset: 1px; }
.nst-classroom { font-size: 22px; }
.nst-classroom .widget-label, .nst-classroom .widget-readout, .nst-classroom button,
.nst-classroom .widget-html-content { font-size: 22px; height: auto; line-height: 1.4; }
.nst-classroom button { padding: 6px 18px; min-height: 44px; width: auto; }
.nst-classroom .nst-left { max-width: 640px; } .nst-classroom .nst-right { max-width: 560px; }
.nst-classroom .nst-view img, .nst-classroom img.nst-view { max-width: 640px; }
.nst-classroom .widget-slider { min-height: 48px; }
.nst-classroom .widget-slider > .widget-label { width: 200px !important; }
.nst-question { font-size: 28px; font-weight: 600; }
</style>"""

LINES = (("content", "#3B8FD4"), ("style", "#E0701A"), ("total", "#1FA67A"))  # of the chart


def chart(rows, small_print=True, width=460, height=150):
    """Content, style and total cost over the steps as an SVG, on a log scale that it names.

    rows: (step, content, style, total).  Drawn in text, which costs less than a millisecond.
    """
    if len(rows) < 2:
        return "<p>The costs appear here once the painting has begun.</p>"
    table = np.maximum(np.array(rows, float), 1e-12)
    steps, costs = table[:, 0], np.log10(table[:, 1:])
    low, high = math.floor(costs.min()), math.ceil(max(costs.max(), costs.min() + 0.1))
    x = 40 + (width - 50) * (steps - steps[0]) / max(steps[-1] - steps[0], 1)
    y = 8 + (height - 30) * (high - costs) / (high - low)
    drawn = _powers(low, high, width, height)
    for (_, color), column in zip(LINES, y.T, strict=True):
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, column, strict=True))
        drawn += f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
    first, last = rows[0][0], rows[-1][0]
    drawn += f'<text x="40" y="{height - 4}">step {first}</text>'
    drawn += f'<text x="{width - 10}" y="{height - 4}" text-anchor="end">step {last}</text>'
    now = [f"{name} {cost:.3g}" for (name, _), cost in zip(LINES, rows[-1][1:], strict=True)]
    keys = [f'<span style="color: {color}">━</span>' for _, color in LINES]
    legend = " &nbsp; ".join(f"{key} {text}" for key, text in zip(keys, now, strict=True))
    print_ = " (log scale; total = α·content + β·style + smoothing)" if small_print else ""
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Costs at step {last}: {", ".join(now)}" '
        'style="width: 100%; height: auto; fill: currentColor; font: 11px sans-serif">'
        f"{drawn}</svg><p>{legend}{print_}</p>"
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


def message(sentence, note=False):
    """A sentence in a frame: a note, or what went wrong, which screen readers say at once."""
    kind, role = ("nst-message nst-note", "status") if note else ("nst-message", "alert")
    return f'<div class="{kind}" role="{role}">{html.escape(sentence)}</div>' if sentence else ""


def paragraph(text, kind=""):
    return f'<p class="{kind}">{html.escape(text)}</p>'


def download(path):
    """A link to the picture in the page itself: in Colab the file would be on another machine."""
    kind = {".png": "png", ".webp": "webp"}.get(path.suffix.lower(), "jpeg")
    address = f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    name = html.escape(path.name)
    return f'<a download="{name}" href="{address}">Download {name}</a>'


def at_most(picture, side):
    scale = side / max(picture.shape)
    if scale >= 1:
        return picture
    return images.resize(picture, *(max(1, round(n * scale)) for n in picture.shape[:2]))


def img(picture, width, alt):
    data = base64.b64encode(images.encode(at_most(picture, 2 * width), quality=85)).decode()
    alt = html.escape(alt, quote=True)
    return f'<img alt="{alt}" src="data:image/jpeg;base64,{data}" style="width: {width}px">'


def beside(before, after, divider):
    """`before` on the left of the divider, 0 to 1, `after` on the right, a line between."""
    rows, columns = after.shape[:2]
    if before.shape != after.shape:
        before = images.resize(before, rows, columns)
    column = round(divider * columns)
    found = np.concatenate([before[:, :column], after[:, column:]], axis=1)
    found[:, max(column - 1, 0) : column + 1] = 255
    return found
