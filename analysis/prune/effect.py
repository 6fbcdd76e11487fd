"""What one prune set does to the predictions of a store's images."""

from collections.abc import Callable

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.predicting import Predictor
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
    predictor = Predictor(stored.model, stored.batch)
    stored.demand_same_prediction(0, predictor.predict([0]).probability[0])
    running = RunningEffect(
        store.read("probability"), stored.labels, stored.model.kind.is_multilabel
    )
    images = range(store.sizes["image"])
    for batch in predictor.stream(images, pruned):
        running.add(batch.images, batch.probability)
        advance((int(batch.images[-1]) + 1) / len(images))
    return running.effect
