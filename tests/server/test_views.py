"""What the views show follows from the store, and only what changed is redrawn."""

from unittest.mock import patch

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.events import ButtonClick, PanEnd, RangesUpdate, SelectionGeometry, Tap
from bokeh.models import BoxSelectTool, HoverTool

from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush.clauses import Box, Clause, Ids
from headbrush.server.views.common.figure_tools import on_nearest
from headbrush.server.views.header.title_bar import TitleBar
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.top_heads import TopHeads
from headbrush.server.views.patterns import density, drawing
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.strength.strength_overview import StrengthOverview
from headbrush.server.views.strength.strength_vector import StrengthVector
from tests.server.fakes import pass_time
from tests.server.pages import (
    columns,
    drag,
    happen,
    part,
    plot_of,
    visible_range,
    words,
)
from tests.server.pictures import pattern_picture
from tests.waiting import until


def test_mean_and_band_are_those_of_the_brushed_images(session, data):
    view = HeadImportance(session)
    session.history.change(metric="probability")
    session.images.selected.indices = [2, 5, 9]
    values = data.label_probability[[2, 5, 9], None] - data.importance("probability")[[2, 5, 9]]
    band = columns(view, "importance_band")
    np.testing.assert_allclose(band["mean"], values.mean(0), rtol=1e-6)
    np.testing.assert_allclose(band["high"] - band["low"], 2 * values.std(0), rtol=1e-4)
    session.images.selected.indices = []
    everyone = data.label_probability[:, None] - data.importance("probability")
    np.testing.assert_allclose(
        columns(view, "importance_band")["mean"], everyone.mean(0), rtol=1e-6
    )


def test_the_line_is_the_selected_images_or_the_mean(session, data):
    HeadImportance(session)
    session.history.change(metric="jsd", image=4)
    np.testing.assert_array_equal(session.heads.data["value"], data.importance("jsd")[4])
    session.select_image(None)
    np.testing.assert_allclose(session.heads.data["value"], data.importance("jsd").mean(0, float))


def test_brushing_heads_filters_patterns_but_not_the_heads_own_views(session, data):
    view = HeadImportance(session)
    session.heads.selected.indices = [1, 3]
    brush = session.brush()
    assert np.flatnonzero(brush.heads).tolist() == [1, 3]
    assert brush.patterns.sum() == 2 * data.num_images
    np.testing.assert_allclose(
        columns(view, "importance_band")["mean"], data.importance("jsd").mean(0, float)
    )


def test_undo_puts_the_selection_back_into_the_source_without_a_new_clause(session):
    session.images.selected.indices = [1]
    session.images.selected.indices = [2, 3]
    session.history.undo()
    assert session.images.selected.indices == [1]
    assert session.state.clauses == (Clause("images", Ids((1,))),)
    session.history.redo()
    assert session.images.selected.indices == [2, 3]


def test_strength_shows_the_selected_head(session, data):
    view = StrengthVector(session)
    session.history.change(image=3, layer=2, head=1)
    np.testing.assert_array_equal(columns(view, "hops_shown")["strength"], data.strength[3, 5])
    np.testing.assert_allclose(
        columns(view, "hops_shown")["mean"], data.strength[:, 5].mean(0), rtol=1e-6
    )


BOX = {"type": "rect", "x0": 1.0, "x1": -0.5, "y0": -0.4, "y1": 2.0}


def test_a_box_over_patterns_brushes_exactly_those_inside(session, data):
    drag(PatternLayout(session), BOX)
    xy = data.embedding("patch")
    expected = (xy[:, 0] >= -0.5) & (xy[:, 0] <= 1) & (xy[:, 1] >= -0.4) & (xy[:, 1] <= 2)
    np.testing.assert_array_equal(session.brush().patterns, expected)
    assert session.state.clauses[0].shape == Box(-0.5, 1.0, -0.4, 2.0)


@pytest.mark.parametrize(
    ("keys", "combine"),
    [
        ({}, "replace"),
        ({"shift": True}, "add"),
        ({"ctrl": True}, "intersect"),
        ({"shift": True, "ctrl": True}, "subtract"),
    ],
)
def test_held_keys_say_how_a_region_joins_the_brush(session, keys, combine):
    drag(PatternLayout(session), BOX, **keys)
    assert session.state.clauses[-1].combine == combine


