"""Trends of a store over its classes as a table and in words. Pure."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.stores.metrics import METRIC_EFFECTS, METRIC_NAMES, NOISE
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.classes import LEVEL, ClassTrends, class_trends

_MOST_TOLD = 5
_ENOUGH = math.ceil(1 / LEVEL) - 1
"""Permutations with which a p of LEVEL can be reached."""


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
    """What a table of :func:`trend_table` says: the test, and the largest significant effects.

    A pair stands out if its family-wise p is at most 1 %. That none does is said only where one
    could: so many permutations have a p of at least 1 / (permutations + 1). A head matters more to
    a class if pruning it does more harm there than to the rest, less if it does less of some harm.
    """
    first = table.iloc[0]
    cells, images = grouped(len(table)), grouped(int(first["n"] + first["n_rest"]))
    test = (
        f"{METRIC_EFFECTS[first['metric']]}, {images} labelled images, {cells} pairs of class and "
        f"head, {grouped(permutations)} permutations, family-wise p ≤ {LEVEL:.0%}"
    )
    if 1 / (permutations + 1) > LEVEL:
        return [
            f"Whether any pair stands out is unknown ({test}): of so few permutations p is at "
            f"least {1 / (permutations + 1):.2g}; give --permutations {_ENOUGH} or more."
        ]
    shown = table[table.significant]
    if shown.empty:
        least = table.p_family.min()
        return [f"No pair of class and head stands out ({test}; the least p is {least:.2g})."]
    count = len(shown)
    stand = (
        "1 pair of class and head stands"
        if count == 1
        else f"{count} pairs of class and head stand"
    )
    of = f" The {_MOST_TOLD} with the largest effects:" if count > _MOST_TOLD else ""
    told = [_pair_words(row.to_dict()) for _, row in shown.head(_MOST_TOLD).iterrows()]
    return [f"{stand} out ({test}).{of}", *told]


def _pair_words(row: Mapping[Hashable, Any]) -> str:
    """What was measured of one pair, and what follows from the signs of its means."""
    mean, rest = row["mean"], row["mean_rest"]
    where, matters = f" in {row['class']}", ""
    if max(mean, rest) > NOISE:  # else pruning does no harm to either
        where, matters = "", f" matters {'more' if mean > rest else 'less'} to {row['class']}"
    return (
        f"L{row['layer']}·H{row['head']}{matters}: mean {mean:.3g}{where} (n = {row['n']}) "
        f"against {rest:.3g} in the rest (n = {row['n_rest']}), g = {row['hedges_g']:.2f}, "
        f"p = {row['p_family']:.2g}."
    )
