"""Where a style belongs: masks divide pictures into regions, and each region has its own style.

A mask is an array (height, width) of the numbers of COLORS, one for each pixel of its picture.
What has the same color in the mask of the photograph and in that of a painting belongs together;
what has no color of any painting keeps the photograph (Gatys et al. 2017, arXiv:1611.07865,
section 4).
"""

from typing import NamedTuple

import numpy as np

from . import images
from .errors import SettingError

# A color's number has a bit each for red, green and blue.
COLORS = ("black", "blue", "green", "cyan", "red", "magenta", "yellow", "white")
WHITE = COLORS.index("white")  # of paintings without a mask
PARTS = ("light", "dark")  # of a photograph, for which no mask has to be drawn
PURE = 0.75  # of what a position sees, so much must lie in a region, that it may speak for it


def load(source, size):
    """The mask in a picture file: each pixel is the nearest of COLORS.  See `images.load`."""
    return from_picture(images.load(source, size))


def of_photograph(source, content, read=load):
    """The mask of a photograph (height, width, 3) that a setting names: the path of a picture, or
    one of PARTS, which is then white.

    read: loads a mask, as `load` does.
    """
    if source in PARTS:
        return white(lighter(content) == (source == "light"))
    mask, shape = read(source, max(content.shape[:2])), content.shape[:2]
    # A picture of the same shape and another size may come out a row longer or shorter.
    close = np.abs(np.subtract(mask.shape, shape)).max() <= 1
    return _resized(mask, shape) if close else mask


def from_picture(picture):
    """The mask that a picture in COLORS shows, (height, width); grey counts as black or white."""
    return (np.asarray(picture) >= 128) @ np.array([4, 2, 1])


def to_picture(mask):
    """The mask in its colors, RGB (height, width, 3)."""
    bits = [np.asarray(mask) & bit for bit in (4, 2, 1)]
    return np.stack(bits, -1).astype(bool) * np.float32(255)


def white(inside):
    """The mask that is white where `inside` (height, width) is true, else black."""
    return np.where(inside, WHITE, 0)


def rectangle(picture, top, left, bottom, right):
    """Whether each pixel lies in a rectangle, whose sides are shares of the picture's, 0 to 1."""
    y, x = _places(picture)
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)


def brush(picture, points, width):
    """Whether each pixel was touched by a brush that went through the points [(y, x), …].

    points and width are shares of the picture's sides, and of its height.
    """
    height, wide = picture.shape[:2]
    at = np.stack(_places(picture), -1) * (height, wide)
    ends = np.array(points, float).reshape(-1, 2) * (height, wide)
    nearest = np.full((height, wide), np.inf)
    for a, b in zip(ends, [*ends[1:], ends[-1]], strict=True):
        way = b - a
        along = np.clip((at - a) @ way / max(way @ way, 1e-9), 0, 1)[..., None]
        nearest = np.minimum(nearest, np.linalg.norm(at - a - along * way, axis=-1))
    return nearest <= width * height / 2


def _places(picture):
    """The middle of each pixel as shares (y, x) of the sides."""
    height, width = picture.shape[:2]
    return np.mgrid[0.5:height, 0.5:width] / np.array([height, width])[:, None, None]


def lighter(picture, than=None):
    """Whether each pixel is lighter than a grey level; default: the one that parts light and dark
    best (Otsu 1979): the variance between the two is largest."""
    grey = np.asarray(picture).mean(axis=-1)
    if than is None:
        count, edges = np.histogram(grey, 256, (0, 256))
        dark, total = count.cumsum(), (count * edges[:-1]).cumsum()
        light = count.sum() - dark
        with np.errstate(divide="ignore", invalid="ignore"):
            between = dark * light * (total / dark - (total[-1] - total) / light) ** 2
        than = edges[np.nanargmax(between) + 1] if np.isfinite(between).any() else 0
    return grey >= than


def near_color(picture, color, far=80):
    """Whether each pixel is within `far` grey levels of an RGB color."""
    return np.linalg.norm(np.asarray(picture) - np.asarray(color, float), axis=-1) <= far


class Region(NamedTuple):
    """A part of the photograph: its number in the mask, or None for all of it; its share of the
    picture; the indices of the style pictures that it is painted after."""

    color: int | None
    share: float
    styles: tuple


