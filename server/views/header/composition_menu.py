"""The composition of the brush, for the menu beside the brush bar; computed while that is open."""

from dataclasses import asdict

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.composition import composition
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.views.common.legend_buttons import brush_legend_entry


class CompositionMenu:
    """Tells ``page/brushes/composition.js`` the parts of the brush; a part is brushed by it.

    Attributes
    ----------
    channel
        Holds the groups while the menu is open.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_open = False
        self.channel = Channel(name="composition", tags=[])
        session.history.on_change(["clauses"], self.react)

    def react(self, _state: ViewState) -> None:
        """Tell the parts of the new brush."""
        if self._is_open:
            session = self._session
            groups = composition(session.data, session.brush())
            self.channel.tags = [asdict(group) for group in groups]

    def turn(self, is_open: object) -> None:
        """Begin or end to follow the brush."""
        self._is_open = is_open is True
        self.react(self._session.state)

    def brush_part(self, kind: object, number: object) -> None:
        """Keep of the brush only one part; what is unknown changes nothing."""
        session = self._session
        if kind != "head":
            brush_legend_entry(session, kind, number, "intersect")
            return
        head = number_below(str(number), session.data.num_heads)
        if head is not None:
            session.brush_ids("heads", [head], "intersect")
