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

# %% [markdown]
# # 1 · What a pretrained VGG sees
#
# Neural style transfer (Gatys, Ecker & Bethge 2016) paints with the eyes of a network that was
# trained for something else: to name the things in a million photographs. Nothing in that network
# is trained any further. We only look at a picture through it, and change the picture.
# So the first lesson is: what does it see?
#
# **After this notebook you can**
# - feed a picture to VGG the way it expects, and say what goes wrong otherwise;
# - read an activation of shape $(n_H, n_W, n_C)$, and say how much of the picture one value sees;
# - find channels that like a texture, and let a channel paint its favourite picture;
# - say, with numbers, what a deeper layer still knows of a picture and what it lets go.
#
# You need Python, NumPy, derivatives, and an idea of what a convolution is.
# **Time:** 45 minutes to read and try. Computing takes about one minute on two CPU cores with
# `mini` (measured), and about one minute on a Colab GPU with VGG-19 (estimated).

# %% tags=["parameters"]
SIZE = 256  # the longest side of the photo, in pixels
STEPS = 100  # steps of each optimization
NETWORK = None  # "vgg19", "vgg16" or "mini"; None: VGG-19 on a GPU, mini on a CPU

# %% tags=["setup"]
# @title Setup: finds the helpers, loads the network, says which one it is
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start is noisy
REPOSITORY = "https://github.com/neural-style-transfer-notebooks/neural-style-transfer"
clone = Path.cwd() / "neural-style-transfer"
folders = [Path.cwd(), *Path.cwd().parents, clone]
home = next((f for f in folders if (f / "helpers" / "vgg.py").exists()), None)
if home is None:  # in Colab, or when only this notebook was uploaded
    subprocess.run(["git", "clone", "--quiet", "--depth=1", REPOSITORY, clone], check=True)
sys.path.insert(0, str(home or clone))

import keras
import numpy as np
import tensorflow as tf

from helpers import images, plots, vgg

GPU = bool(tf.config.list_physical_devices("GPU"))
network = vgg.load(NETWORK or ("auto" if GPU else "mini"))
print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, on a {'GPU' if GPU else 'CPU'}")
print(network.description)

# %% [markdown]
# The last line says which network makes every picture below:
#
# - **VGG-19** (Simonyan & Zisserman 2014) is the network of the paper. Sixteen convolutions in
#   five blocks; ImageNet weights, 80 MB.
# - **mini** is a small stand-in inside this repository, for computers without a GPU or without a
#   network connection. Its first layer answers as VGG-19's does; the rest of blocks 1–3 was
#   trained to give the same answers as VGG-19, and comes close. It has no blocks 4 and 5.
#
# The same code runs with both. Where something needs the deeper blocks, the text says so.
#
# (The outputs stored here were made on a CPU with `NETWORK = "vgg19"`, from a file of weights that
# holds VGG-19's blocks 1–3. With `mini` the numbers differ a little.)

# %%
photo = images.load("cat", SIZE)
print(photo.shape, photo.dtype, photo.min(), photo.max())
plots.pictures([photo], alt="The photograph of this notebook: a cat.", height=3.5)

# %% [markdown]
# ## 1 · What goes in
#
# The photo is an array (height, width, 3) of **R**, **G**, **B** from 0 to 255. VGG's weights were
# trained with the Caffe library, which read pictures as **B**, **G**, **R** and subtracted the mean
# color of ImageNet's pixels. The weights have learned exactly that arrangement, so we owe it to
# them. First as loops, one number at a time:

# %%
mean_bgr = [103.939, 116.779, 123.68]
by_loops = np.zeros_like(photo)
for row in range(photo.shape[0]):
    for column in range(photo.shape[1]):
        for c in range(3):
            by_loops[row, column, c] = photo[row, column, 2 - c] - mean_bgr[c]

# %% [markdown]
# Then as one expression. `[..., ::-1]` reverses the last axis, and NumPy subtracts the three means
# from every pixel:


# %% tags=["export"]
def preprocess(pictures):
    """What VGG was trained on: RGB in 0–255 becomes BGR minus the mean of ImageNet's pixels."""
    return pictures[..., ::-1] - np.float32([103.939, 116.779, 123.68])


