"""The four drawers: Pictures, Look, See, Keep.

A panel shows the session of its `studio`, and does there what its controls say.
"""

import functools
import itertools
import os

import ipywidgets as widgets
import matplotlib
import numpy as np

from .. import costs, images
from ..transfer import Transfer, default_weights
from . import controls, page
from .session import START, number
from .sources import beta_for
from .stage import label, readable

NETWORKS = {"mini (fast preview)": "mini", "VGG-19": "vgg19", "VGG-16": "vgg16"}
SIZES = {str(size): size for size in (128, 192, 256, 384, 512)}
COPIES = {str(size): size for size in (768, 384, 512, 1024, 1536, 2048)}
FIRST = {name: name for name in ("light", "content", "noise", "blank")}
COLORS = {"the painting's": "", "the photograph's, by luminance": "luminance"}
COLORS |= {"the photograph's, by histogram": "histogram"}
SEES = ("grain", "dabs", "strokes", "shapes", "composition")  # the layers, by block
SEEN = {f"block{i}_conv1": f"{i} {name}" for i, name in enumerate(SEES, 1)}
ALONG = (1 / 9, 1 / 3, 1, 3, 9)  # times the present β
SHOWN = 48  # channels of a Gram matrix: those that answer most to the painting
UPLOADED = "The path of an upload holds as long as this kernel runs: put in that of your own file."
THUMBNAIL = 168  # pixels, twice those that a face has on the page


class Pictures:
    """What is painted, after what: photograph, painting, second painting, which part."""

    def __init__(self, studio):
        self._studio, on, self._drawn_on = studio, studio.on, None
        roles = {"content": "Photograph", "style": "Painting", "second": "Second painting"}
        self.faces, self.uploads, self.lines, tabs = {}, {}, {}, {}
        for role, title in roles.items():
            take = functools.partial(self._take, role)
            self.faces[role] = controls.Faces(on, take)
            html = page.piece("upload", label=f"Your {title.lower()}")
            self.uploads[role] = controls.Upload(on, html, functools.partial(self._upload, take))
            known = () if role == "content" else images.PAINTINGS
            named = functools.partial(self._named, take)
            self.lines[role] = controls.field(on, title.lower(), named, known)
            tabs[title] = [self.faces[role].box, self.uploads[role].box, self.lines[role]]
        mix = lambda share: studio.change(style_weights=(1 - share, share))  # noqa: E731
        self.share = controls.slider(on, "its share", 0, 1, mix)
        tabs["Second painting"].append(self.share)
        paint = functools.partial(self._upload, lambda name: studio.change(mask=name))
        self.brush = controls.Upload(on, "", paint)
        self.all = controls.button("Paint all of it", on(lambda _: studio.change(mask=None)))
        tabs["Which part"] = (controls.html("part"), self.brush.box, self.all)
        _, self.box = controls.tabs(tabs)

    def show(self) -> None:
        """The pictures that there are, and which are chosen."""
        session, spec = self._studio.session, self._studio.session.spec
        first, second = [*spec.styles, None][:2]
        none = (None, "none", lambda: np.full((64, 80, 3), 128.0))
        self.faces["content"].show(self._items("content", spec.content), (spec.content,))
        self.faces["style"].show(self._items("style", *spec.styles), (first,))
        self.faces["second"].show([none, *self._items("style", *spec.styles)], (second,))
        mixed = len(spec.styles) == 2 and not spec.mask
        controls.show_if(self.share, mixed)
        if mixed:
            each = np.reshape(spec.style_weights or (1, 1), (-1, 2)).sum(axis=0)
            controls.slide(self.share, float(each[1] / each.sum()))
        controls.show_if(self.all, bool(spec.mask))
        if self._drawn_on != (spec.content, session.content.shape):  # else strokes would be lost
            self._drawn_on = spec.content, session.content.shape
            (height, width), at = session.content.shape[:2], page.address(session.content, 640)
            self.brush.html.value = page.piece("brush", address=at, width=width, height=height)

    def _items(self, role, *chosen):
        sources, bundled = self._studio.session.sources, {*images.gallery()} - {*images.PAINTINGS}
        names = [name for name in images.gallery(role) if name in bundled]
        given = [name for name, shown in sources.read.items() if shown and name not in bundled]
        names = dict.fromkeys((*names, *given, *chosen))
        return [(n, readable(n), lambda n=n: sources.load(n, THUMBNAIL)) for n in names]

    def _take(self, role, name):
        spec = self._studio.session.spec
        first, *others = spec.styles
        if role == "content":
            fields = {"content": name, "mask": None}  # which belongs to its photograph
        else:
            styles = (name, *others) if role == "style" else (first, name or first)
            fields = {"styles": tuple(dict.fromkeys(styles))}
        self._studio.change(**fields)

    def _named(self, take, name):
        spaced = name.replace(" ", "_")  # as it is written under its picture
        take(spaced if spaced in images.gallery() else name)

    def _upload(self, take, name, data):
        take(self._studio.session.sources.upload(name, data))


