"""Two stores, head by head, with a real mouse: what is clicked, brushed and matched is on both."""

from pathlib import Path

import pytest

from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import beside_table
from tests.browser.axe import findings
from tests.browser.conftest import HeadbrushPage
from tests.browser.test_sizes import SIZES, faults_of, resize
from tests.server.served import served
from tests.stores import make_store

PAIR = "/server?store=one.headbrush&with=two.headbrush"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "stores"
    folder.mkdir()
    make_store(folder / "one.headbrush")
    make_store(folder / "two.headbrush", seed=2)
    return folder


@pytest.fixture(scope="module")
def opened(browser, folder, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "log"
    with served(folder, log=log) as running, browser.new_context(
        viewport={"width": 1440, "height": 900}
    ) as context:  # fmt: skip
        context.add_init_script(path=Path(__file__).with_name("drawn_text.js"))
        page = HeadbrushPage(context.new_page(), running.url + PAIR)
        page.page.wait_for_selector("html[data-ready]")
        page.page.get_by_role("tab", name="Head by head").click()
        page.wait("named('head_differences_source')?.data.x.length > 0")
        page.wait("Bokeh.index.find_one(named('partner_plot')) != null")
        yield page
        assert page.faults == []


@pytest.fixture(scope="module")
def expected(folder):
    stores = [StoreData(Store(folder / f"{name}.headbrush")) for name in ("one", "two")]
    table = beside_table(*stores, metric="jsd")
    return table.sort_values("difference", ascending=False, ignore_index=True)


def test_a_click_selects_a_head_and_a_box_brushes_heads_on_both_sides(opened, expected):
    last = expected.iloc[-1]
    label = f"L{last['layer']}·H{last['head']}"
    opened.click("a_difference_plot", len(expected) - 1, last["difference"])
    number = 2 * last["layer"] + last["head"]
    for side in "ab":
        line = f"named('{side}_importance_plot').center.find(p => p.name === 'importance_cursor')"
        opened.wait(f"{line}.location === {number}")
    assert opened.value("partner_of", "text").startswith(f"{label} of one.headbrush")
    reach = (expected["difference"].iloc[0] - expected["difference"].iloc[2]) / 4
    above, below = expected["difference"].iloc[0] + reach, expected["difference"].iloc[1] - reach
    opened.drag("a_difference_plot", (-0.5, above), (1.5, below))
    opened.wait("named('compared_text').text.includes('2 / 2 heads')")
    chosen = ",".join(sorted(map(str, (2 * expected["layer"] + expected["head"]).iloc[:2])))
    for side in "ab":
        dots = f"named('{side}_overview_plot').renderers[0].data_source.selected.indices"
        opened.wait(f"Array.from({dots}).sort().join() === '{chosen}'")
    opened.page.keyboard.press("Escape")
    opened.wait("named('compared_text').text.includes('6 / 6 heads')")


def test_a_partner_chosen_by_hand_moves_the_second_side_and_is_undone(opened):
    tab = opened.page
    menu = tab.locator("select[name=partner]")
    labels = menu.locator("option").all_inner_texts()
    now = menu.evaluate("e => e.selectedOptions[0].text")
    other = next(one for one in labels if one not in (now, "no partner"))
    menu.select_option(label=other)
    opened.wait("named('partner_said').text.includes('2 changed by hand')")
    tab.wait_for_function("location.search.includes('pairs=')")
    tab.locator("h1").click()
    tab.keyboard.press("z")
    opened.wait("!named('partner_said').text.includes('by hand')")
    tab.wait_for_function("!location.search.includes('pairs=')")
    tab.get_by_role("button", name="by correlation").click()
    tab.wait_for_function("location.search.includes('match=correlation')")
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Save CSV").click()
    assert saved.value.suggested_filename == "one-two-heads.csv"
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert text.startswith("metric,layer,head,layer_second,head_second,correlation")
    assert {line.split(",")[0] for line in text.splitlines()[1:]} == {"jsd"}
    tab.keyboard.press("z")
    tab.wait_for_function("!location.search.includes('match=')")


def test_it_is_read_by_all_in_light_and_dark(opened):
    resize(opened, "usual")
    assert findings(opened.page) == []
    opened.page.click("#theme")
    assert findings(opened.page) == []
    opened.page.click("#theme")


@pytest.mark.parametrize("size", SIZES)
def test_every_text_is_read_in_every_window(opened, size):
    resize(opened, size)
    assert faults_of(opened) == []
