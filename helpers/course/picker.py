"""Figures of the notebooks that follow a choice, and stay a picture where no kernel is."""

import base64
import html

from .. import images

WIDGET = "application/vnd.jupyter.widget-view+json"


class Picker:
    """Dropdowns above a figure that follows them; without a kernel, the first figure alone.

    It works in ipywidgets 7 and 8, and sends only from callbacks, as Colab wants it.
    """

    def __init__(self, draw, choices):
        self.draw, self.choices = draw, {name: list(values) for name, values in choices.items()}
        self.picked = {name: values[0] for name, values in self.choices.items()}
        self.figure = draw(**self.picked)

    def pick(self, **picked):
        """Another figure."""
        self.picked |= picked
        self.figure = self.draw(**self.picked)

    def html(self):
        source = images.data_address(self.figure.jpeg())
        alt = html.escape(self.figure.alt)
        return f'<img alt="{alt}" src="{source}" style="max-width: 100%">'

    def widget(self):
        import ipywidgets

        view = ipywidgets.HTML(self.html())
        boxes = {
            name: ipywidgets.Dropdown(options=values, description=name)
            for name, values in self.choices.items()
        }

        def follow(_):
            self.pick(**{name: box.value for name, box in boxes.items()})
            view.value = self.html()

        for box in boxes.values():
            box.observe(follow, names="value")
        return ipywidgets.VBox([ipywidgets.HBox(list(boxes.values())), view])

    def _ipython_display_(self):
        from IPython.display import display

        try:
            model = self.widget().model_id
        except ImportError:
            return display(self.figure)
        data, alt = base64.b64encode(self.figure.jpeg()).decode(), self.figure.alt
        bundle = {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": model}}
        # `static`: what tools/notebooks.py stores in the place of a widget.
        static = {"data": {"image/jpeg": data, "text/plain": alt}}
        static["metadata"] = {"image/jpeg": {"alt": alt}}
        return display(bundle | {"text/plain": alt}, metadata={"static": static}, raw=True)


def dropdowns(draw, **choices):
    """Dropdowns, {name: values}, above the figure draw(**the values picked), which has its alt."""
    return Picker(draw, choices)
