"""What the embedded network is trained on: photographs, and pictures that are generated from them.

A picture is RGB uint8 (height, width, 3).  Photographs come from packages that a Python or Debian
machine installs; none of them is part of this repository (helpers/weights/README.md names them and
their licences).
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.spatial import cKDTree

IMAGES = Path(__file__).resolve().parents[2] / "images"
SCIKIT_IMAGE = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel"),
    *("grass", "gravel", "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina"),
    *("rocket", "text"),
)
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
# Kept for judging the result: these, and of the photographs in folders one in so many.
HELD_OUT, EVERY = ("chelsea", "coffee", "flower"), 12
SMALLEST, LARGEST = 160, 1600  # pixels a side: below are icons, above is only memory


def photographs(leave_out=(), folders=()):
    """[picture]: those inside scikit-image and scikit-learn, images/style, and all in `folders`.

    folders: searched through, Qt resource files (.rcc) included; Debian's gcompris-qt-data and
    lomiri-wallpapers, unpacked, are meant.
    """
    from skimage import data
    from sklearn.datasets import load_sample_image

    read = {name: getattr(data, name) for name in SCIKIT_IMAGE}
    read["motorcycle"] = lambda: data.stereo_motorcycle()[0]
    read["china"] = lambda: load_sample_image("china.jpg")
    read["flower"] = lambda: load_sample_image("flower.jpg")
    found = [_rgb(Image.fromarray(read[name]())) for name in read if name not in leave_out]
    for path in sorted((IMAGES / "style").glob("*")):
        if path.suffix in SUFFIXES and path.stem not in leave_out:
            found.append(_rgb(Image.open(path)))
    for folder in folders:
        found += pictures_in(folder)
    return found


def to_learn_from(folders, leave_out=HELD_OUT):
    """The photographs but for those that are held out to judge with."""
    photos = photographs(leave_out, folders)
    return [photo for i, photo in enumerate(photos) if i % EVERY or i < 40]


def pictures_in(folder):
    """Every photograph in a folder and those below it, and in the Qt resource files there."""
    found = []
    for path in sorted(Path(folder).rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".rcc":
            found += list(carved(path.read_bytes()))
        elif path.suffix.lower() in (".jpg", ".jpeg", ".webp"):
            picture = _photograph(path)
            found += [] if picture is None else [picture]
    return found


def carved(data):
    """The JPEG and WebP photographs inside a Qt resource file, found by how they begin."""
    for mark, back in ((b"\xff\xd8\xff", 0), (b"WEBPVP8", 8)):
        at = data.find(mark)
        while at >= 0:
            picture = _photograph(io.BytesIO(data[at - back : at + 4_000_000]))
            if picture is not None:
                yield picture
            at = data.find(mark, at + len(mark))


def _photograph(file):
    """A picture, or None for what is damaged, transparent, tiny, flat or drawn."""
    try:
        image = Image.open(file)
        if min(image.size) < SMALLEST or image.has_transparency_data:
            return None
        picture = _rgb(image)
    except (OSError, SyntaxError, ValueError):
        return None
    grey = picture.mean(axis=-1)
    same = np.mean(np.abs(np.diff(grey, axis=1)) < 0.5)
    return None if same > 0.6 else picture  # a drawing has large areas of one colour


def _rgb(image):
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(image.convert("RGB"))


def noise_field(rng, size, exponent):
    """Noise whose amplitude falls as frequency^-exponent, its values spread evenly over 0–1."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = 1
    spectrum = rng.normal(size=(2, *frequency.shape)) * frequency**-exponent
    field = np.fft.irfft2(spectrum[0] + 1j * spectrum[1], (size, size))
    return field.ravel().argsort().argsort().reshape(size, size) / size**2


def palette(rng, t):
    """The colours of a random palette at positions t in 0–1."""
    count = rng.integers(3, 8)
    colours = rng.uniform(0, 255, (count, 3)) * rng.uniform(0.4, 1)
    stops = np.sort(rng.uniform(0, 1, count))
    return np.stack([np.interp(t, stops, channel) for channel in colours.T], axis=-1)


def clouds(rng, size):
    """Smooth noise, through a palette or in three mixed colours."""
    if rng.random() < 0.5:
        return to_uint8(palette(rng, noise_field(rng, size, rng.uniform(0.3, 2.5))))
    fields = [noise_field(rng, size, rng.uniform(0.5, 2.5)) - 0.5 for _ in range(3)]
    mixed = np.stack(fields, axis=-1) @ rng.uniform(-255, 255, (3, 3))
    return to_uint8(rng.uniform(60, 190, 3) + mixed)


