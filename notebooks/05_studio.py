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

# %% [markdown]
# # 5 · The studio: β/α under your fingers
#
# In notebook 4 a new β meant a new run, and you waited for its end. Here the picture is painted
# while you turn the knob. There is no cell to run again, and nothing begins anew: α and β are two
# numbers in the cost, the next step uses the new ones, and the picture follows.
#
# **After this notebook you can**
# - find, by hand and in seconds, the β that a pair of pictures wants;
# - say what β/α does, what the smoothing does, and what each style layer brings;
# - explain how a live tuner works: steps in small bites, weights that are arguments;
# - run the same experiment without sliders, and lead a class through it.
#
# **Time:** 45 minutes to play and read. Computing takes about a minute on two CPU cores with `mini`
# (measured); besides, the studio paints until you press **Pause**.

# %% tags=["parameters"]
SIZE = 256  # the longest side of the pictures, in pixels
STEPS = 90  # steps of each painting below
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
# The last line names the network with which the studio begins; in the studio you can choose another
# one. (The stored picture of the studio itself was taken with `mini`.)
#
# ## 1 · The studio
#
# Run the next cell. First you see the photograph, then it begins to change by itself. There is one
# knob, **β/α**: at its left end the photograph stays, at its right end there are strokes
# everywhere. Turn it, and draw the white line over the picture to compare with the photograph.
#
# | what | does |
# |---|---|
# | **β/α** | how much painting |
# | **Paint**, **Undo**, **Start over** | go on or pause; go back; begin anew |
# | **Keep this one** | keeps the picture with all that is set, so that nothing is lost |
# | **Pictures** | photograph, painting, a second painting, and which part is painted |
# | **Look** | colors, strokes, style layers, smoothing, size, network, where G starts |
# | **See** | where content and style pull at the picture, Gram matrices, five paintings along β |
# | **Keep** | what was kept; saves the picture, and how it was made; makes a large copy |
# | **Classroom** | large type, few controls, and questions to predict first |
#
# The *smoothing* is the third term of $J$, the total variation of notebook 4, section 9.
#
# The knob needs a running Python. Where you read this without one (on GitHub, say), section 2 shows
# what it does, with eight paintings that were made beforehand.

# %%
from helpers.studio import Studio

studio = Studio("cat", "starry_swirls", network.name, SIZE)
studio

# %% [markdown]
# **Predict first, then try:**
#
# 1. Where the eyes are still a cat's and the fur is strokes already: is β/α there 0.2, 2 or 20?
# 2. Turn the knob to its left end and wait. Then to its right end. Which way is faster, and why?
# 3. Make the strokes twice as large (under **Look**). Which of the two costs jumps?
# 4. Set the smoothing to its largest (under **Look**, too). What happens to the eyes?
# 5. Start from *noise* (under **Look** again). Where does the motif appear first?
#
# Under **See** you can watch the two costs at work: the brighter a place, the harder a cost pulls
# there. At first only the style pulls, for a photograph has no content cost yet. Soon
# both pull at the same places. And as the picture comes to rest, they must do so in opposite
# directions, because at the lowest point of a sum the two slopes cancel. (The smoothing has a small
# part in it, too.) That is what an optimum of a sum looks like: not two satisfied wishes, but two
# forces that hold each other. The knob makes one of them stronger, and the balance shifts.
#
# ## 2 · The same picture, eight values of β
#
# The studio is a face. Behind it is a `Session`, which has no widgets and does what the sliders do.
# `tick` paints for a fraction of a second, `set` changes a weight, `grid` paints several pairs of α
# and β at once, as one batch. So the whole way of the knob can be looked at side by side.
#
# **Predict first:** at which β will the cat's whiskers go?

# %%
from helpers.studio import Session

