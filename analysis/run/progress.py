"""Progress of an analysis, stage by stage, with remaining time, on a terminal or in a log."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

Advance = Callable[[float], None]
"""Reports the finished share of a stage, in [0, 1]."""


class Remaining(Protocol):
    """Tells how much time the whole run still takes; ``str()`` says it, or nothing."""

    def advance(self, title: str, share: float, /) -> None:
        """Take note of the finished share of a stage."""


class _Bars(Progress):
    """One bar per stage; below them the remaining time of the whole run, where it is known."""

    remaining: Remaining | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is shown."""
        yield from super().get_renderables()
        if words := str(self.remaining or ""):
            yield Text(words)


class StageProgress:
    """One bar per stage on a terminal; elsewhere one line per finished stage. Stages may run in
    parallel threads.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._start = time.perf_counter()
        self._bars = _Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.remaining = None
        self._bars.stop()

    @property
    def seconds(self) -> float:
        """Wall-clock time since this was made."""
        return time.perf_counter() - self._start

    def follow(self, remaining: Remaining) -> None:
        """From now on tell ``remaining`` of every stage, and show what it says."""
        self._bars.remaining = remaining

    @contextmanager
    def stage(self, title: str) -> Iterator[Advance]:
        """Show ``title`` until the block ends; the block calls what it is given with its share."""
        start = time.perf_counter()
        task = self._bars.add_task(f"{title:<28}", total=1.0)

        def advance(share: float) -> None:
            self._bars.update(task, completed=share)
            if self._bars.remaining is not None:
                self._bars.remaining.advance(title, share)

        yield advance
        advance(1.0)
        if not self.console.is_terminal:
            seconds = time.perf_counter() - start
            self.console.print(f"{title:<28} {seconds:6.1f} s", highlight=False)

    def note(self, line: str) -> None:
        """Print one line beside the bars."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
