"""D2: the image, and what a token has to do with its parts."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from headbrush.server.pages.figures.panels.tokens.matrix import attention_of
from headbrush.server.pages.figures.parts.drawing import Place, colour_bar
from headbrush.server.pages.figures.parts.fonts import elided
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.pages.figures.parts.tokens import masks
from headbrush.server.session.palette import MASK, SELECTED
from headbrush.server.views.tokens.image_context import ImageContext, mask_opacity
from headbrush.server.views.tokens.selected_matrix import Tokens

_VIEW = ImageContext.name
_STEPS = 128


def draw(shown: Shown, place: Place) -> str:
    """Draw the image or a mean of them, and two masks; returns what is drawn, in words."""
    shown.demand(_VIEW)
    attention, tokens, _ = attention_of(shown)
    token = tokens.token if tokens.token is not None else (0 if tokens.has_class else None)
    name = _token_name(tokens, token)
    attends, looks = masks(attention, tokens.prefix, token)
    titles = (f"token: {name}", f"attends to {name}", f"where {name} looks")
    if token is None:
        titles = ("mean over tokens", "attend most", "attended most")
    axes = place.figure.subplots(1, 3)
    for one, title, values in zip(axes, titles, (None, attends, looks), strict=True):
        _picture(shown, one, tokens)
        one.set_title(elided(title, place.width / 3 - 0.12), pad=2)
        if values is not None:
            _mask(one, tokens, values)
        if token is not None and token >= tokens.prefix:
            row, column = divmod(token - tokens.prefix, tokens.columns)
            one.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=SELECTED, lw=1))
    shades = 1 - mask_opacity(np.linspace(0, 1, _STEPS))[:, None] * (1 - np.array(to_rgb(MASK)))
    colour_bar(
        place, list(axes), list(shades), (0, 1), "A, as a share of the strongest",
        location="bottom", shrink=0.5, aspect=40, pad=0.03,
    )  # fmt: skip
    strongest = f"{attends.max():.2g} (attends), {looks.max():.2g} (looks)"
    what = "The mean of these images" if shown.state.image is None else "The image"
    words = f"{what} under two masks; patches with more attention show through"
    return f"{words}; strongest A = {strongest}."


def _picture(shown: Shown, axes: Axes, tokens: Tokens) -> None:
    (pixels,) = shown.columns(_VIEW, "context_image")["image"]
    rgba = np.ascontiguousarray(pixels).view(np.uint8).reshape(*pixels.shape, 4)
    axes.imshow(rgba, extent=(0, tokens.columns, tokens.rows, 0), interpolation="nearest")
    axes.axis("off")


def _mask(axes: Axes, tokens: Tokens, values: np.ndarray) -> None:
    """Cover what has little attention; the strongest patch is clear."""
    share = values / (float(values.max()) or 1.0)
    rgba = np.empty((*share.shape, 4))
    rgba[:, :3], rgba[:, 3] = to_rgb(MASK), mask_opacity(share)
    axes.imshow(
        rgba.reshape(tokens.rows, tokens.columns, 4),
        extent=(0, tokens.columns, tokens.rows, 0), interpolation="nearest",
    )  # fmt: skip


def _token_name(tokens: Tokens, token: int | None) -> str:
    if token is None:
        return ""
    if token >= tokens.prefix:
        return f"patch {token - tokens.prefix}"
    return "CLS" if tokens.has_class and not token else f"prefix token {token}"
