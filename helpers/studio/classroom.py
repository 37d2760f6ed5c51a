"""The mode for a projector: predict first, then look."""

import ipywidgets as widgets

from . import controls, page
from .scene import BETA

# (question, what is set, what to see); {field} is what a value of the only layer sees, in pixels.
QUESTIONS = (
    (
        "β is almost 0. What will the painting look like in ten seconds?",
        {"alpha": 1.0, "beta": BETA / 50},
        "The photograph. J is nearly the content cost alone, and the photograph has none.",
    ),
    (
        f"Now β is {50 * BETA:g}. What is left of the motif?",
        {"alpha": 1.0, "beta": 50 * BETA},
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
        "Only block 1 has a say in the style. What remains of the painting?",
        {"alpha": 1.0, "beta": 4 * BETA, "init": "content", "only": 0},
        "Its colors and its finest grain: a value of this layer sees {field} × {field} pixels.",
    ),
    (
        "Only block 2?",
        {"alpha": 1.0, "beta": 4 * BETA, "only": 1},
        "Colors still, and dabs that are a few pixels long: it sees {field} × {field} pixels.",
    ),
    (
        "Only block 3?",
        {"alpha": 1.0, "beta": 4 * BETA, "only": 2},
        "Strokes: with {field} × {field} pixels a value sees one whole, and its neighbours.",
    ),
    (
        "Only block 4?",
        {"alpha": 1.0, "beta": 4 * BETA, "only": 3},
        "Longer strokes, and how they run together, over {field} × {field} pixels; "
        "the colors stray.",
    ),
    (
        "And only block 5, the deepest?",
        {"alpha": 1.0, "beta": 4 * BETA, "only": 4},
        "Long, bent strokes over everything, in colors of no painting: a value sees {field} × "
        "{field} pixels, more than half of this picture, and hardly looks at color.",
    ),
)


class Classroom:
    """One question after the other; each sets the controls when `Try it` is pressed."""

    def __init__(self, studio):
        self._studio, self._asked = studio, 0
        self.question, self.set = widgets.HTML(), controls.column("nst-set")
        self.next_button = controls.button("Next question", studio.on(self._next))
        self.set_button = controls.button("Try it", studio.on(self._try), "primary")
        self.answer_button = controls.button("What to see", studio.on(self._answer))
        buttons = (self.set_button, self.answer_button, self.next_button)
        self.buttons = controls.box("nst-row", *buttons)

    def show(self, answered=False):
        question, wished, answer = QUESTIONS[self._asked]
        layer = self._layer(wished)
        field = self._studio.session.transfer.network.layers[layer].receptive_field
        self.question.value = (
            page.paragraph(f"Question {self._asked + 1} of {len(QUESTIONS)}")
            + page.paragraph(question, "nst-question")
            + page.paragraph(answer.format(field=field) if answered else "Predict first.")
        )
        weights, pictures = self._studio.weights, self._studio.pictures
        shown = [weights.front]
        shown += [weights.alpha, weights.beta] if wished["alpha"] != 1 else []
        shown += [pictures.choices["init"]] if "init" in wished and "only" not in wished else []
        shown += [weights.layers] if "only" in wished else []
        if self.set.children != tuple(shown):
            self.set.children = shown

    def _layer(self, wished):
        layers = self._studio.session.transfer.network.style_layers
        return layers[min(wished.get("only", 0), len(layers) - 1)]

    def _next(self, _=None):
        self._asked = (self._asked + 1) % len(QUESTIONS)
        self.show()

    def _try(self, _=None):
        wished, session = QUESTIONS[self._asked][1], self._studio.session
        layers, only = session.transfer.network.style_layers, "only" in wished
        chosen = [self._layer(wished)] if only else layers
        weights = {name: wished[name] for name in ("alpha", "beta")}
        session.change(init=wished.get("init", "content"))
        session.set(**weights, layer_weights={n: float(n in chosen) for n in layers})
        session.reset()
        self._studio.ticker.start()
        self._studio.show()

    def _answer(self, _=None):
        self.show(answered=True)
