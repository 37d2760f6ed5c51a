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
# Content says *what is where* (notebook 2). Style says *how it is painted* (notebook 3). Both are
# numbers that we can differentiate with respect to the pixels of a picture G. Now we add them, and
# let G roll downhill. The network learns nothing: the only thing that moves is the picture.
#
# **After this notebook you can**
# - write style transfer in a dozen lines, and say what each line is for;
# - choose the start, the optimizer, the levels, the total variation, and say what each of them
#   does;
# - convert anybody's α and β into your own units, and choose β by looking;
# - paint your own pictures, mix styles, save the result with its settings, and film it.
#
# **Time:** 60 minutes to read and try. Computing takes about 4 minutes on two CPU cores with `mini`
# (measured), and about two minutes on a Colab GPU with VGG-19 (estimated).

# %% tags=["parameters"]
SIZE = 192  # the longest side of the pictures, in pixels
STEPS = 90  # steps of each painting
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
# The last line names the network that paints every picture below.
#
# (The outputs stored here were made on a CPU with `NETWORK = "vgg19"`, from a file of weights that
# holds VGG-19's blocks 1–3. With `mini` the numbers differ a little.)
#
# ## 1 · One cost
#
# $$J(G) = α · J_{content}(C, G) + β · J_{style}(S, G)$$
#
# (Gatys 2016, equation 7.) α and β are two knobs: how much to keep, how much to paint. Only their
# ratio decides what the best picture is.


# %% tags=["export"]
def total_cost(J_content, J_style, alpha, beta):
    """J(G) = α·J_content(C, G) + β·J_style(S, G)."""
    return alpha * J_content + beta * J_style


# %%
C, S = images.load("cat", SIZE), images.load("cubist_facets", SIZE)
plots.pictures([C, S], ["C", "S"], alt="A cat's face, and a cubist painting of a guitar.")

# %% [markdown]
# ### Exercise 1: who is pulling?
#
# Write the share of $J$ that the style has, a number between 0 and 1. It is the first thing to look
# at when a picture does not change, or forgets its content.


# %% tags=["exercise"]
def style_share(J_content, J_style, alpha, beta):
    """β·J_style / J."""
    return None  # your expression


# %% tags=["check"]
found = style_share(3.0, 0.5, 10, 40)
if found is None:
    print("not yet: style_share returns None")
elif np.isclose(found, 0.4):
    print("right: 40 · 0.5 of 10 · 3 + 40 · 0.5")
else:
    print("not yet: for J_content = 3, J_style = 0.5, α = 10, β = 40 it must be 0.4")

# %% [markdown]
# <details><summary>Hint</summary>
#
# The denominator is `total_cost(J_content, J_style, alpha, beta)`.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def style_share(J_content, J_style, alpha, beta):
#     return beta * J_style / total_cost(J_content, J_style, alpha, beta)
# ```
#
# </details>

# %% [markdown]
# ## 2 · The loop, in a dozen lines
#
# What never changes is computed once: the activations of C at one layer, those of S at several.

# %%
from helpers.costs import content_cost, style_cost  # derived in notebooks 2 and 3

content_layer = network.content_layer
lambdas = {layer: 1 / len(network.style_layers) for layer in network.style_layers}
activations_C, activations_S = network(C), network(S)
alpha, beta = 1.0, 100.0


# %%
def J(G):
    activations_G = network(G)
    J_content = content_cost(activations_C[content_layer], activations_G[content_layer], "relative")
    J_style = style_cost(activations_S, activations_G, lambdas, "relative")
    return total_cost(J_content, J_style, alpha, beta)


# %% [markdown]
# (`"relative"` chooses the constants in front of the sums. Section 5 is about nothing else.)
#
# One step: forward, cost, gradient with respect to the **pixels**, a move by the optimizer, and
# back into the range that pixels have.


# %% tags=["export"]
def optimization_step(G, optimizer, cost):
    """Move the Variable G one step downhill; returns the cost before the step."""
    with tf.GradientTape() as tape:
        value = cost(G)
    optimizer.apply([tape.gradient(value, G)], [G])
    G.assign(tf.clip_by_value(G, 0.0, 255.0))
    return value


