"""The functions of the Python interface refuse a misspelt option in one line."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from headbrush.analysis.store.errors import InputError, nearest

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


def named_options(function: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """Wrap a function so that an unknown option names the nearest one."""
    names = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]

    @wraps(function)
    def checked(*args: _Given.args, **kwargs: _Given.kwargs) -> _Made:
        for name in kwargs:
            if name not in names:
                raise InputError(_unknown(function.__name__, name, names))
        return function(*args, **kwargs)

    return checked


def _unknown(function: str, name: str, names: list[str]) -> str:
    if name == "dry_run" and function == "analyze":
        return "call headbrush.preflight(…) with the same arguments for a dry run."
    hint = nearest(name, names)
    return f"{function}() has no option {name}.{hint} The options are {', '.join(names)}."
