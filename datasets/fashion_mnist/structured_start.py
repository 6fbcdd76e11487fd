"""Weights of queries and keys with which some heads begin as shifts of the image.

Structured initialisation (Zheng, Li, Lucey, arXiv:2404.01139 and arXiv:2505.19985): before
training, softmax(Q Kᵀ) of a head is about the matrix of a small filter with one impulse, so the
first layers begin as a convolution would. Here Q and K follow in closed form from sines and
cosines of the position, as cos(w (j - i - a)) is a product of what token i and token j know. Every
weight is trained afterwards.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

FREQUENCIES = 6
"""Waves an axis in the position embeddings, of 1 to 6 half-turns over the grid."""
POSITION_CHANNELS = 4 * FREQUENCIES
"""The first channels hold (cos, sin) of every wave, down, then to the right."""
_BOTH_AXES = (1, 2, 4, 6)
"""Waves of a head that looks at both axes: its 16 channels hold four (cos, sin) an axis."""


@dataclass(frozen=True)
class Start:
    """Where a head's sources look at first: offsets ``low`` to ``high`` along an axis.

    None leaves an axis open; ``mirrored`` looks at the mirror image of the column.
    """

    down: tuple[int, int] | None
    right: tuple[int, int] | None
    mirrored: bool = False


STARTS = (
    Start((0, 0), (0, 0)), Start((0, 0), (-1, -1)), Start((0, 0), (1, 1)),
    Start((-1, -1), (0, 0)), Start((1, 1), (0, 0)), Start((-1, 1), (-1, 1)),
    Start((0, 0), None), Start(None, (0, 0)),
    Start((-2, -1), None), Start((1, 2), None), Start((0, 0), (0, 0), mirrored=True),
)  # fmt: skip
"""Itself, its four neighbours, 3×3, row, column, two rows above or below, mirrored column."""


def position_table(grid: tuple[int, int], channels: int) -> Tensor:
    """Position embeddings ``(P, channels)``: waves in the first channels, zeros in the others."""
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    waves = [
        wave(position * k * math.pi / size)
        for position, size in ((rows, grid[0]), (columns, grid[1]))
        for k in range(1, FREQUENCIES + 1)
        for wave in (np.cos, np.sin)
    ]
    table = np.zeros((len(rows), channels), np.float32)
    table[:, :POSITION_CHANNELS] = np.stack(waves, 1)
    return torch.from_numpy(table)


def draw_starts(heads: int, structured: int, rng: np.random.Generator) -> list[Start | None]:
    """A start for ``structured`` of ``heads`` heads of one layer, drawn without repetition."""
    drawn = [STARTS[place] for place in rng.permutation(len(STARTS))[:structured]]
    return [*drawn, *[None] * (heads - structured)]


@torch.no_grad()
def begin(
    attention: nn.Module, starts: list[Start | None], size: int, gain: float, logit: float
) -> None:
    """Set the queries and keys of a timm ``Attention`` on a ``size`` × ``size`` grid.

    Parameters
    ----------
    gain
        Standard deviation by which the layer norm before it divides.
    logit
        How far the targets' logits stand above the others', an axis.
    """
    width = attention.head_dim
    channels = attention.num_heads * width
    for head, start in enumerate(starts):
        if start is None:
            continue
        query, key = _products(start, size, width)
        scale = gain * math.sqrt(logit / attention.scale)
        first = head * width
        for weight, place in ((query, first), (key, channels + first)):
            attention.qkv.weight[place : place + width, :POSITION_CHANNELS] = scale * weight


def _products(start: Start, size: int, width: int) -> tuple[Tensor, Tensor]:
    """Query and key ``(width, POSITION_CHANNELS)`` whose product peaks at the targets."""
    query, key = np.zeros((2, width, POSITION_CHANNELS), np.float32)
    both = start.down is not None and start.right is not None
    row = 0
    for axis, offsets in enumerate((start.down, start.right)):
        if offsets is None:
            continue
        waves = _BOTH_AXES if both else tuple(range(1, FREQUENCIES + 1))
        mirrored = start.mirrored and axis == 1
        centre = (size - 1) if mirrored else sum(offsets) / 2
        for k, weight in zip(waves, _weights(offsets, waves, size), strict=True):
            channel = 2 * (axis * FREQUENCIES + k - 1)
            angle = k * math.pi / size * centre
            turn = np.array(
                [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
            )
            if mirrored:
                turn = turn @ np.diag([1, -1])
            query[row : row + 2, channel : channel + 2] = (
                np.sign(weight) * abs(weight) ** 0.5 * turn
            )
            key[row : row + 2, channel : channel + 2] = abs(weight) ** 0.5 * np.eye(2)
            row += 2
    return torch.from_numpy(query), torch.from_numpy(key)


def _weights(offsets: tuple[int, int], waves: tuple[int, ...], size: int) -> np.ndarray:
    """Weights of cosines whose sum is 1 higher at the offsets than at the nearest others."""
    distance = np.arange(1 - size, size) - sum(offsets) / 2
    wanted = np.abs(distance) <= (offsets[1] - offsets[0]) / 2
    columns = np.stack(
        [np.cos(k * math.pi / size * distance) for k in waves] + [distance * 0 + 1], 1
    )
    weights = np.linalg.lstsq(columns, wanted.astype(float), rcond=None)[0][:-1]
    sums = columns[:, :-1] @ weights
    return weights / (sums[wanted].min() - sums[~wanted].max())