session = Session(network=network.name, size=SIZE)
betas = [0.1, 0.5, 1, 2, 5, 15, 50, 250]
bites = list(session.grid([1.0], betas, size=SIZE * 3 // 4, steps=STEPS))
print(f"{len(betas)} pictures, painted in {len(bites)} bites")

# %%
from helpers.animation import Flipbook

found = [row[0].picture for row in session.cells]
Flipbook(found, [f"β = {beta:g}" for beta in betas], "β", first=4)

# %% tags=["hide-input"]
# @title All eight side by side
alt = "A cat's face, from a photograph at β = 0.1 to swirling strokes everywhere at β = 250."
plots.pictures(found, [f"β = {beta:g}" for beta in betas], columns=4, alt=alt)

# %% [markdown]
# Look for the last picture whose whiskers you can still count, and for the first that a stranger
# would not take for a cat. All that is worth looking at lies between these two, and it takes
# factors, not differences, to walk through it: one step of the list is a factor of two to five.
# That is why the knob is logarithmic. The costs behind it are *relative*, 0 is "the same" and 1 is
# "as far away as nothing at all" (notebook 4), so that a useful β lies somewhere between 1 and 20,
# and not at 10⁻⁷ or 10⁴. The same β is not equally strong for every set of layers: deeper layers
# are harder to please.
#
# ### Exercise 1: a log slider
#
# The slider for β in the studio goes from 0.1 at its left end to 10 000 at its right end, and
# equal ways mean equal *factors*. Let its position be a number from 0, left, to 1, right. Which β
# belongs to a position?


# %% tags=["exercise"]
def slider_to_beta(position, low=0.1, high=10_000.0):
    """low at position 0, high at position 1, equal factors for equal ways."""
    ...


# %% tags=["check"]
found_beta = [slider_to_beta(position) for position in (0.0, 0.4, 1.0)]
if found_beta[0] is None:
    print("not yet: slider_to_beta returns None")
elif np.allclose(found_beta, [0.1, 10, 10_000]):
    print("right: 0.1, 10 and 10 000 at the positions 0, 0.4 and 1")
else:
    print("not yet: it must be 0.1, 10 and 10 000 at the positions 0, 0.4 and 1")

# %% [markdown]
# <details><summary>Hint</summary>
#
# The whole way is the factor $high / low$. Half of the way is $\sqrt{high / low}$, a quarter the
# square root of that. What do roots have to do with powers?
#
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def slider_to_beta(position, low=0.1, high=10_000.0):
#     return low * (high / low) ** position
# ```
#
# </details>

# %% [markdown]
# ## 3 · A grid of α × β
#
# Now α as well: nine pictures, one for each pair. α and β are vectors here, and the network is
# called once per step for all nine.
#
# **Predict first:** nine pairs, and five different ratios β/α among them. Which pictures belong
# together, and will they be the same picture?

# %%
alphas, betas = (0.1, 1.0, 10.0), (1.0, 10.0, 100.0)
bites = list(session.grid(alphas, betas, size=SIZE * 5 // 8, steps=STEPS))
print(f"{len(session.cells)} × {len(session.cells[0])} pictures, painted in {len(bites)} bites")

# %% tags=["hide-input"]
# @title The figure
rows, columns = [f"β = {b:g}" for b in betas], [f"α = {a:g}" for a in alphas]
alt = "Nine paintings of a cat. On a diagonal, where β/α is the same, they are equally painted."
plots.grid([[cell.picture for cell in row] for row in session.cells], rows, columns, alt=alt)

# %% [markdown]
# Those on the same diagonal belong together, from the upper left to the lower right, for there β/α
# is the same. In $J = αJ_{content} + βJ_{style}$ a common factor changes the height of the
# landscape, not where its valleys are. So how near are they to each other, pixel by pixel? And how
# near are neighbors in a row, whose ratios are a factor of ten apart?


# %%
def apart(a, b):
    return float(np.abs(a.picture - b.picture).mean())


cells = session.cells
same = [apart(cells[i][i], cells[j][j]) for i, j in ((0, 1), (1, 2))]
other = [apart(cells[i][i], cells[i][i + 1]) for i in (0, 1)]
print("mean difference in gray levels, on a diagonal: ", *(f"{d:.0f}" for d in same))
print("mean difference in gray levels, in a row:      ", *(f"{d:.0f}" for d in other))

# %% [markdown]
# They are not the same picture at all, where you might have expected zeros. The reason is the third
# weight: the smoothing γ stays while α and β grow, so the first picture of each diagonal is the
# smoothest. Had γ grown with them, $J$ would have changed by a factor and by nothing else, and then
# the pictures are the same: with α, β *and* γ all multiplied by 8, we measured no difference at
# all. So what a diagonal shares here is how much photograph and how much painting there is: look at
# the figure once more. That is what one slider can set, and why the studio has just one in front.
#
# ## 4 · How it can be live
#
# Why did notebook 4 have to wait, and the studio not? Four ideas make the difference.
#
# **Weights are arguments.** A step is compiled once (that is what `tf.function` does). Were α and β
# numbers *in* it, each move of a slider would compile it anew, for a second or more. So the
# compiled step is given them anew each time, as tensors, together with the picture. (In your own
# loop they could be `tf.Variable`s, which it reads.)

# %%
import time

from helpers.transfer import Transfer


def seconds(function):
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


run = session.transfer
run.step()  # the first one is slower
print(f"a step:             {seconds(run.step):.3f} s")
run.set(beta=123.0)
print(f"with another β:     {seconds(run.step):.3f} s")
fresh = vgg.load(network.name)  # a network keeps the steps that were compiled for it
again = seconds(Transfer(session.content, session.styles, fresh, optimizer="adam").step)
print(f"compiled anew:      {again:.3f} s")

# %% [markdown]
# **Adam has to forget.** The studio walks with Adam: what L-BFGS guesses of the curvature would be
# wrong after each move of a slider. But Adam remembers too: it divides its steps by the lengths of
# the last gradients. When β goes from 1000 to 1, the gradient becomes about a thousand times
# shorter, and the memory of the long ones fades only step by step. Does that matter? How far a
# picture *moves* proves little, since an Adam that has just forgotten always moves by its learning
# rate, wherever that leads. What counts is where J stands: the new J, ten steps after the slider
# moved, with the memory and without.

# %%
reached = {}
beginning = run.picture
for memory in ("kept", "forgotten"):
    run.set(beta=1000.0)
    run.picture = beginning
    run.step(STEPS)
    remembered = run.state
    run.set(beta=1.0)  # here Adam forgets
    if memory == "kept":
        run.state = remembered
    before = run.costs()["total"]
    run.step(10)
    reached[memory] = run.costs()["total"] / before
print("J after ten steps, as a share of J before them:")
print({memory: round(share, 3) for memory, share in reached.items()})

# %% [markdown]
# The smaller share is the better one. That is why the studio lets Adam forget after a large move of
# a slider. After a small one, of less than a factor of eight, it keeps the memory: that still fits
# nearly, and beginning anew would cost some steps.
#
# **Coarse first.** A step at half the size costs a quarter, one at a quarter of the size a
# sixteenth, and such steps move what full size would need minutes for: large strokes, whole areas.
# So at the start, with another picture or size, other style layers, and when β/α has risen
# eightfold, the studio takes 30 steps at ½ of the size (and before these 30 at ¼, where the picture
# is large enough for that), adds what they change to the picture, and only then goes on at full
# size. That is why the picture is blurred for a moment, and then sharp. After a small move of a
# slider the strokes are there already: it only goes on.
#
# **Small bites.** Python does one thing at a time: while a cell paints, no slider is heard. So the
# studio paints for an eighth of a second, then looks up. A fast machine takes many steps in that
# time, a slow one at least one. Each bite asks the page for the next one. Nothing runs on its own
# in the kernel: other cells get their turn, and a page that is closed costs nothing.
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
# ## 5 · Without sliders
#
# Some places show no widgets. Then this cell is the studio: change the numbers (Colab shows them as
# a form) and run it again. With `begin_anew` it starts from the photograph each time; set it to
# `False`, and it goes on from the picture that it made before.

# %%
# @title Change the numbers, run the cell
content = "cat"  # @param ["cat", "dandelions", "launch_pad"] {allow-input: true}
style = "starry_swirls"  # @param ["starry_swirls", "cafe_terrace"] {allow-input: true}
alpha = 1.0  # @param {type: "number"}
beta = 10.0  # @param {type: "number"}
smoothing = 0.001  # @param {type: "number"}
begin_anew = True  # @param {type: "boolean"}

session.change(content=content, styles=style)
session.set(alpha=alpha, beta=beta, tv=smoothing)
if begin_anew:
    session.reset()
for _ in range(STEPS):
    session.tick(0)
shown = [session.content, session.styles[0], session.picture]
plots.pictures(shown, ["C", "S", f"G, β = {beta:g}"], alt="Photograph, painting, and the result.")

# %% [markdown]
# ## 6 · In front of a class
#
# `Studio(classroom=True)`, or the button **Classroom** in the studio above: large type, the picture
# beside the two that it is made from, and one of these questions after the other, with three
# answers each. Let the class raise hands before you press **Reveal**: it marks the right answer,
# sets what the question is about, and paints.

# %%
from helpers.studio.classroom import QUESTIONS

for number, question in enumerate(QUESTIONS, 1):
    weights = {"alpha": 1.0, "beta": 6.0} | question["sets"]
    text = question["text"].format(ratio=f"{weights['beta'] / weights['alpha']:g}")
    print(f"{number}. {text}")

# %% [markdown]
# ## What you have now
#
# - A feeling for β/α: one factor of ten is a clear step, and but for the smoothing nothing else
#   about α and β matters.
# - A live tuner, and the four ideas behind it: weights as arguments, an optimizer that forgets,
#   coarse before fine, small bites.
# - Pictures of your own, that know how they were made.
#
# Could you write it from an empty file? Take your loop of notebook 4, and put β into a
# `tf.Variable` that `J` reads. Let the loop take as many steps as fit into a bite, show G, and then
# `assign` another β. If the first step after that is as fast as the others, it is a studio; the
# rest is sliders.
#
# **Next:** [6 · In control, and beyond Gram](06_control_and_beyond.ipynb) grants the wishes that
# one knob leaves open: only the sky, finer strokes, your own colors, a film. Then it asks what else
# a style could be.
