"""The kinds of widgets of the studio.  They work with ipywidgets 7.7.1 (Colab) and 8.

on: makes a function a callback, see `Studio.on`.
"""

import base64
import binascii
import itertools
import math
from collections.abc import Callable

import ipywidgets as widgets

from ..errors import PictureError, SettingError
from . import page
from .session import number

STEPS = 24  # of a logarithmic slider for each power of ten: a tenth more at each
_WIDE = {"style": {"description_width": "112px"}, "layout": {"width": "100%"}}
_counter = itertools.count()


class Ticker:
    """Calls `work` again and again, each time in a callback of its own, until it is stopped.

    Each tick asks the page for the next one, by a link from one number to another one, which the
    page sends back.  running: whether it goes on.
    """

    def __init__(self, work: Callable):
        self.running, self._work, self._sent = False, work, 0
        self.asked, self.answered = widgets.IntText(), widgets.IntText()
        self._link = widgets.jsdlink((self.asked, "value"), (self.answered, "value"))
        self.answered.observe(self._tick, "value")

    def start(self) -> None:
        """Go on."""
        self.running = True
        self._ask()

    def stop(self) -> None:
        """No more ticks, but for one that may be under way."""
        self.running = False

    def outdate(self) -> None:
        """What the page sends is out of date until it has seen what is sent now."""
        self._ask()
        self._sent = self.asked.value

    @property
    def outdated(self) -> bool:
        """Whether what comes was sent before the page saw what is on it now."""
        return self.answered.value < self._sent

    def _ask(self):
        self.asked.value = max(self.asked.value, self.answered.value) + 1

    def _tick(self, _):
        if self.running and self.answered.value >= self.asked.value:  # the newest alone
            self._work()
            if self.running:
                self._ask()


class Number:
    """A logarithmic slider, and the number itself, which can be typed.  take(value): see `bind`.

    The slider counts its steps: any other value the page would answer with its nearest step.  The
    scale stays as it is: a number beyond it stands at its end.
    """

    def __init__(self, on: Callable, title: str, low, high, value: float, take: Callable):
        self._low, self._high, self._take = low, high, take
        self._steps = 2 * round(STEPS / 2 * math.log10(high / low))  # even: there is a middle
        wide = {"layout": {"width": "100%"}, "style": {"description_width": "var(--nst-name)"}}
        self.slider = widgets.IntSlider(max=self._steps, description=title, readout=False, **wide)
        self.typed = widgets.Text(continuous_update=False)
        self.typed.add_class("nst-typed")
        self.box = box("nst-number", self.slider, self.typed)
        self.show(value)
        bind(on, self.slider, self._slid)
        bind(on, self.typed, self._entered)

    def show(self, value: float) -> None:
        """Stand for this number, which may also be 0 or infinite."""
        self._value, self.typed.value = value, number(value)
        inside = min(max(value, self._low), self._high)
        way = math.log(inside / self._low) / math.log(self._high / self._low)
        self.slider.value = round(way * self._steps)

    def _slid(self, step):
        value = self._low * (self._high / self._low) ** (step / self._steps)
        unit = 10.0 ** math.floor(math.log10(value))  # two digits, below 2 steps of 0.05
        unit /= 20 if value < 2 * unit else 10
        self._take(float(f"{round(value / unit) * unit:.3g}"))

    def _entered(self, text):
        if text != number(self._value):
            try:
                value = float(text.strip().replace(",", ".").replace("∞", "inf"))
            except ValueError:
                value = math.nan
            if not value >= 0:
                raise SettingError(f"{text!r} is no number from 0 up: write one such as 2.5.")
            self._take(value)


class Faces:
    """Buttons that show pictures; take(key) is called on a click.

    made: {key: its box, of a style and the button}.
    """

    def __init__(self, on: Callable, take: Callable):
        self._on, self._take, self.made, self.box = on, take, {}, box("nst-faces")

    def show(self, items: list, chosen: tuple = ()) -> None:
        """items: [(key, what it is, a function that gives the picture)]; chosen: keys to mark.

        Only what is new is made, so that nothing flickers.
        """
        for key, text, picture in items:
            if key not in self.made:
                self.made[key] = self._face(key, text, picture())
        faces = tuple(self.made[key] for key, _, _ in items)
        if faces != self.box.children:
            self.box.children = faces
        for key, face in self.made.items():
            set_class(face, "nst-chosen", key in chosen)

    def _face(self, key, text, picture):
        # The picture is its background: a real button, with a name, that the keyboard reaches.
        name, shade = f"nst-face-{next(_counter)}", "linear-gradient(transparent 60%, #000b)"
        rule = f".nst .{name} button {{ background-image: {shade}, url({page.address(picture, 168)}"
        style = widgets.HTML(f"<style>{rule}); }}</style>")
        face = box("nst-face", style, button(text, self._on(lambda _: self._take(key))))
        face.add_class(name)
        return face


