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

# %% [markdown] tags=["slide"]
# # 6 · In control, and beyond Gram
#
# *Only the sky, please. Larger strokes. My own colors. A film.* None of these wishes needs another
# method: most of them only change *what* $J$ compares.

# %% [markdown]
# **After this notebook you can**
# - paint the sky after one painting and the rest after another;
# - choose how large strokes are, and their colors;
# - say what "style" means as a distribution, and what each way to compare two of them loses;
# - paint a small film;
# - say what came after this method, and what it gave up.
#
# **Time:** 70 minutes. Computing takes 3 minutes on two idle CPU cores with `mini`, and took 40
# with VGG-19.

# %% tags=["parameters"]
SIZE = None  # the longest side of the pictures, in pixels; None: 512 on a GPU, 192 on a CPU
STEPS = None  # steps of each painting; None: 120 on a GPU, 40 on a CPU
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
from itertools import pairwise

from IPython.display import Markdown

from helpers import animation, colors, costs, masks
from helpers.course import drawings, exercises
from helpers.style_costs import STYLE_COSTS
from helpers.transfer import Transfer

painter = vgg.load(network.name, precision="auto")  # faster where a CPU multiplies bfloat16
SIZE, STEPS = SIZE or (512 if GPU else 192), STEPS or (120 if GPU else 40)
trial = SIZE < 128 or STEPS < 30  # what the text says of the results is then not checked
print(f"Pictures of {SIZE} pixels, {STEPS} steps")

# %% [markdown]
# Sections 1 and 4 change the lit parts of the method.

# %%
drawings.method(lit=("gram", "style"))

# %% tags=["slide"]
C = images.load("building", SIZE)
S, T = images.load("starry_swirls", SIZE), images.load("stained_glass", SIZE)
titles = ["C, a temple hall", "S, painted strokes", "T, colored glass"]
plots.pictures([C, S, T], titles, alt="A temple hall under a pale sky, and two paintings.")


# %%
def paint(content, *styles, **options):
    """A whole run of notebook 4 with these options."""
    run = Transfer(content, styles, painter, **options)
    run.run(STEPS)
    return run


# %% [markdown] tags=["slide"]
# ## 1 · Where
#
# Let the sky be painted after S and the ground, everything else, after T. With two paintings,
# $J_{style}$ is the mean of two costs, and G becomes a mixture of both, everywhere, since a Gram
# matrix sums over all positions. But it may sum over the
# $n_r$ positions of a region $r$ alone, such as the sky (Gatys et al. 2017, section 4):
#
# $$A^r_{ij} = \frac{1}{n_r} \sum_{k \,\in\, r} F_{ki} F_{kj}$$

# %% [markdown] tags=["fragment"]
# Each region is compared with a painting of its own. In the style cost of a layer, it counts by its
# share of the picture:
#
# $$J^l_{style} = \sum_r \text{share}_r \, J^l_{style}(A^r_S, A^r_G)$$

# %% [markdown] tags=["slide"]
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

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = region_gram


def region_gram(a, mask):
    """F^T F of the rows in the region, divided by their number."""
    F = tf.reshape(a * mask[..., None], [-1, a.shape[-1]])
    return tf.matmul(F, F, transpose_a=True) / tf.reduce_sum(mask)


region_gram = exercises.settled("region_gram", mine, region_gram)

# %% [markdown]
# ### A mask for each layer
#
# A mask says which pixel belongs to which region. In our photograph the sky and the water are
# lighter than the rest, so a threshold nearly does; the specks in the building are its mistakes.

# %% [markdown]
# A position whose window lies half in the sky and half on the roof would bring some roof into the
# sky's style. So it counts for neither: a position belongs to a region if three quarters of the
# inner half (in width and height) of its receptive field do. (What lies farther out hardly counts;
# Luo et al. 2016.)

# %% [markdown] tags=["slide"]
# **Before you run it:** white positions belong to the sky, black ones to the ground, gray ones to
# nobody. In which layer will most be gray?

# %%
mask = masks.white(masks.lighter(C))  # there are also rectangle and load


