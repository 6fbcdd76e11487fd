"""State changes once, tells whom it concerns, and goes back."""

from types import SimpleNamespace

import pytest

from headbrush.server.session.state import History, Stage, ViewState

START = ViewState(image=0, layer=0, head=0)


def test_a_change_tells_each_follower_once_and_only_of_its_parts():
    history = History(START)
    seen = []
    history.on_change(["image", "head"], lambda state: seen.append(state.image))
    history.on_change(["metric"], lambda _state: seen.append("metric"))
    history.change(image=3, head=1)
    history.change(image=3)
    history.change(layer=2)
    assert seen == [3]


def test_a_follower_hears_of_the_state_now_and_stages_come_in_their_order():
    history = History(START)
    seen = []
    for stage in (Stage.PAGE, Stage.VIEWS, Stage.SOURCES):
        history.follow(["head"], lambda state, stage=stage: seen.append((stage, state.head)), stage)
    assert seen == [(Stage.PAGE, 0), (Stage.VIEWS, 0), (Stage.SOURCES, 0)]
    seen.clear()
    history.change(head=2)
    assert seen == [(Stage.SOURCES, 2), (Stage.VIEWS, 2), (Stage.PAGE, 2)]


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


def test_a_step_is_found_by_its_number_past_others():
    history = History(START)
    numbers, states = [history.step], [history.state]
    for image in (1, 2, 3):
        history.change(image=image)
        numbers.append(history.step)
        states.append(history.state)
    for place in (1, 3, 0, 2):
        history.go_to(numbers[place])
        assert history.state == states[place]
        assert (history.has_past, history.has_future) == (place > 0, place < 3)


def test_a_gesture_is_closed_before_the_way_back():
    history = History(START)
    first = history.step
    history.preview(image=4)
    assert history.has_past
    history.go_to(first)
    assert history.state == START
    history.redo()
    assert history.state.image == 4


def test_zooming_is_no_step_to_undo():
    history = History(START)
    history.change(image=1)
    history.change(pattern_range=(0.0, 1.0, 0.0, 1.0))
    history.undo()
    assert history.state.image == 0


def test_a_part_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no such part"):
        History(START).on_change(["colour"], print)


def test_a_gesture_of_many_previews_is_one_step():
    history = History(START)
    seen = []
    history.on_change(["head"], lambda state: seen.append(state.head))
    for head in (1, 2, 3):
        history.preview(head=head)
    history.settle()
    history.settle()
    assert seen == [1, 2, 3]
    history.undo()
    assert history.state == START
    history.redo()
    assert history.state.head == 3


def test_a_gesture_that_ends_where_it_began_is_no_step():
    history = History(START)
    history.change(image=5)
    history.preview(head=1)
    history.preview(head=0)
    history.settle()
    history.undo()
    assert history.state == START


def test_undo_in_the_middle_of_a_gesture_takes_the_gesture_back():
    history = History(START)
    history.change(image=5)
    history.preview(head=1)
    history.undo()
    assert history.state == ViewState(image=5, layer=0, head=0)


class Widget(SimpleNamespace):
    def update(self, **values):
        vars(self).update(values)

    def on_change(self, attribute, callback):
        self.changed = (attribute, callback)


def test_a_bound_widget_shows_and_sets_its_part():
    history = History(START)
    menu, buttons = Widget(), Widget()
    history.bind(menu, "metric")
    history.bind(buttons, "pattern", ("patch", "cls"))
    assert (menu.value, buttons.active) == ("jsd", 0)
    history.change(metric="cls", pattern="cls")
    assert (menu.value, buttons.active) == ("cls", 1)
    attribute, callback = buttons.changed
    callback(attribute, 1, 0)
    assert history.state.pattern == "patch"
    history.undo()
    assert buttons.active == 1


def test_a_hidden_workspace_hears_once_of_all_it_missed_when_it_is_shown():
    history = History(START)
    seen = []
    with history.only_in("explore"):
        history.follow(["head"], lambda state: seen.append(("head", state.head)))
        history.follow(["metric"], lambda state: seen.append(("metric", state.metric)))
    history.follow(["head"], lambda state: seen.append(("always", state.head)))
    seen.clear()
    history.change(workspace="elsewhere")
    history.change(head=1)
    history.change(head=2)
    assert seen == [("always", 1), ("always", 2)]
    seen.clear()
    history.change(workspace="explore")
    assert seen == [("head", 2)]
    seen.clear()
    history.change(metric="cls")
    assert seen == [("metric", "cls")]


def test_undo_leads_back_to_the_workspace_of_a_step():
    history = History(START)
    history.change(workspace="elsewhere")
    history.change(head=1)
    history.undo()
    assert (history.state.workspace, history.state.head) == ("elsewhere", 0)
    history.undo()
    assert history.state == START
