"""Words that find images: classes, predictions, errors, parts of names; untrusted text. Pure.

A query is one or more of the terms ``CLASS``, ``true CLASS``, ``predicted CLASS``, ``wrong``,
``correct`` and ``name TEXT``, separated by spaces; an image must fit all of them. Quotes make one
word of several. A text that is the name of a class, whatever its words, means that class.
"""

import re
from collections.abc import Callable

import numpy as np

from headbrush.server.stores.store_data import StoreData

UNDERSTOOD = (
    "Understood: an image's number or name, a head, a class, true CLASS, predicted CLASS, wrong, "
    "correct, name TEXT; several together, such as: true coat predicted shirt."
)
LONGEST = 200
_MOST_TERMS = 8
_MOST_SUGGESTED = 200
_SHOWN = 40
_WORD = re.compile(r'"[^"]*"|\S+')
_Kinds = dict[str, list[int]]


class QueryError(ValueError):
    """Why words find no images, as one sentence."""


def tidied(text: str) -> str:
    """``text`` with single spaces."""
    return " ".join(text.split())


def images_found(text: str, data: StoreData) -> np.ndarray:
    """``(m,)`` bool, the images that fit a query.

    Raises
    ------
    QueryError
        If a word is not understood.
    """
    if len(text) > LONGEST:
        raise QueryError(f"At most {LONGEST} characters are read.")
    kinds = _kinds(data)
    words = [word.casefold() for word in _WORD.findall(tidied(text))]
    if (whole := " ".join(words)) in kinds:
        return np.isin(data.labels, kinds[whole])
    found, at, terms = np.ones(data.num_images, bool), 0, 0
    while at < len(words):
        fits, length = _term(words[at:], kinds, data)
        found &= fits
        at, terms = at + length, terms + 1
        if terms > _MOST_TERMS:
            raise QueryError(f"At most {_MOST_TERMS} terms are read.")
    if not terms:
        raise QueryError(UNDERSTOOD)
    return found


def suggestions(data: StoreData) -> list[str]:
    """Queries that find images of this store; what another one contains comes before it.

    The classes, the errors and, unless the classes are too many, what was predicted and which
    classes the model confuses, the most frequent pair first.
    """
    labels, predicted = data.labels, data.predicted
    names = {k: data.class_name(k) for k in np.unique([labels, predicted]).tolist() if k >= 0}
    of_labels = sorted({names[k] for k in np.unique(labels).tolist() if k >= 0}, key=len)
    if not data.has_classifier:
        return of_labels
    if len(names) > _MOST_SUGGESTED:
        return [*of_labels, "wrong", "correct"]
    of_guesses = sorted({names[k] for k in np.unique(predicted).tolist() if k >= 0}, key=len)
    is_wrong = data.correctness == 1
    pairs, counts = np.unique(
        np.stack([labels[is_wrong], predicted[is_wrong]]), axis=1, return_counts=True
    )
    wronged = {names[k] for k in pairs[0].tolist()}
    if not len(counts):
        return [*of_labels, "correct", *(f"predicted {name}" for name in of_guesses)]
    confused = [
        f"true {names[pairs[0, i]]} predicted {names[pairs[1, i]]}"
        for i in np.argsort(-counts, kind="stable")[:_MOST_SUGGESTED]
    ]
    return [
        *of_labels, "wrong", "correct", *(f"wrong {name}" for name in of_labels if name in wronged),
        *(f"predicted {name}" for name in of_guesses), *(f"true {name}" for name in of_labels),
        *confused,
    ]  # fmt: skip


def _kinds(data: StoreData) -> _Kinds:
    """Numbers of the classes by their names, as a query spells them."""
    kinds: _Kinds = {}
    for number, name in enumerate(data.class_names):
        kinds.setdefault(tidied(name).casefold(), []).append(number)
    return kinds


def _term(words: list[str], kinds: _Kinds, data: StoreData) -> tuple[np.ndarray, int]:
    """What fits the first term of ``words``, and how many of them it takes."""
    first = words[0]
    if first in ("wrong", "correct"):
        return data.correctness == (1 if first == "wrong" else 0), 1
    of_class: dict[str, Callable[[list[int]], np.ndarray]] = {
        "true": lambda some: data.is_labelled & np.isin(data.labels, some),
        "predicted": lambda some: np.isin(data.predicted, some),
    }
    if first in of_class:
        some, length = _class_in(words[1:], kinds)
        return of_class[first](some), length + 1
    if first == "name":
        return _named(words[1:], data), 2
    some, length = _class_in(words, kinds)
    return np.isin(data.labels, some), length


def _class_in(words: list[str], kinds: _Kinds) -> tuple[list[int], int]:
    """The classes whose name the words begin with, the longest; and how many words it takes."""
    for length in range(len(words), 0, -1):
        spelled = " ".join(words[:length])
        for name in (spelled, spelled.strip('"')):
            if name in kinds:
                return kinds[name], length
    unknown = f"{words[0][:_SHOWN]!r} is not understood." if words else "A class is missing."
    raise QueryError(f"{unknown} {UNDERSTOOD}")


def _named(words: list[str], data: StoreData) -> np.ndarray:
    text = words[0].replace('"', "") if words else ""
    if not text:
        raise QueryError(f"A part of a name is missing. {UNDERSTOOD}")
    return np.array([text in name.casefold() for name in data.names], bool)
