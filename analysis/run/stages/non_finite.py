"""Numbers that a model could not compute, such as infinities: counted, said, and stored as NaN."""

from collections.abc import Iterator, Mapping

import numpy as np

from headbrush.analysis.store.facts.grouped import grouped

_ALWAYS_FINITE = ("probability", "importance", "importance_by_mode")
"""NaN here too is a fault, unless the whole metric does not exist."""


def without_infinities(values: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], str]:
    """A summary's values with NaN for infinity, and a sentence about both, or no text.

    A store keeps NaN where a value does not exist; it is refused with infinities.
    """
    finite, counts = {}, []
    for name, stored in values.items():
        finite[name] = stored
        if stored.dtype.kind != "f":
            continue
        for what, part in _parts(name, stored, values):
            lost = int(_lost(name, part).sum())
            if lost:
                counts.append(f"{grouped(lost)} of {grouped(part.size)} values of {what}")
        if np.isinf(stored).any():
            finite[name] = np.where(np.isinf(stored), np.nan, stored).astype(stored.dtype)
    if not counts:
        return finite, ""
    return finite, (
        f"The model gave infinite or undefined numbers: {'; '.join(counts)} are stored as missing "
        "(NaN)."
    )


def _parts(
    name: str, values: np.ndarray, summary: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """The parts of a variable that exist or do not exist each as a whole."""
    if name == "importance":
        for metric, part in zip(summary["metric"], values, strict=True):
            yield f"{name} ({metric})", part
    elif name == "importance_by_mode":  # (mode, metric, …)
        for metric, part in zip(summary["metric"], values.swapaxes(0, 1), strict=True):
            yield f"{name} ({metric})", part
    else:
        yield name, values


def _lost(name: str, values: np.ndarray) -> np.ndarray:
    is_finite = np.isfinite(values)
    if name in _ALWAYS_FINITE and is_finite.any():
        return ~is_finite
    return np.isinf(values)
