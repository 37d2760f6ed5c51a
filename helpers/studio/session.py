"""A painting in progress, without widgets: what the studio's controls do.

Whoever shows it has one thread and wants to hear the user: nothing here works longer than it is
told to.  `tick` paints for a fraction of a second; `grid` and `render` are generators that yield
their progress, 0 to 1, as often.  Every picture that is left behind becomes a snapshot first.
"""

import functools
import threading
import time

from .. import files, images
from ..errors import PictureError, SettingError
from ..objective import WEIGHTS
from . import jobs
from .painting import Painting
from .scene import ALPHA, BETA, TV, Scene, Snapshot, layer_weights
from .sources import Sources


def _locked(method):
    """A widget's callback may come in another thread while a cell runs: one at a time."""

    @functools.wraps(method)
    def waiting(self, *arguments, **named):
        with self.lock:
            return method(self, *arguments, **named)

    return waiting


class Session:
    """Two pictures, a network, the weights of the costs, and the picture that they lead to.

    scene: the fields of `Scene`; weights: alpha, beta, tv, layer_weights of `Transfer`.
    sources: where uploads are put.  snapshots: what was kept, each with its number.  cells,
    rendered: what `grid` and `render` leave.
    Raises what `images.load`, `vgg.load` and `Transfer` raise, and SettingError for other values
    that make no sense; what fails changes nothing.
    """

    def __init__(self, *, alpha=ALPHA, beta=BETA, tv=TV, clock=time.perf_counter, **scene):
        self.lock, self._clock, self.sources = threading.RLock(), clock, Sources()
        self.snapshots, self.cells, self.rendered = [], [], None
        self._begin(self._paint(Scene().changed(**scene), {"alpha": alpha, "beta": beta, "tv": tv}))

    # What is there.

    scene = property(lambda self: self._painting.scene)
    weights = property(lambda self: self._painting.weights)
    steps = property(lambda self: self._painting.steps)
    curve = property(lambda self: self._painting.curve)
    transfer = property(lambda self: self._painting.transfer)
    picture = property(lambda self: self._painting.picture)
    content = property(lambda self: self.transfer.content)
    style = property(lambda self: self.transfer.styles[0])

    @property
    def settings(self):
        """What is saved with the picture, as `python -m helpers` does it."""
        names = {
            "content": files.public(self.scene.content),
            "styles": [files.public(self.scene.style)],
        }
        steps = {"size": self.scene.size, "steps": self.steps}
        return names | steps | self.transfer.settings

    # What the controls do.

    @_locked
    def set(self, **weights):
        """New alpha, beta, tv or layer_weights, from the next step on; nothing is traced again."""
        self._painting.weigh(weights)

    @_locked
    def change(self, **fields):
        """Another content, style, network, size, init or keep_colors.

        The painting goes on from where it is, or begins anew where it cannot: with another
        content, or another init.
        """
        self._go(self.scene.changed(**fields), self.weights)

    @_locked
    def apply(self, settings):
        """Set pictures, network, init and weights as `settings` of a saved picture say.

        Raises SettingError where the weights belong to other costs, and what `change` raises.
        Pictures that are not at hand are left as they are; returns their names.
        """
        if settings.get("costs", "relative") != "relative":
            raise SettingError(
                f"This picture was painted with the costs {settings['costs']}, whose alpha and "
                "beta mean something else here: choose one painted with relative costs."
            )
        styles = settings.get("styles")
        style = styles[0] if isinstance(styles, list) and styles else None
        fields, missing = self._at_hand({"content": settings.get("content"), "style": style})
        fields |= {n: settings[n] for n in ("network", "init", "keep_colors") if n in settings}
        scene = self.scene.changed(**fields)
        weights = {name: settings[name] for name in WEIGHTS if name in settings}
        network, given = self.sources.network(scene.network), weights.get("layer_weights")
        weights["layer_weights"] = layer_weights(network, given)
        self._go(scene, self.weights | weights)
        return missing

    @_locked
    def tick(self, seconds=jobs.TICK):
        """As many steps as fit into `seconds`, at least one.  Returns how many.

        `curve` gets a row: (step, content cost, style cost, total cost) at full size.
        """
        self._moved = True  # also where it fails: some steps may be done
        return self._painting.tick(seconds)

    @_locked
    def keep(self):
        """Make a snapshot, unless the present picture is one already.  Returns its number."""
        if self._moved or not self.snapshots:
            now = (self.picture, self.scene, self.weights, self.steps, self._here, self.curve[:])
            self.snapshots.append(Snapshot(*now, self._painting.pixels))
            self._here, self._moved = len(self.snapshots) - 1, False
        return self._here

    @_locked
    def undo(self):
        """Back to the snapshot that the present picture was painted from, if there is one."""
        parent = self.snapshots[self.keep()].parent
        if parent is not None:
            self.restore(parent)

    @_locked
    def restore(self, number):
        """Back to a snapshot, with everything that was set then."""
        if number not in range(len(self.snapshots)):
            last = len(self.snapshots) - 1
            raise SettingError(f"There is no snapshot {number!r}: choose one of 0 to {last}.")
        self._take(self.snapshots[int(number)])
        self._here, self._moved = int(number), False

    @_locked
    def reset(self):
        """Back to the picture to start from; α, β and the rest stay as they are."""
        self.keep()
        self._painting.begin()
        self._begin(self._painting)

    @_locked
    def send(self, cell):
        """A cell of the grid, a Snapshot, becomes the present picture."""
        self._take(cell)
        self._moved = True

    @_locked
    def grid(self, alphas, betas, size=128, steps=90):
        """Paint every α × β as one batch, coarse to fine; a generator of progress from 0 to 1.

        At its end `cells` holds one list of Snapshots for each β, one Snapshot for each α.
        """
        return jobs.grid(self, alphas, betas, size, steps)

    @_locked
    def render(self, size=768, network=None, steps=120):
        """The present picture at another size; a generator of progress from 0 to 1.

        It goes on from the present picture, coarse to fine.  At its end, or when the generator is
        closed, `rendered` holds the picture so far and its settings.
        """
        return jobs.render(self, size, network, steps)

    @_locked
    def save(self, path, rendered=False):
        """Write the picture (or the rendered one) with its settings.  Raises OutputError, also
        where a picture would be lost that the session has read."""
        picture, settings = (self.picture, self.settings)
        if rendered and self.rendered:
            picture, settings = self.rendered
        self.sources.check_output(path)
        images.save(path, picture, settings)

    # How.  What may fail comes first, then the painting is replaced as a whole.

    def _paint(self, scene, weights):
        return Painting(scene, weights, self.sources, self._clock)

    def _begin(self, painting):
        """It is a first picture: no other one leads to it."""
        self._painting, self._here, self._moved = painting, None, True
        self.keep()

    def _go(self, scene, weights):
        if scene == self.scene:
            self._painting.weigh(weights)
            return
        painting = self._paint(scene, weights)
        anew = (scene.content, scene.init) != (self.scene.content, self.scene.init)
        if not anew:
            painting.go_on_from(self._painting)
        self.keep()
        if anew:
            self._begin(painting)
        else:
            self._painting, self._moved = painting, True

    def _take(self, snapshot):
        painting = self._painting
        if snapshot.scene != painting.scene:
            painting = self._paint(snapshot.scene, snapshot.weights)
        self.keep()
        painting.take(snapshot)
        self._painting = painting

    def _at_hand(self, named):
        """{field: picture} of those that can be read, and the names of the others."""
        fields, missing = {}, []
        for field, name in named.items():
            if name is None or name == files.public(getattr(self.scene, field)):
                continue
            self.scene.changed(**{field: name})  # refuses what is no name
            name = self.sources.named(name)
            try:
                self.sources.load(name, 64)
                fields[field] = name
            except PictureError:
                missing.append(name)
        return fields, missing
