"""What the programs of this folder paint with: colors, noise, curves, and a canvas of bristles."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter, map_coordinates, sobel

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


def spline(knots, steps=160):
    """A smooth curve through the knots."""
    t = np.linspace(0, 1, len(knots))
    return CubicSpline(t, knots)(np.linspace(0, 1, steps))


def spiral(cx, cy, radius, start, turns, steps=90):
    """Points of a spiral that winds inward."""
    t = np.linspace(0, 1, steps)
    theta, r = start + turns * 2 * np.pi * t, radius * (1 - 0.82 * t)
    return np.stack([cx + r * np.cos(theta), cy + r * np.sin(theta)], 1)
