"""Workspaces of a page: the views of all but the first are built when they are first shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.models import Column

from headbrush.server.session.session import Session
from headbrush.server.session.state import WORKSPACES, Stage, ViewState
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.changed_together import changed_together
from headbrush.server.views.registry import ROWS, Row, build_views
from headbrush.server.views.view import View

TITLES = {"explore": "Explore", "what_if": "What if", "trends": "Trends"}
"""What the tabs say."""


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


class Workspaces:
    """Builds what the shown workspace needs; a hidden one hears of changes when it is shown.

    The first workspace is always built: the page's scripts know its models.

    Attributes
    ----------
    places
        One of every view, by its name, in the order of the registry.
    channel
        Its tags are the shown workspace and then all that have been built; the page writes the
        one whose tab was chosen.
    """

    name = "workspaces"

    def __init__(
        self,
        session: Session,
        build: Callable[..., Any],
        on_built: Callable[[Mapping[str, View]], None],
    ) -> None:
        self._session, self._build, self._on_built = session, build, on_built
        self._opened: list[str] = []
        self.places: dict[str, Place] = {}
        self.channel = Channel(name="workspace", tags=[])
        first = self._views(WORKSPACES[0])
        for row in ROWS:
            layout = first[row.name].layout if row.name in first else _empty(row)
            self.places[row.name] = Place(row, layout)
        session.history.follow(["workspace"], self._show, Stage.PAGE)
        self.channel.on_change("tags", self._choose)

    def _views(self, workspace: str) -> dict[str, View]:
        names = [row.name for row in ROWS if row.workspace == workspace]
        with self._session.history.only_in(workspace):
            views = build_views(self._session, names, self._build).by_name
        self._opened.append(workspace)
        self._on_built(views)
        return views

    def _show(self, state: ViewState) -> None:
        if state.workspace not in self._opened:
            views = self._views(state.workspace)
            with changed_together(self.channel.document):
                for name, view in views.items():
                    self.places[name].layout.children = [view.layout]
        self.channel.tags = [state.workspace, *self._opened]

    def _choose(self, _attribute: str, _old: list[str], new: list[str]) -> None:
        if new[0] in WORKSPACES:
            self._session.history.change(workspace=new[0])


def _empty(row: Row) -> Column:
    return Column(name=f"place_{row.name}", sizing_mode="stretch_both")
