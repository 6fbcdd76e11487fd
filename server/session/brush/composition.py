"""What a brush is made of: its classes, errors, heads and names of patterns. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headbrush.server.session.brush.clauses import Brush
from headbrush.server.stores.store_data import CORRECTNESS, StoreData

_MOST_ROWS = 8


@dataclass(frozen=True)
class Part:
    """One class, head or name in a brush.

    Attributes
    ----------
    number
        Of the class, the kind of answer, the head or the name.
    brushed, total
        How many of it are brushed, of how many.
    expected
        How many would be brushed if the brush held the same share of everything.
    """

    number: int
    name: str
    brushed: int
    total: int
    expected: float


@dataclass(frozen=True)
class Group:
    """Parts of one kind, the largest first; ``more`` are left out.

    Attributes
    ----------
    kind
        ``class``, ``correct``, ``head`` or ``name``.
    unit
        What is counted, ``images`` or ``patterns``.
    """

    kind: str
    title: str
    unit: str
    parts: tuple[Part, ...]
    more: int


def composition(data: StoreData, brush: Brush) -> tuple[Group, ...]:
    """The parts of a brush, counted in images, or in patterns where these are brushed.

    Heads and names are told where not all patterns of the brushed images are brushed, or all are.
    """
    of_patterns = bool((brush.image_count[brush.images] < data.num_heads).any())
    if of_patterns:
        weights, whole, unit = (
            np.where(brush.images, brush.image_count, 0),
            data.num_heads,
            "patterns",
        )
    else:
        weights, whole, unit = brush.images.astype(int), 1, "images"
    is_known = data.labels >= 0
    groups = [
        _group(
            "class",
            "class",
            unit,
            data.labels[is_known],
            weights[is_known],
            data.class_names,
            whole,
        ),
    ]
    if data.has_classifier:
        groups.append(
            _group("correct", "prediction", unit, data.correctness, weights, CORRECTNESS, whole)
        )
    if of_patterns:
        heads = np.where(brush.heads, brush.head_count, 0)
        every = np.arange(data.num_heads)
        groups.append(_group("head", "head", unit, every, heads, data.head_labels, data.num_images))
    if data.families is not None:
        names, numbers = data.families.names, data.families.numbers
        brushed = np.bincount(numbers[brush.patterns], minlength=len(names))
        groups.append(
            _counted(
                "name", "name of the pattern", "patterns", brushed, data.families.counts, names
            )
        )
    return tuple(group for group in groups if group.parts)


def _group(
    kind: str, title: str, unit: str, numbers: np.ndarray, weights: np.ndarray,
    names: Sequence[str], whole: int,
) -> Group:  # fmt: skip
    """``whole`` is what each of ``numbers`` would weigh if it were brushed entirely."""
    size = max(len(names), int(numbers.max(initial=-1)) + 1)
    brushed = np.bincount(numbers, weights, size).astype(np.int64)
    return _counted(kind, title, unit, brushed, whole * np.bincount(numbers, minlength=size), names)


def _counted(
    kind: str, title: str, unit: str, brushed: np.ndarray, totals: np.ndarray, names: Sequence[str]
) -> Group:
    share = brushed.sum() / max(int(totals.sum()), 1)
    order = np.argsort(-brushed, kind="stable")
    found = [int(number) for number in order if brushed[number] > 0]
    parts = tuple(
        Part(n, names[n] if n < len(names) else str(n), int(brushed[n]), int(totals[n]),
             float(share * totals[n]))
        for n in found[:_MOST_ROWS]
    )  # fmt: skip
    return Group(kind, title, unit, parts, len(found) - len(parts))
