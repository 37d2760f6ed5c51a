"""The drawings are well-formed, say what they show, and light the part that is asked for."""

import xml.etree.ElementTree as ET

import pytest

from helpers import vgg
from helpers.course import drawings, successors

DRAWN = {
    "method": drawings.method,
    "vgg": lambda: drawings.vgg(vgg.load("mini")),
    "unrolled": drawings.unrolled,
    "ways": successors.ways,
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_an_svg_with_its_alternative_text(name):
    bundle, metadata = DRAWN[name]()._repr_mimebundle_()
    root = ET.fromstring(bundle["image/svg+xml"])
    alt = root.get("aria-label")
    assert root.get("role") == "img" and len(alt) > 40
    assert bundle["text/plain"] == metadata["image/svg+xml"]["alt"] == alt
    width, height = map(float, root.get("viewBox").split()[2:])
    for element in root.iter():
        for key, limit in (("x", width), ("y", height)):
            assert 0 <= float(element.get(key, 0)) <= limit, ET.tostring(element)


@pytest.mark.parametrize("part", drawings.PARTS)
def test_each_part_of_the_method_can_be_lit(part):
    plain, lit = drawings.method().data, drawings.method(part).data
    colors = (drawings.CONTENT, drawings.STYLE, drawings.TOTAL)
    assert not any(f'stroke="{color}"' in plain for color in colors)
    assert any(f'stroke="{color}"' in lit for color in colors)
    assert part in drawings.method([part]).alt


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="no part 'sky'"):
        drawings.method(("vgg", "sky"))


def test_vgg_names_the_layers_that_are_read():
    network = vgg.load("mini", ["block1_conv1", "block3_conv1"])
    drawn = drawings.vgg(network)
    assert "block1_conv1, block3_conv1" in drawn.alt
    assert "block 3" in drawn.data and "block 4" not in drawn.data


def test_unrolling_keeps_every_value():
    drawn = ET.fromstring(drawings.unrolled(2, 2, 3).data)
    numbers = [e.text for e in drawn.iter("{http://www.w3.org/2000/svg}text") if e.text]
    assert all(numbers.count(str(k)) == 1 + 3 for k in range(1, 5))  # the front map, and F
