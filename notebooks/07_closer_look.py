# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/07_closer_look.ipynb)

# %% [markdown]
# # 7 · A closer look
#
# This notebook is optional. Its sections do not depend on each other, and none of them is needed
# for painting. Each answers a question that notebooks 1–4 leave open:
#
# 1. Which picture would a channel like best?
# 2. Is it the training that makes style transfer work?
# 3. Where do two channels meet?
# 4. Does "where" come back into a texture?
# 5. Does the start decide what is painted?
# 6. Adam or L-BFGS?
# 7. Why does everybody have another α and β?
# 8. What is a mixture of two styles?
# 9. How can I tell that my gradient is right?

# %% tags=["parameters"]
SIZE = None  # the longest side of the pictures, in pixels; None: 256 on a GPU, 128 on a CPU
STEPS = None  # steps of each picture; None: 150 with VGG, 100 with mini
NETWORK = None  # "vgg19", "vgg16" or "mini"; None: VGG-19 on a GPU, mini on a CPU

# %% tags=["setup"]
# @title Setup: finds the helpers, loads the network, says which one it is
import os
import sys
from pathlib import Path

from IPython.core.error import UsageError

os.environ |= {"GIT_TERMINAL_PROMPT": "0", "TF_CPP_MIN_LOG_LEVEL": "3"} | dict(os.environ)
REPOSITORY = "https://github.com/neural-style-transfer-notebooks/neural-style-transfer"
here, name, file = Path.cwd(), Path(REPOSITORY).name, "helpers/colab.py"
found = [folder / file for folder in (here, *here.parents) if (folder / file).exists()]
if not found:  # in Colab: a clone, new or updated, else a zip in Files or in a mounted Drive
    ways = [f"git clone -q --depth=1 {REPOSITORY}"]
    ways += [f"git --git-dir={name}/.git --work-tree={name} pull -q --ff-only"]
    ways += [f"unzip -qo '{folder}{name}*.zip'" for folder in ("", "drive/MyDrive/")]
    if os.system(f"({' || '.join(ways)}) > {os.devnull} 2>&1"):
        print(f"{REPOSITORY} cannot be reached.")
    found = sorted(here.glob(f"{name}*/{file}"))
if not found:
    where = "drag it into Files, at the left, or mount a Drive that holds it"
    raise UsageError(f"Download the zip of {REPOSITORY}, {where}; then run this cell again.")
sys.path.insert(0, str(found[0].parents[1]))

import keras
import numpy as np
import tensorflow as tf

from helpers import colab, images, plots, vgg

GPU, network = colab.up(NETWORK)

# %% tags=["hide-input"]
# @title What else this notebook needs
from matplotlib.patches import Rectangle

from helpers import colors, costs
from helpers.transfer import Transfer

tf.get_logger().setLevel("ERROR")  # it warns of functions that are compiled once for each layer
painter = vgg.load(network.name, precision="auto")  # faster where a CPU multiplies bfloat16
layers = network.style_layers
SIZE = min(SIZE or (256 if GPU else 128), 256)
STEPS = STEPS or (100 if network.name == "mini" else 150)
trial = SIZE < 128 or STEPS < 60  # what the text says of the results is then not checked


