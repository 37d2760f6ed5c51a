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
# Content asked: is the same thing in the same place? Style asks something else: *are the same
# strokes, colors and textures in the picture at all, wherever they are?* So we need a description
# of a picture that has forgotten every place. Gatys, Ecker & Bethge found one in 2015: which
# channels fire together. It fits into one matrix for each layer.
#
# **After this notebook you can**
# - compute a Gram matrix by hand, as loops, and as $F^T F$;
# - say what its entries mean, and show why it knows no "where";
# - measure how far two paintings are apart in style;
# - write the style cost of one layer and of several, with weights $λ_l$;
# - grow a texture from noise, and say what each layer adds to it.
#
# **Time:** 40 minutes to read and try. Computing takes about 1½ minutes on two CPU cores with
# `mini` (measured), and about one minute on a Colab GPU with VGG-19 (estimated).

# %% tags=["parameters"]
SIZE = 192  # the longest side of the pictures, in pixels
STEPS = 100  # steps of each texture
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
# The last line names the network that makes every picture below.
#
# (The outputs stored here were made on a CPU with `NETWORK = "vgg19"`, from a file of weights that
# holds VGG-19's blocks 1–3. With `mini` the numbers differ a little.)
#
# ## 1 · By hand
#
# Three positions, two channels. Unrolled as in notebook 2, that is a matrix $F$ with one row for
# each position and one column for each channel:
#
# $$F = \begin{pmatrix} 1 & 0 \\ 2 & 1 \\ 0 & 3 \end{pmatrix}$$
#
# The **Gram matrix** $G$ holds one number for each pair of channels $i, j$: multiply the two
# channels place by place, and add up over all places $k$ (Gatys 2016, equation 3):
#
# $$G_{ij} = \sum_k F_{ki} F_{kj}$$
#
# (An unlucky letter, but the paper's. With indices, as in $G_{ij}$, $G_S$ or $G_G$, it is a Gram
# matrix. Alone, as in $J(S, G)$, G is still the generated picture, and $G_G$ is *its* Gram matrix.)
#
# **Before you go on:** work out $G_{11}$, $G_{12}$, $G_{21}$ and $G_{22}$ on paper.

# %%
F = np.float32([[1, 0], [2, 1], [0, 3]])
by_loops = np.zeros((2, 2), "float32")
for i in range(2):
    for j in range(2):
        for k in range(3):
            by_loops[i, j] += F[k, i] * F[k, j]
print(by_loops)

# %% [markdown]
# $G_{11} = 1·1 + 2·2 + 0·0 = 5$, $G_{22} = 0 + 1 + 9 = 10$, and $G_{12} = G_{21} = 0 + 2 + 0 = 2$:
# both channels fire only at the second place. Rows times columns, added up: that is a matrix
# product. (In the paper $F$ is the other way round, and so the product is $F F^T$ there.)

# %%
by_product = F.T @ F
print(by_product)
print("largest difference:", np.abs(by_loops - by_product).max())

# %% [markdown]
# For a real activation we unroll first:

# %% tags=["hide-input"]
from helpers.costs import content_cost, unroll  # derived in notebook 2


# %% tags=["export"]
def gram_matrix(a):
    """(n_H, n_W, n_C) → (n_C, n_C): G_ij = Σ_k F_ki F_kj over all positions k."""
    F = unroll(a)
    return tf.matmul(F, F, transpose_a=True)


# %%
S = images.load("starry_swirls", SIZE)
a_S = network(S)["block2_conv1"]
G_S = gram_matrix(a_S)
plots.pictures([S], [f"S, {S.shape[1]} × {S.shape[0]} pixels"], alt="A night of swirling strokes.")

# %%
print(f"activation {tuple(a_S.shape)} → Gram matrix {tuple(G_S.shape)}")
print("symmetric:", bool(np.allclose(G_S, tf.transpose(G_S), rtol=1e-4)))
print("smallest eigenvalue over the largest:", end=" ")
eigenvalues = np.linalg.eigvalsh(G_S)
print(f"{eigenvalues[0] / eigenvalues[-1]:.0e}")

# %% [markdown]
# Whatever the size of the picture, the matrix is $n_C × n_C$. It is symmetric, and none of its
# eigenvalues is negative (but for rounding): every matrix of the form $F^T F$ is like that.
#
# ## 2 · What the entries mean
#
# - $G_{ii}$ on the diagonal: **how much** channel $i$ fires, added up over the whole picture.
# - $G_{ij}$ beside it: how much $i$ and $j$ fire **together**, in the same places.
#
# A product is large only where both channels are. To see which pairs belong together, and not only
# which channels are loud, divide by both loudnesses: $G_{ij} / \sqrt{G_{ii} G_{jj}}$ is the cosine
# of the angle between two channels. 1: always together, in proportion; 0: never at the same place.
#
# ### Exercise 1: the cosines


