"""The way of a picture: moments at equal distances, to go back to or to be saved as a film."""

import numpy as np

from .. import flipbook, images

MOST = 120  # moments; when there are more, every other one goes
SIDE = 320  # pixels of a saved film's longest side at least
EACH, LAST = 80, 2500  # milliseconds that a picture is seen


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
        rows, columns = last.shape[:2]
        scale = max(1, SIDE / max(rows, columns))
        shape = round(rows * scale), round(columns * scale)
        pictures = [moment.picture for moment in self.moments]
        if np.array_equal(pictures[-1], images.to_uint8(last)):
            pictures.pop()
        pictures.append(last)
        frames = [images.resize(picture, *shape) for picture in pictures]
        flipbook.save(path, frames, [EACH] * (len(frames) - 1) + [LAST])
