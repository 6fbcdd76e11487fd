"""What heads say for classes as a store keeps it, used where no model is asked. Pure."""

import numpy as np

from headbrush.server.stores.store_data import StoreData


def stored_says(data: StoreData, image: int, which: int) -> np.ndarray | None:
    """``(L, H)``: what each head says for a class of one image; None where that is not stored."""
    if not data.store.has("direct"):
        return None
    (places,) = np.nonzero(data.store.read("direct_class")[image] == which)
    if not len(places):
        return None
    found = data.store.read("direct")[image, :, :, places[0]]
    return found if np.isfinite(found).all() else None


def mean_says(data: StoreData, brushed: np.ndarray) -> tuple[np.ndarray, int] | None:
    """Mean ``(L, H)`` of what heads say for the true class, else the predicted one, and n.

    Parameters
    ----------
    brushed
        ``(m,)`` bool. Images whose logits are no such sum are left out.

    Returns
    -------
    None where none of these images has stored values.
    """
    if not data.store.has("direct"):
        return None
    values = data.store.read("direct")[brushed, :, :, 0]
    known = values[np.isfinite(values).all((1, 2))]
    return (known.mean(0, dtype=float), len(known)) if len(known) else None
