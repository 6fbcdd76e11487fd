"""``headbrush serve``: ``bokeh serve`` with all its options, and more for teams."""

import gc
import logging
import os
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, cast

from bokeh.application import Application
from bokeh.application.application import ServerContext
from bokeh.application.handlers.handler import Handler
from bokeh.command.subcommand import Argument
from bokeh.command.subcommands.serve import Serve
from bokeh.document import Document
from bokeh.server.server import Server
from bokeh.server.views.metadata_handler import MetadataHandler
from tornado.ioloop import PeriodicCallback
from tornado.process import task_id
from tornado.web import RequestHandler

from headbrush.server.host import log_bounds, logs
from headbrush.server.host.answers.headers import SecurityHeaders
from headbrush.server.host.answers.health import Health, Metrics
from headbrush.server.host.answers.metrics import ErrorCounter, MetricsFolder, ServerMetrics
from headbrush.server.host.answers.page import Page
from headbrush.server.host.answers.refusals import Malformed, Refused
from headbrush.server.host.answers.relative import RelativeRedirects
from headbrush.server.host.answers.socket import Socket, close_ended
from headbrush.server.host.answers.unclaimed import CHECK_MS
from headbrush.server.host.shutdown import Children, GracefulServer
from headbrush.server.tools.bokeh import connection, defaults, routes
from headbrush.server.tools.child_process import AWAITS, OWNER

_LARGEST_BODY = 1 << 16
_PATIENCE_S = 75
_BEAT_MS, _WRITE_MS = 250, 5000
_QUICKLY = 1
"""Level of compression: pictures shrink to a sixth within a millisecond."""


class Ready(Handler):
    """Application handler that knows whether the application's own hooks have run."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = False

    def modify_document(self, doc: Document) -> None:
        """Leave the page to the application."""

    def on_server_loaded(self, server_context: ServerContext) -> None:  # noqa: ARG002
        """Note that the application's own hook has run, and wait if the owner has asked for it."""
        gc.collect()
        gc.freeze()  # permanent objects are not searched again, see teardown.py
        if AWAITS in os.environ and not sys.stdin.readline():
            sys.exit("headbrush: the process that started this server has ended.")
        self.is_ready = True


class ServeStores(Serve):
    """Bokeh's command with security headers, health, metrics, a log and graceful shutdown."""

    args = (
        *Serve.args,
        (
            "--password-file",
            Argument(metavar="FILE", help="Ask for the password set by 'headbrush password FILE'"),
        ),
        (
            "--no-auth",
            Argument(action="store_true", help="Let in everyone who can reach the address"),
        ),
        (
            "--no-live",
            Argument(action="store_true", help="Run no model and open no image of a store"),
        ),
    )

    def __init__(self, parser: ArgumentParser) -> None:
        super().__init__(parser)
        self._ready = Ready()
        self._metrics = ServerMetrics()

    def invoke(self, args: Namespace) -> None:
        """Serve until stopped."""
        logs.set_up(args)
        log_bounds.use()
        logging.getLogger().addHandler(ErrorCounter(self._metrics))
        Socket.metrics = self._metrics
        connection.use()
        defaults.use()
        # no autoload.js: it would let any page embed this one
        routes.use_for_applications(
            [(r"/?", Page), (r"/ws", Socket), (r"/metadata", MetadataHandler)]
        )
        self._children = Children() if args.num_procs != 1 else None
        with tempfile.TemporaryDirectory(prefix="headbrush-") as folder:
            self._folder = Path(folder)
            super().invoke(args)

    def customize_applications(
        self, args: Namespace, applications: dict[str, Application]
    ) -> dict[str, Application]:
        """Add the handler that knows when the application is ready."""
        for application in applications.values():
            application.add(self._ready)
        return super().customize_applications(args, applications)

    def customize_kwargs(self, args: Namespace, server_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Add routes, headers and logging to Bokeh's."""
        secure = bool(server_kwargs.get("ssl_certfile"))
        return {
            "check_unused_sessions_milliseconds": CHECK_MS,
            "websocket_compression_level": _QUICKLY,
            **super().customize_kwargs(args, server_kwargs),
            "extra_patterns": [
                (r"/healthz", Health, {"is_ready": lambda: self._ready.is_ready}),
                (r"/metrics", Metrics, {"text": self._text}),
            ],
            "http_server_kwargs": {
                "max_body_size": _LARGEST_BODY,
                "body_timeout": _PATIENCE_S,
                "idle_connection_timeout": _PATIENCE_S,
            },
            "log_function": self._note,
            "transforms": [SecurityHeaders, RelativeRedirects],
            "xsrf_cookie_kwargs": {"httponly": True, "samesite": "Lax", "secure": secure},
        }

    def customize_server(self, server: Server) -> Server:
        """Start the metrics in the serving process, and shut down gracefully."""
        if self._children is not None:
            self._children.join()
        self._server = server
        routes.add_first(server, Malformed(), Refused)
        self._metrics_folder = MetricsFolder(self._folder, str(task_id() or 0))
        self._due = time.monotonic() + _BEAT_MS / 1000
        self._owner = int(os.environ[OWNER]) if OWNER in os.environ else None
        for beat, milliseconds in ((self._beat, _BEAT_MS), (self._write_metrics, _WRITE_MS)):
            PeriodicCallback(beat, milliseconds).start()
        # Bokeh calls only run_until_shutdown of what this returns
        return cast(Server, GracefulServer(server, self._unready))

    def _unready(self) -> None:
        self._ready.is_ready = False

    def _note(self, handler: RequestHandler) -> None:
        logs.log_answer(handler)
        self._metrics.answers.labels(f"{handler.get_status() // 100}xx").inc()
        self._metrics.answer_seconds.observe(handler.request.request_time())

    def _beat(self) -> None:
        now = time.monotonic()
        self._metrics.loop_delay_seconds.observe(max(0, now - self._due))
        self._due = now + _BEAT_MS / 1000
        close_ended()  # also what another process ended
        if self._owner is not None and os.getppid() != self._owner:
            os.kill(os.getpid(), signal.SIGTERM)

    def _write_metrics(self) -> None:
        self._metrics.sessions.set(len(self._server.get_sessions()))
        self._metrics.connections.set(len(Socket.open_sockets))
        self._metrics_folder.write(self._metrics.registry)

    def _text(self) -> str:
        self._write_metrics()
        return self._metrics_folder.text()


def main() -> None:
    """Serve: ``APPLICATION [option]... --args STORE...``."""
    os.environ.setdefault("BOKEH_VALIDATE_DOC", "no")  # of each page, on the loop; tests do it
    parser = ArgumentParser(prog="headbrush serve")
    command = ServeStores(parser=parser)
    command.invoke(parser.parse_args(sys.argv[1:]))
    logging.shutdown()
    os._exit(0)  # Python would wait for the threads of the model, whose answers nobody awaits
