"""What buttons within a view's HTML ask for: their kind, and a number or text."""

from collections.abc import Callable
from typing import Any

from headbrush.server.tools.bokeh.browser_channel import Channel


class Asks:
    """Hears ``page/asks.js`` for the views of one page; nothing that a page asks is trusted.

    Attributes
    ----------
    channel
        The page writes kind and number to it.
    """

    def __init__(self) -> None:
        self._acts: dict[str, Callable[[Any], object]] = {}
        self.channel = Channel(name="asked", tags=[])
        self.channel.on_change("tags", self._hear)

    def answer(self, kind: str, act: Callable[[Any], object]) -> None:
        """Call ``act(number)`` when a button of this kind is pressed; the number is unchecked."""
        self._acts[kind] = act

    def _hear(self, _attribute: str, _old: list, new: list) -> None:
        if not new:
            return
        self.channel.tags = []
        act = self._acts.get(str(new[0]))
        if act is not None and len(new) > 1:
            act(new[1])
