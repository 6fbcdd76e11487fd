"""Names of patterns under a real mouse: tooltip, legend and table."""

import numpy as np

from tests.browser.conftest import HeadbrushPage

SAID = "named('brushed_text').text.includes('{} of {} {}')"
TIP = ".hb-tip >> visible=true"


def test_pointing_at_the_patterns_tells_the_nearest_one(page, data):
    xy = data.embedding(data.layouts[0])
    pattern = int(np.argmax(xy[:, 0]))
    image, head = divmod(pattern, data.num_heads)
    x, y = page.at("patterns_plot", *xy[pattern].tolist())
    page.page.mouse.move(x - 60, y - 60)
    page.page.mouse.move(x + 4, y, steps=4)
    tip = page.page.locator(TIP, has_text=data.names[image])
    tip.wait_for(timeout=20_000)
    words = tip.text_content()
    assert str(data.head(head)) in words
    assert data.pattern_label(image, head) in words
    pictures = tip.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert len(pictures) >= 2
    assert all(pictures)
    page.page.mouse.move(5, 5)
    page.page.locator(TIP).wait_for(state="hidden", timeout=5_000)


def test_a_click_on_a_name_brushes_its_patterns_or_heads(browser, server, data):
    families = data.families
    number = families.occurring[0]
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = HeadbrushPage(context.new_page(), f"{server}?pattern_colour=name&overview=names")
        page.wait("named('selection_text').text.length > 0")
        page.page.locator(f"[data-kind=name][data-number='{number}']").click()
        page.wait(SAID.format(families.counts[number], data.num_patterns, "patterns"))
        page.page.get_by_role("button", name="Undo", exact=True).click()
        page.wait("!named('brushed_text').text.startsWith('brushed')")
        name = data.head_families[0]
        heads = [at for at, one in enumerate(data.head_families) if one == name]
        cells = page.source("ink")
        cell = next(at for at, one in enumerate(cells["name"])
                    if one == name and cells["layer"][at] == "all")  # fmt: skip
        page.click("name_table", cells["x"][cell], cells["row"][cell])
        page.wait(SAID.format(len(heads), data.num_heads, "heads"))
        assert page.source("offset_picture")["selected"] == heads
        assert page.faults == []
