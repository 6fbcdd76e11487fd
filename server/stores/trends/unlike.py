"""Images that heads treat unlike the other images of their class, and images treated alike. Pure.

Both compare the values of all heads in one image with those in others.
"""

from dataclasses import dataclass

import numpy as np

OUTER = 0.1
"""Share of a class that counts as its outer part: half of it at either end."""
_FEWEST = 10
"""Images of a class, of fewer of which none is unlike the rest."""


@dataclass(frozen=True)
class Unlike:
    """How each image lies within its class.

    Attributes
    ----------
    percentile
        ``(images, columns)`` float32 in (0, 1): share of the class with a smaller value, equal ones
        counted half; NaN for images of unknown class, of a class of fewer than ten images, and for
        columns that are not finite.
    outer
        ``(images,)`` in how many columns the image is among the outer tenth of its class.
    """

    percentile: np.ndarray
    outer: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """Numbers of the images that have percentiles, the most unlike first, then by number."""
        known = np.flatnonzero(np.isfinite(self.percentile).any(1))
        distance = np.nanmean(np.abs(self.percentile[known] - 0.5), 1)
        return known[np.lexsort((-distance, -self.outer[known]))]

    def columns_of(self, image: int, most: int) -> list[int]:
        """The columns in which an image is farthest from the middle of its class."""
        away = np.abs(self.percentile[image] - 0.5)
        order = np.argsort(-np.nan_to_num(away, nan=-1.0), kind="stable")[:most]
        return [int(one) for one in order if np.isfinite(away[one])]


def unlike_their_class(values: np.ndarray, label: np.ndarray) -> Unlike:
    """Place every value within those of the image's class.

    Parameters
    ----------
    values
        ``(images, columns)``.
    label
        ``(images,)`` class of each image, −1 unknown.
    """
    from scipy.stats import rankdata  # a server would start later

    percentile = np.full(values.shape, np.nan, np.float32)
    known = np.flatnonzero(label >= 0)
    known = known[np.argsort(label[known], kind="stable")]
    begins = np.flatnonzero(np.diff(label[known], prepend=-1))
    for members in np.split(known, begins[1:]):
        if len(members) >= _FEWEST:
            ranks = rankdata(values[members], axis=0, nan_policy="propagate")
            percentile[members] = (ranks - 0.5) / len(members)
    outer = np.abs(percentile - 0.5) >= 0.5 - OUTER / 2
    return Unlike(percentile, outer.sum(1))


def nearest(scores: np.ndarray, image: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The images whose scores lie nearest to those of one image.

    Parameters
    ----------
    scores
        ``(images, columns)`` finite, see :func:`normal_scores`.

    Returns
    -------
    Their numbers, the nearest first, and their Euclidean distances divided by the root of the
    number of columns: two independent images are about √2 apart.
    """
    if not scores.shape[1]:
        return np.empty(0, int), np.empty(0)
    distance = np.sqrt(((scores - scores[image]) ** 2).mean(1))
    distance[image] = np.inf
    order = np.argsort(distance, kind="stable")[: min(most, len(scores) - 1)]
    return order, distance[order]
