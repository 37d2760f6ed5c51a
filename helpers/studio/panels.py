"""Controls that belong together: the weights, the pictures, the snapshots, what the cost sees.

A panel shows the session of its `studio` and does there what its controls say.  Of the studio it
knows `session`, `on` (makes a function a callback), `quietly`, `say`, `show`, `ticker` and `view`.
"""

import math

import ipywidgets as widgets
import numpy as np

from .. import images, masks
from . import controls, eye, page
from .scene import BETA, number, ratio, readable

NETWORKS = {"mini (fast preview)": "mini", "VGG-19": "vgg19", "VGG-16": "vgg16"}
SIZES = (128, 192, 256, 384, 512)
COLORS = {"the painting's": "", "the photograph's, by luminance": "luminance",
          "the photograph's, by histogram": "histogram"}  # fmt: skip
STYLES = {"the Gram matrix": "gram", "means and deviations": "mean-std",
          "five moments": "moments", "sliced Wasserstein": "wasserstein"}  # fmt: skip
REACH = 50  # the knob goes from BETA / REACH to BETA · REACH: the useful middle is its middle
PRESETS = {"a hint of it": BETA / 5, "a painting": BETA, "pure style": BETA * REACH}
THUMBNAIL = 168  # pixels, twice those that a face has on the page


class Weights:
    """The one knob, β/α; α and β one by one, the smoothing, the style layers."""

    def __init__(self, studio):
        self._studio, on = studio, studio.on
        low, high = (math.log10(BETA * factor) for factor in (1 / REACH, REACH))
        self.logs = {
            "ratio": controls.Log("β/α", BETA, low, high),
            "alpha": controls.Log("α, content", 1.0, -2, 2),
            "beta": controls.Log("β, style", BETA, -1, 4),
            "tv": controls.Log("smoothing (TV)", 1e-3, -5, -1),
        }
        self.knob, self.alpha, self.beta, self.tv = (log.slider for log in self.logs.values())
        for name, log in self.logs.items():
            set_it = on(lambda change, n=name: self._weigh(n, change["new"]))
            log.slider.observe(set_it, "value")
        self.presets = {
            name: controls.button(name, on(lambda _, v=value: self._assign("ratio", v)))
            for name, value in PRESETS.items()
        }
        self.layers, self.layer_sliders = controls.column("nst-layers"), {}
        ends = widgets.HTML(
            '<div class="nst-ends"><span>photograph</span><span>strokes everywhere</span></div>'
        )
        presets = controls.box("nst-presets", *self.presets.values())
        self.front = controls.column("nst-knob", ends, self.knob, presets)

    def show(self):
        with self._studio.quietly():
            self._show_layers()
        self._show_weights()

    def _show_weights(self):
        weights = self._studio.session.weights
        with self._studio.quietly():
            for name, log in self.logs.items():
                log.show(ratio(weights) if name == "ratio" else weights[name])

    def _weigh(self, name, value):
        weights = self._studio.session.weights
        if self.logs[name].wishes(value, ratio(weights) if name == "ratio" else weights[name]):
            self._assign(name, value)

    def _assign(self, name, value):
        weights = self._studio.session.weights
        if name != "ratio":
            self._set(**{name: value})
        elif weights["alpha"] == 0:  # then β stays
            self._set(alpha=weights["beta"] / value)
        else:
            self._set(beta=weights["alpha"] * value)

    def _set(self, **weights):
        """The hand sees at once what it does: one step, then on."""
        studio = self._studio
        studio.session.set(**weights)
        self._show_weights()
        if not studio.work.busy:
            studio.session.tick(0)
            studio.view.tick()
            studio.ticker.start()
            studio.show_buttons()

    def _weigh_layers(self, _=None):
        weights = {layer: slider.value for layer, slider in self.layer_sliders.items()}
        if not np.allclose(list(weights.values()), self._layer_values(), atol=0.026):
            self._set(layer_weights=weights)

    def _show_layers(self):
        layers = list(self._studio.session.weights["layer_weights"])
        if layers != list(self.layer_sliders):
            self.layer_sliders = {n: controls.slider(n, 1.0, 0, 1, 0.05) for n in layers}
            for slider in self.layer_sliders.values():
                slider.observe(self._studio.on(self._weigh_layers), "value")
            self.layers.children = list(self.layer_sliders.values())
        for slider, value in zip(self.layer_sliders.values(), self._layer_values(), strict=True):
            slider.value = value

    def _layer_values(self):
        """Where the sliders of the layers stand: the weight that counts most is 1."""
        shares = np.array(list(self._studio.session.weights["layer_weights"].values()))
        return shares / shares.max()


