"""The way of a picture: moments at equal distances, to go back to or to be saved as a film."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files, images
from ..errors import OutputError

MOST = 120  # moments; when there are more, every other one goes
SIDE = 320  # pixels of a saved film's longest side at least
EACH, LAST = 80, 2500  # milliseconds that a picture is seen
SUFFIXES = {".gif": "GIF", ".webp": "WEBP"}


class Film:
    """Moments, each a Snapshot whose picture is uint8: a film is a hundred of them.

    every: it keeps one moment of so many that it sees.
    """

    def __init__(self, moments=(), every=1):
        self.moments, self.every = list(moments), every
        self._until_next = every - 1 if self.moments else 0

    def see(self, moment):
        if self._until_next:
            self._until_next -= 1
            return
        self.moments.append(moment._replace(picture=images.to_uint8(moment.picture)))
        if len(self.moments) > MOST and len(self.moments) % 2:  # the newest stays
            self.moments, self.every = self.moments[::2], self.every * 2
        self._until_next = self.every - 1

    def until(self, steps):
        """A film of its own, as far as this step."""
        return Film([moment for moment in self.moments if moment.steps <= steps], self.every)

    def at(self, share):
        """The moment after this share, 0 to 1, of the way."""
        return self.moments[round(share * (len(self.moments) - 1))]

    def strip(self, count=None, height=48):
        """So many moments side by side, (height, width, 3) in 0–255; by default a strip that is
        about twelve times as wide as high."""
        rows, columns = self.moments[-1].picture.shape[:2]
        count = count or int(np.clip(round(12 * rows / columns), 3, 24))
        shown = [self.at(i / (count - 1)).picture for i in range(count)]
        width = max(1, round(height * columns / rows))
        small = [images.resize(picture, height, width) for picture in shown]
        small[1:] = [np.concatenate([np.full((height, 2, 3), 255.0), p], 1) for p in small[1:]]
        return np.concatenate(small, axis=1)

    def save(self, path, last):
        """Write it as a GIF or WebP that plays over and over.

        last: the picture, (height, width, 3), that comes last and is held for a while; its aspect
        is that of the film.  Raises OutputError.
        """
        kind = SUFFIXES.get(Path(path).suffix.lower())
        if kind is None:
            raise OutputError(f"{path} cannot hold a film: use .gif or .webp.")
        rows, columns = last.shape[:2]
        scale = max(1, SIDE / max(rows, columns))
        shape = round(rows * scale), round(columns * scale)
        pictures = [moment.picture for moment in self.moments]
        if np.array_equal(pictures[-1], images.to_uint8(last)):
            pictures.pop()
        pictures.append(last)
        frames = [Image.fromarray(images.to_uint8(images.resize(p, *shape))) for p in pictures]
        if kind == "GIF":
            frames = [frame.quantize(128, dither=Image.Dither.NONE) for frame in frames]
        buffer, times = io.BytesIO(), [EACH] * (len(frames) - 1) + [LAST]
        frames[0].save(
            buffer, kind, save_all=True, append_images=frames[1:], duration=times, loop=0
        )
        with files.whole_file(path) as file:
            file.write(buffer.getvalue())
