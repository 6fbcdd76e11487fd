"""A small, randomly initialised instance of every family of plain ViT that timm has."""

import timm
import torch

from headbrush.analysis.model.wrapping import wrap_model

SMALL = {"embed_dim": 24, "depth": 3, "num_heads": 3, "num_classes": 5}
TINY = SMALL | {"img_size": 32, "patch_size": 8}

FAMILIES = {
    "vit": ("vit_tiny_patch16_224", TINY),
    "vit, grey, not square": ("vit_tiny_patch16_224", TINY | {"img_size": (32, 48), "in_chans": 1}),
    "vit, averaged patches": ("vit_base_patch16_rpn_224", TINY),
    "deit": ("deit_tiny_patch16_224", TINY),
    "deit, distilled": ("deit_tiny_distilled_patch16_224", TINY),
    "deit3": ("deit3_small_patch16_224", TINY),
    "dinov2 with registers": ("vit_small_patch14_reg4_dinov2", TINY),
    "dinov3": ("vit_small_patch16_dinov3", TINY),
    "eva02": ("eva02_tiny_patch14_224", TINY),
    "beit": ("beit_base_patch16_224", TINY),
    "beitv2": ("beitv2_base_patch16_224", TINY),
    "clip": ("vit_base_patch16_clip_224", TINY),
    "siglip": ("vit_base_patch16_siglip_224", TINY),
    "eva02 clip": ("eva02_base_patch16_clip_224", TINY),
    "relative position": ("vit_relpos_small_patch16_224", TINY),
    "rotary": ("vit_small_patch16_rope_224", TINY),
    "flexivit": ("flexivit_small", TINY),
}


def make(family, **changed):
    """The family's model with random weights and visible biases, ready for analysis."""
    name, arguments = FAMILIES[family]
    torch.manual_seed(0)
    module = timm.create_model(name, **(arguments | changed))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return wrap_model(module, name=family, device="cpu")


def pictures(model, count=2):
    """Random inputs of the model's size."""
    return torch.randn(count, *model.input_size, generator=torch.Generator().manual_seed(1))
