"""Figures of the notebooks that follow a choice, and stay a picture where there is no kernel."""

import html
from collections.abc import Callable, Sequence

from .. import images
from ..plots import AltFigure

WIDGET = "application/vnd.jupyter.widget-view+json"


class Picker:
    """Dropdowns, {name: values}, above the figure draw(**the values picked).

    It works in ipywidgets 7 and 8, and sends only from callbacks, as Colab wants it.
    """

    def __init__(self, draw: Callable[..., AltFigure], choices: dict[str, Sequence]):
        import ipywidgets

        self.draw, self.view = draw, ipywidgets.HTML()
        self.boxes = [ipywidgets.Dropdown(options=v, description=n) for n, v in choices.items()]
        self.widget = ipywidgets.VBox([ipywidgets.HBox(self.boxes), self.view])
        for box in self.boxes:
            box.observe(self._follow, names="value")
        self._follow()

    def _follow(self, _=None):
        self.figure = self.draw(**{box.description: box.value for box in self.boxes})
        alt, source = html.escape(self.figure.alt), images.data_address(self.figure.jpeg())
        self.view.value = f'<img alt="{alt}" src="{source}" style="max-width: 100%">'

    def _ipython_display_(self):
        from IPython.display import display

        bundle, metadata = self.figure.bundle()
        # `static` is what tools/notebooks.py stores in the place of the widget.
        static = {"data": bundle, "metadata": metadata}
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        shown = {WIDGET: view, "text/plain": self.figure.alt}
        display(shown, metadata={"static": static}, raw=True)


def dropdowns(draw: Callable[..., AltFigure], **choices: Sequence) -> Picker:
    """A `Picker`; its first figure is that of the first values."""
    return Picker(draw, choices)
