"""Layers, heads and tokens of a model."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from headbrush.analysis.model.attention_sites import Sites
from headbrush.analysis.model.modules.windowed import Stage
from headbrush.analysis.store.errors import ModelError
from headbrush.analysis.store.matrices.windows import Windows

_CLASS_TOKENS = ("cls_token", "class_token", "class_embedding")
"""Names of the class token in timm, torchvision and open_clip."""


@dataclass(frozen=True)
class Geometry:
    """Layers, heads and tokens of a model; tokens are prefix tokens, then patches row by row.

    ``windows`` are those of each layer, if patches attend within windows.
    """

    num_layers: int
    num_heads: int
    num_prefix_tokens: int
    grid_height: int
    grid_width: int
    has_class_token: bool
    windows: tuple[Windows, ...] = ()

    @property
    def num_patches(self) -> int:
        """P = grid height × grid width."""
        return self.grid_height * self.grid_width

    @property
    def num_tokens(self) -> int:
        """T = prefix tokens + P."""
        return self.num_prefix_tokens + self.num_patches

    @property
    def pattern_grid(self) -> tuple[int, int]:
        """Rows and columns of the patches of a pattern: those of a window, else of the image."""
        return self.windows[0].size if self.windows else (self.grid_height, self.grid_width)

    @property
    def pattern_patches(self) -> int:
        """Patches of a pattern."""
        return self.pattern_grid[0] * self.pattern_grid[1]


def geometry_of(
    vit: nn.Module, sites: Sites, images: Tensor, tokens_of: Callable[[Tensor], Tensor], name: str
) -> Geometry:
    """Geometry of a ViT.

    Parameters
    ----------
    images
        At least two different pictures, ``(B, C, H, W)``.
    tokens_of
        Gives what enters the first block for them, ``(B, T, C)``.

    Raises
    ------
    ModelError
        If the tokens are not a prefix and a grid, row by row.
    """
    size = (images.shape[2], images.shape[3])
    prefix = getattr(vit, "num_prefix_tokens", None)
    known = isinstance(prefix, int) and _grid(vit, sites.tokens - prefix, size) is not None
    if not known:
        prefix = _leading_constants(tokens_of(images), name)
    assert isinstance(prefix, int)
    grid = _grid(vit, sites.tokens - prefix, size)
    if grid is None:
        raise ModelError(
            f"{name}: {sites.tokens} tokens are not {prefix} prefix tokens and a grid "
            "of patches, so its patches cannot be placed on the image."
        )
    _demand_rows(images, tokens_of, prefix, grid, name)
    has_class_token = any(
        isinstance(getattr(part, token, None), Tensor)
        for part in vit.modules()
        for token in _CLASS_TOKENS
    )
    return Geometry(len(sites.layers), sites.heads, prefix, *grid, has_class_token and prefix > 0)


def geometry_of_stage(stage: Stage) -> Geometry:
    """Geometry of a stage of a Swin Transformer."""
    grid = stage.windows[0].grid
    return Geometry(len(stage.windows), stage.heads, 0, *grid, False, stage.windows)


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
def _demand_rows(
    images: Tensor,
    tokens_of: Callable[[Tensor], Tensor],
    prefix: int,
    grid: tuple[int, int],
    name: str,
) -> None:
    """Check that a change of one patch changes most the token where that patch should be."""
    rows, columns = grid
    before = images[:1]
    for row, column in {(0, columns - 1), (rows - 1, 0)}:
        height, width = images.shape[2] // rows, images.shape[3] // columns
        area = (..., slice(row * height, (row + 1) * height),
                slice(column * width, (column + 1) * width))  # fmt: skip
        after = before.clone()
        after[area] = 2 * images[1:2][area]
        tokens = tokens_of(torch.cat([before, after]))[:, prefix:]  # (2, P, C)
        found = int((tokens[1] - tokens[0]).square().sum(-1).argmax())
        if found != row * columns + column:
            raise ModelError(
                f"{name}: its tokens are not the patches row by row (the patch in row {row}, "
                f"column {column} is token {found}), so attention cannot be placed on the image."
            )


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
