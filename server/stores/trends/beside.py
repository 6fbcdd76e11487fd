"""Two stores, head by head: how every metric differs, with intervals. Pure."""

import numpy as np
import pandas as pd

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.stores.metrics import METRIC_EFFECTS, METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.matching import (
    MATCHES,
    common_images,
    correlations,
    matched_heads,
)
from headbrush.server.stores.trends.statistics.differences import (
    head_differences,
    paired_differences,
)

_SHOWN = 5
_BEYOND_CHANCE = 0.05


def beside_table(
    first: StoreData, second: StoreData, metric: str = "", match: str = "place"
) -> pd.DataFrame:
    """How each head of the first store differs from its match in the second.

    Over the images that both hold, by name, the difference is that of pairs (Student's t); without
    two of them that of all images of either (Welch's t).

    Parameters
    ----------
    metric
        Its short name; empty: all that both stores have values of.
    match
        One of ``MATCHES``.

    Returns
    -------
    One row per metric and matched head, the largest difference of a metric first: ``metric``,
    ``layer``, ``head``, ``layer_second``, ``head_second``, ``correlation`` over the common images
    (Spearman), whether the images are ``paired``, ``n`` and ``n_second`` images, ``mean`` and
    ``mean_second``, ``difference`` second − first with ``low`` and ``high``, its 95 % interval,
    ``p``, and ``p_adjusted`` after Benjamini and Hochberg over the heads of a metric.

    Raises
    ------
    InputError
        If there is no such metric or match, or no metric that both stores have.
    """
    if metric and metric not in METRIC_NAMES:
        raise InputError(f"--metric {metric}: choose one of {', '.join(METRIC_NAMES)}.")
    wanted = [metric] if metric else list(METRIC_NAMES)
    both = [one for one in wanted if all(_has(data, one) for data in (first, second))]
    if not both:
        named = f"values of {metric}" if metric else "a metric"
        raise InputError(f"The two stores do not both have {named}, so nothing to compare.")
    by = first.first.metric if first.first.metric in both else both[0]
    pairs = matched_heads(first, second, match, by)
    heads = np.flatnonzero(pairs >= 0)
    if not len(heads):
        raise InputError(f"--match {match}: no head of one store matches one of the other.")
    tables = [_of_metric(first, second, one, heads, pairs[heads]) for one in both]
    return pd.concat(tables, ignore_index=True)


def _has(data: StoreData, metric: str) -> bool:
    return bool(np.isfinite(data.importance(metric)).any())


def _of_metric(
    first: StoreData, second: StoreData, metric: str, heads: np.ndarray, others: np.ndarray
) -> pd.DataFrame:
    here, there = common_images(first, second)
    values = first.importance(metric)[:, heads], second.importance(metric)[:, others]
    values = tuple(np.asarray(one, float) for one in values)
    is_paired = len(here) >= 2
    common = values[0][here], values[1][there]
    used = common if is_paired else values
    # the second is compared with the first
    found = (paired_differences if is_paired else head_differences)(used[1], used[0])
    together = np.diag(correlations(*common)) if is_paired else np.full(len(heads), np.nan)
    table = pd.DataFrame(
        {
            "metric": metric,
            "layer": first.layer_of_head[heads], "head": heads % first.heads_per_layer,
            "layer_second": second.layer_of_head[others],
            "head_second": others % second.heads_per_layer,
            "correlation": together, "paired": is_paired, "n": len(used[0]),
            "n_second": len(used[1]),
            "mean": found.second, "mean_second": found.first, "difference": found.difference,
            "low": found.low, "high": found.high, "p": found.p, "p_adjusted": found.adjusted,
        }
    )  # fmt: skip
    return table.sort_values("difference", key=abs, ascending=False, ignore_index=True)


def beside_words(table: pd.DataFrame, match: str, names: tuple[str, str]) -> list[str]:
    """What a table of :func:`beside_table` says: a sentence for each metric, its largest first.

    A head differs if its corrected p is at most 5 %.
    """
    sentences = []
    for metric in table["metric"].unique():
        rows = table.loc[table["metric"] == metric, :]
        differing = rows[rows["p_adjusted"] <= _BEYOND_CHANCE]
        said = (
            f"{METRIC_EFFECTS[metric]}: {grouped(len(differing))} of {grouped(len(rows))} heads "
            f"differ ({_test(rows)}, matched by {MATCHES[match]}, p ≤ {_BEYOND_CHANCE:.0%} after "
            "Benjamini and Hochberg)."
        )
        told = [_row_words(row.to_dict(), names) for _, row in differing.head(_SHOWN).iterrows()]
        sentences += [said, *told]
    return sentences


def _test(rows: pd.DataFrame) -> str:
    counts = int(rows["n"].iloc[0]), int(rows["n_second"].iloc[0])
    if rows["paired"].iloc[0]:
        return f"{grouped(counts[0])} images of both, in pairs"
    return f"{grouped(counts[0])} and {grouped(counts[1])} images"


def _row_words(row: dict, names: tuple[str, str]) -> str:
    return (
        f"  L{row['layer']}·H{row['head']} of {names[0]} {row['mean']:.3g}, "
        f"L{row['layer_second']}·H{row['head_second']} of {names[1]} {row['mean_second']:.3g}: "
        f"{row['difference']:+.3g} [{row['low']:.3g}, {row['high']:.3g}]."
    )