# %%
print("loops:     ", by_loops[0, 0])
print("expression:", preprocess(photo)[0, 0])
print("largest difference:", np.abs(by_loops - preprocess(photo)).max())

# %% [markdown]
# ## 2 · What comes out
#
# `network.model` is a Keras model that returns the activations of several layers at once, namely
# those that style transfer reads. Each is taken *after* its relu, so no value is below zero. A
# **feature extractor** is nothing more than preprocessing followed by that model:


# %% tags=["export"]
def extract(model, pictures):
    """{layer name: activation} of RGB pictures (batch, height, width, 3) in 0–255."""
    return model(preprocess(tf.convert_to_tensor(pictures, tf.float32)))


# %%
a = {layer: found[0] for layer, found in extract(network.model, photo[None]).items()}
for layer, found in a.items():
    n_H, n_W, n_C = found.shape
    print(f"{layer}: {n_H:3} × {n_W:3} positions, {n_C:3} channels, mean {np.mean(found):3.0f}")

# %% [markdown]
# Each line gives $n_H × n_W$ and $n_C$. Between two blocks a 2 × 2 pooling halves height and
# width, and the next block doubles the channels (up to 512). *Where* becomes coarser, *what*
# becomes richer. The list ends in block 3 with `mini`, and also with a VGG-19 whose file of weights
# holds only three blocks; every statement about pictures below is about layers of this list.
#
# The package holds the same function, so that later notebooks need not repeat it. A network of
# `helpers` is called with a picture directly:

# %%
theirs = network(photo)
print({layer: float(np.abs(theirs[layer] - a[layer]).max()) for layer in a})

# %% [markdown]
# Zero everywhere: the same numbers. Notebook by notebook we write a function here, and import it
# from `helpers` afterwards; a test compares the two.
#
# ### What if the input is wrong?
#
# Three mistakes are found in many style-transfer programs: forgetting to swap RGB to BGR,
# forgetting the mean, and feeding pixels in 0–1 instead of 0–255.
#
# **Before you run it:** which of the three harms most, and in which layers? Write it down.

# %%
right = preprocess(photo)
mistakes = {
    "RGB instead of BGR": right[..., ::-1],
    "mean forgotten": photo[..., ::-1],
    "pixels in 0–1": preprocess(photo / 255),
}
for name, wrong in mistakes.items():
    found = network.model(wrong[None])
    errors = [np.linalg.norm(found[k][0] - a[k]) / np.linalg.norm(a[k]) for k in a]
    print(f"{name:20}", *(f"{k} {error:4.0%}  " for k, error in zip(a, errors, strict=True)))

# %% [markdown]
# The number is the length of the error divided by the length of the right activation: 100 % is as
# wrong as an activation of nothing but zeros. In `block1_conv1` a forgotten mean and pixels in 0–1
# are both far worse than that. From block 2 on, 0–1 is the worst: to VGG the picture is black, and
# about 100 % of the activation is wrong. And no program stops with an error message. If a transfer
# looks dull or odd, look at the preprocessing first.
#
# ### Exercise 1: the way back
#
# When a picture is optimized in VGG's own space, it must come back to RGB before it is shown. Write
# the inverse of `preprocess`.


# %% tags=["exercise"]
def deprocess(inputs):
    """BGR minus the mean, back to RGB in 0–255."""
    return None  # your expression


# %% tags=["check"]
returned = deprocess(preprocess(photo))
if returned is None:
    print("not yet: deprocess returns None")
elif np.shape(returned) == photo.shape and np.abs(returned - photo).max() < 0.01:
    print("right: there and back gives the photo")
else:
    print("not yet: there and back does not give the photo")

# %% [markdown]
# <details><summary>Hint</summary>
#
# Undo the two steps in the opposite order. Which mean belongs to which channel, before the swap
# back?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def deprocess(inputs):
#     return (inputs + np.float32([103.939, 116.779, 123.68]))[..., ::-1]
# ```
#
# </details>

