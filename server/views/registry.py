"""The registry of views, one row each: a new view is one file and one row here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from headbrush.server.session.session import Session
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from headbrush.server.views.strength.strength_overview import StrengthOverview
from headbrush.server.views.strength.strength_vector import StrengthVector
from headbrush.server.views.tokens.attention_matrix import AttentionMatrix
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.explain.explained_image import ExplainedImage
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.tokens.explain.explanation_maps import ExplanationMaps
from headbrush.server.views.tokens.explain.sinks import SinkCard
from headbrush.server.views.tokens.explain.speaking_heads import SpeakingHeads
from headbrush.server.views.tokens.image_context import ImageContext
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from headbrush.server.views.tokens.threshold import Threshold
from headbrush.server.views.tokens.two_axes import TwoAxes
from headbrush.server.views.trends.class_heads import ClassHeads
from headbrush.server.views.trends.consistency import ClassConsistency
from headbrush.server.views.trends.similar_images import SimilarImages
from headbrush.server.views.trends.unlike_images import UnlikeImages
from headbrush.server.views.view import View
from headbrush.server.views.what_if.changed_predictions import ChangedPredictions
from headbrush.server.views.what_if.given_importance import GivenImportance
from headbrush.server.views.what_if.prune_heads import PruneHeads
from headbrush.server.views.what_if.pruned_prediction import PrunedPrediction
from headbrush.server.views.what_if.pruning_curve import PruningCurve
from headbrush.server.views.what_if.relations.head_pairs import HeadPairs
from headbrush.server.views.what_if.set_answer import SetAnswer
from headbrush.server.views.what_if.set_effects import SetEffects


@dataclass(frozen=True)
class Row:
    """One view.

    Attributes
    ----------
    letter
        Its letter on the page, as in the paper's Fig. 1.
    view_class
        Built as ``view_class(session)``, or ``view_class(session, shared)``.
    area
        Its area in the grid of the page (``static/css/style.css``).
    needs
        Class of an object shared with other views, built once per session as ``needs(session)``.
    is_of_one_head
        Whether it shows one head of one image; a report repeats it for each head.
    report_parts
        Names of the models of its layout that a report keeps; empty keeps all.
    report_order
        Place in a report, the least first; equal ones in the order of the page.
    workspace
        The one of ``WORKSPACES`` whose tab shows it.
    saves
        What its menu saves: a ``figure`` for a paper, the ``plot`` as on the screen.
    """

    letter: str
    view_class: type[View]
    area: str
    needs: type | None = None
    is_of_one_head: bool = False
    report_parts: tuple[str, ...] = ()
    report_order: int = 0
    workspace: str = "explore"
    saves: tuple[str, ...] = ("figure", "plot")

    @property
    def name(self) -> str:
        """The view's name."""
        return self.view_class.name


ROWS = (
    Row(
        "A", ImageOverview, "images", report_parts=("images_form", "images_shown"), report_order=1
    ),
    Row("B1", HeadImportance, "importance", report_parts=("metric", "importance_plot")),
    Row(
        "B2", PartialPruning, "pruning", PruningAnswer, is_of_one_head=True,
        report_parts=("pruning_note", "pruning_plot"),
    ),
    Row("B3", Prediction, "prediction", PruningAnswer, is_of_one_head=True),
    Row(
        "C1", StrengthOverview, "overview",
        report_parts=("overview_plot", "head_counts", "bits_overview", "name_overview"),
        report_order=1,
    ),
    Row("C2", StrengthVector, "vector", is_of_one_head=True),
    Row("C3", EntropyDistribution, "entropy", is_of_one_head=True),
    Row(
        "D1", PatternLayout, "patterns",
        report_parts=("pattern_legend", "patterns_plot"), report_order=1,
    ),
    Row("D2", ImageContext, "context", ShownMatrix, is_of_one_head=True, report_order=2),
    Row("D3", TwoAxes, "axes", ShownMatrix, is_of_one_head=True, report_order=2),
    Row("D4", AttentionMatrix, "matrix", ShownMatrix, is_of_one_head=True, report_order=2),
    Row(
        "D5", Threshold, "threshold", ShownMatrix, is_of_one_head=True,
        report_parts=("threshold_note", "threshold_plot"), report_order=1,
    ),
    Row(
        "E1", PruneHeads, "heads", workspace="what_if", saves=("plot",),
        report_parts=("prune_chips",),
    ),
    Row(
        "E2", SetEffects, "effects", SetAnswer, workspace="what_if", saves=("figure",),
        report_parts=("set_table",),
    ),
    Row("E3", PrunedPrediction, "after", SetAnswer, workspace="what_if"),
    Row(
        "E4", GivenImportance, "given", SetAnswer, workspace="what_if",
        report_parts=("given_legend", "given_plot"),
    ),
    Row(
        "E5", ChangedPredictions, "changed", SetAnswer, workspace="what_if", saves=(),
        report_parts=("changed_list",),
    ),
    Row(
        "E6", PruningCurve, "curve", SetAnswer, workspace="what_if",
        report_parts=("curve_body",),
    ),
    Row(
        "E7", HeadPairs, "pairs", workspace="what_if",
        report_parts=("pairs_body",),
    ),
    Row(
        "F1", ClassHeads, "classes", workspace="trends",
        report_parts=("trend_plot",),
    ),
    Row(
        "F2", ClassConsistency, "alike", workspace="trends",
        report_parts=("consistency_body",),
    ),
    Row(
        "F3", UnlikeImages, "unlike", workspace="trends", saves=("figure",),
        report_parts=("unlike_list",),
    ),
    Row(
        "F4", SimilarImages, "similar", workspace="trends", saves=("figure",),
        report_parts=("similar_list",),
    ),
    Row(
        "G1", ExplainedImage, "explained", ExplanationAnswer, workspace="explain",
        report_parts=("explained_pictures",),
    ),
    Row(
        "G2", ExplanationMaps, "maps", ExplanationAnswer, workspace="explain", saves=(),
        report_parts=("maps_list",),
    ),
    Row(
        "G3", SpeakingHeads, "speaking", ExplanationAnswer, workspace="explain",
        report_parts=("speaking_legend", "speaking_plot"),
    ),
    Row(
        "G4", SinkCard, "sinks", ExplanationAnswer, workspace="explain", saves=(),
        report_parts=("sink_list",),
    ),
)  # fmt: skip
"""In the order of the page."""
BY_NAME = {row.name: row for row in ROWS}


@dataclass(frozen=True)
class Views:
    """Views of one session.

    Attributes
    ----------
    by_name
        The views, in the order of the page.
    shared
        What several of them share, by its class.
    """

    by_name: dict[str, View]
    shared: dict[type, Any]


def build_views(
    session: Session,
    names: Iterable[str] = BY_NAME,
    build: Callable[..., Any] = lambda made, *given: made(*given),
) -> Views:
    """Build the views with these names.

    Parameters
    ----------
    build
        Calls ``made(*given)``; a page hands over an error boundary.

    Raises
    ------
    KeyError
        If there is no view of a name.
    """
    wanted = {BY_NAME[name].name for name in names}
    views: dict[str, View] = {}
    shared: dict[type, Any] = {}
    for row in ROWS:
        if row.name in wanted:
            given = [session]
            if row.needs is not None:
                if row.needs not in shared:
                    shared[row.needs] = build(row.needs, session)
                given.append(shared[row.needs])
            views[row.name] = build(row.view_class, *given)
    if ShownMatrix in shared:
        build(MatrixWords, session, shared[ShownMatrix])
    return Views(views, shared)
