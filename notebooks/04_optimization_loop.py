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

# %% [markdown]
# # 4 · The optimization loop
#
# Notebook 2 found a number that says how far a picture G is from the *content* of a photograph C.
# Notebook 3 found one that says how far it is from the *style* of a painting S. Both can be
# differentiated with respect to the pixels of G. What is left to do is short: add the two numbers,
# and let the pixels roll downhill. The network learns nothing; the only thing that moves is the
# picture.
#
# **After this notebook you can**
# - write style transfer in a dozen lines from an empty file, and say what each line is for;
# - say what β, the layers, the start, the optimizer, the levels and the pooling do to a painting;
# - take anybody's α and β and say what they are in your own units;
# - paint your own pictures, mix two styles, and save the result with its settings.
#
# **Time:** 60 minutes to read and try. Computing takes a few minutes of them, on a CPU with `mini`
# or on a GPU with VGG-19.

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

# %% [markdown]
# The last line names the network that looks at every picture below. Numbers in the text that depend
# on it are worked out by the cells themselves, so they are right for your run as well. These are
# the two pictures that we work with:

# %%
from IPython.display import Markdown

from helpers import costs
from helpers.course import drawings, exercises

SIZE, STEPS = SIZE or (512 if GPU else 192), STEPS or (120 if GPU else 40)
C, S = images.load("cat", SIZE), images.load("cubist_facets", SIZE)
plots.pictures([C, S], ["C, the content", "S, the style"], alt="A cat, and a cubist painting.")

# %% [markdown]
# Here is the whole method once more. Everything on the left has its own notebook behind it. Lit is
# what this one adds: the sum of the two costs, its gradient, and the way back to the pixels.

# %%
drawings.method(lit=("total", "gradient", "pixels"))

# %% [markdown]
# ## 1 · One cost
#
# Two wishes that contradict each other need an exchange rate. That is all that α and β are:
#
# $$J(G) = α · J_{content}(C, G) + β · J_{style}(S, G)$$
#
# (Gatys 2016, equation 7.) A large α holds on to the photograph, a large β to the painting.
# Doubling both changes nothing about which picture is best, so only their ratio matters. In this
# notebook α stays 1, and β is the knob.
#
# ### Exercise 1
#
# Write the total cost. It is one line, and everything below calls it.


# %% tags=["exercise"]
def total_cost(J_content, J_style, alpha, beta):
    """J(G), from the two costs and their weights."""
    ...


# %% tags=["check"]
_ = exercises.check("total_cost", total_cost)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Each cost is multiplied by its own weight. Say the formula aloud, from left to right.
#
# </details>
#
# The next cell is folded. It holds the solution, and puts it in the place of your function as long
# as yours is not right yet, so that the rest of the notebook runs in any case.

# %% tags=["export", "hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = total_cost


def total_cost(J_content, J_style, alpha, beta):
    """J(G) = α·J_content(C, G) + β·J_style(S, G)."""
    return alpha * J_content + beta * J_style


total_cost = exercises.settled("total_cost", mine, total_cost)

# %% [markdown]
# ## 2 · The loop, in a dozen lines
#
# C and S never change, so what the network answers to them is computed once. Content is read in one
# layer, style in five, and each of the five has the same say. (Why is β 6? Take it as a number to
# begin with: section 7 shows what others do.)

# %%
content_layer = network.content_layer
lambdas = {layer: 1 / len(network.style_layers) for layer in network.style_layers}
activations_C, activations_S = network(C), network(S)
alpha, beta = 1.0, 6.0
print("content:", content_layer, "  style:", ", ".join(lambdas))

# %% [markdown]
# Now we write $J$ as a function of G and of nothing else. Both costs are the ones that you wrote in
# notebooks 2 and 3. The word `"relative"` chooses the constants in front of their sums, so that 0
# means *the same* and 1 means *as far away as nothing at all*; section 8 is about these constants.


# %%
def J(G):
    activations_G = network(G)
    a_C, a_G = activations_C[content_layer], activations_G[content_layer]
    J_content = costs.content_cost(a_C, a_G, "relative")
    J_style = costs.style_cost(activations_S, activations_G, lambdas, "relative")
    return total_cost(J_content, J_style, alpha, beta)


# %% [markdown]
# ### Exercise 2: one step
#
# A step does four things. It computes the cost, and lets a **tape** record how. It asks the tape
# for the gradient with respect to **the pixels**. It hands the gradient to an **optimizer**, which
# moves the pixels. And it puts them back into the range that pixels have, 0 to 255, because an
# optimizer does not know that there is no whiter than white.
#
# `G` is a `tf.Variable`, `optimizer` one of Keras (it has `apply(gradients, variables)`), and
# `cost` a function such as `J`.


# %% tags=["exercise"]
def optimization_step(G, optimizer, cost):
    """Move the Variable G one step downhill; return the cost that it had before."""
    ...


