"""The modes of partial pruning: the parts of A that each sets to zero (the paper's Fig. 4)."""

from dataclasses import dataclass

import numpy as np

MODES = {
    0: "nothing",
    1: "everything",
    2: "prefix → prefix",
    3: "prefix ↔ patches",
    4: "patches → patches",
    5: "prefix → prefix, prefix ↔ patches",
    6: "prefix → prefix, patches → patches",
    7: "prefix ↔ patches, patches → patches",
}
"""In words; 6 and 7 complete the subsets."""
PRUNING_MODES = tuple(MODES)[1:]
"""Those that prune."""
REGIONS = {0: (), 1: (2, 3, 4), 2: (2,), 3: (3,), 4: (4,), 5: (2, 3), 6: (2, 4), 7: (3, 4)}
"""As those of modes 2, 3 and 4, which are one region each."""


@dataclass(frozen=True)
class PrunedHead:
    """Effect of pruning one head on one image, under every mode.

    Attributes
    ----------
    metrics
        ``(metric, mode)`` float32: the pruning metrics under modes 0 to 7.
    probability
        ``(mode, classes)`` float32, P' under each mode; row 0 is P; ``(1, 0)`` if headless.
    """

    metrics: np.ndarray
    probability: np.ndarray
