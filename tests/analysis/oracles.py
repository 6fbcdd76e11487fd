"""Slow, obvious counterparts of capture and importance, through timm's own unfused attention."""

from contextlib import contextmanager

import numpy as np
import torch
from scipy.spatial.distance import cosine, jensenshannon

from headbrush.analysis.model.pruning.modes import MODES


def pruned_regions(mode):
    """Which of prefix→prefix, prefix↔patches and patches→patches a mode's words name."""
    words = MODES[mode]
    if words == "everything":
        return {"prefix → prefix", "prefix ↔ patches", "patches → patches"}
    return set() if words == "nothing" else set(words.split(", "))


def zero(attention, head, mode, prefix):
    """A copy of ``(B, H, T, T)`` with the mode's regions of one head set to zero."""
    attention = attention.clone()
    regions = pruned_regions(mode)
    if "prefix → prefix" in regions:
        attention[:, head, :prefix, :prefix] = 0
    if "prefix ↔ patches" in regions:
        attention[:, head, :prefix, prefix:] = 0
        attention[:, head, prefix:, :prefix] = 0
    if "patches → patches" in regions:
        attention[:, head, prefix:, prefix:] = 0
    return attention


@contextmanager
def unfused(model, change):
    """timm's own softmax(QKᵀ)·V path; ``change(layer, A)`` returns the A to use."""
    hooks = []
    for layer, site in enumerate(model.sites):
        site.attention.fused_attn = False
        # attn_drop is the module through which timm passes A, right before A·V
        hooks.append(
            site.attention.attn_drop.register_forward_hook(
                lambda _m, _i, a, layer=layer: change(layer, a)
            )
        )
    try:
        yield
    finally:
        for hook, site in zip(hooks, model.sites, strict=True):
            hook.remove()
            site.attention.fused_attn = True


def naive_attention(model, images):
    """A of every layer, ``(L, B, H, T, T)``."""
    seen = {}
    with unfused(model, lambda layer, a: seen.setdefault(layer, a)), torch.inference_mode():
        model.module(images)
    return torch.stack([seen[layer] for layer in range(len(model.sites))])


def naive_pass(model, images, layer, head, mode):
    """Output of the model and z of ``layer`` in a full pass with one head pruned."""
    prefix = model.geometry.num_prefix_tokens
    found = {}
    hook = model.sites[layer].attention.register_forward_hook(
        lambda _m, _i, output: found.update(z=output)
    )

    def change(index, attention):
        return zero(attention, head, mode, prefix) if index == layer else attention

    with unfused(model, change), torch.inference_mode():
        output = model.module(images)
    hook.remove()
    return output.numpy(), found["z"].numpy()


def naive_set_pass(model, images, pruned):
    """Output of the model in a full pass with every ``(layer, head, mode)`` of ``pruned``."""
    prefix = model.geometry.num_prefix_tokens

    def change(index, attention):
        for layer, head, mode in pruned:
            if layer == index:
                attention = zero(attention, head, mode, prefix)
        return attention

    with unfused(model, change), torch.inference_mode():
        return model.module(images)


def naive_metrics(model, images, labels, layer, head, mode):
    """The four metrics ``(4, B)`` by full passes and SciPy."""
    before, z = naive_pass(model, images, layer, head, 0)
    after, pruned = naive_pass(model, images, layer, head, mode)
    prefix = model.geometry.num_prefix_tokens
    p, q = softmax(before), softmax(after)
    rows = np.arange(len(images))
    distance = np.array(
        [[cosine(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(z, pruned, strict=True)]
    )
    return np.stack(
        [
            p[rows, labels] - q[rows, labels],
            [jensenshannon(one, other, base=2) ** 2 for one, other in zip(p, q, strict=True)],
            distance[:, 0],
            distance[:, prefix:].mean(1),
        ]
    )


def softmax(logits):
    """Probabilities in float64."""
    powers = np.exp(logits.astype(float) - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
