"""How each panel is drawn, by its letter; a new view's panel is one function and one row here."""

from collections.abc import Callable
from dataclasses import dataclass

from headbrush.server.pages.figures import explained_panels
from headbrush.server.pages.figures.panels import (
    images,
    importance,
    overview,
    patterns,
    prediction,
    pruning,
    strength,
    trend_images,
    trends,
)
from headbrush.server.pages.figures.panels.prune import curve, given, pairs, sets
from headbrush.server.pages.figures.panels.tokens import context, matrix, threshold, two_axes
from headbrush.server.pages.figures.parts.drawing import Place
from headbrush.server.pages.figures.parts.shown import Shown


@dataclass(frozen=True)
class Panel:
    """How one panel is drawn.

    Attributes
    ----------
    title
        In a figure of several panels.
    draw
        Draws it, and returns what it shows in words.
    ratio, most
        Height by width, and inches of height at most, without legend and caption.
    shows_head
        Whether it shows or marks the selected head, so that the caption names it.
    """

    title: str
    draw: Callable[[Shown, Place], str]
    ratio: float
    most: float
    shows_head: bool = True


PANELS = {
    "A": Panel("Images", images.draw, 0.85, 5.0),
    "B1": Panel("Importance of heads", importance.draw, 0.55, 2.4),
    "B2": Panel("Parts of the head pruned", pruning.draw, 0.5, 2.2),
    "B3": Panel("Prediction", prediction.draw, 0.6, 2.6),
    "C1": Panel("Strength of heads", overview.draw, 0.75, 3.6),
    "C2": Panel("Strength by hop", strength.draw_hops, 0.55, 2.4),
    "C3": Panel("Entropy", strength.draw_entropy, 0.55, 2.4),
    "D1": Panel("Patterns", patterns.draw, 0.9, 5.2),
    "D2": Panel("Image under attention", context.draw, 0.48, 2.9),
    "D3": Panel("Strong attention", two_axes.draw, 0.5, 2.4),
    "D4": Panel("Attention matrix", matrix.draw, 0.85, 5.0),
    "D5": Panel("Attention values", threshold.draw, 0.55, 2.4),
    "E2": Panel("Predictions without the prune set", sets.draw, 0.5, 2.2, shows_head=False),
    "E3": Panel(
        "Prediction without the prune set", prediction.draw_under_set, 0.6, 2.6, shows_head=False
    ),
    "E4": Panel("Importance given the prune set", given.draw, 0.55, 2.4),
    "E6": Panel("Pruning head after head", curve.draw, 1.15, 4.6, shows_head=False),
    "E7": Panel("Pairs of heads", pairs.draw, 0.92, 5.2),
    "F1": Panel("Heads and classes", trends.draw_classes, 0.6, 3.4),
    "F2": Panel("Images of a class", trends.draw_consistency, 0.65, 3.4, shows_head=False),
    "F3": Panel("Images unlike their class", trend_images.draw_unlike, 0.5, 2.6, shows_head=False),
    "F4": Panel("Images alike", trend_images.draw_similar, 0.5, 2.6, shows_head=False),
    "G1": Panel("One prediction explained", explained_panels.draw_map, 0.6, 3.6),
    "G3": Panel("Heads that speak for a class", explained_panels.draw_heads, 0.55, 2.4),
}
"""In the order of the page."""
