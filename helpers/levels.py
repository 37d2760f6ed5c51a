"""From coarse to fine: how many levels a run has, how many steps each, and how long Adam's moves.

A stroke is laid out where it is small and cheap, and finished at full size (Gatys et al. 2017,
arXiv:1611.07865, section 6.2).
"""

import math

import numpy as np

COARSE_STEPS = 40  # at most, of a run at half of the size; they lay out, they do not finish
COARSER = 2  # at each smaller size so many times fewer: too many there, and the motif is lost
COARSEST = 64  # pixels of the longest side, below which there is no room for a stroke
POSITIONS = 4  # of the deepest layer along a short side; with fewer, a Gram matrix knows too little
FINAL_RATE = 0.5  # of Adam's learning rate, at the end of each level of a run


def levels_for(pictures, stride, most=2):
    """The number of levels for a run with these pictures, (height, width, 3), C first.

    stride: `Network.stride`.  Strokes are larger with more levels.  After the same seconds J is as
    low with 2 as with 1 at 384 pixels, and one to two hundredths higher at 256 (five blocks).
    """
    room = [max(pictures[0].shape) / COARSEST]
    room += [min(picture.shape[:2]) / (POSITIONS * stride) for picture in pictures]
    return int(np.clip(math.log2(min(room)), 0, most - 1)) + 1


def begins(steps, levels):
    """The number of steps at which each level of a run begins, and at which the last ends."""
    share = min(steps // levels, COARSE_STEPS)
    coarse = [share // COARSER**halvings for halvings in range(levels - 1)]
    return [*np.cumsum([0, *reversed(coarse)]).tolist(), steps]


def rates(learning_rate, done, n, length):
    """Adam's rates for the next n of a level's `length` steps: they fall on a cosine to a half,
    which settles the pixels."""
    cosine = (1 + np.cos(np.pi * (done + np.arange(n)) / length)) / 2
    return (learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * cosine)).astype(np.float32)
