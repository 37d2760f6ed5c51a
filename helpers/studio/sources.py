"""The pictures and networks that a spec names: the gallery's, paths, addresses, uploads."""

import contextlib
import functools
import os
from pathlib import Path

from .. import files, images, masks, vgg
from ..errors import PictureError, SettingError
from ..settings import TransferSpec
from ..transfer import Transfer, levels_for

KEPT, SMALL = 24, 640  # so many pictures of at most this many pixels a side are not decoded again
NO_MASK = {"mask": None, "style_mask": None}
LEVELS = 3  # at most: with a high β strokes are clearly larger than with 2


@functools.cache
def load_network(name: str, pooling: str) -> vgg.Network:
    """A network, which keeps its compiled steps: one for all studios, so that it is traced once."""
    return vgg.load(name, pooling=pooling, precision="auto")


class Sources:
    """Pictures by name, and the Transfer that a spec describes.

    given: names that the user has chosen beside the gallery's, in their order.
    """

    def __init__(self):
        self.given, self._uploads, self._read = [], {}, {}
        self._load = functools.lru_cache(KEPT)(images.load)

    def upload(self, name: str, data: bytes) -> str:
        """Make the bytes of a picture file known.  Returns the name by which they are known: the
        one given, with a number where that means another picture.  Raises PictureError."""
        images.load(data, 64)
        given, number = Path(name), 2
        while self._uploads.get(name, data) != data or self._is_taken(name):
            name, number = f"{given.stem} ({number}){given.suffix}", number + 1
        self._uploads[name] = data
        return name

    def _is_taken(self, name):
        if name in self._uploads:
            return False
        known = name in self._read or name in images.gallery()
        return known or os.path.exists(os.path.expanduser(name))

    def load(self, name: str, size: int):
        """The picture, see `images.load`."""
        load = self._load if size <= SMALL else images.load
        picture = load(self._uploads.get(name, name), size)
        self._read[name] = True
        return picture

    def transfer(self, spec: TransferSpec, **options) -> Transfer:
        """The run that a spec describes, at its coarsest level; options: other fields for it.

        Raises PictureError, NetworkError, SettingError.
        """
        network = load_network(spec.network, spec.pooling)
        content = self.load(spec.content, spec.size)
        scales = spec.for_each_style("style_scale")
        sizes = [max(2, round(spec.size * (scale or 1))) for scale in scales]
        styles = [self.load(*style) for style in zip(spec.styles, sizes, strict=True)]
        found = {"mask": self._mask(spec.mask, spec.size)}
        if spec.mask:
            parts = zip(spec.for_each_style("style_mask"), sizes, strict=True)
            found["style_masks"] = [self._mask(*part) for part in parts]
        found["levels"] = levels_for([content, *styles], network.stride, LEVELS)
        found |= {"optimizer": "adam"} | options
        return Transfer(content, styles, network, spec, **found)

    def _mask(self, name, size):
        if name is None or name in (*masks.PARTS, *masks.COLORS):
            return name
        self._read[name] = True
        return masks.load(self._uploads.get(name, name), size)

    def saved(self, present: TransferSpec, metadata: dict) -> tuple[TransferSpec, list[str]]:
        """(the spec of a saved picture, in the present size, what of it cannot be had by name).

        It opens pictures of the gallery, and those that were given in this session; the others
        stay as in `present`.  Raises SettingError for costs other than relative.
        """
        missing = []
        try:
            spec = TransferSpec.from_metadata(metadata)
        except TypeError:
            raise SettingError(
                "What this picture says of itself is damaged: open another."
            ) from None
        if spec.costs != "relative":
            raise SettingError(
                f"This picture was painted with the costs {spec.costs}, whose alpha and beta mean "
                "something else here: choose one painted with relative costs."
            )
        known = {name: name for name in images.gallery()}
        known |= {files.public(name): name for name in self._read}

        def find(name, words=()):
            with contextlib.suppress(PictureError):
                if name in words or (name in known and self.load(known[name], 64).any()):
                    return known.get(name, name)
            missing.append(name)

        content = find(spec.content) or present.content
        styles = [name for name in map(find, spec.styles) if name] or present.styles
        mask = spec.mask and find(spec.mask, masks.PARTS)
        parts = [find(part, masks.COLORS) for part in spec.style_mask or ()]
        fields = (
            {"mask": mask, "style_mask": parts or None} if mask and None not in parts else NO_MASK
        )
        if len(styles) != len(spec.styles):  # then nothing that belongs to each of them fits
            fields = {"style_weights": None, "style_scale": None} | NO_MASK
        layers = (spec.content_layer, *(spec.style_layers or ()))
        there = (None, *load_network(spec.network, spec.pooling).layers)
        if lacking := [layer for layer in layers if layer not in there]:
            missing += lacking
            fields |= {"content_layer": None, "style_layers": None, "layer_weights": None}
        fields |= {"size": present.size, "weights": None, "precision": "auto"}
        return spec.changed(content=content, styles=styles, **fields), missing

    def check_output(self, path: str | os.PathLike) -> None:
        """Raises OutputError where none can be written, or one that was read would be lost."""
        images.check_output(path)
        known = images.gallery()
        read = [known.get(name, name) for name in self._read if name not in self._uploads]
        reads = [("a picture to paint from", name) for name in read]
        files.check_paths(reads, [("the file to save", path)])
