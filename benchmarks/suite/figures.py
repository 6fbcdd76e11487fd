"""A file of figures: what it holds, and how it is read and summed up.

``machine`` (processor, cores, memory, system, load at the start), ``versions`` (name to version),
``when`` (ISO 8601), ``benchmarks`` (each with ``seconds`` and ``failed``), and ``figures``: each
with ``benchmark``, ``what``, ``who``, ``unit``, ``is_more_better``, ``times``, ``median``, ``p95``
and ``spread``, the half width of the median's interval as a share of the median.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from headbrush.analysis.store.errors import InputError

OURS = "headbrush"
_PARTS = ("machine", "versions", "when", "benchmarks", "figures")
_OF_ONE = 0.1
"""Spread that is taken of what was measured once."""


def summed_up(benchmark: str, notes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Figures of what a benchmark noted; notes of the same figure are one figure."""
    together: dict[tuple[str, str], dict[str, Any]] = {}
    for note in notes:
        kept = together.setdefault((note["what"], note["who"]), {**note, "values": []})
        kept["values"] += note["values"]
    return [_figure(benchmark, note) for note in together.values() if note["values"]]


def _figure(benchmark: str, note: dict[str, Any]) -> dict[str, Any]:
    values = np.sort(np.array(note.pop("values"), float))
    return {
        "benchmark": benchmark,
        **note,
        "times": len(values),
        "median": float(np.median(values)),
        "p95": float(np.quantile(values, 0.05 if note["is_more_better"] else 0.95)),
        "spread": spread(values),
    }


def spread(values: np.ndarray) -> float:
    """Half width of the median's 95 % interval, as a share of the median.

    From order statistics, which assume no distribution; of fewer than six values their whole range,
    of one value a tenth.
    """
    middle = abs(float(np.median(values)))
    if len(values) == 1 or middle == 0:
        return _OF_ONE
    ordered = np.sort(values)
    low = int(binom.ppf(0.025, len(ordered), 0.5))
    first = max(0, low - 1)
    return float(ordered[-1 - first] - ordered[first]) / 2 / middle


def read_figures(path: Path) -> dict[str, Any]:
    """What a file of figures holds.

    Raises
    ------
    InputError
        If it cannot be read, or is no such file.
    """
    wanted = "Expected a file that `make bench` wrote."
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). {wanted}") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON. {wanted}") from error
    missing = [part for part in _PARTS if not isinstance(found, dict) or part not in found]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}. {wanted}")
    return found


def by_name(figures: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Figures by benchmark, what was measured and whose it is."""
    return {(one["benchmark"], one["what"], one["who"]): one for one in figures}


def peers_of(figure: Mapping[str, Any], every: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What peers took for the same."""
    return [
        one
        for one in every
        if one["who"] != OURS
        and (one["benchmark"], one["what"]) == (figure["benchmark"], figure["what"])
    ]


def shown(value: float) -> str:
    """Three digits that matter, thousands apart: ``0.031``, ``7.5``, ``1 824``."""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 6)}f}".replace(",", " ")
