"""What mini learns from: photographs, and pictures that are generated from them.

A picture is RGB uint8 (height, width, 3).  The photographs come from packages that a Python or
Debian machine installs; none of them is part of this repository (helpers/weights/README.md names
them and their licenses).
"""

import contextlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from helpers.images import to_uint8

STYLES = Path(__file__).resolve().parents[2] / "images" / "style"
SCIKIT_IMAGE = (
    *("astronaut", "brick", "camera", "cell", "clock", "coins", "colorwheel", "grass", "gravel"),
    *("hubble_deep_field", "immunohistochemistry", "moon", "page", "retina", "rocket", "text"),
)  # chelsea and coffee are kept to judge the result with, like one in so many of the others
EVERY = 12
SUFFIXES = (".jpg", ".jpeg", ".webp", ".rcc")
SMALLEST, LARGEST = 160, 1600  # pixels a side: below are icons, above is only memory


def to_learn_from(folders=()):
    """The photographs in scikit-image and scikit-learn, images/style, and those in `folders`.

    folders: searched with all below them, Qt resource files (.rcc) included; Debian's packages
    gcompris-qt-data and lomiri-wallpapers, unpacked, are meant.
    """
    from skimage import data
    from sklearn.datasets import load_sample_image

    arrays = [getattr(data, name)() for name in SCIKIT_IMAGE]
    arrays += [data.stereo_motorcycle()[0], load_sample_image("china.jpg")]
    found = [_rgb(Image.fromarray(array)) for array in arrays]
    found += [_rgb(Image.open(path)) for path in sorted(STYLES.glob("*.jpg"))]
    more = (picture for folder in folders for picture in pictures_in(folder))
    return found + [picture for i, picture in enumerate(more) if i % EVERY]


def pictures_in(folder):
    """Every photograph in a folder and those below it, and in the Qt resource files there."""
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            yield from carved(path.read_bytes())


def carved(data):
    """The JPEG and WebP photographs inside a file, found by how they begin."""
    for mark, back in ((b"\xff\xd8\xff", 0), (b"WEBPVP8", 8)):
        at = data.find(mark)
        while at >= 0:
            with contextlib.suppress(OSError, SyntaxError, ValueError):  # none, or damaged
                image = Image.open(io.BytesIO(data[at - back : at + 4_000_000]))
                if min(image.size) >= SMALLEST and not _drawn(image):
                    yield _rgb(image)
            at = data.find(mark, at + len(mark))


def _drawn(image):
    """Whether it is a drawing, which has large even areas, or cut out."""
    gray = np.asarray(image.convert("L"), np.float32)
    return image.has_transparency_data or np.mean(np.abs(np.diff(gray)) < 0.5) > 0.6


def _rgb(image):
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(image.convert("RGB"))


def brush_strokes(rng, picture):
    """The picture painted in strokes, wide ones first, that follow a smooth field of angles."""
    size = len(picture)
    canvas = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(6))
    draw = ImageDraw.Draw(canvas)
    coarse = Image.fromarray(rng.uniform(0, 4 * np.pi, (8, 8)).astype(np.float32))
    angles = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
    width, jitter = rng.uniform(6, 18), rng.uniform(5, 40)
    while width > 1.5:
        for y, x in rng.integers(0, size, (int(0.4 * (size / width) ** 2), 2)):
            color = tuple(to_uint8(picture[y, x] + rng.normal(0, jitter, 3)).tolist())
            dx, dy = 2 * width * np.cos(angles[y, x]), 2 * width * np.sin(angles[y, x])
            draw.line([x - dx, y - dy, x + dx, y + dy], color, int(width))
        width /= 2
    return np.asarray(canvas)


def flat_print(rng, picture):
    """A few flat colors, mostly with ink along their borders."""
    blurred = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
    levels = rng.integers(3, 7)
    flat = np.asarray(blurred.convert("L")).astype(int) * levels // 256
    colors = rng.uniform(0, 255, (levels, 3))[flat]
    if rng.random() < 0.7:
        colors[np.hypot(*np.gradient(flat)) > 0] *= 0.2
    return to_uint8(colors)


def paintings(rng, photographs, count, size):
    """Generated pictures, of each kind in turn."""
    found = []
    for number in range(count):
        base = crop(rng, photographs, size)
        base = to_uint8(recolor(rng, base)) if rng.random() < 0.5 else base
        found.append((brush_strokes, flat_print)[number % 2](rng, base))
    return found


def crop(rng, pictures, size):
    """A square of a random picture, scaled to `size`, flipped and turned at random."""
    picture = pictures[rng.integers(len(pictures))]
    height, width = picture.shape[:2]
    side = min(size / np.exp(rng.uniform(np.log(0.25), np.log(1.3))), height, width)
    x, y = rng.uniform(0, width - side), rng.uniform(0, height - side)
    filters = (Image.Resampling.LANCZOS, Image.Resampling.BOX, Image.Resampling.BICUBIC)
    square = Image.fromarray(picture).resize(
        (size, size), filters[rng.integers(3)], box=(x, y, x + side, y + side)
    )
    square = np.rot90(np.asarray(square), rng.integers(4))
    return np.ascontiguousarray(square[:, ::-1] if rng.random() < 0.5 else square)


def recolor(rng, picture):
    """Mix, stretch and shift the colors; one in ten becomes its negative."""
    mixing = np.eye(3) + rng.normal(0, 0.25, (3, 3))
    mean = picture.mean(axis=(0, 1))
    colors = (picture - mean) @ mixing * np.exp(rng.normal(0, 0.35)) + mean
    colors += rng.normal(0, 20, 3) + rng.normal(0, 15)
    return np.clip(255 - colors if rng.random() < 0.1 else colors, 0, 255)


def sample(rng, pictures, size):
    """One training picture, float32: a crop, perhaps doubly exposed, recolored, noisy."""
    picture = crop(rng, pictures, size).astype(np.float32)
    if rng.random() < 0.2:
        picture += rng.uniform(0.2, 0.7) * (crop(rng, pictures, size) - picture)
    if rng.random() < 0.6:
        picture = recolor(rng, picture)
    if rng.random() < 0.25:
        picture = picture + rng.normal(0, rng.uniform(2, 40), picture.shape)
    return np.clip(picture, 0, 255).astype(np.float32)
