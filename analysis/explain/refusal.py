"""The error of what cannot be explained exactly."""

from headbrush.analysis.store.errors import ModelError

LATER_STAGES = "the stages behind this one stand between its heads and the logits"
JOINED = "its stages join neighbouring patches, so none can be taken alone"


class InexactError(ModelError):
    """A logit is not the sum of its parts in this model; the message is the reason, a clause."""
