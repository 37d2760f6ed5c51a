"""The studio: the stage and the drawers on a page, for Jupyter and Colab.

Everything happens in callbacks, one tick of painting at a time: threads and tasks would send their
pictures after the cell is done, which Colab drops.
"""

import asyncio
import contextlib
import functools
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import ipywidgets as widgets
import tensorflow as tf

from ..errors import StyleTransferError
from . import controls, page
from .classroom import Classroom
from .panels import Keep, Look, Pictures, See
from .session import START, Session, checked
from .sources import Sources
from .stage import Stage

DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts it
_NO_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.AbortedError)


class Studio:
    """Two pictures, one knob, and a painting that changes while you turn it.

    content, style, options: fields of `settings.TransferSpec`, style one name or a tuple of two.
    steps: that are painted while the cell runs; then it goes on by itself.
    classroom: begin in the mode for a projector.  folder: where Save puts its files, by default
    Google Drive if it is mounted, else here.
    spec: what it begins with.  session: the painting without its widgets.
    Raises PictureError and SettingError.
    """

    _latest = staticmethod(lambda: None)

    def __init__(
        self,
        content: str = START.content,
        style: str | tuple[str, ...] = START.styles,
        network: str = START.network,
        size: int = START.size,
        *,
        steps: int = 10,
        classroom: bool = False,
        folder: str | Path | None = None,
        **options,
    ):
        named = {"content": content, "styles": style, "network": network, "size": size}
        self.spec = checked(START.changed(**named | options))
        self.folder = Path(folder or (DRIVE if DRIVE.is_dir() else "."))
        self._steps, self._begin_in_class = steps, classroom
        self._sources, self._lock, self._interrupted = Sources(), threading.RLock(), False
        self._quiet, self.job = False, None
        photograph, *_ = (
            self._sources.load(name, size) for name in (self.spec.content, *self.spec.styles)
        )
        self._lay_out()
        self.stage.open(photograph)
        if before := Studio._latest():  # of a cell that is run again: it would go on, unseen
            before.pause(
                "Another studio has begun. Paint, below the picture, goes on with this one."
            )
        Studio._latest = weakref.ref(self)

    @functools.cached_property
    def session(self) -> Session:
        """The painting; loads the network when it is asked for first."""
        return Session(self.spec, sources=self._sources)

    def _ipython_display_(self):
        """The photograph at once; then the network is loaded and compiled, and it begins."""
        from IPython.display import display

        display(self.root)
        when_idle(self.interrupt)
        with self._lock:  # callbacks may come in another thread already (ipykernel 7)
            self._try(self.open)

    def open(self) -> None:
        """Paint the first steps, and go on."""
        while self.session.steps < self._steps:
            self.session.tick()
            self.stage.tick()
        self.go_on()
        self.show()
        if self._begin_in_class:
            self.classroom.switch()

    # What the panels ask for.

    def on(self, function: Callable) -> Callable:
        """The function as a callback: what goes wrong is said in the studio, which goes on."""

        def callback(*arguments):
            if not self._quiet:
                with self._lock:
                    self._try(function, *arguments)

        return callback

    def change(self, **fields) -> None:
        """Other fields of the spec."""
        self.act(lambda session: session.change(**fields))

    def act(self, function: Callable) -> None:
        """function(session), then a step at once, so that the hand sees what it does, and on."""
        function(self.session)
        self.say()
        if not self.job:
            self.session.tick(0)
            self.go_on()
        self.show()

    def begin(self, title: str, job: Iterator, done: Callable, left: Callable | None = None):
        """Do a long job in the ticks in which the picture would be painted.

        job: a generator of its progress, 0 to 1; then comes done().  left(): what is done with a
        part of it.
        """
        next(job)  # what cannot be begun fails here
        self.job, self._done, self._left, self._resume = job, done, left, self.ticker.running
        self.progress.value, self.progress.description = 0, title
        controls.show_if(self.work, True)
        self.go_on()
        self.show()

    def go_on(self) -> None:
        """Paint."""
        self._interrupted = False
        self.ticker.start()

    def pause(self, sentence: str = "") -> None:
        """Paint no more, and say why."""
        self.ticker.stop()
        if "session" in self.__dict__:
            self.stage.tick()
        self.say(sentence)

    def say(self, sentence: str = "", kind: str = "note") -> None:
        """A message where the hand is; it goes by itself."""
        self.message.value = page.piece(kind, text=sentence) if sentence else ""

    def show(self) -> None:
        """Everything as the session is."""
        for panel in (self.stage, self.pictures, self.look, self.see, self.keep):
            with self.quietly():
                panel.show()

    @contextlib.contextmanager
    def quietly(self):
        """Setting a control from here must not be taken for a hand on it."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    # How.

    def _lay_out(self):
        self.message, self.chart = widgets.HTML(), widgets.HTML()
        self.message.add_class("nst-said")
        self.ticker = controls.Ticker(self.on(self._tick))
        self.progress = widgets.FloatProgress(min=0, max=1)
        cancel = self.on(lambda _: (self._end(self._left), self.show()))
        self.cancel = controls.button("Cancel", cancel, "warning")
        self.work = controls.box("nst-work", self.progress, self.cancel)
        controls.show_if(self.work, False)
        self.classroom = Classroom(self)
        self.stage = Stage(self)
        self.pictures, self.look = Pictures(self), Look(self)
        self.see, self.keep = See(self), Keep(self)
        panels = {"Pictures": self.pictures, "Look": self.look, "See": self.see, "Keep": self.keep}
        self.drawer, drawers = controls.tabs({name: [panel.box] for name, panel in panels.items()})
        controls.bind(self.on, self.drawer, lambda _: self.see.show())
        pane = controls.column("nst-pane", self.chart, drawers, self.classroom.box, self.work)
        columns = controls.box("nst-columns", self.stage.box, pane)
        self.root = controls.column("nst", controls.html("head"), columns, self.message)

    def _try(self, function, *arguments):
        try:
            function(*arguments)
        except StyleTransferError as error:
            self._fail(str(error), stop=function == self._tick)  # a hand's slip stops nothing
        except _NO_MEMORY:
            self._fail("There is not enough memory for this: choose a smaller size.")
        except KeyboardInterrupt:
            self._fail("Interrupted; the picture is as it was after the last step.")
        except Exception as error:
            self._fail(f"An unexpected error occurred ({type(error).__name__}: {error}).")

    def _fail(self, sentence, stop=True):
        if stop:
            self.ticker.stop()
        if stop and self.job:
            with contextlib.suppress(StyleTransferError):
                self._end(self._left)
                sentence += " What was painted of the copy is saved." if self._left else ""
        if "session" in self.__dict__:  # else it is what failed
            self.show()
        self.say(sentence, "error")

    def _tick(self):
        if self._interrupted:
            raise KeyboardInterrupt
        if self.job:
            progress = next(self.job, None)
            if progress is None:
                self._end(self._done)
                self.show()
            else:
                self.progress.value = progress
        else:
            self.session.tick()
            self.stage.tick()
            self.see.tick()

    def interrupt(self, *_) -> None:
        """Have the next tick say that it was interrupted; there is none where it does not paint."""
        self._interrupted = self.ticker.running

    def _end(self, then):
        job, self.job = self.job, None
        job.close()
        controls.show_if(self.work, False)
        if not self._resume:
            self.ticker.stop()
        if then:
            then()


def when_idle(handler):
    """Has Kernel → Interrupt call handler when the main thread does nothing: ipykernel ignores it
    then, and callbacks that come in another thread (ipykernel 7) would never hear of it."""

    def install():
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a cell is at work
            loop.call_later(0.2, install)
        else:
            signal.signal(signal.SIGINT, handler)

    if threading.current_thread() is threading.main_thread():
        with contextlib.suppress(RuntimeError):  # no loop: not in a notebook
            loop = asyncio.get_running_loop()
            loop.call_later(0.2, install)
