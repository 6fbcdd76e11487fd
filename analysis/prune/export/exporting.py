"""Write a smaller checkpoint of a store's model, with the proof that it gives the same outputs."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import running_without
from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.model.weights.skeletons import first_line
from headbrush.analysis.prune.export import load_model
from headbrush.analysis.prune.export.describing import config_of, flops, parameters, seconds
from headbrush.analysis.prune.export.shrinking import (
    InexactExport,
    demand_whole,
    heads_kept,
    smaller_weights,
)
from headbrush.analysis.prune.stored_model import demand_source, load_stored, stored_source
from headbrush.analysis.store.atomic_files import WriteError, writing
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.store import Store

TOLERANCE = 1e-5
"""Largest difference between an output of the model without the heads and of the smaller one, as a
share of the largest output."""
_BATCH = 16
_MOST_IMAGES = 1 << 20
"""Of a batch of the program: torch 2.6 exports no dimension without a bound."""
Load = Callable[[range], Tensor]
"""The model's input for some images, ``(B, C, H, W)``."""


@dataclass(frozen=True)
class Proof:
    """How the smaller model compares with the model without the heads; pairs are before and after.

    Attributes
    ----------
    images
        On which both were run.
    largest_difference, largest_output
        Of any output, absolute.
    flops
        Of the products in one forward pass of one image.
    seconds
        Of one image in a batch, on the device where it was exported.
    """

    prune_set: str
    model: str
    checkpoint_sha256: str
    images: int
    largest_difference: float
    largest_output: float
    parameters: tuple[int, int]
    flops: tuple[int, int]
    seconds: tuple[float, float]

    def __str__(self) -> str:
        (before, after), (much, less), (slow, fast) = self.parameters, self.flops, self.seconds
        return (
            f"largest difference {self.largest_difference:.1e} of outputs up to "
            f"{self.largest_output:.3g}, on {self.images} images; "
            f"parameters {grouped(before)} → {grouped(after)}; "
            f"FLOPs an image {grouped(much)} → {grouped(less)}; "
            f"{1000 * slow:.2f} → {1000 * fast:.2f} ms an image"
        )


def export_stored(store: Store, pruned: PruneSet, out: Path) -> Proof:
    """Write the folder ``out`` with the model of a store without some of its heads.

    Raises
    ------
    InexactExport
        If the smaller model would not give the same outputs.
    LiveError
        If model or images are not available.
    InputError
        If the model has no such head, or ``out`` exists.
    """
    demand_whole(pruned)
    pruned.demand_within(store.sizes["layer"], store.sizes["head"])
    demand_free(out)
    demand_source(stored_source(store))
    stored = load_stored(store)
    return export(stored.model, pruned, out, stored.batch, store.sizes["image"])


def demand_free(out: Path) -> None:
    """Refuse a folder that is there already, or cannot be made.

    Raises
    ------
    WriteError
        With the way out.
    """
    if out.exists():
        raise WriteError(f"{out}: is there already; give another --out, or delete it first.")
    if not out.parent.is_dir():
        raise WriteError(f"{out}: the folder {out.parent} does not exist; create it first.")


