"""Masks: colors, regions, what a layer's positions belong to, and what a transfer makes of them."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_objective import weighted

from helpers import costs, images, masks, vgg
from helpers.errors import PictureError, SettingError
from helpers.masks import COLORS, WHITE, Masks
from helpers.style_costs import STYLE_COSTS
from helpers.transfer import Transfer

RED = COLORS.index("red")


def two_parts(shape):
    """White on the left, red in a stripe, black on the right."""
    mask = np.zeros(shape[:2], int)
    mask[:, : shape[1] // 3] = WHITE
    mask[:, shape[1] // 3 : shape[1] // 2] = RED
    return mask


@pytest.fixture
def two(shallow, picture, style_picture):
    """A transfer with two styles in three regions, the last of which stays."""

    def made(style_masks=("white", "red"), **how):
        styles = [style_picture, make_picture(8, 30, 34)]
        how = {"levels": 1, "mask": two_parts(picture.shape)} | how
        return Transfer(picture, styles, shallow, style_masks=style_masks, **how)

    return made


def test_a_mask_comes_back_from_its_picture(tmp_path):
    mask = np.repeat(np.repeat(np.arange(8).reshape(2, 4), 20, 0), 20, 1)
    images.save(tmp_path / "mask.png", masks.to_picture(mask))
    np.testing.assert_array_equal(masks.load(tmp_path / "mask.png", 80), mask)
    images.save(tmp_path / "mask.jpg", masks.to_picture(mask))
    assert (masks.load(tmp_path / "mask.jpg", 80) == mask).mean() > 0.9


def test_the_opaque_part_of_a_cut_out_is_the_region():
    cut_out = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    cut_out[..., 3] = 255 * masks.rectangle(cut_out, 0.25, 0.3, 0.75, 0.8)
    found = masks.load(Image.fromarray(cut_out))
    np.testing.assert_array_equal(found, masks.white(cut_out[..., 3] > 0))
    cut_out[..., 3] = 255  # without a transparent place a mask is what its colors say
    assert len(np.unique(masks.load(Image.fromarray(cut_out)))) > 2


def test_selections():
    picture = make_picture(0, 20, 40)
    inside = masks.rectangle(picture, 0, 0.5, 0.5, 1)
    assert inside[:10, 20:].all() and inside.sum() == 200
    picture = np.concatenate([np.full((8, 8, 3), 30), np.full((8, 8, 3), 220)]).astype("float32")
    np.testing.assert_array_equal(masks.lighter(picture), picture[..., 0] > 100)
    assert masks.lighter(np.full((4, 5, 3), 80.0)).all()  # all of an even picture is light


def test_masks_of_any_kind(picture, style_picture, tmp_path):
    """Parts of the photograph, True and False, files and Pillow pictures."""

    def of(mask, style_masks=None):
        return Masks.of(mask, style_masks, picture, [style_picture])

    light = masks.lighter(picture)
    expected = masks.white(light)
    images.save(path := tmp_path / "mask.png", masks.to_picture(expected))
    shown = Image.fromarray(masks.to_picture(expected).astype(np.uint8))
    for kind in ("light", light, expected, path, str(path), shown):
        np.testing.assert_array_equal(of(kind).content, expected)
    np.testing.assert_array_equal(of("dark").content, masks.white(~light))
    assert of(None) is None
    inside = masks.rectangle(style_picture, 0, 0, 1, 0.5)
    for style_masks in ([inside], inside, masks.white(inside)):
        np.testing.assert_array_equal(of("white", style_masks).styles, [masks.white(inside)])
    np.testing.assert_array_equal(of("red", "red").styles[0], RED)
    style_mask = np.full(style_picture.shape[:2], RED)
    style_mask[:5] = WHITE
    found = Masks.of(two_parts(picture.shape), [style_mask, "white"], picture, [style_picture] * 2)
    assert [(r.color, r.styles) for r in found.regions] == [(RED, (0,)), (WHITE, (0, 1))]
    assert sum(r.share for r in found.regions) == pytest.approx((found.painted > 0).mean())
    # A row less than the photograph's is another rounding, many less another shape.
    images.save(path, masks.to_picture(expected[1:]))
    assert of(path).content.shape == light.shape
    images.save(path, masks.to_picture(expected[9:]))
    with pytest.raises(SettingError, match="sizes"):
        of(path)


@pytest.mark.parametrize(
    ("mask", "style_masks", "word"),
    [
        (np.zeros((3, 4), int), None, "sizes"),
        ("white", [np.zeros((3, 4), int)], "style mask 1"),
        ("black", None, "black"),
        ("white", ["green"], "green"),
        ("purple", None, "purple"),
        ("white", ["white", "red"], "2 values of style masks"),
        (np.full((40, 48), 9), None, "0 to 7"),
        (np.full((40, 48), 0.5), None, "0 to 7"),
        (np.zeros((40, 48, 3), int), None, "sizes"),
        (None, ["white"], "no mask"),
        (None, "white", "no mask"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(picture, style_picture, mask, style_masks, word):
    with pytest.raises((SettingError, PictureError), match=word) as error:
        Masks.of(mask, style_masks, picture, [style_picture])
    assert "\n" not in str(error.value)


def test_a_region_that_vanishes_at_the_smallest_level(shallow, picture, style_picture):
    mask = np.full(picture.shape[:2], WHITE)
    mask[0, 0] = RED
    run = {"mask": mask, "style_masks": "red"}
    Transfer(picture, style_picture, shallow, levels=1, **run)
    with pytest.raises(SettingError, match="24 × 20"):
        Transfer(picture, style_picture, shallow, levels=2, **run)


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(list(vgg.layer_table("vgg19").values())),
    *[st.integers(2, 40)] * 2,
    st.integers(0, 2**31),
)
def test_positions_are_those_whose_window_lies_inside(layer, height, width, seed):
    """Every position has a window, also that of a last odd row or column, which is narrower."""
    height, width = max(height, layer.stride), max(width, layer.stride)
    rng, shares = np.random.default_rng(seed), []
    inside = np.zeros((height, width), bool)
    inside[: rng.integers(1, height + 1), : rng.integers(1, width + 1)] = True
    pixels = np.argwhere(inside | True) + 0.5
    for y in np.arange(layer.stride / 2, height + layer.stride / 2, layer.stride):
        for x in np.arange(layer.stride / 2, width + layer.stride / 2, layer.stride):
            middle = min(y, height - 0.5), min(x, width - 0.5)
            window = (np.abs(pixels - middle) < layer.receptive_field / 4).all(axis=1)
            shares.append(inside.ravel()[window].mean())
    least = min(masks.PURE, max(shares)) - 1e-6
    assert masks.positions(inside, layer).tolist() == list(
        np.flatnonzero(np.array(shares) >= least)
    )


def test_one_color_changes_nothing_and_the_rest_of_a_painting_is_unseen(
    make, shallow, picture, style_picture
):
    everywhere, how = np.full(picture.shape[:2], True), {"init": "content"}
    masked, plain = make(mask=everywhere, **how).costs(), make(**how).costs()
    assert masked == pytest.approx(plain, rel=1e-4, abs=1e-6)
    how = {"mask": "white", "style_masks": masks.rectangle(style_picture, 0, 0, 1, 1 / 3)}
    other = style_picture.copy()
    other[:, 20:] = 255 - other[:, 20:]
    mine, theirs = (Transfer(picture, S, shallow, **how).costs() for S in (style_picture, other))
    assert mine["style"] == pytest.approx(theirs["style"], rel=1e-3)


@pytest.mark.parametrize("style_cost", STYLE_COSTS)
def test_the_cost_is_that_of_the_rows_in_each_region(two, shallow, style_cost):
    run, describe = two(style_cost=style_cost, style_weights=[1.0, 3.0]), STYLE_COSTS[style_cost]
    a_G, mask = shallow(run.picture), two_parts(run.content.shape)
    for layer, row in shallow.layers.items():
        expected = 0.0
        for color, style in ((WHITE, run.styles[0]), (RED, run.styles[1])):
            rows = masks.positions(mask == color, row)
            part = tf.gather(costs.unroll(a_G[layer]), rows)[:, tf.newaxis]
            cost = costs.layer_style_cost(shallow(style)[layer], part, "relative", describe)
            expected += (mask == color).mean() * float(cost)
        np.testing.assert_allclose(run.costs()[layer], expected, rtol=1e-3)


@pytest.mark.parametrize("style_cost", STYLE_COSTS)
def test_the_gradient_agrees_with_finite_differences(style_cost):
    network = vgg.load("mini", ["block1_conv1", "block1_conv2"])
    content, style = make_picture(1, 16, 20), make_picture(2, 14, 18)
    mask = two_parts(content.shape)
    run = Transfer(content, style, network, levels=1, mask=mask, style_cost=style_cost)
    G = make_picture(3, 16, 20)[np.newaxis]
    J, weights = run.objective, weighted(layers=[1.0])
    _, gradient = J.with_gradient(G, run.targets, weights)
    assert not gradient.numpy()[0][mask != WHITE].any()  # where the photograph stays
    direction = gradient * np.random.default_rng(0).uniform(0.5, 1, G.shape)
    direction /= np.abs(direction).max()
    up, down = (J(G + sign * direction, run.targets, weights)["total"] for sign in (0.5, -0.5))
    np.testing.assert_allclose(up - down, [np.sum(gradient * direction)], rtol=0.05)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_region_without_style_keeps_the_photograph(two, picture, optimizer):
    run = two(optimizer=optimizer, levels=2, init="noise")
    run.run(6)
    parts = two_parts(picture.shape)
    np.testing.assert_allclose(run.picture[parts == 0], picture[parts == 0], atol=1e-3)
    for color in (WHITE, RED):
        assert np.abs(run.picture - picture)[parts == color].mean() > 5


def test_the_edge_to_the_photograph_is_soft_and_lies_inside(style_picture):
    picture = make_picture(0, 200, 300)
    inside = masks.rectangle(picture, 0.2, 0.2, 0.8, 0.8)
    painted = Masks.of(inside, None, picture, [style_picture]).painted[..., 0]
    assert not painted[~inside].any() and (painted[60:140, 80:220] == 1).all()
    edge = np.diff(painted[100, 55:80])
    assert edge.min() == 0 and 0.1 < edge.max() < 0.4
    whole = Masks.of(np.full_like(inside, True), None, picture, [style_picture])
    assert (whole.painted == 1).all()
