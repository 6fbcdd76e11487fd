"""Reports are shared: reduce absolute folders of the author's machine to their last name."""

import re
import shlex
from pathlib import PurePosixPath, PureWindowsPath

from headbrush.analysis.store.store import Store
from headbrush.server.stores.redact_paths import recorded_places


def without_folders(text: str, store: Store) -> str:
    """``text`` with the store's folders and files reduced to their last names."""
    for place in _known(store):
        whole = rf"(?<![\w.-]){re.escape(place)}(?![\w-])"
        text = re.sub(whole, lambda found: last_name(found[0]), text)
    return text


def short_command(command: str) -> str:
    """A command line without absolute folders."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return " ".join(shlex.quote(_short_word(word)) for word in words)


def last_name(place: str) -> str:
    """The last name of an absolute path; any other text unchanged."""
    if not _is_absolute(place):
        return place
    return re.split(r"[\\/]", place.rstrip("\\/"))[-1] or place


def _known(store: Store) -> list[str]:
    """Absolute paths of images, model and weights, the longest first."""
    places = [place.rstrip("\\/") for place in recorded_places(store)]
    return sorted(filter(_is_absolute, places), key=len, reverse=True)


def _short_word(word: str) -> str:
    option, sign, value = word.partition("=")
    return f"{option}={last_name(value)}" if sign else last_name(word)


def _is_absolute(place: str) -> bool:
    return PurePosixPath(place).is_absolute() or PureWindowsPath(place).is_absolute()
