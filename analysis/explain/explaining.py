"""Explain one prediction: its maps with their faithfulness, its heads, its sinks."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from headbrush.analysis.explain.ablation import patch_ablation
from headbrush.analysis.explain.direct import (
    TOLERANCE,
    Direct,
    class_logits,
    demand_logits,
    direct_contributions,
    source_map,
)
from headbrush.analysis.explain.faithfulness import faithfulness
from headbrush.analysis.explain.maps import (
    attention_to_output,
    generic_attention,
    logit_lens,
    moved_to_output,
    rollout,
)
from headbrush.analysis.explain.refusal import LATER_STAGES, InexactError
from headbrush.analysis.explain.sinks import outlying_tokens, sinks_of
from headbrush.analysis.explain.words import OF_HEADS, Explanation, Sources
from headbrush.analysis.measures.importance import pruned_outputs
from headbrush.analysis.model.capture import resume
from headbrush.analysis.model.tracing import Trace
from headbrush.analysis.model.vision_model import VisionModel


@torch.inference_mode()
def explain(
    model: VisionModel, traced: Trace, which: int, kinds: Sequence[str], tile: str = "auto"
) -> Explanation:
    """Explain the prediction of one traced image for a class.

    Parameters
    ----------
    kinds
        Of ``MAPS``.
    tile
        Of ``TILES``, what the ablation removes.

    Raises
    ------
    InexactError
        If the model puts out no logits.
    """
    sources = sources_of_heads(model, traced, which)
    made = [_map(model, traced, which, kind, sources, tile) for kind in kinds]
    maps = np.full((len(made), model.geometry.num_patches), np.nan, np.float32)
    for row, (values, _) in enumerate(made):
        if values is not None:
            maps[row] = values
    is_there = np.isfinite(maps).all(1)
    found = faithfulness(model, traced.images, which, list(maps[is_there]))
    deletion, insertion = np.full((2, len(made)), np.nan)
    deletion[is_there], insertion[is_there] = found.deletion, found.insertion
    return Explanation(
        maps=maps,
        absent=np.array([why for _, why in made], str),
        deletion=deletion,
        insertion=insertion,
        random_deletion=found.random_deletion,
        random_insertion=found.random_insertion,
        says=sources.says,
        total=total_effects(model, traced, which).cpu().numpy(),
        logit=sources.logit,
        probability=sources.probability,
        parts=sources.parts,
        absent_parts=sources.absent_parts,
        sinks=sources.sinks,
        outliers=sources.outliers,
        tile=tile,
    )


@torch.inference_mode()
def sources_of_heads(model: VisionModel, traced: Trace, which: int) -> Sources:
    """What each head does with the patches of one traced image, for a class.

    Raises
    ------
    InexactError
        If the model puts out no logits.
    """
    demand_logits(model)
    direct, inexact = _direct(model, traced, which)
    shape = len(traced.layers), model.geometry.num_heads
    says, parts = np.full(shape, np.nan), np.full(3, np.nan)
    if direct is not None:
        says = direct.head[0, 0].cpu().numpy()
        parts = torch.stack(
            [direct.embedding[0, 0], direct.mlp[0, 0].sum(), direct.bias[0, 0]]
        ).cpu().numpy()  # fmt: skip
    values, absent = _values(model, traced, direct, inexact)
    found = [sinks_of(record.call) for record in traced.layers]
    chosen = torch.tensor([[which]], device=traced.output.device)
    return Sources(
        values=values,
        absent=absent,
        says=says,
        logit=class_logits(model, traced.output, chosen)[0, 0].cpu().numpy(),
        probability=traced.probability[0, which].cpu().numpy(),
        parts=parts,
        absent_parts=np.array(inexact),
        sinks=np.array([one.kind[0].cpu().numpy() for one in found], np.int8),
        sink_token=np.array([one.token[0].cpu().numpy() for one in found], np.int32),
        outliers=outlying_tokens(traced)[0].sum(-1).cpu().numpy(),
    )


@torch.inference_mode()
def map_of_model(
    model: VisionModel, traced: Trace, which: int, kind: str, heads: np.ndarray | None = None
) -> np.ndarray:
    """A map ``(P,)`` float32 that is not made of what single heads do.

    Parameters
    ----------
    kind
        ``rollout``, ``generic`` or ``lens``.
    heads
        ``(L, H)`` bool, those of the rollout; by default all.

    Raises
    ------
    InexactError
        If the model has no such map.
    """
    demand_logits(model)
    chosen = None if heads is None else torch.from_numpy(heads)
    makers: dict[str, Callable[[], Tensor]] = {
        "rollout": lambda: rollout(model, traced, chosen),
        "generic": lambda: generic_attention(model, traced, which),
        "lens": lambda: logit_lens(model, traced, which),
    }
    return makers[kind]()[model.geometry.num_prefix_tokens :].float().cpu().numpy()


@torch.inference_mode()
def total_effects(model: VisionModel, traced: Trace, which: int) -> Tensor:
    """How far the logit of a class falls without each head of one traced image, ``(L, H)``."""
    demand_logits(model)
    heads = model.geometry.num_heads
    rows = torch.zeros(heads, dtype=torch.long, device=traced.output.device)
    chosen = torch.full((heads, 1), which, device=traced.output.device)
    before = class_logits(model, traced.output, chosen[:1])[0]
    found = []
    for layer, record in enumerate(traced.layers):
        pruned = pruned_outputs(model, traced, layer, 1)[:, 0]  # (H, T, C)
        entering = record.block_input.expand(heads, -1, -1)
        output = resume(model, traced, layer, entering, pruned, rows)
        found.append(before - class_logits(model, output, chosen)[0])
    return torch.stack(found)


def _direct(model: VisionModel, traced: Trace, which: int) -> tuple[Direct | None, str]:
    """The parts of the logit, or why they are not exact."""
    chosen = torch.tensor([[which]], device=traced.output.device)
    try:
        direct = direct_contributions(model, traced, chosen)
    except InexactError as refusal:
        return None, str(refusal)
    if float(direct.error[0]) > TOLERANCE and model.stage is not None:
        return None, LATER_STAGES
    if float(direct.error[0]) > TOLERANCE:
        return None, f"the logit is off the sum over its parts by {float(direct.error[0]):.1g}"
    return direct, ""


def _values(
    model: VisionModel, traced: Trace, direct: Direct | None, inexact: str
) -> tuple[np.ndarray, np.ndarray]:
    """``values`` and ``absent`` of :class:`Sources`."""

    def speaks(layer: int) -> Tensor:
        if direct is None:
            raise InexactError(inexact)
        return source_map(direct, traced, layer, 0, 0)

    makers: dict[str, Callable[[int], Tensor]] = {
        "attends": lambda layer: attention_to_output(model, traced, layer),
        "moves": lambda layer: moved_to_output(model, traced, layer),
        "speaks": speaks,
    }
    geometry, layers = model.geometry, len(traced.layers)
    shape = len(OF_HEADS), layers, geometry.num_heads, geometry.num_patches
    values, absent = np.full(shape, np.nan, np.float32), [""] * len(OF_HEADS)
    for row, kind in enumerate(OF_HEADS):
        try:
            tokens = torch.stack([makers[kind](layer) for layer in range(layers)])
            values[row] = tokens[..., geometry.num_prefix_tokens :].float().cpu().numpy()
        except InexactError as refusal:
            absent[row] = str(refusal)
    return values, np.array(absent, str)


def _map(
    model: VisionModel, traced: Trace, which: int, kind: str, sources: Sources, tile: str
) -> tuple[np.ndarray | None, str]:
    """A map ``(P,)`` float32 of all heads, or why there is none."""
    if kind in OF_HEADS:
        why = str(sources.absent[OF_HEADS.index(kind)])
        return (None, why) if why else (sources.of(kind), "")
    try:
        if kind == "ablation":
            side = None if tile == "auto" else int(tile)
            *_, finest = patch_ablation(model, traced.images, which, side)
            return finest.effect.ravel().astype(np.float32), ""
        return map_of_model(model, traced, which, kind), ""
    except InexactError as refusal:
        return None, str(refusal)