class Pictures:
    """What is painted, after what, and how: the fields of the scene."""

    def __init__(self, studio):
        self._studio, on, scene = studio, studio.on, studio.scene
        self.faces, self.own, own = {}, {"content": [], "style": []}, {}
        for kind, what in (("content", "Your photograph"), ("style", "Your painting")):
            take = self._taker(kind)
            self.faces[kind] = controls.Faces(on, take)
            known = lambda *file, t=take: t(self._known(*file))  # noqa: E731
            upload = controls.Upload(on, page.upload(what), known)
            line = controls.field(on, "path or address", take, images.PAINTINGS if kind == "style"
                                  else ())  # fmt: skip
            own[kind] = controls.column("nst-own", upload.box, line)
            self.own[kind] = upload, line
        self.faces["second"] = controls.Faces(on, self._take_second)
        self.sliders = {
            "style_scale": controls.slider("stroke size", scene.style_scale, 0.5, 2, 0.25,
                                           continuous_update=False),
            "share": controls.slider("its share", scene.share, 0, 1, 0.05,
                                     continuous_update=False),
        }  # fmt: skip
        self.choices = {
            "keep_colors": controls.choice("colors", COLORS, scene.keep_colors or ""),
            "network": controls.choice("network", NETWORKS, scene.network),
            "size": controls.choice("size, pixels", SIZES, scene.size),
            "init": controls.choice("start from", ("content", "noise", "blank"), scene.init),
            "style_cost": controls.choice("style is", STYLES, scene.style_cost),
        }
        for field, control in (self.sliders | self.choices).items():
            control.observe(on(lambda change, f=field: self.change(**{f: change["new"]})), "value")
        self.photographs = controls.column("", self.faces["content"].box, own["content"])
        self.share = controls.column("", self.sliders["share"])
        self.paintings = controls.column(
            "", self.faces["style"].box, own["style"], self.sliders["style_scale"],
            self.choices["keep_colors"], controls.heading("A second painting, mixed in"),
            self.faces["second"].box, self.share,
        )  # fmt: skip
        self.both = widgets.HTML()

    def show(self):
        scene = self._studio.session.scene
        with self._studio.quietly():
            for field, control in self.choices.items():
                controls.choose(control, getattr(scene, field) or "")
            for field, control in self.sliders.items():
                control.value = getattr(scene, field)
        styles = self._items("style")
        self.faces["content"].show(self._items("content"), {scene.content})
        self.faces["style"].show(styles, {scene.style})
        others = [item for item in styles if item[0] != scene.style]
        none = ("", "none", lambda: np.full((64, 80, 3), 128.0))
        self.faces["second"].show([none, *others], {scene.second or ""})
        mixed = len(scene.styles) > 1 and not scene.mask
        self.share.layout.display = controls.ON if mixed else controls.OFF
        content, style = self._studio.session.content, self._studio.session.styles[0]
        self.both.value = page.figures([(content, "photograph"), (style, "painting")], 240)

    def change(self, **fields):
        """Another scene, painted on at once; the picture of a mask stays with its photograph."""
        if "keep_colors" in fields:
            fields["keep_colors"] = fields["keep_colors"] or None
        if "content" in fields and self._studio.session.scene.mask not in (None, *masks.PARTS):
            fields["mask"] = None
        if fields.items() <= self._studio.session.scene._asdict().items():
            return
        what = " and ".join(fields).replace("_", " ")
        self._studio.say(f"One moment: {what} …", note=True)
        self._studio.session.change(**fields)
        self._studio.say()
        self._studio.ticker.start()
        self._studio.show()

    def _items(self, kind):
        sources, scene = self._studio.session.sources, self._studio.session.scene
        names = [name for name in images.gallery(kind) if name not in images.PAINTINGS]
        names += sources.used_as(kind)
        if getattr(scene, kind) not in names:
            names.append(getattr(scene, kind))
        return [(n, readable(n), lambda n=n: sources.load(n, THUMBNAIL)) for n in names]

    def _taker(self, kind):
        def take(name):
            self.change(**{kind: name})
            self._studio.session.sources.use_as(kind, name)

        return take

    def _take_second(self, name):
        self.change(second=name or None)

    def _known(self, name, data):
        return self._studio.session.sources.upload(name, data)


class Snapshots:
    """What was kept; a click goes back to it."""

    def __init__(self, studio):
        self._studio = studio
        self.faces = controls.Faces(studio.on, self._restore)
        self.box = self.faces.box

    def show(self):
        snapshots = self._studio.session.snapshots
        self.faces.show([
            (i, f"{i}: β/α {number(ratio(s.weights))}, step {s.steps}", lambda s=s: s.picture)
            for i, s in enumerate(snapshots)
        ])  # fmt: skip

    def _restore(self, number):
        self._studio.session.restore(number)
        self._studio.show()


class Eye:
    """What the cost sees: both pulls, and the Gram matrices of one layer."""

    EVERY = 6  # ticks

    def __init__(self, studio):
        self._studio, self._ticks = studio, 0
        self.layer = controls.choice("Gram matrix of", ("block1_conv1",), "block1_conv1")
        self.layer.observe(studio.on(lambda _: self.show()), "value")
        self.pulls, self.grams = widgets.HTML(), widgets.HTML()
        text = (
            "Lit is where a part of J wants other pixels: blue the content, orange the style, both "
            "on one scale. Where they hold each other, nothing moves any more."
        )
        words = (
            f"The {eye.SHOWN} channels that answer most to the painting: bright where two of them "
            "answer together. Watch the right matrix become the left one."
        )
        self.box = controls.column(
            "", widgets.HTML(page.paragraph(text)), self.pulls, self.layer, self.grams,
            widgets.HTML(page.paragraph(words)),
        )  # fmt: skip

    def show(self):
        if not self._studio.is_open(self.box):
            return
        session, layer = self._studio.session, self.layer.value
        with self._studio.quietly():
            self.layer.options = session.transfer.network.style_layers
            controls.choose(self.layer, layer)
        content, style = eye.pulls(session.transfer)
        shown = [(content, "where the content pulls"), (style, "where the style pulls")]
        self.pulls.value = page.figures(shown, 320)
        S, G = eye.grams(session.transfer, self.layer.value)
        self.grams.value = page.figures([(S, "of the painting"), (G, "of the picture")], 320)

    def tick(self):
        self._ticks += 1
        if self._ticks % self.EVERY == 0:
            self.show()
