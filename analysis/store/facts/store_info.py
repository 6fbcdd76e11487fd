"""The facts that ``headbrush info`` prints about a store."""

import numpy as np

from headbrush.analysis.store.checksums import ATTENTION_CHECKSUM
from headbrush.analysis.store.facts.attribute_words import attribute_facts
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.layouts import LAYOUT_NAMES, fidelity_of, layouts_of, share
from headbrush.analysis.store.facts.percent import exact_percent, percent
from headbrush.analysis.store.facts.studies.all_studies import study_facts
from headbrush.analysis.store.schema import NEAREST
from headbrush.analysis.store.store import Store, attention_files


def facts_of(store: Store, size: int) -> list[tuple[str, object]]:
    """Pairs of a heading and its text; ``size`` is in bytes on disk."""
    sizes, attrs = store.sizes, store.attrs
    patterns = sizes["image"] * sizes["layer"] * sizes["head"]
    probability, label = store.read("probability"), store.read("label")
    known = label >= 0
    facts: list[tuple[str, object]] = [
        ("model", attrs["model"]),
        ("heads", f"{sizes['layer']} layers × {sizes['head']} heads{_stage(store)}"),
        ("tokens", f"{store.num_prefix_tokens} prefix + {store.grid[0]}×{store.grid[1]} patches"),
        ("images", f"{sizes['image']} from {attrs['images']}"),
        ("patterns", grouped(patterns)),
        ("attention kept for", _kept(store)),
        ("size on disk", f"{size / 1e6:.0f} MB"),
    ]
    if known.any() and np.isfinite(probability).any():
        is_right = (probability.argmax(1) == label) & np.isfinite(probability).all(1)
        how = ""
        if store.has("probe_left_out"):
            is_right, how = store.read("probe_left_out") == label, ", each left out of the fit"
        accuracy = exact_percent(is_right[known].mean())
        facts.append(("accuracy", f"{accuracy} of {known.sum()} labelled images{how}"))
    facts += _class_facts(store) + _standing_out(store) + _layout_facts(store)
    return facts + study_facts(store) + attribute_facts(attrs)


def stage_words(store: Store) -> str:
    """Which stage a store is of, and its windows; nothing where its model has no stages."""
    if not store.windows:
        return ""
    height, width = store.pattern_grid
    return f"stage {store.attrs['stage']}, windows of {height}×{width}"


def _stage(store: Store) -> str:
    words = stage_words(store)
    return f" of {words}" if words else ""


def _layout_facts(store: Store) -> list[tuple[str, object]]:
    """How faithful each layout is, where the store says so."""
    facts: list[tuple[str, object]] = []
    for layout in layouts_of(store):
        found = fidelity_of(store, layout)
        shares = [
            (found.kept, f"of the {NEAREST} nearest patterns kept"),
            (found.same_head, f"of the {NEAREST} nearest of the same head"),
        ]
        words = [f"{percent(one)} {what}" for one, what in shares if one is not None]
        if words:
            facts.append((f"{LAYOUT_NAMES[layout]} layout", ", ".join(words)))
    kept = share(store, "image_embedding_preservation")
    if kept is not None:
        facts.append(("image layout", f"{percent(kept)} of the {NEAREST} nearest images kept"))
    return facts


def _kept(store: Store) -> str:
    """No file of attention is read: a stranger's may keep HDF5 busy for ever."""
    count = len(attention_files(store.path))
    files = "1 file" if count == 1 else f"{count} files"
    if not store.has(ATTENTION_CHECKSUM):
        return files
    images = int((store.read(ATTENTION_CHECKSUM).max((1, 2)) >= 0).sum())
    return f"{images} images, in {files}"


def _class_facts(store: Store) -> list[tuple[str, object]]:
    """The best and worst predicted classes, at most five of each."""
    if not store.has("class_accuracy"):
        return []
    accuracy = store.read("class_accuracy")
    names = store.read("class_name")
    order = sorted((i for i, a in enumerate(accuracy) if a == a), key=lambda i: -accuracy[i])
    shown = [f"{names[i]} {percent(accuracy[i])}" for i in order]
    if len(shown) < 2:
        return []
    half = min(5, len(shown) // 2)
    counted = store.attrs.get("accuracy_images")
    measured = "" if counted is None else f" (of {counted} images)"
    return [
        ("best classes", ", ".join(shown[:half]) + measured),
        ("worst classes", ", ".join(shown[: -half - 1 : -1]) + measured),
    ]


def _standing_out(store: Store) -> list[tuple[str, object]]:
    """At most five images whose attention is less like that of the others than the mean image's."""
    if not store.has("anomaly"):
        return []
    names = store.read("name")
    far = np.nan_to_num(store.read("anomaly"), nan=-np.inf)
    first = np.argsort(-far, kind="stable")[:5]
    shown = [f"{names[i]} {far[i]:+.1f}" for i in first if 0 < far[i] < np.inf]
    return (
        [("standing out", f"{', '.join(shown)} (a hint, in standard deviations)")] if shown else []
    )
