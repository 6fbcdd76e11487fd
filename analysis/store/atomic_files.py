"""Atomic file writing: a file appears complete or not at all."""

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headbrush.analysis.store import HDF5_LOCKS
from headbrush.analysis.store.errors import InputError

_ENDING = ".unfinished"


def _numbers(*names: str) -> frozenset[int]:
    """Those of the errors that this operating system has."""
    return frozenset(getattr(errno, name) for name in names if hasattr(errno, name))


_FULL = _numbers("ENOSPC", "EDQUOT", "EFBIG")
_FORBIDDEN = _numbers("EACCES", "EPERM", "EROFS")
_CANNOT_FLUSH = _numbers("EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP")
_HDF5_ERROR = -101  # netCDF's number for every error of HDF5
_GONE = _numbers("EIO", "ENODEV", "ENXIO", "ESTALE", "EREMOTEIO", "ENOTCONN", "ETIMEDOUT")


class WriteError(InputError):
    """A file that cannot be written, for example to a full disk."""


def check_writable(path: Path) -> None:
    """Check early that a file can be written.

    Raises
    ------
    WriteError
        If ``path`` is a folder, or its folder does not exist.
    """
    if path.is_dir():
        raise WriteError(f"{path}: this is a folder; give a file name.")
    if not path.parent.is_dir():
        raise WriteError(f"{path}: the folder {path.parent} does not exist; create it first.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` if the block succeeds and is deleted otherwise.

    It is on the disk before it has its name: a power cut leaves no half of it under this name, and
    a network disk says in time that it cannot take it. Several processes may do so at once; the
    last one wins.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{_ENDING}")
    with writing(path):
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(path)
        finally:
            _try_to_remove(temporary)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk or netCDF-4 refuses while ``path`` is written into one line.

    Raises
    ------
    WriteError
        Instead of an ``OSError``, or of netCDF's ``RuntimeError``.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, RuntimeError) and not reason.startswith("NetCDF"):
            raise
        raise WriteError(
            f"{path.parent}: cannot write {path.name} ({reason}); {_way_out(error)}, then run "
            "the same command to resume."
        ) from error


def _way_out(error: OSError | RuntimeError) -> str:
    number = getattr(error, "errno", None)
    if number in _FULL:
        return "free some space, or raise the quota or the limit of file sizes"
    if number in _FORBIDDEN:
        return "check the permissions of the folder and that its disk is not read-only"
    if number in _GONE:
        return "check that the disk is still connected and sound"
    return lock_advice(error) or "check the folder and the space on its disk"


def lock_advice(error: Exception) -> str:
    """How to go on where HDF5 may have asked a disk for a lock that the disk does not have."""
    if not HDF5_LOCKS or getattr(error, "errno", None) != _HDF5_ERROR:
        return ""
    return (
        "if its disk has no file locks, import headbrush before netCDF4, or set "
        "HDF5_USE_FILE_LOCKING=FALSE"
    )


def _flush(path: Path) -> None:
    """Wait until the disk has the file; some can only be trusted."""
    with path.open("rb+") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _CANNOT_FLUSH:
                raise


def remove_unfinished(folder: Path) -> None:
    """Delete the temporary files that a killed process left in ``folder``."""
    for path in folder.glob(f"*{_ENDING}"):
        _try_to_remove(path)


def _try_to_remove(path: Path) -> None:
    """Delete a temporary file; one that the disk does not give up hides no other error."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
