"""An order of rows in which alike ones are neighbours. Pure."""

import numpy as np

_MOST_ROWS = 600
"""More are clustered without the search for the best order of leaves, which takes their cube."""


def seriated(values: np.ndarray) -> np.ndarray:
    """Order of the rows of ``(n, columns)``: of the leaves of their clustering by average distance.

    The leaves are turned so that neighbours are as alike as possible (Bar-Joseph et al. 2001). NaN
    counts as 0.
    """
    if len(values) < 3:
        return np.arange(len(values))
    from scipy.cluster.hierarchy import leaves_list, linkage  # a server would start later

    tree = linkage(np.nan_to_num(values), "average", optimal_ordering=len(values) <= _MOST_ROWS)
    return leaves_list(tree)
