"""The undo and redo stacks."""

from collections.abc import Callable
from typing import Generic, TypeVar

Shown = TypeVar("Shown")


class UndoStack(Generic[Shown]):
    """Former states of something, in order; None where there is no step to take.

    Attributes
    ----------
    number
        Number of the state that is shown now; each new step has one of its own.
    """

    def __init__(self) -> None:
        self.number = 0
        self._last = 0
        self._past: list[tuple[int, Shown]] = []
        self._future: list[tuple[int, Shown]] = []

    @property
    def has_past(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._past)

    @property
    def has_future(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self._future)

    def keep(self, before: Shown) -> None:
        """Record a new step away from ``before``; drops the redo stack."""
        self._past.append((self.number, before))
        self._future.clear()
        self._last += 1
        self.number = self._last

    def revise(self, change: Callable[[Shown], Shown]) -> None:
        """Replace every kept state by ``change(state)``; the steps stay the same."""
        for steps in (self._past, self._future):
            steps[:] = [(number, change(shown)) for number, shown in steps]

    def back(self, now: Shown) -> Shown | None:
        """Take the state before the last step; ``now`` goes onto the redo stack."""
        return self._taken(self._past, self._future, now)

    def forward(self, now: Shown) -> Shown | None:
        """Take the state that the last undo left; ``now`` goes onto the undo stack."""
        return self._taken(self._future, self._past, now)

    def toward(self, number: int, now: Shown) -> Shown | None:
        """Take the state of that number, if it is among the former or the undone ones."""
        for take, stack in ((self.back, self._past), (self.forward, self._future)):
            if any(number == kept for kept, _ in stack):
                while self.number != number and (shown := take(now)) is not None:
                    now = shown
                return now
        return None

    def _taken(
        self, source: list[tuple[int, Shown]], target: list[tuple[int, Shown]], now: Shown
    ) -> Shown | None:
        if not source:
            return None
        target.append((self.number, now))
        self.number, shown = source.pop()
        return shown
