"""An uploaded list of file names (untrusted text), and the images it names. Pure."""

import csv
import io
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from headbrush.analysis.images.labels.text_file import TextError, decoded
from headbrush.server.stores.store_data import StoreData

MOST_BYTES = 4_000_000
_FORMULA = tuple("=+-@\t\r")
_COLUMNS = ("name", "filename", "file_name", "file", "path", "filepath", "file_path", "image_name",
            "image_path", "img_path", "uri", "url", "image", "img")  # fmt: skip
_MOST_CELLS = 20
_SHOWN = 60


class NamesError(ValueError):
    """Why a list of names cannot be read, as one sentence."""


def read_names(content: bytes) -> list[str]:
    """Names from a CSV file (``,``, ``;`` or tab), a JSON list, or every line of a plain list.

    A CSV file has a header with ``name``, ``filename``, ``path`` or the like. Of other lines with
    several cells, :func:`find_images` takes the first that names an image.
    """
    if len(content) > MOST_BYTES:
        raise NamesError(f"The list is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        text = decoded(content)
    except TextError:
        raise NamesError("The list is not text in UTF-8 or UTF-16; save it as CSV UTF-8.") from None
    if text[:4].casefold() == "sep=":  # tells a spreadsheet the delimiter
        text = text.partition("\n")[2]
    if not text.strip():
        raise NamesError("The list is empty.")
    if text.lstrip()[0] in "[{":
        found = _json_names(text)
        if found is not None:
            return found
    text = text.lstrip("\r\n")
    lines = text.splitlines()
    for delimiter in ",;\t":
        (header,) = _rows(lines[0], delimiter)[:1] or [[]]
        columns = [cell.strip().casefold().replace(" ", "_") for cell in header]
        known = [columns.index(name) for name in _COLUMNS if name in columns]
        if known:
            rows = _rows(text, delimiter)[1:]
            cells = [row[known[0]].strip() for row in rows if len(row) > known[0]]
            return [cell for cell in cells if cell]
    return [line.strip() for line in lines if line.strip()]


def _json_names(text: str) -> list[str] | None:
    """Names of a JSON list of texts or of objects; None if it is not JSON."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):  # COCO: {"images": [{"file_name": …}]}
        value = next((item for item in value.values() if isinstance(item, list)), [])
    names = []
    for item in value:
        found = item
        if isinstance(item, dict):
            found = next((item[name] for name in _COLUMNS if name in item), None)
        if isinstance(found, str) and found.strip():
            names.append(found.strip())
    if not names:
        raise NamesError('The JSON holds no names; expected a list such as ["a.png", "b.png"].')
    return names


def find_images(names: Sequence[str], data: StoreData) -> tuple[list[int], str]:
    """Numbers of the images that ``names`` name, and a sentence with their count.

    A name is an image's own, a path that ends in it, or its last parts if no other image has the
    same. Quotes, ``./``, backslashes, ``file://`` and ``%20`` are understood.
    """
    index = _Index(data.names)
    images: set[int] = set()
    unknown: list[str] = []
    ambiguous: list[str] = []
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        found = index.find(name)
        if len(found) == 1:
            images.add(found[0])
        else:
            (ambiguous if found else unknown).append(name)
    words = f"{len(wanted) - len(unknown) - len(ambiguous)} of {len(wanted)} names found"
    for kind, some in (("unknown", unknown), ("ambiguous", ambiguous)):
        if some:
            words += f"; {len(some)} {kind}, the first is {some[0][:_SHOWN]!r}"
    if ambiguous:
        several = [data.names[number][:_SHOWN] for number in index.find(ambiguous[0])[:2]]
        words += f", which may be {several[0]!r} or {several[1]!r}"
    return sorted(images), f"{words}."


class _Index:
    """Images by their names and by the last parts of these."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {name: number for number, name in enumerate(names)}
        self._whole: dict[str, list[int]] = defaultdict(list)
        self._ends: dict[str, list[int]] = defaultdict(list)
        self._depth = 1
        for number, name in enumerate(names):
            parts = _plain(name).split("/")
            self._depth = max(self._depth, len(parts))
            self._whole["/".join(parts)].append(number)
            for start in range(1, len(parts)):
                self._ends["/".join(parts[start:])].append(number)

    def find(self, text: str) -> list[int]:
        """Numbers of the images that a text may mean."""
        for form in _forms(text):
            if form in self._exact:
                return [self._exact[form]]
            found = self._by_path(_plain(form))
            if found:
                return found
        return []

    def _by_path(self, path: str) -> list[int]:
        parts = path.rsplit("/", self._depth)
        for start in range(len(parts)):
            found = self._whole.get("/".join(parts[start:]))
            if found:
                return found
        return self._ends.get(path.removeprefix("/"), [])


def _forms(text: str) -> Iterator[str]:
    """What a line may mean, the most literal first."""
    yield text
    yield _unquoted(text)
    bare = text.strip().strip("\"'").strip()
    yield bare
    yield unquote(bare)
    for delimiter in "\t;,":
        if delimiter in text:
            for cell in text.split(delimiter, _MOST_CELLS)[:_MOST_CELLS]:
                yield cell.strip().strip("\"'").strip()


def _plain(name: str) -> str:
    """A path with ``/`` between its parts, composed letters, and no ``file://`` or ``./``."""
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    if path[:7].casefold() == "file://":
        path = path[7:]
    while path.startswith("./"):
        path = path[2:]
    return path.replace("/./", "/")


def quoted(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _unquoted(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise NamesError(f"The list is not CSV: {error}.") from None
