"""How far pruning in a coarser arithmetic is from float32, on some of the run's own images."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.progress import Advance
from headbrush.analysis.run.stages.precision import at_precision
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.schema import PRUNING_METRICS

COMPARED = "precision"
_LEAST, _MOST, _EACH = 4, 8, 50
"""Images that are compared: at least, at most, and one of so many."""
_TITLES = {"jsd": "JSD of the prediction", "patch": "distance of the patches"}


@dataclass(frozen=True)
class CompareJob:
    """Job: prune the heads of a few ``images`` in both kinds of numbers, in any process."""

    name: str
    images: ImageSet
    precision: str
    parts: PartFiles


def compared_images(images: ImageSet) -> ImageSet:
    """Some images, spread evenly."""
    count = min(len(images), max(_LEAST, min(_MOST, len(images) // _EACH)))
    return images.take(np.linspace(0, len(images) - 1, count).astype(int).tolist())


def compare_precisions(model: VisionModel, job: CompareJob, advance: Advance) -> None:
    """Save what both kinds of numbers give, ``(2, metric, image, L, H)`` float32."""
    found = []
    for place in range(len(job.images)):
        inputs = load_batch(model, job.images, range(place, place + 1))
        label = torch.from_numpy(job.images.labels[place : place + 1])
        exact = leave_one_out(model, trace(model, inputs), label)[:, 0]
        with at_precision(model, job.precision) as coarse:
            traced = trace(coarse, inputs.to(coarse.dtype))
            found.append(np.stack([exact, leave_one_out(coarse, traced, label)[:, 0]]))
        advance((place + 1) / len(job.images))
    job.parts.save(job.name, both=np.concatenate(found, 2))


@dataclass(frozen=True)
class PrecisionError:
    """How far a coarser arithmetic is from float32.

    Attributes
    ----------
    metric
        One of ``PRUNING_METRICS``: JSD, or of a model without predictions that of the patches.
    largest
        Largest difference of one head in one image, in the metric's unit.
    typical
        Median of the exact values, which ``largest`` is to be read beside.
    ranks
        Spearman's correlation of the heads' means over the images, −1 to 1.
    count
        Images that were compared.
    """

    precision: str
    metric: str
    largest: float
    typical: float
    ranks: float
    count: int

    @property
    def attributes(self) -> dict[str, str | int | float]:
        """As the store keeps it."""
        return {
            "precision": self.precision,
            "precision_metric": self.metric,
            "precision_error": self.largest,
            "precision_ranks": self.ranks,
            "precision_images": self.count,
        }

    @property
    def words(self) -> str:
        """A sentence about it."""
        images = f"{self.count} image{'s' if self.count > 1 else ''}"
        unit = " bits" if self.metric == "jsd" else ""
        return (
            f"Heads were pruned in {self.precision}: in {images} its {_TITLES[self.metric]} "
            f"differs from that of float32 by at most {self.largest:.2g}{unit} (its median is "
            f"{self.typical:.2g}), and the ranks of the heads correlate by {self.ranks:.4f}"
        )


def precision_error(parts: PartFiles, precision: str) -> PrecisionError | None:
    """The error that was measured; None before."""
    if not parts.has(COMPARED):
        return None
    (both,) = parts.load(COMPARED, "both")
    metric = "jsd" if np.isfinite(both[:, PRUNING_METRICS.index("jsd")]).all() else "patch"
    exact, coarse = both[:, PRUNING_METRICS.index(metric)].astype(float)
    means = exact.mean(0).ravel(), coarse.mean(0).ravel()
    ranks = _correlation(*map(rankdata, means))
    largest, typical = float(np.abs(coarse - exact).max()), float(np.median(exact))
    return PrecisionError(precision, metric, largest, typical, ranks, exact.shape[0])


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; 1 where there is nothing to order."""
    if not (np.ptp(one) and np.ptp(other)):
        return 1.0
    return float(np.corrcoef(one, other)[0, 1])
