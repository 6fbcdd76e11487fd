"""Choose images, spread over the classes."""

from collections.abc import Iterator

import numpy as np

from headbrush.analysis.images.image_set import ImageSet


def choose(images: ImageSet, limit: int | None, per_class: int | None) -> ImageSet:
    """At most ``per_class`` images of each class and ``limit`` in all, spread over the classes."""
    order = list(_class_by_class(images.labels, per_class))
    return images.take(sorted(order if limit is None else order[:limit]))


def spread(labels: np.ndarray, count: int) -> np.ndarray:
    """Sorted indices of ``count`` images, taken from the classes in turn."""
    chosen = [index for index, _ in zip(_class_by_class(labels, None), range(count), strict=False)]
    return np.array(sorted(chosen), np.int64)


def _class_by_class(labels: np.ndarray, per_class: int | None) -> Iterator[int]:
    groups = [np.flatnonzero(labels == label)[:per_class] for label in np.unique(labels)]
    for rank in range(max(map(len, groups), default=0)):
        for group in groups:
            if rank < len(group):
                yield int(group[rank])
