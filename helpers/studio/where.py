"""Where the painting belongs: in the whole photograph, a part of it, or under a brush."""

import ipywidgets as widgets
import numpy as np

from .. import masks
from . import controls, page
from .scene import readable

PLACES = {"all of it": ""} | {f"its {part} parts": part for part in masks.PARTS}
TEXT = (
    "Where the mask is white the painting is at work. The rest goes to the second painting, if "
    "there is one, and else stays the photograph."
)


class Where:
    """The field `mask` of the scene.  Of the studio it knows what a panel knows, and `pictures`."""

    def __init__(self, studio):
        self._studio, on, self._drawn_on = studio, studio.on, None
        self.place = controls.choice("painted is", PLACES, studio.scene.mask or "")
        self.place.observe(on(lambda change: self._take(change["new"])), "value")
        self.shown = widgets.HTML()
        self.brush = controls.Upload(on, "", self._take_file)
        self.upload = controls.Upload(on, page.upload("A mask of your own"), self._take_file)
        self.line = controls.field(on, "path or address", self._take)
        self.box = controls.column(
            "", widgets.HTML(page.paragraph(TEXT)), self.place, self.shown,
            controls.heading("Brush over what is to be painted"), self.brush.box,
            self.upload.box, self.line,
        )  # fmt: skip

    def show(self):
        if not self._studio.is_open(self.box):
            return
        scene, content = self._studio.session.scene, self._studio.session.content
        sources = self._studio.session.sources
        with self._studio.quietly():
            others = {readable(name): name for name in sources.used_as("mask")}
            self.place.options = list((PLACES | others).items())
            controls.choose(self.place, scene.mask or "")
        if self._drawn_on != (scene.content, content.shape):  # else strokes would be lost
            self._drawn_on = scene.content, content.shape
            self.brush.html.value = page.brush(content)
        self.shown.value = ""
        if scene.mask:
            white = sources.mask(scene, content)[..., np.newaxis] == masks.WHITE
            shown = np.where(white, content, content / 4)
            self.shown.value = page.figures([(shown, "lit is what the painting gets")], 480)

    def _take(self, name):
        self._studio.pictures.change(mask=name or None)
        if name not in PLACES.values():
            self._studio.session.sources.use_as("mask", name)
            self.show()

    def _take_file(self, name, data):
        self._take(self._studio.session.sources.upload(name, data))
