"""One loop over very many values on all cores: compiled loops do not hold Python's lock."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
_MOST = 8
_LEAST = 1_000_000
"""Values a part; a thread is not asked for less than a millisecond of work."""
_CORES = min(_MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
_OTHERS = ThreadPoolExecutor(max(1, _CORES - 1), thread_name_prefix="headbrush-part")


def in_parts(work: Callable[[int, int], T], count: int, width: int = 1) -> list[T]:
    """What ``work(begin, end)`` returns for the parts of ``range(count)``, in their order.

    Parameters
    ----------
    work
        Calls a compiled loop; never this function.
    width
        Values of each of the ``count`` rows.
    """
    parts = max(1, min(_CORES, count * width // _LEAST))
    edges = [count * part // parts for part in range(parts + 1)]
    first, *rest = pairwise(edges)
    others = [_OTHERS.submit(work, *part) for part in rest]
    return [work(*first), *(other.result() for other in others)]
