"""The stage: the picture with its wipe, the way that it came, and the buttons below it."""

import ipywidgets as widgets

from .. import images
from . import controls, page
from .scene import number, ratio, readable

SHOWN = 640  # pixels of the picture's longest side on the page at most
TALL = 560  # pixels of height that it takes on the page at most
EVERY = 12  # ticks between two strips


class View:
    """The picture, the photograph under its wipe, its caption, its way.

    moment: the one of the film that is looked at, None for the present.
    """

    def __init__(self, studio):
        self._studio, self.moment, self._ticks = studio, None, 0
        self.picture, self.before = (widgets.Image(format="jpeg") for _ in range(2))
        self.picture.add_class("nst-view")
        self.before.add_class("nst-before")
        self.frame = controls.box("nst-picture", self.picture, self.before, widgets.HTML(page.WIPE))
        self.mat = controls.box("nst-mat", self.frame)
        self.caption, self.chart = widgets.HTML(), widgets.HTML()
        self.strip = widgets.Image(format="jpeg")
        self.strip.add_class("nst-strip")
        self.way = widgets.FloatSlider(
            value=100, min=0, max=100, step=1, description="The way so far", readout=False,
            style={"description_width": "112px"}, layout={"width": "100%"},
        )  # fmt: skip
        self.way.observe(studio.on(self._look_back, commit=False), "value")

    def open(self, content):
        """The photograph alone, as long as nothing else is there."""
        self._show(content)
        self._show_before(content)

    def show(self):
        """All of it; also where a moment was looked at."""
        with self._studio.quietly():
            self.moment, self.way.value = None, 100
        self._show_before(self._studio.session.content)
        self._show_strip()
        self.show_picture()

    def tick(self):
        self._ticks += 1
        if self._ticks % EVERY == 0:
            self._show_strip()
        self.show_picture()

    def show_picture(self):
        session = self._studio.session
        now = self.moment or session
        self.show_caption()  # first: whoever sees the picture change reads what it is
        self._show(now.picture)
        self.chart.value = page.chart(session.curve, self._studio.ticker.running)

    def show_caption(self):
        session = self._studio.session
        now = self.moment or session
        scene, network = now.scene, session.transfer.network
        styles = " and ".join(readable(style) for style in scene.styles)
        when = f"step {now.steps}" + (f" of {session.steps}" if self.moment else "")
        self.caption.value = page.paragraph(
            f"{readable(scene.content)} in the style of {styles}, {when}, "
            f"β/α = {number(ratio(now.weights))}. {network.description}."
        )

    def _show(self, picture):
        rows, columns = picture.shape[:2]
        self.frame.layout.width = f"min(100%, {round(TALL * columns / rows)}px)"
        self.picture.value = _jpeg(picture)

    def _show_before(self, content):
        self.before.value = _jpeg(content)

    def _show_strip(self):
        self.strip.value = images.encode(self._studio.session.film.strip(), quality=80)

    def _look_back(self, change):
        self._studio.ticker.stop()
        session, share = self._studio.session, change["new"] / 100
        self.moment = session.film.at(share) if share < 1 else None
        self.show_picture()
        self._studio.show_buttons()

    def commit(self):
        """Whatever is done next is done to the moment that is looked at."""
        if self.moment is not None:
            moment, self.moment = self.moment, None
            self._studio.session.go_back(moment)
            self.show()


def _jpeg(picture):
    return images.encode(page.at_most(picture, SHOWN), quality=88)


class Buttons:
    """Start or pause, one step, back, a snapshot."""

    def __init__(self, studio):
        self._studio, on = studio, studio.on
        self.start = controls.button("Start", on(self._start_or_pause), "primary")
        self.step = controls.button("One step", on(self._step))
        self.over = controls.button("Start over", on(self._over))
        self.undo = controls.button("Undo", on(self._undo))
        self.snapshot = controls.button("Snapshot", on(self._snapshot))
        self.box = controls.box(
            "nst-row", self.start, self.step, self.over, self.undo, self.snapshot
        )

    def show(self):
        studio = self._studio
        painting = studio.ticker.running and not studio.work.busy
        self.start.description = "Pause" if painting else "Start"
        self.start.disabled = studio.work.busy

    def _start_or_pause(self, _=None):
        studio = self._studio
        studio.say()
        if studio.work.wait():
            return
        if studio.ticker.running:
            studio.ticker.stop()
            studio.show()
        else:
            studio.ticker.start()
            studio.show_buttons()

    def _step(self, _=None):
        self._studio.session.tick(0)
        self._studio.view.tick()

    def _over(self, _=None):
        self._studio.session.reset()
        self._studio.show()

    def _undo(self, _=None):
        self._studio.session.undo()
        self._studio.show()

    def _snapshot(self, _=None):
        self._studio.session.keep()
        self._studio.say("Kept: a click on it, under Snapshots, goes back to it.", note=True)
        self._studio.show()