# %% [markdown]
# - **The tape** records what was done with G; the frozen network is passed through, not changed.
# - **Adam** (Kingma & Ba 2015) moves every pixel by about the learning rate, here 12 of 255 grey
#   levels, whatever the scale of the gradient. `beta_2=0.9` lets it forget quickly how long the
#   gradients were: for a few hundred steps that is better than its usual 0.999.
# - **`tf.function`** turns the step into a graph: traced once, then no Python in the loop.
# - **A new optimizer and a new graph for each G.** Keras optimizers remember *their* variable;
#   re-using one for another picture is the classic error "unknown variable".

# %%
G = tf.Variable(C)
adam = keras.optimizers.Adam(12.0, beta_2=0.9, epsilon=1e-12)
step = tf.function(lambda: optimization_step(G, adam, J))
totals = [float(step()) for _ in range(STEPS)]
print(f"J: {totals[0]:.2f} at the start, {totals[-1]:.2f} after {STEPS} steps")

# %% [markdown]
# **Before you look:** G began as the photograph, with $J_{content} = 0$. Which parts of the cat
# will have changed most?

# %%
alt = "The cat, the painting, and the cat repainted in planes and brush strokes of the painting."
plots.pictures([C, S, G.numpy()], ["C", "S", f"G ({network.name})"], alt=alt)

# %% [markdown]
# That is all of neural style transfer. Colors and strokes are the painting's; eyes, ears and nose
# stayed where they were. The smooth places changed most, cheek and background: there the content
# has little to hold on to. The rest of this notebook makes it better, faster and easier to steer.
#
# The package has the same loop as a class, `Transfer`. It keeps the targets, the picture, and the
# history of all costs. Is it really the same?

# %%
from helpers.transfer import Transfer

same = Transfer(C, S, network, alpha=alpha, beta=beta, tv=0.0, optimizer="adam")
same.step(STEPS)
difference = np.abs(same.history["total"] / totals - 1).max()
print(f"largest difference of J over {STEPS} steps: {difference:.1e} of J")
print(f"mean difference of the pixels: {np.abs(same.picture - G.numpy()).mean():.2f} grey levels")

# %% [markdown]
# The same course, but for roundings: Adam takes each pixel's gradient for as important as any
# other's, so that pixels which hardly matter wander, and 90 steps amplify what began in the seventh
# digit.
#
# ## 3 · Where G begins
#
# From the content picture, from white noise, or from a blank sheet. (From here on `Transfer` has
# its default third term, a light smoothing, see section 8; and `run` lowers Adam's rate towards the
# end. So J is higher than above, and the pictures have less grain.) **Before you run it:** which
# start will end with the lowest cost? Which will keep the most of the cat?

# %%
starts = {}
for init in ("content", "noise", "blank"):
    starts[init] = Transfer(C, S, network, beta=beta, init=init, optimizer="adam")
    starts[init].run(STEPS)

# %%
found = [run.picture for run in starts.values()]
alt = "The cat painted from three starts: the photograph, noise, and a blank sheet."
plots.pictures(found, [f"from {init}" for init in starts], alt=alt)

# %%
series = {f"from {init}": run.history["total"] for init, run in starts.items()}
plots.curves(series, ylabel="J", alt="The total cost over the steps, from three starts.")

# %% [markdown]
# **From the photograph** the cat is simply there, and turns into planes. **From noise** a ghost of
# it looks through the planes: the style is done quickly, and the motif is to be found by many small
# steps through a texture that already fits. **From a blank sheet** it is clearer, but its colors
# are the painting's alone. All three go down the same $J$, and with this number of steps they end
# at different heights: where you begin decides where you get. Papers begin with noise, to prove the
# point; painters begin with the photograph.
#
# ## 4 · Adam or L-BFGS
#
# Gatys used L-BFGS. It looks at its last few moves and at what they did to the gradient, guesses
# the curvature of $J$ from that, and moves straight to where the valley should be. A move that
# leads upwards is taken back and tried again, shorter. Ours knows something before its first move:
# the network hardly sees fine detail of color, or how bright a large area is, so these may move
# farther. All that costs a little more per step, so we compare the two by seconds.

