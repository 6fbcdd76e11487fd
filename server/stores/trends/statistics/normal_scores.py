"""Values by their rank, so that a few large ones do not decide what is near. Pure."""

import numpy as np


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Replace each column of ``(n, columns)`` by the normal quantiles of its ranks.

    Effects of pruning are skewed: of raw values, the few images that any head moves would be far
    from all others. Equal values get the same score; columns that are constant or not finite
    everywhere are left out. Two independent columns differ by √2 in root mean square.

    Returns
    -------
    ``(n, columns kept)`` float64.
    """
    from scipy.special import ndtri  # a server would start later
    from scipy.stats import rankdata

    if not len(values):
        return values[:, :0]
    kept = np.isfinite(values).all(0) & (values != values[0]).any(0)
    scores = np.empty((len(values), int(kept.sum())))
    for place, column in enumerate(np.flatnonzero(kept)):  # one by one needs the least memory
        scores[:, place] = ndtri((rankdata(values[:, column]) - 0.5) / len(values))
    return scores
