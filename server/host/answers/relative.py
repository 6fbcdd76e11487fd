"""Addresses relative to the page: behind a proxy that strips a prefix no absolute path is right."""

from posixpath import dirname, relpath

from bokeh.resources import Resources
from bokeh.server.tornado import BokehTornado
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform


def relative(place: str, seen_from: str) -> str:
    """A path on this server, with its query, as seen from the path of a page.

    Examples
    --------
    >>> relative("/login?next=%2F", seen_from="/server")
    './login?next=%2F'
    """
    path, mark, query = place.partition("?")
    steps = relpath(path, dirname(seen_from))
    end = "/" if path.endswith("/") and steps != "." else ""
    return f"./{'' if steps == '.' else steps}{end}{mark}{query}"


def relative_resources(application: BokehTornado, seen_from: str) -> Resources:
    """Where a page finds BokehJS."""
    given = application.resources()
    if not given.mode.startswith("server"):
        return given
    root = relative(f"{application.prefix}/", seen_from)
    return Resources(given.mode, root_url=root, path_versioner=given.path_versioner)


class RelativeRedirects(OutputTransform):
    """Makes redirects to this server relative to what was asked.

    The root leads to the page of the only store, with the query that it was asked with.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._path = request.path
        self._query = request.query if request.path.endswith("/") else ""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Change the address that a browser is led to."""
        place = headers.get("Location", "")
        if place.startswith("/") and not place.startswith("//"):
            if self._query and "?" not in place:
                place = f"{place}?{self._query}"
            headers["Location"] = relative(place, self._path)
        return super().transform_first_chunk(status_code, headers, chunk, finishing)
