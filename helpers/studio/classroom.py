"""The mode for a projector: predict first, then look."""

import tomllib
from pathlib import Path

import ipywidgets as widgets

from . import controls, page
from .session import START

QUESTIONS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["question"]
PLAIN = {name: getattr(START, name) for name in ("alpha", "beta", "tv", "init")}


class Classroom:
    """One question after the other; `Reveal` sets what it is about, and paints."""

    def __init__(self, studio):
        self._studio, self._asked, self._before, on = studio, 0, None, studio.on
        self.switcher = controls.button("Classroom", on(self.switch))
        self.question, self.reason = widgets.HTML(), widgets.HTML()
        self.answers = [widgets.HTML() for _ in range(3)]
        self.counts = [widgets.Text(placeholder="hands") for _ in range(3)]
        rows = zip(self.answers, self.counts, strict=True)
        rows = [controls.box("nst-answer", *row) for row in rows]
        self.previous = controls.button("Previous", on(lambda _: self.ask(self._asked - 1)))
        self.reveal = controls.button("Reveal", on(self._reveal), "primary")
        self.next = controls.button("Next", on(lambda _: self.ask(self._asked + 1)))
        self.previous.add_class("nst-previous")
        self.next.add_class("nst-next")
        buttons = controls.box("nst-row", self.previous, self.reveal, self.next)
        self.box = controls.column("nst-room", self.question, *rows, buttons, self.reason)

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

    def ask(self, number: int, revealed: bool = False) -> None:
        """The question of this number, the first one being 0, with its answer or without."""
        self._asked = number % len(QUESTIONS)
        asked, layers = QUESTIONS[self._asked], self._studio.session.transfer.network.layers
        field = next(iter(layers.values())).receptive_field
        head = f"Question {self._asked + 1} of {len(QUESTIONS)}"
        self.question.value = page.piece("question", head=head, text=asked["text"])
        for i, text in enumerate(asked["answers"]):
            kind = "right" if revealed and i == asked["right"] else "answer"
            self.answers[i].value = page.piece(kind, text=f"{'ABC'[i]}  {text}")
            self.counts[i].value = self.counts[i].value if revealed else ""
        reason = asked["reason"].format(field=field) if revealed else "Hands up, then Reveal."
        self.reason.value = page.piece("p", text=reason)

    def _reveal(self, _):
        sets = PLAIN | QUESTIONS[self._asked]["sets"]
        only, layers = sets.pop("only", None), self._studio.session.spec.style_layers
        sets["layer_weights"] = {name: float(only in (None, i)) for i, name in enumerate(layers)}
        self._studio.act(lambda session: (session.change(**sets), session.reset()))
        self.ask(self._asked, revealed=True)
