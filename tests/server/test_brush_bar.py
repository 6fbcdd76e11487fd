"""Chips, shares and counts of a brush; nothing that the page asks is trusted."""

import base64
import gzip
import threading
import time
from unittest.mock import patch
from urllib.parse import parse_qs

import numpy as np
import pytest

from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush.clauses import Box, Clause, Ids, Lasso
from headbrush.server.session.brush.description import clause_words
from headbrush.server.session.brush.dot_share import NO_SHARE
from headbrush.server.session.brush.name_list import read_names
from headbrush.server.session.url_state import from_query, to_query
from headbrush.server.views.header.brush_bar import BrushBar
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.strength.strength_overview import StrengthOverview
from tests.server.pages import run_until, words

IMAGES = Clause("images", Ids(tuple(range(24))))
BOX = Clause("patterns", Box(-1.0, 1.0, -1.0, 1.0), layout="patch")
LASSO = Clause("patterns", Lasso((0.0, 2.0, 2.0), (0.0, 0.0, 2.0)), "add", "cls")


@pytest.fixture
def bar(session):
    return BrushBar(session, report_of)


def ask(bar, *words):
    channel(bar, "brush_asked").tags = [*words, time.monotonic_ns()]
    return shown(bar)


def channel(bar, name):
    return next(one for one in bar.channels if one.name == name)


def shown(bar):
    """What the page shows of the brush."""
    return channel(bar, "brush_bar").tags[0]


def exported(bar):
    """Name and content of a file, if it is written."""
    return channel(bar, "exported").tags


def test_a_chip_tells_its_view_and_what_it_is(data):
    heads = Clause("heads", Ids((1, 2, 3)))
    chips = [clause_words(clause, data) for clause in (IMAGES, heads, BOX, LASSO)]
    assert chips == ["24 images", "3 heads", "D1 patch box", "+ D1 CLS lasso"]


def test_a_chip_removes_its_clause(bar, session):
    session.history.change(clauses=(IMAGES, BOX, LASSO))
    assert ask(bar, "drop", 1)["chips"] == ["24 images", "+ D1 CLS lasso"]
    session.history.undo()
    assert session.state.clauses == (IMAGES, BOX, LASSO)


def test_without_its_first_clause_a_brush_takes_away_from_everything(bar, session):
    hole = Clause("patterns", BOX.shape, "subtract", "patch")
    session.history.change(clauses=(LASSO, hole))
    ask(bar, "drop", 0)
    assert (session.brush().patterns == ~session.resolved((BOX,)).patterns).all()


def test_the_patterns_left_out_are_brushed_and_again(bar, session):
    ask(bar, "invert")
    assert session.state.clauses == ()
    session.history.change(clauses=(IMAGES, BOX))
    inside = session.resolved((BOX,)).patterns
    ask(bar, "invert")
    np.testing.assert_array_equal(session.brush().patterns, ~inside)
    query = to_query(session.state, session.data)[0]
    asked = {key: [word.encode() for word in words] for key, words in parse_qs(query).items()}
    assert from_query(asked, session.data) == (session.state, "")
    ask(bar, "invert")
    assert session.state.clauses == (IMAGES, BOX)
    ask(bar, "clear")
    assert session.state.clauses == (IMAGES,)


def test_several_clauses_of_images_are_shown_as_what_they_leave(session):
    parts = [((1, 2, 3), "replace"), ((7,), "add"), ((2,), "subtract")]
    clauses = tuple(Clause("images", Ids(ids), combine) for ids, combine in parts)
    session.history.change(clauses=clauses)
    assert session.images.selected.indices == [1, 3, 7]
    assert np.flatnonzero(session.brush().images).tolist() == [1, 3, 7]
    session.history.change(clauses=(Clause("heads", Ids((0, 1)), "subtract"),))
    assert session.images.selected.indices == []
    assert session.heads.selected.indices == np.flatnonzero(session.brush().heads).tolist()


