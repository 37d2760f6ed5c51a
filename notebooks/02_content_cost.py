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
# Two pictures, and one question: *do they show the same thing?* Pixel by pixel is too strict: a
# painting of a cat shares hardly a pixel with the photograph of that cat. In notebook 1 you saw
# that deeper layers of VGG care more about which structures are where, and less about light. So we
# compare what a layer answers. That is Gatys, Ecker & Bethge 2016, section 2.1.
#
# **After this notebook you can**
# - write the content cost $J_{content}(C, G)$ of one layer, as loops and as one expression;
# - unroll an activation into a matrix, and say why the cost does not notice;
# - read the cost's gradient as a picture;
# - let a network redraw a photograph from noise, and choose a layer by what you see.
#
# **Time:** 35 minutes to read and try. Computing takes about 2½ minutes on two CPU cores with
# `mini` (measured), and about one minute on a Colab GPU with VGG-19 (estimated).

# %% tags=["parameters"]
SIZE = 160  # the longest side of the photo, in pixels
STEPS = 120  # steps of each drawing
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
# The last line names the network that makes every picture below. `mini` is the small stand-in for
# VGG-19's first three blocks that notebook 1 introduces.
#
# (The outputs stored here were made on a CPU with `NETWORK = "vgg19"`, from a file of weights that
# holds VGG-19's blocks 1–3. With `mini` the numbers differ a little.)
#
# ## 1 · Both pictures through the network
#
# The **content picture** C is the cat. The **generated picture** G is the one we shall change. Here
# G begins as C with much noise on it, so that the two agree in something, but not in all.

# %%
C = images.load("cat", SIZE)
random = np.random.default_rng(0)
G = np.clip(C + random.uniform(-90, 90, C.shape), 0, 255).astype("float32")
plots.pictures([C, G], ["C", "G"], alt="The cat, and the same picture under heavy noise.")

# %% [markdown]
# Forward propagation: the same network, once for each. We read one layer $l$ and call its
# activations $a_C$ and $a_G$ (the paper writes $P^l$ and $F^l$).

# %%
layer = network.content_layer
a_C, a_G = network(C)[layer], network(G)[layer]
n_H, n_W, n_C = a_C.shape
print(f"{layer}: n_H = {n_H}, n_W = {n_W}, n_C = {n_C}, so {a_C.numpy().size:,} numbers each")

# %%
channel = int(np.argmax(np.std(a_C, axis=(0, 1))))
both = np.stack([a_C[..., channel], a_G[..., channel]], axis=-1)
alt = f"Channel {channel} of {layer} for C and for G: bright in different places."
plots.channels(both, [0, 1], height=2.2, titles=["$a_C$", "$a_G$"], vmax=both.max(), alt=alt)

# %% [markdown]
# One channel of both. What is bright in the one is weaker or missing in the other, and the noise
# lights up where nothing was. The cost is to put one number on that difference.
#
# ## 2 · Unrolling
#
# An activation is a block of numbers, $n_H × n_W × n_C$. For comparing it, the plane of positions
# is a nuisance: a list is enough. **Unrolling** writes one row for each position and one column for
# each channel. By loops, on a small block whose numbers tell where they came from:

# %%
block = np.array([[[100 * i + 10 * j + k for k in range(2)] for j in range(3)] for i in range(2)])
rows = np.zeros((2 * 3, 2), int)
for i in range(2):
    for j in range(3):
        for k in range(2):
            rows[i * 3 + j, k] = block[i, j, k]
print(rows)

# %% [markdown]
# Row by row: position (0, 0), (0, 1), (0, 2), (1, 0), … Memory holds the numbers in this very
# order already, so a reshape does it, and nothing is moved:


# %% tags=["export"]
def unroll(a):
    """(n_H, n_W, n_C) → (n_H·n_W, n_C): one row for each position, one column for each channel."""
    n_H, n_W, n_C = a.shape
    return tf.reshape(a, [n_H * n_W, n_C])


# %%
print("largest difference:", np.abs(unroll(block) - rows).max())
print("unrolled:", unroll(a_C).shape)

