"""The brush in a few words. Pure."""

from collections.abc import Sequence
from textwrap import shorten

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.layouts import LAYOUT_NAMES
from headbrush.server.session.brush.clauses import Box, Brush, Clause, Ids
from headbrush.server.session.brush.splits import kind_of
from headbrush.server.stores.store_data import StoreData

_LONGEST_QUERY = 60
_SIGNS = {"replace": "", "add": "+ ", "subtract": "− ", "intersect": "∩ ", "xor": "⊕ "}


def clause_words(clause: Clause, data: StoreData) -> str:
    """``shirt · 30 images``, ``61 images``, ``3 heads`` or ``+ D1 patch lasso``."""
    if isinstance(clause.shape, Ids) and clause.view == "patterns":
        return f"{_SIGNS[clause.combine]}D1 {_names(clause.shape.ids, data)}"
    if isinstance(clause.shape, Ids):
        return f"{_SIGNS[clause.combine]}{_ids_words(clause.view, clause.shape, data)}"
    shape = "box" if isinstance(clause.shape, Box) else "lasso"
    return f"{_SIGNS[clause.combine]}D1 {LAYOUT_NAMES[clause.layout]} {shape}"


def _ids_words(view: str, shape: Ids, data: StoreData) -> str:
    """How many images or heads, after the class that they are or the words that have found them."""
    count = len(shape.ids)
    if view != "images":
        return f"{grouped(count)} {'head' if count == 1 else 'heads'}"
    found = shorten(shape.query, _LONGEST_QUERY, placeholder=" …") or kind_of(shape.ids, data)
    images = f"{grouped(count)} {'image' if count == 1 else 'images'}"
    return f"{found} · {images}" if found else images


def _names(ids: Sequence[int], data: StoreData) -> str:
    """The one name of patterns that is brushed, or how many of all."""
    names = () if data.families is None else data.families.names
    return names[ids[0]] if len(ids) == 1 else f"names: {len(ids)} of {len(names)}"


def brush_words(clauses: Sequence[Clause], data: StoreData) -> str:
    """A line that lists all clauses."""
    return " · ".join(clause_words(clause, data) for clause in clauses)


def brushed_words(data: StoreData, brush: Brush) -> str:
    """The numbers of brushed images, heads and patterns."""
    if not brush.active:
        return "nothing brushed: all images and heads"
    counts = (
        (brush.images.sum(), data.num_images, "images"),
        (brush.heads.sum(), data.num_heads, "heads"),
        (brush.patterns.sum(), data.num_patterns, "patterns"),
    )
    words = [f"{grouped(one)} of {grouped(total)} {what}" for one, total, what in counts]
    return "brushed: " + " · ".join(words)
