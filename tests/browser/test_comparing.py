"""Two stores on one page: classes as buttons, a view that fails, a server that goes away."""

import numpy as np
import pytest

from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage
from tests.server.served import broken_copy, served
from tests.stores import make_store

SIZE = {"width": 1440, "height": 900}
PAIR = "/server?store=one.headbrush&with=two.headbrush"
BROKEN = {
    "views/importance/head_importance.py": (
        r"(def react\(self.*\n.*\n)",
        r"\1        [0][new.image is not None and self._session.data.num_images < 24]\n",
    ),
}
"""Fails for every image of the smaller store."""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "stores"
    folder.mkdir()
    make_store(folder / "one.headbrush")
    make_store(folder / "two.headbrush", images=12)
    return folder


@pytest.fixture
def tab(browser):
    with browser.new_context(viewport=SIZE) as context:
        yield context.new_page()


def test_a_class_of_either_legend_brushes_its_images_by_name(tab, folder, tmp_path):
    small = StoreData(Store(folder / "two.headbrush"))
    kind = int(small.labels[0])
    expected = np.flatnonzero(small.labels == kind).tolist()
    with served(folder, log=tmp_path / "log") as running:
        page = HeadbrushPage(tab, running.url + PAIR)
        tab.wait_for_selector("html[data-ready]")
        tab.wait_for_selector(".bk-events[role=application]")
        assert findings(tab) == []
        assert tab.locator("[data-kind=class]").count() >= 2 * len(np.unique(small.labels))
        tab.locator(f"[data-name=b_image_overview] [data-kind=class][data-number='{kind}']").click()
        count = f"{len(expected)} / {len(expected)} images"
        page.wait(f"named('compared_text').text.includes('{count}')")
        tab.locator(f"[data-name=a_image_overview] [data-kind=class][data-number='{kind}']").click()
        total = (StoreData(Store(folder / "one.headbrush")).labels == kind).sum()
        page.wait(f"named('compared_text').text.includes('{total} / {len(expected)} images')")
        for name in ("a", "b"):
            legend = tab.locator(f"[data-name={name}_image_overview] [data-kind=class]").last
            assert legend.bounding_box()["y"] < page.frame(f"{name}_images_plot")["top"]
        tab.get_by_role("button", name="Copy link").click()
        tab.wait_for_function("document.querySelector('#said').textContent.includes('link')")
        assert "with=two.headbrush" in tab.url
        assert page.faults == []


def test_a_view_that_fails_has_a_card_on_its_side_alone(tab, folder, tmp_path):
    root = broken_copy(tmp_path / "root", BROKEN)
    with served(folder, log=tmp_path / "log", root=root) as running:
        page = HeadbrushPage(tab, running.url + PAIR)
        tab.wait_for_selector("html[data-ready]")
        assert tab.locator(".hb-failed").count() == 0
        tab.keyboard.press("ArrowRight")
        tab.wait_for_selector("[data-name=b_head_importance] .hb-failed")
        assert tab.locator(".hb-failed").count() == 1
        assert "Error" in tab.inner_text(".hb-failed")
        tab.keyboard.press("z")
        tab.wait_for_selector(".hb-failed", state="detached")
        assert page.faults == []


def test_the_pair_tells_that_the_server_stopped_and_comes_back(tab, folder, tmp_path):
    with served(folder, log=tmp_path / "log") as running:
        page = HeadbrushPage(tab, running.url + PAIR)
        tab.wait_for_selector("html[data-ready]")
        assert tab.is_hidden("#lost")
    tab.wait_for_selector("#lost:not([hidden])")
    with served(folder, log=tmp_path / "again", port=running.port):
        tab.wait_for_selector("html[data-ready] #lost[hidden]", state="attached")
        assert tab.locator(".hb-side").count() == 2
    assert page.faults == []
