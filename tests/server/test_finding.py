"""The box over the images finds one by id or name, and brushes those that words describe."""

from itertools import pairwise

import numpy as np
import pytest

from headbrush.analysis.store.tools.name_search import NameSearch
from headbrush.server.session.brush.clause_text import LinkError, clauses_text, read_clauses
from headbrush.server.session.brush.description import clause_words
from headbrush.server.session.brush.image_query import LONGEST, images_found, suggestions
from headbrush.server.views.images.image_overview import ImageOverview
from tests.server.pages import part, words


@pytest.mark.parametrize(
    ("typed", "selected"), [("7", 7), ("class-1/004.png", 4), ("99", None), ("<b>", None)]
)
def test_finding_an_image_by_id_or_name(session, typed, selected):
    view = ImageOverview(session)
    find = part(view, "find_image")
    session.select_image(None)
    find.value = typed
    assert session.state.image == selected
    assert ("is not understood. Understood:" in words(view, "find_note")) == (selected is None)
    assert find.value == ("" if selected is not None else typed)


@pytest.mark.parametrize("typed", ["L1·H1", "l1h1", "L1.H1", "1.1", " head L1·H1", "L1 H1"])
def test_a_head_is_selected_by_its_name(session, typed):
    view = ImageOverview(session)
    session.select_head(0)
    part(view, "find_image").value = typed
    assert (session.state.layer, session.state.head) == (1, 1)
    assert not session.state.clauses
    session.history.undo()
    assert session.head.number == 0


def test_a_head_that_the_model_lacks_is_said(session, data):
    view = ImageOverview(session)
    before = session.state
    part(view, "find_image").value = "L99·H0"
    said = f"no head L99·H0: layers are 0 to {data.num_layers - 1}, heads 0 to"
    assert said in words(view, "find_note")
    assert session.state == before


def test_of_very_many_images_the_names_that_fit_are_sent_as_one_types(session, data, monkeypatch):
    monkeypatch.setattr("headbrush.server.views.images.find_box.MOST_SENT", 10)
    monkeypatch.setattr("headbrush.server.views.images.find_box.OFFERED", 3)
    find = part(ImageOverview(session), "find_image")
    suggested = list(find.completions)
    assert suggested == suggestions(data)
    find.value_input = "S-1/0"
    fitting = [name for name in data.names if "s-1/0" in name]
    assert find.completions == [*suggested, *fitting[:3]]
    find.value = fitting[-1]
    assert session.state.image == data.names.index(fitting[-1])


def test_names_are_found_by_any_part_without_regard_to_case():
    names = ["Straße/1", "b\nc", "STRASSE/2", "a/b", ""]
    found = NameSearch(names)
    for text in ("strasse", "ß/", "/", "B", "b c", "c", "\n", "1b", "zz"):
        folded = text.casefold()
        fitting = [name for name in names if folded in name.casefold().replace("\n", " ")]
        assert found.holding(text, 9) == fitting
        assert found.holding(text, 1) == fitting[:1]
    assert found.number_of["a/b"] == 3


def test_a_class_is_brushed_by_its_name(session, data):
    view = ImageOverview(session)
    find = part(view, "find_image")
    assert set(data.class_names) <= set(find.completions)
    find.value = data.class_names[1]
    np.testing.assert_array_equal(session.brush().images, data.labels == 1)
    assert find.value == words(view, "find_note") == ""
    find.value = "no such class"
    assert "'no' is not understood" in words(view, "find_note")


@pytest.mark.parametrize(
    ("typed", "kind", "image"),
    [("12", 1, None), ("#12", None, 12), ("7", None, 7), ("#7", None, 7), ("#x", None, None)],
)
def test_a_class_called_by_a_number_is_brushed_and_its_image_has_a_sign(
    session, data, typed, kind, image, monkeypatch
):
    monkeypatch.setattr(data, "class_names", ["0", "12", "#x y"])
    view = ImageOverview(session)
    find = part(view, "find_image")
    session.select_image(None)
    session.history.change(clauses=())
    find.value = typed
    assert session.state.image == image
    if kind is not None:
        np.testing.assert_array_equal(session.brush().images, data.labels == kind)
        assert words(view, "find_note") == "class 12 brushed; #12 selects the image"
    else:
        assert not session.brush().active