def load(name):
    """A picture whose sides are multiples of 16."""
    picture = images.load(name, SIZE)
    return images.resize(picture, *(side // 16 * 16 for side in picture.shape[:2]))


C, swirls, facets = load("cat"), load("starry_swirls"), load("cubist_facets")
height, width = C.shape[:2]
seen_C, noise = network(C), np.random.default_rng(0).uniform(0, 255, C.shape)
print(f"Pictures of {SIZE} pixels, {STEPS} steps")

# %% [markdown]
# ## 1 · A channel's favorite picture
#
# Notebook 1 asks what in a photograph a channel answers to. Now we ask which picture it would
# answer to *most*. We start from noise and move the pixels along the gradient of the answer. That
# is style transfer with a simpler cost: the network is frozen, the picture moves.
#
# To noise, a deep channel is silent: the relu gives 0, which has no slope. So for this purpose the
# relu is *leaky*: below zero it still passes a tenth. Done plainly, the climb then ends in patterns
# as fine as the pixels. Three tricks help (Olah, Mordvintsev & Schubert 2017, *Feature
# Visualization*):
#
# - **jitter**: shift the picture by a few pixels before each step;
# - **frequencies**: move the waves that the picture is made of, the long ones more easily;
# - **colors**: move mixtures of red, green and blue that are independent in photographs.

# %% tags=["hide-input"]
# @title leaky, from_pixels, from_waves: a leaky layer, and two ways to make a picture of numbers
side = 96
length = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
ease = np.float32(8 / np.maximum(length, 1 / side))  # the longer a wave, the easier it moves
# One column each: how much red, green and blue belong to light, to red–blue, to purple–green.
hues = np.float32([[0.77, 0.27, 0.06], [0.80, 0, -0.15], [0.80, -0.27, 0.09]])


def leaky(layer):
    """A function: pictures → a layer's activation with a leaky relu."""
    last = network.model.get_layer(layer)
    below = keras.Model(network.model.inputs, last.input)

    def answer(pictures):
        x = below(pictures[..., ::-1] - np.float32([103.939, 116.779, 123.68]))
        return tf.nn.leaky_relu(keras.ops.conv(x, last.kernel, padding="same") + last.bias, 0.1)

    return answer


def from_pixels(v):
    return 255 * tf.sigmoid(v)


def from_waves(v):
    waves = tf.signal.irfft2d(tf.complex(v[0] * ease, v[1] * ease))
    return 255 * tf.sigmoid(tf.transpose(waves, [0, 2, 3, 1]) @ hues.T)


# %%
def climb(layer, channels, paint, start, jitter):
    """One picture for each channel; `paint` turns the numbers that move into pictures."""
    wanted = tf.one_hot(channels, network.layers[layer].channels)[:, None, None]
    answer, numbers = leaky(layer), tf.Variable(start)
    adam = keras.optimizers.Adam(0.05)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            shift = tf.random.uniform([2], -jitter, jitter + 1, tf.int32)
            pictures = tf.roll(paint(numbers), shift, axis=[1, 2])
            cost = -tf.reduce_mean(wanted * answer(pictures))
        adam.apply([tape.gradient(cost, numbers)], [numbers])

    adam.build([numbers])
    for _ in range(STEPS):
        step()
    return paint(numbers).numpy()


# %%
def favorites(layer, tricks=True):
    """The favorite pictures of the three channels that vary most over the photograph."""
    rng, channels = np.random.default_rng(0), np.argsort(-np.std(seen_C[layer], axis=(0, 1)))[:3]
    waves = np.float32(rng.normal(0, 0.2, (2, 3, 3, *length.shape)))
    pixels = np.float32(rng.normal(0, 0.3, (3, side, side, 3)))
    if not tricks:
        return climb(layer, channels, from_pixels, pixels, jitter=0)
    return climb(layer, channels, from_waves, waves, jitter=8)


ladder = {f"{layers[2]}, plainly": favorites(layers[2], tricks=False)}
ladder |= {layer: favorites(layer) for layer in layers}

# %% tags=["hide-input"]
# @title The favorite pictures
grain = {k: float(costs.total_variation(p[0])) / p[0].var() for k, p in ladder.items()}
assert trial or grain[f"{layers[2]}, plainly"] > 1.5 * grain[layers[2]]
plots.grid(
    [[pictures[n] for pictures in ladder.values()] for n in range(3)],
    ["the liveliest", "the second", "the third"],
    [name.replace(", ", "\n") for name in ladder],
    height=1.8,
    alt="Favorite pictures of three channels, without tricks in the third block, and with all of "
    "them in each of five blocks: from plain colors to larger, richer patterns.",
)

# %% [markdown]
# The first column and the one for the third block belong to the same channels. Without the tricks
# there is a harsh grain; with them, lines that the eye can follow. Leftover grain is easily
# mistaken for what a network sees. From block to block the patterns become larger and richer. Most
# are *textures*, much the same here and there: the raw material of style.
#
# ## 2 · Is it the training?
#
# How much is due to the million photographs, and how much to the plain arrangement of windows,
# relus and poolings? We fill the same arrangement with random weights, as Kun He, Yan Wang & John
# Hopcroft did (2016, *A Powerful Generative Model Using Random Weights for the Deep Image
# Representation*), and paint with it. The weights are scaled so that the answers neither grow nor
# fade from layer to layer (Kaiming He et al. 2015).
#
# **Before you run it:** what will be kept of the photograph, and what of the swirls?


# %%
def untrained(seed):
    """A network like this one, with random weights and no biases."""
    rng, model = np.random.default_rng(seed), keras.models.clone_model(painter.model)
    for layer in model.layers:
        if arrays := layer.get_weights():
            shape = arrays[0].shape
            kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape)
            layer.set_weights([kernel, *(0 * bias for bias in arrays[1:])])
    about = painter.name, model, painter.layers, painter.pooling, painter.precision
    return vgg.Network(*about, "the same layers with random weights")


networks = {"trained": painter} | {f"random weights {n + 1}": untrained(n) for n in range(2)}
runs = {name: Transfer(C, swirls, eyes, beta=20.0, levels=1) for name, eyes in networks.items()}
for run in runs.values():
    run.run(STEPS)

# %% tags=["hide-input"]
# @title What they paint, judged by the trained network
painted = {name: run.picture for name, run in runs.items()}
judge, judged = runs["trained"], {}
for name, picture in {**painted, "the photograph": C}.items():
    judge.picture = picture
    judged[name] = judge.costs()
best, photograph = judged["trained"], judged["the photograph"]
for name in list(networks)[1:]:
    assert trial or judged[name]["style"] < 0.9 * photograph["style"]
    assert trial or 2 * best["style"] < judged[name]["style"]
titles = [
    f"{n}: content {judged[n]['content']:.2f}, style {judged[n]['style']:.2f}" for n in painted
]
plots.pictures(
    painted.values(),
    titles,
    height=2.4,
    alt="The cat painted by a trained network and by two with random weights.",
)

# %% [markdown]
# Random windows are windows all the same. They answer to colors and edges, and know where these
# are: so colors wander from one picture to the other, and dark parts of the cat stay where they
# were. But the trained network, which judges all three, finds much more of the painting's style in
# its own picture. To random weights a stroke is no better a pattern than a speckle. (Two draws are
# few. Others, with another `seed`, paint other blots.)
#
# ## 3 · Two channels, and the positions that make their number
#
# Every entry of a Gram matrix can be taken apart into positions. The maps of two channels are
# divided by the root of their mean square, so that the mean of their product is the cosine, and
# share one scale. Below are the positions that give most to that mean; the frame is what a position
# sees. Try other layers and channels.

# %% tags=["hide-input"]
# @title What the largest positions of a product see
seen_S = network(swirls)


def show_positions(figure, product, row):
    """Six of the largest positions of a map, apart from each other, on the painting."""
    left, far = np.array(product), max(1, row.receptive_field // row.stride // 3)
    window = max(row.receptive_field, min(swirls.shape[:2]) // 4)
    padded = np.pad(swirls, [(window, window), (window, window), (0, 0)], constant_values=200)
    for n in range(6):
        y, x = np.unravel_index(left.argmax(), left.shape)
        left[max(0, y - far) : y + far + 1, max(0, x - far) : x + far + 1] = -1
        top, start = (int((k + 0.5) * row.stride + window / 2) for k in (y, x))
        axes = figure.add_subplot(1, 6, n + 1)
        axes.imshow(padded[top : top + window, start : start + window] / 255)
        corner, field = [(window - row.receptive_field) / 2 - 0.5] * 2, row.receptive_field
        axes.add_patch(Rectangle(corner, field, field, fill=False, color="white"))
        axes.set_axis_off()


# %% tags=["hide-input"]
# @title explore: two maps, their product, and its largest positions
def explore(layer, i, j):
    a = np.asarray(seen_S[layer])
    order = np.argsort(-(a**2).sum(axis=(0, 1)))[[i - 1, j - 1]]
    one, two = (a[..., n] / max(np.sqrt(np.mean(a[..., n] ** 2)), 1e-9) for n in order)
    titles = [*(f"channel {n}" for n in order), f"product, mean {np.mean(one * two):.2f}"]
    alt = f"Maps of two channels of {layer}, their product, and what its largest positions see."
    figure = plots.AltFigure(9.0, 4.4, alt=alt)
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.7, 1])
    for n, (values, title) in enumerate(zip([one, two, one * two], titles, strict=True)):
        axes = upper.add_subplot(1, 3, n + 1)
        axes.imshow(values, cmap="magma", vmin=0, vmax=4, interpolation="nearest")
        axes.set_title(title)
        axes.set_axis_off()
    show_positions(lower, one * two, network.layers[layer])
    return figure


# %%
explore(layers[1], 11, 21)  # a layer, and two channels: 1 is the loudest

# %% [markdown]
# ## 4 · Does "where" come back?
#
# A Gram matrix knows no positions, but the network does. Beyond the border of a picture there is
# nothing to see, and VGG's convolutions put zeros there. So a channel can tell that the border is
# near. Take one gray from side to side: inside, every position gives the same answer.

# %%
gray = network(np.full((256, 384, 3), 128.0))
border = {}
for layer in layers:
    a = gray[layer].numpy()
    middle = a[a.shape[0] // 2, a.shape[1] // 2]
    border[layer] = np.linalg.norm(a - middle, axis=-1) / max(np.linalg.norm(middle), 1e-9)

# %% tags=["hide-input"]
# @title How far each position is from the one in the middle
touched = {layer: float((m > 0.1).mean()) for layer, m in border.items()}
assert touched[layers[0]] < 0.2 and touched[layers[-1]] > touched[layers[1]]
large = [np.kron(m, np.ones((256 // len(m),) * 2)) for m in border.values()]
plots.channels(
    np.stack(large, axis=-1),
    range(len(layers)),
    titles=[f"{layer}: {share:.0%}" for layer, share in touched.items()],
    columns=3,
    height=1.7,
    vmax=1,
    alt="Maps of a gray picture: a bright rim, which is wider in deeper layers.",
)

# %% [markdown]
# (The percentage is how many positions are changed by more than a tenth.) A channel that means
# "blue, *close to the upper border*" can say where the sky belongs, also in a Gram matrix. Does it
# show? We grow textures from four paintings, and compare their colors with those of the painting,
# both blurred to 6 × 8 fields: 1 is the same colors in the same places, and about 0 is chance.
#
# The control is a network for which pictures have no border: it continues each picture by its
# mirror image, and then reads only the positions of the picture itself.

# %%
names = "starry_swirls", "night_cafe", "stained_glass", "woodblock_wave"
paintings = {name: images.resize(images.load(name, SIZE), 96, 128) for name in names}
margin = 80  # more than half of what a position of the deepest layer sees


def mirrored(network):
    """The network on pictures that go on as their mirror image."""
    sides = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
    seen = network.model(keras.ops.pad(network.model.inputs[0], sides, mode="reflect"))
    cut = {layer: margin // row.stride for layer, row in network.layers.items()}
    inside = {k: a[:, cut[k] : -cut[k], cut[k] : -cut[k]] for k, a in seen.items()}
    model = keras.Model(network.model.inputs, inside)
    about = network.layers, network.pooling, network.precision
    return vgg.Network(network.name, model, *about, "without a border")


# %%
def texture(painting, eyes):
    """Noise that takes on the painting's style, as in notebook 3."""
    run = Transfer(painting, painting, eyes, alpha=0, tv=0, levels=1)
    noise = np.random.default_rng(0).uniform(0, 255, (48, 64, 1))
    run.picture = images.resize(noise.repeat(3, axis=-1), 96, 128)
    run.run(STEPS // 2)
    return run.picture


without = mirrored(painter)
textures = {name: texture(p, painter) for name, p in paintings.items()}
controls = {name: texture(p, without) for name, p in paintings.items()}


# %% tags=["hide-input"]
# @title How much stays in its place
def same_places(one, other):
    """Correlation of the colors of two pictures that are blurred to 6 × 8 fields."""
    one, other = (images.resize(p, 6, 8) for p in (one, other))
    one, other = (p - p.mean(axis=(0, 1)) for p in (one, other))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


grown = list(textures.values()), list(controls.values())
stays = [[same_places(p, t) for p, t in zip(paintings.values(), g, strict=True)] for g in grown]
print("mean correlation, with a border and without:", *(f"{np.mean(s):.2f}" for s in stays))
assert trial or (
    np.max(np.mean(stays, axis=1)) < 0.5 and abs(np.diff(np.mean(stays, axis=1))[0]) < 0.3
)
plots.grid(
    [list(paintings.values()), *grown],
    ["painting", "texture", "no border"],
    names,
    height=1.8,
    alt="Four paintings, their textures, and their textures by a network that sees no border. "
    "Correlations with border: "
    + ", ".join(f"{value:.2f}" for value in stays[0])
    + "; without: "
    + ", ".join(f"{value:.2f}" for value in stays[1])
    + ".",
)

# %% [markdown]
# Little stays in its place, and without a border it is hardly less. Single pictures differ widely,
# and one may come close by luck. So the network notices the border, but in these textures that is
# no strong reason for where a stroke ends up. (The mirror line could be noticed, too.)
#
# ## 5 · Does the start decide?
#
# $J$ has many valleys. Papers often begin with **noise**, to show that the picture comes from the
# costs alone; painters begin with the **photograph**. Gatys tried both, and the **painting** too
# (2016, figure 6). We try three starts with a small and with a large β, without TV, until $J$
# hardly falls any more. **Before you run it:** for which β does the start decide more?

# %%
starts = {"photograph": C, "painting": images.resize(facets, height, width), "noise": noise}
by_start = {}
for beta in (6, 60):
    run = Transfer(C, facets, painter, beta=[beta] * len(starts), tv=0, levels=1)
    run.enter(0, list(starts.values()))
    run.step(3 * STEPS // 2)
    by_start[beta] = run

# %% tags=["hide-input"]
# @title What the start decides
titles, painted, content = [], [], {}
for beta, run in by_start.items():
    end, before = run.costs(), run.history["total"][-STEPS // 3]
    assert trial or (before / end["total"]).max() < 1.2  # it hardly falls any more
    content[beta] = end["content"]
    painted += list(run.pictures)
    rows = zip(starts, end["content"], end["style"], strict=True)
    titles += [f"β = {beta}, {name}:\ncontent {c:.2f}, style {s:.2f}" for name, c, s in rows]
assert trial or content[60].min() > 1.3 * content[6].max()
assert trial or content[60][0] < content[60][1:].min()
plots.pictures(
    painted,
    titles,
    columns=3,
    height=2.2,
    alt="The cat in facets, from three starts, with a small β above and a large one below: "
    + "; ".join(titles).replace("\n", " ")
    + ".",
)

# %% [markdown]
# With the small β, all three starts end with the cat. With the large one, the photograph has little
# say in $J$: the content cost is much higher, and the start decides what is to be seen. It is
# lowest where G began as the photograph.
#
# ### In the painting's light
#
# A Gram matrix says which colors there are, and not where. So they stay about where the start has
# put them, and a pale sky stays pale after a dark painting. The package therefore begins with the
# photograph *in the painting's light*. Both pictures are shrunk to a thumbnail of four pixels and
# enlarged again, and the photograph's blur is exchanged for the painting's. The photograph keeps
# its detail.

# %%
glass = load("stained_glass")
lit = colors.in_light_of(C, [glass])
run = Transfer(C, glass, painter, beta=[20.0, 20.0], levels=1)
run.enter(0, [C, lit])
run.step(STEPS)
from_photograph, from_light = run.pictures

# %% tags=["hide-input"]
# @title Two starts, and what they become
thumbnail = images.resize(glass, 3, 4)
away = [np.abs(images.resize(picture, 3, 4) - thumbnail).mean() for picture in run.pictures]
assert trial or away[1] < 0.8 * away[0]
plots.pictures(
    [glass, C, from_photograph, images.resize(thumbnail, height, width), lit, from_light],
    ["S", "C", "painted from C", "the light of S", "C in this light", "painted from it"],
    columns=3,
    height=2.2,
    alt="The stained glass and the cat; painted from the photograph its face stays brown; in the "
    "light of the glass the sun is on its face and the blue around it.",
)

# %% [markdown]
# ## 6 · Adam or L-BFGS?
#
# **Adam** makes steps of a length that we choose, here always the same, or falling to a half.
# **L-BFGS** remembers its last moves and guesses from them how $J$ curves; Gatys used it, too. (The
# package's own also begins with a guess of how far each frequency has to move.) Each step asks for
# one gradient. **Before you run it:** who is lower early?

# %%
race = {"Adam": "adam", "Adam, falling rate": "adam", "L-BFGS": "lbfgs"}
for name, optimizer in race.items():
    run = Transfer(C, facets, painter, beta=20.0, tv=3e-4, optimizer=optimizer, levels=1)
    if name == "Adam":
        run.step(STEPS)
    else:
        run.run(STEPS)  # which lets Adam's rate fall
    race[name] = run.history["total"]

# %% tags=["hide-input"]
# @title J, step by step
early = 2 * STEPS // 5
adam, falling, lbfgs = race.values()
assert trial or lbfgs[early] < min(adam[early], falling[early])
assert trial or falling[-1] < adam[-1]
plots.curves(
    {name: J[2:] for name, J in race.items()},
    ylabel="J",
    alt=f"J against the step. After {early} steps: "
    + ", ".join(f"{name} {J[early]:.3f}" for name, J in race.items())
    + "; at the end: "
    + ", ".join(f"{name} {J[-1]:.3f}" for name, J in race.items()),
)

# %% [markdown]
# L-BFGS is lower early, and has no rate to choose. Adam with a constant rate keeps trembling around
# its goal, so letting the rate fall ends lower. Who is lowest in the end depends on the pictures,
# on the number of steps and on the precision: L-BFGS lives on small differences of $J$, which
# bfloat16 rounds away. And what L-BFGS remembers belongs to one $J$. So the studio, where α and β
# move, takes Adam.
#
# ## 7 · Everybody's α and β
#
# | who | α | β | content cost | style cost of a layer | start |
# |---|---|---|---|---|---|
# | the Coursera course | 10 | 40 | as in notebook 2 | as in notebook 3 | photograph and noise |
# | Gatys et al. 2016 | 1 | 10³ | ½ Σ(F − P)² | as in notebook 3 | noise |
# | TensorFlow's tutorial | 10⁴ | 10⁻² | mean square | mean square | photograph |
# | jcjohnson/neural-style | 5 | 100 | mean square | mean square / n_C² | noise |
# | gordicaleksa's PyTorch | 10⁵ | 3·10⁴ | mean square | mean square | photograph |
# | keras.io | 2.5·10⁻⁸ | 10⁻⁶ | Σ(F − P)² | notebook 3, other counts | photograph |
#
# β/α runs from 10⁻⁶ to 10³, and all of them paint: everybody takes the same sums, and puts another
# *constant* in front. What pulls at G is α times the content's constant, and β times the weight and
# the constant of each style layer. Notebook 4 converts one pair so that the pulls stay the same;
# here are all six, in the package's relative units.
#
# Three things can only be estimated. Gatys rescaled his VGG until the mean activation of each
# channel was 1; we divide by the mean of each layer. TensorFlow's tutorial and keras.io read the
# content in `block5_conv2`; we take our last layer. And gordicaleksa's VGG is torchvision's, which
# was trained apart from this one.

# %% tags=["hide-input"]
# @title The six, converted
content_layer, last = network.content_layer, layers[-1]
A_S = {layer: costs.mean_gram_matrix(a) for layer, a in network(facets).items() if layer in layers}


def constants(name, layer):
    """The constant of the content cost, and {layer: that of the style cost}."""
    style = {k: float(costs.style_scale(A, name)) for k, A in A_S.items()}
    return float(costs.content_scale(seen_C[layer], name)), style


def pulls(alpha, beta, name, weights=None, layer=content_layer):
    c, s = constants(name, layer)
    return alpha * c, {k: beta * (weights or {}).get(k, 1 / len(s)) * s[k] for k in s}


def relative(content, style, layer=content_layer):
    """β/α and {layer: λ_l} that pull as hard with relative costs."""
    c, s = constants("relative", layer)
    found = {k: pull / s[k] for k, pull in style.items()}
    return sum(found.values()) / (content / c), {
        k: v / sum(found.values()) for k, v in found.items()
    }


# %% tags=["hide-input"]
# @title Their numbers
m = {layer: float(tf.reduce_mean(a)) for layer, a in seen_C.items()}
content, style = pulls(1, 1e3, "gatys")
gatys = content / m[content_layer] ** 2, {k: pull / m[k] ** 4 for k, pull in style.items()}
per_square = {k: 1 / len(layers) / network.layers[k].channels ** 2 for k in layers}
# keras.io divides by 4·3²·(height·width)²: colors and pixels, not channels and positions.
keras_io = {k: 1e-6 / len(layers) / (36 * network.layers[k].stride ** 4) for k in layers}
blend = 0.4 * C + 0.6 * np.clip(C + np.random.default_rng(1).uniform(-20, 20, C.shape), 0, 255)
published = {  # who: pulls, content layer, start
    "Coursera": (pulls(10, 40, "course"), content_layer, blend),
    "Gatys, rescaled": (gatys, content_layer, noise),
    "TensorFlow": (pulls(1e4, 1e-2, "mse", layer=last), last, C),
    "jcjohnson": (pulls(5, 100, "mse", per_square), content_layer, noise),
    "gordicaleksa": (pulls(1e5, 3e4, "mse"), content_layer, C),
    "keras.io": ((2.5e-8, keras_io), last, C),
}
converted = {who: relative(*p, layer) for who, (p, layer, _) in published.items()}
rounded = {who: float(f"{ratio:.2g}") for who, (ratio, _) in converted.items()}
ratios = {who: f"{n:,.0f}" if n >= 100 else f"{n:g}" for who, n in rounded.items()}
shares = np.array([list(weights.values()) for _, weights in converted.values()])
assert np.sum(shares.max(axis=1) > 0.8) >= 4 and shares[1].max() < 0.6
plots.heat(
    shares,
    [f"{who}: β/α = {ratio}" for who, ratio in ratios.items()],
    layers,
    label="λ, the layer's share of β",
    alt="The share of each layer in β, in relative units; β/α: "
    + ", ".join(f"{who} {ratio}" for who, ratio in ratios.items())
    + ".",
)

# %% [markdown]
# Weights that are equal in somebody's constants are not equal in effect: for most of them, one
# layer has nearly all of β. Gatys' rescaled VGG shares it out. This is what each of them paints
# without TV, in their own content layer, from their own start, and in fewer steps than they took.

# %%
by_others = []
for who, (ratio, weights) in converted.items():
    _, layer, start = published[who]
    options = {"tv": 0, "levels": 1, "content_layer": layer, "layer_weights": weights}
    run = Transfer(C, facets, painter, beta=ratio, **options)
    run.picture = start
    run.run(STEPS)
    by_others.append(run.picture)

# %% tags=["hide-input"]
# @title What they paint
plots.pictures(
    by_others,
    [f"{who}: β/α = {ratio}" for who, ratio in ratios.items()],
    columns=3,
    height=2.2,
    alt="The cat painted with six pairs of published weights.",
)

# %% [markdown]
# Where β/α is very large, $J$ knows next to nothing of the photograph: what is left of it comes
# from the start.
#
# ## 8 · Two styles at once
#
# Nothing forbids two paintings: we average their style costs. For one layer, with equal constants,
#
# $$\tfrac12 \sum (A^G - A^1)^2 + \tfrac12 \sum (A^G - A^2)^2
#   = \sum \left(A^G - \tfrac{A^1 + A^2}{2}\right)^2 + \text{a rest without } A^G$$
#
# The rest does not depend on the picture, so it has no gradient. **A mixture of two styles is one
# style, whose Gram matrix is the mean of both.** We test it with three pictures that have nothing
# to do with each other: the rest must be the same number each time.


# %%
def A(picture):
    return costs.mean_gram_matrix(network(np.float32(picture))[layers[2]])


glass = load("stained_glass")
A_1, A_2, rests = A(facets), A(glass), []
for name, picture in {"the cat": C, "noise": noise, "swirls": swirls}.items():
    apart = [float(costs.gram_cost(B, A(picture), "course")) for B in (A_1, A_2, (A_1 + A_2) / 2)]
    rests.append((apart[0] + apart[1]) / 2 - apart[2])
    mixture = sum(apart[:2]) / 2
    print(f"{name:8} mixture {mixture:.4g}, to the mean {apart[2]:.4g}, rest {rests[-1]:.4g}")
assert np.ptp(rests) < 0.01 * max(rests)

# %% [markdown]
# (With the package's `relative` costs each painting has a constant of its own, $1/\sum A^2$. Then
# it is a weighted mean, in which the painting with the smaller Gram matrix counts for more.)

# %%
mixed = {}
for name, styles in {"facets": facets, "both": [facets, glass], "stained glass": glass}.items():
    run = Transfer(C, styles, painter, levels=1)
    run.run(STEPS)
    mixed[name] = run.picture
plots.pictures(
    mixed.values(),
    list(mixed),
    height=2.4,
    alt="The cat in facets, in the mixture of both, and in stained glass.",
)

# %% [markdown]
# ## 9 · Is my gradient right?
#
# There is a test for every gradient $g$. Go a very short way against it, from $G$ to
# $G - \varepsilon g$. The cost changes by the slope times the way, so in all it must fall by
# $\varepsilon \sum g^2$. On a longer way the slope itself changes, and the promise is not kept.

# %%
layer = network.content_layer
G = tf.constant(images.resize(facets, height, width), tf.float32)
with tf.GradientTape() as tape:
    tape.watch(G)
    before = costs.content_cost(seen_C[layer], network(G)[layer])
g = tape.gradient(before, G).numpy()

kept = []
for largest in (0.1, 1, 10):  # gray levels
    way = largest / np.abs(g).max()
    fallen = float(before - costs.content_cost(seen_C[layer], network(G - way * g)[layer]))
    kept.append(fallen / (way * np.sum(g**2)))
    print(f"at most {largest:4} gray levels: {kept[-1]:.0%} of what the gradient promises")
assert abs(kept[0] - 1) < 0.1
