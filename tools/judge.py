"""Pictures and J looked at with VGG-19: how near mini comes to it, and how J curves.

python tools/benchmark.py yardstick CONTENT STYLE [CONTENT STYLE …] --weights vgg19.npz
python tools/benchmark.py curvature CONTENT STYLE [CONTENT STYLE …]
"""

import itertools

import numpy as np

from helpers import images

# Edges of bands, in cycles per pixel, and the colors of the waves of `curvature`.
BANDS = (0, 0.02, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.36, 0.42, 0.5, 0.71)
WAVES = {"brightness": (1, 1, 1), "color": (1, -1, 0)}


def yardstick(pairs, weights, size=256, steps=200, beta=20.0, mini_weights=None):
    """How much of the drop in cost that VGG-19 reaches mini reaches too, judged by VGG-19.

    From the photograph, with Adam at one size, as the figures of helpers/weights/README.md.
    """
    from helpers import vgg
    from helpers.transfer import Transfer

    teacher = vgg.load("vgg19", weights=weights)
    mini = vgg.load("mini", weights=mini_weights)
    rows = []
    for content, style in pairs:
        pictures = images.load(content, size), images.load(style, size)
        way = {"beta": beta, "optimizer": "adam", "levels": 1}
        judge, painted, found = Transfer(*pictures, teacher, **way), {}, {}
        start = judge.costs()["total"]
        for network in (teacher, mini):
            run = Transfer(*pictures, network, **way)
            run.run(steps)
            painted[network.name] = judge.picture = run.picture
            found[network.name] = judge.costs()["total"]
        share = (start - found["mini"]) / (start - found["vgg19"])
        row = {"content": str(content), "style": str(style), "start": start, **found}
        rows.append(row | {"share": share, "pictures": painted})
        print(
            f"{content} + {style}: start {start:.2f}, VGG-19 {found['vgg19']:.3f}, "
            f"mini {found['mini']:.3f}: {share:.1%} of VGG-19's drop",
            flush=True,
        )
    return rows


def curvature(pairs, options, steps=150):
    """J's second derivative along noise of each band of frequencies, `steps` steps down.

    1 is the curvature along the brightness of the bands from 0.16 to 0.3, which are the steepest.
    """
    import tensorflow as tf

    from helpers import vgg
    from helpers.transfer import Transfer

    rng, found = np.random.default_rng(0), []
    network = vgg.load(options.networks[0], weights=options.weights)
    for content, style in pairs:
        size = options.sizes[0]
        run = Transfer(images.load(content, size), images.load(style, size), network, tv=0)
        run.run(steps)
        picture = run.picture
        gradient = tf.function(lambda G, run=run: run.objective.with_gradient(G)[1])
        bands = list(itertools.pairwise(BANDS))
        rows = {
            name: [
                _curvature_along(_noise(picture.shape, band, color, rng), picture, gradient)
                for band in bands
            ]
            for name, color in WAVES.items()
        }
        steep = np.mean(rows["brightness"][BANDS.index(0.16) : BANDS.index(0.3)])
        rows = {name: [float(c / steep) for c in row] for name, row in rows.items()}
        found.append({"content": content, "style": style, "bands": bands} | rows)
        print(f"{content} + {style}: cycles per pixel, curvature along {', '.join(WAVES)}")
        for band, *curvatures in zip(bands, *rows.values(), strict=True):
            print("  {:.2f}–{:.2f}".format(*band), *(f"{c:7.3f}" for c in curvatures), flush=True)
    return found


def _noise(shape, band, color, rng):
    """Of a band (low, high) of frequencies in cycles per pixel; its root mean square is 1."""
    height, width, _ = shape
    f = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    waves = np.fft.rfft2(rng.normal(size=(height, width))) * ((f >= band[0]) & (f < band[1]))
    noise = np.fft.irfft2(waves, (height, width))[..., np.newaxis] * np.array(color)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _curvature_along(v, picture, gradient):
    difference = gradient((picture + v)[np.newaxis]) - gradient((picture - v)[np.newaxis])
    return np.vdot(v, difference) / (2 * np.vdot(v, v))
