"""Brushed images, heads or patterns as CSV, with names and metrics. Pure."""

import gzip

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.head_names import head_names, pattern_labels
from headbrush.server.session.brush.clauses import Brush
from headbrush.server.session.brush.name_list import quoted
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData

TABLES = ("images", "heads", "patterns")
MOST_ROWS = 500_000


def to_csv(data: StoreData, brush: Brush, table: str) -> bytes:
    """A gzipped CSV file with a header; all rows where nothing is brushed.

    The metrics of an image or a head are means over its brushed patterns.

    Raises
    ------
    InputError
        If more than ``MOST_ROWS`` rows are brushed.
    """
    import pandas as pd  # a server would start later

    rows = np.flatnonzero({"images": brush.images, "heads": brush.heads}.get(table, brush.patterns))
    if len(rows) > MOST_ROWS:
        raise InputError(
            f"{grouped(len(rows))} rows are brushed, at most {grouped(MOST_ROWS)} are written: "
            "brush fewer."
        )
    columns = {"images": _images, "heads": _heads, "patterns": _patterns}[table](data, brush, rows)
    text = pd.DataFrame(columns).to_csv(index=False, float_format="%.7g", lineterminator="\n")
    return gzip.compress(text.encode(), 5, mtime=0)


def _images(data: StoreData, brush: Brush, rows: np.ndarray) -> dict[str, object]:
    means = {
        name: _mean(values[rows], _chosen(data, brush)[rows], 1)
        for name, values in _measures(data).items()
    }
    hint = {} if data.stands_out is None else {"stands_out": data.stands_out[rows]}
    counted = {"brushed_patterns": brush.image_count[rows]}
    return _about_images(data, rows) | counted | means | hint


def _heads(data: StoreData, brush: Brush, rows: np.ndarray) -> dict[str, object]:
    chosen = _chosen(data, brush)
    means = {
        name: _mean(values[:, rows], chosen[:, rows], 0) for name, values in _measures(data).items()
    }
    counted = {"brushed_patterns": brush.head_count[rows]}
    about = _about_heads(data, rows) | counted | means
    return about | _head_names(data, brush, rows) | _head_bits(data, rows)


def _head_bits(data: StoreData, rows: np.ndarray) -> dict[str, object]:
    """What decides where each head looks, over all images; nothing where the store has no bits."""
    if not data.head_bits:
        return {}
    chosen = [data.head_bits[row] for row in rows]
    columns = ("bits_fixed", "bits_class", "bits_within_class", "bits_spread")
    parts = np.array([one.parts for one in chosen]).reshape(-1, len(columns))
    named: dict[str, object] = dict(zip(columns, parts.T, strict=True))
    return named | {"moved": [one.moved for one in chosen], "looks": [one.kind for one in chosen]}


def _head_names(data: StoreData, brush: Brush, rows: np.ndarray) -> dict[str, object]:
    """What the heads have learned, by the brushed images; nothing where the store has no names."""
    found = head_names(data.store, brush.images)
    if not found:
        return {}
    names = [found[row] for row in rows]
    return {
        "pattern": [quoted(name.words) for name in names],
        "pattern_fit": [name.fit if name.family else np.nan for name in names],
        "pattern_share_of_images": [name.confidence if name.family else np.nan for name in names],
        "class_token": [quoted("; ".join(name.class_token)) for name in names],
    }


def _patterns(data: StoreData, _brush: Brush, rows: np.ndarray) -> dict[str, object]:
    images, heads = np.divmod(rows, data.num_heads)
    values = {name: values[images, heads] for name, values in _measures(data).items()}
    names = pattern_labels(data.store)
    named = {} if names is None else {"pattern": [quoted(name) for name in names[images, heads]]}
    about = _about_images(data, images) | _about_heads(data, heads) | values | named
    if not data.store.has("surprise"):
        return about
    surprise = data.store.read("surprise").reshape(data.num_images, data.num_heads)
    return about | {"surprise": surprise[images, heads]}


def _about_images(data: StoreData, images: np.ndarray) -> dict[str, object]:
    def classes(codes: np.ndarray) -> list[str]:
        return [quoted(data.class_name(int(code))) for code in codes[images]]

    known = data.has_labels
    return {
        "image": images,
        "name": [quoted(data.names[image]) for image in images],
        "true_class": np.where(data.is_labelled[images], classes(data.labels), ""),
        "predicted_class": classes(data.predicted),
        "probability_of_true_class" if known else "probability_of_predicted_class":
            np.where(data.is_labelled | (not known), data.label_probability, np.nan)[images],
        **({"loss": np.where(data.is_labelled, data.loss, np.nan)[images]} if known else {}),
        "correct": np.array(["1", "0", ""])[data.correctness[images]],
    }  # fmt: skip


def _about_heads(data: StoreData, heads: np.ndarray) -> dict[str, object]:
    return {"layer": data.layer_of_head[heads], "head": heads % data.heads_per_layer}


def _measures(data: StoreData) -> dict[str, np.ndarray]:
    """Every metric ``(m, L·H)`` that the store holds, by the name of its column."""
    metrics = {name: data.importance(name) for name in METRIC_NAMES}
    held = {name: values for name, values in metrics.items() if np.isfinite(values).any()}
    distance = data.store.read("attention_distance").reshape(data.num_images, data.num_heads)
    return held | {"strength_entropy": data.entropy, "attention_distance": distance}


def _chosen(data: StoreData, brush: Brush) -> np.ndarray:
    return brush.patterns.reshape(data.num_images, data.num_heads)


def _mean(values: np.ndarray, chosen: np.ndarray, axis: int) -> np.ndarray:
    """Mean over the chosen; NaN, an empty cell, of none."""
    count = chosen.sum(axis)
    total = np.where(chosen, values, 0).sum(axis, dtype=float)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
