"""Hold what is not linear in the tokens as it was on one image, so that the rest is affine.

Held are the scale of every layer norm and RMS norm, the attention weights outside the layers (of
pooling by attention), and the outputs of chosen modules (MLPs).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from timm.layers.norm import RmsNorm
from torch import Tensor, nn

from headbrush.analysis.model.modules.attention_calls import AttentionCall, AttentionSpy
from headbrush.analysis.model.tracing import forwards

NORMS = (nn.LayerNorm, nn.RMSNorm, RmsNorm)
"""Norms over the last dimension, whose scale can be held."""


@dataclass
class Frozen:
    """What one pass through some modules held, for passes that repeat it with other tokens.

    Attributes
    ----------
    norms
        Norms whose scale is held.
    held
        Modules whose output is held.
    outputs
        What each of these put out, in the order in which they were called.
    """

    norms: tuple[nn.Module, ...]
    held: tuple[nn.Module, ...]
    outputs: dict[nn.Module, Tensor] = field(default_factory=dict)
    _scales: dict[nn.Module, Tensor] = field(default_factory=dict)
    _weights: list[Tensor] = field(default_factory=list)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """While active, modules compute as they are, and what is to be held is kept."""
        norms = {norm: self._measured(norm) for norm in self.norms}
        held = {module: self._kept(module) for module in self.held}

        def handle(call: AttentionCall, proceed: Callable[[], Tensor]) -> Tensor:
            self._weights.append(call.weights())
            return proceed()

        with forwards(norms | held), AttentionSpy(handle):
            yield

    @contextmanager
    def repeating(self, outputs: dict[nn.Module, Tensor], times: float = 1) -> Iterator[None]:
        """While active, all that was held is used; ``outputs`` are those of the held modules.

        Scales of norms are ``times`` what they were.
        """
        weights = iter(self._weights)
        norms = {norm: self._affine(norm, times) for norm in self.norms}
        held = {
            module: lambda *_args, output=output, **_kwargs: output
            for module, output in outputs.items()
        }
        with (
            forwards(norms | held),
            AttentionSpy(lambda call, _proceed: next(weights) @ call.value),
        ):
            yield

    def _measured(self, norm: nn.Module) -> Callable[[Tensor], Tensor]:
        forward = norm.forward

        def measured(tokens: Tensor) -> Tensor:
            self._scales[norm] = _scale(norm, tokens)
            return forward(tokens)

        return measured

    def _kept(self, module: nn.Module) -> Callable[..., Tensor]:
        forward = module.forward

        def kept(*args: object, **kwargs: object) -> Tensor:
            self.outputs[module] = forward(*args, **kwargs)
            return self.outputs[module]

        return kept

    def _affine(self, norm: nn.Module, times: float) -> Callable[[Tensor], Tensor]:
        def affine(tokens: Tensor) -> Tensor:
            if isinstance(norm, nn.LayerNorm):
                tokens = tokens - tokens.mean(-1, keepdim=True)
            tokens = tokens * (self._scales[norm] * times)
            weight, bias = (getattr(norm, name, None) for name in ("weight", "bias"))
            tokens = tokens * weight if isinstance(weight, Tensor) else tokens
            return tokens + bias if isinstance(bias, Tensor) else tokens

        return affine


def _scale(norm: nn.Module, tokens: Tensor) -> Tensor:
    """What a norm multiplies tokens by, ``(…, 1)``."""
    if isinstance(norm, nn.LayerNorm):
        tokens = tokens - tokens.mean(-1, keepdim=True)
    eps = getattr(norm, "eps", None)
    eps = torch.finfo(tokens.dtype).eps if eps is None else eps
    return (tokens.square().mean(-1, keepdim=True) + eps).rsqrt()


def norms_in(module: nn.Module) -> tuple[nn.Module, ...]:
    """The norms inside a module whose scale can be held."""
    return tuple(part for part in module.modules() if isinstance(part, NORMS))


def pullback(output: Tensor, inputs: Iterable[Tensor], vectors: Tensor) -> list[Tensor]:
    """Derivative of ⟨vector, output⟩ by each input, for every vector.

    Parameters
    ----------
    vectors
        ``(K, *output.shape)``.

    Returns
    -------
    One ``(K, *input.shape)`` for each input, zero where the output does not depend on it.
    """
    given = list(inputs)
    found = [
        torch.autograd.grad(output, given, vector, retain_graph=True, materialize_grads=True)
        for vector in vectors
    ]
    return [torch.stack(one) for one in zip(*found, strict=True)]
