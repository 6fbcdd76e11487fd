"""How far the analysis of an unfinished store is: a small file that it writes every second."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headbrush.analysis.store.untrusted_store import demand_regular

NEWS = "parts/news.json"
_MOST_BYTES = 1 << 16
_LONGEST_FAULT = 300
_UNUSABLE = (
    OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What a file of a stranger can make the reader raise."""


@dataclass(frozen=True)
class Awaited:
    """One or more variables that are being made.

    Attributes
    ----------
    share
        What is done of it, in [0, 1].
    seconds
        Since it was begun; 0 if it has not been.
    fault
        Why it could not be made; empty if it did not fail.
    """

    share: float = 0.0
    seconds: float = 0.0
    fault: str = ""


@dataclass(frozen=True)
class News:
    """What an analysis said last.

    Attributes
    ----------
    beat
        Another number every second, as long as the analysis runs; -1 if there is no news.
    stopped
        Whether it has ended before it was finished.
    awaited
        What is being made, by the name of its variable.
    """

    beat: int = -1
    stopped: bool = False
    awaited: Mapping[str, Awaited] = field(default_factory=dict)

    def as_json(self) -> str:
        """The text of the file."""
        awaited = {name: [one.share, one.seconds, one.fault] for name, one in self.awaited.items()}
        return json.dumps({"beat": self.beat, "stopped": self.stopped, "awaited": awaited})


def read_news(store: Path) -> News:
    """The news of a store's analysis; none if its file is missing or cannot be used."""
    try:
        demand_regular(store / NEWS)
        with (store / NEWS).open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            return News()
        said = json.loads(text)
        awaited = {str(name): _awaited(*one) for name, one in said["awaited"].items()}
        return News(int(said["beat"]), said["stopped"] is True, awaited)
    except _UNUSABLE:
        return News()


def _awaited(share: float, seconds: float, fault: str) -> Awaited:
    fault = " ".join(str(fault)[:_LONGEST_FAULT].split())
    return Awaited(min(1.0, max(0.0, float(share))), max(0.0, float(seconds)), fault)
