"""``headbrush.analyze``: build a request from keyword arguments and run it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import nn

from headbrush.analysis.images.dataset import MapDataset
from headbrush.analysis.model.modules.borrowing import borrowed
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.options import request_from
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.store.store import Store


def analyze_here(
    model: str | Path | nn.Module,
    images: str | Path | MapDataset,
    out: str | Path,
    options: Mapping[str, Any],
    version: str,
    console: Console,
) -> Store:
    """Run or resume an analysis and open its store.

    Raises
    ------
    InputError
        If there is no such option, or an argument cannot be used.
    """
    command = "headbrush.analyze(…)"
    request = request_from(images, out, model, options, command=command, version=version)
    with borrowed(model):
        return Store(analyze(request, StageProgress(console)))
