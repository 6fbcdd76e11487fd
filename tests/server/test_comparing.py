"""Two stores on one page: what is the same in both, and what only one has."""

from unittest.mock import patch

import numpy as np
import pytest

from headbrush.analysis.store.store import Store
from headbrush.server.pages.compare import compare
from headbrush.server.pages.pair import Pair
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.strength.strength_overview import StrengthOverview
from tests.stores import make_store


@pytest.fixture
def stores(tmp_path):
    """24 and 12 images, the first 12 of the same names; 3 × 2 and 2 × 3 heads."""
    large = make_store(tmp_path / "large.headbrush")
    small = make_store(tmp_path / "small.headbrush", images=12, layers=2, heads=3)
    return StoreData(Store(large)), StoreData(Store(small))


@pytest.fixture
def sessions(stores):
    return [Session(data, ViewState(None, 0, 0)) for data in stores]


@pytest.fixture
def pair(sessions):
    return Pair(sessions)


def names(session):
    return {session.data.names[i] for i, on in enumerate(session.brush().images) if on}


def test_brushed_images_are_those_of_the_same_names(pair, sessions):
    large, small = sessions
    large.brush_ids("images", [3, 5, 20], "replace")
    assert names(small) == {large.data.names[3], large.data.names[5]}
    small.brush_ids("images", [1, 2], "replace")
    assert names(large) == names(small) == {small.data.names[1], small.data.names[2]}
    small.drop_clauses()
    assert large.state.clauses == ()
    assert "12 images with the same name" in pair.counts.text


def test_no_image_of_one_is_no_image_of_the_other(pair, sessions):
    large, small = sessions
    large.add_clause(Clause("images", Ids(())))
    assert "0 / 0 images" in pair.counts.text
    assert not small.brush().images.any()
    large.brush_ids("images", [20], "replace")  # which the other does not have
    assert small.state.clauses == ()


def test_brushed_heads_are_those_of_the_same_layer_and_place(pair, sessions):
    large, small = sessions
    large.add_clause(Clause("heads", Ids((0, 3, 4))))  # L0·H0, L1·H1, L2·H0
    assert small.state.clauses[0].shape.ids == (0, 4)
    assert "3 / 2 heads" in pair.counts.text


@pytest.mark.usefixtures("pair")
def test_selecting_follows_where_the_other_store_has_the_same(sessions):
    large, small = sessions
    large.history.change(image=7, layer=1, head=1, metric="cls")
    state = small.state
    assert (state.image, state.layer, state.head, state.metric) == (7, 1, 1, "cls")
    large.history.change(image=20, layer=2)
    assert (small.state.image, small.state.layer) == (None, 1)
    assert large.state.image == 20
    large.history.undo()
    assert small.state.image == 7


def test_undo_and_redo_bring_back_what_one_side_alone_has(pair, sessions):
    large, small = sessions
    start = small.state.clauses
    small.add_clause(Clause("heads", Ids((0, 2, 5))))  # L0·H0, L0·H2, L1·H2
    assert large.state.clauses[0].shape.ids == (0,)
    small.add_clause(Clause("heads", Ids((2,))))  # of no head of the other
    brushed = small.state.clauses
    assert large.state.clauses == ()
    pair.press("z")
    assert (small.state.clauses[0].shape.ids, large.state.clauses[0].shape.ids) == ((0, 2, 5), (0,))
    pair.press("z")
    assert small.state.clauses == large.state.clauses == start
    pair.press("z")
    for _ in range(3):
        pair.press("y")
    assert (small.state.clauses, large.state.clauses) == (brushed, ())
    pair.press("Escape")
    assert small.state.clauses == ()
    pair.press("z")
    assert small.state.clauses == brushed


def test_a_step_of_the_pair_is_found_by_its_number(pair, sessions):
    first = pair.link.tags[2]
    sessions[0].history.change(layer=1)
    sessions[1].history.change(metric="cls")
    last = pair.link.tags[2]
    pair.go_to(first)
    assert [(s.state.layer, s.state.metric) for s in sessions] == 2 * [(0, "jsd")]
    pair.go_to(last)
    assert [(s.state.layer, s.state.metric) for s in sessions] == 2 * [(1, "cls")]
    assert pair.link.tags[2] == last


