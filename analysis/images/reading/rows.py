"""Rows of datasets as people make them: where the image is, and which class the label is."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_IMAGES = ("image", "img", "pixel_values", "jpg", "jpeg", "png", "webp", "picture", "x")
LABELS = ("label", "labels", "target", "targets", "cls", "class", "fine_label", "y")
"""Names of labels in rows and features."""
UNKNOWN = -1
_COLORED = 3


def demand_rows(dataset: Any) -> None:
    """Check that a dataset has a length and gives rows for indices.

    Raises
    ------
    ValueError
        If it is something else, or is empty.
    """
    kind = type(dataset).__name__
    ways = f"images is a {kind}: expected a folder, or a dataset with len() and indices that gives"
    if hasattr(dataset, "iloc"):
        raise ValueError(f"{ways} (image, label); make a list of such pairs of its rows")
    if isinstance(dataset, Mapping):
        raise ValueError(
            f"{ways} (image, label); give one of its parts, {', '.join(map(str, dataset))}"
        )
    if hasattr(dataset, "batch_size") and hasattr(dataset, "dataset"):
        raise ValueError(f"{ways} (image, label); give its .dataset")
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise ValueError(f"{ways} (image, label); list(…) makes one of what can only be iterated")
    if isinstance(dataset, tuple) and len(dataset) and getattr(dataset[0], "ndim", 0) >= _COLORED:
        raise ValueError(f"{ways} (image, label); list(zip(images, labels)) makes one")
    if not len(dataset):
        raise ValueError("the dataset is empty; expected at least one image")


def image_and_label(item: object) -> tuple[object, object]:
    """The image and the label, None if there is none, of ``(image, label, …)``, a dict, an image.

    Raises
    ------
    ValueError
        If a dict has no key of an image.
    """
    if hasattr(item, "_asdict"):  # a named tuple
        named: dict[str, object] = item._asdict()  # pyright: ignore[reportAttributeAccessIssue]
        item = named if any(key in named for key in _IMAGES) else tuple(named.values())
    if isinstance(item, Mapping) and "bytes" not in item:
        key = next((key for key in _IMAGES if key in item), None)
        if key is None:
            raise ValueError(
                f"a row has the keys {', '.join(map(str, item))}; expected one called image"
            )
        return item[key], next((item[key] for key in LABELS if key in item), None)
    if isinstance(item, (tuple, list)) and item:
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def class_index(label: Any, names: Sequence[str]) -> int:
    """Index of the class; :data:`UNKNOWN` of none, of NaN and of several labels.

    Parameters
    ----------
    label
        A number, a name, or an array or tensor: of one number, one-hot, or of several labels.

    Raises
    ------
    ValueError
        If it is a name that is not in ``names``, or no whole number.
    """
    if label is None or isinstance(label, Mapping):
        return UNKNOWN
    if isinstance(label, str):
        return _named(label, names)
    if hasattr(label, "detach"):
        label = label.detach().cpu()
    values = np.asarray(label)
    if values.size == 1 and values.dtype.kind in "USO":
        return class_index(values.item(), names)
    if values.dtype.kind not in "buif":
        return UNKNOWN
    if values.size != 1:
        one_hot = values.ndim == 1 and (values != 0).sum() == 1 and values.max() == 1
        return int(values.argmax()) if one_hot else UNKNOWN
    number = values.item()
    if math.isnan(number):
        return UNKNOWN
    if number != int(number):
        raise ValueError(f"the label {number}: expected the index of an output")
    return int(number)


def _named(label: str, names: Sequence[str]) -> int:
    if label in names:
        return list(names).index(label)
    if label.isascii() and label.isdecimal() and len(label) < len(str(2**31)):
        return int(label)
    raise ValueError(
        f"the label {label!r} is no class name; expected an index, or one of "
        f"{list(names[:3])} and so on"
    )
