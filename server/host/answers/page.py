"""The page of a new session, and the page that says that building one failed."""

import logging
import secrets
from collections.abc import Awaitable
from html import escape
from types import TracebackType
from typing import Any, cast

from bokeh.embed.server import server_html_page_for_session
from bokeh.server.contexts import BokehSessionContext
from bokeh.server.session import ServerSession
from bokeh.server.views.doc_handler import DocHandler
from tornado.web import HTTPError, authenticated

from headbrush.server.host.answers.headers import policy
from headbrush.server.host.answers.own_session import OwnSession
from headbrush.server.host.answers.relative import relative, relative_resources
from headbrush.server.host.answers.unclaimed import release_oldest

log = logging.getLogger("headbrush")

_FAILED = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>headbrush · error</title>
<h1>This page could not be built</h1>
<p>{reason}</p><p>Error {id}: see the server's log for details.</p>
<p><a href="{place}">Start over</a></p>
"""


class Page(OwnSession, DocHandler):
    """The page of a new session; only its own scripts have the answer's nonce."""

    @authenticated
    async def get(self, *_args: object, **_options: object) -> None:
        """Answer with a new session's page."""
        # Tornado's decorator of Bokeh's method hides what that returns
        session = await cast(Awaitable[ServerSession], self.get_session())
        release_oldest(self.application_context.sessions)
        nonce = secrets.token_urlsafe(18)
        added = {"nonce": nonce, "logout": self._logout(session), "xsrf": self._xsrf()}
        page = server_html_page_for_session(
            session,
            resources=relative_resources(self.application, self.request.path),
            title=session.document.title,
            template=session.document.template,
            template_variables={**session.document.template_variables, **added},
        )
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", policy(nonce))
        self.set_header("Cache-Control", "no-store")
        self.write(page)

    def _logout(self, session: ServerSession) -> str:
        context = cast(BokehSessionContext | None, session.document.session_context)
        place = context and context.logout_url
        return relative(place, self.request.path) if place else ""

    def _xsrf(self) -> str:
        return self.xsrf_token.decode() if self.application.settings["xsrf_cookies"] else ""

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log the error under an id that the page shows."""
        if isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
            return
        self._fault = secrets.token_hex(4)
        fields = {"id": self._fault, "path": self.request.path}
        log.error("page failed", exc_info=value, extra={"fields": fields})

    def write_error(self, status_code: int, **options: Any) -> None:
        """Answer with a page that says that building it failed."""
        if status_code != 500:
            super().write_error(status_code, **options)
            return
        fault = getattr(self, "_fault", "unknown")
        reason = "headbrush failed on these stores or this address."
        self.finish(_FAILED.format(id=fault, reason=reason, place=escape(self.request.path)))
