"""Colors of one picture for another: luminance, its match, that of all channels, and light.

A picture is an RGB float32 array (height, width, 3) with values 0–255.
"""

import numpy as np

from . import images

THUMBNAIL = 4  # pixels of the longest side: more, and the painting's subject shows through

# Rec. 601 luma, the Y of the YIQ space that Gatys et al. 2016b use.
_LUMA = np.float32([0.299, 0.587, 0.114])


def luminance(picture: np.ndarray) -> np.ndarray:
    """The picture in gray, three equal channels: (height, width, 3)."""
    return np.repeat((picture @ _LUMA)[..., None], 3, axis=-1)


def with_luminance(colors: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The colors of one picture with the luminance of another of the same shape."""
    return np.clip(colors - luminance(colors) + luminance(light), 0, 255)


def match_luminance(picture: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The picture's luminance, shifted and scaled to the target's mean and standard deviation.

    Gatys et al. 2016b (arXiv:1606.05897), section 5.2: so that a dark painting can paint the light
    of a bright photograph.
    """
    gray, aim = luminance(picture), luminance(target)
    return (gray - gray.mean()) * (aim.std() / max(gray.std(), 1e-3)) + aim.mean()


def match_colors(picture: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The picture recolored to the mean and covariance of the target's colors."""
    pixels, aim = picture.reshape(-1, 3), target.reshape(-1, 3)
    M = recoloring_matrix(np.cov(pixels.T), np.cov(aim.T))
    moved = (pixels - pixels.mean(0)) @ M.T + aim.mean(0)
    return np.clip(moved, 0, 255).reshape(picture.shape).astype(np.float32)


def recoloring_matrix(sigma_S: np.ndarray, sigma_C: np.ndarray) -> np.ndarray:
    """M = Σ_C^½ · Σ_S^-½, with symmetric roots: it turns a covariance Σ_S of colors into Σ_C.

    Gatys et al. 2016b, section 5.1.
    """
    return root(sigma_C) @ np.linalg.inv(root(sigma_S))


def in_light_of(content: np.ndarray, styles: list[np.ndarray]) -> np.ndarray:
    """The photograph in the light of the paintings: its thumbnail is exchanged for their mean one.

    A thumbnail of four pixels knows where a picture is bright or red, and not what it shows.
    """
    shape = content.shape[:2]
    small = [max(1, round(THUMBNAIL * side / max(shape))) for side in shape]
    lights = [images.resize(images.resize(style, *small), *shape) for style in styles]
    return np.clip(images.detail(content, *small) + np.mean(lights, axis=0), 0, 255)


def root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 1e-3))) @ vectors.T


def seen(content: np.ndarray, styles: list, keep_colors: str | None) -> list[np.ndarray]:
    """[C, S, …] as the network is to see them, so that the photograph keeps its colors.

    Gatys et al. 2016b, arXiv:1606.05897: "luminance" alone is painted, or the painting gets the
    photograph's "histogram" first; None changes nothing.
    """
    if keep_colors == "luminance":
        matched = [match_luminance(style, content) for style in styles]
        return [luminance(content), *matched]
    if keep_colors == "histogram":
        return [content, *(match_colors(style, content) for style in styles)]
    return [content, *styles]
