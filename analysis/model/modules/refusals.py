"""Why a model has no attention that headbrush can show, in one true sentence."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from headbrush.analysis.store.errors import ModelError

SUPPORTED = (
    "headbrush analyzes plain vision transformers, in which every layer attends over all tokens "
    "(ViT, DeiT, DINOv2, DINOv3, EVA-02, BEiT, CLIP, SigLIP), and Swin stage by stage."
)
_COSINE = (
    "it attends within windows by cosine attention, by a softmax of its own that cannot be read"
)
_WINDOWS = "it attends within windows, so no attention matrix spans the image"
_STAGES = "it has fewer tokens from stage to stage, so its layers share no grid of patches"
_LATE = "it attends only in its last stages, behind convolutions"
_POOLED = "it attends to pooled keys, fewer than there are tokens"
_REASONS = {
    "cait": "its class token attends in separate layers, without the patches' attention",
    "coat": "its attention is factorized, without a matrix over all tokens",
    "crossvit": "it attends in two branches with patches of two sizes",
    "davit": "it attends within windows and between channels",
    "edgenext": "it attends between channels, not between tokens",
    "efficientformer": _LATE,
    "efficientformer_v2": _LATE,
    "efficientvit_msra": _WINDOWS,
    "fastvit": "it is convolutional, or attends only in its last stage",
    "gcvit": _WINDOWS,
    "hiera": "it pools tokens between stages and attends within windows",
    "hieradet_sam2": "it pools tokens between stages and attends within windows",
    "levit": _STAGES,
    "maxxvit": "it mixes convolutions with windowed and grid attention",
    "mobilevit": "it attends between the same places of patches, behind convolutions",
    "mvitv2": "it pools tokens between stages",
    "nest": "it attends within blocks of the image, so no attention matrix spans it",
    "nextvit": _POOLED,
    "pit": _STAGES,
    "pvt_v2": _POOLED,
    "swin_transformer_v2": _COSINE,
    "swin_transformer_v2_cr": _COSINE,
    "tiny_vit": _WINDOWS,
    "tnt": "it attends between parts of each patch, too, in a transformer of its own",
    "twins": _POOLED,
    "vision_transformer_sam": "it attends within windows in most layers",
    "visformer": _STAGES,
    "volo": "it mixes outlook attention and attention over all tokens",
    "xcit": "it attends between channels, not between tokens",
}
"""By module of timm."""


def demand_known_kind(module: nn.Module, name: str) -> None:
    """Refuse the kinds of timm whose attention cannot be shown, with their own reason.

    Raises
    ------
    ModelError
        If the module, or one inside it, is of such a kind.
    """
    for part in module.modules():
        package, _, source = type(part).__module__.rpartition(".")
        if package == "timm.models" and source in _REASONS:
            raise ModelError(f"{name}: {_REASONS[source]}; {SUPPORTED}")


def why_no_attention(module: nn.Module, inputs: Tensor) -> str:
    """Why a model makes no call of ``scaled_dot_product_attention``, and what to do."""
    watch = _OwnAttention(len(inputs))
    with torch.no_grad(), watch:
        module(inputs)
    if any(isinstance(part, nn.MultiheadAttention) for part in module.modules()):
        return (
            "its attention is torch.nn.MultiheadAttention in a form that does not show its heads "
            "(a mask, keys of another width, bias_k or add_zero_attn, no batch, or a subclass); "
            "give the same model from timm."
        )
    if watch.found:
        return (
            "it computes attention by its own softmax, where headbrush cannot see it; call "
            "torch.nn.functional.scaled_dot_product_attention there, or use a timm model that does."
        )
    return (
        "it makes no attention call over tokens: it is convolutional, or attends otherwise than "
        f"between all pairs of tokens; {SUPPORTED}"
    )


class _OwnAttention(TorchFunctionMode):
    """While active, notice a softmax over a square of tokens of each image."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self._batch = batch
        self.found = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        is_softmax = func in (torch.softmax, F.softmax, Tensor.softmax)
        if is_softmax and result.ndim > 2 and result.shape[-1] == result.shape[-2] > 1:
            self.found |= result.shape[0] in (self._batch, self._batch * result.shape[1])
        return result
