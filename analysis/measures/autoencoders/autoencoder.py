"""Which autoencoders there are, and how well one restores patterns that it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from headbrush.analysis.measures.autoencoders.convolutional import (
    convolutional_of,
    fit_convolutional,
)
from headbrush.analysis.measures.autoencoders.kinds import LINEAR
from headbrush.analysis.measures.autoencoders.linear import fit_linear, linear_of

MOST_PATTERNS = 4096
"""Patterns that an autoencoder is fitted to and judged by, at most."""
_JUDGED, _JUDGED_ENTRIES = 256, 2_000_000
"""Patterns that are restored to judge an autoencoder, and entries of them in all."""
_FEWEST_JUDGED = 2
_PRECISION = "average_precision"


class Autoencoder(Protocol):
    """Makes a short vector of a packed pattern, and restores the pattern from it."""

    def encode(self, packed: np.ndarray) -> np.ndarray:
        """The latent of every packed pattern ``(n, bytes)``: ``(n, latent)`` float32."""
        ...

    def restore(self, packed: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """Scores, larger where an entry is rather 1, at some entries of P²: ``(n, E)``."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """Arrays from which it can be rebuilt."""
        ...


@dataclass(frozen=True)
class Fitted:
    """An autoencoder and how good it is.

    Attributes
    ----------
    average_precision
        How well its reconstruction ranks the entries that are 1, on patterns that it was not fitted
        to, in [0, 1]; NaN where there are too few.
    """

    autoencoder: Autoencoder
    average_precision: float

    def weights(self) -> dict[str, np.ndarray]:
        """Arrays from which :func:`fitted_of` rebuilds it."""
        return self.autoencoder.weights() | {_PRECISION: np.array(self.average_precision)}


def fit(
    kind: str,
    packed: np.ndarray,
    num_patches: int,
    *,
    seed: int,
    device: torch.device,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Fitted:
    """Fit an autoencoder to ``(n, bytes)`` packed patterns, but for some to judge it by.

    Every eighth is kept back, at most 256.
    """
    held = np.random.default_rng(seed).permutation(len(packed))[: min(len(packed) // 8, _JUDGED)]
    seen = np.delete(packed, held, axis=0)
    if kind == LINEAR:
        found = fit_linear(seen, seed)
    else:
        found = fit_convolutional(seen, num_patches, seed, device, on_progress)
    return Fitted(found, _average_precision(found, packed[held], num_patches))


def fitted_of(
    kind: str, weights: dict[str, np.ndarray], num_patches: int, device: torch.device
) -> Fitted:
    """The inverse of :meth:`Fitted.weights`."""
    rest = dict(weights)
    precision = float(rest.pop(_PRECISION))
    if kind == LINEAR:
        return Fitted(linear_of(rest, num_patches), precision)
    return Fitted(convolutional_of(rest, num_patches, device), precision)


def _average_precision(model: Autoencoder, packed: np.ndarray, num_patches: int) -> float:
    """Over all entries of the patterns, or a random sample of them if they are too many."""
    if len(packed) < _FEWEST_JUDGED:
        return float("nan")
    most = max(1, _JUDGED_ENTRIES // len(packed))
    entries = np.random.default_rng(0).permutation(num_patches**2)[:most]
    truth = packed[:, entries // 8] >> (7 - entries % 8) & 1
    if not truth.any():
        return float("nan")
    score = model.restore(packed, entries)
    return float(average_precision_score(truth.ravel(), score.ravel()))
