"""Errors of the live model."""

from headbrush.analysis.store.errors import InputError


class LiveError(InputError):
    """The model cannot answer here; the message says why and what would help."""


class BusyError(InputError):
    """The queue of questions to the model is full."""
