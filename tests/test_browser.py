"""The studio in a real browser: JupyterLab, headless Chromium, a hand on everything.

The tests share one page and go on from each other.  Screenshots are left in build/browser; that of
the studio goes to images/ by hand.
"""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from helpers import images
from helpers.studio.session import BETA

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "browser"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
CELLS = ["from helpers.studio import Studio\n\nstudio = Studio()\nstudio", "'the next cell'"]
pytestmark = pytest.mark.browser

# Is drawn at once by the page: whether what belongs to a tab is shown right after the click.
AT_ONCE = """
async title => {
  const tabs = document.querySelectorAll('.nst-pane > .nst-tabbed > .nst-tabs button');
  const i = [...tabs].findIndex(tab => tab.innerText === title);
  tabs[i].click();
  await new Promise(requestAnimationFrame);
  const shown = [...document.querySelectorAll('.nst-pane > .nst-tabbed > .nst-tab')];
  return shown.map(tab => tab.getClientRects().length > 0).indexOf(true) === i;
}
"""

# What a designer sees at once: [what is cut], [what lies over what].
LAYOUT = """
() => {
  const shown = e => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden'
    && +getComputedStyle(e).opacity > 0;
  const all = [...document.querySelectorAll('.nst *')].filter(shown);
  const page = document.querySelector('.nst').getBoundingClientRect();
  const name = e => e.className + ' ' + e.innerText?.slice(0, 30);
  const cut = all.filter(e => e.getBoundingClientRect().right > page.right + 6
    || /scroll|auto/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1
  ).map(name);
  const touched = all.filter(e => e.matches('button, select, .noUi-target, figure, .nst-mat'));
  const over = [];
  touched.forEach((a, i) => touched.slice(i + 1).forEach(b => {
    const [p, q] = [a, b].map(e => e.getBoundingClientRect());
    if (!a.contains(b) && p.left < q.right - 2 && q.left < p.right - 2 && p.top < q.bottom - 2
        && q.top < p.bottom - 2) over.push(name(a) + ' | ' + name(b));
  }));
  return [cut, over];
}
"""


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """A JupyterLab with a notebook of CELLS: (address, process)."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(made, FOLDER / "studio.ipynb")
    own = tmp_path_factory.mktemp("lab")
    for name, values in SETTINGS.items():
        path = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {"settings": "JUPYTERLAB_SETTINGS_DIR", "workspaces": "JUPYTERLAB_WORKSPACES_DIR"}
    environment = os.environ | {name: str(own / f.lower()) for f, name in folders.items()}
    environment |= {"JUPYTER_CONFIG_DIR": str(own / "config"), "PYTHONPATH": str(ROOT)}
    command = f"-m jupyterlab --no-browser --allow-root --port={port} --ServerApp.ip=127.0.0.1 "
    command += f"--ServerApp.root_dir={FOLDER} --IdentityProvider.token= --ServerApp.password= "
    command += "--LabApp.expose_app_in_browser=True"
    null = subprocess.DEVNULL
    server = subprocess.Popen([sys.executable, *command.split()], env=environment, stderr=null)
    wait_until(lambda: not server.poll() and answers(port))
    yield f"http://127.0.0.1:{port}", server
    server.terminate()
    server.wait(30)


def answers(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def page(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(f"{lab[0]}/lab/tree/studio.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.keyboard.press("Control+b")  # the file browser goes
    page.wait_for_selector("text=| Idle")  # the kernel is there
    yield page
    errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0
    page.close()


def run_all(page):
    page.evaluate("document.querySelectorAll('.nst').forEach(old => old.dataset.old = 1)")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_selector(".nst:not([data-old]) .nst-caption p")  # it has taken a step


def enter(page, value):
    """Type another β/α."""
    page.locator(".nst-ratio input").fill(value)
    page.locator(".nst-ratio input").press("Enter")
    wait_until(lambda: ratio(page) == float(value.replace(",", ".")))


def drag(page, begin, end, steps=6):
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()


def resize(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})


def shoot(page, name):
    page.locator(".nst").evaluate("element => element.scrollIntoView()")
    time.sleep(1)  # the page settles
    page.screenshot(path=FOLDER / f"{name}.png")


def button(page, name):
    return page.locator(".nst").get_by_role("button", name=name, exact=True)


def press(page, name):
    button(page, name).first.click()


def face(page, name):
    return page.locator(".nst-face:visible").get_by_role("button", name=name, exact=True).first


def pause(page):
    if button(page, "Pause").count():
        press(page, "Pause")
        wait_until(lambda: button(page, "Paint").count())
        time.sleep(0.5)


def picture(page, kind="view"):
    """The bytes of the JPEG that is shown."""
    read = "async image => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]"
    return bytes(page.locator(f"img.nst-{kind}").evaluate(read))


def text(page):
    return page.locator(".nst").last.inner_text()


def said(page):
    return page.locator(".nst-message:visible, .nst-silence:visible").all_inner_texts()


def steps(page):
    return int(re.search(r"step (\d+)", text(page))[1])


def ratio(page):
    return float(re.search(r"β/α = (\S+)\.\s", text(page))[1])


def handle(page, kind):
    return page.locator(f".nst-{kind}").locator(".noUi-handle, .ui-slider-handle").first


def middle(element):
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def on_screen(page, *selectors):
    """Whether all of each is seen, within the notebook."""
    notebook = page.locator(".jp-Notebook").bounding_box()
    for selector in selectors:
        box = page.locator(selector).first.bounding_box()
        if not notebook["y"] - 1 <= box["y"] <= notebook["y"] + notebook["height"] - box["height"]:
            return False
    return True


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("what was waited for did not happen")


def settle(page, photograph="cat", least=20):
    """This photograph, painted for so many steps, and still."""
    page.evaluate(AT_ONCE, "Pictures")
    page.locator(".nst-tab .nst-tabs button", has_text="Photograph").click()
    face(page, photograph).click()
    wait_until(lambda: f"{photograph} in the style" in text(page) and steps(page) > least, 120)
    pause(page)


def phone_photograph():
    """A JPEG of some 4 MB, on its side with an EXIF turn, in Display P3."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2920, 0.6922, 0.0419),
        b"bXYZ": (0.1571, 0.0666, 0.7841),
    }
    for name, values in primaries.items():  # its place stands in the table after its name
        place = struct.unpack_from(">I", profile, profile.index(name) + 4)[0]
        struct.pack_into(">3i", profile, place + 8, *(round(65536 * value) for value in values))
    found = images.load("dandelions", 3600)
    found[:, :900] = (230, 40, 60)  # a red that P3 and sRGB mean differently
    found += np.random.default_rng(0).normal(0, 20, found.shape)
    exif = Image.Exif()
    exif[274] = 6
    return images.encode(found, exif=exif, icc_profile=bytes(profile))


