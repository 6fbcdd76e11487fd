"""The table of heads that ``headbrush info --heads`` prints."""

import numpy as np

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.head_bits import head_bits
from headbrush.analysis.store.facts.head_names import HeadName, head_names
from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.store import Store

_IMPORTANCE = ("jsd", "patch", "gradient")
"""The first of these metrics that the store has values of is printed."""


def head_rows(store: Store) -> list[tuple[str, ...]]:
    """A heading, then for each head its name, how well the name fits, and its mean importance.

    Then, where the store has them, the bits that decide where it looks, and the share that moves.

    Raises
    ------
    StoreError
        If the store has no names, as those of version 0.1.
    """
    names = names_of(store)
    metric, importance = mean_importance(store)
    per_layer = store.sizes["head"]
    rows = [("head", "pattern", "", "fit", "images", metric, "class token")]
    for number, (name, value) in enumerate(zip(names, importance, strict=True)):
        strength = ("clear" if name.is_clear else "leaning") if name.family else ""
        fit = f"{name.fit:.2f}" if name.family else ""
        share = percent(name.confidence) if name.family else ""
        head = f"L{number // per_layer}·H{number % per_layer}"
        pattern = name.words or "no name"
        class_token = ", ".join(name.class_token)
        rows.append((head, pattern, strength, fit, share, f"{value:.5f}", class_token))
    bits = [
        (*(f"{part:.2f}" for part in one.parts), percent(one.moved), one.kind)
        for one in head_bits(store)
    ]
    more = [("fixed", "class", "within", "spread", "moves", "looks"), *bits]
    return [(*row, *columns) for row, columns in zip(rows, more, strict=True)] if bits else rows


def names_of(store: Store) -> list[HeadName]:
    """The name of each head.

    Raises
    ------
    StoreError
        If the store has none, as those of version 0.1.
    """
    names = head_names(store)
    if not names:
        raise StoreError(
            f"{store.path}: this store has no names of patterns; run 'headbrush analyze' again."
        )
    return names


def mean_importance(store: Store) -> tuple[str, np.ndarray]:
    """A metric and its mean over the images for every head; NaN if nothing was measured."""
    metrics = store.read("metric").tolist()
    importance = store.read("importance")
    for metric in (one for one in _IMPORTANCE if one in metrics):
        values = importance[metrics.index(metric)]
        if np.isfinite(values).any():
            return metric, np.nanmean(values, axis=0).ravel()
    return "importance", np.full(importance[0, 0].size, np.nan)
