"""β/α under your fingers: a painting that changes while the knob is turned.

    sources    the pictures and networks that a spec names
    session    the painting without widgets: ticks, snapshots, undo, grid, large copy
    eye        what the cost sees, as pictures
    page       pieces of HTML; studio.css, studio.js
    controls   the kinds of widgets
    stage      the picture, its formula, its knob
    work       one long job at a time
    panels     the four drawers
    classroom  questions to predict first
    studio     all of these on a page

Each of these imports only what stands above it.
"""

from .session import Session
from .studio import Studio

__all__ = ["Session", "Studio"]
