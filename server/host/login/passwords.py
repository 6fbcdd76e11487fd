"""Password files: one line with a salted argon2 hash."""

import os
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from headbrush.analysis.store.errors import InputError

SHORTEST = 8
_MOST_LONG = 1024
_HASHER = PasswordHasher()


def hash_of(password: str) -> str:
    """A line with the salted hash of a password."""
    return _HASHER.hash(password.encode("utf-8", "replace"))


def is_password(password: str, line: str) -> bool:
    """Whether ``line`` was made from ``password``; takes as long for a wrong one."""
    try:
        return _HASHER.verify(line, password[:_MOST_LONG].encode("utf-8", "replace"))
    except VerifyMismatchError:
        return False


def is_outdated(line: str) -> bool:
    """Whether a hash made today would be harder to guess."""
    return _HASHER.check_needs_rehash(line)


def read_password_file(path: Path) -> str:
    """The line of a password file, after one trial of its hash.

    Raises
    ------
    InputError
        If there is none, or it was not made by this version's ``headbrush password``.
    """
    again = f"'headbrush password {path}'"
    try:
        line = path.read_text("utf-8").strip()
        is_password("", line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except (UnicodeError, InvalidHashError, VerificationError) as error:
        if path.read_bytes().startswith(b"scrypt$"):
            raise InputError(f"{path}: made by headbrush 0.1; run {again} again.") from error
        raise InputError(f"{path}: not a password file; make one with {again}.") from error
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
            file.write(hash_of(password) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error
