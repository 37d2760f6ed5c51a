"""Numbers in the notebooks' sentences: the run computes them, or they are in the code, or facts.

What a network answers is another number for every network, size and machine.  So no sentence may
have such a number typed into it: a cell works it out and writes the sentence.  What may be typed
is what the notebook's own code holds (a size, a strength: if the code changes, the sentence must),
and what others have published.
"""

import ast
import re

import jupytext
import nbformat
import pytest

from tools import notebooks

PATHS = notebooks.sources()
UNITS = "%|percent|times|grey levels|orders of|seconds|milliseconds|megabytes"
SMALL = "[0-9]|two|three|four|five|six|seven|eight|nine|ten"
NUMBER = re.compile(r"(?<![\w.^_{/-])([0-9]+(?:[.,][0-9]+| 000)*)(?![\w}⁻²³⁴])")
COUNTED = re.compile(rf"(?<![\w.,])(?:{SMALL})[ \n-]?(?:{UNITS})", re.IGNORECASE)
YEAR = re.compile(r"19[0-9][0-9]|20[0-2][0-9]")
FACTS = {  # {beginning of the notebook's name: {what may be typed: where it is from}}
    "01": {
        "60": "minutes, an estimate of the reader's time",
        "13": "VGG-16's convolutions (Simonyan & Zisserman 2014, table 1)",
        "16": "VGG-19's convolutions",
        "64": "channels of block1_conv1",
    },
    "02": {
        "40": "minutes, an estimate of the reader's time",
        "2.1": "a section of Gatys et al. 2016",
        "16": "the stride of block5_conv1 in pixels",
        "four times": "the 4 in the course's constant",
    },
    "03": {
        "50": "minutes, an estimate of the reader's time",
        "four times": "how often the half-size painting stands in one of its relatives",
    },
    "04": {
        "60": "minutes, an estimate of the reader's time",
        "0.999": "Adam's usual beta_2 (Kingma & Ba 2015)",
        "2.5": "the content weight of keras.io's example, times 10⁻⁸",
        "ten times": "a factor to try",
        "400": "the answer of an exercise on paper: 4 times 100",
        "16": "GB of memory on Colab's T4",
    },
    "05": {
        "45": "minutes, an estimate of the reader's time",
        "ten times": "the step between the ratios of the grid",
        "20": "a number to guess from, and the end of what is useful",
        "30": "steps at each coarse size (helpers/studio/painting.py)",
    },
    "06": {
        "four times": "what a doubling of both sides means for memory",
    },
}


def prose(text):
    """What is read as a sentence: no code, formulas, links, headings or tags."""
    for pattern in (r"```.*?```", r"\$\$.*?\$\$", r"\$[^$]*\$", r"`[^`]*`", r"<[^>]*>"):
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    return re.sub(r"^#+ .*$", "", re.sub(r"\]\([^)]*\)", "]", text), flags=re.MULTILINE)


def literals(source):
    """The sentences in the strings of a code cell, without what is put into them by the run."""
    strings = [n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant)]
    return [s for s in strings if isinstance(s, str) and len(s.split()) > 3]


def in_code(cells):
    """The numbers of the code, as they would be written in a sentence."""
    nodes = (n for cell in cells for n in ast.walk(ast.parse(cell.source)))
    found = {
        n.value for n in nodes if isinstance(n, ast.Constant) and type(n.value) in (int, float)
    }
    return {f"{value:g}" for value in found} | {str(value) for value in found}


def unfounded(cells, facts):
    """Each typed number that is neither in the code nor a fact, with the words around it."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    known = in_code(code) | set(facts)
    texts = [prose(cell.source) for cell in cells if cell.cell_type == "markdown"]
    texts += [text for cell in code for text in literals(cell.source)]
    for text in texts:
        typed = [m for m in NUMBER.finditer(text) if len(m[1]) > 1 and not YEAR.fullmatch(m[1])]
        wrong = [m for m in typed if m[1].replace(",", "").replace(" ", "") not in known]
        wrong += [m for m in COUNTED.finditer(text) if m[0].lower() not in facts]
        for match in wrong:
            around = text[max(0, match.start() - 40) : match.end() + 30].replace("\n", " ")
            yield f"{match[0]}: …{around}…"


def checked(path, cells=None):
    return list(unfounded(cells or jupytext.read(path).cells, FACTS.get(path.stem[:2], {})))


every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@every_notebook
def test_no_number_of_a_run_is_typed(path):
    """Found one? Let a cell compute it, or say in FACTS where it is from."""
    assert checked(path) == []


@every_notebook
@pytest.mark.parametrize("kind", ["markdown", "code"])
@pytest.mark.parametrize(
    "claim",
    [
        "Noise of 4711 grey levels hardly matters to the deep layers.",
        "The mirrored cat is 97.3 % as far away as another photo.",
        "After that many steps the style cost is 0.0123.",
        "L-BFGS is three times as fast as Adam.",
        "The cost falls by two orders of magnitude.",
    ],
)
def test_a_typed_number_is_found(path, kind, claim):
    cell = nbformat.v4.new_markdown_cell(claim)
    if kind == "code":  # a typed sentence in a cell that writes sentences
        cell = nbformat.v4.new_code_cell(f'Markdown(f"{claim} It is {{cost:.2f}}.")')
    assert len(checked(path, [*jupytext.read(path).cells, cell])) == 1


@every_notebook
def test_a_number_that_its_code_no_longer_holds_is_found(path):
    """Each number that the prose takes from the code, changed in the code and not in the prose."""
    cells = jupytext.read(path).cells
    text = "\n".join(prose(cell.source) for cell in cells if cell.cell_type == "markdown")
    code = [cell for cell in cells if cell.cell_type == "code"]
    shared = {m[1] for m in NUMBER.finditer(text) if len(m[1]) > 1} & in_code(code)
    for number in shared - set(FACTS.get(path.stem[:2], {})):
        pattern = re.compile(rf"(?<![\w.]){re.escape(number)}(?![\w.])")
        changed = [nbformat.from_dict(dict(cell)) for cell in cells]
        for cell in changed:
            if cell.cell_type == "code":
                cell.source = pattern.sub("987654", cell.source)
        if number not in in_code([cell for cell in changed if cell.cell_type == "code"]):
            assert checked(path, changed), f"{number} was changed in the code, and nobody noticed"


SHOWS = {"print", "plots", "Markdown", "display", "Flipbook", "picker", "drawings"}


@every_notebook
def test_no_prediction_stands_beside_its_answer(path):
    """Between "Before you …" and what it asks for lies a cell that shows nothing, or a fold."""
    cells = jupytext.read(path).cells
    for asked, cell in enumerate(cells):
        asks = cell.cell_type == "markdown" and "**Before you" in cell.source
        if asks and "<details>" not in cell.source.partition("**Before you")[2]:
            following = next(c for c in cells[asked:] if c.cell_type == "code")
            names = {n.id for n in ast.walk(ast.parse(following.source)) if isinstance(n, ast.Name)}
            assert not names & SHOWS, f"{cell.source}\n\n{following.source}"
