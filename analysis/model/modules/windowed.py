"""Swin Transformers, stage by stage: windows written as attention over all tokens of a stage.

In a window, a token attends to the window's tokens only. That is attention over all tokens of the
stage with a score of -infinity outside the window, so a stage is a plain transformer: one grid, one
number of heads, one matrix a head. Weights are the model's own. Liu et al., "Swin Transformer"
(ICCV 2021).
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from timm.models.swin_transformer import (
    SwinTransformer,
    SwinTransformerBlock,
    SwinTransformerStage,
    WindowAttention,
)
from torch import Tensor, nn

from headbrush.analysis.store.errors import ModelError
from headbrush.analysis.store.matrices.windows import Windows
from headbrush.analysis.store.schema import MOST_TOKENS


@dataclass(frozen=True)
class Stage:
    """The stage of a Swin Transformer that is analyzed.

    Attributes
    ----------
    number, count
        Which of how many, from 1.
    windows
        Of each layer.
    heads
        Of each layer, the same in all.
    """

    number: int
    count: int
    windows: tuple[Windows, ...]
    heads: int

    @property
    def tokens(self) -> int:
        """Of the stage."""
        return self.windows[0].grid[0] * self.windows[0].grid[1]


class _ScatteredAttention(nn.Module):
    """timm's attention within windows, over all tokens ``(B, T, C)`` at once."""

    def __init__(self, attention: WindowAttention, windows: Windows, mask: Tensor | None) -> None:
        super().__init__()
        self.num_heads = attention.num_heads
        self.qkv, self.proj = attention.qkv, attention.proj
        self.register_buffer("bias", _scattered(attention, windows, mask), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """What the windows' attention puts out for their tokens."""
        # (B, T, 3·H·D) -> 3 of (B, H, T, D)
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*qkv.unbind(0), attn_mask=cast(Tensor, self.bias))
        # (B, H, T, D) -> (B, T, H·D)
        return self.proj(mixed.transpose(1, 2).flatten(2))


def _scattered(attention: WindowAttention, windows: Windows, mask: Tensor | None) -> Tensor:
    """What is added to the scores of all pairs of tokens, ``(H, T, T)``."""
    within = attention._get_rel_pos_bias()[0]  # (H, W, W)
    members = torch.from_numpy(windows.members()).to(within.device)
    tokens = members.numel()
    bias = within.new_full((attention.num_heads, tokens, tokens), -torch.inf)
    for place, some in enumerate(members):
        bias[:, some[:, None], some] = within if mask is None else within + mask[place]
    return bias


