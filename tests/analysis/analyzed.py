"""A store of a whole analysis of a tiny model, whose model and images can be loaded again."""

from pathlib import Path

from rich.console import Console
from safetensors.torch import load_file, save_file

from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from tests.models import save_images, save_tiny_model


def analyzed(folder: Path, per_class: int = 4, loud: bool = False, **model: object) -> Path:
    """The store of three classes of images; ``model`` are arguments of ``save_tiny_model``.

    ``loud`` makes heads decide predictions, which random weights hardly let them do.
    """
    place = save_tiny_model(folder / "model", **model)
    if loud:
        file = place / "model.safetensors"
        weights = load_file(file)
        save_file({n: 20 * w if ".attn." in n else w for n, w in weights.items()}, file)
    request = Request(
        images=save_images(folder / "images", per_class),
        out=folder / "s.headbrush",
        model=str(place),
        batch_size=4,
    )
    return analyze(request, StageProgress(Console(quiet=True)))
