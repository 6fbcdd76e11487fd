"""The finished parts of an analysis on disk, from which a stopped run resumes.

A store being made holds ``parts/``: ``plan.json`` says what is being made, one ``.npz`` a piece
of finished work, and a lock that the operating system releases when its process ends.
"""

import fcntl
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headbrush.analysis.store.atomic_files import remove_unfinished, replacing
from headbrush.analysis.store.errors import InputError

_REMOVED = "parts-removed"


class PartsError(InputError):
    """The output folder cannot be used for this analysis."""


@dataclass(frozen=True)
class PartFiles:
    """The finished parts of the store being made at ``store``; any process may add to them."""

    store: Path

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self.store / "parts"

    def has(self, name: str) -> bool:
        """Whether the part ``name`` is finished."""
        return self._path(name).is_file()

    def save(self, name: str, **arrays: np.ndarray) -> None:
        """Write one part, at once or not at all."""
        with replacing(self._path(name)) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType] (keywords name the arrays)

    def load(self, name: str, *keys: str) -> list[np.ndarray]:
        """Arrays ``keys`` of a finished part."""
        with np.load(self._path(name), allow_pickle=False) as part:
            return [part[key] for key in keys]

    def load_all(self, name: str) -> dict[str, np.ndarray]:
        """Every array of a finished part."""
        with np.load(self._path(name), allow_pickle=False) as part:
            return {key: part[key] for key in part.files}

    def remove(self) -> None:
        """Delete the parts once the store is complete; a kill midway leaves it complete."""
        self.folder.rename(self.store / _REMOVED)
        shutil.rmtree(self.store / _REMOVED)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


class Parts:
    """The working folder of one analysis; a ``with`` block gives its parts and holds the lock.

    Parameters
    ----------
    store
        The folder to make; created if missing.
    plan
        Everything that decides the result, as JSON values. Parts of another plan are not used.
    restart
        Drop what an earlier run left, also a finished store.

    Raises
    ------
    PartsError
        If the folder holds something else, a finished store, parts of another plan, or is in use.
    """

    def __init__(self, store: Path, plan: dict[str, object], restart: bool = False) -> None:
        self.store = store
        self.folder = store / "parts"
        self._plan = json.dumps(plan, sort_keys=True, indent=1)
        self._restart = restart

    def __enter__(self) -> PartFiles:
        self._refuse_foreign_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._prepare()
        except BlockingIOError as error:
            self._lock.close()
            raise PartsError(f"{self.store}: another analysis is writing it.") from error
        except PartsError:
            self._lock.close()
            raise
        return PartFiles(self.store)

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _refuse_foreign_folder(self) -> None:
        if not self.store.exists():
            return
        if not self.store.is_dir():
            raise PartsError(f"{self.store}: exists and is a file; choose another --out.")
        summary = self.store / "summary.nc"
        if not any(self.store.iterdir()) or (self.folder / "lock").is_file():
            return
        if not summary.is_file():
            raise PartsError(
                f"{self.store}: exists and is not a headbrush store; choose another --out."
            )
        shutil.rmtree(self.store / _REMOVED, ignore_errors=True)
        if not self._restart:
            raise PartsError(
                f"{self.store}: this is a finished store; choose another --out, or --restart to "
                "make it again."
            )

    def _prepare(self) -> None:
        plan = self.folder / "plan.json"
        if self._restart or not plan.is_file():
            self._clear()
            with replacing(plan) as temporary:
                temporary.write_text(self._plan, encoding="utf-8")
        elif plan.read_text(encoding="utf-8") != self._plan:
            raise PartsError(
                f"{self.store}: holds an unfinished analysis of other images, model or options; "
                "give the same options to resume, --restart to drop it, or another --out."
            )
        (self.store / "attention").mkdir(exist_ok=True)
        for folder in (self.store, self.folder, self.store / "attention"):
            remove_unfinished(folder)

    def _clear(self) -> None:
        (self.store / "summary.nc").unlink(missing_ok=True)
        shutil.rmtree(self.store / "attention", ignore_errors=True)
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()


def interrupted_plan(store: Path) -> dict[str, Any]:
    """The plan of an analysis that has not finished; empty if there is none."""
    plan = store / "parts" / "plan.json"
    return json.loads(plan.read_text(encoding="utf-8")) if plan.is_file() else {}
