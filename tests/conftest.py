"""Small pictures and networks that the tests share.

The networks live as long as the session, because the compiled steps are kept with them.
"""

import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

if shutil.which("nvidia-smi"):
    # Tests compare runs number by number: on a GPU, TF32 would leave ten bits of each, and sums in
    # whatever order, or convolutions by Winograd for one run only, would tell equal runs apart.
    os.environ |= {"NVIDIA_TF32_OVERRIDE": "0", "TF_DETERMINISTIC_OPS": "1"}
# A shell has Ctrl-C ignored in the background; the tests shall hear it there, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
KERAS_FILE = Path.home() / ".keras/models/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update"]


def make_picture(seed, height, width):
    """Smooth waves of color under some noise: content at every scale."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [127 + 90 * np.sin(x / (5 + c) + seed) + 30 * np.cos(y / (3 + c)) for c in range(3)]
    picture = np.stack(waves, axis=-1) + rng.normal(0, 12, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.float32)


@pytest.fixture(scope="session")
def picture():
    return make_picture(0, 40, 48)


@pytest.fixture(scope="session")
def style_picture():
    return make_picture(5, 44, 36)


@pytest.fixture(scope="session")
def mini():
    """The embedded network with Gatys' layers, block1_conv1 to block5_conv1."""
    from helpers import vgg

    return vgg.load("mini")


@pytest.fixture(scope="session")
def shallow():
    """Two layers of it, for whatever does not depend on the depth: traced in a fifth of the time,
    and pictures may be as small as 2 × 2."""
    from helpers import vgg

    return vgg.load("mini", ["block1_conv1", "block2_conv1"])


@pytest.fixture(scope="session")
def make(shallow, picture, style_picture):
    """Transfers with two layers and one level, unless an option says otherwise."""
    from helpers.transfer import Transfer

    return lambda **how: Transfer(picture, style_picture, shallow, **{"levels": 1} | how)


@pytest.fixture(scope="session")
def vgg19_weights():
    """The real VGG-19's file; its size and license keep it out of the repository."""
    path = Path(os.environ.get("NST_WEIGHTS") or KERAS_FILE)
    if not path.exists():
        pytest.skip("no weights of VGG-19: set NST_WEIGHTS, or let Keras download them once")
    return path


@pytest.fixture(scope="module")  # for asyncio does not run beside it
def browser():
    """Headless Chromium, which takes nothing from the network."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield found
        found.close()


def made_up(name, layers=None, thinner=1):
    """Random weights {LAYER/kernel, LAYER/bias} of a VGG's first layers, n_C divided."""
    from helpers import vgg

    rng, arrays, channels_in = np.random.default_rng(0), {}, 3
    for layer, row in list(vgg.layer_table(name).items())[:layers]:
        n_C = row.channels // thinner
        kernel = rng.normal(0, 1.4 / np.sqrt(9 * channels_in), (3, 3, channels_in, n_C))
        arrays[f"{layer}/kernel"] = kernel.astype(np.float32)
        arrays[f"{layer}/bias"] = rng.normal(0, 0.05, n_C).astype(np.float32)
        channels_in = n_C
    return arrays


def _in_headers(at, value):
    """A damage: this byte in the header of each file in a zip, and in the zip's directory."""

    def damage(data):
        found = bytearray(data)
        for signature, offset in ((b"PK\x03\x04", at), (b"PK\x01\x02", at + 2)):
            for match in re.finditer(signature, data):
                found[match.start() + offset] = value
        return bytes(found)

    return damage


DAMAGES = {  # of an .npz
    "empty": lambda data: b"",
    "text": lambda data: b"<!DOCTYPE html>",
    "cut": lambda data: data[: len(data) // 2],
    "end lost": lambda data: data[:-30],
    "a bit flipped": lambda d: (
        d[: len(d) // 2] + bytes([d[len(d) // 2] ^ 4]) + d[len(d) // 2 + 1 :]
    ),
    "encrypted": _in_headers(6, 1),
    "unknown compression": _in_headers(8, 97),
}
