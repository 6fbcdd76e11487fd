"""Work beside the page's thread: in order, bounded, never waiting for what hangs."""

import threading
import time
from concurrent.futures import Future
from functools import partial

import pytest

from headbrush.server.stores.model.errors import BusyError
from headbrush.server.stores.model.pool import Pool, Rank
from headbrush.server.tools.threads.thread_queue import ThreadQueue

SOON = 20


@pytest.fixture
def gate():
    """Opens at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def test_answers_come_in_the_order_of_the_questions():
    worker, seen = ThreadQueue("test"), []
    futures = [worker.submit(seen.append, number) for number in range(5)]
    futures[-1].result(SOON)
    assert seen == list(range(5))


def test_an_error_is_the_answer_and_the_thread_goes_on():
    worker = ThreadQueue("test")
    assert isinstance(worker.submit(int, "x").exception(SOON), ValueError)
    assert worker.submit(int, "7").result(SOON) == 7


def test_a_waiting_question_can_be_cancelled(gate):
    worker, seen = ThreadQueue("test"), []
    first = worker.submit(gate.wait, SOON)
    second = worker.submit(seen.append, 2)
    assert second.cancel()
    gate.set()
    first.result(SOON)
    worker.submit(seen.append, 3).result(SOON)
    assert seen == [3]


def test_a_pool_refuses_what_is_too_much_and_says_so(gate):
    pool = Pool("test", most=2)
    waiting = [pool.submit(lambda _job: gate.wait(SOON)) for _ in range(2)]
    with pytest.raises(BusyError, match="busy: 2 questions of other pages are already waiting"):
        pool.submit(lambda _job: 3).result(0)
    waiting[1].cancel()
    third = pool.submit(lambda _job: 3)
    gate.set()
    assert third.result(SOON) == 3
    assert pool.waiting == 0


def test_what_was_cancelled_before_its_turn_is_not_begun(gate):
    pool, seen = Pool("test"), []
    pool.submit(lambda _job: gate.wait(SOON))
    second = pool.submit(lambda _job: seen.append(2))
    assert second.cancel()
    gate.set()
    pool.submit(lambda _job: seen.append(3)).result(SOON)
    assert seen == [3]


@pytest.mark.parametrize("another_waits", [True, False])
def test_what_has_begun_learns_that_nobody_wants_it_while_another_waits(gate, another_waits):
    pool, begun, wanted = Pool("test"), threading.Event(), Future()

    def work(job):
        begun.set()
        gate.wait(SOON)
        wanted.set_result(job.is_wanted())

    first = pool.submit(work)
    assert begun.wait(SOON)
    assert first.cancel()
    if another_waits:
        pool.submit(lambda _job: None)
    gate.set()
    assert wanted.result(SOON) is not another_waits


def test_ranks_are_answered_in_their_order_and_each_in_the_order_of_its_questions(gate):
    pool, seen = Pool("test"), []
    pool.submit(lambda _job: gate.wait(SOON))
    ranks = [Rank.LAST, Rank.GROWING, Rank.FIRST, Rank.LAST, Rank.FIRST, Rank.GROWING]
    futures = [
        pool.submit(partial(lambda place, _job: seen.append(place), place), rank)
        for place, rank in enumerate(ranks)
    ]
    gate.set()
    for future in futures:
        future.result(SOON)
    assert seen == sorted(range(len(ranks)), key=lambda place: ranks[place])


def test_what_is_read_last_waits_for_all_that_grows_answer_by_answer():
    pool, seen, done = Pool("test"), [], threading.Event()

    def grow(left, _answered=None):
        """Ask one after the other, each a little after the answer, as a page does."""
        if left:
            time.sleep(0.005)
            asked = pool.submit(lambda _job: seen.append("growing"), Rank.GROWING)
            asked.add_done_callback(
                lambda _done: threading.Thread(target=grow, args=[left - 1]).start()
            )
        else:
            done.set()

    pool.submit(lambda _job: grow(5)).result(SOON)
    last = pool.submit(lambda _job: seen.append("last"), Rank.LAST)
    last.result(SOON)
    assert done.wait(SOON)
    assert seen == [*["growing"] * 5, "last"]


def test_long_work_gives_way_to_better_ranks_between_its_parts():
    pool, seen, begun, asked = Pool("test"), [], threading.Event(), threading.Event()

    def work(job):
        for part in range(3):
            job.give_way()
            seen.append(part)
            begun.set()
            assert asked.wait(SOON)

    long = pool.submit(work, Rank.GROWING)
    assert begun.wait(SOON)
    others = [pool.submit(partial(lambda one, _job: seen.append(one), rank), rank) for rank in Rank]
    asked.set()
    for future in (long, *others):
        future.result(SOON)
    assert seen == [0, Rank.FIRST, 1, 2, Rank.GROWING, Rank.LAST]
    assert pool.submit(lambda _job: 7).result(SOON) == 7


def test_a_pools_error_is_the_answer_and_it_goes_on():
    pool = Pool("test")
    assert isinstance(pool.submit(lambda _job: int("x")).exception(SOON), ValueError)
    assert pool.submit(lambda _job: 7).result(SOON) == 7
