"""Open any file that is given as a checkpoint, by its content and not by its name."""

import hashlib
import re
import stat
from pathlib import Path
from typing import Any

from headbrush.analysis.model.weights.files.safetensors_files import read_safetensors, shards_of
from headbrush.analysis.model.weights.files.stored_tensor import Unreadable, shown
from headbrush.analysis.model.weights.files.torch_files import read_archive, read_old_file
from headbrush.analysis.store.atomic_files import file_digest
from headbrush.analysis.store.errors import ModelError

_HEAD = 512
_FOREIGN = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes"),
    (b"\x93NUMPY", "a NumPy file, as JAX writes weights"),
    (b"GGUF", "a GGUF file of llama.cpp"),
    (b"\x1f\x8b", "compressed with gzip; unpack it and give the file in it"),
    (b"BZh", "compressed with bzip2; unpack it and give the file in it"),
    (b"\xfd7zXZ", "compressed with xz; unpack it and give the file in it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it and give the file in it"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it and give the file in it"),
    (b"Rar!", "a RAR archive; unpack it and give the file in it"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
)
_ONNX = re.compile(rb"\A\x08[\x01-\x14](?:\x12|\x3a|.{0,40}pytorch)", re.DOTALL)


def open_checkpoint(path: Path) -> Any:
    """The data of a file of weights, with a ``StoredTensor`` for each tensor.

    Nothing in the file is run; values are read later.

    Raises
    ------
    ModelError
        If it is missing, damaged, or anything but weights.
    """
    head = _head(path)
    try:
        return _opened(path, head)
    except Unreadable as error:
        raise ModelError(f"{path}: not a readable file of weights: {error}.") from error
    except (OSError, MemoryError) as error:
        raise ModelError(f"{path}: cannot be read ({_reason(error)}).") from error


def checkpoint_digest(path: Path) -> str:
    """SHA-256 of a file of weights, hexadecimal; of an index, of it and of all its files."""
    if path.suffix != ".json":
        return file_digest(path)
    digests = [file_digest(file) for file in (path, *shards_of(path))]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _head(path: Path) -> bytes:
    """The first bytes of a regular file."""
    try:
        kind = path.stat().st_mode
        head = _first_bytes(path) if stat.S_ISREG(kind) else b""
    except FileNotFoundError as error:
        link = path.is_symlink()
        reason = "a link to a file that does not exist" if link else "no such checkpoint"
        raise ModelError(f"{path}: {reason}.") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({_reason(error)}).") from error
    if stat.S_ISDIR(kind):
        raise ModelError(f"{path}: this is a folder; give the file of weights{_inside(path)}.")
    if not stat.S_ISREG(kind):
        raise ModelError(f"{path}: not a regular file; give a file of weights.")
    if not head:
        raise ModelError(f"{path}: not a readable file of weights: it is empty.")
    return head


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _inside(folder: Path) -> str:
    """The files of weights in a folder, for a sentence."""
    endings = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".index.json")
    try:
        names = sorted(file.name for file in folder.iterdir() if file.name.endswith(endings))
    except OSError:
        return ""
    return f", for example {shown(names[0])} in it" if names else " (there is none in it)"


def _opened(path: Path, head: bytes) -> Any:
    if head.startswith(b"PK\x03\x04"):
        return read_archive(path)
    if _is_safetensors(path, head):
        return read_safetensors(path)
    if head.startswith(b"\x80"):
        return read_old_file(path)
    if path.suffix == ".json" and head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return _merged([open_checkpoint(shard) for shard in shards_of(path)])
    raise Unreadable(_foreign(path, head))


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Whether it begins with the length of a header, and the header."""
    named = path.suffix == ".safetensors" and not head.startswith((b"version ", b"<"))
    return head[8:9] == b"{" or (named and not _is_text(head))


def _merged(shards: list[Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for shard in shards:
        if not isinstance(shard, dict):
            raise Unreadable("an index whose files hold no weights")
        found |= shard
    return found


def _foreign(path: Path, head: bytes) -> str:
    """What a file is that holds no weights."""
    if head.startswith(b"version https://git-lfs"):
        return "only a Git LFS pointer to them; run 'git lfs pull' to download the file itself"
    for start, kind in _FOREIGN:
        if head.startswith(start):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it and give the file of weights in it"
    if _ONNX.match(head) or path.suffix == ".onnx":
        return "an ONNX file; headbrush reads the weights of timm's models in PyTorch"
    if not head.strip(b"\0"):
        return "it begins with zeros only, as a download that was cut off"
    if _is_text(head):
        page = re.search(rb"<(?:!doctype\s+html|html|head|body)", head, re.IGNORECASE)
        return "a web page, perhaps of a login or an error" if page else "a text"
    return "of an unknown format; give a .safetensors or .pth file"


def _is_text(head: bytes) -> bool:
    try:
        head[: _HEAD - 4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            return False
    return not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or shown(error) or type(error).__name__
