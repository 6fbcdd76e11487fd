"""How fast all views answer a lasso over the patterns, in a real browser, as stores grow.

    python benchmarks/page/brushing.py STORE [--large] [--repeats N] [--no-peers]

Synthetic stores of 14 k, 144 k and 1 M patterns (10 M with ``--large``) repeat STORE with noise. A
real server and a real Chromium at 1440×900; the real mouse draws lassos of about 1, 10 and 60 % of
the patterns. Each time runs from the release of the button until the browser has painted the frame
after the server's last message. Then a box is dragged, and the pictures a second that follow it
are counted. As peers, in the same run: one plain ColumnDataSource shared by a scatter plot (WebGL
where the browser has it) and bars of counts a head, and the same two with HoloViews'
``link_selections`` over datashader, where holoviews is installed. What is sent is what Linux counts
on the connections (``ss``), where messages are compressed.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
from playwright.sync_api import Browser, TimeoutError, sync_playwright

from benchmarks.common import note, port_free, serve, serve_app
from benchmarks.page.steps import print_steps
from benchmarks.stores.synthetic import make_synthetic
from headbrush.analysis.store.store import Store
from headbrush.server.session.brush.clauses import Lasso, inside
from headbrush.server.stores.store_data import StoreData
from tests.browser.conftest import CHROMIUM, FLAGS, HeadbrushPage

_SIZES = (14_000, 144_000, 1_000_000)
_LARGE = 10_000_000
_SHARES = (0.01, 0.1, 0.6)
PEERS = {"plain": "bokeh", "holoviews": "holoviews"}
"""What each peer needs, by its name in ``peers.py``."""
WHO = {"headbrush": "headbrush", "plain": "plain Bokeh", "holoviews": "HoloViews"}
_OF_PEERS = 3
"""Repeats at most: plain Bokeh takes a quarter of a minute for a million patterns."""
_CORNERS = 48
_QUIET_MS = 500
_PATIENCE_MS = 60_000
_WATCH = """
  window.last = 0; window.up = 0; window.frames = 0
  const painted = () => new Promise((done) => requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const after = new MessageChannel()
      after.port1.onmessage = () => done(performance.now())
      after.port2.postMessage(0)
    })))
  const size = (data) => data.byteLength ?? data.size ?? data.length
  const Plain = WebSocket
  window.WebSocket = class extends Plain {
    constructor(...parts) {
      super(...parts)
      this.addEventListener("message", async ({data}) => {
        if (size(data) > 20000) window.frames += 1
        window.last = await painted()
      })
    }
  }
  window.addEventListener("mouseup", (event) => { window.up = event.timeStamp }, true)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--large", action="store_true", help="also 10 M patterns")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(_SIZES))
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--no-peers", action="store_true")
    asked = parser.parse_args()
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size in [*asked.sizes, *([_LARGE] if asked.large else [])]:
            store = make_synthetic(asked.store, Path(folder) / f"synthetic-{size}.headbrush", size)
            _headbrush(browser, store, asked.repeats)
            if not asked.no_peers:
                _peers(browser, store, asked.repeats)


def _headbrush(browser: Browser, store: Path, repeats: int) -> None:
    port = port_free()
    server = serve(store, port)
    try:
        start = time.perf_counter()
        page = _open(browser, f"http://127.0.0.1:{port}/server")
        first = time.perf_counter() - start
        print(f"{store.stem}: first page after {first:.1f} s")
        note(f"first page, {_patterns(store)}", first, "s")
        page.wait("named('selection_text').text.length > 0")
        page.page.wait_for_timeout(1500)
        page.page.locator(".hb-panel", has_text="What have the heads learned").locator(
            ".bk-tool-icon-lasso-select"
        ).click()
        _measure(page, "headbrush", store, repeats)
        _drag_a_box(page, _patterns(store))
        own = psutil.Process(server.pid).memory_info().rss / 1e6
        note(f"memory of the server, {_patterns(store)}", own, "MB")
        print(f"  the server itself takes {own:.0f} MB")
        before = _memory(server.pid)
        others = [_open(browser, f"http://127.0.0.1:{port}/server") for _ in range(2)]
        page.page.wait_for_timeout(1000)
        each = (_memory(server.pid) - before) / len(others) / 1e6
        print(f"  each further page {each:.0f} MB")
        note(f"each further page, {_patterns(store)}", each, "MB")
        for other in (page, *others):
            other.page.context.close()
    finally:
        server.terminate()
        server.wait(20)
    print_steps(store, [_circle(_points(store), share)[0] for share in _SHARES])


