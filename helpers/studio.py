"""The studio: α and β under your fingers.  Widgets for Jupyter and Colab, a face of `session`.

    from helpers.studio import Studio
    Studio("cat", "starry_swirls")

Works with ipywidgets 7.7.1 (Colab) and 8.  Everything happens in callbacks, one tick of painting
at a time: threads and tasks would send their pictures after the cell is done, which Colab drops.
"""

import base64
import contextlib
import html
import math
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import tensorflow as tf

from . import images, parts
from .errors import OutputError, StyleTransferError
from .session import Session, number

SHOWN = 512  # pixels of the picture's longest side on the page at most
NETWORKS = {"mini (fast preview)": "mini", "VGG-19": "vgg19", "VGG-16": "vgg16"}
SIZES = (128, 192, 256, 384, 512)
RENDER_SIZES = (384, 512, 768, 1024, 1536, 2048)
GRID_ALPHAS, GRID_BETAS = (0.1, 1.0, 10.0), (10.0, 100.0, 1000.0)
_ON, _OFF = "", "none"  # of a layout's display

# Predict first, then look: (question, what is set, what to see).
QUESTIONS = (
    (
        "β is almost 0. What will the painting look like in ten seconds?",
        {"alpha": 1.0, "beta": 0.1},
        "The photograph. J is nearly the content cost alone, and the photograph has none.",
    ),
    (
        "Now β is 10 000. What is left of the motif?",
        {"alpha": 1.0, "beta": 1e4},
        "Strokes everywhere; the motif only where the strokes find no better place. The style cost "
        "knows what there is, not where.",
    ),
    (
        "α and β both ten times as large. What changes?",
        {"alpha": 10.0, "beta": 1000.0},
        "Nothing to speak of. Only β/α decides what the best picture is, and Adam does not care "
        "how long a gradient is. (The smoothing now weighs a tenth as much beside them.)",
    ),
    (
        "The same β, but we begin with noise. Will the motif come back?",
        {"alpha": 1.0, "beta": 100.0, "start": "noise"},
        "Yes, faintly and slowly: the content cost knows where everything was, but it has to be "
        "found again pixel by pixel.",
    ),
    (
        "Only the first layer has a say in the style. What remains of the painting?",
        {"alpha": 1.0, "beta": 100.0, "start": "content", "only": 0},
        "Its colors and its finest grain: a value of the first layer sees 3 × 3 pixels.",
    ),
    (
        "And only the deepest one?",
        {"alpha": 1.0, "beta": 100.0, "only": -1},
        "Larger shapes and strokes, with colors that are off: this layer hardly looks at them.",
    ),
)


class Ticker:
    """Calls `work` again and again, each time in a callback of its own, until it is stopped.

    A Play widget sends the ticks.  ipywidgets 8 starts it from the kernel.  In 7 only a click
    does, so each tick asks the page for the next one by a link to the Play's value; should a page
    not follow the link, a click on the Play (shown there) does the same.
    """

    def __init__(self, work):
        self.running, self._work = False, work
        self.play = widgets.Play(min=0, max=10**9, interval=50, show_repeat=False)
        self._own = self.play.has_trait("playing")
        self._trait = "playing" if self._own else "_playing"
        if self._own:
            self.play.layout.display = _OFF
        else:
            self._pulse = widgets.IntText()
            self._link = widgets.jsdlink((self._pulse, "value"), (self.play, "value"))
        self.play.observe(self._tick, "value")
        self.play.observe(self._pressed, self._trait)

    def start(self):
        self.running = True
        if self._own:
            self.play.playing = True
        else:
            self._ask()

    def stop(self):
        self.running = False
        setattr(self.play, self._trait, False)

    def _pressed(self, change):
        self.running = change["new"]

    def _tick(self, _):
        if self.running:
            self._work()
        if self.running and not self._own and not self.play._playing:
            self._ask()

    def _ask(self):
        self._pulse.value = max(self._pulse.value, self.play.value) + 1


