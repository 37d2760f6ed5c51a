"""Pictures in and out: load, resize, save.  decode.py has what people bring, and the gallery.

A picture is an RGB float32 array (height, width, 3) with values 0–255.
"""

import contextlib
import io
import json
import os

import numpy as np
from PIL import ExifTags, Image

from . import decode, files
from .decode import PAINTINGS, gallery  # noqa: F401 (handed on)
from .errors import OutputError, PictureError

PICTURE = "a picture", (".png", ".jpg", ".jpeg", ".webp")  # that can be written


def load(source, size: int | None = None) -> np.ndarray:
    """A picture as RGB float32 (height, width, 3) in 0–255.

    source: a path, an http(s) address, a name of the gallery, the bytes of a picture file, an open
    file, an upload of ipywidgets, or a Pillow picture.
    size: the longest side in pixels, also where the file is smaller; the aspect ratio stays.
    EXIF rotation and color profiles are applied, transparency is shown on white; grayscale,
    palette, CMYK, 16- and 32-bit pictures become RGB.  Raises PictureError when there is no such
    picture or it cannot be used, SettingError for a size that makes no sense.
    """
    return load_with_opacity(source, size)[0]


def load_with_opacity(source, size: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """(what `load` gives, what it shows on white there: uint8 (height, width), 0 where the picture
    is transparent, 255 where it is not; None for a picture without transparency)."""
    image = decode.picture(source, size)
    shown = np.asarray(decode.scaled(decode.on_white(image), size), np.float32)
    if image.mode != "RGBA":
        return shown, None
    return shown, np.asarray(decode.scaled(image.getchannel("A"), size))


def as_picture(value, what: str = "picture") -> np.ndarray:
    """Whatever stands for a picture as RGB float32 (height, width, 3) in 0–255.

    value: an array or tensor, also with a batch axis of one or with one gray channel, or anything
    that `load` takes.  Raises PictureError for values that cannot be RGB in 0–255.
    """
    named = isinstance(value, (str, os.PathLike, bytes, dict, Image.Image))
    return load(value) if named or hasattr(value, "read") else decode.from_array(value, what)


def as_pictures(values, what: str = "picture") -> list[np.ndarray]:
    """One picture, or several in a list or a batch, as a list: see `as_picture`."""
    several = isinstance(values, (list, tuple)) or getattr(values, "ndim", 3) > 3
    return [as_picture(value, what) for value in (values if several else [values])]


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size (Lanczos), float32 in 0–255."""
    channels = np.moveaxis(np.asarray(picture, np.float32), -1, 0)
    size, lanczos = (width, height), Image.Resampling.LANCZOS
    found = [Image.fromarray(np.ascontiguousarray(c)).resize(size, lanczos) for c in channels]
    return np.clip(np.stack(found, -1), 0, 255)


def detail(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """What is lost of a picture when it is made (height, width) small and large again."""
    return picture - resize(resize(picture, height, width), *picture.shape[:2])


def to_uint8(picture: np.ndarray) -> np.ndarray:
    """Rounded and clipped to what a file can hold: uint8, same shape."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def encode(picture: np.ndarray, format: str = "jpeg", opacity=None, **options) -> bytes:
    """The bytes of a PNG, JPEG or WebP file of the picture; options: Pillow's.

    opacity: see `load_with_opacity`; a JPEG leaves it out.
    """
    buffer, image = io.BytesIO(), Image.fromarray(to_uint8(picture))
    options = {"quality": 92} | options if format.lower() in ("jpeg", "webp") else options
    if opacity is not None and format.lower() != "jpeg":
        image.putalpha(Image.fromarray(opacity))
    image.save(buffer, format, **options)
    return buffer.getvalue()


def save(path: str | os.PathLike, picture, metadata: dict | None = None) -> None:
    """Write a PNG, JPEG or WebP file, whole or not at all.

    metadata: a dict of the run that made the picture, kept in the file's EXIF description, where
    `read_metadata` finds it.  Raises OutputError when the file cannot be written; what was there
    before is then untouched.  Raises PictureError for values that are not RGB in 0–255.
    """
    files.write(path, encoded(path, as_picture(picture), metadata))


def encoded(
    path: str | os.PathLike, picture: np.ndarray, metadata: dict | None = None, opacity=None
) -> bytes:
    """The bytes of the file at `path`; OutputError where its format cannot hold the picture."""
    suffix, exif = files.check_output(path, *PICTURE), Image.Exif()
    if metadata is not None:
        exif[ExifTags.Base.ImageDescription] = json.dumps(metadata)
    try:
        format = {".png": "png", ".webp": "webp"}.get(suffix, "jpeg")
        return encode(picture, format, opacity, exif=exif)
    except (OSError, ValueError) as error:  # each format has its limits, of sides and of EXIF
        raise OutputError(f"{path} cannot hold this picture ({error}): use .png.") from error


def read_metadata(path: str | os.PathLike | bytes) -> dict:
    """The metadata with which `save` wrote this picture; PictureError if it holds none.

    path: of the file, or its bytes.
    """
    uploaded = isinstance(path, (bytes, bytearray, memoryview))
    source = bytes(path) if uploaded else files.readable(path, PictureError, "picture")
    path = "The uploaded file" if uploaded else path
    with decode.opened(source, path) as image:
        text = decode.exif(image, ExifTags.Base.ImageDescription)
    metadata = None
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        metadata = json.loads(text)
    if not isinstance(metadata, dict):
        raise PictureError(f"{path} holds no settings: choose a picture saved by this package.")
    return metadata
