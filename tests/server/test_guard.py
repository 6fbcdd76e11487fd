"""One view that fails leaves the others alone."""

import logging
import queue
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from bokeh.events import SelectionGeometry
from bokeh.models import Div

from headbrush.server.session.state import History, ViewState
from headbrush.server.session.status.error_boundary import Failed, Faults, built
from headbrush.server.tools.latest_only import LatestOnly
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.patterns.picture import PlotPicture
from tests.server.pages import drag, happen, plot_of
from tests.waiting import until


class FineView:
    name = "fine_view"
    title, help = "Fine", "Works."

    def __init__(self, history):
        self.layout = Div(name="fine_view")
        self.seen = []
        history.on_change(["head"], self.react)

    def react(self, new):
        self.seen.append(new.head)


class OddView(FineView):
    """Fails at odd heads."""

    name = "odd_view"

    def __init__(self, history):
        self.layout = Div(name="odd_view")
        history.on_change(["head"], self.react)
        history.on_change(["image"], lambda _state: self._inner_caught())

    def react(self, new):
        self._demand_even(new.head)
        self.seen = [new.head]

    def _demand_even(self, head):
        if head % 2:
            raise ValueError("odd")

    def _inner_caught(self):
        try:
            self._demand_even(1)
        except ValueError:
            self.layout.text = "caught by the view itself"


class HalfView(FineView):
    name = "half_view"
    title = "Half"

    def __init__(self, history):
        history.on_change(["head"], self.react)
        raise KeyError("no such thing")


class FollowingView(FineView):
    """Follows the mouse with work that fails at odd places."""

    name = "following_view"

    def __init__(self, tell):
        self.layout = Div(name="following_view")
        self.shown = []
        self._latest = LatestOnly(lambda place: 1 // (1 - place % 2), self._show, tell)

    def follow(self, place):
        self._latest.ask(place)

    def _show(self, result):
        self.shown.append(result())


@pytest.fixture
def history():
    return History(ViewState(0, 0, 0))


def test_a_view_that_fails_tells_its_name_and_an_id_that_is_in_the_log(history, caplog):
    faults = Faults()
    built(faults, OddView, history)
    fine = built(faults, FineView, history)
    with caplog.at_level(logging.ERROR, "headbrush"):
        history.change(head=1)
    assert fine.seen == [1]
    name, fault = faults.channel.tags
    assert name == "odd_view"
    (record,) = caplog.records
    assert fault in record.getMessage()
    assert record.fields == {"id": fault, "view": "odd_view", "where": "react"}
    assert "ValueError: odd" in caplog.text


def test_the_card_goes_when_the_view_works_again(history):
    faults = Faults()
    built(faults, OddView, history)
    history.change(head=1)
    assert faults.channel.tags
    history.change(head=2)
    assert faults.channel.tags == []


def test_a_view_that_cannot_be_built_is_stood_for_and_never_called_again(history, caplog):
    faults = Faults()
    view = built(faults, HalfView, history)
    fine = built(faults, FineView, history)
    assert isinstance(view, Failed)
    assert (view.title, view.layout.name) == ("Half", "half_view")
    assert faults.channel.tags[0] == "half_view"
    history.change(head=3)
    assert fine.seen == [3]
    assert len(caplog.records) == 1


def test_a_view_may_still_catch_its_own_errors(history):
    faults = Faults()
    view = built(faults, OddView, history)
    history.change(image=2)
    assert view.layout.text == "caught by the view itself"
    assert faults.channel.tags == []


def test_errors_are_caught_on_whatever_thread_builds_the_page(history):
    faults = Faults()

    def build():
        built(faults, OddView, history)
        built(faults, HalfView, history)
        history.change(head=1)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(build).result()
    assert faults.channel.tags[::2] == ["half_view", "odd_view"]


def test_work_that_fails_in_a_thread_is_told_by_the_view_that_asked(caplog):
    faults, told = Faults(), queue.Queue()
    view = built(faults, FollowingView, told.put)
    view.follow(1)
    told.get(timeout=10)()
    name, fault = faults.channel.tags
    assert name == "following_view"
    assert fault in caplog.text
    assert "ZeroDivisionError" in caplog.text
    view.follow(2)
    told.get(timeout=10)()
    assert view.shown == [1]
    assert faults.channel.tags == []


def test_a_preview_that_failed_is_forgotten_when_the_drag_is_over(session, document):
    view = built(session.faults, PatternLayout, session)
    box = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
    with patch.object(PlotPicture, "show", side_effect=ValueError("no picture")):
        happen(SelectionGeometry(plot_of(view), geometry=box, final=False))
        until(lambda: document.session_callbacks)
        document.session_callbacks[0].callback()
    assert session.faults.channel.tags[0] == "pattern_layout"
    drag(view, box)
    assert session.faults.channel.tags == []


def test_a_page_with_a_kind_of_view_twice_tells_which_failed(history):
    faults = Faults()
    for side in ("a_", "b_"):
        built(faults, OddView, history, side=side)
    assert built(faults, HalfView, history, side="b_").layout.name == "b_half_view"
    history.change(head=1)
    assert faults.channel.tags[::2] == ["b_half_view", "a_odd_view", "b_odd_view"]
