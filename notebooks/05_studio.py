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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/05_studio.ipynb)

# %% [markdown] tags=["slide"]
# # 5 · The studio: β/α under your fingers
#
# Notebook 4 ended with a β that moves. Here you move it with a knob while the picture is being
# painted, and the picture follows.

# %% [markdown]
# **After this notebook you can**
# - write a loop whose weights move while it runs;
# - find, in seconds, a β that suits a pair of pictures;
# - say what each knob does, and why α and β share one.
#
# **Time:** 45 minutes, most of them spent playing. The computing takes about a minute on two idle
# CPU cores with `mini`.

# %% tags=["parameters"]
SIZE = None  # the longest side of the studio's pictures, in pixels; None: 256
STEPS = None  # steps of each painting below; None: 60
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
# The last line names the network. (What is stored here was computed with `mini`.)
#
# ## 1 · A loop that listens
#
# Here is the loop of notebook 4 again, with smaller steps, and with all three **weights as
# variables**.

# %%
from IPython.display import Markdown

from helpers import costs

SIZE, STEPS = SIZE or 256, STEPS or 60
SMALL = SIZE // 2
trial = STEPS < 50 or SIZE < 256  # too short, or too small, for what the text says of the results
C, S = images.load("cat", SMALL), images.load("starry_swirls", SMALL)
layer, lambdas = network.content_layer, {name: 0.2 for name in network.style_layers}
activations_C, activations_S = network(C), network(S)

# %%
G = tf.Variable(C)
alpha, beta, gamma = tf.Variable(1.0), tf.Variable(20.0), tf.Variable(3e-4)
adam = keras.optimizers.Adam(8.0, beta_1=0.9, beta_2=0.9, epsilon=1e-20)  # 0 / 0 becomes 0


@tf.function
def step():
    with tf.GradientTape() as tape:
        a = network(G)
        J = alpha * costs.content_cost(activations_C[layer], a[layer], "relative")
        J += beta * costs.style_cost(activations_S, a, lambdas, "relative")
        J += gamma * costs.total_variation(G)
    adam.apply([tape.gradient(J, G)], [G])
    G.assign(tf.clip_by_value(G, 0.0, 255.0))
    return J


# %% [markdown]
# TensorFlow compiles `step` at its first call. If β were a Python number, it would become a
# constant there, and each new β would need another compilation. A variable is read in each step. So
# turning a knob is an `assign` between two steps. **Before you run it:** β goes up, and back again.
# Which of the three has a slow first step? Will the last picture look like the first?

# %%
import time

