"""D4: the attention matrix."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from headbrush.server.pages.figures.parts.drawing import Place, colour_bar
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.pages.figures.parts.tokens import TokenAxis, opacity, pooled
from headbrush.server.session.palette import PATCH, PREFIX, SELECTED
from headbrush.server.views.tokens.attention_matrix import AttentionMatrix
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, Tokens, from_codes

_STEPS = 128


def attention_of(shown: Shown) -> tuple[np.ndarray, Tokens, TokenAxis]:
    """The shown matrix ``(T, T)``, its looks, and where its tokens lie along an axis.

    Raises
    ------
    AbsentError
        If there is none; says why.
    """
    matrix = shown.shared(ShownMatrix)
    if matrix.codes is None:
        raise AbsentError(matrix.remark)
    tokens = matrix.tokens
    axis = TokenAxis(tokens.prefix, tokens.rows * tokens.columns, tokens.wide)
    return from_codes(matrix.codes), tokens, axis


def prefix_word(tokens: Tokens) -> str:
    """What the prefix tokens are: ``CLS`` if that is the only one."""
    return "CLS" if tokens.has_class and tokens.prefix == 1 else "prefix"


def draw(shown: Shown, place: Place) -> str:
    """Draw the matrix and its two scales; returns what is drawn, in words."""
    shown.demand(AttentionMatrix.name)
    attention, tokens, axis = attention_of(shown)
    axes = place.axes()
    values, of_prefix = pooled(attention, axis, round(place.width * place.dpi))
    alpha = opacity(values, tokens.threshold, tokens.top)[..., None]
    inks = np.where(of_prefix[..., None], to_rgb(PREFIX), to_rgb(PATCH))
    axes.imshow(
        1 - alpha * (1 - inks), extent=(0, axis.size, axis.size, 0), interpolation="nearest"
    )
    _ticks(axes, tokens, axis)
    if tokens.token is not None:
        at = float(axis.centre(np.array(tokens.token)))
        axes.axhline(at, color=SELECTED, lw=0.7)
        axes.axvline(at, color=SELECTED, lw=0.7)
    word = prefix_word(tokens)
    kinds = [(PATCH, "between patches")]
    if tokens.prefix:
        kinds.append((PREFIX, f"from or to {word}"))
    for number, (colour, words) in enumerate(kinds):
        bar = colour_bar(
            place, axes, _ramp(colour, tokens), (0, tokens.top), f"A, {words}", shrink=0.8,
            extend="max",
        )  # fmt: skip
        if number:  # the outer scale has the numbers of both
            bar.set_ticks([])
    whole = f"{shown.shared(ShownMatrix).remark}".removesuffix(".")
    return f"Attention matrix ({whole}); faint below A = {tokens.threshold:.2g}."


def _ramp(colour: str, tokens: Tokens) -> list:
    alpha = opacity(np.linspace(0, tokens.top, _STEPS), tokens.threshold, tokens.top)[:, None]
    return list(1 - alpha * (1 - np.array(to_rgb(colour))))


def _ticks(axes: Axes, tokens: Tokens, axis: TokenAxis) -> None:
    """Prefix tokens, and the first patch of some rows of the grid."""
    every = max(1, -(-tokens.rows // 5))
    rows = np.arange(0, tokens.rows, every)
    first = axis.centre(tokens.prefix + rows * tokens.columns)
    words = [f"row {row}" if not row and not tokens.prefix else str(row) for row in rows]
    at, labels = list(first), words
    if tokens.prefix:
        at[0], labels[0] = tokens.prefix * tokens.wide / 2, prefix_word(tokens)
    axes.set_xticks(at, labels)
    axes.set_yticks(at, labels)
    axes.set_xlabel("target (key), patches by row")
    axes.set_ylabel("source (query), patches by row")
    for spine in axes.spines.values():
        spine.set_visible(True)
