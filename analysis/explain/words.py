"""What an explanation is, without torch: its numbers, and the words for them."""

from dataclasses import dataclass

import numpy as np

NONE, IDLE, BROADCASTS, MIXED = range(4)
SINK_KINDS = ("no sink", "does nothing", "broadcasts", "a sink that is neither")

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


def sink_words(sinks: np.ndarray, outliers: np.ndarray) -> str:
    """One sentence or two about the sinks of an image."""
    layers = np.flatnonzero(outliers)
    norms = "No tokens of high norm."
    if len(layers):
        named = ", ".join(str(layer) for layer in layers)
        norms = f"Tokens of high norm enter layer{'s' if len(layers) > 1 else ''} {named}."
    if not (sinks != NONE).any():
        return f"{norms} No head has a sink."
    counts = [
        f"{(sinks == kind).sum()} {words}"
        for kind, words in ((IDLE, "do nothing"), (BROADCASTS, "broadcast"), (MIXED, "neither"))
        if (sinks == kind).any()
    ]
    return f"{norms} Sinks in {(sinks != NONE).sum()} of {sinks.size} heads: {', '.join(counts)}."
