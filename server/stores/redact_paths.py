"""Error texts for pages: names of stores and folders, never full paths on the server."""

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from headbrush.analysis.store.store import Store

log = logging.getLogger("headbrush")

_SHOWN = 2
"""Last parts of a place that a page tells, so that its reader knows which is meant."""
_SYSTEM = re.compile(r"\[Errno -?\d+\] ([^()']*?)(?:: '[^']*')?(?=\))")
"""What the system said of a file that is named before: its words are enough."""
_PLACE = re.compile(r"(?<![\w/.:…-])(?:/[^\s/:;,'\"()]+){3,}")
"""What looks like a place on a disk; such as are known may hold any character."""


def said(fault: str, store: Path, recorded: Iterable[str] = ()) -> str:
    """An error text for a page; the log has the original.

    Asks no disk, as it runs on the loop that serves all pages.

    Parameters
    ----------
    store
        Where the store is; pages know its name.
    recorded
        Other places that the fault may name.
    """
    text = fault
    for path in sorted(recorded, key=len, reverse=True):
        if path.startswith("/") and path.count("/") > _SHOWN:
            text = text.replace(path, _short(path))
    folder = store.absolute().parent
    if folder != folder.parent:
        text = text.replace(f"{folder}/", "")
    text = _SYSTEM.sub(r"\1", text)
    text = _PLACE.sub(lambda found: _short(found[0]), text)
    if text != fault:
        log.warning("error shown redacted on the page: %s", fault)
    return text


def said_of(fault: str, store: Store) -> str:
    """A fault of an open store, which may also name its images and its model."""
    return said(fault, store.path, recorded_places(store)) if fault else ""


def _short(path: str) -> str:
    return "…/" + "/".join(Path(path).parts[-_SHOWN:])


def recorded_places(store: Store) -> list[str]:
    """Where the images and the model were; a store may say anything."""
    try:
        source = dict(json.loads(store.attrs.get("model_source", "{}")))
    except (TypeError, ValueError):
        source = {}
    name = str(source.get("name")).removeprefix("local-dir:")
    return [str(store.attrs["images"]), name, str(source.get("checkpoint"))]
