"""Cache Bokeh's property defaults per class.

A page has about a thousand models, each of which asks for some forty defaults when it is made and
again when it is written. Bokeh validates and copies every one of them each time. Here a default
that Bokeh itself calls stable is kept once a class, and what is not written is not worked out.
Oracle: ``tests/server/test_quicker.py`` writes pages with and without this.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache
from types import NoneType
from typing import Any

from bokeh.core.has_props import HasProps
from bokeh.core.property.descriptors import PropertyDescriptor
from bokeh.core.property.singletons import Undefined
from bokeh.core.property.wrappers import PropertyValueContainer

_NOTHING = object()
_UNCHANGING = (str, int, float, NoneType, type(Undefined))
"""What may be handed out again as it is."""
_get_default = PropertyDescriptor._get_default
_has_unstable_default = PropertyDescriptor.has_unstable_default
_query = HasProps.query_properties_with_values
_of_overridden_defaults: Any = vars(HasProps)["_overridden_defaults"]
_overridden_defaults = _of_overridden_defaults.__func__
_themed_values = HasProps.themed_values


def use() -> None:
    """Turn the cache on for all models of this process."""
    PropertyDescriptor._get_default = _kept_default
    PropertyDescriptor.has_unstable_default = _known_unstable
    HasProps.query_properties_with_values = _query_written
    _set_overridden_defaults(classmethod(cache(_overridden_defaults)))
    HasProps.themed_values = _quickly_themed


def leave() -> None:
    """Turn the cache off."""
    PropertyDescriptor._get_default = _get_default
    PropertyDescriptor.has_unstable_default = _has_unstable_default
    HasProps.query_properties_with_values = _query
    _set_overridden_defaults(_of_overridden_defaults)
    HasProps.themed_values = _themed_values


def let_go_of_empty(models: Iterable[HasProps]) -> None:
    """Drop the empty lists and dicts that were only read; the next reader gets them anew.

    Writing a page reads every property, and Bokeh keeps each default that it hands out: some
    twenty containers a model, three quarters of what a page takes. One that has been changed is no
    default any more and stays.
    """
    for model in models:
        kept = model._unstable_default_values
        for name in [key for key, value in kept.items() if _is_empty(value)]:
            del kept[name]


def _is_empty(value: object) -> bool:
    return isinstance(value, PropertyValueContainer) and not value


def _set_overridden_defaults(method: Any) -> None:
    # pyright takes the type of the bound method for that of the attribute, which is a classmethod
    HasProps._overridden_defaults = method


@contextmanager
def used() -> Iterator[None]:
    """Turn the cache on inside a ``with`` block."""
    use()
    try:
        yield
    finally:
        leave()


_defaults: dict[tuple[type, str], Any] = {}
_unstable: dict[tuple[type, str], bool] = {}


def _kept_default(self: PropertyDescriptor, obj: HasProps) -> Any:
    themed = obj.themed_values()
    if themed is not None and self.name in themed:
        return _get_default(self, obj)
    key = type(obj), self.name
    kept = _defaults.get(key, _NOTHING)
    if kept is not _NOTHING:
        return kept if isinstance(kept, _UNCHANGING) else copy(kept)
    default = _get_default(self, obj)
    if not self.has_unstable_default(obj):
        _defaults[key] = copy(default)
    return default


def _known_unstable(self: PropertyDescriptor, obj: HasProps) -> bool:
    key = type(obj), self.name
    unstable = _unstable.get(key)
    if unstable is None:
        unstable = _unstable[key] = _has_unstable_default(self, obj)
    return unstable


def _query_written(
    self: HasProps,
    query: Callable[[PropertyDescriptor], bool],
    *,
    include_defaults: bool = True,
    include_undefined: bool = False,
) -> dict[str, Any]:
    if include_defaults or include_undefined:
        return _query(
            self, query, include_defaults=include_defaults, include_undefined=include_undefined
        )
    themed = self.themed_values() or {}
    unstable = self._unstable_default_values
    chosen = self._property_values.keys() | unstable.keys() | themed.keys()
    result = {}
    for key in self.properties(_with_props=True):
        if key in chosen and query(descriptor := self.lookup(key)):
            value = descriptor.get_value(self)
            is_own = key in themed or key not in unstable
            if is_own or not isinstance(value, PropertyValueContainer):
                result[key] = value
    return result


def _quickly_themed(self: HasProps) -> dict[str, Any] | None:
    return self.__dict__.get("__themed_values__")
