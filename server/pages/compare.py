"""Two stores on one page: images, B1 and C1 of both side by side, and head by head."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from bokeh.document import Document
from bokeh.models import Plot

from headbrush.server.pages.keyboard import key_variables, press
from headbrush.server.pages.layout import (
    COMPARE_SCRIPTS,
    facts,
    filled,
    keys_channel,
    looks,
    steps_channel,
    theme_channel,
    theme_of,
)
from headbrush.server.pages.pair import Pair
from headbrush.server.pages.plot_keys import PlotKeys
from headbrush.server.pages.report.make_pair_report import pair_report_of
from headbrush.server.pages.workspaces import PAIR_TITLES, PairTabs, empty_place
from headbrush.server.session.beside.matched_heads import MatchedHeads
from headbrush.server.session.beside.partners import read_partners
from headbrush.server.session.brush.clause_text import LinkError
from headbrush.server.session.palette import colours_beside
from headbrush.server.session.session import Session
from headbrush.server.session.state import WORKSPACES, Stage, ViewState
from headbrush.server.session.status.error_boundary import Failed, built
from headbrush.server.session.url_state import from_query
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import beside, table_of, to_file
from headbrush.server.tools.bokeh.browser_channel import Channel, unseen
from headbrush.server.views.beside.head_differences import HeadDifferences
from headbrush.server.views.beside.head_partners import HeadPartners
from headbrush.server.views.common.legend_buttons import legend_channel
from headbrush.server.views.header.file_export import FileExport
from headbrush.server.views.images.image_cloud import make_cloud
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.strength.strength_overview import StrengthOverview
from headbrush.server.views.view import View

VIEWS = (ImageOverview, HeadImportance, StrengthOverview)
"""The views of each side."""
SIDES = ("a_", "b_")
"""Prefixes of the names of views, plots and panels."""


def compare(
    document: Document,
    stores: Sequence[StoreData],
    arguments: Mapping[str, Sequence[bytes]],
    cookies: Mapping[str, str],
    names: Sequence[str],
) -> tuple[Session, Session]:
    """Fill a page with two stores; ``names`` are what addresses call them."""
    state, note = _state(arguments, stores)
    theme = theme_of(cookies)
    first = Session(stores[0], state, theme, document)
    second = Session(stores[1], ViewState(None, 0, 0, state.metric), theme, document)
    second.faults = first.faults  # of one page
    second.class_colours = colours_beside(stores[1].class_names, stores[0].class_names)
    matched = built(first.faults, MatchedHeads, (first, second))
    pair = built(first.faults, Pair, (first, second), matched)
    views = [_views(session, side) for session, side in zip((first, second), SIDES, strict=True)]
    built(first.faults, OneScale, (first, second), views)
    saved = SavedPair(first, second, names)
    shown: dict[type[View], tuple[object, ...]] = {
        HeadDifferences: (matched, names),
        HeadPartners: (matched, names, saved.save_heads),
    }
    places = {kind.name: empty_place(kind.name) for kind in shown}

    def build() -> list[View]:
        return [built(first.faults, kind, *given) for kind, given in shown.items()]

    tabs = PairTabs(first, build, places)
    with filled(document):
        for view in (*views[0].values(), *views[1].values()):
            document.add_root(view.layout)
        document.add_root(pair.layout if isinstance(pair, Failed) else pair.counts)
        for place in places.values():
            document.add_root(place)
        document.add_root(unseen(*_channels(pair, first, second), *saved.channels, tabs.channel))
    document.title = f"headbrush · {names[0]} and {names[1]}"
    sides = [
        {"name": name, "facts": facts(data), "views": made}
        for name, data, made in zip(names, stores, views, strict=True)
    ]
    document.template_variables.update(
        looks(COMPARE_SCRIPTS) | key_variables(lambda row: row.words_of_pair),
        template="compare.html",
        sides=sides,
        note=note,
        both=list(shown),
        workspace=first.state.workspace,
        workspaces=PAIR_TITLES,
    )
    return first, second


def _state(
    arguments: Mapping[str, Sequence[bytes]], stores: Sequence[StoreData]
) -> tuple[ViewState, str]:
    """What a link to two stores shows first, and a note on its unusable parts."""
    state, note = from_query(arguments, stores[0])
    if state.workspace not in PAIR_TITLES:
        state = replace(state, workspace=WORKSPACES[0])
    text = arguments.get("pairs", [b""])[0].decode("utf-8", "replace")
    try:
        return replace(state, partners=read_partners(text, stores)), note
    except LinkError:
        return state, f"{note} The link's pairs of heads could not be used.".strip()


def _channels(pair: Pair | Failed, first: Session, second: Session) -> list[Channel]:
    """Without a pair, the sides are two pages in one: each works, and nothing joins them."""
    is_joined = not isinstance(pair, Failed)
    legends = {f"{side}image_overview": of for side, of in zip(SIDES, (first, second), strict=True)}
    return [
        keys_channel(pair.press if is_joined else partial(press, first)),
        steps_channel(pair.go_to if is_joined else first.history.go_to),
        theme_channel(first, second),
        legend_channel(legends),
        *PlotKeys(dict(zip(SIDES, (first, second), strict=True))).channels,
        first.faults.channel,
        first.asks.channel,
        *_summaries(first, second),
        pair.link if is_joined else Channel(name="link", tags=["", "", 0]),
    ]


def _summaries(*sessions: Session) -> list[Channel]:
    """Channels of what each side says of its views, by names that the sides tell apart."""
    channels = [session.summaries.channel for session in sessions]
    for side, channel in zip(SIDES, channels, strict=True):
        channel.name = f"{side}summaries"
    return channels


def _views(session: Session, side: str) -> dict[str, View]:
    """The views by the names of their roots, which the page's two sides tell apart."""
    made = {}
    for kind in VIEWS:
        view = built(session.faults, kind, session, side=side)
        if not isinstance(view, Failed):
            view.layout.name = side + view.layout.name
        if isinstance(view, ImageOverview):
            make_cloud(session, view)
        for plot in view.layout.select({"type": Plot}):
            plot.name = f"{side}{plot.name}"
        made[view.layout.name] = view
    return made


