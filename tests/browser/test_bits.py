"""C1 as bits, on a page and in a report: made when looked at, brushed and tapped like the rest."""

from dataclasses import replace

import numpy as np

from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.url_state import default_state
from tests.browser.conftest import HeadbrushPage


def points(data):
    """Places of the heads ``(heads, 2)`` by fixed bits and content."""
    return np.array([(one.fixed, one.content) for one in data.head_bits])


def own_places(page):
    """Number of a head whose point no other point is near, in pixels."""
    heads = page.source("layer_jitter")
    places = zip(heads["fixed"], heads["content"], strict=True)
    pixels = np.array([page.at("bits_plot", *place) for place in places])
    apart = np.hypot(*(pixels[:, None] - pixels).T) + 1e9 * np.eye(len(pixels))
    return int(apart.min(0).argmax())


def test_bits_are_drawn_when_they_are_chosen_and_a_click_selects_a_head(page, data):
    page.page.get_by_role("button", name="bits", exact=True).click()
    page.wait("named('bits_plot')?.inner_height > 50 && Bokeh.documents[0].is_idle")
    number = own_places(page)
    page.click("bits_plot", *points(data)[number])
    page.wait(f"named('selection_text').text.includes({data.head_labels[number]!r})")
    page.wait(f"named('bits_words').text.includes('{data.head_labels[number]}: ')")
    frame = page.frame("images_plot")
    middle = (frame["x0"] + frame["x1"]) / 2
    page.drag("images_plot", (frame["x0"], frame["y0"]), (middle, frame["y1"]))
    page.wait("named('bits_words').text.includes('stored images')")
    frame = page.frame("bits_plot")
    page.drag("bits_plot", (frame["x0"], frame["y0"]), (frame["x1"], frame["y1"]))
    page.wait("named('brushed_text').text.includes('heads')")
    assert page.source("layer_jitter")["selected"] == list(range(data.num_heads))


def test_a_tap_on_the_bits_of_a_report_selects_a_head(browser, data, saved):
    state = replace(default_state(data), overview="bits")
    report = make_report(data, views=["strength_overview", "head_importance"], state=state)
    with browser.new_context(offline=True) as context:
        page = HeadbrushPage(context.new_page(), saved(report).as_uri())
        number = own_places(page)
        page.page.evaluate(
            "Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name('bits_plot'))"
            ".el.scrollIntoView({block: 'center'})"
        )
        page.click("bits_plot", *points(data)[number])
        page.wait(f"named('importance_cursor').location == {number}")
        assert page.faults == []
