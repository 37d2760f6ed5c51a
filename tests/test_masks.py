"""Masks: colors, regions, what a layer's positions belong to, and what a transfer makes of them."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import checkpoint, costs, images, masks, vgg
from helpers.errors import CheckpointError, SettingError
from helpers.masks import COLORS, WHITE, Masks
from helpers.transfer import Transfer

RED = COLORS.index("red")
halves = st.tuples(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**31))


def two_parts(shape):
    """White on the left, red in a stripe, black on the right."""
    mask = np.zeros(shape[:2], int)
    mask[:, : shape[1] // 3] = WHITE
    mask[:, shape[1] // 3 : shape[1] // 2] = RED
    return mask


@pytest.fixture
def make(shallow, picture, style_picture):
    """A transfer with two styles in three regions, the last of which stays."""

    def made(style_masks=("white", "red"), **how):
        styles = [style_picture, make_picture(8, 30, 34)]
        how = {"levels": 1, "mask": two_parts(picture.shape)} | how
        return Transfer(picture, styles, shallow, style_masks=style_masks, **how)

    return made


def test_a_mask_comes_back_from_its_picture(tmp_path):
    mask = np.repeat(np.repeat(np.arange(8).reshape(2, 4), 20, 0), 20, 1)
    np.testing.assert_array_equal(masks.from_picture(masks.to_picture(mask)), mask)
    path = tmp_path / "mask.png"
    Image.fromarray(masks.to_picture(mask).astype("uint8")).save(path)
    np.testing.assert_array_equal(masks.load(path, 80), mask)
    Image.fromarray(masks.to_picture(mask).astype("uint8")).save(path.with_suffix(".jpg"))
    lossy = masks.load(path.with_suffix(".jpg"), 80)
    assert (lossy == mask).mean() > 0.9


def test_selections():
    picture = make_picture(0, 20, 40)
    inside = masks.rectangle(picture, 0, 0.5, 0.5, 1)
    assert inside.shape == (20, 40)
    assert inside[:10, 20:].all() and inside.sum() == 200
    line = masks.brush(picture, [(0.5, 0.1), (0.5, 0.9)], 0.2)
    assert line[9:11, 5:35].all() and not line[:7].any() and not line[13:].any()
    dot = masks.brush(picture, [(0.5, 0.5)], 0.3)
    assert dot[10, 20] and not dot[10, 30]
    picture = np.concatenate([np.full((8, 8, 3), 30), np.full((8, 8, 3), 220)]).astype("float32")
    np.testing.assert_array_equal(masks.lighter(picture), picture[..., 0] > 100)
    assert masks.lighter(picture, than=10).all()
    np.testing.assert_array_equal(masks.near_color(picture, (200, 230, 220)), picture[..., 0] > 100)
    assert set(np.unique(masks.white(masks.lighter(picture)))) == {0, WHITE}


def test_a_part_of_a_photograph_or_a_file_by_name(picture, tmp_path):
    light = masks.of_photograph("light", picture)
    np.testing.assert_array_equal(light == WHITE, masks.lighter(picture))
    np.testing.assert_array_equal(masks.of_photograph("dark", picture) == WHITE, light == 0)
    images.save(tmp_path / "mask.png", masks.to_picture(light))
    found = masks.of_photograph(tmp_path / "mask.png", picture)
    np.testing.assert_array_equal(found, light)
    # A row less than the photograph's is another rounding, many less another shape.
    images.save(tmp_path / "mask.png", masks.to_picture(light[1:]))
    assert masks.of_photograph(tmp_path / "mask.png", picture).shape == light.shape
    images.save(tmp_path / "mask.png", masks.to_picture(light[9:]))
    assert masks.of_photograph(tmp_path / "mask.png", picture).shape != light.shape


def test_all_of_an_even_picture_is_light():
    assert masks.lighter(np.full((4, 5, 3), 80.0)).all()


@pytest.mark.parametrize("layer", vgg.layer_table("vgg19").values())
@settings(deadline=None, max_examples=8)
@given(halves)
def test_positions_are_those_whose_window_lies_inside(layer, given):
    height, width, seed = given
    height, width = max(height, layer.stride), max(width, layer.stride)
    rng = np.random.default_rng(seed)
    inside = np.zeros((height, width), bool)
    inside[: rng.integers(1, height + 1), : rng.integers(1, width + 1)] = True
    rows = masks.positions(inside, layer)
    n_W, shares = width // layer.stride, []
    for k in range((height // layer.stride) * n_W):
        y, x = ((i + 0.5) * layer.stride for i in divmod(k, n_W))
        reach = layer.receptive_field / 4
        top, left = (max(int(np.rint(v - reach)), 0) for v in (y, x))
        bottom, right = int(np.rint(y + reach)), int(np.rint(x + reach))
        shares.append(inside[top:bottom, left:right].mean())
    least = min(masks.PURE, max(shares))
    assert rows.tolist() == [k for k, share in enumerate(shares) if share >= least]
    assert len(rows)


def test_a_mask_of_one_color_changes_nothing(shallow, picture, style_picture):
    plain = Transfer(picture, style_picture, shallow, levels=1)
    mask = np.full(picture.shape[:2], WHITE)
    masked = Transfer(picture, style_picture, shallow, levels=1, mask=mask)
    for name, value in plain.costs().items():
        np.testing.assert_allclose(masked.costs()[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("style_cost", costs.STYLE_COSTS)
def test_the_cost_is_that_of_the_rows_in_each_region(make, shallow, style_cost):
    run = make(style_cost=style_cost, style_weights=[1.0, 3.0])
    a_G, mask = shallow(run.picture), two_parts(run.content.shape)
    for layer, row in shallow.layers.items():
        expected = 0.0
        for color, style in ((WHITE, run.styles[0]), (RED, run.styles[1])):
            rows = masks.positions(mask == color, row)
            part = tf.gather(costs.unroll(a_G[layer]), rows)[:, tf.newaxis]
            cost = costs.layer_style_cost(
                shallow(style)[layer], part, "relative", costs.STYLE_COSTS[style_cost]
            )
            expected += (mask == color).mean() * float(cost)
        np.testing.assert_allclose(run.costs()[layer], expected, rtol=1e-3)


def test_a_mask_of_the_painting_leaves_the_rest_of_it_unseen(shallow, picture, style_picture):
    other = style_picture.copy()
    other[:, 20:] = 255 - other[:, 20:]
    style_mask = masks.white(masks.rectangle(style_picture, 0, 0, 1, 12 / style_picture.shape[1]))
    mask = np.full(picture.shape[:2], WHITE)
    seen = [
        Transfer(picture, style, shallow, levels=1, mask=mask, style_masks=[style_mask]).costs()
        for style in (style_picture, other)
    ]
    assert seen[0]["style"] == pytest.approx(seen[1]["style"], rel=1e-3)


@settings(deadline=None, max_examples=6)
@given(st.sampled_from(list(costs.STYLE_COSTS)), st.integers(0, 2**31))
def test_the_gradient_agrees_with_finite_differences(style_cost, seed):
    network = vgg.load("mini", ["block1_conv1", "block1_conv2"])
    content, style = make_picture(1, 16, 20), make_picture(2, 14, 18)
    mask = two_parts(content.shape)
    run = Transfer(content, style, network, levels=1, mask=mask, style_cost=style_cost)
    rng = np.random.default_rng(seed)
    G = make_picture(seed % 89 + 3, 16, 20)[np.newaxis]
    _, gradient = run.objective.with_gradient(G)
    assert not gradient.numpy()[0][mask != WHITE].any()  # where the photograph stays
    direction = gradient.numpy() * rng.uniform(0.5, 1, G.shape)
    direction /= np.abs(direction).max()
    up, down = (float(run.objective(G + s * direction).total[0]) for s in (0.5, -0.5))
    assert up - down == pytest.approx((gradient.numpy() * direction).sum(), rel=0.05)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("levels", [1, 2])
def test_a_region_without_style_keeps_the_photograph(make, picture, optimizer, levels):
    run = make(optimizer=optimizer, levels=levels, init="noise")
    run.run(4)
    stays = two_parts(picture.shape) == 0
    np.testing.assert_allclose(run.picture[stays], picture[stays], atol=1e-3)
    for color in (WHITE, RED):
        changed = two_parts(picture.shape) == color
        assert np.abs(run.picture - picture)[changed].mean() > 5


def test_a_batch_equals_single_runs(make):
    batch = make(beta=[5.0, 20.0])
    batch.step(3)
    for i, beta in enumerate((5.0, 20.0)):
        alone = make(beta=beta)
        alone.step(3)
        np.testing.assert_allclose(batch.history["total"][:, i], alone.history["total"], rtol=1e-3)


def test_a_run_with_masks_is_resumed_bit_for_bit(make, picture, tmp_path):
    path, whole, part, again = tmp_path / "run.npz", make(levels=2), make(levels=2), make(levels=2)
    whole.run(8)
    for done in part.chunks(8, seconds=0.0):
        if done == 5:
            checkpoint.save(path, part)
            break
    checkpoint.restore(path, again)
    again.run(8)
    np.testing.assert_array_equal(again.picture, whole.picture)
    with pytest.raises(CheckpointError, match="other pictures"):
        checkpoint.restore(path, make(levels=2, mask=two_parts(picture.shape)[:, ::-1]))
    with pytest.raises(CheckpointError, match="style_cost gram, this run has moments"):
        checkpoint.restore(path, make(levels=2, style_cost="moments"))


def test_regions_their_shares_and_their_styles(picture, style_picture):
    mask = two_parts(picture.shape)
    style_mask = np.full(style_picture.shape[:2], RED)
    style_mask[:5] = WHITE
    found = Masks(mask, [style_mask, "white"], picture, [style_picture] * 2).regions
    assert [(r.color, r.styles) for r in found] == [(RED, (0,)), (WHITE, (0, 1))]
    assert sum(r.share for r in found) == pytest.approx((mask > 0).mean())


@pytest.mark.parametrize(
    ("mask", "style_masks", "sentence"),
    [
        (np.zeros((3, 4), int), None, "The mask and the photograph have other sizes, 4 × 3 and"),
        ("white", [np.zeros((3, 4), int)], "The style mask 1 and the style picture 1 have other"),
        ("black", None, "Nothing in the mask is white, as style mask 1 is: the mask has black."),
        ("white", ["green"], "Nothing in the mask is green"),
        ("purple", None, "There is no color 'purple': choose from black, blue"),
        ("white", ["white", "red"], "2 style masks for 1 style pictures"),
        (np.full((40, 48), 9), None, "The mask has other values than 0 to 7"),
        (np.full((40, 48), 0.5), None, "The mask has other values than 0 to 7"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(picture, style_picture, mask, style_masks, sentence):
    with pytest.raises(SettingError, match=sentence) as error:
        Masks(mask, style_masks, picture, [style_picture])
    assert "\n" not in str(error.value)


def test_a_region_that_is_nothing_at_the_smallest_level(shallow, picture, style_picture):
    mask = np.full(picture.shape[:2], WHITE)
    mask[0, 0] = RED
    run = {"mask": mask, "style_masks": ["red"]}
    Transfer(picture, style_picture, shallow, levels=1, **run)
    with pytest.raises(SettingError, match="The red part of a mask is nothing at 24 × 20 pixels"):
        Transfer(picture, style_picture, shallow, levels=2, **run)
