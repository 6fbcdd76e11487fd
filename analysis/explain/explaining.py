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
    generic_attention,
    logit_lens,
    moved_to_output,
    raw_attention,
    rollout,
)
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.explain.sinks import outlying_tokens, sinks_of
from headbrush.analysis.explain.words import Explanation
from headbrush.analysis.measures.importance import pruned_outputs
from headbrush.analysis.model.capture import resume
from headbrush.analysis.model.tracing import Trace
from headbrush.analysis.model.vision_model import VisionModel


@torch.inference_mode()
def explain(model: VisionModel, traced: Trace, which: int, kinds: Sequence[str]) -> Explanation:
    """Explain the prediction of one traced image for a class.

    Parameters
    ----------
    kinds
        Of ``MAPS``.

    Raises
    ------
    InexactError
        If the model puts out no logits.
    """
    demand_logits(model)
    direct, inexact = _direct(model, traced, which)
    made = [_map(model, traced, which, kind, direct, inexact) for kind in kinds]
    maps = np.full((len(made), model.geometry.num_patches), np.nan, np.float32)
    for row, (values, _) in enumerate(made):
        if values is not None:
            maps[row] = values
    is_there = np.isfinite(maps).all(1)
    found = faithfulness(model, traced.images, which, list(maps[is_there]))
    deletion, insertion = np.full((2, len(made)), np.nan)
    deletion[is_there], insertion[is_there] = found.deletion, found.insertion
    shape = len(traced.layers), model.geometry.num_heads
    says, parts = np.full(shape, np.nan), np.full(3, np.nan)
    if direct is not None:
        says = direct.head[0, 0].cpu().numpy()
        parts = torch.stack(
            [direct.embedding[0, 0], direct.mlp[0, 0].sum(), direct.bias[0, 0]]
        ).cpu().numpy()  # fmt: skip
    chosen = torch.tensor([[which]], device=traced.output.device)
    return Explanation(
        maps=maps,
        absent=np.array([why for _, why in made], str),
        deletion=deletion,
        insertion=insertion,
        random_deletion=found.random_deletion,
        random_insertion=found.random_insertion,
        says=says,
        total=total_effects(model, traced, which).cpu().numpy(),
        logit=class_logits(model, traced.output, chosen)[0, 0].cpu().numpy(),
        probability=traced.probability[0, which].cpu().numpy(),
        parts=parts,
        absent_parts=np.array(inexact),
        sinks=np.array([sinks_of(r.call).kind[0].cpu().numpy() for r in traced.layers], np.int8),
        outliers=outlying_tokens(traced)[0].sum(-1).cpu().numpy(),
    )


def total_effects(model: VisionModel, traced: Trace, which: int) -> Tensor:
    """How far the logit of a class falls without each head of one traced image, ``(L, H)``."""
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
    if float(direct.error[0]) > TOLERANCE:
        return None, f"the logit is off the sum over its parts by {float(direct.error[0]):.1g}"
    return direct, ""


def _map(
    model: VisionModel, traced: Trace, which: int, kind: str, direct: Direct | None, inexact: str
) -> tuple[np.ndarray | None, str]:
    """A map ``(P,)`` float32, or why there is none."""
    last = len(traced.layers) - 1
    makers: dict[str, Callable[[], Tensor]] = {
        "attends": lambda: raw_attention(model, traced, last),
        "moves": lambda: moved_to_output(model, traced, last),
        "speaks": lambda: _speaks(traced, direct, inexact),
        "rollout": lambda: rollout(model, traced),
        "generic": lambda: generic_attention(model, traced, which),
        "lens": lambda: logit_lens(model, traced, which),
    }
    try:
        if kind == "ablation":
            *_, finest = patch_ablation(model, traced.images, which)
            return finest.effect.ravel().astype(np.float32), ""
        tokens = makers[kind]()
    except InexactError as refusal:
        return None, str(refusal)
    return tokens[model.geometry.num_prefix_tokens :].float().cpu().numpy(), ""


def _speaks(traced: Trace, direct: Direct | None, inexact: str) -> Tensor:
    if direct is None:
        raise InexactError(inexact)
    return torch.stack(
        [source_map(direct, traced, layer, 0, 0).sum(0) for layer in range(len(traced.layers))]
    ).sum(0)