class Look:
    """How it is painted: colors, strokes, layers, smoothing, size, network."""

    def __init__(self, studio):
        self._studio, on = studio, studio.on
        choices = {
            "keep_colors": ("colors", COLORS),
            "size": ("size, pixels", SIZES),
            "network": ("network", NETWORKS),
            "init": ("start from", FIRST),
        }
        self.choices = {
            name: controls.choice(on, *about, lambda v, n=name: studio.change(**{n: v or None}))
            for name, about in choices.items()
        }
        self.strokes = [
            controls.slider(on, title, 0.5, 2, lambda scale, i=i: self._scale(i, scale))
            for i, title in enumerate(("strokes", "of the second"))
        ]
        smooth = lambda value: studio.change(tv=value)  # noqa: E731
        self.smoothing = controls.Number(on, "smoothing γ", 1e-5, 0.1, studio.spec.tv, smooth)
        self.layers, self.sliders = controls.column("nst-layers"), {}
        colors, *others = self.choices.values()
        heading = controls.html("heading", text="What counts of the style, by what a layer sees")
        self.box = controls.column(
            "nst-look", colors, *self.strokes, heading, self.layers, self.smoothing.box, *others
        )

    def show(self) -> None:
        """What is set."""
        spec = self._studio.session.spec
        for name, choice in self.choices.items():
            controls.choose(choice, getattr(spec, name) or "")
        scales = spec.for_each_style("style_scale")
        for slider, scale in itertools.zip_longest(self.strokes, scales[:2], fillvalue=0):
            controls.show_if(slider, scale != 0)
            controls.slide(slider, scale or 1.0)
        self.smoothing.show(spec.tv)
        if list(spec.style_layers) != list(self.sliders):
            on = self._studio.on
            self.sliders = {
                n: controls.slider(on, SEEN.get(n, n), 0, 1, lambda w, n=n: self._weigh(n, w))
                for n in spec.style_layers
            }
            self.layers.children = list(self.sliders.values())
        most = max(spec.layer_weights)  # the slider of the layer that counts most is at 1
        for slider, weight in zip(self.sliders.values(), spec.layer_weights, strict=True):
            controls.slide(slider, weight / most)

    def _weigh(self, layer, weight):
        spec = self._studio.session.spec
        weights = np.divide(spec.layer_weights, max(spec.layer_weights)).tolist()
        weights = dict(zip(spec.style_layers, weights, strict=True)) | {layer: weight}
        self._studio.change(layer_weights=weights)

    def _scale(self, i, scale):
        scales = [s or 1.0 for s in self._studio.session.spec.for_each_style("style_scale")]
        scales[i] = scale
        self._studio.change(style_scale=scales)


