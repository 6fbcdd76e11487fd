"""Read a pickle as data: nothing that it names is imported, called or changed.

A pickle is a program for a stack machine. This one builds plain containers, numbers and text;
where a pickle wants something called, it leaves an :class:`Inert` that says what.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from headbrush.analysis.model.weights.files.stored_tensor import Unreadable
from headbrush.analysis.model.weights.files.window import Window

_MOST_STEPS = 2_000_000
"""A checkpoint of 1 000 tensors with its optimizer takes some 100 000. Each value that a call
copies counts too, or a long list that is copied at each step would fill the memory."""
_LONGEST_NAME = 1000
_SIZED = (list, tuple, dict, str, bytes, bytearray)
_MARK = object()
_OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}

Maker = Callable[[tuple[Any, ...]], Any]


@dataclass(frozen=True)
class Name:
    """What a pickle names, for example ``collections.OrderedDict``."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Inert:
    """What a pickle would have made by calling ``made_by``; it was not called."""

    made_by: Name
    args: object = ()
    state: object = None
    entries: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)


def read_pickle(
    file: Window, makers: Mapping[str, Maker], stored: Callable[[object], object]
) -> Any:
    """The data of the next pickle in ``file``, which is left behind its end.

    Parameters
    ----------
    makers
        What stands for a call, by the full name of what is called; takes its arguments.
    stored
        What stands for a persistent id.

    Raises
    ------
    Unreadable
        If it is no pickle, is damaged, or takes too many steps.
    """
    machine = _Machine(makers, stored)
    try:
        for opcode, argument, _ in pickletools.genops(cast(BinaryIO, file)):
            machine.count(1)
            machine.do(opcode.name, argument)
        return machine.pop()
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise Unreadable("its pickle is damaged") from error


