"""What each head has learned, in words: the names of its patterns over images."""

from dataclasses import dataclass

import numpy as np

from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.store import Store

CLEAR_FIT, CLEAR_ROWS = 0.5, 0.8
_UNITS = 1e-4
_NEEDED = (
    "pattern_name", "pattern_second", "pattern_fit", "pattern_rows", "pattern_label",
    "pattern_family",
)  # fmt: skip


@dataclass(frozen=True)
class HeadName:
    """The name of one head over some images.

    Attributes
    ----------
    family
        The name that wins in most images, "" if most have none.
    label
        The same with the width of a band that is most frequent.
    confidence
        Share of the images in which it wins, in [0, 1].
    second
        What of all images' mean attention the name leaves over is called, "" if nothing is.
    fit, rows
        Means over these images: how well it fits, and the share of patches that do.
    class_token
        What the head does with the class token in at least half of the images.
    """

    family: str
    label: str
    second: str
    confidence: float
    fit: float
    rows: float
    class_token: tuple[str, ...]

    @property
    def is_clear(self) -> bool:
        """Whether it fits well and nearly everywhere; a name that is not clear leans."""
        return bool(self.family) and self.fit >= CLEAR_FIT and self.rows >= CLEAR_ROWS

    @property
    def words(self) -> str:
        """``own row + self``; "" without a name."""
        return f"{self.label} + {self.second}" if self.family and self.second else self.label

    @property
    def short(self) -> str:
        """``own row``, without how clear it is; without a name ``no name``."""
        return ", ".join(filter(None, (self.words, *self.class_token))) or "no name"

    def __str__(self) -> str:
        """``own row (clear, in 94 % of images)``; without a name ``no name``."""
        if not self.family:
            return self.short
        strength = "clear" if self.is_clear else "leaning"
        words = f"{self.words} ({strength}, in {percent(self.confidence)} of images)"
        return ", ".join((words, *self.class_token))


def names_stored(store: Store) -> bool:
    """Whether the store has names of patterns; an older one has none."""
    return all(map(store.has, _NEEDED))


def head_names(store: Store, images: np.ndarray | None = None) -> list[HeadName]:
    """Names of all heads in head order over ``images``, all by default; empty without names.

    An older store has none.
    """
    if not names_stored(store):
        return []
    chosen = slice(None) if images is None else images
    number, fit, rows = (
        store.read(name)[chosen].reshape(-1, store.sizes["layer"] * store.sizes["head"])
        for name in ("pattern_name", "pattern_fit", "pattern_rows")
    )
    if not len(number):
        return []
    words = _Words(store.read("pattern_label").tolist(), store.read("pattern_family").tolist())
    sound = np.where((number >= 0) & (number < len(words.labels)), number, -1)
    class_token = _class_token(store, chosen)
    second = _seconds(store, words)
    return [
        _named(
            _Patterns(sound[:, head], fit[:, head], rows[:, head]),
            words,
            second[head],
            class_token[head],
        )
        for head in range(number.shape[1])
    ]


def pattern_labels(store: Store) -> np.ndarray | None:
    """The label of every pattern ``(images, heads)``, "" without a name; None without names."""
    if not names_stored(store):
        return None
    labels = np.array([*store.read("pattern_label"), ""], object)
    number = store.read("pattern_name").reshape(-1, store.sizes["layer"] * store.sizes["head"])
    return labels[np.where((number >= 0) & (number < len(labels) - 1), number, -1)]


@dataclass(frozen=True)
class _Words:
    labels: list[str]
    families: list[str]


@dataclass(frozen=True)
class _Patterns:
    """The patterns of one head, ``(images,)`` each; -1 without a name."""

    number: np.ndarray
    fit: np.ndarray
    rows: np.ndarray


def _seconds(store: Store, words: _Words) -> list[str]:
    numbers = store.read("pattern_second").ravel().tolist()
    return [words.labels[number] if 0 <= number < len(words.labels) else "" for number in numbers]


def _named(
    patterns: _Patterns, words: _Words, second: str, class_token: tuple[str, ...]
) -> HeadName:
    first = np.array([words.families.index(family) for family in words.families])
    family = np.where(patterns.number >= 0, first[patterns.number], -1)
    winner = _most_frequent(family)
    won = family == winner
    if winner < 0:
        return HeadName("", "", "", float(won.mean()), 0.0, 0.0, class_token)
    label = words.labels[_most_frequent(patterns.number[won])]
    return HeadName(
        words.families[winner],
        label,
        "" if second == label else second,
        float(won.mean()),
        float(patterns.fit[won].mean() * _UNITS),
        float(patterns.rows[won].mean() * _UNITS),
        class_token,
    )


def _most_frequent(numbers: np.ndarray) -> int:
    """The lowest of the most frequent."""
    values, counts = np.unique(numbers, return_counts=True)
    return int(values[counts.argmax()])


def _class_token(store: Store, chosen: slice | np.ndarray) -> list[tuple[str, ...]]:
    heads = store.sizes["layer"] * store.sizes["head"]
    if not store.has("class_token_names") or not store.has("class_token_label"):
        return [()] * heads
    names = store.read("class_token_label").tolist()
    bits = store.read("class_token_names")[chosen].reshape(-1, heads)
    held = [(bits >> place & 1).mean(0) >= 0.5 for place in range(len(names))]
    return [
        tuple(name for name, holds in zip(names, held, strict=True) if holds[head])
        for head in range(heads)
    ]
