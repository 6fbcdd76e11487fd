"""E6: how accuracy falls when head after head is pruned."""

from headbrush.analysis.store.facts.studies.curve import load_curve
from headbrush.server.pages.figures.curve import curve_words, draw_curve
from headbrush.server.pages.figures.parts.drawing import Place
from headbrush.server.pages.figures.parts.errors import AbsentError
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.views.what_if.pruning_curve import PruningCurve


def draw(shown: Shown, place: Place) -> str:
    """Draw the store's curve; returns what is drawn, in words."""
    shown.demand(PruningCurve.name)
    curve = load_curve(shown.data.store)
    if curve is None:
        raise AbsentError(shown.model(PruningCurve.name, "curve_note").text)
    draw_curve(curve, place)
    words = curve_words(curve)
    return words[0].upper() + words[1:]
