"""The work on a study: its finished parts on disk, and the model of the store."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from headbrush.analysis.model.vision_model import VisionModel
from headbrush.analysis.prune.errors import LiveError
from headbrush.analysis.prune.stored_model import load_stored
from headbrush.analysis.run.disk_lock import DiskLock, LockedError
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.store.atomic_files import remove_unfinished, replacing, writing
from headbrush.analysis.store.store import Store


@contextmanager
def study_parts(file: Path, kind: str, plan: Mapping[str, object]) -> Iterator[PartFiles]:
    """Where the parts of a study are kept until it is finished; one process at a time.

    Parameters
    ----------
    file
        Of the finished study; the parts are in a folder of its name beside it.
    kind
        In words, for a message.
    plan
        All that decides the parts; those of another plan are dropped.

    Raises
    ------
    LockedError
        If another process is at it.
    """
    place = file.with_suffix("")
    parts, text = PartFiles(place), json.dumps(plan, sort_keys=True)
    with writing(parts.folder):
        parts.folder.mkdir(parents=True, exist_ok=True)
    lock = DiskLock(parts.folder)
    try:
        lock.acquire()
    except LockedError as error:
        raise LockedError(f"{place}: another process is making this {kind}.") from error
    try:
        written = parts.folder / "plan.json"
        if not written.is_file() or written.read_text(encoding="utf-8") != text:
            for old in parts.folder.glob("*.npz"):
                old.unlink()
            with replacing(written) as temporary:
                temporary.write_text(text, encoding="utf-8")
        remove_unfinished(parts.folder)
        yield parts
    finally:
        lock.release()
        if not parts.folder.exists():  # the study is finished
            shutil.rmtree(place, ignore_errors=True)


def own_names(store: Store) -> dict[str, str]:
    """What says of which store a study is."""
    return {
        "store_created": str(store.attrs["created"]),
        "checkpoint_sha256": str(store.attrs["checkpoint_sha256"]),
    }


def model_of(store: Store, image: int, use: str) -> VisionModel:
    """The model of the store, which still predicts for ``image`` what is stored.

    Parameters
    ----------
    use
        What is missing without a classifier, a clause.

    Raises
    ------
    LiveError
        If the model or the image is not available, or not that of the analysis.
    """
    import torch

    stored = load_stored(store)
    if not stored.model.num_classes:
        raise LiveError(f"The model has no classifier, so {use}.")
    with torch.inference_mode():
        output = stored.model.outputs(stored.inputs(image))
        found = stored.model.kind.probability(output)[0].float().cpu().numpy()
    stored.demand_same_prediction(image, found)
    return stored.model
