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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/01_vgg_features.ipynb)

# %% [markdown] tags=["slide"]
# # 1 · What a pretrained VGG sees
#
# Neural style transfer (Gatys, Ecker & Bethge 2016) uses a network that was trained for something
# else: naming the things in a million photographs. The network stays as it is. What changes are the
# pixels of a picture, until the network sees in it what we want. So what does the network see?

# %% [markdown]
# **After this notebook you can**
# - say in five sentences how a photograph becomes a painting;
# - load VGG-19, and feed it a picture correctly;
# - read an activation of shape $(n_H, n_W, n_C)$, and say how much of the picture one value sees;
# - find out what a channel answers to, and what a deep layer keeps of a picture.
#
# You need Python, NumPy, derivatives, and an idea of convolutions. **Time:** 45 minutes.

# %% tags=["parameters"]
SIZE = None  # the longest side of the photo, in pixels; None: 512 on a GPU, 256 on a CPU
STEPS = None  # steps of the painting; None: 200 from 512 pixels on, 80 below
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
from pathlib import Path

from IPython.display import display
from matplotlib.patches import Rectangle
from PIL import Image

from helpers.course import drawings, exercises
from helpers.transfer import Transfer

SIZE = SIZE or (512 if GPU else 256)
STEPS = STEPS or (200 if SIZE >= 512 else 80)
small = SIZE < 200  # a trial run; what the text says of the results is then not checked
print(f"Pictures of {SIZE} pixels, {STEPS} steps")

# %% [markdown]
# The lines above say which network made the pictures below, and at which size. (What is stored was
# made with VGG-19 at 512 pixels, on a CPU.) **VGG-19** (Simonyan & Zisserman 2014) is the network
# of the paper; **mini** is a small stand-in in this repository, trained to answer as VGG-19 does,
# for computers without a GPU or internet access.

# %% [markdown] tags=["slide"]
# ## The destination
#
# Here is what the first four notebooks build. (Our part of VGG halves pictures four times, so we
# round the photograph's sides to multiples of 16.)

# %%
photo = images.load("cat", SIZE)
height, width = (16 * round(side / 16) for side in photo.shape[:2])
photo = images.resize(photo, height, width)
style = images.load("starry_swirls", SIZE)

painter = vgg.load(network.name, precision="auto")  # faster where a CPU multiplies bfloat16
run = Transfer(photo, style, painter)
run.run(STEPS)

# %% tags=["hide-input", "fragment"]
# @title The photograph, the painting, and the result
plots.pictures(
    [photo, style, run.picture],
    ["C, the content", "S, the style", "G, generated"],
    alt="A photo of a cat, a painting of swirls, and the cat painted with the colors and strokes "
    "of the swirls.",
    height=3.0,
)

# %% [markdown] tags=["fragment"]
# The eyes are where they were, but the fur now has the strokes and the colors of the painting. The
# method in one drawing:

# %% tags=["slide"]
drawings.method()

# %% [markdown] tags=["slide"]
# 1. All three pictures pass through one network, **VGG**, whose weights never change. Its
#    *activations* say what it sees, and where.
# 2. The content cost **$J_{content}$** measures how far the activations of $G$ are from those of
#    the photograph. It is zero when the network sees the same things in the same places.
# 3. The style cost **$J_{style}$** compares *Gram matrices*, tables of which patterns occur
#    together. It does not ask where they occur.
# 4. The two are added with weights, $J = \alpha J_{content} + \beta J_{style}$.
# 5. The **gradient** says how $J$ would change if a pixel of $G$ became a little brighter. Every
#    pixel takes a small step that lowers $J$, and it all starts again.

# %% [markdown]
# Notebook 2 builds $J_{content}$, notebook 3 $J_{style}$, notebook 4 takes the steps.

# %% [markdown] tags=["slide"]
# ## 1 · What goes in
#
# Our photo is an array (height, width, 3) of **R**, **G**, **B** from 0 to 255. VGG was trained on
# pictures that were prepared in two ways:
#
# - colors in the order **B**, **G**, **R**;
# - from each color, the mean over all training pixels subtracted: 103.939 for blue, 116.779 for
#   green, 123.68 for red.
#
# Its weights need such numbers.

