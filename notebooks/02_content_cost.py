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

# %% [markdown]
# # 2 · The content cost
#
# Style transfer asks two things of the picture that it paints: that it shows what the photograph
# shows, and that it looks as the painting looks. This notebook is about the first of the two. How
# can a program tell that a painting *shows the same* as a photograph, although hardly a pixel of
# the one equals a pixel of the other? Gatys, Ecker & Bethge (2016, section 2.1) answer: do not
# compare the pixels, compare what a deep layer of VGG says about them.
#
# **After this notebook you can**
# - write the content cost $J_{content}(C, G)$, and say what it calls "the same" and what not;
# - derive its gradient, and read that gradient as a picture;
# - let each block of VGG redraw a photograph, and say what the block has kept and what it leaves
#   free;
# - choose the layer for the content with reasons.
#
# **Time:** 40 minutes to read and try. Computing takes a few minutes of them, on a CPU with `mini`
# or on a GPU with VGG-19.

# %% tags=["parameters"]
SIZE = None  # the longest side of the photo, in pixels; None: 512 on a GPU, 144 on a CPU
STEPS = 60  # steps of each drawing
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

# %% [markdown]
# The last line names the network that makes every picture and every number below. `mini` is the
# small stand-in for VGG-19 that notebook 1 introduced; with VGG-19 itself the numbers are a little
# different, and the sentences that depend on them are written by the cells.
#
# This is the whole method, and the part that we build now is lit: the photograph C and the painted
# picture G both go through the same frozen network, and the content cost compares what comes out.

# %% tags=["hide-input"]
# @title What this notebook needs besides
from IPython.display import Markdown

from helpers import colors
from helpers.course import drawings, exercises

SIZE = SIZE or (512 if GPU else 144)
drawings.method(lit=("vgg", "content"))

# %% [markdown]
# ## 1 · What does it mean to show the same?
#
# Here is the photograph, our **content picture** C, and five other pictures. Four of them have a
# cat in them.

# %% tags=["hide-input"]
# @title Five other pictures
from PIL import Image, ImageFilter


def drawn_in_pencil(picture):
    """Dark lines on white paper: what is darker than its neighborhood."""
    gray = colors.luminance(picture)
    negative = Image.fromarray(images.to_uint8(255 - gray))
    around = 255 - np.asarray(negative.filter(ImageFilter.GaussianBlur(SIZE / 60)), np.float32)
    return np.clip(255 * gray / np.maximum(around, 1), 0, 255).astype("float32")


# %%
C = images.load("cat", SIZE)
height, width = C.shape[:2]
others = {
    "darker": 0.5 * C,
    "drawn in pencil": drawn_in_pencil(C),
    "as a negative": 255 - C,
    "mirrored": C[:, ::-1],
    "another photo": images.resize(images.load("dandelions", SIZE), height, width),
}

# %% tags=["hide-input"]
# @title The cat, and what it is compared with
plots.pictures(
    [C, *others.values()],
    ["C", *others],
    columns=3,
    height=2.4,
    alt="The cat; darker; as a pencil drawing; as a negative; mirrored; and a dandelion meadow.",
)

# %% [markdown]
# **Write down your own order**, from the picture that shows most nearly the same as C to the one
# that shows it least. Then ask the pixels: for each picture, how far is a pixel off, as the root of
# the mean square, in gray levels?

# %%
gray_levels = {name: np.sqrt(np.mean((G - C) ** 2)) for name, G in others.items()}

# %% tags=["hide-input"]
# @title The pictures in the order of their distance
from helpers import costs


def in_order(distances, unit, alt):
    """The pictures, nearest to C first, each with its distance."""
    order = sorted(distances, key=distances.get)
    titles = [f"{name}: {distances[name]:{unit}}" for name in order]
    said = ", ".join(titles)
    return plots.pictures([others[name] for name in order], titles, height=1.9, alt=alt + said)


in_order(gray_levels, ".0f", "Sorted by the distance of their pixels, in gray levels: ")

