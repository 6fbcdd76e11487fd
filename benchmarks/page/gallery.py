"""How fast the gallery of a store with many images opens, scrolls, sorts and follows a brush.

    python benchmarks/page/gallery.py STORE [--images N] [--rounds N]

A synthetic store of N images (``synthetic.py`` of STORE), a real server and a real Chromium at
1440×900. Each figure runs from the event until every thumbnail in sight is in the page; bytes are
those of the page's connection. The number of tiles in the page is told too.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.common import note, port_free, serve
from benchmarks.stores.synthetic import make_synthetic
from headbrush.analysis.store.store import Store
from tests.browser.conftest import CHROMIUM, FLAGS, HeadbrushPage

_READY = """
([act, due]) => new Promise((done) => {
  const host = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("image_gallery"))
  const told = Bokeh.documents[0].get_model_by_name("gallery_told")
  const gallery = () => host.shadow_el.querySelector("hb-gallery")
  const start = performance.now()
  const answers = told.tags[0].answer ?? 0
  const look = () => {
    const tiles = [...gallery().querySelectorAll(".hb-tile")]
    const isFilled = tiles.length > 0 && tiles.every((tile) => tile.querySelector("img")?.complete)
    if (told.tags[0].answer >= answers + due && isFilled) {
      done([performance.now() - start, tiles.length])
    } else requestAnimationFrame(look)
  }
  new Function("gallery", "named", act)(gallery,
    (name) => Bokeh.documents[0].get_model_by_name(name))
  requestAnimationFrame(look)
})
"""
_ACTS = {
    "open": "named('images_form').active = 1",
    "scroll": "const s = gallery().querySelector('.hb-scroller');"
    "s.scrollTop = Math.random() * (s.scrollHeight - s.clientHeight)",
    "turn round": "gallery().querySelector('button').click()",
    "sort by class": "named('image_order').value = 'class'",
    "sort by JSD": "named('image_order').value = 'jsd'",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    sizes = Store(asked.store).sizes
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        patterns = asked.images * sizes["layer"] * sizes["head"]
        store = make_synthetic(asked.store, Path(folder) / "many.headbrush", patterns)
        port = port_free()
        server = serve(store, port)
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            url = f"http://127.0.0.1:{port}/server"
            _measure(browser, url, asked.rounds, f"{asked.images:,} images".replace(",", " "))
        finally:
            server.terminate()
            server.wait(20)


def _measure(browser, url: str, rounds: int, images: str) -> None:
    opened = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sent = [0]

    def count(frame) -> None:
        sent[0] += len(frame)

    opened.on("websocket", lambda socket: socket.on("framereceived", count))
    opened.set_default_timeout(240_000)
    page = HeadbrushPage(opened, url)
    page.wait("named('selection_text').text.length > 0", 120)
    page.page.wait_for_timeout(3000)
    for name, act in _ACTS.items():
        times, sizes, tiles = [], [], 0
        for _ in range(rounds if name in ("scroll", "turn round") else 1):
            sent[0] = 0
            took, tiles = page.page.evaluate(_READY, [act, 1 if name == "scroll" else 2])
            times.append(took)
            page.page.wait_for_timeout(300)
            sizes.append(sent[0])
        note(f"{name}, {images}", times, "ms")
        print(
            f"{name}: p50 {statistics.median(times):.0f} ms, largest {max(times):.0f} ms, "
            f"{statistics.median(sizes) / 1e3:.0f} kB, {tiles} tiles in the page"
        )


if __name__ == "__main__":
    main()
