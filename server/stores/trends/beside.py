"""Two stores, head by head: how every metric differs, with intervals. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.tools.lazy_property import lazy_property
from headbrush.server.stores.metrics import METRIC_EFFECTS, METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.match_file import pairs_of_file
from headbrush.server.stores.trends.matching import (
    MATCHES,
    common_images,
    correlations,
    matched_heads,
)
from headbrush.server.stores.trends.statistics.differences import (
    Differences,
    head_differences,
    paired_differences,
)

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5
BEYOND_CHANCE = 0.05
_BEFORE_CORRELATION = 5
"""Columns of a table."""
_FEWEST_PAIRS = 2
"""Images of both, of which Student's t can be told."""


@dataclass(frozen=True)
class HeadsBeside:
    """One metric of the matched heads of two stores, in the order of the first store's heads.

    Attributes
    ----------
    heads, others
        ``(pairs,)`` numbers of the heads in the first store and in the second.
    values
        ``(n, pairs)`` of the first store and ``(n', pairs)`` of the second, as compared.
    is_paired
        Whether the same images are compared.
    found
        The second compared with the first: ``found.first`` are the second store's means.
    """

    metric: str
    heads: np.ndarray
    others: np.ndarray
    values: tuple[np.ndarray, np.ndarray]
    is_paired: bool
    found: Differences

    @lazy_property
    def correlation(self) -> np.ndarray:
        """``(pairs,)`` Spearman's, over the images compared; NaN where they are no pairs."""
        if not self.is_paired or not len(self.heads):
            return np.full(len(self.heads), np.nan)
        return np.diag(correlations(*self.values))

    @property
    def counts(self) -> tuple[int, int]:
        """Images of the first store and of the second."""
        first, second = self.values
        return len(first), len(second)

    @property
    def differs(self) -> np.ndarray:
        """``(pairs,)`` bool: p after correction over these heads is at most 5 %."""
        return self.found.adjusted <= BEYOND_CHANCE


def beside_table(
    first: StoreData, second: StoreData, metric: str = "", match: str | Path = "place"
) -> "pd.DataFrame":
    """How each head of the first store differs from its match in the second.

    Over the images that both hold, by name, the difference is that of pairs (Student's t); without
    two of them that of all images of either (Welch's t).

    Parameters
    ----------
    metric
        Its short name; empty: all that both stores have values of.
    match
        One of ``MATCHES``, or a CSV file of pairs, see :func:`pairs_of_file`.

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
    shared = shared_metrics(first, second)
    both = [one for one in shared if one == metric or not metric]
    if not both:
        named = f"values of {metric}" if metric else "a metric"
        raise InputError(
            f"The two stores do not both have {named}, so there is nothing to compare."
        )
    pairs = head_pairs(first, second, match)
    return table_of([beside(first, second, one, pairs) for one in both], (first, second))


def share_metric(first: StoreData, second: StoreData, metric: str) -> bool:
    """Whether both stores have values of a metric."""
    return all(np.isfinite(data.importance(metric)).any() for data in (first, second))


def shared_metrics(first: StoreData, second: StoreData) -> list[str]:
    """The metrics that both stores have values of."""
    return [one for one in METRIC_NAMES if share_metric(first, second, one)]


def matching_metric(first: StoreData, second: StoreData) -> str:
    """The metric whose correlation matches heads: the page's first, if both have it."""
    both = shared_metrics(first, second)
    return first.first.metric if first.first.metric in both else next(iter(both), "")


def head_pairs(first: StoreData, second: StoreData, match: str | Path) -> np.ndarray:
    """For each head of the first store its number in the second, −1 without one: ``(L·H,)``.

    Raises
    ------
    InputError
        If ``match`` is no way to match and no file of pairs, or no head has a match.
    """
    if match not in MATCHES and Path(match).suffix:
        return pairs_of_file(Path(match), first, second)
    pairs = matched_heads(first, second, str(match), matching_metric(first, second))
    if (pairs < 0).all():
        raise InputError(f"--match {match}: no head of one store matches one of the other.")
    return pairs


def beside(
    first: StoreData,
    second: StoreData,
    metric: str,
    pairs: np.ndarray,
    images: tuple[np.ndarray, np.ndarray] | None = None,
) -> HeadsBeside:
    """Compare the matched heads of two stores by one metric.

    Parameters
    ----------
    pairs
        ``(L·H,)`` number in the second store of each head of the first, −1 without one.
    images
        Which images of either count, ``(m,)`` and ``(m',)`` bool; by default all.
    """
    heads = np.flatnonzero(pairs >= 0)
    others = pairs[heads]
    here, there = common_images(first, second)
    values = first.importance(metric)[:, heads], second.importance(metric)[:, others]
    values = tuple(np.asarray(one, float) for one in values)
    is_known = (np.isfinite(one).any(1) for one in values)
    is_used = (np.ones(len(one), bool) for one in values) if images is None else images
    mine, theirs = (known & used for known, used in zip(is_known, is_used, strict=True))
    both = mine[here] & theirs[there]
    common = values[0][here[both]], values[1][there[both]]
    is_paired = int(both.sum()) >= _FEWEST_PAIRS
    used = common if is_paired else (values[0][mine], values[1][theirs])
    found = (paired_differences if is_paired else head_differences)(used[1], used[0])
    return HeadsBeside(metric, heads, others, used, is_paired, found)