# %% [markdown]
# ## 3 · How much of the picture one value sees
#
# Every convolution of VGG is 3 × 3: a value sees one neighbour on each side. Two in a row see two,
# so 5 × 5 pixels. After a 2 × 2 pooling, neighbours are two pixels apart, and each further
# convolution reaches twice as far. This is the **receptive field**, and two numbers are enough to
# follow it: how far it reaches, and the distance (*stride*) between neighbours.


# %% tags=["export"]
def receptive_field(layers):
    """The side in pixels of what one value sees after VGG's first convolutions, named in order."""
    field, stride = 1, 1
    for layer in layers:
        if layer.endswith("_conv1") and layer != "block1_conv1":  # a pooling lies before it
            field, stride = field + stride, stride * 2
        field += 2 * stride  # the 3 × 3 convolution: one neighbour on each side
    return field


# %% [markdown]
# Is it true? Ask the network. The **gradient** of a central value says, for every pixel, how much
# the value would change if that pixel became a little brighter: outside what it sees, zero.
# TensorFlow's `GradientTape` records a computation and works it out. We feed noise and measure the
# square in which the gradient is not zero.

# %%
noise = tf.random.stateless_uniform([4, 224, 224, 3], seed=[1, 2], maxval=255.0)
order = list(vgg.layer_table("vgg16" if network.name == "vgg16" else "vgg19"))
for layer in network.layers:
    with tf.GradientTape() as tape:
        tape.watch(noise)
        found = extract(network.model, noise)[layer]
        middle = tf.reduce_sum(found[:, found.shape[1] // 2, found.shape[2] // 2])
    rows = np.abs(tape.gradient(middle, noise)).max(axis=(0, 2, 3)) > 0
    predicted = receptive_field(order[: order.index(layer) + 1])
    print(f"{layer}: predicted {predicted:3}, measured {np.ptp(np.flatnonzero(rows)) + 1:3} pixels")

# %% [markdown]
# Drawn on the photo, around one point:

# %%
plots.receptive_fields(
    photo,
    network.layers,
    alt=f"Nested squares on the cat, the receptive fields of {', '.join(network.layers)}.",
)

# %% [markdown]
# A value of `block1_conv1` knows 3 × 3 pixels: an edge, a color. One of `block3_conv1` knows
# 24 × 24: part of an ear, a patch of fur. Only VGG-19's block 5 would see most of a small photo:
# 156 pixels and more. None of the layers in this list sees the whole cat.
#
# ## 4 · The first layer's filters
#
# The kernel of `block1_conv1` has the shape 3 × 3 × 3 × 64: sixty-four little pictures of 3 × 3
# pixels. Turned from BGR to RGB, they can be shown. Grey is a weight of zero.
#
# **Before you run it:** what would you look for in nine pixels, if you could ask 64 questions?
# Write three of them down.

# %%
kernel, bias = network.model.get_layer("block1_conv1").get_weights()
plots.filters(
    kernel[:, :, ::-1],
    alt="64 filters of 3 by 3 pixels: light-dark edges of several directions, spots, and colors.",
    height=0.6,
)

# %% [markdown]
# Two kinds can be told apart. Many filters are grey to the eye, with a light and a dark side or a
# light middle: they answer to an edge of some direction, or to a line or a spot, whatever its
# color. Others are nearly the same in all nine places but colored: they answer to a color. A few
# are colored *and* have two different sides: they answer to the border between two colors. Nobody
# designed them; training on photographs found them.
#
# ## 5 · Activation maps through the blocks
#
# Each channel is a picture of "how much of my pattern is here": black is nothing, bright is much.
# For each layer, the six channels that vary most over the photo:

# %%
from IPython.display import display

for layer, found in a.items():
    lively = np.argsort(-np.std(found, axis=(0, 1)))[:6]
    figure = plots.channels(
        found, lively, alt=f"Six activation maps of {layer} on the cat; bright is a strong answer."
    )
    figure.suptitle(f"{layer}: {found.shape[0]} × {found.shape[1]}", fontsize=10)
    display(figure)

# %% [markdown]
# Block 1 still shows the photo: its light parts, its dark parts, some outlines. In block 2 mostly
# lines are left, each channel with directions of its own. At the beginning of block 3 the maps are
# coarse and sparse: single strokes, each in a few places. Further in, some channels answer at a few
# spots and others over whole areas of the face. A channel that lights up only along the frame
# answers to the border: outside the picture the convolutions see zeros.
#
# How much of an activation is zero?

# %%
print({layer: f"{np.mean(found == 0):.0%} zeros" for layer, found in a.items()})

# %% [markdown]
# A good part of each activation is exactly zero: the relu has cut it off. Many patterns are absent
# in many places, and what is left says which are present, and where.
#
# ## 6 · Which channel likes which texture?
#
# To ask the network, we draw eight textures side by side into one picture: four directions of
# stripes, a checkerboard, noise, dots, and patches of two colors that are equally light.

# %%
y, x = np.mgrid[:64, :64] * 0.8  # a period of about 8 pixels
greys = [np.sin(y), np.sin(x), np.sin((x + y) * 0.7), np.sin((x - y) * 0.7)]
greys += [np.sign(np.sin(x) * np.sin(y)), np.random.default_rng(0).normal(0, 1, (64, 64))]
greys += [2 * (np.sin(x / 2) * np.sin(y / 2)) ** 8 - 1]
tiles = [np.repeat(127 + 100 * grey[..., None], 3, axis=-1) for grey in greys]
patches = np.sin(x / 2) * np.sin(y / 2) > 0
tiles += [np.where(patches[..., None], [225, 95, 60], [40, 145, 240])]
names = ["—", "|", "/", "\\", "checks", "noise", "dots", "colors"]
mosaic = np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])]).clip(0, 255).astype("float32")

