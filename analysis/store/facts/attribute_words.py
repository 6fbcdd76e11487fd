"""The attributes of a store, in words for people."""

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.matrices.windows import WINDOW_ATTRIBUTES

Facts = list[tuple[str, object]]
_SAID = frozenset(
    ("model", "images", "Conventions", "grid_height", "grid_width", "num_prefix_tokens",
     "has_class_token", "accuracy_images", "autoencoder_average_precision", "patch_layout_by",
     "created", "headbrush_version", "schema_version", "seed", "classifier", *WINDOW_ATTRIBUTES)
)  # fmt: skip
"""Attributes that other lines have."""
_FIDELITY = re.compile(r"^(offset|patch|cls|image)_embedding_")
_LABELS = {
    "folder": "from the folders of the images",
    "prediction": "none; the predicted class is taken as the true one",
}
_PENDING = {
    "importance": "importance",
    "importance_by_mode": "importance by mode",
    "patch_latent": "autoencoder",
    "image_embedding": "layout of images",
    "offset_embedding": "layout by offset",
    "patch_embedding": "layout of patch patterns",
    "cls_embedding": "layout of CLS patterns",
}
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError)
"""What the text of a stranger can make a reader raise."""


def attribute_facts(attrs: Mapping[str, Any]) -> Facts:
    """Pairs of a heading and its text; an attribute that has no words is given as it is."""
    facts: Facts = []
    for name in sorted(set(attrs) - _SAID, key=_place):
        if _FIDELITY.search(name):
            continue
        heading, say = _WORDS.get(name, (name.replace("_", " "), _plain))
        try:
            facts.append((heading, say(attrs[name])))
        except _UNREADABLE:
            facts.append((heading, _plain(attrs[name])))
    return _with_precision(facts, attrs) + _made(attrs)


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _plain(value: object) -> object:
    is_fraction = isinstance(value, (float, np.floating))
    return f"{value:.3g}" if is_fraction else value


def _with_precision(facts: Facts, attrs: Mapping[str, Any]) -> Facts:
    precision = attrs.get("autoencoder_average_precision")
    if not isinstance(precision, (float, np.floating)):
        return facts
    return [
        (name, f"{text}, average precision {precision:.3g}" if name == "autoencoder" else text)
        for name, text in facts
    ]


def _made(attrs: Mapping[str, Any]) -> Facts:
    when = str(attrs.get("created", ""))
    try:
        made = datetime.datetime.fromisoformat(when)
        zone = made.tzname() or ""
        when = f"{made:%Y-%m-%d %H:%M} {zone}".strip()
    except ValueError:
        pass  # an older store, or a stranger's
    version, schema = attrs.get("headbrush_version", "?"), attrs.get("schema_version", "?")
    by = f"by headbrush {version}, seed {attrs.get('seed', '?')}, format {schema}"
    return [("made", f"{when} {by}".strip())]


def _pending(text: str) -> str:
    return ", ".join(sorted(_PENDING.get(name, name) for name in text.split()))


def _chosen(text: str) -> str:
    number = int(text.removeprefix("best-worst:"))
    return f"the {number} best and the {number} worst predicted"


def _source(text: str) -> str:
    """How the live model is loaded; the text is that of ``ModelRecipe.as_json``."""
    source = dict(json.loads(text))
    if not source:
        return "a program, which had the model; it cannot be loaded again"
    words = [str(source["name"])]
    if source.get("checkpoint"):
        words.append(f"weights of {source['checkpoint']}")
    elif not source.get("pretrained", True):
        words.append("random weights")
    if source.get("stage") is not None:
        words.append(f"stage {source['stage']}")
    words += [f"{name} {_listed(value)}" for name, value in dict(source["arguments"]).items()]
    words.append(f"device {source['device']}")
    return ", ".join(words)


def _listed(value: object) -> str:
    return "×".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _reading(text: str) -> str:
    """How files became pictures; the text is that of ``Reading.as_json``."""
    rules = dict(json.loads(text))
    (low, high), (least, most) = rules["integers"], rules["floats"]
    words = [
        f"16-bit files from {_number(low)} to {_number(high)}",
        f"files of fractions from {_number(least)} to {_number(most)}",
        "turned by their EXIF orientation" if rules["exif_rotation"] else "not turned by EXIF",
    ]
    if rules["max_pixels"]:
        words.append(f"at most {_number(rules['max_pixels'] / 1e6)} megapixels")
    return ", ".join(words)


def _number(value: float) -> str:
    return grouped(int(value)) if float(value).is_integer() else f"{value:.3g}"


_WORDS = {
    "pending": ("not finished", _pending),
    "select": ("classes chosen", _chosen),
    "label_source": ("labels", lambda value: _LABELS.get(value, value)),
    "class_mapping": ("class mapping", str),
    "skipped_images": ("skipped images", lambda count: count or "none"),
    "missing": ("not measured", str),
    "classifier_words": ("classifier", str),
    "autoencoder": ("autoencoder", str),
    "outputs": ("outputs", str),
    "reading": ("pixel values", _reading),
    "checkpoint_sha256": ("SHA-256 of weights", str),
    "model_source": ("model loaded from", _source),
}
"""Heading and words of an attribute."""
_ORDER = (
    "pending", "warning", "notes", "missing", "select", "label_source", "class_mapping",
    "skipped_images", "classifier_words", "outputs", "autoencoder", "reading", "model_source",
    "checkpoint_sha256", "command",
)  # fmt: skip
