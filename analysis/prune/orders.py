"""Orders in which heads may be pruned, chosen on some images of a store. Without torch."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.head_names import head_names, names_stored
from headbrush.analysis.store.store import Store


class OrderError(InputError):
    """A store that lacks what an order is chosen by."""


def halves(count: int, images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two halves of ``images`` of ``count`` images at random: to choose on, and to draw on."""
    taken = np.random.default_rng(seed).permutation(count)[:images]
    return np.sort(taken[: images // 2]), np.sort(taken[images // 2 :])


def random_order(heads: int, seed: int, draw: int) -> list[int]:
    """All heads in one of many random orders."""
    return np.random.default_rng((seed, draw)).permutation(heads).tolist()


def chosen_order(store: Store, order: str, images: np.ndarray) -> list[int]:
    """All heads in an order that what the store holds of ``images`` decides.

    Parameters
    ----------
    order
        ``jsd``, ``gradient`` or ``repeated``.

    Raises
    ------
    OrderError
        If the store lacks what decides it.
    """
    if order == "repeated":
        return _repeated_first(store, images)
    return _weakest_first(_mean(store, order, images))


def _mean(store: Store, metric: str, images: np.ndarray) -> np.ndarray:
    """Mean importance of each head, ``(heads,)``."""
    number = store.read("metric").tolist().index(metric)
    values = store.read("importance")[number][images].astype(float)
    mean = values.mean(0).ravel()
    if not np.isfinite(mean).all():
        raise OrderError(
            f"order {metric}: the store has no {metric} of every head and image "
            f"({store.attrs.get('missing') or 'it was not measured'})."
        )
    return mean


def _weakest_first(values: np.ndarray) -> list[int]:
    return np.argsort(values, kind="stable").tolist()


def _repeated_first(store: Store, images: np.ndarray) -> list[int]:
    """Of heads with one name all but the strongest go first, then the rest; weakest first."""
    if not names_stored(store):
        raise OrderError("order repeated: the store has no names of patterns.")
    mean = _mean(store, "jsd", images)
    groups: dict[str, list[int]] = defaultdict(list)
    for head, name in enumerate(head_names(store, images)):
        if name.label:
            groups[name.label].append(head)
    repeated = [
        head for group in groups.values() for head in sorted(group, key=lambda h: mean[h])[:-1]
    ]
    if not repeated:
        raise OrderError("order repeated: no two heads of this store have the same name.")
    return [*_by(mean, repeated), *_by(mean, sorted(set(range(len(mean))) - set(repeated)))]


def _by(mean: np.ndarray, heads: Sequence[int]) -> list[int]:
    return sorted(heads, key=lambda head: mean[head])
