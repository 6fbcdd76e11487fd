"""The files of studies: ``studies/NAME.json``, plain JSON, written at once or not at all.

Anyone may have written one, so it is checked when it is read.
"""

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from headbrush.analysis.store.atomic_files import replacing, writing
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store
from headbrush.analysis.store.untrusted_store import demand_regular

STUDIES = "studies"
"""The folder of a store that holds them."""
VERSION = 1
_MOST_BYTES = 1 << 26
_FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Study:
    """What every study says of itself.

    Attributes
    ----------
    images, seed
        How many images of the store it used, and how they were chosen.
    layers, heads
        L and H.
    store_created, checkpoint_sha256
        Of the store; a study of another analysis is not shown.
    """

    images: int
    seed: int
    layers: int
    heads: int
    store_created: str
    checkpoint_sha256: str


_Kind = TypeVar("_Kind", bound=Study)
_Made = TypeVar("_Made")


def study_file(store: Path, name: str) -> Path:
    """The file of a study."""
    return store / STUDIES / f"{name}.json"


def save_study(path: Path, kind: str, study: Study) -> Path:
    """Write a study, at once or not at all."""
    with writing(path):
        path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        content = {"study": kind, "version": VERSION, **asdict(study)}
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return path


def read_study(path: Path, kind: str, made: Callable[[dict[str, Any]], _Kind]) -> _Kind:
    """The study of a file; ``made`` makes it of what was read, and raises if it does not fit.

    Raises
    ------
    StoreError
        If it is damaged, or no study of this kind.
    """
    try:
        demand_regular(path)
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["study"] != kind or content["version"] != VERSION:
            raise ValueError("it is of another version")
        return made(content)
    except (OSError, RecursionError, *_FAULTS) as error:
        raise StoreError(f"{path}: no readable {kind} ({error}); delete it.") from error


def studies_of(
    store: Store, kind: str, read: Callable[[Path], _Kind]
) -> Iterator[tuple[Path, _Kind | StoreError]]:
    """Every study of one kind of a store and its file; instead of one that cannot be used, why."""
    for path in sorted((store.path / STUDIES).glob(f"{kind}-*.json")):
        try:
            study = read(path)
            demand_own(path, study, store)
        except StoreError as error:
            yield path, error
        else:
            yield path, study


def largest(found: Iterator[tuple[Path, _Kind | StoreError]]) -> _Kind | None:
    """The study over the most images; None without one that belongs to the store."""
    usable = [study for _, study in found if not isinstance(study, StoreError)]
    return max(usable, key=lambda study: study.images, default=None)


def fields_of(kind: type[_Made], content: dict[str, Any]) -> _Made:
    """An object of its fields, with tuples for lists."""
    return kind(**{name: _fixed(content[name]) for name in inspect.signature(kind).parameters})


def _fixed(value: object) -> object:
    return tuple(map(_fixed, value)) if isinstance(value, list) else value


def demand_numbers(values: Sequence[Any], most: float, least: float = 0) -> None:
    """Refuse what is no number from ``least`` to ``most``."""
    if not all(type(value) in (int, float) and least <= value <= most for value in values):
        raise ValueError("a number is out of its range")


def demand_own(path: Path, study: Study, store: Store) -> None:
    """Refuse the study of another analysis.

    Raises
    ------
    StoreError
        If it is not one of this store.
    """
    own = (store.attrs["created"], store.attrs["checkpoint_sha256"])
    sizes = (store.sizes["layer"], store.sizes["head"])
    is_own = (study.store_created, study.checkpoint_sha256) == own
    if not is_own or (study.layers, study.heads) != sizes:
        raise StoreError(f"{path}: of another analysis than this store; delete it.")