class _Machine:
    def __init__(self, makers: Mapping[str, Maker], stored: Callable[[object], object]) -> None:
        self.makers = {**_COMMON, **makers}
        self.stored = stored
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.steps = 0

    def count(self, steps: int) -> None:
        """Refuse what takes too long."""
        self.steps += steps
        if self.steps > _MOST_STEPS:
            raise Unreadable("its pickle is too long")

    def do(self, name: str, argument: Any) -> None:
        """One step of the program."""
        if step := _STEPS.get(name):
            step(self, argument)
        elif name in _VALUES:
            self.stack.append(_VALUES[name])
        elif argument is None:
            raise ValueError(name)
        else:
            self.stack.append(argument)  # a number or a text

    def pop(self) -> Any:
        found = self.stack.pop()
        if found is _MARK:
            raise ValueError("a mark")
        return found

    def pop_to_mark(self) -> list[Any]:
        found = []
        while (value := self.stack.pop()) is not _MARK:
            found.append(value)
        return found[::-1]

    def make(self, made_by: object, args: object) -> Any:
        """What a call makes; of what is no name, only the kind is kept."""
        if not isinstance(made_by, Name):
            return Inert(_class(made_by), args)
        maker = self.makers.get(str(made_by))
        if maker is None:
            return Inert(made_by, args)
        if not isinstance(args, (tuple, list)):
            raise TypeError("no arguments")
        self.count(len(args) + sum(len(arg) for arg in args if isinstance(arg, _SIZED)))
        return maker(tuple(args))

    def fill(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        into = target.entries if isinstance(target, Inert) else target
        if not isinstance(into, dict):
            raise TypeError("no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            into[_key(key)] = value

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        into = target.elements if isinstance(target, Inert) else target
        if not isinstance(into, list):
            raise TypeError("no list")
        into.extend(values)


def _key(key: object) -> object:
    """A key of a dictionary; what is neither text nor a small number keeps only its kind.

    Numbers can be chosen so that a dictionary of them takes hours.
    """
    if isinstance(key, str) or (isinstance(key, int) and abs(key) < 1 << 31):
        return key
    return Name("", type(key).__name__)


def _name(machine: _Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.stack.append(Name(_OLD_MODULES.get(module, module), name))


def _stack_name(machine: _Machine, _: object) -> None:
    name, module = machine.pop(), machine.pop()
    named = isinstance(module, str) and isinstance(name, str)
    if not named or len(module) + len(name) > _LONGEST_NAME:
        raise TypeError("no name")
    machine.stack.append(Name(module, name))


def _call(machine: _Machine, _: object) -> None:
    args, made_by = machine.pop(), machine.pop()
    machine.stack.append(machine.make(made_by, args))


def _call_with_words(machine: _Machine, _: object) -> None:
    machine.pop()
    _call(machine, None)


def _call_old(machine: _Machine, argument: str | None) -> None:
    values = machine.pop_to_mark()
    if argument is not None:
        _name(machine, argument)
    else:
        machine.stack.append(values.pop(0))
    machine.stack.append(tuple(values))
    _call(machine, None)


def _build(machine: _Machine, _: object) -> None:
    state = machine.pop()
    if isinstance(machine.stack[-1], Inert):
        machine.stack[-1].state = state


def _tuple_of(machine: _Machine, count: int) -> None:
    if len(machine.stack) < count:
        raise IndexError("stack")
    machine.stack[len(machine.stack) - count :] = [tuple(machine.stack[-count:])]


def _dictionary(machine: _Machine, _: object) -> None:
    pairs = machine.pop_to_mark()
    machine.stack.append({})
    machine.fill(pairs)


def _set_item(machine: _Machine, _: object) -> None:
    value, key = machine.pop(), machine.pop()
    machine.fill([key, value])


def _remember(machine: _Machine, place: int | None) -> None:
    machine.memo[len(machine.memo) if place is None else place] = machine.stack[-1]


def _refuse(_: _Machine, argument: object) -> None:
    raise Unreadable(f"its pickle has a part that no checkpoint has ({argument})")


def _nothing(_: _Machine, __: object) -> None:
    """Protocol, frame and end."""


_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_STEPS: dict[str, Callable[[_Machine, Any], object]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _nothing),
    "MARK": lambda m, _: m.stack.append(_MARK),
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.pop_to_mark(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_SET": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "LIST": lambda m, _: m.stack.append(m.pop_to_mark()),
    "FROZENSET": lambda m, _: m.stack.append(m.pop_to_mark()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m, _: _tuple_of(m, 1),
    "TUPLE2": lambda m, _: _tuple_of(m, 2),
    "TUPLE3": lambda m, _: _tuple_of(m, 3),
    "DICT": _dictionary,
    "SETITEM": _set_item,
    "SETITEMS": lambda m, _: m.fill(m.pop_to_mark()),
    "APPEND": lambda m, _: m.extend([m.pop()]),
    "APPENDS": lambda m, _: m.extend(m.pop_to_mark()),
    "ADDITEMS": lambda m, _: m.extend(m.pop_to_mark()),
    "GLOBAL": _name,
    "STACK_GLOBAL": _stack_name,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _call_with_words,
    "OBJ": lambda m, _: _call_old(m, None),
    "INST": _call_old,
    "BUILD": _build,
    "PERSID": lambda m, argument: m.stack.append(m.stored(argument)),
    "BINPERSID": lambda m, _: m.stack.append(m.stored(m.pop())),
    "PUT": _remember,
    "BINPUT": _remember,
    "LONG_BINPUT": _remember,
    "MEMOIZE": _remember,
    "GET": lambda m, place: m.stack.append(m.memo[place]),
    "BINGET": lambda m, place: m.stack.append(m.memo[place]),
    "LONG_BINGET": lambda m, place: m.stack.append(m.memo[place]),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"), _refuse),
}


def _pairs(args: tuple[Any, ...]) -> dict[Any, Any]:
    """What ``dict`` or ``OrderedDict`` makes of a list of pairs."""
    if not args:
        return {}
    given = args[0].items() if isinstance(args[0], dict) else args[0]
    return {_key(key): value for key, value in given}


def _class(found: object) -> Name:
    return found if isinstance(found, Name) else Name("", type(found).__name__)


_COMMON: dict[str, Maker] = {
    "collections.OrderedDict": _pairs,
    "builtins.dict": _pairs,
    "collections.defaultdict": lambda _: {},
    "collections.Counter": _pairs,
    "builtins.list": lambda args: list(*args[:1]),
    "builtins.tuple": lambda args: tuple(*args[:1]),
    "builtins.set": lambda args: list(*args[:1]),
    "builtins.frozenset": lambda args: list(*args[:1]),
    "copyreg._reconstructor": lambda args: Inert(_class(args[0]), args[1:]),
}
