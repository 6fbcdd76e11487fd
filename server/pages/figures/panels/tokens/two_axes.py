"""D3: source and target tokens on two axes, joined by attention."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from headbrush.server.pages.figures.panels.tokens.matrix import attention_of, prefix_word
from headbrush.server.pages.figures.parts.drawing import Place, line_key
from headbrush.server.pages.figures.parts.fonts import SMALL
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.pages.figures.parts.tokens import TokenAxis, line_opacity, lines
from headbrush.server.session.palette import PATCH, PREFIX, SELECTED
from headbrush.server.views.tokens.selected_matrix import Tokens
from headbrush.server.views.tokens.two_axes import MOST_LINES, TwoAxes


def draw(shown: Shown, place: Place) -> str:
    """Draw a line for each strong attention; returns what is drawn, in words."""
    shown.demand(TwoAxes.name)
    attention, tokens, axis = attention_of(shown)
    drawn = lines(attention, tokens.threshold, tokens.token, MOST_LINES)
    axes = place.axes()
    axes.axis("off")
    opaque = line_opacity(drawn.value, tokens.threshold)
    of_prefix = (drawn.source < tokens.prefix) | (drawn.target < tokens.prefix)
    inks = np.where(of_prefix[:, None], to_rgb(PREFIX), to_rgb(PATCH))
    ends = np.stack([axis.centre(drawn.source), axis.centre(drawn.target)], 1)
    heights = np.broadcast_to([1.0, 0.0], ends.shape)
    axes.add_collection(
        LineCollection(
            list(np.stack([ends, heights], -1)),
            colors=np.column_stack([inks, opaque]),
            linewidths=0.5,
            rasterized=len(ends) > 2000,
        )
    )
    _tokens(axes, tokens, axis)
    if tokens.token is not None:
        at = float(axis.centre(np.array(tokens.token)))
        axes.plot([at, at], [0, 1], "o", color=SELECTED, ms=4, clip_on=False)
    axes.set_xlim(0, axis.size)
    axes.set_ylim(-0.22, 1.22)
    keys = [(line_key(PATCH), "between patches")]
    if tokens.prefix:
        keys.append((line_key(PREFIX), f"from or to {prefix_word(tokens)}"))
    place.legend(keys)
    of = f"the {len(ends)} strongest of " if len(ends) < drawn.total else ""
    whose = "" if tokens.token is None else " of the pinned token"
    words = f"Attention{whose} of at least {tokens.threshold:.2g}"
    return f"{words}: {of}{drawn.total} lines, clearer for more."


def _tokens(axes: Axes, tokens: Tokens, axis: TokenAxis) -> None:
    wide = tokens.prefix * tokens.wide
    for y in (0.98, -0.02):
        axes.add_patch(Rectangle((wide, y), axis.patches, 0.04, color=PATCH, lw=0))
        for token in range(tokens.prefix):
            at = (token * tokens.wide, y)
            axes.add_patch(Rectangle(at, 0.8 * tokens.wide, 0.04, color=PREFIX, lw=0))
    axes.text(0, 1.06, "source tokens (queries)", fontsize=SMALL, va="bottom")
    axes.text(0, -0.06, "target tokens (keys)", fontsize=SMALL, va="top")
