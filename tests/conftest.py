"""A time limit for every test: pytest-timeout fails it; a process that survives that is killed."""

import faulthandler
import os

import pytest

LAST_RESORT_S = 120
"""After the limit of pytest-timeout, whose signal cannot end code that never returns to Python."""


def pytest_configure(config):
    """Keep the terminal's standard error, which pytest captures later."""
    config.stash[STDERR] = os.dup(2)


STDERR = pytest.StashKey[int]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Write where each thread is and kill this process if the test hangs for good."""
    marker = item.get_closest_marker("timeout")
    limit = marker.args[0] if marker else float(item.config.getini("timeout") or 0)
    if limit and not item.config.getoption("usepdb"):
        stderr = item.config.stash[STDERR]
        faulthandler.dump_traceback_later(limit + LAST_RESORT_S, exit=True, file=stderr)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
