"""Small Swin Transformers, and slow, obvious counterparts through timm's own windows."""

import copy
from contextlib import contextmanager

import numpy as np
import timm
import torch
from timm.models.swin_transformer import window_partition
from torch import nn

from headbrush.analysis.model.wrapping import wrap_model

SMALL = {
    "img_size": (48, 64), "patch_size": 4, "window_size": 4, "embed_dim": 12, "depths": (2, 2, 2),
    "num_heads": (2, 3, 4), "num_classes": 5,
}  # fmt: skip
"""Grids of 12×16, 6×8 (which windows of 4 do not fill) and 3×4."""
FILLED = SMALL | {"img_size": (64, 128)}
"""Grids of 16×32, 8×16 and 4×8; in the last, windows are shifted to the right only."""


def module(**changed):
    """timm's Swin Transformer with random weights, visible biases and its own unfused windows."""
    torch.manual_seed(0)
    made = timm.create_model("swin_tiny_patch4_window7_224", **(FILLED | changed)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return made


def wrapped(stage, **changed):
    """The same ready for analysis, and timm's own, untouched."""
    made = module(**changed)
    return wrap_model(copy.deepcopy(made), name="swin", device="cpu", stage=stage), made


def pictures(model, count=2):
    """Random inputs of the model's size."""
    return torch.randn(count, *model.input_size, generator=torch.Generator().manual_seed(1))


def members(block):
    """Patches of each window by timm's own shift and partition, ``(windows, W)``."""
    height, width = block.input_resolution
    numbers = torch.arange(height * width).view(1, height, width, 1)
    shifted = torch.roll(numbers, [-side for side in block.shift_size], (1, 2))
    return window_partition(shifted, block.window_size).flatten(1)


@contextmanager
def windows_of(block, change):
    """timm's own path; ``change(A)`` returns the A to use, ``(B · windows, H, W, W)``."""
    hook = block.attn.attn_drop.register_forward_hook(lambda _m, _i, a: change(a))
    try:
        yield
    finally:
        hook.remove()


def attention(made, stage, images):
    """A of every layer of a stage, each window put in its place: ``(L, B, H, T, T)``."""
    found = []
    for block in made.layers[stage - 1].blocks:
        seen = []
        with windows_of(block, lambda a, seen=seen: seen.append(a) or a), torch.inference_mode():
            made(images)
        places = members(block)
        windows = seen[0].unflatten(0, (len(images), len(places)))
        whole = torch.zeros(len(images), windows.shape[2], places.numel(), places.numel())
        for window, some in enumerate(places):
            whole[:, :, some[:, None], some] = windows[:, window]
        found.append(whole)
    return torch.stack(found)


def full_pass(made, stage, images, pruned):
    """Output without some ``(layer, head)`` of a stage, and z of each layer, ``(L, B, T, C)``."""
    blocks, z = made.layers[stage - 1].blocks, {}
    hooks = []
    for layer, block in enumerate(blocks):

        def zeroed(_m, _i, a, layer=layer):
            a = a.clone()
            for there, head in pruned:
                if there == layer:
                    a[:, head] = 0
            return a

        hooks.append(block.attn.attn_drop.register_forward_hook(zeroed))
        hooks.append(
            block.attn.register_forward_hook(lambda _m, _i, o, layer=layer: z.update({layer: o}))
        )
    with torch.inference_mode():
        output = made(images)
    for hook in hooks:
        hook.remove()
    per_image = [z[layer].unflatten(0, (len(images), -1)).flatten(1, 2) for layer in z]
    return output.numpy(), torch.stack(per_image).numpy()


class Normalised(nn.Module):
    """A user's module around a Swin Transformer, with weights of its own."""

    def __init__(self, swin):
        super().__init__()
        self.swin = swin
        self.last = nn.Linear(5, 5)

    def forward(self, images):
        """Logits."""
        return self.last(self.swin(images))


def far_apart(grid, window, shift):
    """Which patches see each other, by timm's mask: ``(P, P)`` bool."""
    stage = {"depths": (2,), "num_heads": (2,), "window_size": window, "embed_dim": 12}
    size = tuple(4 * side for side in grid)
    block = module(**stage, img_size=size).layers[0].blocks[int(any(shift))]
    assert block.shift_size == shift
    places, mask = members(block), block.attn_mask
    seen = np.zeros((places.numel(), places.numel()), bool)
    for window_number, some in enumerate(places):
        allowed = True if mask is None else (mask[window_number] == 0).numpy()
        seen[some[:, None], some] = allowed
    return seen
