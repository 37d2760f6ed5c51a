"""Train the embedded network `mini` (helpers/weights/mini.npz) to imitate VGG-19's first blocks.

    python tools/train_mini.py --minutes 60                # teacher: Keras' VGG-19
    python tools/train_mini.py --teacher vgg19.npz --steps 4000

The idea: keep VGG-19's layers and channels, but factorise every convolution after the first,

    3×3, n_in → n_out   ≈   1×1, n_in → r_in  ·  3×3, r_in → r_out  ·  1×1, r_out → n_out

(a Tucker decomposition, Kim et al. 2016, arXiv:1511.06530).  The start is computed, not random:
r_in and r_out are the principal components of the activations that the teacher's layer reads and
writes.  Training then repairs what the factors lost, on three kinds of evidence:

1. the activations, before the relu, where an error is seen even when both relus are shut;
2. the Gram matrices, with the `relative` cost's normalisation;
3. the gradient of J = α·J_content + β·J_style with respect to the picture: all that a style
   transfer ever takes from its network.

Half of each batch are pictures that the student itself is optimizing at that moment: a transfer
goes where its network is wrong in its favour, and ordinary pictures never show those places.

An interrupted run goes on where it was, from the checkpoint beside the output.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFilter
from scipy.spatial import cKDTree
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers import images

ROOT = Path(__file__).resolve().parent.parent
PATHS = ("teacher", "output", "report")  # options that say where, and so stay out of the report
IMAGES = ROOT / "images"
OUTPUT = ROOT / "helpers" / "weights" / "mini.npz"

MEAN_BGR = (103.939, 116.779, 123.68)
INPUT_UNIT = 64.0  # the file's first kernel reads (BGR - mean) / 64
RANKS = {  # layer: (r_in, r_out), multiples of 16 because CPUs compute channels in such blocks
    "block1_conv2": (16, 32),
    "block2_conv1": (32, 48),
    "block2_conv2": (64, 64),
    "block3_conv1": (80, 96),
    "block3_conv2": (80, 80),
    "block3_conv3": (64, 64),
}
LAYERS = ("block1_conv1", *RANKS)
POOLED_BEFORE = ("block2_conv1", "block3_conv1")
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1")
CONTENT_LAYER = "block3_conv3"
LAYER_WEIGHTS = {  # how much an activation error counts; the layers that the costs read count most
    "block1_conv2": 0.3,
    "block2_conv1": 1.0,
    "block2_conv2": 0.3,
    "block3_conv1": 1.0,
    "block3_conv2": 0.3,
    "block3_conv3": 1.0,
}
BOTH_SHUT = 0.1  # weight of an error where both relus are shut
SCIKIT_IMAGE = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel"),
    *("grass", "gravel", "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina"),
    *("rocket", "text"),
)
HELD_OUT = ("chelsea", "coffee", "flower")  # kept for judging the result


# Pictures: RGB uint8 (height, width, 3).


def photographs(leave_out=()):
    """The photographs inside scikit-image and scikit-learn, and the pictures of this repository."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    read = {name: getattr(data, name) for name in SCIKIT_IMAGE}
    read["motorcycle"] = lambda: data.stereo_motorcycle()[0]
    read["china"] = lambda: load_sample_image("china.jpg")
    read["flower"] = lambda: load_sample_image("flower.jpg")
    pictures = {name: lambda name=name: Image.fromarray(read[name]()) for name in read}
    for path in sorted(p for kind in ("content", "style") for p in (IMAGES / kind).glob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            pictures[path.stem] = lambda path=path: Image.open(path)
    chosen = [name for name in pictures if name not in leave_out]
    return [np.asarray(pictures[name]().convert("RGB")) for name in chosen]


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
        return _to_uint8(palette(rng, noise_field(rng, size, rng.uniform(0.3, 2.5))))
    fields = [noise_field(rng, size, rng.uniform(0.5, 2.5)) - 0.5 for _ in range(3)]
    mixed = np.stack(fields, axis=-1) @ rng.uniform(-255, 255, (3, 3))
    return _to_uint8(rng.uniform(60, 190, 3) + mixed)


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
    return _to_uint8(palette(rng, shape))


def brush_strokes(rng, picture):
    """The picture painted in strokes, wide ones first, that follow a smooth field of angles."""
    size = len(picture)
    canvas = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(6))
    draw = ImageDraw.Draw(canvas)
    angles = 2 * np.pi * noise_field(rng, size, rng.uniform(1.5, 3)) * rng.uniform(0.3, 2)
    width, jitter = rng.uniform(6, 18), rng.uniform(5, 40)
    while width > 1.5:
        for y, x in rng.integers(0, size, (int(0.4 * (size / width) ** 2), 2)):
            colour = tuple(_to_uint8(picture[y, x] + rng.normal(0, jitter, 3)).tolist())
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
    return _to_uint8(colours)


