"""The panel for what takes longer, the grid and the rendering, and for files."""

import os
from pathlib import Path

import ipywidgets as widgets

from .. import images
from . import controls, page
from .panels import NETWORKS
from .scene import BETA

RENDER_SIZES = (384, 512, 768, 1024, 1536, 2048)
GRID_ALPHAS, GRID_BETAS = (0.1, 1.0, 10.0), (BETA / 10, BETA, 10 * BETA)
_WAIT = "Wait until this is finished, or cancel it."


class Work:
    """One job at a time, painted in the ticks in which the picture would be; then it goes on.

    Of the studio it knows what a panel knows, and `ticker` and `folder`.
    """

    def __init__(self, studio):
        self._studio, self._session, on = studio, studio.session, studio.on
        self._job, self._resume = None, False
        self.grid_button = controls.button("Paint the grid", on(self._grid))
        self.grid_cells = controls.box("nst-cells")
        self.render_size = controls.choice("Render size", RENDER_SIZES, 768)
        network = self._session.scene.network
        self.render_network = controls.choice("with", NETWORKS, network)
        self.render_button = controls.button("Render full size", on(self._render))
        self.progress = widgets.FloatProgress(min=0, max=1, description="Working")
        self.cancel_button = controls.button("Cancel", on(self._cancel), "warning")
        self.progress_row = controls.box("nst-row", self.progress, self.cancel_button)
        self.progress_row.layout.display = controls.OFF
        self.file_name = widgets.Text(value="painting.png", description="File name")
        self.save_button = controls.button("Save", on(self._save))
        self.download = widgets.HTML()
        self.upload_settings = controls.upload("Load settings from a picture")
        self.upload_settings.observe(on(lambda c: self._load_settings(c["owner"])), "value")

    @property
    def busy(self):
        return self._job is not None

    def show(self):
        self.progress_row.layout.display = controls.ON if self.busy else controls.OFF
        self.grid_button.disabled = self.render_button.disabled = self.busy

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
        return self._session.rendered is not self._rendered_before

    def keep_rendered(self, word="rendered as far as it went"):
        """A picture that is half rendered is worth keeping."""
        rows, columns = self._session.rendered[0].shape[:2]
        path = self._path(f"_{columns}x{rows}")
        self._session.save(path, rendered=True)
        self.download.value = page.download(path)
        self._studio.say(f"{path} is {word}: {columns} × {rows} pixels.", note=True)

    def _begin(self, job, title, done):
        if self.wait():
            return
        self._studio.say()
        self._job, self._done, self._resume = job, done, self._studio.ticker.running
        self._rendered_before = self._session.rendered
        self.progress.value, self.progress.description = 0, title
        self._studio.ticker.start()
        self._studio.show_buttons()

    def _grid(self, _=None):
        job = self._session.grid(GRID_ALPHAS, GRID_BETAS)
        self._begin(job, "Grid", self._show_grid)

    def _show_grid(self):
        items, on = [], self._studio.on
        for cell in (cell for row in self._session.cells for cell in row):
            button = controls.button(cell.label, on(lambda _, c=cell: self._send(c)))
            image = widgets.HTML(page.img(cell.picture, 140, f"Grid: {cell.label}"))
            items.append(widgets.VBox([image, button]))
        self.grid_cells.children = items

    def _send(self, cell):
        self._session.send(cell)
        self._studio.show()

    def _render(self, _=None):
        size = self.render_size.value
        # The shape that the rendering will have, which that of the small picture only comes near.
        scene = self._session.scene
        rows, columns = self._session.sources.load(scene.content, size).shape[:2]
        # Now, not after minutes of work.
        self._session.sources.check_output(self._path(f"_{columns}x{rows}"))
        job = self._session.render(size, self.render_network.value)
        self._begin(job, "Rendering", lambda: self.keep_rendered("rendered"))

    def _cancel(self, _=None):
        if self.end():
            self.keep_rendered()
        self._studio.show()

    def _save(self, _=None):
        path = self._path()
        self._session.save(path)
        self.download.value = page.download(path)
        self._studio.say(f"{path} is saved, with its settings.", note=True)

    def _path(self, addition=""):
        name = Path(os.path.expanduser(self.file_name.value.strip() or "painting.png"))
        if name.suffix.lower() in images.SUFFIXES:
            name = name.with_stem(name.stem + addition)
        return self._studio.folder / name

    def _load_settings(self, upload):
        for _, data in controls.files(upload):
            missing = self._session.apply(images.read_settings(data))
            self._studio.show()
            left = f" {' and '.join(missing)} is not at hand: upload it." if missing else ""
            sentence = "Pictures, network and weights are set as when this picture was saved."
            self._studio.say(sentence + left, note=True)
