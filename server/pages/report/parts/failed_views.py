"""Views that fail are left out of a report, and its notes say so; all others are in it."""

from collections.abc import Iterable, Mapping
from functools import partial

from headbrush.analysis.store.errors import InputError
from headbrush.server.session.session import Session
from headbrush.server.session.status.error_boundary import built
from headbrush.server.stores.redact_paths import said_of
from headbrush.server.views.registry import BY_NAME, Row, Views, build_views
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from headbrush.server.views.view import View

_MOST_PLACES = 3


def guarded_views(session: Session, names: Iterable[str]) -> Views:
    """Build views that hand their errors to the session's faults."""
    return build_views(session, names, partial(built, session.faults))


def without_failed(session: Session, views: Mapping[str, View]) -> dict[str, View]:
    """The views that were built and that drew all that they were asked to."""
    return {name: view for name, view in views.items() if not _reason(session, BY_NAME[name])}


def failed_notes(
    overview: Session, pages: Iterable[tuple[Session, str]], views: Iterable[str]
) -> list[str]:
    """One sentence for each view that failed, and for each reason.

    Parameters
    ----------
    pages
        Sessions of the pages of one head, and how these are called.
    views
        The views that were asked for.
    """
    asked = [BY_NAME[name] for name in views]
    of_pages, notes = list(pages), []
    for row in asked:
        if row.is_of_one_head:
            places: dict[str, list[str]] = {}
            for session, place in of_pages:
                if why := _reason(session, row):
                    places.setdefault(why, []).append(place)
            notes += [_note(row, overview, why, _listed(found)) for why, found in places.items()]
        elif why := _reason(overview, row):
            notes.append(_note(row, overview, why))
    if worded := next(filter(None, (_wordless(session) for session, _ in of_pages)), ""):
        why = said_of(worded, overview.data.store)
        notes.append(f"Descriptions of attention matrices are left out: they failed ({why}).")
    return notes


def refuse_empty(panels: Iterable[object], notes: list[str]) -> None:
    """Raise if no panel is left.

    Raises
    ------
    InputError
        If all views that were asked for have failed.
    """
    if notes and not any(True for _ in panels):
        raise InputError(f"No view of this store could be drawn, so there is no report. {notes[0]}")


def _reason(session: Session, row: Row) -> str:
    """Why a view, or what it shares with others, fails; empty if it works."""
    shared = row.needs.name if row.needs else ""
    return session.faults.reason(row.name) or session.faults.reason(shared)


def _wordless(session: Session) -> str:
    """Why matrices that are shown are not described."""
    if session.faults.reason(ShownMatrix.name):
        return ""
    return session.faults.reason(MatrixWords.name)


def _note(row: Row, session: Session, why: str, where: str = "") -> str:
    shown = said_of(why, session.data.store)
    return f"{row.letter}, “{row.view_class.title}”, is left out{where}: it failed ({shown})."


def _listed(places: list[str]) -> str:
    more = len(places) - _MOST_PLACES
    return f" for {', '.join(places[:_MOST_PLACES])}" + (f" and {more} more" if more > 0 else "")
