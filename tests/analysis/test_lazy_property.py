"""A lazy property is computed once per object, and an object that hangs stops no other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from headbrush.analysis.store.tools.lazy_property import lazy_property

SOON = 20


class Lazy:
    """Counts how often it computes; computes as soon as it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.begun = threading.Event()
        self.count = 0
        self.faults: list[Exception] = []

    @lazy_property
    def value(self) -> object:
        """Its value."""
        self.count += 1
        self.begun.set()
        assert self.may.wait(SOON)
        if self.faults:
            raise self.faults.pop()
        return object()

    @lazy_property
    def other(self) -> int:
        return 7


def test_eight_threads_compute_it_once():
    lazy = Lazy()
    with ThreadPoolExecutor(8) as threads:
        together = threading.Barrier(8)

        def read(_number):
            together.wait(SOON)
            return lazy.value

        results = threads.map(read, range(8))
        assert lazy.begun.wait(SOON)
        lazy.may.set()
        assert len({id(value) for value in results}) == 1
    assert lazy.count == 1


def test_an_object_that_hangs_stops_neither_another_object_nor_its_other_properties():
    hanging, quick = Lazy(), Lazy()
    quick.may.set()
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(lambda: hanging.value)
        try:
            assert hanging.begun.wait(SOON)
            assert threads.submit(lambda: quick.value).result(SOON) is quick.value
            assert threads.submit(lambda: hanging.other).result(SOON) == 7
            assert not waiting.done()
        finally:
            hanging.may.set()
        assert waiting.result(SOON) is hanging.value


def test_an_exception_is_not_kept():
    lazy = Lazy()
    lazy.may.set()
    lazy.faults = [OSError("slow disk")]
    with pytest.raises(OSError, match="slow disk"):
        _ = lazy.value
    assert lazy.value is lazy.value
    assert lazy.count == 2


def test_a_frozen_dataclass_may_have_one_and_it_keeps_its_docstring():
    @dataclass(frozen=True)
    class Frozen:
        number: int

        @lazy_property
        def double(self) -> int:
            """Twice the number."""
            return 2 * self.number

    assert Frozen(3).double == 6
    assert Frozen(3) == Frozen(3)
    assert Frozen.double.__doc__ == "Twice the number."
