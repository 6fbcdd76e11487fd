"""What the page of a store is made of: a table of contents."""

from collections.abc import Mapping
from functools import partial

from bokeh.document import Document

from .data import StoreData
from .guard import built
from .matrix import ShownMatrix
from .matrix_words import MatrixWords
from .page import arrange, theme_of
from .session import Session
from .state import ViewState
from .views.attention_matrix import AttentionMatrix
from .views.entropy_distribution import EntropyDistribution
from .views.head_importance import HeadImportance
from .views.image_context import ImageContext
from .views.image_overview import ImageOverview
from .views.partial_pruning import PartialPruning
from .views.pattern_layout import PatternLayout
from .views.prediction import Prediction
from .views.status import Status
from .views.strength_overview import StrengthOverview
from .views.strength_vector import StrengthVector
from .views.threshold import Threshold
from .views.two_axes import TwoAxes


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
    arrange(document, session, views, build(Status, session, note), store_name)
    return (session,)
