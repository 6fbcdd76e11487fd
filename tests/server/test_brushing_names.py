"""Patterns coloured by name, and a name whose patterns are brushed."""

from itertools import count

import numpy as np
import pytest

from headbrush.analysis.store.facts.pattern_families import NO_NAME, pattern_families
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.pair import Pair
from headbrush.server.pages.report.browser.patterns import pattern_places
from headbrush.server.session.brush.clauses import Box, Clause, Ids
from headbrush.server.session.brush.description import clause_words
from headbrush.server.session.brush.named_brushes import from_json, saved, to_json
from headbrush.server.session.palette import NO_NAME as GREY
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state, from_query, to_query
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.common.legend_buttons import legend_channel
from headbrush.server.views.patterns.drawing import colouring
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from tests.server.pages import words
from tests.stores import PATTERN_FAMILIES, PATTERN_LABELS, attributes, make_named_store, values

NAMES = ("rows above", "self", "even", NO_NAME)
NUMBERS = np.random.default_rng(0).integers(-1, 4, (24, 3, 2))
FAMILIES = np.array([*(PATTERN_FAMILIES[number] for number in range(4)), NO_NAME], object)[NUMBERS]
"""Of every pattern: -1 is the last, no name."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = make_named_store(tmp_path_factory.mktemp("named") / "s.headbrush", NUMBERS)
    return StoreData(Store(path))


@pytest.fixture
def session(data):
    return Session(data, default_state(data))


@pytest.fixture
def press(session):
    model = legend_channel({"pattern_layout": session})
    stamps = count()

    def press(name, combine="replace"):
        model.tags = ["pattern_layout", "name", name, combine, next(stamps)]

    return press


def of(name):
    """Which patterns the store calls so."""
    return (name == FAMILIES).ravel()


def test_families_are_the_stored_names_without_widths(data):
    families = data.families
    assert families.names == NAMES
    np.testing.assert_array_equal(np.array(NAMES, object)[families.numbers], FAMILIES.ravel())
    assert families.counts.tolist() == [of(name).sum() for name in NAMES]
    assert families.occurring[-1] == 3


@pytest.mark.parametrize("number", range(4))
def test_a_press_brushes_the_patterns_of_the_name(press, session, number):
    press(number)
    brush = session.brush()
    np.testing.assert_array_equal(brush.patterns, of(NAMES[number]))
    per_head = of(NAMES[number]).reshape(24, 6).sum(0)
    np.testing.assert_array_equal(brush.head_count, per_head)
    assert clause_words(session.state.clauses[0], session.data) == f"D1 {NAMES[number]}"
    session.history.undo()
    assert not session.brush().active


def test_names_join_each_other_and_shapes_as_the_keys_say(press, session):
    press(0)
    press(1, "add")
    np.testing.assert_array_equal(session.brush().patterns, of(NAMES[0]) | of(NAMES[1]))
    box = Box(-1.0, 1.0, -1.0, 1.0)
    session.add_clause(Clause("patterns", box, "intersect", "patch"))
    x, y = session.data.embedding("patch").T
    inside = (abs(x) <= 1) & (abs(y) <= 1)
    expected = (of(NAMES[0]) | of(NAMES[1])) & inside
    np.testing.assert_array_equal(session.brush().patterns, expected)
    press(1, "subtract")
    np.testing.assert_array_equal(session.brush().patterns, expected & ~of(NAMES[1]))


@pytest.mark.parametrize("number", [-1, 4, 99, None, "x", [0], 1.5])
def test_what_is_no_name_changes_nothing(press, session, number):
    press(number)
    press(0, "evil")
    assert session.state.clauses == ()


def test_a_store_without_names_has_neither_colour_nor_brush(store_path):
    data = StoreData(Store(store_path))
    session = Session(data, default_state(data))
    model = legend_channel({"pattern_layout": session})
    model.tags = ["pattern_layout", "name", 0, "replace", 1]
    assert session.state.clauses == ()
    (menu,) = PatternLayout(session).layout.select({"name": "pattern_colour"})
    assert "name" not in dict(menu.options)
    state, note = from_query({"pattern_colour": [b"name"], "brush": [b"name:r:0"]}, data)
    assert state == default_state(data)
    assert note == "The link's pattern_colour, brush could not be used."


def test_a_link_and_a_saved_brush_keep_names(press, session, data):
    press(0)
    press(3, "add")
    session.history.change(pattern_colour="name")
    query, note = to_query(session.state, data)
    assert "brush=name:r:0~name:a:3" in query
    assert not note
    arguments = {key: [text.encode()] for key, text in (p.split("=") for p in query.split("&"))}
    assert from_query(arguments, data) == (session.state, "")
    named = saved((), "mine", session.state.clauses)
    assert from_json(to_json(named, data), data) == (named, "")


def test_a_link_to_other_names_is_told(press, session, data, tmp_path):
    press(0)
    query, _ = to_query(session.state, data)
    arguments = {key: [text.encode()] for key, text in (p.split("=") for p in query.split("&"))}
    other = renamed(tmp_path / "s.headbrush", ["self", "self", "rows above", "even"])
    state, note = from_query(arguments, StoreData(other))
    assert state.clauses == ()
    assert "another layout" in note


def test_two_stores_share_a_brush_of_a_name(press, session, tmp_path):
    other = StoreData(renamed(tmp_path / "s.headbrush", ["self", "even", "rows above", "even"]))
    beside = Session(other, default_state(other))
    Pair((session, beside))
    press(0)
    (clause,) = beside.state.clauses
    assert other.families.names[clause.shape.ids[0]] == "rows above"
    press(0, "replace")
    session.add_clause(Clause("patterns", Ids((1,)), "replace", "name"))
    assert [other.families.names[one] for one in beside.state.clauses[0].shape.ids] == ["self"]


def renamed(path, families):
    """The store with other names."""
    make_named_store(path, NUMBERS)
    store = Store(path)
    kept = ("pattern_label", "pattern_name", "pattern_second", "pattern_fit", "pattern_rows")
    names = {name: store.read(name) for name in kept}
    names["pattern_family"] = np.array(families, object)
    write_summary(path, values() | names, attributes())
    return Store(path)


def test_each_name_has_a_colour_and_what_has_none_is_grey(data):
    chosen = colouring(data, "name")
    shown = np.array(chosen.palette, object)[chosen.categories]
    assert set(shown[of(NO_NAME)]) == {GREY}
    colours = [set(shown[of(name)]) for name in NAMES[:3]]
    assert len(set().union(*colours)) == 3
    assert all(len(one) == 1 and GREY not in one for one in colours)


def test_the_legend_lists_the_names_with_their_shares(session):
    view = PatternLayout(session)
    session.history.change(pattern_colour="name")
    text = words(view, "pattern_legend")
    for number, name in enumerate(NAMES):
        share = round(100 * of(name).mean())
        assert f'data-kind="name" data-number="{number}"' in text
        assert f"{name} {share}\xa0%" in text


def test_a_report_knows_the_name_of_every_pattern(session):
    session.history.change(pattern_colour="name")
    places = pattern_places(session)
    np.testing.assert_array_equal(places.data["name"], session.data.families.numbers)
    session.history.change(pattern_colour="layer")
    assert "name" not in pattern_places(session).data


def test_numbers_that_are_no_place_have_no_name(tmp_path):
    store = Store(make_named_store(tmp_path / "s.headbrush", np.full((24, 3, 2), 90)))
    families = pattern_families(store)
    assert set(families.numbers.tolist()) == {len(families.names) - 1}
    assert len(PATTERN_LABELS) == 4
