"""Named brushes: changes of the list, what the browser kept, what the views compare."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.session.brush import named_brushes as named
from headbrush.server.session.brush.clauses import Box, Clause, Ids
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.patterns.drawing import mixed, pattern_colours, pattern_names
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from headbrush.server.views.strength.strength_vector import StrengthVector
from tests.server.pages import columns, part, words
from tests.server.pictures import pattern_picture
from tests.stores import attributes, values

PALE = "#d9e2ec"

ONE = (Clause("images", Ids((0, 1, 2))),)
OTHER = (Clause("images", Ids((2, 5))), Clause("heads", Ids((3,))))
BOX = (Clause("patterns", Box(-1.0, 1.0, -1.0, 1.0), layout="patch"),)


def three():
    return named.saved(named.saved(named.saved((), "one", ONE), "other", OTHER), "box", BOX)


def test_the_first_two_are_compared_in_colours_of_their_own():
    kept = three()
    assert [one.compared for one in kept] == [True, True, False]
    assert len({one.colour for one in kept}) == 3
    third = named.toggled(kept, 2)
    assert [one.compared for one in third] == [False, True, True]
    assert [one.compared for one in named.toggled(third, 2)] == [False, True, False]


def test_a_name_stands_for_one_brush():
    kept = named.saved(three(), "  one ", BOX)
    assert [one.name for one in kept] == ["one", "other", "box"]
    assert kept[0].clauses == BOX
    assert named.renamed(kept, 0, "x\n<b>\x00")[0].name == "x <b>"
    for act in (
        lambda: named.renamed(kept, 0, "other"), lambda: named.renamed(kept, 0, " "),
        lambda: named.saved(kept, "new", ()), lambda: named.recoloured(kept, 0, "red;x"),
    ):  # fmt: skip
        with pytest.raises(named.NamedError):
            act()
    assert [one.name for one in named.deleted(kept, 1)] == ["one", "box"]


def test_only_so_many_are_kept():
    kept = ()
    for number in range(named.MOST_NAMED):
        kept = named.saved(kept, str(number), ONE)
    with pytest.raises(named.NamedError, match="At most"):
        named.saved(kept, "more", ONE)


def test_the_browser_gives_back_what_it_kept(data):
    kept = named.toggled(named.recoloured(three(), 1, "#A0b1C2"), 0)
    assert named.from_json(named.to_json(kept, data), data) == (kept, "")


def test_what_does_not_fit_the_store_is_left_out_with_a_note(data):
    rows = json.loads(named.to_json(three(), data))
    rows[0]["brush"] = "images:r:0-99999"
    rows[1]["colour"] = "url(x)"
    kept, note = named.from_json(json.dumps(rows), data)
    assert [one.name for one in kept] == ["box"]
    assert note == "2 of 3 saved brushes could not be used."


def test_a_shape_on_another_layout_is_left_out_with_a_note(data, tmp_path):
    content = values()
    content["patch_embedding"] = content["patch_embedding"] + 1
    write_summary(tmp_path, content, attributes())
    again = StoreData(Store(tmp_path))
    kept, note = named.from_json(named.to_json(three(), data), again)
    assert [one.name for one in kept] == ["one", "other"]
    assert note.startswith("Left out 1 of 3 saved brushes: drawn on another layout")
    rows = json.loads(named.to_json(three(), data))
    for row in rows:
        del row["on"]  # kept by headbrush 0.1
    assert named.from_json(json.dumps(rows), again) == (three(), "")


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "colour", "brush", "compared", "on"]), inner)
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(given_value=nested | st.lists(nested))
def test_nothing_kept_breaks_the_page(data, given_value):
    for text in (json.dumps(given_value), str(given_value), "[" * 100_000):
        kept, note = named.from_json(text, data)
        assert isinstance(kept, tuple)
        assert isinstance(note, str)


def test_patterns_of_two_brushes_are_mixed_where_both_hold_them(session):
    session.reader.change_named(three()[:2])
    compared = session.reader.compared()
    colouring, mask = pattern_colours(compared, session.brush(), PALE)
    masks = [one.brush.patterns for one in compared]
    np.testing.assert_array_equal(mask, masks[0] | masks[1])
    expected = np.where(masks[0] & masks[1], 2, np.where(masks[1], 1, 0))
    np.testing.assert_array_equal(colouring.categories[mask], expected[mask])
    assert (masks[0] & masks[1]).sum() == 1
    assert pattern_names(compared)[0] == ["one", "other", "both"]
    assert mixed("#ff0010", "#0100ff") == "#800087"


def test_compared_patterns_outside_of_the_brush_are_pale(session):
    session.reader.change_named(three()[:2])
    compared = session.reader.compared()
    whole = pattern_colours(compared, session.brush(), PALE)[0]
    session.history.change(clauses=(Clause("heads", Ids((0, 3))),))
    brush = session.brush()
    colouring, mask = pattern_colours(compared, brush, PALE)
    inside, outside = mask & brush.patterns, mask & ~brush.patterns
    assert inside.any()
    np.testing.assert_array_equal(colouring.categories[inside], whole.categories[inside])
    np.testing.assert_array_equal(colouring.categories[outside], 3 + whole.categories[outside])
    strong, pale = colouring.palette[:3], colouring.palette[3:]
    assert list(strong) == pattern_names(compared)[1]
    assert not set(strong) & set(pale)
    patterns = PatternLayout(session)
    assert "pale: not brushed" in words(patterns, "pattern_legend")
    session.drop_clauses()
    assert "pale" not in words(patterns, "pattern_legend")


def test_two_brushes_are_compared_in_every_view(session, data):
    importance, vector, entropy, patterns = (
        view(session)
        for view in (HeadImportance, StrengthVector, EntropyDistribution, PatternLayout)
    )
    before = pattern_picture(patterns).copy()
    session.reader.change_named(three()[:2])
    values = data.importance("jsd")
    one, other = values[[0, 1, 2]].mean(0), values[[2, 5]].mean(0)
    lines = [columns(importance, f"importance_compared_{slot}")["mean"] for slot in (0, 1)]
    np.testing.assert_allclose(lines, [one, other], rtol=1e-6)
    difference = columns(importance, "importance_difference")["mean"]
    np.testing.assert_allclose(difference, one - other, atol=1e-7)
    shown = importance.plot.extra_y_ranges["difference"]
    assert shown.start == -shown.end <= difference.min() < 0
    assert shown.end >= abs(difference).max()
    assert importance.plot.yaxis[1].visible
    assert importance.plot.yaxis[0].axis_label != importance.plot.yaxis[1].axis_label
    strength = data.strength[[2, 5], session.head.number].mean(0)
    hops = columns(vector, "hops_compared_1")["mean"]
    np.testing.assert_allclose(hops, strength, rtol=1e-6)
    shares = columns(entropy, "entropy_bars")
    assert sum(shares["compared_0"]) == pytest.approx(100)
    assert not any(shares["brushed"])
    assert (pattern_picture(patterns) != before).any()
    session.reader.change_named(())
    np.testing.assert_array_equal(pattern_picture(patterns), before)
    assert importance.plot.y_range.start == 0
    assert not importance.plot.yaxis[1].visible
    assert not part(importance, "compared_legend").visible


def compared(session):
    return [one.name for one in session.reader.compared()]


def test_a_comparison_is_a_step_to_undo_and_no_name_is_lost(session):
    session.reader.restore_named(three())
    names = [one.name for one in session.reader.named]
    assert not session.history.has_past
    session.reader.change_named(named.toggled(session.reader.named, 2))
    assert compared(session) == names[1:]
    before = session.state.metric
    session.history.change(metric="cls")
    session.history.undo()
    session.history.undo()
    assert compared(session) == names[:2]
    session.history.redo()
    assert compared(session) == names[1:]
    assert [one.name for one in session.reader.named] == names
    assert session.state.metric == before != "cls"


def test_what_is_renamed_or_deleted_is_so_in_former_states_too(session):
    session.reader.restore_named(three())
    first, second, _ = [one.name for one in session.reader.named]
    session.reader.change_named(named.toggled(session.reader.named, 0))
    session.reader.change_named(named.renamed(session.reader.named, 0, "new"))
    session.history.undo()
    assert compared(session) == ["new", second]
    session.reader.change_named(named.deleted(session.reader.named, 0))
    assert compared(session) == [second]
    session.history.redo()
    assert compared(session) == [second]
    assert first not in [one.name for one in session.reader.named]


def test_what_the_browser_kept_is_compared_in_all_former_states(session):
    session.history.change(head=1)
    session.reader.restore_named(three())
    session.history.undo()
    assert compared(session) == [one.name for one in three()[:2]]
