"""β/α under your fingers: a painting that changes while the knob is turned.

    sources    the pictures and networks that a spec names
    session    the painting without widgets: ticks, snapshots, undo, large copy
    page       pieces of HTML; studio.css, studio.js
    controls   the kinds of widgets
    stage      the picture, its formula, its knob
    panels     the four drawers
    classroom  questions to predict first
    studio     all of these on a page

Each of these imports only what stands above it.
"""

from ..terminal import quiet

with quiet():  # in Jupyter what TensorFlow says of drivers would be ten red lines
    import tensorflow as tf

    tf.config.list_physical_devices()

from .session import Session
from .studio import Studio

__all__ = ["Session", "Studio"]
