"""β/α under your fingers: a painting that changes while the knob is turned.

    film      the way of a picture: moments to go back to
    scene     what a painting is made of, and what is kept of it
    sources   the pictures and networks that a scene names
    painting  a picture, small first and then at full size, in bites of a fraction of a second
    jobs      the α × β grid and the rendering at another size
    session   all of these together, without widgets
    page      the style sheet, the chart, pictures as HTML
    eye       what the cost sees, as pictures
    controls  the kinds of widgets
    view      the picture and its buttons;  panels, work and classroom: what is beside it
    studio    the panels on a page

Each of these imports only what stands above it.
"""

from .session import Session
from .studio import Studio

__all__ = ["Session", "Studio"]
