"""Drawings for the notebooks: the whole method, VGG with the layers that are read, unrolling.

Each function returns a `Drawing`, an SVG that a notebook shows wherever it is opened.  It brings
its own light ground: GitHub and JupyterLab show an SVG as an image, which knows nothing of the
page's colors and would be dark on dark.
"""

from xml.sax.saxutils import escape, quoteattr

from IPython.display import SVG

from .. import vgg as networks

INK, PALE, GROUND = "#333333", "#8c8c8c", "#fcfcfa"
CONTENT, STYLE, TOTAL = "#0072B2", "#D55E00", "#007a5a"  # as plots.COLORS
PARTS = ("vgg", "content", "gram", "style", "total", "gradient", "pixels")


class Drawing(SVG):
    """An SVG with its alternative text, which stands beside it in the notebook's output."""

    def __init__(self, body, width, height, alt):
        self.alt = alt
        heads = "".join(
            f'<marker id="{color[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path d="M0,0.5 8,4 0,7.5z" fill="{color}"/></marker>'
            for color in (INK, PALE, CONTENT, STYLE, TOTAL)
        )
        super().__init__(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" style="max-width: 100%; height: auto" role="img" '
            f'aria-label={quoteattr(alt)} font-family="sans-serif" font-size="13" fill="{INK}">'
            f"<title>{escape(alt)}</title><defs>{heads}</defs>"
            f'<rect width="{width}" height="{height}" rx="8" fill="{GROUND}"/>{body}</svg>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"image/svg+xml": self.data, "text/plain": self.alt}
        return bundle, {"image/svg+xml": {"alt": self.alt}}


def text(x, y, words, color=INK, size=13, anchor="middle", weight="normal"):
    """Words around x; _{…} in them is written lower and smaller."""
    spans = []
    for i, part in enumerate(words.split("_{")):
        low, closed, rest = part.partition("}") if i else ("", "", part)
        if closed:
            spans.append(f'<tspan dy="4" font-size="{size * 0.75:.1f}">{escape(low)}</tspan>')
            rest = rest or " "
            spans.append(f'<tspan dy="-4">{escape(rest)}</tspan>')
        else:
            spans.append(escape(rest))
    return (
        f'<text x="{x}" y="{y}" fill="{color}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}" xml:space="preserve">{"".join(spans)}</text>'
    )


def rect(x, y, width, height, fill="white", stroke=INK, line=1.2, radius=0):
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="{line}"/>'
    )


