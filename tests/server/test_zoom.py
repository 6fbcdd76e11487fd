"""The visible part of a plot is a part of the state, also of an axis that runs downwards."""

import pytest
from bokeh.events import RangesUpdate

from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.tokens.attention_matrix import AttentionMatrix
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from tests.server.fakes import pass_time
from tests.server.pages import happen, plot_of, visible_range


@pytest.fixture(params=["images_range", "matrix_range"])
def zoomed(request, session):
    """A session, the plot, and the part of the state that its range is."""
    if request.param == "images_range":
        view = ImageOverview(session)
        plot = view.layout.select_one({"name": "images_plot"})
    else:
        view = AttentionMatrix(session, ShownMatrix(session))
        plot = plot_of(view)
    return session, plot, request.param, view


def ordered(plot):
    x0, x1, y0, y1 = visible_range(plot)
    return (*sorted((x0, x1)), *sorted((y0, y1)))


def test_a_zoom_is_kept_and_a_reset_forgets_it_without_a_step_to_undo(zoomed, document):
    session, plot, part, _view = zoomed
    whole = visible_range(plot)
    x0, x1, y0, y1 = whole
    plot.x_range.update(start=x0 + (x1 - x0) / 4, end=x0 + (x1 - x0) / 2)
    plot.y_range.update(start=y0 + (y1 - y0) / 4, end=y0 + (y1 - y0) / 2)
    happen(RangesUpdate(plot))
    assert getattr(session.state, part) is None  # it has not come to rest
    pass_time(document, 200)
    assert getattr(session.state, part) == pytest.approx(ordered(plot), rel=1e-3)
    assert not session.history.has_past
    session.history.change(metric="cls")
    shown = visible_range(plot)
    session.history.change(**{part: None})
    assert visible_range(plot) == pytest.approx(whole)
    session.history.undo()
    assert visible_range(plot) == pytest.approx(shown, rel=1e-3)
