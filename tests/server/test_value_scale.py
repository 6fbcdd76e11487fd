"""B1 on a linear and on a logarithmic scale."""

import numpy as np
import pytest
from bokeh.models import LinearScale, LogScale, LogTicker
from bokeh.plotting import figure

from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.value_scale import ValueScale
from tests.server.pages import columns


@pytest.fixture
def view(session):
    return HeadImportance(session)


def shown(view):
    return view.plot.y_range.start, view.plot.y_range.end


def test_the_linear_scale_begins_at_0(session, view, data):
    session.history.change(image=4, metric="jsd")
    start, end = shown(view)
    assert isinstance(view.plot.y_scale, LinearScale)
    assert start == 0
    assert end > data.importance("jsd")[4].max()


def test_the_logarithmic_scale_shows_every_value_above_0(session, view, data):
    session.history.change(image=4, metric="jsd", importance_scale="log")
    start, end = shown(view)
    assert isinstance(view.plot.y_scale, LogScale)
    assert isinstance(view.plot.yaxis[0].ticker, LogTicker)
    values = data.importance("jsd")[4]
    assert 0 < start < values[values > 1e-6 * values.max()].min()
    assert end > values.max()
    assert (columns(view, "importance_band")["low"] > 0).all()


def test_the_scale_follows_the_brush_and_undo_brings_it_back(session, view):
    before = shown(view)
    session.history.change(importance_scale="log")
    session.add_clause(Clause("images", Ids((3,))))
    session.history.undo()
    session.history.undo()
    assert shown(view) == before
    assert isinstance(view.plot.y_scale, LinearScale)


@pytest.mark.parametrize(
    ("values", "linear", "log"),
    [
        ([0.0, -1.0], (0, 0.01), None),
        ([np.nan, np.inf], None, None),
        ([], None, None),
        ([0.0, 2.0, np.nan, 8.0], (0, 8.48), (2 / 1.5, 12)),
        ([1e-9, 1.0], (0, 1.06), (1e-6 / 1.5, 1.5)),
    ],
)
def test_the_extent_is_of_what_can_be_shown(session, values, linear, log):
    scale = ValueScale(session, figure())
    for name, expected in (("linear", linear), ("log", log)):
        extent = scale.extent(name, np.array(values))
        assert extent == (expected and pytest.approx(expected))
