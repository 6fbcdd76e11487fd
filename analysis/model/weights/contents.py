"""The tensors of a file by their whole name, whatever they are wrapped in."""

import re
from dataclasses import dataclass
from typing import Any

from headbrush.analysis.model.weights.files.inert_pickle import Inert
from headbrush.analysis.model.weights.files.stored_tensor import (
    StoredTensor,
    Unreadable,
    unusable,
)

_LONGEST_NAME = 500
_MOST_PARTS = 100_000
_WRAPPERS = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What ``torch.compile`` and FSDP put into names; no layer has such a name."""
_CHUNK = re.compile(r"((?:^|\.)blocks)\.\d+\.(\d+)\.")
"""DINOv2's blocks in chunks, ``blocks.2.17.``: the second number is that of the block."""


@dataclass(frozen=True)
class Contents:
    """The tensors in a file.

    Attributes
    ----------
    groups
        Tensors by their name, for each dictionary that holds some, by the place of the
        dictionary: ``{"state_dict.": {"backbone.norm.weight": ...}}``.
    pickled_module
        Whether some come out of a module that was pickled whole.
    renamed
        How their names were changed, one short text each.
    """

    groups: dict[str, dict[str, StoredTensor]]
    pickled_module: bool = False
    renamed: tuple[str, ...] = ()


def contents_of(data: Any) -> Contents:
    """Find the tensors in what a file holds, at any depth.

    Names of wrappers that no layer bears are dropped; blocks in chunks are numbered through.

    Raises
    ------
    Unreadable
        If they are more than any network has.
    """
    groups: dict[str, dict[str, StoredTensor]] = {}
    pickled = False
    renamed: list[str] = []
    limit = _Limit()
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        place, node = waiting.pop()
        if id(node) in seen or len(place) > _LONGEST_NAME:
            continue
        seen.add(id(node))
        if parts := _module_parts(node):
            pickled = True
            tensors, inner = _module_tensors(parts, limit), []
        else:
            tensors, inner = _split(node)
            limit.count(len(tensors))
        if tensors:
            groups[place] = _clean(tensors, renamed)
        waiting += [(f"{place}{name}.", value) for name, value in reversed(inner)]
    return Contents(groups, pickled, tuple(dict.fromkeys(renamed)))


class _Limit:
    """A bound for files in which the same parts are named again and again."""

    def __init__(self) -> None:
        self.parts = 0

    def count(self, parts: int) -> None:
        self.parts += parts
        if self.parts > _MOST_PARTS:
            raise Unreadable(f"more than {_MOST_PARTS} tensors and layers")


def _split(node: Any) -> tuple[dict[str, StoredTensor], list[tuple[str, Any]]]:
    """The tensors directly in a container, and the containers in it."""
    tensors, inner = {}, []
    for key, value in _items(node):
        name = _short(key)
        if isinstance(value, StoredTensor):
            tensors[name] = value
        elif isinstance(value, Inert) and str(value.made_by).startswith("numpy"):
            tensors[name] = unusable("a NumPy array")
        elif isinstance(value, (dict, list, tuple, Inert)) and value:
            inner.append((name, value))
    return tensors, inner


def _short(key: object) -> str:
    """A key as a text, cut off where it is so long that its tensor is left out."""
    return str(key)[: _LONGEST_NAME + 1]


def _items(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    if isinstance(node, (list, tuple)):
        return list(enumerate(node))
    if isinstance(node, Inert):
        state = node.state if isinstance(node.state, dict) else {}
        return [*state.items(), *node.entries.items(), *enumerate(node.elements)]
    return []


def _module_parts(node: Any) -> dict[str, Any] | None:
    """The attributes of a pickled module; None of anything else."""
    state = node.state if isinstance(node, Inert) else None
    if isinstance(state, dict) and isinstance(state.get("_parameters"), dict):
        return state
    return None


def _module_tensors(parts: dict[str, Any], limit: _Limit) -> dict[str, StoredTensor]:
    """The ``state_dict`` of a pickled module, without making the module."""
    found: dict[str, StoredTensor] = {}
    seen: set[int] = set()
    waiting = [("", parts)]
    while waiting:
        prefix, state = waiting.pop()
        if id(state) in seen or len(prefix) > _LONGEST_NAME:
            continue
        seen.add(id(state))
        unsaved = state.get("_non_persistent_buffers_set")
        unsaved = {n for n in unsaved if isinstance(n, str)} if isinstance(unsaved, list) else set()
        limit.count(len(unsaved))
        for kind in ("_parameters", "_buffers"):
            tensors, _ = _split(state.get(kind))
            limit.count(len(tensors))
            for name, value in tensors.items():
                if not (kind == "_buffers" and name in unsaved):
                    found[f"{prefix}{name}"] = value
        children = _items(state.get("_modules"))
        limit.count(len(children))
        for name, child in reversed(children):
            if inner := _module_parts(child):
                waiting.append((f"{prefix}{_short(name)}.", inner))
    return found


def _clean(tensors: dict[str, StoredTensor], renamed: list[str]) -> dict[str, StoredTensor]:
    for pattern, new, text in (
        (_WRAPPERS, "", "names of wrappers in its keys, _orig_mod for example, are dropped"),
        (_CHUNK, r"\1.\2.", "its blocks in chunks are numbered through"),
    ):
        changed = {pattern.sub(new, key): value for key, value in tensors.items()}
        if changed.keys() != tensors.keys() and len(changed) == len(tensors):  # none became one
            tensors = changed
            renamed.append(text)
    return {key: value for key, value in tensors.items() if len(key) <= _LONGEST_NAME}
