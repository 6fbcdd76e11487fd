"""Texts as classes: their names and embeddings in a file, as CLIP and SigLIP are used."""

import csv
import json
import zipfile
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from headbrush.analysis.images.labels.text_file import TextError, decoded
from headbrush.analysis.model.modules.classifiers.given import TEXTS, GivenClassifier
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import LONGEST_NAME

CLIP_SCALE = 100.0
"""CLIP's factor of cosines, at which its training holds it; of files that give none."""
_NORM = 1e-2
"""How far the norm of an embedding may be from 1."""
_EXPECTED = "expected embedding (texts × numbers) and name (texts)"


class TextsError(InputError):
    """A file of texts that cannot be used."""


@dataclass(frozen=True)
class _Texts:
    embedding: np.ndarray
    names: tuple[str, ...]
    scale: float = CLIP_SCALE
    bias: float | None = None


def texts_classifier(path: Path, outputs: str = "auto") -> GivenClassifier:
    """The classifier whose logits are scale × cosine of image and text + bias.

    Parameters
    ----------
    path
        ``.npz`` with ``embedding`` (K, d), ``name`` (K,) and perhaps ``scale`` and ``bias``, one
        number each; ``.safetensors`` with the same, but the names as a JSON list, ``name`` of its
        metadata; or ``.csv``, a line a text: its name and the numbers of its embedding.
    outputs
        ``softmax`` or ``sigmoid``; ``auto``: by sigmoid, as SigLIP's, where the file has a bias.

    Raises
    ------
    TextsError
        For a file that is no such thing, names that are empty or repeated, and embeddings that
        are not finite, not of norm 1, or the same for two texts.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TextsError(f"--texts {path}: cannot be read ({error.strerror}).") from error
    if content.startswith(b"PK"):
        found = _of_npz(path, content)
    else:
        has_header = int.from_bytes(content[:8], "little") < len(content)  # its length
        is_safetensors = has_header or path.suffix == ".safetensors"
        found = _of_safetensors(path) if is_safetensors else _of_csv(path, content)
    _demand_sound(path, found)
    activation = ("softmax" if found.bias is None else "sigmoid") if outputs == "auto" else outputs
    bias = "" if found.bias is None else f", bias {found.bias:.4g}"
    embedding = found.embedding.astype(float)
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    return GivenClassifier(
        TEXTS,
        (found.scale * unit).astype(np.float32),
        np.full(len(unit), found.bias or 0, np.float32),
        activation,
        found.names,
        f"{len(unit)} texts of {path.name}, scale {found.scale:.4g}{bias}",
    )


def _of_npz(path: Path, content: bytes) -> _Texts:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            values = {name: np.asarray(file[name]) for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError) as error:
        words = " ".join(str(error).split())[:120]
        raise TextsError(
            f"--texts {path}: not a readable npz of plain arrays ({words}); {_EXPECTED}."
        ) from error
    return _of_arrays(path, values)


def _of_safetensors(path: Path) -> _Texts:
    """Its tensors are numbers, so the names are in its metadata."""
    try:
        with safe_open(path, framework="np") as file:
            values = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            names = json.loads((file.metadata() or {}).get("name", "null"))
    except (SafetensorError, ValueError, TypeError, OSError, RecursionError) as error:
        words = " ".join(str(error).split())[:120]
        raise TextsError(
            f"--texts {path}: not a readable safetensors file of NumPy's numbers ({words}); "
            "expected embedding (texts × numbers), and name in its metadata, a JSON list of texts."
        ) from error
    values.pop("name", None)
    if isinstance(names, list) and names and all(isinstance(one, str) for one in names):
        values["name"] = np.array(names)
    return _of_arrays(path, values)


def _of_arrays(path: Path, values: dict[str, np.ndarray]) -> _Texts:
    missing = [name for name in ("embedding", "name") if name not in values]
    if missing:
        raise TextsError(f"--texts {path}: lacks {missing[0]}; {_EXPECTED}.")
    names = values["name"]
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise TextsError(
            f"--texts {path}: name is {names.dtype} of shape {names.shape}, expected a row of texts"
        )
    words = tuple(
        one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in names.tolist()
    )
    scale, bias = _number(path, values, "scale"), _number(path, values, "bias")
    return _Texts(values["embedding"], words, CLIP_SCALE if scale is None else scale, bias)


def _number(path: Path, values: dict[str, np.ndarray], name: str) -> float | None:
    value = values.get(name)
    if value is None:
        return None
    is_sound = value.size == 1 and value.dtype.kind in "fiu" and bool(np.isfinite(value).all())
    if not is_sound or (name == "scale" and float(value.reshape(())) <= 0):
        more = ", more than 0: the factor itself, not its logarithm" if name == "scale" else ""
        raise TextsError(f"--texts {path}: {name} is not one finite number{more}.")
    return float(value.reshape(()))


def _of_csv(path: Path, content: bytes) -> _Texts:
    try:
        rows = [row for row in csv.reader(StringIO(decoded(content))) if any(map(str.strip, row))]
    except (TextError, csv.Error) as error:
        raise TextsError(f"--texts {path}: {error}; give .npz, .safetensors or .csv.") from error
    if rows and len(rows[0]) > 1 and not _is_number(rows[0][1]):
        rows = rows[1:]  # a header
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths == {1}:
        raise TextsError(
            f"--texts {path}: expected lines of a name and as many numbers each; found "
            f"{len(rows)} lines of {', '.join(map(str, sorted(widths)[:4])) or 'nothing'} cells."
        )
    for line, row in enumerate(rows, 1):
        for cell in row[1:]:
            if not _is_number(cell):
                raise TextsError(f"--texts {path}: text {line}: {cell[:40]!r} is not a number.")
    return _Texts(np.array([row[1:] for row in rows], float), tuple(row[0].strip() for row in rows))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _demand_sound(path: Path, found: _Texts) -> None:
    embedding, names = found.embedding, found.names
    if embedding.ndim != 2 or embedding.dtype.kind != "f":
        raise TextsError(
            f"--texts {path}: embedding is {embedding.dtype} of shape {embedding.shape}, expected "
            "real numbers (texts × numbers)."
        )
    if len(names) != len(embedding):
        raise TextsError(f"--texts {path}: {len(names)} names for {len(embedding)} embeddings.")
    if len(names) < 2:
        raise TextsError(f"--texts {path}: {len(names)} texts; expected at least two to choose.")
    _demand_names(path, names)
    for place in np.flatnonzero(~np.isfinite(embedding).all(1))[:1]:
        raise TextsError(f"--texts {path}: the embedding of {names[place]!r} is not finite.")
    norms = np.linalg.norm(embedding.astype(float), axis=1)
    for place in np.flatnonzero(abs(norms - 1) > _NORM)[:1]:
        raise TextsError(
            f"--texts {path}: the embedding of {names[place]!r} has norm {norms[place]:.4g}, "
            "expected 1; divide each embedding by its norm."
        )
    _, first, which = np.unique(embedding, axis=0, return_index=True, return_inverse=True)
    for place, one in enumerate(first[which.reshape(-1)]):
        if place != one:
            raise TextsError(
                f"--texts {path}: {names[one]!r} and {names[place]!r} have the same embedding."
            )


def _demand_names(path: Path, names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if not name.strip() or len(name) > LONGEST_NAME:
            raise TextsError(
                f"--texts {path}: the name of text {place} is empty or longer than {LONGEST_NAME} "
                "characters."
            )
        if name in seen:
            raise TextsError(f"--texts {path}: the name {name[:80]!r} is there twice.")
        seen.add(name)
