"""From a file, an address or an upload to a Pillow picture: upright, in sRGB, RGB or RGBA.

Whatever people bring is understood here once, so that `images` knows arrays only.  The gallery's
names are among it.
"""

import contextlib
import hashlib
import http.client
import io
import os
import re
import string
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

from . import files
from .errors import PictureError, SettingError, StyleTransferError

READABLE = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".mpo", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".jp2", ".heic", ".heif"),
)
# No others, whatever a file is called: Pillow hands some of them on to other programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "JPEG2000", "AVIF")
MAX_PIXELS = 100_000_000  # a larger picture is more likely an attack or a mistake
MAX_BYTES, TIMEOUT, DURATION = 50_000_000, 20, 60  # of a download; seconds of silence, and in all

FOLDER = Path(__file__).resolve().parent.parent / "images"
# Public-domain paintings, at the addresses of TensorFlow Hub's style-transfer tutorial.
_COMMONS = "https://upload.wikimedia.org/wikipedia/commons/"
_GOOGLE = "Van_Gogh_-_Starry_Night_-_Google_Art_Project.jpg"
_SCREAM = "Edvard_Munch%2C_1893%2C_The_Scream%2C_oil%2C_tempera_and_pastel_on_cardboard"
PAINTINGS = {
    "great_wave": f"{_COMMONS}0/0a/The_Great_Wave_off_Kanagawa.jpg",
    "starry_night": f"{_COMMONS}thumb/e/ea/{_GOOGLE}/1280px-{_GOOGLE}",
    "composition_7": f"{_COMMONS}b/b4/Vassily_Kandinsky%2C_1913_-_Composition_7.jpg",
    "turner_nantes": f"{_COMMONS}b/b7/JMW_Turner_-_Nantes_from_the_Ile_Feydeau.jpg",
    "scream": f"{_COMMONS}c/c5/{_SCREAM}%2C_91_x_73_cm%2C_National_Gallery_of_Norway.jpg",
}

_TURN = Image.Transpose
_TURNS = {2: _TURN.FLIP_LEFT_RIGHT, 3: _TURN.ROTATE_180, 4: _TURN.FLIP_TOP_BOTTOM}
_TURNS |= {5: _TURN.TRANSPOSE, 6: _TURN.ROTATE_270, 7: _TURN.TRANSVERSE, 8: _TURN.ROTATE_90}

_IS_NOT = {  # what is taken for a picture, by how it begins, and what to do
    rb"version https://git-lfs": "is a Git LFS pointer, not the picture: run git lfs pull",
    rb"%pdf": "is a PDF document: export its page as a picture",
    rb"\s*<(svg|\?xml)": "is an SVG drawing or another XML file: export it as PNG",
    rb"\s*<(!doctype )?html": "is a web page: use the address of the picture itself",
    rb".{4}ftyp(hei|hev|mif|msf)": "is in HEIC, as phones save it: export it as JPEG first",
    rb".{4}ftyp(?!avi)": "is a film: extract its frames as pictures first",
}


def gallery(kind: str | None = None) -> dict[str, Path | str]:
    """{name: path or address}: the bundled pictures, then famous paintings (fetched on demand).

    kind: "content", "style" or None for both; the paintings count as styles.
    """
    found = {}
    for folder in ("content", "style"):
        if kind in (None, folder):
            paths = sorted((FOLDER / folder).glob("*"))
            found |= {path.stem: path for path in paths if path.suffix.lower() in READABLE}
    return found if kind == "content" else found | PAINTINGS


def picture(source, size: int | None = None) -> Image.Image:
    """The picture of a source as Pillow's RGB or RGBA, at the size that it has, or a fraction of it
    that is still larger than `size`.

    source, errors: those of `images.load`.
    """
    if size is not None and not (isinstance(size, (int, np.integer)) and 2 <= size <= MAX_PIXELS):
        raise SettingError(f"The size is {size!r}: give the longest side in pixels, at least 2.")
    if isinstance(source, dict) and source:  # of ipywidgets 8, or of 7 by the file's name
        source = source["content"] if "content" in source else next(iter(source.values()))
        source = source["content"] if isinstance(source, dict) else source
    if isinstance(source, Image.Image):
        return _read(source, "The picture", size)
    if hasattr(source, "read"):
        source = getattr(source, "buffer", source)  # of a file that was opened as text
        with contextlib.suppress(OSError, AttributeError):  # a stream of the web has one way only
            source.seek(0)
        source = source.read()
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(bytes(source), "The uploaded file", size)
    if not isinstance(source, (str, os.PathLike)):
        kind = type(source).__name__
        raise PictureError(f"A {kind} is not a picture: give a path, an address or an open file.")
    known = gallery()
    source = known.get(str(source), source)
    if files.is_address(source):
        return _from_address(str(source), size)
    path = Path(source)
    if not (path.suffix or len(path.parts) > 1 or os.path.exists(path)):
        raise PictureError(
            f"There is no picture {source}, neither a file nor one of {', '.join(known)}."
        )
    return _decode(files.readable(source, PictureError, "picture"), str(source), size)


