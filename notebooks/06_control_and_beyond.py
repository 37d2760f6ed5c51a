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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/06_control_and_beyond.ipynb)

# %% [markdown]
# # 6 · In control, and beyond Gram
#
# After an evening with one knob, people have wishes. *Only the sky, please. Finer strokes. My own
# colors. Larger. A film.* And some ask: why the Gram matrix, and not something else? None of this
# needs another method. $J$ is a sum of comparisons, and most wishes change *what* is compared.
#
# **After this notebook you can**
# - paint the sky after one painting and the house after another;
# - choose how large strokes are, and their colors;
# - say what "style" means as a distribution, and what each way to compare two of them loses;
# - paint large pictures and small films;
# - say what came after this method, and what it gave up.
#
# **Time:** 60 minutes. Computing takes about 3 minutes on two idle CPU cores with `mini`.

# %% tags=["parameters"]
SIZE = None  # the longest side of the pictures, in pixels; None: 512 on a GPU, 192 on a CPU
STEPS = None  # steps of each painting; None: 100 on a GPU, 30 on a CPU
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
# The last line names the network. The text describes what is stored here, painted with `mini` at
# 192 pixels; your run computes its own numbers.

# %%
from IPython.display import Markdown

from helpers import animation, colors, costs, masks
from helpers.course import drawings, exercises
from helpers.style_costs import STYLE_COSTS
from helpers.transfer import Transfer

SIZE, STEPS = SIZE or (512 if GPU else 192), STEPS or (100 if GPU else 30)
C = images.load("building", SIZE)
S, T = images.load("starry_swirls", SIZE), images.load("stained_glass", SIZE)
titles = ["C, a temple hall", "S, painted strokes", "T, colored glass"]
plots.pictures([C, S, T], titles, alt="A temple hall under a pale sky, and two paintings.")

# %% [markdown]
# The method a last time. Sections 1 and 4 change the lit parts: what is measured of the layers, and
# how it is compared. Sections 2 and 3 mostly change the pictures that go in. Sections 5 and 6 leave
# $J$ alone: they ask what a step needs, and where G begins.

# %%
drawings.method(lit=("gram", "style"))


# %%
def paint(content, *styles, **options):
    """A whole run of notebook 4 with these options."""
    run = Transfer(content, styles, network, **options)
    run.run(STEPS)
    return run


# %% [markdown]
# ## 1 · Where
#
# Let the sky be painted after S and everything below it after T. Two paintings at once give the
# *mean* of both styles, everywhere (notebook 7, section 8), since the Gram matrix sums over all
# positions. But we may sum over fewer. Take a region $r$, such as the sky, and sum over its $n_r$
# positions (Gatys et al. 2017, section 4):
#
# $$A^r_{ij} = \frac{1}{n_r} \sum_{k \,\in\, r} F_{ki} F_{kj}$$
#
# Each region has such a matrix, and each is compared with a painting of its own. In the style cost
# of a layer, a region counts by its share of the picture:
#
# $$J^l_{style} = \sum_r \text{share}_r \, J^l_{style}(A^r_S, A^r_G)$$
#
# ### Exercise 1: the Gram matrix of a region
#
# `a` is an activation of shape $(n_H, n_W, n_C)$, and `mask` an array $(n_H, n_W)$ that is 1 in the
# region and 0 outside. Return the matrix $A^r$ of shape $(n_C, n_C)$.


# %% tags=["exercise"]
def region_gram(a, mask):
    """The Gram matrix of the positions where mask is 1, divided by their number."""
    ...


