"""The stage: C, S and the picture with its wipe, the formula, the knob, and the buttons."""

import math

import ipywidgets as widgets

from .. import files
from ..vgg import TITLES
from . import controls, page
from .session import ALPHA, BETA, REACH, Snapshot, number, ratio

SHOWN, BESIDE = 640, 240  # pixels, at most, of the picture's longest side; of C and S


def readable(name: str) -> str:
    """What a picture is called on the page."""
    return files.public(name).replace("_", " ")


def label(snapshot: Snapshot) -> str:
    """What tells a snapshot from others."""
    return f"β/α {number(ratio(snapshot.spec))}, step {snapshot.steps}"


class Stage:
    """What is always on the screen.  compared: the snapshot under the wipe, or None: C."""

    def __init__(self, studio):
        self._studio, self.compared, on = studio, None, studio.on
        self.picture, self.before = (widgets.Image(format="jpeg") for _ in range(2))
        self.picture.add_class("nst-view")
        self.before.add_class("nst-before")
        self.wipe, self.pair, self.caption, self.formula = (widgets.HTML() for _ in range(4))
        self.caption.add_class("nst-caption")
        self.pair.add_class("nst-pair")
        self.frame = controls.box("nst-picture", self.picture, self.before, self.wipe)
        trio = controls.box("nst-trio", self.pair, controls.box("nst-mat", self.frame))
        spec = studio.spec
        scales = {
            "ratio": ("β/α", BETA / REACH, BETA * REACH, ratio(spec)),
            "alpha": ("α content", ALPHA / 100, ALPHA * 100, spec.alpha),
            "beta": ("β style", 0.1, 1e4, spec.beta),
        }
        self.numbers = {
            name: controls.Number(on, *scale, lambda v, n=name: self._weigh(n, v))
            for name, scale in scales.items()
        }
        for name, control in self.numbers.items():
            control.box.add_class(f"nst-{name}")
        knob, *weights = (control.box for control in self.numbers.values())
        weights = controls.column("nst-weights", *weights)
        self.start = controls.button("Paint", on(self._start_or_pause), "primary")
        self.undo = controls.button("Undo", on(self._undo))
        self.over = controls.button("Start over", on(self._over))
        self.keep = controls.button("Keep this one", on(lambda _: studio.keep.take()))
        buttons = (self.start, self.undo, self.over, self.keep, studio.classroom.switcher)
        self.box = controls.column(
            "nst-stage",
            *(trio, self.caption, self.formula, knob, controls.html("ends"), weights),
            controls.box("nst-row", *buttons),
        )

    def open(self, content) -> None:
        """The photograph alone, as long as nothing else is there."""
        self._show(content)
        self.before.value = page.jpeg(content, SHOWN)

    def show(self) -> None:
        """All of it."""
        session, spec = self._studio.session, self._studio.session.spec
        shown = [(session.content, f"C: {readable(spec.content)}")]
        styles = zip(session.styles, spec.styles, strict=True)
        shown += [(style, f"S: {readable(name)}") for style, name in styles]
        self.pair.value = page.figures(shown[:3], BESIDE)
        if self.compared and self.compared.spec.content != spec.content:
            self.compared = None  # it would be stretched over another photograph
        under = self.compared
        self.before.value = page.jpeg(under.picture if under else session.content, SHOWN)
        what = f"the snapshot: {label(under)}" if under else "the photograph"
        self.wipe.value = page.piece("wipe", what=what, at=50 if under else 0)
        self.tick()

    def tick(self) -> None:
        """What a step changes."""
        session, spec = self._studio.session, self._studio.session.spec
        styles = " and ".join(map(readable, spec.styles))
        text = f"{readable(spec.content)} in the style of {styles}, step {session.steps}, "
        text += f"β/α = {number(ratio(spec))}. Network: {TITLES[spec.network]}."
        self.caption.value = page.piece("p", text=text)  # first: whoever sees a change reads it
        self.formula.value = page.formula(spec, session.transfer.latest)
        with self._studio.quietly():
            for name, control in self.numbers.items():
                control.show(ratio(spec) if name == "ratio" else getattr(spec, name))
        self._show(session.picture)
        running, job = self._studio.ticker.running, self._studio.job
        self.start.description = "Pause" if running else "Paint"
        self._studio.chart.value = page.chart(session.transfer.rows, running and not job)

    def _show(self, picture):
        rows, columns = picture.shape[:2]
        self.frame.layout.width = f"min(100%, calc(var(--nst-tall) * {columns / rows:.4f}))"
        self.picture.value = page.jpeg(picture, SHOWN)

    def _weigh(self, name, value):
        if self._studio.ticker.outdated:
            self.tick()
            return
        spec = self._studio.session.spec
        if name == "ratio" and value == math.inf:
            weights = {"alpha": 0.0, "beta": spec.beta or BETA}
        elif name == "ratio":
            weights = {"alpha": spec.alpha or ALPHA}
            weights["beta"] = float(f"{weights['alpha'] * value:.6g}")
        else:
            weights = {name: value}
        self._studio.change(**weights)

    def _start_or_pause(self, _):
        if self._studio.ticker.running:
            self._studio.pause()
        else:
            self._studio.go_on()
            self._studio.show()

    def _over(self, _):
        self._studio.session.reset()
        self._studio.go_on()
        self._studio.show()

    def _undo(self, _):
        if not self._studio.session.undo():
            self._studio.say("There is nothing to undo.")
        self._studio.show()
        self._studio.ticker.outdate()  # a busy kernel hears of the knob's last move only now