def paintings(rng, photos, count, size):
    """Generated pictures, of each kind in turn, over photographs or over noise."""
    found = []
    for number in range(count):
        if rng.random() < 0.6:
            base = crop(rng, photos, size)
        else:
            base = (clouds, waves)[rng.integers(2)](rng, size)
        if rng.random() < 0.5:
            base = _to_uint8(recolour(rng, base))
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


def _to_uint8(colours):
    return np.clip(colours, 0, 255).astype(np.uint8)


# Networks: {layer: (kernels, bias)}; a layer's kernels are applied one after another.


def teacher_from(path):
    """VGG-19's layers from an .npz of LAYER/kernel and LAYER/bias, or from Keras."""
    if path:
        with np.load(path, allow_pickle=False) as file:
            return {name: ([file[f"{name}/kernel"]], file[f"{name}/bias"]) for name in LAYERS}
    model = keras.applications.VGG19(weights="imagenet", include_top=False)
    arrays = {name: model.get_layer(name).get_weights() for name in LAYERS}
    return {name: ([kernel], bias) for name, (kernel, bias) in arrays.items()}


def before_relu(network, pictures, precision):
    """{layer: what its relu reads}, float32; max-pooled already where a pooling follows.

    Pooling first is the same (relu and max commute) and leaves a quarter of the numbers.
    """
    h = tf.cast(pictures[..., ::-1] - tf.constant(MEAN_BGR), precision)
    found = {}
    for number, (name, (kernels, bias)) in enumerate(network.items(), 1):
        for kernel in kernels:
            h = tf.nn.conv2d(h, tf.cast(kernel, precision), 1, "SAME")
        z = tf.nn.bias_add(h, tf.cast(bias, precision))
        if number < len(LAYERS) and LAYERS[number] in POOLED_BEFORE:
            z = tf.nn.max_pool2d(z, 2, 2, "VALID")
        found[name] = tf.cast(z, tf.float32)
        h = tf.nn.relu(z)
    return found


def principal_components(values, count, centred):
    """The `count` main directions of (positions, channels), and the spread along each."""
    values = values - values.mean(axis=0) if centred else values
    spread, directions = np.linalg.eigh(values.T.astype(np.float64) @ values / len(values))
    order = np.argsort(spread)[::-1][:count]
    return directions[:, order].astype(np.float32), np.sqrt(spread[order] + 1e-9).astype(np.float32)


