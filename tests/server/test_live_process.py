"""The models' process: what is left when it dies, hangs, or the one that asks is gone."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import psutil
import pytest

from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.process import LiveProcess
from headbrush.server.stores.model.process_main import Answering
from tests.waiting import SOON, until

ROOT = Path(__file__).parent.parent.parent
_PLAYED = """
import os, time
from headbrush.server.stores.model import process_main
def answer(_self, question):
    kind, given = question["ask"], question["of"]
    if kind == "exit": os._exit(given[0])
    if kind == "kill": os.kill(os.getpid(), given[0])
    if kind == "sleep": time.sleep(given[0])
    return {"niceness": os.nice(0), "pid": os.getpid()}
process_main.Answering.answer = answer
process_main.main()
"""
"""A process that answers at once, and ends or sleeps when it is told to."""


def ask(kind, *given):
    return {"ask": kind, "of": given}


@pytest.fixture
def played():
    """What is asked runs no model."""
    with patch(
        "headbrush.server.tools.child_process.command_of",
        lambda _m: [sys.executable, "-c", _PLAYED],
    ):
        yield


@pytest.fixture
def process(played):  # noqa: ARG001
    """A process that plays the model's; it ends with the test."""
    with closing(LiveProcess()) as made:
        yield made


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_it_starts_when_asked_and_is_less_urgent(process):
    assert process.pid is None
    answer = process.ask(ask("what"))
    assert answer["pid"] == process.pid != os.getpid()
    assert answer["niceness"] == min(19, os.nice(0) + 10)
    assert process.ask(ask("what"))["pid"] == process.pid


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (ask("kill", signal.SIGSEGV), r"\(SIGSEGV\)"),
        (ask("kill", signal.SIGKILL), r"\(SIGKILL, often because memory ran out\)"),
        (ask("exit", 3), r"\(exit status 3\)"),
    ],
)
def test_a_crash_is_one_sentence_and_the_next_question_is_answered(process, caplog, end, how):
    with pytest.raises(LiveError, match=f"^The model's process ended without an answer {how}"):
        process.ask(end)
    assert "the model process ended" in caplog.text
    assert process.ask(ask("what"))["pid"] == process.pid


def test_one_that_died_between_questions_leaves_no_zombie_and_is_started_again(process):
    first = process.ask(ask("what"))["pid"]
    os.kill(int(first), signal.SIGKILL)
    until(lambda: not psutil.pid_exists(int(first)))
    assert process.pid is None
    assert process.ask(ask("what"))["pid"] != first


@pytest.mark.usefixtures("played")
def test_what_takes_too_long_is_stopped():
    with closing(LiveProcess(limit=1)) as process:
        pid = int(process.ask(ask("what"), limit=SOON)["pid"])
        with pytest.raises(LiveError, match=r"within 1 s, so it was stopped\. Select it again"):
            process.ask(ask("sleep", 60))
        assert not psutil.pid_exists(pid)


@pytest.mark.usefixtures("played")
def test_one_question_may_take_longer_than_others_or_less_long():
    with closing(LiveProcess(limit=0.5)) as process:
        assert process.ask(ask("sleep", 1.5), limit=SOON)["pid"] == process.pid
        with pytest.raises(LiveError, match="no answer within 1 s"):
            process.ask(ask("sleep", 60), limit=1)


@pytest.fixture
def hasty(played):  # noqa: ARG001
    """A process whose unwanted answers may take two seconds."""
    with closing(LiveProcess(patience=2)) as made:
        yield made


def test_what_nobody_wants_is_broken_off_after_a_while_only(hasty):
    process = hasty
    pid = process.ask(ask("what"))["pid"]
    assert process.ask(ask("sleep", 0.1), lambda: False)["pid"] == pid
    with pytest.raises(LiveError, match="Nobody is waiting"):
        process.ask(ask("sleep", 60), lambda: False)
    assert process.ask(ask("what"))["pid"] != pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_one_that_asks_even_in_the_midst_of_work(number):
    code = textwrap.dedent("""
        import sys, threading, time
        from unittest.mock import patch
        from headbrush.server.stores.model import process
        from headbrush.server.tools import child_process
        words = [sys.executable, "-c", sys.argv[1]]
        with patch.object(child_process, "command_of", lambda _module: words):
            live = process.LiveProcess()
            print(live.ask({"ask": "what", "of": []})["pid"], flush=True)
            live.ask({"ask": "sleep", "of": [60]})
    """)
    words = [sys.executable, "-c", code, _PLAYED]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as asking:
        try:
            pid = int(asking.stdout.readline())
            assert psutil.pid_exists(pid)
            asking.send_signal(number)
            asking.wait(SOON)
        finally:
            asking.kill()
    until(lambda: is_gone(pid))


def test_a_failure_that_is_no_fault_of_the_store_is_logged_and_told(store_path, caplog):
    store = Store(store_path)
    question = {"store": str(store.path), "stamp": store.stamp, "ask": "attention", "of": [0, 0]}
    answer = Answering().answer(question)
    assert str(answer["fault"]).startswith("The model failed: TypeError")
    with (
        closing(LiveProcess()) as process,
        pytest.raises(LiveError, match="The model failed: TypeError"),
    ):
        process.ask(question)
    assert "Traceback" in caplog.text


def test_a_store_that_was_replaced_is_not_asked(store_path):
    store = Store(store_path)
    question = {"store": str(store.path), "stamp": (0, 0, 0), "ask": "load", "of": []}
    assert "was replaced" in str(Answering().answer(question)["fault"])


def test_few_stores_stay_loaded(tmp_path, store_path):
    freed = []

    class Loaded:
        """A model that is loaded, and tells when it is not any more."""

        def __init__(self, store):
            self.name = store.path.name

        def load(self):
            return {}

        attention = partial_pruning = predictions = importance = load
        explaining = SimpleNamespace(answers={})

        def unload(self):
            freed.append(self.name)

    answering = Answering()
    with patch("headbrush.server.stores.model.process_main.StoreModel", Loaded):
        for number in (0, 1, 2, 1, 3):
            place = tmp_path / f"{number}.headbrush"
            if not place.exists():
                place.symlink_to(store_path)
            question = {"store": str(place), "stamp": Store(place).stamp, "ask": "load", "of": []}
            assert answering.answer(question) == {}
    assert freed == ["0.headbrush", "2.headbrush"]