followed = []
for value in (1.0, 200.0, 1.0):
    beta.assign(value)
    begun = time.perf_counter()
    step()
    first = time.perf_counter() - begun
    for _ in range(STEPS // 2):
        step()
    followed.append((value, first, G.numpy()))

# %% tags=["hide-input"]
# @title One picture, and a β that goes up and back
waits = [first for _, first, _ in followed]
assert trial or waits[0] > max(waits[1:])
titles = [f"β = {value:g}: first step {first:.1f} s" for value, first, _ in followed]
up, back = (np.abs(followed[i][2] - followed[0][2]).mean() for i in (1, 2))
assert trial or back > up / 4
alt = "A cat after steps with β = 1, with β = 200, and with β = 1 again: the last is still painted."
plots.pictures([picture for *_, picture in followed], titles, height=1.9, alt=alt)

# %% [markdown]
# Only the first one waits for the compiler. (The package hands the weights to its compiled step as
# arguments. The effect is the same.)
#
# ### Adam has to forget
#
# Up, the picture follows. Back, it hesitates: Adam divides by the root of a running mean of squared
# gradients. With a far smaller β the gradient is far smaller, but the divisor still remembers the
# large ones, and fades only step by step. So the studio clears Adam's memory when a weight changes
# eightfold or more. Does it help? We paint with β = 1000, set β = 1 and take ten steps, once with
# the memory and once without.


# %%
def forget():
    """Adam as it was before its first step."""
    for variable in adam.variables:
        if variable is not adam.learning_rate:
            variable.assign(tf.zeros_like(variable))


def paint(a, b, c):
    """Paint from the photograph with these α, β and γ."""
    forget()
    G.assign(C)
    for weight, value in ((alpha, a), (beta, b), (gamma, c)):
        weight.assign(value)
    for _ in range(STEPS // 2):
        step()
    return G.numpy()


# %%
shares = {}
for memory in ("kept", "cleared"):
    paint(1.0, 1000.0, 3e-4)
    beta.assign(1.0)
    if memory == "cleared":
        forget()
    before = float(step())
    for _ in range(9):
        step()
    shares[memory] = float(step()) / before
assert trial or shares["cleared"] < shares["kept"]
for memory, share in shares.items():
    print(f"Memory {memory}: after ten steps J is {share:.0%} of what it was before them.")

# %% [markdown] tags=["slide"]
# ## 2 · The studio
#
# Run the cell. The photograph begins to change by itself. Turn **β/α**, and drag the white handle
# at the picture's left edge to compare it with the photograph.

# %% [markdown]
# | what | does |
# |---|---|
# | **β/α** | how much painting |
# | **Paint**, **Undo**, **Start over** | go on or pause; go back; begin anew |
# | **Keep this one** | keeps the picture with all its settings |
# | **Pictures** | photograph, painting, a second painting, and which part is painted |
# | **Look** | colors, strokes, style layers, smoothing (γ), size, network, where G starts |
# | **See** | Gram matrices, five paintings along β |
# | **Keep** | what was kept; saves the picture and its settings; makes a large copy |
# | **Classroom** | large type, few controls, and questions to predict first |

# %% tags=["fragment"]
from helpers.studio import Session, Studio

studio = Studio("cat", "starry_swirls", network.name, SIZE)
studio

# %% [markdown]
# The knob needs a running Python. Where there is none, on GitHub for example, the strip below shows
# what it does. Behind the studio is a `Session`, which has no widgets: `along` paints a batch,
# `change` does what a control does, `tick` paints for a fraction of a second.

# %% [markdown] tags=["slide"]
# The knob's left end, 0.4, is the photograph itself. **Before you look:** at which β will the
# whiskers go?

# %% tags=["hide-input", "fragment"]
# @title What the knob does, in five pictures
session, betas = Session(network=network.name, size=SIZE), [0.4, 4, 20, 100, 1000]
for _ in session.along(betas, size=SIZE * 3 // 4, steps=STEPS):
    pass  # it paints in bites
strip = [cell.picture for cell in session.cells]
far = [np.abs(picture - strip[0]).mean() for picture in strip]
assert trial or far == sorted(far)
alt = "A cat's face: the photograph at β = 0.4, swirling strokes everywhere at β = 1000."
plots.pictures(strip, [f"β/α = {beta:g}" for beta in betas], columns=3, alt=alt)

# %% [markdown]
# ### Five questions
#
# Predict, then try it in the studio, then open the answer. **Classroom**, or
# `Studio(classroom=True)`, asks the same questions in large type: let the class raise hands, then
# press **Reveal**. It marks the right answer, sets what the question is about, and paints.

# %% tags=["hide-input", "slide"]
# @title The questions, with folded answers
from helpers.studio.classroom import QUESTIONS

field = next(iter(network.layers.values())).receptive_field
text = ""
for number, question in enumerate(QUESTIONS, 1):
    choices = "; ".join(f"{'ABC'[i]}: {a}" for i, a in enumerate(question["answers"]))
    reason = question["reason"].format(field=field)
    text += f"**{number}.** {question['text']} {choices}.\n\n<details><summary>Answer</summary>\n\n"
    text += f"**{'ABC'[question['right']]}.** {reason}\n\n</details>\n\n"
Markdown(text)

# %% [markdown]
# ## 3 · Why α and β share a knob
#
# Notebook 4, section 4, says that only the ratios of the weights count. **Before you run it:** α
# and β become eight times as large, once with γ and once without. Which of the two pictures is
# equal to the first?

# %%
one = paint(1.0, 20.0, 3e-4)
all_three = paint(8.0, 160.0, 24e-4)
two = paint(8.0, 160.0, 3e-4)

# %% tags=["hide-input"]
# @title Eight times as much
apart = [np.abs(picture - one).mean() for picture in (all_three, two)]
assert trial or apart[0] < apart[1] / 3  # on a GPU roundings differ from run to run
titles = ["α = 1, β = 20, γ = 0.0003", f"all three × 8: {apart[0]:.1f} gray levels from the first"]
titles += [f"α and β × 8: {apart[1]:.1f} gray levels from the first"]
alt = "Three paintings of a cat: the second equals the first, the third has finer grain."
plots.pictures([one, all_three, two], titles, height=1.9, alt=alt)

# %% [markdown]
# With all three, $J$ is eight times as high everywhere, and its valleys are where they were. With α
# and β alone, γ/α is an eighth of what it was: the picture is less smooth. The large knob therefore
# moves β/α and leaves γ/α alone; smoothing has a slider of its own.
#
# ### Exercise 1: the scale of the knob
#
# From one picture of the strip to the next, β grows five- or tenfold. So the knob is logarithmic:
# equal distances are equal *factors*. It goes from 0.4 at its left end (position 0) to 1000 at its
# right end (position 1). Which β belongs to a position?


# %% tags=["exercise"]
def slider_to_beta(position, low=0.4, high=1000.0):
    """low at position 0, high at position 1, equal factors for equal distances."""
    ...


# %% tags=["check"]
found_beta = [slider_to_beta(position) for position in (0.0, 0.5, 1.0)]
if found_beta[0] is None:
    print("not yet: slider_to_beta returns None")
elif np.allclose(found_beta, [0.4, 20, 1000]):
    print("right: 0.4, 20 and 1000 at the positions 0, 0.5 and 1")
else:
    print("not yet: it must be 0.4, 20 and 1000 at the positions 0, 0.5 and 1")

# %% [markdown]
# <details><summary>Hint</summary>
#
# The whole way is the factor $high / low$. Half of it is $\sqrt{high / low}$, and a root is a
# power.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def slider_to_beta(position, low=0.4, high=1000.0):
#     return low * (high / low) ** position
# ```
#
# </details>

# %% [markdown]
# ## 4 · What makes it feel live
#
# **Coarse first.** A step at half the size costs about a quarter, and it moves large strokes
# quickly. So at the start, and when β/α has risen eightfold or the style layers have changed, the
# studio takes 30 steps at half the size (before these 30 at a quarter, where the picture is large
# enough), adds the change to the picture, and goes on at full size. That is why new strokes look
# soft for a moment.
#
# **Small bites.** Python does one thing at a time: while a cell paints, no slider is heard. So the
# studio paints for an eighth of a second and looks up. The page asks for the next bite. A closed
# page asks for none, so it costs nothing.
#
# ### Exercise 2: how many steps in a bite?
#
# The studio knows how many seconds a bite may last, and has measured how many a step takes.


# %% tags=["exercise"]
def steps_in(seconds, seconds_per_step):
    """As many whole steps as fit into the seconds, but at least one."""
    ...


# %% tags=["check"]
found_steps = [steps_in(0.2, pace) for pace in (0.0625, 0.2, 1.0)]
if found_steps[0] is None:
    print("not yet: steps_in returns None")
elif found_steps == [3, 1, 1]:
    print("right: 3 steps of 0.0625 s fit into 0.2 s, and a step of 1 s is taken all the same")
else:
    print("not yet: for steps of 0.0625, 0.2 and 1 second it must be 3, 1 and 1")

# %% [markdown]
# <details><summary>Hint</summary>
#
# `int` rounds down, `max` keeps it from 0.
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def steps_in(seconds, seconds_per_step):
#     return max(1, int(seconds / seconds_per_step))
# ```
#
# </details>

# %% [markdown]
# ## 5 · Without widgets
#
# Where no widgets work, this cell is the studio: change the numbers (Colab shows them as a form)
# and run it again. Without `begin_anew` it goes on from its last picture.

# %%
# @title Change the numbers, run the cell
content = "cat"  # @param ["cat", "dandelions", "launch_pad"] {allow-input: true}
style = "starry_swirls"  # @param ["starry_swirls", "cafe_terrace"] {allow-input: true}
alpha_now = 1.0  # @param {type: "number"}
beta_now = 20.0  # @param {type: "number"}
smoothing = 0.0003  # @param {type: "number"}
begin_anew = True  # @param {type: "boolean"}

session.change(content=content, styles=style, alpha=alpha_now, beta=beta_now, tv=smoothing)
if begin_anew:
    session.reset()
for _ in range(STEPS):
    session.tick(0)
shown = [session.content, session.styles[0], session.picture]
plots.pictures(shown, ["C", "S", f"G, β = {beta_now:g}"], alt="Photograph, painting, and result.")

# %% [markdown] tags=["slide"]
# ## What you have now
#
# - A loop with variables for weights: an `assign` between two steps is all that a slider does.
# - An optimizer that forgets, coarse steps before fine ones, and small bites.
# - A feeling for β/α: what counts is its factor, and a common factor of all three weights does
#   nothing.

# %% [markdown]
# Could you write it from an empty file? Put β into a variable, take a few steps, show G, `assign`
# another β, go on. The rest is sliders.
#
# **Next:** [6 · In control, and beyond Gram](06_control_and_beyond.ipynb) does what one knob
# cannot: only the sky, finer strokes, your own colors, a film.
