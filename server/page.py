"""Put the views of a session into the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.layouts import column
from bokeh.models import Div

from .data import StoreData
from .keyboard import press
from .palette import DARK, LIGHT, Theme
from .session import Session

_STATIC = Path(__file__).parent / "static"
_STYLES = ("colours.css", "style.css")
_SCRIPTS = {
    "head": ("theme.js",),
    "body": (
        "tokens.js", "keys.js", "link.js", "brushes.js", "save.js", "page.js", "faults.js",
        "reconnect.js",
    ),
}  # fmt: skip


def theme_of(cookies: Mapping[str, str]) -> Theme:
    """The theme that this browser showed last."""
    return DARK if cookies.get("headbrush_theme") == "dark" else LIGHT


def arrange(
    document: Document, session: Session, views: Sequence[Any], status: Any, stores: Sequence[Path]
) -> None:
    """Add every view's layout as a root of its name, and what the template needs to say."""
    document.config.update(reconnect_session=False, notify_connection_status=False)  # reconnect.js
    for view in views:
        document.add_root(view.layout)
    document.add_root(status.layout)
    document.title = f"headbrush · {session.data.store.attrs['model']}"
    document.template_variables.update(
        css="\n".join((_STATIC / name).read_text() for name in _STYLES),
        scripts={place: _read(names) for place, names in _SCRIPTS.items()},
        facts=facts(session.data),
        stores=[path.name for path in stores],
        shown_store=session.data.store.path.name,
        panels={view.layout.name: _panel(view, session) for view in views},
    )
    unseen = (session.told, session.faults.told, _keys(session), _theme(session))
    document.add_root(column(*unseen, name="unseen", visible=False))


def _read(names: Sequence[str]) -> str:
    return ";\n".join((_STATIC / name).read_text() for name in names)


def _panel(view: Any, session: Session) -> dict[str, str]:
    summary = session.summaries.get(view.layout.name, "")
    return {"title": view.title, "help": view.help, "summary": summary}


def facts(data: StoreData) -> dict[str, str]:
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
    keys = Div(text="", name="keys", tags=[], visible=False)
    keys.on_change("tags", lambda _attribute, _old, new: press(session, str(new[0])))
    return keys


def _theme(session: Session) -> Div:
    """An unseen model that says which theme the browser shows."""
    shown = Div(text="", name="theme", visible=False)
    shown.tags = ["dark" if session.theme is DARK else "light"]
    shown.on_change(
        "tags",
        lambda _attribute, _old, new: session.change_theme(DARK if new == ["dark"] else LIGHT),
    )
    return shown