class Student:
    """The factorised network.  Its variables have about unit size; fixed gains restore VGG's.

    So one learning rate suits every array, although VGG's activations span three magnitudes.
    """

    def __init__(self, teacher, pictures):
        """Factorise the teacher's layers, by what they read and write on these pictures."""
        x = pictures[..., ::-1] - np.float32(MEAN_BGR)
        self.first = fit_convolution(x, conv(x, teacher["block1_conv1"]))
        self.variables, self.gains, self.spread = [], [], {}
        h = conv(x, self.first)
        for name, (r_in, r_out) in RANKS.items():
            h = np.maximum(h, 0)
            if name in POOLED_BEFORE:
                h = tf.nn.max_pool2d(h, 2, 2, "VALID").numpy()
            z = conv(h, teacher[name])
            self._factorise(teacher[name][0][0], h, z, r_in, r_out)
            self.spread[name] = tf.constant(self.gains[-1])
            h = z

    def _factorise(self, kernel, h, z, r_in, r_out):
        n_in, n_out = kernel.shape[2:]
        reads, reads_spread = principal_components(h.reshape(-1, n_in), r_in, centred=False)
        writes, writes_spread = principal_components(z.reshape(-1, n_out), r_out, centred=True)
        core = np.einsum("hwio,ir,os->hwrs", kernel, reads, writes)
        factors = [
            (reads / reads_spread)[None, None],
            (core * reads_spread[:, None] / writes_spread).astype(np.float32),
            (writes * writes_spread).T[None, None],
        ]
        bias = (z - conv(h, (factors, np.zeros(n_out, np.float32)))).mean(axis=(0, 1, 2))
        size_in = _not_small(np.sqrt((h**2).mean(axis=(0, 1, 2))))
        size_out = _not_small(z.std(axis=(0, 1, 2)))
        gains = [1 / size_in[:, None], np.float32(1), size_out, size_out]
        for array, gain in zip([*factors, bias], gains, strict=True):
            self.variables.append(tf.Variable(array / gain))
            self.gains.append(gain)

    def network(self, values=None):
        """{layer: (kernels, bias)} from the variables, or from other values for them."""
        arrays = [v * g for v, g in zip(values or self.variables, self.gains, strict=True)]
        fours = [arrays[i : i + 4] for i in range(0, len(arrays), 4)]
        layers = {name: (four[:3], four[3]) for name, four in zip(RANKS, fours, strict=True)}
        return {"block1_conv1": self.first, **layers}


def conv(h, layer):
    kernels, bias = layer
    for kernel in kernels:
        h = tf.nn.conv2d(h, kernel, 1, "SAME")
    return (h + bias).numpy()


