"""Paintings in strokes: a composition of colors and directions, then strokes that follow it."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, sobel

from .brushes import FINE, HEIGHT, WIDTH, Canvas, edge, grid, noise, over, points, ramp, rgb


def starry_swirls(rng):
    """A night of swirls: a moon, stars with halos, hills, a village, a cypress."""
    x, y = grid()
    stars = points(
        "0.17 0.16 0.05, 0.40 0.09 0.035, 0.60 0.30 0.05, 0.83 0.10 0.04, "
        "0.95 0.36 0.035, 0.36 0.40 0.032, 1.27 0.42 0.03, 0.08 0.46 0.03"
    )
    moon = (1.14, 0.17, 0.085)
    # Streams: a breeze plus eddies; paint follows the lines on which `psi` is constant.
    psi = y + 0.05 * noise(rng, 0.5) + 0.035 * np.sin(3.3 * x + 0.6)
    for cx, cy, strength, radius in (
        (0.55, 0.24, 0.20, 0.13),
        (0.79, 0.33, -0.15, 0.10),
        (0.27, 0.27, -0.11, 0.09),
    ):
        psi = psi + strength * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))
    for cx, cy, r in (*stars, moon):
        psi = psi + 1.1 * r * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (1.5 * r) ** 2))
    down, across = np.gradient(gaussian_filter(psi, 3))
    angle = np.arctan2(across, -down)
    wave = 0.5 + 0.5 * np.sin(46 * psi + noise(rng, 0.3))
    sky = ramp(wave, "0e1f57", "1c3f94", "2f63b8", "5d93cc", "a9c9d6")
    sky = over(sky, 0.55 * edge(y - 0.2, 0.12), rgb("13225e"))
    sky = over(
        sky, np.exp(-(((y - 0.57 - 0.03 * np.sin(5 * x)) / 0.045) ** 2)) * 0.8, rgb("c8d8b8")
    )
    for cx, cy, r in (*stars, moon):
        distance = np.hypot(x - cx, y - cy) / r
        rings = 0.75 + 0.25 * np.sin(distance * 7)
        sky = over(sky, np.exp(-((distance / 1.5) ** 2)) * rings, rgb("e8d77a"))
        sky = over(sky, np.exp(-((distance / 0.55) ** 2)), rgb("fff3c0"))
    crescent = edge(np.hypot(x - moon[0], y - moon[1]) - 0.062) * edge(
        0.05 - np.hypot(x - moon[0] + 0.03, y - moon[1] + 0.012)
    )
    sky = over(sky, crescent, rgb("f2a922"))
    # Land: two ranges of hills, then fields.
    far = 0.62 + 0.05 * np.sin(4.2 * x + 1) + 0.025 * np.sin(9 * x)
    near = 0.72 + 0.045 * np.sin(3.1 * x + 3.2)
    ground = over(
        sky, edge(far - y), ramp(0.5 + 0.3 * noise(rng, 0.06), "142a63", "27509a", "3f78a8")
    )
    fields = ramp(
        (0.5 + 0.35 * np.sin(60 * (y - near) + 5 * np.sin(6 * x))),
        "12324a",
        "1f5a5a",
        "4b7f56",
        "8d9a4c",
    )
    ground = over(ground, edge(near - y), fields)
    for cutoff in (far, near):
        tilt = np.arctan2(
            np.gradient(cutoff, axis=1) * FINE * HEIGHT / (FINE * HEIGHT), 1 / (FINE * HEIGHT)
        )
        angle = np.where(y > cutoff, tilt * 2.5 + 0.25 * np.sin(25 * y), angle)
    ground, details = village(rng, ground)
    # The cypress: flames that rise from the lower left.
    axis = 0.17 + 0.02 * np.sin(9 * y)
    half = (
        0.085
        * np.clip((y - 0.12) / 0.88, 0, 1) ** 0.75
        * (1 + 0.22 * np.sin(31 * y + 3 * np.sin(17 * x)))
    )
    tree = edge(np.abs(x - axis) - half, 0.003) * (y > 0.12)
    flame = ramp(
        0.5 + 0.5 * np.sin(150 * (x - axis) + 14 * y), "0b0f14", "16261c", "2a3d22", "4a3a20"
    )
    ground = over(ground, tree, flame)
    angle = np.where(tree > 0.5, np.pi / 2 + 1.2 * np.cos(20 * y + 40 * (x - axis)) * 0.4, angle)

    canvas = Canvas(over(ground, 0.35 + 0 * x, rgb("3a3420")))
    canvas.strokes(rng, ground, angle, 15, 60, 2.4)
    canvas.strokes(rng, ground, angle, 8, 42, 2.6)
    canvas.strokes(rng, ground, angle, 4.5, 24, 1.6, jitter=17)
    details = np.maximum(details, edge(np.hypot(x - moon[0], y - moon[1]) - 0.07))
    canvas.strokes(rng, ground, angle, 3, 12, 4.5, jitter=7, where=details)
    return canvas.finish(rng)


def village(rng, ground):
    """Houses with lit windows and a steeple; also where fine strokes are wanted."""
    picture = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    mask = Image.new("L", picture.size)
    draw, fine = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    unit = HEIGHT * FINE

    def polygon(shape, code):
        corners = [(px * unit, py * unit) for px, py in shape]
        draw.polygon(corners, tuple(rgb(code).astype(int)), outline=(10, 14, 30), width=3)
        fine.polygon(corners, 255)

    spots = sorted(
        ((rng.uniform(0.42, 1.28), rng.uniform(0.78, 0.93)) for _ in range(24)), key=lambda s: s[1]
    )
    for cx, cy in spots:
        w, h = rng.uniform(0.025, 0.045), rng.uniform(0.025, 0.04)
        wall, roof = (
            rng.choice(["2b4a6b", "41608a", "5b6f79", "35506e"]),
            rng.choice(["7a3b2a", "2a2f52", "5c4030"]),
        )
        polygon([(cx - w, cy - h), (cx + w, cy - h), (cx + w, cy), (cx - w, cy)], wall)
        polygon([(cx - 1.15 * w, cy - h), (cx, cy - 2 * h), (cx + 1.15 * w, cy - h)], roof)
        for shift in (-0.5, 0.35):
            left = cx + shift * w
            polygon(
                [
                    (left, cy - 0.7 * h),
                    (left + 0.3 * w, cy - 0.7 * h),
                    (left + 0.3 * w, cy - 0.25 * h),
                    (left, cy - 0.25 * h),
                ],
                "f4c542",
            )
    polygon(points("0.80 0.72, 0.84 0.72, 0.84 0.85, 0.80 0.85"), "4d6485")
    polygon([(0.795, 0.72), (0.82, 0.53), (0.845, 0.72)], "243056")
    return np.asarray(picture, float), np.asarray(mask, float) / 255


def cubist_facets(rng):
    """A guitar, a bottle and a glass on a table, broken into shaded planes."""
    x, y = grid()
    owner, border, last = facets(rng, x, y, 130)
    shapes = still_life()
    codes = {
        0: ("2f3a44", "7c7f76", "cbbd96", "e6dcc0"),
        1: ("4a2a12", "a8692a", "dba552", "f3d79a"),
        2: ("0f2a30", "2f6660", "6fa58d", "c4d4b4"),
        3: ("3c5066", "9fb0bb", "f0ead8", "fdf8ea"),
        4: ("1c120d", "5b3418", "97602c", "c9935a"),
    }
    colors = np.zeros((*x.shape, 3))
    angle = np.zeros(x.shape)
    for i in range(owner.max() + 1):
        cell = owner == i
        if not cell.any():
            continue
        # Each plane sees the still life from a slightly shifted place: the cubists' many views.
        seen = np.roll(shapes, (rng.normal(0, 20, 2) * FINE).astype(int), (0, 1))[cell]
        # It is lit along one edge and fades from there, so that planes slide under each other.
        distance, theta = last[0][cell], last[1][cell].flat[0]
        fade = np.clip(distance / rng.uniform(0.07, 0.2), 0, 1)
        tone = np.clip((1 - fade if rng.random() < 0.6 else fade * 0.9) + rng.normal(0, 0.08), 0, 1)
        for kind, palette in codes.items():
            colors[np.nonzero(cell)[0][seen == kind], np.nonzero(cell)[1][seen == kind]] = ramp(
                tone[seen == kind], *palette
            )
        angle[cell] = theta + rng.choice([0, np.pi / 2])
    outline = gaussian_filter(
        (np.abs(sobel(shapes.astype(float), 0)) + np.abs(sobel(shapes.astype(float), 1)) > 0) * 1.0,
        2,
    )
    crease = np.exp(-((border / 0.0022) ** 2))
    strong = (noise(rng, 0.2) > -0.2) * 1.0
    final = over(colors, 0.85 * crease * strong, rgb("1e1a17"))
    final = over(final, np.clip(2.2 * outline, 0, 0.85), rgb("191512"))

    canvas = Canvas(over(colors, 0.3 + 0 * x, rgb("6b5b43")))
    canvas.strokes(rng, colors, angle, 13, 34, 2.4, jitter=9, bend=0.05)
    canvas.strokes(rng, final, angle, 7, 20, 2.6, jitter=11, bend=0.05)
    lines = np.clip(crease * strong + outline * 2, 0, 1)
    along = np.arctan2(*np.gradient(gaussian_filter(border, 2))) + np.pi / 2
    canvas.strokes(rng, final, angle, 4, 10, 2.2, jitter=8)
    canvas.strokes(rng, final, along, 3, 12, 3.5, jitter=6, where=lines)
    return canvas.finish(rng, gloss=0.5)


def facets(rng, x, y, count):
    """Split the canvas by `count` straight cuts, most of them in the middle.

    Returns each pixel's plane, its distance to the nearest cut of that plane, and the distance to
    and direction of the plane's last cut.
    """
    owner, border = np.zeros(x.shape, int), np.full(x.shape, np.inf)
    distance, direction = np.full(x.shape, 0.5), np.zeros(x.shape)
    slopes = np.array([1.35, 1.75, 0.25, -0.4, 0.85, -0.95])
    for new in range(1, count + 1):
        px, py = rng.normal((0.67, 0.5), (0.36, 0.3))
        row, column = (
            int(np.clip(v * HEIGHT * FINE, 0, n - 1))
            for v, n in ((py, x.shape[0]), (px, x.shape[1]))
        )
        cell = owner == owner[row, column]
        if cell.sum() < 0.0012 * x.size:
            continue
        theta = rng.choice(slopes) + rng.normal(0, 0.07)
        side = (y - py) * np.cos(theta) - (x - px) * np.sin(theta)
        border = np.where(cell, np.minimum(border, np.abs(side)), border)
        distance, direction = (
            np.where(cell, np.abs(side), distance),
            np.where(cell, theta, direction),
        )
        owner[cell & (side > 0)] = new
    return owner, border, (distance, direction)


def still_life():
    """A map of kinds: 0 wall, 1 guitar, 2 bottle, 3 paper and glass, 4 table."""
    image = Image.new("L", (WIDTH * FINE, HEIGHT * FINE))
    draw, unit = ImageDraw.Draw(image), HEIGHT * FINE

    def polygon(kind, shape):
        draw.polygon([(px * unit, py * unit) for px, py in shape], kind)

    def ellipse(kind, cx, cy, rx, ry):
        draw.ellipse([(cx - rx) * unit, (cy - ry) * unit, (cx + rx) * unit, (cy + ry) * unit], kind)

    polygon(4, points("0.0 0.72, 1.34 0.62, 1.34 1.0, 0.0 1.0"))
    polygon(3, points("0.75 0.70, 1.18 0.62, 1.26 0.84, 0.86 0.93"))
    polygon(2, points("0.33 0.30, 0.46 0.30, 0.49 0.42, 0.49 0.84, 0.30 0.84, 0.30 0.42"))
    polygon(2, points("0.37 0.10, 0.43 0.10, 0.43 0.32, 0.37 0.32"))
    polygon(3, points("0.31 0.50, 0.48 0.50, 0.48 0.68, 0.31 0.68"))
    ellipse(1, 0.76, 0.66, 0.19, 0.17)
    ellipse(1, 0.86, 0.43, 0.145, 0.13)
    polygon(1, points("0.66 0.50, 0.75 0.36, 1.0 0.50, 0.93 0.66"))
    ellipse(4, 0.81, 0.53, 0.055, 0.055)
    polygon(4, points("0.86 0.42, 1.12 0.07, 1.17 0.10, 0.92 0.46"))
    polygon(1, points("1.11 0.03, 1.21 0.06, 1.18 0.15, 1.09 0.10"))
    ellipse(3, 1.12, 0.62, 0.07, 0.03)
    polygon(3, points("1.05 0.62, 1.19 0.62, 1.15 0.80, 1.09 0.80"))
    return np.asarray(image, int)