def _decode(source, name, size):
    """source: a path, or bytes."""
    try:
        return _read(source, name, size)
    except PictureError as error:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        if "truncated" not in str(error.__cause__) or not data.startswith(b"\xff\xd8"):
            raise
        # If a JPEG lacks nothing but the mark of its end, what follows makes no difference.
        ends = b"\xff\xd9", b"U" * 1000 + b"\xff\xd9"
        image, same = (_read(data.rstrip(b"\xff") + end, name, size) for end in ends)
        if image != same:
            raise
        warnings.warn(f"{name} lacks its end: it may be incomplete.", stacklevel=4)
        return image


def _read(source, name, size):
    """source: a path, bytes, or a Pillow picture."""
    with opened(source, name) as image:
        if size and image.width * image.height > MAX_PIXELS:
            image.draft("RGB", (size, size))  # a JPEG can be read at a fraction of its size
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(
                f"{name} has {width} × {height} pixels, more than {MAX_PIXELS // 10**6} million: "
                "make it smaller first."
            )
        if min(width, height) < 2:
            raise PictureError(f"{name} is {width} × {height} pixels: a side needs at least 2.")
        image.load()
        return _upright_srgb(image, name)


@contextlib.contextmanager
def opened(source, name: str) -> Iterator[Image.Image]:
    """The picture as Pillow opens it; what goes wrong in the block becomes a PictureError.

    source: a path, bytes, or a Pillow picture, which stays open.  name: what sentences call it.
    """
    try:
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("ignore")
            image = source
            if not isinstance(source, Image.Image):
                Image.init()
                formats = [name for name in _FORMATS if name in Image.OPEN]  # AVIF came with 11.3
                file = io.BytesIO(source) if isinstance(source, bytes) else source
                image = stack.enter_context(Image.open(file, formats=formats))
            yield image
    except StyleTransferError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(f"{name} unpacks to too many pixels: make it smaller first.") from None
    except MemoryError:
        raise PictureError(f"{name} needs more memory than there is: make it smaller.") from None
    except Exception as error:  # decoders raise whatever they like at damaged bytes
        raise PictureError(f"{name} {_what_is_wrong(source)}.") from error


def _what_is_wrong(source):
    start = source if isinstance(source, bytes) else b""
    if isinstance(source, Path):
        with contextlib.suppress(OSError), open(source, "rb") as file:
            start = file.read(512)
    for beginning, sentence in _IS_NOT.items():
        if re.match(beginning, start, re.IGNORECASE | re.DOTALL):
            return sentence
    return "is not a picture that can be read, or it is damaged: try another file"


def exif(image: Image.Image, tag: int):
    """The value of an EXIF tag; None where there is none, or it is broken."""
    try:
        return image.getexif().get(tag)
    except MemoryError:
        raise
    except Exception:  # Pillow raises whatever it likes, as of other damaged bytes
        return None


def _upright_srgb(image, name):
    tags = getattr(image, "tag_v2", {})  # of a TIFF file
    turn = exif(image, ExifTags.Base.Orientation)
    if turn in _TURNS:  # ImageOps.exif_transpose fails where any other tag is broken
        image = image.transpose(_TURNS[turn])
    if image.mode == "F":
        raise PictureError(f"{name} holds floating-point values: save it with 8 or 16 bits.")
    info, alpha = image.info, None
    if image.mode.startswith("I"):
        image = _eight_bits(image, tags)
    if image.has_transparency_data:
        color = "L" if image.mode in ("1", "L", "LA") else "RGB"
        image = image.convert(color + "A")
        image, alpha = image.convert(color), image.getchannel("A")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    image = _to_srgb(image, info)
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _eight_bits(image, tags):
    """A gray picture of 12, 16 or 32 bits as one of 8, with alpha if a value is transparent."""
    values = np.asarray(image).astype(np.float64)
    bits = tags.get(ExifTags.Base.BitsPerSample, (16,))[0]
    most = 2.0**bits - 1
    if bits == 32:
        values %= 2.0**32  # Pillow has no unsigned ones
        # Programs that write 32 bits often use a part of them only.
        most = next(n for n in (2**8 - 1, 2**16 - 1, 2**31 - 1, 2**32 - 1) if values.max() <= n)
    gray = np.clip(values / most, 0, 1)
    if tags.get(ExifTags.Base.PhotometricInterpretation) == 0:  # 0 means white
        gray = 1 - gray
    made = Image.fromarray(np.rint(255 * gray).astype(np.uint8))
    if (clear := image.info.get("transparency")) is not None:
        made.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return made


