"""How fast the page answers a pointer that moves over tokens.

    python benchmarks/page/hover.py [--moves N]

Synthetic stores of T = 197, 577 and 1370 tokens, a real server and a real Chromium at 1440×900.
Each figure runs from the mouse event until the browser has painted the frame that answers it:
masks, lines and frames of the token. The baseline is the same time where nothing is drawn, one
frame. A step of a drag of the threshold, which draws lines and matrix again, and the way of a
whole matrix from the click on another head until it is painted, are measured alike.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.common import note, serve
from tests.browser.conftest import CHROMIUM, FLAGS, HeadbrushPage
from tests.token_stores import make_token_store

PORT = 5141
_SIDES = (14, 24, 37)
_WATCH = """
() => {
  window.answers = []
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const after = new MessageChannel()
    after.port1.onmessage = () => done(performance.now())
    after.port2.postMessage(0)
  }))
  window.addEventListener("mousemove", async (event) => {
    answers.push(await painted() - event.timeStamp)
  }, true)
  const source = Bokeh.documents[0].get_model_by_name("codes")
  window.addEventListener("mousedown", (event) => { window.pressed = event.timeStamp }, true)
  source.properties.data.change.connect(async () => { window.arrived = await painted() - pressed })
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=60)
    moves = parser.parse_args().moves
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for side in _SIDES:
            store = make_token_store(Path(folder) / f"{side}.headbrush", (side, side), 1, images=2)
            server = serve(store, PORT)
            try:
                _measure(browser, side * side + 1, moves)
            finally:
                server.terminate()
                server.wait(20)


def _measure(browser, tokens: int, moves: int) -> None:
    page = HeadbrushPage(
        browser.new_context(viewport={"width": 1440, "height": 900}).new_page(),
        f"http://127.0.0.1:{PORT}/server",
    )
    page.wait("named('plain_title').text.length > 0")
    page.page.wait_for_timeout(1000)
    page.page.evaluate(_WATCH)
    rng = np.random.default_rng(0)
    spots = rng.uniform(0, 1, (moves, 2))
    nothing = [(700 + 60 * x, 25.0) for x, _ in spots]
    _report(page, tokens, "nothing drawn", nothing)
    _report(page, tokens, "matrix", [_inside(page, "matrix_plot", *spot) for spot in spots])
    _report(page, tokens, "image", [_inside(page, "context_plain", *spot) for spot in spots])
    line = [_inside(page, "threshold_plot", 0.55 + 0.2 * x, 0.5) for x, _ in spots]
    page.page.mouse.move(*line[0])
    page.page.mouse.down()
    _report(page, tokens, "threshold", line)
    page.page.mouse.up()
    times = []
    for number in (0, 1, 0, 1, 0):  # the first may be shown already
        page.page.evaluate("() => { window.arrived = null }")
        page.click("importance_plot", number, page.frame("importance_plot")["y1"] / 2)
        page.page.wait_for_timeout(1500)
        times.append(page.page.evaluate("arrived"))
    times = [answered for answered in times[1:] if answered is not None]
    sent = page.page.evaluate("Bokeh.documents[0].get_model_by_name('codes').data.code.byteLength")
    note(f"another head, {tokens} tokens", times, "ms")
    print(f"T = {tokens:4}  another head: {np.median(times):5.0f} ms, {sent / 1e6:.2f} MB sent")


def _inside(page: HeadbrushPage, name: str, x: float, y: float) -> tuple[float, float]:
    """Pixel at a share of a plot's width and height."""
    frame = page.frame(name)
    return frame["left"] + x * frame["width"], frame["top"] + y * frame["height"]


def _report(page: HeadbrushPage, tokens: int, what: str, spots: list[tuple[float, float]]) -> None:
    page.page.evaluate("() => { window.answers = [] }")
    for spot in spots:
        page.page.mouse.move(*spot)
        page.page.wait_for_timeout(60)
    times = page.page.evaluate("answers")
    note(f"pointer over {what}, {tokens} tokens", times, "ms")
    median, p95 = np.quantile(times, (0.5, 0.95))
    print(
        f"T = {tokens:4}  {what:13} median {median:5.1f} ms, p95 {p95:5.1f} ms, {len(times)} moves"
    )


if __name__ == "__main__":
    main()
