"""Pictures in and out: load, resize, colours, save, the gallery.

A picture is an RGB float32 array (height, width, 3) with values 0–255.
"""

import contextlib
import hashlib
import http.client
import io
import json
import os
import re
import tempfile
import urllib.error
import urllib.request
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from .errors import OutputError, PictureError, SettingError

FOLDER = Path(__file__).resolve().parent.parent / "images"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
READABLE = (*SUFFIXES, ".bmp", ".gif", ".tif", ".tiff")

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
MAX_DOWNLOAD = 50_000_000  # bytes
TIMEOUT = 20  # seconds without an answer
_IMAGE_DESCRIPTION = ExifTags.Base.ImageDescription


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
    size: the longest side in pixels at most; the aspect stays and nothing is enlarged.
    EXIF rotation is applied, transparency shown on white; grayscale, palette, CMYK and 16-bit
    pictures become RGB.  Raises PictureError when there is no such picture or it cannot be used.
    """
    if size is not None and size < 2:
        raise SettingError(f"The size is {size}: give the longest side in pixels, at least 2.")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(io.BytesIO(bytes(source)), "The uploaded file", size)
    known = gallery()
    source = known.get(str(source), source)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", str(source)):
        return _load_address(str(source), size)
    path = Path(source).expanduser()
    if os.path.isdir(path):
        raise PictureError(f"{source} is a directory: name a picture file in it.")
    if not os.path.exists(path):  # also where a folder on the way may not be entered
        names = "" if path.suffix or len(path.parts) > 1 else f", nor a name of {', '.join(known)}"
        raise PictureError(f"There is no picture {source}{names}: check the path.")
    try:
        return _decode(path, str(source), size)
    except PermissionError:
        raise PictureError(f"{source} may not be read: check its permissions.") from None


def _decode(file, name, size):
    unreadable = f"{name} is not a picture that can be read, or it is damaged: try another file."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(file)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(
                f"{name} has {width} × {height} pixels, more than {MAX_PIXELS // 10**6} million: "
                "make it smaller first."
            )
        if min(width, height) < 2:
            raise PictureError(f"{name} is {width} × {height} pixels: a side needs at least 2.")
        image.load()
        image = _to_rgb(ImageOps.exif_transpose(image), name)
    except Image.DecompressionBombError:
        raise PictureError(f"{name} unpacks to too many pixels: make it smaller first.") from None
    except PermissionError:
        raise
    except UnidentifiedImageError:
        raise PictureError(unreadable) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError) as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(unreadable) from error
    if size is not None and max(image.size) > size:
        scale = size / max(image.size)
        shape = [max(2, round(side * scale)) for side in image.size]
        image = image.resize(shape, Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32)


def _to_rgb(image, name):
    if image.mode == "F":
        raise PictureError(f"{name} holds floating-point values: save it with 8 or 16 bits.")
    if image.mode.startswith("I"):  # 16 bits of grey; Pillow would clip them at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _load_address(address, size):
    """The picture behind an http(s) address, from the cache when it was fetched before."""
    cache = Path(os.environ.get("NST_CACHE") or Path.home() / ".cache" / "neural-style-transfer")
    cached = cache / hashlib.sha256(address.encode()).hexdigest()
    if cached.exists():
        with contextlib.suppress(PictureError):  # a damaged one is fetched again
            return _decode(cached, address, size)
    data = _fetch(address)
    picture = _decode(io.BytesIO(data), address, size)
    with contextlib.suppress(OSError), whole_file(cached, parents=True) as file:
        file.write(data)  # a cache that cannot be written only costs the next download
    return picture


def _fetch(address):
    """The bytes behind an http(s) address."""
    if not address.lower().startswith(("http://", "https://")):
        raise PictureError(
            f"{address} is not a web address: it must begin with http:// or https://."
        )
    # Wikimedia refuses clients that do not say who they are.
    request = urllib.request.Request(address, headers={"User-Agent": "neural-style-transfer/1.0"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            data = answer.read(MAX_DOWNLOAD + 1)
            kind, length = answer.headers.get_content_type(), answer.headers["Content-Length"]
    except urllib.error.HTTPError as error:
        raise PictureError(f"{address} answered {error.code}: check the address.") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise PictureError(
            f"{address} could not be fetched ({reason}): check the network, or use a local file."
        ) from None
    if len(data) > MAX_DOWNLOAD:
        raise PictureError(
            f"{address} is larger than {MAX_DOWNLOAD // 10**6} MB: choose a smaller picture."
        )
    if length and len(data) < int(length):
        raise PictureError(f"{address} broke off before its end: try again.")
    if kind.startswith("text/"):
        raise PictureError(f"{address} is a page, not a picture: use the picture's own address.")
    return data


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
    path = Path(path)
    suffix = check_output(path).lower()
    exif = Image.Exif()
    if settings is not None:
        exif[_IMAGE_DESCRIPTION] = json.dumps(settings)
    format = {".png": "png", ".webp": "webp"}.get(suffix, "jpeg")
    with whole_file(path) as file:
        file.write(encode(picture, format, exif=exif))


def read_settings(path):
    """The settings with which `save` wrote this picture, or PictureError if it holds none.

    path: of the file, or its bytes.
    """
    if isinstance(path, (bytes, bytearray, memoryview)):
        file, path = io.BytesIO(bytes(path)), "The uploaded file"
    else:
        file = path
    try:
        with Image.open(file) as image:
            settings = json.loads(image.getexif()[_IMAGE_DESCRIPTION])
        return dict(settings)
    except (KeyError, ValueError, TypeError) as error:
        raise PictureError(
            f"{path} holds no settings: only pictures saved by this package do."
        ) from error
    except OSError:
        raise PictureError(f"{path} is not a picture that can be read.") from None


def check_output(path):
    """The path's suffix, or OutputError when no picture can be written there."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path} has no known picture ending: use .png, .jpg or .webp.")
    if os.path.isdir(path):
        raise OutputError(f"{path} is a directory: give the name of a file.")
    check_folder(path.parent)
    return path.suffix


