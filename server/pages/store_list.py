"""The list of the served stores."""

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from bokeh.document import Document

from headbrush.server.pages.layout import looks
from headbrush.server.pages.store_card import Card
from headbrush.server.stores.redact_paths import said


def list_stores(
    document: Document,
    stores: Mapping[str, Path],
    cards: Mapping[str, "Future[Card]"],
    note: str,
) -> None:
    """Make the page that lists stores; those not yet read, or unreadable, say so.

    Parameters
    ----------
    stores, asked
        Place and card of every store, by the name that addresses use.
    """
    document.title = "headbrush"
    rows = [_row(name, stores[name], future) for name, future in cards.items()]
    document.template_variables.update(
        looks(),
        template="start.html",
        rows=rows,
        note=note,
        good=[row["name"] for row in rows if row["card"]],
    )


def _row(name: str, path: Path, future: "Future[Card]") -> dict[str, object]:
    card, fault = None, ""
    if not future.done():
        fault = "Still reading: the disk is slow. Reload this page in a moment."
    elif (error := future.exception()) is not None:
        fault = said(str(error), path)
    else:
        card = future.result()
    return {"name": name, "card": card, "fault": fault}
