"""Damaged copies of a store, and what reading one gives."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.schema import REQUIRED_ATTRIBUTES, VARIABLES
from headbrush.analysis.store.store import Store

Content = dict[object, np.ndarray]
FILES = ("summary.nc", "attention/00000.nc")


def content_of(path: Path, kept: tuple[int, ...]) -> Content:
    """Every value of a store: variables, attributes, and the matrices of ``kept`` images."""
    store = Store(path)
    found: Content = {name: store.read(name) for name in VARIABLES if store.has(name)}
    found |= {("attribute", name): np.array(store.attrs[name]) for name in REQUIRED_ATTRIBUTES}
    for image in kept:
        for layer in range(store.sizes["layer"]):
            for head in range(store.sizes["head"]):
                matrix = store.attention(image, layer, head)
                found[image, layer, head] = np.zeros(0) if matrix is None else matrix
    return found


def outcome(path: Path, sound: Content, kept: tuple[int, ...]) -> str:
    """``same``, ``one line``, or what else came of reading a damaged store."""
    try:
        found = content_of(path, kept)
    except StoreError as error:
        return "one line" if "\n" not in str(error) else f"lines: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if found.keys() != sound.keys():
        return f"other variables: {found.keys() ^ sound.keys()}"
    other = [name for name in sound if not np.array_equal(found[name], sound[name])]
    return f"other values of {other[0]}" if other else "same"


def damaged_copies(sound: Path, other: Path, work: Path, count: int, seed: int) -> Iterator[str]:
    """Damage the copy ``work`` of ``sound`` in ``count`` ways; gives what was done each time.

    Parameters
    ----------
    other
        A store of the same sizes with other values, whose files are swapped in.
    """
    rng = np.random.default_rng(seed)
    shutil.copytree(sound, work)
    for number in range(count):
        name = FILES[int(rng.integers(2))]
        kind = ("flip", "flip", "flip", "cut", "insert", "zeros", "swap", "add")[number % 8]
        data = bytearray((sound / name).read_bytes())
        place = int(rng.integers(len(data)))
        if kind == "flip":
            for at in rng.integers(len(data), size=int(rng.integers(1, 9))):
                data[at] ^= int(rng.integers(1, 256))
        elif kind == "cut":
            del data[place : place + int(rng.choice([1, 64, 4096, len(data)]))]
        elif kind == "insert":
            data[place:place] = rng.bytes(int(rng.choice([1, 8, 512])))
        elif kind == "zeros":
            data[place : place + 512] = bytes(len(data[place : place + 512]))
        elif kind == "swap":
            name = FILES[1]
            data = bytearray((other / name).read_bytes())
        target = name if kind != "add" else "attention/00001.nc"
        (work / target).write_bytes(data if kind != "add" else (other / FILES[1]).read_bytes())
        yield f"{kind} {target} at {place}"
        for file in FILES:
            shutil.copyfile(sound / file, work / file)
        (work / "attention" / "00001.nc").unlink(missing_ok=True)