def check_apart(output, *sources):
    """Raises OutputError if writing `output` would replace one of the pictures to paint from."""
    known = gallery()
    for source in (str(known.get(str(name), name)) for name in sources):
        if os.path.exists(source) and os.path.exists(output) and os.path.samefile(source, output):
            raise OutputError(f"{output} is a picture to paint from: give another output.")


def check_folder(folder):
    """Raises OutputError unless files can be created in this folder."""
    if not os.path.isdir(folder):
        raise OutputError(f"There is no directory {folder}: create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"The directory {folder} is not writable: choose another.")


def make_folder(folder):
    """Create it and those above it, if need be; raises OutputError where that is not possible."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The directory {folder} could not be created ({error.strerror}): choose another."
        ) from None
    check_folder(Path(folder))


@contextlib.contextmanager
def whole_file(path, parents=False):
    """A binary file that appears at `path` whole, when the block ends, or not at all."""
    path = Path(path)
    temporary = None
    try:
        (make_folder if parents else check_folder)(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
        temporary = None
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} could not be written ({error.strerror or error}): "
            "free some space or choose another place."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


# Colours: Rec. 601 luma, the Y of the YIQ space that Gatys et al. 2016b use.
_LUMA = np.float32([0.299, 0.587, 0.114])


def luminance(picture):
    """The picture in grey, three equal channels: (height, width, 3)."""
    return np.repeat((picture @ _LUMA)[..., None], 3, axis=-1)


def with_luminance(colors, light):
    """The colours of one picture with the luminance of another of the same shape."""
    return np.clip(colors - luminance(colors) + luminance(light), 0, 255)


def match_luminance(picture, target):
    """The picture's luminance, shifted and scaled to the target's mean and standard deviation.

    Gatys et al. 2016b (arXiv:1606.05897), section 5.2: so that a dark painting can paint the light
    of a bright photograph.
    """
    grey, aim = luminance(picture), luminance(target)
    return (grey - grey.mean()) * (aim.std() / max(grey.std(), 1e-3)) + aim.mean()


def match_colors(picture, target):
    """The picture recoloured to the mean and covariance of the target's colours.

    Gatys et al. 2016b, section 5.1, with symmetric square roots: Σ_target^½ · Σ_picture^-½.
    """
    pixels, aim = picture.reshape(-1, 3), target.reshape(-1, 3)
    transform = _root(np.cov(aim.T)) @ np.linalg.inv(_root(np.cov(pixels.T)))
    moved = (pixels - pixels.mean(0)) @ transform.T + aim.mean(0)
    return np.clip(moved, 0, 255).reshape(picture.shape).astype(np.float32)


def _root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 1e-3))) @ vectors.T