def _to_srgb(image, info):
    """RGB, in sRGB: what the bytes mean by an ICC profile, if it is not broken, or a PNG's gAMA."""
    if profile := info.get("icc_profile"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        return image.convert("RGB")
    image, gamma = image.convert("RGB"), info.get("gamma") or 0
    if gamma > 0 and "srgb" not in info and abs(gamma * 2.2 - 1) > 0.05:  # not sRGB's own
        light = (np.arange(256) / 255) ** (1 / gamma)
        steep = 1.055 * light ** (1 / 2.4) - 0.055  # IEC 61966-2-1
        image = image.point([*(255 * np.where(light < 0.0031308, 12.92 * light, steep))] * 3)
    return image


def _from_address(address, size):
    """The picture behind an http(s) address, from the cache when it was fetched before."""
    shown = address if len(address) <= 200 else f"{address[:60]}…"
    if not address.lower().startswith(("http://", "https://")):
        raise PictureError(
            f"{shown[:60]} is not a web address: it must begin with http:// or https://."
        )
    folder = os.environ.get("NST_CACHE") or "~/.cache/neural-style-transfer"
    cached = (
        Path(os.path.expanduser(folder))
        / hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()
    )
    with contextlib.suppress(PictureError):  # there is none, or a damaged one is fetched again
        return _decode(files.readable(cached), shown, size)
    data = fetch(address)
    image = _decode(data, shown, size)
    # A cache that cannot be written only costs the next download.
    with contextlib.suppress(OSError, ValueError):
        cached.unlink(missing_ok=True)  # a link there would lead to somebody else's file
        with files.whole_file(cached, parents=True) as file:
            file.write(data)
    return image


class _NoFTP(urllib.request.FTPHandler):
    """A redirect could lead there."""

    def ftp_open(self, *_):
        raise urllib.error.URLError("it leads to an FTP server")


def fetch(address: str) -> bytes:
    """The bytes behind an http(s) address.

    Raises PictureError: nothing there, more than MAX_BYTES bytes or DURATION seconds.
    """
    data, end = bytearray(), time.monotonic() + DURATION
    try:
        # Wikimedia refuses clients that do not say who they are.
        headers = {"User-Agent": "neural-style-transfer/1.0"}
        plain = urllib.parse.quote(address, safe=string.punctuation)
        request = urllib.request.Request(plain, headers=headers)
        with urllib.request.build_opener(_NoFTP).open(request, timeout=TIMEOUT) as answer:
            expected = answer.length or 0
            while len(data) <= MAX_BYTES and (part := answer.read1(1 << 16)):
                data += part
                if time.monotonic() > end:
                    raise TimeoutError(f"it takes more than {DURATION} seconds")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error)).split("\n")[0]
        raise PictureError(
            f"{address} could not be fetched ({reason}): check the address and the network, or "
            "use a local file."
        ) from None
    if len(data) > MAX_BYTES:
        raise PictureError(f"{address} is larger than {MAX_BYTES // 10**6} MB: use a smaller one.")
    if len(data) < expected:
        raise PictureError(f"{address} broke off before its end: try again.")
    return bytes(data)


def scaled(image: Image.Image, size: int | None) -> Image.Image:
    """The picture with `size` pixels on its longest side; the aspect ratio stays.

    Raises SettingError for a size at which it has too many pixels.
    """
    if size is None:
        return image
    width, height = (max(2, round(side * size / max(image.size))) for side in image.size)
    if width * height > MAX_PIXELS:
        raise SettingError(
            f"The size is {size}, which makes {width} × {height} pixels, more than "
            f"{MAX_PIXELS // 10**6} million: give a smaller one."
        )
    return image.resize((width, height), Image.Resampling.LANCZOS)


def on_white(image: Image.Image) -> Image.Image:
    """The picture with its transparency shown on white, as RGB."""
    if image.mode != "RGBA":
        return image
    opaque = Image.new("RGB", image.size, "white")
    opaque.paste(image, mask=image.getchannel("A"))
    return opaque


def from_array(value, what: str) -> np.ndarray:
    """An array or tensor as RGB float32 (height, width, 3) in 0–255: `images.as_picture`."""
    array = np.asarray(value)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.dtype.kind not in "buif":
        raise PictureError(f"The {what} is not an array of real numbers: open it with images.load.")
    if array.ndim != 3 or array.shape[-1] not in (1, 3) or not array.size:
        raise PictureError(
            f"The {what} has the shape {array.shape}: it must be (height, width, 3), RGB."
        )
    low, high, kind = float(array.min()), float(array.max()), array.dtype.kind
    for wrong, cause in (
        (not np.isfinite([low, high]).all(), "they must be finite"),
        (kind == "b" or (kind == "f" and low >= 0 and 0 < high <= 1), "multiply them by 255"),
        (-1 <= low < 0 and high <= 1, "compute (x + 1) · 127.5"),
        (low < -1, "undo preprocess_input, or clip them to 0 and 255"),
        (high > 256, "divide 16 bits by 257, or clip them to 0 and 255"),
    ):
        if wrong:
            raise PictureError(f"The {what} has values from {low:.6g} to {high:.6g}: {cause}.")
    array = np.clip(array.astype(np.float32), 0, 255)
    return np.broadcast_to(array, (*array.shape[:2], 3)).copy()
