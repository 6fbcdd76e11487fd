"""Descriptions of a store for pages and reports: heads, images, accuracy."""

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import exact_percent
from headbrush.analysis.store.facts.store_info import stage_words
from headbrush.server.stores.store_data import NO_CLASSIFIER, StoreData


def heads_words(data: StoreData) -> str:
    """Layers and heads, and which stage they are of."""
    words = f"{data.num_layers} layers × {data.heads_per_layer} heads"
    stage = stage_words(data.store)
    return f"{words} of {stage}" if stage else words


def within_words(data: StoreData, what: str) -> str:
    """That ``what`` a panel shows is meant within a window; nothing where heads see the image."""
    store = data.store
    if store.pattern_grid == store.grid:
        return ""
    height, width = store.pattern_grid
    return f"Patches attend within windows of {height}×{width}: {what}."


def images_words(data: StoreData) -> str:
    """Number of images, and their folder."""
    folder = "/".join(str(data.store.attrs["images"]).replace("\\", "/").split("/")[-2:])
    return f"{grouped(data.num_images)} images of {folder}"


def accuracy_words(data: StoreData) -> str:
    """Share of correct predictions, or why it is unknown; with the classifier if it was given."""
    given, right = data.store.attrs.get("classifier_words"), _right_words(data)
    if given is None:
        return right
    is_probe = data.store.has("probe_left_out")  # its words have its accuracy
    return str(given) if is_probe else f"{given}; {right}"


def _right_words(data: StoreData) -> str:
    known = int(data.is_labelled.sum())
    if not data.has_classifier and data.has_labels:
        return "no classifier" if data.no_prediction == NO_CLASSIFIER else "puts out a map"
    if not (data.has_labels and known):
        return data.worded("no labels: using the predicted class as the true one")
    of = "" if known == data.num_images else f" of {known} labelled images"
    return f"{exact_percent(data.correct.sum() / known)}{of} predicted correctly"