# %%
from time import perf_counter


def timed(optimizer):
    run = Transfer(C, S, network, beta=beta, optimizer=optimizer)
    begun, steps, seconds = perf_counter(), [0], [0.0]

    def note(run):
        steps.append(run.step_count)
        seconds.append(perf_counter() - begun)

    run.run(STEPS, note)
    history = run.history
    return run, (np.interp(history["step"], steps, seconds), history["total"])


# %%
by_adam, adam_curve = timed("adam")
by_lbfgs, lbfgs_curve = timed("lbfgs")
plots.curves(
    {"Adam": adam_curve, "L-BFGS": lbfgs_curve},
    xlabel="seconds",
    ylabel="J",
    alt="The total cost against seconds for Adam and for L-BFGS.",
)

# %%
alt = "The cat painted by Adam and by L-BFGS: nearly the same picture."
plots.pictures([by_adam.picture, by_lbfgs.picture], ["Adam", "L-BFGS"], alt=alt)

# %% [markdown]
# Adam is down first, because its steps are long from the beginning; L-BFGS has only looked, taken
# a small step, and begun to remember. Then it overtakes, and is where Adam will be much later. In
# the end they meet. Watch the pictures rather than the curves: both are done, and the last percents
# of $J$ are hard to see. From here on, this notebook takes L-BFGS, the default of `Transfer`, which
# has no learning rate to choose. The studio takes Adam, because α and β move there, and what L-BFGS
# remembers would be of another cost.
#
# ## 5 · Why everybody's α and β differ
#
# Look up "good" values and you find all of these:
#
# | who | α | β | their content cost, their style cost of a layer |
# |---|---|---|---|
# | the Coursera course | 10 | 40 | as in notebooks 2 and 3 |
# | Gatys et al. 2015 | 1 | 10³ or 10⁴ | ½ Σ(a_C − a_G)²; the style cost of notebook 3 |
# | TensorFlow's tutorial | 10⁴ | 10⁻² | mean squares of both, content in `block5_conv2` |
# | jcjohnson/neural-style | 5 | 100 | mean squares of both, the style one divided by n_C² |
# | gordicaleksa | 10⁵ | 3·10⁴ | mean squares of both |
#
# β/α runs from 10⁻⁶ to 10⁴, and all of them paint. The reason is one that notebooks 2 and 3 kept
# repeating: each convention has another *constant* before the same sums.
#
# $$J_{content} = c · \sum (a_C - a_G)^2 \qquad J_{style}^l = s_l · \sum (A_S - A_G)^2$$
#
# Here are $c$ and $s_l$ of four conventions, for these very pictures:

# %%
from helpers import costs

a_C = activations_C[content_layer]
A = {layer: costs.mean_gram_matrix(activations_S[layer]) for layer in lambdas}


def scales(convention):
    c = float(costs.content_scale(a_C, convention))
    return c, {layer: float(costs.style_scale(A[layer], convention)) for layer in lambdas}


# %%
for convention in costs.CONVENTIONS:
    c, s = scales(convention)
    row = "  ".join(f"{value:8.1e}" for value in s.values())
    print(f"{convention:9} c = {c:8.1e}   s_l = {row}")

# %% [markdown]
# The first two lines differ in $c$ by a factor of nearly a million, the last two by 10⁵ and more.
# That is why.
#
# The last one, **relative**, divides by the target itself: $c = 1/\sum a_C^2$ and
# $s_l = 1/\sum A_S^2$. Both costs are then plain fractions: 0 is *the same*, 1 *as far away as
# nothing at all*. No unit is left, no size of a layer, no scale of a network. The same α and β mean
# the same thing for every picture, size and network, and one slider can serve all. It is the
# default of this package, with α = 1.
#
# So anybody's α and β can be converted: keep $α c$ and each $β λ_l s_l$, and ask for new weights.
#
# **Before you run it:** four pairs of α and β for the same C and S, with ratios that differ by a
# factor of up to 750 000. How different will the four pictures be?


