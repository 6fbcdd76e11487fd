"""Only the newest request counts."""

import queue
import threading

import pytest

from headbrush.server.tools.latest_only import LatestOnly


class Page:
    """Calls, on the test's own thread, what it is told to call."""

    def __init__(self):
        self.told = queue.Queue()
        self.computed, self.shown = [], []
        self.gate = threading.Semaphore(0)
        self.latest = LatestOnly(self.compute, self.show, self.told.put)

    def compute(self, request):
        self.gate.acquire(timeout=10)
        self.computed.append(request)
        return -request

    def show(self, result):
        self.shown.append(result())

    def finish(self):
        self.gate.release()
        self.told.get(timeout=10)()


@pytest.fixture
def page():
    return Page()


def test_of_a_burst_the_first_and_the_last_are_computed_and_the_last_one_wins(page):
    for request in range(1, 51):
        page.latest.ask(request)
    page.finish()
    page.finish()
    assert page.computed == [1, 50]
    assert page.shown == [-1, -50]
    assert page.told.empty()


def test_a_burst_while_it_is_computed_costs_at_most_three_computations(page):
    for request in range(1, 51):
        page.latest.ask(request)
        if request == 25:
            page.finish()
    page.finish()
    page.finish()
    assert page.computed == [1, 25, 50]
    assert page.shown[-1] == -50


def test_what_was_dropped_is_not_shown_and_does_not_stop_what_follows(page):
    page.latest.ask(1)
    page.latest.ask(2)
    page.latest.drop()
    page.latest.ask(3)
    page.finish()
    page.finish()
    assert page.computed == [1, 3]
    assert page.shown == [-3]


def test_after_a_fault_the_next_request_is_answered():
    told = queue.Queue()
    shown = []
    latest = LatestOnly(lambda number: 1 / number, lambda result: shown.append(result()), told.put)
    latest.ask(0)
    with pytest.raises(ZeroDivisionError):
        told.get(timeout=10)()
    latest.ask(2)
    told.get(timeout=10)()
    assert shown == [0.5]


def test_what_came_after_a_fault_is_not_forgotten():
    told = queue.Queue()
    shown = []
    latest = LatestOnly(lambda number: 1 / number, lambda result: shown.append(result()), told.put)
    latest.ask(0)
    latest.ask(4)
    with pytest.raises(ZeroDivisionError):
        told.get(timeout=10)()
    told.get(timeout=10)()
    assert shown == [0.25]