class _TokenBlock(nn.Module):
    """timm's block of Swin over tokens ``(B, T, C)``."""

    def __init__(self, block: SwinTransformerBlock, windows: Windows) -> None:
        super().__init__()
        self.norm1, self.norm2, self.mlp = block.norm1, block.norm2, block.mlp
        weight = block.attn.qkv.weight
        mask = block.get_attn_mask(device=weight.device, dtype=weight.dtype)
        self.attn = _ScatteredAttention(block.attn, windows, mask)

    def forward(self, x: Tensor) -> Tensor:
        """Attend, then compute each token by itself."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _TokenStage(nn.Sequential):
    """The blocks of a stage, which takes and returns ``(B, height, width, C)``."""

    def __init__(self, blocks: list[_TokenBlock], stage: Stage) -> None:
        super().__init__(*blocks)
        self.stage = stage

    def forward(self, input: Tensor) -> Tensor:
        """Run the blocks over the tokens, row by row."""
        tokens = super().forward(input.flatten(1, 2))
        return tokens.unflatten(1, self.stage.windows[0].grid)


class _Staged(nn.Module):
    """A Swin Transformer whose ``norm`` is all between a stage and ``forward_head``."""

    def __init__(self, swin: SwinTransformer, stage: Stage) -> None:
        super().__init__()
        self.body = swin
        grid = nn.Unflatten(1, stage.windows[0].grid)
        self.norm = nn.Sequential(grid, *list(swin.layers)[stage.number :], swin.norm)

    def forward(self, x: Tensor) -> Tensor:
        """What the model puts out."""
        return self.body(x)

    def forward_head(self, x: Tensor) -> Tensor:
        """Pool the tokens and classify them."""
        return self.body.forward_head(x)


def staged(module: nn.Module, number: int | None, name: str) -> tuple[nn.Module, Stage | None]:
    """A module whose Swin Transformer attends over all tokens in one stage, and this stage.

    A module without one is returned as it is.

    Parameters
    ----------
    number
        From 1; None: the stage with the most layers.

    Raises
    ------
    ModelError
        If there is no such stage, or its windows do not fit its grid.
    """
    made = _stage_in(module)
    if made is not None:
        return module, made.stage
    swins = [part for part in module.modules() if isinstance(part, SwinTransformer)]
    if len(swins) != 1:
        if swins or number is not None:
            found = f"{len(swins)} Swin Transformers" if swins else "no stages"
            raise ModelError(
                f"{name}: it has {found}; --stage is for a model with one Swin Transformer."
            )
        return module, None
    (swin,) = swins
    stages = [cast(SwinTransformerStage, stage) for stage in swin.layers]
    stage = _stage(stages, _chosen(stages, number, name), name)
    layer = stages[stage.number - 1]
    pairs = zip(_blocks(layer), stage.windows, strict=True)
    layer.blocks = _TokenStage([_TokenBlock(block, windows) for block, windows in pairs], stage)
    return (_Staged(swin, stage).eval() if module is swin else module), stage


def layers_of(module: nn.Module) -> tuple[nn.Module, list[tuple[nn.Module, nn.Module]]]:
    """The Swin Transformer that :func:`staged` has changed; block and attention of each layer."""
    made = _stage_in(module)
    assert made is not None
    swin = next(part for part in module.modules() if isinstance(part, SwinTransformer))
    return swin, [(block, cast(_TokenBlock, block).attn) for block in made]


def notes_on_stage(stage: Stage) -> list[str]:
    """What the user should know of it: clauses of one line."""
    others = [str(one + 1) for one in range(stage.count) if one + 1 != stage.number]
    (height, width), cut = stage.windows[0].size, any(any(one.shift) for one in stage.windows)
    without = "; windows that are cut by the image's edges are left out of them" if cut else ""
    rest = " or ".join(filter(None, (", ".join(others[:-1]), *others[-1:])))
    number = f"this is stage {stage.number} of {stage.count}"
    if stage.windows[0].grid == (height, width):
        within = f"its {height}×{width} patches are one window, so each attends to all of them"
    else:
        within = (
            f"patches attend within windows of {height}×{width}: hops are counted, and patterns "
            f"named and laid out, within the window{without}"
        )
    if not others:
        return [number, within]
    return [f"{number}: the others run whole, and --stage {rest} shows their heads", within]


def _stage_in(module: nn.Module) -> _TokenStage | None:
    return next((part for part in module.modules() if isinstance(part, _TokenStage)), None)


def _blocks(stage: SwinTransformerStage) -> list[SwinTransformerBlock]:
    return [cast(SwinTransformerBlock, block) for block in stage.blocks]


def _chosen(stages: list[SwinTransformerStage], number: int | None, name: str) -> int:
    """The number of the stage that is analyzed."""
    if number is None:
        depths = [len(_blocks(stage)) for stage in stages]
        return int(np.argmax(depths)) + 1
    if not 1 <= number <= len(stages):
        raise ModelError(f"{name}: --stage {number}, and it has stages 1 to {len(stages)}.")
    return number


def _stage(stages: list[SwinTransformerStage], number: int, name: str) -> Stage:
    blocks = _blocks(stages[number - 1])
    grid, size = _pair(blocks[0].input_resolution), _pair(blocks[0].window_size)
    if grid[0] % size[0] or grid[1] % size[1]:
        raise ModelError(
            f"{name}: windows of {size[0]}×{size[1]} do not fill the grid of {grid[0]}×{grid[1]} "
            f"of its stage {number}, so patches attend to padding too, which is nowhere on the "
            "image; give an --image-size that they fill."
        )
    if grid[0] * grid[1] > MOST_TOKENS:
        raise ModelError(
            f"{name}: its stage {number} has {grid[0] * grid[1]} tokens, at most {MOST_TOKENS} can "
            "be analyzed; give a later --stage or a smaller --image-size."
        )
    windows = tuple(Windows(grid, size, _pair(block.shift_size)) for block in blocks)
    return Stage(number, len(stages), windows, blocks[0].attn.num_heads)


def _pair(sides: object) -> tuple[int, int]:
    height, width = cast(tuple[int, int], sides)
    return int(height), int(width)
