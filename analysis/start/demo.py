"""The bundled model and images, and the demo store made from them."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from headbrush.analysis.extra import ANALYSIS, demand_extra
from headbrush.analysis.run.work_folder import interrupted_plan
from headbrush.analysis.store.atomic_files import file_digest
from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.analysis.store.store import Store

if TYPE_CHECKING:
    from headbrush.analysis.run.request import Request


def bundled_folder() -> Path:
    """The folder with the bundled ``model`` and ``images``, a resource of the package."""
    folder = Path(str(files("headbrush") / "datasets" / "fashion_mnist"))
    if not (folder / "model" / "model.safetensors").is_file():
        raise InputError(f"{folder}: the bundled model is missing; reinstall headbrush.")
    return folder


def may_replace(out: Path, folder: Path, images: int, version: str) -> bool:
    """Whether ``out`` is an older demo, finished or not, that this one cannot reuse."""
    try:
        store = Store(out)
        return store.attrs["model"] == folder.name
    except StoreError:
        plan = interrupted_plan(out)
    usable = (
        plan.get("version") == version
        and "shards" in plan
        and len(plan.get("images", ())) == images
        and plan.get("checkpoint_sha256") == file_digest(folder / "model" / "model.safetensors")
    )
    return plan.get("model") == folder.name and not usable


def is_fresh(out: Path, folder: Path, images: int, version: str) -> bool:
    """Whether ``out`` was made from the same images and weights by the same version."""
    try:
        store = Store(out)
        return (
            store.sizes["image"] == images
            and store.attrs["headbrush_version"] == version
            and store.attrs["checkpoint_sha256"]
            == file_digest(folder / "model" / "model.safetensors")
        )
    except StoreError:
        return False


def demo_request(out: Path, images: int, version: str, command: str) -> "Request | None":
    """Request for a demo store of ``count`` images; None if ``out`` already is that store."""
    folder = bundled_folder()
    if is_fresh(out, folder, images, version):
        return None
    demand_extra("The demo's analysis", ANALYSIS)
    from headbrush.analysis.run.request import Request

    return Request(
        images=folder / "images",
        out=out,
        model=str(folder / "model"),
        per_class=images // 10,
        restart=may_replace(out, folder, images, version),
        command=command,
        version=version,
    )
