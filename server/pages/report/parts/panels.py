"""The server's own views without the parts that need a server: plots, legends and notes."""

from dataclasses import dataclass, replace
from itertools import chain
from typing import cast

import numpy as np
from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.layouts import column
from bokeh.models import Column, LayoutDOM, LinearColorMapper, Model
from bokeh.models.tools import BoxSelectTool, LassoSelectTool
from bokeh.plotting import figure
from bokeh.server.callbacks import NextTickCallback

from headbrush.analysis.model.pruning.modes import PrunedHead
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.pages.report.parts.failed_views import guarded_views, without_failed
from headbrush.server.pages.report.parts.redact_folders import without_folders
from headbrush.server.pages.report.parts.request import (
    OVERVIEWS,
    PAGE_VIEWS,
    SECTIONS,
    why_kept,
)
from headbrush.server.session.brush.named_brushes import Named
from headbrush.server.session.palette import DARK, LIGHT
from headbrush.server.session.prune.named_sets import NamedSets
from headbrush.server.session.session import Session
from headbrush.server.stores.model.live_model import live_model
from headbrush.server.stores.model.mean_pruning import MeanPruned
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.registry import BY_NAME, Row, Views
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, from_codes
from headbrush.server.views.view import View

_PICTURE_SIZE = 1000, 560
MOST_COMPUTED = 20
"""Images that the model is asked about for one mean; whoever makes a report waits for them."""


@dataclass(frozen=True)
class Panel:
    """One view as a report shows it.

    Attributes
    ----------
    name
        Of the view and, on a page, its number; no other root has it.
    words
        A text summary with numbers.
    saves
        As of the view's row.
    """

    name: str
    view: str
    title: str
    help: str
    words: str
    root: LayoutDOM
    saves: tuple[str, ...] = ("plot",)


@dataclass(frozen=True)
class HeadPage:
    """One head in one image, or its means over the brushed images.

    Attributes
    ----------
    head, image
        Their numbers; no image for means.
    pruning
        Metrics ``(metric, mode)`` and probabilities of partial pruning; None without the model.
    attention
        ``(T, T)`` as shown; None if it is not shown.
    of_images, of_matrices
        How many images ``pruning`` and ``attention`` are means of, in words.
    """

    head: int
    image: int | None
    session: Session
    panels: tuple[Panel, ...]
    pruning: PrunedHead | MeanPruned | None
    attention: np.ndarray | None
    matrix_id: str
    of_images: str = ""
    of_matrices: str = ""

    @property
    def title(self) -> str:
        """The head, and where."""
        data = self.session.data
        if self.image is not None:
            return f"{data.head_labels[self.head]} in {data.names[self.image]}"
        brushed = self.session.brush("heads").images
        which = "all" if brushed.all() else f"{grouped(int(brushed.sum()))} brushed"
        return f"{data.head_labels[self.head]} over {which} images"


def overview_panels(
    session: Session, views: tuple[str, ...], named: Named = (), side: str = ""
) -> tuple[Panel, ...]:
    """The views of all images and heads, which share their two sources.

    ``side`` begins the panels' names where two stores have panels in one report.
    """
    session.reader.restore_named(named)
    shown = [name for name in views if name in OVERVIEWS]
    made = guarded_views(session, shown)
    name, why = PatternLayout.name, why_kept(session.data, session.state.pattern_style)
    if why and name in shown and not session.faults.reason(name):
        layout = made.by_name[name].layout
        _keep_picture(session, cast(figure, layout.select_one({"name": "patterns_plot"})))
        session.summaries.describe(name, f"{session.summaries[name]} {why}")
    working = without_failed(session, made.by_name)
    return tuple(
        _panel(BY_NAME[name], working[name], session, side + name)
        for name in shown
        if name in working
    )


def further_views(session: Session, views: tuple[str, ...], sets: NamedSets) -> Views:
    """The views of the further workspaces; :func:`settle` brings what they ask for."""
    session.reader.change_sets(sets)
    wanted = {*chain(*SECTIONS.values())} & {*views}
    return guarded_views(session, [name for name in views if name in wanted])


