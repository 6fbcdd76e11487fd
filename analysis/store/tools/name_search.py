"""Very many names: finds one by the whole of it, or some by a part."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from headbrush.analysis.store.tools.lazy_property import lazy_property

_END = "\n"


class NameSearch:
    """Finds names; what that needs is made when it is first needed."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    @lazy_property
    def number_of(self) -> dict[str, int]:
        """The place of each name; of a name that occurs twice the last."""
        return {name: place for place, name in enumerate(self._names)}

    def holding(self, text: str, most: int) -> list[str]:
        """The first names that contain ``text``, without regard to case; at most ``most``."""
        wanted, found = text.casefold(), []
        folded, starts = self._folded
        at = -1 if _END in wanted else folded.find(wanted)
        while at >= 0 and len(found) < most:
            place = bisect_right(starts, at) - 1
            found.append(self._names[place])
            at = folded.find(wanted, starts[place + 1])
        return found

    @lazy_property
    def _folded(self) -> tuple[str, list[int]]:
        """All names as one text, and where each begins and the last ends."""
        folded = [name.casefold().replace(_END, " ") + _END for name in self._names]
        return "".join(folded), [0, *accumulate(map(len, folded))]
