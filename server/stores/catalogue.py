"""The served stores by name, and the stores that an address names."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store

_ENDING = "*.headbrush"
_LONGEST_NAME = 80


def check(words: Sequence[Path]) -> None:
    """Check that every word names a store or a folder of stores.

    Raises
    ------
    StoreError
        If a store named directly cannot be read. A damaged one in a folder is listed as such.
    InputError
        If a folder holds no stores.
    """
    for word in words:
        if not _is_folder_of_stores(word):
            Store(word, unfinished=True)
        elif not _stores_in(word):
            raise InputError(
                f"{word}: not a headbrush store, nor a folder that holds {_ENDING}; "
                "make one with 'headbrush analyze'."
            )


def served_stores(words: Sequence[Path]) -> dict[str, Path]:
    """Every served store by the name that addresses use; folders are listed again at each call.

    A name is the store's own; where several have it, with as many folders before it as tell them
    apart.
    """
    paths = list(dict.fromkeys(path.absolute() for path in _found(words)))
    return {_name(path, paths): path for path in paths}


def asked_stores(
    stores: Mapping[str, Path], arguments: Mapping[str, Sequence[bytes]]
) -> tuple[list[str], str]:
    """Names of the stores that an address asks for, none for the list, and a note.

    One store is shown at once, and several are listed first. Two are compared. An address names a
    store, never a path.
    """
    names = [
        values[0].decode("utf-8", "replace")
        for key in ("store", "with")
        if (values := arguments.get(key))
    ]
    shown = [name for name in names if name in stores]
    unknown = [name for name in names if name not in stores]
    if len(stores) == 1:
        shown = list(stores)
    elif unknown:
        shown = []
    strange = ", ".join(name[:_LONGEST_NAME] for name in unknown)
    note = f"The link names a store that this server does not have: {strange}." if strange else ""
    return list(dict.fromkeys(shown)), note


def _is_folder_of_stores(path: Path) -> bool:
    return path.is_dir() and not (path / "summary.nc").exists() and not (path / "parts").exists()


def _stores_in(folder: Path) -> list[Path]:
    """Its stores; files, and folders that systems hide by a dot, are none."""
    found = (path for path in folder.glob(_ENDING) if path.is_dir() and path.name[0] != ".")
    return sorted(found)


def _found(words: Sequence[Path]) -> Iterator[Path]:
    for word in words:
        if _is_folder_of_stores(word):
            yield from _stores_in(word)
        else:
            yield word


def _name(path: Path, paths: Sequence[Path]) -> str:
    """The shortest end of a path that no other path has; else all of it."""
    for length in range(1, len(path.parts)):
        end = path.parts[-length:]
        if sum(other.parts[-length:] == end for other in paths) == 1:
            return "/".join(end)
    return "/".join(path.parts)
