"""Errors that the user can fix."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Unusable input from the user; ``str()`` is one line that says how to fix it."""


class StoreError(InputError):
    """A store that cannot be read or written."""


class ModelError(InputError):
    """A model that cannot be loaded or analyzed."""


def nearest(name: str, names: Iterable[str]) -> str:
    """``" Did you mean NAME?"`` with the nearest of ``names``; empty if none is near."""
    close = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {close[0]}?" if close else ""
