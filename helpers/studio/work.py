"""What takes longer than a tick, the five paintings and the large copy: one job at a time."""

from collections.abc import Callable, Iterator

import ipywidgets as widgets

from . import controls


class Work:
    """A job is painted in the ticks in which the picture would be; then painting goes on.

    job: a generator of its progress, 0 to 1, or None.
    """

    def __init__(self, studio):
        self._studio, self.job = studio, None
        self.progress = widgets.FloatProgress(min=0, max=1)
        cancel = studio.on(lambda _: (self.stop(), studio.show()))
        self.cancel = controls.button("Cancel", cancel, "warning")
        self.box = controls.box("nst-row", self.progress, self.cancel)
        controls.show_if(self.box, False)

    def begin(self, job: Iterator, title: str, done: Callable, left: Callable | None = None):
        """Do a generator's work; then done().  left(): what is done with a part of it."""
        next(job)  # what cannot be begun fails here
        self.job, self._done, self._left = job, done, left
        self._resume = self._studio.ticker.running
        self.progress.value, self.progress.description = 0, title
        controls.show_if(self.box, True)
        self._studio.go_on()
        self._studio.show()

    def tick(self) -> None:
        """A bite of it."""
        progress = next(self.job, None)
        if progress is None:
            self._end(self._done)
            self._studio.show()
        else:
            self.progress.value = progress

    def stop(self) -> bool:
        """Give up, but keep what there is.  Returns whether there was something to keep."""
        return self.job is not None and self._end(self._left)

    def _end(self, then):
        job, self.job = self.job, None
        job.close()
        controls.show_if(self.box, False)
        if not self._resume:
            self._studio.ticker.stop()
        if then:
            then()
        return bool(then)
