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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/02_content_cost.ipynb)

# %% [markdown] tags=["slide"]
# # 2 · The content cost
#
# The picture that style transfer paints should show what the photograph shows, and look the way the
# painting looks. This notebook is about the first. How can a program tell that two pictures *show
# the same*, although hardly any pixel is the same? Gatys, Ecker & Bethge (2016, section 2.1)
# answer: do not compare the pixels, compare what a deep layer of VGG says about them.

# %% [markdown]
# **After this notebook you can**
# - write the content cost $J_{content}(C, G)$, and say what it calls "the same";
# - derive its gradient, read the gradient as a picture, and follow it downhill;
# - let each block of VGG redraw a photograph, and say what it has kept and what it leaves free;
# - choose a layer for the content, with reasons.
#
# **Time:** 45 minutes.

# %% tags=["parameters"]
SIZE = None  # longest side in pixels; None: 512 on a GPU, 176 on a CPU
STEPS = None  # steps of each loop; None: 60, below 384 pixels 50
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
# @title What else this notebook needs, and today's part of the method
from PIL import Image, ImageFilter

from helpers import colors
from helpers.course import drawings, exercises
from helpers.transfer import Transfer

SIZE = SIZE or (512 if GPU else 176)
STEPS = STEPS or (60 if SIZE >= 384 else 50)
small = SIZE < 150 or STEPS < 40  # a trial run; what the text says of results is not checked
print(f"Pictures of {SIZE} pixels, {STEPS} steps")
drawings.method(lit=("content",))

# %% [markdown]
# Lit in the drawing is what we build now.

# %% [markdown] tags=["slide"]
# ## 1 · What does it mean to show the same?
#
# Here is a photograph, our **content picture** C, and five other pictures. Four of them show a cat.

# %% tags=["hide-input"]
# @title drawn_in_pencil(picture)


def drawn_in_pencil(picture):
    """Dark lines on white paper: what is darker than its neighborhood."""
    gray = colors.luminance(picture)
    negative = Image.fromarray(images.to_uint8(255 - gray))
    around = 255 - np.asarray(negative.filter(ImageFilter.GaussianBlur(SIZE / 60)), np.float32)
    return np.clip(255 * gray / np.maximum(around, 1), 0, 255).astype("float32")


# %%
C = images.load("cat", SIZE)
height, width = (16 * round(side / 16) for side in C.shape[:2])
C = images.resize(C, height, width)
others = {
    "darker": 0.5 * C,
    "drawn in pencil": drawn_in_pencil(C),
    "as a negative": 255 - C,
    "mirrored": C[:, ::-1],
    "another photo": images.resize(images.load("dandelions", SIZE), height, width),
}

# %% tags=["hide-input", "fragment"]
# @title The cat, and what it is compared with
plots.pictures(
    [C, *others.values()],
    ["C", *others],
    columns=3,
    height=2.2,
    alt="The cat; darker; as a pencil drawing; as a negative; mirrored; and a dandelion meadow.",
)

# %% [markdown] tags=["fragment"]
# **Before you go on:** write down your own order, from the picture that shows most nearly the same
# as C to the one that shows it least. Then we measure: what is the root of the mean squared
# difference of the pixels from C, in gray levels?

# %%
gray_levels = {name: np.sqrt(np.mean((G - C) ** 2)) for name, G in others.items()}

# %% tags=["hide-input", "slide"]
# @title The pictures in the order of their distance


def in_order(distances, unit, alt):
    """The pictures, nearest to C first, each with its distance."""
    order = sorted(distances, key=distances.get)
    titles = [f"{name}: {distances[name]:{unit}}" for name in order]
    said = ", ".join(titles)
    return plots.pictures([others[name] for name in order], titles, height=1.9, alt=alt + said)


nearest, *_, farthest = sorted(gray_levels, key=gray_levels.get)
assert small or (nearest == "mirrored" and farthest == "drawn in pencil")
in_order(gray_levels, ".0f", "Sorted by the distance of their pixels, in gray levels: ")

