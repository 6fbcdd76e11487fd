"""The finished parts of an analysis on disk, from which a stopped run resumes.

A store being made holds ``parts/``: ``plan.json`` says what is being made, one ``.npz`` a piece
of finished work, and a lock that the operating system releases when its process ends.
"""

import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headbrush.analysis.run.disk_lock import NAMES, DiskLock, LockedError
from headbrush.analysis.store.atomic_files import remove_unfinished, replacing, writing
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.studies.files import STUDIES
from headbrush.analysis.store.untrusted_store import demand_regular

_REMOVED = "parts-removed"
_DAMAGED = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, struct.error, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What a changed byte makes the readers of zip and NumPy files raise."""
_VERSION = frozenset({"version", "schema_version"})
_MODEL = frozenset({"model", "checkpoint_sha256", "input_size"})


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
        """Whether the part ``name`` is finished; one that was cut off is not."""
        path = self._path(name)
        return path.is_file() and zipfile.is_zipfile(path)  # reading a pipe would wait for ever

    def save(self, name: str, **arrays: np.ndarray) -> None:
        """Write one part, at once or not at all; what would hardly shrink is not compressed."""
        with (
            replacing(self._path(name)) as temporary,
            temporary.open("wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as part,
        ):
            for key, array in arrays.items():
                entry = f"{key}.npy"
                stored = zipfile.ZipInfo(entry) if array.dtype.kind == "f" else entry
                with part.open(stored, mode="w", force_zip64=True) as writing_to:
                    np.lib.format.write_array(writing_to, array, allow_pickle=False)

    def load(self, name: str, *keys: str) -> list[np.ndarray]:
        """Arrays ``keys`` of a finished part.

        Raises
        ------
        PartsError
            If it is damaged.
        """
        with self._opened(name) as part:
            return [part[key] for key in keys]

    def load_all(self, name: str) -> dict[str, np.ndarray]:
        """Every array of a finished part.

        Raises
        ------
        PartsError
            If it is damaged.
        """
        with self._opened(name) as part:
            return {key: part[key] for key in part.files}

    @contextmanager
    def _opened(self, name: str) -> Iterator[Any]:
        path = self._path(name)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
                yield part
        except _DAMAGED as error:
            raise PartsError(
                f"{path}: damaged, or its disk cannot be read ({error}); delete this file if the "
                "disk is sound, then run the same command to resume."
            ) from error

    def remove(self) -> None:
        """Delete the parts once the store is complete; a kill midway leaves it complete.

        Some systems keep a folder that holds an open file, here the lock. ``WorkFolder`` deletes
        it once the lock is free.
        """
        with suppress(OSError):
            self.folder.rename(self.store / _REMOVED)
        shutil.rmtree(self.store / _REMOVED, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


class WorkFolder:
    """The folder of one analysis; a ``with`` block gives its parts and holds the lock.

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

    def __init__(self, store: Path, plan: Mapping[str, object], restart: bool = False) -> None:
        self.store = store
        self.folder = store / "parts"
        self._plan = json.dumps(plan, sort_keys=True, indent=1)
        self._restart = restart
        self._lock = DiskLock(self.folder)

    def refuse(self, is_whole: bool = True) -> None:
        """Refuse what is wrong; makes no folder or file.

        Parameters
        ----------
        is_whole
            Whether the plan is complete. If not, the keys that it has must be those of an
            unfinished run.
        """
        self._refuse_foreign_folder()
        if self._lock.was_taken:
            self._locked()
            self._lock.release()
        if not self._restart and (self.folder / "plan.json").is_file():
            self._refuse_other_plan(is_whole)

    def finished_parts(self) -> frozenset[str]:
        """Names of the parts that an earlier run has left."""
        parts = PartFiles(self.store)
        return frozenset(p.stem for p in self.folder.glob("*.npz") if parts.has(p.stem))

    def __enter__(self) -> PartFiles:
        self._refuse_foreign_folder()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._locked()
        try:
            with writing(self.folder):
                self._prepare()
        except BaseException:
            self._lock.release()
            raise
        return PartFiles(self.store)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if (self.store / "summary.nc").is_file():
            PartFiles(self.store).remove()

    def _locked(self) -> None:
        try:
            self._lock.acquire()
        except LockedError as error:
            raise PartsError(f"{self.store}: {error}") from error

    def _refuse_foreign_folder(self) -> None:
        if not self.store.exists():
            return
        if not self.store.is_dir():
            raise PartsError(f"{self.store}: exists and is a file; choose another --out.")
        if not any(self.store.iterdir()) or self._is_unfinished():
            return
        if not (self.store / "summary.nc").is_file():
            raise PartsError(
                f"{self.store}: exists and is not a headbrush store; choose another --out."
            )
        shutil.rmtree(self.store / _REMOVED, ignore_errors=True)
        if not self._restart:
            raise PartsError(
                f"{self.store}: this is a finished store; choose another --out, or --restart to "
                "make it again."
            )

    def _is_unfinished(self) -> bool:
        """Whether an analysis has begun here, if only just; a lock may vanish when it is freed."""
        begun = (*NAMES, "plan.json", "news.json")
        has_begun = any((self.folder / name).is_file() for name in begun)
        left = {path.name for path in self.store.iterdir()}
        return has_begun or (
            left in ({"parts"}, {"parts", "skipped.csv"})
            and self.folder.is_dir()
            and not any(self.folder.iterdir())
        )

    def _prepare(self) -> None:
        plan = self.folder / "plan.json"
        if self._restart or not plan.is_file():
            self._clear()
            with replacing(plan) as temporary:
                temporary.write_text(self._plan, encoding="utf-8")
        else:
            self._refuse_other_plan(is_whole=True)
        (self.store / "attention").mkdir(exist_ok=True)
        for folder in (self.store, self.folder, self.store / "attention"):
            remove_unfinished(folder)

    def _refuse_other_plan(self, is_whole: bool) -> None:
        old, new = interrupted_plan(self.store), json.loads(self._plan)
        if not old and new:
            raise PartsError(
                f"{self.store}: holds an unfinished analysis whose plan cannot be read; --restart "
                "to drop it, or choose another --out."
            )
        keys = old.keys() | new.keys() if is_whole else new.keys()
        other = {key for key in keys if key not in old or key not in new or old[key] != new[key]}
        if not other:
            return
        is_upgrade = not _VERSION.isdisjoint(other)
        go_on = f"use headbrush {old.get('version')}" if is_upgrade else "give the same options"
        raise PartsError(
            f"{self.store}: holds an unfinished analysis of {_differences(other, old, new)}; "
            f"{go_on} to resume, --restart to drop it, or another --out."
        )

    def _clear(self) -> None:
        (self.store / "summary.nc").unlink(missing_ok=True)
        attention = self.store / "attention"
        if attention.is_dir():
            shutil.rmtree(attention, ignore_errors=True)
        else:
            attention.unlink(missing_ok=True)
        shutil.rmtree(self.store / STUDIES, ignore_errors=True)  # of the store that was
        for path in self.folder.iterdir():
            if path.name not in NAMES:
                path.unlink()


def _differences(other: set[str], old: Mapping[str, object], new: Mapping[str, object]) -> str:
    """The differences between two plans, in words."""
    words = []
    if not _VERSION.isdisjoint(other):
        words.append(f"another version ({old.get('version')}, this is {new.get('version')})")
    if "images" in other:
        words.append("other images")
    if not _MODEL.isdisjoint(other):
        words.append("another model")
    if options := sorted(other - _VERSION - _MODEL - {"images"}):
        words.append(f"other options ({', '.join(options)})")
    return " and ".join(words)


def interrupted_plan(store: Path) -> dict[str, Any]:
    """The plan of an analysis that has not finished; empty if there is none, or it is damaged."""
    plan = store / "parts" / "plan.json"
    try:
        demand_regular(plan)
        return dict(json.loads(plan.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
