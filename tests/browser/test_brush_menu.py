"""Entries of Bokeh's own menus, where the server brushes."""

import numpy as np
from scipy import stats

from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData


def entry(page, icon):
    """Choose from the menu of the box tool of D1."""
    tool = page.page.locator("[data-name=pattern_layout] .bk-tool-icon-box-select").first
    tool.click(delay=700)  # a long press opens it
    page.page.locator(f".bk-tool-icon-{icon} >> visible=true").click(timeout=5000)


def test_the_menu_inverts_and_clears_the_brush_of_patterns(page, store_path):
    data = StoreData(Store(store_path))
    frame = page.frame("patterns_plot")
    middle = (frame["x0"] + frame["x1"]) / 2
    page.drag("patterns_plot", (frame["x0"], frame["y0"]), (middle, frame["y1"]))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    inside = (data.embedding(data.layouts[0])[:, 0] <= middle).sum()
    text = "named('brushed_text').text.includes('{} of {} patterns')"
    page.wait(text.format(inside, data.num_patterns))
    entry(page, "invert-selection")
    page.wait(text.format(data.num_patterns - inside, data.num_patterns))
    entry(page, "clear-selection")
    page.wait("!named('brushed_text').text.startsWith('brushed')")


def test_wrong_is_compared_with_right_as_a_table_in_three_clicks(page, store_path):
    data = StoreData(Store(store_path))
    page.page.click("#composition summary")
    page.page.click("#composition [data-split=wrong]")
    page.page.click("[data-name=head_importance] button:text-is('table')")
    rows = page.page.locator(".hb-difference tbody tr")
    page.page.wait_for_function(
        f"document.querySelectorAll('[data-head]').length == {data.num_heads}"
    )
    wrong, right = (data.importance("jsd")[data.correctness == code].mean(0) for code in (1, 0))
    expected = np.argsort(-abs(wrong - right), kind="stable").tolist()
    assert [int(row.get_attribute("data-head")) for row in rows.all()] == expected
    effect = data.importance("jsd").astype(float)
    p = [stats.ttest_ind(*(effect[data.correctness == code, head] for code in (1, 0)),
                         equal_var=False).pvalue for head in range(data.num_heads)]  # fmt: skip
    sure = int((stats.false_discovery_control(p) <= 0.05).sum())
    differ = "1 head differs" if sure == 1 else f"{sure or 'no'} heads differ"
    assert f"; {differ} at p adj. ≤ 0.05" in page.page.locator(".hb-difference p").inner_text()
    rows.nth(1).click()
    page.page.wait_for_selector(f"[data-head='{expected[1]}'][aria-selected=true]")
    rows.nth(1).locator("button").focus()
    page.page.keyboard.press("ArrowDown")
    page.page.wait_for_selector(f"[data-head='{expected[2]}'][aria-selected=true]")
    page.page.click("#composition summary")
    page.page.wait_for_selector("[data-part]")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#composition[open]").count() == 0
    head = data.head(expected[2])
    words = "named=", f"head={head.layer}.{head.head}"
    for word in words:
        page.page.wait_for_function(f"location.search.includes('{word}')")
    page.page.reload()
    page.page.wait_for_selector(f"[data-head='{expected[2]}'][aria-selected=true]")


def test_named_brushes_are_compared_from_their_own_menu(page):
    page.page.click("#named")
    page.page.locator("details[open] [data-split=wrong]").click()
    page.page.wait_for_selector("#compared:has-text('all, wrong')")
    assert page.page.locator("details[open]").count() == 0


def test_a_class_is_brushed_by_typing_its_name(page, store_path):
    data = StoreData(Store(store_path))
    kind = int(data.labels[-1])
    field = page.page.locator("[data-name=image_overview] input").first
    field.click()
    page.page.keyboard.type(data.class_names[kind])
    page.page.keyboard.press("Enter")
    page.wait("named('brushed_text').text.startsWith('brushed')")
    chosen = page.source("thumbnail")["selected"]
    assert chosen == np.flatnonzero(data.labels == kind).tolist()
