"""A page's state as the query of a link, and back; what a link says is never trusted."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any
from urllib.parse import urlencode

import numpy as np

from analysis.modes import MODES

from .brushing import Box, Clause, Combine, Ids, Lasso
from .data import METRIC_NAMES, StoreData
from .state import (
    IMAGE_COLOURS,
    OVERVIEWS,
    PATTERN_COLOURS,
    PATTERN_STYLES,
    PATTERNS,
    ViewState,
)

VERSION = "1"
MOST_BRUSH = 6000
"""Characters of the longest brush that a link carries."""
_MOST_CLAUSES = 40
_MOST_CORNERS = 1000

_CHOICES = {
    "metric": tuple(METRIC_NAMES),
    "image_colour": IMAGE_COLOURS,
    "overview": OVERVIEWS,
    "pattern": PATTERNS,
    "pattern_style": PATTERN_STYLES,
    "pattern_colour": PATTERN_COLOURS,
}
_COMBINE: dict[str, Combine] = {
    "r": "replace", "a": "add", "s": "subtract", "i": "intersect", "x": "xor",
}  # fmt: skip
_COMBINE_LETTER = {combine: letter for letter, combine in _COMBINE.items()}
_ID_VIEWS = {"images": "image", "heads": "head"}
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,20})?(e[+-]?\d{1,3})?", re.ASCII)


class LinkError(ValueError):
    """A part of a link that cannot be used."""


def default_state(data: StoreData) -> ViewState:
    """The first screen: the most important head, and an image to which it matters."""
    layer, head = data.default_head
    return ViewState(data.default_image, layer, head, data.default_metric)


def to_query(state: ViewState, data: StoreData) -> tuple[str, str]:
    """The query of a link that opens this state, and what it leaves out, empty if nothing.

    Only what differs from the first screen is written, besides the selection.
    """
    first = default_state(data)
    pairs = {"v": VERSION, "image": "none" if state.image is None else str(state.image)}
    pairs["head"] = f"{state.layer}.{state.head}"
    for name in (*_CHOICES, "mode", "token"):
        if getattr(state, name) != getattr(first, name):
            pairs[name] = str(getattr(state, name))
    if state.threshold is not None:
        pairs["threshold"] = repr(float(state.threshold))
    if state.pattern_range is not None:
        pairs["range"] = _numbers(state.pattern_range)
    brush = clauses_text(state.clauses)
    too_long = len(brush) > MOST_BRUSH or len(state.clauses) > _MOST_CLAUSES
    if brush and not too_long:
        pairs["brush"] = brush
    return urlencode(pairs, safe=":,~"), "the brush is too large for a link" if too_long else ""


def from_query(arguments: dict[str, list[bytes]], data: StoreData) -> tuple[ViewState, str]:
    """The state that a link names, and a note, empty if all of the link could be used."""
    asked = {key: values[0].decode("utf-8", "replace") for key, values in arguments.items()}
    found: dict[str, Any] = {}
    faults = []
    for key, read in _READERS.items():
        if key in asked:
            try:
                found |= read(key, asked[key], data)
            except LinkError:
                faults.append(key)
    notes = []
    if asked.get("v", VERSION) != VERSION:
        notes.append("The link is of another version.")
    if faults:
        notes.append(f"The link's {', '.join(faults)} could not be used.")
    return replace(default_state(data), **found), " ".join(notes)


def clauses_text(clauses: Sequence[Clause]) -> str:
    """A brush as text; :func:`read_clauses` reads it."""
    return "~".join(_clause_text(clause) for clause in clauses)


def read_clauses(text: str, data: StoreData, longest: int) -> tuple[Clause, ...]:
    """The brush that untrusted ``text`` of at most ``longest`` characters tells.

    Raises
    ------
    LinkError
        If it tells none of this store.
    """
    words = text.split("~")
    if len(text) > longest or len(words) > _MOST_CLAUSES:
        raise LinkError
    return tuple(_clause(word, data) for word in words)


def number_below(text: str, end: int) -> int | None:
    """The number that untrusted ``text`` is, if it is one from 0 to ``end`` - 1."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(end)):
        return None
    return int(text) if int(text) < end else None


def _index(text: str, end: int) -> int:
    number = number_below(text, end)
    if number is None:
        raise LinkError
    return number


def _read_choice(key: str, text: str, _data: StoreData) -> dict[str, Any]:
    if text not in _CHOICES[key]:
        raise LinkError
    return {key: text}


