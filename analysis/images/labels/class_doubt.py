"""Do the predictions fit another order of the classes much better than the one that was taken?"""

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np

from headbrush.analysis.images.labels.class_list import is_number
from headbrush.analysis.images.labels.class_mapping import ClassMapping
from headbrush.analysis.store.facts.percent import percent

_SIGNIFICANT = 1e-3
_BETTER = 0.2
"""Share of images by which another order must be better."""


def doubt(
    mapping: Sequence[ClassMapping], labels: np.ndarray, predicted: np.ndarray, outputs: int
) -> str:
    """A sentence if the classes seem to be in another order; else empty.

    The units are classes, not images: images of a class are alike, so that also an untrained model
    predicts them alike. A class counts for an order if the class predicted most often for its
    images is the one of that order. If that is chance, at most one of ``F`` classes fits on
    average, and the number of those that fit is binomial with 1/F. There must be significantly
    more in another order, not so in the one that was taken, and the share of correctly predicted
    images must differ much. Fewer than five moved classes decide nothing.

    Parameters
    ----------
    mapping
        The class folders; empty of a dataset.
    labels, predicted
        ``(m,)`` true class, -1 if unknown, and predicted class.
    outputs
        Number of the model's outputs.
    """
    best, sentence = 0.0, ""
    for words, moved in _other_orders(mapping, labels, outputs).items():
        shares = _shares(moved, labels, predicted)
        if shares is not None and shares[1] - shares[0] > max(best, _BETTER):
            best = shares[1] - shares[0]
            sentence = (
                f"Warning: the classes seem to be in another order. {percent(shares[0])} of "
                f"the images are predicted as their class, and {percent(shares[1])} {words}."
            )
    return sentence


def _other_orders(
    mapping: Sequence[ClassMapping], labels: np.ndarray, outputs: int
) -> dict[str, dict[int, int]]:
    """By the words for an order: from the index that was taken to the one of that order."""
    numbered = {one.folder: one.index for one in mapping if is_number(one.folder)}
    known = np.unique(labels[labels >= 0]).tolist()
    said = "give --classes FILE" if mapping else "change the dataset's labels"
    orders = {
        f"if every index is one higher: {said}": {index: index + 1 for index in known},
        f"if every index is one lower: {said}": {index: index - 1 for index in known},
    }
    hows = {one.how for one in mapping if one.folder in numbered}
    by_number = {index: int(folder) for folder, index in numbered.items()}
    if hows == {"place in text order"}:
        orders["if folders are outputs by number: leave out --class-order text"] = by_number
    elif hows and hows <= {"number", "number from 1", "name"}:
        below = {index: number - 1 for index, number in by_number.items()}
        orders["if folders are counted from 1: give --class-order from-1"] = below
        orders.pop(f"if every index is one lower: {said}")
        orders[
            "if folders are in text order, as torchvision's ImageFolder has them: give "
            "--class-order text"
        ] = _by_text(numbered, outputs)
    return orders


def _by_text(numbered: Mapping[str, int], outputs: int) -> dict[int, int]:
    everything = numbered if len(numbered) == outputs else map(str, range(outputs))
    place = {folder: index for index, folder in enumerate(sorted(everything))}
    return {index: place[folder] for folder, index in numbered.items() if folder in place}


def _shares(
    moved: Mapping[int, int], labels: np.ndarray, predicted: np.ndarray
) -> tuple[float, float] | None:
    """Share of images predicted correctly in both orders, over moved classes; None if by chance."""
    kinds = [kind for kind in moved if moved[kind] != kind and (labels == kind).any()]
    of_kind = {kind: predicted[labels == kind] for kind in kinds}
    usual = {kind: int(np.bincount(found).argmax()) for kind, found in of_kind.items()}
    fits = sum(usual[kind] == kind for kind in kinds)
    fits_other = sum(usual[kind] == moved[kind] for kind in kinds)
    if not kinds or not _chance(fits_other, len(kinds)) < _SIGNIFICANT:
        return None
    if fits and _chance(fits, len(kinds)) < 0.05:
        return None
    found = np.concatenate([of_kind[kind] for kind in kinds])
    truth = np.concatenate([np.full(len(of_kind[kind]), kind) for kind in kinds])
    other = np.array([moved[kind] for kind in truth.tolist()])
    return float((found == truth).mean()), float((found == other).mean())


def _chance(fits: int, count: int) -> float:
    """Probability that at least ``fits`` of ``count`` classes fit by chance."""
    share = 1 / count
    return sum(
        comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(fits, count + 1)
    )
