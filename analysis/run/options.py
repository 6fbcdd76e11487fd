"""The options of an analysis as people give them: one naming for the command and for Python."""

import difflib
import operator
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from headbrush.analysis.images.class_selection import parse_select
from headbrush.analysis.measures.autoencoders.kinds import KINDS, LINEAR, NONE
from headbrush.analysis.model.modules.outputs import OUTPUTS
from headbrush.analysis.run.request import PRECISIONS, Request
from headbrush.analysis.store.errors import InputError

_LEAST = {
    "max_megapixels": 1,
    "limit": 1,
    "per_class": 1,
    "best_worst": 1,
    "batch_size": 1,
    "seed": 0,
    "stage": 1,
}
_MAY_BE_NONE = ("max_megapixels", "limit", "per_class", "best_worst", "stage")
_MOST_SEED = 2**32 - 1
"""scikit-learn takes no larger one."""
_FILES = ("checkpoint", "classes", "texts")
_NOT_GIVEN = {"images", "out", "model", "command", "version"}
"""Fields of a request that are arguments of their own, or recorded by headbrush."""
_FIELDS = frozenset(field.name for field in fields(Request))
_SWITCHES = frozenset(field.name for field in fields(Request) if isinstance(field.default, bool))


def request_from(
    images: Any,
    out: str | Path,
    model: Any,
    options: Mapping[str, Any],
    *,
    command: str,
    version: str,
) -> Request:
    """The request that some options stand for.

    Parameters
    ----------
    images, model
        A path or a name, or an object of this process.
    options
        By the names of the command, with ``_`` for ``-``: ``per_class=20``,
        ``select="best-worst:10"``, ``importance="gradient"``, ``modes="all"``, ``image_size=384``,
        ``attention="all"``, ``resume=False``. The fields of ``Request`` that these stand for work
        too: ``best_worst=10``, ``predictions=False``, ``all_modes=True``, ``restart=True``.
    command, version
        Recorded in the store.

    Raises
    ------
    InputError
        If there is no option of a name, or a value makes no sense.
    """
    options = {name: options[name] for name in options if not _is_unset(name, options[name])}
    _refuse_unknown(options)
    values: dict[str, Any] = {}
    for name, value in options.items():
        field = _FIELD_OF[name][0] if name in _FIELD_OF else name
        if field in values:
            raise InputError(f"{name} and another option both set {field}; give one of them.")
        values[field] = _value(name, value)
    return Request(
        images=_path(images) if isinstance(images, (str, Path)) else images,
        out=_path(out),
        model=str(model) if isinstance(model, (str, Path)) else model,
        **values,
        command=command,
        version=version,
    )


def option_names() -> list[str]:
    """All names that ``options`` may hold, those of the command first."""
    allowed = _FIELDS - _NOT_GIVEN
    replaced = {field for field, _ in _FIELD_OF.values() if field in allowed}
    own = sorted((allowed - replaced) | _FIELD_OF.keys())
    return own + sorted(replaced - set(own))


def _is_unset(name: str, value: Any) -> bool:
    """Whether it is one of two names for a field, and not the one that was given."""
    return (name == "autoencoder" and value is None) or (name == "no_autoencoder" and not value)


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    names = option_names()
    unknown = sorted(set(given) - set(names))
    if unknown:
        close = difflib.get_close_matches(unknown[0], names, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise InputError(f"no option {unknown[0]}.{hint} The options are {', '.join(names)}.")


def _value(name: str, value: Any) -> Any:
    if name in _FIELD_OF:
        return _FIELD_OF[name][1](value)
    if name in _FILES and value is not None:
        return _path(value)
    if name in _LEAST and not (value is None and name in _MAY_BE_NONE):
        return _number(name, value)
    if name == "class_names" and value is not None:
        return _names(value)
    if name == "vit" and not (value is None or isinstance(value, str)):
        raise InputError(f"vit {value!r}: expected the path of a part, such as 'backbone.vit'.")
    if name in ("output", "transform") and not (value is None or callable(value)):
        raise InputError(f"{name} {value!r}: expected a function.")
    return _truth(name, value) if name in _SWITCHES else value


def _path(value: str | Path) -> Path:
    """A path; ``~`` is the home folder, which shells leave in ``--out=~/s``."""
    try:
        return Path(value).expanduser()
    except (TypeError, RuntimeError) as error:
        raise InputError(f"{value!r}: expected the path of a file or folder ({error}).") from error


def _number(name: str, value: Any) -> int:
    least = _LEAST[name]
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least or (name == "seed" and number > _MOST_SEED):
        most = f" to {_MOST_SEED}" if name == "seed" else ""
        raise InputError(f"{_flag(name)} {value!r}: expected a whole number from {least}{most}.")
    return number


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{_flag(name)} {value!r}: expected True or False.")
    return value


def _names(value: Any) -> tuple[str, ...]:
    listed = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    if not listed:
        raise InputError(f"class_names {value!r}: expected a list of names, one an output.")
    return tuple(value)


def _attention(value: Any) -> int | None:
    """Number of images whose attention is stored; None: all."""
    if value is None or value == "all":
        return None
    if value == "none":
        return 0
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or len(text) > 9:
        raise InputError(f"--attention {value}: expected all, none or a number of images.")
    return int(text)


def _image_size(value: Any) -> tuple[int, int] | None:
    """Height and width in pixels; None: the model's own."""
    if value is None:
        return None
    sides = [str(side) for side in value] if isinstance(value, (tuple, list)) else None
    sides = sides or str(value).split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side[:5]) > 0 for side in sides):
        raise InputError(f"--image-size {value}: expected pixels, 224, or height x width, 224x448.")
    return int(sides[0][:5]), int(sides[-1][:5])


def _one_of(option: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        expected = " or ".join((", ".join(allowed[:-1]), allowed[-1]))
        raise InputError(f"--{option} {value}: expected {expected}.")
    return value


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


_FIELD_OF = {
    "outputs": ("outputs", lambda value: _one_of("outputs", value, OUTPUTS)),
    "attention": ("attention", _attention),
    "image_size": ("image_size", _image_size),
    "select": ("best_worst", parse_select),
    "importance": (
        "predictions",
        lambda value: _one_of("importance", value, ("pruning", "gradient")) == "pruning",
    ),
    "autoencoder": ("autoencoder", lambda value: _one_of("autoencoder", value, KINDS)),
    "no_autoencoder": (
        "autoencoder",
        lambda value: NONE if _truth("no_autoencoder", value) else LINEAR,
    ),
    "modes": ("all_modes", lambda value: _one_of("modes", value, ("whole", "all")) == "all"),
    "precision": ("precision", lambda value: _one_of("precision", value, PRECISIONS)),
    "resume": ("restart", lambda value: not _truth("resume", value)),
}
"""The field of a request that an option of the command stands for, and what makes its value."""
