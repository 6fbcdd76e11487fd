"""Errors that the user can fix."""


class InputError(ValueError):
    """Unusable input from the user; ``str()`` is one line that says how to fix it."""


class StoreError(InputError):
    """A store that cannot be read or written."""


class ModelError(InputError):
    """A model that cannot be loaded or analyzed."""
