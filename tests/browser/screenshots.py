"""Take the README's pictures of a store: ``make screenshots``.

    python tests/browser/screenshots.py STORE FOLDER

Serves the store, drives a real Chromium, and writes one PNG a size and state.
"""

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from headbrush.analysis.store.facts.studies.interactions import load_interactions
from headbrush.analysis.store.store import Store
from tests.browser.conftest import CHROMIUM, FLAGS, HeadbrushPage

PORT = 5137


def main(store: str, folder: str) -> None:
    """Write ``first-WIDTHxHEIGHT.png``, ``brushed.png``, one a further tab, ``case-NAME.png``.

    ``pairs.png`` needs a store with interactions: ``headbrush interactions STORE --images 80``.
    """
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "headbrush", "serve", store, "--port", str(PORT)]
    server = subprocess.Popen(command)
    try:
        _wait()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for width, height in ((1440, 900), (1920, 1080)):
                page = _open(browser, width, height)
                page.page.screenshot(path=out / f"first-{width}x{height}.png")
            page = _open(browser, 1440, 900)
            frame = page.frame("images_plot")
            x, y = (frame["x0"] + frame["x1"]) / 2, (frame["y0"] + frame["y1"]) / 2
            page.drag("images_plot", (frame["x0"], frame["y0"]), (x, y))
            page.wait("named('brushed_text').text.startsWith('brushed')")
            _settle(page)
            page.page.screenshot(path=out / "brushed.png")
            _what_if(browser, out / "what-if.png")
            if load_interactions(Store(store)) is not None:
                _pairs(browser, out / "pairs.png")
            _trends(browser, store, out / "trends.png")
            _explain(browser, store, out / "explain.png")
            for name, query in _cases(store).items():
                page = _open(browser, 1440, 900, query)
                page.page.wait_for_timeout(1500)
                page.page.screenshot(path=out / f"{name}.png")
    finally:
        server.terminate()


def _what_if(browser: Browser, path: Path) -> None:
    """Prune the last three layers, beside the first, as a named set."""
    late = ",".join(f"{layer}.{head}" for layer in (9, 10, 11) for head in range(6))
    first = ",".join(f"0.{head}" for head in range(6))
    query = f"?workspace=what_if&prune={late}&set_of={first}*first+layer"
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = HeadbrushPage(context.new_page(), f"http://localhost:{PORT}/server{query}")
    page.wait("named('set_table')?.text.split('of 300').length === 3", 600)
    page.wait("named('given_note').text.includes('mean of 100')", 300)
    page.page.wait_for_timeout(1500)
    page.page.screenshot(path=path)


def _pairs(browser: Browser, path: Path) -> None:
    """Prune two heads that stand in for each other, beside each alone."""
    query = "?workspace=what_if&prune=0.1,1.3&head=0.1&set_of=0.1*L0·H1&set_of=1.3*L1·H3"
    page = _open(browser, 1440, 900, query)
    page.wait("named('set_table')?.text.split('of 300').length === 4", 600)
    page.wait("named('given_note').text.includes('mean of 100')", 300)
    page.page.wait_for_timeout(1500)
    page.page.screenshot(path=path)


def _trends(browser: Browser, store: str, path: Path) -> None:
    """The trends, and an image that is unlike its class."""
    image = Store(store).read("name").tolist().index("trouser/00192.png")
    page = _open(browser, 1440, 900, f"?workspace=trends&image={image}&head=2.4")
    page.wait("named('trend_cells')?.data.g.length > 0")
    page.wait("named('similar_list').text.includes('<li>')")
    page.page.wait_for_timeout(1500)
    page.page.screenshot(path=path)


def _explain(browser: Browser, store: str, path: Path) -> None:
    """A boot that is taken for a sneaker, when all of its maps have been measured."""
    image = Store(store).read("name").tolist().index("ankle-boot/00068.png")
    page = _open(browser, 1440, 900, f"?workspace=explain&image={image}&head=8.3")
    page.wait("/^<p>(Better|No map|Every)/.test(named('maps_said')?.text)", 180)
    page.page.wait_for_timeout(1500)
    page.page.screenshot(path=path)


def _cases(store: str) -> dict[str, str]:
    """The links of the README's case, by the names of their pictures."""
    names = Store(store).read("name").tolist()
    head, fault = names.index("pullover/00046.png"), names.index("shirt/00040.png")
    return {
        "case-head": f"?image={head}&head=0.2&mode=4",
        "case-misprediction": f"?image={fault}&head=0.5&mode=4",
    }


def _open(browser, width: int, height: int, query: str = "") -> HeadbrushPage:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = HeadbrushPage(context.new_page(), f"http://localhost:{PORT}/server{query}")
    page.wait("named('selection_text').text.length > 0")
    if "workspace=" not in query:
        _settle(page)
    return page


def _settle(page: HeadbrushPage) -> None:
    """Wait until the model has answered B2 and B3 of all images; it does so where they are seen."""
    for note in ("pruning_note", "prediction_note"):
        text = f"named('{note}').text"
        page.wait(f"{text} && !/computing|so far|loading/.test({text})", 300)
    page.page.wait_for_timeout(1500)


def _wait() -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"http://localhost:{PORT}/server/metadata", timeout=1).close()
            return
        except OSError:
            time.sleep(0.25)
    raise SystemExit("the server did not start within a minute")


if __name__ == "__main__":
    main(*sys.argv[1:])
