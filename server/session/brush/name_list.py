"""An uploaded list of file names (untrusted text), and the images it names. Pure."""

import csv
import io
from collections.abc import Sequence

from headbrush.server.stores.store_data import StoreData

MOST_BYTES = 4_000_000
_FORMULA = tuple("=+-@\t\r")


class NamesError(ValueError):
    """Why a list of names cannot be read, as one sentence."""


def read_names(content: bytes) -> list[str]:
    """The column ``name`` of a CSV file (``,``, ``;`` or tab), else every line of a plain list."""
    if len(content) > MOST_BYTES:
        raise NamesError(f"The list is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NamesError("The list is not UTF-8 text; save it as CSV UTF-8.") from None
    if text[:4].casefold() == "sep=":  # tells a spreadsheet the delimiter
        text = text.partition("\n")[2]
    lines = text.splitlines()
    if not text.strip():
        raise NamesError("The list is empty.")
    for delimiter in ",;\t":
        (header,) = _rows(lines[0], delimiter)[:1] or [[]]
        columns = [cell.strip().casefold() for cell in header]
        if "name" in columns:
            index = columns.index("name")
            cells = [row[index].strip() for row in _rows(text, delimiter)[1:] if len(row) > index]
            return [cell for cell in cells if cell]
    return [line.strip() for line in lines if line.strip()]


def find_images(names: Sequence[str], data: StoreData) -> tuple[list[int], str]:
    """Numbers of the images that ``names`` name, and a sentence with their count."""
    numbers = {name: number for number, name in enumerate(data.names)}
    images: set[int] = set()
    unknown: list[str] = []
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        number = numbers.get(name, numbers.get(_unquoted(name)))
        if number is None:
            unknown.append(name)
        else:
            images.add(number)
    words = f"{len(wanted) - len(unknown)} of {len(wanted)} names found"
    if unknown:
        words += f"; the first unknown is {unknown[0][:60]!r}"
    return sorted(images), f"{words}."


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
