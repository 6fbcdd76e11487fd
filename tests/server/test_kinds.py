"""A class in a legend is a button."""

from itertools import count

import numpy as np
import pytest

from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.description import clause_words
from headbrush.server.session.brush.dot_share import NO_SHARE
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state, to_query
from headbrush.server.views.common.legend_buttons import legend_channel
from headbrush.server.views.images.image_overview import ImageOverview
from tests.server.pages import words

SOME = Clause("images", Ids((1, 2)))


@pytest.fixture
def press(session):
    model = legend_channel({"image_overview": session})
    stamps = count()

    def press(*button):
        model.tags = [*button, next(stamps)]

    return press


def test_classes_join_as_the_keys_say(press, session, data):
    press("image_overview", "class", 1, "replace")
    press("image_overview", "class", 2, "add")
    press("image_overview", "correct", 1, "intersect")
    expected = ((data.labels == 1) | (data.labels == 2)) & ~data.correct
    np.testing.assert_array_equal(session.brush().images, expected)
    assert session.images.selected.indices == np.flatnonzero(expected).tolist()
    press("image_overview", "class", 1, "subtract")
    expected &= data.labels != 1
    np.testing.assert_array_equal(session.brush().images, expected)


def test_without_a_classifier_no_image_is_right_or_wrong(press, session, data, monkeypatch):
    monkeypatch.setattr(data, "probability", np.empty((data.num_images, 0), np.float32))
    session.history.change(clauses=(SOME,))
    press("image_overview", "correct", 1, "replace")
    assert session.state.clauses == (SOME,)
    overview = ImageOverview(session)
    for colour in ("correct", "probability"):
        session.history.change(image_colour=colour)
        assert "no classifier" in words(overview, "image_legend")
        assert len(set(session.images.data["shade"])) == 1
    session.history.change(image_colour="class")
    assert "class-0" in words(overview, "image_legend")


def test_what_leaves_no_image_brushes_none_not_all(press, session, data):
    press("image_overview", "class", 1, "replace")
    press("image_overview", "class", 2, "intersect")
    assert clause_words(session.state.clauses[0], data) == "0 images"
    assert not session.brush().images.any()
    assert not session.brush().patterns.any()
    assert session.images.selected.indices == []
    assert (session.images.data["share"] == 0).all()  # all are faint
    query = to_query(session.state, data)[0]
    assert "brush=images:r:none" in query
    press("image_overview", "class", 2, "add")
    np.testing.assert_array_equal(session.brush().images, data.labels == 2)
    assert (session.images.data["share"] == NO_SHARE).all()


@pytest.mark.parametrize(
    "pressed",
    [
        (), ("image_overview",), (None, "class", 1, "add"), (["x"], "class", 1, "add"),
        ("elsewhere", "class", 1, "add"), ("image_overview", "class", 99, "replace"),
        ("image_overview", "name", 0, "add"), ("image_overview", "class", 0, "evil"),
        ("image_overview", ["class"], 0, "add"), ("image_overview", "class", [0], "add"),
        ("image_overview", "class", -1, "add"), ("image_overview", "class", 0, {"a": 1}),
    ],
)  # fmt: skip
def test_what_is_no_button_changes_nothing(press, session, pressed):
    session.history.change(clauses=(SOME,))
    press(*pressed)
    assert session.state.clauses == (SOME,)


def test_the_column_of_colours_never_holds_numbers(data):
    """A browser draws between two messages: numbers taken for colours are an error there."""
    session = Session(data, default_state(data))
    view = ImageOverview(session)
    for colour in ("class", "probability", "correct", "probability", "class"):
        session.history.change(image_colour=colour)
        assert {type(each) for each in list(session.images.data["shade"])} <= {str, np.str_}
    session.history.change(image_colour="probability")
    field = view.dots.glyph.fill_color.field
    np.testing.assert_array_equal(session.images.data[field], data.label_probability)
