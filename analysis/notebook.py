"""``headbrush.analyze``: build a request from keyword arguments and run it."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import nn

from headbrush.analysis.images.dataset import MapDataset
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store


def analyze_here(
    model: str | Path | nn.Module,
    images: str | Path | MapDataset,
    out: Path,
    options: Mapping[str, Any],
    console: Console,
) -> Store:
    """Run or resume an analysis and open its store.

    Raises
    ------
    InputError
        If an option is not a field of ``Request``, or an argument cannot be used.
    """
    unknown = set(options) - {field.name for field in fields(Request)}
    if unknown:
        raise InputError(f"analyze() has no option {', '.join(sorted(unknown))}.")
    request = Request(
        images=Path(images) if isinstance(images, (str, Path)) else images,
        out=out,
        model=str(model) if isinstance(model, (str, Path)) else model,
        command="headbrush.analyze(…)",
        **options,
    )
    return Store(analyze(request, StageProgress(console)))
