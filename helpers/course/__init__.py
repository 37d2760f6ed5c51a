"""What the notebooks show and ask, besides the figures of `plots`.

drawings, successors    the method, VGG, unrolling, and what came after, as SVG
picker                  figures that follow a choice
exercises               the checks of what the reader writes
answers                 each exercise's answer, and wrong answers that students give
draws                   random arguments for them
"""