def test_it_is_there_at_once_and_begins_by_itself(page):
    run_all(page)
    wait_until(lambda: steps(page) > 60, 240)
    shoot(page, "begun")
    page.locator(".nst-columns").screenshot(path=FOLDER / "studio.jpg", type="jpeg", quality=88)
    assert page.locator("img.nst-view").bounding_box()["width"] >= 400
    assert ratio(page) == BETA
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_the_picture_follows_the_knob(page):
    for pixels in (40, -30):
        before, (x, y) = ratio(page), middle(handle(page, "ratio"))
        drag(page, (x, y), (x + pixels, y))  # quicker than the studio follows
        wait_until(lambda b=before, p=pixels: (ratio(page) - b) * p > 0)
        time.sleep(1)
        assert middle(handle(page, "ratio"))[0] == pytest.approx(x + pixels, abs=12)  # half a step
    handle(page, "ratio").focus()
    for key in ("ArrowLeft", "ArrowRight"):
        before = ratio(page)
        page.keyboard.press(key)
        wait_until(lambda b=before: ratio(page) != b)
    enter(page, "2,5")
    wait_until(lambda: page.locator(".nst-beta input").input_value() == "2.5")


def test_it_goes_on_while_another_cell_runs_and_an_interrupt_pauses_it(page):
    """Where callbacks come in another thread (JupyterLab with ipykernel 7)."""
    page.locator(".jp-Cell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("import time\ntime.sleep(6)")
    page.keyboard.press("Control+Enter")
    begun = steps(page)
    time.sleep(3)
    assert steps(page) > begun
    wait_until(lambda: page.locator("text=| Idle").count(), 30)
    time.sleep(6)
    page.evaluate("jupyterapp.commands.execute('kernelmenu:interrupt')")
    wait_until(lambda: "Interrupted" in " ".join(said(page)))
    assert button(page, "Paint").count()


def test_undo_and_snapshots_under_the_wipe(page):
    pause(page)
    press(page, "Keep this one")
    wait_until(lambda: "Kept as snapshot 1" in " ".join(said(page)))
    kept, at = picture(page), ratio(page)
    enter(page, "60")
    press(page, "Undo")
    wait_until(lambda: ratio(page) == at)
    assert page.evaluate(AT_ONCE, "Keep")
    page.locator(".nst-keep .nst-face button").first.click()
    wait_until(lambda: "the snapshot" in page.locator(".nst-wipe .nst-sr").inner_text())
    assert picture(page, "before") == kept
    clip = "getComputedStyle(document.querySelector('.nst-before')).clipPath"
    wait_until(lambda: "50%" in page.evaluate(clip))
    x, y = middle(page.locator(".nst-picture"))
    drag(page, (x, y), (x - page.locator(".nst-picture").bounding_box()["width"] / 10, y - 40))
    assert re.search(r"(59|60|61)(\.\d+)?%", page.evaluate(clip))
    shoot(page, "wipe")
    cell = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    before = page.evaluate(cell)
    page.locator(".nst-wipe input").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Home"):  # keys of JupyterLab's, too
        page.keyboard.press(key)
    assert page.evaluate(cell) == before and "100%" in page.evaluate(clip)


def test_drawers_open_at_once_while_it_paints_and_all_has_a_name_and_a_value(page):
    if button(page, "Paint").count():
        press(page, "Paint")
    for drawer in ("Keep", "Pictures", "See"):
        assert page.evaluate(AT_ONCE, drawer)
    wait_until(lambda: page.locator(".nst-see figure").count() == 2)
    assert page.evaluate(AT_ONCE, "Look")
    pause(page)
    time.sleep(0.5)
    for slider in page.locator(".nst .noUi-handle:visible").all():
        assert slider.get_attribute("aria-label") and slider.get_attribute("aria-valuetext")
    assert handle(page, "ratio").get_attribute("aria-label") == "β/α"
    assert page.get_by_label("β/α, typed").input_value() == f"{ratio(page):g}"
    assert float(handle(page, "ratio").get_attribute("aria-valuetext")) == ratio(page)
    assert "in the style of starry swirls" in page.locator("img.nst-view").get_attribute("alt")
    assert page.evaluate(AT_ONCE, "Pictures")
    pressed = page.locator(".nst-faces:visible [aria-pressed=true]").all_inner_texts()
    assert pressed == ["cat"]
    assert page.locator(".nst-face [aria-pressed=false]").count() > 10
    assert page.locator(".nst img:not([alt])").count() == 0


def test_a_photograph_of_4_megabytes_is_uploaded_upright_in_its_colors(page):
    data = phone_photograph()
    assert 3.5e6 < len(data) < 9e6
    field = page.get_by_label("Your photograph")
    field.set_input_files({"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": data})
    wait_until(lambda: "IMG 1.jpg in the style" in text(page))
    pause(page)
    shoot(page, "upload")
    found, expected = images.load(picture(page, "before")), images.load(data, 256)
    assert found.shape == expected.shape
    assert found.shape[0] > found.shape[1]
    assert np.abs(found - expected).mean() < 4


def test_a_brush_says_which_part_is_painted(page):
    page.locator(".nst-tab .nst-tabs button", has_text="Which part").click()
    canvas = page.locator(".nst-brush canvas")
    wait_until(lambda: canvas.bounding_box()["height"] > 50)
    page.locator(".nst-brush + .nst-row input").fill("30")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for share in (0.2, 0.5, 0.8):  # the left third, in three strokes
        y = box["y"] + share * box["height"]
        drag(page, (box["x"] + 2, y), (box["x"] + box["width"] / 3, y))
    press(page, "Paint this part")
    wait_until(lambda: button(page, "Paint all of it").is_visible())
    before = steps(page)
    wait_until(lambda: steps(page) > before + 8)
    pause(page)
    shoot(page, "part")
    found, photograph = (images.load(picture(page, kind)) for kind in ("view", "before"))
    change = np.abs(found - photograph).mean(axis=-1)
    width = change.shape[1]  # the JPEG's own errors are about 1
    assert change[:, width * 2 // 3 :].mean() < 2 < 4 < change[:, : width // 4].mean()


@pytest.mark.parametrize("photograph", ["cat", "portrait"])
@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (1920, 1080)])
def test_picture_and_knob_are_on_the_screen_whatever_drawer_is_open(page, photograph, size):
    resize(page, size)
    settle(page, photograph)
    for drawer in ("Pictures", "Look", "See", "Keep"):
        assert page.evaluate(AT_ONCE, drawer)
        shoot(page, f"{photograph}_{drawer.lower()}_{size[0]}")
        assert page.evaluate(LAYOUT) == [[], []]
        assert on_screen(page, ".nst-picture", ".nst-ratio", ".nst-formula")
        page.locator(".nst-pane").evaluate("pane => pane.scrollIntoView({block: 'end'})")
        time.sleep(0.3)
        assert on_screen(page, ".nst-picture", ".nst-ratio")  # the stage stays
    assert page.locator(".nst-pair img").first.bounding_box()["width"] >= 80


