"""Passwords: salted scrypt hashes, constant-time comparison, and a limit on guesses."""

import base64
import hashlib
import hmac
import mmap
import os
import secrets
import time
from multiprocessing import Lock
from pathlib import Path

from headbrush.analysis.store.errors import InputError

SHORTEST = 8
_COST, _BLOCK, _LANES, _BYTES = 2**15, 8, 1, 32
_MOST_COST, _MOST_LONG = 2**20, 1024
_MEMORY = 64 * 2**20
_KIND = "scrypt"


def hashed(password: str) -> str:
    """A line with the salted hash of a password."""
    salt = secrets.token_bytes(16)
    found = _scrypt(password, salt, _COST, _BLOCK, _LANES)
    return "$".join([_KIND, f"{_COST},{_BLOCK},{_LANES}", _text(salt), _text(found)])


def is_password(password: str, line: str) -> bool:
    """Whether ``line`` was made from ``password``; takes as long for a wrong one."""
    _, numbers, salt, expected = line.split("$")
    found = _scrypt(password, _bytes(salt), *map(int, numbers.split(",")))
    return hmac.compare_digest(found, _bytes(expected))


def read_password_file(path: Path) -> str:
    """The line of a password file.

    Raises
    ------
    InputError
        If there is none, or it was not made by ``headbrush password``.
    """
    try:
        line = path.read_text("utf-8").strip()
        kind, numbers, salt, expected = line.split("$")
        cost, block, lanes = map(int, numbers.split(","))
        sound = kind == _KIND and 1 < cost <= _MOST_COST and block == _BLOCK and lanes == _LANES
        sound = sound and len(_bytes(salt)) >= 8 and len(_bytes(expected)) == _BYTES
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError:
        sound, line = False, ""
    if not sound:
        raise InputError(f"{path}: no password file; make one with 'headbrush password {path}'.")
    return line


def write_password_file(path: Path, password: str) -> None:
    """Write the hash of ``password`` to a file that only its owner can read.

    Raises
    ------
    InputError
        If the password is too short or the file cannot be written.
    """
    if not SHORTEST <= len(password) <= _MOST_LONG:
        raise InputError(f"a password has {SHORTEST} to {_MOST_LONG} characters.")
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            path.chmod(0o600)  # also where the file was there before
            file.write(hashed(password) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    memory = max(_MEMORY, 256 * cost * block)
    return hashlib.scrypt(
        password[:_MOST_LONG].encode("utf-8", "replace"),
        salt=salt, n=cost, r=block, p=lanes, maxmem=memory, dklen=_BYTES,
    )  # fmt: skip


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text)


class Attempts:
    """Limit on wrong passwords per address, counted over all processes of a server.

    Made before the processes are, which share its memory. An address has a place there, chosen by
    a secret; two that happen to have the same one count as one.

    Parameters
    ----------
    most
        Wrong passwords within ``seconds``.
    clock
        Seconds that never go back, the same for all processes.
    """

    _PLACES = 1 << 15

    def __init__(self, most: int = 5, seconds: float = 60, clock=time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._secret = secrets.token_bytes(16)
        self._lock = Lock()
        self._times = memoryview(mmap.mmap(-1, 8 * most * self._PLACES)).cast("d")

    def wait(self, address: str) -> float:
        """Seconds until ``address`` may guess again, 0 if it may now."""
        with self._lock:
            oldest = min(self._times[place] for place in self._places(address))
        return max(0.0, oldest + self._seconds - self._clock()) if oldest else 0.0

    def count(self, address: str) -> None:
        """Note a guess, before it is known to be right or wrong."""
        with self._lock:
            oldest = min(self._places(address), key=self._times.__getitem__)
            self._times[oldest] = self._clock()

    def forgive(self, address: str) -> None:
        """Forget the guesses of an address after the right password."""
        with self._lock:
            for place in self._places(address):
                self._times[place] = 0.0

    def _places(self, address: str) -> range:
        mark = hashlib.blake2b(address.encode(), digest_size=8, key=self._secret).digest()
        first = int.from_bytes(mark) % self._PLACES * self._most
        return range(first, first + self._most)
