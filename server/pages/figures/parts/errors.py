"""What keeps a panel from being drawn."""

from headbrush.analysis.store.errors import InputError


class AbsentError(InputError):
    """A panel has nothing to show; the message is the sentence that the page shows in its place."""
