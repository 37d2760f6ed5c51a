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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/04_optimization_loop.ipynb)

# %% [markdown] tags=["slide"]
# # 4 · The optimization loop
#
# Notebook 2 measured how far a picture G is from the *content* of a photograph C, notebook 3 how
# far it is from the *style* of a painting S. What is left is short: add the two costs, and move the
# pixels of G downhill. Only the picture changes.

# %% [markdown]
# **After this notebook you can**
# - write the whole loop from an empty file, and say what each line is for;
# - say what Adam does to a pixel in a step;
# - find a β for your own pictures, and convert the α and β of other people;
# - change the weights while the picture is being painted.
#
# **Time:** 65 minutes; 45 without exercises 2 and 5, section 3 and section 5.

# %% tags=["parameters"]
SIZE = None  # longest side of the large painting, in pixels; None: 512, with mini 256
STEPS = None  # steps of a painting; None: 200, with mini 80
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
# What is stored here was computed with VGG-19: the last painting at 512 pixels, all others at 256.

# %% tags=["slide"]
from IPython.display import Markdown

from helpers import colors, costs
from helpers.course import drawings, exercises

mini = network.name == "mini"
SIZE, STEPS = SIZE or (256 if mini else 512), STEPS or (80 if mini else 200)
SMALL = max(64, SIZE // 2)
trial = STEPS < 50 or SIZE < 256  # too short, or too small, for what the text says of the results
C, S = images.load("cat", SMALL), images.load("cubist_facets", SMALL)
plots.pictures([C, S], ["C, the content", "S, the style"], alt="A cat, and a cubist painting.")

# %% [markdown] tags=["slide"]
# The method, with the parts of this notebook lit:

# %% tags=["fragment"]
drawings.method(lit=("total", "gradient", "pixels"))

# %% [markdown] tags=["slide"]
# ## 1 · One cost
#
# The photograph and the painting want different things. The ratio β/α is the exchange rate between
# them (Gatys 2016, equation 7):
#
# $$J(G) = α · J_{content}(C, G) + β · J_{style}(S, G)$$
#
# **Exercise 1.** Write this sum.


# %% tags=["exercise"]
def total_cost(J_content, J_style, alpha, beta):
    """J(G), from the two costs and their weights."""
    ...


# %% tags=["check"]
_ = exercises.check("total_cost", total_cost)

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = total_cost


def total_cost(J_content, J_style, alpha, beta):
    """J(G) = α·J_content(C, G) + β·J_style(S, G)."""
    return alpha * J_content + beta * J_style


total_cost = exercises.settled("total_cost", mine, total_cost)

# %% [markdown] tags=["slide"]
# ### A third term against grain
#
# The network hardly notices some kinds of grain (notebook 2), so nothing in this sum removes them.
# We add one that does not ask the network. The **total variation** adds up, for each value, the
# squared differences to its right and lower neighbors, and takes the mean (Mahendran & Vedaldi
# 2015):
#
# $$TV(G) = \frac{1}{3\,h\,w} \sum_{y,x,c} \left[(G_{y,x+1,c} - G_{y,x,c})^2
#   + (G_{y+1,x,c} - G_{y,x,c})^2\right]$$
#
# for a picture of the shape (h, w, 3). Its weight is γ; Gatys' paper does not have it:
#
# $$J(G) = α · J_{content} + β · J_{style} + γ · TV(G)$$

# %% [markdown]
# **Exercise 2.** Write TV.


# %% tags=["exercise"]
def total_variation(G):
    """TV(G): squared differences to the right and lower neighbors, over the number of values."""
    ...


# %% tags=["check"]
_ = exercises.check("total_variation", total_variation)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `G[:, 1:] - G[:, :-1]` is every value minus its left neighbor. Add up both sums of squares, and
# divide once, by `G.shape[0] * G.shape[1] * 3`.
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = total_variation


def total_variation(G):
    """The mean, over all values, of the squared differences to the right and lower neighbors."""
    right, below = G[:, 1:] - G[:, :-1], G[1:] - G[:-1]
    values = G.shape[0] * G.shape[1] * 3
    return (tf.reduce_sum(right**2) + tf.reduce_sum(below**2)) / values


total_variation = exercises.settled("total_variation", mine, total_variation)

# %% [markdown] tags=["slide"]
# A test: we lay a checkerboard over the cat, so that every pixel becomes 8 gray levels lighter or
# darker, alternately. **Before you look:** which cost notices?

# %%
squares = np.indices(C.shape[:2]).sum(axis=0) % 2
grainy = np.float32(np.clip(C + 16.0 * squares[..., None] - 8.0, 0, 255))

# %% tags=["hide-input", "fragment"]
# @title What a checkerboard costs
a_C, a_grainy = (network(picture)[network.content_layer] for picture in (C, grainy))
noticed = float(costs.content_cost(a_C, a_grainy, "relative"))
TVs = [float(total_variation(picture)) for picture in (C, grainy)]
assert trial or (noticed < 0.1 and TVs[1] > 1.5 * TVs[0])
y, x = (side // 3 for side in C.shape[:2])
eye = np.s_[y : y + SMALL // 5, x : x + SMALL // 4]
titles = [f"C, TV = {TVs[0]:.0f}", f"content cost {noticed:.4f}, TV = {TVs[1]:.0f}"]
alt = "A piece of the cat, and the same piece with a checkerboard over it."
plots.pictures([C[eye], grainy[eye]], titles, alt=alt, height=3)

# %% [markdown] tags=["fragment"]
# You see the checkerboard, and so does TV. The content cost hardly does.

# %% [markdown] tags=["slide"]
# ## 2 · The loop
#
# C and S never change, so their activations are computed once. Content is read in one layer and
# style in five, with equal weights $λ_l$ (for relative costs these are what notebook 3 called
# balanced).

# %%
content_layer = network.content_layer
lambdas = {layer: 1 / len(network.style_layers) for layer in network.style_layers}
activations_C, activations_S = network(C), network(S)
alpha, beta, gamma = 1.0, 20.0, 3e-4

# %% [markdown]
# The costs are those of notebooks 2 and 3. The word `"relative"` chooses the constant in front of
# each sum so that 0 means *the same* and 1 means *as far away as all zeros*.


# %% tags=["fragment"]
def three_costs(G):
    activations_G = network(G)
    a_C, a_G = activations_C[content_layer], activations_G[content_layer]
    J_content = costs.content_cost(a_C, a_G, "relative")
    J_style = costs.style_cost(activations_S, activations_G, lambdas, "relative")
    return J_content, J_style, total_variation(G)


def J(G):
    J_content, J_style, TV = three_costs(G)
    return total_cost(J_content, J_style, alpha, beta) + gamma * TV


# %% [markdown] tags=["slide"]
# **Exercise 3: one step.** A step computes the cost while a **tape** records how. It asks the tape
# for the gradient with respect to **the pixels**, and hands it to an **optimizer**, which moves the
# pixels. Last, it clips them to the range from 0 to 255.

# %% [markdown]
# `G` is a `tf.Variable`, `optimizer` is one of Keras (it has `apply(gradients, variables)`), and
# `cost` is a function such as `J`. The step will be compiled, so take TensorFlow's functions.


# %% tags=["exercise"]
def optimization_step(G, optimizer, cost):
    """Move the Variable G one step downhill; return the cost that it had before."""
    ...


# %% tags=["check"]
_ = exercises.check("optimization_step", optimization_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Compute the cost inside `with tf.GradientTape() as tape:`. Then ask `tape.gradient(value, G)`.
# Keras wants lists, `[gradient]` and `[G]`. `tf.clip_by_value` clips, and `G.assign` sets new
# values.
#
# </details>

# %% tags=["export", "hide-input", "fragment"]
# @title Solution (folded): it replaces yours only if yours is not right yet
mine = optimization_step


def optimization_step(G, optimizer, cost):
    """Move the Variable G one step downhill; returns the cost before the step."""
    with tf.GradientTape() as tape:
        value = cost(G)
    optimizer.apply([tape.gradient(value, G)], [G])
    G.assign(tf.clip_by_value(G, 0.0, 255.0))
    return value


optimization_step = exercises.settled("optimization_step", mine, optimization_step)

# %% [markdown] tags=["slide"]
# ### Adam
#
# The optimizer is **Adam** (Kingma & Ba 2015). For every value of every pixel it keeps two running
# means: $m$ of the gradient $g$, and $v$ of its square.
#
# $$m ← β_1 m + (1 - β_1)\, g \qquad v ← β_2 v + (1 - β_2)\, g^2 \qquad
# G ← G - η \frac{\hat m}{\sqrt{\hat v} + ε}$$
#
# ($β_1$ and $β_2$ have nothing to do with our β.) With 0.9 for both, the means look back over about
# ten steps. They begin at 0 and are too small at first; in step $t$, $\hat m = m / (1 - β_1^t)$ and
# $\hat v = v / (1 - β_2^t)$ make up for that. The learning rate η is 12 gray
# levels; ε prevents a division by zero. (Keras' rate of 0.001, β₂ of 0.999 and ε of 10⁻⁷
# suit weights, not pixels.)

# %% [markdown] tags=["slide"]
# $m$ is the **momentum**. A gradient that keeps its sign adds up in $m$; one that changes its sign
# cancels out. Dividing by $\sqrt{\hat v}$ takes away the gradient's size. So a value moves by η in
# each step while its gradient stays the same, however small, and by less once the sign changes.

# %% [markdown] tags=["fragment"]
# In the first step $\hat m = g$ and $\hat v = g^2$, so all values move by 12 gray levels, up or
# down. **Before you run it:** how far will they move on average in step 20? And what will $J$ be
# made of at the end?

# %%
G = tf.Variable(C)
adam = keras.optimizers.Adam(12.0, beta_1=0.9, beta_2=0.9, epsilon=1e-12)
step = tf.function(lambda: optimization_step(G, adam, J))  # compiled: Python reads it only once

# %%
totals, moved, by_hand = [], [], {0: C}
for n in range(1, STEPS + 1):
    before = G.numpy()
    totals.append(float(step()))
    moved.append(np.abs(G.numpy() - before).mean())
    if n in (1, 3, 10, 20, 50, STEPS):
        by_hand[n] = G.numpy()

# %% tags=["slide"]
alt = "The cat repainted with the planes, edges and colors of the cubist painting."
plots.pictures([G.numpy()], [f"G after {STEPS} steps"], alt=alt, height=4)

# %% [markdown] tags=["fragment"]
# That is neural style transfer: three costs, a gradient, a loop.

# %% tags=["hide-input", "slide"]
# @title How far Adam moves a value
assert 11 < moved[0] < 12.01
assert trial or (1 < moved[19] < 4 and moved[-1] < moved[19])
found = {"mean move of a value": (np.arange(1, STEPS + 1), moved)}
at_20 = f"{moved[min(20, STEPS) - 1]:.1f}"
alt = f"The mean move of a value in each step: {moved[0]:.1f} at step 1, {at_20} at step 20."
plots.curves(found, ylabel="gray levels", alt=alt)

# %% tags=["hide-input", "slide"]
# @title What J is made of
rows = {}
for n, picture in by_hand.items():
    content, style, TV = map(float, three_costs(tf.constant(picture)))
    rows[n] = alpha * content, beta * style, gamma * TV
table = "| step | α·J_content | β·J_style | γ·TV | J |\n|---|---|---|---|---|\n"
for n, terms in rows.items():
    table += f"| {n} | " + " | ".join(f"{term:.2f}" for term in (*terms, sum(terms))) + " |\n"
first, last = rows[0], rows[STEPS]
assert first[0] == 0 < last[0]
assert trial or (last[1] < first[1] / 4 and 0.02 < last[2] / sum(last) < 0.6)
Markdown(
    table + f"\nValues move by **{moved[0]:.1f}** gray levels at step 1, by **{at_20}** at step 20 "
    f"and by **{moved[-1]:.1f}** at step {STEPS}. The style cost has fallen, and content and "
    f"smoothness have paid for it. γ·TV is **{last[2] / sum(last):.0%}** of what is left of $J$."
)

# %% [markdown] tags=["slide"]
# Step through how it got there. What changes first, and what last?

# %% tags=["hide-input", "fragment"]
# @title From the photograph to the painting
from helpers.animation import Flipbook

captions = [f"G after {n} step{'s' * (n != 1)}" for n in by_hand]
Flipbook(by_hand.values(), captions, "steps", first=len(by_hand) - 1)

# %% [markdown]
# ## 3 · The same with the package
#
# The package has this loop as a class, `Transfer`. `step(n)` takes n steps, `picture` is G. It
# divides layer weights by their sum.

# %%
from helpers.transfer import Transfer

equal = {"levels": 1, "layer_weights": lambdas, "init": "content"}  # the defaults differ: section 7
same = Transfer(C, S, network, alpha=1.0, beta=20.0, tv=3e-4, optimizer="adam", **equal)
same.step(1)
at_first = np.abs(same.picture - by_hand[1]).mean()
print(f"after one step {at_first:.4f} gray levels apart")

# %% [markdown]
# After one step it is the same. Now let both go on. And to see how far two *right* programs may
# come apart, we run the class again, from a photograph that differs by a thousandth of a gray
# level. **Before you run it:** what do you expect?

# %%
n = max(n for n in by_hand if n <= 50)
same.step(n - 1)
first_run, first_J = same.picture, same.latest["total"]
same.picture = C + np.random.default_rng(0).normal(0, 1e-3, C.shape)
same.step(n)

# %% tags=["hide-input"]
# @title What became of a thousandth of a gray level
between, nudged = np.abs(first_run - by_hand[n]).mean(), np.abs(same.picture - first_run).mean()
differs = abs(first_J / totals[n - 1] - 1)
assert at_first < 0.5 and differs < 0.1 and (trial or nudged > 0.1)
Markdown(
    f"After {n} steps the class and your loop are **{between:.2g}** gray levels apart. Two runs of "
    f"the class, begun a thousandth of a gray level apart, are **{nudged:.2g}** apart. Such a "
    "difference says nothing about the code. A value that hardly matters has a tiny gradient, a "
    "rounding can turn its sign, and Adam moves this value as far as any other. $J$ differs by "
    f"{differs:.1%}. **Compare two programs after one step.** After many, compare $J$, and look."
)

# %% [markdown]
# ### L-BFGS
#
# From here on `Transfer` uses its default optimizer, **L-BFGS**, which Gatys used too. It remembers
# the last twenty moves of the picture and what each did to the gradient. From these it guesses how
# $J$ curves, and takes long steps where it curves little. (Notebook 7 compares it with Adam.)

# %% [markdown] tags=["slide"]
# ## 4 · Finding β
#
# We paint four pictures, each β about 3 times the one before. (They are a *batch*: one call of the
# network serves all four.) All begin as the photograph, and run until $J$ hardly falls. **Before
# you look:** at which β would *you* stop?

# %%
painter = vgg.load(network.name, precision="auto")  # faster where a CPU multiplies bfloat16
betas = [2, 6, 20, 60]
ladder = Transfer(C, S, painter, beta=betas, tv=gamma, **equal)
ladder.step(STEPS // 2)
half_done, halfway = ladder.pictures, ladder.costs()
ladder.step(STEPS - STEPS // 2)
end = ladder.costs()

# %% tags=["slide"]
titles = [f"β = {b}" for b in betas]
alt = "The cat painted with four growing values of β: ever more paint, ever less cat."
plots.pictures(ladder.pictures, titles, columns=2, height=2.6, alt=alt)

# %% tags=["hide-input"]
# @title The price of style
J_before, J_end = ladder.history["total"][3 * STEPS // 4], end["total"]
smooth = gamma * end["tv"]
paid = alpha * end["content"] + smooth
price = np.diff(paid) / -np.diff(end["style"])
assert trial or (J_before / J_end - 1).max() < 0.1
assert trial or (np.diff(end["content"]).min() > 0 > np.diff(end["style"]).max())
pairs = list(zip(betas[:-1], betas[1:], price, strict=True))
assert trial or all(0.8 * low < p < 1.25 * high for low, high, p in pairs)
table = "| β | J_content | J_style | γ·TV | price, from the row above |\n|---|---|---|---|---|\n"
rows = zip(betas, end["content"], end["style"], smooth, [None, *price], strict=True)
for b, content, style, tv, p in rows:
    price_of = "" if p is None else f"{p:.1f}"
    table += f"| {b} | {content:.2f} | {style:.3f} | {tv:.2f} | {price_of} |\n"
Markdown(
    table + f"\nIn the last quarter of the steps $J$ fell by at most "
    f"{(J_before / J_end - 1).max():.0%}, so these runs have nearly settled. "
    "The last column says how much content and smoothness one unit of style has cost "
    "(from unrounded numbers). If each picture has the lowest J for its β, it lies between this β "
    "and the one above: **β is the price at which G stops buying style.**"
)

# %% [markdown]
# Why? If more style could be had for less than β, buying it would lower $J$. If the last bit had
# cost more, giving it back would. No number says which price is right. **Look.**

# %% [markdown] tags=["slide"]
# ### How to find it
#
# 1. **Begin with β = 20**: relative costs, α = 1, five style layers, the photograph as the start.
#    Paint at half the size, for some fifty steps. (Below 200 pixels, begin with a smaller β.)
# 2. **Look at two places.** Can you still tell what an important detail is, such as an eye? Has an
#    empty area, such as the background, got strokes, or only another color?
# 3. **Change β by a factor of 3**: down if the subject is lost, up if the areas are empty.
# 4. **Look again at full size.** A stroke has a length in pixels, so a larger picture gets finer
#    strokes.

# %% [markdown]
# The β that you find belongs to its layers and its start. The first three rows of the next figure
# differ in how deep the style looks (Gatys 2015, figure 3). They begin as faint noise on gray, so
# that all you see comes from the costs. The fourth repeats the third from the photograph. **Look
# down a column:** what can the style say with one layer, and what only with the deep ones?

# %%
columns, table, by_row = betas[1:], [], {}
noise = np.random.default_rng(0).uniform(-12, 12, C.shape)
deep = Transfer(C, S, painter, beta=columns, tv=gamma, levels=1)
for depth in (1, 3, 5):
    deep.set(layer_weights={layer: float(i < depth) for i, layer in enumerate(lambdas)})
    deep.enter(0, [127.5 + noise] * len(columns))
    deep.step(STEPS // 2)
    table.append(deep.pictures)
    by_row[depth] = deep.costs()

# %%
names = ["block 1", "blocks 1–3", "blocks 1–5", "blocks 1–5, from the photograph"]
alt = "A table of paintings: the style looks deeper from row to row, and β grows to the right."
plots.grid([*table, half_done[1:]], names, [f"β = {b}" for b in columns], height=1.8, alt=alt)

# %% tags=["hide-input"]
# @title What the layers and the start do
shallow, whole, photo = by_row[1]["content"], by_row[5]["content"], halfway["content"][1:]
assert trial or (shallow < whole).all()
assert trial or photo[1] < whole[1]
Markdown(
    f"Take β = {columns[1]}. With block 1 alone the content cost is **{shallow[1]:.2f}**, with all "
    f"five blocks **{whole[1]:.2f}**. Block 1 asks for colors and the finest texture, which cost "
    "little content; the deep blocks ask for shapes, which are in the way of the photograph's own. "
    f"And from the photograph it is **{photo[1]:.2f}**, with the same β and as many steps: from "
    "noise, begin with a smaller β. **A β does not carry over to other layers or another start.**"
)

# %% [markdown]
# ### α and γ move as well
#
# Multiply all three weights by 4: $J$ is four times as large, and the best picture is the same. So
# only the ratios matter, β/α and γ/α. If you multiply α and β alone, γ weighs less beside them:
# look at TV. (As in section 3, a rounding can move the gray levels as far.)

# %%
settings = {
    "α = 1, β = 20": (1, 20, gamma),
    "α = 4": (4, 20, gamma),
    "α, β × 4": (4, 80, gamma),
    "α, β, γ × 4": (4, 80, 4 * gamma),
}
run, found, content, TV = Transfer(C, S, painter, **equal), {}, {}, {}
for name, (a, b, c) in settings.items():
    run.set(alpha=a, beta=b, tv=c)
    run.picture = C
    run.step(STEPS // 3)
    found[name] = run.picture
    content[name], TV[name] = (run.costs()[term] for term in ("content", "tv"))

# %% tags=["hide-input"]
# @title Four settings
apart = {name: np.abs(picture - found["α = 1, β = 20"]).mean() for name, picture in found.items()}
assert trial or content["α = 4"] < 0.8 * content["α = 1, β = 20"]
assert trial or apart["α, β × 4"] > apart["α, β, γ × 4"]  # on a GPU roundings differ each time
assert trial or TV["α, β × 4"] > TV["α, β, γ × 4"]
titles = [
    f"{name}: TV {TV[name]:.0f},\n{far:.1f} levels from the first" for name, far in apart.items()
]
titles[0] = f"α = 1, β = 20: TV {TV['α = 1, β = 20']:.0f}"
alt = "The cat with four settings: with a larger α it is nearer to the photograph."
plots.pictures(found.values(), titles, columns=2, height=2.6, alt=alt)

# %% [markdown]
# ## 5 · Other people's α and β
#
# α and β are 10 and 40 in the Coursera course and 10⁴ and 10⁻² in TensorFlow's tutorial; Gatys' β/α
# is about 1000. All of them paint (notebook 7). They differ mainly because everybody puts other
# *constants* in front of the same sums:
#
# $$J_{content} = c \sum (a_G - a_C)^2 \qquad J_{style}^l = s_l \sum (A_G - A_S)^2$$
#
# where $A$ is the Gram matrix divided by the number of positions. What pulls at G are the products
# $α c$ and $β s_l$. Two sets of constants, for one style layer:

# %%
layer = network.style_layers[3]
A_S = costs.mean_gram_matrix(activations_S[layer])


def constants(name):
    """(c, s) of a set of constants, for these two pictures."""
    c = costs.content_scale(activations_C[content_layer], name)
    return float(c), float(costs.style_scale(A_S, name))


for name in ("mse", "relative"):
    print("{:8}  c = {:.1e}   s = {:.1e}".format(name, *constants(name)))

# %% [markdown]
# `mse` takes mean squares, as TensorFlow's tutorial does; `relative` divides by the target's sum of
# squares.
#
# **Exercise 4.** Convert α and β so that both pulls stay the same. The check compares the gradients
# of $J$ with respect to the pixels.


# %% tags=["exercise"]
def converted(alpha, beta, old, new):
    """The (α, β) that pull with `new` as these do with `old`: pairs of constants (c, s)."""
    ...


# %% tags=["check", "hide-input"]
# @title Check: the gradients with both sets of constants
def gradient(alpha, beta, name):
    pixels = tf.Variable(by_hand[STEPS])
    with tf.GradientTape() as tape:
        a_G = network(pixels)
        J_content = costs.content_cost(activations_C[content_layer], a_G[content_layer], name)
        J_style = costs.layer_style_cost(activations_S[layer], a_G[layer], name)
        value = total_cost(J_content, J_style, alpha, beta)
    return tape.gradient(value, pixels).numpy()


theirs = 1e4, 1e-2
pair = converted(*theirs, constants("mse"), constants("relative"))
if np.shape(pair) != (2,):
    print("not yet: converted must return a pair of numbers, the new α and the new β")
    (c, s), (c_new, s_new) = constants("mse"), constants("relative")
    ratio = 1e-6 * (s / s_new) / (c / c_new)
    print(f"(The solution: β/α = 1e-06 in mean squares becomes {ratio:.2g} in relative units.)")
else:
    (a, b), differ = pair, 0.0
    for wanted, got in ((theirs[0], 0.0), (a, 0.0)), ((0.0, theirs[1]), (0.0, b)):  # each alone
        wanted, got = gradient(*wanted, "mse"), gradient(*got, "relative")
        differ = max(differ, np.abs(got - wanted).max() / np.abs(wanted).max())
    print("right" if differ < 0.03 else "not yet", end=": ")
    print(f"β/α = 1e-06 in mean squares becomes {b / a:.2g} in relative units;", end=" ")
    print(f"the gradients differ by {differ:.0e} of the largest")

# %% [markdown]
# <details><summary>Hint</summary>
#
# $α c$ is the same before and after. Solve this for the new α.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def converted(alpha, beta, old, new):
#     return alpha * old[0] / new[0], beta * old[1] / new[1]
# ```
#
# </details>
#
# So "α = 10, β = 40" is no recipe unless constants, network, layers and start come with it. With
# several style layers, each $β λ_l$ is converted in this way.

# %% [markdown] tags=["slide"]
# ## 6 · A β that moves
#
# `tf.function` reads Python once, and `step` of section 2 read `beta` when it was 20. **Before you
# run it:** what does a β of 2000 change?

# %%
beta = 2000.0
compiled, in_python = float(step()), float(J(G))
beta = 20.0

# %% tags=["hide-input", "fragment"]
# @title What it changes
assert compiled < 1.2 * totals[-1] < in_python
print(f"J is {compiled:.2f} in the compiled step, and {in_python:.2f} in Python")

# %% [markdown] tags=["fragment"]
# In the compiled step, nothing: there 20 is a constant. A `tf.Variable` is read anew in every step.

# %% [markdown]
# **Exercise 5.** Make a step for your loop whose β moves. `beta` is a `tf.Variable`; return a
# compiled function without arguments that takes one step and returns $J$.


# %% tags=["exercise"]
def live_step(G, optimizer, beta):
    """A compiled step for G that follows the Variable beta without being compiled again."""
    ...


# %% tags=["check", "hide-input"]
# @title Check: one step with β = 20, one with β = 40
knob, moving = tf.Variable(20.0), tf.Variable(C)
live = live_step(tf.Variable(C), keras.optimizers.SGD(0.0), knob)  # G stays where it is
goes = live_step(moving, keras.optimizers.Adam(1.0), knob)
if not (callable(live) and callable(goes)):
    print("not yet: live_step must return a function without arguments")
else:
    before, _ = float(live()), goes()
    knob.assign(40.0)
    rise, wanted = float(live()) - before, 20 * float(three_costs(tf.constant(C))[1])
    if abs(before - totals[0]) > 0.002 * totals[0]:
        print(f"not yet: the first step should return J, {totals[0]:.3f}, not {before:.3f}")
    elif np.array_equal(moving.numpy(), C):
        print("not yet: the step does not move G")
    elif abs(rise) < 0.01 * wanted:
        print("not yet: J does not follow β; somewhere it was read once, as a number")
    elif abs(rise - wanted) > 0.02 * wanted:
        print(f"not yet: J rises by {rise:.2f} instead of {wanted:.2f}")
    elif getattr(live, "experimental_get_tracing_count", lambda: 0)() != 1:
        print("not yet: it follows β, but it is not a tf.function that is compiled once")
    else:
        print(f"right: J rises by {rise:.2f}, and the step was compiled once")

# %% [markdown]
# <details><summary>Hint</summary>
#
# Write a `J` inside that uses this `beta`, and then do what made `step` in section 2.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def live_step(G, optimizer, beta):
#     def J(G):
#         J_content, J_style, TV = three_costs(G)
#         return total_cost(J_content, J_style, alpha, beta) + gamma * TV
#
#     return tf.function(lambda: optimization_step(G, optimizer, J))
# ```
#
# </details>

# %% [markdown] tags=["slide"]
# ## 7 · Your own pictures
#
# Put in a path, web address or gallery name (`images.gallery()` lists them).

# %% [markdown]
# Now we take the package's own defaults. It goes from **coarse to fine**, in *levels*: it paints at
# half the size, enlarges the result, adds the photograph's detail and goes on. Block 3 counts most,
# block 4 little and block 5 almost nothing: with equal weights, pieces of the painting's subject
# turn up in empty areas such as a sky. And G begins as the photograph **in the painting's light**:
# the painting's thumbnail, four pixels on its longer side, takes the place of the photograph's. A
# Gram matrix does not say where a color belongs, so the start largely decides. For these defaults,
# too, 20 is only where to begin.

# %%
# @title Which pictures?
MY_CONTENT = "building"  # @param {type: "string"}
MY_STYLE = "starry_swirls"  # @param {type: "string"}
MY_BETA = 20.0  # @param {type: "number"}
UPLOAD = False  # @param {type: "boolean"}
KEEP_IN_DRIVE = False  # @param {type: "boolean"}
folder, sources = colab.folder(drive=KEEP_IN_DRIVE), [MY_CONTENT, MY_STYLE]
if UPLOAD:
    sources = [colab.upload(what) for what in ("the photograph", "the painting")]
my_C, my_S = (images.load(source, SIZE) for source in sources)
starts = [my_C, my_S, colors.in_light_of(my_C, [my_S])]
alt = "The photograph, the painting, and the photograph in the painting's light."
plots.pictures(starts, ["C", "S", "the start"], alt=alt, height=2.2)

# %% tags=["slide"]
large = colab.begin(folder, my_C, my_S, painter, beta=MY_BETA, tv=gamma)
large.run(STEPS, checkpoint=folder / colab.CHECKPOINT)
alt = "The photograph, repainted in the style of the painting."
plots.pictures([large.picture], ["G"], alt=alt, height=5)

# %%
images.save(folder / "mine.png", large.picture, large.spec.metadata())
colab.offer(folder / "mine.png")

# %% [markdown]
# If Colab ended the session and your run was kept in the Drive: run the setup cell, and then the
# next cell with `RESUME` ticked.

# %%
# @title Go on after a disconnect
RESUME = False  # @param {type: "boolean"}
if RESUME:
    large, folder = colab.resume(vgg.load(network.name, precision="auto"))
    large.run(large.plan[-1], checkpoint=folder / colab.CHECKPOINT)
    images.save(folder / "mine.png", large.picture, large.spec.metadata())
    colab.offer(folder / "mine.png")

# %% [markdown] tags=["slide"]
# ## When it goes wrong
#
# | you see | the reason | what to do |
# |---|---|---|
# | the photograph, hardly changed | β is too small | three times the β |
# | texture, no subject | β is too large, or G began as noise | a third of the β |
# | grain | the network hardly notices it | three times the γ |
# | small strokes | the picture is large beside the receptive fields | more levels |
# | "unknown variable" | an optimizer knows only *its* variable | a new one for each G |
# | out of memory | activations of block 1 | half the size |

# %% [markdown] tags=["slide"]
# ## What you have now
#
# - $J = α J_{content} + β J_{style} + γ\,TV$, and a loop that goes down it. You wrote both.
# - β is the price of style. It belongs to its constants, layers and start.
# - What moves while a compiled step runs has to be a Variable.

# %% [markdown]
# **Now try:** open an empty notebook, and write a style transfer with TV, from Keras' own VGG-19 to
# the loop. (Keras wants a batch axis: take `a[0]` and `G[0]`. Sides in multiples of 16; relative
# costs.) Compare it with [the one page](00_one_page.ipynb).
#
# **Next:** [5 · The studio](05_studio.ipynb), where you turn α and β while G is painted.
