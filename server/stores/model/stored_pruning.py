"""Partial pruning as stored by ``analyze --modes all``, used when no model is available. Pure."""

import numpy as np

from headbrush.analysis.model.pruning.modes import MODES, PrunedHead
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.stores.store_data import StoreData


def stored_pruning(data: StoreData, image: int, number: int) -> PrunedHead | None:
    """Stored pruning results of one head of one image under every mode; None if not stored.

    Of the pruned predictions it holds the true class: the other probabilities are NaN.
    """
    stored = data.importance_by_mode(image, number)
    if stored is None:
        return None
    unchanged = np.where(np.isnan(stored[:, :1]), np.float32(np.nan), np.float32(0))
    metrics = np.hstack([unchanged, stored])  # (metric, mode)
    probability = np.full((len(MODES), data.probability.shape[1]), np.nan, np.float32)
    if probability.shape[1]:
        label, lost = data.labels[image], metrics[PRUNING_METRICS.index("probability")]
        probability[:, label] = data.probability[image, label] - lost
        probability[0] = data.probability[image]
    return PrunedHead(metrics, probability)
