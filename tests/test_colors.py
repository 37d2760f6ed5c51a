"""Colors of one picture for another: what is matched is equal, what is not stays."""

import numpy as np

from helpers import colors, images


def test_match_colors_gives_mean_and_covariance(picture):
    soft = 60 + picture * 0.3  # away from 0 and 255, where clipping would change the statistics
    target = 110 + 0.1 * picture[::-1, :, ::-1]
    found = colors.match_colors(soft, target)
    np.testing.assert_allclose(found.mean((0, 1)), target.mean((0, 1)), rtol=1e-3)
    covariances = (np.cov(one.reshape(-1, 3).T) for one in (found, target))
    np.testing.assert_allclose(*covariances, rtol=2e-2, atol=0.1)


def test_match_luminance_gives_mean_and_deviation(picture):
    target = picture * 0.5 + 20
    found, aim = colors.match_luminance(picture, target), colors.luminance(target)
    np.testing.assert_allclose([found.mean(), found.std()], [aim.mean(), aim.std()], rtol=1e-3)


def test_with_luminance_takes_light_from_one_and_color_from_the_other():
    hue = np.float32([[[100, 120, 90], [110, 100, 140]]])
    light = np.float32([[[80, 80, 80], [130, 130, 130]]])
    found = colors.with_luminance(hue, light)
    np.testing.assert_allclose(colors.luminance(found), light, atol=0.01)
    differences = found[..., 0] - found[..., 2]
    np.testing.assert_allclose(differences, hue[..., 0] - hue[..., 2], atol=0.01)


def test_a_picture_of_one_color_can_still_be_matched():
    flat = np.full((4, 4, 3), 90, np.float32)
    for match in (colors.match_colors, colors.match_luminance):
        np.testing.assert_allclose(match(flat, flat + 20), flat + 20, atol=0.1)


def test_light_comes_from_the_paintings_and_detail_from_the_photograph(picture):
    soft, paintings = 110 + picture * 0.1, [60 + picture[::-1, 5:] * 0.3, picture[::2] * 0.5 + 40]
    found = colors.in_light_of(soft, paintings)
    small = [max(1, round(colors.THUMBNAIL * side / max(soft.shape))) for side in soft.shape[:2]]
    thumbnails = [images.resize(painting, *small) for painting in paintings]
    np.testing.assert_allclose(images.resize(found, *small), np.mean(thumbnails, 0), atol=12)
    np.testing.assert_allclose(images.detail(found, 20, 24), images.detail(soft, 20, 24), atol=3)