# %% tags=["exercise"]
def cosines(G):
    """G_ij / √(G_ii · G_jj) for all pairs: (n_C, n_C)."""
    return None  # your expression


# %% tags=["check"]
found = cosines(np.float32([[5, 2], [2, 10]]))
if found is None:
    print("not yet: cosines returns None")
elif np.allclose(found, [[1, 0.2828427], [0.2828427, 1]], atol=1e-5):
    print("right: each channel has the cosine 1 with itself, and these two 2/√50 ≈ 0.28")
else:
    print("not yet: for [[5, 2], [2, 10]] it must be [[1, 0.28], [0.28, 1]]")

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.diag(G)` holds all $G_{ii}$. `np.outer(x, x)` makes every product $x_i x_j$ of a vector.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def cosines(G):
#     loudness = np.sqrt(np.diag(G))
#     return G / np.outer(loudness, loudness)
# ```
#
# </details>

# %% [markdown]
# The thirty loudest channels of the painting, and their cosines:

# %%
loud = np.argsort(-np.diag(G_S))[:30]
G_loud = G_S.numpy()[np.ix_(loud, loud)]
lengths = np.sqrt(np.diag(G_loud))
together = G_loud / np.outer(lengths, lengths)
name = "channel, loudest first"
alt = "Cosines of 30 channels: bright blocks and dark lines off the diagonal."
plots.matrix(together, xlabel=name, ylabel=name, label="cosine", alt=alt)

# %% [markdown]
# Now look at two pairs of the ten loudest in the picture itself: the pair with the largest cosine
# and the one with the smallest. **Before you run it:** what will the two maps of a pair look like,
# in either case?

# %%
ten = together[:10, :10]
i, j = np.unravel_index(np.argmax(ten - np.eye(10)), ten.shape)  # the diagonal is no pair
p, q = np.unravel_index(np.argmin(ten), ten.shape)
pairs = {"together": (i, j), "apart": (p, q)}
titles = [f"{word}: channel {loud[x]}" for word, pair in pairs.items() for x in pair]
print(f"together: {together[i, j]:.2f}    apart: {together[p, q]:.2f}")

# %%
alt = "Four activation maps: the first two bright in the same places, the last two side by side."
plots.channels(a_S, loud[[i, j, p, q]], titles=titles, columns=4, height=2.0, alt=alt)

# %% [markdown]
# The first pair: where the one is bright, the other mostly is too, though it may be bright
# elsewhere as well; the cosine is not 1. The last pair may look alike from afar, as both follow the
# same strokes. Look along one stroke: where the one is bright, the other is dark. They take
# opposite sides of it, and so they are hardly ever bright at the *same place*. *This pair belongs
# together, that pair does not* — thousands of such statements are what the Gram matrix says about a
# painting.
#
# ## 3 · No "where"
#
# Shuffle the rows of $F$, that is, exchange the places of the activation. **Before you run it:**
# the same shuffle for the Gram matrix and for the content cost of notebook 2. Which of the two
# notices?

# %%
F = unroll(a_S)
shuffled = tf.gather(F, np.random.default_rng(0).permutation(F.shape[0]))
a_shuffled = tf.reshape(shuffled, a_S.shape)
change = np.abs(gram_matrix(a_shuffled) - G_S).max() / np.abs(G_S).max()
print(f"largest change of the Gram matrix: {change:.1e} of its largest entry")
print(f"content cost: {float(content_cost(a_S, a_shuffled)):.1f}, compared with")
print(f"              {float(content_cost(a_S, 0 * a_S)):.1f} for a layer that is silent")

# %% [markdown]
# The Gram matrix stays the same but for rounding: its sum runs over all places, and a sum does not
# care in which order. The content cost is as large as if the picture were gone. That was the
# activation. Now shuffle the *picture*, in tiles. Inside a tile all is as before, but along the
# cuts the layer sees edges that were not there.


# %%
def shuffle_tiles(picture, side, seed=0):
    rows, columns = (n // side for n in picture.shape[:2])
    tiles = picture[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    tiles = tiles.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)
    tiles = np.random.default_rng(seed).permutation(tiles).reshape(rows, columns, side, side, 3)
    return tiles.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)


