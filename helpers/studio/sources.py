"""The pictures and networks that a spec names: the gallery's, paths, addresses, uploads."""

import functools
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from .. import files, images, masks, vgg
from ..errors import SettingError
from ..settings import TransferSpec
from ..transfer import Transfer, levels_for

KEPT, SMALL = 24, 640  # so many pictures of at most this many pixels a side are not decoded again
LARGE = 640  # pixels: so long a saved picture is a large copy
LEVELS = 3  # at most: with a high β strokes are clearly larger than with 2
OF_STYLES = ("styles", "style_weights", "style_scale")
WORDS = (*masks.PARTS, *masks.COLORS)  # for masks, beside names of files


@functools.cache
def load_network(name: str, pooling: str) -> vgg.Network:
    """A network, which keeps its compiled steps: one for all studios, so that it is traced once."""
    return vgg.load(name, pooling=pooling, precision="auto")


def beta_for(beta: float, size: int, larger: int) -> float:
    """The β with which a large copy keeps the fine strokes of a picture.

    In copies twice as large they were 0.76 and 0.84 as strong with the same β, 0.82 and 0.94 with
    twice β; three times as large 0.78 and 0.90 with the same, 0.90 and 1.08 with four times β.
    """
    return beta * max(1.0, larger / size)


class Sources:
    """Pictures by name, and the Transfer that a spec describes.

    read: {name: whether it is a picture, or else a mask} of all that was painted from.
    uploads: the folder of uploads, which is gone when the kernel ends.
    """

    def __init__(self):
        self.read, self._folder = {}, tempfile.TemporaryDirectory()
        self.uploads = self._folder.name
        self._load = functools.lru_cache(KEPT)(images.load)

    def upload(self, name: str, data: bytes) -> str:
        """Keep the bytes of a picture file.  Returns the path that names it; raises PictureError.

        The path has the file's own name: pictures of one name are in different folders.
        """
        images.load(data, 64)
        folder = Path(self.uploads, hashlib.sha256(data).hexdigest()[:12])
        files.make_folder(folder)
        files.write(folder / Path(name).name, data)
        return str(folder / Path(name).name)

    def load(self, name: str, size: int):
        """The picture, see `images.load`."""
        return (self._load if size <= SMALL else images.load)(name, size)

    def transfer(self, spec: TransferSpec, **options) -> Transfer:
        """The run that a spec describes, at its coarsest level; options: other fields for it.

        Raises PictureError, NetworkError, SettingError.
        """
        network = load_network(spec.network, spec.pooling)
        content = self.load(spec.content, spec.size)
        pairs = zip(spec.styles, spec.style_sizes(spec.size), strict=True)
        styles = [self.load(*pair) for pair in pairs]
        levels = levels_for([content, *styles], network.stride, LEVELS)
        options = {"levels": levels, "optimizer": "adam"} | options
        run = Transfer(content, styles, network, spec, **options)
        drawn = {name for name in (spec.mask, *(spec.style_mask or ())) if name not in WORDS}
        pictures = dict.fromkeys((spec.content, *spec.styles), True)
        self.read |= dict.fromkeys(drawn - {None, *self.read}, False) | pictures
        return run

    def saved(self, present: TransferSpec, metadata: dict) -> tuple[TransferSpec, list[str]]:
        """(the spec of a saved picture, what of it cannot be had by name).

        It opens pictures of the gallery, and those that were painted from in this session; the
        others stay as in `present`, and so does the size if a LARGE copy was saved.  Raises
        SettingError for costs other than relative.
        """
        spec = TransferSpec.from_metadata(metadata)
        if spec.costs != "relative":
            raise SettingError(
                f"This picture was painted with the costs {spec.costs}, whose alpha and beta mean "
                "something else here: choose one painted with relative costs."
            )
        known = {name: name for name in (*images.gallery(), *WORDS)}
        known |= {files.public(name): name for name in self.read}
        parts = (*filter(None, [spec.mask]), *(spec.style_mask or ()))
        missing = [name for name in (spec.content, *spec.styles, *parts) if name not in known]
        size = spec.size if (spec.size or LARGE) < LARGE else present.size
        found = {"size": size, "weights": None, "precision": "auto"}
        if size != spec.size:
            found["beta"] = np.divide(spec.beta, beta_for(1.0, size, spec.size or LARGE))
        found |= {"content": known.get(spec.content, present.content)}
        found |= {"mask": None, "style_mask": None}
        if not spec.styles or set(spec.styles) & set(missing):
            found |= {name: getattr(present, name) for name in OF_STYLES}
        else:
            found["styles"] = [known[name] for name in spec.styles]
            if parts and not set(parts) & set(missing):
                found["mask"], *others = (known[name] for name in parts)
                found["style_mask"] = others or None
        return spec.changed(**found), missing

    def check_output(self, path: str | os.PathLike) -> None:
        """Raises OutputError where none can be written, or one that was read would be lost."""
        files.check_output(path, *images.PICTURE)
        reads = {name: name for name in self.read} | images.gallery()
        reads = [("a picture to paint from", name) for name in reads.values()]
        files.check_paths(reads, [("the file to save", path)])
