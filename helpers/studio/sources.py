"""The pictures and networks that a scene names."""

import os
from pathlib import Path

from .. import files, images, masks, vgg
from ..errors import PictureError, SettingError
from ..objective import WEIGHTS
from ..settings import OPTIONS
from .scene import MASKS, layer_weights


class Sources:
    """Pictures by name (of the gallery, a path, an address, an upload), networks loaded once."""

    def __init__(self):
        self._uploads, self._networks = {}, {}
        self._used = {}  # names of the pictures that were read, in their order
        self._roles = {}  # "content" or "style" → the names that a user chose for it

    def upload(self, name, data):
        """Make the bytes of a picture file known.  Returns the name by which they are known: the
        one given, with a number where that means another picture.  Raises PictureError."""
        images.load(data, 64)
        given, number = Path(name), 2
        while self._means_another(name, data):
            name, number = f"{given.stem} ({number}){given.suffix}", number + 1
        self._uploads[name] = data
        return name

    def load(self, name, size):
        """The picture, see `images.load`."""
        picture = images.load(self._uploads.get(name, name), size)
        self._used[name] = True
        return picture

    def pictures(self, scene):
        """(content, [style, …]) of a scene, in its sizes."""
        size = max(2, round(scene.size * scene.style_scale))
        return self.load(scene.content, scene.size), [self.load(s, size) for s in scene.styles]

    def mask(self, scene, content):
        """The mask of a scene whose photograph has this size, or None."""
        if scene.mask is None:
            return None
        read = lambda name, size: masks.from_picture(self.load(name, size))  # noqa: E731
        return masks.of_photograph(scene.mask, content, read)

    def use_as(self, role, name):
        """Remember that it was chosen as "content", "style" or "mask"."""
        names = self._roles.setdefault(role, [])
        if name not in names and name not in images.gallery():
            names.append(name)

    def used_as(self, role):
        return list(self._roles.get(role, ()))

    def network(self, name):
        if name not in self._networks:
            self._networks[name] = vgg.load(name, precision="auto")
        return self._networks[name]

    def named(self, name):
        """The picture read before whose `files.public` name this is, or else the name itself."""
        return next((used for used in self._used if files.public(used) == name), name)

    def at_hand(self, scene, named):
        """{field: picture} of those that can be read, and the names of others.

        named: {field of the scene: public name, or None}.
        """
        fields, missing = {}, []
        for field, name in named.items():
            if name is None:
                continue
            scene.changed(**{field: name})  # refuses what is no name
            present = getattr(scene, field)
            if name == files.public(present or ""):
                fields[field] = present
            elif field == "mask" and name in masks.PARTS:
                fields[field] = name
            else:
                self._find(field, self.named(name), fields, missing)
        return fields, missing

    def _find(self, field, name, fields, missing):
        try:
            self.load(name, 64)
            fields[field] = name
        except PictureError:
            missing.append(name)

    def saved(self, scene, settings):
        """(scene, weights, names of pictures that are not at hand) of a saved picture's settings.

        What these do not say is as in `scene`.  Raises SettingError for weights of other costs.
        """
        if settings.get("costs", "relative") != "relative":
            raise SettingError(
                f"This picture was painted with the costs {settings['costs']}, whose alpha and "
                "beta mean something else here: choose one painted with relative costs."
            )
        styles, shares = settings.get("styles"), settings.get("style_weights")
        style, second = [*styles, None, None][:2] if isinstance(styles, list) else (None, None)
        parts = list(MASKS[: 1 if second is None else 2])
        if settings.get("mask") and settings.get("style_mask", ["white"]) != parts:
            raise SettingError(
                f"This picture was painted with other style masks than {' and '.join(parts)}, "
                "which the studio does not have: paint it with python -m helpers."
            )
        content, mask = settings.get("content"), settings.get("mask")
        named = {"content": content, "style": style, "second": second, "mask": mask}
        fields, missing = self.at_hand(scene, named)
        if "second" in fields and isinstance(shares, list) and len(shares) > 1:
            shares = OPTIONS["style_weights"].check(shares)
            fields["share"] = shares[1] / sum(shares[:2])
        if isinstance(scales := settings.get("style_scale"), list) and scales:
            fields["style_scale"] = scales[0]
        others = ("network", "init", "keep_colors", "style_cost")
        fields |= {n: settings[n] for n in others if n in settings}
        scene = scene.changed(**{"second": None, "mask": None} | fields)
        weights = {name: settings[name] for name in WEIGHTS if name in settings}
        network, given = self.network(scene.network), weights.get("layer_weights")
        return scene, weights | {"layer_weights": layer_weights(network, given)}, missing

    def check_output(self, path):
        """Raises OutputError where none can be written, or one that was read would be lost."""
        images.check_output(path)
        self.check_unread(path)

    def check_unread(self, path):
        """Raises OutputError where a picture that was read would be lost."""
        known = images.gallery()
        read = [known.get(name, name) for name in self._used if name not in self._uploads]
        reads = [("a picture to paint from", name) for name in read]
        files.check_paths(reads, [("the file to save", path)])

    def _means_another(self, name, data):
        if name in self._uploads:
            return self._uploads[name] != data
        taken = name in self._used or name in images.gallery()
        return taken or os.path.exists(os.path.expanduser(name))
