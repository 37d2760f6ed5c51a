"""Where a style belongs: masks divide pictures into regions, and each region has its own style.

A mask is an array (height, width) of the numbers of COLORS, one for each pixel of its picture.
What has the same color in the mask of the photograph and in that of a painting belongs together;
what has no color of any painting keeps the photograph (Gatys et al. 2017, arXiv:1611.07865,
section 4).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from . import decode
from .errors import SettingError
from .settings import for_each

# A color's number has a bit each for red, green and blue.
COLORS = ("black", "blue", "green", "cyan", "red", "magenta", "yellow", "white")
WHITE = COLORS.index("white")  # of paintings without a mask
PARTS = ("light", "dark")  # of a photograph, for which no mask has to be drawn
PURE = 0.75  # the share of what a position sees that must lie in a region, to speak for it
FEATHER = 0.02  # of the longest side: so wide is the edge between style and photograph


def load(source, size: int | None = None) -> np.ndarray:
    """The mask in a picture file: each pixel is the nearest of COLORS.  See `images.load`.

    Of a cut-out, a picture with transparency, what is opaque is white and the rest black.
    """
    image = decode.scaled(decode.picture(source, size), size)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255:
        return white(np.asarray(image.getchannel("A")) >= 128)
    return (np.asarray(image.convert("RGB")) >= 128) @ np.array([4, 2, 1])


def to_picture(mask: np.ndarray) -> np.ndarray:
    """The mask in its colors, RGB (height, width, 3)."""
    bits = [np.asarray(mask) & bit for bit in (4, 2, 1)]
    return np.stack(bits, -1).astype(bool) * np.float32(255)


def white(inside: np.ndarray) -> np.ndarray:
    """The mask that is white where `inside` (height, width) is true, else black."""
    return np.where(inside, WHITE, 0)


def rectangle(
    picture: np.ndarray, top: float, left: float, bottom: float, right: float
) -> np.ndarray:
    """Whether each pixel lies in a rectangle, whose sides are shares of the picture's, 0 to 1."""
    height, width = picture.shape[:2]
    y = (np.arange(height)[:, np.newaxis] + 0.5) / height
    x = (np.arange(width) + 0.5) / width
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)


def lighter(picture: np.ndarray) -> np.ndarray:
    """Whether each pixel is lighter than the gray level that parts light and dark best (Otsu 1979):
    the variance between the two is largest.  Of an even picture everything is."""
    gray = np.asarray(picture).mean(axis=-1)
    count = np.histogram(gray, 256, (0, 256))[0].astype(float)
    dark, total = count.cumsum(), (count * np.arange(256)).cumsum()
    light = count.sum() - dark
    between = (total * count.sum() - total[-1] * dark) ** 2 / np.maximum(dark * light, 1)
    return gray >= between.argmax() + (between.max() > 0)


class Region(NamedTuple):
    """A part of the photograph: its number in the mask, or None for all of it; its share of the
    picture; the indices of the style pictures that it is painted after."""

    color: int | None
    share: float
    styles: tuple[int, ...]


