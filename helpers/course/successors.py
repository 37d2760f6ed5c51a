"""A drawing of what came after the loop: five ways to a painting, and what each gave up for speed.

In the manner of `drawings`, which has the words and boxes.
"""

from .drawings import CONTENT, INK, PALE, STYLE, TOTAL, Drawing, arrow, rect, text

_LEFT, _HIGH, _WIDE = 230, 96, 640  # where a row's picture begins, its height, its width


def ways():
    """Feed-forward, statistics (AdaIN, WCT), matching (STROTSS, NNST), diffusion, beside the loop.

    Returns a `drawings.Drawing`.
    """
    rows = (
        ("the loop", "Gatys et al. 2015", "minutes, any style", _loop),
        ("feed-forward", "Johnson, Ulyanov 2016", "milliseconds, one style", _feed_forward),
        ("statistics", "AdaIN, WCT 2017", "milliseconds, any style", _statistics),
        ("matching", "STROTSS 2019, NNST 2022", "a minute, any style", _matching),
        ("diffusion", "since 2022", "seconds, styles in words", _diffusion),
    )
    body = ""
    for i, (name, who, price, draw) in enumerate(rows):
        y = 14 + i * _HIGH
        body += rect(8, y, _LEFT + _WIDE - 16, _HIGH - 10, "white", PALE, 0.8, 6)
        body += text(22, y + 30, name, size=16, anchor="start", weight="bold")
        body += text(22, y + 50, who, size=12, anchor="start")
        body += text(22, y + 68, price, TOTAL, 12, "start")
        body += draw(_LEFT, y + (_HIGH - 10) / 2)
    alt = (
        "Five ways to a painting. The loop: J's gradient moves the pixels of G again and again. "
        "Feed-forward: a network is trained once with that J, then it paints at one go. "
        "Statistics: an encoder, means and deviations exchanged, a decoder. Matching: each place "
        "of G looks for its nearest place in S. Diffusion: noise is cleaned step by step by a "
        "network that words steer."
    )
    return Drawing(body, _LEFT + _WIDE, 14 + _HIGH * len(rows), alt)


def _box(x, y, words, color=INK, width=64, height=40, line=1.3):
    found = rect(x, y - height / 2, width, height, "white", color, line, 5)
    return found + text(x + width / 2, y + 5, words, color)


def _loop(x, y):
    body = _box(x, y, "G", width=44) + arrow([(x + 46, y), (x + 96, y)])
    body += _box(x + 100, y, "VGG", TOTAL) + arrow([(x + 166, y), (x + 216, y)])
    body += _box(x + 220, y, "J", TOTAL, 44)
    back = [(x + 242, y + 22), (x + 242, y + 36), (x + 22, y + 36), (x + 22, y + 24)]
    body += arrow(back, TOTAL)
    body += text(x + 330, y - 4, "hundreds of times", TOTAL, anchor="start")
    return body + text(x + 330, y + 14, "for each picture", TOTAL, anchor="start")


def _feed_forward(x, y):
    body = _box(x, y, "C", CONTENT, 44) + arrow([(x + 46, y), (x + 96, y)])
    body += _box(x + 100, y, "painter", STYLE, 84, line=2.4) + arrow([(x + 186, y), (x + 236, y)])
    body += _box(x + 240, y, "G", width=44) + arrow([(x + 286, y), (x + 326, y)], PALE)
    body += text(x + 332, y - 4, "J, in training only: one style", PALE, anchor="start")
    return body + text(x + 332, y + 14, "is all that its weights know", PALE, anchor="start")


def _statistics(x, y):
    body = _box(x, y - 18, "C", CONTENT, 44, 28) + _box(x, y + 18, "S", STYLE, 44, 28)
    for dy in (-18, 18):
        body += arrow([(x + 46, y + dy), (x + 96, y + dy / 3)])
    body += _box(x + 100, y, "VGG", TOTAL) + arrow([(x + 166, y), (x + 196, y)])
    body += _box(x + 200, y, "C's layer with S's mean and width", STYLE, 234, line=2.4)
    body += arrow([(x + 436, y), (x + 466, y)]) + _box(x + 470, y, "decoder", TOTAL, 70)
    return body + arrow([(x + 542, y), (x + 566, y)]) + _box(x + 570, y, "G", width=44)


def _matching(x, y):
    body = ""
    for i in range(5):
        for j, hue in ((0, INK), (1, STYLE)):
            body += rect(x + 34 * i, y - 30 + 40 * j, 26, 20, "white", hue)
    for i, k in enumerate((1, 0, 3, 3, 4)):
        body += arrow([(x + 13 + 34 * i, y - 8), (x + 13 + 34 * k, y + 8)], TOTAL)
    body += text(x + 186, y - 15, "places of G", anchor="start")
    body += text(x + 186, y + 25, "places of S", STYLE, anchor="start")
    body += text(x + 330, y - 4, "each takes after its nearest,", TOTAL, anchor="start")
    return body + text(x + 330, y + 14, "not after a mean of all", TOTAL, anchor="start")


def _diffusion(x, y):
    body = ""
    for i, words in enumerate(("noise", "", "", "G")):
        body += _box(x + 96 * i, y + 8, words, INK if i in (0, 3) else PALE, 56)
        if i < 3:
            body += arrow([(x + 96 * i + 58, y + 8), (x + 96 * i + 92, y + 8)], TOTAL)
    body += text(x + 172, y - 22, "“a hall, in strokes of blue and gold”", STYLE)
    body += text(x + 372, y + 4, "a network that saw millions of", TOTAL, anchor="start")
    return body + text(x + 372, y + 22, "pictures takes the noise away", TOTAL, anchor="start")