# %% tags=["check"]
_ = exercises.check("region_gram", region_gram)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A row of zeros adds nothing to a sum of products. So multiply the activation by the mask (give it
# a last axis: `mask[..., None]`), unroll, and go on as in notebook 3. Then divide by the right
# number.
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = region_gram


def region_gram(a, mask):
    """F^T F of the rows in the region, divided by their number."""
    F = tf.reshape(a * mask[..., None], [-1, a.shape[-1]])
    return tf.matmul(F, F, transpose_a=True) / tf.reduce_sum(mask)


region_gram = exercises.settled("region_gram", mine, region_gram)

# %% [markdown]
# ### Where masks come from
#
# In our photograph the sky and the water are lighter than the rest, so a threshold will do (Otsu's,
# 1979). A color can be chosen likewise. Else there are the rectangle and the brush, `masks.load`
# for what a drawing program has saved, and the drawer **Pictures** of the studio.

# %%
found = {
    "lighter": masks.lighter(C),
    "near a color": masks.near_color(C, (60, 75, 50), far=70),
    "a rectangle": masks.rectangle(C, top=0.05, left=0.1, bottom=0.85, right=0.6),
    "a brush": masks.brush(C, [(0.3, 0.1), (0.1, 0.3), (0.3, 0.5)], width=0.12),
}

# %%
shown = [masks.to_picture(masks.white(inside)) for inside in found.values()]
alt = "The photograph and four masks of it, white where something was chosen."
plots.pictures([C, *shown], ["C", *found], columns=3, height=2.0, alt=alt)

# %% [markdown]
# A mask is a picture in up to eight pure colors, and **what has the same color in the mask of the
# photograph and in that of a painting belongs together**. A painting may also have one color as a
# whole. What has a color that no painting has is not painted.
#
# ### A mask for each layer
#
# What about a position whose window lies half in the sky and half on the roof? If it counts for the
# sky, the style of the sky has some roof in it. So it counts for neither: a position belongs to a
# region if three quarters of the inner half of its receptive field do. (What lies farther out
# hardly counts; Luo et al. 2016.)
#
# **Before you run it:** white positions belong to the sky, black ones to the rest, gray ones to
# nobody. In which layer will most be gray?

# %%
mask = masks.white(masks.lighter(C))


def belongs(layer):
    """A picture of a layer's positions: white sky, black ground, gray nobody's."""
    row = network.layers[layer]
    shape = [-(-side // row.stride) for side in mask.shape]
    gray = np.full(shape[0] * shape[1], 128)
    gray[masks.positions(mask == 0, row)] = 0
    gray[masks.positions(mask == masks.WHITE, row)] = 255
    return np.repeat(gray.reshape(*shape, 1), 3, -1)


# %%
layers = network.style_layers
alt = "The mask in five layers: ever fewer positions, and an ever wider gray band between the two."
plots.pictures([belongs(layer) for layer in layers], layers, columns=3, height=1.9, alt=alt)

# %% tags=["hide-input"]
# @title How many are nobody's
free = {layer: (belongs(layer)[..., 0] == 128).mean() for layer in layers}
Markdown(
    "Positions that belong to nobody: "
    + ", ".join(f"{layer} {share:.0%}" for layer, share in free.items())
    + ". The deep layers keep out of the border, and there the shallow ones and the content have "
    "the word. A region that is so small that no position qualifies takes the best that it can get."
)

# %% [markdown]
# ### Sky and building
#
# Three cases: both paintings without a mask, both with it, and the sky alone. **Before you run
# it:** what will be left of S in the building in each of them?

# %%
mean = paint(C, S, T)
both = paint(C, S, T, mask=mask, style_masks=["white", "black"])
sky = paint(C, S, mask=mask, style_masks=["white"])

# %%
found = [mean.picture, both.picture, sky.picture]
titles = ["no mask: the mean of both", "S in the sky, T below", "S in the sky alone"]
alt = "The hall in a mixture of two styles; with a style for the sky and one below; the sky alone."
plots.pictures(found, titles, columns=2, height=3.2, alt=alt)

# %% [markdown]
# With the mask the panes stay below the sky; with S alone, the hall is still a photograph. Do the
# numbers say so, too? Your function measures how far the region below the sky is from each
# painting, in the third layer.

# %%
layer = layers[2]
row = network.layers[layer]
below = np.zeros([-(-side // row.stride) for side in mask.shape], np.float32)
below.flat[masks.positions(mask == 0, row)] = 1


def below_the_sky(picture, painting):
    """Relative style cost of the region below the sky against a painting."""
    A_S = costs.mean_gram_matrix(network(painting)[layer])
    A_G = region_gram(network(tf.constant(picture, tf.float32))[layer], below)
    return float(costs.gram_cost(A_S, A_G, "relative"))


# %% tags=["hide-input"]
# @title The region below the sky, and the two paintings
table = "| painted | style cost against S | against T |\n|---|---|---|\n"
for title, run in {"without a mask": mean, "with the mask": both}.items():
    pair = (below_the_sky(run.picture, painting) for painting in (S, T))
    table += "| {} | {:.3f} | {:.3f} |\n".format(title, *pair)
stays = np.abs(sky.picture - C)[mask == 0].max()
Markdown(
    table + "\nWith the mask the region comes nearer to T than it does in the mean of the two, and "
    "it no longer has to please S. (A cost above 1 is no mistake: glass can be farther from these "
    "strokes than silence is.) In the third picture there is no style below the sky, and no pixel "
    f"differs from the photograph there by more than {stays:.2g} gray levels. That is not a strong "
    "content cost but a rule: before the network looks at G, the photograph is put in there, so "
    "$J$ has no slope at these pixels at all."
)

# %% [markdown]
# ### A mask for the painting, too
#
# With a mask of its own, a painting's sky paints ours and its ground paints our ground. The mask
# below leaves out the church tower: otherwise our clouds would be asked to look like a tower, too.

# %%
church = images.load("church_at_auvers", SIZE)
above = masks.rectangle(church, top=0.0, left=0.0, bottom=0.36, right=0.38)
above |= masks.rectangle(church, top=0.0, left=0.7, bottom=0.36, right=1.0)
church_mask = masks.white(above)
plain = paint(C, church, beta=20.0)
split = paint(C, church, beta=20.0, mask=mask, style_masks=[church_mask])

# %%
lit = church * np.where(above, 1.0, 0.2)[..., None]
found = [church, lit, plain.picture, split.picture]
titles = ["the painting", "its mask, sky lit", "without masks", "sky to sky, ground to ground"]
alt = "Van Gogh's church, its sky lit, and the hall painted after it without masks and with them."
plots.pictures(found, titles, columns=2, height=3.0, alt=alt)

# %% [markdown]
# Compare the two skies. Without masks, yellow patches and pieces of wall turn up in ours. With
# them, it has only the painting's sky to learn from.
#
# ## 2 · How large
#
# The network counts in pixels. A painting that is loaded at half the size shows it strokes that are
# half as wide. So the **scale of the style picture** is a knob of its own.
#
# **Before you run it:** at half the size, and at twice the size, what will be lost at either end?

# %%
scales = [0.5, 1, 2]
by_scale = []
for scale in scales:
    painting = images.load("starry_swirls", round(SIZE * scale))
    by_scale.append(paint(C, painting, beta=10.0))

# %%
alt = "The hall with small swirls, with larger ones, and with broad strokes."
titles = [f"scale {scale:g}" for scale in scales]
plots.pictures([run.picture for run in by_scale], titles, columns=2, height=3.2, alt=alt)

# %% [markdown]
# The larger the painting, the less of it fits into a layer's window. At the small scale a window
# holds whole swirls, and the hall gets bold curls. At the large one it holds pieces of strokes: the
# sky gets long streaks, and fewer swirls.
#
# The painting's Gram matrices at three scales, compared with those at scale 1, layer by layer:

# %%
seen_S = network(S)
for scale, run in zip(scales, by_scale, strict=True):
    seen = network(run.styles[0])
    cost = {
        name: float(costs.layer_style_cost(seen_S[name], seen[name], "relative")) for name in layers
    }
    print(f"scale {scale:3g}:", *(f"{name[:6]} {value:.3f}" for name, value in cost.items()))

# %% [markdown]
# The first layer sees three pixels, and to it a painting is much the same at each scale. The knob
# ends where the network does. At a large scale, what is wider than the deepest window goes unseen.
# At a small scale, hardly a position is left in the deepest layer, and at last none:

# %%
from helpers.errors import StyleTransferError

try:
    Transfer(C, images.load("starry_swirls", network.stride - 1), network)
except StyleTransferError as error:
    print(error)

# %% [markdown]
# ### Fine strokes of one painting, large shapes of another
#
# In notebook 3, each layer had a weight. With two paintings, it can have one for each of them
# (`style_weights`): the shallow layers listen to one painting, the deep ones to the other.
#
# **Before you run it:** which of the two will have the net of lead that holds the panes of the
# glass?

# %%
few = len(layers) // 2 + 1
s_fine = [1, 0] * few + [0, 1] * (len(layers) - few)
t_fine = [1 - weight for weight in s_fine]
crossed = [paint(C, S, T, beta=10.0, style_weights=weights) for weights in (s_fine, t_fine)]

# %%
titles = [f"S to {layers[few - 1]}, T deeper", f"T to {layers[few - 1]}, S deeper"]
alt = "The hall with the strokes of one painting and the shapes of the other, both ways round."
plots.pictures([run.picture for run in crossed], titles, height=3.2, alt=alt)

# %% [markdown]
# A pane is larger than what a shallow layer sees, so the net comes where T has the deep layers. The
# palette comes mostly from the painting that has the shallow ones.
#
# ## 3 · Which colors
#
# A painting brings its palette along. Two ways keep the photograph's colors (Gatys et al. 2016b).
#
# **Luminance.** We see shape mostly in light and dark. So take the luminance of both pictures,
#
# $$Y = 0.299\,r + 0.587\,g + 0.114\,b$$
#
# (from red, green and blue), paint with it alone, and in the end put the photograph's colors back:
# $C - Y_C + Y_G$. Before that, the luminance of S is shifted and scaled to the mean and the
# deviation of C's; otherwise a dark painting would make a dark sky.
#
# **Histogram.** Or recolor the *painting* first. (The word is the paper's; what is matched is the
# mean and the covariance of the colors.) A pixel $x$ becomes $M(x - \mu_S) + \mu_C$. The mean is
# then right for any matrix $M$. The covariance becomes $M \Sigma_S M^T$, and this is $\Sigma_C$ for
#
# $$M = \Sigma_C^{1/2}\, \Sigma_S^{-1/2}$$
#
# where $\Sigma^{1/2}$ is the symmetric matrix whose square is $\Sigma$ (the same eigenvectors, and
# the roots of the eigenvalues), and $\Sigma^{-1/2}$ is its inverse. For then
# $\Sigma_C^{1/2} \Sigma_S^{-1/2} \, \Sigma_S \, \Sigma_S^{-1/2} \Sigma_C^{1/2} = \Sigma_C$.
# With the painting T:

# %%
recolored = colors.match_colors(T, C)
for name, picture in {"C": C, "T": T, "T recolored": recolored}.items():
    mean_color, spread = picture.mean((0, 1)), np.cov(picture.reshape(-1, 3).T)
    print(f"{name:12} mean {mean_color.round()}   covariance of red and blue {spread[0, 2]:7.0f}")

# %% [markdown]
# The recolored painting is near to C in all of these, but not equal: some values were cut off at 0
# or 255.

# %%
kept = {how: paint(C, T, keep_colors=how) for how in ("luminance", "histogram")}
found = [T, recolored, *(run.picture for run in kept.values())]
titles = ["T", "T, recolored", "luminance kept", "histogram matched"]
alt = "The stained glass, the same in the photograph's colors, and the hall painted in both ways."
plots.pictures(found, titles, columns=2, height=3.0, alt=alt)

# %% [markdown]
# With luminance each place keeps its own tint, and only its light changes. With histogram the style
# has a say in which color goes where.
#
# ### When each of them fails
#
# **Luminance** throws away what is only in the colors. With **histogram**, colors are cut off, and
# an accent of the painting goes wherever the matrix takes it.
#
# **Before you run it:** a style has stripes of a red, (200, 60, 60), and a green, (60, 131.3, 60).
# Put both into the formula of $Y$. How much of the stripes will be left?

# %%
red, green = np.float32([200, 60, 60]), np.float32([60, 131.3, 60])
stripes = np.where(np.arange(48)[None, :, None] // 6 % 2, red, green).repeat(32, axis=0)
gray = colors.luminance(stripes)

# %%
alt = "Red and green stripes, and their luminance, in which they have vanished."
plots.pictures([stripes, gray], ["a style", "its luminance"], height=1.4, alt=alt)

# %% tags=["hide-input"]
# @title In numbers
cut = np.mean((recolored <= 0) | (recolored >= 255))
Markdown(
    f"The stripes differ by {np.abs(red - green).max():.0f} gray levels in red, and by "
    f"{np.ptp(gray):.1f} in luminance: what is a strong pattern to the eye is gone before the "
    f"network looks. And of the recolored painting, {cut:.1%} of all values lie at an end of the "
    "range. So take luminance where the strokes are drawn in light and dark, as with a pen, and "
    "histogram where color makes the strokes."
)

# %% [markdown]
# ## 4 · Style is a distribution
#
# Why the Gram matrix? The matrix F of a layer has one row for each position, and style forgets
# their order. A list without an order is a **cloud** of points, here in $n_C$ dimensions. *A style
# is a cloud of activations*, and a style cost is a distance between two clouds. There are many such
# distances (Yanghao Li et al. 2017):
#
# | `style_cost` | what it keeps of the cloud | numbers |
# |---|---|---|
# | (means) | its middle | $n_C$ |
# | `mean-std` | its middle, and its width along each axis | $2 n_C$ |
# | `gram` | the mean product of each two channels | $n_C^2$, half of them twice |
# | `wasserstein` | how it looks from $n_C$ directions, in 128 parts each | $128\, n_C$ |
#
# Middle, widths and tilts all go into the Gram matrix, but it does not tell them apart.
#
# Two channels of the second layer make a real cloud. Beside it, random points agree with it in the
# means, in means and deviations, and in means and covariance (the Gram matrix follows from these).

# %% tags=["hide-input"]
# @title A cloud, and what three descriptions know of it
F = costs.unroll(network(S)[layers[1]]).numpy()
lively = np.argsort(F.var(axis=0))[-24:]
tilts = np.abs(np.corrcoef(F[:, lively].T)) - np.eye(24)
i, j = lively[list(np.unravel_index(tilts.argmax(), tilts.shape))]
cloud, rng = F[:, [i, j]], np.random.default_rng(0)
middle, width = cloud.mean(axis=0), cloud.std(axis=0)
clouds = {
    "the layer": cloud[rng.choice(len(cloud), 1500)],
    "means": np.repeat(middle[None], 1500, axis=0),
    "means and deviations": rng.normal(middle, width, (1500, 2)),
    "Gram": rng.multivariate_normal(middle, np.cov(cloud.T), 1500),
}
figure = plots.AltFigure(9.0, 2.6, alt="A tilted, skewed cloud; a dot; a round one; a tilted one.")
ends = min(points.min() for points in clouds.values()), cloud.max()
for n, (name, points) in enumerate(clouds.items()):
    axes = figure.add_subplot(1, 4, n + 1)
    axes.scatter(*points.T, s=3, alpha=0.3, color=plots.COLORS[n])
    axes.set(title=name, xlim=ends, ylim=ends)
    axes.axhline(0, color="0.6", lw=0.8)
    axes.axvline(0, color="0.6", lw=0.8)
figure

# %% [markdown]
# Behind a relu nothing is below zero: the cloud of the layer has a hard edge at the gray lines. No
# other panel knows that. To keep more, one compares whole clouds, and asks how far the points of
# one have to be carried to become the other. That is the **earth mover's** or *Wasserstein*
# distance. For clouds it is hard to compute. On a line it is easy, and that is your exercise.
#
# ### Exercise 2: earth moved
#
# `x` and `y` hold the places of two piles of grains on a line, as many in each. The grains of x are
# carried to the places of y, one to each place, so that the mean of the squared ways is as small as
# it can be. Return this mean.


# %% tags=["exercise"]
def earth_moved(x, y):
    """The least mean squared way from the values x to the values y, both of shape (n,)."""
    ...


# %% tags=["check"]
_ = exercises.check("earth_moved", earth_moved)

# %% [markdown]
# <details><summary>Hint</summary>
#
# If two grains cross on their way, let them swap their goals: the sum of the two squares becomes
# smaller. So in the best plan nobody crosses. What does that say about the smallest of x?
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = earth_moved


def earth_moved(x, y):
    """The smallest goes to the smallest, and so on."""
    return tf.reduce_mean((tf.sort(x) - tf.sort(y)) ** 2)


earth_moved = exercises.settled("earth_moved", mine, earth_moved)

# %% [markdown]
# Now look at the cloud from many directions: along each, every point has a place on a line. This is
# the *sliced* Wasserstein distance (Heitz et al. 2021). The package uses $n_C$ directions drawn
# once, so that $J$ stays one function. As two pictures may have different numbers of grains, it
# cuts each sorted pile into 128 equal parts and compares their means.
#
# ### What each of them loses
#
# Two pairs of tiny layers. In the first pair, two channels fire together, or each fires where the
# other is silent. In the second, one channel is quiet and seldom loud, or loud and seldom silent.
# **Before you run it:** for which descriptions are the two of a pair *the same*?

# %%
together = np.float32([[0, 0], [1, 1]] * 8).reshape(4, 4, 2)
apart = np.float32([[0, 1], [1, 0]] * 8).reshape(4, 4, 2)
loud = np.float32([2, 2, 2, 6] * 4).reshape(4, 4, 1)
low = 6 - loud

# %%
for name, describe in STYLE_COSTS.items():
    pairs = (together, apart), (loud, low)
    found = [float(costs.layer_style_cost(tf.constant(a), tf.constant(b), "relative", describe))
             for a, b in pairs]  # fmt: skip
    print(
        f"{name:12} together or apart {found[0]:.3f}    seldom loud or seldom silent {found[1]:.3f}"
    )

# %% [markdown]
# A zero means: blind to it. `mean-std` is blind to both, `gram` to the second, and `wasserstein` to
# neither.
#
# ### One glass, three descriptions
#
# We begin with textures, as in notebook 3: no content ($α = 0$), a start of faint noise on gray,
# and the painting T. **Before you run it:** which description will lose the lines of lead, if any
# does?

# %%
from time import perf_counter

cat, glass = (images.load(name, SIZE) for name in ("cat", "stained_glass"))
faint = 127.5 + np.random.default_rng(0).normal(0, 6, cat.shape).astype("float32")
runs = {name: Transfer(cat, glass, network, style_cost=name, levels=1) for name in STYLE_COSTS}


def texture(run):
    """The texture of the painting, and the seconds that a step takes."""
    run.set(alpha=0.0)
    run.picture = faint
    run.step(1)  # the first call is slow for everybody: it does not count
    begun = perf_counter()
    run.step(2 * STEPS)  # from gray it is a longer way
    return run.picture, (perf_counter() - begun) / (2 * STEPS)


# %%
made = {name: texture(run) for name, run in runs.items()}
textures = {name: picture for name, (picture, _) in made.items()}
alt = "The stained glass, and a texture of it by each of the three descriptions."
plots.pictures([T, *textures.values()], ["T", *textures], columns=2, height=2.4, alt=alt)

# %% [markdown]
# Now all descriptions judge all textures, as a mean over the layers: 0 is *the same*, 1 is *as far
# as silence*. The means are a fourth judge, who made none.


# %%
def means(a):
    return tf.reduce_mean(costs.unroll(a), axis=-2, keepdims=True)


judges = {"means": means} | STYLE_COSTS
seen_T = network(glass)


def judged(picture, describe):
    seen = network(tf.constant(picture, tf.float32))
    pairs = [(seen_T[name], seen[name]) for name in layers]
    return np.mean([float(costs.layer_style_cost(*p, "relative", describe)) for p in pairs])


# %% tags=["hide-input"]
# @title Who satisfies whom
verdict = {n: {j: judged(p, d) for j, d in judges.items()} for n, p in textures.items()}
table = "| made by | " + " | ".join(f"judged by {j}" for j in judges) + " | ms a step |\n"
table += "|---" * (len(judges) + 2) + "|\n"
for name, row_of in verdict.items():
    numbers = " | ".join(f"{value:.3f}" for value in row_of.values())
    table += f"| {name} | {numbers} | {1000 * made[name][1]:.0f} |\n"
own = [name for name in verdict if name == min(verdict, key=lambda n: verdict[n][name])]
order = sorted(verdict, key=lambda n: verdict[n]["gram"])
Markdown(
    table + "\nRead a column from top to bottom: who satisfies this judge? After "
    f"{2 * STEPS} steps {len(own)} of the three makers are pleased best by the texture that they "
    f"made ({', '.join(own)}). Where another's is better, more steps would be needed, or the cost "
    "is harder to go down. The Gram matrix, which sees tilts, puts them in this order: "
    + ", ".join(f"{name} ({verdict[name]['gram']:.3f})" for name in order)
    + ". The last column is the price: sorting is slow, products are quick."
)

# %% [markdown]
# `mean-std` cannot tell a dark line *beside* a red pane from a dark line elsewhere, and still it
# draws lines around panes. A channel of a deeper layer fires *because* several channels below it
# fire together, so its own mean and width speak of them. What one layer's description loses, the
# next layer's may keep.

# %% [markdown]
# And paintings? Look at a flat area, such as the cheek of the cat, and at edges: how much glass has
# come to each?

# %%
for run in runs.values():
    run.set(alpha=1.0)
    run.picture = cat
    run.step(STEPS)
found = [run.picture for run in runs.values()]
alt = "The cat painted after the stained glass with three style costs."
plots.pictures(found, list(runs), height=2.8, alt=alt)

# %% [markdown]
# This is no ranking. The same β asks more of one description than of another, and the runs are
# short; a fair race compares them at equal content cost, when $J$ no longer falls. What can be
# said: "style" is not one thing that a formula captures or misses. **You choose what to keep of a
# cloud.**

# %% [markdown]
# ## 5 · Large pictures
#
# One obstacle is the style: a stroke has a length in pixels, so in a picture of twice the size it
# looks half as large. The remedy is **coarse to fine** (notebook 4, section 7). Each doubling is a
# level: with four (`--levels 4`), 2048 pixels are laid out at 256.
#
# The other is memory. The way back needs every activation of the way there. **Before you run it:**
# the size doubles from row to row. By what does the need grow?


# %%
def gigabytes(height, width):
    """What the activations of all layers take, with 4 bytes for each number."""
    table = vgg.layer_table(network.name).values()
    return 4 * height * width * sum(row.channels / row.stride**2 for row in table) / 1e9


# %% tags=["hide-input"]
# @title Memory by size
table = "| longest side | pixels | activations |\n|---|---|---|\n"
for side in (256, 512, 1024, 2048):
    shape = side * C.shape[0] // C.shape[1], side
    million = shape[0] * shape[1] / 1e6
    table += f"| {side} | {million:.2f} million | {gigabytes(*shape):.2f} GB |\n"
Markdown(table)

# %% [markdown]
# By four, like the number of pixels. A step needs more than its activations: there are gradients as
# well, and the optimizer remembers pictures. In bfloat16 an activation takes half as much.
#
# ## 6 · A film
#
# Paint each frame by itself, and the strokes jump: each finds another of the many valleys of $J$
# (notebook 7, section 5). The simplest remedy: **G starts as the last painting, plus whatever has
# changed in the film**.
#
# ```python
# G = np.clip(last_painting + frame - last_frame, 0, 255)
# ```
#
# Where nothing moves, the strokes are already in place, and few steps are enough. Here the camera
# stands still, a sun crosses the sky, and the sensor adds a little noise.

# %%
height, width = C.shape[:2]
y, x = np.mgrid[:height, :width]


def frame(t):
    """The hall at time t from 0 to 1, with a sun of the radius of a tenth of the height."""
    across, high = (0.45 + 0.5 * t) * width, (0.28 - 0.3 * t * (1 - t)) * height
    sun = np.hypot(x - across, y - high)[..., None] < height / 10
    noise = np.random.default_rng(int(100 * t)).normal(0, 2, C.shape)
    return np.clip(np.where(sun, [250, 170, 60], C) + noise, 0, 255).astype(np.float32)


frames = [frame(t) for t in np.linspace(0, 1, 5)]

# %% [markdown]
# **Flicker** is how much the paintings change from frame to frame *where the film does not*.
# **Before you run it:** each frame begins as a noise of its own, as its photograph, or as the last
# painting. Order the three by flicker.

# %%
run = Transfer(frames[0], S, network, beta=10.0, levels=1)


def alone(start, frame):
    """A frame painted by itself, from a picture to start with."""
    run.aim(content=frame)  # another photograph, and nothing is compiled again
    run.picture = start
    run.step(STEPS)
    return run.picture


# %%
noises = [np.random.default_rng(i).uniform(0, 255, C.shape) for i in range(3)]
films = {
    "from noise": [alone(noise, frame) for noise, frame in zip(noises, frames, strict=False)],
    "from the photograph": [alone(frame, frame) for frame in frames[:3]],
}
alone(frames[0], frames[0])
films["from the last painting"] = list(animation.follow(run, frames, again=STEPS // 3))

# %% tags=["hide-input"]
# @title Flicker
lines = "| each frame begins | flicker, gray levels |\n|---|---|\n"
for name, painted_frames in films.items():
    value = animation.flicker(painted_frames, frames[: len(painted_frames)])
    lines += f"| {name} | {value:.1f} |\n"
noise_only = animation.flicker(frames, frames)
Markdown(
    lines + f"\nThe film itself flickers by {noise_only:.1f}: that is the sensor's noise. "
    "Beginning at the last painting takes a third of the steps as well."
)

# %%
alt = "Five frames of the painted hall, while a sun crosses the sky."
animation.animation(films["from the last painting"], milliseconds=300, alt=alt)

# %% [markdown]
# Watch the sun turn brown: the change from a pale sky to a sun is added to a *painted* sky, which
# is darker, and few steps do not mend that. And this start does not know that a *thing* has moved:
# when the camera turns, the strokes tend to stay where they are on the screen. For that one
# computes the **optical flow**, where each pixel has gone, and lets the last painting go along
# (Ruder et al. 2016). It is not built here. `python -m helpers.film` does what you have just seen
# for an animated picture or a folder of frames.
#
# ## 7 · What came after
#
# A minute for one picture is long. Much of what came after Gatys made it shorter.

# %%
drawings.successors()

# %% [markdown]
# **Feed-forward networks** (Johnson et al., Ulyanov et al., both 2016). Optimize the weights of a
# network that paints *any* photograph. Its training minimizes a $J$ much like ours, over tens of
# thousands of photographs; then it paints in one pass, up to a thousand times faster. The price:
# one such network knows one painting, at one β and one scale.
#
# **Statistics** (AdaIN, Huang & Belongie 2017; WCT, Yijun Li et al. 2017). Why search for a picture
# with the right means and deviations? Take the *layer* of the photograph, shift and scale every
# channel to the painting's mean and deviation, and let a decoder, trained once, turn the layer into
# a picture. Any painting will do. WCT does the same with the whole covariance: the formula of
# section 3, with 512 channels in the place of three colors, and with C and S exchanged. The price:
# the decoder has to rebuild the picture, and fine detail of both may be lost.
#
# **Matching** (STROTSS, Kolkin et al. 2019; NNST, 2022). Instead of a mean over all positions, each
# place of G becomes more like its nearest place in S. STROTSS does so with a relaxed earth mover's
# distance: several grains may go to the same place. Most of these are loops again, and slow; and
# what the painting does not have cannot be matched.
#
# **Diffusion** (widely used since 2022). A network trained on millions of captioned pictures
# removes noise step by step, and words steer it. Most such systems do so not with pixels but with
# **latents**: a small code of the picture, from which a trained decoder makes the pixels at the
# end. In its basic form there is no photograph, no single painting and no $J$ that says how near
# the result is to either. Later systems take a photograph, or a painting, as a further guide.
#
# Is the loop out of date, then? For speed, yes. But feed-forward networks are trained with a $J$
# like ours, AdaIN exchanges the statistics of a row of the table in section 4, and matching keeps
# the loop and changes the style cost. Diffusion has least in common with it: its frozen network was
# trained to denoise, not to compare. **In the loop, what is asked for is written down in one
# line.**
#
# ## What you have now
#
# - A region has its own Gram matrix, and a layer's weights may differ from painting to painting.
# - Colors are kept with luminance or by recoloring, and each fails in its own way.
# - A style is a cloud of activations. Gram keeps its second moments; you may keep less, or more.
# - Each frame of a film begins at the last painting, plus what has changed.
#
# Could you write them from an empty file: the Gram matrix of a region, the matrix that recolors a
# painting, an earth mover's distance on a line, and the start of the next frame?
#
# **Now try:** write a style cost of your own, a function from an activation to a matrix, such as
# `means`. Put it into `STYLE_COSTS` under one of the names that are there (the package knows no
# others), run that part of section 4 again, and let the others judge it.
#
# **The whole way:** [1 · What VGG sees](01_vgg_features.ipynb) ·
# [2 · The content cost](02_content_cost.ipynb) ·
# [3 · Gram matrix and style cost](03_gram_and_style_cost.ipynb) ·
# [4 · The loop](04_optimization_loop.ipynb) · [5 · The studio](05_studio.ipynb) · 6 · In control ·
# [7 · A closer look](07_closer_look.ipynb)
