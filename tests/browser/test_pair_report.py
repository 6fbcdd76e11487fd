"""A report of two stores in a browser: what is done on one side is on both, without a server."""

import numpy as np
import pytest

from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.browser.quantise import to_codes
from headbrush.server.pages.report.make_pair_report import make_pair_report
from headbrush.server.stores.store_data import StoreData
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage
from tests.server.served import served
from tests.stores import make_store

SIZE = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    make_store(folder / "one.headbrush")
    make_store(folder / "two.headbrush", images=12, layers=2, heads=3)
    return folder


@pytest.fixture(scope="module")
def stores(folder):
    return [StoreData(Store(folder / f"{name}.headbrush")) for name in ("one", "two")]


@pytest.fixture
def opened(browser, stores, saved):
    with browser.new_context(viewport=SIZE, offline=True) as context:
        page = HeadbrushPage(context.new_page(), saved(make_pair_report(stores)).as_uri())
        page.wait("named('a_headbrush_images')")
        yield page
        assert page.faults == []


def band(page, side):
    """Mean of the band of importance on a side, 0 or 1."""
    return page.page.evaluate(
        "side => { const panels = [...document.querySelectorAll('[data-ends=head_importance]')];"
        "const root = Bokeh.documents[0].get_model_by_name(panels[side].dataset.name);"
        "const band = [...root.references()].filter(m => m.name == 'importance_band');"
        "const ends = root.children.find(m => m.name == 'importance_plot').y_range.end;"
        "return {means: band.map(m => Array.from(m.get_column('mean'))), end: ends}}",
        side,
    )


def test_a_class_of_one_side_brushes_both_and_keeps_one_scale(opened, stores):
    kind = int(stores[1].labels[0])
    expected = np.flatnonzero(stores[1].labels == kind)
    of_panel = f"[data-name=b_image_overview] [data-kind=class][data-number='{kind}']"
    opened.page.locator(of_panel).click()
    for prefix in ("a_", "b_"):  # the same names are the first 12 images
        assert opened.value(f"{prefix}headbrush_images", "selected.indices") == expected.tolist()
    ends = []
    for side, data in enumerate(stores):
        codes, low, step = to_codes(data.shown_importance("jsd"))
        exact = (low + codes * step)[expected]
        found = band(opened, side)
        assert any(np.allclose(one, exact.mean(0), atol=1e-12) for one in found["means"])
        ends.append(found["end"])
        assert found["end"] >= (exact.mean(0) + exact.std(0)).max()
    assert ends[0] == ends[1]
    said = opened.page.locator("#b_report_brushed").text_content()
    assert said.startswith(f"brushed: {len(expected)} of 12 images")
    opened.page.locator("#report_clear").click()
    assert opened.value("a_headbrush_images", "selected.indices") == []
    assert opened.value("b_headbrush_images", "selected.indices") == []


def test_what_the_other_store_lacks_is_left_out_there(opened, stores):
    opened.page.evaluate(
        "() => { const named = n => Bokeh.documents[0].get_model_by_name(n);"
        "named('a_headbrush_images').selected.indices = [3, 20];"
        "named('a_headbrush_heads').tags = [3];"  # L1·H1
        "named('a_headbrush_images').tags = [20] }"
    )
    assert opened.value("b_headbrush_images", "selected.indices") == [3]
    assert opened.value("a_headbrush_images", "selected.indices") == [3, 20]
    assert opened.value("b_headbrush_heads", "tags") == [4]
    assert opened.value("b_headbrush_images", "tags") == [None]
    opened.page.evaluate(
        "() => { Bokeh.documents[0].get_model_by_name('a_headbrush_heads').tags = [5] }"
    )
    assert opened.value("b_headbrush_heads", "tags") == [4]  # it has no layer 2
    words = opened.page.locator("#words-a_head_importance").text_content()
    assert stores[0].names[20] in words
    assert f"selected head {stores[0].head_labels[5]}" in words


def test_a_metric_is_chosen_for_both(opened):
    opened.page.locator("[data-name=a_head_importance] select").select_option(label="CLS distance")
    opened.wait(
        "['a_', 'b_'].every(side => named(`${side}head_importance`).children"
        ".find(part => part.name == 'metric').value == 'cls')"
    )


@pytest.mark.parametrize("width", [1440, 400])
def test_nothing_is_wider_than_the_window_and_all_has_a_name(opened, width):
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert findings(opened.page) == []


def test_the_page_of_two_stores_saves_it(browser, folder, tmp_path):
    with (
        served(folder, log=tmp_path / "log") as running,
        browser.new_context(viewport=SIZE) as context,
    ):
        page = HeadbrushPage(
            context.new_page(), running.url + "/server?store=one.headbrush&with=two.headbrush"
        )
        page.page.wait_for_selector("html[data-ready]")
        page.page.locator("[data-name=a_image_overview] [data-kind=class]").first.click()
        page.wait("!named('compared_text').text.includes(' 24 / 12 images')")
        shown = page.value("compared_text", "text")
        with page.page.expect_download(timeout=60_000) as downloading:
            page.page.get_by_role("button", name="Save report").click()
        assert downloading.value.suggested_filename == "one-two-report.html"
        downloading.value.save_as(tmp_path / "report.html")
        assert page.faults == []
    with browser.new_context(viewport=SIZE, offline=True) as context:
        report = HeadbrushPage(context.new_page(), (tmp_path / "report.html").as_uri())
        for prefix in ("a_", "b_"):
            count = len(report.value(f"{prefix}headbrush_images", "selected.indices"))
            assert f"{count} " in shown
            assert 0 < count < 12
        assert report.faults == []
