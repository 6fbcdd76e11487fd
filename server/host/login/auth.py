"""Log in with the password whose hash HEADBRUSH_PASSWORD_FILE keeps: an auth module of Bokeh.

Bokeh loads this file by its path, outside any package, so its imports are absolute.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import os
from functools import cache
from pathlib import Path
from typing import cast

from bokeh.server.tornado import BokehTornado
from tornado.web import RequestHandler

from headbrush.server.host.answers.addresses import place_within
from headbrush.server.host.answers.relative import relative
from headbrush.server.host.answers.revoked_logins import ENDED, new_login
from headbrush.server.host.answers.socket import close_ended
from headbrush.server.host.login.attempts import Attempts
from headbrush.server.host.login.passwords import is_outdated, is_password, read_password_file
from headbrush.server.tools.assets import APP, TEMPLATES

log = logging.getLogger("headbrush")

login_url = "/login"
logout_url = "/logout"

_COOKIE = "headbrush_login"
_DAYS = 7
_ATTEMPTS = Attempts()
_HASHING = asyncio.Semaphore(2)
_PAGE = TEMPLATES.get_template("login.html")


@cache
def _line() -> str:
    """The password's hash, read once at the start."""
    path = Path(os.environ["HEADBRUSH_PASSWORD_FILE"])
    line = read_password_file(path)
    if is_outdated(line):
        log.warning("the hash in %s is weaker than today's: run 'headbrush password' again", path)
    return line


@cache
def _user() -> str:
    """The content of the signed cookie; a new password makes old cookies invalid."""
    return hashlib.sha256(_line().encode()).hexdigest()[:32]


def get_user(handler: RequestHandler) -> str | None:
    """The reader's login, None without one; Bokeh calls this before every answer."""
    shown = handler.get_secure_cookie(_COOKIE, max_age_days=_DAYS) or b""
    user, _, login = shown.decode("ascii", "replace").partition(".")
    is_known = hmac.compare_digest(user.encode(), _user().encode())
    return login if is_known and login and login not in ENDED else None


class LoginHandler(RequestHandler):
    """The login page."""

    def get(self) -> None:
        """Show the form."""
        self._show_form("")

    async def post(self) -> None:
        """Check the password; after too many wrong ones the reader has to wait."""
        address = _network(self.request.remote_ip or "")
        wait = _ATTEMPTS.wait(address)
        if wait > 0:
            self.set_status(429)
            self.set_header("Retry-After", str(int(wait) + 1))
            self._show_form(f"Too many wrong passwords. Try again in {int(wait) + 1} seconds.")
            return
        _ATTEMPTS.count(address)
        password = self.get_body_argument("password", "", strip=False)
        async with _HASHING:
            right = await asyncio.to_thread(is_password, password, _line())
        if right:
            _ATTEMPTS.forgive(address)
            self._let_in()
        else:
            self.set_status(403)
            self._show_form("Wrong password.")

    def _let_in(self) -> None:
        secure = self.request.protocol == "https"
        self.set_secure_cookie(
            _COOKIE,
            f"{_user()}.{new_login()}",
            expires_days=_DAYS,
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
        prefix = _prefix(self)
        place = place_within(self.get_argument("next", "/"))
        self.redirect(f"{prefix}/" if place == "/" else place, status=303)

    def _show_form(self, message: str) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(
            _PAGE.render(
                static=relative(f"{_prefix(self)}/{APP.name}/static", self.request.path),
                xsrf=self.xsrf_token.decode() if self.application.settings["xsrf_cookies"] else "",
                place=place_within(self.get_argument("next", "/")),
                message=message,
            )
        )


class LogoutHandler(RequestHandler):
    """Logs out, on POST only, so that no link can do it."""

    def post(self) -> None:
        """Log out: close the login's open pages and revoke its cookie."""
        login = get_user(self)
        if login is not None:
            ENDED.add(login)
            close_ended()
        self.clear_cookie(_COOKIE)
        self.redirect(f"{_prefix(self)}{login_url}", status=303)


def _prefix(handler: RequestHandler) -> str:
    """Prefix of every path of the server."""
    return cast(BokehTornado, handler.application).prefix


def _network(address: str) -> str:
    """The part of an address that identifies one customer: of IPv6 the /64 network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    bits = 64 if parsed.version == 6 else 32
    return str(ipaddress.ip_network((parsed, bits), strict=False))
