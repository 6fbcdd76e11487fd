"""When a figure is enough for a sentence: each conclusion of a report has its rule here. Pure."""

from collections.abc import Mapping

import numpy as np

from headbrush.analysis.store.facts.percent import percent
from headbrush.server.stores.metrics import NOISE

EXPLAINS = 0.8
"""Share of the whole effect that a part must reach by itself to explain it."""
HARDLY = 1e-3
"""An effect below this is negligible in any metric."""
FEWEST_IMAGES = 20
"""A tenth of fewer images says nothing about a head's spread over images."""
_EQUAL = 0.01
"""Difference, as a share of the larger, within which two strengths are not told apart."""


def explaining_parts(whole: float, parts: Mapping[str, float]) -> str:
    """Which parts of a head explain its effect, from effects with their signs.

    A part explains it if it alone reaches 80 % of the whole effect, in the same direction; one that
    goes beyond 125 % of it is held back by the rest of the head.
    """
    if max(abs(whole), *(abs(value) for value in parts.values())) < HARDLY:
        return "All of these are small: the head hardly matters here."
    if abs(whole) < HARDLY:
        return "As a whole the head hardly matters here: its parts offset each other."
    named = [name for name, value in parts.items() if value / whole >= EXPLAINS - NOISE]
    least = percent(EXPLAINS)
    if not named:
        return f"No part alone explains it: none reaches {least} of the whole effect."
    beyond = [name for name in named if EXPLAINS * parts[name] / whole > 1]
    if beyond:
        return (
            f"Pruning only {' or '.join(beyond)} changes more: the parts work against each other."
        )
    if len(named) == 1:
        return f"So {named[0]} alone explains it: it reaches {least} of the whole effect."
    listed = f"{', '.join(named[:-1])} and {named[-1]}"
    return f"So {listed} each explain it alone: each reaches {least} of the whole effect."


def spread_words(own: np.ndarray) -> str:
    """How evenly a head matters over images, from its effects ``(n,)``, of which some are gains.

    "Few images": the tenth with the largest effects have more than half of all; "many images
    alike": the median image has at least half of the mean effect. Both need 20 images.
    """
    known = own[np.isfinite(own)]
    if not len(known):
        return "its effect is not known"
    middle = f"median {np.median(known):.3g}, mean {known.mean():.3g}"
    losses = known.clip(0)
    if np.abs(known).max() < NOISE:
        return "pruning it changes nothing"
    if known.mean() <= NOISE:
        return f"pruning it does no harm on average ({middle})"
    if len(known) < FEWEST_IMAGES:
        return f"its effect over these images has {middle}"
    tenth = -(-len(known) // 10)
    share = np.sort(losses)[::-1][:tenth].sum() / losses.sum()
    told = f"the tenth of the images to which it matters most has {percent(share)} of its effect"
    if share > 0.5:
        return f"{told}, so it matters to few images ({middle})"
    if np.median(known) >= known.mean() / 2:
        return f"{told}, so it matters to many images alike ({middle})"
    return f"{told} ({middle})"


def first_places(values: np.ndarray, number: int) -> np.ndarray:
    """Place of a head in each image, from 0; that of the last where it does nothing.

    Parameters
    ----------
    values
        ``(image, head)``; heads that are equal share the better place.
    """
    known = np.nan_to_num(values, nan=-np.inf)
    own = known[:, number]
    return np.where(own > NOISE, (known > own[:, None]).sum(1), known.shape[1])


def strongest_hop(strength: np.ndarray) -> int | None:
    """The hop ``(hops,)`` of the largest strength; None where it stands out from no other."""
    hop = int(np.argmax(strength))
    others = np.delete(strength, hop)
    if len(others) and strength[hop] - others.max() <= _EQUAL * strength[hop]:
        return None
    return hop
