"""Rows of a class file, from a table, a list of names or JSON."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headbrush.analysis.images.labels.class_list import ClassError

_FOLDER = ("folder", "folders", "directory", "dir", "class_folder", "synset", "wnid", "key")
_INDEX = ("index", "idx", "class_index", "class_idx", "class_id", "label_id", "output", "target",
          "number", "id")  # fmt: skip
_NAME = ("name", "class_name", "classname", "class", "label", "label_name", "description",
         "category", "readable", "text")  # fmt: skip
_WHOLE = re.compile(r"\+?(\d{1,9})(\.0*)?")
_SYNSET = re.compile(r"(n\d{8})[ \t]+(\S.*)")
_PAIR = re.compile(r"(?P<name>\S+)[ \t]+(?P<index>\d+)|(?P<first>\d+)[ \t:]+(?P<rest>\S.*)")
_EXPECTED = (
    "expected lines folder,index,name, one name a line in the order of the outputs, or JSON such "
    'as {"cat": 0} or {"0": "cat"}'
)


@dataclass(frozen=True)
class ClassRow:
    """One class of a file.

    Attributes
    ----------
    key
        The folder, or the identifier of a class.
    name
        Its readable name; empty if there is none beside the key.
    place
        Where it stands, for a sentence.
    """

    key: str
    index: int
    name: str
    place: str


@dataclass(frozen=True)
class Rows:
    """What a file holds; see ``ClassFile``."""

    rows: tuple[ClassRow, ...]
    has_folders: bool = True
    is_order: bool = False


def rows_of_text(path: Path, text: str) -> Rows:
    """Rows of a table or of a list of names.

    Raises
    ------
    ClassError
        If a line of a table has no folder or no index.
    """
    if text[:4].casefold() == "sep=":  # tells a spreadsheet the delimiter
        text = "\n" + text.partition("\n")[2]
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ClassError(f"{path}: the class file is empty; {_EXPECTED}.")
    for delimiter in "\t;,":
        cells = _cells(path, text, delimiter)
        column = _index_column(cells)
        if column is not None:
            return _table(path, cells, column)
    pairs = [(n, _PAIR.fullmatch(line)) for n, line in lines]
    if all(match for _, match in pairs):
        found = _pairs(pairs)
        if len({row.key for row in found.rows}) == len(pairs):  # not "class 0", "class 1"
            return found
    return _names(lines)


def _cells(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, with their lines."""
    found = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                found.append((reader.line_num, cells))
    except csv.Error as error:
        raise ClassError(f"{path}: not a table ({error}); {_EXPECTED}.") from error
    return found


def _index_column(cells: list[tuple[int, list[str]]]) -> int | None:
    """The column of indices; None if these are not the rows of a table."""
    header, rows = cells[0][1], [row for _, row in cells]
    if len(header) < 2:
        return None
    named = _column(header, _INDEX)
    whole = [
        sum(len(row) > k and bool(_WHOLE.fullmatch(row[k])) for row in rows)
        for k in range(len(header))
    ]
    if named is not None and (whole[named] or not any(whole)):
        return named
    full = [k for k in range(len(header)) if whole[k] * 2 > len(rows) - 1]
    if _WHOLE.fullmatch(header[full[0]] if full else ""):  # no header: folder, index
        return 1 if 1 in full else full[0]
    return full[-1] if len(full) == 1 else (1 if 1 in full else None)


def _table(path: Path, cells: list[tuple[int, list[str]]], index: int) -> Rows:
    first = cells[0][1]
    has_header = not _WHOLE.fullmatch(first[index])
    if len(cells) == 1 and has_header:
        raise ClassError(f"{path}: no class below the header; {_EXPECTED}.")
    folder = _column(first, _FOLDER) if has_header else None
    name = _column(first, _NAME, index) if has_header else None
    others = [k for k in range(len(first)) if k not in (index, folder, name)]
    has_folders = folder is not None or name is None or bool(others and others[0] < name)
    if folder is None:
        folder = others[0] if has_folders and others else name
    if name is None:
        name = next((k for k in others if k != folder), None)
    rows = []
    for line, row in cells[has_header:]:
        key, number, readable = (
            row[k] if k is not None and k < len(row) else "" for k in (folder, index, name)
        )
        whole = _WHOLE.fullmatch(number)
        if not key or not whole:
            raise ClassError(
                f"{path}, line {line}: expected a folder and the number of a model output, "
                f"folder,index,name; found {','.join(row)[:60]!r}."
            )
        place = f"line {line}"
        rows.append(ClassRow(key, int(whole[1]), readable if name != folder else "", place))
    return Rows(tuple(rows), has_folders)