def belongs(layer):
    """A picture of a layer's positions: white sky, black ground, gray nobody's."""
    row = network.layers[layer]
    shape = [-(-side // row.stride) for side in mask.shape]
    gray = np.full(shape[0] * shape[1], 128)
    gray[masks.positions(mask == 0, row)] = 0
    gray[masks.positions(mask == masks.WHITE, row)] = 255
    return np.repeat(gray.reshape(*shape, 1), 3, -1)


# %% tags=["hide-input", "fragment"]
# @title The mask, and what becomes of it in each layer
layers = network.style_layers
parts = [belongs(layer) for layer in layers]
free = [(part[..., 0] == 128).mean() for part in parts]
assert trial or (free == sorted(free) and free[-1] > 3 * free[0])
titles = [f"{layer}: {share:.0%} gray" for layer, share in zip(layers, free, strict=True)]
alt = "The mask, and five layers: ever fewer positions, an ever wider gray band between the two."
shown = [masks.to_picture(mask), *parts]
plots.pictures(shown, ["the mask", *titles], columns=3, height=1.9, alt=alt)

# %% [markdown] tags=["fragment"]
# The deep layers keep out of the border. There, the shallow ones and the content have their say.

# %% [markdown] tags=["slide"]
# **Before you run it:** we paint with both paintings and no mask, then with both and the mask, then
# the sky alone, after S. What will be left of S in the building each time?

# %% tags=["slide"]
mean = paint(C, S, T, init="content")  # runs with masks begin there, too
both = paint(C, S, T, mask=mask, style_masks=["white", "black"])
sky = paint(C, S, mask=mask, style_masks=["white"])

found = [C, mean.picture, both.picture, sky.picture]
titles = ["C", "no mask: a mixture", "S in the sky, T on the ground", "S in the sky alone"]
alt = "The hall; in a mixture of two styles; with one for the sky and one below; the sky alone."
plots.pictures(found, titles, columns=2, height=3.0, alt=alt)

# %% [markdown]
# Your function measures how far the ground is from each painting, in the third layer.

# %%
layer = layers[2]
row = network.layers[layer]
below = np.zeros([-(-side // row.stride) for side in mask.shape], np.float32)
below.flat[masks.positions(mask == 0, row)] = 1


def below_the_sky(picture, painting):
    """Relative style cost of the ground against a painting."""
    A_S = costs.mean_gram_matrix(network(painting)[layer])
    A_G = region_gram(network(tf.constant(picture, tf.float32))[layer], below)
    return float(costs.gram_cost(A_S, A_G, "relative"))


# %% tags=["hide-input"]
# @title The ground, and the two paintings
runs = {"without a mask": mean, "with the mask": both}
far = {name: [below_the_sky(run.picture, P) for P in (S, T)] for name, run in runs.items()}
stays = np.abs(sky.picture - C)[mask == 0].max()
assert stays < 0.01
assert trial or far["with the mask"][1] < 0.8 * far["without a mask"][1]
assert trial or far["with the mask"][0] > far["without a mask"][0]
table = "| painted | style cost against S | against T |\n|---|---|---|\n"
for name, pair in far.items():
    table += "| {} | {:.3f} | {:.3f} |\n".format(name, *pair)
Markdown(table)

# %% [markdown] tags=["fragment"]
# With the mask the ground comes nearer to T, and it no longer has to please S. (More than 1:
# farther off than zeros.) In the last picture every pixel that is black in the mask is the
# photograph's. Before the network looks at G, the photograph is put in there, so $J$ has no slope
# at these pixels.

# %% [markdown]
# ### A mask for the painting, too
#
# With a mask of its own, a painting's sky paints ours and its ground paints our ground.

# %%
church = images.load("church_at_auvers", SIZE)
above = masks.rectangle(church, top=0.0, left=0.0, bottom=0.29, right=0.38)
above |= masks.rectangle(church, top=0.0, left=0.76, bottom=0.29, right=1.0)
plain = paint(C, church, init="content")
split = paint(C, church, mask=mask, style_masks=[masks.white(above)])

lit = church * np.where(above, 1.0, 0.2)[..., None]
found = [church, lit, plain.picture, split.picture]
titles = ["the painting", "its mask, sky lit", "without masks", "sky to sky, ground to ground"]
alt = "Van Gogh's church, its sky lit, and the hall painted after it without masks and with them."
plots.pictures(found, titles, columns=2, height=3.0, alt=alt)

# %% [markdown]
# Compare the skies: the second has only the painting's sky to learn from.

# %% [markdown] tags=["slide"]
# ## 2 · How large
#
# The network counts in pixels. A painting that is loaded at half the size shows it strokes of half
# the width. So the **scale of the style picture** is a knob of its own.
#
# **Before you run it:** what will become of the strokes at half the size, and at twice the size?

# %%
by_scale = {}
for scale in (0.5, 1, 2):
    painting = images.load("starry_swirls", round(SIZE * scale))
    by_scale[scale] = paint(C, painting).picture

# %% tags=["hide-input", "slide"]
# @title Three scales
ripples = [images.detail(p, 16, 24).std() for p in by_scale.values()]  # all but a blur of 16 × 24
assert trial or ripples[0] > 1.1 * ripples[2]
alt = "The painting; the hall with ripples, with broad bands, and with streaks."
titles = ["S", *(f"scale {scale:g}" for scale in by_scale)]
plots.pictures([S, *by_scale.values()], titles, columns=2, height=3.0, alt=alt)

# %% [markdown] tags=["fragment"]
# The larger the painting, the less of it fits into a layer's window. At half the size narrow
# ripples come out; at twice the size they are gone, and streaks are left.

# %% [markdown]
# ### Fine strokes of one painting, large shapes of another
#
# A layer's weight may differ from painting to painting (`style_weights`): the shallow layers may
# listen to one, the deep ones to the other.
#
# **Before you run it:** we try it both ways. Which picture will have the lead lines?

# %%
fine, coarse = [1, 0], [0, 1]  # the weights of two paintings in a shallow layer, and in a deep one
weights = fine * 2 + coarse * 3
crossed = [paint(C, *pair, style_weights=weights).picture for pair in ((S, T), (T, S))]

# %% tags=["hide-input"]
# @title Strokes of one, shapes of the other


def color_distance(a, b):
    """How far the covariances of the colors of two pictures are from each other."""
    return np.linalg.norm(np.cov(a.reshape(-1, 3).T) - np.cov(b.reshape(-1, 3).T))


deep = [network(tf.constant(p, tf.float32))[layers[3]] for p in (T, *crossed)]
nets = [float(costs.layer_style_cost(deep[0], a, "relative")) for a in deep[1:]]
assert trial or nets[0] < 0.8 * nets[1]
assert trial or color_distance(crossed[0], S) < color_distance(crossed[1], S)
assert trial or color_distance(crossed[1], T) < color_distance(crossed[0], T)
titles = ["S in blocks 1 and 2, T deeper", "T in blocks 1 and 2, S deeper"]
alt = "The hall with the strokes of one painting and the shapes of the other, both ways round."
plots.pictures(crossed, titles, height=3.0, alt=alt)

# %% [markdown]
# A pane is larger than what a shallow layer sees, so the lead lines come where T has the deep
# layers. A painting brings more of its colors where it has the shallow ones.

# %% [markdown] tags=["slide"]
# ## 3 · Which colors
#
# A painting brings its palette along. Two ways keep the photograph's colors (Gatys et al. 2016,
# arXiv:1606.05897).

# %% [markdown] tags=["fragment"]
# **Luminance.** Take the luminance of both pictures,
#
# $$Y = 0.299\,r + 0.587\,g + 0.114\,b$$
#
# paint with it alone, and in the end put the photograph's colors back: $C - Y_C + Y_G$. (First, the
# luminance of S is given the mean and the deviation of C's; otherwise a dark painting would make a
# dark sky.)

# %% [markdown] tags=["fragment"]
# **Histogram** (their name). Or recolor the *painting* first, so that the mean $\mu$ and the
# covariance $\Sigma$ of its colors are those of the photograph. A color $x$ becomes $M(x - \mu_S) +
# \mu_C$. The mean is then right for any matrix $M$, and the covariance becomes $M \Sigma_S M^T$.

# %% [markdown]
# ### Exercise 2: the recoloring matrix
#
# `sigma_S` and `sigma_C` are the covariances of the colors of a painting and a photograph, NumPy
# arrays of shape (3, 3). Return a matrix $M$ for which $M \Sigma_S M^T = \Sigma_C$. You will need
# square roots of matrices:


# %% tags=["export"]
def root(sigma):
    """The symmetric matrix whose square is the covariance sigma: Σ^½."""
    values, vectors = np.linalg.eigh(sigma)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T


# %% tags=["exercise"]
def recoloring_matrix(sigma_S, sigma_C):
    """A matrix M with M Σ_S M^T = Σ_C."""
    ...


# %% tags=["check"]
_ = exercises.check("recoloring_matrix", recoloring_matrix)

# %% [markdown]
# <details><summary>Hint</summary>
#
# For $M = \Sigma_S^{-1/2}$, the inverse of the root (`np.linalg.inv`), the covariance becomes the
# identity: the painting's own spread is gone. What has to come after it?
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = recoloring_matrix


def recoloring_matrix(sigma_S, sigma_C):
    """Remove the painting's spread, then apply the photograph's: Σ_C^½ Σ_S^-½."""
    return root(sigma_C) @ np.linalg.inv(root(sigma_S))


recoloring_matrix = exercises.settled("recoloring_matrix", mine, recoloring_matrix)


# %%
def mean_and_covariance(picture):
    pixels = picture.reshape(-1, 3)
    return pixels.mean(axis=0), np.cov(pixels.T)


mu_T, sigma_T = mean_and_covariance(T)
mu_C, sigma_C = mean_and_covariance(C)
M = recoloring_matrix(sigma_T, sigma_C)
recolored = np.clip((T - mu_T) @ M.T + mu_C, 0, 255)

luminance = paint(C, T, keep_colors="luminance").picture
histogram = paint(C, recolored, init="content").picture

# %% tags=["hide-input", "slide"]
# @title The painting recolored, and both ways
found = [mean_and_covariance(p) for p in (C, T, recolored)]
off = [np.linalg.norm(sigma - sigma_C) / np.linalg.norm(sigma_C) for _, sigma in found]
tints = [p - colors.luminance(p) for p in (C, luminance, histogram)]
tint = [np.abs(found - tints[0]).mean() for found in tints[1:]]
assert trial or (off[2] < 0.3 * off[1] and 2 * tint[0] < tint[1])
alt = "The stained glass, the same in the photograph's colors, and the hall painted in both ways."
titles = ["T", "T, recolored", "luminance painted, colors kept", "histogram: after T, recolored"]
plots.pictures([T, recolored, luminance, histogram], titles, columns=2, height=3.0, alt=alt)

# %% [markdown] tags=["fragment"]
# With luminance each place keeps its own tint, and only its light changes. With histogram the style
# has a say in which color goes where.

# %% [markdown] tags=["slide"]
# Each of them can fail. With histogram, colors are cut off at 0 and 255, and a bright accent of the
# painting may get quite another color. And luminance throws away what is only in the colors.
# **Before you run it:** a style has stripes of a red, (200, 60, 60), and a green, (60, 131.3, 60).
# Put both into the formula of $Y$. How much of the stripes will be left?

# %% tags=["fragment"]
red, green = np.float32([200, 60, 60]), np.float32([60, 131.3, 60])
stripes = np.where(np.arange(48)[None, :, None] // 6 % 2, red, green).repeat(32, axis=0)
gray = colors.luminance(stripes)
assert np.ptp(gray) < 0.1  # the gray levels between the lightest and the darkest pixel

alt = "Red and green stripes, and their luminance, in which they have vanished."
plots.pictures([stripes, gray], ["a style", "its luminance"], height=1.4, alt=alt)

# %% [markdown] tags=["fragment"]
# So take luminance where the strokes are drawn in light and dark, as with a pen, and histogram
# where color makes the strokes.

# %% [markdown]
# ## 4 · Style is a distribution
#
# The matrix F of a layer has one row for each position, and style forgets their order. A list
# without an order is a **cloud** of points, here in $n_C$ dimensions. *A style is a cloud of
# activations*, and a style cost is a distance between two clouds. There are many such distances
# (Yanghao Li et al. 2017):
#
# | `style_cost` | what it keeps of the cloud | numbers |
# |---|---|---|
# | `mean-std` | its middle, and its width along each axis | $2 n_C$ |
# | `gram` | the mean product of every pair of channels | $n_C^2$, all but the diagonal twice |
# | `wasserstein` | how it looks from $n_C$ directions, in 128 parts each | $128\, n_C$ |
#
# Here are two channels of the second layer, and random points that agree with them in means and
# deviations, or in means and covariance (the Gram matrix follows from these).

# %% tags=["hide-input"]
# @title A cloud, and what two descriptions know of it
F = costs.unroll(network(S)[layers[1]]).numpy()
lively = np.argsort(F.var(axis=0))[-24:]
tilts = np.abs(np.corrcoef(F[:, lively].T)) - np.eye(24)
i, j = lively[list(np.unravel_index(tilts.argmax(), tilts.shape))]
cloud, rng = F[:, [i, j]], np.random.default_rng(0)
middle, width = cloud.mean(axis=0), cloud.std(axis=0)
clouds = {
    "the layer": cloud[rng.choice(len(cloud), 1500)],
    "means and deviations": rng.normal(middle, width, (1500, 2)),
    "Gram": rng.multivariate_normal(middle, np.cov(cloud.T), 1500),
}
assert F.min() == 0 and all((clouds[name] < 0).any() for name in ("means and deviations", "Gram"))
figure = plots.AltFigure(8.4, 3.0, alt="A tilted, skewed cloud; a round one; a tilted one.")
ends = min(points.min() for points in clouds.values()), cloud.max()
for n, (name, points) in enumerate(clouds.items()):
    axes = figure.add_subplot(1, 3, n + 1)
    axes.scatter(*points.T, s=3, alpha=0.3, color=plots.COLORS[n])
    axes.set(title=name, xlim=ends, ylim=ends)
    axes.axhline(0, color="0.6", lw=0.8)
    axes.axvline(0, color="0.6", lw=0.8)
figure

# %% [markdown]
# After a relu nothing is below zero: the cloud of the layer has a hard edge at the gray lines. The
# other two clouds go below it. To keep more, one asks how far the points of one cloud have to be
# carried to become the other. That is the **earth mover's** or *Wasserstein* distance. For clouds
# it is hard to compute. On a line it is easy.
#
# ### Exercise 3: earth moved
#
# `x` and `y`, tensors of shape (n,), hold the places of two piles of n grains on a line. The grains
# of x are carried to the places of y, one to each place, so that the mean of the squared distances
# is as small as it can be. Return this mean.


# %% tags=["exercise"]
def earth_moved(x, y):
    """The least mean squared distance from the values x to the values y, both of shape (n,)."""
    ...


# %% tags=["check"]
_ = exercises.check("earth_moved", earth_moved)

# %% [markdown]
# <details><summary>Hint</summary>
#
# If two grains cross on their way, let them swap destinations: the sum of the two squares becomes
# smaller. So in the best plan nobody crosses. What does that say about the smallest of x?
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = earth_moved


def earth_moved(x, y):
    """The smallest goes to the smallest, and so on."""
    return tf.reduce_mean((tf.sort(x) - tf.sort(y)) ** 2)


earth_moved = exercises.settled("earth_moved", mine, earth_moved)

# %% [markdown]
# Now look at the cloud from many directions: along each, every point has a place on a line. The
# mean of the earth moved over all directions is the *sliced* Wasserstein distance (Rabin et al.
# 2011), a style cost since Heitz et al. 2021. The package draws $n_C$ directions once, and compares
# the means of 128 equal parts of each sorted pile, since two pictures may have different numbers of
# grains.
#
# ### What each of them loses
#
# Two pairs of tiny layers. In the first pair, two channels answer at the same places, or each where
# the other is silent. In the second, one channel is quiet and seldom loud, or loud and seldom
# quiet. **Before you run it:** for which descriptions are the two of a pair *the same*?

# %%
together = np.float32([[0, 0], [1, 1]] * 8).reshape(4, 4, 2)
apart = np.float32([[0, 1], [1, 0]] * 8).reshape(4, 4, 2)
quiet = np.float32([2, 2, 2, 6] * 4).reshape(4, 4, 1)
loud = 6 - quiet  # 4, 4, 4, 0: the same mean, 3, and the same deviation


# %% tags=["hide-input"]
# @title Who is blind to what
def between(a, b, describe):
    return float(costs.layer_style_cost(tf.constant(a), tf.constant(b), "relative", describe))


table = "| | together or apart | seldom loud or seldom quiet |\n|---|---|---|\n"
seen = {}
for name, describe in STYLE_COSTS.items():
    seen[name] = between(together, apart, describe), between(quiet, loud, describe)
    table += "| `{}` | {:.3f} | {:.3f} |\n".format(name, *seen[name])
blind = {name: [value < 1e-6 for value in pair] for name, pair in seen.items()}
assert list(blind.values()) == [[False, True], [True, True], [False, False]]
Markdown(table)

# %% [markdown]
# A zero means: blind to it. `wasserstein` sees both pairs; it misses only what shows in none of its
# directions.
#
# ### One glass, three descriptions
#
# The same β has another effect with each description. So we compare them at equal content cost:
# `gram` has the default β, and the other two the β that leads them to where `gram` ends.


# %%
cat, glass = (images.load(name, SIZE * 3 // 4) for name in ("cat", "stained_glass"))


def painted_by(describe, aim=None):
    """A painting of the cat whose J has settled, at the content cost `aim` if there is one."""
    run = Transfer(cat, glass, painter, style_cost=describe, levels=1)
    for turn in range(6):
        if turn and aim:
            run.set(beta=run.spec.beta * (aim / run.costs()["content"]) ** 2)
        run.step(STEPS // 2)
    return run


by_cost = {"gram": painted_by("gram")}
aim = by_cost["gram"].costs()["content"]
by_cost |= {name: painted_by(name, aim) for name in ("mean-std", "wasserstein")}

# %% tags=["hide-input"]
# @title One content cost, three descriptions
ends = {name: run.costs() for name, run in by_cost.items()}
falls = [run.history["total"][-STEPS // 2] / ends[name]["total"] for name, run in by_cost.items()]
assert trial or max(falls) < 1.05
assert trial or all(abs(end["content"] / aim - 1) < 0.05 for end in ends.values())
made = {name: run.picture for name, run in by_cost.items()}
differ = [np.abs(a - b).mean() for a, b in pairwise([*made.values(), made["gram"]])]
assert trial or max(differ) < 0.8 * min(np.abs(picture - cat).mean() for picture in made.values())
titles = [f"{name}: β {run.spec.beta:.0f}" for name, run in by_cost.items()]
titles = [f"{t}, content {e['content']:.2f}" for t, e in zip(titles, ends.values(), strict=True)]
alt = "The cat, and the cat painted after the stained glass with three style costs."
plots.pictures([cat, *made.values()], ["the cat", *titles], columns=2, height=3.0, alt=alt)

# %% [markdown]
# Now each description judges all three pictures.

# %% tags=["hide-input"]
# @title The style costs: 0 is the same style, 1 as far off as zeros
verdict = {maker: {} for maker in made}
for judge, run in by_cost.items():
    for maker, picture in made.items():
        run.picture = picture
        verdict[maker][judge] = run.costs()["style"]
for judge in made:
    assert trial or min(made, key=lambda maker: verdict[maker][judge]) == judge
table = "| painted by | " + " | ".join(f"judged by `{judge}`" for judge in made) + " |\n"
table += "|---" * 4 + "|\n"
for maker, row in verdict.items():
    table += f"| `{maker}` | " + " | ".join(f"{value:.4f}" for value in row.values()) + " |\n"
Markdown(table)

# %% [markdown]
# Each likes its own painting best: the one that minimized a cost has the lowest value of it. Yet
# the paintings are alike. In one layer `mean-std` does not know which channels answer together, and
# still it draws lead around the panes. A likely reason: a channel of a deeper layer answers where
# several channels below it answer together, so its mean speaks of them. **You choose what to keep
# of a cloud**, and so does your choice of layers.
#
# ## 5 · Large pictures
#
# A window of the network has a fixed number of pixels. In a picture of twice the size it covers
# half the width, and strokes come out half as large. The remedy is **coarse to fine** (notebook 4,
# section 7): with four levels, 2048 pixels are laid out at 256. But twice the size takes four times
# the memory: the gradient needs every activation.

# %% [markdown] tags=["slide"]
# ## 6 · A film
#
# Paint each frame by itself, and the strokes jump: each finds another of the many valleys of $J$.
# The simplest remedy: **G starts as the last painting, plus whatever has changed in the film**.

# %% [markdown]
# ### Exercise 4: the start of the next frame
#
# `painting` is the last painting, `before` the frame it was painted from, and `frame` the new one:
# arrays (height, width, 3) of values from 0 to 255. Return the picture at which G starts.


# %% tags=["exercise"]
def next_start(painting, before, frame):
    """The last painting, plus whatever has changed in the film: again a picture, 0 to 255."""
    ...


# %% tags=["check"]
_ = exercises.check("next_start", next_start)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What has changed in the film is `frame - before`.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = next_start


def next_start(painting, before, frame):
    """Where nothing has changed, the painting; elsewhere the change is added to it."""
    return np.clip(painting + frame - before, 0, 255)


next_start = exercises.settled("next_start", mine, next_start)

# %% [markdown] tags=["slide"]
# Our film is made from one photograph: a rocket leaves its pad at night. The camera stands still,
# and its sensor adds a little noise.

# %% tags=["hide-input"]
# @title Nine frames of a launch
SIDE = min(SIZE, 256)
pad = images.load("launch_pad", round(1.5 * SIDE))[:SIDE]
edge = (pad.shape[1] - SIDE) // 2
pad = pad[:, edge : edge + SIDE]
top, foot, left, right = (round(share * SIDE) for share in (0.28, 0.945, 0.47, 0.54))
rocket = pad[top:foot, left:right]
solid = rocket[..., :1] > rocket[..., 2:]  # redder than blue: no sky
empty = pad.copy()
empty[top:foot, left:right] = np.median(pad[top:foot, left - 8 : left - 2], axis=1, keepdims=True)
y, x = np.mgrid[:SIDE, :SIDE] / SIDE


def frame_at(t):
    """The launch at time t, from 0 to 1."""
    up = round(0.95 * foot * t**1.5)
    tall = np.concatenate([empty[:1].repeat(SIDE, axis=0), empty])  # with more sky above
    place = tall[SIDE + top - up : SIDE + foot - up, left:right]
    place[:] = np.where(solid, rocket, place)
    below, beside = y - (foot - up) / SIDE, x - (left + right) / 2 / SIDE
    flame = np.exp(-((beside / (0.02 + 0.08 * abs(below))) ** 2) - (below / 0.13) ** 2)
    glow = np.exp(-50 * (beside**2 + (below - 0.05) ** 2))[..., None]
    light = np.where(below > 0, flame, 0)[..., None] * [330, 230, 110] + glow * [90, 55, 15]
    noise = np.random.default_rng(round(1000 * t)).normal(0, 2, pad.shape)
    return np.float32(np.clip(tall[SIDE:] + (t > 0) * light + noise, 0, 255))


frames = [frame_at(t) for t in np.linspace(0, 1, 9)]

# %% tags=["fragment"]
night = images.load("starry_swirls", SIDE)
run = Transfer(frames[0], night, painter, levels=1, init="content")
run.step(STEPS)
film = [run.picture]
for before, frame in pairwise(frames):  # python -m helpers.film paints a file or folder like this
    run.aim(content=frame)  # another photograph, and nothing is compiled again
    run.picture = next_start(run.picture, before, frame)
    run.step(STEPS // 4)
    film.append(run.picture)

alt = "A bright rocket rises into a night of wavy strokes."
animation.animation(film, milliseconds=200, alt=alt)

# %% [markdown] tags=["slide"]
# **Flicker** is how much the paintings change from frame to frame *where the film does not*.
# **Before you run it:** we paint the first two frames by themselves as well, each from a noise of
# its own, or from its photograph. Order the three by flicker.


# %%
def alone(start, frame):
    """A frame painted by itself, from a picture to start with."""
    run.aim(content=frame)
    run.picture = start
    run.step(STEPS)
    return run.picture


pair, rng = frames[:2], np.random.default_rng(0)
films = {
    "a noise of its own": [alone(rng.uniform(0, 255, pad.shape), frame) for frame in pair],
    "its photograph": [film[0], alone(pair[1], pair[1])],
    "the last painting": film[:2],
}

# %% tags=["hide-input", "fragment"]
# @title Flicker
flickers = {name: animation.flicker(found, pair) for name, found in films.items()}
assert trial or list(flickers.values()) == sorted(flickers.values(), reverse=True)
assert trial or flickers["the last painting"] < 0.5 * flickers["its photograph"]
lines = "| each of two frames begins as | flicker, gray levels |\n|---|---|\n"
for name, value in (flickers | {"(the film itself)": animation.flicker(pair, pair)}).items():
    lines += f"| {name} | {value:.1f} |\n"
Markdown(lines)

# %% [markdown]
# The last way takes only a quarter of the steps. But it does not know that a *thing* has moved:
# the rocket gets the strokes of the sky that it flies into, and where it was, its own are left for
# the steps to mend. When the camera turns, strokes tend to stay where they are on the screen. For
# that one computes the **optical flow**, where each pixel has gone, and lets the last painting go
# along (Ruder et al. 2016).

# %% [markdown]
# And the change is one of the *photograph*. By day it may fail: where a pale sky is painted dark, a
# sun that is only a little brighter than the sky comes out brown.

# %% [markdown] tags=["slide"]
# ## 7 · What came after
#
# A minute for one picture is long. Much of what came after Gatys made it shorter.

# %% tags=["fragment"]
drawings.successors()

# %% [markdown]
# **Feed-forward networks** (Johnson et al., Ulyanov et al., both 2016). Optimize the weights of a
# network that paints *any* photograph. Its training minimizes a $J$ much like ours, over many
# photographs (Johnson's: 80,000); then it paints in one pass, up to a thousand times faster. The
# price: one such network knows one painting, at one β and one scale.
#
# **Statistics** (AdaIN, Huang & Belongie 2017; WCT, Yijun Li et al. 2017). Take the *layer* of the
# photograph, shift and scale every channel to the painting's mean and deviation, and let a decoder,
# trained once, turn the layer into a picture. Any painting will do. WCT does the same with the
# whole covariance: the matrix of section 3, with 512 channels in the place of three colors, and
# with C and S exchanged. The price: the decoder has to rebuild the picture, and fine detail of both
# may be lost.
#
# **Matching** (STROTSS, Kolkin et al. 2019; NNST, 2022). Instead of a mean over all positions, each
# place of G becomes more like its nearest place in S. STROTSS does so with a relaxed earth mover's
# distance: several grains may go to the same place.
#
# **Diffusion** (widely used since 2022). A network trained on up to billions of captioned pictures
# removes noise step by step, and words steer it. Many such systems work on **latents**, a small
# code of the picture, from which a trained decoder makes the pixels at the end. In its basic form
# there is no photograph, no single painting, and no $J$ that says how near the result is to either.
#
# Is the loop out of date, then? For speed, yes. But feed-forward networks are trained with a $J$
# like ours, AdaIN sets what `mean-std` compares, and matching keeps the loop and changes the style
# cost. Diffusion has least in common with it: its network was trained to remove noise, not to
# compare. **In the loop, what is asked for is written down in one line.**
#
# ## Now try
#
# Could you write your four functions from an empty file? Then write a style cost of your own: copy
# `mean_and_deviation` from `helpers/style_costs.py` and change it (it has to keep the leading
# axes). Put it into `STYLE_COSTS` in the place of `mean-std`, run "One glass" again, and let the
# others judge it.
#
# **The whole way:** [1 · What VGG sees](01_vgg_features.ipynb) ·
# [2 · The content cost](02_content_cost.ipynb) ·
# [3 · Gram matrix and style cost](03_gram_and_style_cost.ipynb) ·
# [4 · The loop](04_optimization_loop.ipynb) · [5 · The studio](05_studio.ipynb) · 6 · In control ·
# [7 · A closer look](07_closer_look.ipynb)
