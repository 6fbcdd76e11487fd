"""Waiting for a fact, not for a time."""

import time
from collections.abc import Callable

SOON = 60
"""Seconds that nothing takes unless it hangs, also on a busy machine."""


def until(is_so: Callable[[], object], seconds: float = SOON) -> None:
    """Wait until ``is_so()`` is true.

    Raises
    ------
    AssertionError
        If it is not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
