"""A model's own classifier, which a probe takes the place of."""

from torch import nn

from headbrush.analysis.store.errors import ModelError


def without_classifier(module: nn.Module, name: str) -> tuple[str, ...]:
    """Take the classifier off a timm model; a note on it, or nothing if there was none.

    Raises
    ------
    ModelError
        If the model has one and does not say how it is taken off.
    """
    classes = getattr(module, "num_classes", 0)
    if not classes:
        return ()
    reset = getattr(module, "reset_classifier", None)
    if reset is None:
        raise ModelError(f"{name}: timm cannot take its classifier off; give a model without one.")
    reset(0)
    return (
        f"its own classifier of {classes} classes was taken off: the probe reads the features "
        "before it",
    )
