"""The studio in a real browser: JupyterLab, headless Chromium, a hand on everything.

The tests share one page and go on from each other.  Screenshots and the seconds from a slider's
move to a changed picture are left in build/browser.
"""

import io
import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from helpers import images
from helpers.settings import OPTIONS
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOVES = 20
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}

# Leaves in `followed` the seconds from now until a picture painted with another β/α is shown.
WATCH = """
() => {
  const ratio = () => document.querySelector('.nst').innerText.match(/β\\/α = (\\S+)\\.\\s/)[1];
  const before = ratio(), begun = performance.now();
  window.followed = null;
  new MutationObserver((_, observer) => {
    if (ratio() !== before) {
      observer.disconnect();
      window.followed = (performance.now() - begun) / 1000;
    }
  }).observe(document.querySelector('img.nst-view'), {attributes: true, attributeFilter: ['src']});
}
"""

# Leaves in `seen` when the picture came and when it changed first, in seconds since 1970.
FIRST = """
() => {
  window.seen = [];
  const look = setInterval(() => {
    const source = document.querySelector('img.nst-view')?.src;
    if (source && source !== window.last) { window.last = source; seen.push(Date.now() / 1000); }
    if (seen.length > 1) clearInterval(look);
  }, 20);
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
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """A JupyterLab that shows a copy of notebook 5 as far as the studio: (address, process)."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    made = notebooks.notebook(notebooks.sources(["05"])[0])
    studio = next(i for i, cell in enumerate(made.cells) if "Studio(" in cell.source
                  and cell.cell_type == "code")  # fmt: skip
    made.cells = made.cells[: studio + 1]
    made.cells[-1].source = "import time\nprint('begun', time.time())\n" + made.cells[-1].source
    nbformat.write(made, FOLDER / "05_studio.ipynb")
    own = tmp_path_factory.mktemp("lab")
    for name, values in SETTINGS.items():
        path = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (own / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
             "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={ROOT}",
             "--IdentityProvider.token=", "--ServerApp.password=",
             "--LabApp.expose_app_in_browser=True"],
            env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api").close()
            break
        except OSError:
            time.sleep(0.5)
    yield address, server
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="module")
def page(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(f"{lab[0]}/lab/tree/build/browser/05_studio.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.keyboard.press("Control+b")  # the file browser goes
    yield page
    errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0
    page.close()


def run_all(page):
    page.wait_for_selector("text=| Idle")  # the kernel is there
    page.evaluate(FIRST)
    for name in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=name, exact=True).click()
    page.wait_for_function("window.seen.length > 1")


def shoot(page, name):
    page.locator(".nst").evaluate("element => element.scrollIntoView()")
    time.sleep(1)  # the page settles
    page.screenshot(path=FOLDER / f"{name}.png")


def button(page, name):
    return page.locator(".nst").get_by_role("button", name=name, exact=True)


def face(page, name):
    return page.locator(".nst-faces").get_by_role("button", name=name, exact=True).first


def press(page, name):
    button(page, name).click()


def pause(page):
    if button(page, "Pause").count():
        press(page, "Pause")
        wait_until(lambda: button(page, "Start").count())
        time.sleep(0.5)


def picture(page, kind="view"):
    """The bytes of the JPEG that is shown."""
    return bytes(page.locator(f"img.nst-{kind}").evaluate(
        "async image => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]"
    ))  # fmt: skip


def said(page):
    return page.locator(".nst-message:visible").all_inner_texts()


def steps(page):
    return int(re.search(r"step (\d+)", page.locator(".nst").inner_text())[1])


def ratio(page):
    return float(re.search(r"β/α = (\S+)\.\s", page.locator(".nst").inner_text())[1])


def handle(page, name):
    slider = page.locator(".widget-slider", has=page.get_by_text(name, exact=True))
    return slider.locator(".noUi-handle, .ui-slider-handle").first


def place(knob):
    box = knob.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, name, pixels):
    """Quicker than the studio follows; returns where the hand let go."""
    x, y = place(handle(page, name))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pixels, y, steps=6)
    page.mouse.up()
    return x + pixels


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("what was waited for did not happen")


