"""Makes reports: of a store as it is, or of what a page of the server shows."""

import gzip
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from bokeh.document import Document
from bokeh.models import Markup

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.browser.brushing import link
from headbrush.server.pages.report.parts.failed_views import failed_notes, refuse_empty
from headbrush.server.pages.report.parts.panels import (
    Panel,
    further_panels,
    further_views,
    overview_panels,
    page_panels,
)
from headbrush.server.pages.report.parts.redact_folders import without_folders
from headbrush.server.pages.report.parts.request import (
    ALL,
    ReportRequest,
    read_request,
)
from headbrush.server.pages.report.parts.thumbnails import fill_offset_pictures, fill_thumbnails
from headbrush.server.pages.report.report import Report
from headbrush.server.session.brush.named_brushes import Named
from headbrush.server.session.palette import LIGHT
from headbrush.server.session.prune.named_sets import NamedSets
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.model.live_model import live_model
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.common.written import CLASS, without_buttons


def make_report(
    store: Store | StoreData | Path | str,
    images: Sequence[object] = (),
    heads: Sequence[object] = (),
    views: Sequence[str] = (),
    state: ViewState | None = None,
    named: Named = (),
    sets: NamedSets = (),
    prune: str = "",
) -> Report:
    """Make a report of a store.

    Parameters
    ----------
    images, heads, views
        As of ``read_request``.
    state, named, sets
        What a page of the server shows, to be shown again: its brush, colours, prune set, compared
        brushes and named prune sets.
    prune
        A prune set in place of the state's, as text.

    Raises
    ------
    InputError
        If an image, head or view is not in the store, or all views fail; a view that fails is
        left out, and the notes say so.
    """
    data = data_of(store)
    shown = state or default_state(data)
    if prune:
        pruned = PruneSet.parse(prune)
        pruned.demand_within(data.num_layers, data.heads_per_layer)
        shown = replace(shown, pruned=pruned)
    request = read_request(data, images, heads, views, bool(shown.pruned))
    if request.needs_model:
        live_model(data.store).warm_up()  # the model loads while the other views are made
    return _made(data, request, shown, named, sets)


def report_of(data: StoreData, state: ViewState, named: Named, sets: NamedSets) -> bytes:
    """A gzipped report of what a page of the server shows.

    Raises
    ------
    InputError
        If the analysis of the store is not finished.
    """
    if data.store.pending:
        raise InputError("The analysis is not finished; save the report when this page is full.")
    image = ALL if state.image is None else state.image
    heads = [(state.layer, state.head)]
    report = make_report(data, [image], heads, state=state, named=named, sets=sets)
    return gzip.compress(report.html.encode(), 5, mtime=0)


def _made(
    data: StoreData, request: ReportRequest, shown: ViewState, named: Named, sets: NamedSets
) -> Report:
    document = Document()
    session = Session(data, drawn_state(shown), LIGHT, document)
    overview = overview_panels(session, request.views, named)
    fill_offset_pictures(session)
    notes = fill_thumbnails(session)  # before the model is waited for
    further = further_views(session, request.views, sets)
    pages = page_panels(session, request.pages, request.views)
    sections = further_panels(session, further)
    called = [(page.session, page.title) for page in pages]
    failed = failed_notes(session, called, request.views)
    of_pages = (panel for page in pages for panel in page.panels)
    refuse_empty([*overview, *chain(*sections.values()), *of_pages], failed)
    notes += link(session, overview, pages)
    document.title = f"headbrush report: {data.store.attrs['model']}"
    contents = (data, request, session, overview, tuple(pages), tuple(notes), tuple(failed))
    report = Report(*contents, sections, document)
    add_panels(document, report.panels, (data,))
    return report


def drawn_state(shown: ViewState) -> ViewState:
    """A state as the scripts of a report draw it."""
    return replace(
        shown, importance_scale="linear", importance_order="layer", importance_fit="whole",
        importance_form="chart",
    )  # fmt: skip


def add_panels(document: Document, panels: Sequence[Panel], stores: Sequence[StoreData]) -> None:
    """Put panels into a document; their texts have no folders of ``stores``."""
    with document.models.freeze():  # else every root is followed by a look at all models
        for panel in panels:
            document.add_root(panel.root)
    for model in document.models:
        if isinstance(model, Markup):
            text = without_buttons(model.text) if CLASS in model.css_classes else model.text
            for data in stores:
                text = without_folders(text, data.store)
            model.text = text


def data_of(store: Store | StoreData | Path | str) -> StoreData:
    """A store that is given as data, open, or by its path."""
    if isinstance(store, StoreData):
        return store
    return StoreData(store if isinstance(store, Store) else Store(store))
