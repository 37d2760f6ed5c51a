"""Masks, scales and style costs from the command line and from a table of jobs."""

import numpy as np
import pytest
from test_cli import arguments, cli, refused

from helpers import batch, images, masks, settings
from helpers.errors import SettingError


@pytest.fixture
def files(tmp_path, picture, style_picture):
    images.save(tmp_path / "content.png", picture)
    images.save(tmp_path / "style.png", style_picture)
    mask = np.zeros(picture.shape[:2], int)
    mask[:, :20], mask[:, 30:] = masks.WHITE, masks.COLORS.index("red")
    images.save(tmp_path / "mask.png", masks.to_picture(mask))
    return [str(tmp_path / name) for name in ("content.png", "style.png", "out.png")]


def test_masks_from_files_and_colors(files, tmp_path):
    content, style, output = files
    given = ["--mask", tmp_path / "mask.png", "--style-mask", "white", tmp_path / "mask_s.png"]
    red = np.full((44, 36), masks.COLORS.index("red"))
    images.save(tmp_path / "mask_s.png", masks.to_picture(red))
    cli.main(arguments([content, style, output, style], *given))
    change = np.abs(images.load(output) - images.load(content)).mean(axis=-1)
    assert change[:, 21:29].max() < 1
    assert change[:, :20].mean() > 3 and change[:, 30:].mean() > 3
    found = images.read_settings(output)
    assert (found["mask"], found["style_mask"]) == ("mask.png", ["white", "mask_s.png"])


@pytest.mark.parametrize("part", masks.PARTS)
def test_a_part_of_the_photograph_by_its_brightness(files, part):
    cli.main(arguments(files, "--mask", part))
    content = images.load(files[0])
    change = np.abs(images.load(files[2]) - content).mean(axis=-1)
    painted = masks.lighter(content) == (part == "light")
    assert change[~painted].max() < 1 and change[painted].mean() > 3
    assert images.read_settings(files[2])["mask"] == part


def test_the_scale_of_each_style_is_its_size_over_that_of_the_photograph(files, monkeypatch):
    content, style, output = files
    loaded, load = [], images.load
    monkeypatch.setattr(images, "load", lambda p, size=None: loaded.append(size) or load(p, size))
    cli.main(arguments([content, style, output, style], "--style-scale", "0.5", "2"))
    assert loaded == [48, 24, 96]
    assert images.read_settings(output)["style_scale"] == [0.5, 2.0]


def test_style_weights_for_each_layer(files):
    content, style, output = files
    layers = ["--style-layers", "block1_conv1", "block2_conv1"]
    given = [*layers, "--style-weights", "1", "0", "1", "3"]
    cli.main(arguments([content, style, output, style], *given))
    assert images.read_settings(output)["style_weights"] == [[1, 0], [0.25, 0.75]]


@pytest.mark.parametrize("name", ["mean-std", "moments", "wasserstein"])
def test_style_costs(files, name):
    cli.main(arguments(files, "--style-cost", name))
    assert images.read_settings(files[2])["style_cost"] == name


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--style-cost", "grams"], "There is no style cost 'grams': choose gram, mean-std"),
        (["--style-scale", "0"], "The scale of a style picture is 0.0: give a finite number above"),
        (["--style-scale", "0.01"], "At the style scale 0.01 nothing is left: give more."),
        (["--style-scale", "0.1"], "pooled away before block5_conv1"),
        (["--style-scale", "1", "2"], "2 values of style scale for 1 style pictures"),
        (["--style-mask", "red"], "no mask of the photograph: give --mask."),
        (["--mask", "MASK", "--style-mask", "green"], "Nothing in the mask is green"),
        (["--mask", "MASK", "--style-mask", "pink"], "There is no picture pink"),
        (["--mask", "none.png"], "none.png"),
        (["--mask", "STYLE"], "The mask and the photograph have other sizes, 39 × 48 and 48 × 40"),
        (["--style-weights", "1", "2", "3", "4"], "4 style weights for 1 style pictures"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(files, tmp_path, capsys, given, sentence):
    paths = {"MASK": tmp_path / "mask.png", "STYLE": files[1]}
    given = [paths.get(word, word) for word in given]
    refused(capsys, arguments(files, *given), sentence)


def test_a_table_of_jobs_has_the_columns(files, tmp_path):
    content, style, _ = files
    table = tmp_path / "jobs.csv"
    table.write_text(
        "content,style,mask,style-mask,style-scale,style-cost\n"
        f"{content},{style},{tmp_path / 'mask.png'},red,0.5,moments\n"
    )
    (job,) = batch.read_jobs(table, tmp_path)
    assert job.style_masks == ["red"] and job.style_sizes == [(style, 192)]
    assert job.settings["style_cost"] == "moments"


def test_one_value_stands_for_all_styles():
    assert settings.for_each("style_scale", [2], "ab") == [2, 2]
    assert settings.for_each("style_mask", ["red", "red"], "ab") == ["red", "red"]
    with pytest.raises(SettingError, match="3 values of style scale for 2"):
        settings.for_each("style_scale", [1, 2, 3], "ab")
