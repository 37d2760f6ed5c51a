"""Small pictures and networks that several test files share."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

if shutil.which("nvidia-smi"):
    # Tests compare runs number by number: on a GPU, TF32 would leave ten bits of each, and sums in
    # whatever order, or convolutions by Winograd for one run only, would tell equal runs apart.
    os.environ |= {"NVIDIA_TF32_OVERRIDE": "0", "TF_DETERMINISTIC_OPS": "1"}
WEIGHTS = Path(__file__).resolve().parents[2] / "shared" / "weights"


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
def vgg19_weights():
    """The real VGG-19, all sixteen layers; its size and licence keep it out of the repository."""
    path = WEIGHTS / "vgg19_imagenet.npz"
    if not path.exists():
        pytest.skip(f"the real VGG-19's weights are not at ../shared/weights/{path.name}")
    return path
