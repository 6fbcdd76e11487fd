"""How the gallery sorts the images, and the value that it tells of each. Pure."""

import numpy as np

from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData

_TITLES = {
    "loss": "loss",
    "p_true": "P[true class]",
    **{name: f"{title}, this head" for name, title in METRIC_NAMES.items()},
    "probability": "drop of P[true class], this head",
    "stands_out": "stands out",
    "class": "class, then loss",
    "file": "file order",
}
FIRST_UP = ("p_true", "class", "file")
"""Orders that one reads from their beginning."""


def order_titles(data: StoreData) -> list[tuple[str, str]]:
    """Pairs of an order's name and its title, of those that the store has values for."""
    return [
        (name, f"sort: {data.worded(title)}")
        for name, title in _TITLES.items()
        if np.isfinite(sort_values(data, name, 0)).any()
    ]


def direction_words(order: str, direction: str) -> str:
    """What comes first, in words."""
    if order in ("class", "file"):
        return "from the first" if direction == "up" else "from the last"
    return "smallest first" if direction == "up" else "largest first"


def sort_values(data: StoreData, order: str, head: int) -> np.ndarray:
    """``(m,)`` what an order sorts by, NaN where an image has no value.

    ``head`` is the number of the head whose importance counts.
    """
    if order == "loss":
        return data.loss
    if order == "p_true":
        return np.asarray(data.label_probability, float)
    if order in METRIC_NAMES:
        return np.asarray(data.importance(order)[:, head], float)
    if order == "stands_out":
        missing = np.full(data.num_images, np.nan)
        return missing if data.stands_out is None else np.asarray(data.stands_out, float)
    if order == "class":
        return np.where(data.labels < 0, np.nan, data.labels)
    return np.arange(data.num_images, dtype=float)


def sorted_images(data: StoreData, order: str, direction: str, head: int) -> np.ndarray:
    """Numbers of all images as they are sorted.

    Equal ones are in file order, of a class from the largest loss; those without a value are last.
    """
    sign = 1 if direction == "up" else -1
    keys = sign * sort_values(data, order, head)
    if order == "class":
        return np.lexsort((-data.loss, keys))
    return np.argsort(keys, kind="stable")


def value_words(data: StoreData, order: str, head: int, images: np.ndarray) -> list[str]:
    """The value of each of ``images``, as short text; the loss where they are sorted by class."""
    values = sort_values(data, "loss" if order == "class" else order, head)[images]
    return [_words(order, float(value)) for value in values]


def _words(order: str, value: float) -> str:
    if np.isnan(value):
        return ""
    if order == "file":
        return f"#{value:.0f}"
    if order == "stands_out":
        return f"{value:+.1f}"
    return "∞" if np.isinf(value) else f"{value:.2g}"
