"""Controls that belong together: the picture, the weights, the scene, the snapshots.

A panel shows the session of its `studio` and does there what its controls say.  Of the studio it
knows `session`, `on` (makes a function a callback), `quietly`, `say` and `show`.
"""

import math

import ipywidgets as widgets
import numpy as np

from .. import images
from . import controls, page
from .scene import number

SHOWN = 512  # pixels of the picture's longest side on the page at most
NETWORKS = {"mini (fast preview)": "mini", "VGG-19": "vgg19", "VGG-16": "vgg16"}
SIZES = (128, 192, 256, 384, 512)


class View:
    """The picture, beside another one if it is to be compared, its caption, and the costs."""

    def __init__(self, studio):
        self._studio, self._session = studio, studio.session
        self.picture = widgets.Image(format="jpeg")
        self.picture.add_class("nst-view")
        self.caption, self.chart = widgets.HTML(), widgets.HTML()
        compared = ("nothing", "content", "style", "last snapshot")
        self.compare = controls.choice("Compare with", compared, "nothing")
        self.divider = controls.slider("Divider", 0.5, 0, 1, 0.01)
        self.divider.layout.display = controls.OFF
        for control in (self.compare, self.divider):
            control.observe(studio.on(self._compare), "value")

    def show(self):
        self.show_picture()
        self.chart.value = page.chart(self._session.curve, not self._studio.in_class)

    def show_picture(self):
        session, picture = self._session, self._session.picture
        other = {
            "content": session.content,
            "style": session.style,
            "last snapshot": session.snapshots[-1].picture,
        }.get(self.compare.value)
        if other is not None and not self._studio.in_class:
            picture = page.beside(other, picture, self.divider.value)
        self.picture.value = images.encode(page.at_most(picture, SHOWN), quality=88)
        self.show_caption()

    def show_caption(self):
        scene, weights = self._session.scene, self._session.weights
        self.caption.value = page.paragraph(
            f"{scene.content} in the style of {scene.style}, step {self._session.steps}, "
            f"α = {number(weights['alpha'])}, β = {number(weights['beta'])}. "
            f"{self._session.transfer.network.description}."
        )

    def _compare(self, _):
        alone = self.compare.value == "nothing"
        self.divider.layout.display = controls.OFF if alone else controls.ON
        self.show_picture()


class Weights:
    """α and β, one by one and as one slider; the smoothing; the style layers."""

    def __init__(self, studio, view):
        self._studio, self._session, self._view = studio, studio.session, view
        self.logs = {
            "alpha": controls.Log("α, content", 1.0, -2, 2),
            "beta": controls.Log("β, style", 100.0, -1, 4),
            "tv": controls.Log("smoothing (TV)", 1e-3, -5, -1),
        }
        self.alpha, self.beta, self.tv = (log.slider for log in self.logs.values())
        for name, log in self.logs.items():
            set_it = studio.on(lambda change, n=name: self._weigh(n, change["new"]))
            log.slider.observe(set_it, "value")
        self.balance = controls.slider("content ↔ style", 2.0, -1, 4, 0.02)
        self.balance.observe(studio.on(lambda change: self._lean(change["new"])), "value")
        self.layers, self.layer_sliders = controls.column("nst-layers"), {}

    def show(self):
        with self._studio.quietly():
            self._show_layers()
        self._show_weights()

    def _show_weights(self):
        weights = self._session.weights
        with self._studio.quietly():
            for name, log in self.logs.items():
                log.show(weights[name])
            if not controls.same(self.balance.value, self._balance()):
                self.balance.value = self._balance()
        self._view.show_caption()

    def _weigh(self, name, value):
        if self.logs[name].wishes(value, self._session.weights[name]):
            self._session.set(**{name: value})
            self._show_weights()

    def _balance(self):
        """Where the slider for β/α stands: at one of its ends for content or style alone."""
        weights, slider = self._session.weights, self.balance
        alpha, beta = weights["alpha"], weights["beta"]
        if alpha == 0 or beta == 0:
            return slider.max if alpha == 0 else slider.min
        return min(max(math.log10(beta / alpha), slider.min), slider.max)

    def _lean(self, value):
        """The single slider: β/α, on a log scale, with α as it is, or with β where α is 0."""
        if controls.same(value, self._balance()):
            return
        weights = self._session.weights
        if weights["alpha"] == 0:
            self._session.set(alpha=weights["beta"] / 10**value)
        else:
            self._session.set(beta=weights["alpha"] * 10**value)
        self._show_weights()

    def _weigh_layers(self, _=None):
        weights = {layer: slider.value for layer, slider in self.layer_sliders.items()}
        if not np.allclose(list(weights.values()), self._layer_values(), atol=0.026):
            self._session.set(layer_weights=weights)

    def _show_layers(self):
        layers = list(self._session.weights["layer_weights"])
        if layers != list(self.layer_sliders):
            self.layer_sliders = {n: controls.slider(n, 1.0, 0, 1, 0.05) for n in layers}
            for slider in self.layer_sliders.values():
                slider.observe(self._studio.on(self._weigh_layers), "value")
            self.layers.children = list(self.layer_sliders.values())
        for slider, value in zip(self.layer_sliders.values(), self._layer_values(), strict=True):
            slider.value = value

    def _layer_values(self):
        """Where the sliders of the layers stand: the weight that counts most is 1."""
        shares = np.array(list(self._session.weights["layer_weights"].values()))
        return shares / shares.max()


