"""A store of a whole analysis of a tiny model, whose model and images can be loaded again."""

from pathlib import Path

from rich.console import Console

from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from tests.models import save_images, save_tiny_model


def analyzed(folder: Path, per_class: int = 4, **model: object) -> Path:
    """The store of three classes of images; ``model`` are arguments of ``save_tiny_model``."""
    request = Request(
        images=save_images(folder / "images", per_class),
        out=folder / "s.headbrush",
        model=str(save_tiny_model(folder / "model", **model)),
        batch_size=4,
    )
    return analyze(request, StageProgress(Console(quiet=True)))
