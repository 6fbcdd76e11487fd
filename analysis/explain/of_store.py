"""Explain a prediction of a store, with the model and the image of its analysis."""

from collections.abc import Sequence

from headbrush.analysis.explain.explaining import explain
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.explain.words import Explanation
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.store import Store


def explain_stored(
    store: Store, image: int, which: int, kinds: Sequence[str], tile: str = "auto"
) -> Explanation:
    """Explain one image of a store for a class.

    Parameters
    ----------
    kinds
        Of ``MAPS``.
    tile
        Of ``TILES``.

    Raises
    ------
    LiveError
        If model or image are not available, or not those of the analysis, or the model puts out no
        logits.
    """
    demand_source(stored_source(store))
    stored = load_stored(store)
    traced = trace(stored.model, stored.inputs(image))
    stored.demand_same_prediction(image, traced.probability[0].cpu().numpy())
    try:
        return explain(stored.model, traced, which, kinds, tile)
    except InexactError as refusal:
        raise LiveError(f"This prediction cannot be explained: {refusal}.") from refusal
