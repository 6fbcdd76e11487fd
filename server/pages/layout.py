"""Put the views of a session into the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from bokeh.document import Document

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.pages.keyboard import key_variables, press
from headbrush.server.pages.plot_keys import PlotKeys
from headbrush.server.pages.workspaces import TITLES, Place, Workspaces
from headbrush.server.session.palette import DARK, LIGHT, Theme
from headbrush.server.session.session import Session
from headbrush.server.session.status.error_boundary import Failed
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import accuracy_words, heads_words, images_words
from headbrush.server.tools import assets
from headbrush.server.tools.bokeh.browser_channel import Channel, unseen
from headbrush.server.views.common.legend_buttons import legend_channel
from headbrush.server.views.header.title_bar import TitleBar

_STYLES = (
    "css/colours.css", "css/style.css", "css/workspaces.css", "css/stores.css", "css/keyboard.css",
)  # fmt: skip
_LEGENDS = ("image_overview", "pattern_layout")
"""Views whose legends have buttons."""
_SCRIPTS = {
    "head": ("theme.js",),
    "body": (
        *assets.PAGE_BOKEH_SCRIPTS, *assets.SHARED_SCRIPTS, *assets.GALLERY_SCRIPTS,
        "bokeh/painting.js", "page/address.js",
        "page/workspaces.js", "page/inside.js", *assets.KEYBOARD_SCRIPTS, "page/copy_link.js",
        "page/exported.js", "page/brushes/brush_bar.js", "page/brushes/composition.js",
        "page/brushes/difference_table.js", "page/asks.js",
        "page/prune_sets.js", "page/legend_buttons.js",
        "page/save_plots.js", "page/save_figures.js", "page/theme_button.js", "page/nearest_tip.js",
        "page/summaries.js", "page/page_ready.js", "page/view_errors.js", "page/reconnect.js",
        "page/no_websocket.js",
    ),
}  # fmt: skip
COMPARE_SCRIPTS = {
    "head": ("theme.js",),
    "body": (
        *assets.PAGE_BOKEH_SCRIPTS, *assets.SHARED_SCRIPTS, *assets.GALLERY_SCRIPTS,
        "bokeh/painting.js", "page/address.js", "page/workspaces.js", "page/inside.js",
        *assets.KEYBOARD_SCRIPTS, "page/copy_link.js", "page/asks.js", "page/legend_buttons.js",
        "page/save_plots.js", "page/exported.js", "page/save_report.js",
        "page/theme_button.js", "page/nearest_tip.js", "page/summaries.js",
        "page/compare_ready.js",
        "page/view_errors.js", "page/reconnect.js", "page/no_websocket.js",
    ),
}  # fmt: skip


def theme_of(cookies: Mapping[str, str]) -> Theme:
    """The theme that this browser showed last."""
    return DARK if cookies.get("headbrush_theme") == "dark" else LIGHT


def arrange(
    document: Document,
    session: Session,
    workspaces: Workspaces,
    status: TitleBar | Failed,
    store_name: str,
    more: Sequence[Channel] = (),
) -> None:
    """Add the places of all views as roots, and what the template needs to say.

    Parameters
    ----------
    store_name
        The store's name in addresses if several are served, else empty.
    more
        Channels besides those of every page of a store.
    """
    channels = (
        session.summaries.channel, session.faults.channel, session.asks.channel,
        keys_channel(partial(press, session)), steps_channel(session.history.go_to),
        theme_channel(session), legend_channel(dict.fromkeys(_LEGENDS, session)),
        workspaces.channel, *PlotKeys({"": session}).channels,
    )  # fmt: skip
    with filled(document):
        for one in (*workspaces.places.values(), status):
            document.add_root(one.layout)
        document.add_root(unseen(*channels, *more))
    document.title = f"headbrush · {session.data.store.attrs['model']}"
    document.template_variables.update(
        looks() | key_variables(lambda row: row.words),
        template="explore.html",
        facts=facts(session.data),
        store_name=store_name,
        workspace=session.state.workspace,
        workspaces=TITLES,
        panels=[_panel(place, session) for place in workspaces.places.values()],
    )


@contextmanager
def filled(document: Document) -> Iterator[None]:
    """Fill a page: its models are counted once, and ``reconnect.js`` reports a lost server."""
    document.config.update(reconnect_session=False, notify_connection_status=False)
    with document.models.freeze():  # else Bokeh counts all models again for every root
        yield


def looks(scripts: Mapping[str, Sequence[str]] = _SCRIPTS) -> dict[str, object]:
    """Template variables that every page needs."""
    text = {place: assets.scripts(names) for place, names in scripts.items()}
    return {"css": assets.static(*_STYLES), "scripts": text}


def _panel(place: Place, session: Session) -> dict[str, object]:
    row = place.row
    return {
        "name": row.name,
        "root": place.layout.name,
        "workspace": row.workspace,
        "letter": row.letter,
        "area": row.area,
        "title": session.data.worded(row.view_class.title),
        "help": session.data.worded(row.view_class.help),
        "saves": row.saves,
        "summary": session.summaries.get(row.name, ""),
    }


def facts(data: StoreData) -> dict[str, str]:
    """Model, image set and counts, as plain text; the template escapes them."""
    patterns = f"{grouped(data.num_patterns)} attention patterns"
    counts = (heads_words(data), images_words(data), patterns, accuracy_words(data))
    return {"model": str(data.store.attrs["model"]), "counts": " · ".join(counts)}


def keys_channel(act: Callable[[str], None]) -> Channel:
    """A channel to which the page's keyboard script writes the key that was pressed."""
    keys = Channel(name="keys", tags=[])
    keys.on_change("tags", lambda _attribute, _old, new: act(str(new[0])))
    return keys


def steps_channel(go_to: Callable[[int], None]) -> Channel:
    """A channel to which the page writes the step that the browser's Back or Forward leads to."""
    steps = Channel(name="steps", tags=[])
    steps.on_change("tags", lambda _attribute, _old, new: go_to(new[0]))
    return steps


def theme_channel(*sessions: Session) -> Channel:
    """A channel that holds the theme that the browser shows."""
    shown = Channel(name="theme", tags=["dark" if sessions[0].reader.theme is DARK else "light"])

    def change(_attribute: str, _old: list, new: list) -> None:
        for session in sessions:
            session.reader.change_theme(DARK if new == ["dark"] else LIGHT)

    shown.on_change("tags", change)
    return shown
