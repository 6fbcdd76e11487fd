"""Pairs of groups of heads, for models with too many heads to try all pairs: whole layers, or all
heads of one pattern name, wherever they are.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import Trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.interactions.pairs import Interactions, PairEffects, all_pairs
from headbrush.analysis.prune.predicting import Predictor
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.head_names import head_names
from headbrush.analysis.store.facts.studies.interactions import GROUPS
from headbrush.analysis.store.store import Store

_KEPT_BYTES = 2**28
"""Of what enters the blocks, for each of the tasks that run at the same time."""


def groups_of(store: Store, groups: str) -> dict[str, tuple[int, ...]]:
    """The groups of a store: their names, and their heads as numbers ``layer · H + head``.

    Parameters
    ----------
    groups
        ``heads``, ``layers``, or ``names``: heads by the name that most of their patterns have;
        heads without a name are in no group.

    Raises
    ------
    InputError
        If there is no such kind of groups, or the store has fewer than two of them.
    """
    if groups not in GROUPS:
        raise InputError(f"--groups {groups}: expected {', '.join(GROUPS)}.")
    found: dict[str, list[int]] = defaultdict(list)
    for head, name in enumerate(_names(store, groups)):
        if name:
            found[name].append(head)
    if len(found) < 2:
        raise InputError(
            f"--groups {groups}: {store.path} has {len(found)} of these; a pair needs two."
        )
    return {name: tuple(heads) for name, heads in found.items()}


def _names(store: Store, groups: str) -> list[str]:
    """The group of every head; empty: none."""
    if groups == "names":
        return [name.label for name in head_names(store)]
    heads = store.sizes["head"]
    places = [divmod(head, heads) for head in range(store.sizes["layer"] * heads)]
    if groups == "layers":
        return [f"layer {layer}" for layer, _ in places]
    return [f"L{layer}·H{head}" for layer, head in places]


@torch.inference_mode()
def group_pairs(
    model: VisionModel,
    traced: Trace,
    classes: Tensor,
    groups: Sequence[Sequence[int]],
    advance: Callable[[float], None] = lambda _share: None,
) -> PairEffects:
    """Interactions of all pairs of groups of heads, each pair a pass without both.

    Parameters
    ----------
    traced
        Of a model that puts out logits, without pruned heads.
    classes
        ``(B,)`` int64.
    groups
        Numbers ``layer · H + head`` of the heads of each; no head is in two.
    advance
        Called with the finished share.
    """
    predictor = Predictor(model, lambda places: traced.images[list(places)], _KEPT_BYTES)
    images = range(len(traced.images))

    def without(*heads: int) -> Tensor:
        pruned = PruneSet.of_heads(divmod(head, model.geometry.num_heads) for head in heads)
        return torch.from_numpy(predictor.predict(images, pruned).output)

    before = without()
    found = Interactions(model.kind, before, classes.cpu(), len(groups))
    for one, heads in enumerate(groups):
        found.alone(one, without(*heads))
    pairs = list(all_pairs(len(groups)))
    for done, (first, second) in enumerate(pairs, 1):
        found.together(first, second, without(*groups[first], *groups[second]))
        advance(done / len(pairs))
    return found.effects
