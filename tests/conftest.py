"""Small pictures and networks that several test files share."""

from pathlib import Path

import numpy as np
import pytest

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
    from helpers import vgg

    return vgg.load("mini")


@pytest.fixture(scope="session")
def vgg19_weights():
    """Real VGG-19, blocks 1 to 3; its licence and size keep it out of the repository."""
    path = WEIGHTS / "vgg19_imagenet_blocks1to3.npz"
    if not path.exists():
        pytest.skip(f"real VGG-19 weights are not at {path.parent.name}/{path.name}")
    return path
