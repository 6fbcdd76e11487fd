"""Signals: lists of callbacks, called in order when something happens."""

from collections.abc import Callable
from typing import Generic, ParamSpec

Given = ParamSpec("Given")


class Signal(Generic[Given]):
    """Callbacks of one kind; each gets the emitted arguments."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[Given, None]] = []

    def connect(self, callback: Callable[Given, None]) -> None:
        """Call ``callback`` whenever the signal is emitted."""
        self._callbacks.append(callback)

    def follow(
        self, callback: Callable[Given, None], *args: Given.args, **kwargs: Given.kwargs
    ) -> None:
        """Call ``callback`` now, with the arguments given, and whenever the signal is emitted."""
        self.connect(callback)
        callback(*args, **kwargs)

    def emit(self, *args: Given.args, **kwargs: Given.kwargs) -> None:
        """Call all callbacks."""
        for callback in tuple(self._callbacks):
            callback(*args, **kwargs)
