"""Maps and contributions against Captum, and against plain forms of published methods.

    python benchmarks/analysis/explain_peers.py STORE [IMAGES]

Each pair computes the same: rollout as vit-explain does, by hooks on unfused
attention; generic attention by its authors' recipe, autograd through unfused attention; the
ablation of single patches by Captum's ``FeatureAblation``, whose perturbation deletes the token;
what heads say by Captum's ``InputXGradient`` over the class token's z of all layers, the last norm
held. Both run in one thread, one after the other; times are processor time, medians over images.
headbrush has a trace of the image, which all of its maps share; the peers make a pass each.
It is written for timm's plain vision transformer with a class token, as the demo's is.
"""

import importlib.util
import sys
import time
from collections import defaultdict

import numpy as np
import torch

from benchmarks.common import note
from headbrush.analysis.explain.ablation import AT_ONCE, patch_ablation
from headbrush.analysis.explain.direct import direct_contributions
from headbrush.analysis.explain.maps import generic_attention, rollout
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.store import Store


class Unfused:
    """While active, every block's A is a tensor of the graph, in ``attention``, layer by layer."""

    def __init__(self, vit) -> None:
        self._modules = [block.attn for block in vit.blocks]
        self.attention = []

    def __enter__(self):
        self._fused = [module.fused_attn for module in self._modules]
        self._hooks = []
        for module in self._modules:
            module.fused_attn = False
            self._hooks.append(module.attn_drop.register_forward_hook(self._keep))
        return self

    def _keep(self, _module, _given, attention):
        if torch.is_grad_enabled() and not attention.requires_grad:
            attention.requires_grad_(True)
        self.attention.append(attention)

    def __exit__(self, *_error):
        for module, fused, hook in zip(self._modules, self._fused, self._hooks, strict=True):
            module.fused_attn = fused
            hook.remove()


def plain_rollout(vit, image):
    """vit-explain's, with the mean over heads and nothing discarded, ``(P,)``."""
    with torch.no_grad(), Unfused(vit) as unfused:
        vit(image)
    whole = torch.eye(unfused.attention[0].shape[-1])
    for attention in unfused.attention:
        mixed = attention[0].mean(0) + torch.eye(len(whole))
        whole = mixed / mixed.sum(-1, keepdim=True) @ whole
    return whole[0, 1:]


def plain_generic(vit, image, which):
    """The authors' recipe for self-attention, ``(P,)``."""
    with torch.enable_grad(), Unfused(vit) as unfused:
        logit = vit(image)[0, which]
        slopes = torch.autograd.grad(logit, unfused.attention)
    relevance = torch.eye(slopes[0].shape[-1])
    for attention, slope in zip(unfused.attention, slopes, strict=True):
        relevance = relevance + (attention * slope)[0].clamp(min=0).mean(0).detach() @ relevance
    return relevance[0, 1:]


def captum_ablation(vit, image, which):
    """Of single patches, ``(P,)``."""
    from captum.attr import FeatureAblation

    with torch.no_grad():
        tokens = vit.norm_pre(vit.pos_drop(vit._pos_embed(vit.patch_embed(image))))

    def logit(kept):
        """Of masks ``(n, P)`` that all keep equally many patches."""
        left = torch.cat([torch.ones(len(kept), 1), kept], 1).bool()
        some = tokens.expand(len(kept), -1, -1)[left].unflatten(0, (len(kept), -1))
        return vit.forward_head(vit.norm(vit.blocks(some)))[:, which]

    with torch.no_grad():
        return FeatureAblation(logit).attribute(
            torch.ones(1, tokens.shape[1] - 1), perturbations_per_eval=AT_ONCE
        )[0]  # fmt: skip


def captum_heads(vit, image, which):
    """What heads say, ``(L, H)``."""
    from captum.attr import InputXGradient

    mixed, last = [], []
    hooks = [
        block.attn.proj.register_forward_pre_hook(lambda _module, given: mixed.append(given[0]))
        for block in vit.blocks
    ]
    hooks.append(vit.norm.register_forward_pre_hook(lambda _module, given: last.append(given[0])))
    with torch.no_grad():
        vit(image)
    for hook in hooks:
        hook.remove()
    rows, state = tuple(one[:, 0] for one in mixed), last[0][:, 0]
    scale = (state.var(-1, unbiased=False) + vit.norm.eps).rsqrt()

    def logit(*given):
        added = sum(
            block.attn.proj(one) for block, one in zip(vit.blocks, given, strict=True)
        )  # fmt: skip
        normed = (added - added.mean(-1, keepdim=True)) * scale[:, None] * vit.norm.weight
        return vit.head(normed)[:, which]

    found = InputXGradient(logit).attribute(tuple(one.requires_grad_(True) for one in rows))
    heads = vit.blocks[0].attn.num_heads
    return torch.stack([one[0].unflatten(0, (heads, -1)).sum(-1) for one in found]).detach()


def pairs(model, image, which):
    """By name: what headbrush does, and the peer."""
    vit, chosen, traced = model.module, torch.tensor([[which]]), trace(model, image)

    def ablated():
        *_, last = patch_ablation(model, image, which, 1)
        return torch.from_numpy(last.effect.ravel())

    return {
        "rollout | vit-explain's": (
            lambda: rollout(model, traced)[1:], lambda: plain_rollout(vit, image)
        ),
        "generic attention | its authors'": (
            lambda: generic_attention(model, traced, which)[1:],
            lambda: plain_generic(vit, image, which),
        ),
        "patch ablation | Captum": (ablated, lambda: captum_ablation(vit, image, which)),
        "what heads say | Captum": (
            lambda: direct_contributions(model, traced, chosen).head[0, 0],
            lambda: captum_heads(vit, image, which),
        ),
    }  # fmt: skip


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    store, count = Store(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    demand_source(stored_source(store))
    stored = load_stored(store)
    has_captum = importlib.util.find_spec("captum") is not None
    images = np.random.default_rng(0).permutation(store.sizes["image"])[: count + 1].tolist()
    spent, off = defaultdict(list), defaultdict(list)
    for place, number in enumerate(images):  # the first one warms up
        image, which = stored.inputs(number), int(store.read("probability")[number].argmax())
        for name, both in pairs(stored.model, image, which).items():
            if "Captum" in name and not has_captum:
                continue
            found, seconds = zip(*(_timed(work) for work in both), strict=True)
            if place:
                spent[name].append(seconds)
                off[name].append(float((found[0] - found[1]).abs().max() / found[1].abs().max()))
    if not has_captum:
        print("Captum: not measured, captum is not installed")
    print(f"{count} images; median ms of processor time, largest difference in shares of the map's")
    for name, seconds in spent.items():
        ours, peer = 1000 * np.median(seconds, 0)
        what, other = name.split(" | ")
        for who, values in zip(("headbrush", other), np.transpose(seconds), strict=True):
            note(f"{what}, processor time", 1000 * values, "ms", who)
        print(f"{name:<34} {ours:7.1f} | {peer:7.1f}   x{peer / ours:4.2f}   {max(off[name]):.1e}")


def _timed(work):
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


if __name__ == "__main__":
    main()
