"""State changes once, tells whom it concerns, goes back, and travels in a link."""

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.state import History, ViewState, default_state, from_query, to_query

START = ViewState(image=0, layer=0, head=0)


def test_a_change_tells_each_subscriber_once_and_only_of_its_parts():
    history = History(START)
    seen = []
    history.subscribe(["image", "head"], lambda old, new: seen.append((old.image, new.image)))
    history.subscribe(["metric"], lambda _old, _new: seen.append("metric"))
    history.change(image=3, head=1)
    history.change(image=3)
    history.change(layer=2)
    assert seen == [(0, 3)]


def test_undo_and_redo_walk_the_states():
    history = History(START)
    history.change(image=1)
    history.change(metric="cls")
    history.undo()
    assert history.state == ViewState(image=1, layer=0, head=0)
    history.redo()
    assert history.state.metric == "cls"
    history.undo()
    history.undo()
    history.undo()
    assert history.state == START
    history.change(image=7)
    history.redo()
    assert history.state.image == 7


def test_zooming_is_no_step_to_undo():
    history = History(START)
    history.change(image=1)
    history.change(pattern_range=(0.0, 1.0, 0.0, 1.0))
    history.undo()
    assert history.state.image == 0


def test_a_part_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no such part"):
        History(START).subscribe(["colour"], print)


def arguments(query):
    return {key: [value.encode() for value in values] for key, values in parse_qs(query).items()}


@pytest.mark.parametrize("image", [None, 5])
def test_a_link_opens_the_same_state(data, image):
    state = ViewState(
        image=image,
        layer=2,
        head=1,
        metric="patch",
        image_colour="correct",
        pattern="cls",
        pattern_style="points",
        pattern_colour="layer",
    )
    assert from_query(arguments(to_query(state, data)), data) == (state, "")


def test_the_first_screen_selects_a_head_and_a_kept_image(data):
    state = default_state(data)
    assert state.image in data.store.kept_images
    assert data.correct[state.image]
    means = data.importance("jsd").mean(0)
    assert means[data.head_number(state.layer, state.head)] == means.max()


@pytest.mark.parametrize(
    "query",
    [
        "image=99",
        "image=-1",
        "image=1e3",
        f"image={'9' * 5000}",
        f"head=0.{'0' * 5000}",
        "head=3.0",
        "head=0",
        "head=0.9",
        "metric=evil",
    ],
)
def test_a_bad_link_opens_the_first_screen_with_a_note(data, query):
    state, note = from_query(arguments(query), data)
    assert state == default_state(data)
    assert query.split("=")[0] in note


@given(st.dictionaries(st.sampled_from(["image", "head", "metric", "v", "x"]), st.binary()))
def test_no_link_breaks_the_page(data, pairs):
    state, _ = from_query({key: [value] for key, value in pairs.items()}, data)
    assert state.image is None or 0 <= state.image < data.num_images
    assert 0 <= state.layer < data.num_layers
    assert 0 <= state.head < data.heads_per_layer