class See:
    """What the cost sees, the Gram matrices of one layer, and five paintings along β."""

    EVERY = 6  # ticks

    def __init__(self, studio):
        self._studio, self._ticks, on = studio, 0, studio.on
        self.five_button = controls.button("Paint five, along β", on(self._paint_five))
        self.five, self.grams = controls.box("nst-five"), widgets.HTML()
        shown = {title: name for name, title in SEEN.items()}
        self.layer = controls.choice(on, "Gram matrix of", shown, lambda _: self.show())
        about = controls.html("grams", count=SHOWN)
        self.box = controls.column(
            "nst-see", self.five_button, self.five, self.layer, self.grams, about
        )

    def show(self) -> None:
        """It all, while its drawer is open."""
        self.five_button.disabled = self._studio.job is not None
        if self._studio.classroom.open or self._studio.drawer.value != "See":
            return
        run, layer = self._studio.session.transfer, self.layer.value
        layers = run.spec.style_layers
        controls.choose(self.layer, layer if layer in layers else layers[0])
        names = ("of the painting", "of the picture")
        found = grams(run, self.layer.value)
        self.grams.value = page.figures(list(zip(found, names, strict=True))) if found else ""

    def tick(self) -> None:
        """After each step."""
        self._ticks += 1
        if self._ticks % self.EVERY == 0:
            self.show()

    def _paint_five(self, _):
        session = self._studio.session
        betas = [float(f"{(session.spec.beta or 1.0) * factor:.3g}") for factor in ALONG]
        self._studio.begin("Painting", session.along(betas), self._show_five)

    def _show_five(self):
        cells = self._studio.session.cells
        take = lambda cell: self._studio.act(lambda session: session.restore(cells[cell]))  # noqa: E731
        faces = controls.Faces(self._studio.on, take)
        texts = [f"β {number(cell.spec.beta)}" for cell in cells]
        faces.show([(i, texts[i], lambda i=i: cells[i].picture) for i in range(len(cells))])
        self.five.children = [faces.box]