def fit_convolution(x, z):
    """The 3×3 convolution that maps x to z, by least squares: exact for a layer that reads pixels.

    Such a layer is linear in 3 × 3 × 3 values, so its answers determine it; there is nothing left
    to train.
    """
    ones = [1, 1, 1, 1]
    patches = tf.image.extract_patches(x, [1, 3, 3, 1], ones, ones, "VALID").numpy()
    n_in = patches.shape[-1]
    reads = np.c_[patches.reshape(-1, n_in).astype(np.float64), np.ones(patches[..., 0].size)]
    answers = z[:, 1:-1, 1:-1].reshape(len(reads), -1).astype(np.float64)
    found = np.linalg.lstsq(reads, answers, rcond=None)[0].astype(np.float32)
    kernel = found[:-1].reshape(3, 3, n_in // 9, -1)
    return [tf.constant(kernel)], tf.constant(found[-1])


def _not_small(sizes):
    return np.maximum(sizes, 0.01 * sizes.max()).astype(np.float32)


# The costs, for a batch of pictures: `relative`, as in helpers/costs.py.


def mean_gram_matrices(z):
    F = tf.reshape(tf.nn.relu(z), (tf.shape(z)[0], -1, z.shape[-1]))
    return tf.matmul(F, F, transpose_a=True) / tf.cast(tf.shape(F)[1], tf.float32)


def relative_error(a, b):
    """Σ(a − b)² / Σb² for each picture."""
    axes = list(range(1, a.shape.rank))
    return tf.reduce_sum((a - b) ** 2, axes) / (tf.reduce_sum(b**2, axes) + 1e-12)


def relative_distance(a, b):
    """|a − b| / |b|, averaged over the pictures; its root keeps one bad picture from ruling."""
    return tf.reduce_mean(tf.sqrt(relative_error(a, b) + 1e-6))


def targets_of(z_content, z_style):
    """What a transfer aims at: the content activation, then a Gram matrix per style layer."""
    grams = [mean_gram_matrices(z_style[name]) for name in STYLE_LAYERS]
    return [tf.nn.relu(z_content[CONTENT_LAYER]), *grams]


def transfer_cost(z, targets, beta):
    """J of each picture, α = 1."""
    content, *styles = targets
    J_style = tf.add_n(
        [
            relative_error(mean_gram_matrices(z[name]), A)
            for name, A in zip(STYLE_LAYERS, styles, strict=True)
        ]
    ) / len(STYLE_LAYERS)
    return relative_error(tf.nn.relu(z[CONTENT_LAYER]), content) + beta * J_style


class Trainer:
    """Student, teacher and optimizer, and the two functions that TensorFlow compiles."""

    def __init__(self, teacher, student, options):
        self.student, self.precision = student, options.precision
        self.teacher = {
            name: ([tf.cast(k, self.precision) for k in kernels], tf.constant(bias))
            for name, (kernels, bias) in teacher.items()
        }
        self.gradient_weight = options.gradient_weight
        self.optimizer = keras.optimizers.Adam(
            beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=0.995
        )
        self.optimizer.build(student.variables)

    @tf.function(reduce_retracing=True)
    def targets(self, content, style):
        """(the student's targets, the teacher's targets) of a batch of transfers."""
        pictures, count = tf.concat([content, style], axis=0), tf.shape(content)[0]
        found = []
        for network in (self.student.network(), self.teacher):
            z = before_relu(network, pictures, self.precision)
            split = [{k: v[:count] for k, v in z.items()}, {k: v[count:] for k, v in z.items()}]
            found.append(targets_of(*split))
        return found

    @tf.function
    def step(self, fresh, painted, student_targets, teacher_targets, beta):
        """Learn from fresh and from half-painted pictures.

        Returns the losses, and the student's own gradient at the half-painted pictures.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(painted)
            z_t = before_relu(self.teacher, painted, self.precision)
            J_t = transfer_cost(z_t, teacher_targets, beta)
        gradient_t = tape.gradient(J_t, painted)
        with tf.GradientTape() as learning:
            network = self.student.network()
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(painted)
                z_s = before_relu(network, painted, self.precision)
                J_s = transfer_cost(z_s, student_targets, beta)
            gradient_s = tape.gradient(J_s, painted)
            losses = {
                "painted": self._imitation(z_s, z_t),
                "fresh": self._imitation(
                    before_relu(network, fresh, self.precision),
                    before_relu(self.teacher, fresh, self.precision),
                ),
                "gradient": relative_distance(gradient_s, gradient_t),
            }
            loss = losses["painted"] + losses["fresh"]
            if self.gradient_weight:
                loss += self.gradient_weight * losses["gradient"]
        gradients = learning.gradient(loss, self.student.variables)
        self.optimizer.apply_gradients(zip(gradients, self.student.variables, strict=True))
        return losses, gradient_s

    def _imitation(self, z_s, z_t):
        """Errors before the relu, in units of each channel's spread, and of the Gram matrices."""
        loss = 0.0
        for name, weight in LAYER_WEIGHTS.items():
            s, t = z_s[name], z_t[name]
            seen = tf.where((s < 0) & (t < 0), BOTH_SHUT, 1.0)
            loss += weight * tf.reduce_mean(seen * ((s - t) / self.student.spread[name]) ** 2)
            if name in STYLE_LAYERS:
                loss += 0.3 * relative_distance(mean_gram_matrices(s), mean_gram_matrices(t))
        return loss


class Easels:
    """The pictures that the student is painting: each a transfer somewhere between two pictures.

    They start and end at different times, so that a batch holds every stage of a transfer.
    """

    def __init__(self, trainer, rng, draw, count, batch):
        self.trainer, self.rng, self.draw, self.batch = trainer, rng, draw, batch
        self.easels = []
        while len(self.easels) < count:
            self._begin(life=rng.integers(1, 200, batch))

    def _begin(self, life):
        content, style = (np.stack([self.draw() for _ in life]) for _ in range(2))
        targets = self.trainer.targets(content, style)
        student, teacher = ([t.numpy() for t in part] for part in targets)
        for i, steps in enumerate(life):
            noise = self.rng.uniform(0, 255, content[i].shape).astype(np.float32)
            share = self.rng.uniform(0.3, 1) if self.rng.random() < 0.2 else 0
            self.easels.append(
                {
                    "x": content[i] + np.float32(share) * (noise - content[i]),
                    "m": np.zeros_like(content[i]),
                    "v": np.zeros_like(content[i]),
                    "step": 0,
                    "life": int(steps),
                    "beta": np.float32(np.exp(self.rng.uniform(np.log(5), np.log(500)))),
                    "student": [t[i] for t in student],
                    "teacher": [t[i] for t in teacher],
                }
            )

    def take(self):
        """The next batch: (easels, pictures, the student's targets, the teacher's, β)."""
        taken, self.easels = self.easels[: self.batch], self.easels[self.batch :]
        return (
            taken,
            np.stack([e["x"] for e in taken]),
            [np.stack(t) for t in zip(*(e["student"] for e in taken), strict=True)],
            [np.stack(t) for t in zip(*(e["teacher"] for e in taken), strict=True)],
            np.stack([e["beta"] for e in taken]),
        )

    def put(self, taken, gradients):
        """One step of Adam on each picture; those at the end of their life make room."""
        for e, g in zip(taken, gradients, strict=True):
            e["step"] += 1
            e["m"] += 0.1 * (g - e["m"])
            e["v"] += 0.01 * (g * g - e["v"])
            m, v = e["m"] / (1 - 0.9 ** e["step"]), e["v"] / (1 - 0.99 ** e["step"])
            e["x"] = np.clip(e["x"] - 8 * m / (np.sqrt(v) + 1e-9), 0, 255)
        alive = [e for e in taken if e["step"] < e["life"]]
        self.easels += alive
        if len(taken) - len(alive):
            self._begin(life=self.rng.integers(50, 250, len(taken) - len(alive)))


def export(network, path):
    """float16 arrays LAYER/reduce, LAYER/kernel, LAYER/expand, LAYER/bias, in this order.

    The 1×1 factors get columns and rows of length one; the kernel between takes up the
    difference, so that no number is too small for float16.
    """
    arrays = {}
    for name, (kernels, bias) in network.items():
        kernels = [np.asarray(kernel, np.float64) for kernel in kernels]
        if len(kernels) == 1:
            arrays[f"{name}/kernel"] = kernels[0] * INPUT_UNIT
        else:
            reduce, kernel, expand = kernels
            length_in = np.linalg.norm(reduce, axis=2).ravel()
            length_out = np.linalg.norm(expand, axis=3).ravel()
            arrays[f"{name}/reduce"] = reduce / length_in
            arrays[f"{name}/kernel"] = kernel * length_in[:, None] * length_out
            arrays[f"{name}/expand"] = expand / length_out[:, None]
        arrays[f"{name}/bias"] = np.asarray(bias)
    arrays = {key: array.astype(np.float16) for key, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise FloatingPointError("A weight is not finite in float16: the training diverged.")
    with images.whole_file(path, parents=True) as file:
        np.savez_compressed(file, **arrays)


def save_checkpoint(path, trainer, step, seconds):
    state = [*trainer.student.variables, *trainer.optimizer.variables]
    arrays = {f"state_{i}": np.asarray(v) for i, v in enumerate(state)}
    with images.whole_file(path, parents=True) as file:
        np.savez(file, step=step, seconds=seconds, **arrays)


def load_checkpoint(path, trainer):
    """(step, seconds) of an interrupted run, whose state is put back; (0, 0.0) if there is none."""
    if not path.exists():
        return 0, 0.0
    state = [*trainer.student.variables, *trainer.optimizer.variables]
    with np.load(path, allow_pickle=False) as file:
        for i, variable in enumerate(state):
            variable.assign(file[f"state_{i}"])
        return int(file["step"]), float(file["seconds"])


def averaged(trainer):
    """The student with each variable averaged over the last steps."""
    averages = trainer.optimizer._model_variables_moving_average
    return trainer.student.network([tf.convert_to_tensor(average) for average in averages])


def train(options):
    rng = np.random.default_rng(options.seed)
    keras.utils.set_random_seed(options.seed)
    photos = photographs(options.leave_out)
    pictures = photos + paintings(rng, photos, options.paintings, 3 * options.size)
    teacher = teacher_from(options.teacher)
    first = np.stack([sample(rng, pictures, options.size) for _ in range(options.first_pictures)])
    student = Student(teacher, first)
    trainer = Trainer(teacher, student, options)
    checkpoint = Path(options.output).with_suffix(".checkpoint.npz")
    step, before = load_checkpoint(checkpoint, trainer)
    rng = np.random.default_rng([options.seed, step])
    if step == 0:
        export(student.network(), options.output)
    if options.steps == 0:
        return None
    easels = Easels(
        trainer, rng, lambda: sample(rng, pictures, options.size), options.easels, options.batch
    )
    start, saved, curve, recent = time.monotonic(), time.monotonic(), [], []
    progress = tqdm(total=options.steps, initial=step, unit="step", disable=options.silent)
    while True:
        seconds = before + time.monotonic() - start
        done = step / options.steps if options.steps else 1
        if options.minutes:
            done = max(done, seconds / 60 / options.minutes)
        if done >= 1:
            break
        warmup = min(1, (step + 1) / 50)
        rate = options.learning_rate * warmup * (0.01 + 0.99 * (1 + np.cos(np.pi * done)) / 2)
        trainer.optimizer.learning_rate.assign(rate)
        fresh = np.stack([sample(rng, pictures, options.size) for _ in range(options.batch)])
        taken, *batch = easels.take()
        losses, gradients = trainer.step(fresh, *batch)
        easels.put(taken, gradients.numpy())
        step += 1
        recent.append({name: float(loss) for name, loss in losses.items()})
        progress.update()
        if step % 50 == 0:
            means = {name: float(np.mean([r[name] for r in recent])) for name in losses}
            curve.append({"step": step, **means})
            progress.set_postfix({name: f"{mean:.4f}" for name, mean in means.items()})
            recent = []
        if time.monotonic() - saved > options.save_every:
            save_checkpoint(checkpoint, trainer, step, seconds)
            export(averaged(trainer), options.output)
            saved = time.monotonic()
    progress.close()
    export(averaged(trainer), options.output)
    checkpoint.unlink(missing_ok=True)
    report = {
        "steps": step,
        "seconds": round(seconds),
        "bytes": os.path.getsize(options.output),
        "ranks": RANKS,
        "photographs": len(photos),
        "pictures": len(pictures),
        "options": {k: v for k, v in vars(options).items() if k not in PATHS},
        "losses": curve,
    }
    if options.report:
        with images.whole_file(options.report, parents=True) as file:
            file.write(json.dumps(report, indent=1).encode())
    return report


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description="Train the embedded network mini to imitate VGG-19's first blocks."
    )
    add = parser.add_argument
    add("--teacher", help=".npz of VGG-19's LAYER/kernel and LAYER/bias (default: Keras' VGG-19)")
    add("--output", default=OUTPUT, help="the .npz to write (default: %(default)s)")
    add("--report", help="a .json to write: settings, seconds, losses")
    add("--steps", type=int, default=5000, help="training steps at most (default: %(default)s)")
    add("--minutes", type=float, help="stop after this time, learning rate included")
    add("--learning-rate", type=float, default=2e-4, help="its highest value")
    add("--gradient-weight", type=float, default=0.5, help="of the error of the picture's gradient")
    add("--batch", type=int, default=4, help="fresh pictures, and half-painted ones, in a step")
    add("--size", type=int, default=128, help="pixels a side (default: %(default)s)")
    add("--easels", type=int, default=16, help="pictures being painted (default: %(default)s)")
    add("--paintings", type=int, default=120, help="generated pictures (default: %(default)s)")
    add("--first-pictures", type=int, default=48, help="pictures that the factors come from")
    add("--precision", choices=("float32", "bfloat16"), default="float32", help="of convolutions")
    add("--save-every", type=float, default=120, help="seconds between checkpoints")
    add("--leave-out", nargs="*", default=HELD_OUT, help="pictures to keep for judging the result")
    add("--seed", type=int, default=0)
    add("--quick", action="store_true", help="a few small steps, to see that everything runs")
    add("--silent", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    if options.quick:
        options.steps, options.size, options.batch = min(options.steps, 3), 48, 2
        options.easels, options.paintings, options.first_pictures = 4, 6, 4
    return options


if __name__ == "__main__":
    train(parse())
