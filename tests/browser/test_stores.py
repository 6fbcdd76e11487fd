"""Several stores on one server: the list, the links, and what is wrong with one of them."""

import shutil
from urllib.parse import parse_qs, urlsplit

import pytest

from headbrush.analysis.store.store import Store
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage, serving
from tests.stores import make_store

STRANGE = "<img src=x onerror=alert(1)> & co.headbrush"
SIZE = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def folder(store_path, tmp_path_factory):
    """A folder of three stores, one with a name that is no HTML, and of one that is damaged."""
    folder = tmp_path_factory.mktemp("stores")
    shutil.copytree(store_path, folder / "tiny.headbrush")
    make_store(folder / STRANGE)
    make_store(folder / "removed.headbrush", images=12)
    broken = folder / "broken.headbrush"
    broken.mkdir()
    (broken / "summary.nc").write_text("no netCDF")
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with serving(folder) as url:
        yield url


@pytest.fixture
def tab(browser):
    """An empty tab that fails the test where a script of a name runs."""
    with browser.new_context(viewport=SIZE) as context:
        page, shown = context.new_page(), []
        page.on("dialog", lambda dialog: (shown.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: shown.append(str(error)))
        yield page
        assert shown == []


def test_every_store_is_listed_and_a_broken_one_says_what_is_wrong(tab, address, folder):
    tab.goto(address)
    cards = tab.locator(".hb-card")
    assert cards.count() == 4
    good = cards.filter(has_text="tiny.headbrush")
    facts = Store(folder / "tiny.headbrush")
    assert facts.attrs["model"] in good.inner_text()
    assert f"{facts.sizes['image']} images" in good.inner_text()
    assert facts.attrs["created"][:10] in good.inner_text()
    assert good.locator("img").evaluate("image => image.naturalWidth") > 0
    broken = cards.filter(has_text="broken.headbrush")
    assert "not a readable netCDF-4 file" in broken.inner_text()
    assert broken.locator("a").count() == 0
    assert cards.filter(has_text=STRANGE).count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= SIZE["width"]
    assert findings(tab) == []


def test_the_link_of_a_store_names_it_also_when_it_is_copied(tab, address, browser):
    tab.goto(address)
    tab.locator(".hb-card a", has_text=STRANGE).click()
    tab.wait_for_function("document.documentElement.dataset.ready != null")
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function("location.search.includes('v=1')")
    assert parse_qs(urlsplit(tab.url).query)["store"] == [STRANGE]
    assert STRANGE in tab.inner_text(".hb-facts")
    with browser.new_context() as context:
        other = HeadbrushPage(context.new_page(), tab.url)
        assert STRANGE in other.page.inner_text(".hb-facts")
        assert other.faults == []
    tab.get_by_role("link", name="All stores").click()
    tab.wait_for_selector(".hb-cards")


@pytest.mark.parametrize("name", ["other", "../tiny.headbrush", "%00", "<b>x</b>"])
def test_a_link_to_no_store_leads_to_the_list_with_a_note(tab, address, name):
    tab.goto(f"{address}?store={name}")
    assert "names a store that this server does not have" in tab.inner_text(".hb-note")
    assert tab.locator(".hb-card").count() == 4


def test_a_store_removed_meanwhile_is_said_and_the_others_are_shown(tab, address, folder):
    tab.goto(f"{address}?store=removed.headbrush")
    tab.wait_for_selector(".hb-panel")
    (folder / "removed.headbrush").rename(folder / "away")
    tab.reload()
    assert "this server does not have" in tab.inner_text(".hb-note")
    assert tab.locator(".hb-card").count() == 3
    (folder / "away").rename(folder / "removed.headbrush")


def test_a_replaced_store_is_told_by_the_panels_of_tokens_alone(browser, address, folder):
    with browser.new_context(viewport=SIZE) as context:
        page = HeadbrushPage(context.new_page(), f"{address}?store=removed.headbrush&image=0")
        page.wait("named('matrix_note').text.includes('from the store')")
        shutil.rmtree(folder / "removed.headbrush")
        make_store(folder / "removed.headbrush", images=16)
        page.page.keyboard.press("ArrowDown")
        page.wait("named('matrix_note').text.includes('was replaced or removed')")
        page.page.keyboard.press("ArrowRight")
        page.page.keyboard.press("]")
        page.wait("named('metric').value == 'cls'")
        again = HeadbrushPage(context.new_page(), f"{address}?store=removed.headbrush")
        assert "16 images" in again.page.inner_text(".hb-facts")
        assert page.faults == again.faults == []


def test_nothing_of_one_readers_state_reaches_another(browser, address):
    url = f"{address}?store=tiny.headbrush"
    with browser.new_context(viewport=SIZE) as one, browser.new_context(viewport=SIZE) as two:
        first, second = (HeadbrushPage(context.new_page(), url) for context in (one, two))
        for page in (first, second):
            page.wait("named('selection_text').text.length > 0")
        told = [second.value(name, "text") for name in ("selection_text", "brushed_text")]
        address_before = second.page.url
        first.page.keyboard.press("ArrowDown")
        first.page.keyboard.press("]")
        frame = first.frame("overview_plot")
        first.drag("overview_plot", (-0.5, frame["y0"]), (0.5, frame["y1"]))
        first.wait("named('brushed_text').text.startsWith('brushed')")
        first.page.locator("#theme").click()
        second.page.wait_for_timeout(500)  # nothing changes
        assert [second.value(n, "text") for n in ("selection_text", "brushed_text")] == told
        assert second.page.url == address_before
        assert second.source("layer_jitter")["selected"] == []
        assert second.value("metric", "value") != first.value("metric", "value")
        assert second.page.evaluate("document.documentElement.dataset.theme") == "light"


def test_two_stores_side_by_side_share_brush_and_selection(browser, address):
    with browser.new_context(viewport=SIZE) as context:
        tab = context.new_page()
        tab.goto(address)
        tab.select_option("#one", "removed.headbrush")
        tab.select_option("#other", STRANGE)
        tab.get_by_role("button", name="Side by side").click()
        page = HeadbrushPage(tab, tab.url)
        assert tab.locator(".hb-side").count() == 2
        assert tab.locator(".hb-side .hb-panel").count() == 6
        assert tab.evaluate("document.documentElement.scrollWidth") <= SIZE["width"]
        assert STRANGE in tab.locator(".hb-side h2").nth(1).inner_text()
        selected = (
            "n => [...Bokeh.documents[0]._all_models.values()].filter(m => m.type == "
            "'ColumnDataSource' && (m.data.has ? m.data.has(n) : n in m.data))"
            ".map(m => Array.from(m.selected.indices))"
        )
        frame = page.frame("a_importance_plot")
        box = [(frame["x0"] + 0.2, frame["y1"] * 0.1), (2.4, frame["y1"] * 0.9)]
        tab.locator(".hb-of-head_importance .bk-tool-icon-x-box-select").first.click()
        page.drag("a_importance_plot", *box)
        page.wait("named('compared_text').text.includes('3 / 3 heads')")
        assert tab.evaluate(selected, "layer_jitter") == [[0, 1, 2]] * 2
        tab.wait_for_function("location.search.includes('brush=')")
        assert parse_qs(urlsplit(tab.url).query)["with"] == [STRANGE]
        with browser.new_context() as another:
            other = HeadbrushPage(another.new_page(), tab.url)
            assert "3 / 3 heads" in other.value("compared_text", "text")
        tab.keyboard.press("Escape")
        page.wait("named('compared_text').text.includes('6 / 6 heads')")
        tab.get_by_role("tab", name="Head by head").click()
        page.wait("named('partner_of')?.text.includes('img')")
        page.wait("Bokeh.index.find_one(named('partner_plot')) != null")
        assert page.faults == []
