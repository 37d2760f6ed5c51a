"""The studio: the panels on a page, for Jupyter and Colab.

Everything happens in callbacks, one tick of painting at a time: threads and tasks would send their
pictures after the cell is done, which Colab drops.
"""

import contextlib
from pathlib import Path

import ipywidgets as widgets
import tensorflow as tf

from ..errors import StyleTransferError
from . import controls, page, panels
from .classroom import Classroom
from .controls import box, column, heading
from .scene import ALPHA, BETA, TV
from .session import Session
from .work import Work

_NO_MEMORY = (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.AbortedError)


class Studio:
    """Two pictures, sliders, and a painting that changes while you move them.

    content, style, network, size, init: as in `scene.Scene`.  steps: of the first painting, made
    while the cell runs.  classroom: begin in the mode for a projector.  folder: where `Save` puts
    its files.  session: the painting without its widgets.
    """

    _latest = None

    def __init__(
        self, content="cat", style="starry_swirls", network="mini", size=256, init="content",
        *, alpha=ALPHA, beta=BETA, tv=TV, steps=100, classroom=False, folder=".",
    ):  # fmt: skip
        self.session = Session(
            content=content, style=style, network=network, size=size, init=init,
            alpha=alpha, beta=beta, tv=tv,
        )  # fmt: skip
        self.folder, self.in_class, self._quiet = Path(folder), classroom, False
        self._make_panels()
        self.root.add_class("nst")
        self._lay_out()
        if Studio._latest:  # of a cell that is run again: it would go on, unseen
            Studio._latest.ticker.stop()
            Studio._latest.show_buttons()
        Studio._latest = self
        while self.session.steps < steps:
            self.session.tick()
        self.show()

    def _ipython_display_(self):
        from IPython.display import display

        display(self.root)

    # What the panels ask for.

    def on(self, function):
        """The function as a callback: what goes wrong is said in the studio, which goes on."""

        def callback(*arguments):
            with self.session.lock:
                if not self._quiet:
                    self._try(function, arguments)

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

    def show(self):
        for panel in (self.pictures, self.weights, self.strip, self.view, self.classroom):
            panel.show()
        self.show_buttons()

    def show_buttons(self):
        self.work.show()
        painting = self.ticker.running and not self.work.busy
        self.start_button.description = "Pause" if painting else "Start"
        self.start_button.disabled = self.work.busy

    # How.

    def _make_panels(self):
        self.root, self.message = widgets.VBox(), widgets.HTML()
        self.ticker = controls.Ticker(self.on(self._tick))
        self.start_button = controls.button("Start", self.on(self._start_or_pause), "primary")
        self.step_button = controls.button("Step", self.on(self._step))
        self.reset_button = controls.button("Reset", self.on(self._reset))
        self.classroom_button = controls.button("Classroom mode", self.on(self._switch))
        self.view, self.pictures = panels.View(self), panels.Pictures(self)
        self.weights, self.strip = panels.Weights(self, self.view), panels.Strip(self)
        self.work, self.classroom = Work(self), Classroom(self)

    def _lay_out(self):
        left, right = self._class_columns() if self.in_class else self._columns()
        columns = box("nst-columns", column("nst-left", *left), column("nst-right", *right))
        head = [widgets.HTML(page.CSS), self.message, self.work.progress_row]
        self.root.children = [*head, columns, self.classroom_button]
        (self.root.add_class if self.in_class else self.root.remove_class)("nst-classroom")
        self.classroom_button.description = "All controls" if self.in_class else "Classroom mode"

    def _class_columns(self):
        room, transport = self.classroom, (self.start_button, self.step_button, self.reset_button)
        return [self.view.picture, self.view.caption], [
            room.question, room.buttons, self.weights.balance, box("nst-row", *transport),
            self.ticker.box, self.view.chart,
        ]  # fmt: skip

    def _columns(self):
        view, weights, pictures, work = self.view, self.weights, self.pictures, self.work
        transport = (self.start_button, self.step_button, self.reset_button,
                     self.strip.undo_button, self.strip.snapshot_button)  # fmt: skip
        content, style, *others = pictures.fields.values()
        return [
            view.picture, view.caption, box("nst-row", *transport), self.ticker.box,
            weights.balance, weights.alpha, weights.beta, weights.tv, view.chart,
            heading("Snapshots"), self.strip.items,
            heading("Compare"), view.compare, view.divider,
        ], [
            heading("Pictures"), content, style, pictures.thumbnails,
            box("nst-row", *pictures.uploads.values()),
            heading("How much each style layer counts"), weights.layers,
            heading("Painting"), *others, pictures.keep_colors,
            heading("α × β grid"), work.grid_button, work.grid_cells,
            heading("Keep it"), work.render_size, work.render_network, work.render_button,
            work.file_name, box("nst-row", work.save_button, work.upload_settings), work.download,
        ]  # fmt: skip

    def _try(self, function, arguments):
        try:
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
        self.show()

    def _tick(self):
        if self.work.busy:
            self.work.tick()
            return
        self.session.tick()
        self.view.show()

    def _start_or_pause(self, _=None):
        self.say()
        if self.work.wait():
            return
        if self.ticker.running:
            self.ticker.stop()
        else:
            self.ticker.start()
        self.show_buttons()

    def _step(self, _=None):
        self.session.tick(0)
        self.view.show()

    def _reset(self, _=None):
        self.session.reset()
        self.show()

    def _switch(self, _=None):
        self.in_class = not self.in_class
        self._lay_out()
        self.show()
