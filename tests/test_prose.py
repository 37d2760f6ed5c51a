"""One spelling, the American one, in all that people read: text, comments, help and errors."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KINDS = {".py", ".md", ".toml", ".svg", ".js", ".css", ".csv", ".yml"}
SKIPPED = {".venv", "build", "outputs", ".git"}
FILES = [
    path.relative_to(ROOT)
    for path in sorted(ROOT.rglob("*"))
    if path.suffix in KINDS and not SKIPPED & set(path.relative_to(ROOT).parts)
]
# As parts of words, so that colours, greyish and neighbouring are found too.
BRITISH = (
    *("colour", "grey", "neighbour", "favour", "behaviour", "centre", "metre", "licence"),
    *("catalogue", "analyse[^s]", "labelled", "modelled", "fulfil[^l]"),
    "(?:optim|normal|organ|recogn|minim|initial|visual|summar|general|custom|emphas)is(?:e|ing|a)",
)
WORD = re.compile(rf"\b[a-z]*(?:{'|'.join(BRITISH)})[a-z]*\b", re.IGNORECASE)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_words_are_spelled_in_one_way(path):
    if path.name != Path(__file__).name:
        assert WORD.findall((ROOT / path).read_text(encoding="utf-8")) == []


def test_british_words_are_found_and_others_are_not():
    text = "Colours and greys optimised by neighbours' normalisation; the centre, analysed."
    assert len(WORD.findall(text)) == 7
    text = "Promise: raised noise rises, as analyses show; optimized color, gray neighbor."
    assert WORD.findall(text) == []
