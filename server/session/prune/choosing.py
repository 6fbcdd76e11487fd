"""Prune sets from what a page shows: a brush, a pattern's name, the weakest heads. Pure."""

from collections.abc import Iterable

import numpy as np

from headbrush.analysis.model.pruning.prune_set import PrunedPart, PruneSet
from headbrush.analysis.store.facts.pattern_families import NO_NAME
from headbrush.server.stores.metrics import sizes
from headbrush.server.stores.store_data import StoreData


def heads_set(data: StoreData, numbers: Iterable[int], mode: int = 1) -> PruneSet:
    """A part of each of these heads; mode 1 is the whole head."""
    heads = [data.head(int(number)) for number in numbers]
    return PruneSet(tuple(PrunedPart(head.layer, head.head, mode) for head in heads))


def weakest(data: StoreData, metric: str, images: np.ndarray, count: int) -> list[int]:
    """Numbers of the ``count`` heads that matter least: least mean over images ``(m,)`` bool.

    Of what heads say it is the least, for or against. Heads without a value are never among them.
    """
    mean = sizes(metric, data.importance(metric)[images].mean(0, dtype=float))
    known = np.flatnonzero(np.isfinite(mean))
    return known[np.argsort(mean[known], kind="stable")][:count].tolist()


def families_of_heads(data: StoreData) -> list[tuple[str, list[int]]]:
    """The pattern names that heads have, the most frequent first, and the heads of each."""
    found: dict[str, list[int]] = {}
    for number, family in enumerate(data.head_families):
        if family != NO_NAME:
            found.setdefault(family, []).append(number)
    return sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def part_words(data: StoreData, part: PrunedPart, modes: dict[int, str]) -> str:
    """``L2·H0``, or ``L2·H0 4 patch→patch`` for a part of the head."""
    label = data.head_labels[data.head_at(part.layer, part.head).number]
    return label if part.mode == 1 else f"{label} {modes[part.mode]}"
