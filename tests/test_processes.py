"""Processes of tests end, also one that is stopped or does not listen."""

import signal
import subprocess
import sys

import pytest

from tests.processes import stop


def started(code):
    words = [sys.executable, "-c", f"{code}\nprint(1, flush=True)\nimport time\ntime.sleep(60)"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    return process


def test_one_that_is_stopped_ends_when_asked():
    process = started("")
    process.send_signal(signal.SIGSTOP)
    stop(process)
    assert process.returncode == -signal.SIGTERM
    stop(process)  # it has ended


def test_one_that_does_not_listen_is_killed_and_that_is_said():
    process = started("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    with pytest.raises(subprocess.TimeoutExpired):
        stop(process, 0.5)
    assert process.returncode == -signal.SIGKILL
