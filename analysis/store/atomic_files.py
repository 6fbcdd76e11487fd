"""Files that appear whole or not at all."""

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
    """Refuse a file that could not be written in the end.

    Raises
    ------
    WriteError
        If ``path`` is a folder, or is in none.
    """
    if path.is_dir():
        raise WriteError(f"{path}: this is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise WriteError(f"{path}: there is no folder {path.parent}; make it first.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` when the block ends well, and vanishes otherwise.

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
            f"{path.parent}: cannot write {path.name} ({reason}); make room or check the folder, "
            "then give the same command to go on where it stopped."
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
