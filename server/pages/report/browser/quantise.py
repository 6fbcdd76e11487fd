"""Values as 16-bit codes of their range. Pure."""

import numpy as np

MISSING = 65_535
"""Code of NaN; the others are steps from the least to the largest value."""


def to_codes(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Codes uint16 of ``values``, and the value of code 0 and of a step; NaN is ``MISSING``."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    step = (high - low) / (MISSING - 1) or 1.0
    with np.errstate(invalid="ignore"):
        codes = np.round((values.astype(float) - low) / step)
    return np.where(np.isfinite(values), codes, MISSING).astype(np.uint16), low, step
