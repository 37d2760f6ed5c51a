"""Figures of the notebooks that follow a choice, and stay a picture where there is no kernel."""

import base64
import html
from collections.abc import Callable, Sequence

from .. import images
from ..plots import AltFigure

WIDGET = "application/vnd.jupyter.widget-view+json"


class Picker:
    """Dropdowns above a figure that follows them; without a kernel, the first figure alone.

    It works in ipywidgets 7 and 8, and sends only from callbacks, as Colab wants it.
    """

    def __init__(self, draw: Callable[..., AltFigure], choices: dict[str, Sequence]):
        self.draw, self.choices = draw, {name: list(values) for name, values in choices.items()}
        self.figure = draw(**{name: values[0] for name, values in self.choices.items()})

    def html(self) -> str:
        """The figure as a picture within the page."""
        source = images.data_address(self.figure.jpeg())
        alt = html.escape(self.figure.alt)
        return f'<img alt="{alt}" src="{source}" style="max-width: 100%">'

    def widget(self):
        """The dropdowns and the figure as one widget.  Raises ImportError without ipywidgets."""
        import ipywidgets

        view = ipywidgets.HTML(self.html())
        boxes = [ipywidgets.Dropdown(options=v, description=n) for n, v in self.choices.items()]

        def follow(_):
            self.figure = self.draw(**{box.description: box.value for box in boxes})
            view.value = self.html()

        for box in boxes:
            box.observe(follow, names="value")
        return ipywidgets.VBox([ipywidgets.HBox(boxes), view])

    def _ipython_display_(self):
        from IPython.display import display

        try:
            model = self.widget().model_id
        except ImportError:
            return display(self.figure)
        data, alt = base64.b64encode(self.figure.jpeg()).decode(), self.figure.alt
        static = {"data": {"image/jpeg": data, "text/plain": alt}}
        static["metadata"] = {"image/jpeg": {"alt": alt}}
        bundle = {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": model}}
        # `static` is what tools/notebooks.py stores in the place of the widget.
        return display(bundle | {"text/plain": alt}, metadata={"static": static}, raw=True)


def dropdowns(draw: Callable[..., AltFigure], **choices: Sequence) -> Picker:
    """Dropdowns, {name: values}, above the figure draw(**the values picked)."""
    return Picker(draw, choices)
