"""Which head of one store is which of another. Pure."""

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.server.stores.store_data import StoreData

MATCHES = {
    "place": "the same layer and head",
    "correlation": "the head that matters to the same images",
    "name": "the head of the same pattern name at the nearest depth",
}
"""How heads are matched, in words."""
_FIRST_OF_ALL = 1000.0
"""Gain of a match by name, beyond any difference of depth: so as many heads as can be match."""
FEWEST_COMMON = 10
"""Images of the same name, with fewer of which no correlation means anything."""


def common_images(first: StoreData, second: StoreData) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the images that both stores hold, by name: in the first, and in the second."""
    there = {name: number for number, name in enumerate(second.names)}
    pairs = [(here, there[name]) for here, name in enumerate(first.names) if name in there]
    found = np.array(pairs, int).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of all pairs of columns, ``(columns, columns')`` in [-1, 1].

    Parameters
    ----------
    first, second
        ``(n, columns)`` and ``(n, columns')`` over the same images. Columns that are constant or
        not finite everywhere correlate with none: NaN.
    """
    ranked, places = zip(*(_ranked(values) for values in (first, second)), strict=True)
    result = np.full((first.shape[1], second.shape[1]), np.nan)
    if len(first) > 1:
        result[np.ix_(*places)] = np.corrcoef(*ranked, rowvar=False)[
            : len(places[0]), len(places[0]) :
        ]
    return result


def _ranked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the columns that vary, and which these are."""
    from scipy.stats import rankdata  # a server would start later

    kept = np.flatnonzero(np.isfinite(values).all(0) & (values != values[:1]).any(0))
    columns = np.ascontiguousarray(values[:, kept].T)  # one after the other, they are sorted sooner
    return rankdata(columns, axis=1).T, kept


def refuse_match(match: str) -> None:
    """Refuse a way to match where there is no second store.

    Raises
    ------
    InputError
        If it is not the default.
    """
    if match != "place":
        raise InputError(f"--match {match} without --beside: only heads of two stores are matched.")


def why_unmatched(first: StoreData, second: StoreData, how: str) -> str:
    """Why heads cannot be matched in one of the ways of ``MATCHES``; empty if they can."""
    if how == "name" and not (first.head_families and second.head_families):
        return "a store has no names of patterns; make it again"
    common = len(common_images(first, second)[0])
    if how == "correlation" and common < FEWEST_COMMON:
        return (
            f"the stores have {common} images of the same name, at least {FEWEST_COMMON} are needed"
        )
    return ""


def matched_heads(first: StoreData, second: StoreData, how: str, metric: str) -> np.ndarray:
    """For each head of the first store its number in the second, −1 without one: ``(L·H,)``.

    No head is matched twice. By ``correlation``, the sum of the correlations of importance over the
    common images is as large as it can be, and only positive ones match. By ``name``, the
    differences of depth, as shares of the layers, are as small as they can be in sum.

    Raises
    ------
    InputError
        If ``how`` is none of ``MATCHES``, or the stores lack what it needs.
    """
    if how not in MATCHES:
        raise InputError(
            f"--match {how}: choose one of {', '.join(MATCHES)}, or a file of pairs, FILE.csv."
        )
    if why := why_unmatched(first, second, how):
        raise InputError(f"--match {how}: {why}; --match place needs none of that.")
    if how == "place":
        return by_place(first, second)
    if how == "name":
        return _by_name(first, second)
    here, there = common_images(first, second)
    found = correlations(first.importance(metric)[here], second.importance(metric)[there])
    return by_correlation(found)


def by_correlation(found: np.ndarray) -> np.ndarray:
    """The number of the column ``(rows,)`` that matches each row of :func:`correlations`, or −1."""
    gain = np.nan_to_num(found).clip(0)
    return _assigned(gain, gain > 0)


def by_place(first: StoreData, second: StoreData) -> np.ndarray:
    """The number in the second store of each head of the first, by layer and head; else −1."""
    inside = [
        head.layer < second.num_layers and head.head < second.heads_per_layer
        for head in first.heads
    ]
    pairs = zip(first.heads, inside, strict=True)
    return np.array(
        [second.head_at(head.layer, head.head).number if is_in else -1 for head, is_in in pairs]
    )


def _by_name(first: StoreData, second: StoreData) -> np.ndarray:
    names = [np.array(data.head_families, object) for data in (first, second)]
    depths = [data.layer_of_head / max(data.num_layers - 1, 1) for data in (first, second)]
    is_same = names[0][:, None] == names[1]
    near = _FIRST_OF_ALL - np.abs(depths[0][:, None] - depths[1])
    return _assigned(np.where(is_same, near, 0), is_same)


def _assigned(gain: np.ndarray, is_allowed: np.ndarray) -> np.ndarray:
    """The assignment of rows to columns with the largest gain, less what is not allowed."""
    from scipy.optimize import linear_sum_assignment  # a server would start later

    rows, columns = linear_sum_assignment(gain, maximize=True)
    result = np.full(len(gain), -1)
    kept = is_allowed[rows, columns]
    result[rows[kept]] = columns[kept]
    return result
