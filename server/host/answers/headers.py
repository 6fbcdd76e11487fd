"""Security headers of every answer."""

import os

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

FRAMES = "HEADBRUSH_FRAMES"
"""Environment variable: origins whose pages may show this server's in a frame; none by default."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
)


class SecurityHeaders(OutputTransform):
    """Adds security headers to every answer of every handler."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._is_secure = request.protocol == "https"

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers that the handler has not set."""
        for name, value in (_HEADERS | {"Content-Security-Policy": policy()}).items():
            if name not in headers and not (name == "X-Frame-Options" and os.environ.get(FRAMES)):
                headers[name] = value
        if self._is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers["Server"] = "headbrush"
        return super().transform_first_chunk(status_code, headers, chunk, finishing)


def policy(nonce: str = "") -> str:
    """The content security policy; only scripts with ``nonce`` run in the page.

    BokehJS compiles functions and modules from the text of its CustomJS models, which needs
    ``unsafe-eval`` and ``blob:``.
    """
    return _POLICY.format(
        scripts=f" 'nonce-{nonce}' 'unsafe-eval' blob:" if nonce else "",
        frames=os.environ.get(FRAMES) or "'none'",
    )
