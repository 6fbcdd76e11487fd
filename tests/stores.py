"""Small stores with known content, written by the real writer."""

from pathlib import Path

import numpy as np

from headbrush.analysis.store.attention_file import AttentionWriter
from headbrush.analysis.store.schema import METRICS, PARTS, SCHEMA_VERSION
from headbrush.analysis.store.store import write_summary


def attributes(**changed: object) -> dict[str, object]:
    """Global attributes of a valid store of a 4×4 grid with a class token."""
    return {
        "headbrush_version": "0",
        "schema_version": SCHEMA_VERSION,
        "model": "random",
        "checkpoint_sha256": "",
        "images": "nowhere",
        "num_prefix_tokens": 1,
        "grid_height": 4,
        "grid_width": 4,
        "has_class_token": 1,
        "label_source": "folder",
        "seed": 0,
        "accuracy_images": 24,
        "created": "2026-01-01T00:00:00+00:00",
        "command": "tests",
    } | changed


def values(
    images: int = 24, layers: int = 3, heads: int = 2, hops: int = 4, classes: int = 3
) -> dict[str, np.ndarray]:
    """Random values, of the right shapes and ranges, for every variable of the summary."""
    rng = np.random.default_rng(0)
    head = (images, layers, heads)
    probability = rng.dirichlet(np.ones(classes), images).astype("f4")
    return {
        "name": np.array([f"class-{i % classes}/{i:03}.png" for i in range(images)], object),
        "label": (np.arange(images) % classes).astype("i4"),
        "class_name": np.array([f"class-{i}" for i in range(classes)], object),
        "class_accuracy": rng.uniform(0, 1, classes).astype("f4"),
        "metric": np.array(METRICS, object),
        "probability": probability,
        "importance": rng.uniform(0, 0.5, (len(METRICS), *head)).astype("f4"),
        "strength": rng.uniform(0, 0.2, (*head, hops)).astype("f4"),
        "strength_entropy": rng.uniform(0, 1, head).astype("f4"),
        "attention_distance": rng.uniform(0, 3, head).astype("f4"),
        "image_embedding": rng.normal(size=(images, 2)).astype("f4"),
        "cls_embedding": rng.normal(size=(*head, 2)).astype("f4"),
        "patch_embedding": rng.normal(size=(*head, 2)).astype("f4"),
        "patch_latent": rng.normal(size=(*head, 8)).astype("f4"),
        "thumbnail": rng.integers(0, 256, (images, 28, 28, 3), np.uint8),
    }


def attention(images: int, layers: int, heads: int, tokens: int, seed: int = 1) -> np.ndarray:
    """Random attention ``(images, layers, heads, tokens, tokens)``; every row sums to 1."""
    rng = np.random.default_rng(seed)
    raw = rng.exponential(size=(images, layers, heads, tokens, tokens))
    return (raw / raw.sum(-1, keepdims=True)).astype("f4")


def make_store(path: Path, images: int = 24, kept: int = 6, seed: int = 1, **sizes: int) -> Path:
    """A finished store at ``path`` on a 4×4 grid; every fourth image keeps its attention."""
    content = values(images, **sizes)
    layers, heads = content["strength_entropy"].shape[1:]
    (path / "attention").mkdir(parents=True)
    indices = list(range(0, images, max(1, images // kept)))[:kept]
    matrices = attention(len(indices), layers, heads, 17, seed)
    with AttentionWriter(path / "attention" / "00000.nc", indices, (layers, heads, 17)) as writer:
        for image, matrix in zip(indices, matrices, strict=True):
            for layer in range(layers):
                writer.write(image, layer, matrix[layer])
    write_summary(path, content, attributes())
    return path


def make_speaking_store(path: Path, **changed: object) -> Path:
    """As :func:`make_store`, with what heads say for classes; of image 9 that is not known."""
    make_store(path)
    content = values()
    probable = np.argsort(-content["probability"], 1, kind="stable")
    direct = np.random.default_rng(4).normal(size=(24, 3, 2, 4)).astype("f4")
    direct[9] = np.nan
    more = {
        "direct": direct,
        "direct_class": np.column_stack([content["label"], probable]).astype("i4"),
    }
    write_summary(path, content | more, attributes(**changed))
    return path


PATTERN_LABELS = ["row above", "2 rows above", "self", "even"]
PATTERN_FAMILIES = ["rows above", "rows above", "self", "even"]


def make_named_store(
    path: Path,
    number: object,
    fit: object = 6000,
    rows: object = 9000,
    bits: object = 0,
    second: object = -1,
) -> Path:
    """As :func:`make_store`, with names ``(24, 3, 2)`` of patterns, places in PATTERN_LABELS.

    ``second`` ``(3, 2)`` are second names of heads, ``bits`` names about the class token; ``fit``
    and ``rows`` are in ten-thousandths.
    """
    make_store(path)
    names = _names(number, fit, rows, bits, second)
    write_summary(path, values() | names, attributes())
    return path


def _names(
    number: object, fit: object = 6000, rows: object = 9000, bits: object = 0, second: object = -1
) -> dict[str, np.ndarray]:
    shape = (24, 3, 2)
    return {
        "pattern_label": np.array(PATTERN_LABELS, object),
        "pattern_family": np.array(PATTERN_FAMILIES, object),
        "pattern_name": np.broadcast_to(np.asarray(number, "i1"), shape),
        "pattern_second": np.broadcast_to(np.asarray(second, "i1"), shape[1:]),
        "pattern_fit": np.broadcast_to(np.asarray(fit, "i2"), shape),
        "pattern_rows": np.broadcast_to(np.asarray(rows, "i2"), shape),
        "class_token_label": np.array(["CLS to CLS", "patches to CLS"], object),
        "class_token_names": np.broadcast_to(np.asarray(bits, "u1"), shape),
        "offset_kernel": np.full((3, 2, 7, 7), 1 / 16),
    }


BITS = np.array(
    [
        [[3.0, 1.0], [0.2, 0.1], [2.0, -0.1]],
        [[0.1, 0.5], [0.1, 0.1], [0.4, 0.3]],
        [[0.2, 1.5], [0.1, 0.1], [0.5, 0.2]],
        [[0.7, 1.0], [3.6, 3.7], [1.1, 3.6]],
    ]
)
"""Of the heads of :func:`make_store`, ``(part, 3, 2)``; the sum is log2 of 16 patches."""


def bits_values(bits: np.ndarray = BITS) -> dict[str, np.ndarray]:
    """Variables about bits for the heads and the 24 images of :func:`make_store`."""
    rng = np.random.default_rng(3)
    return {
        "part": np.array(PARTS, object),
        "bits": bits,
        "moved": np.arange(6).reshape(3, 2) / 10,
        "surprise": rng.gamma(2, size=(24, 3, 2)),
        "anomaly": rng.normal(size=24),
    }


def make_bits_store(path: Path, bits: np.ndarray = BITS) -> Path:
    """As :func:`make_named_store` without names, with the bits that decide where heads look."""
    make_store(path)
    write_summary(path, values() | _names(-1) | bits_values(bits), attributes())
    return path
