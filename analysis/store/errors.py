"""The base of every error that is the user's to mend."""


class InputError(ValueError):
    """Something the user gave cannot be used; ``str()`` is one line that says how to mend it."""


class StoreError(InputError):
    """A store that cannot be read or written."""
