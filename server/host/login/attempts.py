"""Limit on guesses of the password."""

import hashlib
import mmap
import secrets
import time
from multiprocessing import Lock


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
