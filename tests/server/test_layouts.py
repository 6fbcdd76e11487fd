"""Which layouts of patterns a page offers, which comes first, and what it says of them."""

import numpy as np
import pytest

from headbrush.analysis.store.facts.layouts import fidelity_of, fidelity_words, why_first
from headbrush.analysis.store.facts.percent import SIGN
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.session.brush.clauses import Box, Clause
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state, from_query, to_query
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from tests.stores import attributes, make_store, values

MISSING = "This store does not say how faithful its layouts are."
FIDELITY = {
    "offset_embedding_preservation": 0.46, "offset_embedding_same_head": 0.84,
    "patch_embedding_preservation": 0.41, "patch_embedding_same_head": 0.61,
    "cls_embedding_same_head": 0.4,
}  # fmt: skip


def offset_store(path, **changed):
    """A store with a third layout, and attributes about it."""
    make_store(path)
    content = values()
    content["offset_embedding"] = content["patch_embedding"][::-1] + 1
    write_summary(path, content, attributes(**changed))
    return Store(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return offset_store(tmp_path_factory.mktemp("offset") / "s.headbrush", **FIDELITY)


def page(store):
    data = StoreData(store)
    return Session(data, default_state(data))


def controls(view):
    (buttons,) = view.layout.select({"name": "pattern"})
    return buttons


def test_the_layout_by_offset_comes_first_and_the_others_stay(store):
    session = page(store)
    view = PatternLayout(session)
    buttons = controls(view)
    assert (buttons.labels, buttons.active) == (["offset", "patch", "CLS"], 0)
    for number, name in enumerate(("offset", "patch", "cls")):
        buttons.active = number
        session.history.change(image=3)
        (own,) = view.layout.select({"name": "own_patterns"})
        shown = np.column_stack([own.data["x"], own.data["y"]])
        expected = store.read(f"{name}_embedding")[3].reshape(-1, 2)
        np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize(
    ("changed", "has_offset", "names"),
    [
        ({}, False, ["patch", "CLS"]),
        ({"patch_layout_by": "autoencoder", "autoencoder": "linear"}, True, None),
        ({"patch_layout_by": "offset", "autoencoder": "none"}, True, ["offset", "CLS"]),
        ({"patch_layout_by": "offset", "autoencoder": "none"}, False, ["patch", "CLS"]),
    ],
)
def test_only_layouts_that_differ_are_offered(tmp_path, changed, has_offset, names):
    store = offset_store(tmp_path / "s.headbrush", **changed)
    if not has_offset:
        write_summary(store.path, values(), attributes(**changed))
        store = Store(store.path)
    assert controls(PatternLayout(page(store))).labels == (names or ["offset", "patch", "CLS"])


def test_a_link_holds_a_layout_and_a_brush_on_it(store):
    session = page(store)
    assert "pattern=" not in to_query(session.state, session.data)[0]
    box = Clause("patterns", Box(-1.0, 1.0, -1.0, 1.0), layout="offset")
    session.history.change(pattern="patch", clauses=(box,))
    query, note = to_query(session.state, session.data)
    assert not note
    arguments = {key: [text.encode()] for key, text in (p.split("=") for p in query.split("&"))}
    assert from_query(arguments, session.data) == (session.state, "")


def test_a_link_to_a_layout_that_a_store_lacks_is_told(data):
    arguments = {"pattern": [b"offset"], "brush": [b"offset:r:box:0,1,0,1"]}
    state, note = from_query(arguments, data)
    assert state == default_state(data)
    assert note == "The link's pattern, brush could not be used."


def test_a_page_says_how_faithful_the_shown_layout_is(store):
    session = page(store)
    view = PatternLayout(session)
    (line,) = view.layout.select({"name": "pattern_fidelity"})
    assert line.text == (
        f"This layout keeps 46{SIGN} of a pattern's 15 nearest (chance 10{SIGN}). Of the 15 "
        f"nearest here, 84{SIGN} are of its head (patch 61{SIGN}, CLS 40{SIGN}, chance 16{SIGN})."
    )
    session.history.change(pattern="cls")
    assert line.text == (
        f"Of the 15 nearest here, 40{SIGN} are of its head (offset 84{SIGN}, patch 61{SIGN}, "
        f"chance 16{SIGN})."
    )
    assert (
        f"of a pattern's 15 nearest 84{SIGN} are of the same head (patch 61{SIGN}, CLS 40{SIGN})"
        in view.help
    )


def test_chance_is_that_of_a_layout_at_random(store):
    heads = np.tile(np.arange(6), 24)
    others = [np.delete(heads, row) == heads[row] for row in range(144)]
    found = fidelity_of(store, "offset")
    assert found.same_head_by_chance == pytest.approx(np.mean(others))
    assert found.kept_by_chance == pytest.approx(15 / 143)


@pytest.mark.parametrize("strange", [np.nan, -0.1, 1.5, "0.4", np.array([0.2, 0.3]), np.inf])
def test_what_is_no_share_is_missing(tmp_path, strange):
    names = ("offset_embedding_preservation", "offset_embedding_same_head")
    store = offset_store(tmp_path / "s.headbrush", **dict.fromkeys(names, strange))
    assert fidelity_words(store, "offset") == MISSING
    assert why_first(store) == ""


def test_an_older_store_says_what_it_lacks(data):
    view = PatternLayout(Session(data, default_state(data)))
    (line,) = view.layout.select({"name": "pattern_fidelity"})
    assert line.text == MISSING
    assert "offset" not in view.help