class Keep:
    """Snapshots, newest first, and A/B against any of them; files; a large copy."""

    def __init__(self, studio):
        self._studio, on = studio, studio.on
        self.faces = controls.Faces(on, self._compare)
        restore = lambda _: studio.act(lambda session: session.restore(studio.stage.compared))  # noqa: E731
        self.back = controls.button("Go back to it", on(restore))
        self.save_button = controls.button("Save", on(lambda _: self._save("Saved")), "primary")
        self.download, self.line, self.about = (widgets.HTML() for _ in range(3))
        show = lambda _: self._show_copy()  # noqa: E731
        self.size = controls.choice(on, "longest side", COPIES, show)
        self.copy_button = controls.button("Make a large copy", on(self._copy))
        saved = page.piece("saved", label="Open a saved picture")
        self.upload = controls.Upload(on, saved, self._open)
        texts = ("A large copy", "As it was when it was saved", "This studio, as a line to copy")
        copy, old, line = (controls.html("heading", text=text) for text in texts)
        self.box = controls.column(
            "nst-keep",
            *(controls.html("keep"), self.faces.box, self.back),
            *(self.save_button, self.download, copy, self.size, self.about, self.copy_button),
            *(old, self.upload.box, line, self.line),
        )

    def show(self) -> None:
        """What is kept, and what could be."""
        session, compared = self._studio.session, self._studio.stage.compared
        numbered = list(enumerate(session.snapshots, 1))[::-1]
        items = [(i, f"{i}: {label(s)}", lambda s=s: s.picture) for i, s in numbered]
        self.faces.show(items, [i for i, s in numbered if s is compared])
        controls.show_if(self.back, compared is not None)
        self.copy_button.disabled = self._studio.job is not None
        line, uploads = studio_line(session.spec), session.sources.uploads
        self.line.value = page.piece("line", text=line)
        if uploads in line:
            self.line.value += page.piece("p", text=UPLOADED)
        self._show_copy()

    def take(self) -> None:
        """A snapshot of the present picture."""
        self._studio.session.keep()
        self._studio.show()
        count = len(self._studio.session.snapshots)
        self._studio.say(f"Kept as snapshot {count}: it is in the drawer Keep.")

    def _compare(self, i):
        snapshot, stage = self._studio.session.snapshots[i - 1], self._studio.stage
        stage.compared = None if stage.compared is snapshot else snapshot
        self._studio.show()

    def _show_copy(self):
        if self._studio.job:
            return  # the knob may move meanwhile, and the copy has the β that it began with
        spec, size = self._studio.session.spec, self.size.value
        text = "About {} × {} pixels.".format(*self._copied())
        if (beta := beta_for(spec.beta, spec.size, size)) != spec.beta:
            text += f" With β {number(beta)}: at this size {number(spec.beta)} loses fine strokes."
        self.about.value = page.piece("p", text=text)

    def _copied(self):
        """(columns, rows) of the large copy."""
        columns, rows = self._studio.session.content.shape[1::-1]
        scale = self.size.value / max(rows, columns)
        return round(columns * scale), round(rows * scale)

    def _copy(self, _):
        session, save = self._studio.session, self._save
        session.sources.check_output(self._path(*self._copied()))  # not after minutes of work
        job = session.render(self.size.value)
        part = functools.partial(save, "Saved as far as it went", copy=True)
        whole = functools.partial(save, "Copied", copy=True)
        self._studio.begin("Copying", job, whole, part)

    def _save(self, word, copy=False):
        """The picture, or the large copy."""
        session = self._studio.session
        rows, columns = (session.rendered[0] if copy else session.picture).shape[:2]
        path = self._path(columns, rows)
        session.save(path, rendered=copy)
        self.download.value = page.download(path)
        where = os.path.abspath(self._studio.folder)
        self._studio.say(f"{word}: {path.name}, {columns} × {rows} pixels, in {where}")

    def _path(self, columns, rows):
        """Where to write a picture of this size: never what is there already."""
        name, numbers = f"painting_{columns}x{rows}", itertools.count(2)
        path = self._studio.folder / f"{name}.png"
        while path.exists():
            path = path.with_name(f"{name} ({next(numbers)}).png")
        return path

    def _open(self, _, data):
        metadata, gone = images.read_metadata(data), []
        self._studio.act(lambda session: gone.extend(session.apply(metadata)))
        left = f"Not at hand, and left as it was: {', '.join(gone)}. The rest" if gone else "All"
        size, saved = self._studio.session.spec.size, metadata.get("size")
        smaller = "" if size == saved else f", at {size} pixels"
        self._studio.say(f"{left} is set as when this picture was saved{smaller}.")


def grams(run: Transfer, layer: str) -> list[np.ndarray] | None:
    """[S, G]: Gram matrices of the first painting and of the picture, in one scale; None where the
    style cost compares something else.

    Each is (n, n, 3) in 0–255, the square roots of the values of the SHOWN channels that answer
    most to S, as colors from dark (0) to bright.
    """
    if run.spec.style_cost != "gram":
        return None
    S = run.targets.regions[0][run.spec.style_layers.index(layer)].A_S[0].numpy()
    G = costs.mean_gram_matrix(run.network(run.G[0])[layer]).numpy()
    channels = np.argsort(-np.diag(S))[:SHOWN]
    S, G = (np.sqrt(np.maximum(A[np.ix_(channels, channels)], 0)) for A in (S, G))
    colors = matplotlib.colormaps["magma"]
    return [colors(A / max(S.max(), 1e-12))[..., :3] * 255 for A in (S, G)]


def studio_line(spec) -> str:
    """The Studio(…) that begins with what is set now."""
    given = [repr(spec.content), repr(spec.styles[0] if len(spec.styles) == 1 else spec.styles)]
    names = ("network", "size", "init", "alpha", "beta", "tv", "keep_colors", "style_scale")
    names += ("style_weights", "style_cost", "mask", "style_mask")
    values = {name: getattr(spec, name) for name in names}
    given += [f"{n}={value!r}" for n, value in values.items() if value != getattr(START, n)]
    if spec.layer_weights != default_weights(spec.style_layers):
        weights = dict(zip(spec.style_layers, spec.layer_weights, strict=True))
        given.append(f"layer_weights={weights!r}")
    return f"Studio({', '.join(given)})"