# %%
def convert(alpha, beta, weights, old, new):
    """(α, β, {layer: λ_l}) for another convention; Σ λ_l = 1."""
    (c, s), (c_new, s_new) = scales(old), scales(new)
    pulls = {layer: beta * weights[layer] * s[layer] / s_new[layer] for layer in weights}
    beta = sum(pulls.values())
    return alpha * c / c_new, beta, {layer: pull / beta for layer, pull in pulls.items()}


# %%
converted = {}
for convention in costs.CONVENTIONS:
    a, b, weights = convert(1.0, 100.0, lambdas, "relative", convention)
    run = Transfer(
        C, S, network, convention=convention, alpha=a, beta=b, layer_weights=weights, tv=0.0
    )
    run.run(20)
    converted[convention] = run.picture
    print(f"{convention:9} α = {a:8.2g}   β = {b:8.2g}   β/α = {b / a:8.2g}")

# %%
alt = "Four paintings under four conventions: the same picture four times."
plots.pictures(converted.values(), list(converted), alt=alt)

# %%
reference = converted["relative"]
for convention, picture in converted.items():
    print(f"{convention:9} differs by {np.abs(picture - reference).mean():.2f} grey levels")

# %% [markdown]
# The same picture four times, but for what the steps make of roundings: only constants differ, so
# the gradient is the same, and **conversion is exact**. Paste anybody's numbers into `convert`, and
# you have them in your own units. (What a conversion cannot undo: another network, other layers, a
# start from noise, or stopping after a few steps. The course's α = 10, β = 40 let the style rule by
# far; its pictures keep their content because they *start* from it and stop early.)
#
# ### Exercise 2: from mean squares to the course's constants
#
# Somebody's code takes plain mean squares (`mse` above) and recommends $α$ and $β$. What are they
# in the convention of notebooks 2 and 3 (`course`)? No picture is needed for that.


# %% tags=["exercise"]
def mse_to_course(alpha, beta):
    """(α, β) for the course's constants."""
    return None  # your expression


# %% tags=["check"]
found = mse_to_course(1.0, 100.0)
if found is None:
    print("not yet: mse_to_course returns None")
elif np.allclose(found, convert(1.0, 100.0, lambdas, "mse", "course")[:2], rtol=1e-3):
    print("right: both grow by the factor 4, whatever the picture")
else:
    print("not yet: compare 1/n with 1/(4n), and 1/n_C² with 1/(4 n_C²)")

# %% [markdown]
# <details><summary>Hint</summary>
#
# The course's cost is a quarter of the mean square, for content and for style.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def mse_to_course(alpha, beta):
#     return 4 * alpha, 4 * beta
# ```
#
# </details>

# %% [markdown]
# ## 6 · The trade-off
#
# Now turn the knob. All β at once: `Transfer` takes a list, and paints one picture for each as a
# batch, with one call of the network for all of them. **Before you run it:** sketch where the
# points of growing β will lie, content cost to the right, style cost upward.

# %%
betas = [1, 3, 10, 30, 100, 1000]
batch = Transfer(C, S, network, beta=betas)
batch.run(STEPS)
final = batch.costs()
points = list(zip(final["content"], final["style"], strict=True))

# %%
plots.trade_off(
    points,
    batch.pictures,
    [f"β = {beta:g}" for beta in betas],
    xlabel="content cost (relative)",
    ylabel="style cost (relative)",
    alt="Style cost against content cost for six β, with a small picture at each point.",
)

# %% [markdown]
# No point is best. A lower style cost is paid for with content, and β says at which price. Left
# above, hardly anything is paid; right below, the last bit of style costs eyes and outlines their
# shape. Somewhere between lies what you like, and no number can tell you where. **Look.** (For this
# pair, which would you take?)
#
# ## 7 · Coarse to fine
#
# A layer sees only so far: 24 pixels in `block3_conv1` (notebook 1). A stroke longer than that is
# not its business, so a large picture gets a fine carpet of small strokes. The remedy: paint small
# first. At a quarter of the size, the same strokes fit into what the network sees. Then enlarge the
# result, add the detail of the photograph that the small size could not hold, and go on.

