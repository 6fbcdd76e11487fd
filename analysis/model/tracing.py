"""Trace one forward pass of a ViT, layer by layer, and check that the trace is faithful.

Notation: B images, L layers, H heads, T tokens, D width of a head, C width of the model.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.modules.outputs import OutputKind
from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.analysis.model.pruning.without import Modes, without, zero_regions
from headbrush.analysis.model.vision_model import VisionModel


@dataclass(frozen=True)
class LayerTrace:
    """The trace of one layer.

    Attributes
    ----------
    block_input
        ``(B, T, C)``, with the other arguments of the block (rotary embedding, mask) in
        ``block_args`` and ``block_kwargs``.
    block_output
        What the block returned; usually the next block's input.
    attention_input
        Input of the attention module, ``(B, T, C)``, likewise with its other arguments.
    call
        The SDPA call: queries, keys, values ``(B, H, T, D)`` and bias.
    head_output
        A·V, ``(B, H, T, D)``.
    output
        z of Eq. 2: the attention module's output after projection and bias, ``(B, T, C)``.
    others
        What the attention module returned beside z; numbers in it are NaN, because they would be
        others if z were.
    pruned
        Mode by pruned head: ``call`` is as the model made it, ``head_output`` and ``attention``
        are without these parts.
    prefix
        Number of prefix tokens.
    """

    block_input: Tensor
    block_args: tuple[object, ...]
    block_kwargs: dict[str, object]
    block_output: object
    attention_input: Tensor
    attention_args: tuple[object, ...]
    attention_kwargs: dict[str, object]
    call: AttentionCall
    head_output: Tensor
    output: Tensor
    others: tuple[object, ...] = ()
    pruned: Modes = field(default_factory=dict)
    prefix: int = 0

    def returning(self, output: Tensor) -> object:
        """What the attention module would return with ``output`` in place of its z."""
        return (output, *self.others) if self.others else output

    def attention(self, heads: slice = slice(None)) -> Tensor:
        """A of ``heads``, ``(B, H, T, T)`` float32, rows = source; computed on demand."""
        weights = self.call.of_heads(heads).weights()
        for position, head in enumerate(range(self.head_output.shape[1])[heads]):
            if head in self.pruned:
                one = weights[:, position]
                weights[:, position] = zero_regions(one, self.pruned[head], self.prefix)
        return weights


@dataclass(frozen=True)
class Trace:
    """One forward pass.

    Attributes
    ----------
    images
        ``(B, C, H, W)``, what went in.
    output
        ``(B, K)``: logits, probabilities or features, as ``kind`` says.
    pruned
        What was pruned; all that is computed from the trace is on top of it.
    """

    images: Tensor
    layers: tuple[LayerTrace, ...]
    output: Tensor
    kind: OutputKind
    pruned: PruneSet = NOTHING

    @property
    def probability(self) -> Tensor:
        """Probabilities, ``(B, classes)``; ``(B, 0)`` of a headless model."""
        return self.kind.probability(self.output)


def while_active(forward: Callable[..., object], active: list[bool]) -> Callable[..., object]:
    """A forward method that marks ``active`` while it runs."""

    def within(*args: object, **kwargs: object) -> object:
        active.append(True)
        try:
            return forward(*args, **kwargs)
        finally:
            active.pop()

    return within


@contextmanager
def forwards(replaced: Mapping[nn.Module, Callable[..., object]]) -> Iterator[None]:
    """While active, modules compute by other functions; their hooks stay in force."""
    before = {module: vars(module).get("forward") for module in replaced}
    try:
        for module, function in replaced.items():
            module.forward = function
        yield
    finally:
        for module, own in before.items():
            if own is not None:
                module.forward = own
            elif "forward" in vars(module):
                del module.forward


class Inputs(NamedTuple):
    """The tokens ``(B, T, C)`` that a module received, and its other arguments."""

    tokens: Tensor
    args: tuple[object, ...]
    kwargs: dict[str, object]


def inputs_of(
    forward: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Inputs:
    """The arguments of a call; tokens given by name are taken from the others."""
    if args:
        return Inputs(args[0], args[1:], dict(kwargs))
    first = next(iter(inspect.signature(forward).parameters), "")
    name = first if first in kwargs else next(iter(kwargs))
    return Inputs(kwargs[name], (), {key: kwargs[key] for key in kwargs if key != name})


@dataclass
class _Recorder:
    """What passed through one block and its attention module."""

    block: Inputs | None = None
    attention: Inputs | None = None
    call: tuple[AttentionCall, Tensor] | None = None
    outputs: dict[str, object] = field(default_factory=dict)

    def around_block(self, forward: Callable[..., object]) -> Callable[..., object]:
        """``forward`` of the block, recorded."""

        def recorded(*args: object, **kwargs: object) -> object:
            self.block = inputs_of(forward, args, kwargs)
            self.outputs["block"] = forward(*args, **kwargs)
            return self.outputs["block"]

        return recorded

    def around_attention(
        self, forward: Callable[..., object], active: list["_Recorder"]
    ) -> Callable[..., object]:
        """``forward`` of the attention module, recorded; while it runs, calls are its own."""

        def recorded(*args: object, **kwargs: object) -> object:
            self.attention = inputs_of(forward, args, kwargs)
            active.append(self)
            try:
                self.outputs["attention"] = forward(*args, **kwargs)
            finally:
                active.pop()
            return self.outputs["attention"]

        return recorded

    def layer(self, pruned: Modes, prefix: int) -> LayerTrace:
        """The trace of the layer."""
        assert self.block is not None
        assert self.attention is not None
        assert self.call is not None
        output, *others = _parts(self.outputs["attention"])
        assert isinstance(output, Tensor)
        return LayerTrace(
            *self.block,
            self.outputs["block"],
            *self.attention,
            *self.call,
            output,
            tuple(_void(one) for one in others),
            pruned,
            prefix,
        )


def _parts(returned: object) -> tuple[object, ...]:
    """What an attention module returned: z first."""
    return returned if isinstance(returned, tuple) else (returned,)


def _void(value: object) -> object:
    """NaN in the shape of a tensor; anything else as it is."""
    if isinstance(value, Tensor) and value.is_floating_point():
        return torch.full_like(value, torch.nan)
    return value


@torch.inference_mode()
def trace(model: VisionModel, images: Tensor, pruned: PruneSet = NOTHING) -> Trace:
    """Run ``images`` ``(B, C, H, W)`` through the model and record every layer.

    Parameters
    ----------
    pruned
        Heads that the model runs without.

    Raises
    ------
    InputError
        If it names a head that the model does not have.
    """
    pruned.demand_within(len(model.sites), model.geometry.num_heads)
    with running_without(model, pruned):
        output, layers = recorded(model, lambda: model.outputs(images), pruned=pruned)
    return Trace(images, layers, output, model.kind, pruned)


def recorded(
    model: VisionModel, run: Callable[[], Tensor], first: int = 0, pruned: PruneSet = NOTHING
) -> tuple[Tensor, tuple[LayerTrace, ...]]:
    """What ``run`` returns, and the traces of the layers from ``first`` on that it ran.

    Parameters
    ----------
    run
        Runs the model, or the later part of it.
    pruned
        Heads that it runs without.
    """
    sites = model.sites[first:]
    recorders = [_Recorder() for _ in sites]
    active: list[_Recorder] = []

    def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
        result = proceed()
        if active:
            active[-1].call = call, result
        return result

    replaced: dict[nn.Module, Callable[..., object]] = {}
    for site, recorder in zip(sites, recorders, strict=True):
        replaced[site.block] = recorder.around_block(site.block.forward)
        replaced[site.attention] = recorder.around_attention(site.attention.forward, active)
    with forwards(replaced), AttentionSpy(handle):
        output = run()
    prefix = model.geometry.num_prefix_tokens
    return output, tuple(
        recorder.layer(pruned.of_layer(layer), prefix)
        for layer, recorder in enumerate(recorders, first)
    )


def running_without(model: VisionModel, pruned: PruneSet) -> AbstractContextManager[None]:
    """While active, the model runs without these heads."""
    attentions = [site.attention for site in model.sites]
    return without(attentions, model.geometry.num_prefix_tokens, pruned)


def project(model: VisionModel, traced: Trace, layer: int, head_output: Tensor) -> Tensor:
    """Apply what follows A·V in the attention module: norm, gate, projection, bias.

    Parameters
    ----------
    head_output
        ``(B, H, T, D)`` in place of the traced A·V.

    Returns
    -------
    z, ``(B, T, C)``.
    """
    record = traced.layers[layer]
    with AttentionSpy(lambda _call, _proceed: head_output):
        returned = model.sites[layer].attention.forward(
            record.attention_input, *record.attention_args, **record.attention_kwargs
        )
    output, *_ = _parts(returned)
    assert isinstance(output, Tensor)
    return output