def test_it_is_saved_copied_and_opened_again(page):
    settle(page)
    at = ratio(page)
    assert page.evaluate(AT_ONCE, "Keep")
    with page.expect_download() as download:
        press(page, "Save")
    name = download.value.suggested_filename
    assert re.fullmatch(r"painting_256x17[01]\.png", name)
    wait_until(lambda: f"Saved: {name}, 256 × 17" in " ".join(said(page)))
    assert images.read_metadata(FOLDER / name)["beta"] == pytest.approx(at)
    page.get_by_label("longest side").select_option("384")
    wait_until(lambda: "About 384 ×" in text(page))
    press(page, "Make a large copy")
    wait_until(lambda: button(page, "Cancel").count())
    time.sleep(2)
    with page.expect_download() as download:
        press(page, "Cancel")
    assert max(images.load(FOLDER / download.value.suggested_filename).shape) == 384
    enter(page, "1")
    page.get_by_label("Open a saved picture").set_input_files(FOLDER / name)
    wait_until(lambda: ratio(page) == at)
    pause(page)


def test_a_message_stands_where_the_hand_is_moves_nothing_and_goes_by_itself(page):
    page.evaluate(AT_ONCE, "Pictures")
    line = page.get_by_placeholder("path, address or name").first
    before = line.bounding_box()
    line.fill("gone.png")
    line.press("Enter")
    wait_until(lambda: "gone.png" in " ".join(said(page)))
    box = page.locator(".nst-message").bounding_box()
    assert line.bounding_box() == before and line.input_value() == "gone.png"
    assert abs(box["y"] - before["y"]) < 120
    wait_until(lambda: not said(page), 30)
    line.fill("")


