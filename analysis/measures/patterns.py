"""Attention patterns of a head: CLS pattern and binarised patch pattern.

Sec. 5.4.1: A of shape T×T is cut into what concerns the class token and what passes between
patches. The latter is binarised, its top 1 % set to 1, and summarised by an autoencoder.
"""

import math

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.measures.offset_kernel import to_patches
from headbrush.analysis.measures.source_patches import source_patches, source_windows
from headbrush.analysis.store.matrices.windows import Windows

SHARE = 0.01


def mean_window(attention: Tensor, windows: Windows) -> Tensor:
    """``(..., P, P)`` of a grid to the mean over its windows ``(..., W, W)``.

    Windows that an edge of the image cuts are left out: their patches see fewer others.
    """
    total: Tensor | None = None
    for members in torch.from_numpy(windows.uncut()).to(attention.device):
        window = attention[..., members[:, None], members]
        total = window if total is None else total + window
    assert total is not None
    return total / (windows.uncut_rows * windows.uncut_columns)


def from_sources(attention: Tensor, num_prefix_tokens: int, grid: tuple[int, int]) -> Tensor:
    """Rows of some source patches of ``(..., T, T)`` over all patches, ``(..., S, P)``."""
    sources = torch.from_numpy(num_prefix_tokens + source_patches(grid)).to(attention.device)
    return to_patches(attention[..., sources, :], num_prefix_tokens)


def from_windows(attention: Tensor, windows: Windows) -> Tensor:
    """Rows of some source patches of ``(..., P, P)`` over their window, ``(..., S, W)``."""
    sources, targets = map(torch.from_numpy, source_windows(windows))
    sources, targets = sources.to(attention.device), targets.to(attention.device)
    return to_patches(attention[..., sources[:, None], targets], 0)


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
