"""What the notebooks show and ask, besides the figures of `plots`.

drawings     the method, VGG, unrolling, and what came after, as SVG files
exercises    the checks of what the reader writes; answers and sentences are theirs
"""
