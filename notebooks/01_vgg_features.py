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
# is trained any further. A picture is changed until the network sees in it what we would like it
# to see. So the first question is: what does it see?
#
# **After this notebook you can**
# - say in five sentences how a photograph becomes a painting;
# - feed a picture to VGG the way it expects, and say what goes wrong otherwise;
# - read an activation of shape $(n_H, n_W, n_C)$, and say how much of the picture one value sees;
# - find the channels that answer to a cat's eyes, and let a channel paint its favorite picture;
# - say, with numbers, what a deeper layer still knows of a picture and what it lets go.
#
# You need Python, NumPy, derivatives, and an idea of what a convolution is: a small window of
# weights that slides over a picture, multiplies and adds.
#
# **Time:** 60 minutes to read and try. Computing takes a few minutes of them, on a CPU with `mini`
# or on a GPU with VGG-19.

# %% tags=["parameters"]
SIZE = None  # the longest side of the photo, in pixels; None: 512 on a GPU, 256 on a CPU
STEPS = 100  # steps of each optimization
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
# @title What this notebook needs besides
import time

from IPython.display import Markdown, display

from helpers.course import drawings, exercises, picker
from helpers.transfer import Transfer

SIZE = SIZE or (512 if GPU else 256)
tf.get_logger().setLevel("ERROR")  # several small functions are compiled below, and that is fine

# %% [markdown]
# The last line above says which network makes every picture below. **VGG-19** (Simonyan &
# Zisserman 2014) is the network of the paper. **mini** is a small stand-in inside this repository,
# for computers without a GPU or without the internet: it was trained to answer as VGG-19 does. The
# same code runs with both. Wherever a number depends on the network, a cell computes it and writes
# the sentence. (If the line mentions 8 bits: the weights of those layers were rounded, so that the
# file is smaller.)
#
# ## Where we are going
#
# Here is the destination, before anything is explained. We take a photograph and a painting, and
# call what the four notebooks will build:

# %%
photo, style = images.load("cat", SIZE), images.load("starry_swirls", SIZE)
begun = time.perf_counter()
run = Transfer(photo, style, network)
run.run(STEPS)
print(f"{STEPS} steps in {time.perf_counter() - begun:.0f} seconds")

# %%
plots.pictures(
    [photo, style, run.picture],
    ["C, the content", "S, the style", "G, generated"],
    alt="A photo of a cat, a painting of swirls, and the cat painted with colors and strokes of "
    "the swirls.",
    height=3.0,
)

# %% [markdown]
# It is still this cat: its eyes are where they were. But the fur is laid in the strokes and the
# colors of the painting. Nobody wrote down what an eye is, or what a stroke is, and nothing was
# learned from thousands of paintings. One photograph and one painting were enough. This is how:

# %%
drawings.method()

# %% [markdown]
# 1. All three pictures go through one network, **VGG**, whose weights never change. It answers to
#    each with *activations*: what it sees, and where.
# 2. **$J_{content}$** asks how different the activations of $G$ are from those of the photograph.
#    It is zero when the network sees the same things in the same places.
# 3. **$J_{style}$** asks how different the *Gram matrices* are: tables of which patterns occur
#    together. It is zero when the network sees the same patterns, wherever they are.
# 4. The two are added, each with a factor in front: $\alpha$ says how much the content counts, and
#    $\beta$ how much the style. The sum $J$ is one number, and it says how far $G$ is from what we
#    want.
# 5. The **gradient** says for every pixel of $G$ how $J$ would change if that pixel became a little
#    brighter. So every pixel moves a little, downhill, and it all begins again. That was one step.
#
# Each notebook explains a part of the drawing. Notebook 2 builds $J_{content}$, notebook 3
# $J_{style}$, and notebook 4 puts them together and takes the steps. This one is about the eyes:

# %%
drawings.method("vgg")

# %% [markdown]
# ## 1 · What goes in
#
# To us, the photo is an array (height, width, 3) of **R**, **G**, **B** from 0 to 255. VGG's
# weights were trained with a program (Caffe) that had two habits of its own:
#
# - it read the colors in the order **B**, **G**, **R**;
# - it subtracted from each color the mean of all pixels of ImageNet, the million photographs of the
#   training, so that a middling gray became about zero. The means are 103.939 for blue, 116.779 for
#   green and 123.68 for red.
#
# Weights that have learned from such numbers understand no others. We owe them the same habits.

# %%
print(photo.shape, photo.dtype, f"from {photo.min():.0f} to {photo.max():.0f}")
print("the first pixel:", photo[0, 0])

# %% [markdown]
# ### Exercise 1: preprocess
#
# Write the function that every later cell will use. It receives one picture (height, width, 3) or
# several at once (batch, height, width, 3), with NumPy or with TensorFlow; so let it touch only the
# last axis, the one of the colors.