# %%
print(photo.shape, photo.dtype, f"from {photo.min():.0f} to {photo.max():.0f}")
print("the first pixel:", photo[0, 0])

# %% [markdown] tags=["slide"]
# ### Exercise 1: preprocess
#
# Write the function that every later cell will use. It receives one picture or a batch of them,
# (batch, height, width, 3), in NumPy or TensorFlow, so it should touch only the last axis.


# %% tags=["exercise"]
def preprocess(pictures):
    """What VGG was trained on: RGB in 0–255 becomes BGR minus the mean of ImageNet's pixels."""
    ...


# %% tags=["check"]
_ = exercises.check("preprocess", preprocess)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `[3, 1, 4][::-1]` is `[4, 1, 3]`. An ellipsis `...` in an index stands for all the axes before. An
# array of three numbers is subtracted from every pixel at once, in the order that the last axis
# then has.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = preprocess


def preprocess(pictures):
    """What VGG was trained on: RGB in 0–255 becomes BGR minus the mean of ImageNet's pixels."""
    return pictures[..., ::-1] - np.float32([103.939, 116.779, 123.68])


preprocess = exercises.settled("preprocess", mine, preprocess)

# %%
print("the first pixel, as VGG wants it:", preprocess(photo)[0, 0])

# %% [markdown] tags=["slide"]
# ## 2 · What comes out
#
# This is the network, with the picture on the left. The deepest layer that we read is the first of
# block 5:

# %% tags=["fragment"]
drawings.vgg(network)

# %% [markdown] tags=["slide"]
# Each bar is one layer of 3 × 3 **convolutions**. Each of its **filters** looks for one pattern at
# every position. Its answers form a **channel**, a map of where the pattern is and how strongly.
# Negative answers are set to zero; this is called **relu**. All channels together are the layer's
# **activation**, an array of shape $(n_H, n_W, n_C)$: height, width, channels.
#
# Bars of the same height form a **block**; `block4_conv2` is the second convolution of the fourth
# block. Between blocks, **pooling** keeps the largest of every 2 × 2 neighbors and so halves height
# and width. (Gatys takes their average and rescales the weights; we keep VGG as it was trained.)

# %% [markdown]
# Keras has the network. Without its classifier (`include_top=False`) it takes pictures of any size,
# and `keras.Model` picks the layers that we want to read: one for the content and five for the
# style. (With `weights="imagenet"`, Keras downloads the weights. The setup cell has loaded them
# already, so a folded cell copies them.)

# %% tags=["hide-input"]
# @title copy_weights: from the network that the setup cell loaded to one of Keras' own


def copy_weights(source, target):
    """Fill a Keras VGG with the kernels and biases of a network of `helpers`."""
    names = [layer.name for layer in source.layers]
    for layer in target.layers:
        if layer.name not in names or not layer.weights:
            continue
        kernel, bias = source.get_layer(layer.name).get_weights()
        if f"{layer.name}_reduce" in names:  # mini's kernels are products of three small ones
            first, middle = (
                source.get_layer(f"{layer.name}_{part}").kernel for part in ("reduce", "kernel")
            )
            kernel = np.einsum("ir,hwrs,so->hwio", first[0, 0], middle, kernel[0, 0], optimize=True)
        elif layer.name == "block1_conv1" and network.name == "mini":
            kernel = kernel / 64  # its pixels are in another unit
        layer.set_weights([kernel, bias])


KerasVGG = keras.applications.VGG16 if network.name == "vgg16" else keras.applications.VGG19

# %%
whole = KerasVGG(include_top=False, weights=None)
copy_weights(network.model, whole)
outputs = {layer: whole.get_layer(layer).output for layer in network.layers}
model = keras.Model(whole.input, outputs, trainable=False)


# %% tags=["export"]
def extract(model, pictures):
    """{layer name: activation} of RGB pictures (batch, height, width, 3) in 0–255."""
    return model(preprocess(tf.convert_to_tensor(pictures, tf.float32)))


