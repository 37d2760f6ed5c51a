"""A painting in progress, without widgets: what the studio's controls do.

One Transfer moves from coarse to fine; with Adam, because L-BFGS would lose its memory whenever a
weight moves.  Whoever shows it has one thread and wants to hear the user: nothing here works longer
than it is told to.  `tick` paints for a fraction of a second; `along` and `render` are generators
that yield their progress, 0 to 1, as often.
"""

import collections
import math
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .. import images
from ..errors import SettingError
from ..optimizers import FAR
from ..settings import WEIGHTS, TransferSpec
from .sources import Sources, beta_for

START = TransferSpec("cat", "starry_swirls", size=256, network="mini")
ALPHA, BETA = START.alpha, START.beta
REACH = 50  # β/α goes from BETA / REACH to BETA · REACH on the knob
PARTS = ("white", "black")  # of a mask: for the first painting and the second one
TICK = 0.12  # seconds: one more step and the way there and back, and it is three tenths
MAX_STEPS = 50  # of a tick, so that a fast machine still hears the user at once
# Adam's rate, in gray levels: high after a change, then falling, so that the pixels settle.
FRESH, CHANGED, SETTLED, FALL = 8.0, 4.0, 0.8, 0.98
# Where larger strokes are asked for, steps at ½ (and ¼) of the size come first: they are cheap,
# and find strokes that steps at full size never would.  After a small change they would only blur.
COARSE_STEPS = 30  # steps at each smaller size
CURVE_POINTS = 400
UNDONE, ONE_MOVE = 20, 1.5  # actions kept; seconds between moves of a slider that are one action
RENDER_STEPS = 120


class Snapshot(NamedTuple):
    """A picture, (height, width, 3) in 0–255, and all that was set when it was painted.

    curve: the costs on the way there, a row a tick as in `Transfer.history`.
    """

    picture: np.ndarray
    spec: TransferSpec
    steps: int
    curve: list = ()


def number(value: float) -> str:
    """Three digits, and no powers of ten, for readers: 0.0123, 4.5, 2750."""
    return f"{float(f'{value:.3g}'):.10g}" if np.isfinite(value) else "∞"


def ratio(spec: TransferSpec) -> float:
    """β/α, infinite where the style alone counts."""
    return spec.beta / spec.alpha if spec.alpha else math.inf