# %% [markdown] tags=["fragment"]
# To the pixels, the pencil drawing of the cat is farther from C than a meadow is, and the mirrored
# cat is nearest, because brown fur lies on brown fur. A difference of pixels is a difference of
# colors, and colors are what a painter changes. We need to compare something that survives a change
# of color.

# %% [markdown] tags=["slide"]
# ## 2 · One layer, two activations
#
# In notebook 1, deeper layers cared less about light and color, and more about which structures are
# where. So we show C and another picture, G, to the network, and read one layer $l$. Its
# **activation** has $n_C$ numbers, the channels, at each of $n_H × n_W$ positions. We call the
# activations of the two pictures $a_C$ and $a_G$. (The paper calls them $P^l$ and $F^l$.)

# %%
layer = network.content_layer
activations_C = network(C)  # {layer: activation}
a_C = activations_C[layer]
a_G = {name: network(np.float32(G))[layer] for name, G in others.items()}
n_H, n_W, n_C = a_C.shape
print(f"{layer}: {n_H} × {n_W} positions, {n_C} channels, so {n_H * n_W * n_C:,} numbers")

# %% tags=["hide-input", "slide"]
# @title One channel, for each of the pictures
edge = max(1, n_H // 6)  # some channels answer to the edge of the picture most
channel = int(np.argmax(np.std(a_C[edge:-edge, edge:-edge], axis=(0, 1))))
shown = {"C": a_C} | a_G
maps = np.stack([a[..., channel] for a in shown.values()], axis=-1)
alike = {
    name: np.corrcoef(maps[..., 0].flat, maps[..., i].flat)[0, 1] for i, name in enumerate(shown)
}
assert small or alike["as a negative"] > 0.3 + alike["mirrored"]
plots.channels(
    maps,
    range(len(shown)),
    titles=list(shown),
    columns=3,
    height=1.9,
    vmax=maps.max(),
    alt=f"Channel {channel} of {layer} for C and the other pictures: those of the darker cat "
    "and the negative are bright at the same positions as that of C.",
)

# %% [markdown] tags=["fragment"]
# The same channel for all pictures, on one scale: for the negative it is bright at the same
# positions as for C, for the drawing at some of them, for the mirrored cat at the mirrored ones.
# The content cost puts one number on such differences, over all channels.

# %% [markdown] tags=["slide"]
# ## 3 · The cost
#
# $$J_{content}(C, G) = \frac{1}{4 · n_H · n_W · n_C} \sum_{i,j,k} \left(a_C - a_G\right)_{ijk}^2$$

# %% [markdown]
# As a program, word by word, these are three loops over the positions $(i, j)$ and the channels
# $k$. Here they run on a corner of the activation:


# %%
def content_cost_by_loops(a_C, a_G):
    n_H, n_W, n_C = a_C.shape
    total = 0.0
    for i in range(n_H):
        for j in range(n_W):
            for k in range(n_C):
                total += float(a_C[i, j, k] - a_G[i, j, k]) ** 2
    return total / (4 * n_H * n_W * n_C)


corner_C, corner_G = a_C[:3, :3, :32].numpy(), a_G["mirrored"][:3, :3, :32].numpy()
print(f"{content_cost_by_loops(corner_C, corner_G):.2f}")

# %% [markdown] tags=["slide"]
# ### Exercise 1: the content cost
#
# On a whole picture's tensors the loops would take minutes. Write the same without loops. The rest
# of this notebook uses your function.


# %% tags=["exercise"]
def content_cost(a_C, a_G):
    """J_content(C, G) of one layer, from two activations (n_H, n_W, n_C): a single number."""
    ...


# %% tags=["check"]
_ = exercises.check("content_cost", content_cost)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Arithmetic on TensorFlow's arrays, the *tensors*, works on all numbers at once. `tf.reduce_sum`
# adds them up, and `a_C.shape` is the shape. If the check says that you are off by a factor, print
# your result for `corner_C` and `corner_G`, and compare it with that of the loops.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = content_cost


def content_cost(a_C, a_G):
    """J_content(C, G) of one layer; activations may have a batch axis, (…, n_H, n_W, n_C)."""
    n_H, n_W, n_C = a_C.shape[-3:]
    squares = tf.reduce_sum((a_C - a_G) ** 2, axis=[-3, -2, -1])
    return squares / (4 * n_H * n_W * n_C)


content_cost = exercises.settled("content_cost", mine, content_cost)

# %% [markdown] tags=["slide"]
# The bare number says little: is it much? So we divide it by the cost of an activation that is all
# zeros. Then 0 means the same, and 1 as far off as a network that sees nothing. (More than 1 is
# possible: wrong things can be farther off than nothing.)


# %%
def relative_cost(a_C, a_G):
    """The content cost divided by that of an activation of zeros."""
    return content_cost(a_C, a_G) / content_cost(a_C, 0 * a_C)


# %% [markdown] tags=["fragment"]
# **Before you go on:** which order will the content cost find, and where will the mirrored cat be?

# %%
found = {name: float(relative_cost(a_C, a)) for name, a in a_G.items()}

# %% tags=["hide-input", "slide"]
# @title The pictures in the order of their content cost
order = sorted(found, key=found.get)
assert small or (order[0] == "darker" and order[3:] == ["mirrored", "another photo"])
in_order(found, ".2f", f"The pictures sorted by their content cost in {layer}: ")

# %% [markdown] tags=["fragment"]
# Now the pencil drawing and the negative come before the mirrored cat, although they share hardly a
# pixel with C, and the mirrored cat has every hair of it. So the content cost does **not** ask
# whether two pictures show the same *thing*. It asks mainly whether the **same structures are at
# the same positions**. For painting a photograph, that is what we want: the eyes should stay where
# they are.

# %% [markdown]
# Is this so in every layer? Here are the same pictures for each layer that we read, and for the
# pixels themselves:

# %% tags=["hide-input", "slide"]
# @title The relative cost in every layer
table = [[float(relative_cost(tf.constant(C), np.float32(G)))] for G in others.values()]
for row, G in zip(table, others.values(), strict=True):
    a = network(np.float32(G))
    row += [float(relative_cost(activations_C[k], a[k])) for k in network.layers]
_, pencil, negative, mirrored, _ = np.array(table)
assert small or (pencil[1] > 2 * pencil[-2] and negative[1] > 2 * negative[-2])
assert small or (mirrored[0] < 0.3 and mirrored[1:].min() > 0.8)
plots.heat(
    table,
    list(others),
    ["pixels", *network.layers],
    label="relative cost",
    alt="A table of relative costs. Darker, pencil and negative cost much in block 1 and less in "
    "block 4; the mirrored cat costs 0.9 or more in every layer.",
)

# %% [markdown] tags=["fragment"]
# Light and color (*darker*, *pencil*, *negative*) weigh most in block 1, and much less in block 4.
# Place (*mirrored*) weighs in every layer. That is why a deep layer is a good judge of content, and
# why notebook 3 has to take the places away before it can speak of style.
#
# (Authors put different constants in front of the sum: ours is that of a Coursera course, the paper
# has ½. Alone, the constant does not change which G is best; beside a style cost it decides how
# much the content counts. Notebook 4 converts between them.)

# %% [markdown] tags=["slide"]
# ## 4 · The gradient, as a picture
#
# For each pixel of G, the **gradient** says how much the cost would rise if this pixel became a
# little brighter. The chain rule joins two parts: from the cost back to the activation, which is
# yours to derive, and from there back to the pixels, which TensorFlow does.

# %% [markdown] tags=["slide"]
# ### Exercise 2: back to the activation
#
# Derive $\partial J_{content} / \partial a_G$ on paper, then write it down. (It is equation 2 of
# the paper, for our constant.)


# %% tags=["exercise"]
def activation_gradient(a_C, a_G):
    """dJ_content / da_G: the same shape as a_G."""
    ...


# %% tags=["check"]
_ = exercises.check("activation_gradient", activation_gradient)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Each number of $a_G$ is in exactly one of the squares. Take the derivative of that square. (The
# paper's second case, for negative F, belongs to the relu, which is in TensorFlow's part.)
#
# </details>

# %% tags=["hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = activation_gradient


def activation_gradient(a_C, a_G):
    """dJ_content / da_G: twice the difference, over 4·n_H·n_W·n_C."""
    n_H, n_W, n_C = a_C.shape
    return 2 * (a_G - a_C) / (4 * n_H * n_W * n_C)


activation_gradient = exercises.settled("activation_gradient", mine, activation_gradient)

# %% [markdown]
# So in the layer, the gradient is the difference itself, up to a constant: "too much of this
# pattern here, too little there". Now to the pixels: `GradientTape` records the way from G to the
# activation, and takes your gradient back along it.


# %%
def pixel_gradient(G, layer):
    """dJ_content / dG, a picture of the size of G."""
    G = tf.convert_to_tensor(G)
    with tf.GradientTape() as tape:
        tape.watch(G)
        a_G = network(G)[layer]
    wanted = activation_gradient(activations_C[layer], a_G)
    return tape.gradient(a_G, G, output_gradients=wanted).numpy()


# %% [markdown] tags=["slide"]
# As an example, let G be the photograph with one eye painted over.

# %% tags=["hide-input", "fragment"]
# @title A cat that has lost an eye
y, x = np.mgrid[:height, :width]
away = np.hypot(y - 0.385 * height, x - 0.375 * width) / height
cover = np.clip(3 - away / 0.08, 0, 1)[..., None]
covered = ((1 - cover) * C + cover * np.float32([170, 135, 105])).astype("float32")
plots.pictures([C, covered], ["C", "G"], height=2.6, alt="The cat, and the cat without one eye.")

# %% [markdown] tags=["fragment"]
# **Before you go on:** where will the gradient be strong? Inside the spot, outside, along its rim?
# And will that be the same for every layer?

# %%
gradients = {layer: pixel_gradient(covered, layer) for layer in network.layers}

# %% tags=["hide-input", "slide"]
# @title Minus the gradient, as a picture


def as_color(direction):
    """A signed picture around middle gray; all but the strongest of its values fit."""
    values = np.abs(direction[direction != 0])
    return 127.5 + 127.5 * direction / (np.quantile(values, 0.98) if values.size else 1)


outside = [np.sum(g[away > 0.3] ** 2) / np.sum(g**2) for g in gradients.values()]
assert small or (outside[0] < 1e-6 and outside[-1] == max(outside) > 1e-3)
plots.pictures(
    [as_color(-gradient) for gradient in gradients.values()],
    list(gradients),
    columns=3,
    height=2.4,
    alt="Minus the gradient of each layer: blocks 1 to 3 draw the missing eye, block 4 a ring "
    "around the spot, block 5 also speckles far around it.",
)

# %% [markdown] tags=["fragment"]
# This is minus the gradient, the direction that lowers the cost: gray means "leave it as it is",
# red "more red here". Each layer has its own scale. The first layer simply paints the missing eye.
# Deeper layers see wider pieces, so their gradients reach farther out; from block 4 on they are
# strong along the spot's rim, and look like no eye at all. But a gradient only says which way is
# down *here*.

# %% [markdown] tags=["slide"]
# ## 5 · Downhill
#
# Take a small step against the gradient, look again, and repeat. This is **gradient descent**. The
# loop has five lines:


# %% tags=["fragment"]
def descend(J, G, rate, steps):
    """Follow the gradient of J down from the picture G."""
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(G)
            cost = J(G)
        G -= rate * tape.gradient(cost, G)
    return G


# %% [markdown]
# Every pixel moves by `rate` times its gradient. One pixel of many has little influence on the
# cost, so the rate grows with their number. The factor 20 below was found by trying.

# %%
rate = 20.0 * height * width
healed, left = {}, {}
for layer in (network.style_layers[1], network.content_layer, network.style_layers[-1]):

    @tf.function  # compiled, which is faster
    def J(G, layer=layer):
        return relative_cost(activations_C[layer], network(G)[layer])

    healed[layer] = descend(J, tf.constant(covered), rate, STEPS)
    left[layer] = float(J(healed[layer]) / J(tf.constant(covered)))

# %% tags=["hide-input", "slide"]
# @title The eye comes back


def apart(one, other):
    """The root of the mean squared difference of two pictures, in gray levels."""
    return float(np.sqrt(np.mean((np.clip(one, 0, 255) - np.clip(other, 0, 255)) ** 2)))


eye_off = [apart(G * (cover > 0), C * (cover > 0)) for G in healed.values()]
assert small or (max(left.values()) < 0.3 and eye_off[0] < eye_off[-1])
plots.pictures(
    [covered, *healed.values()],
    ["G", *(f"{name}: cost down to {share:.0%}" for name, share in left.items())],
    columns=2,
    height=2.6,
    alt="The cat without an eye, and the eye that gradient descent has painted: with the "
    "photograph's outline for block 2, with rings for the deeper layers.",
)

# %% [markdown] tags=["fragment"]
# The loop knew only the photograph's activations. Block 2 brings back the outline of the
# photograph's own eye; the deeper layers paint *an* eye in the right place, but not that one,
# though at lower cost. This loop with another J is style transfer.

# %% [markdown] tags=["slide"]
# ## 6 · Which pictures look the same to a layer?
#
# We now cover the whole photograph. *If the activation of one layer is all that is left of it, what
# can be drawn?* Mahendran & Vedaldi asked this in 2015, and Gatys et al. (2015, figure 1) asked it
# again.

# %% [markdown]
# We begin with noise and descend. From so far away, plain gradient descent would take very long, so
# we let `Transfer` of `helpers` take better aimed steps (L-BFGS, notebook 4), at one size. It
# minimizes the relative content cost alone: `beta`, the weight of the style, and `tv`, that of
# smoothing, are 0. (`Transfer` also wants a painting; with `beta=0` the second C has no effect.)

# %%
painter = vgg.load(network.name, precision="auto")  # faster where a CPU multiplies bfloat16
layer = network.content_layer
only_content = {"content_layer": layer, "beta": 0.0, "levels": 1, "init": "noise"}
grainy = Transfer(C, C, painter, tv=0.0, **only_content)
grainy.run(STEPS)

# %% tags=["hide-input"]
# @title Drawn from noise
cost = float(grainy.costs()["content"])
assert small or (cost < 0.05 and apart(grainy.picture, C) > 20)
plots.pictures(
    [grainy.first_picture(0), grainy.picture],
    ["the first picture", f"{layer}: cost {cost:.3f}, {apart(grainy.picture, C):.0f} gray levels"],
    height=2.6,
    alt="Noise, and what has become of it: the cat, covered with colored grain.",
)

# %% [markdown]
# The cat is back, under a grain that is many gray levels strong. Yet the cost is low: the layer
# hardly notices the grain. That is odd, because in notebook 1 random speckles moved the deep layers
# a lot. Perhaps the layer is blind to *some* patterns of noise only. We can test this: take noise
# of 20 gray levels, and let gradient descent choose its pattern, but not its strength, so that the
# layer notices as little as possible.

# %%
noise = tf.constant(np.random.default_rng(0).normal(0, 20, C.shape), tf.float32)


def with_noise(n):
    """The photograph with noise of 20 gray levels, whatever the strength of n."""
    return tf.clip_by_value(C + 20 * n / tf.sqrt(tf.reduce_mean(n**2)), 0, 255)


@tf.function
def noticed(n):
    return relative_cost(activations_C[layer], network(with_noise(n))[layer])


chosen = descend(noticed, noise, rate, STEPS)

# %% tags=["hide-input"]
# @title Two kinds of noise
kinds = {"random": noise, "chosen": chosen}
seen = {name: float(noticed(n)) for name, n in kinds.items()}
strength = {name: apart(with_noise(n).numpy(), C) for name, n in kinds.items()}
assert small or (seen["chosen"] < 0.2 * seen["random"] and strength["chosen"] > 19)
plots.pictures(
    [with_noise(n).numpy() for n in kinds.values()],
    [f"{name}: {strength[name]:.0f} gray levels, cost {seen[name]:.3f}" for name in kinds],
    height=3.0,
    alt="The cat under random noise, and under noise of the same strength that the layer hardly "
    "notices: a fine weave of color.",
)

# %% [markdown]
# Both are equally strong in gray levels. The layer notices the random noise, and hardly notices the
# other. A picture that begins as noise keeps grain of this second kind, because nothing in the cost
# removes it.
#
# ### Total variation
#
# One cure of Mahendran & Vedaldi is a second term, the **total variation**: the squared differences
# to the right and lower neighbors, averaged over all values.
#
# $$TV(G) = \frac{1}{3 · height · width} \sum \left[(G_{right} - G)^2 + (G_{below} - G)^2\right]$$
#
# Grain makes it large, smooth areas keep it small. With a weight $\gamma$, it is added to the cost:
# $J = J_{content} + \gamma · TV$. Where the content cost depends on a pixel, it decides; where it
# hardly does, TV prefers the smoother picture.

# %% [markdown] tags=["fragment"]
# **Before you go on:** each block now redraws the photograph, from an even gray and with
# $\gamma = 10^{-4}$. In which of them will you recognize the cat, its fur, its colors?

# %%
GAMMA = 1e-4
blocks = [*network.style_layers[:3], network.content_layer, network.style_layers[-1]]
redrawn = {}
for layer in blocks:
    given = only_content | {"content_layer": layer, "init": "blank"}
    redrawn[layer] = Transfer(C, C, painter, tv=GAMMA, **given)
    redrawn[layer].run(2 * STEPS)

# %% tags=["hide-input", "slide"]
# @title What each block has kept
off = {name: apart(run.picture, C) for name, run in redrawn.items()}
brown = {name: np.mean(run.picture[..., 0] - run.picture[..., 2]) for name, run in redrawn.items()}
assert small or (off[blocks[0]] < off[blocks[2]] < off[blocks[4]] and off[blocks[2]] < 25)
assert small or brown[blocks[4]] < 0.6 * np.mean(C[..., 0] - C[..., 2])
plots.pictures(
    [C, *(run.picture for run in redrawn.values())],
    ["C", *(f"{name}: {gray:.0f} gray levels off" for name, gray in off.items())],
    columns=2,
    height=3.0,
    alt="The photograph, and the photograph redrawn from a layer of each block: faithful up to "
    "block 3, with faded colors and altered strokes in block 4, in block 5 almost gray.",
)

# %% [markdown] tags=["fragment"]
# Blocks 1 to 3 give the photograph back, nearly hair by hair. In block 4 every part of the face is
# in its place, but the fur's colors are still near the gray of the start, and its finest strokes
# are invented. In block 5 there are still eyes, fur, and a nose, with hardly a color of the
# photograph, and with much that is invented.

# %% [markdown]
# ### Is it free, or just not finished?
#
# An unfinished drawing can look like a finished one whose layer leaves much free. So look at the
# cost, and draw the same activation again from another beginning. What the layer has fixed must
# come out the same. Where two drawings of low cost differ, the layer hardly cares.

# %%
layer = network.content_layer
again = Transfer(C, C, painter, tv=GAMMA, **only_content)
again.run(3 * STEPS)  # from noise it is farther

# %% tags=["hide-input"]
# @title Two drawings of one activation
two = {"from gray": redrawn[layer], "from noise": again}
final = {name: float(run.costs()["content"]) for name, run in two.items()}
difference = apart(again.picture, redrawn[layer].picture)
assert small or (max(final.values()) < 0.1 and difference > 10)
plots.pictures(
    [run.picture for run in two.values()],
    [f"{name}: content cost {cost:.3f}" for name, cost in final.items()],
    height=3.0,
    alt=f"Two drawings from {layer}, with the cat in the same place; hairs, pupils and colors "
    "differ.",
)

# %% tags=["hide-input"]
# @title In numbers
print(f"The two drawings are {difference:.0f} gray levels apart.")
for name, run in redrawn.items():
    content, tv = (float(run.costs()[term]) for term in ("content", "tv"))
    print(f"{name}: relative content cost {content:.4f}, γ·TV {GAMMA * tv:.4f}")

# %% [markdown]
# Both play a part. The eyes, the nose, and the stripes are in the same places: they are fixed.
# Single hairs differ at a low cost: **that is the room in which style will paint.** The colors come
# back slowly; much of their fading is only unfinished. (Costs are squares: 0.01 is still an error
# of a tenth of the activation's length. In blocks 1 and 2 nearly all that is left of $J$ is γ·TV:
# this γ suits the deep layers.)

# %% [markdown] tags=["slide"]
# ## 7 · Which layer for the content?
#
# Block 1 fixes nearly every pixel: style would find little to change. In block 5, even the
# eyes are redrawn. In between, a layer fixes what is where, and leaves free how it is
# painted. Gatys et al. take `block4_conv2`, and show what happens otherwise (2016, figure 5). We
# can do the same with the whole method, which notebooks 3 and 4 build.
#
# **Before you go on:** what will the painting be like if content is measured in block 2?

# %%
S = images.load("stained_glass", SIZE)
layers = [*network.style_layers, "block2_conv2", network.content_layer]
both = vgg.load(network.name, layers, precision="auto")
painted = {}
for layer in ("block2_conv2", network.content_layer):
    painted[layer] = Transfer(C, S, both, content_layer=layer)
    painted[layer].run(3 * STEPS)

# %% tags=["hide-input", "slide"]
# @title The content from two layers
styles = {name: float(run.costs()["style"]) for name, run in painted.items()}
assert small or styles["block2_conv2"] > styles[network.content_layer]
plots.pictures(
    [C, S, *(run.picture for run in painted.values())],
    ["C", "S", *(f"{name}: style cost {cost:.3f}" for name, cost in styles.items())],
    columns=2,
    height=3.0,
    alt="The cat, the painting, and the cat in its style twice: with content from block 2 the "
    "photograph's eyes in a net of colored cells, with content from block 4 repainted.",
)

# %% [markdown] tags=["fragment"]
# With content from block 2, the photograph's eyes and fine lines stay, under a net of colored
# cells. With block 4 its lines grow bold and dark, and the eyes are redrawn. The style cost, at the
# same β, is lower, too. A shallow content layer holds on to what the style would have to replace.

# %% [markdown] tags=["slide"]
# ## What you have now
#
# - `content_cost`: the squared differences of one layer's activations, position by position.
# - Its gradient: in the layer the difference itself, in the pixels a picture of what to change.
# - Gradient descent, in five lines, and TV against the grain that the layer does not see.
# - The choice of the layer: deep enough to leave the painting free, not so deep that places go.

# %% [markdown]
# Could you write it from an empty file? Try: a network that maps a picture to activations, the cost
# of two of them, and the loop. That is half of style transfer.
#
# **Next:** [3 · The Gram matrix and the style cost](03_gram_and_style_cost.ipynb) looks for a
# description of a picture that has forgotten every place.
