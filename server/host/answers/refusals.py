"""Refusal of malformed addresses, before any other handler sees them."""

from urllib.parse import unquote_to_bytes

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import HTTPError, RequestHandler


class Malformed(Matcher):
    """Matches addresses that hold control characters or non-UTF-8 bytes when unquoted."""

    def match(self, request: HTTPServerRequest) -> dict[str, object] | None:
        """Match with an empty dict; None means that the address is well-formed."""
        try:
            text = unquote_to_bytes(request.path).decode()
        except UnicodeDecodeError:
            return {}
        return None if text.isprintable() else {}


class Refused(RequestHandler):
    """Refuses addresses that no handler should see, such as file names with a NUL."""

    def prepare(self) -> None:
        """Answer 400, whatever the method."""
        raise HTTPError(400, "malformed address")
