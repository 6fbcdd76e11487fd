"""A file of pairs of heads: which head of one store is which of another. Pure."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from headbrush.analysis.store.errors import InputError
from headbrush.server.stores.store_data import StoreData

COLUMNS = ("layer", "head", "layer_second", "head_second")
"""Of such a file, by their names; others do not count."""
_ENCODING = "utf-8-sig"
"""Spreadsheets begin a file with a mark."""


def pairs_of_file(path: Path, first: StoreData, second: StoreData) -> np.ndarray:
    """For each head of the first store its number in the second, −1 without one: ``(L·H,)``.

    The file is what the page of two stores and ``headbrush trends --beside --out`` write. A pair
    that is there several times, once for each metric, counts once.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, names a head that a store does not have, or gives a
        head two partners.
    """
    pairs = np.full(first.num_heads, -1)
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        head = _number(row, COLUMNS[:2], first, where)
        other = _number(row, COLUMNS[2:], second, where)
        taken = np.flatnonzero(pairs == other)
        if pairs[head] not in (-1, other) or (len(taken) and taken[0] != head):
            twice = first.head_labels[head] if pairs[head] not in (-1, other) else (
                second.head_labels[other] + " of the second store"
            )  # fmt: skip
            raise InputError(f"{where}: {twice} has two partners; give each head one.")
        pairs[head] = other
    if (pairs < 0).all():
        raise InputError(f"{path}: there is no pair of heads; give one a line.")
    return pairs


def _rows(path: Path) -> list[tuple[int, Mapping[str, str | None]]]:
    """The rows of a CSV file, each with its line."""
    try:
        with path.open(encoding=_ENCODING, newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{path}: there is no column {', '.join(missing)}; the columns are "
                    f"{','.join(COLUMNS)}."
                )
            return [(reader.line_num, row) for row in reader]
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file of pairs.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no CSV file that can be read ({error}).") from error


def _number(
    row: Mapping[str, str | None], columns: tuple[str, ...], data: StoreData, where: str
) -> int:
    """The number of the head that two columns name."""
    texts = [(row[name] or "").strip() for name in columns]
    is_whole = all(text.isascii() and text.isdigit() for text in texts)
    layer, head = (int(text[:9]) for text in texts) if is_whole else (-1, -1)
    if not (0 <= layer < data.num_layers and 0 <= head < data.heads_per_layer):
        raise InputError(
            f"{where}: {columns[0]} {texts[0] or '(empty)'}, {columns[1]} "
            f"{texts[1] or '(empty)'}: that store has layers 0 to {data.num_layers - 1}, each "
            f"with heads 0 to {data.heads_per_layer - 1}."
        )
    return data.head_at(layer, head).number
