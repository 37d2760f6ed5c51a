"""Paint the style pictures of images/style, each by a program of its own.

    python tools/paint_styles.py            # the same five pictures each time

Three of them are painted with strokes (after Hertzmann 1998): a composition is first laid out as
a picture of flat colors and a field of directions; then strokes that follow the field take their
color from it, wide ones first, narrow ones on top.  Every stroke is a bundle of bristles, each
with its own shade and its own thickness of paint, and at the end a lamp from the upper left
lights that relief.  The woodblock and the window are drawn as areas and contours.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter, map_coordinates, sobel
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WIDTH, HEIGHT = 960, 720
FINE = 2  # everything is painted at twice the size, which smooths its edges


def points(text):
    """ "x y, x y, …" → [(x, y), …]"""
    return [tuple(map(float, point.split())) for point in text.split(",")]


def grid():
    """x and y of every pixel, in units of the height: x in 0–1.33, y in 0–1 from the top."""
    y, x = np.mgrid[: HEIGHT * FINE, : WIDTH * FINE] / (HEIGHT * FINE)
    return x, y


def rgb(code):
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], float)


def ramp(t, *codes):
    """Colors along a palette, for t in 0–1: (…, 3)."""
    stops = np.linspace(0, 1, len(codes))
    colors = np.array([rgb(code) for code in codes])
    return np.stack([np.interp(t, stops, colors[:, c]) for c in range(3)], -1)


def noise(rng, size):
    """Smooth noise with features of about `size` (in heights), mean 0 and deviation 1."""
    small = max(2, int(HEIGHT * FINE * size / 4))
    shape = (HEIGHT * FINE // small + 8, WIDTH * FINE // small + 8)
    coarse = gaussian_filter(rng.normal(size=shape), 2, mode="wrap")
    y, x = np.mgrid[: HEIGHT * FINE, : WIDTH * FINE] / small + 2
    field = map_coordinates(coarse, [y, x], order=1)
    return (field - field.mean()) / field.std()


def over(colors, mask, paint):
    """Lay paint over colors where mask is 1."""
    mask = np.clip(mask, 0, 1)[..., None]
    return colors * (1 - mask) + paint * mask


def edge(distance, softness=0.002):
    """1 inside (distance < 0), 0 outside, with a soft edge."""
    return 1 / (1 + np.exp(np.clip(distance / softness, -30, 30)))


class Canvas:
    """Wet paint: colors, and the thickness of the paint for the lamp."""

    def __init__(self, ground):
        self.colors = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
        self.relief = Image.new("L", self.colors.size, 60)
        self.draw, self.draw_relief = ImageDraw.Draw(self.colors), ImageDraw.Draw(self.relief)

    def strokes(
        self, rng, reference, angle, width, length, coverage, jitter=14, where=None, bend=0.12
    ):
        """Strokes in random order; width and length in pixels of the finished picture.

        coverage: how many layers of paint; where: a mask of 0–1, the probability of a stroke.
        """
        rows, columns = angle.shape
        width, length = width * FINE, length * FINE
        count = int(coverage * rows * columns / (width * length))
        starts = rng.uniform((0, 0), (rows, columns), (count, 2))
        if where is not None:
            keep = where[starts[:, 0].astype(int), starts[:, 1].astype(int)] > rng.random(count)
            starts = starts[keep]
        steps, stride = 7, length / 6
        size = rng.uniform(0.6, 1.3, len(starts))
        at, heading, path = starts.copy(), None, []
        turn = rng.normal(0, bend, len(starts))
        for _ in range(steps):
            path.append(at.copy())
            row, column = (
                at[:, i].clip(0, n - 1).astype(int) for i, n in ((0, rows), (1, columns))
            )
            theta = angle[row, column] + turn
            step = np.stack([np.sin(theta), np.cos(theta)], 1)
            if heading is not None:  # a direction has two senses: go on in the one begun
                step *= np.sign((step * heading).sum(1, keepdims=True) + 1e-9)
            heading = step
            at = at + step * stride * size[:, None]
        path = np.stack(path, 1)  # (strokes, steps, 2)
        middle = path[:, steps // 2].astype(int)
        color = reference[middle[:, 0].clip(0, rows - 1), middle[:, 1].clip(0, columns - 1)]
        color = color + rng.normal(0, jitter, color.shape) + rng.normal(0, jitter, (len(color), 1))
        tangent = np.gradient(path, axis=1)
        normal = np.stack([tangent[..., 1], -tangent[..., 0]], -1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
        bristles = max(3, int(width / 3.2))
        taper = np.array([0.55, 0.9, 1, 1, 1, 0.85, 0.4])[:, None]
        for i in range(len(starts)):
            load = rng.uniform(60, 200)
            for k in rng.permutation(bristles):
                offset = (k / (bristles - 1) - 0.5) * width * size[i]
                line = path[i] + normal[i] * offset * taper
                cut = slice(rng.integers(0, 2), steps - rng.integers(0, 2))
                dots = [(x, y) for y, x in line[cut]]
                shade = color[i] + rng.normal(0, 9)
                thin = int(max(2, 1.7 * width * size[i] / bristles))
                self.draw.line(dots, tuple(shade.clip(0, 255).astype(int)), thin, joint="curve")
                ridge = load * rng.uniform(0.6, 1.15) * (1.15 if k in (0, bristles - 1) else 1)
                self.draw_relief.line(dots, int(min(255, ridge)), thin, joint="curve")

    def finish(self, rng, gloss=0.55):
        """The lamp, the weave of the linen, and the picture at its final size."""
        relief = gaussian_filter(np.asarray(self.relief, float), 1.1)
        y, x = np.mgrid[: relief.shape[0], : relief.shape[1]]
        relief = relief + 4 * np.sin(x * 1.3) * np.sin(y * 1.3) + rng.normal(0, 1.5, relief.shape)
        slope = -(sobel(relief, 0) + sobel(relief, 1)) / 8
        light = np.clip(slope * gloss, -38, 48)[..., None]
        return shrink(np.asarray(self.colors, float) + light)


def shrink(colors):
    picture = Image.fromarray(colors.clip(0, 255).astype(np.uint8))
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


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


def water_light(rng):
    """A harbor at sunrise: mist, masts, a red sun and its path of dabs on the water."""
    x, y = grid()
    horizon = 0.42
    haze = noise(rng, 0.35) * 0.5 + noise(rng, 0.12) * 0.25
    sky = ramp(
        np.clip(y / horizon + 0.12 * haze, 0, 1), "5f7fa3", "8aa0b4", "c9b7a8", "eeb684", "f3a266"
    )
    sky = over(
        sky, 0.5 * np.exp(-((np.hypot((x - 0.86) * 0.8, y - 0.27) / 0.25) ** 2)), rgb("ffcf8e")
    )
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    ripples = np.sin(y * 300 / (0.3 + depth) + 4 * noise(rng, 0.2)) * 0.5 + 0.5 * noise(rng, 0.05)
    water = ramp(
        np.clip(0.45 + 0.22 * ripples - 0.25 * depth, 0, 1),
        "14384f",
        "26607a",
        "4d8a98",
        "8fb3ad",
        "d6cfae",
    )
    path = np.exp(-(((x - 0.86 + 0.03 * np.sin(y * 40)) / (0.035 + 0.11 * depth)) ** 2))
    water = over(
        water, path * (0.35 + 0.75 * (ripples > 0.1)), ramp(1 - depth, "e8622c", "f79a4a", "ffd08a")
    )
    scene = over(sky, edge(horizon - y, 0.004), water)
    scene = over(
        scene,
        0.75 * edge(np.abs(y - horizon) - 0.02 - 0.014 * noise(rng, 0.06), 0.006),
        rgb("6f7f95"),
    )
    angle = np.where(y > horizon, 0.06 * noise(rng, 0.1), 0.35 * noise(rng, 0.3) - 0.25)
    scene, details = boats(rng, scene, horizon)
    sun = edge(np.hypot(x - 0.86, y - 0.27) - 0.034, 0.002)
    scene = over(scene, sun, rgb("f04a1c"))
    details = np.maximum(details, edge(np.hypot(x - 0.86, y - 0.27) - 0.04, 0.002))
    # Lilies float near the shore, lower left.
    for _ in range(46):
        cx, cy = rng.uniform(0, 0.75), rng.uniform(0.74, 1.0)
        if cx > 0.75 * (cy - 0.55) / 0.45:
            continue
        pad = edge(np.hypot((x - cx) / 2.4, y - cy) - rng.uniform(0.009, 0.017), 0.0012)
        scene = over(scene, pad, ramp(rng.uniform(0, 1), "2f5d3a", "5c8a4a", "9db56a"))
        details = np.maximum(details, pad)
        if rng.random() < 0.45:
            flower = edge(np.hypot(x - cx, y - cy + 0.008) - 0.0075, 0.001)
            scene = over(scene, flower, rgb(rng.choice(["f7d9dc", "f5a9b8", "fff4d8"])))

    canvas = Canvas(over(scene, 0.5 + 0 * x, rgb("b9a68c")))
    canvas.strokes(rng, scene, angle, 17, 46, 2.2, jitter=12)
    canvas.strokes(rng, scene, angle, 9, 26, 2.2, jitter=17)
    lively = np.clip(0.25 + 0.9 * (y > horizon), 0, 1)
    canvas.strokes(rng, scene, angle, 6, 19, 2.2, jitter=21, where=lively, bend=0.05)
    canvas.strokes(rng, scene, angle, 3, 9, 5.0, jitter=7, where=details)
    return canvas.finish(rng)


def boats(rng, scene, horizon):
    """Masts in the mist, and two rowing boats with their reflections."""
    picture = Image.fromarray(scene.clip(0, 255).astype(np.uint8))
    mask = Image.new("L", picture.size)
    draw, fine = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    unit = HEIGHT * FINE
    for _ in range(15):
        px, top = rng.uniform(0.02, 0.7), rng.uniform(0.12, 0.3)
        color = tuple(ramp(rng.uniform(0, 1), "4d6078", "76839a", "90929c").astype(int))
        for d, end in ((draw, color), (fine, 255)):
            d.line(
                [(px * unit, top * unit), ((px + 0.004) * unit, (horizon + 0.01) * unit)], end, 8
            )
            d.line(
                [
                    ((px - 0.03) * unit, (top + 0.06) * unit),
                    ((px + 0.03) * unit, (top + 0.05) * unit),
                ],
                end,
                5,
            )
    for cx, cy, s in ((0.98, 0.62, 1.0), (0.62, 0.53, 0.55)):
        hull = points("-0.10 -0.018, 0.11 -0.022, 0.075 0.016, -0.07 0.018")
        shadow = points("-0.08 0.02, 0.09 0.018, 0.05 0.075, -0.05 0.08")
        man = points("-0.012 -0.02, -0.016 -0.075, 0.002 -0.09, 0.014 -0.07, 0.012 -0.02")
        for shape, code in ((shadow, "1d3f4c"), (hull, "162531"), (man, "1b2a36")):
            corners = [((cx + s * a) * unit, (cy + s * b) * unit) for a, b in shape]
            draw.polygon(corners, tuple(rgb(code).astype(int)))
            fine.polygon(corners, 255)
        draw.line(
            [
                ((cx + 0.01 * s) * unit, (cy - 0.05 * s) * unit),
                ((cx + 0.16 * s) * unit, (cy + 0.02 * s) * unit),
            ],
            (25, 38, 46),
            7,
        )
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


def spline(knots, steps=160):
    """A smooth curve through the knots."""
    t = np.linspace(0, 1, len(knots))
    return CubicSpline(t, knots)(np.linspace(0, 1, steps))


def spiral(cx, cy, radius, start, turns, steps=90):
    """Points of a spiral that winds inward."""
    t = np.linspace(0, 1, steps)
    theta, r = start + turns * 2 * np.pi * t, radius * (1 - 0.82 * t)
    return np.stack([cx + r * np.cos(theta), cy + r * np.sin(theta)], 1)


def woodblock_wave(rng):
    """A wave with claws of foam, two boats, a far mountain: flat ink, contours, paper."""
    x, y = grid()
    unit = HEIGHT * FINE
    paper = ramp(
        np.clip(0.5 + 0.1 * noise(rng, 0.02) + 0.1 * noise(rng, 0.3), 0, 1),
        "e2d3ae",
        "ecdfbf",
        "f3e9d0",
    )
    sky = over(paper, 0.75 * np.exp(-((y / 0.16) ** 2)), rgb("7f8f98"))  # bokashi: wiped gradation
    sky = over(sky, 0.55 * np.exp(-(((y - 0.62) / 0.12) ** 2)), rgb("e3b98e"))
    image = Image.fromarray(sky.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    ink, indigo, blue, pale, foam = (
        tuple(rgb(c).astype(int)) for c in ("14213f", "1b3a6b", "3b6a97", "8fb1bd", "f1ead6")
    )

    def area(shape, fill, line=ink, width=7):
        corners = [(px * unit, py * unit) for px, py in shape]
        draw.polygon(corners, fill)
        draw.line([*corners, corners[0]], line, width, joint="curve")

    def curve(line, color, width):
        draw.line([(px * unit, py * unit) for px, py in line], color, int(width), joint="curve")

    draw.ellipse(
        [1.02 * unit, 0.10 * unit, 1.15 * unit, 0.23 * unit], tuple(rgb("c8452d").astype(int))
    )
    area(
        points("0.72 0.66, 0.86 0.55, 0.93 0.49, 0.97 0.49, 1.05 0.56, 1.2 0.66"),
        (122, 132, 138),
        width=4,
    )
    area(
        points(
            "0.885 0.53, 0.93 0.49, 0.97 0.49, 1.02 0.535, 0.99 0.528, 0.965 0.545, "
            "0.935 0.525, 0.91 0.54"
        ),
        foam,
        width=3,
    )
    t = np.linspace(0, 1, 160)
    for k, (base, height, fill) in enumerate(((0.66, 0.03, pale), (0.71, 0.045, blue))):
        crest = base - height * np.abs(np.sin(np.pi * (2.5 * t + 0.3 * k))) ** 0.8
        area([(0, 1.1), *zip(1.34 * t, crest, strict=True), (1.34, 1.1)], fill, width=5)
    # The great wave: from the lower left over the crest to the lip, and back along the hollow.
    back = spline(
        points(
            "-0.05 0.40, 0.06 0.30, 0.22 0.16, 0.42 0.075, 0.62 0.085, 0.78 0.165, "
            "0.85 0.28, 0.845 0.375"
        )
    )
    hollow = spline(
        points(
            "1.36 0.70, 1.16 0.83, 0.92 0.875, 0.70 0.80, 0.585 0.63, 0.57 0.46, "
            "0.64 0.34, 0.75 0.315, 0.845 0.375"
        )
    )
    area([(-0.05, 1.1), *back, *hollow[::-1], (1.36, 1.1)], indigo, width=10)
    floor = spline(
        points(
            "-0.05 1.0, 0.10 0.97, 0.25 0.86, 0.34 0.66, 0.42 0.42, 0.56 0.25, "
            "0.74 0.245, 0.845 0.375"
        )
    )
    for i, s in enumerate(np.linspace(0.06, 0.97, 15)):  # water runs up the hollow in bands
        middle = (
            back * (1 - 2 * s) + floor * 2 * s
            if s < 0.5
            else floor * (2 - 2 * s) + hollow * (2 * s - 1)
        )
        middle = middle + 0.004 * np.sin(11 * t + i)[:, None]
        curve(
            middle[4 : 148 - i % 4 * 6],
            (pale, blue, foam, blue)[i % 4],
            8 if i % 4 % 2 == 0 else 15,
        )
    for i in range(9):
        s = i / 9
        swell = np.stack(
            [1.34 * t, 0.84 + 0.17 * s + 0.02 * np.sin(2 * np.pi * (1.6 * t + 0.37 * i)) ** 3], 1
        )
        curve(swell, (pale, blue, foam, pale)[i % 4], 5 + 9 * s)
    # Foam: lobes along back and lip, each ending in small claws.
    edge_line = np.concatenate([back[8:], hollow[:118:-1]])
    places = edge_line[::4]
    for i, (px, py) in enumerate(places):
        size = rng.uniform(0.02, 0.034) * (0.75 + 0.6 * np.sin(np.pi * i / len(places)))
        lobe = spiral(px, py, size, rng.uniform(0, 6.28), 1.0, 40)
        outer = np.stack(
            [
                px + size * np.cos(6.28 * t[::8]) * (1 + 0.15 * np.sin(6 * 6.28 * t[::8])),
                py + size * np.sin(6.28 * t[::8]) * (1 + 0.15 * np.cos(5 * 6.28 * t[::8])),
            ],
            1,
        )
        area(outer, foam, width=5)
        curve(lobe[6:], blue, 4)
    for px, py in edge_line[70::3]:
        for _ in range(3):
            theta, r = rng.uniform(-0.3, 1.5), rng.uniform(0.04, 0.075)
            hook = np.array(
                [
                    [px + r * s * np.cos(theta + 0.9 * s), py + r * s * np.sin(theta + 0.9 * s)]
                    for s in np.linspace(0.3, 1, 8)
                ]
            )
            curve(hook, ink, 13)
            curve(hook, foam, 8)
    for _ in range(260):  # spray
        px, py, r = rng.normal(0.95, 0.12), rng.normal(0.30, 0.14), rng.uniform(0.0016, 0.005)
        if px > 0.8 and py > 0.04:
            draw.ellipse(
                [(px - r) * unit, (py - r) * unit, (px + r) * unit, (py + r) * unit],
                foam,
                outline=ink,
            )
    for cx, cy, s, tilt in ((1.08, 0.79, 0.9, -0.30), (0.78, 0.93, 0.9, 0.12)):
        hull = (
            np.array(
                points("-0.16 -0.03, -0.1 0.008, 0.1 0.008, 0.17 -0.045, 0.09 -0.012, -0.09 -0.012")
            )
            * s
        )
        turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        area(hull @ turn.T + (cx, cy), tuple(rgb("c99a55").astype(int)), width=6)
        for k in range(6):
            head = np.array([-0.07 + 0.027 * k, -0.022]) * s @ turn.T + (cx, cy)
            draw.ellipse(
                [
                    (head[0] - 0.011) * unit,
                    (head[1] - 0.012) * unit,
                    (head[0] + 0.011) * unit,
                    (head[1] + 0.01) * unit,
                ],
                indigo,
                outline=ink,
                width=4,
            )
    seal = [1.25 * unit, 0.05 * unit, 1.295 * unit, 0.155 * unit]
    draw.rectangle(seal, tuple(rgb("b5372a").astype(int)), outline=ink, width=3)
    for k in range(3):
        top = seal[1] + (0.012 + 0.03 * k) * unit
        draw.line([(seal[0] + 14, top + 8), (seal[2] - 14, top + 8)], foam, 6)
        draw.line(
            [((seal[0] + seal[2]) / 2, top - 6), ((seal[0] + seal[2]) / 2, top + 26)], foam, 6
        )
    # The block's grain shows in the flat inks, the paper's fibers everywhere.
    colors = np.asarray(image, float)
    grain = np.sin(y * 900 + 9 * noise(rng, 0.25) + 3 * noise(rng, 0.04)) + 0.7 * noise(rng, 0.012)
    dark = 1 - colors.mean(-1) / 255
    colors = colors + (grain * (1 + 14 * dark**1.5))[..., None] + rng.normal(0, 4, (*x.shape, 1))
    colors = over(colors, 0.30 * (noise(rng, 0.008) > 2.0) * (0.4 + dark), rgb("e9dcbc"))
    return shrink(colors)


def stained_glass(rng):
    """A leaded window: a bird in a tree before the sun, in panes of colored glass."""
    x, y = grid()
    cx, cy = 0.80, 0.42
    # The design decides each pane's color; panes are cells around panes that follow the design.
    rays = np.array(
        [
            (cx + r * np.cos(a), cy + r * np.sin(a))
            for k, r in enumerate((0.10, 0.20, 0.32, 0.46, 0.62, 0.80))
            for a in np.linspace(0, 2 * np.pi, 10 + 5 * k, endpoint=False) + 0.3 * k
        ]
    )
    panes = np.concatenate([rays + rng.normal(0, 0.009, rays.shape), [(cx, cy)]])
    panes = panes[(panes > -0.1).all(1) & (panes[:, 0] < 1.45) & (panes[:, 1] < 1.1)]
    distances, owner = cKDTree(panes).query(np.stack([x, y], -1).reshape(-1, 2), k=2, workers=1)
    cell, gap = owner[:, 0].reshape(x.shape), (distances[:, 1] - distances[:, 0]).reshape(x.shape)
    kind, figure = bird_and_tree(x.shape)
    colors = np.zeros((*x.shape, 3))
    palettes = {
        0: ("0d2a7a", "1d4fc0", "2f86d8", "123a9a", "37b0d8", "5a2d91"),
        1: ("f6b21b", "f58a1f", "fbd54a", "e8541f"),
        2: ("1f7a3a", "3aa648", "0f5a3a", "8cc63f", "b8d432"),
        3: ("c4161c", "e8302a", "a3122a", "f0562f"),
        4: ("4a2c17", "6b3f1d", "8a5524"),
    }
    for i in range(len(panes)):
        inside = cell == i
        radius = np.hypot(*(panes[i] - (cx, cy)))
        for value, palette in palettes.items():
            part = inside & (kind == value)
            if value == 0 and radius < 0.27:
                palette = palettes[1]
            elif value == 0 and radius < 0.40:
                palette = ("f28cb0", "e0447c", "f7a54a", "c22a6a")
            colors[part] = rgb(rng.choice(palette))
    # Glass: streaks, bubbles, and more light in the middle of a pane than at the lead.
    streaks = (
        noise(rng, 0.05) * 0.10
        + noise(rng, 0.015) * 0.07
        + 0.05 * np.sin(90 * (x + 0.3 * y) + 5 * noise(rng, 0.1))
    )
    border = np.minimum(gap, figure)
    glow = 0.62 + 0.5 * np.clip(border / 0.03, 0, 1) ** 0.6
    sun = 1 + 0.45 * np.exp(-((np.hypot(x - cx, y - cy) / 0.30) ** 2))
    colors = colors * ((glow + streaks) * sun)[..., None]
    bubbles = noise(rng, 0.007) > 2.6
    colors = colors + 40 * gaussian_filter(bubbles * 1.0, 1.2)[..., None]
    # Lead: dark, rounded, lit from above.
    half = 0.0052
    lead = edge(border - half, 0.0007)
    bump = np.sqrt(np.clip(1 - (border / half) ** 2, 0, 1))
    shine = np.clip(-sobel(gaussian_filter(bump, 2), 0), 0, None)
    metal = (
        rgb("17171b")
        + 42 * bump[..., None] * (0.5 + 0.3 * noise(rng, 0.01)[..., None])
        + 150 * shine[..., None]
    )
    return shrink(over(colors, lead, metal))


def bird_and_tree(shape):
    """A map of kinds (0 sky, 2 leaves, 3 bird, 4 wood), and the distance to its contours."""
    from scipy.ndimage import distance_transform_edt

    image = Image.new("L", shape[::-1])
    draw, unit = ImageDraw.Draw(image), HEIGHT * FINE

    def polygon(kind, shape):
        draw.polygon([(px * unit, py * unit) for px, py in shape], kind)

    t = np.linspace(0, 1, 60)
    polygon(
        2, [(0, 1.02), *zip(1.34 * t, 0.86 - 0.05 * np.sin(5 * t + 0.4), strict=True), (1.34, 1.02)]
    )
    polygon(
        4,
        points(
            "0.20 1.0, 0.25 0.70, 0.23 0.45, 0.10 0.22, 0.14 0.20, 0.27 0.37, "
            "0.30 0.10, 0.34 0.10, 0.335 0.42, 0.52 0.58, 0.98 0.645, 0.98 0.672, "
            "0.50 0.63, 0.345 0.55, 0.36 0.72, 0.44 1.0"
        ),
    )
    for px, py, r in points(
        "0.10 0.17 0.12, 0.32 0.10 0.13, 0.21 0.30 0.08, 0.47 0.20 0.08, 0.05 0.36 0.07"
    ):
        draw.ellipse([(px - r) * unit, (py - r) * unit, (px + r) * unit, (py + r) * unit], 2)
    for px, py in points("0.60 0.57, 0.66 0.68, 0.93 0.62, 1.00 0.70"):
        polygon(
            2,
            [
                (px, py + 0.03),
                (px + 0.05, py - 0.03),
                (px + 0.10, py - 0.02),
                (px + 0.05, py + 0.03),
            ],
        )
    body = points(
        "0.60 0.40, 0.655 0.335, 0.72 0.33, 0.765 0.385, 0.86 0.43, 0.97 0.50, "
        "1.10 0.60, 1.18 0.70, 1.06 0.655, 0.95 0.60, 0.84 0.605, 0.745 0.585, "
        "0.69 0.52, 0.665 0.45"
    )
    polygon(3, body)
    kind = np.asarray(image, int)
    wing = Image.new("L", shape[::-1])
    ImageDraw.Draw(wing).polygon(
        [
            (px * unit, py * unit)
            for px, py in points("0.76 0.44, 0.88 0.47, 1.03 0.585, 0.9 0.57, 0.80 0.53")
        ],
        1,
    )
    wing = np.asarray(wing) > 0
    kind = np.where(wing, 1, kind)
    eye = np.zeros(shape, bool)
    y, x = np.mgrid[: shape[0], : shape[1]] / unit
    eye = np.hypot(x - 0.685, y - 0.378) < 0.011
    kind = np.where(eye, 1, kind)
    contour = (np.diff(kind, axis=0, prepend=kind[:1]) != 0) | (
        np.diff(kind, axis=1, prepend=kind[:, :1]) != 0
    )
    return kind, distance_transform_edt(~contour) / unit


PAINTINGS = {
    f.__name__: f
    for f in (starry_swirls, water_light, cubist_facets, woodblock_wave, stained_glass)
}


def main(arguments=None):
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--output", type=Path, default=ROOT / "images" / "style")
    parse.add_argument("--only", nargs="+", choices=list(PAINTINGS), default=list(PAINTINGS))
    options = parse.parse_args(arguments)
    for seed, (name, paint) in enumerate(PAINTINGS.items()):
        if name in options.only:
            picture = paint(np.random.default_rng(seed))
            picture.save(options.output / f"{name}.jpg", quality=90, optimize=True)
            print(options.output / f"{name}.jpg")


if __name__ == "__main__":
    main()
