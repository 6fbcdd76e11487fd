"""A button that is held still: a drag of these plots goes on, other plots keep Bokeh's press."""

import pytest
from bokeh.embed import file_html
from bokeh.layouts import row
from bokeh.models import BoxSelectTool, PolyDrawTool
from bokeh.plotting import figure
from bokeh.resources import INLINE

from headbrush.server.tools.assets import BOKEH_SCRIPTS, scripts
from tests.browser.conftest import HeadbrushPage

RANGES = {"x_range": (0, 10), "y_range": (0, 10), "width": 300, "height": 300}


@pytest.fixture
def page(browser, tmp_path):
    """A plot to brush beside one on which a press begins a polygon."""
    brushed = figure(name="brushed", tools=[BoxSelectTool()], **RANGES)
    brushed.scatter([2, 4, 8], [2, 4, 8], name="dots")
    drawn = figure(name="drawn", tools=[], **RANGES)
    lines = drawn.multi_line([], [])
    lines.data_source.name = "lines"
    tool = PolyDrawTool(renderers=[lines])
    drawn.add_tools(tool)
    drawn.toolbar.active_tap = tool
    html = file_html(row(brushed, drawn), INLINE, "two plots")
    html = html.replace("</head>", f"<script>{scripts(BOKEH_SCRIPTS)}</script></head>")
    (tmp_path / "plots.html").write_text(html)
    with browser.new_context(offline=True) as context:
        page = HeadbrushPage(context.new_page(), (tmp_path / "plots.html").as_uri())
        yield page
        assert page.faults == []


@pytest.mark.parametrize("held", [0, 0.5])
def test_a_drag_brushes_however_long_the_button_was_held_before(page, held):
    page.drag("brushed", (1, 1), (6, 6), held=held)
    page.wait("named('dots').data_source.selected.indices.length == 2")


def test_a_press_still_begins_a_polygon(page):
    page.drag("drawn", (5, 5), held=0.5)
    page.wait("named('lines').get_column('xs').length == 1")