# %% [markdown]
# A classic slip: the paper's $F^l$ has one *row* for each channel, $N_l × M_l$. That is our matrix
# transposed. A `reshape` straight to $(n_C, n_H·n_W)$ has the right shape and the wrong numbers:

# %%
print("transposed:", tf.transpose(unroll(block)).numpy().tolist())
print("reshaped:  ", block.reshape(2, 6).tolist())

# %% [markdown]
# In the first list each row is one channel (last digits 0 0 0 …, then 1 1 1 …). In the second the
# channels are mixed, and no error says so.
#
# ### Exercise 1: roll it up again
#
# Write the inverse: from $(n_H·n_W, n_C)$ back to $(n_H, n_W, n_C)$.


# %% tags=["exercise"]
def roll_up(rows, n_H, n_W):
    """(n_H·n_W, n_C) → (n_H, n_W, n_C)."""
    return None  # your expression


# %% tags=["check"]
returned = roll_up(unroll(a_C), n_H, n_W)
if returned is None:
    print("not yet: roll_up returns None")
elif returned.shape == a_C.shape and np.array_equal(returned, a_C):
    print("right: unrolled and rolled up, the activation is the same")
else:
    print("not yet: the activation is not what it was")

# %% [markdown]
# <details><summary>Hint</summary>
#
# `tf.reshape` again. Leave one of the sizes to it by writing -1, or take it from `rows.shape`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def roll_up(rows, n_H, n_W):
#     return tf.reshape(rows, [n_H, n_W, -1])
# ```
#
# </details>

# %% [markdown]
# ## 3 · The cost
#
# $$J_{content}(C, G) = \frac{1}{4 · n_H · n_W · n_C} \sum_{i,j,k} \left(a_C - a_G\right)^2$$
#
# Add the squares of all differences, and divide by (four times) how many there are. First as loops,
# on a small corner, because Python is slow:

# %%
corner_C, corner_G = a_C[:8, :8, :16].numpy(), a_G[:8, :8, :16].numpy()
total = 0.0
for i in range(8):
    for j in range(8):
        for k in range(16):
            total += float(corner_C[i, j, k] - corner_G[i, j, k]) ** 2
by_loops = total / (4 * 8 * 8 * 16)

# %% [markdown]
# Then as one expression. It adds up over the last three axes, so a batch of pictures gets one cost
# for each:


# %% tags=["export"]
def content_cost(a_C, a_G):
    """J_content(C, G) of one layer: the squared differences, over 4·n_H·n_W·n_C."""
    n_H, n_W, n_C = a_C.shape[-3:]
    squares = tf.reduce_sum((a_C - a_G) ** 2, axis=[-3, -2, -1])
    return squares / (4 * n_H * n_W * n_C)


# %%
by_expression = float(content_cost(corner_C, corner_G))
print(f"loops {by_loops:.4f}, expression {by_expression:.4f}")
print(f"largest difference: {abs(by_loops - by_expression) / by_loops:.1e} of the cost")

# %% [markdown]
# Equal but for the rounding of 32-bit numbers.
#
# ### Does the order matter?
#
# **Before you run it:** which of the next four numbers are the same? In the third, the rows of
# *both* matrices are shuffled the same way; in the fourth, those of $a_G$ only.

# %%
F_C, F_G = unroll(a_C), unroll(a_G)
order = np.random.default_rng(0).permutation(n_H * n_W)


def cost_of_rows(F_C, F_G):
    return float(tf.reduce_sum((F_C - F_G) ** 2)) / (4 * n_H * n_W * n_C)


print(f"as a block          {float(content_cost(a_C, a_G)):10.2f}")
print(f"unrolled            {cost_of_rows(F_C, F_G):10.2f}")
print(f"both shuffled       {cost_of_rows(tf.gather(F_C, order), tf.gather(F_G, order)):10.2f}")
print(f"only G shuffled     {cost_of_rows(F_C, tf.gather(F_G, order)):10.2f}")

