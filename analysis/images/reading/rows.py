"""Rows of datasets as people make them: where the image is, and which class the label is."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

_IMAGES = ("image", "img", "pixel_values", "jpg", "jpeg", "png", "webp", "picture", "x")
LABELS = ("label", "labels", "target", "targets", "cls", "class", "fine_label", "y")
"""Names of labels in rows and features."""
_COLORED = 3
_CHANNELS = (1, 3, 4)


def demand_rows(dataset: Any) -> None:
    """Check that a dataset has a length and gives rows for indices.

    Raises
    ------
    ValueError
        If it is something else, or is empty.
    """
    kind = type(dataset).__name__
    way = _way_on(dataset)
    if way:
        raise ValueError(
            f"images is of the type {kind}: expected a folder, or a dataset with len() and indices "
            f"that gives (image, label); {way}"
        )
    if not len(dataset):
        raise ValueError("the dataset is empty; expected at least one image")


def _way_on(dataset: Any) -> str:
    """How to make a dataset of something else; empty if it is one."""
    if isinstance(dataset, Image.Image):
        return "give [image]"
    if hasattr(dataset, "iloc"):
        return "make a list of such pairs of its rows"
    if isinstance(dataset, Mapping):
        if any(key in dataset for key in _IMAGES):
            return "list(zip(images, labels)) of its columns makes one"
        return f"give one of its parts, {', '.join(map(str, dataset))}"
    if hasattr(dataset, "batch_size") and hasattr(dataset, "dataset"):
        return "give its .dataset"
    if not hasattr(dataset, "__getitem__") or not has_length(dataset):
        return "list(…) makes one of what can only be iterated"
    shape = getattr(dataset, "shape", ())
    if len(shape) == _COLORED and (shape[0] in _CHANNELS or shape[-1] in _CHANNELS):
        return f"an array {tuple(shape)} may be one image or several: give [image] or list(images)"
    if isinstance(dataset, tuple) and len(dataset) and getattr(dataset[0], "ndim", 0) >= _COLORED:
        return "list(zip(images, labels)) makes one"
    return ""


def has_length(dataset: Any) -> bool:
    """Whether ``len()`` works: streams and single numbers raise whatever their code raises."""
    try:
        return len(dataset) >= 0
    except Exception:
        return False


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