# %%
plots.pictures([mosaic], alt="Eight textures in two rows: stripes, checks, noise, dots, colors.")

# %% [markdown]
# The mean activation of every channel in every tile, first with loops:

# %%
layer = network.style_layers[1]  # block2_conv1
answers = network(mosaic)[layer].numpy()
side, n_C = answers.shape[0] // 2, answers.shape[-1]  # positions in a tile, channels
by_loops = np.zeros((8, n_C))
for tile in range(8):
    top, left = tile // 4 * side, tile % 4 * side
    for channel in range(n_C):
        by_loops[tile, channel] = answers[top : top + side, left : left + side, channel].mean()


# %% [markdown]
# Then as one expression: split height into (2, side) and width into (4, side), and average over
# both sides.


# %%
def tile_means(answers):
    """(2·side, 4·side, n_C) → (8, n_C): the mean of every channel in every tile."""
    side, n_C = answers.shape[0] // 2, answers.shape[-1]
    return answers.reshape(2, side, 4, side, n_C).mean(axis=(1, 3)).reshape(8, n_C)


# %%
difference = np.abs(tile_means(answers) - by_loops).max()
print(f"largest difference: {difference:.4f}, of values up to {by_loops.max():.0f}")

# %% [markdown]
# Equal but for rounding. Now take, for each tile, the channel that gives it the largest share of
# its whole answer, leaving out channels that hardly answer at all.
#
# **Before you run it:** will a layer that sees only 10 × 10 pixels have a channel for each of the
# four directions? For the dots? Write it down.


# %%
def fans(layer):
    """For each tile: the channel that likes it best, and which share of its answers it gets."""
    means = tile_means(network(mosaic)[layer].numpy())
    strong = means.max(axis=0) > np.median(means.max(axis=0))
    share = np.where(strong, means / (means.sum(axis=0) + 1e-6), 0)
    return share.argmax(axis=1), share.max(axis=1)


# %%
liking, shares = fans(layer)
titles = [f"{n}: channel {c}, {s:.0%}" for n, c, s in zip(names, liking, shares, strict=True)]
alt = "The mosaic in eight activation maps, one for each texture, titled with the share it gets."
plots.channels(answers, liking, columns=4, height=1.3, titles=titles, alt=alt)

