"""Examine a store: every value of the summary, then every matrix, then what lies beside them.

Memory is bounded by the largest variable and one matrix. A file that HDF5 reads for ever, or that
ends the process, is the caller's to handle: see ``guarded.py``.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headbrush.analysis.doctor.attention import examine_attention
from headbrush.analysis.doctor.findings import Finding, NoStore, Progress, Said
from headbrush.analysis.store.checksums import ATTENTION_CHECKSUM
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.studies.all_studies import all_studies
from headbrush.analysis.store.facts.studies.files import STUDIES
from headbrush.analysis.store.schema import VARIABLES
from headbrush.analysis.store.store import Store, attention_files

_ROUNDING = 1e-3
_OWN = {"summary.nc", "attention", "skipped.csv", STUDIES}
_UNFINISHED = {"parts", "parts-removed"}


def examine(path: Path) -> Iterator[Said]:
    """Findings about the store ``path``, and progress between them."""
    has_traces = any((path / name).exists() for name in (*_OWN, *_UNFINISHED))
    if not has_traces:
        what = "not a headbrush store" if path.exists() else "no such store"
        yield NoStore(f"{path}: {what}.")
        return
    try:
        store = Store(path)
    except StoreError as error:
        yield Finding(str(error))
        return
    yield from _examine_summary(store)
    yield from examine_attention(store)
    yield from _examine_folder(store)
    yield from _examine_studies(store)
    yield from _examine_sources(store)


def _examine_summary(store: Store) -> Iterator[Said]:
    names = [name for name in VARIABLES if store.has(name)]
    for number, name in enumerate(names):
        yield Progress("summary.nc", number / len(names))
        try:
            values = Store(store.path).read(name)  # a new one, so that no other is kept in memory
        except StoreError as error:
            yield Finding(str(error))
            continue
        yield from _examine_values(store.path, name, values)
    hops = max(store.pattern_grid)
    if store.sizes["hop"] != hops:
        yield Finding(f"{store.path}: {store.sizes['hop']} hops, expected {hops} for this grid.")
    if not store.has(ATTENTION_CHECKSUM):
        yield Finding(
            f"{store.path}: made by an older headbrush, without checksums; values that were "
            "changed cannot be told from others.",
            is_damage=False,
        )


def _examine_values(path: Path, name: str, values: np.ndarray) -> Iterator[Finding]:
    limits = VARIABLES[name].valid_range
    if limits is not None and values.size:
        low, high = float(np.fmin.reduce(values.ravel())), float(np.fmax.reduce(values.ravel()))
        if low < limits[0] - _ROUNDING or high > limits[1] + _ROUNDING:
            yield Finding(
                f"{path}: {name} is from {low:g} to {high:g}, expected {limits[0]:g} to "
                f"{limits[1]:g}; run 'headbrush analyze' again."
            )
    if name == "name":
        texts = values.tolist()
        twice = len(texts) - len(set(texts))
        if twice:
            which = "1 image name is" if twice == 1 else f"{twice} image names are"
            yield Finding(f"{path}: {which} there twice; run 'headbrush analyze' again.")


def _examine_folder(store: Store) -> Iterator[Finding]:
    attention = {file.name for file in attention_files(store.path)}
    beside = [file for file in store.path.iterdir() if file.name not in _OWN]
    if (store.path / "attention").is_dir():
        beside += [f for f in (store.path / "attention").iterdir() if f.name not in attention]
    for file in sorted(beside)[:20]:
        yield Finding(f"{file}: no part of the store; it can be deleted.", is_damage=False)
    skipped = store.attrs.get("skipped_images", 0)
    if skipped and not (store.path / "skipped.csv").is_file():
        yield Finding(
            f"{store.path}: skipped.csv is missing, which named {skipped} skipped images.",
            is_damage=False,
        )


def _examine_studies(store: Store) -> Iterator[Finding]:
    known = set()
    for path, study in all_studies(store):
        known.add(path.name)
        if isinstance(study, StoreError):
            yield Finding(str(study))
    folder = store.path / STUDIES
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        if path.name not in known and not (path / "parts").is_dir():  # of one being made
            yield Finding(f"{path}: no part of the store; it can be deleted.", is_damage=False)


def _examine_sources(store: Store) -> Iterator[Finding]:
    """Whether the images and the weights are still there, which only the live model needs."""
    places = [str(store.attrs["images"])]
    try:
        source = json.loads(store.attrs.get("model_source", "{}"))
    except (ValueError, RecursionError):
        yield Finding(f"{store.path}: model_source is not JSON, so there is no live model.")
        return
    if isinstance(source, dict):
        name = str(source.get("name"))
        places += [name.removeprefix("local-dir:")] if name.startswith("local-dir:") else []
        places += [str(source["checkpoint"])] if source.get("checkpoint") else []
    for place in places:
        if Path(place).is_absolute() and not _exists(Path(place)):
            yield Finding(
                f"{store.path}: {place} is not on this machine; pages work, the live model does "
                "not.",
                is_damage=False,
            )


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True
