"""Which layouts of attention patterns a store holds, and how faithful they are to its features."""

from dataclasses import dataclass

import numpy as np

from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.schema import NEAREST
from headbrush.analysis.store.store import Store

LAYOUTS = ("offset", "patch", "cls")
"""By how far, and to which patches, heads attend; by an autoencoder; of the class token."""
LAYOUT_NAMES = {"offset": "offset", "patch": "patch", "cls": "CLS"}


@dataclass(frozen=True)
class LayoutFidelity:
    """Shares of a pattern's nearest others, in [0, 1]; None where the store does not say.

    Attributes
    ----------
    kept
        Of the nearest by the features, those that are among the nearest in the layout.
    same_head
        Of the nearest in the layout, those of the same head.
    kept_by_chance, same_head_by_chance
        The same for a layout at random.
    """

    kept: float | None
    same_head: float | None
    kept_by_chance: float
    same_head_by_chance: float


def layouts_of(store: Store) -> tuple[str, ...]:
    """The layouts that differ, in the order in which they are offered; the first is the default.

    An older store has none by offset; one without an autoencoder has the same twice.
    """
    has_offset = store.has("offset_embedding")
    is_twice = has_offset and store.attrs.get("patch_layout_by") == "offset"
    missing = {"patch"} if is_twice else set() if has_offset else {"offset"}
    return tuple(layout for layout in LAYOUTS if layout not in missing)


def fidelity_of(store: Store, layout: str) -> LayoutFidelity:
    """How faithful a layout is, beside chance."""
    images = store.sizes["image"]
    others = max(images * store.sizes["layer"] * store.sizes["head"] - 1, 1)
    return LayoutFidelity(
        kept=share(store, f"{layout}_embedding_preservation"),
        same_head=share(store, f"{layout}_embedding_same_head"),
        kept_by_chance=min(NEAREST / others, 1.0),
        same_head_by_chance=(images - 1) / others,
    )


def fidelity_words(store: Store, layout: str) -> str:
    """What the layout keeps, and how well it separates heads beside the others."""
    found = fidelity_of(store, layout)
    words = []
    if found.kept is not None:
        words.append(
            f"This layout keeps {percent(found.kept)} of a pattern's {NEAREST} nearest "
            f"(chance {percent(found.kept_by_chance)})."
        )
    if found.same_head is not None:
        beside = [
            f"{LAYOUT_NAMES[other]} {percent(share)}"
            for other in layouts_of(store)
            if other != layout and (share := fidelity_of(store, other).same_head) is not None
        ]
        beside.append(f"chance {percent(found.same_head_by_chance)}")
        words.append(
            f"Of the {NEAREST} nearest here, {percent(found.same_head)} are of its head "
            f"({', '.join(beside)})."
        )
    return " ".join(words) or "This store does not say how faithful its layouts are."


def why_first(store: Store) -> str:
    """Why the layout by offset is shown first, in one sentence; empty where it is not.

    That it separates heads is a reason only where no other layout does so better.
    """
    layouts = layouts_of(store)
    shares = {layout: fidelity_of(store, layout).same_head for layout in layouts}
    own = shares.pop("offset", None)
    others = {one: share for one, share in shares.items() if share is not None}
    if own is None or not others:
        return ""
    listed = ", ".join(f"{LAYOUT_NAMES[one]} {percent(share)}" for one, share in others.items())
    why = "The layout by offset is shown first: it is made from exact features, not fitted ones"
    figure = f"{percent(own)} are of the same head ({listed})"
    if own < max(others.values()):
        return f"{why}. Another separates heads better: of a pattern's {NEAREST} nearest {figure}."
    return f"{why}, and of a pattern's {NEAREST} nearest {figure}."


def share(store: Store, name: str) -> float | None:
    """An attribute of an untrusted store, if it is a share."""
    value = store.attrs.get(name)
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    return float(value) if is_number and 0 <= value <= 1 else None
