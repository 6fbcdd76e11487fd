"""Atomic file writing: a file appears complete or not at all."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headbrush.analysis.store.errors import InputError

_ENDING = ".unfinished"


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

    Several processes may do so at once; the last one wins.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{_ENDING}")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, RuntimeError) and not reason.startswith("NetCDF"):
            raise
        raise WriteError(
            f"{path.parent}: cannot write {path.name} ({reason}); free some space or check "
            "the folder, then run the same command to resume."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Delete the temporary files that a killed process left in ``folder``."""
    for path in folder.glob(f"*{_ENDING}"):
        path.unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
