"""The kinds of widgets of the studio.  They work with ipywidgets 7.7.1 (Colab) and 8."""

import html
import math

import ipywidgets as widgets

from .. import images

ON, OFF = "", "none"  # of a layout's display
_WIDE = {"style": {"description_width": "112px"}, "layout": {"width": "100%"}}


class Ticker:
    """Calls `work` again and again, each time in a callback of its own, until it is stopped.

    A Play widget sends the ticks.  ipywidgets 8 starts it from the kernel.  In 7 only a click
    does, so each tick asks the page for the next one by a link to the Play's value; should a page
    not follow the link, a click on the Play (shown there) does the same.
    """

    def __init__(self, work):
        self.running, self._work = False, work
        self.play = widgets.Play(min=0, max=10**9, interval=50, show_repeat=False)
        self.box = box("nst-row", self.play)
        self._own = self.play.has_trait("playing")
        self._trait = "playing" if self._own else "_playing"
        if self._own:
            self.play.layout.display = OFF
        else:
            hint = widgets.HTML("If the picture stands still after Start, press ▶ here:")
            self.box.children = [hint, self.play]
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


class Log:
    """A log slider for a weight that may also be 0, which then stands at its lowest end.

    The page answers a value that is set from here with the nearest one on its scale, which is not
    to be taken for a wish; and one that stands there already is left alone: a hand may be on it,
    whose next move a value from here would undo.
    """

    def __init__(self, description, value, low, high):
        self.slider = widgets.FloatLogSlider(
            value=value, min=low, max=high, step=0.02, description=description, **_WIDE,
            readout_format=".3r",
        )  # fmt: skip
        self._description = description

    def wishes(self, value, weight):
        """Whether the slider's value is another one than this weight."""
        return not same(math.log10(value), self._place(weight))

    def show(self, weight):
        slider, zero = self.slider, weight == 0
        if weight > 0:
            slider.min = min(slider.min, math.floor(math.log10(weight)))
            slider.max = max(slider.max, math.ceil(math.log10(weight)))
        slider.readout = not zero
        slider.description = f"{self._description}: 0" if zero else self._description
        if self.wishes(slider.value, weight):
            slider.value = weight or 10.0**slider.min

    def _place(self, weight):
        return math.log10(weight) if weight > 0 else self.slider.min


def same(place, other):
    """Whether they are one place on a slider with steps of 0.02."""
    return abs(place - other) <= 0.011


def button(description, action, style=""):
    button = widgets.Button(description=description, button_style=style, layout={"width": "auto"})
    button.on_click(action)
    return button


def slider(description, value, low, high, step):
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=description, **_WIDE
    )


def choice(description, options, value):
    options = list(options.items()) if isinstance(options, dict) else list(options)
    control = widgets.Dropdown(options=options, description=description, **_WIDE)
    choose(control, value)
    return control


def choose(control, value):
    """Sets a dropdown, which gets the value as an option where it has none."""
    values = [o[1] if isinstance(o, tuple) else o for o in control.options]
    if value not in values:
        new = (value, value) if isinstance(control.options[0], tuple) else value
        control.options = (*control.options, new)
    control.value = value


def upload(description):
    return widgets.FileUpload(
        accept=",".join(images.READABLE), description=description, layout={"width": "auto"}
    )


def files(upload):
    """[(name, bytes)] of a FileUpload, whose value is a dict in ipywidgets 7, a tuple in 8."""
    if isinstance(upload.value, dict):
        return [(name, bytes(file["content"])) for name, file in upload.value.items()]
    return [(file["name"], bytes(file["content"])) for file in upload.value]


def box(kind, *children, container=widgets.Box):
    box = container(list(children))
    box.add_class(kind)
    return box


def column(kind, *children):
    return box(kind, *children, container=widgets.VBox)


def heading(text):
    return widgets.HTML(f"<h4>{html.escape(text)}</h4>")