# %%
L = images.load("launch_pad", SIZE * 3 // 2)
wave = images.load("woodblock_wave", SIZE * 3 // 2)
flat, pyramid = (Transfer(L, wave, network, levels=levels) for levels in (1, 3))
for run in (flat, pyramid):
    begun = perf_counter()
    run.run(STEPS)
    print(f"{run.levels} level(s): {perf_counter() - begun:.0f} seconds")

# %%
titles = ["C", "full size only", "¼, ½, full size"]
alt = "A rocket on its pad, and the same painted in one level and in three levels."
plots.pictures([L, flat.picture, pyramid.picture], titles, height=2.4, alt=alt)

# %% [markdown]
# At full size only, many short lines are scratched over the sky, in all directions. With three
# levels they are longer and sweep one way, and foam rises around the rocket like a wave. The price:
# of the small towers, too fine for a quarter of the size, less is left. So with levels, a smaller β
# paints as strongly. It is also faster, as a step at ¼ of the size costs a sixteenth.
#
# `python -m helpers` takes two levels, ½ and full size, unless you say `--levels 3`: of the
# pictures that we tried, most have a lower J after the same time with two. Larger strokes are a
# matter of taste, and J does not measure taste.
#
# ## 8 · Total variation
#
# Look at a smooth place of a painting: a checkered grain. The network hardly sees it (pooling
# throws it away), so nothing removes it. A third term does: the mean squared difference of
# neighboring pixels (Mahendran & Vedaldi 2015).
#
# $$J(G) = α · J_{content} + β · J_{style} + γ · TV(G)$$

# %%
weights = [0.0, 1e-3, 2e-2]
smoothed = [Transfer(C, S, network, beta=beta, tv=tv, init="noise") for tv in weights]
for run in smoothed:
    run.run(STEPS)

# %%
rows, columns = C.shape[:2]
part = np.s_[rows // 4 : rows // 4 + rows // 2, columns // 4 : columns // 4 + columns // 2]
shown = [run.picture[part] for run in smoothed]
alt = "Part of a painting with three weights of the total variation: grainy, clean, blurred."
plots.pictures(shown, [f"γ = {tv:g}" for tv in weights], height=2.6, alt=alt)

# %% [markdown]
# These began as noise, where there is most of it. With γ = 0, every pixel has a color of its own.
# The package's default, 0.001, takes the grain away already. At 0.02 edges and brush marks go too,
# and the strokes begin to look like enamel.
#
# ## 9 · Several styles
#
# Nothing forbids two paintings. Their style costs are averaged, with a weight for each:

# %%
glass = images.load("stained_glass", SIZE)
mixes = [(1, 0), (1, 1), (0, 1)]
mixed = [Transfer(C, [S, glass], network, style_weights=mix, levels=2) for mix in mixes]
for run in mixed:
    run.run(STEPS)

# %%
titles = ["cubist", "both", "stained glass"]
alt = "The cat in the cubist style, in a mixture, and in stained glass."
plots.pictures([run.picture for run in mixed], titles, alt=alt)

# %% [markdown]
# A mixture is not one picture over the other: it looks for strokes that are a bit of both.
#
# ## 10 · A gallery
#
# Every photograph in every style, with one β for all of them. That works because the relative cost
# has no unit.

# %%
contents = list(images.gallery("content"))
styles = [n for n, place in images.gallery("style").items() if "http" not in str(place)]


def paint(content, style):
    run = Transfer(images.load(content, SIZE), images.load(style, SIZE), network, beta=30, levels=2)
    run.run(STEPS)
    return run.picture


# %%
gallery = [[paint(content, style) for content in contents] for style in styles]
alt = f"Each of {', '.join(contents)} painted in the style of {', '.join(styles)}."
plots.grid(gallery, [s.replace("_", " ") for s in styles], contents, alt=alt)

# %% [markdown]
# ## 11 · Your own pictures
#
# Put in a file's path, a web address, or a name of the gallery (`images.gallery()` lists them, with
# famous paintings that are fetched when asked for). In Colab, set `UPLOAD` to choose files from
# your computer: first the photograph, then the painting.

# %%
# @title Which pictures?
MY_CONTENT = "dandelions"  # @param {type: "string"}
MY_STYLE = "water_light"  # @param {type: "string"}
UPLOAD = False  # @param {type: "boolean"}
sources = [MY_CONTENT, MY_STYLE]
if UPLOAD and "google.colab" in sys.modules:
    from google.colab import files

    sources = [next(iter(files.upload().values())) for _ in ("content", "style")]

# %%
chosen = [images.load(source, SIZE) for source in sources]
mine = Transfer(*chosen, network, beta=30.0, levels=3)
mine.run(STEPS)
alt = "The photograph, the painting and the result that were chosen above."
plots.pictures([mine.content, *mine.styles, mine.picture], ["C", "S", "G"], alt=alt)

# %% [markdown]
# Save it. The settings travel in the file, so that you can make it again next year:

# %%
import tempfile

folder = Path(tempfile.mkdtemp())  # choose a place of your own, such as Path.home()
images.save(folder / "mine.png", mine.picture, mine.settings)
kept = images.read_settings(folder / "mine.png")
print({name: kept[name] for name in ("network", "costs", "alpha", "beta", "levels", "seed")})

# %% [markdown]
# And a film of the way there. `run` calls a function about twice a second; `step` goes as far as we
# say:

# %%
small = max(SIZE * 3 // 4, 48)
film = Transfer(images.load("cat", small), images.load("starry_swirls", small), network)
frames = [film.picture]
for _ in range(16):
    film.step(max(1, STEPS // 24))
    frames.append(film.picture)
plots.animation(frames, alt="The cat turning into a painting of swirling strokes, step by step.")

# %% [markdown]
# ## 12 · When it goes wrong
#
# | you see | the reason | do |
# |---|---|---|
# | the photograph, hardly changed | α rules | β × 10 |
# | texture everywhere, no motif | β rules, or G began as noise | β / 10, start from the content |
# | colored grain, checkers | nothing sees single pixels | raise the total variation |
# | small strokes, however long it runs | the network sees too little at this size | 3 levels |
# | black, or NaN | Gram matrices overflow in float16 | costs in float32 (as here) |
# | blue skin, red sky | RGB and BGR exchanged, or the mean forgotten | leave it to `vgg` |
# | "Unknown variable" | an optimizer re-used for another G | a new one for each G |
# | out of memory | pixels × channels of block 1 | half the size needs a quarter |
#
# ### Exercise 3: smaller steps at the end
#
# A constant learning rate leaves G trembling around its goal. With Adam, `Transfer.run` therefore
# lowers it along a cosine, from the full rate to a half of it. Write that: `progress` goes from 0
# to 1.


# %% tags=["exercise"]
def rate(progress, full=12.0, last=0.5):
    """The learning rate: full at 0, last · full at 1, half of a cosine between."""
    return None  # your expression


# %% tags=["check"]
found = [rate(progress) for progress in (0.0, 0.5, 1.0)]
if found[0] is None:
    print("not yet: rate returns None")
elif np.allclose(found, [12.0, 9.0, 6.0]):
    print("right: 12 at the start, 9 half way, 6 at the end")
else:
    print("not yet: it must be 12, 9 and 6 at the start, half way and at the end")

# %% [markdown]
# <details><summary>Hint</summary>
#
# $(1 + \cos(π · progress)) / 2$ falls from 1 to 0.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def rate(progress, full=12.0, last=0.5):
#     cosine = (1 + np.cos(np.pi * progress)) / 2
#     return full * (last + (1 - last) * cosine)
# ```
#
# </details>

# %% [markdown]
# ## What you have now
#
# - $J(G) = α J_{content} + β J_{style}$, and a loop of a dozen lines that goes down it.
# - α and β mean nothing without the constants of the costs; with the relative cost they do.
# - Start, optimizer, levels and total variation: what each of them does to the picture.
# - A picture of your own, with the settings that made it.
#
# **Next:** [5 · The studio](05_studio.ipynb), where you turn α and β with your hands while the
# picture is painted. From a shell, `python -m helpers CONTENT STYLE --output OUT.png` does all of
# this at full size.
