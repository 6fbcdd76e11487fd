"""One page's questions to the model: the newest counts; and what is kept of the answers."""

from concurrent.futures import Future

import pytest
from bokeh.document import Document

from headbrush.analysis.store.errors import InputError
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.pending_answer import PATIENCE_MS, TIME_OUT_MS, PendingAnswer
from tests.server.fakes import pass_time, run


class Page:
    """A document whose waiting callbacks run when the test says so."""

    def __init__(self):
        self.document = Document()
        self.question = PendingAnswer(self.document)
        self.delivered, self.waits = [], []

    def ask(self, future):
        self.question.ask(
            future, lambda *given: self.delivered.append(given), lambda: self.waits.append(future)
        )

    def run(self):
        """Run what waits for the loop."""
        run(self.document)

    def wait(self, milliseconds):
        """Let so much time pass."""
        pass_time(self.document, milliseconds)


@pytest.fixture
def page():
    return Page()


def test_an_answer_is_delivered_on_the_loop_not_before(page):
    future = Future()
    page.ask(future)
    future.set_result(7)
    assert page.delivered == []
    page.run()
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
    page.run()
    assert page.delivered == [(2, "")]


def test_a_late_answer_to_an_old_question_is_dropped(page):
    first, second = Future(), Future()
    page.ask(first)
    first.set_running_or_notify_cancel()
    page.ask(second)
    assert not first.cancelled()
    first.set_result(1)
    page.run()
    assert page.delivered == []


def test_waiting_is_shown_after_200_ms_and_only_where_the_answer_has_not_come(page):
    first, second, third = Future(), Future(), Future()
    page.ask(first)
    page.ask(second)
    page.wait(PATIENCE_MS - 1)
    assert page.waits == []
    page.wait(PATIENCE_MS)
    assert page.waits == [second]
    page.ask(third)
    third.set_result(3)
    page.run()
    page.wait(PATIENCE_MS)
    assert page.waits == [second]


def test_after_a_minute_a_question_is_given_up_and_the_page_says_so(page):
    slow = Future()
    page.ask(slow)
    page.wait(TIME_OUT_MS - 1)
    assert page.delivered == []
    page.wait(TIME_OUT_MS)
    ((result, fault),) = page.delivered
    assert result is None
    assert "No answer within a minute" in fault
    assert slow.cancelled()


def test_an_answered_question_leaves_no_timer(page):
    future = Future()
    page.ask(future)
    future.set_result(7)
    page.run()
    assert page.document.session_callbacks == []


@pytest.mark.parametrize(
    ("error", "said"),
    [(InputError("put it back"), "put it back"), (KeyError("qkv"), "The model failed: KeyError")],
)
def test_a_fault_is_a_sentence(page, error, said):
    future = Future()
    page.ask(future)
    future.set_exception(error)
    page.run()
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
    kept = ByteLRU(30)
    for key in "abc":
        kept.put(key, key.upper(), 10)
    assert kept.get("a") == "A"
    kept.put("d", "D", 10)
    assert [kept.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_a_result_put_twice_counts_once():
    kept = ByteLRU(20)
    for _ in range(5):
        kept.put("a", "A", 10)
    kept.put("b", "B", 10)
    assert [kept.get(key) for key in "ab"] == ["A", "B"]


def test_a_result_larger_than_the_budget_is_kept_alone():
    kept = ByteLRU(5)
    kept.put("a", "A", 3)
    kept.put("b", "B", 10)
    assert [kept.get(key) for key in "ab"] == [None, "B"]
