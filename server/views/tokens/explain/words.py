"""What the maps of an explanation are called, and how faithful they are, in words. Pure."""

import numpy as np

from headbrush.analysis.explain.words import OF_HEADS

TITLES = {
    "attends": "attends",
    "moves": "moves",
    "speaks": "speaks for it",
    "rollout": "rollout",
    "generic": "generic attention",
    "lens": "logit lens",
    "ablation": "patch ablation",
}
"""Kinds of maps, as buttons and menus call them."""
OF_CHOSEN_HEADS = (*OF_HEADS, "rollout")
"""Maps of which the heads can be chosen."""
_WAYS = "deletion", "insertion"
_MEANS = {
    "attends": "attention that the output pays to each patch through {heads}",
    "moves": "how much is moved from each patch to the output through {heads}",
    "speaks": "what each patch adds to the logit of {class} through {heads}",
    "rollout": "attention followed through all layers, over {heads}",
    "generic": "attention times its gradient for {class}, layer upon layer",
    "lens": "the logit of {class} if every token that the output reads were this one",
    "ablation": "how far the logit of {class} falls without {heads}",
}


def meaning(kind: str, class_name: str, heads: str) -> str:
    """What a patch's value is in a map, as a clause; ``heads`` is what the map is of."""
    return _MEANS[kind].replace("{class}", class_name).replace("{heads}", heads)


TILE_WORDS = {
    "auto": "each tile of patches, 4 × 4 first, divided where that matters",
    "1": "each patch",
    "2": "each tile of 2 × 2 patches",
    "4": "each tile of 4 × 4 patches",
}
"""What patch ablation removes, as a clause."""


def better_ways(found: np.ndarray | None, random: np.ndarray | None) -> tuple[bool, bool]:
    """Whether a map is known to order patches better than chance, by deletion and by insertion.

    Parameters
    ----------
    found
        ``(2,)``: its deletion, better if below that of every random order, and its insertion,
        better if above.
    random
        ``(2, n)``: those of random orders.
    """
    if found is None or random is None:
        return False, False
    return bool(found[0] < random[0].min()), bool(found[1] > random[1].max())


def faith_words(found: np.ndarray | None, random: np.ndarray | None) -> str:
    """A map's deletion and insertion, and whether they are better than chance, as a clause."""
    if found is None:
        return ""
    words = f"deletion {found[0]:.2f}, insertion {found[1]:.2f}"
    if random is None:
        return words
    ways = better_ways(found, random)
    orders = f"all {random.shape[1]} random orders"
    if all(ways):
        return f"{words}, both better than {orders}"
    if any(ways):
        return f"{words}, only {_WAYS[ways.index(True)]} better than {orders}"
    return f"{words}, neither better than {orders}"