@pytest.mark.parametrize("place", [0, 1])
def test_a_drag_on_either_side_is_one_step_of_both(pair, sessions, place):
    dragged = sessions[place].history
    for head in (1, 0, 1):
        dragged.preview(layer=1, head=head)
    dragged.settle()
    assert [(s.state.layer, s.state.head) for s in sessions] == [(1, 1), (1, 1)]
    dragged.change(metric="cls")
    pair.undo()
    assert [(s.state.layer, s.state.metric) for s in sessions] == [(1, "jsd"), (1, "jsd")]
    pair.undo()
    assert [(s.state.layer, s.state.head) for s in sessions] == [(0, 0), (0, 0)]
    pair.redo()
    assert [(s.state.layer, s.state.head) for s in sessions] == [(1, 1), (1, 1)]


def test_both_sides_are_drawn_on_one_scale(stores, document):
    compare(document, stores, {}, {}, ["large", "small"])
    for name in ("importance_plot", "overview_plot"):
        first, second = (document.select_one({"name": f"{side}_{name}"}) for side in "ab")
        assert first.y_range.start == second.y_range.start
        assert first.y_range.end == second.y_range.end


@pytest.mark.parametrize("place", [0, 1])
def test_both_sides_stay_on_one_scale_whichever_is_brushed(stores, document, place):
    sessions = compare(document, stores, {}, {}, ["large", "small"])
    shown = [document.select_one({"name": f"{side}_importance_plot"}).y_range for side in "ab"]
    ends = []
    for image in (0, 4, 7):
        sessions[place].brush_ids("images", [image], "replace")
        tops = [float((data.shown_importance("jsd")[image]).max()) for data in stores]
        assert [one.end for one in shown] == pytest.approx([1.06 * max(tops)] * 2)
        ends.append(shown[0].end)
    assert len(set(ends)) > 1


def test_a_side_without_values_does_not_flatten_the_other(stores, document):
    large, small = stores
    small.shown_importance = lambda _metric: np.full((12, 6), np.nan, np.float32)
    compare(document, stores, {}, {}, ["large", "small"])
    top = float(large.shown_importance("jsd").mean(0).max())
    shown = [document.select_one({"name": f"{side}_importance_plot"}).y_range for side in "ab"]
    assert top < shown[0].end == shown[1].end < 0.6


def test_a_class_of_one_sides_legend_brushes_its_images_in_both(stores, document):
    compare(document, stores, {}, {}, ["large", "small"])
    _, small = stores
    (unseen,) = (root for root in document.roots if root.name == "unseen")
    asked = next(one for one in unseen.tags if one.name == "kind_asked")
    asked.tags = ["b_image_overview", "class", 1, "replace", 0]
    shown = [document.select_one({"name": f"{side}_images_plot"}) for side in "ab"]
    brushed = [plot.renderers[0].data_source.selected.indices for plot in shown]
    assert brushed[1] == np.flatnonzero(small.labels == 1).tolist()
    names = [[data.names[i] for i in ids] for data, ids in zip(stores, brushed, strict=True)]
    assert names[0] == names[1] != []


@pytest.mark.parametrize("view", ["HeadImportance", "ImageOverview", "StrengthOverview"])
def test_a_view_that_fails_on_one_side_leaves_the_other_and_says_which(stores, document, view):
    kind = {
        "HeadImportance": HeadImportance,
        "ImageOverview": ImageOverview,
        "StrengthOverview": StrengthOverview,
    }[view]
    whole = kind.__init__

    def fails(self, session):
        if session.data is stores[1]:
            raise ValueError("of no use")
        whole(self, session)

    with patch.object(kind, "__init__", fails):
        compare(document, stores, {}, {}, ["large", "small"])
    (unseen,) = (root for root in document.roots if root.name == "unseen")
    (faults,) = (one for one in unseen.tags if one.name == "faults")
    (name, _) = faults.tags
    assert (
        name
        == {
            "HeadImportance": "b_head_importance",
            "ImageOverview": "b_image_overview",
            "StrengthOverview": "b_strength_overview",
        }[view]
    )
    assert {root.name for root in document.roots} >= {name, name.replace("b_", "a_")}
    sides = document.template_variables["sides"]
    assert sides[1]["views"][name].title == kind.title


def test_a_class_has_one_colour_on_both_sides(stores, document):
    large, small = stores
    with patch.object(small, "class_names", [*reversed(small.class_names), "only here"]):
        first, second = compare(document, stores, {}, {}, ("large", "small"))
        colours = dict(zip(large.class_names, first.class_colours, strict=True))
        beside = dict(zip(small.class_names, second.class_colours, strict=True))
    assert {name: beside[name] for name in colours} == colours
    assert beside["only here"] not in colours.values()