# %% tags=["slide"]
a = {layer: found[0].numpy() for layer, found in extract(model, photo[None]).items()}
for layer, found in a.items():
    n_H, n_W, n_C = found.shape
    print(f"{layer}: {n_H:3} × {n_W:3} positions, {n_C:3} channels, {(found == 0).mean():.0%} zero")

# %% [markdown] tags=["fragment"]
# The zeros come from the relu: there, the filter's answer was negative.

# %% [markdown]
# What you write here, later notebooks import ready-made from `helpers`, the course's package. Its
# network can be called with a picture directly:

# %%
theirs = network(photo)
apart = {k: np.linalg.norm(theirs[k] - a[k]) / np.linalg.norm(a[k]) for k in a}
print(f"relative difference: {max(apart.values()):.6f} at most")
assert max(apart.values()) < 1e-2

# %% [markdown] tags=["slide"]
# ### Three wrong inputs
#
# Three mistakes are common in style transfer programs; the next cell makes them.
#
# **Before you go on:** which is the worst, for the deepest layer?

# %%
right = preprocess(photo)
mistakes = {
    "RGB instead of BGR": right[..., ::-1],
    "mean forgotten": photo[..., ::-1],
    "pixels in 0–1": preprocess(photo / 255),
}


def error(wrong):
    """For each layer: the length of the error, divided by the length of the right activation."""
    found = model(wrong[None])
    return [np.linalg.norm(found[k][0] - a[k]) / np.linalg.norm(a[k]) for k in a]


errors = {name: error(wrong) for name, wrong in mistakes.items()}

# %% tags=["hide-input", "slide"]
# @title The error of each mistake, layer by layer
table = np.array(list(errors.values()))
assert small or (table.min() > 0.3 and errors["pixels in 0–1"][-1] == table[:, -1].max() > 0.8)
plots.heat(
    table,
    list(errors),
    list(a),
    label="relative error",
    alt="A table of relative errors for three mistakes and six layers. Pixels in 0–1 are the worst "
    "in the deepest layer, and no mistake is below 0.3 anywhere.",
)

# %% [markdown] tags=["fragment"]
# An error of 1 is as far off as an activation of nothing but zeros. To VGG, pixels in 0–1 are a
# black picture. The other two mistakes do not wash out either. None of the three raises an
# exception, so if a transfer looks dull or odd, check the preprocessing first.

# %% [markdown] tags=["slide"]
# ## 3 · How much of the picture one value sees
#
# A value of the first layer sees 3 × 3 pixels. A value of the second sees 3 × 3 values of the
# first, and so 5 × 5 pixels. This is its **receptive field**.

# %% [markdown]
# Two numbers are enough to follow how it grows: the side of the field, and the **stride**, the
# distance in pixels between two neighboring positions of the layer.
#
# - A 3 × 3 convolution adds one neighbor on each side: the field grows by two strides.
# - A 2 × 2 pooling joins two neighbors: the field grows by one stride. Then every second position
#   is dropped: the stride doubles.


# %% tags=["export"]
def receptive_field(layers):
    """The side in pixels of what one value sees after VGG's first convolutions, named in order."""
    field, stride = 1, 1
    for layer in layers:
        if layer.endswith("_conv1") and layer != "block1_conv1":  # a pooling lies before it
            field += stride
            stride *= 2
        field += 2 * stride
    return field


# %% [markdown]
# We can check this. The **gradient** of a value says how much the value would change if a pixel
# became a little brighter; for pixels that the value does not see, it is zero. TensorFlow's
# `GradientTape` records a computation and works out the gradient. We feed noise, take a position in
# the middle, and measure the square in which the gradient is not zero. (Two pictures, because a
# pooling may by chance ignore the outermost pixels of one.)

# %%
noise = tf.random.stateless_uniform([2, 192, 192, 3], seed=[1, 2], maxval=255.0)


