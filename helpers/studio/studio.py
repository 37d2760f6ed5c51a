"""The studio: the panels on a page, for Jupyter and Colab.

Everything happens in callbacks, one tick of painting at a time: threads and tasks would send their
pictures after the cell is done, which Colab drops.
"""

import contextlib
import functools
import threading
from pathlib import Path

import ipywidgets as widgets
import tensorflow as tf

from ..errors import StyleTransferError
from ..settings import OPTIONS, check_weights
from . import controls, page, panels, view
from .classroom import Classroom
from .controls import box, column
from .scene import ALPHA, BETA, TV, Scene
from .session import Session
from .sources import Sources
from .where import Where
from .work import Work
from .work import folder as where_to_save

_NO_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.AbortedError)


class Studio:
    """Two pictures, one knob, and a painting that changes while you turn it.

    content, style, network, size, init: as in `scene.Scene`.  steps: that are painted while the
    cell runs; then it goes on by itself.  classroom: begin in the mode for a projector.  folder:
    where `Save` puts its files, by default Google Drive if it is mounted, else here.
    session: the painting without its widgets.
    Raises PictureError and SettingError.
    """

    _latest = None

    def __init__(
        self, content="cat", style="starry_swirls", network="mini", size=256, init="content",
        *, alpha=ALPHA, beta=BETA, tv=TV, steps=10, classroom=False, folder=None,
    ):  # fmt: skip
        self.scene = Scene().changed(
            content=content, style=style, network=network, size=size, init=init
        )
        check_weights(alpha, beta)
        self._weights = {"alpha": alpha, "beta": beta, "tv": OPTIONS["tv"].check(tv)}
        self.folder = where_to_save() if folder is None else Path(folder)
        self.in_class, self._steps, self._quiet, self._sources = classroom, steps, False, Sources()
        content, _ = self._sources.pictures(self.scene)
        self._lock = threading.RLock()
        self._make_panels()
        self._lay_out()
        self.view.open(content)
        if Studio._latest:  # of a cell that is run again: it would go on, unseen
            Studio._latest.ticker.stop()
        Studio._latest = self

    @functools.cached_property
    def session(self):
        return Session(sources=self._sources, **self._weights, **self.scene._asdict())

    def _ipython_display_(self):
        """The photograph at once; then the network is loaded and compiled, and it begins."""
        from IPython.display import display

        display(self.root)
        with self._lock:  # callbacks may come in another thread already (ipykernel 7)
            self._try(self.open, ())

    def open(self):
        """Paint the first steps, and go on."""
        if self._steps:  # the picture before all the rest
            self.session.tick()
            self.view.tick()
        self.show()
        while self.session.steps < self._steps:
            self.session.tick()
            self.view.tick()
        self.ticker.start()
        self.show()

    # What the panels ask for.

    def on(self, function, commit=True):
        """The function as a callback: what goes wrong is said in the studio, which goes on.

        commit: whether it is done to the moment that is looked at, if it is one of the past.
        """

        def callback(*arguments):
            if not self._quiet:
                with self._lock:
                    self._try(function, arguments, commit)

        return callback

    @contextlib.contextmanager
    def quietly(self):
        """Setting a control from here must not be taken for a hand on it."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def say(self, sentence="", note=False):
        self.message.value = page.message(sentence, note)

    def is_open(self, panel):
        """Whether this is the drawer that is open."""
        return not self.in_class and panel is self.drawers[self.tabs.value]

    def show(self):
        for panel in (self.pictures, self.where, self.weights, self.snapshots, self.view, self.eye,
                      self.work, self.classroom, self.buttons):  # fmt: skip
            panel.show()

    def show_buttons(self):
        self.work.show()
        self.buttons.show()

    # How.

    def _make_panels(self):
        self.root, self.message = widgets.VBox(), widgets.HTML()
        self.ticker = controls.Ticker(self.on(self._tick, commit=False))
        self.class_button = controls.button("Classroom", self.on(self._switch))
        self.view, self.buttons = view.View(self), view.Buttons(self)
        self.weights, self.pictures = panels.Weights(self), panels.Pictures(self)
        self.where = Where(self)
        self.snapshots, self.eye = panels.Snapshots(self), panels.Eye(self)
        self.work, self.classroom = Work(self), Classroom(self)
        weights, choices = self.weights, self.pictures.choices
        self.drawers = {
            "Painting": self.pictures.paintings,
            "Photograph": self.pictures.photographs,
            "Where": self.where.box,
            "Snapshots": self.snapshots.box,
            "Grid": self.work.grid_box,
            "What the cost sees": self.eye.box,
            "Save and load": self.work.files_box,
            "Advanced": column(
                "", weights.alpha, weights.beta, weights.tv, weights.layers,
                *(choices[name] for name in ("network", "size", "init", "style_cost")),
            ),
        }  # fmt: skip
        self.tabs = widgets.ToggleButtons(options=list(self.drawers), value="Painting")
        self.tabs.observe(self.on(lambda _: self._open_drawer(), commit=False), "value")
        self.drawer = column("nst-drawer")

    def _lay_out(self):
        stage, pane = self._class_columns() if self.in_class else self._columns()
        columns = box("nst-columns", column("nst-stage", *stage), column("nst-pane", *pane))
        head = [widgets.HTML(page.CSS), self.message, self.work.progress_row, self.ticker.box]
        self.root.children = [*head, columns]
        self.root.add_class("nst")
        (self.root.add_class if self.in_class else self.root.remove_class)("nst-classroom")
        self.class_button.description = "All controls" if self.in_class else "Classroom"

    def _columns(self):
        buttons = box("nst-row", self.buttons.box, self.class_button)
        self._fill_drawer()
        stage, tabs = self.view, box("nst-drawers", self.tabs)
        return [
            stage.mat, self.weights.front, stage.strip, stage.way, buttons, stage.caption
        ], [stage.chart, tabs, self.drawer]  # fmt: skip

    def _class_columns(self):
        room, buttons = self.classroom, box("nst-row", self.buttons.start, self.class_button)
        return [self.view.mat, self.pictures.both, buttons], [
            room.question, room.buttons, room.set,
        ]  # fmt: skip

    def _fill_drawer(self):
        self.drawer.children = [self.drawers[self.tabs.value]]

    def _open_drawer(self):
        self._fill_drawer()
        for panel in (self.where, self.eye, self.work):
            panel.show()

    def _try(self, function, arguments, commit=False):
        try:
            if commit:
                self.view.commit()
            function(*arguments)
        except StyleTransferError as error:
            self._fail(str(error))
        except _NO_MEMORY:
            self._fail("There is not enough memory for this: choose a smaller size.")
        except KeyboardInterrupt:
            self._fail("Interrupted; the picture is as it was after the last step.")
        except Exception as error:
            self._fail(f"Something unforeseen went wrong ({type(error).__name__}: {error}).")

    def _fail(self, sentence):
        if self.work.end():
            with contextlib.suppress(StyleTransferError):
                self.work.keep_rendered()
                sentence += " What was rendered so far is saved."
        self.ticker.stop()
        self.say(sentence)
        if "session" in self.__dict__:  # else it is what failed
            self.show()

    def _tick(self):
        if self.work.busy:
            self.work.tick()
            return
        self.session.tick()
        self.view.tick()
        self.eye.tick()

    def _switch(self, _=None):
        self.in_class = not self.in_class
        self._lay_out()
        self.show()
