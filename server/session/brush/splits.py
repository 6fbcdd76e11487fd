"""A brush in two parts to compare: wrong and right images, or the brushed and the rest. Pure."""

from collections.abc import Sequence

import numpy as np

from headbrush.server.session.brush.clauses import Brush, Clause, Ids, without
from headbrush.server.session.brush.named_brushes import NamedError
from headbrush.server.stores.store_data import CORRECTNESS, StoreData

SPLITS = ("wrong", "rest")
Half = tuple[str, tuple[Clause, ...]]
"""A name and its clauses."""


def split(
    which: str, clauses: tuple[Clause, ...], brush: Brush, data: StoreData
) -> tuple[Half, Half]:
    """Two named parts: ``wrong`` against right, or the brushed images against the ``rest``.

    Clauses of heads and patterns stay in both.

    Raises
    ------
    NamedError
        If one of the parts would have no image.
    """
    what = kind_of(np.flatnonzero(brush.images), data) or "brushed"
    if which == "wrong":
        what = what if clauses else "all"
        wrong, right = (brush.images & (data.correctness == code) for code in (1, 0))
        if not wrong.any():
            raise NamedError(f"None of the {brush.images.sum()} images is predicted wrongly.")
        if not right.any():
            raise NamedError(f"None of the {brush.images.sum()} images is predicted correctly.")
        halves = (f"{what}, wrong", wrong), (f"{what}, right", right)
    else:
        if brush.images.all():
            raise NamedError("All images are brushed, so there is no rest to compare with.")
        if not brush.images.any():
            raise NamedError("No image is brushed.")
        halves = (what, brush.images), (f"not {what}", ~brush.images)
    kept = without(clauses, "images")
    first, second = ((name, (*kept, _these(mask))) for name, mask in halves)
    return first, second


def kind_of(images: Sequence[int] | np.ndarray, data: StoreData) -> str:
    """The class that these images are all of, or ``correct`` or ``wrong``; else empty."""
    chosen = np.asarray(images, int)
    if not len(chosen):
        return ""
    for numbers, names in ((data.labels, data.class_names), (data.correctness, CORRECTNESS[:2])):
        number = int(numbers[chosen[0]])
        is_whole = (numbers == number).sum() == len(chosen) and (numbers[chosen] == number).all()
        if is_whole and 0 <= number < len(names):
            return names[number]
    return ""


def _these(mask: np.ndarray) -> Clause:
    return Clause("images", Ids(tuple(np.flatnonzero(mask).tolist())))
