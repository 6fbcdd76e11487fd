"""The server's log: faults in Bokeh's format at a terminal, else all in one JSON object a line."""

import json
import logging
import sys
import traceback
from argparse import Namespace
from datetime import UTC, datetime

from bokeh.command.subcommands.serve import DEFAULT_LOG_FORMAT
from tornado.process import task_id
from tornado.web import RequestHandler

access_log = logging.getLogger("headbrush.access")


class JsonLines(logging.Formatter):
    """One JSON object per line; text from a reader cannot start another line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record, with what ``extra={"fields": {…}}`` adds."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": task_id() or 0,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str)


def set_up(arguments: Namespace) -> None:
    """Log to ``--log-file`` or the terminal.

    As JSON unless a person reads it at a terminal, who sees no line for an answer without fault.
    """
    logging.basicConfig(format=arguments.log_format, filename=arguments.log_file)
    is_read = sys.stderr.isatty() and not arguments.log_file
    if arguments.log_format == DEFAULT_LOG_FORMAT and not is_read:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
    logging.getLogger("headbrush").setLevel(logging.INFO)
    if is_read:
        access_log.setLevel(logging.ERROR)


def log_answer(handler: RequestHandler) -> None:
    """One line per answer, without the query, which may hold tokens."""
    request, status = handler.request, handler.get_status()
    seconds = request.request_time()
    is_routine = status < 400 and (request.path.endswith("/healthz") or "/static/" in request.path)
    access_log.log(
        logging.DEBUG if is_routine else logging.INFO if status < 500 else logging.ERROR,
        "%s %s %d",
        request.method,
        request.path,
        status,
        extra={
            "fields": {
                "method": request.method,
                "path": request.path,
                "status": status,
                "milliseconds": round(1000 * seconds, 1),
                "remote": request.remote_ip,
            }
        },
    )