class SavedPair:
    """Saves a report of what both sides show, and what differs head by head."""

    def __init__(self, first: Session, second: Session, names: Sequence[str]) -> None:
        self._sessions, self._names = (first, second), names
        self._said = Channel(name="report_said", tags=["", False])
        self._asked = Channel(name="report_asked", tags=[])
        self._asked.on_change("tags", lambda _attribute, _old, _new: self._save())
        stores = first.data.store, second.data.store
        self._files = FileExport(first.document, stores, self._say)
        self.channels = [self._said, self._asked, self._files.channel]

    def _save(self) -> None:
        stores = [session.data for session in self._sessions]
        states = [session.state for session in self._sessions]
        stems = "-".join(data.store.path.stem for data in stores)
        self._files.write(f"{stems}-report.html", partial(
            pair_report_of, stores, states, self._names))  # fmt: skip

    def save_heads(self, matched: MatchedHeads) -> None:
        """Save the pairs of heads, and how they differ by the shown metric over all images."""
        first, second = (session.data for session in self._sessions)
        metric, pairs = self._sessions[0].state.metric, matched.pairs

        def make() -> bytes:
            table = table_of([beside(first, second, metric, pairs)], (first, second))
            return gzip.compress(to_file(table).encode(), 5, mtime=0)

        self._files.write(f"{first.store.path.stem}-{second.store.path.stem}-heads.csv", make)

    def _say(self, note: str, stays: bool) -> None:
        self._said.tags = [note, stays]


class OneScale:
    """Draws both sides on one scale; a view that failed is left out."""

    name = "one_scale"

    def __init__(self, sessions: Sequence[Session], sides: Sequence[Mapping[str, object]]) -> None:
        kinds = (HeadImportance, StrengthOverview)
        made = [view for views in sides for view in views.values()]
        self._views = [[view for view in made if isinstance(view, kind)] for kind in kinds]
        for session in sessions:
            session.history.follow(["metric", "image", "clauses"], self.react, Stage.PAGE)

    def react(self, _state: ViewState) -> None:
        """Take the extent of both; a side without values has none."""
        for views in self._views:
            extents = [view.extent for view in views if view.extent is not None]
            if extents:
                lows, highs = zip(*extents, strict=True)
                low, high = min(lows), max(highs)
                whole = {"start": low, "end": high, "reset_start": low, "reset_end": high}
                for view in views:
                    view.plot.y_range.update(**whole)