def arrow(points, color=INK, line=1.4):
    """Along the points [(x, y), …]; the last one has the head."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{line}" '
        f'marker-end="url(#{color[1:]})"/>'
    )


def method(lit=()):
    """The whole method in one drawing.  lit: names of PARTS, drawn in color, the rest in grey."""
    lit = {lit} if isinstance(lit, str) else set(lit)
    if unknown := lit - set(PARTS):
        raise ValueError(f"The drawing has no part {unknown.pop()!r}: it has {', '.join(PARTS)}.")

    def tint(color, *parts):
        """(color, width of lines) of what belongs to any of these parts."""
        on = lit & set(parts)
        return (color, 2.4) if on else (PALE if lit else INK, 1.3)

    body = _pictures_and_network(tint)
    for hue, part, points in _ARROWS:
        body += arrow(points, *tint(hue, part))
    body += _sum_of_costs(tint)
    alt = (
        "The whole method. Three pictures, C, G and S, go through one frozen VGG, which gives the "
        "activations a_C, a_G and a_S. J_content compares a_G with a_C; J_style compares the Gram "
        "matrices of a_G and a_S. J is α times the first plus β times the second. Its gradient "
        "goes back through the same layers and moves the pixels of G."
    )
    alt += f" Lit here: {', '.join(part for part in PARTS if part in lit)}." if lit else ""
    return Drawing(body, 910, 420, alt)


def _pictures_and_network(tint):
    """C, G and S, the network that sees them, and the activations that it gives."""
    sees, moved = tint(TOTAL, "vgg"), tint(TOTAL, "pixels")
    body = rect(168, 20, 128, 330, "#f1f3f1", *sees, radius=6) + text(232, 42, "VGG", sees[0], 15)
    for i in range(5):
        body += rect(180 + 22 * i, 185 - 75 / 1.55**i, 12 + i, 150 / 1.55**i, "white", *sees)
    body += text(232, 325, "frozen: its weights", sees[0], 11)
    body += text(232, 339, "never change", sees[0], 11)
    for name, what, y, hue, readers in (
        ("C", "content", 60, CONTENT, ("vgg", "content")),
        ("G", "generated", 185, INK, ("vgg", "content", "gram")),
        ("S", "style", 310, STYLE, ("vgg", "gram")),
    ):
        color, line = moved if name == "G" else tint(INK)
        body += rect(40, y - 34, 90, 68, stroke=color, line=line) + _scene(name, 40, y - 34, color)
        body += text(85, y + 50, f"{name}, {what}", color) + arrow([(132, y), (166, y)], *sees)
        color, line = tint(hue, *readers)
        body += arrow([(298, y), (326, y)], color, line)
        for shift in (12, 6, 0):
            body += rect(330 + shift, y - 18 - shift, 40, 40, "white", color, line)
        body += text(352, y + 40, f"a_{{{name}}}", color, 15)
    return body


def _sum_of_costs(tint):
    """Both costs, the Gram matrices before one of them, J, and the words on the way back."""
    body = _cost(
        524, 70, "J_{content}", "same things in", "the same places", *tint(CONTENT, "content")
    )
    body += _cost(524, 252, "J_{style}", "the same patterns,", "anywhere", *tint(STYLE, "style"))
    color, line = tint(STYLE, "gram")
    for k in range(32):
        i, j = divmod(k % 16, 4)
        fill = color if i == j or i + j == 1 else "white"
        body += rect(424 + 11 * j, 218 + 70 * (k // 16) + 11 * i, 11, 11, fill, color, line / 2)
    body += text(446, 350, "Gram matrices", color)
    color, line = tint(TOTAL, "total")
    body += text(712, 90, "× α", color, 15) + text(712, 294, "× β", color, 15)
    body += rect(738, 160, 152, 50, "white", color, line, 6) + text(814, 182, "J", color, 17)
    body += text(814, 200, "α·J_{content} + β·J_{style}", color)
    color, line = tint(TOTAL, "gradient")
    body += text(430, 388, "gradient: how would J change if this pixel were brighter?", color)
    body += text(430, 404, "(back through the same layers, for every pixel of G)", color, 11)
    return body + text(120, 408, "a step: move the pixels of G", tint(TOTAL, "pixels")[0], 11)


_ARROWS = (  # color, part, points
    (CONTENT, "content", [(384, 60), (500, 60), (520, 82)]),
    (CONTENT, "content", [(384, 172), (500, 122), (520, 106)]),
    (STYLE, "gram", [(384, 194), (420, 222)]),
    (STYLE, "gram", [(384, 310), (420, 310)]),
    (STYLE, "style", [(472, 240), (500, 248), (520, 264)]),
    (STYLE, "style", [(472, 310), (500, 304), (520, 288)]),
    (TOTAL, "total", [(656, 94), (700, 94), (736, 166)]),
    (TOTAL, "total", [(656, 276), (700, 276), (736, 204)]),
    (TOTAL, "gradient", [(814, 212), (814, 392), (630, 392)]),
    (TOTAL, "pixels", [(230, 392), (18, 392), (18, 185), (36, 185)]),
)


def _scene(name, x, y, color):
    """A small landscape for C, waves for S, and both for G."""
    hills = f'<path d="M{x},{y + 58} l28,-30 18,18 16,-14 28,26 v10 h-90z" fill="{color}"/>'
    hills += f'<circle cx="{x + 68}" cy="{y + 18}" r="8" fill="{color}"/>'
    waves = "".join(
        f'<path d="M{x},{y + 12 + 11 * i} q11,-13 22.5,0 t22.5,0 22.5,0 22.5,0" fill="none" '
        f'stroke="{color}" stroke-width="2"/>'
        for i in range(5)
    )
    both = f'<g opacity="0.45">{hills}</g>{waves}'
    return {"C": f'<g opacity="0.75">{hills}</g>', "S": waves, "G": both}[name]


def _cost(x, y, name, what, more, color, line):
    found = rect(x, y - 12, 130, 62, "white", color, line, 6) + text(x + 65, y + 7, name, color, 16)
    return found + text(x + 65, y + 27, what, color, 12) + text(x + 65, y + 42, more, color, 12)


def vgg(network, lit=()):
    """The network's blocks and convolutions; those that it was loaded to read are in color.

    lit: names of layers, drawn with a heavy line.
    """
    lit = {lit} if isinstance(lit, str) else set(lit)
    table = networks.layer_table(network.name)
    last = max(list(table).index(layer) for layer in network.layers)
    body = text(46, 34, "picture") + rect(12, 42, 68, 136) + arrow([(82, 110), (94, 110)])
    x, before, read = 98, 1, []
    for layer, row in list(table.items())[: last + 1]:
        high = 150 - 26 * (row.stride.bit_length() - 1)
        if row.stride != before:
            body += arrow([(x, 110), (x + 26, 110)], PALE) + text(x + 13, 102, "pool", PALE, 11)
            x, before = x + 30, row.stride
        if layer.endswith("_conv1"):
            start = x
            body += text(x, 206, f"block {layer[5]}", size=14, anchor="start", weight="bold")
            body += text(x, 222, f"{row.channels} channels", size=11, anchor="start")
            size = "full size" if row.stride == 1 else f"1/{row.stride} of the size"
            body += text(x, 236, size, size=11, anchor="start")
        color = CONTENT if layer == network.content_layer else STYLE
        color = color if layer in network.layers else PALE
        fill = color if layer in network.layers else "white"
        line = 4 if layer in lit else 1.3
        body += rect(x, 110 - high / 2, 16, high, fill, INK if layer in lit else color, line, 2)
        if layer in network.layers:
            read.append(layer)
        x += 22
        x = max(x, start + 74) if layer == _last_of_block(table, layer, last) else x
    if network.content_layer in network.layers:
        body += rect(96, 250, 12, 12, CONTENT, CONTENT)
        body += text(114, 261, f"content: {network.content_layer}", anchor="start")
    styles = [layer for layer in network.style_layers if layer in network.layers]
    body += rect(330, 250, 12, 12, STYLE, STYLE)
    body += text(348, 261, f"style: {', '.join(styles)}", anchor="start")
    alt = f"{network.name}: blocks of convolutions with a pooling between two blocks. "
    alt += f"Layers that are read: {', '.join(read)}."
    return Drawing(body, max(x + 20, 348 + 7 * len(", ".join(styles)) + 60), 278, alt)


def _last_of_block(table, layer, last):
    return [name for name in list(table)[: last + 1] if name[:6] == layer[:6]][-1]


def unrolled(n_H=2, n_W=3, n_C=4):
    """An activation (n_H, n_W, n_C) becomes the matrix F: a row a position, a column a channel."""
    hues = (CONTENT, STYLE, TOTAL, "#a0528a", "#9a6b00", "#3a7ca5")
    cell, body, shift = 30, "", 16
    left, top = 58, 60 + shift * (n_C - 1)
    for c in reversed(range(n_C)):
        x, y = left + shift * c, top - shift * c
        for k in range(n_H * n_W):
            i, j = divmod(k, n_W)
            body += rect(x + cell * j, y + cell * i, cell, cell, "white", hues[c % 6], 1.6)
            if c == 0:
                body += text(x + cell * (j + 0.5), y + cell * (i + 0.65), str(k + 1), hues[0])
    bottom = top + cell * n_H
    body += text(left + cell * n_W / 2, bottom + 20, f"n_{{W}} = {n_W}")
    body += text(left - 4, top + cell * n_H / 2 + 4, f"n_{{H}} = {n_H}", anchor="end", size=11)
    right = left + cell * n_W + shift * n_C
    body += text(right, 40, f"n_{{C}} = {n_C} channels", anchor="middle")
    begin = right + 90
    middle = 60 + cell * max(n_H * n_W, n_H + n_C / 2) / 2
    body += arrow([(right + 10, middle), (begin - 50, middle)], INK, 2)
    body += text((right + begin) / 2 - 20, middle - 10, "unroll")
    for k in range(n_H * n_W):
        for c in range(n_C):
            x, y = begin + cell * c, 60 + cell * k
            body += rect(x, y, cell, cell, "white", hues[c % 6], 1.6)
            body += text(x + cell / 2, y + cell * 0.65, str(k + 1), hues[c % 6])
    width = begin + cell * n_C
    body += text(begin + cell * n_C / 2, 40, "F: one column a channel")
    body += text(width + 10, middle, "one row", anchor="start")
    body += text(width + 10, middle + 16, "a position", anchor="start")
    height = max(60 + cell * n_H * n_W, bottom + 26) + 20
    alt = f"An activation of {n_C} maps of {n_H} by {n_W} positions becomes a matrix F of "
    alt += f"{n_H * n_W} rows, one for each position, and {n_C} columns, one for each channel."
    return Drawing(body, width + 100, height, alt)
