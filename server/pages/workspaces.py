"""Workspaces of a page: the views of all but the first are built when they are first shown."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.models import Column

from headbrush.server.session.session import Session
from headbrush.server.session.state import WORKSPACES, Stage, ViewState
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.changed_together import changed_together
from headbrush.server.views.registry import ROWS, Row, build_views
from headbrush.server.views.view import View

TITLES = {"explore": "Explore", "what_if": "What if", "trends": "Trends", "explain": "Explain"}
"""What the tabs say."""
PAIR_TITLES = {"explore": "Side by side", "trends": "Head by head"}
"""What the tabs of the page of two stores say."""


@dataclass(frozen=True)
class Place:
    """Where a view of the page is or will be.

    Attributes
    ----------
    row
        The view's row in the registry.
    layout
        Root of the page: the view's own, or a column that the view is put into.
    """

    row: Row
    layout: Any


class Tabs:
    """The tabs of a page: what one needs is built when it is first shown.

    Attributes
    ----------
    channel
        Its tags are the shown workspace and then all that have been built; the page writes the
        one whose tab was chosen.
    """

    def __init__(self, session: Session, names: Iterable[str]) -> None:
        self._session, self._names = session, tuple(names)
        self._opened = [self._names[0]]
        self.channel = Channel(name="workspace", tags=[])

    def _begin(self) -> None:
        """Follow the state, and the reader."""
        self._session.history.follow(["workspace"], self._show, Stage.PAGE)
        self.channel.on_change("tags", self._choose)

    def _views(self, workspace: str) -> Mapping[str, View]:
        """Build what a workspace needs, by the names of its places; for subclasses."""
        raise NotImplementedError

    def _layout(self, name: str) -> Column:
        """Where a view is put; for subclasses."""
        raise NotImplementedError

    def _open(self, workspace: str) -> None:
        views = self._views(workspace)
        with changed_together(self.channel.document):
            for name, view in views.items():
                self._layout(name).children = [view.layout]

    def _show(self, state: ViewState) -> None:
        if state.workspace not in self._names:
            return
        if state.workspace not in self._opened:
            self._opened.append(state.workspace)
            self._open(state.workspace)
        self.channel.tags = [state.workspace, *self._opened]

    def _choose(self, _attribute: str, _old: list[str], new: list[str]) -> None:
        if new[0] in self._names:
            self._session.history.change(workspace=new[0])


class Workspaces(Tabs):
    """The workspaces of a store's page; a hidden one hears of changes when it is shown.

    The first is always built: the page's scripts know its models.

    Attributes
    ----------
    places
        One of every view, by its name, in the order of the registry.
    """

    name = "workspaces"

    def __init__(
        self,
        session: Session,
        build: Callable[..., Any],
        on_built: Callable[[Mapping[str, View]], None],
    ) -> None:
        super().__init__(session, WORKSPACES)
        self._build, self._on_built = build, on_built
        self.places: dict[str, Place] = {}
        first = self._views(WORKSPACES[0])
        for row in ROWS:
            layout = first[row.name].layout if row.name in first else empty_place(row.name)
            self.places[row.name] = Place(row, layout)
        self._begin()

    def _views(self, workspace: str) -> dict[str, View]:
        names = [row.name for row in ROWS if row.workspace == workspace]
        with self._session.history.only_in(workspace):
            views = build_views(self._session, names, self._build).by_name
        self._on_built(views)
        return views

    def _layout(self, name: str) -> Column:
        return self.places[name].layout


class PairTabs(Tabs):
    """The tabs of two stores: both sides, and heads beside heads.

    Parameters
    ----------
    build
        Builds the views of the second tab.
    places
        Where they are put, by their names.
    """

    name = "tabs"

    def __init__(
        self,
        session: Session,
        build: Callable[[], Iterable[View]],
        places: Mapping[str, Column],
    ) -> None:
        super().__init__(session, PAIR_TITLES)
        self._build, self._places = build, places
        self._begin()

    def _views(self, workspace: str) -> dict[str, View]:
        with self._session.history.only_in(workspace):
            return {view.name: view for view in self._build()}

    def _layout(self, name: str) -> Column:
        return self._places[name]


def empty_place(name: str) -> Column:
    """Where a view will be put."""
    return Column(name=f"place_{name}", sizing_mode="stretch_both")