def test_without_keys_the_tools_own_mode_counts(session):
    view = PatternLayout(session)
    plot_of(view).select_one({"type": BoxSelectTool}).mode = "xor"
    drag(view, BOX)
    assert session.state.clauses[-1].combine == "xor"


def test_a_lasso_of_thousands_of_corners_keeps_those_that_are_pixels_apart(session):
    turns = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    x, y = np.cos(turns), np.sin(turns)
    geometry = {"type": "poly", "x": x, "y": y, "sx": 100 * x, "sy": 100 * y}
    drag(PatternLayout(session), geometry)
    shape = session.state.clauses[-1].shape
    assert 150 < len(shape.xs) <= 300
    np.testing.assert_allclose(np.hypot(shape.xs, shape.ys), 1, rtol=1e-4)


def test_a_box_on_its_way_is_shown_and_counted_but_is_no_clause(session, document):
    view, status = PatternLayout(session), TitleBar(session, "", report_of)
    picture, said = pattern_picture(view), words(status, "brushed_text")
    plot = plot_of(view)
    happen(SelectionGeometry(plot, geometry=BOX, final=False))
    until(lambda: document.session_callbacks)
    document.session_callbacks[0].callback()
    assert (pattern_picture(view) != picture).any()
    shown = words(status, "brushed_text")
    assert shown.startswith("brushed")
    assert session.state.clauses == ()
    happen(PanEnd(plot, x=0, y=0, modifiers={}))
    np.testing.assert_array_equal(pattern_picture(view), picture)
    assert words(status, "brushed_text") == said
    drag(view, BOX)
    assert words(status, "brushed_text") == shown
    session.history.undo()
    assert session.state.clauses == ()


def test_a_half_drawn_lasso_is_not_a_clause(session):
    place = [0.0, 40.0, 40.0]
    geometry = {"type": "poly", "x": place, "y": place[::-1], "sx": place, "sy": place[::-1]}
    drag(PatternLayout(session), geometry, final=False)
    assert session.state.clauses == ()


def test_zooming_is_kept_in_the_state_and_comes_back_from_it(session, document):
    view = PatternLayout(session)
    plot = plot_of(view)
    whole = visible_range(plot)
    plot.x_range.update(start=-1.0, end=0.5)
    happen(RangesUpdate(plot))
    pass_time(document, 100)
    kept = session.state.pattern_range
    np.testing.assert_allclose(kept, (-1, 0.5, *whole[2:]), rtol=1e-3)
    session.history.change(pattern_range=None)
    assert visible_range(plot) == whole
    session.history.change(pattern_range=kept)
    np.testing.assert_allclose(visible_range(plot), kept)
    part(view, "pattern").active = 1
    assert session.state.pattern_range is None


def test_menus_follow_the_state(session):
    view = PatternLayout(session)
    session.history.change(pattern="cls", pattern_colour="layer")
    menus = [view.layout.select_one({"name": name}) for name in ("pattern", "pattern_colour")]
    assert (menus[0].active, menus[1].value) == (1, "layer")
    session.history.undo()
    assert (menus[0].active, menus[1].value) == (0, "count")


def test_a_drag_of_the_head_line_is_one_step(session):
    cursor = part(HeadImportance(session), "importance_cursor")
    start = session.state
    for place in (0, 1, 2, 5):
        cursor.tags = [place, False, place]
    cursor.tags = [5, True, 5]
    assert session.head.number == 5
    session.history.undo()
    assert session.state == start


def test_only_thumbnails_that_are_looked_at_are_sent(session, data):
    view = ImageOverview(session)
    assert not any(session.images.data["thumbnail"])
    hover = plot_of(view).select_one({"type": HoverTool})
    for asked in (3, data.num_images, -1, "evil", 3):
        hover.tags = [asked]
    sent = session.images.data["thumbnail"]
    assert [index for index, picture in enumerate(sent) if picture] == [3]
    assert sent[3] == data.thumbnail(3)


