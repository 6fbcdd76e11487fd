"""The facts of a store, and its heads, as JSON for other programs."""

import json
import math
from typing import Any

import numpy as np

from headbrush.analysis.store.facts.head_bits import head_bits
from headbrush.analysis.store.facts.head_table import mean_importance, names_of
from headbrush.analysis.store.facts.studies.all_studies import all_studies
from headbrush.analysis.store.facts.studies.files import Study
from headbrush.analysis.store.store import Store

_JSON_TEXTS = ("model_source", "reading")
"""Attributes that hold JSON."""


def store_json(store: Store, size: int) -> str:
    """Its path, ``size`` in bytes, dimensions, studies and attributes."""
    attributes = {name: _parsed(name, value) for name, value in store.attrs.items()}
    return _written(
        {
            "path": str(store.path),
            "bytes": size,
            "sizes": dict(store.sizes),
            "pending": sorted(store.pending),
            "studies": [
                path.name for path, study in all_studies(store) if isinstance(study, Study)
            ],
            "attributes": attributes,
        }
    )


def heads_json(store: Store) -> str:
    """A list with one object for each head.

    Raises
    ------
    StoreError
        If the store has no names, as those of version 0.1.
    """
    names = names_of(store)
    metric, importance = mean_importance(store)
    bits = head_bits(store)
    per_layer = store.sizes["head"]
    heads = []
    for number, (name, value) in enumerate(zip(names, importance, strict=True)):
        head: dict[str, Any] = {
            "layer": number // per_layer,
            "head": number % per_layer,
            "pattern": name.words or None,
            "clear": name.is_clear,
            "fit": name.fit,
            "images": name.confidence,
            "class_token": list(name.class_token),
            metric: value,
        }
        if bits:
            one = bits[number]
            parts = zip(("fixed", "class", "within", "spread"), one.parts, strict=True)
            head |= {"bits": dict(parts), "moves": one.moved, "looks": one.kind}
        heads.append(head)
    return _written(heads)


def _parsed(name: str, value: object) -> object:
    if name not in _JSON_TEXTS:
        return value
    try:
        return json.loads(str(value))
    except (ValueError, RecursionError):  # a stranger's
        return value


def _written(value: object) -> str:
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """The value with what JSON knows; null stands for NaN and infinities."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(one) for one in value]
    plain = value.item() if isinstance(value, np.generic) else value
    is_number = not isinstance(plain, float) or math.isfinite(plain)
    return plain if is_number else None
