"""Trends of a store over its classes as a table and in words. Pure."""

import numpy as np
import pandas as pd

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.classes import LEVEL, ClassTrends, class_trends

_MOST_TOLD = 5


def trend_table(
    data: StoreData, metric: str = "", permutations: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Every class against the rest, in every head, by one metric.

    Parameters
    ----------
    metric
        Its short name, as in the store; empty: the one that the page begins with.
    permutations, seed
        As of :func:`class_trends`.

    Returns
    -------
    One row per class and head, the largest effect first: ``class``, ``n`` and ``n_rest`` images,
    ``layer``, ``head``, ``metric``, ``mean`` and ``mean_rest``, ``hedges_g``, ``p``, ``p_fdr``
    after Benjamini and Hochberg, ``p_family`` under the largest effect of shuffled labels, and
    ``significant``, whether that is at most 1 %.

    Raises
    ------
    InputError
        If the store has no such metric, no values of it, or no two classes to compare.
    """
    metric = metric or data.first.metric
    values = _values(data, metric)
    label = np.where(data.is_labelled, data.labels, -1)
    if permutations < 1:
        raise InputError(f"--permutations {permutations}: give at least 1, for example 1000.")
    found = class_trends(values, label, len(data.class_names), permutations, seed)
    if not np.isfinite(found.g).any():
        raise InputError(
            "This store has no two classes of at least two images each, so no classes to compare."
        )
    return _frame(data, metric, values, label, found)


def _values(data: StoreData, metric: str) -> np.ndarray:
    if metric not in METRIC_NAMES:
        raise InputError(f"--metric {metric}: choose one of {', '.join(METRIC_NAMES)}.")
    values = data.importance(metric)
    if not np.isfinite(values).any():
        raise InputError(data.why_undefined(metric))
    return values


def _frame(
    data: StoreData, metric: str, values: np.ndarray, label: np.ndarray, found: ClassTrends
) -> pd.DataFrame:
    classes, heads = found.g.shape
    known = int(found.count.sum())
    members = (label[:, None] == np.arange(classes)).astype(float)
    sums, total = members.T @ values, values[label >= 0].sum(0, dtype=float)
    count = found.count[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, rest = sums / count, (total - sums) / (known - count)
    of_class, of_head = np.repeat(np.arange(classes), heads), np.tile(np.arange(heads), classes)
    made = pd.DataFrame(
        {
            "class": [data.class_names[one] for one in of_class],
            "n": found.count[of_class],
            "n_rest": known - found.count[of_class],
            "layer": data.layer_of_head[of_head],
            "head": of_head % data.heads_per_layer,
            "metric": metric,
            "mean": mean.ravel(),
            "mean_rest": rest.ravel(),
            "hedges_g": found.g.ravel(),
            "p": found.p.ravel(),
            "p_fdr": found.fdr.ravel(),
            "p_family": found.family_p.ravel(),
        }
    ).dropna(subset=["hedges_g"])
    made["significant"] = made.p_family <= LEVEL
    return made.sort_values("hedges_g", key=abs, ascending=False, ignore_index=True)


def trend_words(table: pd.DataFrame, permutations: int) -> list[str]:
    """What a table of :func:`trend_table` says: the test, and the largest significant effects."""
    metric = METRIC_NAMES[table.metric[0]]
    shown = table[table.significant]
    cells = f"{grouped(len(table))} pairs of class and head"
    test = f"{metric}, {cells}, {grouped(permutations)} permutations, family-wise p ≤ {LEVEL:.0%}"
    if shown.empty:
        return [f"No head matters differently to any class ({test})."]
    words = [f"{len(shown)} pairs of class and head stand out ({test})."]
    for _, row in shown.head(_MOST_TOLD).iterrows():
        more = "more" if row["hedges_g"] > 0 else "less"
        words.append(
            f"L{row['layer']}·H{row['head']} matters {more} to {row['class']}: "
            f"g = {row['hedges_g']:.2f}, n = {row['n']} against {row['n_rest']}, "
            f"p = {row['p_family']:.3g}."
        )
    return words
