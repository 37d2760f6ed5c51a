"""Seconds and memory of one step: network × size × precision, and how near to the machine's peak.

    python tools/benchmark.py --networks mini vgg19 --sizes 256 512 --json build/benchmark.json

Each row runs in a process of its own, so that its peak memory is its own.  Rows of one size take
turns, round after round, and the ratio to the first row is the median over the rounds, so that a
machine that slows down for a while slows down all of them.  `yardstick` compares pictures:

    python tools/benchmark.py yardstick CONTENT STYLE [CONTENT STYLE …] --weights vgg19.npz

It runs the transfer with mini and with VGG-19 and judges both results with VGG-19.

    python tools/benchmark.py --against CONTENT STYLE [CONTENT STYLE …] --figure build/against.jpg

races helpers.transfer against what people would use instead (see against.py): all lower the same
cost from the same photograph with the same network, the first of --networks, in turns;
`--rounds 3` races three times, for the spread.

    python tools/benchmark.py grid

compares a 3 × 3 grid of α and β as one batch with nine runs, in turns.

    python tools/benchmark.py curvature CONTENT STYLE [CONTENT STYLE …]

measures how strongly J curves along waves of each frequency, from which L-BFGS sets out.

    python tools/benchmark.py shares

measures what a step spends outside the network: on the costs and on L-BFGS.

    python tools/benchmark.py first

says what passes before the first changed picture: imports, network, tracing, first move.

    python tools/benchmark.py colab

prints what the card of a Colab session does (see colab/card.py).
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers import files, images
from tools import judge, opening, race, timing
from tools.colab import card

RIVALS = ("tutorial", "keras", "gatys", "gordic", "crowson", *race.OURS)


def main(arguments=None):
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parse.add_argument
    add(
        "words",
        nargs="*",
        help="yardstick, curvature, --against: CONTENT STYLE …; or grid, shares, first, colab",
    )
    add("--against", action="store_true", help="race against what people would use instead")
    add("--networks", nargs="+", default=["mini", "vgg19"])
    add("--sizes", nargs="+", type=int, default=[256, 512], help="longest side, aspect 4 : 3")
    add("--precisions", nargs="+", default=["float32", "bfloat16"])
    add("--layers", nargs="+", help="default: Gatys'")
    add("--style-costs", nargs="+", default=["gram"], help="of the steps")
    add("--weights", help="file of VGG weights; default: Keras' own")
    add("--rivals", nargs="+", default=list(RIVALS), choices=RIVALS, help="in the race")
    add("--steps", type=int, default=1000, help="at most, in the race")
    add("--grid-steps", type=int, default=90, help="of each picture of the grid")
    add("--seconds", type=float, default=300, help="of everybody, at most, in the race")
    add("--figure", help="file (.jpg) for the race on the first pair")
    add("--rounds", type=int, help=f"of turns, default {timing.ROUNDS}; of whole races, default 1")
    add("--json", help="file to write, with every number")
    add("--save", help="for the yardstick: folder for both pictures of each pair")
    options = parse.parse_args(arguments)
    what = "against" if options.against else options.words.pop(0) if options.words else "steps"
    pairs = list(zip(options.words[::2], options.words[1::2], strict=True))
    if what == "against":
        found = race.on_pairs(pairs, options, options.rivals)
        if options.figure:
            race.draw(found, options.figure)
    elif what == "grid":
        found = timing.grid(options)
    elif what == "yardstick":
        found = judge.yardstick(pairs, options.weights)
        for i, row in enumerate(found):
            for name, picture in row.pop("pictures").items():
                if options.save:
                    images.save(Path(options.save) / f"pair{i}_{name}.png", picture)
    elif what == "curvature":
        found = judge.curvature(pairs, options)
    elif what == "colab":
        found = card.table()
    elif what == "shares":
        found = timing.shares(options)
    elif what == "first":
        found = opening.first(options)
    elif what == "steps":
        found = timing.measure(options)
        timing.print_table(found)
    else:
        parse.error(f"there is no {what}")
    if options.json:
        with files.whole_file(options.json, parents=True) as file:
            file.write(json.dumps(found, indent=1).encode())


if __name__ == "__main__":
    main()