def table_of(parts: Sequence[HeadsBeside], stores: Sequence[StoreData]) -> "pd.DataFrame":
    """The columns of :func:`beside_table`, for several metrics."""
    import pandas as pd  # a server would start later

    tables = []
    for part in parts:
        table = rows_of(part, stores)
        table.insert(_BEFORE_CORRELATION, "correlation", part.correlation)
        table = table.sort_values("difference", key=abs, ascending=False, ignore_index=True)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def rows_of(part: HeadsBeside, stores: Sequence[StoreData]) -> "pd.DataFrame":
    """The same of one metric, in the order of the heads, without their correlation."""
    import pandas as pd  # a server would start later

    found, (first, second) = part.found, stores
    return pd.DataFrame(
        {
            "metric": part.metric,
            "layer": first.layer_of_head[part.heads], "head": part.heads % first.heads_per_layer,
            "layer_second": second.layer_of_head[part.others],
            "head_second": part.others % second.heads_per_layer,
            "paired": part.is_paired, "n": part.counts[0], "n_second": part.counts[1],
            "mean": found.second, "mean_second": found.first, "difference": found.difference,
            "low": found.low, "high": found.high, "p": found.p, "p_adjusted": found.adjusted,
        }
    )  # fmt: skip


def to_file(table: "pd.DataFrame") -> str:
    """A table as CSV, with seven digits."""
    return table.to_csv(index=False, float_format="%.7g", lineterminator="\n")


def beside_words(table: "pd.DataFrame", match: str, names: Sequence[str]) -> list[str]:
    """What a table of :func:`beside_table` says: a sentence for each metric, its largest first.

    A head differs if its corrected p is at most 5 %; of how many heads that can be told is said.

    Parameters
    ----------
    match
        One of ``MATCHES``, or in words by what heads are matched.
    names
        What the two stores are called.
    """
    sentences = []
    for metric in table["metric"].unique():
        rows = table.loc[table["metric"] == metric, :]
        differing = rows[rows["p_adjusted"] <= BEYOND_CHANCE]
        differing = differing.sort_values("difference", key=abs, ascending=False)
        effect = METRIC_EFFECTS[metric]
        said = f"{effect[0].upper()}{effect[1:]}: {_count(rows, len(differing), match)}"
        told = [_row_words(row.to_dict(), names) for _, row in differing.head(_SHOWN).iterrows()]
        sentences += [said, *told]
    return sentences


def match_words(match: str | Path) -> str:
    """By what heads are matched, in words; ``match`` is as of :func:`beside_table`."""
    return MATCHES.get(str(match), f"the pairs of {Path(match).name}")


def _count(rows: "pd.DataFrame", differing: int, match: str) -> str:
    """How many heads differ by which test, and of how many that cannot be told."""
    by, total = f"matched by {MATCHES.get(match, match)}", len(rows)
    tested = int(np.isfinite(rows["p"].to_numpy()).sum())
    if not tested:
        counts = f"{_images(rows)}, {by}"
        if not rows["difference"].to_numpy().any():
            return f"no difference in any of {grouped(total)} heads ({counts})."
        return f"whether a head differs cannot be tested ({counts}): there is no spread."
    differ = "differs" if differing == 1 else "differ"
    untested = total - tested
    rest = f" Of {grouped(untested)} more there is no spread to test by." if untested else ""
    return (
        f"{grouped(differing)} of {grouped(tested)} heads {differ} ({_test(rows)} over "
        f"{_images(rows)}; {by}; p ≤ {percent(BEYOND_CHANCE)} after Benjamini and Hochberg).{rest}"
    )


def _test(rows: "pd.DataFrame") -> str:
    return "Student's t" if rows["paired"].iloc[0] else "Welch's t"


def _images(rows: "pd.DataFrame") -> str:
    counts = int(rows["n"].iloc[0]), int(rows["n_second"].iloc[0])
    if rows["paired"].iloc[0]:
        return f"{grouped(counts[0])} images of both, in pairs"
    return f"{grouped(counts[0])} and {grouped(counts[1])} images"


def _row_words(row: dict, names: Sequence[str]) -> str:
    return (
        f"  L{row['layer']}·H{row['head']} of {names[0]} {row['mean']:.3g}, "
        f"L{row['layer_second']}·H{row['head_second']} of {names[1]} {row['mean_second']:.3g}: "
        f"{row['difference']:+.3g} [{row['low']:.3g}, {row['high']:.3g}]."
    )
