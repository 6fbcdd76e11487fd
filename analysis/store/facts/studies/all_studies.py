"""All studies of a store, of whatever kind."""

from collections.abc import Iterator
from pathlib import Path

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.studies.compensation import compensations_of
from headbrush.analysis.store.facts.studies.curve import Curve, curves_of
from headbrush.analysis.store.facts.studies.files import Study
from headbrush.analysis.store.facts.studies.interactions import MeanInteractions, interactions_of
from headbrush.analysis.store.store import Store

_TITLES = {
    "curve": "pruning curve",
    "compensation": "compensation",
    "interactions": "interactions",
}


def all_studies(store: Store) -> Iterator[tuple[Path, Study | StoreError]]:
    """Every study of a store and its file; instead of a study that cannot be used, why."""
    yield from curves_of(store)
    yield from compensations_of(store)
    yield from interactions_of(store)


def study_facts(store: Store) -> list[tuple[str, object]]:
    """Rows about the studies of a store, for ``headbrush info``."""
    rows: list[tuple[str, object]] = []
    for path, study in all_studies(store):
        words = str(study)
        if isinstance(study, Study):
            words = f"{path.name}, {study.images} images"
        if isinstance(study, Curve):
            words += f": {', '.join(study.orders)}"
        if isinstance(study, MeanInteractions):
            words += f": {len(study.pairs)} pairs"
        rows.append((_TITLES[path.name.split("-")[0]], words))
    return rows
