"""What an explanation is, without torch: its numbers, and the words for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

NONE, IDLE, BROADCASTS, MIXED = range(4)
HEAVY = 10
"""Column mass of a sink, in shares of even attention."""
SINK_KINDS = ("no sink", "does nothing", "broadcasts", "another sink")

MAPS = {
    "attends": "attention to the output, last layer",
    "moves": "moved to the output, last layer",
    "speaks": "speaks for the class, all heads",
    "rollout": "attention rollout",
    "generic": "generic attention",
    "lens": "logit lens",
    "ablation": "logit lost without the patch",
}
"""Kinds of maps by name, with what a patch's value is."""
SIGNED = ("speaks", "lens", "ablation")
"""Maps whose values speak for or against the class."""
OF_HEADS = ("attends", "moves", "speaks")
"""Maps that are made of what single heads do."""


TILES = ("auto", "1", "2", "4")
"""Patches of a side of the tiles that an ablation removes; auto: 4, divided where it matters."""
RANDOM_ORDERS = 5
"""Random orders of the band that a map has to leave."""


def random_orders(patches: int, seed: int = 0) -> list[tuple[int, ...]]:
    """The random orders of the patches of an image."""
    draw = np.random.default_rng(seed)
    return [tuple(draw.permutation(patches).tolist()) for _ in range(RANDOM_ORDERS)]


@dataclass(frozen=True)
class Sources:
    """What each head does with the patches of one image, for one class.

    Attributes
    ----------
    values
        ``(3, L, H, P)`` float32, in the order of :data:`OF_HEADS`: what the output pays a patch
        through the head, in its own layer, what is moved from it, and what it says for the class.
        NaN where that is not exact.
    absent
        ``(3,)`` str, why values are not exact; empty where they are.
    says, logit, probability, parts, absent_parts, sinks, outliers
        As of :class:`Explanation`.
    sink_token
        ``(L, H)``: the token with most attention.
    """

    values: np.ndarray
    absent: np.ndarray
    says: np.ndarray
    logit: np.ndarray
    probability: np.ndarray
    parts: np.ndarray
    absent_parts: np.ndarray
    sinks: np.ndarray
    sink_token: np.ndarray
    outliers: np.ndarray

    def of(self, kind: str, heads: np.ndarray | None = None) -> np.ndarray:
        """A map ``(P,)`` of the heads ``(L, H)`` bool: what they say is a sum, the rest are means.

        Without heads what they say is of all, the rest of the last layer, which the output reads.
        """
        found = self.values[OF_HEADS.index(kind)]
        if kind == "speaks":
            return found.sum((0, 1)) if heads is None else found[heads].sum(0)
        if heads is None:
            return found[-1].mean(0)
        return found[heads].mean(0) if heads.any() else np.zeros(found.shape[-1], found.dtype)

    def without_sinks(self, prefix: int) -> "Sources":
        """The same with nothing paid to, or moved from, a patch that is a head's sink.

        Parameters
        ----------
        prefix
            Number of prefix tokens.
        """
        patch = self.sink_token - prefix
        layer, head = np.nonzero((self.sinks != NONE) & (patch >= 0))
        values = self.values.copy()
        values[:2, layer, head, patch[layer, head]] = 0
        return replace(self, values=values)


@dataclass(frozen=True)
class Explanation:
    """One prediction, explained.

    Attributes
    ----------
    maps
        ``(n, P)`` float32, a map a kind; NaN where it does not exist.
    absent
        ``(n,)`` str, why a map does not exist; empty where it does.
    deletion, insertion
        ``(n,)``: mean probability of the class as patches go and come; NaN without a map.
    random_deletion, random_insertion
        Of random orders.
    says
        ``(L, H)``: the part of the logit that each head says directly; NaN where not exact.
    total
        ``(L, H)``: how far the logit falls without the head.
    logit, probability
        ``()``, of the class.
    parts
        ``(3,)``: what embedding, MLPs and biases say.
    absent_parts
        ``()`` str, why heads say nothing exactly; empty if they do.
    sinks
        ``(L, H)`` int8, places in :data:`SINK_KINDS`.
    outliers
        ``(L,)`` int: tokens that enter the layer with a norm far above the others'.
    tile
        Of :data:`TILES`: what the ablation removed.
    """

    maps: np.ndarray
    absent: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray
    says: np.ndarray
    total: np.ndarray
    logit: np.ndarray
    probability: np.ndarray
    parts: np.ndarray
    absent_parts: np.ndarray
    sinks: np.ndarray
    outliers: np.ndarray
    tile: str = "auto"

    def map_words(self, kind: str) -> str:
        """What a patch's value is in a map."""
        if kind == "ablation" and self.tile in ("2", "4"):
            return f"logit lost by tiles of {self.tile} × {self.tile}"
        return MAPS[kind]


def sink_words(sinks: np.ndarray, outliers: np.ndarray) -> str:
    """What was found in one image about tokens of high norm and about sinks.

    A head is counted in the kind that :mod:`headbrush.analysis.explain.sinks` has given it, by the
    thresholds that stand there.
    """
    layers = np.flatnonzero(outliers)
    norms = f"No token enters any of the {len(outliers)} layers with a high norm."
    if len(layers):
        named = ", ".join(str(layer) for layer in layers)
        norms = f"Tokens of high norm enter layer{'s' if len(layers) > 1 else ''} {named}."
    found = int((sinks != NONE).sum())
    if not found:
        return f"{norms} None of the {sinks.size} heads has a sink in this image."
    kinds = (IDLE, "does", "do", "nothing with it"), (BROADCASTS, "broadcasts", "broadcast", "it")
    counts = []
    for kind, one, many, rest in (*kinds, (MIXED, "uses", "use", "it otherwise")):
        if count := int((sinks == kind).sum()):
            counts.append(f"{count} {one if count == 1 else many} {rest}")
    has = "has" if found == 1 else "have"
    return f"{norms} {found} of {sinks.size} heads {has} a sink in this image: {', '.join(counts)}."


def faithful_words(found: Explanation, kinds: Sequence[str]) -> str:
    """Which maps order the patches better than chance, of those that exist.

    A map does if its deletion is below that of every random order and its insertion above.

    Parameters
    ----------
    kinds
        Of the maps in ``found``, in their order.
    """
    lowest, highest = found.random_deletion.min(), found.random_insertion.max()
    there = [row for row in range(len(kinds)) if np.isfinite(found.maps[row]).all()]
    if not there:
        return ""
    orders = f"all {len(found.random_deletion)} random orders"
    better = [
        MAPS[kinds[row]]
        for row in there
        if found.deletion[row] < lowest and found.insertion[row] > highest
    ]
    if not better:
        return f"No map is better than {orders} both ways."
    if len(better) == len(there):
        return f"Better than {orders} both ways: {'each map' if len(there) > 1 else 'the map'}."
    return f"Better than {orders} both ways: only {'; '.join(better)}."
