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

# %% [markdown] tags=["slide"]
# # 3 · The Gram matrix and the style cost
#
# The content cost asks whether the same structures are in the same places. Style asks something
# else: are two pictures *painted in the same way*, whatever they show and wherever it is? We need a
# description of a picture that keeps its colors, strokes and textures and forgets where they are.
# In 2015, Gatys, Ecker and Bethge found one: a single matrix for each layer (after Portilla &
# Simoncelli 2000).

# %% [markdown]
# **After this notebook you can**
# - write `unroll`, `gram_matrix`, `layer_style_cost` and `style_cost` from an empty cell;
# - say what an entry of a Gram matrix means, and why it does not record where;
# - say what this description of style ignores, and what it does not;
# - say how much each layer counts, and what it adds to a texture.
#
# **Time:** 45 minutes.

# %% tags=["parameters"]
SIZE = None  # the longest side of the pictures, in pixels; None: 512 on a GPU, 192 on a CPU
STEPS = None  # steps of each texture; None: 200 on a GPU, 60 on a CPU
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

# %% tags=["hide-input", "slide"]
# @title What else this notebook needs
from helpers.costs import content_cost  # written in notebook 2
from helpers.course import drawings, exercises
from helpers.transfer import Transfer

painter = vgg.load(network.name, precision="auto")  # faster where a CPU multiplies bfloat16
SIZE, STEPS = SIZE or (512 if GPU else 192), STEPS or (200 if GPU else 60)
trial = SIZE < 128 or STEPS < 40  # what the text says of the results is then not checked
print(f"Pictures of {SIZE} pixels, textures of {STEPS} steps")
drawings.method(lit=("gram", "style"))

# %% [markdown] tags=["fragment"]
# The lit part is what we build now: from the activations of two pictures, the painting $S$ and the
# generated picture $G$, to one number, the style cost. This is the painting:

# %% tags=["slide"]
S = images.load("starry_swirls", SIZE)
height, width = (side // 16 * 16 for side in S.shape[:2])
S = images.resize(S, height, width)
seen_S = network(S)  # {layer name: activation}
plots.pictures(
    [S],
    [f"S, {width} × {height} pixels"],
    height=3.6,
    alt="A night of swirling strokes, blue and yellow.",
)

# %% [markdown] tags=["slide"]
# ## 1 · Unroll: one row for each position
#
# The activation of a layer holds, at each of $n_H · n_W$ positions, one number for each of its
# $n_C$ channels: how strongly the pattern of that channel is found there, and never less than zero.
#
# Style must not depend on the positions. So we first put them into one long list, as the rows of a
# matrix $F$. Row $k$ holds what all channels answer at position $k$, and column $i$ what channel
# $i$ answers at every position.

# %% tags=["slide"]
drawings.unrolled()

# %% [markdown] tags=["slide"]
# ### Exercise 1: unroll
#
# The positions come in reading order: (0, 0), (0, 1), (0, 2), …, then (1, 0), and so on.


# %% tags=["exercise"]
def unroll(a):
    """(n_H, n_W, n_C) → (n_H·n_W, n_C): a row for each position, a column for each channel."""
    ...


# %% tags=["check"]
_ = exercises.check("unroll", unroll)

# %% [markdown]
# <details><summary>Hint</summary>
#
# In memory, the numbers of `a` are already in the right order. Only the shape has to change, and
# TensorFlow has a function for that.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = unroll


def unroll(a):
    """(n_H, n_W, n_C) → (n_H·n_W, n_C): a row for each position, a column for each channel."""
    n_H, n_W, n_C = a.shape
    return tf.reshape(a, [n_H * n_W, n_C])


unroll = exercises.settled("unroll", mine, unroll)

# %% [markdown] tags=["slide"]
# ## 2 · The Gram matrix
#
# Let us begin small, with three positions and two channels:
#
# $$F = \begin{pmatrix} 1 & 0 \\ 2 & 1 \\ 0 & 3 \end{pmatrix}$$
#
# Do two channels $i$ and $j$ answer *at the same positions*? We multiply their answers at each
# position $k$, because a product is large only where both are, and add up (Gatys 2016, equation 3):
#
# $$G_{ij} = \sum_k F_{ki} F_{kj}$$
#
# For all pairs of channels, this is the $n_C × n_C$ **Gram matrix**. As in the paper, its letter is
# $G$, but here always with indices; $G$ alone is the generated picture. (The paper writes $F$ with
# the channels as rows.)

# %% [markdown] tags=["fragment"]
# **On paper, before you go on:** work out the four entries for the $F$ above.
#
# <details><summary>What you should have</summary>
#
# $G_{11} = 1 + 4 + 0 = 5$, $G_{22} = 0 + 1 + 9 = 10$, and $G_{12} = G_{21} = 0 + 2 + 0 = 2$,
# because only at the second position do both answer.
#
# </details>

# %% [markdown] tags=["slide"]
# ### Exercise 2: the Gram matrix
#
# Loops over $i$, $j$ and $k$ would take minutes. Linear algebra has a short name for "columns times
# columns, added up over the rows".


# %% tags=["exercise"]
def gram_matrix(a):
    """(n_H, n_W, n_C) → (n_C, n_C): for each pair of channels the sum of their products."""
    ...


# %% tags=["check"]
_ = exercises.check("gram_matrix", gram_matrix)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Unroll first. The result has the shape $n_C × n_C$, so the product must sum over the positions.
# `tf.matmul` can transpose what it is given.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = gram_matrix


def gram_matrix(a):
    """(n_H, n_W, n_C) → (n_C, n_C): for each pair of channels the sum of their products."""
    F = unroll(a)
    return tf.matmul(F, F, transpose_a=True)


gram_matrix = exercises.settled("gram_matrix", mine, gram_matrix)

# %%
small = np.float32([[[1, 0]], [[2, 1]], [[0, 3]]])  # the F above, as three rows of one position
print(gram_matrix(small).numpy())

layer = network.style_layers[1]
a_S = seen_S[layer]
gram_S = gram_matrix(a_S).numpy()
print(f"{layer}: activation {tuple(a_S.shape)}, Gram matrix {gram_S.shape}")
assert np.allclose(gram_S, gram_S.T, rtol=1e-4)  # symmetric

# %% [markdown] tags=["slide"]
# ### Why products?
#
# The mean of each channel forgets the positions as well, and is shorter. But look at two channels
# and two positions:
#
# $$F = \begin{pmatrix} 1 & 1 \\ 0 & 0 \end{pmatrix} \qquad
# F' = \begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}$$

# %% [markdown] tags=["fragment"]
# Say that the channels stand for *red* and *vertical stroke*. Then $F$ is a red stroke, and $F'$ a
# stroke here and something red there. All means are ½ and cannot tell the two apart. But $G_{12}$
# can: it is 1 for $F$ and 0 for $F'$.

# %% [markdown] tags=["slide"]
# ## 3 · What the entries say
#
# The diagonal says how *loud* a channel is: $G_{ii}$ is the sum of its squares. The other entries
# say how much two channels answer together. But two loud channels have a large product in any case,
# so we divide by both lengths. The result is the cosine of the angle between two columns of $F$:
#
# $$\cos_{ij} = \frac{G_{ij}}{\sqrt{G_{ii} \, G_{jj}}}$$

# %% [markdown]
# It is 1 for channels that always answer in proportion, and 0 for two that never answer at the same
# position. How large is it by chance? No answer is negative, so the products of unrelated channels
# add up, too. To measure chance, we shuffle the positions of each channel separately. This keeps
# all its answers and breaks every link between channels.


# %%
def cosines(F):
    gram = F.T @ F
    lengths = np.sqrt(np.diag(gram))
    return gram / np.outer(lengths, lengths)


loud = np.argsort(-np.diag(gram_S))[:24]  # the 24 loudest channels
F = unroll(a_S).numpy()[:, loud]
in_S = cosines(F)
by_chance = cosines(np.random.default_rng(0).permuted(F, axis=0))  # each column on its own

# %% tags=["hide-input", "slide"]
# @title The cosines of the loudest channels, in the painting and by chance
upper = np.triu_indices(len(loud), 1)
beyond = np.triu(in_S - by_chance, 1)  # how much larger the cosine is than by chance
together, apart = (np.unravel_index(find(beyond), beyond.shape) for find in (np.argmax, np.argmin))
assert trial or (beyond[together] > 0.2 and beyond[apart] < -0.2 and in_S[apart] < 0.3)
figure = plots.AltFigure(
    5.6,
    4.4,
    alt="A dot for each pair of channels: its cosine in the painting against that by chance. Dots "
    "lie above and below the diagonal.",
)
axes = figure.add_subplot(xlabel="cosine by chance", ylabel="cosine in the painting")
axes.plot([0, 1], [0, 1], color="#999999", lw=1)
axes.scatter(by_chance[upper], in_S[upper], s=14, color=plots.COLORS[0])
for pair, name, side in ((together, "most together", -1), (apart, "most apart", 1)):
    axes.scatter(by_chance[pair], in_S[pair], s=40, color=plots.COLORS[1])
    place = {"xytext": (9 * side, 0), "textcoords": "offset points"}
    ha = "left" if side > 0 else "right"
    axes.annotate(name, (by_chance[pair], in_S[pair]), ha=ha, va="center", **place)
axes.set(xlim=(0, 1), ylim=(0, 1), title=f"pairs of the {len(loud)} loudest channels")
axes.spines[["top", "right"]].set_visible(False)
figure

# %% [markdown] tags=["fragment"]
# Each dot is a pair of channels. Above the line, the two answer together more than by chance; below
# it, less.

# %% [markdown] tags=["fragment"]
# **Before you go on:** the next figure shows the pair that is farthest above the line, and the one
# that is farthest below: two maps, and their product at each position. What will the products look
# like?

# %% tags=["hide-input", "slide"]
# @title The two pairs, as maps
maps, titles = [], []
for i, j in (together, apart):
    one, two = (F[:, n] / np.sqrt(np.mean(F[:, n] ** 2)) for n in (i, j))
    assert np.isclose(np.mean(one * two), in_S[i, j], rtol=1e-3)
    maps += [one, two, one * two]
    titles += [f"channel {loud[i]}", f"channel {loud[j]}", f"product, mean {in_S[i, j]:.2f}"]
plots.channels(
    np.reshape(np.transpose(maps), (*a_S.shape[:2], 6)),
    range(6),
    titles=titles,
    columns=3,
    height=2.4,
    vmax=4,
    alt="Two rows of maps: two channels and their product. In the first row the product is bright "
    "along many strokes; in the second it is dark nearly everywhere.",
)

# %% [markdown]
# Each map is divided by the root of its mean square, so that the mean of the product is the cosine,
# and all six share one scale.

# %% [markdown] tags=["fragment"]
# In the first row, both are bright along the same strokes, and so is the product. In the second,
# where one is bright the other is mostly dark. A Gram matrix is thousands of such statements about
# a painting, and not one of them says where.

# %% [markdown] tags=["slide"]
# ## 4 · Shuffle the positions
#
# **Before you go on:** we shuffle the rows of $F$, the positions, this time in the same way for
# all channels. Which of the two notices, the Gram matrix or the content cost?
#
# <details><summary>Think first, then open</summary>
#
# The Gram matrix is a sum, which does not depend on the order: only rounding is left. The content
# cost compares position by position, and finds everything in another place.
#
# </details>

# %% tags=["fragment"]
order = np.random.default_rng(0).permutation(a_S.shape[0] * a_S.shape[1])
a_shuffled = tf.reshape(tf.gather(unroll(a_S), order), a_S.shape)

change = np.abs(gram_matrix(a_shuffled) - gram_S).max() / gram_S.max()
lost = float(content_cost(a_S, a_shuffled) / content_cost(a_S, 0 * a_S))
print(f"the Gram matrix changes by {change:.0e} of its largest entry,")
print(f"the content cost is {lost:.2f} times that of a layer of zeros")
assert change < 1e-4 and lost > 0.3

# %% [markdown] tags=["slide"]
# ## 5 · The style cost of one layer
#
# With twice as many positions, the sums are twice as large. So that pictures of different sizes can
# be compared, we take the mean over the positions, and call it $A$:
#
# $$A_{ij} = \frac{1}{n_H n_W} G_{ij}$$


# %% tags=["export"]
def mean_gram_matrix(a):
    """The Gram matrix divided by the number of positions, n_H·n_W."""
    n_H, n_W, _ = a.shape
    return gram_matrix(a) / (n_H * n_W)


# %%
a_half = network(S[:, : width // 2])[layer]
for function in (gram_matrix, mean_gram_matrix):
    ratio = np.trace(function(a_half)) / np.trace(function(a_S))
    print(f"{function.__name__}: the left half has {ratio:.2f} of the whole painting's diagonal")

# %% [markdown] tags=["slide"]
# As far as this layer can tell, two pictures have the same style if their $A$ is the same. So the
# cost is the squared difference, summed over all entries (Gatys 2016, equation 4):
#
# $$J_{style}^l(S, G) = \frac{1}{4 n_C^2} \sum_{i,j} \left(A^S_{ij} - A^G_{ij}\right)^2$$

# %% [markdown]
# (In the paper, $A$ is the Gram matrix of $S$, and the sum is divided by $(n_H n_W)^2$, which is
# the same for pictures of one size.)

# %% [markdown]
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
# `mean_gram_matrix` does most of it. The number of channels is the last number of `a_S.shape`. Keep
# to TensorFlow's functions, because we shall need the gradient.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = layer_style_cost


def layer_style_cost(a_S, a_G):
    """J_style^l(S, G) from the activations of one layer; the pictures' sizes may differ."""
    n_C = a_S.shape[-1]
    A_S = mean_gram_matrix(a_S)
    A_G = mean_gram_matrix(a_G)
    return tf.reduce_sum((A_S - A_G) ** 2) / (4 * n_C**2)


layer_style_cost = exercises.settled("layer_style_cost", mine, layer_style_cost)

# %% [markdown]
# (Its gradient, equation 6: $\partial J^l_{style} / \partial F = F (A^G - A^S) / (n_C^2 n_H n_W)$.)

# %% [markdown] tags=["slide"]
# As in notebook 2, we compare this number with the cost of a layer of zeros: 0 is the same style,
# and 1 is as far off as seeing nothing.


# %%
def relative_cost(a_S, a_G):
    """The style cost of a layer in units of a layer of zeros."""
    return float(layer_style_cost(a_S, a_G) / layer_style_cost(a_S, 0 * a_S))


C = images.load("cat", SIZE)
seen_C = network(C)
for name, a in {"itself": a_S, "the cat": seen_C[layer], "zeros": 0 * a_S}.items():
    print(f"S and {name:7}: {float(layer_style_cost(a_S, a)):9.4g}, {relative_cost(a_S, a):.2f}")

# %% [markdown] tags=["slide"]
# ## 6 · What style ignores, and what it does not
#
# **Before you go on:** which of these ten variants has the same style for the network, and which
# is farthest from the painting? Write down an order.


# %% tags=["hide-input"]
# @title shuffle_tiles: cuts the painting into squares, and shuffles them
def shuffle_tiles(side):
    """S, cut into squares of this side, in another order."""
    rows, columns = height // side, width // side
    tiles = S[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    tiles = tiles.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)
    tiles = np.random.default_rng(0).permutation(tiles).reshape(rows, columns, side, side, 3)
    return tiles.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)


# %% tags=["hide-input", "fragment"]
# @title The variants
from helpers import colors

half_h, half_w = height // 2, width // 2
quarters = [S[y : y + half_h, x : x + half_w] for y in (0, half_h) for x in (0, half_w)]
variants = {
    "mirrored left–right": S[:, ::-1],
    "mirrored top–bottom": S[::-1],
    "turned by 90°": np.rot90(S),
    "large tiles, shuffled": shuffle_tiles(height // 4),
    "tiles of 8 pixels, shuffled": shuffle_tiles(8),
    "pixels, shuffled": shuffle_tiles(1),
    "a quarter, cut out": quarters[1],
    "half as large": images.resize(S, half_h, half_w),
    "gray": colors.luminance(S),
    "another painting": images.load("night_cafe", SIZE),
}
plots.pictures(
    variants.values(),
    [name.replace("half as large", "half as large (enlarged here)") for name in variants],
    columns=5,
    height=1.8,
    alt="The painting " + ", ".join(variants) + ".",
)

# %%
layers = network.style_layers


def costs_in_layers(picture):
    """The relative style cost between S and a picture in each layer."""
    seen = network(np.ascontiguousarray(picture))
    return np.array([relative_cost(seen_S[layer], seen[layer]) for layer in layers])


table = {name: costs_in_layers(picture) for name, picture in variants.items()}
table["a quarter, cut out"] = np.mean([costs_in_layers(quarter) for quarter in quarters], axis=0)

# %% tags=["hide-input", "slide"]
# @title The style cost of each variant, in each layer
mean = {name: costs.mean() for name, costs in table.items()}
fourth = {name: costs[3] for name, costs in table.items()}
down, right = np.gradient(colors.luminance(S)[..., 0])
rising = 2 * np.sum(down * right) / np.sum(down**2 + right**2)  # ±1: all along one diagonal
assert trial or (
    max(mean["mirrored left–right"], mean["mirrored top–bottom"]) < 0.5 * mean["turned by 90°"]
    and np.all(np.diff(table["large tiles, shuffled"]) > 0)
    and mean["large tiles, shuffled"] < 0.5 * mean["tiles of 8 pixels, shuffled"]
    and table["pixels, shuffled"][0] < table["pixels, shuffled"][1:].min()
    and fourth["half as large"] > 1.3 * fourth["a quarter, cut out"]
    and table["gray"].min() > 0.1
    and min(mean["tiles of 8 pixels, shuffled"], mean["pixels, shuffled"])
    > mean["another painting"]
    and abs(rising) < 0.15
)
plots.heat(
    np.array([[*costs, mean[name]] for name, costs in table.items()]),
    list(table),
    [*layers, "mean"],
    label="relative style cost",
    alt="Relative style costs: "
    + ", ".join(f"{name} {value:.2f}" for name, value in mean.items())
    + ", as means over the layers.",
)

# %% [markdown] tags=["slide"]
# - **Where** things are does not count. Large tiles may change places, because nearly all that a
#   shallow layer sees lies within one tile. But cuts count, and a deeper layer sees more of them.
#   (In block 5, most positions see past the border; read its column with care.) Farthest of all are
#   small tiles and pixels, with hard edges that the painting does not have.
# - **The palette alone** is not the style. Shuffled pixels have the same colors. The first layer
#   minds least; the deeper ones find grain instead of strokes. More than 1 is farther off than
#   zeros.

# %% [markdown] tags=["slide"]
# - **Direction** counts from the second layer on: after a quarter-turn, what lay flat stands
#   upright. Mirrored either way, *this* painting is nearly the same for the network, because about
#   as many of its strokes rise to the right as to the left. The next figure shows that this need
#   not be so.
# - **Scale** counts in the deeper layers. In the fourth, the painting at half its size is farther
#   off than a quarter cut out of it (the table has the mean of all four quarters).
# - **Color** counts. A gray copy has another style.

# %%
y, x = np.mgrid[:128, :128]
hatch = np.repeat(128 + 100 * np.sin((x + y)[..., np.newaxis] * 2 * np.pi / 16), 3, axis=-1)
hatches = {"mirrored": hatch[:, ::-1], "turned by 180°": hatch[::-1, ::-1]}
a_hatch = network(hatch)[layers[2]]
costs = {name: relative_cost(a_hatch, network(h)[layers[2]]) for name, h in hatches.items()}

# %% tags=["hide-input", "slide"]
# @title A hatching, and its style cost against its copies in the third layer
assert costs["mirrored"] > 0.5 and costs["turned by 180°"] < 0.05
titles = [f"{name}: {cost:.2f}" for name, cost in costs.items()]
plots.pictures(
    [hatch, *hatches.values()],
    ["S: a hatching", *titles],
    height=2.0,
    alt="A diagonal hatching, and its style cost to copies, " + ", ".join(titles) + ".",
)

# %% [markdown] tags=["fragment"]
# All its lines have one direction. In its mirror image they have the other; after half a turn, the
# same again.

# %% [markdown]
# ### Which halves belong together?
#
# We turn our eight paintings gray, so that color cannot help, and cut each in two. Is a left half
# nearest to its own right half? Neither is the model for the other, so we divide by the sum of both
# squares.


# %%
def distance(a, b):
    """Like a relative cost, but the same in both directions."""
    A, B = mean_gram_matrix(a), mean_gram_matrix(b)
    return float(tf.reduce_sum((A - B) ** 2) / tf.reduce_sum(A**2 + B**2))


names = [name for name, place in images.gallery("style").items() if "http" not in str(place)]
paintings = [colors.luminance(images.load(name, SIZE)) for name in names]
left = [network(p[:, : p.shape[1] // 2])[layers[2]] for p in paintings]
right = [network(p[:, p.shape[1] // 2 :])[layers[2]] for p in paintings]
far = np.array([[distance(a, b) for b in right] for a in left])


# %% tags=["hide-input"]
# @title The distances of left halves to right halves
def own_halves(far):
    """How many halves, left and right, are nearest to the other half of their own painting."""
    own = np.arange(len(far))
    return np.sum(far.argmin(axis=1) == own) + np.sum(far.argmin(axis=0) == own)


def gray_levels(half):
    return np.histogram(half[..., 0], 16, (0, 255), density=True)[0]


levels = [[gray_levels(half) for half in np.array_split(p, 2, axis=1)] for p in paintings]
by_levels = np.array([[np.sum((a - b) ** 2) for _, b in levels] for a, _ in levels])
found, by_gray = own_halves(far), own_halves(by_levels)
assert trial or (found >= 10 and found > by_gray)
print(f"Nearest to its own other half: {found} of {2 * len(names)}; by gray levels alone {by_gray}")
plots.heat(
    far,
    names,
    names,
    label=f"distance in {layers[2]}",
    xlabel="right half of",
    ylabel="left half of",
    alt="Distances of left halves, in rows, to right halves, in columns. In most rows and columns "
    "the smallest number is on the diagonal.",
)

# %% [markdown]
# Far more halves than by gray levels alone find their partner.

# %% [markdown] tags=["slide"]
# ## 7 · Several layers
#
# Shallow layers see colors and edges, deeper ones how strokes bend and repeat. So the style cost
# adds up several layers, each with a weight (equation 5; there it is called $w_l$):
#
# $$J_{style}(S, G) = \sum_l λ_l \, J_{style}^l(S, G)$$
#
# Gatys takes the first layer of each block, `block1_conv1`, `block2_conv1`, …, `block5_conv1`, with
# $λ_l = \frac15$ for each.

# %% [markdown]
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
# Loop over the layers that have a weight: a network may give you more layers than those.
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = style_cost


def style_cost(activations_S, activations_G, layer_weights):
    """J_style(S, G); activations are {layer: activation}, layer_weights {layer: λ_l}."""
    J = 0.0
    for layer, weight in layer_weights.items():
        J += weight * layer_style_cost(activations_S[layer], activations_G[layer])
    return J


style_cost = exercises.settled("style_cost", mine, style_cost)

# %% [markdown]
# ### Equal weights are not equal shares
#
# The cost grows with the *fourth* power of the activations: the Gram matrix multiplies two of them,
# and the square does so again. So a layer with larger numbers counts for much more. Gatys rescaled
# VGG so that the mean activation of each channel is 1. Keras' VGG is not rescaled, so we balance
# the weights instead: we divide each layer's cost by that of zeros, as the package does. How much
# does each layer then contribute to the style cost between the painting and the cat?

# %%
equal = {layer: 1 / len(layers) for layer in layers}
balanced = {
    layer: 1 / (len(layers) * float(layer_style_cost(seen_S[layer], 0 * seen_S[layer])))
    for layer in layers
}

shares = {}
for name, layer_weights in {"equal": equal, "balanced": balanced}.items():
    parts = [float(style_cost(seen_S, seen_C, {k: w})) for k, w in layer_weights.items()]
    shares[name] = np.array(parts) / sum(parts)

# %% tags=["hide-input"]
# @title What each layer contributes, with equal and with balanced weights
assert trial or (shares["equal"].max() > 0.6 and shares["balanced"].max() < 0.5)
figure = plots.AltFigure(
    8.0,
    3.2,
    alt="Bars: with equal weights one layer makes most of the style cost, with balanced weights "
    "all layers have a share.",
)
axes = figure.add_subplot(ylabel="share of the style cost", ylim=(0, 1))
for n, (name, share) in enumerate(shares.items()):
    where = np.arange(len(layers)) + 0.4 * (n - 0.5)
    axes.bar(where, share, 0.36, label=f"{name} weights", color=plots.COLORS[n])
    for x, value in zip(where, share, strict=True):
        axes.text(x, value + 0.02, f"{value:.0%}", ha="center")
axes.set_xticks(range(len(layers)), layers)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure

# %% [markdown]
# With equal weights, a single layer accounts for most of the cost.

# %% [markdown] tags=["slide"]
# ## 8 · Textures out of noise
#
# What has a description kept? To find out, we make a picture from it and from nothing else (Gatys,
# Ecker & Bethge 2015, *Texture Synthesis Using Convolutional Neural Networks*). We begin with noise
# and change its pixels until the style cost is small. Notebook 4 explains how; here we use the
# package's `Transfer`, without content. (Our noise is gray, in grains two pixels wide; finer grain
# would partly stay.)


# %%
def texture(blocks, seed=0):
    """Noise that takes on the style of S in the style layers of the first blocks."""
    weights = [float(i < blocks) for i in range(len(layers))]
    run = Transfer(S, S, painter, alpha=0, tv=0, levels=1, layer_weights=weights)
    noise = np.random.default_rng(seed).uniform(0, 255, (height // 2, width // 2, 1))
    run.picture = images.resize(noise.repeat(3, axis=-1), height, width)
    run.run(STEPS)
    return run


# %% [markdown] tags=["fragment"]
# **Before you go on:** the first texture knows `block1_conv1` alone, the second three layers, the
# third all five. What will each bring back: colors, strokes, swirls, the moon? And what will change
# in the fourth, from other noise?

# %%
runs = {
    "block 1": texture(1),
    "blocks 1–3": texture(3),
    "blocks 1–5": texture(5),
    "blocks 1–5, other noise": texture(5, seed=1),
}
run = runs["blocks 1–5"]
yours = float(style_cost(seen_S, network(run.picture), balanced))
print(f"style cost: {yours:.3f} with your function, {run.costs()['style']:.3f} with the package's")

# %% tags=["hide-input", "slide"]
# @title The textures
grown = {name: run.picture for name, run in runs.items()}
plots.pictures(
    grown.values(),
    list(grown),
    columns=2,
    height=3.4,
    alt="Four textures from noise: specks in the painting's colors, then strokes, then bands and "
    "curls of strokes, and others of these.",
)

# %% tags=["hide-input"]
# @title The style cost of the textures in each layer
reached = np.array([costs_in_layers(picture) for picture in grown.values()])
blurred = [images.resize(picture, 6, 8) for picture in grown.values()]
alike = np.corrcoef([(p - p.mean(axis=(0, 1))).ravel() for p in blurred])[-1, -2]
assert np.isclose(yours, run.costs()["style"], rtol=0.15)  # one of them in bfloat16
assert trial or (
    max(reached[0, 0], reached[1, :3].max(), reached[2:].max()) < 0.1
    and min(reached[0, 3:].min(), reached[1, 4]) > 0.15
    and reached[1, 3] < reached[1, 4] / 2
    and alike < 0.6
)
plots.heat(
    reached,
    list(grown),
    layers,
    label="relative style cost",
    alt="Style costs of the textures: near 0 in the layers that each of them was given.",
)

# %% [markdown] tags=["slide"]
# **Block 1** sees 3 × 3 pixels. It brings back colors, and no stroke. With **blocks 2 and 3** come
# strokes that lie side by side and bend; block 4's cost is then near 0 as well. **Block 5** sees
# more at once: only with it do strokes form larger parts. The moon does not come back.

# %% [markdown] tags=["fragment"]
# In the layers that it was given, each texture's cost is near 0. The scene is gone: there are
# pieces of it, but not in their places. The texture from other noise has as low a cost, but its
# strokes, and its light and dark areas, are elsewhere: as far as these Gram matrices can tell, both
# *are* the painting. To bring a subject back we need the content cost again, and a way to weigh the
# two.

# %% [markdown] tags=["slide"]
# ## What you have now
#
# - `unroll`, `gram_matrix`, `mean_gram_matrix`: which channels answer together, anywhere.
# - `layer_style_cost`, `style_cost`: squared differences of mean Gram matrices, added up over
#   several layers, with a weight for each.
# - Style in this sense ignores where things are, but not color, scale or the direction of strokes.

# %% [markdown]
# **Next:** [4 · The optimization loop](04_optimization_loop.ipynb) puts content and style into one
# cost, and paints.
