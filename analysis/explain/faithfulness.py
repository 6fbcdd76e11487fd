"""How faithful maps are: what the class's probability does as their patches go and come.

Petsiuk, Das and Saenko, "RISE" (BMVC 2018), with tokens that are removed, not greyed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from headbrush.analysis.explain.ablation import outputs_without
from headbrush.analysis.explain.words import random_orders
from headbrush.analysis.model.vision_model import VisionModel

STEPS = 10


@dataclass(frozen=True)
class Faithfulness:
    """Mean probability of the class over the steps, in [0, 1].

    Attributes
    ----------
    deletion
        ``(n,)``: while the map's highest patches go first; low is faithful.
    insertion
        ``(n,)``: while they come first; high is faithful.
    random_deletion, random_insertion
        ``(random,)``, of random orders.
    """

    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray


def faithfulness(
    model: VisionModel,
    image: Tensor,
    which: int,
    maps: Sequence[np.ndarray],
    seed: int = 0,
) -> Faithfulness:
    """Measure some maps ``(P,)`` of an image ``(1, C, H, W)`` for a class, beside random orders."""
    orders = [np.argsort(-one, kind="stable") for one in maps]
    orders += [np.array(order) for order in random_orders(model.geometry.num_patches, seed)]
    means = means_of_orders(model, image, which, orders)
    of_maps, of_random = means[:, : len(maps)], means[:, len(maps) :]
    return Faithfulness(*of_maps, *of_random)


def means_of_orders(
    model: VisionModel, image: Tensor, which: int, orders: Sequence[np.ndarray]
) -> np.ndarray:
    """Deletion and insertion of some orders of the patches, ``(2, n)``.

    Deletion removes 0, 1/10 … 9/10 of the patches, the first of an order first; insertion keeps
    1/10, 2/10 … all.
    """
    removed = np.concatenate([_removed(order) for order in orders])  # (n·2·STEPS, P)
    distinct, place = np.unique(removed, axis=0, return_inverse=True)
    output = outputs_without(model, image, distinct)
    chance = model.kind.probability(output)[:, which].double().cpu().numpy()
    return chance[place.reshape(-1)].reshape(len(orders), 2, STEPS).mean(-1).T


def _removed(order: np.ndarray) -> np.ndarray:
    """What is removed in each step, deletion first, ``(2·STEPS, P)`` bool."""
    rank = np.argsort(order)
    gone = np.ceil(np.arange(STEPS) / STEPS * len(order) - 1e-9).astype(int)
    gone = np.minimum(gone, len(order) - 1)
    deleted = rank < gone[:, None]
    kept = np.maximum(1, np.ceil(np.arange(1, STEPS + 1) / STEPS * len(order) - 1e-9).astype(int))
    return np.concatenate([deleted, rank >= kept[:, None]])
