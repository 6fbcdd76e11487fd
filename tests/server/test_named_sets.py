"""Named prune sets: kept by the browser, carried by links, and nothing of either is trusted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headbrush.analysis.model.pruning.prune_set import PrunedPart, PruneSet
from headbrush.server.session.brush.named_brushes import NamedError
from headbrush.server.session.prune.named_sets import (
    MOST_SETS,
    NamedSet,
    from_json,
    joined_sets,
    set_pairs,
    sets_of_link,
    to_json,
    with_set,
)

PART = st.builds(PrunedPart, st.integers(0, 2), st.integers(0, 1), st.integers(1, 7))
SETS = st.lists(PART, min_size=1, max_size=5).map(lambda parts: PruneSet(tuple(parts)))
NAMES = st.text("abc *:,&=é·", min_size=1, max_size=40).filter(str.strip)
FIRST, SECOND = (PruneSet.parse(text) for text in ("0.1", "2.0:4,1.1"))


def listed(pairs):
    sets = ()
    for name, pruned in pairs[:MOST_SETS]:
        sets = with_set(sets, name, pruned)
    return sets


@given(st.lists(st.tuples(NAMES, SETS), max_size=MOST_SETS))
def test_what_is_kept_and_linked_is_read_back(data, pairs):
    sets = listed(pairs)
    assert from_json(to_json(sets), data) == (sets, "")
    linked, left_out = set_pairs(sets, 100_000)
    arguments = {"set_of": [text.encode() for _, text in linked]}
    assert (sets_of_link(arguments, data), left_out) == ((sets, ""), "")


def test_a_name_is_given_once_and_no_set_is_empty():
    sets = with_set(with_set((), "late", FIRST), "  early ", SECOND)
    assert [one.name for one in sets] == ["late", "early"]
    assert with_set(sets, "late", SECOND) == (NamedSet("late", SECOND), sets[1])
    for name, pruned, words in (("x", PruneSet(), "No head"), (" \n", FIRST, "name is needed")):
        with pytest.raises(NamedError, match=words):
            with_set(sets, name, pruned)
    full = listed([(str(number), FIRST) for number in range(MOST_SETS)])
    with pytest.raises(NamedError, match="At most 8"):
        with_set(full, "one more", FIRST)
    assert with_set(full, "3", SECOND)[3].pruned == SECOND


@pytest.mark.parametrize(
    "rows",
    [
        [{"name": "a", "prune": "9.0"}],  # no such layer
        [{"name": "a", "prune": "0.0:9"}],
        [{"name": "a", "prune": ""}],
        [{"name": "", "prune": "0.0"}],
        [{"name": 3, "prune": "0.0"}],
        [{"prune": "0.0"}],
        ["0.0"],
        [None],
    ],
)
def test_what_cannot_be_used_is_left_out_and_counted(data, rows):
    good = {"name": "good", "prune": "1.1"}
    sets, note = from_json(json.dumps([*rows, good]), data)
    assert [one.name for one in sets] == ["good"]
    assert note == "1 of 2 kept prune sets could not be used."


@pytest.mark.parametrize("text", ["", "{", "3", '{"a": 1}', "[" * 100_000, "x" * 1_000_000])
def test_what_cannot_be_read_is_one_sentence(data, text):
    assert from_json(text, data) == ((), "The kept prune sets could not be read.")


def test_a_link_never_replaces_a_set_of_the_reader():
    own = listed([("late", FIRST)])
    joined = joined_sets(own, listed([("late", SECOND), ("early", SECOND)]))
    assert joined[0] == own[0]
    assert {one.name: one.pruned for one in joined[1:]} == {
        "late (link)": SECOND, "early": SECOND,
    }  # fmt: skip


def test_a_link_has_room_for_so_many_characters():
    sets = listed([("small", FIRST), ("large", PruneSet.of_heads((n, n) for n in range(200)))])
    pairs, note = set_pairs(sets, 60)
    assert [text for _, text in pairs] == ["0.1*small"]
    assert note == "prune sets too large for a link: large"
