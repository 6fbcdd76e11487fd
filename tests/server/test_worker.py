"""Work beside the page's thread: in order, bounded, never waiting for what hangs."""

import threading

import pytest

from server.worker import BusyError, Pool, Worker

SOON = 20


@pytest.fixture
def gate():
    """Opens at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def test_answers_come_in_the_order_of_the_questions():
    worker, seen = Worker("test"), []
    futures = [worker.submit(seen.append, number) for number in range(5)]
    futures[-1].result(SOON)
    assert seen == list(range(5))


def test_an_error_is_the_answer_and_the_thread_goes_on():
    worker = Worker("test")
    assert isinstance(worker.submit(int, "x").exception(SOON), ValueError)
    assert worker.submit(int, "7").result(SOON) == 7


def test_a_waiting_question_can_be_cancelled(gate):
    worker, seen = Worker("test"), []
    first = worker.submit(gate.wait, SOON)
    second = worker.submit(seen.append, 2)
    assert second.cancel()
    gate.set()
    first.result(SOON)
    worker.submit(seen.append, 3).result(SOON)
    assert seen == [3]


def test_a_pool_refuses_what_is_too_much_and_says_so(gate):
    pool = Pool("test", most=2)
    waiting = [pool.submit(lambda: gate.wait(SOON)) for _ in range(2)]
    with pytest.raises(BusyError, match="busy: 2 questions of other pages wait already"):
        pool.submit(lambda: 3).result(0)
    waiting[1].cancel()
    third = pool.submit(lambda: 3)
    gate.set()
    assert third.result(SOON) == 3
    assert pool.waiting == 0


def test_a_hanging_thread_is_left_and_another_answers(gate):
    pool = Pool("test", patience=0)
    begun = threading.Event()
    hanging = pool.submit(lambda: (begun.set(), gate.wait(SOON)))
    begun.wait(SOON)
    assert pool.submit(lambda: 7).result(SOON) == 7
    gate.set()
    hanging.result(SOON)
    assert pool.submit(lambda: 8).result(SOON) == 8


def test_a_thread_that_works_for_a_short_time_is_not_left(gate):
    pool = Pool("test", patience=SOON)
    first = pool.submit(lambda: (gate.wait(SOON), threading.current_thread())[1])
    second = pool.submit(threading.current_thread)
    gate.set()
    assert first.result(SOON) is second.result(SOON)