# %% tags=["exercise"]
def preprocess(pictures):
    """What VGG was trained on: RGB in 0–255 becomes BGR minus the mean of ImageNet's pixels."""
    ...


# %% tags=["check"]
_ = exercises.check("preprocess", preprocess)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A slice with a negative step runs backwards: `[3, 1, 4][::-1]` is `[4, 1, 3]`. An ellipsis `...`
# in an index stands for "all the axes before". And NumPy subtracts an array of three numbers from
# every pixel at once, in the order of the last axis as it then is.
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = preprocess


def preprocess(pictures):
    """What VGG was trained on: RGB in 0–255 becomes BGR minus the mean of ImageNet's pixels."""
    return pictures[..., ::-1] - np.float32([103.939, 116.779, 123.68])


preprocess = exercises.settled("preprocess", mine, preprocess)

# %%
print("the first pixel, as VGG wants it:", preprocess(photo)[0, 0])

# %% [markdown]
# ## 2 · What comes out
#
# This is the network, from the picture on the left to the deepest layer that we read:

# %%
drawings.vgg(network)

# %% [markdown]
# Each bar is one **convolution** with windows of 3 × 3. It has many windows, and each of them asks
# its own question at every position of the picture. The answers to one question, at all positions,
# are a **channel**: a small gray picture of "how much of my pattern is here". A negative answer
# becomes zero; that cut is called **relu**, and it means that a channel either finds its pattern or
# stays silent. All channels of a layer together are its **activation**, an array of shape
# $(n_H, n_W, n_C)$: height, width, channels. The windows of the next layer reach through all of
# these channels, as the windows of the first layer reach through the three colors; and to its sum
# each window adds one number of its own, the **bias**.
#
# Bars of the same height are a **block**, and a layer is named after its place: `block4_conv2` is
# the second convolution of the fourth block. Between two blocks lies a **pooling**: of every 2 × 2
# neighbors only the largest goes on, so height and width are halved. *Where* becomes coarser. Most
# blocks also have more channels than the one before: *what* becomes richer.
#
# `network.model` holds these convolutions and returns the activations of the colored layers: one
# will serve the content and five the style, and notebooks 2 and 3 say why just these. To see a
# picture through it, we preprocess and call it. It takes several pictures at once, a *batch*, and
# `photo[None]` is a batch of one.


# %% tags=["export"]
def extract(model, pictures):
    """{layer name: activation} of RGB pictures (batch, height, width, 3) in 0–255."""
    return model(preprocess(tf.convert_to_tensor(pictures, tf.float32)))


# %%
a = {layer: found[0].numpy() for layer, found in extract(network.model, photo[None]).items()}
for layer, found in a.items():
    n_H, n_W, n_C = found.shape
    print(f"{layer}: {n_H:3} × {n_W:3} positions, {n_C:3} channels, {(found == 0).mean():.0%} zero")

# %% [markdown]
# Read a line as: so many positions, and at each of them so many answers. Many answers are exactly
# zero. That is the relu, and it is good news: most patterns are absent in most places, so what is
# left says which ones are present, and where.
#
# The package holds the same function. A network of `helpers` is called with a picture directly, and
# gives the same numbers:

# %%
theirs = network(photo)
print("largest difference:", max(np.abs(theirs[layer] - a[layer]).max() for layer in a))

# %% [markdown]
# It will be so in every notebook: what you have written in one is imported from `helpers` in the
# next.
#
# <details><summary>And without `helpers`? Where does such a model come from?</summary>
#
# Keras has the network, and downloads the weights the first time. Without its classifier, the last
# layers that name the thing (`include_top=False`), it takes pictures of any size. One line more
# makes a model that returns what several layers say, instead of the last one alone:
#
# ```python
# whole = keras.applications.VGG19(include_top=False, weights="imagenet")
# names = ["block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1"]
# names += ["block4_conv2"]
# model = keras.Model(whole.inputs, {name: whole.get_layer(name).output for name in names})
# ```
#
# `extract(model, photo[None])` works with it as it does with `network.model`.
#
# </details>
#
# ### What if the input is wrong?
#
# Three mistakes are found in many style-transfer programs: forgetting to turn RGB into BGR,
# forgetting the mean, and feeding pixels in 0–1 instead of 0–255.
#
# **Before you go on:** which of the three harms most in the first layer, and which in the deepest?
# Write it down.

# %%
right = preprocess(photo)
mistakes = {
    "RGB instead of BGR": right[..., ::-1],
    "mean forgotten": photo[..., ::-1],
    "pixels in 0–1": preprocess(photo / 255),
}


# %%
def error(wrong):
    """For each layer: the length of the error, divided by the length of the right activation."""
    found = network.model(wrong[None])
    return [np.linalg.norm(found[k][0] - a[k]) / np.linalg.norm(a[k]) for k in a]


