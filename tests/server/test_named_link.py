"""Named brushes and their comparison in a link, and beside the reader's own."""

from urllib.parse import parse_qs

import pytest

from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush import named_brushes
from headbrush.server.session.brush.clauses import Box, Clause, Ids, Lasso
from headbrush.server.session.brush.named_link import joined_named, read_named
from headbrush.server.session.url_state import MOST_BRUSH, default_state, from_query, to_query
from headbrush.server.views.header.brush_bar import BrushBar

IMAGES = Clause("images", Ids((0, 1, 5)))
HEADS = Clause("heads", Ids((2,)), "subtract")
QUERY = Clause("images", Ids((0, 3), "class-0 wrong"), "intersect")
BOX = Clause("patterns", Box(-1.5, 1.0, -0.5, 2.0), layout="patch")
LASSO = Clause("patterns", Lasso((0.0, 2.0, 2.0), (0.0, 0.0, 2.0)), "xor", "cls")


def kept(**brushes):
    named = ()
    for name, clauses in brushes.items():
        named = named_brushes.saved(named, name, clauses)
    return named


def opened(query, data):
    arguments = {k: [v.encode() for v in vs] for k, vs in parse_qs(query).items()}
    assert from_query(arguments, data) == (default_state(data), "")
    return read_named(arguments, data, MOST_BRUSH)


@pytest.mark.parametrize("clauses", [(IMAGES,), (HEADS,), (IMAGES, BOX, LASSO), (BOX, HEADS)])
def test_a_link_opens_with_the_same_named_brushes(data, clauses):
    named = kept(one=(IMAGES,), **{"wrong * ü&<b>=+%": clauses, "third~": (IMAGES, HEADS)})
    named = named_brushes.recoloured(named_brushes.toggled(named, 0), 1, "#a0b1c2")
    query, left_out = to_query(default_state(data), data, named)
    assert left_out == ""
    found, note = opened(query, data)
    assert note == ""
    assert set(found) == set(named)


def test_what_is_found_by_words_stays_in_a_link(data):
    named = kept(words=(QUERY,))
    found, _ = opened(to_query(default_state(data), data, named)[0], data)
    assert found[0].clauses[0].shape.query == "class-0 wrong"


def test_what_does_not_fit_is_left_out_and_said_and_compared_ones_come_first(data):
    corners = tuple(float(at) + 0.125 for at in range(400))
    large = (Clause("patterns", Lasso(corners, corners), layout="patch"),)
    named = kept(large=large, small=(IMAGES,))
    named = named_brushes.toggled(named, 0)
    query, left_out = to_query(default_state(data), data, named)
    assert len(query) < MOST_BRUSH + 200
    assert left_out == "too large for a link: large"
    assert [one.name for one in opened(query, data)[0]] == ["small"]


@pytest.mark.parametrize(
    "text",
    ["", "*", "0072b2c*images:r:99**x", "red*images:r:1**x", "0072b2z*images:r:1**x",
     "0072b2c*images:r:1** ", "0072b2c*patch:r:box:0,1,0,1*patch.00000000*x"],
)  # fmt: skip
def test_a_bad_one_is_left_out_with_a_note(data, text):
    found, note = read_named({"named": [text.encode(), b"\xff"]}, data, MOST_BRUSH)
    assert found == ()
    assert note == "2 of the link's named brushes could not be used."
    good = b"0072b2c*images:r:1**x"
    assert len(read_named({"named": [good]}, data, MOST_BRUSH)[0]) == 1
    assert read_named({"named": [good], "set": [b"other"]}, data, MOST_BRUSH) == ((), "")


def test_the_readers_own_brushes_stay_beside_those_of_a_link():
    own = kept(mine=(BOX,), shared=(IMAGES,), clash=(HEADS,))
    linked = kept(shared=(IMAGES,), clash=(IMAGES, BOX))
    both, note = joined_named(own, linked)
    assert [(one.name, one.clauses) for one in both] == [
        *((one.name, one.clauses) for one in own), ("clash (link)", (IMAGES, BOX)),
    ]  # fmt: skip
    assert [one.name for one in both if one.compared] == ["shared", "clash (link)"]
    assert "clash is here clash (link)" in note
    assert joined_named(both, linked)[0] == both
    assert joined_named(own, ()) == (own, "")
    full = kept(**{str(at): (HEADS,) for at in range(named_brushes.MOST_NAMED)})
    many, note = joined_named(full, linked)
    assert [one.clauses for one in many] == [one.clauses for one in full]
    assert "left out of the link: shared, clash" in note


def test_a_page_opened_by_a_link_adds_what_the_browser_kept(session, data):
    session.reader.change_named(kept(linked=(IMAGES,)))
    bar = BrushBar(session, report_of)
    channels = {one.name: one for one in bar.channels}
    own = named_brushes.to_json(kept(mine=(BOX,)), data)
    channels["brush_asked"].tags = ["restore", own, 0]
    assert [one.name for one in session.reader.named] == ["mine", "linked"]
    assert channels["brush_bar"].tags[0]["keep"] is None
    channels["brush_asked"].tags = ["delete", 1, 1]
    channels["brush_asked"].tags = ["restore", channels["brush_bar"].tags[0]["keep"], 2]
    assert [one.name for one in session.reader.named] == ["mine"]
