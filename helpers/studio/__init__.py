"""α and β under your fingers: a painting that changes while its weights are moved.

    scene     what a painting is made of, and what is kept of it
    sources   the pictures and networks that a scene names
    painting  a picture at ¼, ½ and full size, painted in bites of a fraction of a second
    jobs      the α × β grid and the rendering at another size
    session   all of these together, without widgets
    page      the style sheet, the chart, pictures as HTML
    controls  the kinds of widgets
    panels    those that belong together;  work and classroom: two more of them
    studio    the panels on a page

Each of these imports only what stands above it.
"""

from .session import Session
from .studio import Studio

__all__ = ["Session", "Studio"]
