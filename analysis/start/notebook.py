"""``headbrush.analyze`` and ``headbrush.preflight``: build a request from keyword arguments."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import nn

from headbrush.analysis.images.dataset import MapDataset
from headbrush.analysis.model.modules.borrowing import borrowed
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.preflight.prepare import preflight
from headbrush.analysis.preflight.report import Preflight
from headbrush.analysis.run.options import request_from
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
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
    request = _request(model, images, out, options, version)
    with borrowed(model):
        return Store(analyze(request, StageProgress(console)))


def preflight_here(
    model: str | Path | nn.Module,
    images: str | Path | MapDataset,
    out: str | Path,
    options: Mapping[str, Any],
    version: str,
) -> Preflight:
    """What the analysis would do.

    Raises
    ------
    InputError
        As the analysis would.
    """
    request = _request(model, images, out, options, version)
    with borrowed(model):
        return preflight(request, StageProgress(Console(quiet=True)))


def _request(
    model: str | Path | nn.Module,
    images: str | Path | MapDataset,
    out: str | Path,
    options: Mapping[str, Any],
    version: str,
) -> Request:
    command = "headbrush.analyze(…)"
    return request_from(images, out, model, options, command=command, version=version)
