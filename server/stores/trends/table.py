"""Trends of a store over its classes as a table and in words. Pure."""

from typing import TYPE_CHECKING

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.classes import LEVEL, ClassTrends
from headbrush.server.stores.trends.questions import TREND_GROUPS, compared_classes, means_of

if TYPE_CHECKING:
    import pandas as pd


def trend_table(
    data: StoreData,
    metric: str = "",
    permutations: int = 1000,
    seed: int = 0,
    group: str = "class",
) -> "pd.DataFrame":
    """Every class against the rest, or its wrong predictions against its right ones, in every head.

    Parameters
    ----------
    metric
        Its short name, as in the store; empty: the one that the page begins with.
    permutations, seed
        As of :func:`class_trends`.
    group
        ``class`` or ``wrong``.

    Returns
    -------
    One row per class and head, the largest effect first: ``class``, ``n`` and ``n_rest`` images,
    ``layer``, ``head``, ``metric``, ``mean`` and ``mean_rest``, ``hedges_g``, ``p``, ``p_fdr``
    after Benjamini and Hochberg, ``p_family`` under the largest effect of shuffled labels, and
    ``significant``, whether that is at most 1 %. ``n`` and ``mean`` are of the class, or of its
    wrong predictions; ``n_rest`` and ``mean_rest`` of what they are compared with.

    Raises
    ------
    InputError
        If the store has no such metric, no values of it, or nothing to compare, or a number is too
        small.
    """
    metric = metric or data.first.metric
    if group not in TREND_GROUPS:
        raise InputError(f"--compare {group}: choose one of {', '.join(TREND_GROUPS)}.")
    if permutations < 1:
        raise InputError(f"--permutations {permutations}: give at least 1, for example 1000.")
    if seed < 0:
        raise InputError(f"--seed {seed}: expected 0 or more.")
    found = compared_classes(data, metric, group, permutations, seed)
    return _frame(data, metric, group, found)


def _frame(data: StoreData, metric: str, group: str, found: ClassTrends) -> "pd.DataFrame":
    import pandas as pd  # a server would start later

    classes, heads = found.g.shape
    mean, rest = means_of(data, metric, group)
    of_class, of_head = np.repeat(np.arange(classes), heads), np.tile(np.arange(heads), classes)
    made = pd.DataFrame(
        {
            "class": [data.class_names[one] for one in of_class],
            "n": found.count[of_class],
            "n_rest": found.rest[of_class],
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
