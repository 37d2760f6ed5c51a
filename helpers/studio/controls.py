"""The kinds of widgets of the studio.  They work with ipywidgets 7.7.1 (Colab) and 8."""

import base64
import binascii
import html
import itertools
import math

import ipywidgets as widgets

from ..errors import PictureError
from . import page

ON, OFF = "", "none"  # of a layout's display
_WIDE = {"style": {"description_width": "112px"}, "layout": {"width": "100%"}}
_numbers = itertools.count()


class Ticker:
    """Calls `work` again and again, each time in a callback of its own, until it is stopped.

    Each tick asks the page for the next one, by a link from a number here to the value of a Play
    there, which the page sends back.  Should a page not follow the link, a click on the Play, which
    is shown where a widget of ipywidgets 7 has seen no tick yet, does the same.
    """

    def __init__(self, work):
        self.running, self._work = False, work
        self.play = widgets.Play(min=0, max=10**9, interval=50, show_repeat=False)
        self._pulse = widgets.IntText()
        self._link = widgets.jsdlink((self._pulse, "value"), (self.play, "value"))
        hint = widgets.HTML("If the picture stands still, press ▶ here:")
        self.box = box("nst-row", hint, self.play)
        self._trait = "playing" if self.play.has_trait("playing") else "_playing"
        if self._trait == "playing":
            self.box.layout.display = OFF
        self.play.observe(self._tick, "value")
        self.play.observe(self._pressed, self._trait)

    def start(self):
        self.running = True
        self._ask()

    def stop(self):
        self.running = False
        setattr(self.play, self._trait, False)

    def _pressed(self, change):
        self.running = change["new"]

    def _tick(self, _):
        if self.running:
            self.box.layout.display = OFF
            self._work()
        if self.running and not getattr(self.play, self._trait):
            self._ask()

    def _ask(self):
        self._pulse.value = max(self._pulse.value, self.play.value) + 1


class Log:
    """A log slider for a weight that may also be 0, or infinite, and then stands at an end.

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
        slider, an_end = self.slider, weight in (0, math.inf)
        if not an_end:
            slider.min = min(slider.min, math.floor(math.log10(weight)))
            slider.max = max(slider.max, math.ceil(math.log10(weight)))
        slider.readout = not an_end
        named = {0: f"{self._description}: 0", math.inf: f"{self._description}: ∞"}
        slider.description = named.get(weight, self._description)
        if self.wishes(slider.value, weight):
            slider.value = 10.0 ** self._place(weight) if an_end else weight

    def _place(self, weight):
        ends = {0: self.slider.min, math.inf: self.slider.max}
        return ends[weight] if weight in ends else math.log10(weight)


def same(place, other):
    """Whether they are one place on a slider with steps of 0.02."""
    return abs(place - other) <= 0.011


class Faces:
    """Buttons that show the pictures that they take.

    take(key): called on a click.  Only what is new is made, so that nothing flickers.
    """

    def __init__(self, on, take, kind="nst-faces"):
        self._on, self._take, self._made, self.box = on, take, {}, box(kind)

    def show(self, items, chosen=()):
        """items: [(key, what it is, a function that gives the picture)]; chosen: keys to mark."""
        for key, text, picture in items:
            if key not in self._made:
                self._made[key] = self._face(key, text, picture())
        faces = tuple(self._made[key] for key, _, _ in items)
        if faces != self.box.children:
            self.box.children = faces
        for key, face in self._made.items():
            (face.add_class if key in chosen else face.remove_class)("nst-chosen")

    def clear(self):
        self._made = {}

    def button(self, key):
        return self._made[key].children[1]

    def _face(self, key, text, picture):
        # The picture is its background: a real button, with a name, that the keyboard reaches.
        name, shade = f"nst-face-{next(_numbers)}", "linear-gradient(transparent 60%, #000b)"
        rule = f".nst .{name} button {{ background-image: {shade}, url({page.address(picture, 168)}"
        face = box("nst-face", widgets.HTML(f"<style>{rule}); }}</style>"),
                   button(text, self._on(lambda _: self._take(key))))  # fmt: skip
        face.add_class(name)
        return face


class Upload:
    """What the page sends as a file: see `page.upload` and `page.brush`.

    take(name, bytes).  The page sends it as text, and a picture made small: a FileUpload of 1 MB
    or more fails in Colab without a word.
    """

    def __init__(self, on, html, take):
        self._take, self._text = take, widgets.Textarea(continuous_update=False)
        self._text.observe(on(self._come), "value")
        self.html = widgets.HTML(html)
        self.box = box("nst-upload", self.html, self._text)

    def _come(self, change):
        if not change["new"]:
            return
        name, _, data = change["new"].partition("|")
        self._text.value = ""  # the same file once more is news again
        try:
            found = base64.b64decode(data.partition("base64,")[2], validate=True)
        except binascii.Error:
            found = b""
        if not found:
            raise PictureError(f"{name} is no picture that this browser can read: try a JPEG.")
        self._take(name, found)


def button(description, action, style=""):
    button = widgets.Button(description=description, button_style=style, layout={"width": "auto"})
    button.on_click(action)
    return button


def slider(description, value, low, high, step, **options):
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=description, **_WIDE, **options
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


def field(on, description, action, options=()):
    """A line for a text, which action(text) gets when it is entered; then it is empty again."""
    line = widgets.Combobox(
        options=list(options), description=description, continuous_update=False, **_WIDE
    )

    def entered(change):
        if text := change["new"].strip():
            line.value = ""
            action(text)

    line.observe(on(entered), "value")
    return line


def box(kind, *children, container=widgets.Box):
    box = container(list(children))
    if kind:  # the page refuses an empty one
        box.add_class(kind)
    return box


def column(kind, *children):
    return box(kind, *children, container=widgets.VBox)


def heading(text):
    return widgets.HTML(f"<h4>{html.escape(text)}</h4>")