def measured_field(layer):
    """The side of the square of pixels on which a position in the middle of a layer depends."""
    with tf.GradientTape() as tape:
        tape.watch(noise)
        found = extract(model, noise)[layer]
        middle = tf.reduce_sum(found[:, found.shape[1] // 2, found.shape[2] // 2])
    seen = np.abs(tape.gradient(middle, noise)).max(axis=(0, 2, 3)) > 0
    return np.ptp(np.flatnonzero(seen)) + 1


order = list(vgg.layer_table(network.name))
fields = {k: receptive_field(order[: order.index(k) + 1]) for k in network.layers}
measured = {k: measured_field(k) for k in network.layers}
for layer, field in fields.items():
    print(f"{layer}: predicted {field:3}, measured {measured[layer]:3} pixels")

# %% [markdown] tags=["slide"]
# On the photo, around one point between the eyes:

# %% tags=["hide-input", "fragment"]
# @title The receptive fields on the photo
assert measured == fields
alt = f"Nested squares on the cat, the receptive fields of {', '.join(network.layers)}."
figure = plots.pictures([photo], alt=alt, height=5.5 * height / width)
figure.set_figwidth(9)
(axes,) = figure.axes
for (layer, side), color in zip(fields.items(), plots.COLORS, strict=False):
    corner, label = (0.52 * width - side / 2, 0.45 * height - side / 2), f"{layer}: {side} px"
    axes.add_patch(Rectangle(corner, side, side, fill=False, color=color, lw=2, label=label))
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
figure

# %% [markdown] tags=["fragment"]
# A value of the first layer sees an edge or a color at most, one of the deepest layer a part
# of the face. The fields are fixed in pixels, so size matters: in a picture twice as large, a
# field covers half as much of the cat in each direction.

# %% [markdown] tags=["slide"]
# ## 4 · The patterns of the first layer
#
# The 64 filters of the first layer, 3 × 3 pixels in 3 colors, can be looked at as little pictures.
#
# **Before you go on:** which patterns of nine pixels would you choose to describe photographs?

# %% tags=["slide"]
kernel = model.get_layer("block1_conv1").get_weights()[0]  # (3, 3, colors in BGR, channels)
alt = "64 filters of 3 by 3 pixels: light-dark edges of several directions, spots, and colors."
patterns = [127.5 + 127.5 * w / np.abs(w).max() for w in np.moveaxis(kernel[:, :, ::-1], -1, 0)]
plots.pictures(patterns, columns=16, height=0.7, alt=alt)

# %% [markdown] tags=["fragment"]
# Gray is a weight of zero. Filters with a light and a dark side answer to an edge, filters of one
# color to that color. Nobody designed them.

# %% [markdown] tags=["slide"]
# ## 5 · What each channel answers to
#
# A deeper filter has weights for 64 channels or more, so it is no picture in three colors. Its
# answers are. For the first layer of each block, here are the four channels that vary most over the
# photo. Bright is a strong answer; each map has its own scale.
#
# **Look for** the layer in which you can no longer recognize the cat.


# %%
def inner(a):
    """An activation without its frame, a sixth at each side."""
    # Beyond the picture convolutions see zeros, and some channels answer to that edge most.
    n_H, n_W, _ = a.shape
    return a[n_H // 6 : n_H - n_H // 6, n_W // 6 : n_W - n_W // 6]


def lively(layer, n=4):
    """The n channels of a layer that vary most over the photo."""
    return np.argsort(-inner(a[layer]).std(axis=(0, 1)))[:n]


# %% tags=["hide-input", "slide"]
# @title Four channels of each block
for layer in network.style_layers:
    alt = f"Four activation maps of {layer} on the cat; bright is a strong answer."
    figure = plots.channels(a[layer], lively(layer), alt=alt)
    n_H, n_W, _ = a[layer].shape
    figure.suptitle(f"{layer}: {n_H} × {n_W} positions")
    display(figure)
assert small or (a[layer] == 0).mean() > 1.2 * (a[network.style_layers[0]] == 0).mean()

# %% [markdown] tags=["fragment"]
# In the first block the cat is easy to recognize. Then come outlines, pieces of line, and, in the
# fourth block, broad patches as well. In the last block few positions are bright, and most of them
# lie at the eyes or the nose.

# %% [markdown]
# ### Favorite patches
#
# What is the pattern of such a channel? We take the last of the four channels above, and from each
# of the four bundled pictures that excite it most, cut out what its strongest value sees (after
# Zeiler & Fergus 2014; of the largest field we show the middle).

# %%
names = [name for name, where in images.gallery().items() if isinstance(where, Path)]
others = {name: images.load(name, SIZE) for name in names}
peaks = {}  # (picture, layer): each channel's strongest answer
for name, picture in others.items():
    for layer, found in network(picture).items():
        peaks[name, layer] = inner(found).numpy().max(axis=(0, 1))


def exciting(layer, channel, n=4):
    """The names of the n pictures in which a channel's strongest answer is largest."""
    return sorted(names, key=lambda name: -peaks[name, layer][channel])[:n]


# %% tags=["hide-input"]
# @title patch(name, layer, channel): what the strongest answer sees


def patch(name, layer, channel):
    """The receptive field around a channel's strongest answer, or its middle, 96 pixels."""
    picture, found = others[name], network(others[name])[layer][..., channel].numpy()
    margins = [n // 6 for n in found.shape]
    inside = inner(found[..., None])[..., 0]
    spot = np.unravel_index(inside.argmax(), inside.shape)
    side = min(96, network.layers[layer].receptive_field, *picture.shape[:2])
    corner = (
        int(np.clip(round((s + margin + 0.5) / n * p - side / 2), 0, p - side))
        for s, margin, n, p in zip(spot, margins, found.shape, picture.shape[:2], strict=True)
    )
    top, left = corner
    return picture[top : top + side, left : left + side]


# %%
rows = {}
for layer in network.style_layers:
    channel = lively(layer)[3]
    rows[f"{layer}\nchannel {channel}"] = [
        patch(name, layer, channel) for name in exciting(layer, channel)
    ]
columns = ["strongest", "second", "third", "fourth picture"]
alt = "Patches that excite one channel of each block most: first one color or an edge, then lines "
alt += "and borders, in the deepest block round things and parts of things."
plots.grid(rows.values(), list(rows), columns, alt=alt, height=1.9)

# %% [markdown]
# The first rows are a few pixels, enlarged: a color, an edge. Then come borders and lines, and at
# the bottom round things and parts of things.
#
# ## 6 · Which channels see the eyes?
#
# Now the other way round: we mark the two eyes, and look for channels that answer there.

# %% tags=["hide-input"]
# @title box(name, n_H, n_W): an eye as a mask of a layer's size
EYES = {"left": (0.29, 0.49, 0.30, 0.46), "right": (0.36, 0.55, 0.65, 0.77)}


def box(name, n_H, n_W):
    """1 inside an eye's box (top, bottom, left, right, as shares of the photo), 0 elsewhere.

    However coarse the layer is, the box covers at least one of its positions.
    """
    top, bottom, left, right = EYES[name]
    y, x = (np.arange(n_H) + 0.5) / n_H, (np.arange(n_W) + 0.5) / n_W
    rows = np.abs(y - (top + bottom) / 2) <= max(bottom - top, 1 / n_H) / 2
    columns = np.abs(x - (left + right) / 2) <= max(right - left, 1 / n_W) / 2
    return np.float32(rows[:, None] & columns)


def spotlight(activation, which):
    """The photo, once for each of these channels: light where it answers, else dark."""
    lit = []
    for channel in which:
        answer = np.asarray(activation)[..., channel]
        answer = Image.fromarray(answer / max(answer.max(), 1e-6))
        wide = np.asarray(answer.resize((width, height), Image.Resampling.NEAREST))
        lit.append(photo * (0.4 + 0.6 * wide[..., None]))
    return lit


eyes = box("left", height, width) + box("right", height, width)
alt = "The cat, dark but for two boxes around its eyes."
plots.pictures(spotlight(eyes[..., None], [0]), ["the two boxes"], alt=alt, height=2.0)

# %% [markdown]
# ### Exercise 2: how much of the answer lies inside?
#
# Write a function that gives, for *every channel at once*, the share of its answer that lies inside
# a mask of ones and zeros:
#
# $$\text{share}_k = \frac{\sum_{ij} m_{ij}\, a_{ijk}}{1 + \sum_{ij} a_{ijk}}$$
#
# The sums run over all positions $(i, j)$; the 1 keeps a silent channel at 0 instead of 0/0. Use
# TensorFlow's functions, such as `tf.reduce_sum(x, axis=…)`.


# %% tags=["exercise"]
def share_inside(a, mask):
    """(n_H, n_W, n_C), (n_H, n_W) → (n_C,): how much of each channel's answer the mask covers."""
    ...


# %% tags=["check"]
_ = exercises.check("share_inside", share_inside)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `mask[..., None]` has a third axis of length 1, and can be multiplied with every channel. Which
# two axes does a sum over positions run along?
#
# </details>

# %% tags=["hide-input"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = share_inside


def share_inside(a, mask):
    """(n_H, n_W, n_C), (n_H, n_W) → (n_C,): how much of each channel's answer the mask covers."""
    inside = tf.reduce_sum(a * mask[..., None], axis=[0, 1])
    return inside / (1 + tf.reduce_sum(a, axis=[0, 1]))


share_inside = exercises.settled("share_inside", mine, share_inside)

# %% [markdown]
# A channel for eyes should answer to *both*, so we choose by the smaller of the two shares. The
# quieter half of the channels counts as 0, because a share of next to nothing says little.
#
# **Before you go on:** the boxes cover 5.5 % of the photo, and a channel that answers everywhere
# alike has about this share of its answer in them. How much will the best channel of each block
# have?


# %%
def eye_shares(a):
    """For each channel: the share of its answer in both eyes, in the one where it is less."""
    left, right = (np.asarray(share_inside(a, box(name, *a.shape[:2]))) for name in EYES)
    loudest = a.max(axis=(0, 1))
    loud = loudest >= np.median(loudest)
    return loud * (left + right), loud * np.minimum(left, right)


both, smaller = {}, {}
for layer, found in a.items():
    both[layer], smaller[layer] = eye_shares(found)
    best = int(np.argmax(smaller[layer]))
    print(f"{layer}: channel {best:3} has {both[layer][best]:4.0%} of its answer in the boxes")

# %% tags=["hide-input"]
# @title Is the deepest layer better only because it has more channels to choose from?
first, deep = network.style_layers[0], network.style_layers[-1]
draw = np.random.default_rng(0)


def best_of_64(layer):
    """The mean share of the best channel among 64 that are drawn at random."""
    draws = [draw.permutation(len(both[layer]))[:64] for _ in range(500)]
    return np.mean([both[layer][d[np.argmax(smaller[layer][d])]] for d in draws])


print(f"Best of 64 channels: {first} {best_of_64(first):.0%}, {deep} {best_of_64(deep):.0%}")
assert small or (0.05 < eyes.mean() < 0.075 and best_of_64(deep) > 1.5 * best_of_64(first))

# %% [markdown]
# The deeper the layer, the more of an answer can lie at the eyes. Part of the rise is choice: the
# best of 512 channels has beaten more competitors than the best of 64. But even the best of 64
# channels drawn at random from the deepest layer does clearly better than the best of the 64 in the
# first.
#
# As a spotlight on the photo, four channels of the deepest layer that have both a large share and a
# strong answer:

# %%
seers = np.argsort(-smaller[deep] * a[deep].max(axis=(0, 1)))[:4]
titles = [f"channel {c}: {both[deep][c]:.0%}" for c in seers]
alt = f"The cat, light only where four channels of {deep} answer: mostly at its two eyes."
plots.pictures(spotlight(a[deep], seers), titles, alt=alt, columns=2, height=2.6)

# %% [markdown]
# VGG was only trained to tell a thousand kinds of things apart. Does such a channel mean "eye"?
# Look at its favorite patches:

# %% tags=["hide-input"]
# @title Favorite patches of three of them
favorites = {c: exciting(deep, c) for c in seers[:3]}
rows = [[patch(name, deep, c) for name in liked] for c, liked in favorites.items()]
titles = []
for c, liked in favorites.items():
    strengths = [peaks[name, deep][c] for name in liked]
    titles.append(f"channel {c}\n" + ", ".join(f"{s / strengths[0]:.0%}" for s in strengths))
assert small or (both[deep][seers].min() > 0.15 and strengths[1] > 0.3 * strengths[0])
alt = f"Patches of the bundled pictures that excite three channels of {deep} most."
plots.grid(rows, titles, columns, alt=alt, height=1.9)

# %% [markdown]
# The percentages compare each answer with the strongest of its row. Other things excite these
# channels as well, some of them more than an eye does. A channel has no single meaning; it is a
# pattern that training found useful. (The optional notebook 7, a closer look, *computes* the
# picture that excites a channel most.)

# %% [markdown] tags=["slide"]
# ## 7 · What a deep layer keeps
#
# We change the photo, and measure how far each layer's activation moves. A distance of 1 is that to
# an unrelated photograph.
#
# **Before you go on:** for each change, will the deeper layers move more than the pixels, or less?

# %%
coarse = images.resize(photo, height // 4, width // 4)
speckles = np.random.default_rng(0).normal(0, 20, photo.shape)
changes = {
    "darker": 0.7 * photo,
    "red ↔ blue": photo[..., ::-1],
    "1 pixel to the right": np.roll(photo, 1, axis=1),
    "blurred": images.resize(coarse, height, width),
    "speckled": np.clip(photo + speckles, 0, 255).astype("float32"),
    "mirrored": photo[:, ::-1],
}

# %% tags=["hide-input", "slide"]
# @title The six changes, and the yardstick
another = images.resize(images.load("dandelions", SIZE), height, width)
alt = "The cat; the cat darker, with red and blue swapped, shifted, blurred, speckled, mirrored; "
alt += "and dandelions."
shown = {"the photo": photo, **changes, "another photo": another}
plots.pictures(shown.values(), list(shown), columns=4, height=1.9, alt=alt)


# %%
def distances(one, other):
    """How far two pictures are apart: in their pixels, then in each layer."""
    seen = [(p, *network(p).values()) for p in (one, other)]
    return np.array([np.linalg.norm(p - q) for p, q in zip(*seen, strict=True)])


moved = {name: distances(c, photo) / distances(another, photo) for name, c in changes.items()}

# %% tags=["hide-input", "slide"]
# @title How far the pixels and each layer move
at = 1 + list(a).index(network.content_layer)
for name in changes:
    assert small or (moved[name][at] < moved[name][0]) == (name in ("darker", "red ↔ blue"))
assert small or min(moved["mirrored"][at] / 0.8, moved["speckled"][at] / moved["speckled"][0]) > 1
plots.heat(
    list(moved.values()),
    list(moved),
    ["pixels", *a],
    label="distance, 1 = another photo",
    alt="A table: how far six changes of the photo move the pixels and each layer's activation.",
)

# %% [markdown] tags=["slide"]
# Compare the first column with `block4_conv2`, where content will be measured.
#
# - **Light and color count for less** than in the pixels.
# - **Structure counts for more.** Blur and speckles move the pixels little and the deep layers a
#   lot.
# - **Place counts.** A shift by one pixel moves the layer more than the pixels, and a mirrored cat
#   is almost another photo. Content, as notebook 2 measures it, is "these things in these places".

# %% [markdown] tags=["slide"]
# ## What you have now
#
# `preprocess` and `extract` turn a picture into activations. Channels answer to edges and colors
# first, then to borders and lines, then to round things and parts of things. Deep layers care less
# than pixels about light, and more about structures and their places.

# %% [markdown]
# Could you write it from an empty file? Try `preprocess` and a Keras model that returns several of
# VGG's activations. Then say in five sentences how a photograph becomes a painting.
#
# **Next:** [2 · The content cost](02_content_cost.ipynb) turns "the same things in the same places"
# into a number, and then into a picture.
