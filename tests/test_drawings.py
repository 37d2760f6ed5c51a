"""The drawings are well-formed, say what they show, and light the part that is asked for."""

import xml.etree.ElementTree as ET

import pytest

from helpers import vgg
from helpers.course import drawings

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {
    "method": drawings.method,
    "vgg": lambda: drawings.vgg(vgg.load("mini")),
    "unrolled": drawings.unrolled,
    "successors": drawings.successors,
}


def parts(drawing, name):
    """The elements of a drawing with this class."""
    root = ET.fromstring(drawing.data)
    return [e for e in root.iter() if name in e.get("class", "").split()]


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_an_svg_with_its_alternative_text(name):
    drawing = DRAWN[name]()
    bundle, metadata = drawing._repr_mimebundle_(include=None, exclude=None)
    root = ET.fromstring(bundle["image/svg+xml"])
    alt = root.find(f"{SVG}title").text
    assert root.get("role") == "img" and len(alt) > 40
    assert bundle["text/plain"] == metadata["image/svg+xml"]["alt"] == drawing.alt == alt
    width, height = map(float, root.get("viewBox").split()[2:])
    assert (width, height) == (float(root.get("width")), float(root.get("height")))
    for element in root.iter():
        for key, limit in (("x", width), ("y", height)):
            assert 0 <= float(element.get(key, 0)) <= limit, ET.tostring(element)
    # Where an SVG stands in the page itself, as in exported HTML, its style holds for the page.
    rules = [rule.split("*/")[-1] for rule in root.find(f"{SVG}style").text.split("}")[:-1]]
    selectors = [s.strip() for rule in rules for s in rule.split("{")[0].split(",")]
    assert selectors and all(s.startswith(f".{name}") for s in selectors)


@pytest.mark.parametrize("part", drawings.PARTS)
def test_each_part_of_the_method_can_be_lit(part):
    plain, lit = drawings.method(), drawings.method(part)
    (root,) = parts(lit, "method")
    assert root.get("class").split() == ["method", "lit", f"lit-{part}"]
    assert f".method.lit-{part} .{part}" in plain.data and parts(plain, part)
    assert not parts(plain, "lit") and lit.alt == f"{plain.alt} Lit here: {part}."
    assert drawings.method([part]).data == lit.data


def test_parts_are_named_in_the_order_of_the_method_and_others_refused():
    assert drawings.method({"style", "gram"}).alt.endswith("Lit here: gram, style.")
    with pytest.raises(ValueError, match="sky"):
        drawings.method(("vgg", "sky"))


def test_vgg_shows_the_layers_that_are_read():
    network = vgg.load("mini", ["block1_conv1", "block3_conv1"])
    drawn = drawings.vgg(network)
    assert drawn.alt.endswith("Layers that are read: block1_conv1, block3_conv1.")
    for layer, kind in (("block1_conv1", " style"), ("block1_conv2", ""), ("block2_conv2", "")):
        (shown,) = parts(drawn, layer)
        assert shown.get("class") == f"layer {layer} shown{kind}"
    for hidden in ("block4", "block3_conv2"):
        assert "shown" not in parts(drawn, hidden)[0].get("class").split()


def test_unrolling_keeps_every_value():
    drawn = ET.fromstring(drawings.unrolled().data)
    numbers = [e.text for e in drawn.iter(f"{SVG}text")]
    assert all(numbers.count(str(k)) == 1 + 4 for k in range(1, 7))  # the front map, and F
