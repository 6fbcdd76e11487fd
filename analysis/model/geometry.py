"""Layers, heads and tokens of a model."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import Sites
from headbrush.analysis.store.errors import ModelError

_CLASS_TOKENS = ("cls_token", "class_token", "class_embedding")
"""Names of the class token in timm, torchvision and open_clip."""


@dataclass(frozen=True)
class Geometry:
    """Layers, heads and tokens of a model; tokens are prefix tokens, then patches row by row."""

    num_layers: int
    num_heads: int
    num_prefix_tokens: int
    grid_height: int
    grid_width: int
    has_class_token: bool

    @property
    def num_patches(self) -> int:
        """P = grid height × grid width."""
        return self.grid_height * self.grid_width

    @property
    def num_tokens(self) -> int:
        """T = prefix tokens + P."""
        return self.num_prefix_tokens + self.num_patches


def geometry_of(
    vit: nn.Module, sites: Sites, size: tuple[int, int], tokens_of: Callable[[], Tensor], name: str
) -> Geometry:
    """Geometry of a ViT with an input of ``size`` pixels.

    Parameters
    ----------
    tokens_of
        Gives what enters the first block, ``(B, T, C)``, for at least two different pictures.

    Raises
    ------
    ModelError
        If the tokens are not a prefix and a grid.
    """
    prefix = getattr(vit, "num_prefix_tokens", None)
    known = isinstance(prefix, int) and _grid(vit, sites.tokens - prefix, size) is not None
    if not known:
        prefix = _leading_constants(tokens_of(), name)
    assert isinstance(prefix, int)
    grid = _grid(vit, sites.tokens - prefix, size)
    if grid is None:
        raise ModelError(
            f"{name}: {sites.tokens} tokens are not {prefix} prefix tokens and a grid "
            "of patches, so its patches cannot be placed on the image."
        )
    has_class_token = any(getattr(vit, token, None) is not None for token in _CLASS_TOKENS)
    return Geometry(len(sites.layers), sites.heads, prefix, *grid, has_class_token and prefix > 0)


def _grid(vit: nn.Module, patches: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns of so many patches: those that the model names, or by their size."""
    embed = next(
        (e for name in ("patch_embed", "embeds") if (e := getattr(vit, name, None)) is not None),
        vit,
    )
    candidates = [getattr(embed, "grid_size", None)]
    for holder in (embed, vit):
        side = getattr(holder, "patch_size", None)
        if isinstance(side, int) or (isinstance(side, (tuple, list)) and len(side) == 2):
            height, width = (side, side) if isinstance(side, int) else side
            candidates.append((size[0] // int(height), size[1] // int(width)))
    if not any(candidates) and patches > 0:
        stride = max(1, round((size[0] * size[1] / patches) ** 0.5))
        candidates.append((size[0] // stride, size[1] // stride))
    for grid in candidates:
        if isinstance(grid, (tuple, list)) and len(grid) == 2 and grid[0] * grid[1] == patches:
            return int(grid[0]), int(grid[1])
    return None


@torch.no_grad()
def _leading_constants(tokens: Tensor, name: str) -> int:
    """How many leading tokens do not depend on the picture, and so are no patches."""
    same = (tokens == tokens[:1]).all(-1).all(0)  # (T,)
    count = int(same.long().cumprod(0).sum())
    if same[count:].any():
        raise ModelError(
            f"{name}: tokens that are no patches stand behind or between the patches; headbrush "
            "expects them in front (class token, registers, prompts), then the patches row by row."
        )
    return count