def note(**measured):
    """Into build/browser/studio.json, beside what is there."""
    path = FOLDER / "studio.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(found | measured, indent=1))


def phone_photograph():
    """A JPEG of some 4 MB, on its side with an EXIF turn, in Display P3."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2920, 0.6922, 0.0419),
                 b"bXYZ": (0.1571, 0.0666, 0.7841)}  # fmt: skip
    for i in range(struct.unpack(">I", profile[128:132])[0]):
        name, offset, _ = struct.unpack(">4sII", profile[132 + 12 * i : 144 + 12 * i])
        if name in primaries:
            values = [round(65536 * value) for value in primaries[name]]
            profile[offset + 8 : offset + 20] = struct.pack(">3i", *values)
    found = images.load("dandelions", 3600)
    found[:, :900] = (230, 40, 60)  # a red that P3 and sRGB mean differently
    found += np.random.default_rng(0).normal(0, 20, found.shape)
    exif = Image.Exif()
    exif[274] = 6
    buffer = io.BytesIO()
    Image.fromarray(images.to_uint8(found)).save(
        buffer, "JPEG", quality=92, exif=exif, icc_profile=bytes(profile)
    )
    return buffer.getvalue()


def test_it_is_there_at_once_and_begins_by_itself(page):
    run_all(page)
    begun = float(re.search(r"begun ([\d.]+)", page.locator(".jp-Notebook").inner_text())[1])
    there, changed = (seen - begun for seen in page.evaluate("window.seen"))
    note(seconds_to_the_photograph=there, seconds_to_the_first_change=changed)
    wait_until(lambda: steps(page) > 40)
    shoot(page, "begun")
    assert page.locator("img.nst-view").bounding_box()["width"] >= 512
    assert there < changed


def test_the_picture_follows_the_knob(page):
    for pixels in (40, -30):
        before, x = ratio(page), drag(page, "β/α", pixels)
        wait_until(lambda b=before, p=pixels: (ratio(page) / b > 1.3) if p > 0
                   else (ratio(page) / b < 0.77))  # fmt: skip
        assert place(handle(page, "β/α"))[0] == pytest.approx(x, abs=2)
    handle(page, "β/α").focus()
    seconds = []
    for i in range(MOVES):
        page.evaluate(WATCH)
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("window.followed !== null", timeout=20_000)
        seconds.append(page.evaluate("window.followed"))
        time.sleep(0.05 * (i % 5))
    begun, since = steps(page), time.monotonic()
    time.sleep(5)
    note(median_seconds_to_follow=statistics.median(seconds), seconds_to_follow=seconds,
         steps_per_second=(steps(page) - begun) / (time.monotonic() - since))  # fmt: skip
    shoot(page, "running")
    press(page, "a painting")
    wait_until(lambda: ratio(page) == OPTIONS["beta"].default)


def test_pause_undo_and_the_way_back(page):
    pause(page)
    still = steps(page)
    time.sleep(1)
    assert steps(page) == still
    now = picture(page)
    handle(page, "The way so far").focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    wait_until(lambda: f"of {still}" in page.locator(".nst").inner_text())
    assert picture(page) != now
    shoot(page, "looking_back")
    press(page, "One step")  # on from there
    wait_until(lambda: 0 < steps(page) < still)
    press(page, "Undo")
    wait_until(lambda: steps(page) == still)
    assert picture(page) == now


def test_the_wipe_is_drawn_over_the_picture(page):
    box = page.locator(".nst-picture").bounding_box()
    clip = "getComputedStyle(document.querySelector('.nst-before')).clipPath"
    assert "100%" in page.evaluate(clip)
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 3, steps=4)
    page.mouse.up()
    assert re.search(r"(59|60|61)(\.\d+)?%", page.evaluate(clip))
    shoot(page, "wipe")
    page.get_by_label("Wipe between").focus()
    page.keyboard.press("Home")
    assert "100%" in page.evaluate(clip)


def test_a_cell_of_the_grid_a_snapshot_and_a_painting_are_taken_by_a_click(page):
    press(page, "Grid")
    press(page, "Paint the grid")
    wait_until(lambda: page.locator(".nst-cells button").count() == 9, 200)
    shoot(page, "grid")
    page.locator(".nst-cells button").nth(2).click()  # α = 3, the lowest β
    wait_until(lambda: ratio(page) < OPTIONS["beta"].default / 20)
    press(page, "Snapshots")
    page.locator(".nst-faces button").first.click()
    wait_until(lambda: steps(page) == 0)
    press(page, "Painting")
    face(page, "stained glass").click()
    wait_until(lambda: "style of stained glass" in page.locator(".nst").inner_text())
    assert said(page) == []


def test_a_photograph_of_4_megabytes_is_uploaded_upright_in_its_colors(page):
    data = phone_photograph()
    assert 3.5e6 < len(data) < 9e6
    press(page, "Photograph")
    field = page.get_by_label("Your photograph")
    field.set_input_files({"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": data})
    wait_until(lambda: "IMG 1.jpg in the style" in page.locator(".nst").inner_text())
    pause(page)
    shoot(page, "upload")
    found, expected = images.load(picture(page, "before")), images.load(data, 256)
    assert found.shape == expected.shape
    assert found.shape[0] > found.shape[1]
    assert np.abs(found - expected).mean() < 4


def test_a_brush_says_where_the_painting_belongs(page):
    press(page, "Where")
    canvas = page.locator(".nst-brush canvas")
    wait_until(lambda: canvas.count() and canvas.bounding_box()["height"] > 50)
    box = canvas.bounding_box()
    assert box["width"] > 250  # nearly as wide as the drawer
    for y in (0.2, 0.5, 0.8):  # the left third, in three strokes
        page.mouse.move(box["x"] + 2, box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + y * box["height"], steps=5)
        page.mouse.up()
    page.get_by_label("brush", exact=True).fill("30")
    shoot(page, "brush")
    press(page, "Paint there")
    wait_until(lambda: page.get_by_label("painted is").locator("option", has_text="brush").count())
    before = steps(page)
    wait_until(lambda: steps(page) > before + 8)
    pause(page)
    shoot(page, "mask")
    found, photograph = (images.load(picture(page, kind)) for kind in ("view", "before"))
    change = np.abs(found - photograph).mean(axis=-1)
    width = change.shape[1]
    assert change[:, width // 2 :].mean() < 1 < 3 < change[:, : width // 4].mean()
    assert said(page) == []


def test_it_is_saved_filmed_rendered_and_set_again(page):
    press(page, "a painting")
    wait_until(lambda: steps(page) > 8)
    pause(page)
    press(page, "Save and load")
    for name, suffix in (("Save", "png"), ("Save the film", "gif")):
        with page.expect_download() as download:
            press(page, name)
        assert download.value.suggested_filename == f"painting.{suffix}"
        assert (FOLDER / f"painting.{suffix}").exists()
    settings = images.read_settings(FOLDER / "painting.png")
    assert settings["beta"] == pytest.approx(ratio(page), rel=0.01)
    with Image.open(FOLDER / "painting.gif") as film:
        assert max(film.size) >= 320
        assert film.n_frames > 2
    page.get_by_label("longest side").select_option("384")
    said_size = re.compile(r"(?=.*\b384\b)(\d+) × (\d+) pixels, .*GB of memory")
    wait_until(lambda: said_size.search(page.locator(".nst").inner_text()))
    size = said_size.search(page.locator(".nst").inner_text())
    shoot(page, "save")
    press(page, "Render full size")
    wait_until(lambda: button(page, "Cancel").count())
    time.sleep(2)
    with page.expect_download() as download:
        press(page, "Cancel")
    rendered = images.load(FOLDER / download.value.suggested_filename)
    assert rendered.shape[:2] == (int(size[2]), int(size[1]))
    press(page, "a hint of it")
    wait_until(lambda: ratio(page) != OPTIONS["beta"].default)
    pause(page)
    page.get_by_label("A picture saved here").set_input_files(FOLDER / "painting.png")
    wait_until(lambda: ratio(page) == OPTIONS["beta"].default)


@pytest.mark.parametrize(("width", "height"), [(800, 1000), (1280, 900), (1920, 1080)])
def test_nothing_is_cut_or_overlaps(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    press(page, "Photograph")
    face(page, "cat").click()
    wait_until(lambda: "cat in the style" in page.locator(".nst").inner_text())
    wait_until(lambda: not said(page))
    wait_until(lambda: steps(page) > 20)
    pause(page)
    for drawer in (
        "Painting",
        "Photograph",
        "Where",
        "Snapshots",
        "What the cost sees",
        "Advanced",
        "Save and load",
    ):
        button(page, drawer).first.click()
        time.sleep(1)
        shoot(page, f"{drawer.split()[0].lower()}_{width}")
        assert page.evaluate(LAYOUT) == [[], []]
    assert page.locator(".nst-picture").bounding_box()["width"] > 0.4 * width


def test_the_picture_stays_while_the_controls_scroll(page):
    page.set_viewport_size({"width": 1280, "height": 760})
    button(page, "What the cost sees").click()
    time.sleep(2)
    page.locator(".nst-pane").evaluate("pane => pane.scrollIntoView({block: 'end'})")
    time.sleep(0.5)
    box, notebook = (page.locator(of).bounding_box() for of in (".nst-picture", ".jp-Notebook"))
    assert box["y"] >= notebook["y"] - 0.2 * box["height"]


def test_in_the_dark_and_on_a_projector(page):
    page.set_viewport_size({"width": 1280, "height": 900})
    button(page, "Painting").first.click()
    theme = "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    page.evaluate(theme)
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
    shoot(page, "dark")
    page.evaluate(theme.replace("Dark", "Light"))
    page.set_viewport_size({"width": 1280, "height": 720})
    press(page, "Classroom")
    page.wait_for_selector(".nst-classroom")
    press(page, "Try it")
    wait_until(lambda: ratio_shown(page) == 0.12)  # β / 50
    press(page, "What to see")
    for name in ("classroom", *["classroom_layers"] * 4):
        shoot(page, name)
        assert page.evaluate(LAYOUT) == [[], []]
        box, notebook = (page.locator(of).bounding_box() for of in (".nst", ".jp-Notebook"))
        assert box["height"] <= notebook["height"]
        press(page, "Next question")
    press(page, "All controls")
    pause(page)


def ratio_shown(page):
    return float(page.locator(".nst-knob .widget-readout").first.inner_text())


def test_a_kernel_that_dies_is_said_and_what_was_saved_is_kept(page, lab):
    begun = steps(page)
    press(page, "Start")
    wait_until(lambda: steps(page) > begun)
    before = {path.name: path.read_bytes() for path in FOLDER.glob("painting*")}
    assert len(before) >= 3
    kernels = [process for process in psutil.Process(lab[1].pid).children(recursive=True)
               if "ipykernel_launcher" in " ".join(process.cmdline())]  # fmt: skip
    for kernel in kernels:
        kernel.send_signal(signal.SIGKILL)
    page.get_by_role("button", name="Ok").click()
    wait_until(lambda: "run the cell again" in " ".join(said(page)))
    shoot(page, "kernel_gone")
    page.evaluate("delete window.last")
    run_all(page)
    wait_until(lambda: re.search(r"step [1-9]", page.locator(".nst").last.inner_text()))
    assert {path.name: path.read_bytes() for path in FOLDER.glob("painting*")} == before
