"""Pictures in and out: load, resize, save, the gallery.

A picture is an RGB float32 array (height, width, 3) with values 0–255.
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

from . import download, files
from .errors import OutputError, PictureError, SettingError, StyleTransferError

# Beside the package in the repository, within it where it was installed.
_HERE = Path(__file__).resolve().parent
FOLDER = _HERE / "gallery" if (_HERE / "gallery").is_dir() else _HERE.parent / "images"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
READABLE = (*SUFFIXES, ".bmp", ".gif", ".tif", ".tiff")
# No others, whatever a file is called: Pillow hands some of them on to other programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")

# Public-domain paintings, at the addresses of TensorFlow Hub's style-transfer tutorial.
_COMMONS = "https://upload.wikimedia.org/wikipedia/commons/"
PAINTINGS = {
    "great_wave": _COMMONS + "0/0a/The_Great_Wave_off_Kanagawa.jpg",
    "starry_night": _COMMONS
    + "thumb/e/ea/Van_Gogh_-_Starry_Night_-_Google_Art_Project.jpg/"
    + "1024px-Van_Gogh_-_Starry_Night_-_Google_Art_Project.jpg",
    "composition_7": _COMMONS + "b/b4/Vassily_Kandinsky%2C_1913_-_Composition_7.jpg",
    "turner_nantes": _COMMONS + "b/b7/JMW_Turner_-_Nantes_from_the_Ile_Feydeau.jpg",
    "scream": _COMMONS
    + "c/c5/Edvard_Munch%2C_1893%2C_The_Scream%2C_oil%2C_tempera_and_pastel_on_cardboard"
    + "%2C_91_x_73_cm%2C_National_Gallery_of_Norway.jpg",
}

MAX_PIXELS = 100_000_000  # a larger file is more likely an attack than a picture
_IMAGE_DESCRIPTION = ExifTags.Base.ImageDescription
_TURNS = {  # EXIF orientation -> what puts the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def gallery(kind=None):
    """{name: path or address}: the bundled pictures, then famous paintings (fetched on demand).

    kind: "content", "style" or None for both; the paintings count as styles.
    """
    found = {}
    for folder in ("content", "style"):
        if kind in (None, folder):
            files = sorted((FOLDER / folder).glob("*"))
            found |= {p.stem: p for p in files if p.suffix.lower() in SUFFIXES}
    return found | PAINTINGS if kind in (None, "style") else found


def load(source, size=None):
    """A picture as RGB float32 (height, width, 3) in 0–255.

    source: a path, an http(s) address, a name of the gallery, or the bytes of a picture file.
    size: the longest side in pixels, also where the file is smaller; the aspect stays.
    EXIF rotation and ICC profiles are applied, transparency shown on white; grayscale, palette,
    CMYK and 16-bit pictures become RGB.  Raises PictureError when there is no such picture or it
    cannot be used, SettingError for a size that cannot be.
    """
    if size is not None and not 2 <= size <= MAX_PIXELS:
        raise SettingError(f"The size is {size}: give the longest side in pixels, at least 2.")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(io.BytesIO(bytes(source)), "The uploaded file", size)
    known = gallery()
    source = known.get(str(source), source)
    if files.is_address(source):
        return _load_address(str(source), size)
    path = Path(source)
    if not (path.suffix or len(path.parts) > 1 or os.path.exists(path)):
        raise PictureError(
            f"There is no picture {source}, nor a name of {', '.join(known)}: check the path."
        )
    return _decode(files.readable(source, PictureError, "picture"), str(source), size)


def _decode(file, name, size):
    with opened(file, name) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(
                f"{name} has {width} × {height} pixels, more than {MAX_PIXELS // 10**6} million: "
                "make it smaller first."
            )
        if min(width, height) < 2:
            raise PictureError(f"{name} is {width} × {height} pixels: a side needs at least 2.")
        image.load()
        turn = _TURNS.get(_exif(image).get(ExifTags.Base.Orientation))
        image = _to_rgb(image, name)
        image = image if turn is None else image.transpose(turn)
        return np.asarray(image if size is None else _scaled(image, size), np.float32)


@contextlib.contextmanager
def opened(file, name):
    """The file as Pillow opens it; what goes wrong in the block becomes a PictureError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=_FORMATS) as image:
                yield image
    except StyleTransferError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(f"{name} unpacks to too many pixels: make it smaller first.") from None
    except MemoryError:
        raise PictureError(f"{name} needs more memory than there is: make it smaller.") from None
    except Exception as error:  # decoders raise whatever they like at damaged bytes
        wrong = "is not a picture that can be read, or it is damaged: try another file."
        if _is_heic(file):
            wrong = "is in HEIC, as phones save photographs: export it as JPEG first."
        raise PictureError(f"{name} {wrong}") from error


