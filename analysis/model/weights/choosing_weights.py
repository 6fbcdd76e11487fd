"""Which of the tensors in a file are a network's, and below which prefix."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from headbrush.analysis.model.weights.contents import Contents
from headbrush.analysis.model.weights.files.stored_tensor import StoredTensor

_PREFERENCE = (
    r"\bema\b|_ema\b|\bema_",
    r"\bteacher\b",
    r"\btarget_encoder\b|\bbase_encoder\b",
    r"",
    r"\bstudent\b|\bmomentum_encoder\b",
)
"""Which of several that fit alike is used: an average first, then what the methods of
self-distillation (DINO, iBOT, I-JEPA) evaluate; MoCo evaluates its base encoder."""
_DEEPEST = 30
"""Parts of a name below which a network is looked for."""
_OPEN_CLIP = "visual.trunk."
"""timm takes a network out of OpenCLIP together with the projection beside it."""


@dataclass(frozen=True)
class Choice:
    """Tensors that may be a network's.

    Attributes
    ----------
    prefix
        What their names had before; empty if nothing.
    tensors
        By their name without the prefix.
    beside
        Names in the same dictionary that do not have the prefix.
    equals
        Prefixes of others that fit alike.
    """

    prefix: str
    tensors: dict[str, StoredTensor]
    beside: tuple[str, ...] = ()
    equals: tuple[str, ...] = ()


def choices(contents: Contents, body: Collection[str], head: Collection[str]) -> list[Choice]:
    """Choices in the order in which to try them.

    First what has most of the network's own names; then whole dictionaries, as timm knows the
    names of some other programs.

    Parameters
    ----------
    body, head
        Names of the network's tensors, without its classifier and of it.
    """
    found = []
    if best := _most_names(contents, body, head):
        found.append(_below(contents, best[0], best[1:]))
    whole = sorted(contents.groups, key=lambda place: (_rank(place), -len(contents.groups[place])))
    for place in whole[:3]:
        prefix = place + _common_wrapper(contents.groups[place])
        if all(prefix != choice.prefix for choice in found):
            found.append(_below(contents, prefix, ()))
    return found


def _most_names(contents: Contents, body: Collection[str], head: Collection[str]) -> list[str]:
    """Prefixes below which most names of the network are found, the preferred one first."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place, tensors in contents.groups.items():
        for key in tensors:
            name = f"{place}{key}"
            starts = [0, *(dot.end() for dot in islice(re.finditer(r"\.", name), _DEEPEST))]
            for start in starts:
                for kind, names in enumerate((body, head)):
                    counts[name[:start]][kind] += name[start:] in names
    most = max((tuple(count) for count in counts.values()), default=(0, 0))
    if most[0] < max(1, len(body) // 4):
        return []
    return sorted((p for p, count in counts.items() if tuple(count) == most), key=_rank)


def _rank(prefix: str) -> int:
    spaced = prefix.replace(".", " ")
    last = len(_PREFERENCE) - 1
    if re.search(_PREFERENCE[last], spaced):
        return last
    return next(i for i, words in enumerate(_PREFERENCE) if re.search(words, spaced))


def _below(contents: Contents, prefix: str, equals: list[str] | tuple[str, ...]) -> Choice:
    if f".{prefix}".endswith(f".{_OPEN_CLIP}"):
        prefix = prefix.removesuffix(_OPEN_CLIP)
    tensors, beside = {}, []
    for place, group in contents.groups.items():
        named = {f"{place}{key}": value for key, value in group.items()}
        inside = {key: value for key, value in named.items() if key.startswith(prefix)}
        tensors |= {key[len(prefix) :]: value for key, value in inside.items()}
        if inside:
            beside += [key.removeprefix(place) for key in named if key not in inside]
    others = tuple(other for other in equals if other != prefix)
    return Choice(prefix, tensors, tuple(beside), others)


def _common_wrapper(tensors: dict[str, StoredTensor]) -> str:
    """The prefix of wrappers that all names have, ``module.`` for example."""
    first = next(iter(tensors))
    found = re.match(r"(?:(?:module|model|network|net|backbone)\.)*", first)
    prefix = found[0] if found else ""
    while prefix and not all(key.startswith(prefix) for key in tensors):
        prefix = prefix[: prefix.rstrip(".").rfind(".") + 1]
    return prefix
