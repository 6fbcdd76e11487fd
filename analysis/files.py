"""Files that appear whole or not at all."""

import errno
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.errors import InputError

_ENDING = ".unfinished"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LEAST_FREE = 4 * 2**20


class DiskFullError(InputError):
    """Nothing more can be written."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file that becomes ``path`` when the block ends well, and vanishes otherwise.

    Several processes may do so at once; the last one wins.

    Raises
    ------
    DiskFullError
        If there is no room for it.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{_ENDING}")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # netCDF4 tells of a full disk by a RuntimeError
        full = getattr(error, "errno", None) in _FULL
        if full or shutil.disk_usage(path.parent).free < _LEAST_FREE:
            raise DiskFullError(
                f"{path.parent}: no room to write {path.name}; free some, then give the same "
                "command to go on where it stopped."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Delete the temporary files that a killed process left in ``folder``."""
    for path in folder.glob(f"*{_ENDING}"):
        path.unlink(missing_ok=True)
