"""One page's questions to the model: the newest counts; and what is kept of the answers."""

from concurrent.futures import Future

import pytest
from bokeh.document import Document

from analysis.errors import InputError
from server.live import LatestQuestion
from server.recent import Recent


class Page:
    """A document whose waiting callbacks run when the test says so."""

    def __init__(self):
        self.document = Document()
        self.question = LatestQuestion(self.document)
        self.delivered, self.waits = [], []

    def ask(self, future):
        self.question.ask(
            future, lambda *given: self.delivered.append(given), lambda: self.waits.append(future)
        )

    def run(self, kind):
        """Run the callbacks of a kind, ``NextTickCallback`` or ``TimeoutCallback``."""
        for callback in self.document.session_callbacks:
            if type(callback).__name__ == kind:
                callback.callback()


@pytest.fixture
def page():
    return Page()


def test_an_answer_is_delivered_on_the_loop_not_before(page):
    future = Future()
    page.ask(future)
    future.set_result(7)
    assert page.delivered == []
    page.run("NextTickCallback")
    assert page.delivered == [(7, "")]


def test_a_known_answer_needs_no_loop_and_no_waiting(page):
    future = Future()
    future.set_result(7)
    page.ask(future)
    assert page.delivered == [(7, "")]
    assert page.document.session_callbacks == []


def test_a_newer_question_cancels_the_one_that_waits(page):
    first, second = Future(), Future()
    page.ask(first)
    page.ask(second)
    assert first.cancelled()
    second.set_result(2)
    page.run("NextTickCallback")
    assert page.delivered == [(2, "")]


def test_a_late_answer_to_an_old_question_is_dropped(page):
    first, second = Future(), Future()
    page.ask(first)
    first.set_running_or_notify_cancel()
    page.ask(second)
    assert not first.cancelled()
    first.set_result(1)
    page.run("NextTickCallback")
    assert page.delivered == []


def test_waiting_is_shown_after_200_ms_and_only_where_the_answer_has_not_come(page):
    first, second, third = Future(), Future(), Future()
    page.ask(first)
    page.ask(second)
    assert {callback.timeout for callback in page.document.session_callbacks} == {200}
    page.run("TimeoutCallback")
    assert page.waits == [second]
    page.ask(third)
    third.set_result(3)
    page.run("NextTickCallback")
    page.run("TimeoutCallback")
    assert page.waits == [second]


@pytest.mark.parametrize(
    ("error", "said"),
    [(InputError("put it back"), "put it back"), (KeyError("qkv"), "The model failed: KeyError")],
)
def test_a_fault_is_a_sentence(page, error, said):
    future = Future()
    page.ask(future)
    future.set_exception(error)
    page.run("NextTickCallback")
    ((result, fault),) = page.delivered
    assert result is None
    assert fault.startswith(said)


def test_a_closed_page_asks_no_more(page):
    future = Future()
    page.ask(future)
    for callback in page.document.callbacks.session_destroyed_callbacks:
        callback(None)
    assert future.cancelled()


def test_results_are_forgotten_least_recently_used_first():
    kept = Recent(30)
    for key in "abc":
        kept.put(key, key.upper(), 10)
    assert kept.get("a") == "A"
    kept.put("d", "D", 10)
    assert [kept.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_a_result_put_twice_counts_once():
    kept = Recent(20)
    for _ in range(5):
        kept.put("a", "A", 10)
    kept.put("b", "B", 10)
    assert [kept.get(key) for key in "ab"] == ["A", "B"]


def test_a_result_larger_than_the_budget_is_kept_alone():
    kept = Recent(5)
    kept.put("a", "A", 3)
    kept.put("b", "B", 10)
    assert [kept.get(key) for key in "ab"] == [None, "B"]
