"""Progress of an analysis, stage by stage, with remaining time, on a terminal or in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Advance = Callable[[float], None]
"""Reports the finished share of a stage, in [0, 1]."""


class StageProgress:
    """One bar per stage on a terminal; elsewhere one line per finished stage. Stages may run in
    parallel threads.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._start = time.perf_counter()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @property
    def seconds(self) -> float:
        """Wall-clock time since this was made."""
        return time.perf_counter() - self._start

    @contextmanager
    def stage(self, title: str) -> Iterator[Advance]:
        """Show ``title`` until the block ends; the block calls what it is given with its share."""
        start = time.perf_counter()
        task = self._bars.add_task(f"{title:<28}", total=1.0)
        yield lambda share: self._bars.update(task, completed=share)
        self._bars.update(task, completed=1.0)
        if not self.console.is_terminal:
            seconds = time.perf_counter() - start
            self.console.print(f"{title:<28} {seconds:6.1f} s", highlight=False)

    def note(self, line: str) -> None:
        """Print one line beside the bars."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
