"""Two random pictures go through a model: what enters the ViT, and what comes out."""

from typing import Any

import torch
from torch import Tensor, nn

from headbrush.analysis.model.modules.outputs import LastStep, are_features, scores
from headbrush.analysis.store.errors import ModelError

_SAME = 1e-4
"""Largest relative deviation of numbers that are equal but for rounding."""
_SMALL = 0.1
"""Outputs below are compared as if they were this large: they may be differences of features."""


class Trial:
    """What a model does with two random pictures of the size that it takes.

    Attributes
    ----------
    images
        ``(2, C, H, W)``.
    output
        ``(2, …)``.
    last
        The activation that made the output, if one did.
    features
        Whether the model itself names its output features.
    notes
        What the user should know.

    Raises
    ------
    ModelError
        If the model fails on them, or gives random or infinite numbers.
    """

    def __init__(
        self,
        module: nn.Module,
        vit: nn.Module,
        size: tuple[int, int, int],
        place: torch.device,
        name: str,
    ) -> None:
        self._module, self._name = module, name
        self._entered: list[Tensor] = []
        self.notes: list[str] = []
        self.features = False
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(2, *size, generator=generator).to(place)
        hook = vit.register_forward_pre_hook(self._enter, with_kwargs=True)
        try:
            self.output, self.last = self._run()
        finally:
            hook.remove()
        self._demand_numbers()

    def own_normalisation(self) -> dict[str, tuple[float, ...]]:
        """``mean`` and ``std`` for pictures whose wrapper normalises them; else empty.

        Raises
        ------
        ModelError
            If a wrapper changes pictures in another way, so that none of ours would fit.
        """
        entered = self._entered[0] if self._entered else self.images
        if entered.shape == self.images.shape and torch.equal(entered, self.images):
            return {}
        channels = self.images.shape[1]
        scales, shifts = self._affine(entered)
        if scales is None or shifts is None or not bool(((-shifts / scales).abs() <= 1).all()):
            raise ModelError(
                f"{self._name}: it changes pictures before its vision transformer sees them, so "
                "headbrush cannot know what it takes; give transform=, PIL image -> tensor."
            )
        self.notes.append("it normalizes pictures itself, so it is given values from 0 to 1")
        return {"mean": (0.0,) * channels, "std": (1.0,) * channels}

    def _affine(self, entered: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """``(C,)`` scale and shift by which each channel enters the ViT, if that is all."""
        if entered.shape != self.images.shape:
            return None, None
        before, after = (one.transpose(0, 1).flatten(1).double() for one in (self.images, entered))
        mean = before.mean(1, keepdim=True)
        slopes = ((before - mean) * after).sum(1) / (before - mean).square().sum(1)  # (C,)
        shifts = after.mean(1) - slopes * mean[:, 0]
        rest = after - slopes[:, None] * before - shifts[:, None]
        fits = rest.abs().max() <= _SAME * after.abs().max() and bool((slopes > 0).all())
        return (slopes, shifts) if fits else (None, None)

    def _enter(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)]
        self._entered += [one.detach() for one in tensors[:1]]

    @torch.no_grad()
    def _run(self, count: int = 2) -> tuple[Tensor, str]:
        try:
            with LastStep() as step:
                output = self._module(self.images[:count])
        except Exception as error:  # whatever a model's own code raises
            size = " × ".join(map(str, self.images.shape[1:]))
            words = " ".join(str(error).split())[:200]
            raise ModelError(
                f"{self._name}: its forward pass fails on pictures of {size} "
                f"({type(error).__name__}: {words})."
            ) from error
        self.features = are_features(output)
        found = scores(output, self._name)
        if len(found) != count:
            raise ModelError(
                f"{self._name}: {count} pictures give an output of shape {tuple(found.shape)}; "
                "expected a row of scores an image."
            )
        return found, step.of(found)

    def _demand_numbers(self) -> None:
        if not self.output.isfinite().all():
            raise ModelError(f"{self._name}: {self._why_not_finite()}")
        largest = _SAME * self.output.abs().max().clamp(min=_SMALL)
        again, _ = self._run()
        if (again - self.output).abs().max() > largest:
            raise ModelError(
                f"{self._name}: the same picture gives different outputs, although it is in "
                "evaluation mode; switch its own randomness off (dropout, noise, sampling)."
            )
        alone, _ = self._run(1)
        if alone.shape[1:] != self.output.shape[1:] or (alone - again[:1]).abs().max() > largest:
            raise ModelError(
                f"{self._name}: a picture gives another output alone than beside another one, so "
                "no head has an effect on one picture; give the model before dynamic quantization, "
                "and without what it computes over the batch."
            )

    def _why_not_finite(self) -> str:
        weights = [*self._module.named_parameters(), *self._module.named_buffers()]
        broken = [key for key, weight in weights if not weight.isfinite().all()]
        if broken:
            return (
                f"{len(broken)} of its {len(weights)} weights hold NaN or infinity (first: "
                f"{broken[0]}), so it computes nothing; its training diverged or its file is "
                "damaged. Give an earlier checkpoint."
            )
        return "its outputs are NaN or infinite, although its weights are finite."