def _read_image(_key: str, text: str, data: StoreData) -> dict[str, Any]:
    return {"image": None if text == "none" else _index(text, data.num_images)}


def _read_head(_key: str, text: str, data: StoreData) -> dict[str, Any]:
    layer, _, head = text.partition(".")
    return {
        "layer": _index(layer, data.num_layers),
        "head": _index(head, data.heads_per_layer),
    }


def _read_mode(_key: str, text: str, _data: StoreData) -> dict[str, Any]:
    mode = _index(text, len(MODES))
    if not mode:
        raise LinkError
    return {"mode": mode}


def _read_token(_key: str, text: str, data: StoreData) -> dict[str, Any]:
    return {"token": _index(text, data.num_tokens)}


def _read_threshold(_key: str, text: str, _data: StoreData) -> dict[str, Any]:
    (value,) = _floats(text, 1)
    if not 0 <= value <= 1:
        raise LinkError
    return {"threshold": value}


def _read_range(_key: str, text: str, _data: StoreData) -> dict[str, Any]:
    x0, x1, y0, y1 = _floats(text, 4)
    if not (x0 < x1 and y0 < y1):
        raise LinkError
    return {"pattern_range": (x0, x1, y0, y1)}


def _read_brush(_key: str, text: str, data: StoreData) -> dict[str, Any]:
    return {"clauses": read_clauses(text, data, MOST_BRUSH)}


_READERS = {
    **dict.fromkeys(_CHOICES, _read_choice),
    "image": _read_image,
    "head": _read_head,
    "mode": _read_mode,
    "token": _read_token,
    "threshold": _read_threshold,
    "range": _read_range,
    "brush": _read_brush,
}


def _clause_text(clause: Clause) -> str:
    """``images:r:0-4,7``, or ``patch:a:box:x0,x1,y0,y1``, or ``cls:r:lasso:x,…,y,…``."""
    combine, shape = _COMBINE_LETTER[clause.combine], clause.shape
    if isinstance(shape, Ids):
        return f"{clause.view}:{combine}:{_ids_text(shape.ids)}"
    if isinstance(shape, Box):
        return f"{clause.layout}:{combine}:box:{_numbers((shape.x0, shape.x1, shape.y0, shape.y1))}"
    return f"{clause.layout}:{combine}:lasso:{_numbers((*shape.xs, *shape.ys))}"


def _clause(text: str, data: StoreData) -> Clause:
    target, _, rest = text.partition(":")
    letter, _, rest = rest.partition(":")
    if letter not in _COMBINE:
        raise LinkError
    if target in _ID_VIEWS:
        end = data.num_images if target == "images" else data.num_heads
        return Clause(target, _ID_VIEWS[target], Ids(_ids(rest, end)), _COMBINE[letter])
    kind, _, numbers = rest.partition(":")
    if target not in PATTERNS or kind not in ("box", "lasso"):
        raise LinkError
    shape = _box(numbers) if kind == "box" else _lasso(numbers)
    return Clause("patterns", "instance", shape, _COMBINE[letter], target)


def _box(text: str) -> Box:
    x0, x1, y0, y1 = _floats(text, 4)
    if x0 > x1 or y0 > y1:
        raise LinkError
    return Box(x0, x1, y0, y1)


def _lasso(text: str) -> Lasso:
    values = _floats(text)
    half, odd = divmod(len(values), 2)
    if odd or not 3 <= half <= _MOST_CORNERS:
        raise LinkError
    return Lasso(values[:half], values[half:])


def _ids_text(ids: Sequence[int]) -> str:
    """Sorted ids as ranges: ``0-4,7``; ``none`` are brushed where a class has none of them."""
    runs: list[list[int]] = []
    for number in ids:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs) or "none"


def _ids(text: str, end: int) -> tuple[int, ...]:
    if text == "none":
        return ()
    found = np.zeros(end, bool)  # of ranges that a stranger repeats the time stays short
    for word in text.split(","):
        first, dash, last = word.partition("-")
        start = _index(first, end)
        found[start : (_index(last, end) if dash else start) + 1] = True
    if not found.any():  # 5-2
        raise LinkError
    return tuple(np.flatnonzero(found).tolist())


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{value:.12g}" for value in values)


def _floats(text: str, count: int | None = None) -> tuple[float, ...]:
    words = text.split(",")
    if not all(_NUMBER.fullmatch(word) for word in words):
        raise LinkError
    values = tuple(float(word) for word in words)
    if count not in (None, len(values)) or not all(map(isfinite, values)):
        raise LinkError
    return values
