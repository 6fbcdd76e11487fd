"""A trace that goes on from a layer whose z is another, for the layers behind it."""

from dataclasses import replace

from torch import Tensor

from headbrush.analysis.model.capture import resume, rows_of
from headbrush.analysis.model.tracing import Trace, forwards, recorded
from headbrush.analysis.model.vision_model import VisionModel


def continued(
    model: VisionModel, traced: Trace, layer: int, output: Tensor, images: Tensor
) -> Trace:
    """The trace if a layer's attention module had returned another z, for many z at once.

    Parameters
    ----------
    traced
        Without pruned heads.
    output
        z of the layer, ``(N, T, C)``.
    images
        ``(N,)`` the traced image of each row.

    Returns
    -------
    A trace of N rows whose layers behind ``layer`` can be resumed from; those up to it cannot.
    """
    whole = replace(model, shortcuts=replace(model.shortcuts, rows=None))  # all tokens are traced
    block_input = traced.layers[layer].block_input[images]
    block = model.sites[layer].block
    forward, returned = block.forward, []

    def kept(*args: object, **kwargs: object) -> object:
        returned.append(forward(*args, **kwargs))
        return returned[-1]

    with forwards({block: kept}):
        found, later = recorded(
            model,
            lambda: resume(whole, traced, layer, block_input, output, images),
            layer + 1,
        )
    earlier = traced.layers[:layer]
    if not model.shortcuts.tail:  # the model runs through its earlier blocks too
        earlier = tuple(
            replace(one, block_output=rows_of(one.block_output, images)) for one in earlier
        )
    here = replace(traced.layers[layer], block_output=returned[-1])
    return Trace(traced.images[images], (*earlier, here, *later), found, traced.kind)
