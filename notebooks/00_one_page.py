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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/neural-style-transfer-notebooks/neural-style-transfer/blob/main/notebooks/00_one_page.ipynb)

# %% [markdown]
# # Neural style transfer on one page
#
# This page repaints a photograph C in the style of a painting S, with the method of
# [Gatys, Ecker & Bethge 2016](https://doi.org/10.1109/CVPR.2016.265) in plain Keras and TensorFlow:
# copy what you need. In Colab, choose a GPU under *Runtime → Change runtime type*.
#
# No network is trained. VGG-19, which has learned to recognize objects, stays as it is. The pixels
# of a third picture, G, change until VGG-19 finds the style of S in it and still much of the
# content of C.

# %% tags=["parameters"]
SIZE, STEPS = None, None  # longest side; None: 512 and 300 on a GPU, 256 and 80 on a CPU
CONTENT, STYLE = None, None  # your files or web addresses; None: a cat, and a painting by van Gogh

# %%
from urllib.request import Request, urlopen

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import display
from PIL import Image, ImageOps

GPU = bool(tf.config.list_physical_devices("GPU"))
SIZE, STEPS = SIZE or (512 if GPU else 256), STEPS or (300 if GPU else 80)

# %% tags=["hide-input"]
# @title Folded: in its repository, this page takes the pictures from there
from pathlib import Path

if Path("../images").is_dir():
    CONTENT = CONTENT or "../images/content/cat.jpg"
    STYLE = STYLE or "../images/style/cafe_terrace.jpg"

# %% [markdown]
# ## Pictures
#
# A picture is an array of RGB values from 0 to 255. Its sides are rounded to multiples of 16,
# because VGG-19 halves them again and again and drops odd rows and columns.


# %%
def load(source, size):
    """A file or web address → float32 (1, height, width, 3), RGB in 0–255."""
    if str(source).startswith("http"):  # with a name, because some sites refuse Python's own
        source = urlopen(Request(source, headers={"User-Agent": "neural-style-transfer/1.0"}))
    image = ImageOps.exif_transpose(Image.open(source)).convert("RGB")
    sides = [max(1, round(side * size / max(image.size) / 16)) * 16 for side in image.size]
    return np.asarray(image.resize(sides, Image.Resampling.LANCZOS), "float32")[np.newaxis]


GITHUB = "https://raw.githubusercontent.com/"  # Chelsea (CC0), The Starry Night (public domain)
CAT = GITHUB + "scikit-image/scikit-image/v0.25.2/skimage/data/chelsea.png"
PAINTING = GITHUB + "jcjohnson/neural-style/master/examples/inputs/starry_night_google.jpg"
C, S = load(CONTENT or CAT, SIZE), load(STYLE or PAINTING, SIZE)

# %% [markdown]
# ## The network
#
# Each layer of VGG-19 answers a picture with an *activation*: $n_C$ numbers, the channels, at each
# of $n_H × n_W$ positions. We read the layers of the paper, five for the style and one for the
# content.

# %% tags=["hide-input"]
# @title Folded: VGG-19 from a file, where there is no internet
import os

keras.utils.disable_interactive_logging()  # which announces a download also where it then fails


def vgg19_from_file():
    """VGG-19 with the arrays of the .npz that NST_WEIGHTS names, or else with mini's."""
    path = Path(os.environ.get("NST_WEIGHTS") or "../helpers/weights/mini.npz")
    if not path.is_file():
        raise SystemExit(
            "VGG-19 cannot be downloaded: connect to the internet, or set NST_WEIGHTS to an .npz "
            "of its arrays LAYER/kernel and LAYER/bias."
        )
    arrays = {key: array.astype("float32") for key, array in np.load(path).items()}
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    vgg.name = path.stem
    arrays["block1_conv1/kernel"] /= 64 if "block1_conv2/reduce" in arrays else 1  # mini's unit
    for name in sorted(key.removesuffix("/bias") for key in arrays if key.endswith("/bias")):
        kernel = arrays[f"{name}/kernel"]
        if f"{name}/reduce" in arrays:  # mini's kernels are products of three small ones
            first, last = arrays[f"{name}/reduce"][0, 0], arrays[f"{name}/expand"][0, 0]
            kernel = np.einsum("ir,hwrs,so->hwio", first, kernel, last, optimize=True)
        vgg.get_layer(name).set_weights([kernel, arrays[f"{name}/bias"]])
    return vgg


# %%
CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = [f"block{i}_conv1" for i in range(1, 6)]

try:
    vgg = keras.applications.VGG19(include_top=False, weights="imagenet")
except Exception:  # it could not be downloaded
    vgg = vgg19_from_file()
outputs = {name: vgg.get_layer(name).output for name in [*STYLE_LAYERS, CONTENT_LAYER]}
model = keras.Model(vgg.inputs, outputs, trainable=False)


def preprocess(pictures):
    """RGB in 0–255 → what VGG-19 was trained on: BGR minus the mean of ImageNet's pixels."""
    # As a tensor, because Keras writes into NumPy arrays.
    return keras.applications.vgg19.preprocess_input(tf.convert_to_tensor(pictures))


def activations(pictures):
    """(1, height, width, 3) → {layer name: (1, n_H, n_W, n_C)}."""
    return model(preprocess(pictures))


print(f"Network: {vgg.name}, {SIZE} pixels, {STEPS} steps, on a {'GPU' if GPU else 'CPU'}")

# %% [markdown]
# In Colab, a test of the preprocessing: VGG-19 names what is in the photograph.

# %% tags=["hide-input"]
# @title Folded: VGG-19 names the photograph (in Colab only, a download of 574 MB)
import sys

