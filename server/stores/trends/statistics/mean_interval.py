"""How exactly a mean over images is known. Pure."""

import numpy as np

from headbrush.server.stores.trends.statistics.differences import LEVEL


def mean_interval(
    mean: np.ndarray, deviation: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % interval of each mean, by Student's t, in the values' own unit.

    NaN of fewer than two values, or where these are all equal: it is then unknown.

    Parameters
    ----------
    mean, deviation
        ``(n,)`` means of ``count`` values, and their standard deviations (of the values themselves,
        divided by ``count``).
    """
    from scipy.special import stdtrit  # a server would start later

    if count < 2:
        return np.full_like(mean, np.nan, float), np.full_like(mean, np.nan, float)
    spread = np.where(deviation > 1e-6 * np.abs(mean), deviation, np.nan)  # more than rounding
    reach = stdtrit(count - 1, LEVEL) * spread / np.sqrt(count - 1)
    return mean - reach, mean + reach


def interval_words(low: float, high: float) -> str:
    """`` (95 %: 0.022 to 0.035)`` with the space before it; empty where it is unknown."""
    if np.isnan(low):
        return ""
    return f" (95\u00a0%: {low:#.2g} to {high:#.2g})".replace("-", "\N{MINUS SIGN}")


def told_means(mean: np.ndarray, deviation: np.ndarray, count: int, of: str) -> list[str]:
    """Each mean with its interval, and of which images it is: as :func:`mean_interval`."""
    ends = mean_interval(mean, deviation, count)
    return [
        f"mean {value:.3g}{interval_words(low, high)}, {of}"
        for value, low, high in zip(mean, *ends, strict=True)
    ]
