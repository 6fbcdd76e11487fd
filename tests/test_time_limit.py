"""A test that hangs fails by its name, in this process and in a worker of xdist, and others run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HANGING = """
import threading, time, pytest

@pytest.fixture
def ended(tmp_path_factory):
    yield
    print("fixture ended")

def test_before(): pass

@pytest.mark.timeout(1)
def test_that_hangs(ended): threading.Lock().acquire() and threading.Event().wait()

def test_after(): pass
"""
DEAF = """
import signal, time, pytest

@pytest.mark.timeout(1)
def test_that_is_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)
"""


def run(folder, code, *words, last_resort=120):
    (folder / "test_hanging.py").write_text(code)
    conftest = (ROOT / "tests" / "conftest.py").read_text()
    edited = conftest.replace("LAST_RESORT_S = 120", f"LAST_RESORT_S = {last_resort}")
    assert (edited != conftest) == (last_resort != 120)
    (folder / "conftest.py").write_text(edited)
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 60\ntimeout_method = signal\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, str(folder)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_a_hanging_test_fails_by_name_and_the_others_run(tmp_path, workers):
    done = run(tmp_path, HANGING, *workers)
    assert "1 failed, 2 passed" in done.stdout
    assert "test_that_hangs" in done.stdout
    assert "Timeout" in done.stdout
    assert "fixture ended" in done.stdout
    assert "crashed" not in done.stdout


def test_a_process_that_the_signal_does_not_end_is_killed_and_says_where_it_was(tmp_path):
    done = run(tmp_path, DEAF, last_resort=1)
    assert done.returncode == 1
    assert "in test_that_is_deaf" in done.stderr
