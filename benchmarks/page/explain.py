"""How long the tab Explain takes: the first map, everything, a pinned patch, another head.

    python benchmarks/page/explain.py STORE [IMAGES]

A real server and a real Chromium at 1440×900. The model is loaded by an image that does not count;
then images are selected one after another, each when the one before is explained: times run until
the browser has the values. Processor seconds are those of the model's process and of the server,
which do not grow where other work takes turns with them, as wall times do.
"""

import os
import sys
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

from benchmarks.common import note, port_free, serve
from headbrush.analysis.store.store import Store
from tests.browser.conftest import CHROMIUM, FLAGS, HeadbrushPage

_PATIENCE_MS = 600_000
_EXPLAINED = "/^<p>(Better|No map|Every)/.test(named('maps_said')?.text)"
_WATCH = """
() => {
  const named = (name) => Bokeh.documents[0].get_model_by_name(name)
  const [map, said, bars] = ["explained_plot_values", "maps_said", "speaking_bars"].map(named)
  const size = () => map.data.image[0].length
  const isDone = () => /^<p>(Better|No map|Every)/.test(said.text)
    && Array.from(bars.data.total).some(Number.isFinite)
  const until = (is) => new Promise((done) => {
    const began = performance.now()
    const look = () => is() ? done(performance.now() - began) : setTimeout(look, 2)
    look()
  })
  const ask = (what, number) => headbrush.ready.ask("asked", what, number)
  window.explained = async (image) => {
    const began = performance.now()
    ask("image", image)
    await until(() => size() === 1)
    await until(() => size() > 1)
    const first = performance.now() - began
    await until(isDone)
    return [first, performance.now() - began]
  }
  const changed = (source, what, number) => {
    const before = source.data
    ask(what, number)
    return until(() => source.data !== before)
  }
  window.pinned = (token) => changed(bars, "patch", token)
  window.ofHead = (number) => changed(map, "head", number)
}
"""


class _Processors:
    """Seconds of the server's processes, and of the model's."""

    def __init__(self, server: int) -> None:
        self._server = psutil.Process(server)

    def seconds(self) -> np.ndarray:
        """``(2,)``: server and model so far."""
        every = [self._server, *self._server.children(recursive=True)]
        seconds = {one: sum(one.cpu_times()[:2]) for one in every}
        model = next(one for one in every if "model.process_main" in " ".join(one.cmdline()))
        return np.array([sum(seconds.values()) - seconds[model], seconds[model]])


def main() -> None:
    """Print a table."""
    store, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    opened, port = Store(store), port_free()
    draw = np.random.default_rng(0)
    images = draw.permutation(opened.sizes["image"])[: count + 1].tolist()
    server = serve(store, port)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.set_default_timeout(_PATIENCE_MS)
            address = f"http://127.0.0.1:{port}/server?workspace=explain&image={images[0]}"
            page = HeadbrushPage(context.new_page(), f"{address}&explained_heads=selected")
            page.wait(
                "/^<p>(Better|No map|Every)/.test(named('maps_said')?.text)", _PATIENCE_MS // 1000
            )
            page.page.evaluate(_WATCH)
            _measure(page, opened, images[1:], _Processors(server.pid))
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


def _measure(page: HeadbrushPage, store: Store, images: list[int], used: _Processors) -> None:
    waited, spent, pinned, heads = [], [], [], []
    for image in images:
        before = used.seconds()
        waited.append(page.page.evaluate("explained", image))
        spent.append(used.seconds() - before)
        prefix, patches = store.num_prefix_tokens, int(np.prod(store.grid))
        pinned += [page.page.evaluate("pinned", prefix + at) for at in (0, patches // 2)]
        heads += [page.page.evaluate("ofHead", at) for at in (3, 1)]
        page.page.evaluate("pinned", prefix + patches // 2)  # let go
    load = os.getloadavg()[0]
    print(f"{len(images)} images, load {load:.1f} on {os.cpu_count()} processors; medians")
    rows = {"first map": np.array(waited)[:, 0], "everything": np.array(waited)[:, 1],
            "heads of a pinned patch": pinned, "map of another head": heads}  # fmt: skip
    for name, values in rows.items():
        low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
        note(name, np.ravel(values), "ms")
        print(f"{name:<26} {middle:7.0f} ms  ({low:.0f} to {high:.0f})")
    for name, values in zip(("server", "model"), np.array(spent).T, strict=True):
        note(f"an explanation, processor time of the {name}", values, "s")
        print(f"processor time, {name:<8} {np.median(values):7.2f} s an image")


if __name__ == "__main__":
    main()