if "google.colab" in sys.modules:
    classifier = keras.applications.VGG19(weights="imagenet")
    scores = classifier(preprocess(tf.image.resize(C, (224, 224), antialias=True)))
    for _, name, score in keras.applications.vgg19.decode_predictions(scores.numpy())[0]:
        print(f"{score:4.0%}  {name.replace('_', ' ')}")
    del classifier
else:
    print("Left out: the classifier is downloaded in Colab only.")

# %% [markdown]
# ## Content and style
#
# How far is an array $x$ from its target $y$? It is 0 if they are the same, and 1 for an array of
# zeros. (Papers divide by other constants: notebook 4.)
#
# $$d(x, y) = \frac{\sum (x - y)^2}{\sum y^2}$$


# %%
def distance(x, target):
    return tf.reduce_sum((x - target) ** 2) / tf.reduce_sum(target**2)


# %% [markdown]
# **Content** is the activation of one deep layer: $J_{content} = d(a_G, a_C)$.
#
# **Style** is which channels are active together, wherever that may be. Write an activation as a
# matrix $F$ with one row for each position $k$. Its *mean Gram matrix* averages the product of any
# two channels $i$ and $j$ over all positions. The style cost compares those of five layers.
#
# $$A_{ij} = \frac{1}{n_H n_W} \sum_k F_{ki} F_{kj} \qquad
# J_{style} = \frac{1}{5} \sum_l d(A_G^l, A_S^l)$$


# %%
def mean_gram_matrix(a):
    """(1, n_H, n_W, n_C) → (n_C, n_C)."""
    F = tf.reshape(a, (-1, a.shape[-1]))
    return tf.matmul(F, F, transpose_a=True) / tf.cast(tf.shape(F)[0], tf.float32)


def style(activations):
    """{layer name: activation} → one Gram matrix for each style layer."""
    return [mean_gram_matrix(activations[name]) for name in STYLE_LAYERS]


# %% [markdown]
# The *total variation* TV, not in the paper, makes noise expensive. It averages the
# squared differences to the right and lower neighbors over all values.


# %%
def total_variation(G):
    right, below = G[:, :, 1:] - G[:, :, :-1], G[:, 1:] - G[:, :-1]
    return (tf.reduce_sum(right**2) + tf.reduce_sum(below**2)) / tf.cast(tf.size(G), tf.float32)


# %% [markdown]
# ## The loop
#
# $$J(G) = α · J_{content} + β · J_{style} + γ · TV$$
#
# G begins as the photograph. In each step, TensorFlow finds the gradient of $J$ with respect to the
# pixels of G, and Adam moves them against it, at first by `RATE` gray levels each. The rate falls
# to zero along a cosine, and G comes to rest. `beta_2=0.9` shortens Adam's memory of squared
# gradients to about ten steps, which suits a short run. (The paper uses noise and L-BFGS.)

# %%
ALPHA, BETA, GAMMA, RATE = 1.0, 20.0, 3e-4, 20.0

a_C, A_S = activations(C)[CONTENT_LAYER], style(activations(S))  # the targets
G = tf.Variable(C)
rate = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
adam = keras.optimizers.Adam(rate, beta_2=0.9, epsilon=1e-12)  # far below a pixel's gradient


@tf.function
def step():
    with tf.GradientTape() as tape:
        activations_G = activations(G)
        J_content = distance(activations_G[CONTENT_LAYER], a_C)
        J_style = sum(map(distance, style(activations_G), A_S)) / len(A_S)
        terms = ALPHA * J_content, BETA * J_style, GAMMA * total_variation(G)
        J = sum(terms)
    adam.apply([tape.gradient(J, G)], [G])
    G.assign(tf.clip_by_value(G, 0.0, 255.0))
    return terms


for n in range(1, STEPS + 1):
    terms = step()
    if n == 1 or n % 50 == 0 or n == STEPS:
        print("step {}: J = content {:.2f} + style {:.2f} + TV {:.2f}".format(n, *terms))

# %%
shown = {"C, the content": C, "S, the style": S, "G, the painting": G.numpy()}
widths = [p.shape[2] / p.shape[1] for p in shown.values()]
size = (14, 14 / sum(widths))  # inches, of 100 pixels
figure, axes = plt.subplots(1, 3, figsize=size, dpi=100, width_ratios=widths, layout="tight")
for axis, (title, picture) in zip(axes, shown.items(), strict=True):
    axis.imshow(np.uint8(np.rint(picture[0])))
    axis.set(title=title, xticks=[], yticks=[])
display(figure, metadata={"image/png": {"alt": "The photograph, the painting, and the result."}})
plt.close(figure)
Image.fromarray(np.uint8(np.rint(G.numpy()[0]))).save("painting.png")

# %% [markdown]
# Now take your own pictures, in the first cell. A third of β keeps more of the photograph; three
# times β takes more of the style. (A content distance near 1 looks bad, but it counts every stroke
# that has changed.)
#
# ## Where the course explains these lines
#
# - [1 · What a pretrained VGG sees](01_vgg_features.ipynb): `activations`, layer by layer.
# - [2 · The content cost](02_content_cost.ipynb): $J_{content}$, its gradient, which layer to take.
# - [3 · The Gram matrix and the style cost](03_gram_and_style_cost.ipynb): `style`.
# - [4 · The optimization loop](04_optimization_loop.ipynb): `step`, Adam, how to choose β.
# - [5 · The studio](05_studio.ipynb): `BETA` as a slider, while G is painted.
# - [6 · In control, and beyond Gram](06_control_and_beyond.ipynb): where the style goes, stroke
#   size, colors.