# %% [markdown]
# The first three agree, but for rounding: the sum takes each difference once, and does not care in
# which order. The fourth is larger: each position is compared with the *same* position of the other
# picture. **Content has a "where".** In notebook 3 we look for a cost that does not even notice the
# fourth shuffle; that one will be style.
#
# ### The constant in front
#
# The factor $\frac{1}{4 n_H n_W n_C}$ comes from the Coursera course on deep learning (`course`
# below), where many meet this method. The paper's equation 1 has $\frac12$, others take the mean of
# the squares. The same sum each time, times a number that G does not change; so the *best* G is the
# same. What changes is how much content counts beside style, and with it every "good" α and β you
# read somewhere. The package holds all of them, and one more, `relative`, that has no unit: 0 is
# the same, 1 is as far away as an activation of nothing but zeros.

# %%
from helpers import costs

for convention in costs.CONVENTIONS:
    print(f"{convention:9} {float(costs.content_cost(a_C, a_G, convention)):16,.3f}")

# %% [markdown]
# ## 4 · The gradient, as a picture
#
# The cost is a number; what moves the picture is its gradient with respect to the pixels of G: how
# much would J change if this pixel became a little brighter? Now let G be the cat with a grey
# square over one place, and nothing else changed.
#
# **Before you run it:** where will the gradient be exactly zero? Inside the square, outside, near
# its rim? And does that depend on the layer?

# %%
covered = C.copy()
top, left, side = C.shape[0] // 3, C.shape[1] // 3, C.shape[0] // 6
covered[top : top + side, left : left + side] = 127
plots.pictures([covered], ["G"], alt="The cat with a grey square over part of one eye.")


# %%
def pixel_gradient(G, layer):
    G = tf.convert_to_tensor(G)
    with tf.GradientTape() as tape:
        tape.watch(G)
        J = content_cost(network(C)[layer], network(G)[layer])
    return tape.gradient(J, G).numpy()


gradients = {layer: pixel_gradient(covered, layer) for layer in network.layers}

# %%
shown = [gradient.sum(axis=-1) for gradient in gradients.values()]
alt = f"Gradients for {', '.join(gradients)}: only around the square, wider for deeper layers."
plots.signed(shown, list(gradients), alt=alt, height=1.9)

# %% [markdown]
# Red: making this pixel brighter makes the cost larger; blue: smaller. White: the cost does not
# depend on it, or hardly. The gradient lives in and around the square. A value that sees the
# square is wrong, and it also sees pixels beside the square, up to one receptive field away: two
# pixels in block 1, more in each deeper layer. Everything else is exactly zero, because there
# $a_C$ and $a_G$ agree already. Count how wide it is:

# %%
for layer, gradient in gradients.items():
    touched = np.abs(gradient).max(axis=(0, 2)) > 0
    wide = np.ptp(np.flatnonzero(touched)) + 1
    sees = network.layers[layer].receptive_field
    print(f"{layer}: {wide} pixels wide, {side} of the square and up to {sees - 1} on each side")

# %% [markdown]
# A few pixels less than the sum, because behind a pooling the fields begin only at every second or
# fourth pixel. And at the rim of what is touched the gradient is too faint to be seen above.
#
# Is it the right gradient? Then a small step against it must lower the cost by the length of the
# gradient, squared, times the step. With the noisy G from above:

# %%
layer = network.content_layer
gradient = pixel_gradient(G, layer)
before = float(content_cost(a_C, network(G)[layer]))
for grey_levels in (0.1, 1, 10):
    step = grey_levels / np.abs(gradient).max()
    after = float(content_cost(a_C, network(G - step * gradient)[layer]))
    print(f"at most {grey_levels:4} grey levels: ", end="")
    print(f"expected {-step * np.sum(gradient**2):10.2f}, found {after - before:10.2f}")

# %% [markdown]
# The smaller the step, the better the two agree: the gradient knows how steep the cost is here, not
# how far the slope goes on.
#
# ### Exercise 2: the gradient in the layer, by hand
#
# Gatys' equation 2 gives the derivative of the cost with respect to the activation itself, before
# it travels back to the pixels. Derive it for our constant $\frac{1}{4 n_H n_W n_C}$.


# %% tags=["exercise"]
def activation_gradient(a_C, a_G):
    """dJ_content / da_G, the same shape as a_G."""
    return None  # your expression


