"""What the page of a store is made of: a table of contents."""

from collections.abc import Mapping
from functools import partial

from bokeh.document import Document

from headbrush.server.pages.layout import arrange, theme_of
from headbrush.server.pages.report.report import report_of
from headbrush.server.session.error_boundary import built
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.header.title_bar import Status
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from headbrush.server.views.strength.strength_overview import StrengthOverview
from headbrush.server.views.strength.strength_vector import StrengthVector
from headbrush.server.views.tokens.attention_matrix import AttentionMatrix
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.image_context import ImageContext
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from headbrush.server.views.tokens.threshold import Threshold
from headbrush.server.views.tokens.two_axes import TwoAxes


def explore(
    document: Document,
    data: StoreData,
    asked: tuple[ViewState, str],
    cookies: Mapping[str, str],
    store_name: str,
) -> tuple[Session]:
    """One session: its state, its views, its layout.

    Parameters
    ----------
    asked
        The state that the address names, and a note on what of it could not be used.
    """
    state, note = asked
    session = Session(data, state, theme_of(cookies), document)
    build = partial(built, session.faults)
    matrix = build(ShownMatrix, session)
    views = [
        build(ImageOverview, session),
        build(HeadImportance, session),
        build(PartialPruning, session),
        build(Prediction, session),
        build(StrengthOverview, session),
        build(StrengthVector, session),
        build(EntropyDistribution, session),
        build(PatternLayout, session),
        build(ImageContext, session, matrix),
        build(TwoAxes, matrix),
        build(AttentionMatrix, session, matrix),
        build(Threshold, session, matrix),
    ]
    build(MatrixWords, session, matrix)
    arrange(document, session, views, build(Status, session, note, report_of), store_name)
    return (session,)
