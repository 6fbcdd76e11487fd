"""Log in with Google: an auth module for ``headbrush serve … --auth-module google_login.py``.

Set GOOGLE_KEY, GOOGLE_SECRET, LOGIN_URL (https://HOST/login, as registered with Google), TEAM
(the domain of those who may look) and BOKEH_COOKIE_SECRET.
"""

import hmac
import os
import secrets

from tornado.auth import GoogleOAuth2Mixin
from tornado.web import HTTPError, RequestHandler

login_url = "/login"
_COOKIE, _STATE = "google_reader", "google_state"
_WHO = "https://openidconnect.googleapis.com/v1/userinfo"


def get_user(handler):
    """The address of who has logged in, else None; Bokeh asks before every answer."""
    address = handler.get_secure_cookie(_COOKIE, max_age_days=1)
    return address and address.decode()


class LoginHandler(GoogleOAuth2Mixin, RequestHandler):
    """Sends a reader to Google, and takes them back."""

    def get_google_oauth_settings(self):
        return {"key": os.environ["GOOGLE_KEY"], "secret": os.environ["GOOGLE_SECRET"]}

    async def get(self):
        here, code = os.environ["LOGIN_URL"], self.get_argument("code", None)
        if code is None:
            state = secrets.token_urlsafe(24)
            self.set_secure_cookie(_STATE, state, expires_days=None, httponly=True, secure=True)
            self.authorize_redirect(
                redirect_uri=here,
                client_id=os.environ["GOOGLE_KEY"],
                scope=["openid", "email"],
                response_type="code",
                extra_params={"state": state},
            )
            return
        expected = self.get_secure_cookie(_STATE) or b""
        if not expected or not hmac.compare_digest(expected, self.get_argument("state").encode()):
            raise HTTPError(403, "not the login that was begun here")
        token = await self.get_authenticated_user(here, code)
        who = await self.oauth2_request(_WHO, access_token=token["access_token"])
        if not (who["email_verified"] and who["email"].endswith(f"@{os.environ['TEAM']}")):
            raise HTTPError(403, "not of this team")
        self.set_secure_cookie(
            _COOKIE, who["email"], expires_days=1, httponly=True, secure=True, samesite="Lax"
        )
        self.redirect(f"{self.application.prefix}/")
