"""Run a model without some of its heads, by its own modules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.pruning.modes import REGIONS
from headbrush.analysis.model.pruning.prune_set import PruneSet

Modes = Mapping[int, int]
"""Mode by pruned head of one layer."""


@contextmanager
def without(attentions: Sequence[nn.Module], prefix: int, pruned: PruneSet) -> Iterator[None]:
    """While active, the model's attention modules compute with the pruned parts of A at zero.

    Parameters
    ----------
    attentions
        Of every layer in order.
    prefix
        Number of prefix tokens.
    """
    if not pruned:
        yield
        return
    within: list[Modes] = []

    def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        return head_output_without(call, proceed, within[-1], prefix) if within else proceed()

    with ExitStack() as hooks:
        for layer in pruned.layers:
            module, modes = attentions[layer], pruned.of_layer(layer)
            enter = module.register_forward_pre_hook(partial(_enter, within, modes))
            leave = module.register_forward_hook(partial(_leave, within), always_call=True)
            hooks.callback(enter.remove)
            hooks.callback(leave.remove)
        hooks.enter_context(AttentionSpy(handle))
        yield


def _enter(within: list[Modes], modes: Modes, *_: object) -> None:
    within.append(modes)


def _leave(within: list[Modes], *_: object) -> None:
    within.pop()


def head_output_without(
    call: AttentionCall, proceed: Callable[[], Tensor], modes: Modes, prefix: int
) -> Tensor:
    """A·V of an SDPA call, ``(B, H, N, D)``, with the pruned parts of A at zero.

    Parameters
    ----------
    call
        Its queries are the first N of T tokens.
    proceed
        Runs the call as it was made.
    """
    heads = call.query.shape[-3]
    whole = [head for head, mode in modes.items() if mode == 1]
    if len(whole) == heads:
        return call.value.new_zeros((*call.query.shape[:-1], call.value.shape[-1]))
    if whole:  # their products are left out
        kept = [head for head in range(heads) if modes.get(head) != 1]
        found = call.of_heads(kept).attend()
        result = found.new_zeros((*found.shape[:-3], heads, *found.shape[-2:]))
        result = result.index_copy(-3, torch.tensor(kept, device=found.device), found)
    else:
        result = proceed()
    for head, mode in modes.items():
        if mode != 1:
            one = call.of_heads(slice(head, head + 1))
            kept = zero_regions(one.weights(), mode, prefix).to(one.value.dtype) @ one.value
            place = torch.zeros((heads, 1, 1), dtype=torch.bool, device=result.device)
            place[head] = True
            result = torch.where(place, kept, result)
    return result


def zero_regions(attention: Tensor, mode: int, prefix: int) -> Tensor:
    """A copy of ``(…, N, T)``, rows of the first N tokens, with the mode's parts at zero."""
    is_prefix = torch.arange(attention.shape[-1], device=attention.device) < prefix
    source, target = is_prefix[: attention.shape[-2], None], is_prefix
    regions = {2: source & target, 3: source ^ target, 4: ~source & ~target}
    removed = torch.zeros_like(source & target)
    for region in REGIONS[mode]:
        removed = removed | regions[region]
    return attention.masked_fill(removed, 0)
