"""Pictures drawn as areas and contours: a woodblock print and a leaded window."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, sobel
from scipy.spatial import cKDTree

from .brushes import (
    FINE,
    HEIGHT,
    edge,
    grid,
    noise,
    over,
    points,
    ramp,
    rgb,
    shrink,
    spiral,
    spline,
)


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