def test_in_the_dark_and_on_a_projector(page):
    resize(page, (1280, 800))
    theme = "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    page.evaluate(theme)
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
    shoot(page, "dark")
    page.evaluate(theme.replace("Dark", "Light"))
    before = ratio(page)
    press(page, "Classroom")
    wait_until(lambda: "Question 1 of" in text(page))
    for i, size in enumerate(((1024, 768), (1920, 1080), (1024, 768), (1920, 1080))):
        resize(page, size)
        press(page, "Reveal")
        wait_until(lambda: page.locator(".nst-right").count())
        shoot(page, f"classroom_{i + 1}")
        assert page.evaluate(LAYOUT) == [[], []]
        assert on_screen(page, ".nst-picture", ".nst-ratio", ".nst-room")
        size = page.locator(".nst-question").evaluate(
            "e => parseFloat(getComputedStyle(e).fontSize)"
        )
        assert size >= 20
        page.keyboard.press(("PageDown", "ArrowRight")[i % 2])  # of a presenter
        wait_until(lambda i=i: f"Question {i + 2} of" in text(page))
    page.keyboard.press("PageDown")  # there is no more
    page.keyboard.press("PageUp")
    wait_until(lambda: "Question 4 of" in text(page))
    press(page, "Leave the classroom")
    wait_until(lambda: page.locator(".nst-caption:visible").count() and ratio(page) == before)


def test_a_kernel_that_dies_is_said_and_what_was_saved_is_kept(page, lab):
    pause(page)
    begun = steps(page)
    press(page, "Paint")
    wait_until(lambda: steps(page) > begun)
    before = {path.name: path.read_bytes() for path in FOLDER.glob("painting*")}
    assert len(before) >= 2
    for process in psutil.Process(lab[1].pid).children(recursive=True):
        if "ipykernel_launcher" in " ".join(process.cmdline()):
            process.send_signal(signal.SIGKILL)
    page.locator(".jp-Dialog").get_by_role("button", name="Ok", exact=True).click()
    wait_until(lambda: "run this cell again" in " ".join(said(page)))
    shoot(page, "kernel_gone")
    run_all(page)
    wait_until(lambda: re.search(r"step [1-9]", text(page)))
    assert {path.name: path.read_bytes() for path in FOLDER.glob("painting*")} == before