class Studio:
    """Two pictures, sliders, and a painting that changes while you move them.

    content, style, network, size, start: as in `session.Scene`.  steps: of the first painting,
    made while the cell runs.  classroom: begin in the mode for a projector.  folder: where `Save`
    puts its files.  session: the painting without its widgets.
    """

    _latest = None

    def __init__(
        self, content="cat", style="starry_swirls", network="mini", size=256, start="content",
        *, alpha=1.0, beta=100.0, tv=1e-3, steps=100, classroom=False, folder=".",
    ):  # fmt: skip
        self.session = Session(
            content=content, style=style, network=network, size=size, start=start,
            alpha=alpha, beta=beta, tv=tv,
        )  # fmt: skip
        self.folder = Path(folder)
        self._job, self._resume, self._quiet = None, False, False
        self.ticker = Ticker(self._guard(self._tick))
        self._make_widgets()
        self._lay_out(classroom)
        if Studio._latest:  # of a cell that is run again: it would go on, unseen
            Studio._latest.ticker.stop()
            Studio._latest._show_buttons()
        Studio._latest = self
        while self.session.steps < steps:
            self.session.tick()
        self._show_all()

    def _ipython_display_(self):
        from IPython.display import display

        display(self.root)

    # The widgets.

    def _make_widgets(self):
        on = self._guard
        self.message = widgets.HTML()
        self.view = widgets.Image(format="jpeg")
        self.view.add_class("nst-view")
        self.caption, self.chart = widgets.HTML(), widgets.HTML()

        self.start_button = parts.button("Start", on(self._start_or_pause), "primary")
        self.step_button = parts.button("Step", on(self._step))
        self.reset_button = parts.button("Reset", on(self._reset))
        self.undo_button = parts.button("Undo", on(self._undo))
        self.snapshot_button = parts.button("Snapshot", on(self._snapshot))
        self.strip = parts.box("nst-strip")

        compared = ("nothing", "content", "style", "last snapshot")
        self.compare = parts.choice("Compare with", compared, "nothing")
        self.divider = parts.slider("Divider", 0.5, 0, 1, 0.01)
        self.divider.layout.display = _OFF
        for control in (self.compare, self.divider):
            control.observe(on(self._compare), "value")

        names = list(images.gallery("content")), list(images.gallery("style"))
        scene = self.session.scene
        self.content = parts.choice("Content", names[0], scene.content)
        self.style = parts.choice("Style", names[1], scene.style)
        self.thumbnails = widgets.HTML()
        self.upload_content = parts.upload("Upload a content picture")
        self.upload_style = parts.upload("Upload a style picture")
        self.network = parts.choice("Network", NETWORKS, scene.network)
        self.size = parts.choice("Size, pixels", SIZES, scene.size)
        self.start = parts.choice("Start from", ("content", "noise", "blank"), scene.start)
        self.keep_colors = widgets.Checkbox(
            value=scene.keep_colors is not None, description="Keep the content's colors"
        )
        for field in ("content", "style", "network", "size", "start"):
            control = getattr(self, field)
            control.observe(on(lambda change, f=field: self._change(f, change["new"])), "value")
        self.keep_colors.observe(
            on(lambda c: self._change("keep_colors", "luminance" if c["new"] else None)), "value"
        )
        for upload, field in ((self.upload_content, "content"), (self.upload_style, "style")):
            upload.observe(on(lambda change, f=field: self._uploaded(change["owner"], f)), "value")

        self.alpha = parts.log_slider("α, content", 1.0, -2, 2)
        self.beta = parts.log_slider("β, style", 100.0, -1, 4)
        self.balance = parts.slider("content ↔ style", 2.0, -1, 4, 0.02)
        self.tv = parts.log_slider("smoothing (TV)", 1e-3, -5, -1)
        for name in ("alpha", "beta", "tv"):
            control = getattr(self, name)
            control.observe(on(lambda change, n=name: self._weigh(n, change["new"])), "value")
        self.balance.observe(on(lambda change: self._lean(change["new"])), "value")
        self.layers, self.layer_sliders = parts.column("nst-layers"), {}

        self.grid_button = parts.button("Paint the grid", on(self._grid))
        self.grid_cells = parts.box("nst-cells")
        self.render_size = parts.choice("Render size", RENDER_SIZES, 768)
        self.render_network = parts.choice("with", NETWORKS, scene.network)
        self.render_button = parts.button("Render full size", on(self._render))
        self.progress = widgets.FloatProgress(min=0, max=1, description="Working")
        self.cancel_button = parts.button("Cancel", on(self._cancel), "warning")
        self.progress_row = parts.box("nst-row", self.progress, self.cancel_button)
        self.progress_row.layout.display = _OFF
        self.file_name = widgets.Text(value="painting.png", description="File name")
        self.save_button = parts.button("Save", on(self._save))
        self.download = widgets.HTML()
        self.upload_settings = parts.upload("Load settings from a picture")
        self.upload_settings.observe(on(lambda c: self._load_settings(c["owner"])), "value")

        self.classroom_button = parts.button("Classroom mode", on(self._switch))
        self.question, self._asked = widgets.HTML(), 0
        self.next_button = parts.button("Next question", on(self._next_question))
        self.set_button = parts.button("Try it", on(self._try), "primary")
        self.answer_button = parts.button("What to see", on(self._answer))

    def _lay_out(self, classroom):
        self._classroom = classroom
        css = widgets.HTML(parts.CSS)
        transport = [self.start_button, self.step_button, self.reset_button]
        keeping = [self.undo_button, self.snapshot_button]
        play = parts.box("nst-row", self.ticker.play)
        if not self.ticker._own:  # ipywidgets 7
            hint = widgets.HTML("If the picture stands still after Start, press ▶ here:")
            play = parts.box("nst-row", hint, self.ticker.play)
        if classroom:
            left = [self.view, self.caption]
            asking = [self.next_button, self.set_button, self.answer_button]
            right = [self.question, parts.box("nst-row", *asking), self.balance,
                     parts.box("nst-row", *transport), play, self.chart]  # fmt: skip
        else:
            left = [self.view, self.caption, parts.box("nst-row", *transport, *keeping), play,
                    self.balance, self.alpha, self.beta, self.tv, self.chart,
                    parts.heading("Snapshots"), self.strip,
                    parts.heading("Compare"), self.compare, self.divider]  # fmt: skip
            right = [
                parts.heading("Pictures"), self.content, self.style, self.thumbnails,
                parts.box("nst-row", self.upload_content, self.upload_style),
                parts.heading("How much each style layer counts"), self.layers,
                parts.heading("Painting"), self.network, self.size, self.start, self.keep_colors,
                parts.heading("α × β grid"), self.grid_button, self.grid_cells,
                parts.heading("Keep it"), self.render_size, self.render_network, self.render_button,
                self.file_name, parts.box("nst-row", self.save_button, self.upload_settings),
                self.download,
            ]  # fmt: skip
        columns = parts.box(
            "nst-columns", parts.column("nst-left", *left), parts.column("nst-right", *right)
        )
        children = [css, self.message, self.progress_row, columns, self.classroom_button]
        if not hasattr(self, "root"):
            self.root = widgets.VBox(children)
            self.root.add_class("nst")
        self.root.children = children
        (self.root.add_class if classroom else self.root.remove_class)("nst-classroom")
        self.classroom_button.description = "All controls" if classroom else "Classroom mode"

    # What the controls do.

    def _guard(self, function):
        """The function as a callback: what goes wrong is said in the studio, which goes on."""

        def callback(*arguments):
            if self._quiet:
                return
            try:
                function(*arguments)
            except StyleTransferError as error:
                self._fail(str(error))
            except (MemoryError, tf.errors.ResourceExhaustedError):
                self._fail("There is not enough memory for this: choose a smaller size.")
            except KeyboardInterrupt:
                self._fail("Interrupted; the picture is as it was after the last step.")
            except Exception as error:
                self._fail(f"Something unforeseen went wrong ({type(error).__name__}: {error}).")

        return callback

    def _fail(self, sentence):
        if self._end_job():
            with contextlib.suppress(StyleTransferError):
                self._keep_rendered("rendered as far as it went")
                sentence += " What was rendered so far is saved."
        self.ticker.stop()
        self._say(sentence)
        self._show_all()

    def _say(self, sentence="", note=False):
        kind = "nst-message nst-note" if note else "nst-message"
        role = "status" if note else "alert"
        text = f'<div class="{kind}" role="{role}">{html.escape(sentence)}</div>'
        self.message.value = text if sentence else ""

    def _tick(self):
        if self._job is None:
            self.session.tick()
            self._show_picture()
            self._show_costs()
            return
        try:
            self.progress.value = next(self._job)
        except StopIteration:
            done, resume = self._done, self._resume
            self._end_job()
            if not resume:
                self.ticker.stop()
            done()
            self._show_all()

    def _start_or_pause(self, _=None):
        self._say()
        if self._job is not None:
            self._say("Wait until this is finished, or cancel it.", note=True)
        elif self.ticker.running:
            self.ticker.stop()
        else:
            self.ticker.start()
        self._show_buttons()

    def _step(self, _=None):
        self.session.tick(0)
        self._show_picture()
        self._show_costs()

    def _reset(self, _=None):
        self.session.reset()
        self._show_all()

    def _undo(self, _=None):
        self.session.undo()
        self._show_all()

    def _snapshot(self, _=None):
        self.session.keep()
        self._show_snapshots()

    def _restore(self, number):
        self.session.restore(number)
        self._show_all()

    def _compare(self, _):
        self.divider.layout.display = _OFF if self.compare.value == "nothing" else _ON
        self._show_picture()

    def _change(self, field, value):
        self._say(f"One moment: {field.replace('_', ' ')} …", note=True)
        self.session.change(**{field: value})
        self._say()
        self._show_all()

    def _weigh(self, name, value):
        if not parts.moved(value, self.session.weights[name]):
            return
        self.session.set(**{name: value})
        self._show_weights()
        self._show_caption()

    def _lean(self, value):
        """The single slider: β/α, on a log scale, with α as it is."""
        weights = self.session.weights
        beta = max(weights["alpha"], 1e-9) * 10**value
        if not parts.moved(beta, weights["beta"]):
            return
        self.session.set(beta=beta)
        self._show_weights()
        self._show_caption()

    def _weigh_layers(self, _=None):
        weights = {layer: slider.value for layer, slider in self.layer_sliders.items()}
        if not np.allclose(list(weights.values()), self._layer_values(), atol=0.026):
            self.session.set(layer_weights=weights)

    def _uploaded(self, upload, field):
        for name, data in parts.files(upload):
            self.session.change(**{field: self.session.upload(name, data)})
            self._show_all()

    def _load_settings(self, upload):
        for _, data in parts.files(upload):
            missing = self.session.apply(images.read_settings(data))
            self._show_all()
            left = f" {' and '.join(missing)} is not at hand: upload it." if missing else ""
            sentence = "Pictures, network and weights are set as when this picture was saved."
            self._say(sentence + left, note=True)

    def _grid(self, _=None):
        job = self.session.grid(GRID_ALPHAS, GRID_BETAS)
        self._begin_job(job, "Grid", self._show_grid)

    def _send(self, cell):
        self.session.send(cell)
        self._show_all()

    def _render(self, _=None):
        images.check_output(self._path())  # now, not after minutes of work
        job = self.session.render(self.render_size.value, self.render_network.value)
        self._begin_job(job, "Rendering", lambda: self._keep_rendered("rendered"))

    def _keep_rendered(self, word):
        size = self.session.rendered[0].shape
        path = self._path(f"_{size[1]}x{size[0]}")
        self.session.save(path, rendered=True)
        self._offer(path)
        self._say(f"{path} is {word}: {size[1]} × {size[0]} pixels.", note=True)

    def _save(self, _=None):
        path = self._path()
        self.session.save(path)
        self._offer(path)
        self._say(f"{path} is saved, with its settings.", note=True)

    def _path(self, addition=""):
        name = Path(self.file_name.value.strip() or "painting.png")
        if name.suffix.lower() not in images.SUFFIXES:
            raise OutputError(f"{name} has no known picture ending: use .png, .jpg or .webp.")
        return self.folder / name.with_stem(name.stem + addition)

    def _begin_job(self, job, title, done):
        if self._job is not None:
            self._say("Wait until this is finished, or cancel it.", note=True)
            return
        self._say()
        self._job, self._done, self._resume = job, done, self.ticker.running
        self._rendered_before = self.session.rendered
        self.progress.value, self.progress.description = 0, title
        self.progress_row.layout.display = _ON
        self.ticker.start()
        self._show_buttons()

    def _end_job(self):
        """Returns whether it leaves a rendering, which may be half done, that is in no file yet."""
        if self._job is None:
            return False
        self._job.close()
        self._job = None
        self.progress_row.layout.display = _OFF
        return self.session.rendered is not self._rendered_before

    def _cancel(self, _=None):
        """A picture that is half rendered is worth keeping."""
        rendered = self._end_job()
        if not self._resume:
            self.ticker.stop()
        if rendered:
            self._keep_rendered("rendered as far as it went")
        self._show_all()

    def _switch(self, _=None):
        self._lay_out(not self._classroom)
        self._show_all()

    def _next_question(self, _=None):
        self._asked = (self._asked + 1) % len(QUESTIONS)
        self._show_question()

    def _try(self, _=None):
        controls = dict(QUESTIONS[self._asked][1])
        layers = self.session.network.style_layers
        only = controls.pop("only", None)
        chosen = layers if only is None else [layers[only]]
        self.session.change(start=controls.pop("start", "content"))
        weights = {layer: float(layer in chosen) for layer in layers}
        self.session.set(**controls, layer_weights=weights)
        self.session.reset()
        self._show_all()
        self.ticker.start()
        self._show_buttons()

    def _answer(self, _=None):
        self._show_question(answered=True)

    # What is shown.

    def _show_all(self):
        with self._silently():
            scene = self.session.scene
            for field in ("content", "style", "network", "size", "start"):
                parts.choose(getattr(self, field), getattr(scene, field))
            self.keep_colors.value = scene.keep_colors is not None
            self._show_layers()
        self._show_weights()
        self._show_thumbnails()
        self._show_snapshots()
        self._show_picture()
        self._show_costs()
        self._show_buttons()
        self._show_question()

    @contextlib.contextmanager
    def _silently(self):
        """Setting a control from here must not be taken for a hand on it."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _show_weights(self):
        weights = self.session.weights
        with self._silently():
            for name in ("alpha", "beta", "tv"):
                parts.set_log(getattr(self, name), weights[name])
            if weights["alpha"] > 0 and weights["beta"] > 0:
                lean = math.log10(weights["beta"] / weights["alpha"])
                lean = min(max(lean, self.balance.min), self.balance.max)
                if parts.moved(10**lean, 10**self.balance.value):
                    self.balance.value = lean

    def _show_layers(self):
        weights = self.session.transfer.layer_weights
        if list(weights) != list(self.layer_sliders):
            self.layer_sliders = {layer: parts.slider(layer, 1.0, 0, 1, 0.05) for layer in weights}
            for slider in self.layer_sliders.values():
                slider.observe(self._guard(self._weigh_layers), "value")
            self.layers.children = list(self.layer_sliders.values())
        for slider, value in zip(self.layer_sliders.values(), self._layer_values(), strict=True):
            slider.value = value

    def _layer_values(self):
        """Where the sliders of the layers stand: the weight that counts most is 1."""
        shares = np.array(list(self.session.transfer.layer_weights.values()))
        return shares / shares.max()

    def _show_thumbnails(self):
        scene = self.session.scene
        shown = ((self.session.content, scene.content, "Content"),
                 (self.session.style, scene.style, "Style"))  # fmt: skip
        tags = [parts.img(picture, 120, f"{kind}: {name}") for picture, name, kind in shown]
        self.thumbnails.value = f'<div style="display: flex; gap: 8px">{"".join(tags)}</div>'

    def _show_picture(self):
        picture = self.session.picture
        other = {
            "content": self.session.content,
            "style": self.session.style,
            "last snapshot": self.session.snapshots[-1].picture,
        }.get(self.compare.value)
        if other is not None and not self._classroom:
            picture = parts.beside(other, picture, self.divider.value)
        self.view.value = images.encode(parts.at_most(picture, SHOWN), quality=88)
        self._show_caption()

    def _show_caption(self):
        session = self.session
        weights = session.weights
        text = (
            f"{session.scene.content} in the style of {session.scene.style}, "
            f"step {session.steps}, α = {number(weights['alpha'])}, "
            f"β = {number(weights['beta'])}. "
            f"{session.network.description}."
        )
        self.caption.value = f"<p>{html.escape(text)}</p>"

    def _show_costs(self):
        self.chart.value = parts.chart(self.session.curve, not self._classroom)

    def _show_snapshots(self):
        """The strip; only what is new is made, so that it does not flicker."""
        items = list(self.strip.children)
        for index in range(len(items), len(self.session.snapshots)):
            snapshot = self.session.snapshots[index]
            alt = f"Snapshot {index}: {snapshot.label}, step {snapshot.steps}"
            button = parts.button(f"{index}: {snapshot.label}",
                             self._guard(lambda _, i=index: self._restore(i)))  # fmt: skip
            items.append(
                widgets.VBox([widgets.HTML(parts.img(snapshot.picture, 104, alt)), button])
            )
        self.strip.children = items

    def _show_grid(self):
        items = []
        for cell in (cell for row in self.session.cells for cell in row):
            button = parts.button(cell.label, self._guard(lambda _, c=cell: self._send(c)))
            image = widgets.HTML(parts.img(cell.picture, 140, f"Grid: {cell.label}"))
            items.append(widgets.VBox([image, button]))
        self.grid_cells.children = items

    def _show_buttons(self):
        painting = self.ticker.running and self._job is None
        self.start_button.description = "Pause" if painting else "Start"
        busy = self._job is not None
        for button in (self.grid_button, self.render_button, self.start_button):
            button.disabled = busy

    def _show_question(self, answered=False):
        question, _, answer = QUESTIONS[self._asked]
        below = f"<p>{html.escape(answer)}</p>" if answered else "<p>Predict first.</p>"
        which = f"{self._asked + 1} of {len(QUESTIONS)}"
        self.question.value = (
            f'<p>Question {which}</p><p class="nst-question">{html.escape(question)}</p>{below}'
        )

    def _offer(self, path):
        data = path.read_bytes()
        kind = {".png": "png", ".webp": "webp"}.get(path.suffix.lower(), "jpeg")
        address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        name = html.escape(path.name)
        self.download.value = f'<a download="{name}" href="{address}">Download {name}</a>'