def further_panels(session: Session, views: Views) -> dict[str, tuple[Panel, ...]]:
    """What these views show now, by workspace; one that has nothing is left out."""
    working = without_failed(session, views.by_name)
    sections = {}
    for workspace, names in SECTIONS.items():
        shown = [name for name in names if name in working]
        panels = [_panel(BY_NAME[name], working[name], session, name) for name in shown]
        kept = tuple(panel for panel in panels if cast(Column, panel.root).children)
        if kept:
            sections[workspace] = kept
    return sections


def _keep_picture(session: Session, plot: figure) -> None:
    """A picture in the report's size, without tools that would need the places of the patterns."""
    plot.width, plot.height = _PICTURE_SIZE
    plot.tools = [t for t in plot.tools if not isinstance(t, BoxSelectTool | LassoSelectTool)]
    plot.toolbar.active_drag = None
    session.reader.change_theme(DARK)
    mapper = cast(LinearColorMapper, plot.select_one({"type": LinearColorMapper}))
    dark = list(mapper.palette)
    session.reader.change_theme(LIGHT)
    mapper.update(name="two_palettes", tags=[dark])
    plot.width = plot.height = None


def page_panels(
    overview: Session, pairs: tuple[tuple[int, int | None], ...], views: tuple[str, ...]
) -> list[HeadPage]:
    """The views of one head in one image, or of its means, for each pair; waits for the model.

    Parameters
    ----------
    overview
        Its state, except the selection, is used.
    """
    document, data, started = overview.document, overview.data, []
    of_head = [name for name in views if name in PAGE_VIEWS]
    for head, image in pairs:
        chosen = data.head(head)
        state = replace(overview.state, image=image, layer=chosen.layer, head=chosen.head)
        session = Session(data, state, document=document)
        session.most_computed = MOST_COMPUTED
        session.reader.restore_named(overview.reader.named)
        started.append((head, image, session, guarded_views(session, of_head)))
    settle(document, data)
    return [_page(number, *one) for number, one in enumerate(started, 1)]


def _page(number: int, head: int, image: int | None, session: Session, views: Views) -> HeadPage:
    working = without_failed(session, views.by_name)
    panels = tuple(
        _panel(BY_NAME[name], working[name], session, f"page{number}_{name}")
        for name in PAGE_VIEWS
        if name in working
    )
    pruning, matrix = views.shared.get(PruningAnswer), views.shared.get(ShownMatrix)
    result, of_images = None, ""
    if isinstance(pruning, PruningAnswer):
        result = pruning.of_all_modes
        of_images = pruning.words_of(result) if isinstance(result, MeanPruned) else ""
    attention, matrix_id, of_matrices = None, "", ""
    if isinstance(matrix, ShownMatrix) and matrix.codes is not None:
        attention, matrix_id = from_codes(matrix.codes), matrix.source.id
        of_matrices = matrix.mean.words if matrix.mean else ""
    shown = (result, attention, matrix_id, of_images, of_matrices)
    return HeadPage(head, image, session, panels, *shown)


def settle(document: Document, data: StoreData) -> None:
    """Do what a server does for its page: report that it is shown, and deliver the answers.

    An answer may lead to another question: what is not stored is asked live, and a prune set image
    by image.
    """
    document.callbacks.trigger_event(DocumentReady())
    goes_on = True
    while goes_on:
        goes_on = False
        for source in (data.matrices, data.mean_matrices, data.trends, live_model(data.store)):
            source.wait()
            goes_on |= deliver(document)


def deliver(document: Document) -> bool:
    """Deliver the answers that are there, as a server's loop does; whether there were any."""
    waiting = [one for one in document.session_callbacks if isinstance(one, NextTickCallback)]
    for one in waiting:
        one.callback()
    return bool(waiting)


def named_models(root: Model) -> dict[str, Model]:
    """Every model below a model, by name; Bokeh would search them all for each name."""
    return {model.name: model for model in root.references() if model.name}


def _panel(row: Row, view: View, session: Session, name: str) -> Panel:
    root = view.layout
    if row.report_parts:
        models = named_models(root)
        kept = [cast(LayoutDOM, models[part]) for part in row.report_parts]
        root = column(*(part for part in kept if part.visible), sizing_mode="stretch_both")
    root.name = name
    words = without_folders(session.summaries.get(row.name, ""), session.data.store)
    title, explained = (session.data.worded(one) for one in (view.title, view.help))
    return Panel(name, row.name, title, explained, words, root, row.saves)