# %% tags=["check"]
_ = exercises.check("optimization_step", optimization_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The cost must be computed *inside* `with tf.GradientTape() as tape:`, or nothing is recorded.
# Afterwards `tape.gradient(of what, with respect to what)` gives the gradient. Keras wants a list
# of gradients and a list of variables, also where there is only one. `tf.clip_by_value` keeps
# numbers within a range, and a Variable gets new values with `assign`.
#
# </details>

# %% tags=["export", "hide-input"]
# @title Solution (folded): it takes the place of yours only if yours is not right yet
mine = optimization_step


def optimization_step(G, optimizer, cost):
    """Move the Variable G one step downhill; returns the cost before the step."""
    with tf.GradientTape() as tape:
        value = cost(G)
    optimizer.apply([tape.gradient(value, G)], [G])
    G.assign(tf.clip_by_value(G, 0.0, 255.0))
    return value


optimization_step = exercises.settled("optimization_step", mine, optimization_step)

# %% [markdown]
# The optimizer is **Adam** (Kingma & Ba 2015). It divides each pixel's gradient by the size that
# this gradient lately had, so that every pixel moves by about the learning rate, here 12 of 255
# gray levels, however small its gradient is. `beta_2=0.9` makes "lately" short: we take dozens of
# steps, not the many thousands for which its usual 0.999 is meant. `epsilon` keeps it from dividing
# by zero; it is so small because the gradients of single pixels are small, too.
#
# `tf.function` turns the step into a graph: Python is asked once, and then no more.
#
# **Before you run it:** G begins as the photograph itself, so $J_{content}$ is 0 and only the style
# pulls. What will $J$ be made of at the end? Guess the share of each of the two.

# %%
G = tf.Variable(C)
adam = keras.optimizers.Adam(12.0, beta_2=0.9, epsilon=1e-12)
step = tf.function(lambda: optimization_step(G, adam, J))

# %%
totals, by_hand = [], {0: C}
for n in range(1, STEPS + 1):
    totals.append(float(step()))
    if n in (1, 3, 6, 10, 20, 45, STEPS):
        by_hand[n] = G.numpy()
print(f"J: {totals[0]:.2f} at the start, {totals[-1]:.2f} after {STEPS} steps")

# %%
alt = "The cat repainted with the planes, edges and colors of the cubist painting."
plots.pictures([G.numpy()], [f"G, painted with {network.name}"], alt=alt, height=3.8)

# %% [markdown]
# That is all of neural style transfer: a cost of two terms, its gradient, and a loop. What makes it
# work is hidden in the activations, that is, in what the network learned long ago for another
# purpose. (The colored grain is Adam's: it moves every pixel by a whole step, also those that
# hardly matter. Sections 6 and 9 take care of it.)

# %% tags=["hide-input"]
# @title What J is made of now
activations_G = network(G)
a_C, a_G = activations_C[content_layer], activations_G[content_layer]
content = float(costs.content_cost(a_C, a_G, "relative"))
style = float(costs.style_cost(activations_S, activations_G, lambdas, "relative"))
share = beta * style / total_cost(content, style, alpha, beta)
Markdown(
    f"$J_{{content}}$ has risen from 0 to **{content:.2f}**, and $J_{{style}}$ has fallen to "
    f"**{style:.3f}**; multiplied by β = {beta:g}, the style has **{share:.0%}** of what is left "
    "of $J$. Both pull all the time. The picture comes to rest where the next bit of style would "
    "cost as much content as it is worth: at the exchange rate β."
)

# %% [markdown]
# Below you can leaf through the way there. Look for what changes first, and what comes last. (The
# slider works without Python, also on a page that you have saved.)

# %% tags=["hide-input"]
# @title The way from the photograph to the painting
from helpers.animation import Flipbook

captions = [f"G after {n} steps" for n in by_hand]
Flipbook(by_hand.values(), captions, "steps", first=len(by_hand) - 1)

# %% [markdown]
# ## 3 · The same loop, as a class
#
# The package has this loop as a class. `Transfer` keeps the targets, the picture and the history of
# all costs, and from here on we use it. But first: is it really the same? Both loops start from the
# same pixels and follow the same formulas. We compare them after one step, after ten, and at the
# end. **Before you run it:** what do you expect?

# %%
from helpers.transfer import Transfer

same = Transfer(C, S, network, alpha=alpha, beta=beta, tv=0.0, optimizer="adam", levels=1)
by_class, milestones = {}, sorted({1, min(10, STEPS), STEPS})
for n in milestones:
    same.step(n - same.step_count)
    by_class[n] = same.picture

# %%
for n in milestones:
    apart = np.abs(by_class[n] - by_hand[n]).mean()
    cost = same.history["total"][n - 1] / totals[n - 1] - 1
    print(f"step {n:2}: J differs by {abs(cost):.1e} of J, the pixels by {apart:.2f} gray levels")

# %% [markdown]
# After one step they agree but for roundings. If they do not at the end, is that a mistake? It
# depends on how far two *right* programs may be apart. So we run the *same* class a second time,
# from a photograph that differs from the first by a thousandth of a gray level.

# %%
speck = np.random.default_rng(0).normal(0, 1e-3, C.shape)
same.picture = C + speck
same.step(STEPS)
nudged = np.abs(same.picture - by_class[STEPS]).mean()
print(f"start: 0.001 gray levels apart;  end: {nudged:.2f} gray levels apart")

# %% tags=["hide-input"]
# @title What follows from it
between = np.abs(by_class[STEPS] - by_hand[STEPS]).mean()
Markdown(
    f"A thousandth of a gray level at the start became **{nudged:.2g}** at the end; the two loops "
    f"of ours ended **{between:.2g}** apart. A difference that a speck of dust can make says "
    "nothing about the code. It is how Adam walks: a pixel that hardly matters has a tiny "
    "gradient, whose sign a rounding can turn, and Adam moves that pixel as far as any other. "
    "**Compare two implementations after one step, not after a hundred**; after many, compare $J$, "
    "and look."
)

# %% [markdown]
# A run tells all costs of its picture as it is now. They are the first thing to ask for when a
# picture does not change, or has forgotten its content: who is pulling? (These are the bare costs,
# before α, β and λ.)

# %%
found = same.costs()
for layer in lambdas:
    print(f"{layer}: {found[layer]:.3f}")
print(f"content {found['content']:.3f}, style {found['style']:.3f}")

# %% [markdown]
# ## 4 · One photograph, five paintings
#
# This is the figure that made the paper famous (Gatys 2015, figure 2). Nothing but S changes from
# one picture to the next: one β, one network, one start. Look for what each painting gives (its
# colors, the length and bend of its strokes, what fills an empty area) and for what all five leave
# alone. (From here on we leave `Transfer` its own settings: it goes down by L-BFGS, begins at half
# the size where there is room, and has a third term in $J$ that takes the grain away. Sections 6
# and 9 explain all this.)


# %%
def paint(content, *styles, **options):
    run = Transfer(content, styles, network, **options)
    run.run(STEPS)
    return run


# %%
names = "cafe_terrace", "starry_swirls", "woodblock_wave", "cubist_facets", "stained_glass"
H = images.load("building", SIZE)
styles = {name: images.load(name, SIZE) for name in names}
painted = {name: paint(H, style) for name, style in styles.items()}


# %% tags=["hide-input"]
# @title The five paintings
def with_inset(picture, style):
    """The painting, small, in the lower left corner of the picture."""
    rows = picture.shape[0] // 4
    small = images.resize(style, rows, round(rows * style.shape[1] / style.shape[0]))
    framed = np.pad(small, ((2, 0), (0, 2), (0, 0)), constant_values=255)
    picture = picture.copy()
    picture[-framed.shape[0] :, : framed.shape[1]] = framed
    return picture


shown = [H, *(with_inset(run.picture, styles[name]) for name, run in painted.items())]
alt = f"The photograph of a temple hall, and it painted in the styles {', '.join(names)}."
plots.pictures(shown, ["the photograph", *(n.replace("_", " ") for n in names)], columns=2, alt=alt)

# %% tags=["hide-input"]
# @title The same β, but not the same distance
table = "| S | content cost | style cost |\n|---|---|---|\n"
for name, run in painted.items():
    table += "| {} | {content:.2f} | {style:.3f} |\n".format(name, **run.costs())
left = {name: run.costs()["style"] for name, run in painted.items()}
hardest, easiest = max(left, key=left.get), min(left, key=left.get)
Markdown(
    table + "\nOne β asks the same exchange rate of every painting, and they take it differently. "
    f"The style cost that is left is {left[hardest] / left[easiest]:.1f} times as high for "
    f"`{hardest}` as for `{easiest}`. A β that suits one painting is a first guess for the next."
)

# %% [markdown]
# ## 5 · Where G begins
#
# $J$ has many valleys, so the start might decide where we end. Papers often begin with **noise**,
# to prove that the picture comes from the costs alone; painters begin with the **photograph**.
# Gatys tried both, and the **painting** too (2016, figure 6).
#
# We try four starts as one batch: the four pictures do not know of each other, but the network
# looks at all of them in one call. **Before you run it:** which will end lowest? Which keeps most
# of the cat?

# %%
batch = Transfer(C, S, network, beta=[beta] * 4, levels=1)
noise = [np.random.default_rng(seed).uniform(0, 255, C.shape) for seed in (0, 1)]
starts = [C, images.resize(S, *C.shape[:2]), *noise]
labels = ["photograph", "painting", "noise", "other noise"]

# %%
batch.enter(0, starts)  # level 0 is the only one here; section 9 explains levels
batch.step(STEPS)
early, J_early = batch.pictures.copy(), batch.costs()["total"]

# %%
batch.step(STEPS)
late, J_late = batch.pictures.copy(), batch.costs()["total"]
series = dict(zip(labels, batch.history["total"].T, strict=True))
plots.curves(series, ylabel="J", alt="The total cost over the steps, from four starts.")

# %%
titles = [f"from the {label}, {STEPS} steps" for label in labels]
titles += [f"from the {label}, {2 * STEPS} steps" for label in labels]
alt = "The cat painted from the photograph, the painting and two kinds of noise, early and late."
plots.pictures([*early, *late], titles, columns=4, height=2, alt=alt)


# %% tags=["hide-input"]
# @title What the start decides
def apart(found):
    return np.abs(found[2] - found[0]).mean()


order = [labels[i] for i in np.argsort(J_late)]
Markdown(
    f"After {STEPS} steps the highest $J$ of the four is **{J_early.max() / J_early.min():.2f}** "
    f"times the lowest; after {2 * STEPS} steps it is **{J_late.max() / J_late.min():.2f}** times "
    f"the lowest. From low to high they then are: {', '.join(order)}. The pictures from noise and "
    f"from the photograph are {apart(early):.0f} gray levels apart early, and {apart(late):.0f} "
    "late. The nearer the ratio comes to 1, the less the start matters to $J$; the gray levels say "
    "that they are still different pictures. So at this β the start decides which of many good "
    "pictures it will be, more than how good. With a much larger β the content says little, and "
    "the start also decides *what* is to be seen. Begin with the photograph, unless you want to "
    "prove a point."
)

# %% [markdown]
# ## 6 · Two ways down: Adam and L-BFGS
#
# Adam looks at each pixel by itself, and at what its own gradient was lately. **L-BFGS**, which
# Gatys used, also remembers its last moves of the whole picture, and what they did to the gradient.
# From that it guesses how $J$ curves, and steps to where the valley should be; a step that led
# upwards is taken back and tried again, shorter. A step of the one need not take as long as a step
# of the other, so we compare by seconds. Look at who is lower early, and who late. ($J$ is larger
# here than in section 2, because the third term is in it, the smoothness γ·TV of section 9.)

# %%
from time import perf_counter

easel = Transfer(C, S, network, levels=1)  # L-BFGS is the default
easel.step(1)  # the first call is slow for everybody: it does not count
same.set(tv=easel.spec.tv)  # the same J for both


# %%
def race(run):
    run.picture, J, seconds = C, [], []
    begun = perf_counter()
    for _ in range(STEPS):
        run.step(1)
        J.append(run.latest["total"])
        seconds.append(perf_counter() - begun)
    return seconds, J


# %%
found = {"Adam": race(same), "L-BFGS": race(easel)}
alt = "The total cost against seconds for Adam and for L-BFGS."
plots.curves(found, xlabel="seconds", ylabel="J", alt=alt)

# %% tags=["hide-input"]
# @title Who is where
(adam_seconds, adam_J), (lbfgs_seconds, lbfgs_J) = found.values()
crossed = next((n + 1 for n, value in enumerate(lbfgs_J) if value < adam_J[-1]), None)
when = f"after {crossed} steps" if crossed else f"not within {STEPS} steps"
grain = easel.spec.tv * easel.costs()["tv"]
Markdown(
    f"L-BFGS is below Adam's last $J$ {when}, and ends at {lbfgs_J[-1]:.2f}, Adam at "
    f"{adam_J[-1]:.2f}. One step of Adam took {1000 * adam_seconds[-1] / STEPS:.0f} milliseconds, "
    f"one of L-BFGS {1000 * lbfgs_seconds[-1] / STEPS:.0f}; on a machine that does other things at "
    f"the same time these vary. Of L-BFGS's $J$, γ·TV is {grain:.2f}: the third term is no small "
    "one. Adam at a constant rate keeps trembling around its goal; `Transfer.run` therefore lowers "
    "the rate towards the end. We stay with L-BFGS, which has no rate to choose. The studio takes "
    "Adam: there α and β move all the time, and what L-BFGS remembers would be of another $J$."
)

# %% [markdown]
# ## 7 · The knob β, and how deep the style looks
#
# Now turn the knob. Eight paintings are made for the slider below, so that it answers at once.
# **Before you move it:** at which β would *you* stop?

# %%
betas = [0.2, 0.5, 1, 2, 6, 15, 30, 60]
by_beta, points = [], []
for four in (betas[:4], betas[4:]):
    batch.set(beta=four)
    batch.enter(0, [C] * 4)
    batch.step(STEPS)
    by_beta += list(batch.pictures)
    now = batch.costs()
    points += zip(now["content"], now["style"], strict=True)

# %% tags=["hide-input"]
# @title The slider
said = "β = {:g}: content cost {:.2f}, style cost {:.3f}"
captions = [said.format(b, *point) for b, point in zip(betas, points, strict=True)]
Flipbook(by_beta, captions, "β", first=4)

# %%
some = range(0, len(betas), 2)
alt = "The cat painted with four growing values of β: ever more paint, ever less cat."
titles = [f"β = {betas[i]:g}" for i in some]
plots.pictures([by_beta[i] for i in some], titles, columns=2, alt=alt)

# %% [markdown]
# Each of the four is on its way to the best picture for *its* exchange rate, and those with a large
# β have the longest way: with many more steps their $J$ would still fall by a good part. We plot
# what each one pays so far, content to the right and style upwards. **Before you look:** in which
# direction does the curve run? And what would a picture be whose point lies below it, to the left?

# %%
paid, pictures = [points[i] for i in some], [by_beta[i] for i in some]

# %%
plots.trade_off(
    paid,
    pictures,
    titles,
    xlabel="content cost: how much of the cat is lost",
    ylabel="style cost: how much of the style is missing",
    alt="Style cost against content cost for four β, with a small picture at each point.",
    zoom=115 / C.shape[1],
)

# %% tags=["hide-input"]
# @title What the style costs
(first_c, first_s), (last_c, last_s) = points[0], points[-1]
photo_s = totals[0] / beta  # in section 2, G began as the photograph
Markdown(
    f"From β = {betas[0]:g} to {betas[-1]:g} the style cost falls from {first_s:.3f} to "
    f"{last_s:.3f}, and the content cost rises from {first_c:.2f} to {last_c:.2f}. A point below "
    "the curve and to the left would be better in both costs. There may be one: the photograph as "
    f"it is has a content cost of 0 and a style cost of {photo_s:.3f}. Where that is below the "
    "style cost of the smallest β, the third term of $J$ (section 9) has had its way there and "
    "smoothed the photograph, to the harm of both. Elsewhere style is bought with content, at "
    "another price for each β. A content cost near 1 says that the layer's answers are as far from "
    "the photograph's as silence would be. That need not mean that *you* have lost the cat: what "
    "the style adds counts as much as what it takes away. Which price is right, no number can say. "
    "**Look.**"
)

# %% [markdown]
# ### Layers by β (Gatys 2015, figure 3)
#
# The second knob is hidden in $J_{style}$: how deep it looks. In the table below the first row
# knows block 1 only, the second blocks 1 and 2, the last all five; β grows from left to right. Look
# down a column: what can the style say with one layer, and what only with the deep ones? As in the
# paper, no picture begins with the photograph, so that everything to be seen comes from the costs.
# But we begin with a *faint* noise on gray: what is left of it at the end is then faint as well.

# %%
columns, table, rows = [1, 5, 25, 125], [], {}
faint = 127.5 + (noise[0] - 127.5) / 10
for deep in range(1, len(lambdas) + 1):
    chosen = {layer: float(i < deep) for i, layer in enumerate(lambdas)}
    batch.set(beta=columns, layer_weights=chosen)
    batch.enter(0, [faint] * 4)
    batch.step(STEPS)
    table.append(batch.pictures.copy())
    rows[f"to {list(lambdas)[deep - 1]}"] = batch.costs()

# %%
titles = [f"β = {b}" for b in columns]
alt = "Paintings in a table: style layers from one to five downwards, β growing to the right."
plots.grid(table, list(rows), titles, height=2.0, alt=alt)

# %% tags=["hide-input"]
# @title What the depth does
text = "| style layers | content cost | style cost left |\n|---|---|---|\n"
for name, cost in rows.items():
    text += f"| {name} | {cost['content'][1]:.2f} | {cost['style'][1]:.3f} |\n"
shallow, *_, deepest = rows.values()
Markdown(
    f"All with β = {columns[1]}:\n\n{text}\nA value of the first layer sees three pixels, one of "
    f"the last {network.layers[list(lambdas)[-1]].receptive_field}. The farther the style sees, "
    "the larger the pieces of the painting that it asks for, and the more it meddles with what the "
    "content wants. From the first row to the last the style cost that is left changes from "
    f"{shallow['style'][1]:.3f} to {deepest['style'][1]:.3f}, the content cost from "
    f"{shallow['content'][1]:.2f} to {deepest['content'][1]:.2f}, with one and the same β. So "
    "**β does not carry over from one set of layers to another**."
)

# %% [markdown]
# ## 8 · Why everybody's α and β differ
#
# Look up "good" values of α and β, and you find all of these:
#
# | who | α | β | content cost | style cost of a layer |
# |---|---|---|---|---|
# | the Coursera course | 10 | 40 | as in notebook 2 | as in notebook 3 |
# | Gatys et al. 2016, the paper | 1 | 10³ | ½ Σ(a_C − a_G)² | as in notebook 3 |
# | Gatys, his program | 1 | 10³ | mean square | mean square, divided by n_C² |
# | TensorFlow's tutorial | 10⁴ | 10⁻² | mean square | mean square |
# | jcjohnson/neural-style | 5 | 100 | mean square | mean square, divided by n_C² |
# | gordicaleksa's PyTorch | 10⁵ | 3·10⁴ | mean square | mean square |
# | keras.io's example | 2.5·10⁻⁸ | 10⁻⁶ | Σ(a_C − a_G)² | as in notebook 3, with other counts |
#
# β/α runs from 10⁻⁶ to 10³, and all of them paint. The reason is the one that notebooks 2 and 3
# kept repeating: everybody takes the same sums, and puts another *constant* in front.
#
# $$J_{content} = c · \sum (a_C - a_G)^2 \qquad J_{style}^l = s_l · \sum (A_S - A_G)^2$$
#
# ($A$ is the Gram matrix divided by the number of positions.) So what counts is the product: $α c$
# is how hard the content pulls, and $β λ_l s_l$ how hard layer $l$ does. The package knows four
# sets of constants: `course`, those of notebooks 2 and 3; `gatys`, those of the paper; `mse`, mean
# squares; and `relative`, which we have used all the time.

# %%
A_S = {layer: costs.mean_gram_matrix(activations_S[layer]) for layer in lambdas}


def scales(name, layer=content_layer):
    c = float(costs.content_scale(activations_C[layer], name))
    return c, {layer: float(costs.style_scale(A, name)) for layer, A in A_S.items()}


for name in costs.COSTS:
    c, s = scales(name)
    print(f"{name:9} c = {c:7.1e}   s_l =", *(f"{value:7.1e}" for value in s.values()))

# %% [markdown]
# **relative**, the last line, divides by the target itself:
#
# $$c = 1 / \sum a_C^2 \qquad s_l = 1 / \sum A_S^2$$
#
# Then no unit is left, no size of a layer and no scale of a network, which is why the same β could
# serve five paintings above.
#
# To convert somebody's numbers, keep the pulls and ask which weights give the same pulls with other
# constants:


# %%
def pulls(alpha, beta, name, weights=lambdas, layer=content_layer):
    c, s = scales(name, layer)
    return alpha * c, {layer: beta * weights[layer] * s[layer] for layer in weights}


def weights_for(content_pull, style_pulls, name, layer=content_layer):
    """(α, β, {layer: λ_l}) that pull as hard with the costs of this name; Σ λ_l = 1."""
    c, s = scales(name, layer)
    found = {layer: pull / s[layer] for layer, pull in style_pulls.items()}
    beta = sum(found.values())
    return content_pull / c, beta, {layer: value / beta for layer, value in found.items()}


# %% [markdown]
# Is that exact? We write one and the same $J$ with each of the four sets of constants, and ask for
# its gradient. **Before you run it:** the four β/α differ by a factor of many thousands. By how
# much will the gradients differ?

# %%
from helpers.objective import Objective, Weights

pixels, gradients, ratios = tf.convert_to_tensor(G)[tf.newaxis], {}, {}
for name in costs.COSTS:
    a, b, found = weights_for(*pulls(1.0, 6.0, "relative"), name)
    objective = Objective(network, name)
    targets = objective.targets(C, [S])
    weights = Weights(*(np.float32(w) for w in ([a], [b], 0.0, list(found.values()))))
    gradients[name] = objective.with_gradient(pixels, targets, weights)[1].numpy()
    ratios[name] = b / a

# %%
largest = np.abs(gradients["course"]).max()
for name, gradient in gradients.items():
    differ = np.abs(gradient - gradients["course"]).max() / largest
    print(f"{name:9} β/α = {ratios[name]:8.2g}   gradients differ by {differ:.0e} of the largest")

# %% [markdown]
# The conversion is exact but for roundings. There are two things that it cannot convert. One is
# another *network*: Gatys took average pooling and rescaled his VGG, until the mean activation of
# every channel was 1. His β does not mean for us what it meant for him. But a rescaled activation
# is about $a/m_l$, with $m_l$ the mean activation of the layer, and so the rescaling can be put
# into the constants: $1/m^2$ for the content, $1/m_l^4$ for the products of the style.
#
# The other is another *layer*. TensorFlow's tutorial and keras.io read the content in
# `block5_conv2`, one layer behind the last that we read, so `block5_conv1` has to stand in for it.
# These two are estimates. So is gordicaleksa's row, because his VGG is torchvision's, which was
# trained apart from this one and wants other input.

# %%
m = {layer: float(tf.reduce_mean(a)) for layer, a in activations_C.items()}
layers = {layer: network.layers[layer] for layer in lambdas}
per_square = {layer: 1 / row.channels**2 for layer, row in layers.items()}
# keras.io divides by 4·3²·(height·width)²: colors and pixels, not channels and positions.
keras_io = {layer: 1e-6 / len(layers) / (36 * row.stride**4) for layer, row in layers.items()}


def rescaled(c, s):
    return c / m[content_layer] ** 2, {layer: pull / m[layer] ** 4 for layer, pull in s.items()}


# %%
last = list(lambdas)[-1]
published = {
    "Coursera": pulls(10, 40, "course"),
    "Gatys' paper, if not rescaled": pulls(1, 1e3, "gatys"),
    "Gatys' paper, rescaled": rescaled(*pulls(1, 1e3, "gatys")),
    "Gatys' program, rescaled": rescaled(*pulls(1, 1e3, "mse", per_square)),
    "jcjohnson": pulls(5, 100, "mse", per_square),
    "gordicaleksa": pulls(1e5, 3e4, "mse"),
    "TensorFlow's tutorial": pulls(1e4, 1e-2, "mse", layer=last),
    "keras.io": (2.5e-8, keras_io),
}
deep = {"TensorFlow's tutorial": last, "keras.io": last}  # where they read the content


# %% tags=["hide-input"]
# @title Their numbers, in relative units
def short(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}"


text = "| who | β/α in relative units |" + "".join(f" λ, {layer[:6]} |" for layer in lambdas) + "\n"
text += "|---" * (2 + len(lambdas)) + "|\n"
converted = {}
for who, pair in published.items():
    a, b, weights = weights_for(*pair, "relative", deep.get(who, content_layer))
    converted[who] = b / a, weights
    text += f"| {who} | {short(b / a)} |" + "".join(f" {w:.1%} |" for w in weights.values()) + "\n"
Markdown(text)


# %% tags=["hide-input"]
# @title What the table says
def loudest(who):
    weights = converted[who][1]
    layer = max(weights, key=weights.get)
    return f"{layer[:6].replace('block', 'block ')} ({weights[layer]:.0%})"


found = [ratio for ratio, _ in converted.values()]
Markdown(
    f"In relative units the ratios still run from {short(min(found))} to {short(max(found))}. "
    "That alone does not say that these people wanted other pictures: they start elsewhere, take "
    "other numbers of steps, and smooth more or less. And weights that are "
    "equal in somebody's constants are not equal in effect. With the course's, the word belongs to "
    f"{loudest('Coursera')}, with jcjohnson's to {loudest('jcjohnson')}. Gatys' rescaling, which "
    "his paper mentions in one sentence, gives the other layers a say: with the formulas of his "
    f"paper the loudest is {loudest(list(published)[2])}. His paper also *sums* the content cost "
    "over all positions, while the style cost is a mean; so the larger the picture, the harder its "
    "content pulls. His own program takes the mean of both."
)

# %% [markdown]
# And this is what they paint, all from the photograph and with the same number of steps. Look at
# two whose β/α are far apart, both of them large: how much do their pictures differ?

# %%
by_others, contents = [], []
for ratio, weights in converted.values():
    easel.set(alpha=1.0, beta=ratio, layer_weights=weights)
    easel.picture = C
    easel.step(max(1, STEPS // 2))
    by_others.append(easel.picture)
    contents.append(easel.costs()["content"])
easel.set(beta=beta, layer_weights=lambdas)

# %%
titles = [f"{who}: β/α = {short(ratio)}" for who, (ratio, _) in converted.items()]
alt = f"The cat painted with {len(titles)} pairs of published weights; the content costs run from "
alt += f"{min(contents):.2f} to {max(contents):.2f}."
plots.pictures(by_others, titles, columns=2, height=2.45, alt=alt)

# %% [markdown]
# So "α = 10, β = 40" is no recipe, unless the constants, the network, the layers, the start and the
# number of steps come with it. And once the style has nearly all the say, an even larger β changes
# hardly anything. Such pictures keep their content only because they *start* from it and stop
# early: every further step would cost more of it.
#
# <details><summary>On paper: somebody's code takes plain mean squares for both costs, and
# recommends α = 1, β = 100. What are they with the constants of notebooks 2 and 3?</summary>
#
# The course's costs are a quarter of the mean squares, for the content and for the style. So both
# weights grow by the factor 4: α = 4, β = 400, and their ratio stays.
#
# </details>
#
# ## 9 · Three things that show
#
# ### Coarse to fine
#
# A layer sees only so far (notebook 1), and it counts in pixels. A stroke that is longer than that
# is not its business. So the larger the picture, the smaller the strokes in it. The remedy is to
# paint small first, where the same strokes fit into what the network sees, then to enlarge the
# result, add the photograph's detail that the small size could not hold, and go on. Each size is
# called a *level*. **Look at the sky:** how far does one line run before it breaks off?

# %%
most = 3 if SIZE > 300 else 2
L, wave = (images.load(name, SIZE * 3 // 2) for name in ("launch_pad", "woodblock_wave"))
flat, pyramid = (paint(L, wave, levels=levels) for levels in (1, most))

# %%
titles = ["C", "1 level", f"{most} levels"]
alt = "A rocket on its pad, and the same painted at full size only and from coarse to fine."
plots.pictures([L, flat.picture, pyramid.picture], titles, alt=alt)


# %% tags=["hide-input"]
# @title What it costs
one, more = flat.costs(), pyramid.costs()
Markdown(
    f"With one level the content cost is {one['content']:.2f} and the style cost "
    f"{one['style']:.3f}; with {most} levels they are {more['content']:.2f} and "
    f"{more['style']:.3f}. {most} levels also take less time: a step at half the size is a "
    "quarter of the work. Which is better? How long a stroke should be is a matter of taste, and "
    "$J$ does not measure taste."
)

# %% [markdown]
# ### Total variation
#
# Look closely at a painting that began as noise. A grain is left, and it is of the kind that the
# network hardly notices (notebook 2, section 6); so nothing in $J$ removes it. A third term does:
# the mean squared difference of neighboring pixels, called *total variation* (Mahendran & Vedaldi
# 2015).
#
# $$J(G) = α · J_{content} + β · J_{style} + γ · TV(G)$$

# %%
smoothed, grain, gentle = {}, [], easel.spec.tv  # the package's default
for tv in (0.0, gentle, 20 * gentle):
    easel.set(tv=tv)
    easel.picture = noise[0]
    easel.step(STEPS)
    smoothed[f"γ = {tv:g}"] = easel.picture
    grain.append(easel.costs())
easel.set(tv=gentle)

# %%
y, x = (side // 4 for side in C.shape[:2])
part = np.s_[y : 3 * y, x : 3 * x]
alt = "The middle of a painting with three weights of the total variation: grainy, clean, blurred."
plots.pictures([p[part] for p in smoothed.values()], list(smoothed), alt=alt)

# %% tags=["hide-input"]
# @title What it costs
step_size = [np.sqrt(cost["tv"]) for cost in grain]
Markdown(
    "Neighbors differ by {:.0f}, {:.0f} and {:.0f} gray levels (root mean square), ".format(
        *step_size
    )
    + "and the style cost is {:.3f}, {:.3f} and {:.3f}. ".format(*(c["style"] for c in grain))
    + f"The package's default is {gentle:g}: enough to take the grain away, at the price of "
    "somewhat softer edges. With much more, the brush marks go too."
)

# %% [markdown]
# ### Average pooling
#
# Between its blocks VGG halves the picture, and keeps the *largest* of each four values. Gatys took
# their *average* instead, and wrote that it gives "slightly more appealing results" (2016, section
# 2). The weights stay as they are. Judge for yourself, all else being equal:

# %%
averaging = vgg.load(network.name, pooling="average")
averaged = Transfer(H, styles["cafe_terrace"], averaging)
averaged.run(STEPS)

# %%
alt = "The temple hall painted through the network with max pooling, and with average pooling."
found = [painted["cafe_terrace"].picture, averaged.picture]
plots.pictures(found, ["max pooling", "average pooling"], alt=alt)


# %% tags=["hide-input"]
# @title The difference in numbers
def variation(picture):
    return float(np.sqrt(costs.total_variation(picture)))


Markdown(
    f"The two differ by {np.abs(found[0] - found[1]).mean():.0f} gray levels on average. "
    f"Neighboring pixels differ by {variation(found[0]):.1f} gray levels with max pooling, by "
    f"{variation(found[1]):.1f} with average pooling. A maximum sends its gradient to one of four "
    "positions, an average to all four alike. The costs of the two belong to two networks, "
    "and are not to be compared."
)

# %% [markdown]
# ## 10 · Two styles at once
#
# Nothing forbids two paintings: their style costs are averaged. What picture does that ask for? A
# bit of this and a bit of that? There is a precise answer. For a layer, write both costs out, with
# equal constants:
#
# $$\tfrac12 \sum (A_G - A_1)^2 + \tfrac12 \sum (A_G - A_2)^2
#   = \sum \left(A_G - \tfrac{A_1 + A_2}{2}\right)^2 + \text{something without } A_G$$
#
# The "something" does not depend on the picture, so it has no gradient. **A mixture of two styles
# is one style: that whose Gram matrix is the mean of both.** Let us see whether that is true, for
# three pictures that have nothing to do with each other:

# %%
layer = list(lambdas)[2]


def A(picture):
    return costs.mean_gram_matrix(network(picture)[layer])


A_1, A_2 = A(styles["cubist_facets"]), A(styles["stained_glass"])
for name, picture in {"C": C, "noise": noise[0], "a painting": painted[names[-1]].picture}.items():
    apart = [costs.gram_cost(B, A(picture), "course") for B in (A_1, A_2, (A_1 + A_2) / 2)]
    mixed, to_mean = (apart[0] + apart[1]) / 2, apart[2]
    print(f"{name:11} mixture {mixed:.4g}   to the mean {to_mean:.4g}   rest {mixed - to_mean:.4g}")

# %% [markdown]
# The rest is the same number each time. (With `relative` each painting has a constant of its own,
# so it is a *weighted* mean: in each layer the quieter of the two paintings, whose Gram matrix is
# smaller, counts for more.) And the picture of the mean?

# %%
both = paint(H, styles["cubist_facets"], styles["stained_glass"])
found = [painted["cubist_facets"].picture, both.picture, painted["stained_glass"].picture]
alt = "The temple hall in the cubist style, in the mixture, and in stained glass."
plots.pictures(found, ["cubist", "the mean of both", "stained glass"], alt=alt)

# %% [markdown]
# It is not one picture laid over the other, as two photographs on one film would be. It is a single
# style, which never was painted: the network finds in it the mean of what it finds in the two.
#
# ## 11 · Your own pictures
#
# Put in a file's path, a web address, or a name of the gallery (`images.gallery()` lists them, with
# famous paintings that are fetched when asked for). In Colab, tick `UPLOAD` to choose files from
# your computer, first the photograph, then the painting; and tick `KEEP_IN_DRIVE` to keep what is
# painted in your Google Drive, where also a path such as `drive/MyDrive/cat.jpg` may lead.

# %%
# @title Which pictures?
MY_CONTENT = "dandelions"  # @param {type: "string"}
MY_STYLE = "church_at_auvers"  # @param {type: "string"}
UPLOAD = False  # @param {type: "boolean"}
KEEP_IN_DRIVE = False  # @param {type: "boolean"}
folder, sources = colab.folder(drive=KEEP_IN_DRIVE), [MY_CONTENT, MY_STYLE]
if UPLOAD:
    sources = [colab.upload(what) for what in ("the photograph", "the painting")]

# %%
my_C, my_S = (images.load(source, SIZE) for source in sources)
mine, frames = Transfer(my_C, my_S, network, beta=6.0), [(0, my_C)]
mine.run(STEPS, lambda run: frames.append((run.step_count, run.full_picture)))
alt = "The photograph, the painting and the result that were chosen above."
plots.pictures([my_C, my_S, mine.picture], ["C", "S", "G"], alt=alt)

# %% [markdown]
# Save it; in Colab it is also offered as a download. The settings travel in the file, so that you
# can make it again next year:

# %%
images.save(folder / "mine.png", mine.picture, mine.spec.metadata())
colab.offer(folder / "mine.png")
kept = images.read_metadata(folder / "mine.png")
print({name: kept[name] for name in ("network", "costs", "alpha", "beta", "levels", "seed")})

# %% [markdown]
# And a film of the way there, to be played with the slider. `run` called our function about twice a
# second, and each time we kept the picture (as long as it works at half the size, it is blurred):

# %%
few = [*frames[:: max(1, len(frames) // 5)], (mine.step_count, mine.picture)]
Flipbook([frame for _, frame in few], [f"G after {n} steps" for n, _ in few], "steps")

# %% [markdown]
# ### Larger, and safe from a disconnect
#
# How large may it become? Memory is the limit: on the way back to the pixels, every activation of
# the network has to be there. So it grows with the number of pixels: half the side needs a quarter
# (notebook 6, section 5). Colab's free card, a T4, has 16 GB, most of which can be used. With
# VGG-19 that is plenty for twice the size that this notebook takes on a GPU, and twice that should
# fit.
#
# A large painting takes minutes, and Colab ends a session when it likes. `colab.begin` puts the two
# pictures into the folder, and `run` writes a checkpoint beside them about once a minute. In the
# Drive they outlive the session. `LARGE` is the longest side in pixels; with `None` it is that of
# the pictures above.

# %%
# @title Paint large
LARGE = None  # @param {type: "raw"}
large_C, large_S = (images.load(source, LARGE or SIZE) for source in sources)
large = colab.begin(folder, large_C, large_S, network, beta=6.0)
large.run(STEPS, checkpoint=folder / colab.CHECKPOINT)
images.save(folder / "large.png", large.picture, large.spec.metadata())

# %% [markdown]
# If the session ended on the way: open this notebook again, run its setup cell, and then this one
# with `RESUME` ticked. It takes up the newest run that was kept, at its last checkpoint.

# %%
# @title Go on after a disconnect
RESUME = False  # @param {type: "boolean"}
if RESUME:
    large, folder = colab.resume(network)
    large.run(large.plan[-1], checkpoint=folder / colab.CHECKPOINT)
    images.save(folder / "large.png", large.picture, large.spec.metadata())
    colab.offer(folder / "large.png")

# %% [markdown]
# ## 12 · When it goes wrong
#
# | you see | the reason | what to do |
# |---|---|---|
# | the photograph, hardly changed | α rules | ten times the β |
# | texture everywhere, no motif | β rules, or G began as noise | a tenth of the β; another start |
# | colored grain, checkers | the network hardly notices them | raise the total variation |
# | small strokes, however long it runs | at this size the network sees too little | more levels |
# | black, or NaN | Gram matrices overflow in float16 | costs in float32, as here |
# | blue skin, red sky | RGB and BGR exchanged, or the mean forgotten | leave it to `vgg` |
# | "unknown variable" | an optimizer remembers *its* variable | a new optimizer for each G |
# | out of memory | pixels × channels of block 1 | half the size needs a quarter |
#
# ## What you have now
#
# - $J(G) = α J_{content} + β J_{style}$, and a loop of a dozen lines that goes down it: you wrote
#   both.
# - β is an exchange rate. It means something only together with the constants, the layers and the
#   network; relative costs take the constants out of it.
# - The start decides which of many pictures you arrive at; the layers and the levels, how large the
#   strokes are.
# - A mixture of styles is the mean of their Gram matrices.
#
# **Now try:** close this notebook, open an empty one, and write the loop. You need `vgg.load`, two
# costs, one tape and one optimizer.
#
# <details><summary>One answer, to compare with yours when it paints</summary>
#
# ```python
# import keras
# import tensorflow as tf
#
# from helpers import images, vgg
#
# network = vgg.load("mini")
# C, S = images.load("cat", 192), images.load("cubist_facets", 192)
#
#
# def A(a):  # the mean Gram matrix
#     F = tf.reshape(a, [-1, a.shape[-1]])
#     return tf.matmul(F, F, transpose_a=True) / F.shape[0]
#
#
# a_C = network(C)[network.content_layer]
# A_S = {layer: A(network(S)[layer]) for layer in network.style_layers}
#
#
# def J(G):
#     a_G = network(G)
#     J_content = tf.reduce_sum((a_G[network.content_layer] - a_C) ** 2) / tf.reduce_sum(a_C**2)
#     J_style = 0.0
#     for layer, target in A_S.items():
#         J_style += tf.reduce_sum((A(a_G[layer]) - target) ** 2) / tf.reduce_sum(target**2)
#     return J_content + 6.0 * J_style / len(A_S)
#
#
# G = tf.Variable(C)
# adam = keras.optimizers.Adam(12.0, beta_2=0.9, epsilon=1e-12)
#
#
# @tf.function
# def step():
#     with tf.GradientTape() as tape:
#         value = J(G)
#     adam.apply([tape.gradient(value, G)], [G])
#     G.assign(tf.clip_by_value(G, 0.0, 255.0))
#     return value
#
#
# for n in range(40):
#     value = step()
# images.save("painting.png", G.numpy())
# ```
#
# </details>
#
# **Next:** [5 · The studio](05_studio.ipynb), where you turn α and β with your hands while the
# picture is painted. From a shell, `python -m helpers CONTENT STYLE --output OUT.png` does all of
# this at full size.
