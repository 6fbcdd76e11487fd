"""How much is computed at once, so that memory is bounded for every number of tokens.

Everything that grows with T·T or with layers × tokens is cut into pieces by :func:`at_once`. The
cut changes no result beyond rounding.
"""

from collections.abc import Iterator

from headbrush.analysis.measures.source_patches import SOURCES
from headbrush.analysis.model.geometry import Geometry
from headbrush.analysis.model.vision_model import VisionModel

BUDGET_BYTES = 512 * 2**20
"""Memory for the values that one step holds at once."""
_ACCELERATOR_BUDGET_BYTES = 4 * 2**30
_FLOAT = 4
TRACED = 10
"""Tensors of T × C values that a trace keeps of each layer."""
_MAPS = 6
"""Matrices of T × T values that measuring one head holds at the same time."""


def at_once(bytes_each: float, most: int, budget: int | None = None) -> int:
    """How many items fit into the budget, from 1 to ``most``."""
    return int(max(1, min(most, (BUDGET_BYTES if budget is None else budget) // bytes_each)))


def pieces(
    count: int, bytes_each: float, most: int | None = None, budget: int | None = None
) -> Iterator[slice]:
    """Cut ``count`` items into runs that fit into the budget, each at most ``most`` long."""
    size = at_once(bytes_each, count if most is None else most, budget)
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def images_at_once(model: VisionModel, batch_size: int) -> int:
    """How many images are traced at once, from 1 to ``batch_size``."""
    geometry = model.geometry
    tokens = TRACED * geometry.num_layers * geometry.num_tokens * width_by_weights(model)
    budget = None if model.device.type == "cpu" else _ACCELERATOR_BUDGET_BYTES
    return at_once(_FLOAT * tokens + head_bytes(geometry.num_tokens), batch_size, budget)


def images_in_a_shard(geometry: Geometry, most: int) -> int:
    """How many images share one part on disk, from 1 to ``most``; all modules hold it whole."""
    patches = geometry.pattern_patches
    # packed patch pattern, CLS pattern, attention of some source patches
    each = patches**2 / 8 + _FLOAT * (2 * patches + 1) + 2 * SOURCES * patches
    return at_once(2 * geometry.num_layers * geometry.num_heads * each, most)


def head_bytes(num_tokens: int) -> int:
    """Memory that measuring one head of one image takes."""
    return _MAPS * _FLOAT * num_tokens**2


def width_by_weights(model: VisionModel) -> float:
    """About C: a ViT's block has 12·C² weights."""
    weights = sum(parameter.numel() for parameter in model.module.parameters())
    return (weights / (12 * model.geometry.num_layers)) ** 0.5
