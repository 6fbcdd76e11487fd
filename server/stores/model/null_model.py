"""Replacement for the live model on a server that runs none (``--no-live``)."""

import os
from concurrent.futures import Future

import numpy as np

from headbrush.analysis.explain.words import Sources
from headbrush.analysis.model.pruning.modes import PrunedHead
from headbrush.analysis.store.errors import InputError

VARIABLE = "HEADBRUSH_NO_LIVE"
"""Environment variable that tells all processes of the server."""


def runs_none() -> bool:
    """Whether this server runs without models."""
    return bool(os.environ.get(VARIABLE))


class NullModel:
    """Fails every question at once, and opens none of the paths that a store names."""

    def attention(self, *_selection: int) -> "Future[np.ndarray]":
        """Fail, as every question does here."""
        return _refusal()

    def partial_pruning(self, *_selection: int) -> "Future[PrunedHead]":
        """Fail, as every question does here."""
        return _refusal()

    def predictions(self, *_question: object) -> "Future[np.ndarray]":
        """Fail, as every question does here."""
        return _refusal()

    def importance(self, *_question: object) -> "Future[np.ndarray]":
        """Fail, as every question does here."""
        return _refusal()

    def sources(self, *_question: object) -> "Future[Sources]":
        """Fail, as every question does here."""
        return _refusal()

    def patch_map(self, *_question: object) -> "Future[np.ndarray]":
        """Fail, as every question does here."""
        return _refusal()

    def ablation(self, *_question: object) -> "Future[tuple[np.ndarray, bool]]":
        """Fail, as every question does here."""
        return _refusal()

    def faithfulness(self, *_question: object) -> "Future[np.ndarray]":
        """Fail, as every question does here."""
        return _refusal()

    def total_effects(self, *_question: object) -> "Future[np.ndarray]":
        """Fail, as every question does here."""
        return _refusal()

    def warm_up(self) -> None:
        """Do nothing: there is no model to load."""

    def wait(self) -> None:
        """Do nothing: no question is pending."""


def _refusal() -> Future:
    answer = Future()
    answer.set_exception(InputError("This server runs no models, so only stored values are shown."))
    return answer
