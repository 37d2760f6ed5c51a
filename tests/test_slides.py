"""The slides: they follow the guide, need no internet, and fit, in a room's projector too."""

import html
import re

import pytest

from tools import notebooks, slides

LESSONS = sorted(notebooks.FOLDER.glob("0[1-6]_*.ipynb"))
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)

# What is cut off, set too small, or not shown, of the slide that is shown with all its fragments.
FAULTS = """
() => {
  const slide = Reveal.getCurrentSlide(), faults = [];
  slide.querySelectorAll('.fragment').forEach(part => part.classList.add('visible'));
  for (const e of slide.querySelectorAll('*')) {
    const box = e.getBoundingClientRect(), name = e.tagName + ' ' + e.textContent.slice(0, 30);
    if (!box.width) continue;
    if (box.left < 30 || box.top < 10 || box.right > 1250 || box.bottom > 710) faults.push(name);
    if (e.matches('p, li, td') && parseFloat(getComputedStyle(e).fontSize) < 28) faults.push(name);
    if (e.matches('img') && (box.height < 250 || !e.naturalWidth)) faults.push(name + e.alt);
  }
  return faults;
}
"""


@every_lesson
def test_the_slides_follow_the_guide(path):
    guide = (notebooks.FOLDER / "GUIDE.md").read_text(encoding="utf-8")
    lesson = re.search(rf"(?ms)^## {int(path.stem[:2])} ·.*?(?=^## |\Z)", guide)[0]
    way = re.findall(r"(?m)^- (.*?)\((\d+)\)[:.]", lesson)
    assert sum(int(minutes) for _, minutes in way) == 45
    made = html.unescape(slides.page(path))
    for section in re.findall(r"\*\*(\d)\b", "".join(where for where, _ in way)):
        assert re.search(rf"<h2[^>]*>{section} · ", made), section


@every_lesson
def test_slides_are_whole_and_show_no_answer_at_once(path):
    shown = slides.page(path).split("<script>")[0]
    assert not re.search(r"(?:src|href)=\"(?!data:)|<a |@import|url\(.?(?:http|//)", shown)
    assert 8 <= shown.count("<section>") <= 40
    assert not re.search(r"<details|\$[\\A-Za-z]", shown)
    asked = re.findall(r"<p[^>]*><strong>Before you", shown)
    assert asked and all("fragment" in question for question in asked)
    assert shown.count("<strong>Before you") == len(asked)


@pytest.mark.browser
@every_lesson
def test_nothing_is_cut_off_or_small(path, browser, tmp_path):
    (tmp_path / "deck.html").write_text(slides.page(path), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720}, offline=True)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "deck.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    for i in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({i})")
        assert page.evaluate(FAULTS) == [], i + 1
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    page.close()
