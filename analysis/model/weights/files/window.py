"""A part of a file, for readers that read as much as the file tells them to."""

from typing import BinaryIO

_LONGEST_LINE = 1 << 16


class Window:
    """The bytes of a file from its present place to ``end``, however much a pickle asks for."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self.file = file
        self.end = end
        self.at = file.tell()

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes."""
        found = self.file.read(max(0, min(count, self.end - self.at)))
        self.at += len(found)
        return found

    def readline(self) -> bytes:
        """The next line, of limited length."""
        found = self.file.readline(_LONGEST_LINE)
        self.at += len(found)
        return found

    def tell(self) -> int:
        """The present place."""
        return self.at
