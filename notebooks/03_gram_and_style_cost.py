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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/03_gram_and_style_cost.ipynb)

# %% [markdown]
# # 3 · The Gram matrix and the style cost
#
# The content cost asked whether the same thing is in the same place. Style asks something else:
# *is it painted the same way*, whatever is to be seen and wherever it is? To answer that, we need a
# description of a picture that keeps its strokes, colors and textures, and forgets every place.
# In 2015 Gatys, Ecker and Bethge found one that fits into one matrix for each layer.
#
# **After this notebook you can**
# - write `unroll`, `gram_matrix`, `layer_style_cost` and `style_cost` from an empty cell;
# - say what an entry of a Gram matrix means, and show why it knows no "where";
# - say what this description of style ignores, and what it does not;
# - say what it gains by multiplying channels, and what simpler descriptions lose;
# - give each layer its say, and tell what it adds to a texture that grows out of noise.
#
# **Time:** 50 minutes to read and try. Computing takes a few minutes of them, on a CPU with `mini`
# or on a GPU with VGG-19.

# %% tags=["parameters"]
SIZE = None  # the longest side of the pictures, in pixels; None: 512 on a GPU, 160 on a CPU
STEPS = None  # steps of each texture; None: 300 on a GPU, 100 on a CPU
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
from IPython.display import Markdown
from matplotlib.patches import Rectangle
from scipy.optimize import minimize

from helpers import colors
from helpers.costs import content_cost  # written in notebook 2
from helpers.course import drawings, exercises, picker

SIZE, STEPS = SIZE or (512 if GPU else 160), STEPS or (300 if GPU else 100)


# %% [markdown]
# The last line of the setup names the network that makes every picture and every number below.
#
# This is the whole method, as in notebook 1. Today's part is lit: from the activations of two
# pictures, the painting S and the generated picture G, to one number, the style cost. Below the
# drawing is the painting that we shall work with.

# %%
drawings.method(lit=("gram", "style"))

