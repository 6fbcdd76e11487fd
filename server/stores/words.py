"""Descriptions of a store for pages and reports: heads, images, accuracy."""

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.stores.store_data import StoreData


def heads_words(data: StoreData) -> str:
    """Layers and heads."""
    return f"{data.num_layers} layers × {data.heads_per_layer} heads"


def images_words(data: StoreData) -> str:
    """Number of images, and their folder."""
    folder = "/".join(str(data.store.attrs["images"]).replace("\\", "/").split("/")[-2:])
    return f"{grouped(data.num_images)} images of {folder}"


def accuracy_words(data: StoreData) -> str:
    """Share of correct predictions, or why it is unknown."""
    if not data.has_labels:
        return "no labels: using the predicted class as the true one"
    if not data.has_classifier:
        return "no classifier"
    known = int(data.is_labelled.sum())
    if not known:
        return "no labels: using the predicted class as the true one"
    of = "" if known == data.num_images else f" of {known} labelled images"
    if data.store.has("probe_left_out"):
        right = (data.store.read("probe_left_out") == data.labels) & data.is_labelled
        return (
            f"{right.sum() / known:.1%}{of} predicted correctly, each left out of the probe's fit"
        )
    return f"{data.correct.sum() / known:.1%}{of} predicted correctly"
