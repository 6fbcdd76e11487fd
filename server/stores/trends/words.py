"""Trends over classes in sentences, each by a stated rule. Pure."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.stores.metrics import DIRECT, METRIC_EFFECTS, NOISE
from headbrush.server.stores.trends.classes import LEVEL

if TYPE_CHECKING:
    import pandas as pd

_MOST_TOLD = 5
_ENOUGH = math.ceil(1 / LEVEL) - 1
"""Permutations with which a p of LEVEL can be reached."""
_BETWEEN = {"class": "", "wrong": " between wrong and right predictions"}


def trend_words(table: "pd.DataFrame", permutations: int, group: str = "class") -> list[str]:
    """What a table of :func:`trend_table` says: the test, and the largest significant effects.

    A pair stands out if its family-wise p is at most 1 %. That none does is said only where one
    could: so many permutations have a p of at least 1 / (permutations + 1).
    """
    classes = table.drop_duplicates("class")
    counts = classes if group == "wrong" else classes.head(1)  # the rest holds all other classes
    images = int(counts[["n", "n_rest"]].to_numpy().sum())
    test = test_words(table.metric[0], images, len(table), permutations)
    if 1 / (permutations + 1) > LEVEL:
        return [
            f"Whether any pair stands out is unknown ({test}): of so few permutations p is at "
            f"least {1 / (permutations + 1):.2g}; give --permutations {_ENOUGH} or more."
        ]
    shown = table[table.significant]
    if shown.empty:
        return [none_words(group, test, float(table.p_family.min()))]
    of = f" The {_MOST_TOLD} with the largest effects:" if len(shown) > _MOST_TOLD else ""
    told = [pair_words(row.to_dict(), group) for _, row in shown.head(_MOST_TOLD).iterrows()]
    return [f"{count_words(len(shown), group)} ({test}).{of}", *told]


def test_words(metric: str, images: int, cells: int, permutations: int) -> str:
    """What was compared, over how many images and pairs, and how."""
    return (
        f"{METRIC_EFFECTS[metric]}, {grouped(images)} labelled images, {grouped(cells)} pairs of "
        f"class and head, {grouped(permutations)} permutations, family-wise p ≤ {percent(LEVEL)}"
    )


def count_words(count: int, group: str) -> str:
    """How many pairs stand out."""
    stand = "pair of class and head stands" if count == 1 else "pairs of class and head stand"
    return f"{grouped(count)} {stand} out{_BETWEEN[group]}"


def none_words(group: str, test: str, least: float) -> str:
    """That no pair stands out; ``least`` is the least family-wise p."""
    return (
        f"No pair of class and head stands out{_BETWEEN[group]} ({test}; the least p is "
        f"{least:.2g})."
    )


def pair_words(row: Mapping[Any, Any], group: str = "class") -> str:
    """What was measured of one pair, and what follows from the signs of its means.

    A head matters more to a class if pruning it does more harm there than to the rest, less if it
    does less of some harm. Of what heads say, the sign is that of what they say.
    """
    mean, rest = row["mean"], row["mean_rest"]
    whom = row["class"] if group == "class" else f"wrong predictions of {row['class']}"
    others = "the rest" if group == "class" else "right ones"
    where, matters = f" in {whom}", ""
    if row["metric"] == DIRECT:
        matters = f" says {'more' if mean > rest else 'less'} for the true class"
    elif max(mean, rest) > NOISE:  # else pruning does no harm to either
        where, matters = "", f" matters {'more' if mean > rest else 'less'} to {whom}"
    return (
        f"L{row['layer']}·H{row['head']}{matters}: mean {mean:.3g}{where} (n = {row['n']}) "
        f"against {rest:.3g} in {others} (n = {row['n_rest']}), g = {row['hedges_g']:.2f}, "
        f"p = {row['p_family']:.2g}."
    )
