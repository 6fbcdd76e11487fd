"""Blocks and attention modules run with some of their parts given, and what they are made of."""

from typing import cast

from torch import Tensor, nn

from headbrush.analysis.explain.frozen import norms_in
from headbrush.analysis.model.attention_sites import Site
from headbrush.analysis.model.modules.attention_calls import AttentionSpy
from headbrush.analysis.model.tracing import LayerTrace, forwards, inputs_of
from headbrush.analysis.model.vision_model import VisionModel


def through(site: Site, record: LayerTrace, tokens: Tensor, output: Tensor) -> Tensor:
    """A block's output for its tokens and its attention's z."""
    returned = record.returning(output)
    with forwards({site.attention: lambda *_args, **_kwargs: returned}):
        _, others, named = inputs_of(site.block.forward, (tokens, *record.block_args),
                                     record.block_kwargs)  # fmt: skip
        return cast(Tensor, site.block(tokens, *others, **named))


def attended(attention: nn.Module, record: LayerTrace, mixed: Tensor) -> Tensor:
    """z for another A·V."""
    with AttentionSpy(lambda _call, _proceed: mixed):
        returned = attention.forward(
            record.attention_input.clone(), *record.attention_args, **record.attention_kwargs
        )
    return returned[0] if isinstance(returned, tuple) else returned


def outside(model: VisionModel) -> tuple[nn.Module, ...]:
    """Norms that are in no block."""
    inside = {part for site in model.sites for part in site.block.modules()}
    return tuple(norm for norm in norms_in(model.module) if norm not in inside)


def block_norms(site: Site) -> tuple[nn.Module, ...]:
    """Norms of a block beside its attention."""
    inside = set(site.attention.modules())
    return tuple(norm for norm in norms_in(site.block) if norm not in inside)


def held(block: nn.Module, attention: nn.Module) -> tuple[nn.Module, ...]:
    """What a block computes beside its attention: modules with matrices, outermost first."""
    found: list[nn.Module] = []
    for child in block.children():
        if child is attention:
            continue
        if attention in child.modules():
            found += held(child, attention)
        elif any(parameter.ndim > 1 for parameter in child.parameters()):
            found.append(child)
    return tuple(found)
