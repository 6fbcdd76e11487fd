"""Pages that were made and that no browser has connected to: only so many are kept."""

from collections.abc import Iterable

from bokeh.server.session import ServerSession

MOST = 32
"""Unclaimed pages that a process keeps; each holds some 6 MB."""
CHECK_MS = 1000
"""How often the server drops pages that are to go."""


def release_oldest(sessions: Iterable[ServerSession], most: int = MOST) -> None:
    """Let the server drop all but the newest ``most`` pages that no browser is connected to.

    Nobody loses a page by it: a page that was dropped is made again when its browser connects,
    from what its token holds.
    """
    unclaimed = [one for one in sessions if not one.connection_count]
    unclaimed.sort(key=lambda one: one.milliseconds_since_last_unsubscribe)
    for session in unclaimed[most:]:
        session.request_expiration()
