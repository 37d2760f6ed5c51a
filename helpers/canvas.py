"""What is painted on: the pixels of G, in the size of each level, from the first picture on."""

import numpy as np
import tensorflow as tf

from . import colors, images
from .errors import SettingError


class Canvas:
    """A batch of generated pictures G, between the pictures C and S that they are painted from.

    content: RGB (height, width, 3) in 0–255; styles: a list of such pictures of any size.
    levels: how many sizes there are, each twice the one before; the last is that of content.
    init, keep_colors, seed: see `settings`.  masks: a `masks.Masks`, or None.

    G is a Variable (batch, height, width, 3), and `level` says in which size.
    """

    def __init__(self, content, styles, levels, init, keep_colors, seed, masks=None):
        self.masks = masks
        self.content, self.styles, self.levels = content, styles, levels
        self.init, self.keep_colors, self.seed = init, keep_colors, seed
        self.seen = seen(content, styles, keep_colors)  # by the network
        self.level, self.G = 0, None

    def show(self, content):
        """Another photograph of the same shape takes the place of C."""
        self.content, self.seen = content, seen(content, self.styles, self.keep_colors)

    @property
    def settings(self):
        """Everything that decides where G begins and in which sizes it is painted."""
        height, width = self.content.shape[:2]
        found = {name: getattr(self, name) for name in ("init", "levels", "keep_colors", "seed")}
        return found | {"width": width, "height": height}

    def shape(self, level, picture=None):
        """(height, width) of a picture, of C unless given, at a level."""
        shrink = 2 ** (self.levels - 1 - level)
        picture = self.content if picture is None else picture
        return [max(1, round(side / shrink)) for side in picture.shape[:2]]

    def targets(self, level):
        """(C, [S, …]) as the network sees them, in the size of a level, and then their masks."""
        content, *styles = (images.resize(p, *self.shape(level, p)) for p in self.seen)
        if self.masks is None:
            return content, styles
        shapes = [picture.shape[:2] for picture in (content, *styles)]
        masks = self.masks.resized(shapes[0], shapes[1:])
        return content, styles, *masks, self.masks.painted(shapes[0])

    def first_picture(self, level=0):
        """The picture to start from, as `init` says, in the size of a level."""
        shape = (*self.shape(level), 3)
        if self.init == "noise":
            return np.random.default_rng(self.seed).uniform(0, 255, shape)
        if self.init == "blank":
            return np.full(shape, 127.5)
        return images.resize(self.seen[0], *shape[:2])

    def enlarged(self, level):
        """The pictures in the size of a level, with the photograph's detail that it can hold."""
        shape, detail = self.shape(level), 0.0
        if self.init == "content":
            detail = images.detail(self.first_picture(level), *self.shape(self.level))
        return [np.clip(images.resize(G, *shape) + detail, 0, 255) for G in self.G.numpy()]

    def lay(self, level, pictures, any_size):
        """G becomes these pictures of another level; returns whether it is a new Variable, as it
        must be unless any_size."""
        pictures, self.level = np.stack(pictures).astype(np.float32), level
        if self.G is not None and any_size:
            self.G.assign(pictures)
            return False
        sides = (None, None) if any_size else pictures.shape[1:3]
        self.G = tf.Variable(pictures, shape=(len(pictures), *sides, 3))
        return True

    @property
    def pictures(self):
        """(batch, height, width, 3) in 0–255, in the photograph's colors where it keeps them, and
        the photograph itself where a mask has no style."""
        found = self.G.numpy()
        if self.masks is not None:
            photograph = images.resize(self.seen[0], *found.shape[1:3])
            painted = self.masks.painted(found.shape[1:3])
            found = photograph + painted * (found - photograph)
        if self.keep_colors == "luminance":
            content = images.resize(self.content, *found.shape[1:3])
            found = np.stack([colors.with_luminance(content, G) for G in found])
        return found

    def paint_over(self, picture):
        """Every picture of the batch becomes this one.  Raises SettingError for another shape."""
        shape = (*self.shape(self.level), 3)
        if np.shape(picture) != shape:
            shapes = f"{np.shape(picture)}, the run has {shape}"
            raise SettingError(f"The picture has the shape {shapes}: resize it first.")
        if not np.isfinite(picture).all():
            raise SettingError("The picture has values that are not finite: use values 0 to 255.")
        if self.keep_colors == "luminance":
            picture = colors.luminance(picture)
        self.G.assign(np.broadcast_to(np.clip(picture, 0, 255), (self.G.shape[0], *shape)))


def seen(content, styles, keep_colors):
    """[C, S, …] as the network is to see them, so that the photograph keeps its colors.

    Gatys et al. 2016b, arXiv:1606.05897: "luminance" alone is painted, or the painting gets the
    photograph's "histogram" first; None changes nothing.
    """
    if keep_colors == "luminance":
        matched = [colors.match_luminance(style, content) for style in styles]
        return [colors.luminance(content), *matched]
    if keep_colors == "histogram":
        return [content, *(colors.match_colors(style, content) for style in styles)]
    return [content, *styles]


def checked_pictures(content, styles):
    """C and [S, …] as float32 arrays (height, width, 3).  Raises SettingError for anything else."""
    styles = [styles] if getattr(styles, "ndim", None) == 3 else list(styles)
    if not styles:
        raise SettingError("There is no style picture: give at least one.")
    try:
        found = [np.asarray(picture, np.float32) for picture in (content, *styles)]
    except (TypeError, ValueError):
        raise SettingError("A picture is no array of numbers: open it with images.load.") from None
    for picture in found:
        if picture.ndim != 3 or picture.shape[-1] != 3 or not picture.size:
            raise SettingError(
                f"A picture has the shape {picture.shape}: it must be (height, width, 3), RGB."
            )
        if not np.isfinite(picture).all():
            raise SettingError("A picture has values that are not finite: use values 0 to 255.")
    return found[0], found[1:]