class Session:
    """Two pictures, a network, the weights of the costs, and the picture that they lead to.

    spec, options: a `TransferSpec` and other fields for it.  sources: where uploads are put.
    snapshots: what the user keeps.  cells, rendered: what `along` and `render` leave.
    Raises what `images.load`, `vgg.load` and `Transfer` raise, and SettingError for other values
    that make no sense; what fails changes nothing.
    """

    def __init__(
        self, spec: TransferSpec = START, *, sources=None, clock=time.perf_counter, **options
    ):
        self._clock, self.sources = clock, sources or Sources()
        self.snapshots, self.cells, self.rendered = [], [], None
        self._undo = collections.deque(maxlen=UNDONE)
        self._begin(self.sources.transfer(checked(spec.changed(**options))))

    # What is there.

    @property
    def spec(self) -> TransferSpec:
        """All that is set: what decides the picture."""
        return self.transfer.spec

    @property
    def steps(self) -> int:
        """Steps done since the start."""
        return self.transfer.step_count

    @property
    def content(self) -> np.ndarray:
        """C, (height, width, 3) in 0–255."""
        return self.transfer.content

    @property
    def styles(self) -> list[np.ndarray]:
        """The paintings S."""
        return self.transfer.styles

    @property
    def picture(self) -> np.ndarray:
        """G at full size: of a coarse level, what it has changed, with all finer detail."""
        if self._detail is None:
            return self.transfer.picture
        return np.clip(self.transfer.full_picture + self._detail, 0, 255)

    def snapshot(self) -> Snapshot:
        """The present picture, with all that is set."""
        return Snapshot(self.picture, self.spec, self.steps, list(self.transfer.rows))

    # What the controls do.

    def change(self, **fields) -> None:
        """Other fields of the spec, from the next step on.

        The painting goes on from where it is, or begins anew where it cannot: with another
        photograph, or another first picture.  At the left end of the knob it is the photograph
        itself, at once and as long as the knob stays there.
        """
        if isinstance(fields.get("styles"), str):
            fields["styles"] = (fields["styles"],)
        count = len(fields.get("styles", self.spec.styles))
        if count != len(self.spec.styles):  # then nothing that belongs to each of them fits
            scale = self.spec.style_scale and self.spec.style_scale[:1]
            fields = {"style_weights": None, "style_scale": scale, "mask": self.spec.mask} | fields
        if "mask" in fields:
            fields = {"style_mask": PARTS[:count] if fields["mask"] else None} | fields
        self._go(self.spec.changed(**fields))

    def apply(self, metadata: dict) -> list[str]:
        """Set everything as the metadata of a saved picture say.

        What cannot be had stays as it is; returns the names.  Raises SettingError where the weights
        belong to other costs, and what `change` raises.
        """
        spec, missing = self.sources.saved(self.spec, metadata)
        self._go(spec)
        return missing

    def tick(self, seconds: float = TICK) -> int:
        """As many steps as fit into `seconds`, at least one.  Returns how many."""
        run, begun, rows = self.transfer, self._clock(), len(self.transfer.rows)
        level, full = run.level, run.level == run.levels - 1
        pace, most = self._paces.get(level), MAX_STEPS if full else self._left
        n = int(np.clip(seconds / pace, 1, most)) if pace else 1
        run.step(n, 0.0 if _at_left_end(self.spec) else self._rate)
        del run.rows[rows:-1]
        if len(run.rows) > CURVE_POINTS:
            done = [row["step"] for row in run.rows]
            even = np.linspace(done[0], done[-1], CURVE_POINTS // 2)
            run.rows = [run.rows[i] for i in np.unique(np.searchsorted(done, even))]
        # The first step at a level takes longer; the second one is measured.
        self._paces[level] = (self._clock() - begun) / n if level in self._paces else None
        self._left -= n
        if full:
            self._rate = max(self._rate * FALL**n, SETTLED)
        elif not self._left:
            self._enter(run, self.picture, level + 1)
        return n

    def keep(self) -> None:
        """Make a snapshot of the present picture."""
        self.snapshots.append(self.snapshot())

    def restore(self, snapshot: Snapshot) -> None:
        """On from a snapshot, or one of `cells`, with everything that was set then."""
        before = self.snapshot()
        self._take(snapshot)
        self._undo.append(before)

    def undo(self) -> bool:
        """Back to before the last action.  Returns whether there was one."""
        if self._undo:
            self._take(self._undo[-1])
            self._undo.pop()
            return True
        return False

    def reset(self) -> None:
        """Back to the picture to start from; α, β and the rest stay as they are."""
        transfer, before = self.sources.transfer(self.spec), self.snapshot()
        self._begin(transfer)
        self._undo.append(before)

    def along(self, betas, size: int = 128, steps: int = 90) -> Iterator[float]:
        """Paint with each β, as one batch, coarse to fine; a generator of progress from 0 to 1.

        At its end `cells` holds one Snapshot for each.
        """
        begun = self.spec.changed(alpha=self.spec.alpha or 1.0)
        spec = begun.changed(size=min(size, begun.size), steps=steps, beta=betas)
        levels = min(2, self.transfer.levels)
        run = self.sources.transfer(spec, optimizer="lbfgs", levels=levels)
        yield from _in_bites(run)
        specs = [begun.changed(beta=beta) for beta in betas]
        self.cells = [
            Snapshot(run.content if _at_left_end(spec) else G, spec, steps)
            for G, spec in zip(run.pictures, specs, strict=True)
        ]

    def render(self, size: int = 768, steps: int = RENDER_STEPS) -> Iterator[float]:
        """A large copy of the present picture; a generator of progress from 0 to 1.

        It goes on from the present picture, coarse to fine.  At its end, or when the generator is
        closed, `rendered` holds the picture so far and its spec.
        """
        beta = beta_for(self.spec.beta, self.spec.size, size)
        spec = self.spec.changed(size=size, steps=steps, beta=beta)
        larger = max(1, size / max(self.content.shape))
        levels = math.floor(math.log2(larger)) + 1  # of which the first is as large as the picture
        run = self.sources.transfer(spec, optimizer="lbfgs", levels=levels)
        run.picture = self.picture
        try:
            yield from _in_bites(run)
        finally:
            self.rendered = run.full_picture, run.spec.changed(steps=max(1, run.step_count))

    def save(self, path: str | os.PathLike, rendered: bool = False) -> None:
        """Write the picture (or the large copy) with its spec.  Raises OutputError, also where a
        picture would be lost that the session has read."""
        picture, spec = self.picture, self.spec.changed(steps=max(1, self.steps))
        if rendered and self.rendered:
            picture, spec = self.rendered
        self.sources.check_output(path)
        images.save(path, picture, spec.metadata())

    # How.  What may fail comes first, then the Transfer is replaced as a whole.

    def _begin(self, transfer):
        """From the first picture, at full size as it is shown."""
        full = transfer.levels - 1
        transfer.enter(full, [transfer.first_picture(full)])
        if _at_left_end(transfer.spec):
            self._go_on(transfer, transfer.content, full, SETTLED)
        else:
            self._go_on(transfer, transfer.picture, 0, FRESH)

    def _go(self, spec):
        spec, old = checked(spec), self.spec
        names = {n for n in spec.__dataclass_fields__ if getattr(spec, n) != getattr(old, n)}
        if names <= set(WEIGHTS):
            self._weigh({name: getattr(spec, name) for name in names})
            return
        transfer, before = self.sources.transfer(spec), self.snapshot()
        if names & {"content", "init"}:
            self._begin(transfer)
        else:
            transfer.step_count, transfer.rows = self.steps, self.transfer.rows
            self._go_on(transfer, before.picture, 0, CHANGED)
        self._undo.append(before)

    def _weigh(self, weights):
        before, move, now = self.snapshot(), set(weights), self._clock()
        self.transfer.set(**weights)
        if not weights:
            return
        if self._last_move[0] != move or now - self._last_move[1] > ONE_MOVE:
            self._undo.append(before)
        if _at_left_end(self.spec) and not _at_left_end(before.spec):
            self._go_on(self.transfer, self.content, self.transfer.levels - 1, SETTLED)
        elif _asks_for_strokes(self.spec, self._laid_out):
            self._go_on(self.transfer, before.picture, 0, CHANGED)
        else:
            self._rate = max(self._rate, CHANGED)
            if ratio(self.spec) < ratio(self._laid_out):
                self._laid_out = self.spec  # strokes go at full size
        self._last_move = move, now

    def _take(self, snapshot):
        transfer = self.sources.transfer(snapshot.spec)
        transfer.step_count, transfer.rows = snapshot.steps, list(snapshot.curve)
        self._go_on(transfer, snapshot.picture, transfer.levels - 1, SETTLED)

    def _go_on(self, transfer, picture, level, rate):
        """With a Transfer from a picture, first at this level, with this rate of Adam's."""
        self._enter(transfer, picture, level)
        self._paces, self._rate, self._laid_out = {}, rate, transfer.spec
        self._last_move = None, -math.inf

    def _enter(self, transfer, picture, level):
        if level != transfer.level:
            transfer.enter(level)
        transfer.picture, detail = picture, None
        if level < transfer.levels - 1:  # it cannot hold all of the picture
            whole = images.resize(picture, *transfer.content.shape[:2])
            detail = images.detail(whole, *transfer.G.shape[1:3])
        self.transfer, self._detail, self._left = transfer, detail, COARSE_STEPS


def _in_bites(run):
    """Paint as many steps as the spec says; a generator of progress from 0 to 1."""
    yield 0.0
    for done in run.chunks(run.spec.steps, TICK):
        yield done / run.spec.steps


def checked(spec: TransferSpec) -> TransferSpec:
    """The spec; raises SettingError for one that a session cannot paint."""
    if np.ndim(spec.alpha) or np.ndim(spec.beta) or not spec.size:
        raise SettingError("A session paints one picture: give one alpha, beta and size in pixels.")
    if not spec.styles or not spec.content:
        raise SettingError("A session needs a photograph and a painting: name both.")
    return spec


def _at_left_end(spec):
    """Of the knob: "photograph" is the photograph, and not one that Adam gives a tint."""
    return ratio(spec) <= 1.001 * BETA / REACH


def _asks_for_strokes(spec, before):
    """Whether β/α has risen, or what the style layers count has changed, so much that it takes
    other large strokes than before."""
    leans = [max(one.beta, 1e-9) / max(one.alpha, 1e-9) for one in (spec, before)]
    now, then = (np.divide(one.layer_weights, sum(one.layer_weights)) for one in (spec, before))
    return leans[0] >= FAR * leans[1] or np.abs(now - then).sum() > 0.5
