"""A user's module is borrowed: whatever an analysis does to it, it comes back as it was."""

import copy
import random
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def borrowed(module: object) -> Iterator[None]:
    """While active, a module may be changed; afterwards it and the random numbers are as before.

    Restored are every attribute of every submodule (training flags, switches, hooks, buffers,
    caches), and of every parameter its tensor, device, type, gradient and whether it asks for one.
    Nothing is copied but references, so it costs no memory; compiled parts run uncompiled. Anything
    that is not a module is left alone.
    """
    if not isinstance(module, nn.Module):
        yield
        return
    states = [_ModuleState(part) for part in module.modules()]
    tensors = [_ParameterState(parameter) for parameter in module.parameters()]
    with _same_random_numbers(), torch.compiler.set_stance("force_eager"):
        try:
            yield
        finally:
            for state in (*states, *tensors):
                state.restore()


class _ModuleState:
    """The attributes of one module, and what its collections hold."""

    def __init__(self, module: nn.Module) -> None:
        self._attributes = vars(module)
        self._before = dict(self._attributes)
        self._contents = {
            name: copy.copy(value)
            for name, value in self._before.items()
            if isinstance(value, (dict, list, set))
        }

    def restore(self) -> None:
        self._attributes.clear()
        self._attributes.update(self._before)
        for name, contents in self._contents.items():
            _refill(self._before[name], contents)


def _refill(collection: Any, contents: Any) -> None:
    collection.clear()
    if isinstance(collection, list):
        collection.extend(contents)
    else:
        assert isinstance(collection, (MutableMapping, set))
        collection.update(contents)


class _ParameterState:
    """The tensor of one parameter, its gradient, and whether it asks for one."""

    def __init__(self, parameter: Tensor) -> None:
        self._parameter = parameter
        self._data = parameter.data
        self._asks = parameter.requires_grad
        self._gradient = parameter.grad
        self._gradient_data = None if parameter.grad is None else parameter.grad.data

    def restore(self) -> None:
        self._parameter.data = self._data
        self._parameter.requires_grad_(self._asks)
        if self._gradient is not None and self._gradient_data is not None:
            self._gradient.data = self._gradient_data
        self._parameter.grad = self._gradient


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Afterwards, random numbers go on as if nothing had been drawn."""
    drawn, drawn_by_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(drawn)
            np.random.set_state(drawn_by_numpy)
