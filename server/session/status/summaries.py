"""Text summaries of the views, for screen readers."""

from collections.abc import Iterator, Mapping

from headbrush.server.tools.bokeh.browser_channel import Channel


class Summaries(Mapping[str, str]):
    """The text of every view by the view's name; a channel carries each to the browser."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.channel = Channel(name="summaries", tags=[])
        self.channel.on_change("tags", self._on_tags)

    def __getitem__(self, view: str) -> str:
        return self._texts[view]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def describe(self, view: str, text: str) -> None:
        """Replace the text of a view."""
        self._texts[view] = text
        self.channel.tags = [view, text]

    def _on_tags(self, _attribute: str, _old: list[str], new: list[str]) -> None:
        """Send all texts when the browser, which has begun to listen, asks by an empty list."""
        if not new:
            self.channel.tags = [word for pair in self._texts.items() for word in pair]