QUERIES = {
    "wrong": lambda truth, guess, _name: guess != truth,
    "Correct  class-1": lambda truth, guess, _name: guess == truth == 1,
    "true class-0 predicted class-2": lambda truth, guess, _name: (truth, guess) == (0, 2),
    "predicted class-1": lambda _truth, guess, _name: guess == 1,
    "name 00 wrong": lambda truth, guess, name: "00" in name and guess != truth,
    "true class-2 name 1/": lambda truth, _guess, name: truth == 2 and "1/" in name,
    '"class-2" name "2/02"': lambda truth, _guess, name: truth == 2 and "2/02" in name,
    "great white shark": lambda truth, _guess, _name: truth == 3,
    "true great white shark wrong": lambda truth, guess, _name: guess != truth == 3,
    "wrong turn": lambda truth, _guess, _name: truth == 4,
    '"wrong turn" wrong': lambda truth, guess, _name: guess != truth == 4,
}


@pytest.fixture
def odd_classes(data, monkeypatch):
    """Two classes more, of several words, one of which begins as an error does."""
    more = ["class-0", "class-1", "class-2", "great white shark", "wrong turn"]
    monkeypatch.setattr(data, "class_names", more)
    monkeypatch.setattr(data, "labels", np.arange(data.num_images) % 5)
    correctness = (data.predicted != data.labels).astype(int)
    monkeypatch.setattr(data, "correctness", correctness)
    return data


@pytest.mark.parametrize(("query", "fits"), QUERIES.items(), ids=list(QUERIES))
def test_words_find_what_a_slow_look_at_every_image_finds(odd_classes, query, fits):
    told = zip(odd_classes.labels, odd_classes.predicted, odd_classes.names, strict=True)
    expected = [bool(fits(*one)) for one in told]
    assert images_found(query, odd_classes).tolist() == expected
    (clause,) = read_clauses(clauses_text(read_clauses(f"find:a:{query}", odd_classes, 99)),
                             odd_classes, 99)  # fmt: skip
    assert clause.shape.ids == tuple(np.flatnonzero(expected))
    images = "1 image" if sum(expected) == 1 else f"{sum(expected)} images"
    assert clause_words(clause, odd_classes) == f"+ {' '.join(query.split())} · {images}"


@pytest.mark.parametrize(
    "query", ["", "shirt", "true", "true wrong", "predicted 0", "name", "x" * (LONGEST + 1),
              " ".join(["wrong"] * 9), "wrong~correct"],
)  # fmt: skip
def test_a_link_with_words_that_are_not_understood_is_refused(data, query):
    with pytest.raises(LinkError):
        read_clauses(f"find:r:{query}", data, 999)


def test_what_is_offered_is_understood_and_no_other_is_taken_for_it(data):
    offered = suggestions(data)
    assert len(set(offered)) == len(offered)
    assert {"wrong", "correct", "predicted class-0", "true class-1"} < set(offered)
    for place, one in enumerate(offered):
        assert images_found(one, data).any()
        assert not any(one in earlier for earlier in offered[:place])
    confused = [int(images_found(one, data).sum()) for one in offered
                if one.startswith("true ") and "predicted" in one]  # fmt: skip
    assert sum(confused) == (data.correctness == 1).sum()
    assert all(more >= fewer for more, fewer in pairwise(confused))


def test_words_brush_with_undo_and_find_nothing_without_a_brush(session, data):
    view = ImageOverview(session)
    part(view, "find_image").value = "wrong  class-1"
    np.testing.assert_array_equal(
        session.brush().images, (data.labels == 1) & (data.predicted != 1)
    )
    assert session.state.clauses[0].shape.query == "wrong class-1"
    part(view, "find_image").value = "correct wrong"
    assert words(view, "find_note") == "No image fits 'correct wrong'."
    session.history.undo()
    assert not session.state.clauses
