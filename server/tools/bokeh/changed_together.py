"""Many changes of a document that Bokeh counts once."""

from collections.abc import Iterator
from contextlib import contextmanager

from bokeh.document import Document


@contextmanager
def changed_together(document: Document | None) -> Iterator[None]:
    """Put models into a page that is shown; Bokeh looks at all models once, not at every change.

    What changes meanwhile is sent at the end, when all new models are known: before, the browser
    would be told of them twice. The block must raise nothing, else the document stays frozen.
    """
    if document is None:
        yield
        return
    document.hold("collect")
    with document.models.freeze():
        yield
    document.unhold()
