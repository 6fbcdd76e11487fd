"""What the process of the models answers about one prediction; runs in that process only."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from headbrush.server.stores.model.errors import LiveError

if TYPE_CHECKING:
    from headbrush.analysis.explain.ablation import Ablation
    from headbrush.analysis.model.tracing import Trace
    from headbrush.analysis.model.vision_model import VisionModel

_ABOUT_S = 1.0
"""Seconds of an answer that could be shorter or longer."""
Arrays = Mapping[str, np.ndarray]


class Explaining:
    """Explains images of one store, step by step, so that a page sees each map when it is there.

    Parameters
    ----------
    model
        Loads the model, if it is not loaded.
    traced
        The trace of an image.
    """

    def __init__(
        self, model: "Callable[[], VisionModel]", traced: "Callable[[int], Trace]"
    ) -> None:
        self._model, self._traced = model, traced
        self._refining: tuple[tuple[int, int, str], Iterator[Ablation], int] | None = None
        self.answers: dict[str, Callable[..., Arrays]] = {
            "sources": self._sources, "patch_map": self._patch_map, "ablation": self._ablation,
            "faithfulness": self._faithfulness, "total_effects": self._total_effects,
        }  # fmt: skip

    def forget(self) -> None:
        """Let go of the model."""
        self._refining = None

    def _sources(self, image: int, which: int) -> Arrays:
        """The arrays of :class:`~headbrush.analysis.explain.words.Sources`."""
        model, traced = self._ready(image)
        from headbrush.analysis.explain.explaining import sources_of_heads

        return vars(sources_of_heads(model, traced, which))

    def _patch_map(self, image: int, which: int, kind: str, heads: Sequence[bool]) -> Arrays:
        """``(P,)``; ``heads`` are those of the rollout, head after head, none for all."""
        model, traced = self._ready(image)
        from headbrush.analysis.explain.explaining import map_of_model

        shape = len(traced.layers), model.geometry.num_heads
        chosen = np.array(heads, bool).reshape(shape) if heads else None
        return {"map": map_of_model(model, traced, which, kind, chosen)}

    def _ablation(self, image: int, which: int, step: int, tile: str) -> Arrays:
        """``(P,)`` what the logit loses without each patch, after so many refinements."""
        model, traced = self._ready(image)
        from headbrush.analysis.explain.ablation import patch_ablation

        known, wanted = self._refining, (image, which, tile)
        if known is None or known[0] != wanted or known[2] > step:
            side = None if tile == "auto" else int(tile)
            known = wanted, patch_ablation(model, traced.images, which, side), 0
        key, finer, at = known
        for found in finer:
            at += 1
            if at > step:
                self._refining = key, finer, at
                return {"effect": found.effect.ravel(), "is_done": np.array(found.is_done)}
        raise LiveError("There is no finer map.")

    def _faithfulness(self, image: int, which: int, orders: Sequence[Sequence[int]]) -> Arrays:
        """Mean probabilities as patches go and come, ``(2, k)`` of the first k orders.

        At least of one, and of as many as take about a second.
        """
        model, traced = self._ready(image)
        from headbrush.analysis.explain.faithfulness import means_of_orders

        given, began = [np.array(order) for order in orders], time.monotonic()
        means = [means_of_orders(model, traced.images, which, given[:1])]
        seconds = time.monotonic() - began
        more = given[1 : int(_ABOUT_S / seconds)]
        if more:
            means.append(means_of_orders(model, traced.images, which, more))
        return {"means": np.concatenate(means, 1)}

    def _total_effects(self, image: int, which: int) -> Arrays:
        """``(L, H)``: how far the logit falls without each head."""
        model, traced = self._ready(image)
        from headbrush.analysis.explain.explaining import total_effects

        return {"effect": total_effects(model, traced, which).cpu().numpy()}

    def _ready(self, image: int) -> "tuple[VisionModel, Trace]":
        """Model and trace, of a model that puts out logits.

        Raises
        ------
        LiveError
            If it does not; says why.
        """
        model = self._model()
        from headbrush.analysis.explain.direct import demand_logits
        from headbrush.analysis.explain.refusal import InexactError

        try:
            demand_logits(model)
        except InexactError as refusal:
            raise LiveError(f"This prediction cannot be explained: {refusal}.") from refusal
        return model, self._traced(image)
