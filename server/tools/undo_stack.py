"""The undo and redo stacks."""

from typing import Generic, TypeVar

Shown = TypeVar("Shown")


class UndoStack(Generic[Shown]):
    """Former states of something, in order; None where there is no step to take."""

    def __init__(self) -> None:
        self._past: list[Shown] = []
        self._future: list[Shown] = []

    def keep(self, before: Shown) -> None:
        """Record a new step away from ``before``; drops the redo stack."""
        self._past.append(before)
        self._future.clear()

    def back(self, now: Shown) -> Shown | None:
        """Take the state before the last step; ``now`` goes onto the redo stack."""
        return self._taken(self._past, self._future, now)

    def forward(self, now: Shown) -> Shown | None:
        """Take the state that the last undo left; ``now`` goes onto the undo stack."""
        return self._taken(self._future, self._past, now)

    @staticmethod
    def _taken(source: list[Shown], target: list[Shown], now: Shown) -> Shown | None:
        if not source:
            return None
        target.append(now)
        return source.pop()
