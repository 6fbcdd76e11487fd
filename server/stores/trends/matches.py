"""Matches and differences of two stores, found in threads; pages share the answers."""

from collections.abc import Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import HeadsBeside, beside, matching_metric
from headbrush.server.stores.trends.matching import (
    MATCHES,
    by_correlation,
    common_images,
    correlations,
    matched_heads,
    why_unmatched,
)


@dataclass(frozen=True)
class Matches:
    """How the heads of two stores can be matched.

    Attributes
    ----------
    pairs
        For each way of ``MATCHES`` that is possible, the number in the second store of each head of
        the first, ``(L·H,)``, −1 without one.
    why_not
        Why the other ways are not, as the end of a sentence.
    correlation
        ``(L·H, L·H')`` Spearman's rank correlation of ``metric`` over the common images; NaN where
        it is not known.
    common
        Number of images of the same name.
    metric
        What is correlated; empty if the stores share no metric.
    """

    pairs: Mapping[str, np.ndarray]
    why_not: Mapping[str, str]
    correlation: np.ndarray
    common: int
    metric: str


def find_matches(first: StoreData, second: StoreData) -> Matches:
    """Match the heads of two stores in every way that is possible."""
    here, there = common_images(first, second)
    metric = matching_metric(first, second)
    why_not = {how: why_unmatched(first, second, how) for how in MATCHES}
    if not metric:
        why_not["correlation"] = "the stores share no metric"
    correlation = np.full((first.num_heads, second.num_heads), np.nan)
    pairs = {}
    for how, why in why_not.items():
        if why:
            continue
        if how == "correlation":
            values = first.importance(metric)[here], second.importance(metric)[there]
            correlation = correlations(*values)
            pairs[how] = by_correlation(correlation)
        else:
            pairs[how] = matched_heads(first, second, how, metric)
    known = {how: why for how, why in why_not.items() if why}
    return Matches(pairs, known, correlation, len(here), metric)


def ask_matches(first: StoreData, second: StoreData) -> "Future[Matches]":
    """Ask for the matches of two stores; the answer is kept with the first."""
    return first.trends.ask("matches", _key(first, second), find_matches, first, second)


def ask_beside(
    first: StoreData,
    second: StoreData,
    metric: str,
    pairs: np.ndarray,
    images: tuple[np.ndarray, np.ndarray],
) -> "Future[HeadsBeside]":
    """Ask how matched heads differ, see :func:`beside`; the answer is kept with the first."""
    key = (*_key(first, second), metric, pairs.tobytes(), *(one.tobytes() for one in images))
    return first.trends.ask("beside", key, beside, first, second, metric, pairs, images)


def _key(first: StoreData, second: StoreData) -> tuple[Hashable, ...]:
    return first.version, str(second.store.path), second.fingerprint, second.version