# %%
S = images.load("starry_swirls", SIZE)
S = S[: S.shape[0] // 2 * 2, : S.shape[1] // 2 * 2]  # even sides, to be halved
alt = "A night of swirling strokes, blue and yellow."
plots.pictures([S], [f"S, {S.shape[1]} × {S.shape[0]} pixels"], height=3.6, alt=alt)

# %% [markdown]
# ## 1 · Unrolled: one row for each place
#
# A layer's activation is a block: $n_H$ rows of $n_W$ places (the *positions* of the notebooks
# before), and at each place one number for each of the $n_C$ channels. A channel is one feature
# detector; the number says how strongly it answers at that place, and after the relu it is never
# below zero.
#
# Style must not know the places. So the first step is to lay them all out in one long list, as
# rows of a matrix $F$: row $k$ is what all channels say at place $k$, and column $i$ is what
# channel $i$ says anywhere.

# %%
drawings.unrolled()

# %% [markdown]
# ### Exercise 1: unroll
#
# The places come row by row, as one reads: (0, 0), (0, 1), (0, 2), …, then (1, 0), and so on.


# %% tags=["exercise"]
def unroll(a):
    """(n_H, n_W, n_C) → (n_H·n_W, n_C): a row for each place, a column for each channel."""
    ...


# %% tags=["check"]
_ = exercises.check("unroll", unroll)

# %% [markdown]
# <details><summary>Hint</summary>
#
# In memory the numbers of `a` already lie in the order that we want; only the shape is to be
# another. One function of TensorFlow gives an array a new shape. Beware: a shape with $n_C$ *first*
# is accepted too, and mixes places with channels without a word.
#
# </details>
#
# The next cell is folded. It holds a solution, and puts it in the place of your function as long as
# yours is not right yet, so that the rest of the notebook runs in any case.

# %% tags=["export", "hide-input"]
# @title A solution of exercise 1 (open it when you have tried)
mine = unroll


def unroll(a):
    n_H, n_W, n_C = a.shape
    return tf.reshape(a, [n_H * n_W, n_C])


unroll = exercises.settled("unroll", mine, unroll)

# %% [markdown]
# ## 2 · The Gram matrix, by hand
#
# Let us begin small, with three places and two channels:
#
# $$F = \begin{pmatrix} 1 & 0 \\ 2 & 1 \\ 0 & 3 \end{pmatrix}$$
#
# For two channels $i$ and $j$ we ask: do they answer *at the same places*? Multiply them place by
# place, since a product is large only where both are, and add up over all places $k$ (Gatys 2016,
# equation 3):
#
# $$\mathrm{Gram}_{ij} = \sum_k F_{ki} F_{kj}$$
#
# That is one number for each pair of channels, together a matrix of $n_C × n_C$: the **Gram
# matrix** of $F$. (The paper calls it $G$. In this course $G$ is the generated picture and nothing
# else.)
#
# **On paper, before you go on:** work out the four entries for the $F$ above.
#
# <details><summary>What you should have</summary>
#
# The first channel with itself: $1·1 + 2·2 + 0·0 = 5$. The second with itself: $0 + 1 + 9 = 10$.
# One with the other, in either order: $1·0 + 2·1 + 0·3 = 2$, for only at the second place do both
# of them answer.
#
# </details>

# %%
F = np.float32([[1, 0], [2, 1], [0, 3]])
by_loops = np.zeros((2, 2), "float32")
for i in range(2):
    for j in range(2):
        for k in range(3):
            by_loops[i, j] += F[k, i] * F[k, j]

# %% [markdown]
# Three loops say what is meant, and they would take minutes for one layer of VGG. "Columns times
# columns, added up over the rows" is also something that linear algebra has a short word for, and
# that one line of TensorFlow does in a millisecond.
#
# ### Exercise 2: the Gram matrix


# %% tags=["exercise"]
def gram_matrix(a):
    """(n_H, n_W, n_C) → (n_C, n_C): for each pair of channels the sum of their products."""
    ...


# %% tags=["check"]
_ = exercises.check("gram_matrix", gram_matrix)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Unroll first. Then look at the shapes: from two matrices with $n_H n_W$ rows and $n_C$ columns a
# matrix of $n_C × n_C$ is to come, so the places must be the axis that the product sums over.
# `tf.matmul` can transpose what it is given.
#
# </details>

# %% tags=["export", "hide-input"]
# @title A solution of exercise 2 (open it when you have tried)
mine = gram_matrix


def gram_matrix(a):
    F = unroll(a)
    return tf.matmul(F, F, transpose_a=True)


gram_matrix = exercises.settled("gram_matrix", mine, gram_matrix)

# %%
by_product = gram_matrix(tf.reshape(F, [3, 1, 2]))  # three rows of one place each
print(by_product.numpy())
print("largest difference from the loops:", np.abs(by_loops - by_product).max())

# %% [markdown]
# And for a real layer of the painting:

# %%
layer = network.style_layers[1]
a_S = network(S)[layer]
gram_S = gram_matrix(a_S).numpy()
print(f"{layer}: activation {tuple(a_S.shape)} → Gram matrix {gram_S.shape}")
print("the same above and below the diagonal:", np.allclose(gram_S, gram_S.T, rtol=1e-4))

# %% [markdown]
# Whatever the size of the picture, the matrix is $n_C × n_C$, and it is symmetric: $i$ together
# with $j$ is $j$ together with $i$.
#
# ## 3 · What the entries say
#
# On the diagonal stands how *loud* a channel is: the sum of its own squares. Beside the diagonal
# stands how much two channels answer *together*. But two loud channels have a large product
# anyway. To see who belongs to whom we divide by the root of both loudnesses; the result is the
# cosine of the angle between two columns of $F$:
#
# $$\cos_{ij} = \frac{\mathrm{Gram}_{ij}}{\sqrt{\mathrm{Gram}_{ii} \, \mathrm{Gram}_{jj}}}$$
#
# It is 1 for channels that always answer in proportion, and 0 for two that never answer at the same
# place. What would it be for two channels that *have nothing to do with each other*? Not 0: as no
# activation is negative, products of unrelated channels add up as well. We find out by shuffling
# each channel's places on its own, which keeps its values and breaks every bond.
#
# The figure shows the 24 loudest channels. Look for this: on the right there are only stripes, for
# a channel that answers nearly everywhere has a larger cosine with *all* others than one that
# rarely answers. On the left single pairs stand out of the stripes, some brighter than by chance
# and some darker.

# %%
loud = np.argsort(-np.diag(gram_S))[:24]  # the channels, loudest first


def cosines(gram):
    lengths = np.sqrt(np.diag(gram))
    return gram / np.outer(lengths, lengths)


places = unroll(a_S).numpy()[:, loud]
by_chance = np.random.default_rng(0).permuted(places, axis=0)  # each column on its own
real, chance = cosines(places.T @ places), cosines(by_chance.T @ by_chance)

# %% tags=["hide-input"]
# @title The figure
figure = plots.AltFigure(8.6, 4.2, alt="Cosines of 24 channels, in the painting and by chance.")
for n, (values, title) in enumerate([(real, "in the painting"), (chance, "by chance")]):
    axes = figure.add_subplot(1, 2, n + 1)
    shown = axes.imshow(values, cmap="viridis", vmin=0, vmax=1)
    axes.set_title(f"{title}, {layer}", fontsize=10)
    axes.set_xlabel("channel, loudest first")
    axes.set_ylabel("channel, loudest first")
figure.colorbar(shown, ax=figure.axes, label="cosine", shrink=0.8)
figure

# %%
off = ~np.eye(len(loud), dtype=bool)
Markdown(
    f"By chance two of these channels have a cosine of **{chance[off].mean():.2f}** on average. In "
    f"the painting it goes from **{real[off].min():.2f}** to **{real[off].max():.2f}**. So it is "
    "not a large cosine that says something, but one that is larger, or smaller, than by chance."
)

# %% [markdown]
# ### Two channels, and the places that make their number
#
# Every entry can be taken apart into places. For the pair that is most together, the figure shows
# both maps, their product, whose sum is the entry, and the six places of the painting that give
# most to that sum. Each of the three maps has a scale of its own. The white frame is the window
# that one value of this layer sees.

# %% tags=["hide-input"]
# @title The largest places of a map, and the pixels that such a place sees
SEEN = network(S)


def best_places(product, apart, count=6):
    """The largest places of a map, each at least `apart` from the others."""
    left, found = np.array(product), []
    for _ in range(count):
        y, x = np.unravel_index(left.argmax(), left.shape)
        found.append((y, x))
        left[max(0, y - apart) : y + apart + 1, max(0, x - apart) : x + apart + 1] = -1
    return found


def window(y, x, row):
    """The painting around one place of a layer, and where in it the pixels are that it sees."""
    field, side = row.receptive_field, max(row.receptive_field, min(S.shape[:2]) // 4)
    padded = np.pad(S, [(side, side), (side, side), (0, 0)], mode="edge")
    top, left = (int((n + 0.5) * row.stride + side / 2) for n in (y, x))
    return padded[top : top + side, left : left + side], (side - field) / 2, field


# %% tags=["hide-input"]
# @title What the largest places of the product see
def show_places(figure, product, row):
    apart = max(1, row.receptive_field // row.stride // 3)
    for n, (y, x) in enumerate(best_places(product, apart)):
        patch, corner, field = window(y, x, row)
        axes = figure.add_subplot(1, 6, n + 1)
        axes.imshow(patch / 255, interpolation="bicubic")
        axes.add_patch(Rectangle([corner - 0.5] * 2, field, field, fill=False, color="white"))
        axes.set_axis_off()
    figure.suptitle("the places that give most to the sum, and what they see", fontsize=10)


# %% tags=["hide-input"]
# @title explore(layer, i, j): i and j count the channels from the loudest
def explore(layer, i, j):
    a, row = np.asarray(SEEN[layer]), network.layers[layer]
    order = np.argsort(-(a**2).sum((0, 1)))
    one, two = a[..., order[i - 1]], a[..., order[j - 1]]
    entry = float((one * two).sum())
    cosine = entry / max(float(np.sqrt((one**2).sum() * (two**2).sum())), 1e-9)
    titles = [f"channel {order[i - 1]}", f"channel {order[j - 1]}", "product, place by place"]
    alt = f"Maps of two channels of {layer}, their product, and the places that give most to it."
    figure = plots.AltFigure(9.6, 4.9, alt=alt)
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.75, 1])
    for n, (values, title) in enumerate(zip([one, two, one * two], titles, strict=True)):
        axes = upper.add_subplot(1, 3, n + 1)
        axes.imshow(values, cmap="magma", vmin=0, interpolation="bicubic")
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    upper.suptitle(f"{layer}: the sum of the product is {entry:.3g}, the cosine {cosine:.2f}")
    show_places(lower, one * two, row)
    return figure


# %%
together = np.unravel_index(np.argmax(real * off), real.shape)
explore(layer, together[0] + 1, together[1] + 1)

# %% [markdown]
# Where the one map is bright, the other mostly is too. What the six frames have in common is what
# this entry of the matrix says about the painting.
#
# **Before you go on:** now the pair with the *smallest* cosine. What will its product look like?
#
# <details><summary>What to look for</summary>
#
# Both maps may be bright, even along the same strokes, and yet the product is dark almost
# everywhere: where the one answers, the other is silent. They take opposite sides of an edge, for
# instance, or different colors. The Gram matrix knows that as well: a small number is a statement,
# too.
#
# </details>

# %%
apart = np.unravel_index(np.argmin(real + ~off), real.shape)
explore(layer, apart[0] + 1, apart[1] + 1)

# %% [markdown]
# Try pairs of your own; $i$ and $j$ count the channels from the loudest. (The dropdowns need a
# running notebook. Elsewhere one pair stands in their place.) Take a deep layer, and the windows
# become whole swirls. You may also meet a channel that answers along the border of the picture and
# nowhere else: section 9 tells what that is about.

# %%
ranks = range(1, 17)
picker.dropdowns(
    explore,
    layer=network.style_layers[2:] + network.style_layers[:2],
    i=[3, 1, 2, *ranks[3:]],
    j=[4, 1, 2, 3, *ranks[4:]],
)

# %% [markdown]
# *These two answer together, those two never do.* A Gram matrix is thousands of such statements
# about a painting, and not one of them says where.
#
# ## 4 · No "where"
#
# **Before you run it:** we shuffle the rows of $F$, that is, the places, all channels alike. Which
# of the two notices, the Gram matrix or the content cost of notebook 2?
#
# <details><summary>Think first, then open</summary>
#
# The Gram matrix sums over all places, and a sum does not care about the order: only rounding is
# left. The content cost compares place by place, and finds everything gone.
#
# </details>

# %%
F = unroll(a_S)
shuffled = tf.gather(F, np.random.default_rng(0).permutation(F.shape[0]))
a_shuffled = tf.reshape(shuffled, a_S.shape)

# %%
change = np.abs(gram_matrix(a_shuffled) - gram_S).max() / gram_S.max()
lost = float(content_cost(a_S, a_shuffled) / content_cost(a_S, 0 * a_S))
print(f"the Gram matrix changes by {change:.0e} of its largest entry;")
print(f"the content cost is {lost:.2f} of what it would be if the layer were silent")

# %% [markdown]
# That was the activation. If we cut up and shuffle the *picture*, every cut makes edges that were
# not in the painting. To measure what that does we need a cost, and for the cost one thing more.
#
# ## 5 · The style cost of one layer
#
# **Pictures of different sizes.** With twice as many places the sums are twice as large: the Gram
# matrix grows with the picture. The mean over the places does not. So we divide by $n_H n_W$ and
# call the result $A$:
#
# $$A = \frac{1}{n_H n_W} \mathrm{Gram}$$


# %% tags=["export"]
def mean_gram_matrix(a):
    """The Gram matrix divided by the number of places, n_H·n_W."""
    n_H, n_W, _ = a.shape
    return gram_matrix(a) / (n_H * n_W)


# %%
a_half = network(S[:, : S.shape[1] // 2])[layer]
for name, gram in (("Gram matrix", gram_matrix), ("mean Gram matrix", mean_gram_matrix)):
    ratio = np.trace(gram(a_half)) / np.trace(gram(a_S))
    print(f"{name}: the left half has {ratio:.2f} of the whole painting's diagonal")

# %% [markdown]
# **The distance.** Two pictures S and G have the style in common, as far as this layer can tell, if
# $A_S$ and $A_G$ are equal. So the cost is the squared difference, entry by entry (Gatys 2016,
# equation 4):
#
# $$J_{style}^l(S, G) = \frac{1}{4 n_C^2} \sum_{i,j} \left(A_S - A_G\right)_{ij}^2$$
#
# (In the paper $\frac{1}{4 n_C^2 (n_H n_W)^2}$ stands before the sum, and undivided Gram matrices
# stand in it: the same number, if both pictures have one size. $\frac{1}{n_C^2}$ makes a mean of
# the sum over the entries, and the ¼ is a convention.)
#
# ### Exercise 3: the style cost of one layer


# %% tags=["exercise"]
def layer_style_cost(a_S, a_G):
    """J_style^l(S, G) from the activations of one layer; the pictures' sizes may differ."""
    ...


# %% tags=["check"]
_ = exercises.check("layer_style_cost", layer_style_cost)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `mean_gram_matrix` does most of it, and makes the sizes equal. How many channels there are is the
# last number of `a_S.shape`. Keep to TensorFlow's functions: we shall need the gradient.
#
# </details>

# %% tags=["export", "hide-input"]
# @title A solution of exercise 3 (open it when you have tried)
mine = layer_style_cost


def layer_style_cost(a_S, a_G):
    n_C = a_S.shape[-1]
    A_S, A_G = mean_gram_matrix(a_S), mean_gram_matrix(a_G)
    return tf.reduce_sum((A_S - A_G) ** 2) / (4 * n_C**2)


layer_style_cost = exercises.settled("layer_style_cost", mine, layer_style_cost)

# %%
C = images.load("cat", SIZE)
a_C = network(C)[layer]
for name, other in {"itself": a_S, "a cat": a_C, "silence": 0 * a_S}.items():
    print(f"cost of S against {name:8}: {float(layer_style_cost(a_S, other)):.4g}")

# %% [markdown]
# A number like this has no unit. *Silence*, a layer in which no channel answers at all, gives it
# one: divided by the cost of silence, 0 is "the same style" and 1 is "as far as if there were
# nothing". (Notebook 2 did so with the content cost, and spoke of a blind network.) Several
# distances of this kind are used in the course, so here they are side by side:
#
# | name | what | divided by | where |
# | --- | --- | --- | --- |
# | `content_cost` | $\sum (a_C - a_G)^2$ | $4 n_H n_W n_C$ | notebook 2; in formulas |
# | `layer_style_cost` | $\sum (A_S - A_G)^2$ | $4 n_C^2$ | this notebook; in formulas |
# | **relative** cost | either of them | the same cost of silence | tables; the package |
# | % of another photo | $\lVert a_1 - a_2 \rVert$ | the same for another photo | notebook 1 |
# | **distance** | $\sum (A_1 - A_2)^2$ | $\sum A_1^2 + \sum A_2^2$ | once, between paintings |


# %%
def relative(a_S, a_G):
    """The style cost of a layer, in units of what silence costs."""
    return float(layer_style_cost(a_S, a_G) / layer_style_cost(a_S, 0 * a_S))


# %% [markdown]
# ### What style ignores, and what it does not
#
# **Before you go on:** here are nine relatives of the painting. Which of them has the same style
# for the network, and which is farthest from it? Write down an order.

# %% tags=["hide-input"]
# @title The relatives
h, w = S.shape[:2]
rng = np.random.default_rng(0)


def shuffle_tiles(picture, side):
    rows, columns = (n // side for n in picture.shape[:2])
    tiles = picture[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    tiles = rng.permutation(tiles.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3))
    tiles = tiles.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(rows * side, columns * side, 3)


small = images.resize(S, h // 2, w // 2)
relatives = {
    "mirrored": S[:, ::-1],
    "turned by 90°": np.rot90(S),
    "tiles of ¼, shuffled": shuffle_tiles(S, max(16, h // 4)),
    "tiles of 8 pixels, shuffled": shuffle_tiles(S, 8),
    "pixels, shuffled": shuffle_tiles(S, 1),
    "half as large, four times": np.concatenate([np.concatenate([small] * 2)] * 2, axis=1),
    "the middle, twice as large": images.resize(S[h // 4 : -h // 4, w // 4 : -w // 4], h, w),
    "gray": colors.luminance(S),
    "another painting": images.load("night_cafe", SIZE),
}

# %%
alt = "The painting mirrored, turned, cut, doubled, enlarged, gray, and another painting."
plots.pictures(relatives.values(), list(relatives), columns=3, height=2.3, alt=alt)

# %%
seen = [network(np.ascontiguousarray(picture)) for picture in relatives.values()]
table = np.array([[relative(SEEN[n], a[n]) for n in network.style_layers] for a in seen])
alt = f"Relative style cost of each relative in each layer, from {table.min():.2f} to "
alt += f"{table.max():.2f}; the next cell names their order."
plots.heat(table, list(relatives), network.style_layers, label="relative style cost", alt=alt)

# %%
means = dict(zip(relatives, table.mean(axis=1), strict=True))
order = sorted(means, key=means.get)
Markdown(
    "From nearest to farthest, by the mean over the five layers: "
    + ", ".join(f"{name} ({means[name]:.2f})" for name in order)
    + "."
)

# %% [markdown]
# What follows from the table:
#
# - **Where** a thing is does not count, but every cut does. To a layer whose window is small beside
#   a tile, large tiles may change their places: nearly all that it sees still lies inside one of
#   them. The deeper the layer and the smaller the tile, the more windows hold a cut, and then the
#   cuts become part of the style.
# - **The palette alone** is not the style: shuffled pixels have exactly the same colors. The first
#   layer is the most lenient with them; those behind it ask for strokes, and find none.
# - **Mirrored** is almost the same, **turned** on its side is not. What counts is the direction of
#   the strokes. To judge by the numbers, about as many of this painting's rise to the right as to
#   the left, so its mirror image has them too; but on its side, what lay stands upright. A hatching
#   along one diagonal is far from its mirror image, and, turned by half a turn, the same again.
#   Which way is *up* hardly counts: this painting upside down is much nearer to itself than on its
#   side.
# - **Scale** counts. A stroke that is half as wide is another stroke: see the painting *half as
#   large*, of which nothing is cut away. (The *middle* is larger, and another piece of the painting
#   as well.) That is why the size of the style picture is a knob of its own, and why results change
#   with the size.
# - **Color** counts. Style in this sense is the palette, too, and a gray copy of the painting is a
#   picture in another style.
#
# ### How far apart are paintings?
#
# We cut each painting of the gallery in two. Is a left half nearer to its own right half than to
# any other? Neither half is the target here, so this is the one place for the symmetric distance of
# the table above. We measure it in the third style layer: it is deep enough to know strokes, and
# its window is still small beside half a painting.

# %%
names = [n for n, place in images.gallery("style").items() if "http" not in str(place)]
paintings = [images.load(name, SIZE) for name in names]
plots.pictures(paintings, names, columns=4, height=2.0, alt=f"The paintings {', '.join(names)}.")


# %%
def distance(a, b):
    A, B = mean_gram_matrix(a), mean_gram_matrix(b)
    return float(tf.reduce_sum((A - B) ** 2) / tf.reduce_sum(A**2 + B**2))


# %%
middle = [p.shape[1] // 2 for p in paintings]
deep = network.style_layers[min(2, len(network.style_layers) - 1)]
left = [network(p[:, :m])[deep] for p, m in zip(paintings, middle, strict=True)]
right = [network(p[:, m:])[deep] for p, m in zip(paintings, middle, strict=True)]
far = np.array([[distance(a, b) for b in right] for a in left])

# %%
alt = "Distances of left halves (rows) to right halves (columns); on the diagonal the own half."
halves = {"xlabel": "right half of", "ylabel": "left half of"}
plots.heat(far, names, names, label=f"distance in {deep}", alt=alt, **halves)

# %% tags=["hide-input"]
# @title Which halves find each other
own = np.arange(len(names))
by_left, by_right = far.argmin(axis=1) == own, far.argmin(axis=0) == own
pairs = np.where(np.eye(len(names), dtype=bool), np.inf, far)
i, j = np.unravel_index(pairs.argmin(), far.shape)
Markdown(
    f"Of the {len(names)} left halves **{by_left.sum()}** are nearest to their own right half "
    f"(each row's smallest number lies on the diagonal); of the right halves **{by_right.sum()}** "
    "are nearest to their own left half (the same for columns). The hardest painting is "
    f"`{names[np.diag(far).argmax()]}`, whose halves are {np.diag(far).max():.2f} apart. Of "
    f"different paintings `{names[i]}` and `{names[j]}` come closest, with {far[i, j]:.2f}."
)

# %% [markdown]
# No picture was labeled, nothing was trained for this, and no place was compared with another.
# Where a half does not find its other one, look at the painting: two halves of one picture can be
# painted differently, water here and paper there.
#
# ## 6 · Several layers, and the say that each of them has
#
# A stroke has a color, an edge, a curl and a rhythm. Layers of different depth see different ones
# of these, and so the style cost adds up several layers, each with a weight $λ_l$ (the paper's
# $w_l$, equation 5):
#
# $$J_{style}(S, G) = \sum_l λ_l \, J_{style}^l(S, G)$$
#
# Gatys takes `block1_conv1` to `block5_conv1`, and $λ_l = \frac15$ for each.
#
# ### Exercise 4: the style cost


# %% tags=["exercise"]
def style_cost(activations_S, activations_G, layer_weights):
    """J_style(S, G); activations are {layer: activation}, layer_weights {layer: λ_l}."""
    ...


# %% tags=["check"]
_ = exercises.check("style_cost", style_cost)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Go through the layers that have a weight; a network may hand you more than those. A loop is fine
# here: there are five layers, not thousands of places.
#
# </details>

# %% tags=["export", "hide-input"]
# @title A solution of exercise 4 (open it when you have tried)
mine = style_cost


def style_cost(activations_S, activations_G, layer_weights):
    J = 0.0
    for layer, weight in layer_weights.items():
        J += weight * layer_style_cost(activations_S[layer], activations_G[layer])
    return J


style_cost = exercises.settled("style_cost", mine, style_cost)

# %%
equal = dict.fromkeys(network.style_layers, 1 / len(network.style_layers))
activations_C = network(C)
for name, weight in equal.items():
    part = weight * float(layer_style_cost(SEEN[name], activations_C[name]))
    print(f"{name}: {part:12.4g}")
print(f"J_style:      {float(style_cost(SEEN, activations_C, equal)):12.4g}")

# %% [markdown]
# ### Equal weights are not an equal say
#
# The costs of the layers lie far apart, only because in some layers all numbers are larger. A
# cost grows with the *fourth* power of the activations: Gram multiplies two of them, and the
# square does so again. Three ways to weigh the layers:
#
# - **equal**: as they are, $λ_l = \frac15$;
# - **rescaled**: what Gatys did. He rescaled VGG until each channel's mean activation, over many
#   pictures, was 1, and only then took $\frac15$. (Here we do so for each layer as a whole, with
#   the painting's mean.)
# - **by silence**: $λ_l$ is $\frac15$ over the cost of silence in that layer, so each layer counts
#   in the unit of section 5. That is what the package calls `relative`.
#
# The figure shows what each layer then has of the style cost between the painting and the cat.


# %%
def weights_by(unit):
    """{layer: λ_l} in which each layer is divided by its unit."""
    return {name: 1 / (len(SEEN) * unit(a)) for name, a in SEEN.items() if name in equal}


rescaled = weights_by(lambda a: float(tf.reduce_mean(a)) ** 4)
balanced = weights_by(lambda a: float(layer_style_cost(a, 0 * a)))

# %%
ways = {"equal": equal, "rescaled": rescaled, "by silence": balanced}
costs_C = {name: float(layer_style_cost(SEEN[name], activations_C[name])) for name in equal}
parts = {way: np.array([w[name] * costs_C[name] for name in equal]) for way, w in ways.items()}
shares = {way: part / part.sum() for way, part in parts.items()}

# %% tags=["hide-input"]
# @title The figure
figure = plots.AltFigure(
    8.0, 3.4, alt="Each layer's share of the style cost, for three weightings."
)
axes = figure.add_subplot()
for n, (way, share) in enumerate(shares.items()):
    axes.bar(np.arange(len(share)) + 0.27 * (n - 1), share, 0.25, label=way, color=plots.COLORS[n])
axes.set_xticks(range(len(equal)), list(equal), fontsize=9)
axes.set_xlabel("layer")
axes.set_ylabel("share of J_style(S, C)")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, title="weights")
figure

# %%
loudest = list(equal)[int(shares["equal"].argmax())]
most = {way: f"{share.max():.0%}" for way, share in shares.items()}
Markdown(
    f"With equal weights `{loudest}` makes **{most['equal']}** of the style cost"
    + (": it has nearly the only word. " if shares["equal"].max() > 0.7 else ". ")
    + f"Rescaled, the largest share is {most['rescaled']}, and by silence {most['by silence']}."
)

# %% [markdown]
# So whoever takes a published $λ_l$, α or β into another network, or from Gatys' rescaled VGG into
# the one of Keras, takes a number without its unit. From here on we weigh by silence.
#
# ## 7 · Textures out of noise
#
# What a description has kept can be seen by building a picture from it and from nothing else. We
# begin with a faint noise, without any content, and change it until its style cost is small
# (Gatys et al., *Texture Synthesis Using Convolutional Neural Networks*, 2015).
#
# One thing needs care. If we begin with strong pixel noise, much of it will still be there at the
# end: what stays is noise of the kind that the layers hardly notice (notebook 2, section 6), so
# nothing tells it to go. And then one cannot tell "the layer leaves this free" from "we have not
# finished". So we do what notebook 1 did for the channels' favorite pictures: what we change are
# not pixels but **frequencies**, waves of all lengths that add up to the picture, long waves strong
# and short ones weak. The start is faint, broad shapes come first, and what is fine in the end is
# there because a Gram matrix asked for it. (A faint start has its price: the textures below tend to
# have dark corners and a bright middle. From a strong start they have not, and their cost becomes
# as low. So do not read that frame as something that the Gram matrices say.)

# %%
# How much red, green and blue belong to light, to red–blue and to purple–green (notebook 1).
COLORS = np.float32([[0.77, 0.27, 0.06], [0.80, 0, -0.15], [0.80, -0.27, 0.09]])
MEAN = np.float32(np.log(S.mean((0, 1)) / (255 - S.mean((0, 1)))))  # without waves: S's mean color


def paint(v):
    """Waves v (2, 3, height, width/2 + 1) → a picture (height, width, 3) in 0–255."""
    height, width = v.shape[2], 2 * v.shape[3] - 2
    length = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    strength = np.float32(np.sqrt(height * width / np.maximum(length, 1 / max(height, width))))
    waves = tf.signal.irfft2d(tf.complex(v[0] * strength, v[1] * strength), [height, width])
    return 255 * tf.sigmoid(tf.transpose(waves, [1, 2, 0]) @ COLORS.T + MEAN)


# %% [markdown]
# How to go downhill is the subject of notebook 4. In short: we ask for the cost of the picture and
# for its slope, which is the gradient, here with respect to the waves, and from these an optimizer
# makes the next picture. It is L-BFGS, as in notebook 2; Gatys used it too. The cost is the
# function that *you* have written.


# %%
def style_of(G, activations, weights):
    """How far the style of a picture is from these activations."""
    return style_cost(activations, network(G), weights)


def with_slope(cost):
    """cost(picture, …) → a compiled function of the waves, …: the cost and its gradient."""

    @tf.function
    def both(v, *given):
        with tf.GradientTape() as tape:
            tape.watch(v)
            J = cost(paint(v), *given)
        return J, tape.gradient(J, v)

    return both


# %%
def texture(both, *given, seed=0):
    """Faint noise in the shape of S, moved downhill; STEPS looks at the cost."""
    noise = np.random.default_rng(seed).normal(0, 0.01, (2, 3, h, w // 2 + 1))

    def at(x):
        J, slope = both(tf.constant(x.reshape(noise.shape), tf.float32), *given)
        return float(J), np.float64(slope).ravel()

    options = {"maxfun": STEPS, "ftol": 0, "gtol": 0}  # it ends when we say so
    found = minimize(at, noise.ravel(), jac=True, method="L-BFGS-B", options=options)
    return paint(tf.constant(found.x.reshape(noise.shape), tf.float32)).numpy()


# %%
style = with_slope(style_of)


def first(n):
    """The balanced weights of the first n style layers, and 0 for the others."""
    # As tensors, for with other plain numbers the function would be compiled anew.
    weights = [weight if i < n else 0.0 for i, weight in enumerate(balanced.values())]
    return dict(zip(balanced, tf.unstack(tf.constant(weights)), strict=True))


# %% [markdown]
# **Before you run it:** we grow the first texture from `block1_conv1` alone, and each of the others
# from one layer more (as in figure 1 of *A Neural Algorithm of Artistic Style*, 2015). What will
# the first bring back: the colors, the strokes, the swirls? What will each further layer add? Will
# there ever be a moon again?

# %%
depths = {f"up to {name}": first(n + 1) for n, name in enumerate(balanced)}
grown = {name: texture(style, SEEN, weights) for name, weights in depths.items()}

# %%
alt = "The painting, and five textures grown from noise with more and more layers."
plots.pictures([S, *grown.values()], ["S", *grown], columns=2, height=3.4, alt=alt)

# %% [markdown]
# **Block 1** brings back the palette, in flecks and clouds without a shape: its window of three
# pixels knows color and the finest contrast, and no stroke. With **block 2** the flecks get edges
# and a direction, with **block 3** they become strokes that lie side by side. **Blocks 4 and 5**
# see many times as much at once, and put strokes together to bands and curls. No layer was told
# what a stroke is.
#
# And the scene? Its parts may come back, a tree, a moon; but no sum over all places says where they
# belong. Are they near their old places all the same? How much of *where* there is can be measured:
# we blur S and each texture down to a few fields of color and correlate them. 1 means that the same
# colors are in the same places; by chance it is near 0.


# %%
def same_places(one, other):
    """Correlation of two pictures of one shape that are blurred to 6 × 8 fields of color."""
    one, other = (images.resize(p, 6, 8) for p in (one, other))
    one, other = (p - p.mean(axis=(0, 1)) for p in (one, other))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


# %%
for name, picture in grown.items():
    print(f"{name}: {same_places(S, picture):5.2f}")
print(f"S against S upside down: {same_places(S, S[::-1]):5.2f}")

# %% [markdown]
# One picture can come close by luck, so do not read much into single numbers. If the scene looks
# half familiar to you all the same, keep that in mind: section 9 repeats the measurement with other
# paintings, and says where a "where" can come from at all.
#
# ## 8 · Why products?
#
# Why not something simpler? If style is what remains when places are forgotten, then each channel's
# *mean* over all places would do as well: $n_C$ numbers instead of $n_C^2$. We compare four
# descriptions that know no "where":
#
# - the **means** of the channels;
# - **means and variances**, how much each channel varies around its mean (Li et al. 2017 show that
#   this alone makes good style transfer);
# - the **centered** Gram matrix, of what is left when the means are subtracted: which channels
#   *vary* together (statisticians call it the covariance);
# - the plain **Gram matrix**, ours.


# %%
def channel_means(a):
    return tf.reduce_mean(unroll(a), axis=0)


def means_and_variances(a):
    F = unroll(a)
    spread = tf.sqrt(tf.math.reduce_variance(F, axis=0) + 1e-2)  # a root has no slope at 0
    return tf.concat([tf.reduce_mean(F, axis=0), spread], axis=0)


def centered_gram(a):
    return mean_gram_matrix(a - tf.reduce_mean(a, axis=[0, 1]))


# %%
def of_description(describe):
    """The cost of a picture: how far it is from S, so described, each layer by its silence."""
    aims = {name: describe(SEEN[name]) for name in equal}
    unit = {name: tf.reduce_sum(aim**2) for name, aim in aims.items()}

    def cost(G):
        a = network(G)
        return sum(tf.reduce_sum((describe(a[n]) - aims[n]) ** 2) / unit[n] for n in aims)

    return cost


# %% [markdown]
# **Before you run it:** which of them can tell a red stroke with a dark edge from red strokes here
# and dark edges there?
#
# <details><summary>Think first, then open</summary>
#
# Within one layer, means cannot, and neither can variances: they look at one channel at a time.
# Only products of two channels say that two features belong to one stroke. The centered matrix has
# products, but it has lost the means, and with them how much of each feature there is at all.
#
# </details>

# %%
describing = {
    "means": channel_means,
    "means and variances": means_and_variances,
    "centered Gram matrix": centered_gram,
}
made = {name: texture(with_slope(of_description(d))) for name, d in describing.items()}
made["Gram matrix"] = list(grown.values())[-1]

# %%
alt = "Four textures of the painting's strokes, grown from: " + ", ".join(made) + "."
plots.pictures(made.values(), list(made), columns=2, height=3.4, alt=alt)

# %%
rows = {name: network(picture) for name, picture in made.items()}
reached = [[relative(SEEN[n], a[n]) for n in equal] for a in rows.values()]
alt = "Relative style cost that each description's texture reaches in each layer."
plots.heat(reached, list(rows), list(equal), label="relative style cost", alt=alt)

# %% tags=["hide-input"]
# @title How much the others miss
missed = dict(zip(rows, np.max(reached, axis=1), strict=True))
where = list(equal)[int(np.argmax(reached[0]))]
Markdown(
    "In the layer where it misses most, each description leaves of the Gram matrix's style cost: "
    + ", ".join(f"{name} **{cost:.2f}**" for name, cost in missed.items())
    + f". The channel means miss most in `{where}`. The centered matrix "
    + (
        "comes as close as the plain one: here the products without the means tell nearly all."
        if missed["centered Gram matrix"] < 1.5 * missed["Gram matrix"] + 0.01
        else "has the products and lacks the means, and that is what it misses."
    )
)

# %% [markdown]
# The table judges all four by the Gram matrix, so it is no wonder that this one does well; read it
# for *how much* the others miss, and in which layers. Is it less than you thought? A channel of a
# deep layer answers to several channels of the layers before it *together*, so its mean already
# speaks of their products. Only the deepest layer has none behind it that could do so. So for one
# layer alone products tell more than means, and for five layers together the difference is small.
# They cost little, too: one matrix product.
#
# ## 9 · How "where" comes in by the back door
#
# A Gram matrix knows no place. Yet the network does: beyond the border of the picture there is
# nothing to see, and VGG's convolutions put zeros there, all channels silent at once. Nothing
# inside a picture is like that, so a channel near the border can tell. Take a picture without a
# single mark, one gray from side to side: every place should give the same answer. The maps show
# whether it does: dark is "as in the middle of the picture", bright is "different from it".

# %%
a_gray = network(np.full_like(S, 128))
border = {}
for name in equal:
    a = a_gray[name].numpy()
    middle = a[a.shape[0] // 2, a.shape[1] // 2]
    border[name] = np.linalg.norm(a - middle, axis=-1) / max(np.linalg.norm(middle), 1e-9)

# %%
maps = np.stack(
    [images.resize(np.repeat(m[..., None], 3, -1), h, w)[..., 0] for m in border.values()], -1
)
alt = "Five maps of a gray picture: a bright rim that grows with depth, far into the picture."
plots.channels(
    maps, range(maps.shape[-1]), titles=list(border), columns=3, height=2.2, vmax=1, alt=alt
)

# %% [markdown]
# There is a bright rim, and it grows with depth: a place of a deep layer looks far, and so it can
# lie far from the border and still see it.


# %% [markdown]
# In the painting, some channels of the deeper layers live on this. Here is, for each layer, the one
# that has the largest share of its answer in the outermost places; the share stands beside it:

# %% tags=["hide-input"]
# @title The channel with the largest share in the outermost places
maps, titles = [], []
for name in equal:
    squares = SEEN[name].numpy() ** 2
    total = squares.sum((0, 1))
    share = 1 - squares[1:-1, 1:-1].sum((0, 1)) / np.maximum(total, 1e-9)
    share[total < np.median(total)] = 0  # not one that hardly ever answers
    maps.append(np.asarray(SEEN[name])[..., [share.argmax()]].repeat(3, axis=-1))
    titles.append(f"{name}, channel {share.argmax()}: {share.max():.0%}")
largest = [m / max(m.max(), 1e-9) * 255 for m in maps]
maps = np.stack([images.resize(m, h, w)[..., 0] for m in largest], -1)
alt = "Five maps of the painting, several of them bright along the border and dark inside."
plots.channels(maps, range(maps.shape[-1]), titles=titles, columns=3, height=2.2, alt=alt)


# %% tags=["hide-input"]
# @title How many places see over the border
def sees_border(name, height, width):
    """The share of a layer's places whose window reaches over the border of the picture."""
    row = network.layers[name]
    inside = 1.0
    for side in (height, width):
        centers = (np.arange(-(-side // row.stride)) + 0.5) * row.stride
        half = row.receptive_field / 2
        inside *= ((centers >= half) & (centers <= side - half)).mean()
    return 1 - inside


lines = [
    f"| layer | its window | at {w} × {h} pixels | at 1024 × 768 |",
    "| --- | --- | --- | --- |",
]
for name in equal:
    field = network.layers[name].receptive_field
    shares_seen = sees_border(name, h, w), sees_border(name, 768, 1024)
    lines.append(f"| {name} | {field} pixels | {shares_seen[0]:.0%} | {shares_seen[1]:.0%} |")
Markdown("Places that see over the border:\n\n" + "\n".join(lines))

# %% [markdown]
# So in a small picture a deep channel can mean "sky, *close to the upper border*", and a Gram
# matrix that pairs it with others can say where the sky belongs. The larger the picture, the weaker
# this is. (Some implementations pad with the picture's own rim instead, to get rid of it.)
#
# Does it show? We grow four more textures, from other paintings and with all layers. Keep in mind
# that each is one texture from one start, and that a faint start leaves dark corners of its own
# (section 7): what is found in its place here need not have come through the border.

# %%
more = "cubist_facets", "night_cafe", "stained_glass", "woodblock_wave"
# One shape for all, so that each texture can be compared with each painting.
others = {name: images.resize(paintings[names.index(name)], h, w) for name in more}
textures = {}
for name, painting in others.items():
    seen = network(painting)
    silence = {n: layer_style_cost(seen[n], 0 * seen[n]) for n in equal}
    weights = {n: 1 / (len(equal) * unit) for n, unit in silence.items()}
    textures[name] = texture(style, seen, weights)

# %%
alt = "Four paintings, and beside each the texture that was grown from its Gram matrices."
beside = [p for name in others for p in (others[name], textures[name])]
titles = [t for name in others for t in (name, "its texture")]
plots.pictures(beside, titles, columns=2, height=3.0, alt=alt)

# %% tags=["hide-input"]
# @title How much stays in its place
found = {name: same_places(others[name], textures[name]) for name in others}
found["starry_swirls"] = same_places(S, list(grown.values())[-1])
wrong = [same_places(others[a], textures[b]) for a in others for b in others if a != b]
mean = np.mean(list(found.values()))
Markdown(
    "Colors in the same places, texture against its own painting: "
    + ", ".join(f"`{name}` {value:.2f}" for name, value in found.items())
    + f"; **{mean:.2f}** on average. Against *other* paintings: {np.mean(wrong):.2f}. "
    + (
        "So at this size a good part of *where* comes back."
        if mean > np.mean(wrong) + 0.4
        else "So at this size something of *where* comes back, for some paintings more than others."
        if mean > np.mean(wrong) + 0.1
        else "So at this size hardly anything of *where* comes back."
    )
)

# %% [markdown]
# (A number clearly below 0 says that light and dark have rather changed places. That can happen,
# too: a mirrored painting has nearly the same Gram matrices, as section 5 has shown.)
#
# Each texture is made of its painting's colors and strokes, and none of them is its painting. To
# put strokes into the service of a motif we need the content cost again, and a way to weigh the
# two.
#
# ## What you have now
#
# - `unroll`: a row for each place, a column for each channel.
# - `gram_matrix`: which channels answer together, summed over all places; `mean_gram_matrix`
#   divides by their number, so that sizes may differ.
# - `layer_style_cost` and `style_cost`: squared differences of mean Gram matrices, over several
#   layers, and a weight for each, without which one layer can speak for all.
# - Style in this sense ignores where things are, but for what the border tells; it does not ignore
#   scale, color and the direction of strokes.
# - Products tell more of a layer than means. Over several layers the difference is small, because a
#   deeper channel's mean already speaks of products below it.
#
# Could you write it from an empty file? Close the notebook and try: an activation unrolled, its
# mean Gram matrix, the cost of one layer, and the weighted sum over several. Each is a line or two.
#
# **Next:** [4 · The optimization loop](04_optimization_loop.ipynb) puts content and style into one
# cost, and paints.
