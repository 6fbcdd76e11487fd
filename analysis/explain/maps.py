"""Maps of the patches of one image, by published methods: how each token reaches the output.

Each takes a trace of one image and gives ``(T,)``, a value a source token. The output reads the
class token; in a model without one it reads the patches, and rows are averaged over them.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from headbrush.analysis.explain.ablation import demand_separate_patches
from headbrush.analysis.explain.direct import class_logits
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.tracing import Trace, forwards, while_active
from headbrush.analysis.model.vision_model import VisionModel


def moved(model: VisionModel, traced: Trace, layer: int) -> Tensor:
    """How much each head moves from source to target, ‖A[i,j]·v_j·W_O‖, ``(H, T, T)``.

    Kobayashi et al., "Attention is Not Only a Weight" (EMNLP 2020).

    Raises
    ------
    InexactError
        If more than a linear map stands between heads and the layer's output.
    """
    projection = model.shortcuts.projections[layer]
    if projection is None:
        raise InexactError("more than a linear map stands between its heads and their sum")
    record = traced.layers[layer]
    width = record.head_output.shape[3]
    # (C, H·D) -> (H, C, D); (H, T, D) x (H, D, C) -> (H, T, C)
    weight = projection.weight.detach().unflatten(1, (-1, width)).transpose(0, 1)
    sizes = (record.call.value[0] @ weight.transpose(1, 2)).norm(dim=-1)
    return record.attention()[0] * sizes[:, None, :]


def read(model: VisionModel, rows: Tensor) -> Tensor:
    """The row that the output reads of ``(…, T, T)``: ``(…, T)``."""
    if model.geometry.has_class_token:
        return rows[..., 0, :]
    return rows[..., model.geometry.num_prefix_tokens :, :].mean(-2)


def attention_to_output(model: VisionModel, traced: Trace, layer: int) -> Tensor:
    """Attention that the output pays through each head of a layer, ``(H, T)``."""
    return read(model, traced.layers[layer].attention()[0])


def moved_to_output(model: VisionModel, traced: Trace, layer: int) -> Tensor:
    """As :func:`attention_to_output`, of what is moved."""
    return read(model, moved(model, traced, layer))


def rollout(model: VisionModel, traced: Trace, heads: Tensor | None = None) -> Tensor:
    """Attention through all layers: the product of (A + I) / 2.

    Abnar and Zuidema, "Quantifying Attention Flow in Transformers" (ACL 2020).

    Parameters
    ----------
    heads
        ``(L, H)`` bool, of which A is averaged; a layer without any passes tokens on. None: all.
    """
    whole = torch.eye(model.geometry.num_tokens, device=traced.output.device)
    same = whole
    for layer, record in enumerate(traced.layers):
        attention = record.attention()[0]
        if heads is not None:
            if not heads[layer].any():
                continue
            attention = attention[heads[layer].to(attention.device)]
        whole = (attention.mean(0) + same) / 2 @ whole
    return read(model, whole)


def generic_attention(model: VisionModel, traced: Trace, which: int) -> Tensor:
    """Relevance by attention and its gradient: R ← R + mean over heads of (∇A ⊙ A)⁺ · R.

    Chefer, Gur and Wolf, "Generic Attention-model Explainability" (ICCV 2021).

    Raises
    ------
    InexactError
        If a part of the model runs without gradients.
    """
    if not model.has_gradient:
        raise InexactError("a part of the model runs without gradients")
    with torch.inference_mode(False), torch.enable_grad():
        weights = _with_weights(model, traced.images.clone(), which)
    relevance = torch.eye(model.geometry.num_tokens, device=traced.output.device)
    for attention, slope in weights:
        relevance = relevance + (attention * slope).clamp(min=0)[0].mean(0) @ relevance
    return read(model, relevance)


def _with_weights(model: VisionModel, images: Tensor, which: int) -> list[tuple[Tensor, Tensor]]:
    """A of every layer, and the derivative of a class's logit by it, each ``(1, H, T, T)``."""
    found: list[Tensor] = []
    active: list[bool] = []

    def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        if not active:
            return proceed()
        found.append(call.weights())
        if not found[-1].requires_grad:  # the graph begins here
            found[-1].requires_grad_(True)
        return found[-1].to(call.value.dtype) @ call.value

    replaced: dict[nn.Module, Callable[..., object]] = {}
    for site in model.sites:
        replaced[site.attention] = while_active(site.attention.forward, active)
    with forwards(replaced), AttentionSpy(handle):
        output = model.outputs(images)
    chosen = torch.tensor([[which]], device=output.device)
    slopes = torch.autograd.grad(class_logits(model, output, chosen).sum(), found)
    return [(one.detach(), slope) for one, slope in zip(found, slopes, strict=True)]


def logit_lens(model: VisionModel, traced: Trace, which: int) -> Tensor:
    """The logit of a class if every token that the output reads were this one, ``(T,)``.

    nostalgebraist, "interpreting GPT: the logit lens" (2020).

    Raises
    ------
    InexactError
        If the blocks return more than tokens, or the model joins its patches later.
    """
    demand_separate_patches(model)
    last = traced.layers[-1].block_output
    if not isinstance(last, Tensor):
        raise InexactError("its blocks return more than tokens")
    count = model.geometry.num_tokens
    states = last[0][:, None].expand(-1, model.geometry.num_prefix_tokens + 1, -1)  # (T, r+1, C)
    replaced: dict[nn.Module, Callable[..., object]] = {
        site.block: lambda tokens, *_args, **_kwargs: tokens for site in model.sites[:-1]
    }
    replaced[model.sites[-1].block] = lambda *_args, **_kwargs: states
    with forwards(replaced):
        output = model.outputs(traced.images.expand(count, -1, -1, -1))
    chosen = torch.full((count, 1), which, device=output.device)
    return class_logits(model, output, chosen)[0]
