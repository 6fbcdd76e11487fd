"""More patterns than a report holds places of: the server's picture stays, and says why."""

from dataclasses import replace

import numpy as np
import pytest

from headbrush.server.pages.report.make_report import make_report
from headbrush.server.pages.report.parts import request
from headbrush.server.session.brush.clauses import Box, Clause, resolve
from headbrush.server.session.palette import DARK, LIGHT
from headbrush.server.session.url_state import default_state
from headbrush.server.views.patterns.density import draw
from tests.browser.conftest import HeadbrushPage
from tests.browser.test_report import brush, check_band, opened_report, show

LIMIT = 100
VIEWS = ["image_overview", "head_importance", "strength_overview", "pattern_layout"]
SHOWN = """
() => {
  const named = (name) => Bokeh.documents[0].get_model_by_name(name)
  const one = (key) => named("pattern_levels").get_column(key)[0]
  const view = Bokeh.index.find_one(named("patterns_plot"))
  return {
    levels: Array.from(one("image")), shape: one("image").shape,
    place: ["x", "y", "dw", "dh"].map(one),
    palette: Array.from(named("two_palettes").palette),
    tools: named("patterns_plot").toolbar.tools.map((tool) => tool.type),
  }
}
"""


@pytest.fixture(scope="module")
def brushed(data):
    """A box in the middle of the patterns, and what lies in it."""
    low, high = np.quantile(data.embedding(data.layouts[0]), (0.2, 0.7), axis=0)
    box = Box(float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    clause = Clause("patterns", box, layout=data.layouts[0])
    return clause, resolve([clause], data.num_images, data.num_heads, data.embedding)


@pytest.fixture(scope="module")
def report(data, brushed):
    assert data.num_patterns > LIMIT
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(request, "MOST_PLACES", LIMIT)
        state = replace(default_state(data), image=None, clauses=(brushed[0],))
        return make_report(data, views=VIEWS, state=state)


@pytest.fixture(scope="module")
def written(report, saved):
    return saved(report)


@pytest.fixture
def page(browser, written):
    with opened_report(browser, written, []) as page:
        show(page, "patterns_plot")
        yield page


def check_drawn(page, data, found, ramp):
    """The picture is the server's, of the patterns that were brushed when the report was made."""
    shown = page.page.evaluate(SHOWN)
    (x, y, width, height), shape = shown["place"], shown["shape"]
    view = (x, x + width, y, y + height)
    points = data.embedding(data.layouts[0])
    expected = draw(points, view, shape[::-1], mask=found.patterns, ramp=ramp)
    levels = np.array(shown["levels"]).reshape(shape)
    np.testing.assert_array_equal(levels, expected.pixels)
    assert [colour[:7] for colour in shown["palette"]] == [one[:7] for one in expected.palette()]
    assert (levels > 0).mean() > 0.001


def test_the_picture_has_what_was_brushed_and_no_tools_that_brush(page, data, brushed):
    check_drawn(page, data, brushed[1], LIGHT.density[2:])
    tools = page.page.evaluate(SHOWN)["tools"]
    assert "WheelZoomTool" in tools
    assert not {"BoxSelectTool", "LassoSelectTool"} & set(tools)
    assert page.value("patterns_plot", "toolbar.active_drag") is None


def test_it_says_why_it_cannot_be_brushed_beneath_it_and_at_the_end(page, data):
    why = f"The {data.num_patterns} patterns are a static picture that cannot be brushed"
    assert why in page.page.locator("#words-pattern_layout").text_content()
    left_out = page.page.locator("section[aria-labelledby=left_out]").text_content()
    assert why in left_out
    assert f"a report holds the coordinates of at most {LIMIT}" in left_out


def test_images_and_heads_are_still_brushed_among_those_of_the_brushed_patterns(
    page, data, brushed
):
    before = page.page.evaluate(SHOWN)
    chosen = brush(page)
    within = [image for image in chosen if brushed[1].images[image]]
    assert len(within) > 0
    check_band(page, data, "jsd", within)
    assert page.page.evaluate(SHOWN)["levels"] == before["levels"]
    assert (
        "static picture that cannot be brushed"
        in page.page.locator("#words-pattern_layout").text_content()
    )


def test_it_is_painted_for_dark_paper_too(browser, written, data, brushed):
    with browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme="dark") as one:
        page = HeadbrushPage(one.new_page(), written.as_uri())
        page.wait("document.documentElement.dataset.theme == 'dark'")
        check_drawn(page, data, brushed[1], DARK.density[2:])
        page.page.locator("#theme").click()
        check_drawn(page, data, brushed[1], LIGHT.density[2:])
        assert page.faults == []


def test_where_the_places_fit_nothing_of_this_is_said(data):
    report = make_report(data, views=["pattern_layout"])
    assert "that cannot be brushed" not in (report.overview[0].words + str(report.notes))