@torch.inference_mode()
def export(model: VisionModel, pruned: PruneSet, out: Path, batch: Load, count: int) -> Proof:
    """Write the folder ``out`` with a model without some of its heads.

    Parameters
    ----------
    batch, count
        Gives the images of the proof, and their number.

    Raises
    ------
    InexactExport
        If the smaller model would not give the same outputs.
    """
    kept, config = heads_kept(model, pruned), config_of(model)
    weights = smaller_weights(model, kept)
    with _appearing(out) as folder:
        _write_json(folder / "config.json", config)
        _write_json(folder / "heads_kept.json", kept)
        (folder / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
        shutil.copyfile(Path(load_model.__file__), folder / "load_model.py")
        smaller = _loaded(model, folder, set(weights))
        _demand_runs(model, smaller, pruned)
        largest = [
            _compared(model, smaller, pruned, batch(range(at, min(at + _BATCH, count))))
            for at in range(0, count, _BATCH)
        ]
        difference, output = (max(one) for one in zip(*largest, strict=True))
        _demand_same(model, difference, output)
        sample = batch(range(min(_BATCH, count)))
        _write_program(model, smaller, sample, folder / "model.pt2")
        proof = _measured(model, smaller, pruned, sample, (count, difference, output))
        _write_json(folder / "proof.json", asdict(proof))
    return proof


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder that becomes ``out`` if the block succeeds, and is deleted otherwise."""
    temporary = out.with_name(f"{out.name}.{uuid.uuid4().hex[:8]}.unfinished")
    with writing(out):
        temporary.mkdir()
        try:
            yield temporary
            temporary.rename(out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _loaded(model: VisionModel, folder: Path, names: set[str]) -> nn.Module:
    """What ``load_model.py`` makes of the folder; nothing of timm's own weights is left in it."""
    try:
        smaller = load_model.load(folder)
    except Exception as error:  # what timm raises for odd arguments has no bounds
        raise InexactExport(
            f"{model.name}: timm cannot make this network again from its configuration "
            f"({first_line(error)}), so it is not exported."
        ) from error
    odd = sorted(names ^ smaller.state_dict().keys())
    if odd:
        raise InexactExport(
            f"{model.name}: timm makes another network from its configuration ({odd[0]} is in one "
            "only), so it is not exported."
        )
    return smaller.requires_grad_(False).to(model.device)


def _demand_runs(model: VisionModel, smaller: nn.Module, pruned: PruneSet) -> None:
    """Refuse, before any image is read, what differs already on noise."""
    noise = torch.randn(2, *model.input_size, device=model.device)
    try:
        found = _compared(model, smaller, pruned, noise)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:  # shapes, arguments
        raise InexactExport(
            f"{model.name}: its layers do more than attend by queries, keys, rotations and fixed "
            f"masks ({first_line(error)}), so it is not exported."
        ) from error
    _demand_same(model, *found)


def _compared(
    model: VisionModel, smaller: nn.Module, pruned: PruneSet, images: Tensor
) -> tuple[float, float]:
    """Largest difference of the outputs, and largest output."""
    with running_without(model, pruned):
        masked = model.outputs(images)
    found = smaller(images)
    if found.shape != masked.shape:
        return float("inf"), 0.0
    return float((found - masked).abs().max()), float(masked.abs().max())


def _demand_same(model: VisionModel, difference: float, output: float) -> None:
    if not difference <= TOLERANCE * max(1.0, output):
        raise InexactExport(
            f"{model.name}: the smaller model's outputs differ by {difference:.1e} (of outputs up "
            f"to {output:.3g}), more than {TOLERANCE:g} of them, so it is not exported."
        )


def _write_program(model: VisionModel, smaller: nn.Module, images: Tensor, path: Path) -> None:
    """The smaller model as a program of ``torch.export``, for batches of any size."""
    with torch.inference_mode(False), torch.no_grad():
        example = images.clone()[:2].repeat(2, 1, 1, 1)[:2]  # a batch of 1 would stay one of 1
        sizes = ({0: torch.export.Dim("batch", max=_MOST_IMAGES)},)
        torch.export.save(torch.export.export(smaller, (example,), dynamic_shapes=sizes), path)
        found, expected = torch.export.load(path).module()(images.clone()), smaller(images.clone())
    _demand_same(model, float((found - expected).abs().max()), float(expected.abs().max()))


def _measured(
    model: VisionModel,
    smaller: nn.Module,
    pruned: PruneSet,
    images: Tensor,
    compared: tuple[int, float, float],
) -> Proof:
    count, difference, output = compared
    taken = seconds([lambda: model.module(images), lambda: smaller(images)])
    return Proof(
        str(pruned),
        model.name,
        model.checkpoint_sha256,
        count,
        difference,
        output,
        (parameters(model.module), parameters(smaller)),
        (flops(model.module, images[:1]), flops(smaller, images[:1])),
        (taken[0] / len(images), taken[1] / len(images)),
    )
