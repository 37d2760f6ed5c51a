"""The mode for a projector: predict first, then look."""

import tomllib
from pathlib import Path

import ipywidgets as widgets

from ..transfer import default_weights
from . import controls, page
from .session import START

QUESTIONS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["question"]
# The painting beside each question: whatever was set before, the answers must fit it.
PLAIN = {name: getattr(START, name) for name in ("alpha", "beta", "tv", "keep_colors", "mask")}
PLAIN["init"] = "content"


class Classroom:
    """One question after the other; `Reveal` sets what it is about, and paints."""

    def __init__(self, studio):
        self._studio, self._asked, self._before, on = studio, 0, None, studio.on
        self.switcher = controls.button("Classroom", on(self.switch))
        self.question, self.reason = widgets.HTML(), widgets.HTML()
        self.answers = [widgets.HTML() for _ in range(3)]
        # The hands raised for each answer of each question; those of one are shown.
        self.counts = [[widgets.Text(placeholder="hands") for _ in range(3)] for _ in QUESTIONS]
        self.rows = [controls.box("nst-answer") for _ in range(3)]
        self.previous = controls.button("Previous", on(lambda _: self.ask(self._asked - 1)))
        self.reveal = controls.button("Reveal", on(self._reveal), "primary")
        self.next = controls.button("Next", on(lambda _: self.ask(self._asked + 1)))
        self.previous.add_class("nst-previous")
        self.next.add_class("nst-next")
        buttons = controls.box("nst-row", self.previous, self.reveal, self.next)
        self.box = controls.column("nst-room", self.question, *self.rows, buttons, self.reason)

    @property
    def open(self) -> bool:
        """Whether the class is asked."""
        return self._before is not None

    def switch(self, _=None) -> None:
        """Enter, with the first question, or leave: then all is as it was before."""
        session, ticker = self._studio.session, self._studio.ticker
        if self.open:
            (snapshot, running), self._before = self._before, None
            session.restore(snapshot)
            (ticker.start if running else ticker.stop)()
        else:
            self._before = session.snapshot(), ticker.running
            self.ask(0)
        controls.set_class(self._studio.root, "nst-classroom", self.open)
        self.switcher.description = "Leave the classroom" if self.open else "Classroom"
        self._studio.show()

    def ask(self, number: int) -> None:
        """The question of this number, the first one being 0, beside a painting as it is PLAIN."""
        self._asked = number
        self._tell()
        self._paint()

    def _reveal(self, _):
        self._tell(revealed=True)
        self._paint(**QUESTIONS[self._asked]["sets"])

    def _tell(self, revealed=False):
        """The question on the page, with its answer or without."""
        asked, layers = QUESTIONS[self._asked], self._studio.session.transfer.network.layers
        field = next(iter(layers.values())).receptive_field
        head = f"Question {self._asked + 1} of {len(QUESTIONS)}"
        self.question.value = page.piece("question", head=head, text=asked["text"])
        for i, text in enumerate(asked["answers"]):
            kind = "right" if revealed and i == asked["right"] else "answer"
            self.answers[i].value = page.piece(kind, text=f"{'ABC'[i]}  {text}")
            self.rows[i].children = self.answers[i], self.counts[self._asked][i]
        reason = asked["reason"].format(field=field) if revealed else "Hands up, then Reveal."
        self.reason.value = page.piece("p", text=reason)
        self.previous.disabled = self._asked == 0
        self.next.disabled = self._asked == len(QUESTIONS) - 1

    def _paint(self, anew=True, only=None, **sets):
        """PLAIN with other fields; from the photograph anew, or going on."""
        layers = self._studio.session.spec.style_layers
        weights = [float(i == only) for i in range(len(layers))]
        sets["layer_weights"] = default_weights(layers) if only is None else weights

        def paint(session):
            session.change(**PLAIN | sets)
            if anew:
                session.reset()

        self._studio.act(paint)
