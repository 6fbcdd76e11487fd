"""Measure on two images how long the stages of an analysis take, and what they need.

The shard, the autoencoder and the encoding are the real ones, in a temporary folder. What would
take too long even for two images, pruning the heads of a large model, is measured on a few pruned
variants instead.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch

from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.measures.autoencoders.kinds import NONE
from headbrush.analysis.measures.layouts.embedding import layout
from headbrush.analysis.model.batches import load_batch
from headbrush.analysis.model.capture import resume
from headbrush.analysis.model.tracing import Trace, trace
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.preflight.measure_autoencoder import measure_autoencoder
from headbrush.analysis.run.fits import AUTOENCODER
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.shards import PRUNED, ShardJob, analyze_shard
from headbrush.analysis.run.stages.precision import at_precision
from headbrush.analysis.run.stages.pruning import PruneJob, prune_shard
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.atomic_files import WriteError
from headbrush.analysis.store.schema import VARIABLES

_PATIENCE_S = 5.0
"""Pruning that is expected to take longer is measured on a few variants."""
_ENOUGH_S = 0.5
_MOST_VARIANTS = 16
_REFERENCE_ROWS = 400
_REFERENCE_S = 0.74
"""Seconds that a layout of so many rows takes on one idle core of the machine of ``expect.py``."""


@dataclass(frozen=True)
class Measured:
    """What two images took.

    Attributes
    ----------
    image_seconds, pruning_seconds
        Attention of one image, and pruning its heads.
    forward_seconds
        One image through the model.
    encode_seconds
        Encoding the patterns of one image.
    training_seconds, training_pattern_seconds
        Fitting the autoencoder: at any rate, and for each pattern that it is fitted to.
    layout_slowness
        How many times longer a layout takes than on the machine of ``expect.py``.
    attention_bytes, part_bytes, summary_bytes
        Of one image on disk: its stored attention, its parts while the analysis runs, and its
        values in the summary.
    shared_bytes
        Of the parts that belong to no image.
    base_bytes, image_bytes
        Memory of the process with the model, and what each image of a batch adds.
    """

    image_seconds: float
    pruning_seconds: float
    forward_seconds: float
    encode_seconds: float
    training_seconds: float
    training_pattern_seconds: float
    layout_slowness: float
    attention_bytes: float
    part_bytes: float
    summary_bytes: float
    shared_bytes: float
    base_bytes: float
    image_bytes: float


def measure(request: Request, model: VisionModel, images: ImageSet) -> Measured:
    """Run the stages on at most two images, far apart; takes seconds, and leaves no file.

    Raises
    ------
    WriteError
        If the system's folder for temporary files takes none.
    """
    base = psutil.Process().memory_info().rss
    few = images.take(sorted({len(images) // 4, 3 * len(images) // 4}))
    forward, traced = _forward(model, few)
    few = few.take([0]) if forward > 1 else few
    count = len(few)
    pruning = 0.0
    variants = len(request.modes) * len(traced.layers) * model.geometry.num_heads
    prunes = request.predictions
    is_long = prunes and variants * forward / 2 * count > _PATIENCE_S
    if is_long:
        with at_precision(model, request.precision) as pruned:
            inputs = load_batch(model, few, range(1)).to(pruned.dtype)
            pruning = variants * _variant_seconds(pruned, trace(pruned, inputs))
    with _temporary_folder() as folder, _peak_memory() as peak:
        parts = PartFiles(folder)
        for name in ("parts", "attention"):
            (parts.store / name).mkdir()
        seconds, pruned = _shard_seconds(request, model, few, parts, prunes and not is_long)
        autoencoder = measure_autoencoder(request, model, parts)
        attention = sum(path.stat().st_size for path in (parts.store / "attention").iterdir())
        saved = sum(path.stat().st_size for path in parts.folder.glob("*0000*"))
        summary, of_shard = _summary_bytes(parts)
        part = parts.folder / f"{AUTOENCODER}.npz"
        shared = of_shard + (part.stat().st_size if part.exists() else 0)
    return Measured(
        image_seconds=seconds / count,
        pruning_seconds=pruned / count + pruning,
        forward_seconds=forward,
        encode_seconds=autoencoder.encoding / count,
        training_seconds=autoencoder.fixed,
        training_pattern_seconds=autoencoder.each_pattern,
        layout_slowness=_layout_slowness(),
        attention_bytes=attention / count,
        part_bytes=max(0, saved - of_shard) / count,
        summary_bytes=summary / count,
        shared_bytes=shared,
        base_bytes=base,
        image_bytes=max(0, peak() - base) / count,
    )


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="headbrush-"))
    except OSError as error:
        raise WriteError(
            f"cannot write temporary files ({error}); set TMPDIR to a folder with free space."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _forward(model: VisionModel, images: ImageSet) -> tuple[float, Trace]:
    """Seconds of one image through the model, and a trace of the first."""
    inputs = load_batch(model, images, range(len(images)))
    traced = trace(model, inputs[:1])
    start = time.perf_counter()
    trace(model, inputs[-1:]).output.cpu()  # waits for the device
    return time.perf_counter() - start, traced


@torch.inference_mode()
def _variant_seconds(model: VisionModel, traced: Trace) -> float:
    """Seconds of one pruned variant of one image, on average over the layers.

    A variant of layer l takes the blocks after l, so the layers in the middle are the average.
    """
    last = len(traced.layers) - 1
    spent = []
    for layer in {last // 2, last - last // 2}:
        record, count, seconds = traced.layers[layer], 1, 0.0
        while seconds < _ENOUGH_S and count < _MOST_VARIANTS:
            count *= 2
            variants = (record.block_input, record.output)
            inputs, outputs = (one.expand(count, -1, -1).contiguous() for one in variants)
            start = time.perf_counter()
            resume(model, traced, layer, inputs, outputs).cpu()
            seconds = time.perf_counter() - start
        spent.append(seconds / count)
    return sum(spent) / len(spent)


def _shard_seconds(
    request: Request, model: VisionModel, images: ImageSet, parts: PartFiles, prunes: bool
) -> tuple[float, float]:
    """Seconds of measuring attention, and of pruning."""
    stored = () if request.attention == 0 else tuple(range(len(images)))
    job = ShardJob(
        name="00000",
        start=0,
        images=images,
        stored=stored,
        batch_size=request.batch_size,
        modes=request.modes,
        with_bits=request.autoencoder != NONE,
        parts=parts,
    )
    prune = PruneJob(
        f"{PRUNED}00000", images, request.batch_size, request.modes, prunes, parts,
        features=(job.name,) if model.has_features else (), precision=request.precision,
    )  # fmt: skip
    start = time.perf_counter()
    analyze_shard(model, job, lambda _share: None)
    attention = time.perf_counter() - start
    prune_shard(model, prune, lambda _share: None)
    return attention, time.perf_counter() - start - attention


def _summary_bytes(parts: PartFiles) -> tuple[int, int]:
    """Bytes of what the summary keeps of these images, and of what it keeps of all together."""
    values = parts.load_all("00000") | parts.load_all(f"{PRUNED}00000")
    kept = {name: value.nbytes for name, value in values.items()}
    if parts.has("latent-00000"):
        kept |= {"latent": parts.load("latent-00000", "latent")[0].nbytes}
    together = sum(count for name, count in kept.items() if _is_of_all_images(name))
    of_patterns = sum(count for name, count in kept.items() if name.endswith("_pattern"))
    return sum(kept.values()) - together - of_patterns, together


def _is_of_all_images(name: str) -> bool:
    return name in VARIABLES and "image" not in VARIABLES[name].dims


def _layout_slowness() -> float:
    rows = np.random.default_rng(0).normal(size=(_REFERENCE_ROWS, 32)).astype("f4")
    start = time.perf_counter()
    layout(rows, seed=0)
    return (time.perf_counter() - start) / _REFERENCE_S


@contextmanager
def _peak_memory() -> Iterator["_Peak"]:
    """Watches the memory of this process while the block runs."""
    peak = _Peak()
    peak.start()
    try:
        yield peak
    finally:
        peak.done.set()
        peak.join()


class _Peak(threading.Thread):
    """Looks at the memory of this process every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(name="headbrush-memory", daemon=True)
        self.done = threading.Event()
        self._process = psutil.Process()
        self._bytes = self._process.memory_info().rss

    def run(self) -> None:
        """Note the largest value until ``done`` is set."""
        while not self.done.wait(0.005):
            self._bytes = max(self._bytes, self._process.memory_info().rss)

    def __call__(self) -> int:
        """The largest value so far, in bytes."""
        return self._bytes
