"""Why the model of a store gives no answer."""

from headbrush.analysis.store.errors import InputError


class LiveError(InputError):
    """Why the model cannot answer here, and what would help."""


class BusyError(InputError):
    """Too many questions wait."""