# %% [markdown]
# Compare each map with the mosaic. Every direction of stripes has a fan that gives it a third to
# a half of its whole answer; an even share would be an eighth. None is pure: the fan of | also
# likes the checks, the fan of / answers to upright stripes too. The dots have nobody of their own:
# the best share is little more than an eighth, from the same channel that likes —. The fan of the
# colors answers a little to everything, and strongly only there. (This was seen with VGG-19 and
# `mini`; VGG-16 has other channels.)
#
# The four directions are answered already; a fan of dots comes with the next layer.
#
# ## 7 · A channel's favourite picture
#
# Turn the question round: not "what does this channel answer to my picture?" but "which picture
# would it answer most?" Start from noise, and change the *pixels* along the gradient of the
# channel's mean activation. That is the very idea of style transfer, with a simpler cost: the
# network is frozen, and the picture moves. (`Adam` turns a gradient into a step, and `tf.function`
# makes the step fast; notebook 4 explains both.)


# %%
def climb(layer, channels, paint, start, jitter=0):
    """One picture for each channel; `paint` turns the variable into pictures in 0–255."""
    wanted = tf.one_hot(channels, network.layers[layer].channels)[:, None, None]
    variable, optimizer = tf.Variable(start), keras.optimizers.Adam(0.05)
    optimizer.build([variable])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            shift = tf.random.uniform([2], -jitter, jitter + 1, tf.int32)
            pictures = tf.roll(paint(variable), shift, axis=[1, 2])
            cost = -tf.reduce_mean(wanted * extract(network.model, pictures)[layer])
        optimizer.apply([tape.gradient(cost, variable)], [variable])

    for _ in range(STEPS):
        step()
    return paint(variable).numpy()


# %% [markdown]
# Done plainly, this ends in patterns as fine as the pixels, which excite the channel and look like
# nothing in the world. Olah, Mordvintsev & Schubert (*Feature Visualization*, Distill 2017) collect
# what helps. We use two of their tricks:
#
# - **jitter**: shift the picture by a few pixels before each step. A pattern that only works at one
#   exact place does not survive.
# - **frequencies instead of pixels**: the variable is the picture's Fourier spectrum, divided by
#   frequency, in colors that are decorrelated as in photographs. A step then moves broad shapes
#   and natural colors as easily as single pixels.

# %%
side = 112
frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
boost = np.float32(8 / np.maximum(frequency, 1 / side))
# One column each: how much red, green and blue belong to light, to red–blue, to purple–green.
colors = np.float32([[0.77, 0.27, 0.06], [0.80, 0, -0.15], [0.80, -0.27, 0.09]])


def from_pixels(v):
    return 255 * tf.sigmoid(v)


def from_frequencies(v):
    waves = tf.signal.irfft2d(tf.complex(v[0] * boost, v[1] * boost))
    return 255 * tf.sigmoid(tf.transpose(waves, [0, 2, 3, 1]) @ colors.T)


# %% [markdown]
# **Before you run it:** the three channels are the ones that liked —, | and the checkerboard.
# What will each paint, and what will the tricks change?

# %%
some = liking[[0, 1, 4]]
rng = np.random.default_rng(0)
pixels = rng.normal(0, 0.3, (len(some), side, side, 3)).astype("float32")
waves = rng.normal(0, 0.2, (2, len(some), 3, *frequency.shape)).astype("float32")
rows = {
    "pixels": climb(layer, some, from_pixels, pixels),
    "pixels, jitter": climb(layer, some, from_pixels, pixels, jitter=8),
    "frequencies, jitter": climb(layer, some, from_frequencies, waves, jitter=8),
}
titles = [f"liked {names[i]}" for i in (0, 1, 4)]
alt = "Favourite pictures of three channels: harsh from pixels, softer from frequencies."
plots.grid(rows.values(), list(rows), titles, alt=alt)

# %% [markdown]
# From pixels come harsh stripes, one or two pixels wide, in black, white and purple. Jitter alone
# changes little in so shallow a layer; the deeper the layer, the more it helps. From frequencies
# the same likings come out with soft shading: ripples for —, steep folds for |, a grain of small
# beads for the checks.
#
# One layer deeper, for the eight channels that like our textures there:

