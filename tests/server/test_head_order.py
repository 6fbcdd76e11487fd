"""B1 by mean and by difference, fitted to a brush, with marks for what lies outside."""

import numpy as np
import pytest

from headbrush.server.session.brush import named_brushes as named
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.top_heads import TopHeads
from tests.server.pages import columns, part, words

FIRST = (Clause("images", Ids((0, 1, 2))),)
SECOND = (Clause("images", Ids((5, 7))),)


@pytest.fixture
def view(session):
    session.history.change(image=None, metric="jsd")
    return HeadImportance(session)


def compare(session):
    pair = named.saved(named.saved((), "one", FIRST), "<b>other", SECOND)
    session.reader.change_named(pair)


def by_place(session):
    """Numbers of the heads from left to right."""
    return np.argsort(session.heads.data["place"]).tolist()


@pytest.mark.parametrize("metric", ["jsd", "probability"])
def test_heads_are_sorted_by_the_mean_effect_on_the_brushed_images(session, view, data, metric):
    session.history.change(clauses=FIRST, metric=metric, importance_order="mean")
    effect = data.importance(metric)[[0, 1, 2]].mean(0)
    assert (np.diff(effect[by_place(session)]) <= 0).all()
    band = columns(view, "importance_band")
    shown = data.shown_importance(metric)[[0, 1, 2]].mean(0)
    np.testing.assert_allclose(band["mean"], shown[by_place(session)], rtol=1e-6)
    assert "3 brushed images" in view.plot.xaxis[0].axis_label
    session.history.undo()
    assert by_place(session) == list(range(data.num_heads))


def test_heads_are_sorted_by_the_difference_of_two_brushes(session, view, data):
    session.history.change(importance_order="difference")
    assert by_place(session) == list(range(data.num_heads))
    assert "compare two" in view.plot.xaxis[0].axis_label
    compare(session)
    values = data.importance("jsd")
    apart = values[[0, 1, 2]].mean(0) - values[[5, 7]].mean(0)
    assert by_place(session) == np.argsort(-apart, kind="stable").tolist()
    drawn = columns(view, "importance_difference")["mean"]
    np.testing.assert_allclose(drawn, np.sort(apart)[::-1], atol=1e-7)
    assert view.plot.yaxis[1].axis_label == "first − second"


def test_the_red_line_selects_the_head_that_stands_there(session, view):
    session.history.change(importance_order="mean")
    cursor = part(view, "importance_cursor")
    for place in (0, 4):
        cursor.tags = [place, True, 0]
        assert session.head.number == by_place(session)[place]
        assert cursor.location == place


@pytest.mark.usefixtures("view")
def test_tooltips_name_both_brushes_with_mean_deviation_and_number(session, data):
    compare(session)
    values = data.importance("jsd")
    told = session.heads.data
    for column, name, images in (
        ("told_first", "one", [0, 1, 2]), ("told_second", "<b>other", [5, 7])
    ):  # fmt: skip
        mean, spread = values[images].mean(0)[3], values[images].std(0)[3]
        assert told[column][3] == f"{name}: {mean:.3g} ± {spread:.2g} (n = {len(images)})"
    apart = values[[0, 1, 2]].mean(0)[3] - values[[5, 7]].mean(0)[3]
    assert told["told_difference"][3] == f"one − <b>other: {apart:+.3g}"
    session.reader.change_named(())
    assert "all 24 images" in told["told"][3]


def test_fit_shows_the_lines_of_the_brushed_heads_and_back(session, view, data):
    whole = (view.plot.y_range.end, view.plot.x_range.start, view.plot.x_range.end)
    session.history.change(clauses=(Clause("heads", Ids((1, 2))),))
    session.history.change(importance_fit="fit")
    mean = data.importance("jsd").mean(0)[[1, 2]]
    assert view.plot.y_range.start < mean.min()
    assert mean.max() < view.plot.y_range.end < whole[0]
    assert 0 < view.plot.x_range.start < 1
    assert 2 < view.plot.x_range.end < 3
    session.history.change(importance_fit="whole")
    assert (view.plot.y_range.end, view.plot.x_range.start, view.plot.x_range.end) == whole


def test_a_value_outside_of_the_axis_has_a_triangle(session, view, data):
    compare(session)
    values = data.importance("jsd")
    for image in range(data.num_images):
        session.history.change(image=image)
        above = np.flatnonzero(values[image] > view.plot.y_range.end)
        marks = columns(view, "importance_outside")
        assert list(marks["number"]) == above.tolist()
        assert (np.asarray(marks["edge"]) < view.plot.y_range.end).all()
        for number, told in zip(above, marks["told"], strict=True):
            assert told == f"{values[image, number]:.3g}, {data.names[image]}"
    session.reader.change_named(())
    assert not len(columns(view, "importance_outside")["number"])


def test_top_heads_say_what_they_are_the_top_of(session):
    top = TopHeads(session)
    assert words(top, "top_heads_of") == "top of this image:"
    session.history.change(image=None)
    assert words(top, "top_heads_of") == "top of all images:"
    session.history.change(clauses=FIRST)
    assert words(top, "top_heads_of") == "top of 3 images:"