errors = {name: error(wrong) for name, wrong in mistakes.items()}

# %%
print(f"{'':20}", *a)
for name, found in errors.items():
    print(f"{name:20}", *(f"{e:12.0%}" for e in found))

# %% tags=["hide-input"]
# @title What the table says
worst = {layer: max(errors, key=lambda name: errors[name][i]) for i, layer in enumerate(a)}
first, *_, deepest = a
display(
    Markdown(
        f"In `{first}` the worst is *{worst[first]}* ({max(e[0] for e in errors.values()):.0%}), "
        f"in `{deepest}` it is *{worst[deepest]}* ({max(e[-1] for e in errors.values()):.0%}). "
        "100 % is as wrong as an activation of nothing but zeros. The other mistakes stay too: "
        f"even in `{deepest}` none is below {min(e[-1] for e in errors.values()):.0%}."
    )
)

# %% [markdown]
# Pixels in 0–1 are, to VGG, a picture that is black all over: whatever was in it, the network does
# not see it. And none of these programs stops with an error message. If a transfer looks dull or
# odd, look at the preprocessing first.
#
# ## 3 · How much of the picture one value sees
#
# Could a channel find an eye? Only if a value of it sees enough of the picture to hold an eye. So
# before we ask what the layers look for, we ask how much they see.
#
# A value of the first layer looks through one window of 3 × 3 pixels. A value of the second layer
# looks at 3 × 3 values of the first, so through all of them it sees 5 × 5 pixels. What a value sees
# is its **receptive field**, and it grows from layer to layer. Two numbers are enough to follow it:
# the side of the field, and the **stride**, which says how many pixels of the picture two
# neighboring positions of the layer are apart.
#
# - A 3 × 3 convolution adds one neighbor on each side: the field grows by two strides.
# - A 2 × 2 pooling joins two neighbors, which are one stride apart: the field grows by one stride.
#   Afterwards only every second position is left: the stride doubles.


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
# Is it true? Ask the network. The **gradient** of one value says, for every pixel, how much the
# value would change if that pixel became a little brighter. For pixels that it does not see, that
# is zero. TensorFlow's `GradientTape` records a computation and works the gradient out. We take a
# position in the middle of a picture of noise, with all its channels, and measure the square where
# the gradient is not zero. (There are two such pictures, because in one of them a pooling may by
# chance let nothing through from the outermost pixels.)

# %%
noise = tf.random.stateless_uniform([2, 192, 192, 3], seed=[1, 2], maxval=255.0)


