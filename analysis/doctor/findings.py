"""What an examination says while it goes on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line about a store; without damage it is only worth knowing."""

    text: str
    is_damage: bool = True


@dataclass(frozen=True)
class Progress:
    """What is being read, and the share of it that is done, 0 to 1."""

    what: str
    share: float


@dataclass(frozen=True)
class NoStore:
    """The folder is not a store; nothing else follows."""

    text: str


Said = Finding | Progress | NoStore
