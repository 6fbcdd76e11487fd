"""Errors of the live model."""

from headbrush.analysis.prune.errors import LiveError as LiveError
from headbrush.analysis.store.errors import InputError


class BusyError(InputError):
    """The queue of questions to the model is full."""
