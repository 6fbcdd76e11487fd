"""A lock on a folder, also on disks that have no locks of their own.

Where the disk has locks, the operating system holds one and frees it when its process ends. Network
disks may lack them (NFS without its lock service, Lustre mounted with ``noflock``): there a file
that names its owner is the lock. Such a file outlives a process that is killed. The next run takes
it over if it can see that the owner, on the same computer, has ended; otherwise it has to be
deleted.
"""

import warnings
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from headbrush.analysis.store.atomic_files import writing
from headbrush.analysis.store.errors import InputError

NAMES = frozenset({"lock", "lock.owner"})
"""Files that a lock may leave in its folder."""
_NoLocksWarning = UserWarning
"""What filelock warns of where a system call is missing, before it makes a file of its own."""
_TAKE_OVER_SECONDS = 0.2
"""For a second try: at the first, filelock may just delete what a killed process left."""


class LockedError(InputError):
    """Another process holds the lock."""


class DiskLock:
    """The lock of one folder, which exists; ``acquire`` waits for no other analysis."""

    def __init__(self, folder: Path) -> None:
        self._native = folder / "lock"
        self._owner = folder / "lock.owner"
        self._held: BaseFileLock | None = None

    @property
    def was_taken(self) -> bool:
        """Whether a process has locked the folder, now or earlier."""
        return self._native.is_file() or self._owner.is_file()

    def acquire(self) -> None:
        """Take the lock, at the latest until this process ends.

        Raises
        ------
        LockedError
            If another process holds it.
        WriteError
            If its file cannot be written.
        """
        with writing(self._native):
            try:
                self._held = _taken(FileLock(self._native, timeout=0))
            except (PermissionError, FileNotFoundError):
                raise
            except Timeout as error:
                raise LockedError("another analysis is writing it.") from error
            except (OSError, _NoLocksWarning):
                self._held = self._owner_file()

    def release(self) -> None:
        """Free the lock; on a disk that is gone it frees itself."""
        if self._held is not None:
            with suppress(OSError):
                self._held.release()
            self._held = None

    def _owner_file(self) -> BaseFileLock:
        try:
            return _taken(SoftFileLock(self._owner, timeout=_TAKE_OVER_SECONDS))
        except Timeout as error:
            raise LockedError(
                "another analysis is writing it, or was killed (its disk has no locks, so this "
                f"cannot be told apart); if none is running, delete {self._owner}."
            ) from error


def _taken(lock: BaseFileLock) -> BaseFileLock:
    with warnings.catch_warnings():
        warnings.simplefilter("error", _NoLocksWarning)
        lock.acquire()
    return lock
