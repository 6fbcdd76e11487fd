"""Two stores side by side: images, B1 and C1 of both, aligned by layer and head."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from bokeh.document import Document
from bokeh.models import Div, Plot

from .brushing import Clause, Ids
from .channel import Channel, unseen
from .data import StoreData
from .guard import Failed, built
from .kinds import kinds_model
from .link import from_query, to_query
from .page import COMPARE_SCRIPTS, facts, keys_model, looks, theme_model, theme_of
from .session import Session
from .state import History, ViewState
from .views.head_importance import HeadImportance
from .views.image_overview import ImageOverview
from .views.strength_overview import StrengthOverview

_KINDS = (ImageOverview, HeadImportance, StrengthOverview)
SIDES = ("a_", "b_")
"""What the names of views, plots and panels begin with."""
_SHARED = ("image", "layer", "head", "metric", "clauses", "overview", "image_colour")


class Pair:
    """Two sessions of one page; what is selected or brushed in one is so in the other.

    Images are the same where their names are, heads where layer and head are; what the other store
    does not have is left out there.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = sessions
        self._ids = [{name: i for i, name in enumerate(s.data.names)} for s in sessions]
        self._is_following = False
        self.told = Div(text="", name="compared_text", render_as_text=True)
        self.link = Channel(name="link", tags=[""])
        for place, session in enumerate(sessions):
            session.history.subscribe(_SHARED, partial(self._follow, place))
        self._tell()

    def translated(self, place: int, state: ViewState) -> dict[str, object]:
        """What a state of one store is in the other."""
        here, there = self.sessions[place].data, self.sessions[1 - place].data
        ids = self._ids[1 - place]
        parts = {name: getattr(state, name) for name in _SHARED}
        parts["image"] = None if state.image is None else ids.get(here.names[state.image])
        if state.layer >= there.num_layers or state.head >= there.heads_per_layer:
            del parts["layer"], parts["head"]
        clauses = (self._clause(clause, here, there, ids) for clause in state.clauses)
        parts["clauses"] = tuple(clause for clause in clauses if clause is not None)
        return parts

    def _clause(
        self, clause: Clause, here: StoreData, there: StoreData, ids: Mapping[str, int]
    ) -> Clause | None:
        if clause.kind == "image":
            found = [ids[here.names[i]] for i in clause.shape.ids if here.names[i] in ids]
        elif clause.kind == "head":
            pairs = (divmod(number, here.heads_per_layer) for number in clause.shape.ids)
            found = [
                there.head_number(layer, head)
                for layer, head in pairs
                if layer < there.num_layers and head < there.heads_per_layer
            ]
        else:
            return None
        return replace(clause, shape=Ids(tuple(sorted(found)))) if found else None

    def _follow(self, place: int, _old: ViewState, new: ViewState) -> None:
        if self._is_following:
            return
        self._is_following = True
        try:
            self.sessions[1 - place].history.change(**self.translated(place, new))
        finally:
            self._is_following = False
        self._tell()

    def _tell(self) -> None:
        common = len(self._ids[0].keys() & self._ids[1].keys())
        first, second = (session.brush() for session in self.sessions)
        counts = f"{first.images.sum()} and {second.images.sum()} images count"
        heads = f"{first.heads.sum()} and {second.heads.sum()} heads"
        self.told.text = f"{common} images are in both, by name · {counts} · {heads}"
        self.link.tags = [to_query(self.sessions[0].state, self.sessions[0].data)[0]]


def compare(
    document: Document,
    stores: Sequence[StoreData],
    arguments: Mapping[str, Sequence[bytes]],
    cookies: Mapping[str, str],
    names: Sequence[str],
) -> tuple[Session, Session]:
    """Fill a page with two stores; ``names`` are what addresses call them."""
    state, note = from_query(arguments, stores[0])
    if "image" not in arguments:
        state = replace(state, image=None)
    theme = theme_of(cookies)
    first = Session(stores[0], state, theme, document)
    second = Session(stores[1], ViewState(None, 0, 0, state.metric), theme, document)
    second.faults = first.faults  # of one page
    pair = built(first.faults, Pair, (first, second))
    second.history.change(**pair.translated(0, state))
    views = [_views(session, side) for session, side in zip((first, second), SIDES, strict=True)]
    built(first.faults, OneScale, first.history, *views)
    document.config.update(reconnect_session=False, notify_connection_status=False)  # reconnect.js
    with document.models.freeze():
        for view in (*views[0].values(), *views[1].values()):
            document.add_root(view.layout)
        document.add_root(pair.told)
        document.add_root(unseen(*_channels(pair)))
    document.title = f"headbrush · {names[0]} and {names[1]}"
    sides = [
        {"name": name, "facts": facts(data), "views": made}
        for name, data, made in zip(names, stores, views, strict=True)
    ]
    document.template_variables.update(
        looks(COMPARE_SCRIPTS), template="compare.html", sides=sides, note=note
    )
    return first, second


def _channels(pair: Pair) -> list[Channel]:
    first, second = pair.sessions
    legends = {f"{side}image_overview": of for side, of in zip(SIDES, (first, second), strict=True)}
    return [
        keys_model(first),
        theme_model(first, second),
        kinds_model(legends),
        first.faults.told,
        pair.link,
    ]


def _views(session: Session, side: str) -> dict[str, object]:
    """The views by the names of their roots, which the page's two sides tell apart."""
    made = {}
    for kind in _KINDS:
        view = built(session.faults, kind, session, side=side)
        if not isinstance(view, Failed):
            view.layout.name = side + view.layout.name
        for plot in view.layout.select({"type": Plot}):
            plot.name = side + plot.name
        made[view.layout.name] = view
    return made


class OneScale:
    """Draws both sides on one scale; a view that failed is left out."""

    def __init__(self, history: History, *sides: Mapping[str, object]) -> None:
        names = {"head_importance": "importance_plot", "strength_overview": "overview_plot"}
        found = [
            [made[side + view].layout.select_one({"name": side + name})
             for side, made in zip(SIDES, sides, strict=True)]
            for view, name in names.items()
        ]  # fmt: skip
        self._plots = [[plot for plot in pair if plot is not None] for pair in found]
        history.subscribe(["metric", "image", "clauses"], self.react)
        self.react(history.state, history.state)

    def react(self, _old: ViewState, _new: ViewState) -> None:
        """Take the range of both."""
        for pair in filter(None, self._plots):
            low = min(plot.y_range.start for plot in pair)
            high = max(plot.y_range.end for plot in pair)
            for plot in pair:
                plot.y_range.update(start=low, end=high)
