"""Two linked sessions of one page: each selection and brush applies to both."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar
from urllib.parse import urlencode

from bokeh.models import Div

from headbrush.server.pages.keyboard import TABS, TABS_OF_PAIR, press
from headbrush.server.session.beside.matched_heads import MatchedHeads
from headbrush.server.session.beside.partners import MOST_TEXT, partners_text
from headbrush.server.session.beside.same_names import LINKED, SameNames, linked_parts
from headbrush.server.session.brush.named_link import SAFE
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.url_state import to_query
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.undo_stack import UndoStack

_States = tuple[ViewState, ViewState]


class Pair:
    """Two sessions of one page; each selection and brush applies to both.

    Images are the same where their names are, heads where they are matched; what the other store
    does not have is left out there.
    """

    name = "compared_text"

    def __init__(self, sessions: Sequence[Session], matched: MatchedHeads | None = None) -> None:
        self.sessions = sessions
        self._same = SameNames([session.data for session in sessions])
        self._matched = MatchedHeads(sessions) if matched is None else matched
        self._same.match(self._matched.pairs)
        self._is_following = False
        self.counts = Div(text="", name=self.name, render_as_text=True)
        self.link = Channel(name="link", tags=["", "", 0])
        sessions[1].history.change(**self._same.translated(0, sessions[0].state))
        self._settled = self._now()
        self._steps = UndoStack[_States]()
        self._matched.changed.connect(self._match)
        for place, session in enumerate(sessions):
            session.history.on_change(LINKED, partial(self._follow, place))
            session.history.stepped.connect(self._on_step)
        self._tell()

    def press(self, key: str) -> None:
        """Act as the key says, on both sides."""
        if key in self._acts:
            self._acts[key](self)
        elif key in TABS_OF_PAIR.acts:
            TABS_OF_PAIR.acts[key](self.sessions[0])
        elif key not in TABS:
            press(self.sessions[0], key)

    def undo(self) -> None:
        """Show both sides as they were before the last step on either."""
        self._settle()
        self._show(self._steps.back(self._settled))

    def redo(self) -> None:
        """Take back the last undo, if there is one."""
        self._settle()
        self._show(self._steps.forward(self._settled))

    def go_to(self, step: int) -> None:
        """Undo or redo as many steps of the pair as lead to the one of that number, if any do."""
        self._settle()
        self._show(self._steps.toward(step, self._settled))

    def step_out(self) -> None:
        """Let go of the image, or else of the brushes, on both sides, also what only one has."""
        has_image = any(session.state.image is not None for session in self.sessions)
        for session in self.sessions:
            session.select_image(None) if has_image else session.drop_clauses()

    _acts: ClassVar = {"z": undo, "y": redo, "Escape": step_out}

    def _follow(self, side: int, new: ViewState) -> None:
        if self._is_following:
            return
        self._is_following = True
        try:
            self.sessions[1 - side].history.change(**self._same.translated(side, new))
        finally:
            self._is_following = False
        if self.sessions[side].history.is_settled:
            self._settled = self._now()
        self._tell()

    def _match(self) -> None:
        """Show in the second store the heads that now match; the first stays as it is."""
        if self._is_following:
            self._same.match(self._matched.pairs)
            return
        self._is_following = True
        try:
            self._same.match(self._matched.pairs)
            first, second = self.sessions
            second.history.adopt(**self._same.translated(0, first.state))
        finally:
            self._is_following = False
        if self.sessions[0].history.is_settled:
            self._settled = self._now()
        self._tell()

    def _now(self) -> _States:
        first, second = (session.state for session in self.sessions)
        return first, second

    def _settle(self) -> None:
        for session in self.sessions:
            session.history.settle()

    def _on_step(self) -> None:
        """Keep what both sides showed: a step of one side may be none of the other."""
        if not self._is_following:
            self._steps.keep(self._settled)
            self._settled = self._now()

    def _show(self, states: _States | None) -> None:
        if states is None:
            return
        self._is_following = True
        try:
            for session, state in zip(self.sessions, states, strict=True):
                session.history.change(**linked_parts(state))
        finally:
            self._is_following = False
        self._settled = self._now()
        self._tell()

    def _tell(self) -> None:
        first, second = (session.brush() for session in self.sessions)
        counts = f"{first.images.sum()} / {second.images.sum()} images"
        heads = f"{first.heads.sum()} / {second.heads.sum()} heads"
        matched = f"{int((self._matched.pairs >= 0).sum())} heads matched"
        self.counts.text = (
            f"{self._same.common} images with the same name · {matched} · "
            f"brushed, left / right: {counts}, {heads}"
        )
        self.link.tags = [*self._query(), self._steps.number]

    def _query(self) -> tuple[str, str]:
        """The query of a link, and what it leaves out."""
        state = self.sessions[0].state
        query, left_out = to_query(state, self.sessions[0].data)
        text = partners_text(state.partners, [session.data for session in self.sessions])
        if len(text) > MOST_TEXT:
            return query, "; ".join(filter(None, (left_out, "the pairs of heads are too many")))
        pairs = f"&{urlencode({'pairs': text}, safe=SAFE)}" if text else ""
        return query + pairs, left_out
