"""Whether a store can be written where the request says, before anything is loaded."""

import errno
import math
import os
import re
import stat
import tempfile
from pathlib import Path

from headbrush.analysis.run.work_folder import PartsError

_LONGEST_INSIDE = Path("attention", "00000.nc.01234567.unfinished")
"""The longest name below the folder of a store."""
_BLOCK = b"\0" * 4096
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""An address of something elsewhere; a drive of Windows has one letter."""
_TOO_LONG = "the name is too long for this disk"
_KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def demand_place(out: Path, images: Path | None) -> None:
    """Check that the folder ``out`` is there or can be made, and written to.

    Nothing is left behind: the check writes an unnamed temporary file.

    Parameters
    ----------
    images
        The folder of images; None of a dataset of this process.

    Raises
    ------
    PartsError
        If it cannot; ``str()`` says why.
    """
    if _ADDRESS.match(str(out)):
        raise PartsError(f"{out}: this is an address; give --out a folder on this computer.")
    place = nearest_folder(out)
    if images is not None:
        _refuse_overlap(out, images)
    inner = [out / name for name in ("parts", "attention")] if place == out else []
    for folder in (place, *(folder for folder in inner if folder.is_dir())):
        _demand_writable(out, folder)


def nearest_folder(out: Path) -> Path:
    """The folder ``out``, or the closest one above it that exists.

    Raises
    ------
    PartsError
        If something that is no folder is in the way.
    """
    _look(out, out / _LONGEST_INSIDE)
    for place in (out, *out.absolute().parents):
        mode = _look(out, place)
        if mode is None:
            if place.is_symlink():
                raise _refused(out, f"{place} is a link to nothing")
        elif stat.S_ISDIR(mode):
            _refuse_long_names(out, place)
            return place
        else:
            kind = next((name for test, name in _KINDS if test(mode)), "not a folder")
            raise _refused(out, f"exists and is {kind}" if place == out else f"{place} is {kind}")
    raise _refused(out, "no folder above it exists")


def _look(out: Path, place: Path) -> int | None:
    """The mode of ``place``; None where nothing is."""
    try:
        return place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):  # what is no folder comes further up
        return None
    except (OSError, ValueError) as error:
        raise _refused(out, _reason(place, error)) from error


def _refuse_long_names(out: Path, place: Path) -> None:
    if any(len(os.fsencode(part)) > _longest_name(place) for part in out.parts):
        raise _refused(out, _TOO_LONG)


def _longest_name(place: Path) -> float:
    """Bytes of the longest name of a file in ``place``, where its disk says so."""
    if not hasattr(os, "pathconf"):
        return 255
    try:
        longest = os.pathconf(place, "PC_NAME_MAX")
    except (OSError, ValueError):
        return 255
    return longest if longest > 0 else math.inf


def _reason(place: Path, error: OSError | ValueError) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ELOOP:
        return f"{place} is a loop of links"
    if number == errno.ENAMETOOLONG:
        return _TOO_LONG
    if isinstance(error, PermissionError):
        return f"no permission to look into {place.parent}"
    if isinstance(error, ValueError):  # a zero byte, or letters that the disk's names cannot hold
        return "no folder can have this name"
    return f"{place} cannot be read ({getattr(error, 'strerror', None) or error})"


def _refuse_overlap(out: Path, images: Path) -> None:
    store, pictures = Path(os.path.realpath(out)), Path(os.path.realpath(images))
    if store == pictures:
        raise _refused(out, "this is the folder of images")
    if store.is_relative_to(pictures):
        raise _refused(out, f"lies in the folder of images, {images}")
    if pictures.is_relative_to(store):
        raise _refused(out, f"the folder of images, {images}, lies in it")


def _demand_writable(out: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_BLOCK)
            file.flush()
    except OSError as error:
        raise _refused(out, _why_unwritable(folder, error)) from error


def _why_unwritable(folder: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return f"the disk of {folder} is read-only"
    if isinstance(error, PermissionError):
        return f"no permission to write in {folder}"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return f"no space is left on the disk of {folder}"
    return f"cannot write in {folder} ({error.strerror or error})"


def _refused(out: Path, reason: str) -> PartsError:
    return PartsError(f"{_printable(out)}: {reason}; choose another --out.")


def _printable(path: Path) -> str:
    """The path with at most 200 characters, in letters that every terminal can take."""
    text = str(path).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return text if len(text) <= 200 else f"{text[:120]}…{text[-60:]}"
