"""The interface of readers of attention files."""

from pathlib import Path
from typing import Protocol

import numpy as np


class MatrixReader(Protocol):
    """Reads attention files, in this process or in another.

    Its methods raise a ``StoreError`` for a file that is missing or damaged.
    """

    def read_images(self, path: Path) -> np.ndarray:
        """Global indices of the images that a file holds, ``(n,)`` int32."""
        ...

    def read_matrix(self, path: Path, row: int, layer: int, head: int) -> np.ndarray:
        """One matrix of a file, ``(T, T)`` float32."""
        ...
