"""Layers, heads and tokens of a model."""

from dataclasses import dataclass
from typing import cast

from timm.layers.helpers import to_2tuple
from timm.layers.patch_embed import PatchEmbed
from torch import nn

from headbrush.analysis.model.attention_sites import Site
from headbrush.analysis.store.errors import ModelError


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
    module: nn.Module, sites: list[Site], tokens: int, size: tuple[int, int], name: str
) -> Geometry:
    """Geometry of a module with ``tokens`` tokens and an input of ``size`` pixels.

    Raises
    ------
    ModelError
        If the tokens are not a prefix and a grid.
    """
    prefix = int(getattr(module, "num_prefix_tokens", 1))
    embed = cast(PatchEmbed, module.patch_embed)
    grid = getattr(embed, "grid_size", None)
    if grid is None or grid[0] * grid[1] != tokens - prefix:
        height, width = cast(tuple[int, int], to_2tuple(embed.patch_size))
        grid = (size[0] // height, size[1] // width)
    if grid[0] * grid[1] != tokens - prefix:
        raise ModelError(
            f"{name}: {tokens} tokens are not {prefix} prefix tokens and a {grid[0]}×{grid[1]} "
            "grid of patches, so its patches cannot be placed on the image."
        )
    has_class_token = getattr(module, "cls_token", None) is not None
    heads = cast(int, sites[0].attention.num_heads)
    return Geometry(len(sites), heads, prefix, grid[0], grid[1], has_class_token)
