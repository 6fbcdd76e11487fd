"""Settings of the reader, not of the page: the theme, the named brushes and prune sets."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from headbrush.server.session.brush.named_brushes import Compared, Named, compared_names
from headbrush.server.session.brushes import Brushes
from headbrush.server.session.palette import Theme
from headbrush.server.session.prune.named_sets import NamedSets
from headbrush.server.session.state import History, ViewState
from headbrush.server.tools.signal import Signal


@dataclass(frozen=True)
class ReaderLists:
    """What a reader has given names: brushes and prune sets."""

    named: Named = ()
    sets: NamedSets = ()


class Reader:
    """Theme, named brushes and named prune sets of one reader.

    The lists are not part of the page's state, so that no undo loses a name; which brushes are
    compared is.

    Attributes
    ----------
    theme
        Light or dark.
    named
        The named brushes, which the reader's browser keeps.
    sets
        The named prune sets, kept there too.
    """

    def __init__(self, theme: Theme, brushes: Brushes, history: History) -> None:
        self.theme = theme
        self._history = history
        self.named: Named = ()
        self.sets: NamedSets = ()
        self._brushes = brushes
        self._resolved: tuple[Named, tuple[Compared, ...]] = ((), ())
        self._theme_changed: Signal[[]] = Signal()
        self._named_changed: Signal[[]] = Signal()
        self._sets_changed: Signal[[]] = Signal()
        history.on_change(["compared"], self._show_compared)

    @property
    def lists(self) -> ReaderLists:
        """The named brushes and the named prune sets."""
        return ReaderLists(self.named, self.sets)

    def change_theme(self, theme: Theme) -> None:
        """Draw in light or dark colours."""
        if theme != self.theme:
            self.theme = theme
            self._theme_changed.emit()

    def follow_theme(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now and whenever the theme changes."""
        self._theme_changed.follow(callback)

    def change_named(self, named: Named) -> None:
        """Replace the list of named brushes; another comparison is a step to undo.

        What is renamed or deleted is so also in all former states.
        """
        now = {brush.name: place for place, brush in enumerate(named)}
        known = {}
        for place, brush in enumerate(self.named):
            is_renamed = brush.name not in now and len(named) == len(self.named)
            known[brush.name] = named[place].name if is_renamed else brush.name
        self.named = named
        self._history.revise(
            lambda state: replace(
                state, compared=tuple(known[one] for one in state.compared if known[one] in now)
            )
        )
        if compared_names(named) == self._history.state.compared:
            self._named_changed.emit()
        else:
            self._history.change(compared=compared_names(named))

    def restore_named(self, named: Named) -> None:
        """Take the list that the browser kept, or a link has: that is no step to undo."""
        self.named = named
        names = compared_names(named)
        self._history.revise(lambda state: replace(state, compared=names))
        self._named_changed.emit()

    def _show_compared(self, state: ViewState) -> None:
        """Compare what the state says, as undo may have changed it."""
        self.named = tuple(replace(one, compared=one.name in state.compared) for one in self.named)
        self._named_changed.emit()

    def follow_named(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now and whenever the named brushes change."""
        self._named_changed.follow(callback)

    def change_sets(self, sets: NamedSets) -> None:
        """Replace the list of named prune sets."""
        self.sets = sets
        self._sets_changed.emit()

    def follow_sets(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` now and whenever the named prune sets change."""
        self._sets_changed.follow(callback)

    def compared(self) -> tuple[Compared, ...]:
        """The named brushes that are compared, resolved; kept until they change."""
        chosen = tuple(one for one in self.named if one.compared)
        if self._resolved[0] != chosen:
            resolved = self._brushes.resolved
            self._resolved = (
                chosen,
                tuple(
                    Compared(
                        one.name,
                        one.colour,
                        resolved(one.clauses),
                        resolved(one.clauses, "heads").images,
                    )
                    for one in chosen
                ),
            )
        return self._resolved[1]
