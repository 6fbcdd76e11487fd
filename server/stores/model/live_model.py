"""The live model: computes on demand, in another process, what the store does not hold."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from headbrush.analysis.explain.words import Sources
from headbrush.analysis.model.pruning.modes import PrunedHead
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.null_model import NullModel, runs_none
from headbrush.server.stores.model.pool import Job, Pool, Rank
from headbrush.server.stores.model.process import LiveProcess
from headbrush.server.tools.byte_lru import ByteLRU

T = TypeVar("T")
_MEBIBYTE = 2**20
_POOL = Pool("headbrush-live")
_PROCESS = LiveProcess()
LOADING_S = 900
"""A large model on a slow disk, or on a busy machine: stopped earlier, it would never be loaded."""
_loading = threading.Lock()
"""Held while a model is loaded, which takes no time where it is."""
_ASKED_BY_A_PAGE = 4
"""Questions at once: the model itself, a matrix, pruning, and an explanation."""


class LiveModel:
    """The model of a store, loaded by a process beside this one when it is first needed.

    It answers all questions, in the order in which they come. A future can be cancelled at any
    time; a long computation is then broken off if others wait. Results are kept and shared by all
    pages. A future may hold a :class:`LiveError`, or :class:`BusyError` where too many wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._matrices: ByteLRU[np.ndarray] = ByteLRU(64 * _MEBIBYTE)
        self._prunings: ByteLRU[PrunedHead] = ByteLRU(16 * _MEBIBYTE)
        self._explained: ByteLRU[Any] = ByteLRU(64 * _MEBIBYTE)

    def attention(self, image: int, layer: int, head: int) -> "Future[np.ndarray]":
        """Ask for ``(T, T)`` float32 of one head."""
        return self._ask(
            self._matrices, "attention", lambda arrays: arrays["matrix"], (image, layer, head)
        )

    def partial_pruning(
        self, image: int, layer: int, head: int, rank: Rank = Rank.FIRST
    ) -> "Future[PrunedHead]":
        """Ask for the metrics and predictions of one head under every mode.

        One image of many is ``GROWING``.
        """
        return self._ask(
            self._prunings,
            "partial_pruning",
            lambda arrays: PrunedHead(**arrays),
            (image, layer, head),
            rank,
        )

    def predictions(
        self, images: Sequence[int], pruned: PruneSet, rank: Rank = Rank.GROWING
    ) -> "Future[np.ndarray]":
        """Ask for ``(n, classes)`` probabilities of a few images under a prune set.

        For many, ask for one batch after the other, and cancel when the set is another.
        """
        key = (tuple(int(image) for image in images), str(pruned))
        return self._ask(
            self._matrices, "predictions", lambda arrays: arrays["probability"], key, rank
        )

    def importance(
        self, image: int, pruned: PruneSet, rank: Rank = Rank.FIRST
    ) -> "Future[np.ndarray]":
        """Ask for what pruning one more head changes: ``(metric, L, H)`` float32."""
        key = (int(image), str(pruned))
        parts = [(*key, layer) for layer in range(self._store.sizes["layer"])]
        return self._ask(
            self._matrices, "importance", lambda arrays: arrays["metrics"], key, rank, parts
        )

    def sources(self, image: int, which: int) -> "Future[Sources]":
        """Ask for what each head does with the patches of one image, for a class."""
        return self._ask(
            self._explained, "sources", lambda arrays: Sources(**arrays), (image, which)
        )

    def patch_map(
        self, image: int, which: int, kind: str, heads: Sequence[bool] = ()
    ) -> "Future[np.ndarray]":
        """Ask for a map ``(P,)`` of ``rollout``, ``generic`` or ``lens``.

        Parameters
        ----------
        heads
            Those of the rollout, head after head; by default all.
        """
        key = (image, which, kind, tuple(map(bool, heads)))
        return self._ask(self._matrices, "patch_map", lambda arrays: arrays["map"], key)

    def ablation(
        self, image: int, which: int, step: int, tile: str = "auto"
    ) -> "Future[tuple[np.ndarray, bool]]":
        """Ask for what the logit loses without each patch ``(P,)``, and whether none is finer.

        Ask for step 0, 1 and so on, each when the one before is there. ``tile`` is of ``TILES``.
        """
        return self._ask(
            self._explained,
            "ablation",
            lambda arrays: (arrays["effect"], bool(arrays["is_done"])),
            (image, which, step, tile),
        )

    def faithfulness(
        self, image: int, which: int, orders: Sequence[Sequence[int]]
    ) -> "Future[np.ndarray]":
        """Ask for the mean probability while patches go, and while they come, ``(2, k)``.

        Parameters
        ----------
        orders
            Of all patches, the first to go first. The answer is about the first k of them, at
            least one: ask again for the rest.
        """
        key = (image, which, tuple(tuple(map(int, order)) for order in orders))
        return self._ask(
            self._matrices, "faithfulness", lambda arrays: arrays["means"], key, Rank.GROWING
        )

    def total_effects(self, image: int, which: int) -> "Future[np.ndarray]":
        """Ask for how far the logit of a class falls without each head, ``(L, H)``."""
        return self._ask(
            self._matrices, "total_effects", lambda arrays: arrays["effect"], (image, which),
            Rank.GROWING,
        )  # fmt: skip

    def warm_up(self) -> None:
        """Load the model in the background, so that the first question does not wait for it."""
        _POOL.submit(lambda _job: self._load())

    def wait(self) -> None:
        """Wait until all questions have been answered."""
        _POOL.submit(lambda _job: None, Rank.LAST).result()

    def _ask(
        self,
        kept: ByteLRU[T],
        what: str,
        make: Callable[[dict[str, np.ndarray]], T],
        key: tuple[Any, ...],
        rank: Rank = Rank.FIRST,
        parts: Sequence[tuple[Any, ...]] = (),
    ) -> "Future[T]":
        """Ask for ``key``, or for its parts, whose arrays are stacked along axis 1."""

        def answer(job: Job) -> T:
            result = kept.get((what, key))
            if result is None:
                self._load()  # whole, whoever leaves: the next would wait for it from its beginning
                found = [self._answer(job, what, part) for part in parts or [key]]
                arrays = _stacked(found) if parts else found[0]
                result = make(arrays)
                kept.put((what, key), result, sum(array.nbytes for array in arrays.values()))
            return result

        known = kept.get((what, key))
        if known is None:
            return _POOL.submit(answer, rank)
        done: Future[T] = Future()
        done.set_result(known)
        return done

    def _answer(self, job: Job, what: str, of: tuple[Any, ...]) -> dict[str, np.ndarray]:
        job.give_way()
        if not job.is_wanted():
            raise LiveError("Nobody is waiting for the answer any more.")
        return _PROCESS.ask({**self._named(), "ask": what, "of": of}, job.is_wanted)

    def _load(self) -> None:
        with _loading:
            _PROCESS.ask({**self._named(), "ask": "load", "of": ()}, limit=LOADING_S)

    def _named(self) -> dict[str, object]:
        """Which store it is; an unfinished one is another after each step of its analysis."""
        return {"store": str(self._store.path.absolute()), "stamp": self._store.stamp}


def _stacked(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack([part[name] for part in parts], 1) for name in parts[0]}


@lru_cache(maxsize=16)
def live_model(store: Store) -> LiveModel | NullModel:
    """The live model of a store, one a process."""
    return NullModel() if runs_none() else LiveModel(store)


def load_ahead(store: Store) -> None:
    """Begin to load the model of a finished store before a page asks for it."""
    if not store.pending:
        live_model(store).warm_up()


def waiting_words() -> str:
    """The text that a page shows while it waits for the model."""
    if _loading.locked():
        return "loading the model …"
    others = _POOL.urgent - _ASKED_BY_A_PAGE
    if others < 1:
        return "computing with the model …"
    return f"computing … ({others} {'other' if others == 1 else 'others'} waiting)"