# %%
layer = network.style_layers[2]  # block3_conv1
liking, shares = fans(layer)
waves = rng.normal(0, 0.2, (2, len(liking), 3, *frequency.shape)).astype("float32")
favourites = climb(layer, liking, from_frequencies, waves, jitter=8)
titles = [f"{n}: channel {c}, {s:.0%}" for n, c, s in zip(names, liking, shares, strict=True)]
alt = f"Favourite pictures of eight channels of {layer}."
plots.pictures(favourites, titles, columns=4, height=1.9, alt=alt)

# %% [markdown]
# The first row draws what it liked: lines across, upright, and the two slants, no longer as bare
# stripes but as a weave. In the second row the channel that likes dots, which `block2_conv1` did
# not have, paints bright dots on dark ground. The others paint textures of their own: what *we*
# showed them was only the nearest thing to it in our mosaic.
#
# ### Exercise 2: who likes the eye?
#
# Write a function that finds, in one activation, the channel whose mean inside a box is largest
# *compared with* its mean over the whole picture. The box is given in positions of the layer.


# %% tags=["exercise"]
def fan_of(activation, rows, columns):
    """The channel with the largest mean(box) / (mean(everywhere) + 1)."""
    return None  # your expressions


# %% tags=["check"]
trial = np.random.default_rng(3).uniform(0, 5, (12, 10, 7)).astype("float32")
trial[2:5, 6:9, 4] += 4
found = fan_of(trial, slice(2, 5), slice(6, 9))
if found is None:
    print("not yet: fan_of returns None")
elif int(found) == 4 and int(fan_of(trial[::-1], slice(7, 10), slice(6, 9))) == 4:
    print("right: try it on the cat, with a[layer] and a box of your choice")
else:
    print("not yet: channel 4 was made to like the box, not channel", found)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Two means over axes 0 and 1, each of shape $(n_C,)$: of `activation[rows, columns]` and of
# `activation`. Then `argmax` of their quotient.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def fan_of(activation, rows, columns):
#     activation = np.asarray(activation)
#     inside = activation[rows, columns].mean(axis=(0, 1))
#     return int(np.argmax(inside / (activation.mean(axis=(0, 1)) + 1)))
# ```
#
# </details>

# %% [markdown]
# ## 8 · Low layers keep pixels, deeper layers keep …
#
# What does a layer still know? One way to ask: change the photo, and see how far each layer's
# activation moves. As a yardstick, 1 is the distance to quite another photograph.
#
# Here are six changes. **Before you run it:** for each, will deeper layers move more or less
# than the pixels themselves? Write six guesses.

