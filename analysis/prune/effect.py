"""What one prune set does to the predictions of a store's images."""

from collections.abc import Callable
from contextlib import closing

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.vision_model import spare_threads
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.side_by_side import SideBySide
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.prune.summary import PruneEffect, RunningEffect
from headbrush.analysis.store.store import Store


def effect_of(
    store: Store, pruned: PruneSet, advance: Callable[[float], None] = lambda _share: None
) -> PruneEffect:
    """Predict all images of a store without some heads, or parts of heads.

    Parameters
    ----------
    advance
        Called with the share of the images that are done.

    Raises
    ------
    InputError
        If the model has no such head.
    LiveError
        If model or images are not available, or the model has no classifier.
    """
    pruned.demand_within(store.sizes["layer"], store.sizes["head"])
    demand_source(stored_source(store))
    stored = load_stored(store)
    if not stored.model.num_classes:
        raise LiveError("The model has no classifier, so it makes no predictions.")
    running = RunningEffect(
        store.read("probability"), stored.labels, stored.model.kind.is_multilabel
    )
    images = range(store.sizes["image"])
    with (
        spare_threads(stored.model.module, stored.model.device),
        closing(SideBySide(stored.model, stored.batch)) as predictor,
    ):
        stored.demand_same_prediction(0, predictor.predict([0]).probability[0])
        for batch in predictor.stream(images, pruned):
            running.add(batch.images, batch.probability)
            advance((int(batch.images[-1]) + 1) / len(images))
    return running.effect
