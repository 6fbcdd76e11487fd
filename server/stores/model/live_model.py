"""What the store does not hold, computed by the model itself when asked for, in another process."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.null_model import NoModel, runs_none
from headbrush.server.stores.model.pool import Pool
from headbrush.server.stores.model.process import LiveProcess
from headbrush.server.tools.byte_lru import Recent

_MEBIBYTE = 2**20
_POOL = Pool("headbrush-live")
_PROCESS = LiveProcess()
_LOADING_S = 900
"""A large model on a slow disk, or on a busy machine: stopped earlier, it would never be loaded."""
_ASKED_BY_A_PAGE = 4
"""Questions at once: the model itself, a matrix, and two views of pruning."""


@dataclass(frozen=True)
class Pruned:
    """One head of one image under every mode, see ``PartialPruning``."""

    metrics: np.ndarray
    probability: np.ndarray


class LiveModel:
    """The model of a store, loaded by a process beside this one when it is first needed.

    It answers all questions, in the order in which they come. A future can be cancelled at any
    time; a long computation is then broken off if others wait. Results are kept and shared by all
    pages. A future may hold a :class:`LiveError`, or :class:`BusyError` where too many wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = {"store": str(store.path.absolute()), "stamp": store.stamp}
        self._matrices = Recent(64 * _MEBIBYTE)
        self._prunings = Recent(16 * _MEBIBYTE)

    def attention(self, image: int, layer: int, head: int) -> "Future[np.ndarray]":
        """Ask for ``(T, T)`` float32 of one head."""
        return self._ask(self._matrices, "attention", _matrix, image, layer, head)

    def partial_pruning(self, image: int, layer: int, head: int) -> "Future[Pruned]":
        """Ask for the metrics and predictions of one head under every mode."""
        return self._ask(self._prunings, "partial_pruning", Pruned, image, layer, head)

    def warm_up(self) -> None:
        """Load the model in the background, so that the first question does not wait for it."""
        _POOL.submit(lambda _is_wanted: self._load())

    def wait(self) -> None:
        """Until all that was asked so far is answered."""
        _POOL.submit(lambda _is_wanted: None).result()

    def _ask(self, kept: Recent, what: str, make: Callable[..., Any], *key: int) -> "Future[Any]":
        def answer(is_wanted: Callable[[], bool]) -> Any:
            found = kept.get(key)
            if found is None:
                self._load()  # whole, whoever leaves: the next would wait for it from its beginning
                arrays = _PROCESS.ask({**self._store, "ask": what, "of": key}, is_wanted)
                found = make(**arrays)
                kept.put(key, found, sum(array.nbytes for array in arrays.values()))
            return found

        known = kept.get(key)
        if known is None:
            return _POOL.submit(answer)
        done: Future[Any] = Future()
        done.set_result(known)
        return done

    def _load(self) -> None:
        _PROCESS.ask({**self._store, "ask": "load", "of": ()}, limit=_LOADING_S)


def _matrix(matrix: np.ndarray) -> np.ndarray:
    return matrix


@lru_cache(maxsize=16)
def live_model(store: Store) -> LiveModel | NoModel:
    """The live model of a store, one a process."""
    return NoModel() if runs_none() else LiveModel(store)


def waiting_words() -> str:
    """What a page says while it waits for the model."""
    others = _POOL.waiting - _ASKED_BY_A_PAGE
    if others < 1:
        return "computing with the model …"
    return f"computing … {others} others wait"
