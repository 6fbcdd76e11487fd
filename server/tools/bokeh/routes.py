"""Routes added to a Bokeh server, before or instead of Bokeh's own.

Bokeh has no option for either. ``add_first`` reaches into ``Server._tornado``: ``extra_patterns``
come after Bokeh's own routes. Tried with Bokeh 3.8.2 to 3.9.2.
"""

from collections.abc import Sequence

from bokeh.server import urls
from bokeh.server.server import Server
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler


def add_first(server: Server, matcher: Matcher, handler: type[RequestHandler]) -> None:
    """Let ``handler`` answer what ``matcher`` matches, before all other routes."""
    server._tornado.add_handlers(r".*", [Rule(matcher, handler)])


def use_for_applications(patterns: Sequence[tuple[str, type[RequestHandler]]]) -> None:
    """Serve applications by these routes, of all servers that are made from now on."""
    urls.per_app_patterns[:] = list(patterns)
