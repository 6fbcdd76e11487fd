"""Ended logins, in memory that all processes of a server share."""

import mmap
import secrets
from multiprocessing import Lock

_BYTES = 12
_MOST = 8192


class Ended:
    """The most recently ended logins; made before the server's processes start.

    Parameters
    ----------
    most
        Number of logins remembered.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._memory = mmap.mmap(-1, _BYTES * (most + 1))  # how many there were, then the logins

    def add(self, login: str) -> None:
        """End a login that :func:`new_login` made."""
        with self._lock:
            count = int.from_bytes(self._memory[:_BYTES])
            place = _BYTES * (1 + count % self._most)
            self._memory[place : place + _BYTES] = bytes.fromhex(login)
            self._memory[:_BYTES] = (count + 1).to_bytes(_BYTES)

    def __contains__(self, login: object) -> bool:
        """Whether the login has ended."""
        if not isinstance(login, str) or len(login) != 2 * _BYTES:
            return False
        try:
            return self._memory.find(bytes.fromhex(login), _BYTES) >= 0
        except ValueError:
            return False


def new_login() -> str:
    """An unguessable name for a login."""
    return secrets.token_hex(_BYTES)


ENDED = Ended()