def test_tapping_a_pattern_selects_its_image_and_head(session, data):
    view = PatternLayout(session)
    pattern = 7 * data.num_heads + 4
    x, y = data.embedding("patch")[pattern].tolist()
    happen(Tap(plot_of(view), x=x, y=y))
    assert (session.state.image, session.head.number) == (7, 4)


def test_a_tap_far_from_every_point_selects_nothing(session):
    view = ImageOverview(session)
    before = session.state
    happen(Tap(plot_of(view), x=1e3, y=1e3))
    assert session.state == before


def test_counts_are_those_of_the_brush(session):
    status = TitleBar(session, "", report_of)
    session.images.selected.indices = [0, 1]
    session.heads.selected.indices = [5]
    assert words(status, "brushed_text") == (
        "brushed: 2 of 24 images · 1 of 6 heads · 2 of 144 patterns"
    )
    session.drop_clauses()
    assert "nothing brushed" in words(status, "brushed_text")
    assert session.images.selected.indices == session.heads.selected.indices == []


def test_a_change_redraws_only_what_reads_it(session):
    with patch.object(drawing, "draw", wraps=density.draw) as drawn:
        PatternLayout(session)
        drawn.reset_mock()
        session.history.change(metric="cls")
        session.history.change(image=3)
        session.history.change(image_colour="correct")
        assert drawn.call_count == 0
        session.history.change(pattern_colour="layer")
        session.history.change(pattern="cls")
        assert drawn.call_count == 2


@pytest.mark.parametrize("colour", ["count", "layer", "head", "class", "jsd", "entropy"])
def test_every_colouring_draws_every_pattern(session, colour):
    view = PatternLayout(session)
    session.history.change(pattern_colour=colour, pattern_style="points")
    assert pattern_picture(view)[..., 3].any()


@pytest.mark.parametrize("colour", ["count", "class"])
def test_a_page_that_opens_in_any_colouring_can_be_sent(session, colour):
    session.history.change(pattern_colour=colour)
    document = Document()
    document.add_root(PatternLayout(session).layout)
    assert Document.from_json(document.to_json()).roots


def test_a_brush_that_leaves_nothing_leaves_the_views_empty_but_whole(session):
    overview, vector, importance = (
        view(session) for view in (StrengthOverview, StrengthVector, HeadImportance)
    )
    session.select_image(None)
    session.add_clause(Clause("patterns", Box(1e3, 2e3, 1e3, 2e3), layout="patch"))
    assert not session.brush().patterns.any()
    assert np.isnan(session.heads.data["entropy"]).all()
    assert np.isnan(columns(vector, "hops_shown")["mean"]).all()
    assert np.isnan(columns(importance, "importance_band")["mean"]).all()
    assert np.isfinite(overview.plot.y_range.end)
    assert np.isfinite(vector.layout.y_range.end)


def test_overview_shows_entropy_of_the_image(session, data):
    StrengthOverview(session)
    session.select_image(9)
    np.testing.assert_array_equal(session.heads.data["entropy"], data.entropy[9])


def test_nearest_is_measured_on_the_screen(session):
    view = ImageOverview(session)
    plot = plot_of(view)
    plot.x_range.update(start=0, end=1000)
    plot.y_range.update(start=0, end=1)
    found = []
    points = np.array([10.0, 0.0]), np.array([0.0, 0.02])
    on_nearest(plot, lambda: points, found.append)
    happen(Tap(plot, x=0.0, y=0.0))
    assert found == [0]  # 10 units across are 5 pixels, 0.02 units up are 7


def test_the_most_important_heads_of_an_image_are_listed_and_stepped_through(session, data):
    strip = TopHeads(session)
    heads = part(strip, "top_heads")
    session.history.change(image=4, metric="jsd")
    order = np.argsort(-data.importance("jsd")[4])
    assert heads.labels == [data.head_labels[number] for number in order[:5]]
    heads.active = 2
    assert session.head.number == order[2]
    assert words(strip, "head_rank") == "3 of 6"
    for _ in range(4):
        happen(ButtonClick(part(strip, "head_rank_+1")))
    assert session.head.number == order[5]
    assert heads.active is None
    session.select_image(None)
    mean = data.importance("jsd").mean(0)
    assert heads.labels[0] == data.head_labels[int(mean.argmax())]
