"""Keys within plots, as the page asks the server: what they count, brush and select."""

import numpy as np
import pytest

from headbrush.server.pages.plot_keys import PlotKeys
from headbrush.server.session.brush.clauses import Box, Clause, Ids


@pytest.fixture
def keys(session):
    return PlotKeys({"": session})


def ask(keys, *words):
    """Ask as the page does, each time anew."""
    asked, told = keys.channels
    asked.tags = []
    asked.tags = list(words)
    return told.tags[0]


def half_of(xy):
    """A rectangle over about half of the places, and which lie in it."""
    low, high = np.quantile(xy, 0.1, axis=0), np.quantile(xy, 0.8, axis=0)
    inside = ((low <= xy) & (xy <= high)).all(1)
    assert 0 < inside.sum() < len(xy)
    return [float(low[0]), float(high[0]), float(low[1]), float(high[1])], inside


def test_a_rectangle_counts_and_brushes_the_images_in_it(keys, session, data):
    edges, inside = half_of(data.store.read("image_embedding").astype(float))
    told = ask(keys, "count", "images_plot", *edges)
    assert told.startswith(f"rectangle: {inside.sum()} of {data.num_images} images")
    assert session.state.clauses == ()
    ask(keys, "brush", "images_plot", *edges, "replace")
    np.testing.assert_array_equal(session.brush().images, inside)
    ask(keys, "brush", "images_plot", *edges, "subtract")
    assert not session.brush().images.any()


def test_a_rectangle_brushes_the_patterns_in_it_and_joins_as_a_drag_does(keys, session, data):
    xy = data.embedding(session.state.pattern).astype(float)
    edges, inside = half_of(xy)
    ask(keys, "brush", "patterns_plot", *edges, "replace")
    np.testing.assert_array_equal(session.brush().patterns, inside)
    before = session.state
    session.history.undo()
    session.add_clause(Clause("patterns", Box(*edges), "replace", before.pattern))
    assert session.state.clauses == before.clauses


def test_space_selects_what_is_nearest_to_the_middle(keys, session, data):
    session.select_image(None)
    xy = data.store.read("image_embedding").astype(float)
    x, y = xy[5]
    ask(keys, "click", "images_plot", x - 1e-6, x + 1e-6, y - 1e-6, y + 1e-6)
    assert session.state.image is not None
    np.testing.assert_allclose(xy[session.state.image], xy[5], atol=2e-6)
    x, y = data.embedding(session.state.pattern)[data.num_heads * 7 + 2].astype(float)
    ask(keys, "click", "patterns_plot", x - 1e-6, x + 1e-6, y - 1e-6, y + 1e-6)
    pattern = session.state.image * data.num_heads + session.head.number
    np.testing.assert_allclose(data.embedding(session.state.pattern)[pattern], (x, y), atol=2e-6)
    state = session.state
    assert ask(keys, "click", "images_plot", 1e6, 1e6 + 1, 0, 1) == "nothing lies in the rectangle"
    assert session.state == state


def test_heads_are_selected_brushed_and_toggled(keys, session):
    ask(keys, "head", "importance_plot", [3])
    assert session.head.number == 3
    ask(keys, "toggle", "overview_plot", [1])
    ask(keys, "toggle", "overview_plot", [2])
    assert session.brushes.own_ids("heads") == [1, 2]
    ask(keys, "toggle", "overview_plot", [1])
    assert session.brushes.own_ids("heads") == [2]
    ask(keys, "toggle", "overview_plot", [2])
    assert session.state.clauses == ()  # none left is no brush, not a brush of none
    ask(keys, "heads", "name_table", [0, 3])
    assert session.state.clauses == (Clause("heads", Ids((0, 3))),)


def test_the_threshold_moves_within_its_bounds_and_back_to_the_default(keys, session):
    for asked, kept in ((0.02345678, 0.0235), (7, 1.0), (None, None)):
        ask(keys, "threshold", "threshold_plot", asked)
        assert session.state.threshold == kept


@pytest.mark.parametrize(
    "words",
    [
        (), ("brush",), ("brush", "images_plot"), ("brush", "images_plot", 0, 1, 0),
        ("brush", "images_plot", 0, 1, 0, "x", "replace"), ("count", "nowhere", 0, 1, 0, 1),
        ("brush", "images_plot", 0, float("nan"), 0, 1, "replace"),
        ("brush", "images_plot", 0, 1, 0, 1, "explode"), ("brush", "heads_plot", 0, 1, 0, 1, "add"),
        ("head", "importance_plot", [10**9]), ("head", "importance_plot", "3"),
        ("head", "importance_plot", [-1]), ("toggle", "overview_plot", [None]), ([], {}),
        ("threshold", "threshold_plot", "much"), ("__init__", "images_plot"), (1, 2, 3),
    ],
)  # fmt: skip
def test_what_no_page_asks_changes_nothing(keys, session, words):
    before = session.state
    ask(keys, *words)
    assert session.state == before


def test_a_side_of_two_stores_acts_on_its_own_page(session):
    keys = PlotKeys({"b_": session})
    ask(keys, "head", "b_importance_plot", [2])
    assert session.head.number == 2
    ask(keys, "head", "a_importance_plot", [1])
    assert session.head.number == 2
