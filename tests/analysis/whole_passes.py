"""The metrics of one pruned head by a full pass, with its A·V masked where SDPA returns it."""

import numpy as np
import torch
from scipy.spatial.distance import cosine, jensenshannon

from headbrush.analysis.model.modules.attention_calls import AttentionSpy


def whole_pass(model, images, layer, head=None, mask=0.0):
    """Probabilities, and z of the layer's own attention module; its hooks come after z."""
    seen, found = [], {}
    attention = model.sites[layer].attention
    forward = attention.forward

    def handle(_call, proceed):
        mixed = proceed().clone()
        if len(seen) == layer and head is not None:
            mixed[:, head] *= mask
        seen.append(mixed)
        return mixed

    def keep(*args, **kwargs):
        returned = forward(*args, **kwargs)
        found["z"] = returned[0] if isinstance(returned, tuple) else returned
        return returned

    own = vars(attention).get("forward")
    attention.forward = keep
    try:
        with torch.no_grad(), AttentionSpy(handle):
            output = model.outputs(images)
    finally:
        del attention.forward
        if own is not None:
            attention.forward = own
    return model.kind.probability(output).double().numpy(), found["z"].numpy()


def metrics(model, images, layer, head):
    """The four metrics ``(4, B)``, of the predicted class, by full passes and SciPy."""
    p, z = whole_pass(model, images, layer)
    q, pruned = whole_pass(model, images, layer, head)
    prefix = model.geometry.num_prefix_tokens
    distance = np.array(
        [[cosine(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(z, pruned, strict=True)]
    )
    lost = apart = np.full(len(images), np.nan)
    if model.num_classes:
        rows, predicted = np.arange(len(images)), p.argmax(1)
        lost = p[rows, predicted] - q[rows, predicted]
        pairs = zip(p, q, strict=True)
        apart = np.array([jensenshannon(one, other, base=2) ** 2 for one, other in pairs])
    cls = distance[:, 0] if model.geometry.has_class_token else np.full(len(images), np.nan)
    return np.stack([lost, apart, cls, distance[:, prefix:].mean(1)])
