"""One page: its state, its views, its layout."""

import sys
from functools import partial
from pathlib import Path

from bokeh.io import curdoc

from .data import asked_store, open_data
from .guard import built
from .link import from_query
from .matrix import ShownMatrix
from .matrix_words import MatrixWords
from .page import arrange, theme_of
from .session import Session
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

document = curdoc()
context = document.session_context
arguments = context.request.arguments if context else {}
stores = [Path(word) for word in sys.argv[1:]]
data = open_data(asked_store(stores, arguments))
state, note = from_query(arguments, data)
cookies = context.request.cookies if context else {}
session = Session(data, state, theme_of(cookies))
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
arrange(document, session, views, build(Status, session, note), stores)