# %% tags=["hide-input"]
# @title What the order says
farthest = max(gray_levels, key=gray_levels.get)
Markdown(
    f"To the pixels, the cat that is *{farthest}* is farthest from the photograph of that cat, at "
    f"{gray_levels[farthest]:.0f} gray levels. The dandelions are "
    f"{gray_levels['another photo']:.0f} away, and the mirrored cat only "
    f"{gray_levels['mirrored']:.0f}: brown fur lies on brown fur, and no hair on its own. Pixels "
    "compare colors, and a painter changes just those. We need to compare something that a change "
    "of color leaves alone."
)

# %% [markdown]
# ## 2 · One layer, two activations
#
# Notebook 1 has shown that a deeper layer of VGG cares less about light and color, and more about
# which structures are where. So we let the network look at both pictures, and read one layer $l$.
# What it answers is its **activation**: for each of $n_H × n_W$ *positions* in the picture there
# are $n_C$ numbers, one for each *channel*, and each says how strongly the pattern of this channel
# is found at this place (0: not at all). We call the two activations $a_C$ and $a_G$; the paper
# calls them $P^l$ and $F^l$.

# %%
layer = network.content_layer
a_C = network(C)[layer]
a_G = {name: network(np.float32(G))[layer] for name, G in others.items()}
n_H, n_W, n_C = a_C.shape
print(f"{layer}: {n_H} × {n_W} positions, {n_C} channels, so {n_H * n_W * n_C:,} numbers")

# %% [markdown]
# Look at one channel, for the photograph and four of the others: bright is a strong answer. Which
# of the maps would you call alike?

