"""Measure on the patterns of two images how long an autoencoder takes."""

import time
from dataclasses import dataclass

import numpy as np

from headbrush.analysis.measures.autoencoders.autoencoder import Fitted, fit
from headbrush.analysis.measures.autoencoders.convolutional import ConvolutionalAutoencoder
from headbrush.analysis.measures.autoencoders.kinds import LINEAR, NONE
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.run.fits import AUTOENCODER, EncodeJob, encode_shard
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.work_folder import PartFiles

_PATTERNS = 128
"""Patterns to fit to: enough for whole batches of a training."""
_TRAINING_S = 1.5


@dataclass(frozen=True)
class AutoencoderSeconds:
    """Seconds of fitting, at any rate and for each pattern of the sample, and of encoding."""

    fixed: float
    each_pattern: float
    encoding: float


class _Enough(Exception):
    """The training has run long enough to know its speed."""


def measure_autoencoder(
    request: Request, model: VisionModel, parts: PartFiles
) -> AutoencoderSeconds:
    """Fit to the patterns of the shard ``00000``, or begin to, and encode them."""
    if request.autoencoder == NONE:
        return AutoencoderSeconds(0.0, 0.0, 0.0)
    (packed,) = parts.load("00000", "patch_pattern")
    packed = packed.reshape(-1, packed.shape[-1])
    rows = np.resize(np.arange(len(packed)), _PATTERNS)
    if request.autoencoder == LINEAR:
        fixed, (each, fitted) = 0.0, _linear(request, model, packed[rows])
    else:
        each, (fixed, fitted) = 0.0, _convolutional(request, model, packed[rows])
    parts.save(AUTOENCODER, **fitted.weights())
    start = time.perf_counter()
    job = EncodeJob("latent-00000", "00000", request.autoencoder, parts)
    encode_shard(model, job, lambda _share: None)
    return AutoencoderSeconds(fixed, each, time.perf_counter() - start)


def _linear(request: Request, model: VisionModel, packed: np.ndarray) -> tuple[float, Fitted]:
    """Seconds for each pattern, to which they are proportional."""
    start = time.perf_counter()
    patches, kind = model.geometry.pattern_patches, request.autoencoder
    fitted = fit(kind, packed, patches, seed=request.seed, device=model.device)
    return (time.perf_counter() - start) / len(packed), fitted


def _convolutional(
    request: Request, model: VisionModel, packed: np.ndarray
) -> tuple[float, Fitted]:
    """Seconds of the whole training, from its first steps."""
    patches, kind = model.geometry.pattern_patches, request.autoencoder
    seen: list[tuple[float, float]] = []
    start = time.perf_counter()

    def advance(share: float) -> None:
        seen.append((time.perf_counter(), share))
        if len(seen) > 2 and seen[-1][0] - start > _TRAINING_S:
            raise _Enough

    try:
        fitted = fit(
            kind, packed, patches, seed=request.seed, device=model.device, on_progress=advance
        )
        return time.perf_counter() - start, fitted
    except _Enough:
        (first, begun), (last, share) = seen[0], seen[-1]
        seconds = first - start + (last - first) / (share - begun)
        return seconds, Fitted(ConvolutionalAutoencoder(patches), float("nan"))