def _column(header: Sequence[str], known: Sequence[str], taken: int | None = None) -> int | None:
    """The column that is called by one of the ``known`` words, the first word first."""
    plain = [re.sub(r"[\W_]+", "_", cell.casefold()).strip("_") for cell in header]
    places = [plain.index(word) for word in known if word in plain]
    return next((place for place in places if place != taken), None)


def _pairs(pairs: Sequence[tuple[int, Any]]) -> Rows:
    """Lines ``cat 0``, or ``0 cat``."""
    is_named = all(match["name"] for _, match in pairs)
    rows = tuple(
        ClassRow(match["name"], int(match["index"]), "", f"line {line}")
        if is_named
        else ClassRow(
            match["rest"] or match["index"],
            int(match["first"] or match["name"]),
            "",
            f"line {line}",
        )
        for line, match in pairs
    )
    return Rows(rows, has_folders=is_named)


def _names(lines: Sequence[tuple[int, str]]) -> Rows:
    """One name a line, or ImageNet's ``n01440764 tench, Tinca tinca``."""
    rows = []
    for index, (line, text) in enumerate(lines):
        synset = _SYNSET.fullmatch(text)
        key, name = synset.groups() if synset else (text.strip("\"'"), "")
        rows.append(ClassRow(key, index, name, f"line {line}"))
    return Rows(tuple(rows), has_folders=False, is_order=True)


def rows_of_json(path: Path, text: str) -> Rows:
    """Rows of ``{"cat": 0}``, ``{"0": "cat"}``, a list, or a config that holds one of these.

    Raises
    ------
    ClassError
        If it is none of these.
    """
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: _once(path, pairs))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ClassError(f"{path}: not JSON ({error}); {_EXPECTED}.") from error
    value = _inner(value)
    if isinstance(value, list):
        return Rows(tuple(_output(path, index, item) for index, item in enumerate(value)),
                    has_folders=False, is_order=True)  # fmt: skip
    if not isinstance(value, dict) or not value:
        raise ClassError(f"{path}: {_EXPECTED}.")
    if all(_whole(item) is not None for item in value.values()):
        rows = [
            ClassRow(key, _whole(item) or 0, "", f"entry {key!r}") for key, item in value.items()
        ]
        return Rows(tuple(rows))
    if all(_whole(key) is not None for key in value):
        rows = [_output(path, _whole(key) or 0, item) for key, item in value.items()]
        return Rows(tuple(rows), has_folders=False)
    raise ClassError(f"{path}: {_EXPECTED}.")


def _inner(value: Any) -> Any:
    """What a config of timm or transformers says about classes."""
    for name in ("class_to_idx", "label2id", "id2label", "label_names", "names"):
        for holder in (value, value.get("pretrained_cfg") if isinstance(value, dict) else None):
            if isinstance(holder, dict) and isinstance(holder.get(name), (dict, list)):
                return holder[name]
    return value


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise ClassError(f"{path}: {key!r} stands there twice, with different values.")
        found[key] = value
    return found


def _output(path: Path, index: int, item: Any) -> ClassRow:
    """The class of an output: a name, or an identifier and a name."""
    words = item if isinstance(item, list) else [item]
    if not words or not all(isinstance(word, (str, int)) for word in words):
        raise ClassError(f"{path}, entry {index}: {_EXPECTED}.")
    return ClassRow(str(words[0]), index, str(words[1]) if len(words) > 1 else "", f"entry {index}")


def _whole(value: Any) -> int | None:
    match = None if isinstance(value, bool) else _WHOLE.fullmatch(str(value).strip())
    return int(match[1]) if match else None
