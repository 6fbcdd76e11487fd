"""Makes reports of two stores: as they are, or of what a page of the server shows."""

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from bokeh.document import Document
from bokeh.models import Select
from bokeh.plotting import figure

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.browser.brushing import link
from headbrush.server.pages.report.browser.pairing import join
from headbrush.server.pages.report.head_differences import differences_part
from headbrush.server.pages.report.make_report import add_panels, data_of, drawn_state
from headbrush.server.pages.report.pair_report import PAIR_VIEWS, PairReport, Side
from headbrush.server.pages.report.parts.failed_views import failed_notes, refuse_empty
from headbrush.server.pages.report.parts.panels import Panel, named_models, overview_panels
from headbrush.server.pages.report.parts.thumbnails import fill_offset_pictures, fill_thumbnails
from headbrush.server.session.beside.matched_heads import pairs_of_state
from headbrush.server.session.beside.same_names import SameNames
from headbrush.server.session.palette import LIGHT, colours_beside
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import head_pairs, match_words
from headbrush.server.tools.bokeh.bokeh_types import ends_of

_PREFIXES = "a_", "b_"
OF_ONE_STORE = "image", "head", "view", "prune", "data", "fragment"
"""Options of a report that one of two stores does not take."""
_ON_ONE_SCALE = "importance_plot", "overview_plot"


def make_pair_report(
    stores: Sequence[Store | StoreData | Path | str],
    states: Sequence[ViewState] = (),
    names: Sequence[str] = (),
    match: str | Path = "place",
) -> PairReport:
    """Make a report of two stores side by side, and head by head.

    Parameters
    ----------
    states
        What a page shows of each; by default all images and heads.
    names
        What the report calls the stores; by default the last names of their folders.
    match
        Which heads are partners, see :func:`beside_table`; a page's state says it itself.

    Raises
    ------
    InputError
        If a store is none, heads cannot be matched so, or all views fail; a view that fails is left
        out, and the notes say so.
    """
    data = [data_of(store) for store in stores]
    same = SameNames(data)
    if states:
        pairs, by = pairs_of_state(data, states[0])
    else:
        pairs, by = head_pairs(data[0], data[1], match), match_words(match)
    same.match(pairs)
    names = names or _names(data)
    if not states:
        first = default_state(data[0])
        second = replace(ViewState(None, 0, 0, first.metric), **same.translated(0, first))
        states = first, second
    document = Document()
    document.title = f"headbrush report: {names[0]} and {names[1]}"
    sessions = [
        Session(one, drawn_state(state), LIGHT, document)
        for one, state in zip(data, states, strict=True)
    ]
    sessions[1].class_colours = colours_beside(data[1].class_names, data[0].class_names)
    panels = [_panels(*each) for each in zip(sessions, _PREFIXES, names, strict=True)]
    parts = [_parts(some) for some in panels]  # before scripts join them
    for name in _ON_ONE_SCALE:
        _one_scale([some[name] for some in parts if name in some])
    plots = [[some["importance_plot"]] if "importance_plot" in some else [] for some in parts]
    sides = [
        _side(names[n], _PREFIXES[n], sessions[n], panels[n], plots[1 - n])
        for n in range(len(sessions))
    ]
    refuse_empty(panels[0] + panels[1], [words for side in sides for words in side.failed])
    join(sessions, [cast(Select | None, some.get("metric")) for some in parts], same)
    differences = differences_part(sessions, names, pairs, by)
    shown = panels[0] + panels[1]
    if differences.panel is not None:
        shown += (differences.panel,)
    add_panels(document, shown, data)
    return PairReport(sides, same.common, differences, document)


def check_pair(*one_store: object) -> None:
    """Refuse options that are for a report of one store.

    Parameters
    ----------
    one_store
        Values of ``OF_ONE_STORE``, in that order.

    Raises
    ------
    InputError
        If one of them is given.
    """
    named = zip(OF_ONE_STORE, one_store, strict=True)
    if given := [f"--{name}" for name, value in named if value]:
        raise InputError(
            f"{', '.join(given)} with --beside: a report of two stores shows images, importance "
            "and entropy of both, and takes no other options than --out and --match."
        )


def pair_report_of(
    stores: Sequence[StoreData], states: Sequence[ViewState], names: Sequence[str]
) -> bytes:
    """A gzipped report of what a page of two stores shows.

    Raises
    ------
    InputError
        If the analysis of a store is not finished.
    """
    if any(data.store.pending for data in stores):
        raise InputError("An analysis is not finished; save the report when this page is full.")
    return gzip.compress(make_pair_report(stores, states, names).html.encode(), 5, mtime=0)


def _names(stores: Sequence[StoreData]) -> list[str]:
    names = [data.store.path.resolve().name for data in stores]
    return names if names[0] != names[1] else [f"{name} ({n})" for n, name in enumerate(names, 1)]


def _panels(session: Session, prefix: str, name: str) -> tuple[Panel, ...]:
    made = overview_panels(session, PAIR_VIEWS, side=prefix)
    fill_offset_pictures(session)
    return tuple(replace(panel, title=f"{panel.title} · {name}") for panel in made)


def _parts(panels: Sequence[Panel]) -> dict[str, Any]:
    """Models of one side by their names."""
    return {name: model for one in panels for name, model in named_models(one.root).items()}


def _side(
    name: str,
    prefix: str,
    session: Session,
    panels: tuple[Panel, ...],
    beside: Sequence[figure],
) -> Side:
    notes = [*fill_thumbnails(session), *link(session, panels, [], prefix, beside)]
    failed = failed_notes(session, [], PAIR_VIEWS)
    return Side(name, prefix, session, panels, tuple(notes), tuple(failed))


def _one_scale(plots: Sequence[figure]) -> None:
    """Draw plots from the lowest to the highest end of all; their tags keep their own."""
    ends = [ends_of(plot.y_range) for plot in plots]
    for plot, (least, own) in zip(plots, ends, strict=True):
        start, end = min(low for low, _ in ends), max(high for _, high in ends)
        plot.y_range.update(start=start, end=end)
        plot.tags = [own, least]