class Pictures:
    """What is painted, after what, and how: the fields of the scene."""

    def __init__(self, studio):
        self._studio, self._session = studio, studio.session
        scene, on = self._session.scene, studio.on
        names = list(images.gallery("content")), list(images.gallery("style"))
        self.fields = {
            "content": controls.choice("Content", names[0], scene.content),
            "style": controls.choice("Style", names[1], scene.style),
            "network": controls.choice("Network", NETWORKS, scene.network),
            "size": controls.choice("Size, pixels", SIZES, scene.size),
            "init": controls.choice("Start from", ("content", "noise", "blank"), scene.init),
        }
        for field, control in self.fields.items():
            control.observe(on(lambda change, f=field: self._change(f, change["new"])), "value")
        self.keep_colors = widgets.Checkbox(
            value=scene.keep_colors is not None, description="Keep the content's colors"
        )
        self.keep_colors.observe(
            on(lambda c: self._change("keep_colors", "luminance" if c["new"] else None)), "value"
        )
        self.thumbnails = widgets.HTML()
        self.uploads = {f: controls.upload(f"Upload a {f} picture") for f in ("content", "style")}
        for field, upload in self.uploads.items():
            upload.observe(on(lambda change, f=field: self._uploaded(change["owner"], f)), "value")

    def show(self):
        session, scene = self._session, self._session.scene
        with self._studio.quietly():
            for field, control in self.fields.items():
                controls.choose(control, getattr(scene, field))
            self.keep_colors.value = scene.keep_colors is not None
        shown = ((session.content, scene.content, "Content"),
                 (session.style, scene.style, "Style"))  # fmt: skip
        tags = [page.img(picture, 120, f"{kind}: {name}") for picture, name, kind in shown]
        self.thumbnails.value = f'<div style="display: flex; gap: 8px">{"".join(tags)}</div>'

    def _change(self, field, value):
        self._studio.say(f"One moment: {field.replace('_', ' ')} …", note=True)
        self._session.change(**{field: value})
        self._studio.say()
        self._studio.show()

    def _uploaded(self, upload, field):
        for name, data in controls.files(upload):
            self._session.change(**{field: self._session.sources.upload(name, data)})
            self._studio.show()


class Strip:
    """The snapshots, each with a button that goes back to it."""

    def __init__(self, studio):
        self._studio, self._session = studio, studio.session
        self.undo_button = controls.button("Undo", studio.on(self._undo))
        self.snapshot_button = controls.button("Snapshot", studio.on(self._snapshot))
        self.items = controls.box("nst-strip")

    def show(self):
        """Only what is new is made, so that it does not flicker."""
        items, snapshots = list(self.items.children), self._session.snapshots
        for index, snapshot in enumerate(snapshots[len(items) :], len(items)):
            alt = f"Snapshot {index}: {snapshot.label}, step {snapshot.steps}"
            restore = self._studio.on(lambda _, i=index: self._restore(i))
            button = controls.button(f"{index}: {snapshot.label}", restore)
            image = widgets.HTML(page.img(snapshot.picture, 104, alt))
            items.append(widgets.VBox([image, button]))
        self.items.children = items

    def _undo(self, _=None):
        self._session.undo()
        self._studio.show()

    def _snapshot(self, _=None):
        self._session.keep()
        self.show()

    def _restore(self, number):
        self._session.restore(number)
        self._studio.show()