# %%
height, width = photo.shape[:2]
small = images.resize(photo, height // 4, width // 4)
speckles = np.random.default_rng(0).normal(0, 20, photo.shape)
changes = {
    "darker": 0.7 * photo,
    "red ↔ blue": photo[..., ::-1],
    "1 pixel to the right": np.roll(photo, 1, axis=1),
    "blurred": images.resize(small, height, width),
    "speckled": np.clip(photo + speckles, 0, 255).astype("float32"),
    "mirrored": photo[:, ::-1],
}

# %%
another = images.resize(images.load("dandelions", SIZE), height, width)
shown, titles = [*changes.values(), another], [*changes, "another photo"]
alt = "The cat darker, red and blue swapped, shifted, blurred, speckled, mirrored; and dandelions."
plots.pictures(shown, titles, columns=4, height=1.5, alt=alt)


# %%
def views(picture):
    """The picture itself, and what each layer makes of it."""
    return [picture, *(found.numpy() for found in network(picture).values())]


def far(one, other):
    return np.array([np.linalg.norm(p - q) for p, q in zip(views(one), views(other), strict=True)])


# %%
yardstick = far(another, photo)
moved = {name: far(changed, photo) / yardstick for name, changed in changes.items()}
plots.curves(
    moved, log=False, ticks=["pixels", *network.layers], xlabel=None, width=8,
    ylabel="distance (1: another photo)",
    alt="How far six changes of the photo move the pixels and each layer's activation.",
)  # fmt: skip

# %%
print(f"{'':22}", "pixels ", *network.layers)
for name, distances in moved.items():
    print(f"{name:22}", *(f"{d:6.2f}       " for d in distances))

# %% [markdown]
# Three kinds of change:
#
# - *Darker* moves the deepest layer half as far as the pixels: light is let go. *Red ↔ blue* moves
#   the first layer most; deeper ones move half as much as that, which is hardly less than the
#   pixels: color is kept, more coarsely.
# - *Blurred* and *speckled* go the other way: a small change of the pixels, and a much larger one
#   from block 2 on. Fine structure counts.
# - Place: *one pixel to the right* moves every layer more than the pixels; it is worst in block 2,
#   and less in block 3, where neighbours are four pixels apart. And *mirrored*, the same cat with
#   everything in another place, is nearly as far off as another photo. These layers know very well
#   where things are.
#
# So a deeper layer keeps **which structures are where**, and cares less about light, and a little
# less about color. That is why notebook 2 measures *content* there. How this goes on in blocks 4
# and 5 the table shows only where VGG-19 was run with all its blocks.
#
# ## 9 · VGG-16 beside VGG-19
#
# The number counts layers with weights; three of them are the classifier's, which nobody needs
# here. The two networks differ by one convolution in each of blocks 3, 4 and 5:
#
# | | VGG-16 | VGG-19 | channels |
# |---|---|---|---|
# | block 1 | 2 convolutions | 2 convolutions | 64 |
# | block 2 | 2 | 2 | 128 |
# | block 3 | 3 | 4 | 256 |
# | block 4 | 3 | 4 | 512 |
# | block 5 | 3 | 4 | 512 |
# | convolutions | 13 | 16 | |
# | weights and biases | 14,714,688 | 20,024,384 | |
# | receptive field of block5_conv1 | 132 × 132 | 156 × 156 | |
# | receptive field of the last layer | 196 × 196 | 252 × 252 | |
#
# Layers of the same name are at the same place up to `block3_conv3`, but the two were trained
# apart: their channels have nothing to do with each other. Gatys used VGG-19; VGG-16 is a little
# faster.

# %%
for name in ("vgg16", "vgg19"):
    layers = list(vgg.layer_table(name))
    print(name, len(layers), "convolutions, the last one sees", receptive_field(layers), "pixels")

# %% [markdown]
# ### Exercise 3: where are the weights?
#
# How many weights and biases has a 3 × 3 convolution from $n$ to $m$ channels? The check adds up
# VGG-19's sixteen convolutions with your function.


# %% tags=["exercise"]
def size_of(n, m):
    """Weights and biases of a 3 × 3 convolution from n to m channels."""
    return None  # your expression


# %% tags=["check"]
import itertools

widths = [3, *(layer.channels for layer in vgg.layer_table("vgg19").values())]
sizes = [size_of(n, m) for n, m in itertools.pairwise(widths)]
if None in sizes:
    print("not yet: size_of returns None")
elif sum(sizes) == 20_024_384:
    print(f"right: and blocks 4 and 5 hold {sum(sizes[8:]) / sum(sizes):.0%} of them")
else:
    print(f"not yet: VGG-19 would have {sum(sizes):,}")

# %% [markdown]
# <details><summary>Hint</summary>
#
# Each of the $m$ outputs has its own little block of weights, which spans all $n$ inputs, and one
# bias.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def size_of(n, m):
#     return (3 * 3 * n + 1) * m
# ```
#
# </details>

# %% [markdown]
# ## What you have now
#
# - `preprocess`: RGB → BGR minus the mean. Wrong input gives no error, only wrong pictures.
# - `extract`: picture → {layer: activation $(n_H, n_W, n_C)$}, all values ≥ 0.
# - `receptive_field`: 3 pixels in the first layer, 24 in `block3_conv1`, 252 at the end of VGG-19.
# - Channels are detectors: first of edges and colors, then of textures. We let them paint.
# - Deeper layers care less about light, and more about structure and its place.
#
# The last point is the seed of what comes next: if two pictures agree in a deeper layer, they show
# the same thing without being the same pixels. **Next:**
# [2 · The content cost](02_content_cost.ipynb) turns that into a number, and then into a picture.
