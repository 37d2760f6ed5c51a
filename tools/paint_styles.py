"""Paint the style pictures of images/style, each by a program of its own.

    python tools/paint_styles.py            # the same five pictures each time

Three of them are painted with strokes (after Hertzmann 1998): a composition is first laid out as
a picture of flat colors and a field of directions; then strokes that follow the field take their
color from it, wide ones first, narrow ones on top.  Every stroke is a bundle of bristles, each
with its own shade and its own thickness of paint, and at the end a lamp from the upper left
lights that relief.  The woodblock and the window are drawn as areas and contours.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.styles.prints import stained_glass, woodblock_wave
from tools.styles.strokes import cubist_facets, starry_swirls

STYLES = Path(__file__).resolve().parent.parent / "images" / "style"
PAINTINGS = {  # name: its program, and the seed that it has always been painted with
    "starry_swirls": (starry_swirls, 0),
    "cubist_facets": (cubist_facets, 2),
    "woodblock_wave": (woodblock_wave, 3),
    "stained_glass": (stained_glass, 4),
}


def main(arguments=None):
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--output", type=Path, default=STYLES)
    parse.add_argument("--only", nargs="+", choices=list(PAINTINGS), default=list(PAINTINGS))
    options = parse.parse_args(arguments)
    for name, (paint, seed) in PAINTINGS.items():
        if name in options.only:
            picture = paint(np.random.default_rng(seed))
            picture.save(options.output / f"{name}.jpg", quality=90, optimize=True)
            print(options.output / f"{name}.jpg")


if __name__ == "__main__":
    main()
