"""Names of the patterns of some heads, as a store keeps them."""

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.measures.memory_budget import pieces
from headbrush.analysis.measures.names.class_token import class_names
from headbrush.analysis.measures.names.naming import name_patterns, second_names
from headbrush.analysis.measures.offset_kernel import between_patches, by_offset, offset_kernel
from headbrush.analysis.model.geometry import Geometry

NAMES_STORED = {
    "pattern_name": np.int8,
    "pattern_fit": np.int16,
    "pattern_rows": np.int16,
    "class_token_names": np.uint8,
}
"""Variables of each pattern, and their types."""
UNITS = 10_000
"""Shares are stored as whole ten-thousandths."""
_MATRICES = 8
"""Matrices of P × P values that naming one pattern holds at once."""


def measure_names(attention: Tensor, patches: Tensor, geometry: Geometry) -> dict[str, np.ndarray]:
    """Name the patterns of ``(B, H, T, T)``; the values of the variables are ``(B, H)``.

    ``patches`` is the same between patches, ``(B, H, P, P)``, or between those of a window.

    ``offset_kernel`` is ``(1, H, 2·height - 1, 2·width - 1)``, summed over the images.
    """
    prefix, grid = geometry.num_prefix_tokens, geometry.pattern_grid
    count, heads = attention.shape[:2]
    matrices, between = attention.flatten(0, 1), patches.flatten(0, 1)
    names = {name: np.empty(count * heads, kind) for name, kind in NAMES_STORED.items()}
    for some in pieces(count * heads, 4 * _MATRICES * geometry.pattern_patches**2):
        named = name_patterns(between[some], grid)
        names["pattern_name"][some] = named.number.cpu().numpy()
        names["pattern_fit"][some] = _units(named.excess)
        names["pattern_rows"][some] = _units(named.rows)
        if geometry.has_class_token:
            about = class_names(matrices[some], prefix, grid)
            names["class_token_names"][some] = about.cpu().numpy()
    measured = {name: values.reshape(count, heads) for name, values in names.items()}
    if not geometry.has_class_token:
        del measured["class_token_names"]
    total = patches.sum(0)
    return measured | {"offset_kernel": offset_kernel(total, grid)[None].cpu().numpy()}


def name_seconds(kernel: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Second names of heads by their mean offset kernels, ``(L, H, …)`` to ``(L, H)`` int8.

    A head is taken to attend to each offset as its kernel says, wherever the source is.
    """
    kernels = torch.tensor(kernel, dtype=torch.float32).flatten(0, 1)
    seconds = np.empty(len(kernels), np.int8)
    for some in pieces(len(kernels), 4 * _MATRICES * (grid[0] * grid[1]) ** 2):
        ideal = between_patches(by_offset(kernels[some], grid), 0)
        seconds[some] = second_names(ideal, name_patterns(ideal, grid).number, grid).numpy()
    return seconds.reshape(kernel.shape[:2])


def _units(share: Tensor) -> np.ndarray:
    return (share.clamp(-1, 1) * UNITS).round().cpu().numpy()