def measured_field(layer):
    """The side of the square of pixels on which a position in the middle of a layer depends."""
    with tf.GradientTape() as tape:
        tape.watch(noise)
        found = extract(network.model, noise)[layer]
        middle = tf.reduce_sum(found[:, found.shape[1] // 2, found.shape[2] // 2])
    seen = np.abs(tape.gradient(middle, noise)).max(axis=(0, 2, 3)) > 0
    return np.ptp(np.flatnonzero(seen)) + 1


# %%
order = list(vgg.layer_table("vgg16" if network.name == "vgg16" else "vgg19"))
fields = {layer: receptive_field(order[: order.index(layer) + 1]) for layer in network.layers}
for layer, field in fields.items():
    print(f"{layer}: predicted {field:3}, measured {measured_field(layer):3} pixels")

# %% [markdown]
# On the photo, around one point between the eyes (a square that is larger than the photo sees all
# of its height):

# %%
height, width = photo.shape[:2]
plots.receptive_fields(
    photo,
    network.layers,
    center=(0.45 * height, 0.52 * width),
    alt=f"Nested squares on the cat, the receptive fields of {', '.join(network.layers)}.",
)

# %% tags=["hide-input"]
# @title What the squares say
deepest = list(fields)[-1]
display(
    Markdown(
        f"A value of `{first}` knows {fields[first]} × {fields[first]} pixels: an edge, a color. "
        f"One of `{deepest}` knows {fields[deepest]} × {fields[deepest]}, which is "
        f"{fields[deepest] / height:.0%} of this photo's height: enough for an eye and what is "
        "around it."
    )
)

# %% [markdown]
# Two consequences will come back. A deep layer can know *things*, because it sees enough of them at
# once. And the size of your picture matters: in a picture of twice the size, the same field covers
# half as much of the cat in each direction.
#
# ## 4 · The first layer's questions
#
# The first layer has 64 windows of 3 × 3 pixels and 3 colors. They are the only weights of the
# network that can be looked at directly, as little pictures. (Keras calls a layer's windows,
# stacked in one array, its *kernel*.)
#
# **Before you go on:** what would you look for in nine pixels, if you could ask 64 questions? Write
# three of them down.

# %%
# kernel has the shape (3, 3, 3, 64): height, width, colors (B, G, R), channels.
kernel, bias = network.model.get_layer("block1_conv1").get_weights()

# %%
plots.filters(
    kernel[:, :, ::-1],
    alt="64 filters of 3 by 3 pixels: light-dark edges of several directions, spots, and colors.",
)

# %% [markdown]
# Gray is a weight of zero. Some windows have a light and a dark side, or a light middle: they
# answer to an edge of some direction, to a line, to a spot. Others have one color all over: they
# answer to that color. A few are both: they answer to the border between two colors. Nobody
# designed them. They are what training on photographs found worth asking.
#
# ## 5 · From edges to things
#
# Deeper layers ask about the answers of the layers before them, so their questions cannot be read
# off the weights. But their answers can be looked at. Here are, for the first layer of each block,
# the four channels that vary most over the photo. Dark is silence, bright is a strong answer, and
# each map has a scale of its own. (The frame stays out of the choice: beyond it the convolutions
# see zeros, and some channels answer to that edge more than to anything in the picture. Notebook 3
# comes back to them.)
#
# **Look for** the moment when you can no longer recognize the cat, and for what remains.


# %%
def lively(layer, n=4):
    """The n channels of a layer that vary most over the photo, its frame left out."""
    n_H, n_W, _ = a[layer].shape
    inner = a[layer][n_H // 6 : n_H - n_H // 6, n_W // 6 : n_W - n_W // 6]
    return np.argsort(-inner.std(axis=(0, 1)))[:n]


# %%
for layer in network.style_layers:
    alt = f"Four activation maps of {layer} on the cat; bright is a strong answer."
    figure = plots.channels(a[layer], lively(layer), alt=alt)
    n_H, n_W, _ = a[layer].shape
    figure.suptitle(f"{layer}: {n_H} × {n_W} positions", fontsize=11)
    display(figure)

# %% [markdown]
# The first block still shows the whole photo: its light, its dark, its outlines. Then the maps
# become sparse: first outlines, then pieces of line that mostly run in one direction, then spots.
# In the last block there are only a few bright spots on a dark ground. If you hold them against the
# photo, you find that they lie on things.
#
# Choose a layer, and a way to look at it. (The dropdowns need a running notebook; elsewhere you see
# a picture.) *Spotlight* shows the photo, light only where the channel answers.


# %%
def look(layer, view):
    """Eight lively channels of a layer, as maps or as a spotlight on the photo."""
    alt = f"Eight channels of {layer} on the cat, as {view}."
    if view == "maps":
        return plots.channels(a[layer], lively(layer, 8), alt=alt)
    return plots.spotlight(photo, a[layer], lively(layer, 8), alt=alt)


picker.dropdowns(look, layer=list(a)[::-1], view=["spotlight", "maps"])

# %% [markdown]
# ## 6 · Which channels see the eyes?
#
# Let us ask precisely. We mark the two eyes by boxes, and want the channels whose answer lies
# inside them. (However coarse a layer is, a box covers at least one of its positions.)

# %%
EYES = {"left": (0.29, 0.49, 0.30, 0.46), "right": (0.36, 0.55, 0.65, 0.77)}


def box(name, n_H, n_W):
    """1 inside an eye's box (top, bottom, left, right, as shares of the photo), 0 elsewhere."""
    top, bottom, left, right = EYES[name]
    y, x = (np.arange(n_H) + 0.5) / n_H, (np.arange(n_W) + 0.5) / n_W
    rows = np.abs(y - (top + bottom) / 2) <= max(bottom - top, 1 / n_H) / 2
    columns = np.abs(x - (left + right) / 2) <= max(right - left, 1 / n_W) / 2
    return np.float32(rows[:, None] & columns)


# %%
eyes = sum(box(name, height, width) for name in EYES)
alt = "The cat, dark but for two boxes around its eyes."
plots.spotlight(photo, eyes[..., None], [0], titles=["the two boxes"], alt=alt, height=3.5)

# %% [markdown]
# ### Exercise 2: how much of the answer lies inside?
#
# Write a function that gives for *every channel at once* the share of its answer that lies inside a
# mask of ones and zeros:
#
# $$\text{share}_c = \frac{\sum_{ij} m_{ij}\, a_{ijc}}{1 + \sum_{ij} a_{ijc}}$$
#
# The sums run over all positions $i, j$. The 1 below the line keeps a silent channel at 0 instead
# of 0/0. Use TensorFlow's functions, such as `tf.reduce_sum(x, axis=…)`: they are what the costs of
# the next notebooks are made of.


# %% tags=["exercise"]
def share_inside(a, mask):
    """(n_H, n_W, n_C), (n_H, n_W) → (n_C,): how much of each channel's answer the mask covers."""
    ...


# %% tags=["check"]
_ = exercises.check("share_inside", share_inside)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The mask has two axes and the activation three. `mask[..., None]` has a third one, of length 1,
# and is then multiplied with every channel. Which two axes does a sum over positions run along?
#
# </details>

# %% tags=["hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = share_inside


def share_inside(a, mask):
    """(n_H, n_W, n_C), (n_H, n_W) → (n_C,): how much of each channel's answer the mask covers."""
    inside = tf.reduce_sum(a * mask[..., None], axis=[0, 1])
    return inside / (1 + tf.reduce_sum(a, axis=[0, 1]))


share_inside = exercises.settled("share_inside", mine, share_inside)

# %% [markdown]
# A channel for eyes answers to *both* of them, so each channel counts with the smaller of its two
# shares. And a channel that hardly speaks at all says little about eyes, so the quieter half of the
# channels, by their strongest answers, counts as 0. (In the first layer, for one, there is a quiet
# channel for green, and the eyes are the greenest things in this photo.)


# %%
def eye_share(a):
    """For each channel: the share of its answer in the eye where that is less; 0 for the quiet."""
    shares = np.minimum(*(share_inside(a, box(name, *a.shape[:2])) for name in EYES))
    loudest = a.max(axis=(0, 1))
    return np.where(loudest >= np.median(loudest), shares, 0)


# %% [markdown]
# **Before you go on:** from which block on will there be channels that answer to the eyes, and to
# hardly anything else? Write down a number from 1 to 5.

# %%
best = {layer: int(np.argmax(eye_share(found))) for layer, found in a.items()}

# %%
print(f"the two boxes are {eyes.mean():.0%} of the photo")
for layer, channel in best.items():
    both = sum(box(name, *a[layer].shape[:2]) for name in EYES)
    share = float(share_inside(a[layer], both)[channel])
    print(f"{layer}: channel {channel:3} has {share:4.0%} of its answer in them")

# %% [markdown]
# A channel that answers everywhere alike would have as much of its answer in the boxes as they have
# of the photo. Compare that with the first layer, and with the last. The eyes do not begin at one
# block: they come little by little. (Part of the rise is choice: where there are 512 channels, the
# best of them has to beat more others than where there are 64.) Here are four channels of the
# deepest layer, those that combine a large share with a strong answer; their shares stand above
# them:

# %%
deep = network.style_layers[-1]
seers = np.argsort(-eye_share(a[deep]) * a[deep].max(axis=(0, 1)))[:4]
both = sum(box(name, *a[deep].shape[:2]) for name in EYES)
titles = [f"channel {c}: {share_inside(a[deep], both)[c]:.0%}" for c in seers]
alt = f"The cat, light only where four channels of {deep} answer: mostly at its two eyes."
plots.spotlight(photo, a[deep], seers, titles=titles, alt=alt, columns=2, height=2.6)

# %% [markdown]
# Nobody told this network that a cat has eyes, or where they are. It was only asked to tell a
# thousand kinds of things apart, and found that eyes help. This is what style transfer borrows: a
# network that answers to *things* and not to pixels.
#
# Do the channels know "eye", or only "dark spot with a ring"? For an answer, look for what excites
# them in other pictures. We send all the bundled pictures through the network and cut out, for each
# channel, the patch around its strongest answer in each picture.
#
# **Look for** what the patches of a row have in common, and compare it with an eye.

# %%
names = [name for name, where in images.gallery().items() if isinstance(where, Path)]
others = {name: images.load(name, SIZE) for name in names}
answers = {name: network(picture)[deep].numpy() for name, picture in others.items()}

# %% tags=["hide-input"]
# @title patch(name, channel): cuts out where a channel answers most


def patch(name, channel, side=96):
    """The square of a bundled picture around a channel's strongest answer, at most `side` px."""
    found, picture = answers[name][..., channel], others[name]
    side = min(side, *picture.shape[:2])
    spot = np.unravel_index(found.argmax(), found.shape)
    top, left = (
        int(np.clip((s + 0.5) / n * p - side / 2, 0, p - side))
        for s, n, p in zip(spot, found.shape, picture.shape[:2], strict=True)
    )
    return images.resize(picture[top : top + side, left : left + side], 192, 192)


def exciting(channel, n=4):
    """The names of the n pictures in which a channel's strongest answer is largest."""
    return sorted(names, key=lambda name: -answers[name][..., channel].max())[:n]


# %%
rows, titles = [], []
for channel in seers[:3]:
    liked = exciting(channel)
    rows.append([patch(name, channel) for name in liked])
    peaks = [answers[name][..., channel].max() for name in liked]
    shares = [f"{peak / max(peaks[0], 1e-6):.0%}" for peak in peaks]
    titles.append(f"channel {channel}\n{', '.join(shares)}")
columns = ["strongest", "second", "third", "fourth picture"]
alt = f"Patches of the bundled pictures that excite three channels of {deep} most."
plots.grid(rows, titles, columns, alt=alt)

# %% [markdown]
# The percentages say how strong each answer is, compared with the strongest in its row. No other
# picture has eyes as large as the cat's, so in the others the channels take what comes nearest: it
# may be a ring or a badge on a suit, the red sun of the woodblock print, a light in a swirl, a face
# as a whole. And some of these answers are not weak at all. So a channel is not a word. It is a
# question that the network has found useful, and "eye" is our name for what answers to it in this
# photo.
#
# ## 7 · A channel's favorite picture
#
# Turn the question round. Not "what in my pictures does this channel answer to?" but "which picture
# would it answer to most?" We start from noise and change the *pixels* along the gradient of the
# channel's answer. That is style transfer already, with a simpler cost: the network is frozen, and
# the picture moves.
#
# One thing has to be seen to. To noise, a deep channel is silent: before the relu its answer is
# negative everywhere, after the relu it is zero, and zero is as flat as a table: there is no slope
# to climb. So for this purpose we make the relu *leaky*. What is above zero counts in full, and
# what is below still counts a tenth. In the model, convolution and relu are one layer; so we take
# the model only up to this layer's input, and do its convolution by hand.


# %%
def leaky(layer):
    """A function: pictures → a layer's activation with a leaky relu."""
    convolution = network.model.get_layer(layer)
    below = keras.Model(network.model.inputs, convolution.input)

    def answer(pictures):
        x = keras.ops.conv(below(preprocess(pictures)), convolution.kernel, padding="same")
        return tf.nn.leaky_relu(x + convolution.bias, 0.1)

    return answer


# %% [markdown]
# Then we climb. `climb` does so for several channels at once, each with a picture of its own:
# `wanted` is 1 in the channel that a picture is for and 0 in all others, and the cost is *minus*
# what this channel answers on average. To go down with the cost is to go up with the answer.
#
# Done plainly, this ends in patterns as fine as the pixels, which excite the channel and look like
# nothing in the world. Olah, Mordvintsev & Schubert (*Feature Visualization*, Distill 2017) collect
# what helps. We use two of their tricks:
#
# - **jitter**: shift the picture by a few pixels before each step. A pattern that only works at one
#   exact place does not survive.
# - **frequencies instead of pixels**: describe the picture as a sum of waves, from broad to fine,
#   and let the steps change how strong each wave is. A **spectrum** is the list of these strengths.
#   In photographs broad waves are strong and fine ones weak, so we give the broad ones the longer
#   lever. A step then moves a large shape as easily as a single pixel.
#
# So `climb` does not ask what the numbers are that it moves. It is told how to make pictures of
# them, by the function `paint`; the folded cell after it holds one for pixels and one for
# frequencies.


# %%
def climb(layer, channels, paint, start, jitter=8):
    """One picture for each channel; `paint` turns the variable into pictures in 0–255."""
    wanted = tf.one_hot(channels, network.layers[layer].channels)[:, None, None]
    answer, variable = leaky(layer), tf.Variable(start)
    optimizer = keras.optimizers.Adam(0.05)  # turns a gradient into a step: notebook 4
    optimizer.build([variable])

    @tf.function  # compiles the step, which is faster
    def step():
        with tf.GradientTape() as tape:
            shift = tf.random.uniform([2], -jitter, jitter + 1, tf.int32)
            pictures = tf.roll(paint(variable), shift, axis=[1, 2])
            cost = -tf.reduce_mean(wanted * answer(pictures))
        optimizer.apply([tape.gradient(cost, variable)], [variable])

    for _ in range(STEPS):
        step()
    return paint(variable).numpy()


# %% tags=["hide-input"]
# @title from_pixels and from_frequencies: two ways to describe a picture by numbers
side = 128
frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
boost = np.float32(8 / np.maximum(frequency, 1 / side))  # the lever: long for broad waves
# One column each: how much red, green and blue belong to light, to red–blue, to purple–green.
# Such mixtures are independent of each other in photographs.
colors = np.float32([[0.77, 0.27, 0.06], [0.80, 0, -0.15], [0.80, -0.27, 0.09]])
random = np.random.default_rng(0)


def from_pixels(v):
    return 255 * tf.sigmoid(v)


def from_frequencies(v):
    waves = tf.signal.irfft2d(tf.complex(v[0] * boost, v[1] * boost))
    return 255 * tf.sigmoid(tf.transpose(waves, [0, 2, 3, 1]) @ colors.T)


def faint_waves(n):
    """n pictures of faint noise, as spectra to start from."""
    return random.normal(0, 0.2, (2, n, 3, *frequency.shape)).astype("float32")


# %% [markdown]
# **Before you go on:** we take three lively channels of the third block. What will the two tricks
# change?

# %%
layer = network.style_layers[2]
some = lively(layer, 3)
pixels = random.normal(0, 0.3, (3, side, side, 3)).astype("float32")
ways = {
    "pixels": climb(layer, some, from_pixels, pixels, jitter=0),
    "frequencies\nand jitter": climb(layer, some, from_frequencies, faint_waves(3)),
}

# %%
titles = [f"{layer}, channel {channel}" for channel in some]
alt = "Favorite pictures of three channels: harsh and fine from pixels, softer from frequencies."
plots.grid(ways.values(), list(ways), titles, alt=alt, height=2.6)

# %% [markdown]
# From pixels comes a harsh grain; from frequencies come calmer colors, and lines that the eye can
# follow. Both were made to excite the same channel. The second one we can *read*. Keep this in
# mind: whenever a picture is made by climbing through a network, leftover grain is easily mistaken
# for what the network sees. Notebooks 2 and 3 need the same cure.
#
# Now through all five blocks, with channels that you have seen above:

# %%
ladder = {
    layer: climb(layer, lively(layer, 3), from_frequencies, faint_waves(3))
    for layer in network.style_layers
}

# %%
titles = [layer.replace("_", "\n") for layer in ladder]
columns = ["the liveliest channel", "second", "third"]
alt = "Favorite pictures of three channels in each of five blocks: from plain colors and fine "
alt += "lines to larger, richer patterns."
plots.grid(ladder.values(), titles, columns, alt=alt)

# %% [markdown]
# Read it from top to bottom. The first block is content with patches of light, of dark or of one
# color. Then come lines and grains, then textures with a rhythm, and the deeper the block, the
# larger is what repeats, and the more there is to it. Most of these are *textures*: they look the
# same here and there, and it does not matter where one begins. That is the raw material of style,
# and notebook 3 will make it a number.
#
# And the four channels that see the eyes?

# %%
favorites = climb(deep, seers, from_frequencies, faint_waves(4))

# %%
titles = [f"channel {channel}" for channel in seers]
alt = f"Favorite pictures of the four channels of {deep} that answer to the cat's eyes."
plots.pictures(favorites, titles, columns=2, alt=alt)

# %% [markdown]
# Look for round things, and for rings around a dark middle, again and again all over the picture.
# That is how far "eye" can be said in pixels by climbing alone, and it is the other half of the
# answer above. Some of these pictures come close to eyes in fur; where one shows only discs or
# dots, the cat's eyes were merely the nearest thing that this photo had to offer.
#
# ## 8 · What a deeper layer keeps
#
# What does a layer still know of a picture? One way to ask: change the photo, and see how far each
# layer's activation moves. As a yardstick, 100 % is the distance to quite another photograph.
#
# **Before you go on:** here are six changes. For each, will the deeper layers move more than the
# pixels, or less? Write six guesses.

# %%
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
alt = "The cat; the cat darker, with red and blue swapped, shifted, blurred, speckled, mirrored; "
alt += "and dandelions."
shown = {"the photo": photo, **changes, "another photo": another}
plots.pictures(shown.values(), list(shown), columns=4, height=1.9, alt=alt)


# %%
def views(picture):
    """The picture itself, and what each layer makes of it."""
    return [picture, *(found.numpy() for found in network(picture).values())]


def far(one, other):
    return np.array([np.linalg.norm(p - q) for p, q in zip(views(one), views(other), strict=True)])


moved = {name: far(changed, photo) / far(another, photo) for name, changed in changes.items()}

# %%
plots.curves(
    {name: 100 * distances for name, distances in moved.items()},
    log=False, ticks=["pixels", *(layer.replace("_", "\n") for layer in a)], width=9,
    xlabel="what is compared", ylabel="distance, in % of another photo's",
    alt="How far six changes of the photo move the pixels and each layer's activation.",
)  # fmt: skip

# %% tags=["hide-input"]
# @title The same as a table, and what it says
at = 1 + list(a).index(network.content_layer)
table = f"| | pixels | {' | '.join(a)} |\n|---|{'---|' * (len(a) + 1)}\n"
for name, distances in moved.items():
    table += f"| {name} | {' | '.join(f'{d:.0%}' for d in distances)} |\n"
less = [name for name, d in moved.items() if d[at] < d[0]]
more = [name for name in moved if name not in less]
sentence = f"In `{network.content_layer}`, the layer where content will be measured, "
sentence += f"less than in the pixels counts: {', '.join(less) or 'none of them'}; "
sentence += f"more: {', '.join(more) or 'none of them'}. The mirrored cat is "
sentence += f"{moved['mirrored'][at]:.0%} as far away as another photo, and the speckled one "
sentence += f"{moved['speckled'][at]:.0%}, though its pixels moved only {moved['speckled'][0]:.0%}."
display(Markdown(table + "\n" + sentence))

# %% [markdown]
# Three lessons, each of which will matter:
#
# - **Light counts for less, structure for more.** A photo that is merely darker stays near; one
#   that has lost its fine structure goes far, although its pixels hardly moved. Color lies between:
#   it counts most in the first layer, and deeper it is not forgotten.
# - **Place counts.** A mirrored cat is the same cat to us. To these layers it is nearly another
#   photo: they know very well *where* things are. Even a shift by one pixel, which no eye would
#   notice, moves them a little. Content, as the next notebook measures it, is "these things in
#   these places".
# - **Noise counts too.** Random speckles move the deep layers far, farther than they move the
#   pixels. But there is noise of a special kind, chosen along the gradient, that these layers
#   hardly see. Notebook 2 sets both side by side.
#
# ## 9 · Is it the training?
#
# How much of this is due to the million photographs, and how much to the plain arrangement of
# windows, relus and poolings? Take the same arrangement and fill it with random weights, as Kun He
# et al. did (2016). (They are scaled so that the answers neither grow nor fade from layer to layer;
# Kaiming He et al. 2015.)


# %%
def untrained(network, seed=0):
    """A network like this one with random weights, and no biases."""
    random, model = np.random.default_rng(seed), keras.models.clone_model(network.model)
    for layer in model.layers:
        if kernels := layer.get_weights():
            shape = kernels[0].shape
            kernels[0] = random.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape)
            layer.set_weights([kernels[0], *(0 * bias for bias in kernels[1:])])
    about = (network.name, model, network.layers, network.pooling, network.precision)
    return vgg.Network(*about, "the same layers with random weights")


# %% [markdown]
# **Before you go on:** will it paint? Guess what is kept of the photo, and what of the swirls.

# %%
blind = untrained(network)
blind_run = Transfer(photo, style, blind)
blind_run.run(STEPS)

# %%
plots.pictures(
    [run.picture, blind_run.picture],
    ["trained on photographs", "random weights"],
    alt="The painting from above, and one made with random weights: the cat in the painting's "
    "colors, blurred and without its strokes.",
    height=3.6,
)

# %% tags=["hide-input"]
# @title Does a random network have channels for the eyes?
n_H, n_W, _ = a[deep].shape
both = sum(box(name, n_H, n_W) for name in EYES)
random_scores = eye_share(blind(photo)[deep].numpy())
random_best = int(np.argmax(random_scores))
random_share = float(share_inside(blind(photo)[deep], both)[random_best])
trained_share = float(share_inside(a[deep], both)[best[deep]])
sentence = f"The random channel of `{deep}` that is best at the eyes has {random_share:.0%} of its "
sentence += f"answer there. Of the trained ones it was {trained_share:.0%}."
display(Markdown(sentence))

# %% [markdown]
# Random windows are windows all the same. They answer to colors and edges of all kinds, and they
# know where things are: so the colors wander from one picture to the other, and light and dark stay
# in their places. What is missing are the questions that are worth asking: strokes, fur, eyes. To
# these random weights a stroke is no better a pattern than a blot or a speckle, and so there are
# blots and speckles where the trained network has laid strokes. (This is one draw of random
# weights. Others, another `seed`, paint other blots.)
#
# ## What you have now
#
# - `preprocess`: RGB → BGR minus the mean. Wrong input gives no error, only wrong pictures.
# - `extract`: picture → {layer: activation $(n_H, n_W, n_C)$}, all values ≥ 0.
# - `receptive_field`: how much one value sees; from 3 pixels to most of a small photo.
# - Channels are detectors: of edges and colors, then of textures, then of things such as eyes.
# - Deeper layers care less about light, and more about which structures are where.
#
# Could you write it from an empty file? Close the notebook and try: `preprocess`, a model of VGG
# that returns the activations of several layers (section 2 has it in a fold), and the side of the
# field that a value of each of them sees. Then say in five sentences how a photograph becomes a
# painting.
#
# The last point of the list is the seed of what comes next: if two pictures agree in a deeper
# layer, they show the same things in the same places without being the same pixels. **Next:**
# [2 · The content cost](02_content_cost.ipynb) turns that into a number, and then into a picture.
#
# <details><summary>For the curious: VGG-16 beside VGG-19</summary>
#
# The number counts layers with weights; three of them are the classifier's, which nobody needs
# here. The two networks differ by one convolution in each of blocks 3, 4 and 5, so that VGG-16 has
# 13 convolutions and VGG-19 has 16. Layers of the same name are at the same place up to
# `block3_conv3`, but the two were trained apart: their channels have nothing to do with each other.
# Gatys used VGG-19. `NETWORK = "vgg16"` at the top runs everything here with the other.
#
# </details>
