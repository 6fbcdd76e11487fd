"""Serialise a page's first message in the thread that built the page."""

from bokeh.core.serialization import Serialized
from bokeh.document import Document
from bokeh.document.events import DocumentChangedEvent, DocumentPatchedEvent
from bokeh.document.json import DocJson

from headbrush.server.tools.bokeh.defaults import let_go_of_empty


def write_ahead(document: Document) -> None:
    """Write all of the document now; the browser gets that, unless it changes before it asks."""
    written = document.to_json()
    let_go_of_empty(document.models)

    def forget(event: DocumentChangedEvent) -> None:
        if isinstance(event, DocumentPatchedEvent):
            drop()

    def drop() -> None:
        vars(document).pop("to_json", None)
        document.remove_on_change(forget)

    def tell(*, deferred: bool = True) -> DocJson | Serialized[DocJson]:
        drop()
        return written if deferred else document.to_json(deferred=False)

    document.on_change(forget)
    vars(document)["to_json"] = tell
