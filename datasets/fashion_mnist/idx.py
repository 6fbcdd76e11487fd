"""Read the IDX files in which Fashion-MNIST is published (gzip or plain)."""

import gzip
from pathlib import Path

import numpy as np

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` installs the four files."""

CLASS_NAMES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
)


def read_split(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(n, 28, 28)`` uint8 and labels ``(n,)`` uint8 of ``train`` or ``t10k``.

    Raises
    ------
    SystemExit
        If a file is missing or is not an IDX file, naming the file.
    """
    images = _read(folder, f"{split}-images-idx3-ubyte", dims=3)
    labels = _read(folder, f"{split}-labels-idx1-ubyte", dims=1)
    return images, labels


def _read(folder: Path, name: str, dims: int) -> np.ndarray:
    for path, opener in ((folder / f"{name}.gz", gzip.open), (folder / name, open)):
        if path.is_file():
            with opener(path, "rb") as file:
                data = file.read()
            break
    else:
        raise SystemExit(
            f"{folder} holds no {name}[.gz]: install Debian's dataset-fashion-mnist "
            "or name a folder with the four IDX files by --data."
        )
    magic = bytes((0, 0, 8, dims))
    if not data.startswith(magic):
        raise SystemExit(f"{path} is no IDX file of {dims} dimensions of unsigned bytes.")
    shape = np.frombuffer(data, ">u4", count=dims, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)