# %% tags=["check"]
with tf.GradientTape() as tape:
    tape.watch(a_G)
    J = content_cost(a_C, a_G)
by_tape, by_hand = tape.gradient(J, a_G), activation_gradient(a_C, a_G)
if by_hand is None:
    print("not yet: activation_gradient returns None")
elif np.allclose(by_hand, by_tape, rtol=1e-3, atol=1e-7):
    print("right: TensorFlow's gradient is the same")
else:
    ratio = np.linalg.norm(by_hand) / np.linalg.norm(by_tape)
    print(f"not yet: yours is {ratio:.3g} times as long, or points elsewhere")

# %% [markdown]
# <details><summary>Hint</summary>
#
# Each $a_G$ stands in one square only. The derivative of $(a_G - a_C)^2$ is $2 (a_G - a_C)$. The
# paper adds a case for $F = 0$, where the relu lets no gradient through; that belongs to the way
# back through the network, and TensorFlow does it there.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def activation_gradient(a_C, a_G):
#     n_H, n_W, n_C = a_C.shape
#     return (a_G - a_C) / (2 * n_H * n_W * n_C)
# ```
#
# </details>

# %% [markdown]
# ## 5 · Which layer? Redraw the photo from noise
#
# Gatys' figure 1 asks each layer: *if this activation is all you have of the photograph, what can
# you draw?* We start from white noise and let only the pixels move, down the content cost of one
# layer. Whatever the layer does not know stays as the noise left it.
#
# Each layer redraws from **two** different noises. If both end in the same picture, the layer has
# pinned down everything. Where they differ, it leaves freedom, and freedom is what style will need.
#
# The paper moves the pixels with **L-BFGS**, which remembers its last steps to guess how the cost
# curves. SciPy has it; it wants one long vector, and the cost with its gradient. Notebook 4
# compares it with Adam.

# %%
from scipy.optimize import Bounds, minimize


def cost_of(layer, shape, history):
    """The function that SciPy minimizes: x → (relative content cost, gradient), both · 10⁴."""
    a_C = network(C)[layer]
    unit = content_cost(a_C, tf.zeros_like(a_C)) * shape[0]

    @tf.function
    def cost_and_gradient(G):
        J = tf.reduce_sum(content_cost(a_C, network(G)[layer])) / unit
        return J, tf.gradients(J, G)[0]

    def cost(x):
        J, gradient = cost_and_gradient(tf.constant(x.reshape(shape), tf.float32))
        history.append(float(J))
        return 1e4 * float(J), 1e4 * gradient.numpy().astype("float64").ravel()

    return cost


# %%
def redraw(layer, starts):
    """Pictures with the content of C in this layer, and the relative cost at each try."""
    history = []
    cost = cost_of(layer, starts.shape, history)
    options = {"maxiter": STEPS, "maxfun": STEPS, "ftol": 0, "gtol": 0}
    limits = {"bounds": Bounds(0, 255), "options": options}
    found = minimize(cost, starts.ravel(), jac=True, method="L-BFGS-B", **limits)
    return found.x.reshape(starts.shape), history


# %% [markdown]
# Every part is known: the target once, then forward, cost and gradient; SciPy decides the step and
# keeps the pixels in 0–255. (The factor 10⁴ only brings the numbers into its usual range.)
#
# **Before you run it:** for each layer of the list, will you recognise the cat? Its colors? Single
# hairs? Write it down.

# %%
starts = random.uniform(0, 255, (2, *C.shape)).astype("float32")
drawn, histories = {}, {}
for layer in network.layers:
    drawn[layer], histories[layer] = redraw(layer, starts)

# %%
alt = f"The photo, the noise, and the photo redrawn from {', '.join(drawn)}."
shown = [C, starts[0], *(pair[0] for pair in drawn.values())]
plots.pictures(shown, ["C", "the start", *drawn], columns=3, height=2.1, alt=alt)

# %% [markdown]
# And a part of each, enlarged, where the difference is plain:

