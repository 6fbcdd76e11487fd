"""What a log holds of text that strangers send: a short, printable part, and no query."""

import logging
import re

_LONGEST = 500
"""Characters kept of each text."""
_FOREIGN = re.compile(r"(bokeh|tornado|headbrush\.access)\b")
"""Loggers whose messages quote what the server was sent."""
_QUERY = re.compile(r"\?\S+")
_STRANGERS_MISTAKE = ("Refusing websocket connection", "Session id had invalid", "Token for ")
"""Messages that Bokeh logs as errors of the server."""


class BoundedText(logging.Filter):
    """Shortens and escapes what quotes a request.

    A query may hold tokens, a control character can start another line or recolour a terminal, and
    a refused message can be as long as its sender likes.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; every record is logged."""
        if not _FOREIGN.match(record.name):
            return True
        message = record.getMessage()
        if message.startswith(_STRANGERS_MISTAKE):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.msg, record.args = bounded(_QUERY.sub("?…", message)), ()
        for name, value in getattr(record, "fields", {}).items():
            if isinstance(value, str):
                record.__dict__["fields"][name] = bounded(value)
        return True


def bounded(text: str) -> str:
    """The beginning of a text in one line, with escapes for what cannot be printed."""
    kept = text[:_LONGEST] + ("…" if len(text) > _LONGEST else "")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in kept
    )


def use() -> None:
    """Bound what every handler of this process's log writes."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(BoundedText())
