"""Errors of a store's model."""

from headbrush.analysis.store.errors import InputError


class LiveError(InputError):
    """The model cannot answer here; the message says why and what would help."""
