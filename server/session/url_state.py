"""A page's state as the query of a link, and back; links are untrusted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import urlencode

from headbrush.analysis.model.pruning.modes import MODES
from headbrush.server.session.brush.clause_text import (
    MOST_CLAUSES,
    LinkError,
    clauses_text,
    finite_floats,
    index_below,
    numbers_text,
    read_clauses,
)
from headbrush.server.session.brush.layout_marks import layout_marks, other_layouts
from headbrush.server.session.brush.named_brushes import Named
from headbrush.server.session.brush.named_link import SAFE, named_pairs
from headbrush.server.session.prune.named_sets import NamedSets, read_set, set_pairs
from headbrush.server.session.state import (
    BESIDE_ORDERS,
    EXPLAINED_FORMS,
    EXPLAINED_HEADS,
    EXPLAINED_MAPS,
    EXPLAINED_TILES,
    GALLERY_OF,
    IMAGE_COLOURS,
    IMAGE_DIRECTIONS,
    IMAGE_ORDERS,
    IMAGES_FORMS,
    IMPORTANCE_FITS,
    IMPORTANCE_FORMS,
    IMPORTANCE_ORDERS,
    IMPORTANCE_SCALES,
    OVERVIEWS,
    PATTERN_STYLES,
    SINKS,
    TREND_ORDERS,
    WORKSPACES,
    Changes,
    ViewState,
    pattern_colours_of,
)
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.matching import MATCHES
from headbrush.server.stores.trends.questions import TREND_GROUPS

VERSION = "1"
MOST_BRUSH = 6000
"""Characters of the longest brush that a link carries."""
MOST_WORDS = 100
"""Characters of the longest words by which a link finds classes."""

_RANGES = {
    "range": "pattern_range", "images_range": "images_range", "matrix_range": "matrix_range",
}  # fmt: skip
"""Visible parts of plots, by their names in a link."""
_OF_IMAGES = frozenset({"image", "token", "brush", *_RANGES})
_OTHER_IMAGES = (
    "The link is to other images, or to images at another size, than this store holds; its image "
    "and its brush are left out."
)
_OTHER_LAYOUT = (
    "The link's brush is drawn on another layout of the patterns than this store holds; it is left "
    "out."
)

_CHOICES: dict[str, Callable[[StoreData], tuple[str, ...]]] = {
    "workspace": lambda _data: WORKSPACES,
    "metric": lambda data: tuple(data.metric_titles),
    "importance_scale": lambda _data: IMPORTANCE_SCALES,
    "importance_order": lambda _data: IMPORTANCE_ORDERS,
    "importance_fit": lambda _data: IMPORTANCE_FITS,
    "importance_form": lambda _data: IMPORTANCE_FORMS,
    "image_colour": lambda _data: IMAGE_COLOURS,
    "images_form": lambda _data: IMAGES_FORMS,
    "image_order": lambda _data: IMAGE_ORDERS,
    "image_direction": lambda _data: IMAGE_DIRECTIONS,
    "gallery_of": lambda _data: GALLERY_OF,
    "overview": lambda _data: OVERVIEWS,
    "pattern": lambda data: data.layouts,
    "pattern_style": lambda _data: PATTERN_STYLES,
    "pattern_colour": pattern_colours_of,
    "trend_group": lambda _data: TREND_GROUPS,
    "trend_order": lambda _data: TREND_ORDERS,
    "match": lambda _data: tuple(MATCHES),
    "beside_order": lambda _data: BESIDE_ORDERS,
    "explained_map": lambda _data: EXPLAINED_MAPS,
    "explained_heads": lambda _data: EXPLAINED_HEADS,
    "explained_form": lambda _data: EXPLAINED_FORMS,
    "explained_tile": lambda _data: EXPLAINED_TILES,
    "sinks": lambda _data: SINKS,
}


def default_state(data: StoreData) -> ViewState:
    """The first screen: all images, and the head that is most important to them."""
    first, head = data.first, data.first.head
    order = ("loss", "down") if data.has_classifier else ("file", "up")
    return ViewState(
        None, head.layer, head.head, first.metric, pattern=data.layouts[0],
        image_order=order[0], image_direction=order[1],
    )  # fmt: skip


def to_query(
    state: ViewState, data: StoreData, named: Named = (), sets: NamedSets = ()
) -> tuple[str, str]:
    """The query of a link to this state, and a note on what it leaves out.

    Only what differs from the first screen is written, besides the selected head.
    """
    first = default_state(data)
    pairs = {"v": VERSION}
    if state.image is not None:
        pairs["image"] = str(state.image)
    pairs["set"] = data.fingerprint
    pairs["head"] = f"{state.layer}.{state.head}"
    for name in (*_CHOICES, "mode", "token", "explained_class", "trend_words"):
        if getattr(state, name) != getattr(first, name):
            pairs[name] = str(getattr(state, name))
    if state.threshold is not None:
        pairs["threshold"] = repr(float(state.threshold))
    for name, part in _RANGES.items():
        if (visible := getattr(state, part)) is not None:
            pairs[name] = numbers_text(visible)
    pruned = str(state.pruned)
    if pruned and len(pruned) <= MOST_BRUSH:
        pairs["prune"] = pruned
    brush = clauses_text(state.clauses)
    too_long = len(brush) > MOST_BRUSH or len(state.clauses) > MOST_CLAUSES
    if brush and not too_long:
        pairs["brush"] = brush
        if marks := layout_marks(state.clauses, data):
            pairs["on"] = marks
    left_out = ["the brush is too large for a link"] if too_long else []
    if len(pruned) > MOST_BRUSH:
        left_out.append("the prune set is too large for a link")
    room = MOST_BRUSH - sum(len(pairs.get(part, "")) for part in ("brush", "prune"))
    more, lost = named_pairs(named, data, room)
    room -= sum(len(text) for _, text in more)
    kept, lost_sets = set_pairs(sets, room)
    query = urlencode([*pairs.items(), *more, *kept], safe=SAFE)
    return query, "; ".join(filter(None, (*left_out, lost, lost_sets)))


def from_query(arguments: Mapping[str, Sequence[bytes]], data: StoreData) -> tuple[ViewState, str]:
    """The state in a link, and a note on its unusable parts, empty if none."""
    texts = {key: values[0].decode("utf-8", "replace") for key, values in arguments.items()}
    changes: Changes = {}
    faults = []
    notes = []
    if texts.get("set", data.fingerprint) != data.fingerprint:
        notes.append(_OTHER_IMAGES)
        texts = {key: text for key, text in texts.items() if key not in _OF_IMAGES}
    for key, read in _READERS.items():
        if key in texts:
            try:
                changes |= read(key, texts[key], data)
            except LinkError:
                faults.append(key)
    other = other_layouts(texts.get("on", ""), data)
    if any(clause.layout in other for clause in changes.get("clauses", ())):
        del changes["clauses"]
        notes.append(_OTHER_LAYOUT)
    if texts.get("v", VERSION) != VERSION:
        notes.append("The link was made by another version of headbrush.")
    if faults:
        notes.append(f"The link's {', '.join(faults)} could not be used.")
    return replace(default_state(data), **changes), " ".join(notes)


def _read_choice(key: str, text: str, data: StoreData) -> Changes:
    if text not in _CHOICES[key](data):
        raise LinkError
    return cast(Changes, {key: text})


def _read_image(_key: str, text: str, data: StoreData) -> Changes:
    return {"image": None if text in ("none", "all") else index_below(text, data.num_images)}


def _read_head(_key: str, text: str, data: StoreData) -> Changes:
    layer, _, head = text.partition(".")
    return {
        "layer": index_below(layer, data.num_layers),
        "head": index_below(head, data.heads_per_layer),
    }


def _read_mode(_key: str, text: str, _data: StoreData) -> Changes:
    mode = index_below(text, len(MODES))
    if not mode:
        raise LinkError
    return {"mode": mode}


def _read_words(_key: str, text: str, _data: StoreData) -> Changes:
    if len(text) > MOST_WORDS:
        raise LinkError
    return {"trend_words": text}


def _read_token(_key: str, text: str, data: StoreData) -> Changes:
    return {"token": index_below(text, data.num_tokens)}


def _read_class(_key: str, text: str, data: StoreData) -> Changes:
    return {"explained_class": index_below(text, data.probability.shape[1])}


def _read_threshold(_key: str, text: str, _data: StoreData) -> Changes:
    (value,) = finite_floats(text, 1)
    if not 0 <= value <= 1:
        raise LinkError
    return {"threshold": value}


def _read_range(key: str, text: str, _data: StoreData) -> Changes:
    x0, x1, y0, y1 = finite_floats(text, 4)
    if not (x0 < x1 and y0 < y1):
        raise LinkError
    return cast(Changes, {_RANGES[key]: (x0, x1, y0, y1)})


def _read_brush(_key: str, text: str, data: StoreData) -> Changes:
    return {"clauses": read_clauses(text, data, MOST_BRUSH)}


def _read_pruned(_key: str, text: str, data: StoreData) -> Changes:
    return {"pruned": read_set(text, data)}


_READERS = {
    **dict.fromkeys(_CHOICES, _read_choice),
    "image": _read_image,
    "head": _read_head,
    "mode": _read_mode,
    "token": _read_token,
    "explained_class": _read_class,
    "trend_words": _read_words,
    "threshold": _read_threshold,
    **dict.fromkeys(_RANGES, _read_range),
    "prune": _read_pruned,
    "brush": _read_brush,
}
