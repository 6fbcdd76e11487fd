"""A tensor in a file: what it claims to be, and how to read its values."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_SHOWN = 60
"""Characters of a stranger's text that a sentence repeats."""


class Unreadable(Exception):
    """Something in a file is damaged or not supported; ``str()`` is a short reason."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file whose values have not been read.

    Attributes
    ----------
    shape, dtype
        As the file claims.
    read
        Reads the values; raises :class:`Unreadable`.
    problem
        Why it cannot be used as it is, for example "a quantized tensor"; empty if it can.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor]
    problem: str = ""

    @property
    def size(self) -> int:
        """Bytes of its values."""
        count = 1
        for length in self.shape:
            count *= length
        return count * self.dtype.itemsize

    def outline(self) -> Tensor:
        """A tensor of the same shape and type without values, on torch's meta device."""
        return torch.empty(self.shape, dtype=self.dtype, device="meta")


def unusable(problem: str) -> StoredTensor:
    """A tensor, or what stands in its place, whose values cannot be used."""

    def read() -> Tensor:
        raise Unreadable(problem)

    return StoredTensor((), torch.float32, read, problem)


def shown(text: object) -> str:
    """A stranger's text for a sentence: one short line without control characters."""
    line = re.sub(r"[^\x20-\x7e\xa0-\uffff]", "?", str(text)[: _SHOWN + 1])
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