# %%
sides = [side for side in (8, 16, 32) if side < min(S.shape[:2]) // 2]
mixed = {side: shuffle_tiles(S, side) for side in sides}
titles = ["S", *(f"tiles of {side}" for side in sides)]
alt = "The painting, and the painting cut into tiles that are shuffled, in several sizes."
plots.pictures([S, *mixed.values()], titles, height=1.8, alt=alt)

# %% [markdown]
# To compare them by Gram matrices we need one thing more, because cutting tiles may cost a few
# pixels at the rim: pictures of different sizes.
#
# ## 4 · Pictures of different sizes
#
# Twice as many places, twice as large sums: $G$ grows with the picture. The mean over the places
# does not. So divide by $n_H · n_W$:


# %% tags=["export"]
def mean_gram_matrix(a):
    """The Gram matrix divided by the number of positions, n_H·n_W."""
    n_H, n_W, _ = a.shape
    return gram_matrix(a) / (n_H * n_W)


# %%
whole, half = network(S)["block2_conv1"], network(S[:, : S.shape[1] // 2])["block2_conv1"]
for name, gram in (("Gram matrix", gram_matrix), ("divided by n_H·n_W", mean_gram_matrix)):
    ratio = np.trace(gram(half)) / np.trace(gram(whole))
    print(f"{name}: the left half has {ratio:.2f} of the whole's diagonal")

# %% [markdown]
# ## 5 · The style cost of one layer
#
# The distance between two Gram matrices, entry by entry (Gatys 2016, equation 4):
#
# $$J_{style}^l(S, G) = \frac{1}{4 n_C^2 (n_H n_W)^2} \sum_{i,j} \left(G_S - G_G\right)_{ij}^2$$
#
# The constant has a plain meaning: $\frac{1}{(n_H n_W)^2}$ is the division by the number of places
# inside the square, and $\frac{1}{n_C^2}$ the mean over the entries. (The ¼ is a convention.) So
# with mean Gram matrices $A = G / (n_H n_W)$ it reads $\frac{1}{4 n_C^2} \sum (A_S - A_G)^2$, and
# then the two pictures may differ in size. As loops first, on a few channels:

# %%
C = images.load("cat", SIZE)
a_C = network(C)["block2_conv1"]
few_S, few_C = mean_gram_matrix(a_S[..., :12]).numpy(), mean_gram_matrix(a_C[..., :12]).numpy()
total = 0.0
for i in range(12):
    for j in range(12):
        total += float(few_S[i, j] - few_C[i, j]) ** 2
by_loops = total / (4 * 12**2)


# %% tags=["export"]
def layer_style_cost(a_S, a_G):
    """J_style^l(S, G) of one layer; the pictures' sizes may differ."""
    n_C = a_S.shape[-1]
    A_S, A_G = mean_gram_matrix(a_S), mean_gram_matrix(a_G)
    return tf.reduce_sum((A_S - A_G) ** 2) / (4 * n_C**2)


# %%
by_expression = float(layer_style_cost(a_S[..., :12], a_C[..., :12]))
print(f"loops {by_loops:.4g}, expression {by_expression:.4g}")
print(f"largest difference: {abs(by_loops - by_expression) / by_loops:.1e} of the cost")

# %% [markdown]
# ### How far apart are paintings?
#
# Numbers like these have no unit, so we compare them with one another. Cut each of our five
# paintings in two. Is a left half nearer to its own right half than to any other painting? As
# distance we divide the squared difference by the squares of both matrices: 0 is *the same*, 1 is
# *nothing in common*.

# %%
names = [n for n, place in images.gallery("style").items() if "http" not in str(place)]
paintings = [images.load(name, SIZE) for name in names]
middle = [p.shape[1] // 2 for p in paintings]
left = [network(p[:, :m])["block3_conv1"] for p, m in zip(paintings, middle, strict=True)]
right = [network(p[:, m:])["block3_conv1"] for p, m in zip(paintings, middle, strict=True)]
plots.pictures(paintings, names, height=1.3, alt=f"The paintings {', '.join(names)}.")

# %% [markdown]
# **Before you run the next cell:** which two paintings will be most alike, and which least?


# %%
def distance(a, b):
    A, B = mean_gram_matrix(a), mean_gram_matrix(b)
    return float(tf.reduce_sum((A - B) ** 2) / tf.reduce_sum(A**2 + B**2))


table = np.array([[distance(a, b) for b in right] for a in left])
label = "distance in block3_conv1"
alt = "Distances of left halves (rows) to right halves (columns); small on the diagonal."
halves = {"xlabel": "right half of", "ylabel": "left half of"}
plots.matrix(table, labels=names, numbers=True, label=label, alt=alt, **halves)

# %%
nearest = table.argmin(axis=1)
for i, j in enumerate(nearest):
    print(f"left half of {names[i]:15} is nearest to the right half of {names[j]}")
print(f"{np.mean(nearest == np.arange(len(names))):.0%} find their other half")

# %% [markdown]
# No picture was labelled, nothing was trained, and no place was compared with any other place; yet
# the halves find each other. The hardest is `woodblock_wave` (look at its row): its left half is
# mostly water, its right half mostly sky and paper, and the two *are* painted differently. Of
# different paintings, `water_light` and `starry_swirls` are most alike, dabs of blue both;
# `stained_glass` is far from all the others.
#
# Now the shuffled tiles from above, beside the other paintings:

# %%
for side, picture in mixed.items():
    found = distance(a_S, network(picture)["block2_conv1"])
    print(f"tiles of {side:2} pixels: {found:.3f}")
for name, picture in zip(names, paintings, strict=True):
    print(f"{name:18}: {distance(a_S, network(picture)['block2_conv1']):.3f}")

# %% [markdown]
# For large tiles hardly anything changes: `block2_conv1` sees 10 × 10 pixels at a time, and most of
# those windows lie inside a tile. The smaller the tiles, the more of what it sees is cuts; tiles of
# 8 pixels are smaller than its window, and then the cuts *are* the style.
#
# ### Exercise 2: the gradient in the layer, by hand
#
# Gatys' equation 6. Derive $∂J_{style}^l / ∂F$ for $F$ of the generated picture, with
# $A = F^T F / n$ and $n = n_H n_W$. It is a matrix of the shape of $F$.


# %% tags=["exercise"]
def style_gradient(A_S, F):
    """dJ_style^l / dF, of shape (n_H·n_W, n_C)."""
    return None  # your expression


# %% tags=["check"]
A_S, F = mean_gram_matrix(a_S), tf.identity(unroll(a_C))
with tf.GradientTape() as tape:
    tape.watch(F)
    A = tf.matmul(F, F, transpose_a=True) / F.shape[0]
    J = tf.reduce_sum((A_S - A) ** 2) / (4 * F.shape[1] ** 2)
by_tape, by_hand = tape.gradient(J, F), style_gradient(A_S, F)
if by_hand is None:
    print("not yet: style_gradient returns None")
elif np.allclose(by_hand, by_tape, rtol=1e-2, atol=1e-3 * float(tf.reduce_max(by_tape))):
    print("right: TensorFlow's gradient is the same")
else:
    ratio = np.linalg.norm(by_hand) / np.linalg.norm(by_tape)
    print(f"not yet: yours is {ratio:.3g} times as long, or points elsewhere")

# %% [markdown]
# <details><summary>Hint</summary>
#
# $∂J/∂A_{ij} = (A - A_S)_{ij} / (2 n_C^2)$. Each $F_{ki}$ stands in row $i$ *and* in column $i$ of
# $A$, which gives a factor 2, as $A$ is symmetric: $∂J/∂F = \frac{2}{n} F · ∂J/∂A$.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def style_gradient(A_S, F):
#     n, n_C = F.shape
#     A = tf.matmul(F, F, transpose_a=True) / n
#     return tf.matmul(F, A - A_S) / (n * n_C**2)
# ```
#
# </details>

# %% [markdown]
# ## 6 · Several layers
#
# A stroke has a color, an edge, a curl, a rhythm; layers of different depth see different ones of
# these. So the style cost takes several layers, each with a weight $λ_l$ (the paper's $w_l$,
# equation 5):
#
# $$J_{style}(S, G) = \sum_l λ_l · J_{style}^l(S, G)$$
#
# Gatys takes `block1_conv1` to `block5_conv1` with $λ_l = \frac15$. `network.style_layers` are
# those of the five that this network has.


# %% tags=["export"]
def style_cost(activations_S, activations_G, layer_weights):
    """J_style(S, G) = Σ_l λ_l · J_style^l; layer_weights: {layer name: λ_l}."""
    J = 0.0
    for layer, weight in layer_weights.items():
        J += weight * layer_style_cost(activations_S[layer], activations_G[layer])
    return J


# %%
lambdas = {layer: 1 / len(network.style_layers) for layer in network.style_layers}
activations_S, activations_C = network(S), network(C)
for layer in lambdas:
    cost = float(layer_style_cost(activations_S[layer], activations_C[layer]))
    print(f"{layer}: {cost:12.4g}")
print(f"J_style:      {float(style_cost(activations_S, activations_C, lambdas)):12.4g}")

# %% [markdown]
# Equal weights do not mean equal influence: the layers' costs differ by their size alone, so one
# layer can speak for all. Notebook 4 comes back to that.
#
# ### Exercise 3: equal influence
#
# Choose $λ_l$ such that each layer contributes the same to $J_{style}(S, C)$, and such that they
# add up to 1.


# %% tags=["exercise"]
def balanced(layer_costs):
    """{layer: cost} → {layer: λ_l}."""
    return None  # your expression


# %% tags=["check"]
found = balanced({"a": 1.0, "b": 4.0, "c": 4.0})
if found is None:
    print("not yet: balanced returns None")
elif np.allclose([found[layer] for layer in "abc"], [2 / 3, 1 / 6, 1 / 6]):
    print("right: 2/3 · 1 = 1/6 · 4")
else:
    print("not yet: the costs 1, 4, 4 need the weights 2/3, 1/6, 1/6")

# %% [markdown]
# <details><summary>Hint</summary>
#
# A weight must be proportional to one over the cost. Then divide by the sum of all weights.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def balanced(layer_costs):
#     weights = {layer: 1 / cost for layer, cost in layer_costs.items()}
#     return {layer: weight / sum(weights.values()) for layer, weight in weights.items()}
# ```
#
# </details>

# %% [markdown]
# ## 7 · Textures from noise
#
# The proof of any description is what you can rebuild from it. Start with white noise, and change
# its pixels until its Gram matrices are those of the painting: only block 1, then blocks 1 and 2,
# and so on (Gatys et al. 2015, figure 1 and "Texture Synthesis Using Convolutional Neural
# Networks"). No content cost at all.
#
# The loop below is the subject of notebook 4; here it is in short. Each layer's cost is divided by
# $\sum A_S^2$ (the package calls that `relative`), so that all of them have a say.


# %%
from helpers import costs


def texture(S, layers, seed=0):
    """White noise, moved until its Gram matrices in these layers are those of S."""
    noise = np.random.default_rng(seed).uniform(0, 255, S.shape)
    G = tf.Variable(noise, dtype=tf.float32)
    rate = keras.optimizers.schedules.CosineDecay(16.0, STEPS)  # falls to 0: see notebook 4
    adam = keras.optimizers.Adam(rate, beta_2=0.99)
    targets = {layer: network(S)[layer] for layer in layers}

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            J = costs.style_cost(targets, network(G), dict.fromkeys(layers, 1.0), "relative")
        adam.apply([tape.gradient(J, G)], [G])
        G.assign(tf.clip_by_value(G, 0, 255))

    for _ in range(STEPS):
        step()
    return G.numpy()


# %% [markdown]
# **Before you run it:** what will block 1 alone bring back: the colors? the strokes? the swirls?
# And will there ever be a moon again?

# %%
depths = range(1, len(network.style_layers) + 1)
grown = {
    f"up to {network.style_layers[n - 1]}": texture(S, network.style_layers[:n]) for n in depths
}
alt = "The painting, and textures grown from noise with more and more layers."
plots.pictures([S, *grown.values()], ["S", *grown], columns=2, height=2.4, alt=alt)

# %% [markdown]
# **Block 1** brings back the colors in small patches, and no stroke. With **block 2** the patches
# turn into short strokes in every direction. With **block 3** they grow longer and bend side by
# side, blue, white and yellow, and a hint of the swirls is there. No moon, no cypress, no village:
# nothing says *where*. (The fine checkered grain is noise from the start that these layers hardly
# see. Notebook 4 has a remedy: total variation.)
#
# The same for the other paintings, with all layers:

# %%
others = [texture(p, network.style_layers) for p in paintings[:2] + paintings[3:]]
shown = [*(paintings[:2] + paintings[3:]), *others]
alt = "Four paintings above, and below each the texture grown from its Gram matrices."
plots.pictures(shown, names[:2] + names[3:] + ["its texture"] * 4, columns=4, height=1.5, alt=alt)

# %% [markdown]
# Planes with a dark edge on one side; panes with lead between them; dabs of sea and of sunrise;
# fine white lines that run together in blue. Each is unmistakably its painting, and shows nothing.
#
# ## What you have now
#
# - `gram_matrix`: $G = F^T F$, which channels fire together. It knows no "where".
# - `mean_gram_matrix`: the same for each place, so that sizes may differ.
# - `layer_style_cost` and `style_cost`: squared differences of Gram matrices, over several layers.
# - Grown from noise, a style is a texture: shallow layers bring colors and fine strokes, deeper
#   ones longer shapes; what is *where* never comes back.
#
# **Next:** [4 · The optimization loop](04_optimization_loop.ipynb) puts content and style into one
# cost, and paints.
