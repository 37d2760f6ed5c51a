"""The studio in a real browser: JupyterLab, headless Chromium, a hand on the sliders.

Screenshots and the seconds from a slider's move to a changed picture are left in build/browser.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

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

# Leaves in `followed` the seconds from now until a picture painted with another β is shown.
WATCH = """
() => {
  const beta = () => document.querySelector('.nst').innerText.match(/β = (\\S+)\\.\\s/)[1];
  const before = beta(), begun = performance.now();
  window.followed = null;
  new MutationObserver((_, observer) => {
    if (beta() !== before) {
      observer.disconnect();
      window.followed = (performance.now() - begun) / 1000;
    }
  }).observe(document.querySelector('img.nst-view'), {attributes: true, attributeFilter: ['src']});
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
    """The address of a JupyterLab that shows a copy of notebook 5, which is quicker to run."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    made = notebooks.notebook(notebooks.sources(["05"])[0])
    for cell in made.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += "\nSTEPS = 6"
        # The studio itself as readers have it: only the figures below it are made smaller.
        cell.source = cell.source.replace("SIZE, steps=STEPS", "SIZE").replace(
            "size=SIZE", "size=96"
        )
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
    yield address
    server.terminate()
    server.wait(30)


@pytest.fixture
def page(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(f"{lab}/lab/tree/build/browser/05_studio.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    yield page
    page.close()


def run_all(page):
    page.wait_for_selector("text=| Idle")  # the kernel is there
    for name in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=name, exact=True).click()
    page.wait_for_selector("text=And only the deepest one?")  # the last cell's output
    page.wait_for_selector("img.nst-view")


def shoot(page, name):
    page.locator(".nst").evaluate("element => element.scrollIntoView()")
    time.sleep(1)  # the page settles
    page.screenshot(path=FOLDER / f"{name}.png")


def picture(page):
    return page.locator("img.nst-view").screenshot()


def steps(page):
    return int(re.search(r"step (\d+)", page.locator(".nst").inner_text())[1])


def beta(page):
    return float(re.search(r"β = (\S+)\.\s", page.locator(".nst").inner_text())[1])


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


def wait_until(what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("what was waited for did not happen")


def test_a_hand_on_the_sliders(page):
    run_all(page)
    errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0

    def button(name):
        return page.locator(".nst").get_by_role("button", name=name, exact=True)

    first, begun = picture(page), steps(page)
    assert begun >= 100  # a first painting is there
    shoot(page, "first")

    button("Start").click()
    wait_until(lambda: steps(page) > begun + 5)
    assert picture(page) != first

    for name in ("β, style", "content ↔ style"):
        before, x = beta(page), drag(page, name, 20)
        wait_until(lambda before=before: beta(page) > 2.5 * before)
        assert place(handle(page, name))[0] == pytest.approx(x, abs=2)

    handle(page, "β, style").focus()
    seconds = []
    for i in range(MOVES):
        page.evaluate(WATCH)
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("window.followed !== null", timeout=10_000)
        seconds.append(page.evaluate("window.followed"))
        time.sleep(0.05 * (i % 5))
    begun, since = steps(page), time.monotonic()
    time.sleep(5)
    pace = (steps(page) - begun) / (time.monotonic() - since)
    shoot(page, "running")

    button("Pause").click()
    wait_until(lambda: button("Start").count() == 1)
    time.sleep(1)
    still = steps(page)
    time.sleep(1)
    assert steps(page) == still

    kept = page.locator(".nst-strip button").count()
    button("Snapshot").click()
    wait_until(lambda: page.locator(".nst-strip button").count() == kept + 1)
    painted = picture(page)
    page.locator(".nst-strip button").first.click()  # the photograph itself
    wait_until(lambda: steps(page) == 0)
    assert picture(page) != painted
    page.locator(".nst-strip button").nth(kept).click()
    wait_until(lambda: steps(page) == still)

    button("Save").click()
    wait_until(lambda: (FOLDER / "painting.png").exists())
    settings = images.read_settings(FOLDER / "painting.png")
    assert settings["beta"] == pytest.approx(beta(page), rel=0.01)
    assert settings["steps"] == still
    assert images.load(FOLDER / "painting.png").shape[1] == settings["width"] == 256

    button("Paint the grid").click()
    wait_until(lambda: page.locator(".nst-cells button").count() == 9, 120)
    page.set_viewport_size({"width": 1280, "height": 2000})
    shoot(page, "grid")
    page.locator(".nst").screenshot(path=FOLDER / "studio.png")  # the one in images/studio.jpg
    page.locator(".nst-cells button").nth(2).click()  # α = 10, the lowest β
    wait_until(lambda: beta(page) == OPTIONS["beta"].default / 10)
    assert errors.count() == 0
    assert page.locator(".nst [role=alert]").count() == 0
    measured = {"median_seconds_to_follow": statistics.median(seconds),
                "seconds_to_follow": seconds, "steps_per_second": pace}  # fmt: skip
    (FOLDER / "studio.json").write_text(json.dumps(measured, indent=1))

    page.get_by_label("Compare with").select_option("content")
    page.keyboard.press("Control+b")  # the file browser goes
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 2000})
        shoot(page, f"studio_{width}")
        for box in page.locator(".nst *:visible").all():
            found = box.bounding_box()
            assert found is None or found["x"] + found["width"] <= width
    page.set_viewport_size({"width": 1280, "height": 1400})
    theme = "{theme: 'JupyterLab Dark'}"
    page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {theme})")
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
    shoot(page, "dark")
    button("Classroom mode").click()
    page.wait_for_selector(".nst-classroom")
    button("Try it").click()
    wait_until(lambda: beta(page) == 0.1 and steps(page) > 20, 120)
    button("What to see").click()
    shoot(page, "classroom")
    assert errors.count() == 0