# %% tags=["hide-input"]
# @title One channel, for each of the pictures
edge = max(1, n_H // 6)  # channels that answer to the border only would be shown otherwise
channel = int(np.argmax(np.std(a_C[edge:-edge, edge:-edge], axis=(0, 1))))
shown = {"C": a_C} | {name: a_G[name] for name in list(others)[1:]}
maps = np.stack([a[..., channel] for a in shown.values()], axis=-1)
plots.channels(
    maps,
    range(len(shown)),
    titles=list(shown),
    columns=5,
    height=1.9,
    vmax=maps.max(),
    alt=f"Channel {channel} of {layer} for C, the drawing, the negative, the mirrored cat and the "
    "dandelions: the first three are bright in the same places.",
)

# %% [markdown]
# The drawing and the negative light up where the photograph does; the mirrored cat does so in the
# mirrored places. The cost puts one number on such a difference, over all channels.
#
# ## 3 · The cost
#
# $$J_{content}(C, G) = \frac{1}{4 · n_H · n_W · n_C} \sum_{i,j,k} \left(a_C - a_G\right)_{ijk}^2$$
#
# Take the difference at every position $(i, j)$ and in every channel $k$, square it, so that
# nothing cancels, and add it all up. Then divide by four times the number of terms: by their
# number, so that a large picture does not cost more for its size alone; by the four out of a habit
# that we come to below. Read as a program, word by word, the formula is three loops. Here they are,
# slow and clear, on a corner of the activation:


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
print(f"{content_cost_by_loops(corner_C, corner_G):.4f}")

# %% [markdown]
# ### Exercise 1: the content cost
#
# For a whole picture the loops would take far too long, and TensorFlow could not follow them back
# to the pixels. Write the same without loops. Everything that follows in this notebook uses your
# function.


# %% tags=["exercise"]
def content_cost(a_C, a_G):
    """J_content(C, G) of one layer, from two activations (n_H, n_W, n_C): a single number."""
    ...


# %% tags=["check"]
_ = exercises.check("content_cost", content_cost)

# %% [markdown]
# <details><summary>Hint</summary>
#
# TensorFlow calls its arrays *tensors*. Arithmetic on them works on all numbers at once: no need to
# name $i$, $j$ and $k$. For the sum there is `tf.reduce_sum`; the shape is `a_C.shape`.
#
# </details>
#
# <details><summary>A second hint</summary>
#
# If the check says that you are off by a factor, print your result for `corner_C` and `corner_G`
# and compare it with the loops: how many numbers does your sum have, and by what do you divide?
#
# </details>
#
# The next cell is folded. It holds the solution, and puts it in the place of your function as long
# as yours is not right yet, so that the rest of the notebook runs in any case.

# %% tags=["export", "hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = content_cost


def content_cost(a_C, a_G):
    """J_content(C, G) of one layer; activations may have a batch axis, (…, n_H, n_W, n_C)."""
    n_H, n_W, n_C = a_C.shape[-3:]
    squares = tf.reduce_sum((a_C - a_G) ** 2, axis=[-3, -2, -1])
    return squares / (4 * n_H * n_W * n_C)


content_cost = exercises.settled("content_cost", mine, content_cost)

# %%
print(f"loops      {content_cost_by_loops(corner_C, corner_G):.4f}")
print(f"expression {float(content_cost(corner_C, corner_G)):.4f}")

# %% [markdown]
# The two agree, at most but for the last digits: TensorFlow counts with fewer digits than Python.
#
# ### A number that can be read
#
# The bare number says little: is it much? We compare it with the cost of an activation that is all
# zeros, the answer of a network that has gone blind. Then 0 means the same, and 1 means as far off
# as seeing nothing. It can be more than 1, for whoever sees the wrong things is farther off than
# whoever sees nothing. (The package calls these costs `relative`.)


# %%
def relative_cost(a_C, a_G):
    """The content cost in units of a blind network: 0 is the same, 1 as far as nothing at all."""
    return content_cost(a_C, a_G) / content_cost(a_C, 0 * a_C)


# %% [markdown]
# **Before you run the next cell:** you have seen the order of the pixels. Which order will the
# content cost find, and where will the mirrored cat be? It is the same cat, after all.

# %%
found = {name: float(relative_cost(a_C, a)) for name, a in a_G.items()}

# %% tags=["hide-input"]
# @title The pictures in the order of their content cost
in_order(found, ".2f", f"The pictures sorted by their content cost in {layer}: ")


# %% tags=["hide-input"]
# @title What has changed
shares = {name: value / found["another photo"] for name, value in found.items()}
nearest = sorted(found, key=found.get)
Markdown(
    f"The order is now: {', '.join(nearest)}. Measured by the distance of the dandelions, the "
    f"pencil drawing is at {shares['drawn in pencil']:.0%} and the negative at "
    f"{shares['as a negative']:.0%}, although both share hardly a pixel with C. The mirrored cat "
    f"is at {shares['mirrored']:.0%}, though it has all of C's colors and every hair.\n\n"
    "So the content cost does **not** ask whether two pictures show the same *thing*: the mirrored "
    "cat is the very same cat. It asks whether the **same structures are in the same places**, "
    "whatever their color and light. For painting a photograph that is what we want: the eyes "
    "shall stay where they are."
)

# %% [markdown]
# Does the place count in every layer? The same five pictures, asked of each layer that we read, and
# of the pixels (there too, 1 is as far as a picture of zeros, which is black):

# %% tags=["hide-input"]
# @title The same in every layer
activations_C = network(C)
table = {name: [float(relative_cost(tf.constant(C), np.float32(G)))] for name, G in others.items()}
for name, G in others.items():
    a = network(np.float32(G))
    table[name] += [float(relative_cost(activations_C[k], a[k])) for k in network.layers]
rule = "\n|---" + "|---:" * (1 + len(network.layers)) + "|\n"
rows = "\n".join(
    f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |"
    for name, values in table.items()
)
Markdown("| | pixels | " + " | ".join(network.layers) + " |" + rule + rows)

# %% [markdown]
# Read the table line by line. Light and color (*darker*, *pencil*, *negative*) weigh most in block
# 1 and much less in block 4. Place (*mirrored*) weighs in every layer, even where neighbors are 8
# or 16 pixels apart. That is why a deep layer is a good judge of content, and why notebook 3 has to
# take the places away before it can speak of style.
#
# ### The constant in front
#
# Authors agree on the sum and disagree on what stands before it. The factor of this notebook comes
# from a well-known Coursera course; the paper has ½; TensorFlow's tutorial takes the mean. All are
# the same sum times a number that G does not change:

# %%
for name in costs.COSTS:
    print(f"{name:9}{float(costs.content_cost(a_C, a_G['mirrored'], name)):16,.3f}")

# %% [markdown]
# Does it matter, then? The *best* G, the way down to it and the shape of everything you see below
# stay the same. But as soon as the content cost is added to a style cost, the constant decides how
# much it counts. Whoever copies an $α$ and a $β$ from somewhere must copy the constant with them.
#
# ## 4 · The gradient, as a picture
#
# The cost is a number. What paints is its **gradient**: for each pixel of G, how much would the
# cost rise if this pixel became a little brighter? Going the other way lowers the cost. We work it
# out in two parts: from the cost back to the activation, which is yours to derive, and from there
# back through the network to the pixels, which TensorFlow does. The chain rule joins the two.
#
# ### Exercise 2: back to the activation
#
# Derive $\partial J_{content} / \partial a_G$ on paper, then write it down (Gatys' equation 2, for
# our constant).


# %% tags=["exercise"]
def activation_gradient(a_C, a_G):
    """dJ_content / da_G: the same shape as a_G."""
    ...


# %% tags=["check"]
_ = exercises.check("activation_gradient", activation_gradient)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Each number of $a_G$ stands in exactly one of the squares. Take the derivative of this one square;
# all other terms of the sum do not know of it.
#
# </details>
#
# <details><summary>Why has the paper a second case, for negative F?</summary>
#
# It writes the derivative for the value *before* the relu, which replaces everything below zero by
# zero and lets no gradient through there. We stop behind the relu; the way through it belongs to
# TensorFlow's part.
#
# </details>

# %% tags=["hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = activation_gradient


def activation_gradient(a_C, a_G):
    """dJ_content / da_G: twice the difference, over 4·n_H·n_W·n_C."""
    n_H, n_W, n_C = a_C.shape
    return 2 * (a_G - a_C) / (4 * n_H * n_W * n_C)


activation_gradient = exercises.settled("activation_gradient", mine, activation_gradient)

# %% [markdown]
# So in the layer, the gradient is the difference itself, but for a constant in front: "here is too
# much of this pattern, there too little". Now to the pixels. `GradientTape` records what happens on
# the way from G to the activation; given your gradient at the end of the way, it goes back to its
# beginning. (`activations_C` are those of the photograph, in all layers, from the table above.)


# %%
def pixel_gradient(G, layer):
    """dJ_content / dG, a picture of the size of G."""
    G = tf.convert_to_tensor(G)
    with tf.GradientTape() as tape:
        tape.watch(G)
        a_G = network(G)[layer]
    wanted = activation_gradient(activations_C[layer], a_G)
    return tape.gradient(a_G, G, output_gradients=wanted).numpy()


# %% [markdown]
# As an example, let G be the photograph with one eye painted over, and nothing else changed.

# %% tags=["hide-input"]
# @title A cat that has lost an eye
y, x = np.mgrid[:height, :width]
away = np.hypot(y - 0.385 * height, x - 0.375 * width) / height
cover = np.clip(3 - away / 0.08, 0, 1)[..., None]
covered = ((1 - cover) * C + cover * np.float32([170, 135, 105])).astype("float32")
plots.pictures([C, covered], ["C", "G"], height=2.6, alt="The cat, and the cat without one eye.")

# %% [markdown]
# **Before you go on:** where will the gradient be zero? Inside the spot, outside, along its
# rim? And will that be the same for every layer?

# %%
gradients = {layer: pixel_gradient(covered, layer) for layer in network.layers}

# %% [markdown]
# We show minus the gradient, the way that lowers the cost, in color on gray: gray is "leave it as
# it is", a brighter red is "more red here". Each layer has a scale of its own.


# %% tags=["hide-input"]
# @title The gradient, as a picture
def as_color(direction):
    """A signed picture around middle gray; all but the strongest of its values fit."""
    values = np.abs(direction[direction != 0])
    return 127.5 + 127.5 * direction / (np.quantile(values, 0.98) if values.size else 1)


plots.pictures(
    [as_color(-gradient) for gradient in gradients.values()],
    list(gradients),
    columns=3,
    height=2.4,
    alt="Minus the gradient of each layer: block 1 draws the missing eye, the middle blocks a ring "
    "around the spot, the deepest layer speckles far around it.",
)

# %% [markdown]
# The first layer simply paints the missing eye. Each deeper layer sees a wider piece of the picture
# at once, and its wish is spread more widely: the rim of the spot should not be there, and fine
# corrections all around might bring back what the layer misses. Read as a picture, the wish of a
# deep layer is no eye at all. (A gradient says which way is down *here*; it is not yet the
# destination.)
#
# How far can it reach? A value of the layer is wrong if its receptive field, the square of pixels
# that it sees (notebook 1), meets the spot. And then it blames every pixel that it sees. So the
# gradient can reach one receptive field beyond the spot, less one pixel. Only farther out must it
# be zero, but for rounding, and how far out that is depends on the layer. (As touched counts what
# is above a millionth of the strongest.)

# %%
columns = np.flatnonzero(np.abs(covered - C).max(axis=(0, 2)) > 0)
for layer, gradient in gradients.items():
    strength = np.abs(gradient).max(axis=(0, 2))
    touched = np.flatnonzero(strength > 1e-6 * strength.max())
    reach = network.layers[layer].receptive_field - 1
    first, last = max(columns[0] - reach, 0), min(columns[-1] + reach, width - 1)
    print(f"{layer}: columns {touched[0]:3} to {touched[-1]:3}, possible {first:3} to {last:3}")

# %% tags=["hide-input"]
# @title How far a touch reaches
deepest = list(network.layers)[-1]
field = network.layers[deepest].receptive_field
Markdown(
    f"The spot itself covers the columns {columns[0]} to {columns[-1]} of {width}. What is "
    "touched stays within what is possible, and comes close to it in the first layers. The "
    "outermost pixels of a large field hardly count, and "
    f"{deepest} with its {field} pixels could reach "
    + ("the whole width of the picture." if 2 * field > width else "a good part of the picture.")
)

# %% [markdown]
# ### Is it the right gradient?
#
# There is a test that works for every gradient $g$: go a very short way against it, from $G$ to
# $G - \varepsilon g$. Pixel for pixel, the cost changes by the slope times the way,
# $g · (-\varepsilon g)$; so in all it must fall by $\varepsilon$ times the sum of the squares of
# $g$. A longer way leaves the slope on which the gradient was measured, and the promise is no
# longer kept.

# %%
layer = network.content_layer
gradient = pixel_gradient(covered, layer)
before = float(content_cost(a_C, network(covered)[layer]))
for largest in (0.1, 1, 10):
    step = largest / np.abs(gradient).max()
    after = float(content_cost(a_C, network(covered - step * gradient)[layer]))
    print(f"at most {largest:4} gray levels: ", end="")
    print(f"promised {-step * np.sum(gradient**2):9.4f}, found {after - before:9.4f}")

# %% [markdown]
# ## 5 · Redraw the photograph from one layer
#
# Now the question of a figure in the paper (Gatys 2015, figure 1), which Mahendran & Vedaldi (2015)
# had asked before: *if the activation of one layer is all you have left of a photograph, what can
# you draw?* Begin with an empty canvas, and
# follow the gradient until G answers as C does. What the layer has kept of C must come back. What
# it has let go cannot.
#
# One choice decides whether we shall *see* that. Whatever the layer does not notice stays as it was
# in the beginning, or as the way down happened to leave it. If we begin with white noise and move
# pixel by pixel, all that is free stays noise, and drowns the drawing. So we use a trick of
# notebook 1 and let the unknowns be **frequencies** instead of pixels: a picture is a sum of waves,
# long ones for broad areas and short ones for fine detail, and the numbers that we move say how
# much there is of each. Long waves, and the colors that go together in photographs, are made easy
# to move. What the layer leaves free then stays smooth and calm.

# %% tags=["hide-input"]
# @title Drawing with waves
frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
ease = np.float32(1 / np.maximum(frequency, 1 / max(height, width)))  # the longer, the easier
# One column each: how much red, green and blue belong to light, to red–blue, to purple–green.
hues = np.float32([[0.77, 0.27, 0.06], [0.80, 0, -0.15], [0.80, -0.27, 0.09]])


def from_waves(v):
    """A picture in 0–255 from the heights of its waves, (2, 3, height, width // 2 + 1)."""
    waves = tf.signal.irfft2d(tf.complex(v[0] * ease, v[1] * ease), [height, width])
    return 255 * tf.sigmoid(tf.transpose(waves, [1, 2, 0]) @ hues.T)


def nearly_nothing(seed):
    """Waves so faint that the picture is gray to the eye."""
    random = np.random.default_rng(seed)
    return random.normal(0, 0.02, (2, 3, *frequency.shape)).astype("float32")


# %% [markdown]
# The way down is **L-BFGS**, as in the paper. It remembers its last steps and guesses from them how
# the cost curves, so that it can take longer and better aimed steps than the bare gradient would
# allow. When a step turns out too long, it tries a shorter one. SciPy has it ready; all it wants is
# a function from one long list of numbers to the cost and its gradient. (Notebook 4 compares it
# with Adam.)

# %%
from scipy.optimize import minimize


def descend(J, start):
    """(where J is low, J at each try), on the way down from `start`."""
    history = []

    @tf.function(autograph=False)  # compiled once; there are no loops in it to translate
    def value_and_gradient(v):
        with tf.GradientTape() as tape:
            tape.watch(v)
            value = J(v)
        return value, tape.gradient(value, v)

    def ask(numbers):
        value, gradient = value_and_gradient(tf.constant(numbers.reshape(start.shape), tf.float32))
        history.append(float(value))
        return history[-1], np.float64(gradient).ravel()

    options = {"maxiter": STEPS, "maxfun": STEPS, "ftol": 0, "gtol": 0, "maxcor": 20}
    found = minimize(ask, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.float32(found.x.reshape(start.shape)), history


# %% [markdown]
# Then redrawing takes three lines: we compute the target once, write down the cost of a canvas and
# descend, and turn the numbers at the end of the way into a picture.


# %%
def redraw(layer, start, canvas=from_waves):
    """The photograph as this layer remembers it, and the relative cost on the way."""
    a_C = activations_C[layer]
    end, history = descend(lambda v: relative_cost(a_C, network(canvas(v))[layer]), start)
    return canvas(end).numpy(), history


# %% [markdown]
# **Before you look:** for each block, will you recognize the cat? The color of its fur? Its
# whiskers? Write it down, from block 1 to block 5.

# %%
drawn, histories = {}, {}
for layer in network.layers:
    drawn[layer], histories[layer] = redraw(layer, nearly_nothing(seed=1))

# %% tags=["hide-input"]
# @title What each block has kept
blocks = network.style_layers
plots.pictures(
    [C, *(drawn[layer] for layer in blocks)],
    ["C", *blocks],
    columns=2,
    height=3.2,
    alt="The photograph, and the photograph redrawn from the first layer of each block: faithful "
    "up to block 3, with invented strokes in block 4, in block 5 eyes and fur out of shape.",
)

# %% [markdown]
# <details><summary>What is to be seen</summary>
#
# Blocks 1 to 3 give the photograph back, almost hair by hair. In block 4 the face is all there and
# each part is in its place, but look closely at a pupil or at the fur of the forehead: its strokes
# are invented, as a painter would who remembers the cat well. In block 5 places and shapes have
# become uncertain: there are eyes, fur and the edge of a head, in colors and strokes that belong to
# no photograph.
#
# </details>
#
# ### Is it free, or is it not finished?
#
# That is the question to ask of every such figure. A drawing that has not yet arrived looks much
# like one whose layer does not care. So look at the cost first:

# %% tags=["hide-input"]
# @title How the cost falls
plots.curves(
    histories,
    xlabel="try",
    ylabel="relative content cost",
    alt="The relative content cost of each layer's drawing, falling over the steps; the next cell "
    "says how far each of them comes.",
)

# %% tags=["hide-input"]
# @title How near they come
ends = ", ".join(f"{min(history):.2%} in {layer}" for layer, history in histories.items())
Markdown(
    f"After {STEPS} steps the relative cost that is left is {ends}; a network that answers with "
    "nothing but zeros would leave it whole. The cost is a square: of the length of the activation "
    f"the error is still {max(map(min, histories.values())) ** 0.5:.0%} where the cost is largest, "
    f"and {min(map(min, histories.values())) ** 0.5:.0%} where it is smallest. So the drawings are "
    "near and have not quite arrived: some of what still differs from C would go with more steps, "
    "and the rest is what the layer leaves free."
)

# %% [markdown]
# The second test is sharper: **draw the same activation again, from another beginning.** What the
# layer has fixed must come out the same. Whatever differs between two drawings of equally low cost
# was never fixed. We do it for the content layer, once from other faint waves, and once from white
# noise with the pixels as unknowns:

# %%
layer = network.content_layer
noise = np.random.default_rng(0).normal(0, 1, C.shape).astype("float32")
again, history_again = redraw(layer, nearly_nothing(seed=2))
by_pixel, history_by_pixel = redraw(layer, noise, canvas=lambda v: 255 * tf.sigmoid(v))

# %% tags=["hide-input"]
# @title Three drawings of one layer
plots.pictures(
    [drawn[layer], again, by_pixel],
    [
        f"waves: cost {min(histories[layer]):.4f}",
        f"other waves: {min(history_again):.4f}",
        f"pixels, from noise: {min(history_by_pixel):.4f}",
    ],
    height=2.6,
    alt=f"Three drawings from {layer}: two calm ones that differ in the pupils and the hairs, one "
    "full of colored grain; the cat is in the same place in all three.",
)


# %% tags=["hide-input"]
# @title How much they differ
def apart(one, other):
    return f"{np.sqrt(np.mean((one - other) ** 2)):.0f}"


Markdown(
    f"Three drawings of one activation. The two from waves are {apart(drawn[layer], again)} gray "
    f"levels apart, the one from noise is {apart(by_pixel, drawn[layer])} away from the first, and "
    f"they are {apart(drawn[layer], C)}, {apart(again, C)} and {apart(by_pixel, C)} away from the "
    f"photograph, while for {layer} the cost of each is "
    f"{max(map(min, (histories[layer], history_again, history_by_pixel))):.1%} at most. The eyes, "
    "the nose and the stripes are in the same places each time: they are fixed. How a pupil is "
    "drawn, the single hairs, and in the third drawing even the colors and all the grain, are not. "
    "(The natural colors of the first two are lent by the waves, which make such colors easy; the "
    "layer alone would not insist on them.) **That is the room in which style will paint.**"
)

# %% [markdown]
# ## 6 · Any noise, and the right noise
#
# Something should make you wonder. Notebook 1 speckled the photograph with noise of 20 gray levels,
# and the deep layers were far from indifferent. Yet the drawing that began with noise is much
# farther off than that, on average over the pixels, and the layer hardly notices. Both are true,
# because the layer is blind in *some* directions only, and random noise has a bit of every
# direction. (All pixels of a picture are one long list of numbers; a direction is a way to change
# them all together.)
#
# So let us look for the right noise: as strong as the random one, but chosen so that the layer
# notices it as little as possible. To hold the strength, we divide the noise by its own and
# multiply it by the one that we want:

# %%
STRENGTH = 20  # gray levels, root mean square


def with_noise(n):
    """The photograph with noise of that strength, whatever the strength of n."""
    return tf.clip_by_value(C + STRENGTH * n / tf.sqrt(tf.reduce_mean(n**2)), 0, 255)


# %% [markdown]
# **Before you run it:** by how much can the noise become less noticeable for the content layer if
# it may choose its pattern, but not its strength? A half, a tenth, a hundredth?


# %%
def noticed(layer):
    """(noise, relative cost) of random noise, and of the one that the layer notices least."""
    a_C = activations_C[layer]
    chosen, history = descend(lambda n: relative_cost(a_C, network(with_noise(n))[layer]), noise)
    return chosen, history[0], min(history)


asked = (network.style_layers[1], network.content_layer, network.style_layers[-1])
hidden = {layer: noticed(layer) for layer in asked}

# %% tags=["hide-input"]
# @title Two kinds of noise
layer = network.content_layer
chosen, random_cost, chosen_cost = hidden[layer]
strengths = [apart(with_noise(n).numpy(), C) for n in (noise, chosen)]
plots.pictures(
    [with_noise(noise).numpy(), with_noise(chosen).numpy()],
    [
        f"random, {strengths[0]} gray levels: cost {random_cost:.3f}",
        f"chosen, {strengths[1]} gray levels: cost {chosen_cost:.4f}",
    ],
    height=3.2,
    alt="The cat under random noise, and under noise of the same strength that the layer hardly "
    "notices: a fine weave of color.",
)

# %% tags=["hide-input"]
# @title What the layer says of them
lines = "\n".join(
    f"| {layer} | {random_cost:.3f} | {chosen_cost:.4f} | {random_cost / chosen_cost:.0f} |"
    for layer, (_, random_cost, chosen_cost) in hidden.items()
)
Markdown(
    "To your eye the second is grainy too, if in a finer and more regular weave. To the layer the "
    "two are worlds apart:\n\n"
    "| layer | random noise | chosen noise | times less |\n|---|---:|---:|---:|\n" + lines
)

# %% [markdown]
# So "the layer does not care about fine grain" would be wrong: it cares about nearly any grain, and
# hardly at all about some. Keep that in mind when a drawing from pixels is speckled: the speckle is
# of the chosen kind. It is also why a picture that is painted by gradient descent may have a grain
# that nobody ordered, and why notebook 4 adds a term against it.
#
# ## 7 · Which layer for the content?
#
# You have the reasons together. Block 1 fixes nearly every pixel: G could only be the photograph
# again, and style would find nothing to change. In block 5 places and shapes have become uncertain,
# even if more steps might bring some of them back. In between, a layer fixes what is where, and
# leaves free how it is painted. Gatys takes `block4_conv2`, in the fourth of five blocks, and shows
# what happens otherwise (2016, figure 5). We can do the same, with the whole method at once;
# notebooks 3 and 4 build the parts that we borrow here. Our network does not read `block2_conv2` so
# far, so we load it once more, with this layer besides.
#
# **Before you look:** what will the painting be like if content is measured in block 2 already?

# %%
from helpers.transfer import Transfer

S = images.load("stained_glass", SIZE)
both = vgg.load(network.name, [*network.style_layers, "block2_conv2", network.content_layer])
painted, styles = {}, {}
for layer in ("block2_conv2", network.content_layer):
    run = Transfer(C, S, both, content_layer=layer)
    run.run(STEPS)
    painted[layer], styles[layer] = run.picture, run.costs()["style"]

# %% tags=["hide-input"]
# @title The content from two layers
plots.pictures(
    [C, S, *painted.values()],
    ["C", "S", *(f"content from {layer}" for layer in painted)],
    columns=2,
    height=3.0,
    alt="The cat, the painting, and the cat in its style twice: with content from block 2 the "
    "photograph's lines under a net of color, with content from block 4 a face built of panes.",
)

# %% tags=["hide-input"]
# @title What changes with the layer
low, high = styles.values()
Markdown(
    "With content from block 2, every line of the photograph is still where it was, and the style "
    "lies over it like a colored net. With content from block 4, lines may bend and "
    "hairs may go: the face itself is built of the painter's shapes. The style cost says the same "
    f"(0 would be the painting's own style): {low:.3f} with content from block 2, and {high:.3f} "
    f"with content from {layer}. A shallow content layer holds on to what the style would have to "
    "replace."
)

# %% [markdown]
# ## What you have now
#
# - `content_cost`: the squared differences of one layer's activations, place by place. It does not
#   ask for the same thing, but for the same structures in the same places.
# - Its gradient: in the layer the difference itself, but for a constant; in the pixels a picture of
#   what to change.
# - A way to ask a layer what it knows: redraw, check the cost, redraw from another beginning. What
#   differs at equal cost is free.
# - The choice of the layer: deep enough to leave the painting free, not so deep that places go.
#
# Could you write it from an empty file? Close the notebook and try: a network that maps a picture
# to activations, the cost of two of them, the gradient of the cost with respect to the pixels, and
# a loop that follows it down. That is half of style transfer.
#
# **Next:** [3 · The Gram matrix and the style cost](03_gram_and_style_cost.ipynb) looks for a
# description of a picture that has forgotten every place.
