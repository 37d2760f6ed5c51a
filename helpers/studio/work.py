"""The panels for what takes longer, the grid and the rendering, and for files."""

import itertools
import os
from pathlib import Path

import ipywidgets as widgets

from .. import flipbook, images
from . import controls, jobs, page
from .panels import NETWORKS
from .scene import BETA, number

RENDER_SIZES = (384, 512, 768, 1024, 1536, 2048)
GRID_ALPHAS, GRID_BETAS = (0.3, 1.0, 3.0), (BETA / 10, BETA, 10 * BETA)
DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts it
_WAIT = "Wait until this is finished, or cancel it."


class Work:
    """One job at a time, painted in the ticks in which the picture would be; then it goes on.

    Of the studio it knows what a panel knows, and `folder`.
    """

    def __init__(self, studio):
        self._studio, on = studio, studio.on
        self._job, self._resume = None, False
        self.grid_button = controls.button("Paint the grid", on(self._grid))
        self.grid_cells = controls.Faces(on, self._send, "nst-cells")
        self.render_size = controls.choice("longest side", RENDER_SIZES, 768)
        self.render_network = controls.choice("with", NETWORKS, studio.scene.network)
        for control in (self.render_size, self.render_network):
            control.observe(on(lambda _: self.show()), "value")
        self.estimate = widgets.HTML()
        self.render_button = controls.button("Render full size", on(self._render))
        self.progress = widgets.FloatProgress(min=0, max=1, description="Working")
        self.cancel_button = controls.button("Cancel", on(self._cancel), "warning")
        self.progress_row = controls.box("nst-row", self.progress, self.cancel_button)
        self.progress_row.layout.display = controls.OFF
        self.name = widgets.Text(value="painting.png", description="file name")
        self.save_button = controls.button("Save", on(self._save), "primary")
        self.film_kind = controls.choice("film as", ("gif", "webp"), "gif")
        self.film_button = controls.button("Save the film", on(self._save_film))
        self.download = widgets.HTML()
        self.settings = controls.field(on, "its path", self._load_settings)
        load = lambda _, data: self._load_settings(data)  # noqa: E731
        html = page.upload("A picture saved here", whole=False)
        self.upload = controls.Upload(on, html, load)
        text = "The nine pairs of α and β, painted at once; a click takes one."
        self.grid_box = controls.column(
            "", widgets.HTML(page.paragraph(text)), self.grid_button, self.grid_cells.box
        )
        text = "A saved picture knows how it was made, and sets everything again."
        self.files_box = controls.column(
            "", self.name, self.film_kind,
            controls.box("nst-row", self.save_button, self.film_button), self.download,
            controls.heading("Full size"), self.render_size, self.render_network, self.estimate,
            self.render_button, controls.heading("As it was"), widgets.HTML(page.paragraph(text)),
            self.upload.box, self.settings,
        )  # fmt: skip

    @property
    def busy(self):
        return self._job is not None

    def show(self):
        self.progress_row.layout.display = controls.ON if self.busy else controls.OFF
        self.grid_button.disabled = self.render_button.disabled = self.busy
        if self._studio.is_open(self.files_box):
            self._show_estimate()

    def _show_estimate(self):
        size, network = self.render_size.value, self.render_network.value
        rows, columns, seconds, memory = jobs.estimate(self._studio.session, size, network)
        time = "a time that is known after some steps" if seconds is None else _about(seconds)
        self.estimate.value = page.paragraph(
            f"{columns} × {rows} pixels, {time}, {memory / 1e9:.1f} GB of memory."
        )

    def wait(self):
        """Says so where a job is at work.  Returns whether there is one."""
        if self.busy:
            self._studio.say(_WAIT, note=True)
        return self.busy

    def tick(self):
        try:
            self.progress.value = next(self._job)
        except StopIteration:
            done = self._done
            self.end()
            done()
            self._studio.show()

    def end(self):
        """Returns whether it leaves a rendering, which may be half done, that is in no file yet."""
        if not self.busy:
            return False
        self._job.close()
        self._job = None
        if not self._resume:
            self._studio.ticker.stop()
        return self._studio.session.rendered is not self._rendered_before

    def keep_rendered(self, word="rendered as far as it went"):
        """A picture that is half rendered is worth keeping."""
        session = self._studio.session
        rows, columns = session.rendered[0].shape[:2]
        path = self._path(f"_{columns}x{rows}")
        session.save(path, rendered=True)
        self._saved(path, f"{word}: {columns} × {rows} pixels")

    def _begin(self, job, title, done):
        if self.wait():
            return
        studio = self._studio
        studio.say()
        self._job, self._done, self._resume = job, done, studio.ticker.running
        self._rendered_before = studio.session.rendered
        self.progress.value, self.progress.description = 0, title
        studio.ticker.start()
        studio.show_buttons()

    def _grid(self, _=None):
        job = self._studio.session.grid(GRID_ALPHAS, GRID_BETAS)
        self._begin(job, "Grid", self._show_grid)

    def _show_grid(self):
        self.grid_cells.clear()
        self._cells = [cell for row in self._studio.session.cells for cell in row]
        self.grid_cells.show(
            [(i, c.label, lambda c=c: c.picture) for i, c in enumerate(self._cells)]
        )

    def _send(self, index):
        self._studio.session.send(self._cells[index])
        self._studio.show()

    def _render(self, _=None):
        size, network = self.render_size.value, self.render_network.value
        rows, columns, *_ = jobs.estimate(self._studio.session, size, network)
        # Now, not after minutes of work.
        self._studio.session.sources.check_output(self._path(f"_{columns}x{rows}"))
        job = self._studio.session.render(size, network)
        self._begin(job, "Rendering", lambda: self.keep_rendered("rendered"))

    def _cancel(self, _=None):
        if self.end():
            self.keep_rendered()
        self._studio.show()

    def _save(self, _=None):
        path = self._path()
        self._studio.session.save(path)
        self._saved(path, "saved, with its settings")

    def _save_film(self, _=None):
        path, session = self._path(suffix=f".{self.film_kind.value}"), self._studio.session
        session.sources.check_unread(path)
        session.film.save(path, session.picture)
        self._saved(path, f"saved: {len(session.film.moments)} moments of the way")

    def _saved(self, path, word):
        self.download.value = page.download(path)
        self._studio.say(f"{path} is {word}.", note=True)

    def _path(self, addition="", suffix=None):
        """Where to write: never what is there already."""
        name = Path(os.path.expanduser(self.name.value.strip() or "painting.png"))
        if name.suffix.lower() in (*images.SUFFIXES, *flipbook.SUFFIXES):
            name = name.with_stem(name.stem + addition).with_suffix(suffix or name.suffix)
        path, numbers = self._studio.folder / name, itertools.count(2)
        while path.exists():
            path = path.with_stem(f"{name.stem} ({next(numbers)})")
        return path

    def _load_settings(self, picture):
        """picture: its path, or its bytes."""
        missing = self._studio.session.apply(images.read_settings(picture))
        self._studio.show()
        left = f" {' and '.join(missing)} is not at hand: upload it." if missing else ""
        sentence = "Pictures, network and weights are set as when this picture was saved."
        self._studio.say(sentence + left, note=True)


def folder():
    """Where a user of Colab finds what is saved, if there is such a place, else here."""
    return DRIVE if DRIVE.is_dir() else Path(".")


def _about(seconds):
    if seconds < 90:
        return f"about {max(5, round(seconds / 5) * 5)} seconds"
    return f"about {number(round(seconds / 60))} minutes"
