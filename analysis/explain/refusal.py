"""The error of what cannot be explained exactly."""

from headbrush.analysis.store.errors import ModelError


class InexactError(ModelError):
    """A logit is not the sum of its parts in this model; the message is the reason, a clause."""
