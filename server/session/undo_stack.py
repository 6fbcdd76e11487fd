"""What undo goes back to, and redo forward again."""

from typing import Generic, TypeVar

Shown = TypeVar("Shown")


class Steps(Generic[Shown]):
    """Former states of something, in order; None where there is no step to take."""

    def __init__(self) -> None:
        self._past: list[Shown] = []
        self._future: list[Shown] = []

    def keep(self, before: Shown) -> None:
        """Something new is shown instead of ``before``; what was undone is gone."""
        self._past.append(before)
        self._future.clear()

    def back(self, now: Shown) -> Shown | None:
        """What was shown before the last step; ``now`` is what redo brings back."""
        return self._taken(self._past, self._future, now)

    def forward(self, now: Shown) -> Shown | None:
        """What the last undo took away; ``now`` is what undo brings back."""
        return self._taken(self._future, self._past, now)

    @staticmethod
    def _taken(source: list[Shown], target: list[Shown], now: Shown) -> Shown | None:
        if not source:
            return None
        target.append(now)
        return source.pop()
