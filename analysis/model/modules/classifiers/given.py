"""A linear classifier on what a model puts out, which is not the model's own."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headbrush.analysis.model.modules.outputs import scores

PROBE, TEXTS = "probe", "texts"
"""Kinds of classifiers that are given: fitted to labelled images, or embeddings of texts."""
_EPS = 1e-24
"""Below the mean square of a feature: an epsilon of 1e-12 beside its norm, as usual."""


@dataclass(frozen=True, eq=False)
class GivenClassifier:
    """Logits that are linear in a model's output, after it is brought to norm 1 for texts.

    Attributes
    ----------
    kind
        ``probe``, or ``texts``, whose logits are scale × cosine + bias.
    weight, bias
        ``(K, d)`` and ``(K,)`` float32 for outputs of width d; of texts, scale × embedding.
    activation
        ``softmax``, or ``sigmoid`` of each class by itself.
    names
        Of the K classes.
    words
        How it came about, for people: a clause.
    left_out
        ``(m,)`` int32 of a probe, the class of each image by a probe that was fitted without it;
        -1 of an image without label. None where not known.
    """

    kind: str
    weight: np.ndarray
    bias: np.ndarray
    activation: str
    names: tuple[str, ...]
    words: str
    left_out: np.ndarray | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GivenClassifier) and self._decisive == other._decisive

    def __hash__(self) -> int:
        return hash(self._decisive)

    @property
    def fingerprint(self) -> str:
        """What decides its outputs but for rounding: a probe's is its images, of texts a hash."""
        if self.kind == PROBE:
            return PROBE
        return f"{TEXTS} {hashlib.sha256(self.weight.tobytes() + self.bias.tobytes()).hexdigest()}"

    @property
    def _decisive(self) -> tuple[str, str, bytes, bytes]:
        return self.kind, self.activation, self.weight.tobytes(), self.bias.tobytes()


class Classified(nn.Module):
    """A model with a given classifier on its outputs ``(B, d)``: logits ``(B, K)``.

    It has the ``norm`` and ``forward_head`` of a timm model, so that it can be resumed as quickly.
    """

    def __init__(self, body: nn.Module, given: GivenClassifier) -> None:
        super().__init__()
        self.body = body
        count, width = given.weight.shape
        linear = nn.Linear(width, count)
        weight = torch.from_numpy(given.weight.astype(np.float32))
        if given.kind == TEXTS:  # f/‖f‖ is the RMS norm of f over √d
            cosine = nn.RMSNorm(width, eps=_EPS, elementwise_affine=False)
            weight, parts = weight / width**0.5, [cosine, linear]
        else:
            parts = [linear]
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(torch.from_numpy(given.bias.astype(np.float32)))
        self.classifier = nn.Sequential(*parts)

    @property
    def norm(self) -> nn.Module:
        """The body's."""
        return self.body.norm  # pyright: ignore[reportReturnType] (a timm model's)

    @property
    def global_pool(self) -> object:
        """The body's."""
        return self.body.global_pool

    @property
    def attn_pool(self) -> object:
        """The body's."""
        return self.body.attn_pool

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Logits of images."""
        return self.classifier(scores(self.body(*args, **kwargs), type(self.body).__name__))

    def forward_head(self, x: Tensor) -> Tensor:
        """Pool the tokens and classify them."""
        return self.classifier(self.body.forward_head(x))  # pyright: ignore[reportCallIssue]