def waves(rng, size):
    """Warped stripes, smooth, sawtooth or hard."""
    y, x = np.mgrid[:size, :size] / size
    angle = rng.uniform(0, np.pi)
    t = (np.cos(angle) * x + np.sin(angle) * y) * np.exp(rng.uniform(0, 4))
    t += noise_field(rng, size, 2.5) * rng.uniform(0, 8)
    sine = np.sin(2 * np.pi * t)
    shape = (0.5 + 0.5 * sine, t % 1, (sine > 0) * 1.0)[rng.integers(3)]
    if rng.random() < 0.3:
        shape = (shape + noise_field(rng, size, 1)) / 2
    return to_uint8(palette(rng, shape))


def brush_strokes(rng, picture):
    """The picture painted in strokes, wide ones first, that follow a smooth field of angles."""
    size = len(picture)
    canvas = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(6))
    draw = ImageDraw.Draw(canvas)
    angles = 2 * np.pi * noise_field(rng, size, rng.uniform(1.5, 3)) * rng.uniform(0.3, 2)
    width, jitter = rng.uniform(6, 18), rng.uniform(5, 40)
    while width > 1.5:
        for y, x in rng.integers(0, size, (int(0.4 * (size / width) ** 2), 2)):
            colour = tuple(to_uint8(picture[y, x] + rng.normal(0, jitter, 3)).tolist())
            dx, dy = 2 * width * np.cos(angles[y, x]), 2 * width * np.sin(angles[y, x])
            draw.line([x - dx, y - dy, x + dx, y + dy], colour, int(width))
        width /= 2
    return np.asarray(canvas)


def stained_glass(rng, picture):
    """Voronoi cells in the picture's colours, with lead of any width between them."""
    size = len(picture)
    points = rng.uniform(0, size, (int(np.exp(rng.uniform(np.log(40), np.log(3000)))), 2))
    positions = np.stack(np.mgrid[:size, :size], axis=-1)
    distance, nearest = cKDTree(points).query(positions, 2)
    cells = picture[tuple(points.astype(int).T)][nearest[..., 0]]
    lead = distance[..., 1] - distance[..., 0] < rng.uniform(0, 3)
    cells[lead] = rng.integers(0, 256) if rng.random() < 0.5 else 0
    return cells


def print_in_flat_colours(rng, picture):
    """A few flat colours, mostly with ink along their borders."""
    blurred = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
    gray = np.asarray(blurred.convert("L")) / 255
    if rng.random() < 0.5:
        gray = gray + 0.15 * np.sin(np.arange(len(gray)) * rng.uniform(0.3, 2))[:, None]
    levels = rng.integers(3, 7)
    flat = np.floor(gray * levels) / levels
    colours = palette(rng, flat)
    if rng.random() < 0.7:
        colours[np.hypot(*np.gradient(flat)) > 0] *= 0.2
    return to_uint8(colours)


def paintings(rng, photos, count, size):
    """Generated pictures, of each kind in turn, over photographs or over noise."""
    found = []
    for number in range(count):
        if rng.random() < 0.6:
            base = crop(rng, photos, size)
        else:
            base = (clouds, waves)[rng.integers(2)](rng, size)
        if rng.random() < 0.5:
            base = to_uint8(recolour(rng, base))
        match number % 6:
            case 0 | 1:
                found.append(brush_strokes(rng, base))
            case 2:
                found.append(stained_glass(rng, base))
            case 3:
                found.append(print_in_flat_colours(rng, base))
            case 4:
                found.append(waves(rng, size))
            case 5:
                found.append(clouds(rng, size))
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


def recolour(rng, picture):
    """Mix, stretch and shift the colours; one in ten becomes its negative."""
    mixing = np.eye(3) + rng.normal(0, 0.25, (3, 3))
    if rng.random() < 0.15:
        mixing = rng.permutation(mixing)
    mean = picture.mean(axis=(0, 1))
    colours = (picture - mean) @ mixing * np.exp(rng.normal(0, 0.35)) + mean
    colours += rng.normal(0, 20, 3) + rng.normal(0, 15)
    return np.clip(255 - colours if rng.random() < 0.1 else colours, 0, 255)


def sample(rng, pictures, size):
    """One training picture, float32: a crop, perhaps doubly exposed, recoloured, noisy."""
    picture = crop(rng, pictures, size).astype(np.float32)
    if rng.random() < 0.2:
        picture += rng.uniform(0.2, 0.7) * (crop(rng, pictures, size) - picture)
    if rng.random() < 0.6:
        picture = recolour(rng, picture)
    if rng.random() < 0.25:
        picture = picture + rng.normal(0, rng.uniform(2, 40), picture.shape)
    return np.clip(picture, 0, 255).astype(np.float32)


def to_uint8(colours):
    return np.clip(colours, 0, 255).astype(np.uint8)
