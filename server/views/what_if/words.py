"""What a prune set does, in words and figures. Pure."""

import numpy as np

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.prune.summary import PruneEffect
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import exact_percent


def gone_words(pruned: PruneSet, heads: int) -> str:
    """How many of so many heads are gone, or lose a part."""
    whole = sum(part.mode == 1 for part in pruned)
    parts = len(pruned) - whole
    words = [f"{whole} of {heads} heads"] if whole else []
    words += [f"a part of {parts} {'head' if parts == 1 else 'heads'}"] if parts else []
    return " and ".join(words)


def gone_counts(pruned: PruneSet) -> str:
    """As in a table: ``5``, ``none``, or ``5 + 2 parts`` where some heads lose a part only."""
    whole = sum(part.mode == 1 for part in pruned)
    parts = len(pruned) - whole
    words = [str(whole)] if whole else []
    words += [f"{parts} part{'s' * (parts > 1)}"] if parts else []
    return " + ".join(words) or "none"


def percent(share: float) -> str:
    """``92.0 %``."""
    return "–" if np.isnan(share) else exact_percent(share)


def interval_words(effect: PruneEffect) -> str:
    """The 95 % interval of the accuracy, as ``88.4 to 94.6 %``."""
    low, high = effect.interval
    return "–" if np.isnan(low) else f"{100 * low:.1f} to {exact_percent(high)}"


def effect_sentence(pruned: PruneSet, heads: int, effect: PruneEffect, of: str) -> str:
    """What becomes of the predictions, as one sentence.

    Parameters
    ----------
    of
        The images, as ``all 300 images``.
    """
    gone = gone_words(pruned, heads)
    flips = grouped(len(effect.flipped))
    change = f"{flips} of {grouped(effect.count)} predictions change"
    jsd = f"mean JSD {effect.jsd:.2g} bits"
    if not effect.labelled:
        return f"Without {gone}: {change}, {jsd}; over {of}, without labels."
    points = 100 * (effect.accuracy - effect.accuracy_before)
    before = percent(effect.accuracy_before)
    more = (
        "as without pruning"
        if abs(points) < 0.05
        else f"{points:+.1f} points from {before}".replace("-", "−")
    )
    right = f"{percent(effect.accuracy)} are predicted correctly"
    return (
        f"Without {gone}, {right} (95 %: {interval_words(effect)}), {more}; {change}, {jsd}; "
        f"over {of}."
    )
