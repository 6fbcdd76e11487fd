"""Check that a session id or a token was made by this server, before Bokeh parses it."""

import logging
import zlib

from bokeh.server.tornado import BokehTornado
from bokeh.server.views.session_handler import SessionHandler
from bokeh.util.token import (
    check_session_id_signature,
    check_token_signature,
    get_session_id,
    get_token_payload,
)

log = logging.getLogger("headbrush")

_PARSING = (AttributeError, KeyError, TypeError, ValueError, RecursionError, zlib.error)
"""What parsing arbitrary text as a token raises."""


class OwnSession(SessionHandler):
    """Mixin of Bokeh's handlers that refuses session ids and tokens of others.

    Bokeh would log their text as an error, and fail on text that is not a token.
    """

    async def prepare(self) -> None:
        """Answer 403 to a foreign session id or token; Bokeh sends others to the login first."""
        await super().prepare()
        if self.current_user and not self._is_own():
            log.info("refused a session id or token that was not made by this server")
            self.send_error(403)

    def _is_own(self) -> bool:
        tokens = self.get_arguments("bokeh-token", strip=False)
        ids = self.get_arguments("bokeh-session-id", strip=False)
        ids += self.request.headers.get_list("Bokeh-Session-Id")
        return all(is_own_token(token, self.application) for token in tokens) and all(
            is_own_id(name, self.application) for name in ids
        )


def is_own_token(token: str, application: BokehTornado) -> bool:
    """Whether ``token`` is well-formed and, if sessions are signed, signed by this server."""
    key, is_signed = application.secret_key, application.sign_sessions
    try:
        get_token_payload(token)
        is_named = is_own_id(get_session_id(token), application)
        return is_named and check_token_signature(token, secret_key=key, signed=is_signed)
    except _PARSING:
        return False


def is_own_id(name: object, application: BokehTornado) -> bool:
    """Whether ``name`` is a session id and, if sessions are signed, signed by this server."""
    if not isinstance(name, str) or not name:
        return False
    try:
        return check_session_id_signature(
            name, secret_key=application.secret_key, signed=application.sign_sessions
        )
    except _PARSING:
        return False