def _peers(browser: Browser, store: Path, repeats: int) -> None:
    for peer, needs in PEERS.items():
        if importlib.util.find_spec(needs) is None:
            print(f"  {peer}: not measured, {needs} is not installed")
            continue
        port = port_free()
        server = serve_app(Path(__file__).parent / "peers.py", port, peer, str(store))
        try:
            page = _open(browser, f"http://127.0.0.1:{port}/peers")
            page.page.wait_for_timeout(3000)
            if peer == "plain":
                webgl = "document.createElement('canvas').getContext('webgl2') != null"
                print(f"  plain: WebGL {'on' if page.page.evaluate(webgl) else 'not available'}")
            _measure(page, peer, store, min(repeats, _OF_PEERS))
            page.page.context.close()
        except TimeoutError:
            print(f"  {peer}: no answer within {_PATIENCE_MS // 1000} s")
        finally:
            server.terminate()
            server.wait(20)


def _open(browser: Browser, url: str) -> HeadbrushPage:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(_PATIENCE_MS)
    context.add_init_script(_WATCH)
    return HeadbrushPage(context.new_page(), url)


def _patterns(store: Path) -> str:
    data = StoreData(Store(store))
    return f"{data.num_images * data.num_heads:,} patterns".replace(",", " ")


def _points(store: Path) -> np.ndarray:
    data = StoreData(Store(store))
    return data.embedding(data.layouts[0])


def _circle(points: np.ndarray, share: float) -> tuple[Lasso, np.ndarray]:
    """A lasso round the middle that encloses about a share, and its corners."""
    centre, spread = np.median(points, 0), points.std(0)
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    round_ = np.column_stack([np.cos(turn), np.sin(turn)]) * spread
    few = np.random.default_rng(0).choice(points, min(len(points), 50_000))
    low, high = few.min(0), few.max(0)
    reach = [0.0, 4.0]
    for _ in range(24):
        corners = np.clip(centre + np.mean(reach) * round_, low, high).astype(float)
        lasso = Lasso(tuple(corners[:, 0].tolist()), tuple(corners[:, 1].tolist()))
        reach[int(inside(lasso, few).mean() > share)] = float(np.mean(reach))
    return lasso, corners


def _measure(page: HeadbrushPage, who: str, store: Path, repeats: int) -> None:
    points = _points(store)
    for share in _SHARES:
        lasso, corners = _circle(points, share)
        spots = np.array([page.at("patterns_plot", *corner) for corner in corners])
        times, sent = [], []
        for number in range(repeats + 1):
            moved = spots + np.array([number % 3 - 1, number % 2])  # no lasso is the one before
            page.page.evaluate("() => { window.last = 0; window.up = 0 }")
            before = _carried(page)
            page.page.mouse.move(*moved[0])
            page.page.mouse.down()
            for spot in moved[1:]:
                page.page.mouse.move(*spot)
            page.page.mouse.up()
            page.page.wait_for_function(
                f"up > 0 && last > up && performance.now() - last > {_QUIET_MS}"
            )
            times.append(page.page.evaluate("last - up"))
            sent.append(_carried(page) - before)
        what = f"{share:.0%} of {_patterns(store)}"
        note(f"lasso, {what}", times[1:], "ms", WHO[who])
        note(f"sent by a lasso, {what}", np.median(sent[1:]) / 1e6, "MB", WHO[who])
        median, p95 = np.quantile(times[1:], (0.5, 0.95))
        print(
            f"  {who}: lasso of {inside(lasso, points).mean():5.1%}: p50 {median:6.0f} ms, "
            f"p95 {p95:6.0f} ms, {np.median(sent[1:]) / 1e3:7.0f} kB ({repeats} times)",
            flush=True,
        )


def _carried(page: HeadbrushPage) -> int:
    """Bytes that the connections of the page's server have carried, both ways."""
    port = urlsplit(page.page.url).port
    command = ["ss", "-tinH", "state", "established", f"( sport = :{port} )"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sum(map(int, re.findall(r"bytes_(?:sent|received):(\d+)", told)))


def _drag_a_box(page: HeadbrushPage, patterns: str) -> None:
    """Pictures a second while a box grows; the lasso's neighbour in the tool bar draws it."""
    page.page.locator(".hb-panel", has_text="What have the heads learned").locator(
        ".bk-tool-icon-box-select"
    ).click()
    frame = page.frame("patterns_plot")
    page.page.mouse.move(frame["left"] + 5, frame["top"] + 5)
    page.page.mouse.down()
    page.page.evaluate("() => { window.frames = 0 }")
    start = time.perf_counter()
    for step in range(150):
        share = 0.05 + 0.9 * step / 150
        page.page.mouse.move(
            frame["left"] + share * frame["width"], frame["top"] + share * frame["height"]
        )
        page.page.wait_for_timeout(16)
    seconds, frames = time.perf_counter() - start, page.page.evaluate("frames")
    page.page.mouse.up()
    page.page.wait_for_timeout(1000)
    note(f"a dragged box, {patterns}", frames / seconds, "pictures/s", is_more_better=True)
    print(f"  a dragged box: {frames / seconds:.0f} pictures a second over {seconds:.1f} s")


def _memory(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


if __name__ == "__main__":
    main()