def test_shares_and_counts_are_those_of_the_brushed_patterns(session, data):
    overview, images = StrengthOverview(session), ImageOverview(session)
    assert (session.heads.data["share"] == NO_SHARE).all()
    session.history.change(clauses=(BOX,))
    x, y = data.embedding("patch").T
    inside = ((abs(x) <= 1) & (abs(y) <= 1)).reshape(data.num_images, data.num_heads)
    np.testing.assert_array_equal(session.heads.data["brushed"], inside.sum(0))
    most = inside.sum(0).max()
    np.testing.assert_allclose(session.heads.data["share"], inside.sum(0) / most, rtol=1e-6)
    np.testing.assert_allclose(
        session.images.data["share"], inside.sum(1) / inside.sum(1).max(), rtol=1e-6
    )
    assert f"(max {100 * (most / data.num_images):.0f}\u00a0%)" in words(overview, "share_words")
    assert "brushed" in words(images, "share_words")
    session.drop_clauses()
    assert (session.images.data["share"] == NO_SHARE).all()
    assert words(overview, "share_words") == ""


def test_named_brushes_are_saved_applied_and_restored(bar, session):
    session.history.change(clauses=(BOX, LASSO))
    saved = ask(bar, "save", "mine")
    assert [one["words"] for one in saved["named"]] == ["D1 patch box · + D1 CLS lasso"]
    kept = saved["keep"]
    session.drop_clauses()
    ask(bar, "apply", 0)
    assert session.state.clauses == (BOX, LASSO)
    assert ask(bar, "delete", 0)["named"] == []
    assert ask(bar, "restore", kept)["named"][0]["name"] == "mine"
    assert "could not be read" in ask(bar, "restore", "{")["note"][0]
    assert shown(bar)["keep"] is None


def note_of(bar, document, content):
    """What is said of an uploaded list, when it has been read."""
    before = shown(bar)["note"]
    ask(bar, "names", content)
    run_until(document, lambda: shown(bar)["note"] != before)
    return shown(bar)["note"][0]


def test_an_uploaded_list_brushes_its_images(bar, session, data, document):
    content = base64.b64encode(f"{data.names[4]}\nnone\n".encode()).decode()
    assert note_of(bar, document, content).startswith("1 of 2 names found")
    assert session.state.clauses == (Clause("images", Ids((4,))),)
    bad = base64.b64encode(b"\xff").decode()
    assert "UTF-8" in note_of(bar, document, bad)
    assert "could not be read" in note_of(bar, document, "?")
    assert "larger" in note_of(bar, document, "A" * 6_000_000)
    assert session.state.clauses == (Clause("images", Ids((4,))),)


def test_a_long_list_is_read_beside_the_loop(bar, session, data, document):
    content = base64.b64encode(b"name\n" + b"b\n" * 1_500_000 + data.names[2].encode()).decode()
    readers = set()
    with patch(
        "headbrush.server.views.header.brush_bar.read_names",
        lambda content: readers.add(threading.get_native_id()) or read_names(content),
    ):
        assert note_of(bar, document, content).startswith("1 of 2 names found")
    assert readers
    assert threading.get_native_id() not in readers
    assert session.state.clauses == (Clause("images", Ids((2,))),)


def test_a_second_file_is_told_to_wait(bar, document):
    ask(bar, "export", "heads")
    assert "Still writing the previous file" in ask(bar, "export", "images")["note"][0]
    run_until(document, lambda: exported(bar))
    assert exported(bar)[0].endswith("-heads.csv")


def test_a_brush_that_takes_the_place_of_another_is_told(bar, session):
    session.history.change(clauses=(BOX,))
    assert ask(bar, "save", "mine")["note"][0] == ""
    session.history.change(clauses=(IMAGES,))
    assert "replaced" in ask(bar, "save", " mine")["note"][0]
    assert [one.clauses for one in session.reader.named] == [(IMAGES,)]


def test_a_file_is_written_beside_the_page(bar, document):
    ask(bar, "export", "heads")
    run_until(document, lambda: exported(bar))
    name, content = exported(bar)
    assert name.endswith("-heads.csv")
    assert gzip.decompress(content).startswith(b"layer,head,brushed_patterns,probability,jsd")


@pytest.mark.parametrize(
    "words",
    [
        ("drop", 9), ("drop", "x"), ("drop",), ("drop", -1), ("compare", 0), ("evil", 1),
        ("export", "../x"), ("names", "?"), ("recolour", 0, {"a": 1}), (None,), ("apply", [0]),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_changes_nothing(bar, session, words):
    session.history.change(clauses=(BOX,))
    ask(bar, *words)
    assert session.state.clauses == (BOX,)
    assert session.reader.named == ()