@dataclass(frozen=True)
class Masks:
    """The mask of a photograph, those of its paintings, and the regions that they make."""

    content: np.ndarray
    styles: list[np.ndarray]
    regions: list[Region]

    @classmethod
    def of(cls, mask, style_masks, content: np.ndarray, styles: list) -> "Masks | None":
        """The masks of these pictures (height, width, 3), checked; None where there is none.

        mask: an array as above, or of True (white) and False; or one of PARTS, a path, ….
        style_masks: one for all, or a list of one for each painting: such a mask, the name of a
        color for the whole painting, or None: white.  Raises SettingError for masks of another size
        than their picture's, and for colors of a painting that the photograph's mask lacks.
        """
        given = style_masks if isinstance(style_masks, (list, tuple)) else [style_masks]
        if mask is None:
            if any(one is not None for one in given):
                raise SettingError("There are style masks but no mask: give a mask as well.")
            return None
        mask, found = _checked(mask, content, "mask", "photograph"), []
        pairs = zip(for_each(given, len(styles), "style masks"), styles, strict=True)
        for i, (one, style) in enumerate(pairs, 1):
            one = "white" if one is None else one
            found.append(_checked(one, style, f"style mask {i}", f"style picture {i}"))
            if not np.isin(found[-1], mask).any():
                mine, theirs = (
                    ", ".join(COLORS[c] for c in np.unique(m)) for m in (found[-1], mask)
                )
                raise SettingError(
                    f"Style mask {i} is {mine}, and nothing in the mask is: it has {theirs}."
                )
        regions = []
        for color in np.unique(mask).tolist():
            if has := tuple(i for i, one in enumerate(found) if color in one):
                regions.append(Region(color, float((mask == color).mean()), has))
        return cls(mask, found, regions)

    def resized(self, content: np.ndarray, styles: list) -> "Masks":
        """The masks in the sizes of these pictures."""
        mask = _resized(self.content, content.shape)
        found = [_resized(m, style.shape) for m, style in zip(self.styles, styles, strict=True)]
        for region in self.regions:
            for one in (mask, *(found[i] for i in region.styles)):
                if region.color not in one:
                    raise SettingError(
                        f"The {COLORS[region.color]} part of a mask vanishes at {one.shape[1]} × "
                        f"{one.shape[0]} pixels: make it larger, or use fewer levels."
                    )
        return Masks(mask, found, self.regions)

    @property
    def painted(self) -> np.ndarray:
        """(height, width, 1): 1 where there is a style, 0 where the photograph stays, and between
        them within the style's edge, so that no seam is seen."""
        has_style = np.isin(self.content, [region.color for region in self.regions])
        if not has_style.all():
            from scipy.ndimage import distance_transform_edt  # which takes its time

            feather = 1 + round(FEATHER * max(has_style.shape))
            has_style = np.minimum(distance_transform_edt(has_style) / feather, 1)
        return has_style[..., np.newaxis].astype(np.float32)


def positions(inside: np.ndarray, layer) -> np.ndarray:
    """The positions of a layer that belong to a region: indices of the rows of `costs.unroll`.

    inside: (height, width), true in the region.  layer: a `vgg.Layer`.  A position belongs to it if
    PURE of the window that it mostly sees does, or, in a region that is small for that, if none has
    more.  Gatys et al. multiply the rows with guidance channels; these are such of 0 and 1.
    """
    rows, columns = (_windows(side, layer) for side in np.shape(inside))
    share = (rows @ np.float32(inside) @ columns.T).ravel()
    return np.flatnonzero(share >= min(PURE, share.max()) - 1e-6).astype(np.int32)


def _windows(side, layer):
    """What each position along a side sees of it, as the weights of a mean: (positions, side).

    Half of the receptive field: what lies farther out hardly counts (Luo et al. 2016,
    arXiv:1701.04128).
    """
    pixel = np.arange(side) + 0.5
    middle = (np.arange(-(-side // layer.stride)) + 0.5) * layer.stride
    middle = np.minimum(middle, side - 0.5)  # of a last one that is narrower
    seen = np.abs(pixel - middle[:, np.newaxis]) < layer.receptive_field / 4
    return np.float32(seen / seen.sum(axis=1, keepdims=True))


def _checked(mask, picture, what, whose):
    """The mask of a picture, loaded if it is a name."""
    shape = np.shape(picture)[:2]
    if isinstance(mask, str) and mask in COLORS:
        return np.full(shape, COLORS.index(mask))
    if isinstance(mask, str) and mask in PARTS:
        return white(lighter(picture) == (mask == "light"))
    mask = np.asarray(mask if hasattr(mask, "dtype") else load(mask, max(shape)))
    # A picture of the same aspect may come out a row longer or shorter by rounding.
    if mask.ndim != 2 or np.abs(np.subtract(mask.shape, shape)).max() > 1:
        sizes = f"{mask.shape} and {shape}"
        raise SettingError(f"The {what} and the {whose} have different sizes, {sizes}: adapt one.")
    if mask.dtype.kind == "b":
        mask = white(mask)
    if mask.dtype.kind not in "iu" or not ((mask >= 0) & (mask < len(COLORS))).all():
        raise SettingError(f"The {what} has values other than 0 to {len(COLORS) - 1}.")
    return _resized(mask, shape)


def _resized(mask, shape):
    resized = Image.fromarray(mask.astype(np.uint8)).resize(shape[1::-1], Image.Resampling.NEAREST)
    return np.asarray(resized, int)