class Masks:
    """The masks of a photograph and its paintings, checked.

    mask: of the photograph.  style_masks: one for each painting: a mask, or the name of a color for
    the whole painting; default: white for all.
    Raises SettingError for masks of another size than their picture's, and for colors of a painting
    that the photograph's mask lacks.
    """

    def __init__(self, mask, style_masks, content, styles):
        given = ["white"] * len(styles) if style_masks is None else list(style_masks)
        if len(given) != len(styles):
            raise SettingError(
                f"There are {len(given)} style masks for {len(styles)} style pictures: give one "
                "for each."
            )
        self.content = _checked(mask, content, "mask", "photograph")
        self.styles = [
            _checked(one, style, f"style mask {i}", f"style picture {i}")
            for i, (one, style) in enumerate(zip(given, styles, strict=True), 1)
        ]
        self.regions = self._regions()

    def _regions(self):
        colors, counts = np.unique(self.content, return_counts=True)
        share = dict(zip(colors.tolist(), (counts / self.content.size).tolist(), strict=True))
        found = [np.unique(mask).tolist() for mask in self.styles]
        for i, painted in enumerate(found, 1):
            if not set(painted) & set(share):
                raise SettingError(
                    f"Nothing in the mask is {_named(painted)}, as style mask {i} is: the mask has "
                    f"{_named(share)}."
                )
        regions = [
            Region(color, share[color], tuple(i for i, has in enumerate(found) if color in has))
            for color in share
        ]
        return [region for region in regions if region.styles]

    def resized(self, content_shape, style_shapes):
        """(mask, [mask of each painting]) at other sizes (height, width)."""
        mask = _resized(self.content, content_shape)
        styles = [_resized(m, s) for m, s in zip(self.styles, style_shapes, strict=True)]
        for region in self.regions:
            for one in (mask, *(styles[i] for i in region.styles)):
                if not (one == region.color).any():
                    raise SettingError(
                        f"The {COLORS[region.color]} part of a mask is nothing at {one.shape[1]} × "
                        f"{one.shape[0]} pixels: make it larger, or use fewer levels."
                    )
        return mask, styles

    def painted(self, shape):
        """(height, width, 1) at a size: 1 where there is a style, 0 where the photograph stays."""
        mask = _resized(self.content, shape)
        has_style = np.isin(mask, [region.color for region in self.regions])
        return has_style[..., None].astype(np.float32)


def positions(inside, layer):
    """The positions of a layer that belong to a region: indices of the rows of `costs.unroll`.

    inside: (height, width), true in the region.  layer: a `vgg.Layer`.  A position belongs to it if
    PURE of the window that it mostly sees does, or, in a region that is small for that, if none has
    more.  Gatys et al. multiply the rows with guidance channels; these are such of 0 and 1.
    """
    sums = np.pad(np.asarray(inside, int), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    (top, bottom), (left, right) = (_windows(side, layer) for side in np.shape(inside))
    count = sums[bottom] - sums[top]
    count = count[:, right] - count[:, left]
    share = (count / np.outer(bottom - top, right - left)).ravel()
    return np.flatnonzero(share >= min(PURE, share.max())).astype(np.int32)


def _windows(side, layer):
    """(first pixel, first one behind) of the window of each position along a side.

    Its sides are half of the receptive field's: what lies farther out hardly counts (Luo et al.
    2016, arXiv:1701.04128).
    """
    middle = (np.arange(side // layer.stride) + 0.5) * layer.stride
    reach = layer.receptive_field / 4
    return (np.clip(np.rint(middle + r), 0, side).astype(int) for r in (-reach, reach))


def _checked(mask, picture, what, whose):
    shape = np.shape(picture)[:2]
    if isinstance(mask, str):
        if mask not in COLORS:
            raise SettingError(f"There is no color {mask!r}: choose from {', '.join(COLORS)}.")
        return np.full(shape, COLORS.index(mask))
    mask = np.asarray(mask)
    if mask.shape != shape:
        sizes = " and ".join(" × ".join(map(str, s[::-1])) for s in (mask.shape, shape))
        raise SettingError(
            f"The {what} and the {whose} have other sizes, {sizes}: give it the same shape."
        )
    if mask.dtype.kind not in "iub" or not ((mask >= 0) & (mask < len(COLORS))).all():
        raise SettingError(f"The {what} has other values than 0 to {len(COLORS) - 1}.")
    return mask.astype(int)


def _named(colors):
    return " and ".join(COLORS[color] for color in colors)


def _resized(mask, shape):
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for old, new in zip(mask.shape, shape, strict=True)
    )
    return mask[rows][:, columns]
