"""The mode for a projector: predict first, then look."""

import ipywidgets as widgets

from . import controls, page
from .scene import BETA

# (question, what is set, what to see).
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
        {"alpha": 10.0, "beta": 10 * BETA},
        "Nothing to speak of. Only β/α decides what the best picture is, and Adam does not care "
        "how long a gradient is. (The smoothing now weighs a tenth as much beside them.)",
    ),
    (
        "The same β, but we begin with noise. Will the motif come back?",
        {"alpha": 1.0, "beta": BETA, "init": "noise"},
        "Yes, faintly and slowly: the content cost knows where everything was, but it has to be "
        "found again pixel by pixel.",
    ),
    (
        "Only the first layer has a say in the style. What remains of the painting?",
        {"alpha": 1.0, "beta": BETA, "init": "content", "only": 0},
        "Its colors and its finest grain: a value of the first layer sees 3 × 3 pixels.",
    ),
    (
        "And only the deepest one?",
        {"alpha": 1.0, "beta": BETA, "only": -1},
        "Larger shapes and strokes, with colors that are off: this layer hardly looks at them.",
    ),
)


class Classroom:
    """One question after the other; each sets the controls when `Try it` is pressed."""

    def __init__(self, studio):
        self._studio, self._session, self._asked = studio, studio.session, 0
        self.question = widgets.HTML()
        self.next_button = controls.button("Next question", studio.on(self._next))
        self.set_button = controls.button("Try it", studio.on(self._try), "primary")
        self.answer_button = controls.button("What to see", studio.on(self._answer))
        buttons = (self.next_button, self.set_button, self.answer_button)
        self.buttons = controls.box("nst-row", *buttons)

    def show(self, answered=False):
        question, _, answer = QUESTIONS[self._asked]
        self.question.value = (
            page.paragraph(f"Question {self._asked + 1} of {len(QUESTIONS)}")
            + page.paragraph(question, "nst-question")
            + page.paragraph(answer if answered else "Predict first.")
        )

    def _next(self, _=None):
        self._asked = (self._asked + 1) % len(QUESTIONS)
        self.show()

    def _try(self, _=None):
        weights = dict(QUESTIONS[self._asked][1])
        layers = self._session.transfer.network.style_layers
        only = weights.pop("only", None)
        chosen = layers if only is None else [layers[only]]
        self._session.change(init=weights.pop("init", "content"))
        self._session.set(**weights, layer_weights={n: float(n in chosen) for n in layers})
        self._session.reset()
        self._studio.show()
        self._studio.ticker.start()
        self._studio.show_buttons()

    def _answer(self, _=None):
        self.show(answered=True)
