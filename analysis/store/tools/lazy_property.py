"""A property that is computed once per object and never makes another object wait."""

import threading
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class lazy_property(Generic[T]):
    """Decorator: compute the value when it is first read, then keep it.

    Threads that read it meanwhile wait for the one that computes. The lock belongs to the object:
    ``functools.cached_property`` of Python 3.11 has one for the whole class, so a single object
    that hangs at its disk stops all others. An exception is not kept; the next read tries again.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        values = vars(instance)
        lock = values.setdefault(f"{self._name} lock", threading.RLock())  # setdefault is atomic
        with lock:
            if self._name not in values:
                values[self._name] = self._compute(instance)
            return values[self._name]
