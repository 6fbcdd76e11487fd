"""The remaining time of a whole analysis: what is expected, corrected by what has been measured."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from headbrush.analysis.preflight.expect import Expected
from headbrush.analysis.preflight.words import duration

_TITLES = {
    "predicting all images": ("predict all images",),
    "attention": ("measure attention",),
    "pruning": ("prune heads",),
    "autoencoder": ("train autoencoder",),
    "encoding": ("encode patterns",),
    "layouts": ("lay out patterns by offset", "lay out patch patterns", "lay out CLS patterns"),
    "writing": ("write summary",),
}
"""What is expected, and the titles of the stages that do it, alike long."""
_PHASES = (
    ("predicting all images",),
    ("attention",),
    ("pruning", "autoencoder", "encoding", "layouts"),
    ("writing",),
)
"""One after the other; what is in one phase may be done beside each other."""


class Forecast:
    """Tells how much time is left.

    The first images of a run are slow, and two of them were measured: that a phase was faster than
    expected says nothing about the next ones, that it was slower does.

    Parameters
    ----------
    phases
        Expected seconds of the stages by their titles, phase after phase; those of a phase add up
        to its time on the clock.
    clock
        Seconds since any moment.
    """

    def __init__(
        self, phases: Sequence[Mapping[str, float]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.phases = [dict(phase) for phase in phases if phase]
        self._clock = clock
        self._first: dict[str, float] = {}
        self._share: dict[str, float] = {}
        self._begun: list[float] = []
        self._lock = threading.Lock()

    def advance(self, title: str, share: float) -> None:
        """Take note of the finished ``share`` of a stage, in [0, 1]; the first is what was done."""
        with self._lock:
            number = next((i for i, phase in enumerate(self.phases) if title in phase), -1)
            if number < 0:
                return
            while len(self._begun) <= number:
                self._begun.append(self._clock())
            first = self._first.setdefault(title, min(share, 1.0))
            self._share[title] = (share - first) / (1 - first) if first < 1 else 1.0

    @property
    def seconds(self) -> float | None:
        """Seconds that are left; None where that is not known."""
        with self._lock:
            if not self._begun:
                return None
            now, number = self._clock(), len(self._begun) - 1
            done, left = self._work(number)
            before = sum(sum(self._work(i)) for i in range(number))
            slowness = (self._begun[number] - self._begun[0]) / before if before else 1.0
            slowness = max(1.0, slowness)
            later = sum(sum(phase.values()) for phase in self.phases[number + 1 :])
            measured = (now - self._begun[number] + slowness * left) / ((done + left) or 1.0)
            return left * measured + slowness * later

    def _work(self, number: int) -> tuple[float, float]:
        """Expected seconds of a phase that are done and left."""
        phase = self.phases[number]
        done = sum(value * self._share.get(title, 0.0) for title, value in phase.items())
        return done, sum(phase.values()) - done

    def __str__(self) -> str:
        """The remaining time in words; empty where it is not known."""
        seconds = self.seconds
        return "" if seconds is None else f"about {duration(seconds)} left"


def forecast_of(expected: Expected) -> Forecast:
    """What is left of an analysis that is expected to take so long."""
    phases = []
    for names in _PHASES:
        stages = {
            title: expected.seconds[name] / len(_TITLES[name])
            for name in names
            if name in expected.seconds
            for title in _TITLES[name]
        }
        if "pruning" in names:
            factor = expected.rest_seconds / (sum(stages.values()) or 1.0)
            stages = {title: value * factor for title, value in stages.items()}
        phases.append(stages)
    return Forecast(phases)
