"""The page of one store: one session, its views, its layout."""

from collections.abc import Mapping
from functools import partial

from bokeh.document import Document

from headbrush.server.pages.figures.on_page import PageFigures
from headbrush.server.pages.layout import arrange, theme_of
from headbrush.server.pages.report.make_report import report_of
from headbrush.server.pages.workspaces import Workspaces
from headbrush.server.session.brush.named_brushes import Named
from headbrush.server.session.prune.named_sets import NamedSets
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.session.status.error_boundary import built
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.header.title_bar import TitleBar
from headbrush.server.views.images.image_cloud import make_cloud
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.patterns.pattern_tip import PatternTip
from headbrush.server.views.view import View


def explore(
    document: Document,
    data: StoreData,
    state: ViewState,
    note: str,
    cookies: Mapping[str, str],
    store_name: str,
    named: Named = (),
    sets: NamedSets = (),
) -> tuple[Session]:
    """Fill a page with all views of a store.

    Parameters
    ----------
    state, note
        The state that the address names, and a note on unusable parts of the address.
    store_name
        The store's name in addresses if several are served, else empty.
    named, sets
        Named brushes and prune sets in the address.
    """
    session = Session(data, state, theme_of(cookies), document)
    session.reader.restore_named(named)
    session.reader.change_sets(sets)
    build = partial(built, session.faults)
    workspaces = Workspaces(session, build, partial(_use_server, session))
    status = build(TitleBar, session, note, report_of)
    arrange(document, session, workspaces, status, store_name, PageFigures(session).channels)
    return (session,)


def _use_server(session: Session, views: Mapping[str, View]) -> None:
    """Draw very many images, and say what is under the mouse in the layout of the patterns."""
    images = views.get(ImageOverview.name)
    if isinstance(images, ImageOverview):
        make_cloud(session, images)
    patterns = views.get(PatternLayout.name)
    if isinstance(patterns, PatternLayout):
        PatternTip(session, patterns.plot)
