"""Which head of one store is which of the other, on a page of two stores."""

from collections.abc import Sequence

import numpy as np

from headbrush.server.session.beside.partners import given_partner, with_partners
from headbrush.server.session.session import Session
from headbrush.server.session.state import WORKSPACES, Stage, ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.matches import Matches, ask_matches, find_matches
from headbrush.server.stores.trends.matching import MATCHES, by_place
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.tools.signal import Signal


class MatchedHeads:
    """Follows what the first session's reader chooses; by place until more is known.

    Nothing is computed before another way is chosen or the second workspace is shown.

    Attributes
    ----------
    base
        ``(L·H,)`` number in the second store of each head of the first, −1 without one, as matched
        in the chosen way.
    pairs
        The same with the reader's changes.
    matches
        All ways to match; None until they are known.
    words
        Why the chosen way is not that of ``base``, as a sentence; else empty.
    changed
        Emitted when any of these has changed.
    """

    name = "matched_heads"

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = sessions
        self._history = sessions[0].history
        self._place = by_place(sessions[0].data, sessions[1].data)
        self.base = self.pairs = self._place
        self.matches: Matches | None = None
        self.words = ""
        self.changed: Signal[[]] = Signal()
        self._question = PendingAnswer(sessions[0].document)
        self._is_asked, self._fault = False, ""
        self._history.follow(["match", "partners", "workspace"], self.react, Stage.SOURCES)
        for session in sessions:
            session.waiting.filled.connect(self._ask_again)

    def _ask_again(self) -> None:
        """Match anew when a store has got values."""
        if self._is_asked:
            self._is_asked = False
            self.react(self._history.state)

    def _ask(self) -> None:
        self._is_asked = True
        answer = ask_matches(self.sessions[0].data, self.sessions[1].data)
        self._question.ask(answer, self._deliver, lambda: None)

    def react(self, state: ViewState) -> None:
        """Take the pairs of the chosen way, with the reader's changes."""
        if not self._is_asked and (state.workspace != WORKSPACES[0] or state.match != "place"):
            self._ask()
        known = {"place": self._place} if self.matches is None else self.matches.pairs
        self.base = known.get(state.match, self._place)
        self.pairs = with_partners(self.base, state.partners)
        self.words = "" if state.match in known else self._why(state.match)
        self.changed.emit()

    def _why(self, match: str) -> str:
        if self.matches is None:
            return self._fault or "computing which heads match …"
        why = self.matches.why_not[match]
        return f"Heads cannot be matched by {MATCHES[match]}: {why}. They are matched by place."

    def _deliver(self, matches: Matches | None, fault: str) -> None:
        self.matches, self._fault = matches, fault
        self._history.retell("match")

    def choose(self, match: str) -> None:
        """Match in another way, without the changes of the former one."""
        if match in MATCHES and (self.matches is None or match in self.matches.pairs):
            self._history.change(match=match, partners=())

    def give(self, head: int, other: int) -> None:
        """Give a head of the first store another partner, −1 for none."""
        changed = given_partner(self.base, self._history.state.partners, head, other)
        self._history.change(partners=changed)

    def correlations(self, heads: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Rank correlation of pairs of heads over the common images, NaN where it is not known."""
        if self.matches is None:
            return np.full(np.broadcast(heads, others).shape, np.nan)
        return self.matches.correlation[heads, others]

    @property
    def changed_by_hand(self) -> np.ndarray:
        """``(L·H,)`` bool: the heads whose partner the reader has changed."""
        return self.pairs != self.base

    @property
    def words_of_match(self) -> str:
        """By what heads are matched, in words."""
        match = self._history.state.match if not self.words else "place"
        return _match_words(match, self.changed_by_hand)


def pairs_of_state(stores: Sequence[StoreData], state: ViewState) -> tuple[np.ndarray, str]:
    """The pairs of heads ``(L·H,)`` that a state asks for, and by what they match, in words."""
    match, base = state.match, by_place(stores[0], stores[1])
    if match != "place":
        known = find_matches(stores[0], stores[1]).pairs
        match, base = (match, known[match]) if match in known else ("place", base)
    pairs = with_partners(base, state.partners)
    return pairs, _match_words(match, pairs != base)


def _match_words(match: str, changed: np.ndarray) -> str:
    by_hand = int(changed.sum())
    return f"{MATCHES[match]}, {by_hand} changed by hand" if by_hand else MATCHES[match]
