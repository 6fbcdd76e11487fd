"""Put the views of a session into the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.models import Div

from .data import StoreData
from .session import Session

_STATIC = Path(__file__).parent / "static"
_SCRIPTS = ("keys.js", "link.js", "tokens.js")


def arrange(
    document: Document, session: Session, views: Sequence[Any], status: Any, stores: Sequence[Path]
) -> None:
    """Add every view's layout as a root of its name, and what the template needs to say."""
    for view in views:
        document.add_root(view.layout)
    document.add_root(status.layout)
    document.title = f"headbrush · {session.data.store.attrs['model']}"
    document.template_variables.update(
        css=(_STATIC / "style.css").read_text(),
        script="\n".join((_STATIC / name).read_text() for name in _SCRIPTS),
        facts=_facts(session.data),
        stores=[path.name for path in stores],
        shown_store=session.data.store.path.name,
        panels={view.layout.name: {"title": view.title, "help": view.help} for view in views},
    )
    document.add_root(_keys(session))


def _facts(data: StoreData) -> dict[str, str]:
    """Model, image set and counts, as plain text; the template escapes them."""
    attrs = data.store.attrs
    heads = f"{data.num_layers} layers × {data.heads_per_layer} heads"
    folder = "/".join(Path(attrs["images"]).parts[-2:])
    images = f"{data.num_images:,} images of {folder}".replace(",", " ")
    patterns = f"{data.num_instances:,} attention patterns".replace(",", " ")
    if not data.has_labels:
        accuracy = "no labels: the predicted class stands for the true one"
    elif not data.probability.shape[1]:
        accuracy = "no classifier"
    else:
        accuracy = f"{data.correct.mean():.1%} predicted correctly"
    return {
        "model": str(attrs["model"]),
        "counts": " · ".join((heads, images, patterns, accuracy)),
    }


def _keys(session: Session) -> Div:
    """An unseen model to which the page's keyboard script writes the key that was pressed."""
    acts = {"Escape": session.clear, "z": session.history.undo, "y": session.history.redo}
    keys = Div(text="", name="keys", tags=[], visible=False)
    keys.on_change("tags", lambda _attribute, _old, new: acts[new[0]]() if new else None)
    return keys
