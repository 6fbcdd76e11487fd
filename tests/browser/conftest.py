"""A real server in a process of its own, and a real Chromium with a mouse."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData
from tests.models import save_images, save_tiny_model
from tests.processes import stop
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))),
    None,
)
"""The shell needs less of the processor: it has no window to keep."""
MODEL_S = 300
"""Its process gives way to pages, and may starve where tests run beside others."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    """Without a browser these tests are skipped, but never where CI is set."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(2 * MODEL_S))
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no chromium; install Debian's package"))


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    """A store of a tiny model made by the command line itself; four images keep attention."""
    folder = tmp_path_factory.mktemp("browser")
    out = folder / "tiny.headbrush"
    words = [
        sys.executable, "-m", "headbrush", "analyze", "--out", str(out),
        "--images", str(save_images(folder / "images", per_class=10)),
        "--model", str(save_tiny_model(folder / "model")), "--attention", "4",
    ]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)
    return out


@pytest.fixture(scope="session")
def data(store_path):
    return StoreData(Store(store_path))


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A function that writes a report and tells its file."""

    def save(report):
        path = tmp_path_factory.mktemp("report") / "report.html"
        report.save(path)
        return path

    return save


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """Address of a server of ``store`` that runs meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "headbrush", "serve", str(store)]
    process = subprocess.Popen([*words, "--port", str(port), "--address", "127.0.0.1",
                                "--allow-websocket-origin", f"127.0.0.1:{port}"])  # fmt: skip
    try:
        _wait(process, f"http://127.0.0.1:{port}/server/metadata")
        yield f"http://127.0.0.1:{port}/server"
    finally:
        stop(process)


def _wait(process: subprocess.Popen, address: str) -> None:
    def answers() -> bool:
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except OSError:
            assert process.poll() is None, "the server ended"
            return False
        return True

    until(answers, 60)


@pytest.fixture(scope="session")
def server(store_path):
    """Address of a running server."""
    with serving(store_path) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


class HeadbrushPage:
    """A page of the server, driven by mouse and keyboard, read through BokehJS's models."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._listen)
        page.goto(url)
        page.wait_for_function(
            "window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle"
        )

    def _listen(self, said: ConsoleMessage) -> None:
        is_server_gone = "ERR_CONNECTION_REFUSED" in said.text  # the browser's own words
        if said.type in ("error", "warning") and not is_server_gone:
            self.faults.append(said.text)

    def value(self, name: str, path: str):
        """A property of a named model, for example ``("metric", "value")``."""
        return self.page.evaluate(
            "([n, p]) => p.split('.').reduce((m, k) => m[k], "
            "Bokeh.documents[0].get_model_by_name(n))",
            [name, path],
        )

    def source(self, column: str) -> dict[str, list]:
        """All columns of the data source that has ``column``."""
        return self.page.evaluate(
            "c => { const s = [...Bokeh.documents[0]._all_models.values()].find("
            "m => m.type == 'ColumnDataSource' && m.data.has ? m.data.has(c) : "
            "m.type == 'ColumnDataSource' && c in m.data);"
            "const d = s.data instanceof Map ? [...s.data] : Object.entries(s.data);"
            "return {...Object.fromEntries(d.map(([k, v]) => [k, Array.from(v)])),"
            "selected: Array.from(s.selected.indices)} }",
            column,
        )

    def frame(self, name: str) -> dict[str, float]:
        """Where a plot's axes enclose, in pixels of the page, and its ranges."""
        return self.page.evaluate(
            "n => { const m = Bokeh.documents[0].get_model_by_name(n);"
            "const v = Bokeh.index.find_one(m); const r = v.canvas_view.el.getBoundingClientRect();"
            "const b = v.frame.bbox; return {left: r.left + b.left, top: r.top + b.top,"
            "width: b.width, height: b.height, x0: m.x_range.start, x1: m.x_range.end,"
            "y0: m.y_range.start, y1: m.y_range.end} }",
            name,
        )

    def at(self, name: str, x: float, y: float) -> tuple[float, float]:
        """Pixel of a point given in the coordinates of a plot."""
        f = self.frame(name)
        return (
            f["left"] + (x - f["x0"]) / (f["x1"] - f["x0"]) * f["width"],
            f["top"] + (f["y1"] - y) / (f["y1"] - f["y0"]) * f["height"],
        )

    def click(self, name: str, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(name, x, y))

    def drag(
        self, name: str, *corners: tuple[float, float], keys: Sequence[str] = (), held: float = 0
    ) -> None:
        """Press at the first corner for seconds, move through the others, release; keys held."""
        pixels = [self.at(name, *corner) for corner in corners]
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.move(*pixels[0])
        self.page.mouse.down()
        self.page.wait_for_timeout(1000 * held)
        for pixel in pixels[1:]:
            self.page.mouse.move(*pixel, steps=6)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)

    def drop_brush(self) -> None:
        """Escape lets go of a selected image first, then of the brush."""
        for _step in range(2):
            self.page.keyboard.press("Escape")

    def wait(self, condition: str, seconds: float = 20) -> None:
        """Until a JavaScript condition over ``named(name)`` holds."""
        named = "const named = n => Bokeh.documents[0].get_model_by_name(n);"
        self.page.wait_for_function(
            f"() => {{ {named} return {condition} }}", timeout=1000 * seconds
        )


def selected_image(data: StoreData) -> int:
    """The image that is selected where a test needs one."""
    return data.first.image_of(data.first.head.number)


@pytest.fixture
def page(browser, server, data):
    """A page at 1440×900 with an image selected; the test fails if the page raised an error."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        opened = HeadbrushPage(context.new_page(), f"{server}?image={selected_image(data)}")
        opened.wait("named('selection_text').text.length > 0")
        opened.page.wait_for_timeout(500)
        yield opened
        assert opened.faults == []
