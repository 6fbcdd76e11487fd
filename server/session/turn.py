"""A workspace's turn: what it asks the model waits while another one is shown."""

from collections.abc import Callable

from headbrush.server.session.state import History, Stage, ViewState


class Turn:
    """Whether the workspace of the views that are being built is shown.

    A model answers one question after the other, so that those of a hidden workspace would make
    the shown one wait. Views that belong to no workspace, as those of a report, are always shown.

    Parameters
    ----------
    pause
        Called when another workspace is shown.
    resume
        Called when this one is shown again, after its views have heard of all that has changed.
    """

    def __init__(
        self, history: History, pause: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        self._history, self._workspace = history, history.building
        self._pause, self._resume = pause, resume
        with history.only_in(None):
            history.on_change(["workspace"], self._leave, Stage.SOURCES)
            history.on_change(["workspace"], self._return, Stage.PAGE)

    @property
    def is_on(self) -> bool:
        """Whether the workspace is shown."""
        return self._workspace in (None, self._history.state.workspace)

    def _leave(self, _state: ViewState) -> None:
        if not self.is_on:
            self._pause()

    def _return(self, _state: ViewState) -> None:
        if self.is_on:
            self._resume()
