"""The server's own views, without what needs a server: the plots, legends and notes of each."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.layouts import column
from bokeh.models import LayoutDOM, LinearColorMapper, Model
from bokeh.models.tools import BoxSelectTool, LassoSelectTool
from bokeh.plotting import figure
from bokeh.server.callbacks import NextTickCallback

from headbrush.server.pages.report.parts.redact_folders import without_folders
from headbrush.server.pages.report.parts.request import why_kept
from headbrush.server.session.brush.named_brushes import Named
from headbrush.server.session.palette import DARK, LIGHT
from headbrush.server.session.session import Session
from headbrush.server.stores.model.live_model import live_model
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from headbrush.server.views.strength.strength_overview import StrengthOverview
from headbrush.server.views.strength.strength_vector import StrengthVector
from headbrush.server.views.tokens.attention_matrix import AttentionMatrix
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.image_context import ImageContext
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, from_codes
from headbrush.server.views.tokens.threshold import Threshold
from headbrush.server.views.tokens.two_axes import TwoAxes

_PICTURE_SIZE = 1000, 560
_PARTS = {
    "image_overview": ("image_legend", "images_plot"),
    "head_importance": ("metric", "importance_plot"),
    "strength_overview": ("overview_plot", "head_counts"),
    "pattern_layout": ("pattern_legend", "patterns_plot"),
    "partial_pruning": ("pruning_note", "pruning_plot"),
    "threshold": ("threshold_note", "threshold_plot"),
}
"""What stays of the views that have parts for the server alone."""
_OF_IMAGES_AND_HEADS = {
    "head_importance": HeadImportance,
    "image_overview": ImageOverview,
    "strength_overview": StrengthOverview,
    "pattern_layout": PatternLayout,
}
_OF_ONE_HEAD = {
    "partial_pruning": PartialPruning,
    "prediction": Prediction,
    "strength_vector": StrengthVector,
    "entropy_distribution": EntropyDistribution,
}
_OF_ONE_MATRIX = {
    "image_context": ImageContext,
    "two_axes": lambda _session, matrix: TwoAxes(matrix),
    "attention_matrix": AttentionMatrix,
    "threshold": Threshold,
}


@dataclass(frozen=True)
class Panel:
    """One view as a report shows it.

    Attributes
    ----------
    name
        Of the view and, on a page, its number; no other root has it.
    words
        What it shows, in numbers.
    """

    name: str
    view: str
    title: str
    help: str
    words: str
    root: LayoutDOM


@dataclass(frozen=True)
class Page:
    """One head in one image.

    Attributes
    ----------
    head, image
        Their numbers.
    pruning
        Metrics ``(metric, mode)`` and probabilities of partial pruning; None without the model.
    attention
        ``(T, T)`` as it is shown; None where it is not.
    """

    head: int
    image: int
    session: Session
    panels: tuple[Panel, ...]
    pruning: Any
    attention: np.ndarray | None
    matrix_id: str


def overview_panels(
    session: Session, views: tuple[str, ...], named: Named = ()
) -> tuple[Panel, ...]:
    """The views of all images and heads, which share their two sources."""
    session.change_named(named)
    made = {name: make(session) for name, make in _OF_IMAGES_AND_HEADS.items() if name in views}
    if "pattern_layout" in made:
        plot = made["pattern_layout"].layout.select_one({"name": "patterns_plot"})
        if why := why_kept(session.data):
            _keep_picture(session, plot)
            session.describe("pattern_layout", f"{session.summaries['pattern_layout']} {why}")
    return tuple(_panel(view, session, name) for name, view in made.items())


def _keep_picture(session: Session, plot: figure) -> None:
    """A picture in the report's size, without tools that would need the places of the patterns."""
    plot.width, plot.height = _PICTURE_SIZE
    plot.tools = [t for t in plot.tools if not isinstance(t, BoxSelectTool | LassoSelectTool)]
    plot.toolbar.active_drag = None
    session.change_theme(DARK)
    mapper = plot.select_one(LinearColorMapper)
    dark = list(mapper.palette)
    session.change_theme(LIGHT)
    mapper.update(name="two_palettes", tags=[dark])
    plot.width = plot.height = None


def page_panels(
    overview: Session, pairs: tuple[tuple[int, int], ...], views: tuple[str, ...]
) -> list[Page]:
    """The views of one head in one image, for each pair of them; waits for the model.

    Parameters
    ----------
    overview
        All but the selection is as in its state.
    """
    document, data, started = overview.document, overview.data, []
    for head, image in pairs:
        layer, place = divmod(head, data.heads_per_layer)
        state = replace(overview.state, image=image, layer=layer, head=place)
        session = Session(data, state, document=document)
        session.change_named(overview.named)
        made: dict[str, Any] = {
            name: make(session) for name, make in _OF_ONE_HEAD.items() if name in views
        }
        matrix = None
        if any(name in views for name in _OF_ONE_MATRIX):
            matrix = ShownMatrix(session)
            made |= {n: make(session, matrix) for n, make in _OF_ONE_MATRIX.items() if n in views}
            MatrixWords(session, matrix)
        started.append((head, image, session, made, matrix))
    _settle(document, data)
    return [_page(number, views, *one) for number, one in enumerate(started, 1)]


def _page(
    number: int,
    views: tuple[str, ...],
    head: int,
    image: int,
    session: Session,
    made: dict[str, Any],
    matrix: ShownMatrix | None,
) -> Page:
    panels = tuple(_panel(made[v], session, f"page{number}_{v}") for v in views if v in made)
    pruning = made.get("partial_pruning")
    result = pruning.result if pruning else None
    codes = matrix.codes if matrix else None
    attention = None if codes is None else from_codes(codes)
    matrix_id = "" if attention is None else matrix.source.id
    return Page(head, image, session, panels, result, attention, matrix_id)


def _settle(document: Document, data: StoreData) -> None:
    """Do what a server does for its page: say that it is shown, and hand over the answers."""
    document.callbacks.trigger_event(DocumentReady())
    for source in (data.matrices, live_model(data.store)):  # what is not stored is then asked live
        source.wait()
        for waiting in document.session_callbacks:
            if isinstance(waiting, NextTickCallback):
                waiting.callback()


def named_models(root: Model) -> dict[str, Model]:
    """All that belongs to a model, by name; Bokeh itself would look through it for each name."""
    return {model.name: model for model in root.references() if model.name}


def _panel(view: Any, session: Session, name: str) -> Panel:
    kind = view.layout.name
    root = view.layout
    if kind in _PARTS:
        found = named_models(root)
        parts = [found[part] for part in _PARTS[kind]]
        root = column(*(p for p in parts if p.visible), sizing_mode="stretch_both")
    root.name = name
    words = without_folders(session.summaries.get(kind, ""), session.data.store)
    return Panel(name, kind, view.title, view.help, words, root)
