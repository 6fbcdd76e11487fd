"""Error boundary: a failing view shows an error id in its own panel; the others keep working."""

import logging
import secrets
import textwrap
from collections.abc import Callable
from functools import cache, wraps
from types import FunctionType
from typing import Any

from bokeh.models import Div

from headbrush.server.tools.bokeh.browser_channel import Channel

log = logging.getLogger("headbrush")
_LONGEST_REASON = 200


class Faults:
    """The failures of one page that have not recovered.

    Attributes
    ----------
    channel
        Its tags are pairs of a view's name and an id, which ``page/view_errors.js`` shows.
    """

    def __init__(self) -> None:
        self.channel = Channel(name="faults", tags=[])
        self._ids: dict[tuple[str, str], str] = {}
        self._reasons: dict[str, str] = {}

    def reason(self, view: str) -> str:
        """One line on why a view fails; empty if it works."""
        has_failed = any(view == failed for failed, _ in self._ids)
        return self._reasons[view] if has_failed else ""

    def note(self, view: str, where: str, error: Exception) -> None:
        """Log an error and show its id in the view's panel."""
        fault = self._ids[view, where] = secrets.token_hex(4)
        self._reasons[view] = _in_one_line(error)
        fields = {"id": fault, "view": view, "where": where}
        log.error("view %s failed: %s", view, fault, exc_info=error, extra={"fields": fields})
        self._tell()

    def forget(self, view: str, where: str) -> None:
        """Remove the failure: the method works again."""
        if self._ids.pop((view, where), None) is not None:
            self._tell()

    def _tell(self) -> None:
        pairs = [(view, fault) for (view, _), fault in self._ids.items()]
        self.channel.tags = [word for pair in pairs for word in pair]


def _in_one_line(error: Exception) -> str:
    words = f"{type(error).__name__}: {error}".split()
    return textwrap.shorten(" ".join(words).rstrip(".: "), _LONGEST_REASON, placeholder=" …")


class Failed:
    """Placeholder for a view that could not be built, because of ``error``."""

    def __init__(self, view_class: type, name: str, error: Exception) -> None:
        self.name = name
        self.error = error
        self.title = getattr(view_class, "title", "")
        self.help = getattr(view_class, "help", "")
        self.layout = Div(text="", name=name)


class _Guard:
    """Tracks whether a guarded method is already running."""

    def __init__(self, faults: Faults, name: str) -> None:
        self.faults, self.name = faults, name
        self.is_inside = True
        self.is_dead = False


def built(faults: Faults, view_class: type, *given: Any, side: str = "") -> Any:
    """Build ``view_class(*given)`` so that it hands its errors to ``faults``, or a :class:`Failed`.

    Errors are caught where a method is called from outside, by Bokeh or by the state's history, on
    whatever thread builds or serves the page. Work in other threads is not a method of a view and
    cannot touch the page, so its error is raised where its result is read. What needs a
    :class:`Failed` is one too, of the same error.

    Parameters
    ----------
    side
        Prefix of the panels' names on a page with two sides.
    """
    name = f"{side}{view_class.name}"
    if needed := next((one for one in given if isinstance(one, Failed)), None):
        faults.note(name, "", needed.error)
        return Failed(view_class, name, needed.error)
    guarded = _guarded(view_class)
    view: Any = object.__new__(guarded)
    guard = view._guard = _Guard(faults, name)
    try:
        view.__init__(*given)
    except Exception as error:
        guard.is_dead = True
        faults.note(name, "", error)
        return Failed(view_class, name, error)
    finally:
        guard.is_inside = False
    return view


@cache
def _guarded(view_class: type) -> type:
    methods = {
        name: _caught(member)
        for base in reversed(view_class.__mro__)
        for name, member in vars(base).items()
        if isinstance(member, FunctionType) and not name.startswith("__")
    }
    return type(view_class.__name__, (view_class,), methods)


def _caught(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(view: Any, *given: Any, **named: Any) -> Any:
        guard = view._guard
        if guard.is_inside:
            return method(view, *given, **named)
        if guard.is_dead:
            return None
        guard.is_inside = True
        try:
            result = method(view, *given, **named)
        except Exception as error:
            guard.faults.note(guard.name, method.__name__, error)
            return None
        else:
            guard.faults.forget(guard.name, method.__name__)
            return result
        finally:
            guard.is_inside = False

    return call
