"""A brush as text, for links and browser storage, and back; the text is untrusted."""

import re
from collections.abc import Sequence
from math import isfinite
from urllib.parse import quote, unquote

import numpy as np

from headbrush.server.session.brush.clauses import Box, BrushView, Clause, Combine, Ids, Lasso
from headbrush.server.session.brush.image_query import QueryError, images_found, tidied
from headbrush.server.stores.store_data import StoreData

MOST_CLAUSES = 40
_MOST_CORNERS = 1000
_COMBINE: dict[str, Combine] = {
    "r": "replace", "a": "add", "s": "subtract", "i": "intersect", "x": "xor",
}  # fmt: skip
_COMBINE_LETTER = {combine: letter for letter, combine in _COMBINE.items()}
_ID_VIEWS: dict[str, BrushView] = {"images": "images", "heads": "heads"}
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,20})?(e[+-]?\d{1,3})?", re.ASCII)


class LinkError(ValueError):
    """A part of a link that cannot be used."""


def clauses_text(clauses: Sequence[Clause]) -> str:
    """A brush as text; :func:`read_clauses` reads it."""
    return "~".join(_clause_text(clause) for clause in clauses)


def read_clauses(text: str, data: StoreData, longest: int) -> tuple[Clause, ...]:
    """Parse the brush in untrusted ``text`` of at most ``longest`` characters.

    Raises
    ------
    LinkError
        If it tells none of this store.
    """
    words = text.split("~")
    if len(text) > longest or len(words) > MOST_CLAUSES:
        raise LinkError
    return tuple(_clause(word, data) for word in words)


def number_below(text: str, end: int) -> int | None:
    """The number that untrusted ``text`` is, if it is one from 0 to ``end`` - 1."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(end)):
        return None
    return int(text) if int(text) < end else None


def index_below(text: str, end: int) -> int:
    number = number_below(text, end)
    if number is None:
        raise LinkError
    return number


def _clause_text(clause: Clause) -> str:
    """``images:r:0-4,7``, ``find:r:wrong%20coat``, ``name:a:2``, ``patch:a:box:x0,x1,y0,y1`` …"""
    combine, shape = _COMBINE_LETTER[clause.combine], clause.shape
    if isinstance(shape, Ids) and shape.query:
        return f"find:{combine}:{quote(shape.query, safe='').replace('~', '%7E')}"
    if isinstance(shape, Ids):
        return f"{clause.layout or clause.view}:{combine}:{_ids_text(shape.ids)}"
    if isinstance(shape, Box):
        edges = shape.x0, shape.x1, shape.y0, shape.y1
        return f"{clause.layout}:{combine}:box:{numbers_text(edges)}"
    return f"{clause.layout}:{combine}:lasso:{numbers_text((*shape.xs, *shape.ys))}"


def _clause(text: str, data: StoreData) -> Clause:
    target, _, rest = text.partition(":")
    letter, _, rest = rest.partition(":")
    if letter not in _COMBINE:
        raise LinkError
    if target in _ID_VIEWS:
        end = data.num_images if target == "images" else data.num_heads
        return Clause(_ID_VIEWS[target], Ids(_ids(rest, end)), _COMBINE[letter])
    if target == "find":
        return Clause("images", found_ids(unquote(rest), data), _COMBINE[letter])
    if target == "name" and data.families is not None:
        ids = Ids(_ids(rest, len(data.families.names)))
        return Clause("patterns", ids, _COMBINE[letter], target)
    form, _, numbers = rest.partition(":")
    if target not in data.layouts or form not in ("box", "lasso"):
        raise LinkError
    shape = _box(numbers) if form == "box" else _lasso(numbers)
    return Clause("patterns", shape, _COMBINE[letter], target)


def found_ids(query: str, data: StoreData) -> Ids:
    """The images that a query finds, maybe none; told and written in the words of the query.

    Raises
    ------
    LinkError
        If a word is not understood; it says which.
    """
    query = tidied(query)
    try:
        found = images_found(query, data)
    except QueryError as error:
        raise LinkError(str(error)) from None
    return Ids(tuple(np.flatnonzero(found).tolist()), query)


def _box(text: str) -> Box:
    x0, x1, y0, y1 = finite_floats(text, 4)
    if x0 > x1 or y0 > y1:
        raise LinkError
    return Box(x0, x1, y0, y1)


def _lasso(text: str) -> Lasso:
    values = finite_floats(text)
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
    is_named = np.zeros(end, bool)  # of ranges that a stranger repeats the time stays short
    for word in text.split(","):
        first, dash, last = word.partition("-")
        start = index_below(first, end)
        is_named[start : (index_below(last, end) if dash else start) + 1] = True
    if not is_named.any():  # 5-2
        raise LinkError
    return tuple(np.flatnonzero(is_named).tolist())


def numbers_text(values: Sequence[float]) -> str:
    return ",".join(f"{value:.12g}" for value in values)


def finite_floats(text: str, count: int | None = None) -> tuple[float, ...]:
    words = text.split(",")
    if not all(_NUMBER.fullmatch(word) for word in words):
        raise LinkError
    values = tuple(float(word) for word in words)
    if count not in (None, len(values)) or not all(map(isfinite, values)):
        raise LinkError
    return values
