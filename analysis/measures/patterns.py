"""Attention patterns of a head: CLS pattern and binarised patch pattern.

Sec. 5.4.1: A of shape T×T is cut into what concerns the class token and what passes between
patches. The latter is binarised, its top 1 % set to 1, and summarised by an autoencoder.
"""

import math

import numpy as np
import torch
from torch import Tensor

SHARE = 0.01


def cls_pattern(attention: Tensor, num_prefix_tokens: int) -> Tensor:
    """Attention of and to the class token, ``(..., 2P + 1)``.

    concat(A[0, class and patches], A[patches, 0]) of ``(..., T, T)``.
    """
    to_itself = attention[..., 0, :1]
    to_patches = attention[..., 0, num_prefix_tokens:]
    from_patches = attention[..., num_prefix_tokens:, 0]
    return torch.cat([to_itself, to_patches, from_patches], -1)


def binarise(attention: Tensor, num_prefix_tokens: int, share: float = SHARE) -> np.ndarray:
    """The strongest patch-to-patch attention, ``(..., P, P)`` bool.

    Exactly ceil(share · P²) values are True.
    """
    patches = attention[..., num_prefix_tokens:, num_prefix_tokens:]
    flat = patches.flatten(-2)  # (..., P, P) -> (..., P²)
    count = math.ceil(share * flat.shape[-1])
    strongest = flat.topk(count, dim=-1).indices
    chosen = torch.zeros_like(flat, dtype=torch.bool).scatter_(-1, strongest, True)
    return chosen.view(patches.shape).cpu().numpy()


def pack(patterns: np.ndarray) -> np.ndarray:
    """``(..., P, P)`` bool as bits, ``(..., ceil(P² / 8))`` uint8."""
    return np.packbits(patterns.reshape(*patterns.shape[:-2], -1), axis=-1)


def unpack(packed: np.ndarray, num_patches: int) -> np.ndarray:
    """The inverse of :func:`pack`."""
    bits = np.unpackbits(packed, axis=-1, count=num_patches**2)
    return bits.reshape(*packed.shape[:-1], num_patches, num_patches).astype(bool)