class Upload:
    """What the page sends as a file: pieces upload, saved and brush.  take(name, bytes).

    The page sends it as text, and a picture made small: a FileUpload of 1 MB or more fails in
    Colab without a word.
    """

    def __init__(self, on: Callable, html: str, take: Callable):
        self._take, self.text = take, widgets.Textarea(continuous_update=False)
        self.text.observe(on(self._come), "value")
        self.html = widgets.HTML(html)
        self.box = box("nst-upload", self.html, self.text)

    def _come(self, change):
        if not change["new"]:
            return
        name, _, data = change["new"].partition("|")
        self.text.value = ""  # the same file once more is news again
        try:
            found = base64.b64decode(data.partition("base64,")[2], validate=True)
        except binascii.Error:
            found = b""
        if not found:
            raise PictureError(f"{name} is no picture that this browser can read: try a JPEG.")
        self._take(name, found)


def tabs(columns: dict) -> tuple:
    """(buttons, a box of them and, below, what belongs to each); columns: {title: its children}.

    All of it is on the page; studio.css shows what belongs to the button that is pressed, at once,
    without asking Python.
    """
    buttons = widgets.ToggleButtons(options=list(columns))
    buttons.add_class("nst-tabs")
    below = (column("nst-tab", *children) for children in columns.values())
    return buttons, column("nst-tabbed", buttons, *below)


def bind(on: Callable, widget, take: Callable):
    """Has take(value) called for what a hand sets, not for what is set quietly from here."""
    widget.observe(on(lambda change: take(change["new"])), "value")
    return widget


def choice(on: Callable, title: str, options: dict, take: Callable) -> widgets.Dropdown:
    """A dropdown; options: {text: value}."""
    pairs = tuple(options.items())
    return bind(on, widgets.Dropdown(options=pairs, description=title, **_WIDE), take)


def choose(dropdown: widgets.Dropdown, value) -> None:
    """Sets a dropdown, in which the value becomes an option if it is none."""
    options = dict(dropdown.options)
    if value not in options.values():
        dropdown.options = tuple((options | {str(value): value}).items())
    dropdown.value = value


def slider(on: Callable, title: str, low: float, high: float, take: Callable):
    """A linear slider that tells where it is let go."""
    place = {"min": low, "max": high, "step": 0.05, "continuous_update": False}
    return bind(on, widgets.FloatSlider(value=low, description=title, **place, **_WIDE), take)


def slide(slider: widgets.FloatSlider, value: float) -> None:
    """Sets a linear slider, whose scale grows where the value is beyond it."""
    value = round(value, 2)  # of its steps: the page would answer another one with the nearest
    slider.min, slider.max = min(slider.min, value), max(slider.max, value)
    slider.value = value


def field(on: Callable, title: str, take: Callable, options=()) -> widgets.Combobox:
    """A line for a text, which is empty again when it is taken, and else stays to be corrected."""
    line = widgets.Combobox(description=title, continuous_update=False, **_WIDE)
    line.options, line.placeholder = list(options), "path, address or name"

    def entered(text):
        if text.strip():
            take(text.strip())
            line.value = ""

    return bind(on, line, entered)


def button(description: str, action: Callable, style: str = "") -> widgets.Button:
    """A button as wide as its text."""
    button = widgets.Button(description=description, button_style=style, layout={"width": "auto"})
    button.on_click(action)
    return button


def html(name: str, /, **values) -> widgets.HTML:
    """A piece of studio.html as a widget."""
    return widgets.HTML(page.piece(name, **values))


def box(kind: str, *children, container=widgets.Box) -> widgets.Box:
    """A box with a class of studio.css."""
    box = container(list(children))
    box.add_class(kind)
    return box


def column(kind: str, *children) -> widgets.VBox:
    """A box whose children stand below each other."""
    return box(kind, *children, container=widgets.VBox)


def show_if(widget, shown: bool) -> None:
    """Whether it is on the page."""
    widget.layout.display = "" if shown else "none"


def set_class(widget, name: str, wanted: bool) -> None:
    """Whether it has a class of studio.css."""
    (widget.add_class if wanted else widget.remove_class)(name)