# %%
height, width = C.shape[:2]
part = np.s_[height // 4 : height // 4 + height // 3, width // 4 : width // 4 + height // 2]
rows = [[C[part], *(pair[i][part] for pair in drawn.values())] for i in range(2)]
alt = (
    "An eye enlarged, drawn twice: sharp in the photo and in block 1, then more and more speckled."
)
plots.grid(rows, ["from one noise", "from another"], ["C", *drawn], height=1.9, alt=alt)

# %%
print("mean difference of pixels, in grey levels")
for layer, (one, other) in drawn.items():
    print(f"{layer}: from the photo {np.abs(one - C).mean():5.1f}, ", end="")
    print(f"between the two drawings {np.abs(one - other).mean():5.1f}")

# %%
alt = "The relative content cost of each layer's drawing, falling over the steps."
plots.curves(histories, xlabel="try", ylabel="relative content cost", alt=alt)

# %% [markdown]
# **Block 1** gives the photo back: colors, whiskers, single hairs. Only a faint pattern is left of
# the noise, and the two drawings are close to each other. This layer leaves little free, and less
# with every step: its curve still falls.
#
# **From block 2 on** the cat is still there, and in its place: the outlines of eyes, nose and ears,
# the pattern of the fur, colors over larger areas. But every surface carries colored speckle, and
# more of it with each layer; in the deepest even the rim of the eye grows uncertain. The two
# drawings differ a lot in their pixels while both match this layer: their relative cost is well
# below a hundredth. Some speckle would go with more steps, as the curves still fall; but it hardly
# matters to the layer any more.
#
# So which layer for the content? In block 1, G could only be the photograph again, and style would
# find nothing left to change. The deeper the layer, the more freedom; too deep, and the outlines go
# too (Gatys' figure 1 shows VGG-19 down to block 5). The paper takes the fourth block,
# `block4_conv2`. This package does so where the network has that layer, and takes the deepest layer
# of block 3 otherwise: `network.content_layer`. A middle layer, because the middle is where *what
# is where* is still known, and *how it is painted* no longer.
#
# ### Exercise 3: only this part
#
# Sometimes only a part of the picture should keep its content, a face for instance. Write a content
# cost that counts the positions where `mask`, of shape $(n_H, n_W)$, is 1, and not those where it
# is 0. Keep the constant.


# %% tags=["exercise"]
def masked_content_cost(a_C, a_G, mask):
    """J_content over the positions where mask is 1."""
    return None  # your expressions


# %% tags=["check"]
everywhere, half = np.ones((n_H, n_W), "float32"), np.ones((n_H, n_W), "float32")
half[:, n_W // 2 :] = 0
costs_found = [masked_content_cost(a_C, a_G, mask) for mask in (everywhere, half, 1 - half)]
whole = float(content_cost(a_C, a_G))
if None in costs_found:
    print("not yet: masked_content_cost returns None")
elif np.allclose([costs_found[0], costs_found[1] + costs_found[2]], whole, rtol=1e-4):
    print(f"right: the left half costs {costs_found[1] / whole:.0%} of the whole")
else:
    print("not yet: the cost with all ones must be J, and both halves must add up to it")

# %% [markdown]
# <details><summary>Hint</summary>
#
# `mask[..., None]` has the shape $(n_H, n_W, 1)$ and multiplies every channel.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def masked_content_cost(a_C, a_G, mask):
#     n_H, n_W, n_C = a_C.shape
#     squares = tf.reduce_sum(mask[..., None] * (a_C - a_G) ** 2)
#     return squares / (4 * n_H * n_W * n_C)
# ```
#
# </details>

# %% [markdown]
# ## What you have now
#
# - `unroll`: $(n_H, n_W, n_C) → (n_H·n_W, n_C)$, the same numbers as a matrix.
# - `content_cost`: the squared differences of one layer, place by place. Zero for the same picture,
#   and it notices when places are exchanged.
# - Its gradient is a picture: what to change, and where.
# - The first layer pins down nearly every pixel and leaves no room for style. Deeper ones keep the
#   structure and leave the surface free.
#
# **Next:** [3 · The Gram matrix and the style cost](03_gram_and_style_cost.ipynb) takes the matrix
# you have just unrolled, and throws the "where" away.