def _is_heic(file):
    """Whether a path or a binary file holds a picture in the format of phones, HEIC."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        opened = file if hasattr(file, "seek") else stack.enter_context(open(file, "rb"))
        opened.seek(0)
        kind = opened.read(12)
        return kind[4:8] == b"ftyp" and kind[8:11] in (b"hei", b"hev", b"mif", b"msf")
    return False


def _exif(image):
    """Its EXIF tags, none where they are broken."""
    try:
        return image.getexif()
    except MemoryError:
        raise
    except Exception:
        return {}


def _to_rgb(image, name):
    profile = image.info.get("icc_profile")
    if image.mode == "F":
        raise PictureError(f"{name} holds floating-point values: save it with 8 or 16 bits.")
    if image.mode.startswith("I"):  # 16 bits of grey; Pillow would clip them at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = _to_srgb(image.convert("RGBA"), profile)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    return _to_srgb(image, profile).convert("RGB")


def _to_srgb(image, profile):
    """The colours that the bytes of an ICC profile mean, in sRGB; as they are if it is broken."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image


def _scaled(image, size):
    scale = size / max(image.size)
    width, height = (max(2, round(side * scale)) for side in image.size)
    if width * height > MAX_PIXELS:
        raise SettingError(
            f"The size is {size}, which makes {width} × {height} pixels, more than "
            f"{MAX_PIXELS // 10**6} million: give a smaller one."
        )
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _load_address(address, size):
    """The picture behind an http(s) address, from the cache when it was fetched before."""
    folder = os.environ.get("NST_CACHE") or "~/.cache/neural-style-transfer"
    cached = Path(folder) / hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()
    with contextlib.suppress(PictureError):  # there is none, or a damaged one is fetched again
        return _decode(files.readable(cached), address, size)
    data = download.fetch(address)
    try:
        picture = _decode(io.BytesIO(data), address, size)
    except PictureError:
        if b"<html" not in data[:1000].lower():
            raise
        raise PictureError(
            f"{address} is a page, not a picture: use the picture's own address."
        ) from None
    with contextlib.suppress(OSError), files.whole_file(cached, parents=True) as file:
        file.write(data)  # a cache that cannot be written only costs the next download
    return picture


def resize(picture, height, width):
    """The picture at another size (Lanczos), float32 in 0–255."""
    channels = [
        Image.fromarray(np.ascontiguousarray(picture[..., c], np.float32)).resize(
            (width, height), Image.Resampling.LANCZOS
        )
        for c in range(picture.shape[-1])
    ]
    return np.clip(np.stack(channels, -1), 0, 255)


def detail(picture, height, width):
    """What is lost of the picture (height', width', 3) when it is made smaller and large again."""
    return picture - resize(resize(picture, height, width), *picture.shape[:2])


def to_uint8(picture):
    """Rounded and clipped to what a file can hold: uint8, same shape."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def encode(picture, format="jpeg", **options):
    """The bytes of a PNG, JPEG or WebP file of the picture."""
    buffer = io.BytesIO()
    options = {"quality": 92} | options if format.lower() in ("jpeg", "webp") else options
    Image.fromarray(to_uint8(picture)).save(buffer, format, **options)
    return buffer.getvalue()


def save(path, picture, settings=None):
    """Write a PNG, JPEG or WebP file, whole or not at all.

    settings: a dict of the run that made the picture, kept in the file's EXIF description, where
    `read_settings` finds it.  Raises OutputError when the file cannot be written; what was there
    before is then untouched.
    """
    suffix = check_output(path).lower()
    exif = Image.Exif()
    if settings is not None:
        exif[_IMAGE_DESCRIPTION] = json.dumps(settings)
    format = {".png": "png", ".webp": "webp"}.get(suffix, "jpeg")
    try:
        data = encode(picture, format, exif=exif)
    except (OSError, ValueError) as error:  # each format has its limits, of sides and of EXIF
        raise OutputError(f"{path} cannot hold this picture ({error}): use .png.") from error
    with files.whole_file(path) as file:
        file.write(data)


def read_settings(path):
    """The settings with which `save` wrote this picture, or PictureError if it holds none.

    path: of the file, or its bytes.
    """
    if isinstance(path, (bytes, bytearray, memoryview)):
        file, path = io.BytesIO(bytes(path)), "The uploaded file"
    else:
        file = files.readable(path, PictureError, "picture")
    with opened(file, path) as image:
        text = _exif(image).get(_IMAGE_DESCRIPTION)
    try:
        settings = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise PictureError(f"{path} holds no settings: only pictures saved by this package do.")
    return settings


def data_address(data, kind="jpeg"):
    """The address under which a page finds the bytes of a picture file within itself."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def check_output(path):
    """The path's suffix, or OutputError when no picture can be written there."""
    suffix = Path(path).suffix
    if suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path} has no known picture ending: use .png, .jpg or .webp.")
    files.check_file(path)
    return suffix
