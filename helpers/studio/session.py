"""A painting in progress, without widgets: what the studio's controls do.

Whoever shows it has one thread and wants to hear the user: nothing here works longer than it is
told to.  `tick` paints for a fraction of a second; `grid` and `render` are generators that yield
their progress, 0 to 1, as often.  Every picture that is left behind becomes a snapshot first.
"""

import functools
import threading
import time

import numpy as np

from .. import files, images
from ..errors import SettingError
from . import jobs
from .film import Film
from .painting import Painting
from .scene import ALPHA, BETA, TV, Scene, Snapshot
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
    sources: where uploads are put.  snapshots: what was kept, each with its number.  film: the way
    of the present picture.  cells, rendered: what `grid` and `render` leave.
    Raises what `images.load`, `vgg.load` and `Transfer` raise, and SettingError for other values
    that make no sense; what fails changes nothing.
    """

    def __init__(
        self, *, alpha=ALPHA, beta=BETA, tv=TV, sources=None, clock=time.perf_counter, **scene
    ):
        self.lock, self._clock, self.sources = threading.RLock(), clock, sources or Sources()
        self.snapshots, self.cells, self.rendered = [], [], None
        self._begin(self._paint(Scene().changed(**scene), {"alpha": alpha, "beta": beta, "tv": tv}))

    # What is there.

    scene = property(lambda self: self._painting.scene)
    weights = property(lambda self: self._painting.weights)
    steps = property(lambda self: self._painting.steps)
    curve = property(lambda self: self._painting.curve)
    transfer = property(lambda self: self._painting.transfer)
    pace = property(lambda self: self._painting.pace)
    picture = property(lambda self: self._painting.picture)
    content = property(lambda self: self.transfer.content)
    styles = property(lambda self: self.transfer.styles)

    @property
    def settings(self):
        """What is saved with the picture, as `python -m helpers` does it."""
        names = {
            "content": files.public(self.scene.content),
            "styles": [files.public(style) for style in self.scene.styles],
        }
        steps = {"size": self.scene.size, "steps": self.steps}
        steps |= {"style_scale": [self.scene.style_scale] * len(self.scene.styles)}
        if self.scene.mask:
            mask, parts = files.public(self.scene.mask), self.scene.style_masks
            steps |= {"mask": mask, "style_mask": parts}
        return names | steps | self.transfer.settings

    # What the controls do.

    @_locked
    def set(self, **weights):
        """New alpha, beta, tv or layer_weights, from the next step on; nothing is traced again."""
        self._painting.weigh(weights)

    @_locked
    def change(self, **fields):
        """Other fields of the scene.

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
        scene, weights, missing = self.sources.saved(self.scene, settings)
        self._go(scene, self.weights | weights)
        return missing

    @_locked
    def tick(self, seconds=jobs.TICK):
        """As many steps as fit into `seconds`, at least one.  Returns how many.

        `curve` gets a row: (step, content cost, style cost, total cost, β/α, level), level 0 being
        full size.
        """
        self._moved = True  # also where it fails: some steps may be done
        done = self._painting.tick(seconds)
        self.film.see(self._now())
        return done

    @_locked
    def keep(self):
        """Make a snapshot, unless the present picture is one already.  Returns its number."""
        if self._moved or not self.snapshots:
            more = {"parent": self._here, "curve": self.curve[:], "pixels": self._painting.pixels}
            film = Film(self.film.moments, self.film.every)
            self.snapshots.append(self._now()._replace(film=film, **more))
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
    def go_back(self, moment):
        """On from a moment of the film; what comes after it there stays in a snapshot."""
        curve = [row for row in self.curve if row[0] <= moment.steps]
        picture, film = moment.picture.astype(np.float32), self.film.until(moment.steps)
        self._take(moment._replace(picture=picture, curve=curve, film=film))
        self._moved = True

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
    def render(self, size=768, network=None, steps=jobs.RENDER_STEPS):
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

    def _now(self):
        return Snapshot(self.picture, self.scene, self.weights, self.steps)

    def _begin(self, painting):
        """It is a first picture: no other one leads to it."""
        self._painting, self._here, self._moved, self.film = painting, None, True, Film()
        self.film.see(self._now())
        self.keep()

    def _go(self, scene, weights):
        if scene == self.scene:
            self._painting.weigh(weights)
            return
        if weights == self.weights:
            self.keep()
            if self._painting.restyle(scene, self.sources):
                self._moved = True
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
        self._painting, self.film = painting, Film()
        if snapshot.film:
            self.film = Film(snapshot.film.moments, snapshot.film.every)
        else:
            self.film.see(self._now())
