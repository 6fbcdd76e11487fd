"""What a model's name stands for: a model of timm, one of the Hub, or a folder."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import timm
from timm.models import split_model_name_tag

from headbrush.analysis.model.weights.files.stored_tensor import shown
from headbrush.analysis.model.weights.model_folder import demand_config, folder_weights
from headbrush.analysis.store.errors import ModelError

_LOCAL = "local-dir:"
_HUB = ("hf-hub:", "hf_hub:")


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes
    ----------
    name
        As ``timm.create_model`` takes it.
    lasting
        The name with which another process in another folder finds the same model.
    shown
        The name for people.
    weights
        The file of weights in a folder; None for published weights.
    is_folder
        Whether a ``config.json`` on this machine describes it.
    """

    name: str
    lasting: str
    shown: str
    weights: Path | None = None
    is_folder: bool = False


def model_source(name: str, checkpoint: Path | None) -> ModelSource:
    """What a name stands for.

    Raises
    ------
    ModelError
        If it stands for nothing that can be loaded, with the names that are close.
    """
    name = name.strip()
    if not name or "\0" in name:
        raise ModelError("the name of the model is empty; give a model of timm or a folder.")
    if name.lower().startswith(_HUB):
        repository = name[len(_HUB[0]) :]
        if "/" not in repository or repository.count("@") > 1:
            raise ModelError(f"{name}: a name on the Hub is hf-hub:OWNER/MODEL.")
        return ModelSource(f"{_HUB[0]}{repository}", f"{_HUB[0]}{repository}", repository)
    folder = Path(name.removeprefix(_LOCAL))
    if name.startswith(_LOCAL) or _is_folder(folder):
        if not _is_folder(folder):
            raise ModelError(f"{folder}: no such folder.")
        return _of_folder(folder.resolve(), checkpoint)
    _demand_known(name, folder)
    return ModelSource(name, name, name)


def _is_folder(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:  # a loop of links, or a name that is too long
        return False


def _of_folder(folder: Path, checkpoint: Path | None) -> ModelSource:
    demand_config(folder)
    called = folder.parent.name if folder.name == "model" else folder.name
    weights = folder_weights(folder) if checkpoint is None else None
    return ModelSource(f"{_LOCAL}{folder}", str(folder), called, weights, is_folder=True)


def _demand_known(name: str, path: Path) -> None:
    """Refuse what is no model of timm, or has no such published weights."""
    architecture, tag = split_model_name_tag(name)
    if timm.is_model(name) and "/" not in name:
        tags = [split_model_name_tag(one)[1] for one in timm.list_pretrained(f"{architecture}*")
                if split_model_name_tag(one)[0] == architecture]  # fmt: skip
        if tag and tag not in tags:
            raise ModelError(
                f"{name}: timm publishes no weights called {shown(tag)!r} of {architecture}; it "
                f"has {', '.join(t for t in tags if t) or 'none with a name'}."
            )
        return
    raise ModelError(_unknown(name, path))


def _unknown(name: str, path: Path) -> str:
    if path.suffix and path.exists():
        return (
            f"{name}: this is a file; give --model NAME --checkpoint {name}, or the folder of a "
            "model with config.json."
        )
    if "/" in name or "\\" in name:
        last = name.replace("\\", "/").rsplit("/", 1)[-1]
        known = f", or its name in timm, {last}" if timm.is_model(last) else ""
        hub = f"; for a model of the Hub give hf-hub:{name}{known}" if name.count("/") == 1 else ""
        return f"{shown(name)}: no folder of that name{hub}."
    wanted = name.lower().replace("-", "_").split(".")[0]
    close = difflib.get_close_matches(wanted, timm.list_models(), n=3, cutoff=0.5)
    if close and close[0] == wanted:
        tag = name.lower().partition(".")[1:]
        close = [wanted + "".join(tag)]
    ways = f"; did you mean {' or '.join(close)}?" if close else "; see timm.list_models()."
    return f"{shown(name)}: no such timm model{ways}"
