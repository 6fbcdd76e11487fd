"""What the model puts out without some patches, and how much each of them changes.

Their tokens are deleted behind the embedding of positions (Jain et al., "Missingness Bias in Model
Debugging", ICLR 2022), or masked as keys and taken from pooling, which is the same, where a model
needs all its tokens to know their positions. Prefix tokens always stay.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from headbrush.analysis.explain.direct import TOLERANCE, class_logits, logit_range
from headbrush.analysis.explain.refusal import JOINED, InexactError
from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.tracing import forwards, inputs_of
from headbrush.analysis.model.vision_model import VisionModel

_Way = Callable[[VisionModel, Tensor, Tensor], Tensor]
AT_ONCE = 16
"""Variants of an image that share one pass."""
_TILE = 4
_REFINED = 0.25
"""A tile is divided if its effect is at least this share of the largest."""


_deletes: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
"""Of models that were tried: whether deleting tokens is the same as masking them."""


def outputs_without(model: VisionModel, image: Tensor, removed: np.ndarray) -> Tensor:
    """Outputs of one image with some of its patches removed, ``(N, width)``.

    Parameters
    ----------
    image
        ``(1, C, H, W)``.
    removed
        ``(N, P)`` bool, not all patches of a row.

    Raises
    ------
    ValueError
        If nothing would be left.
    InexactError
        If the model's last block returns more than tokens, or its patches are joined later.
    """
    demand_separate_patches(model)
    if removed.all(1).any():
        raise ValueError("all patches of the image would be removed.")
    return _in_passes(model, image, removed, _deleting if can_delete(model, image) else _masking)


def can_delete(model: VisionModel, image: Tensor) -> bool:
    """Whether tokens can be deleted before the first layer, tried once: twice as fast as masking.

    It gives other outputs, or none, where positions are added in the layers.
    """
    if model.module not in _deletes:
        removed = np.random.default_rng(0).random((1, model.geometry.num_patches)) < 0.5
        removed[0, 0] = False
        expected = _in_passes(model, image, removed, _masking)
        try:
            found = _in_passes(model, image, removed, _deleting)
        except (RuntimeError, AssertionError, IndexError, ValueError):
            _deletes[model.module] = False
        else:
            off = (found - expected).abs().amax() / logit_range(expected)
            _deletes[model.module] = bool(off <= TOLERANCE)
    return _deletes[model.module]


@torch.inference_mode()
def outputs_masked(model: VisionModel, image: Tensor, removed: np.ndarray) -> Tensor:
    """As :func:`outputs_without`, by masking the tokens of any model."""
    return _in_passes(model, image, removed, _masking)


@torch.inference_mode()
def _in_passes(model: VisionModel, image: Tensor, removed: np.ndarray, way: _Way) -> Tensor:
    """Variants that remove equally many patches share a pass."""
    counts = removed.sum(1)
    outputs: dict[int, Tensor] = {}
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            found = way(model, image, torch.from_numpy(removed[some]).to(image.device))
            outputs |= dict(zip(some.tolist(), found, strict=True))
    return torch.stack([outputs[row] for row in range(len(removed))])


def demand_separate_patches(model: VisionModel) -> None:
    """Refuse a model that joins patches, of which none can be looked at alone.

    Raises
    ------
    InexactError
        If it has stages.
    """
    if model.stage is not None:
        raise InexactError(JOINED)


def _deleting(model: VisionModel, image: Tensor, removed: Tensor) -> Tensor:
    rows, left = torch.nonzero(~_gone(model, removed), as_tuple=True)
    first = model.sites[0].block
    forward = first.forward

    def fewer(*args: object, **kwargs: object) -> object:
        tokens, others, named = inputs_of(forward, args, kwargs)
        return forward(tokens[rows, left].unflatten(0, (len(removed), -1)), *others, **named)

    with forwards({first: fewer}):
        return model.outputs(image.expand(len(removed), -1, -1, -1))


def _gone(model: VisionModel, removed: Tensor) -> Tensor:
    """Which tokens ``(N, T)`` are removed, of patches ``(N, P)`` bool."""
    return F.pad(removed, (model.geometry.num_prefix_tokens, 0))


def _masking(model: VisionModel, image: Tensor, removed: Tensor) -> Tensor:
    gone = _gone(model, removed)
    rows, left = torch.nonzero(~gone, as_tuple=True)
    last = model.sites[-1].block
    forward = last.forward
    in_blocks = [True]

    def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        return _masked(call, gone) if in_blocks and gone.any() else proceed()

    def shortened(*args: object, **kwargs: object) -> Tensor:
        tokens = forward(*args, **kwargs)
        if not isinstance(tokens, Tensor):
            raise InexactError("its blocks return more than tokens")
        in_blocks.clear()  # what pools the tokens sees only those that are left
        return tokens[rows, left].unflatten(0, (len(gone), -1))

    replaced: dict[nn.Module, Callable[..., object]] = {last: shortened}
    with forwards(replaced), AttentionSpy(handle):
        return model.outputs(image.expand(len(gone), -1, -1, -1))


def _masked(call: AttentionCall, gone: Tensor) -> Tensor:
    """Attention in which nothing attends to the tokens that are ``gone``, ``(N, T)`` bool."""
    mask = torch.zeros(gone.shape, dtype=call.query.dtype, device=gone.device)
    mask = mask.masked_fill(gone, -torch.inf)[:, None, None]
    if call.attn_mask is not None:
        given = call.attn_mask
        if given.dtype == torch.bool:
            given = torch.zeros_like(given, dtype=mask.dtype).masked_fill(~given, -torch.inf)
        mask = mask + given
    return F.scaled_dot_product_attention(
        call.query, call.key, call.value, attn_mask=mask, scale=call.scale
    )


@dataclass(frozen=True)
class Ablation:
    """How much the logit of a class falls without patches, as far as that is known.

    Attributes
    ----------
    effect
        ``(gh, gw)``: of a patch's tile, divided by the tile's patches; NaN where not yet known.
    tile
        ``(gh, gw)`` int: patches of the tile that was removed.
    passes
        Passes through the model so far.
    is_done
        Whether no finer map follows.
    """

    effect: np.ndarray
    tile: np.ndarray
    passes: int
    is_done: bool


def patch_ablation(
    model: VisionModel, image: Tensor, which: int, tile: int | None = None
) -> Iterator[Ablation]:
    """Maps that become finer: tiles of 4 × 4 patches first, divided where the effect is large.

    A map follows each pass of up to :data:`AT_ONCE` variants; who has enough stops asking.

    Parameters
    ----------
    image
        ``(1, C, H, W)``.
    which
        The class.
    tile
        Patches of a side of all tiles, which are then not divided.
    """
    is_fixed, tile = tile is not None, _TILE if tile is None else tile
    grid = model.geometry.grid_height, model.geometry.grid_width
    effect, size = np.full(grid, np.nan), np.zeros(grid, int)
    whole = float(_logit(model, image, which, np.zeros((1, *grid), bool))[0])
    tiles, passes = _cut([(0, 0, *grid)], tile), 0
    while tiles:
        fresh = []
        for start in range(0, len(tiles), AT_ONCE):
            some = tiles[start : start + AT_ONCE]
            removed = np.zeros((len(some), *grid), bool)
            for row, place in enumerate(some):
                removed[(row, *_area(place))] = True
            lost = whole - _logit(model, image, which, removed)
            passes += len(some)
            for place, change in zip(some, lost, strict=True):
                area = _area(place)
                size[area] = effect[area].size
                effect[area] = change / effect[area].size
                fresh.append((abs(float(change)), place))
            is_last = (is_fixed or tile == 1) and start + AT_ONCE >= len(tiles)
            yield Ablation(effect.copy(), size.copy(), passes, is_last)
        if is_fixed or tile == 1:
            return
        most = max(change for change, _ in fresh)
        tile = max(1, tile // 2)
        tiles = _cut([place for change, place in fresh if change >= _REFINED * most], tile)


_Place = tuple[int, int, int, int]
"""First row and column, and those behind the last."""


def _area(place: _Place) -> tuple[slice, slice]:
    return slice(place[0], place[2]), slice(place[1], place[3])


def _cut(places: list[_Place], tile: int) -> list[_Place]:
    """Tiles of a size in some areas, row by row."""
    return [
        (row, column, min(row + tile, bottom), min(column + tile, right))
        for top, left, bottom, right in places
        for row in range(top, bottom, tile)
        for column in range(left, right, tile)
    ]


def _logit(model: VisionModel, image: Tensor, which: int, removed: np.ndarray) -> np.ndarray:
    """``(N,)``; a tile that is the whole image leaves the logit as it is."""
    flat = removed.reshape(len(removed), -1)
    flat = np.where(flat.all(1, keepdims=True), False, flat)
    output = outputs_without(model, image, flat)
    chosen = torch.full((len(output), 1), which, device=output.device)
    return class_logits(model, output, chosen)[0].float().cpu().numpy()
