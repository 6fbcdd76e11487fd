"""The labels of a dataset: which class a label is, and where a dataset keeps all of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from headbrush.analysis.images.reading.rows import has_length, image_and_label

UNKNOWN = -1
_MOST = 2**31
_COMPARED = 8
"""Rows whose labels are compared with those that a dataset keeps for all."""


def row_labels(dataset: Any, names: Sequence[str], outputs: int) -> tuple[list[int], int]:
    """Index of each row's class, and how many rows have a label that is no class.

    Raises
    ------
    ValueError
        If a label is a name that is not in ``names``, or no whole number.
    """
    known = _kept(dataset)
    if known is not None and _agree(dataset, known, lambda one: class_index(one, names, outputs)):
        given = list(known)
    else:
        given = [_label(dataset, index) for index in range(len(dataset))]
    found = [class_index(label, names, outputs) for label in given]
    unusable = sum(
        index == UNKNOWN and label is not None and label is not _UNREAD
        for index, label in zip(found, given, strict=True)
    )
    nothing = sum(label is None for label in given)
    return found, unusable + (nothing if max(found) > UNKNOWN or unusable else 0)


_UNREAD = object()
"""The label of a row that cannot be read: its image is skipped later, with the reason."""


def _label(dataset: Any, index: int) -> object:
    try:
        item = dataset[index]
    except Exception:  # whatever the dataset's own code raises
        return _UNREAD
    return _UNREAD if item is None else image_and_label(item)[1]


def _kept(dataset: Any) -> Sequence[object] | None:
    """The labels of all rows, where a dataset keeps them apart from the images."""
    known: Any = getattr(dataset, "targets", None)
    if known is None and type(dataset).__name__ == "Subset":
        inner = _kept(dataset.dataset)
        return None if inner is None else [inner[index] for index in dataset.indices]
    is_changed = getattr(dataset, "target_transform", None) is not None
    if known is None or is_changed or isinstance(known, (str, Mapping)) or not has_length(known):
        return None
    return known if len(known) == len(dataset) and hasattr(known, "__getitem__") else None


def _agree(dataset: Any, known: Sequence[object], index_of: Callable[[object], int]) -> bool:
    """Whether rows have the labels that the dataset keeps; a row's own may be changed."""
    for place in np.linspace(0, len(known) - 1, min(_COMPARED, len(known))).astype(int).tolist():
        label = _label(dataset, place)
        if label is not _UNREAD and index_of(label) != index_of(known[place]):
            return False
    return True


def class_index(label: Any, names: Sequence[str], outputs: int = 0) -> int:
    """Index of the class; :data:`UNKNOWN` of none, of NaN, of several labels, of other things.

    Parameters
    ----------
    label
        A number, a name, or an array or tensor: of one number, one-hot, or of several labels.
    outputs
        The length of a one-hot label; 0: any.

    Raises
    ------
    ValueError
        If it is a name that is not in ``names``, or no whole number.
    """
    if isinstance(label, (str, bytes)):
        return _named(label if isinstance(label, str) else label.decode("utf-8", "replace"), names)
    if isinstance(label, int):
        return _whole(label)
    try:
        values = np.asarray(label.detach().cpu().numpy() if hasattr(label, "detach") else label)
    except ValueError:  # lists of unequal lengths
        return UNKNOWN
    if values.size == 1 and values.dtype.kind in "US":
        return class_index(values.item(), names)
    if values.dtype.kind not in "buif":
        return UNKNOWN
    if values.size != 1:
        one_hot = values.shape == (outputs or values.size,) and values.max() == 1
        return int(values.argmax()) if one_hot and (values != 0).sum() == 1 else UNKNOWN
    return UNKNOWN if math.isnan(values.item()) else _whole(values.item())


def _whole(number: float) -> int:
    if not -_MOST < number < _MOST or number != int(number):
        raise ValueError(f"the label {number}: expected the index of an output")
    return int(number)


def _named(label: str, names: Sequence[str]) -> int:
    if label in names:
        return list(names).index(label)
    if label.isascii() and label.isdecimal():
        return _whole(int(label[: len(str(_MOST)) + 1]))
    raise ValueError(
        f"the label {label!r} is no class name; expected an index, or one of "
        f"{list(names[:3])} and so on"
    )
