"""One attention matrix as the page's browser draws it (``static/attention_matrix.js``). Pure.

Along an axis a patch token is 1 long, a prefix token ``wide``.
"""

from dataclasses import dataclass

import numpy as np

_FAINT, _LEAST = 0.3, 0.25


@dataclass(frozen=True)
class TokenAxis:
    """Where tokens lie along an axis: ``prefix`` of them first, each ``wide``, then patches."""

    prefix: int
    patches: int
    wide: int

    @property
    def size(self) -> int:
        """Length of the axis."""
        return self.prefix * self.wide + self.patches

    @property
    def of_unit(self) -> np.ndarray:
        """``(size,)`` token of every unit of the axis."""
        first = np.repeat(np.arange(self.prefix), self.wide)
        return np.concatenate([first, self.prefix + np.arange(self.patches)])

    def centre(self, tokens: np.ndarray) -> np.ndarray:
        """Middles of tokens on the axis."""
        patch = tokens + self.prefix * (self.wide - 1) + 0.5
        return np.where(tokens < self.prefix, (tokens + 0.5) * self.wide, patch)


@dataclass(frozen=True)
class Lines:
    """Attention values as lines, the weakest first.

    Attributes
    ----------
    source, target, value
        ``(n,)`` tokens and attention.
    total
        How many values reach the threshold; more than ``n`` where not all are drawn.
    """

    source: np.ndarray
    target: np.ndarray
    value: np.ndarray
    total: int


def lines(attention: np.ndarray, threshold: float, token: int | None, most: int) -> Lines:
    """The values from ``threshold`` on of the token's row and column, of all tokens for None.

    Parameters
    ----------
    attention
        ``(T, T)``.
    most
        At most so many are drawn, the strongest.
    """
    is_shown = attention >= threshold
    if token is not None:
        concerns = np.zeros_like(is_shown)
        concerns[token] = concerns[:, token] = True
        is_shown &= concerns
    source, target = np.nonzero(is_shown)
    value = attention[source, target]
    order = np.argsort(value, kind="stable")[max(0, len(value) - most) :]
    return Lines(source[order], target[order], value[order], len(value))


def masks(attention: np.ndarray, prefix: int, token: int | None) -> tuple[np.ndarray, np.ndarray]:
    """How much every patch attends to the token, and the token to it; means over tokens for None.

    Returns
    -------
    Two arrays ``(patches,)``.
    """
    others = slice(None) if token is None else slice(token, token + 1)
    return attention[prefix:, others].mean(1), attention[others, prefix:].mean(0)


def opacity(value: np.ndarray, threshold: float, top: float) -> np.ndarray:
    """Opacity of attention values: of those below the threshold only a trace."""
    share = np.minimum(value / top, 1)
    return np.where(value >= threshold, _LEAST + (1 - _LEAST) * share, _FAINT * share)


def line_opacity(value: np.ndarray, threshold: float) -> np.ndarray:
    """Opacity of lines: full at the strongest."""
    strongest = float(value.max(initial=threshold))
    if strongest <= threshold:
        return np.ones_like(value, float)
    return 0.12 + 0.88 * (value - threshold) / (strongest - threshold)


def pooled(attention: np.ndarray, axis: TokenAxis, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrix in at most ``pixels`` × ``pixels``: the strongest value that a pixel holds.

    Returns
    -------
    The values, and whether they are from or to a prefix token.
    """
    units = axis.of_unit
    starts = np.unique(
        np.arange(axis.size) * min(pixels, axis.size) // axis.size, return_index=True
    )[1]
    is_prefix = units < axis.prefix
    either = is_prefix[:, None] | is_prefix
    whole = attention[np.ix_(units, units)]
    best = _strongest(whole, starts)
    of_prefix = _strongest(np.where(either, whole, -np.inf), starts)
    return best, of_prefix >= best


def _strongest(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.maximum.reduceat(np.maximum.reduceat(values, starts, 0), starts, 1)
