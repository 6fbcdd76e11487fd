"""A change of one part of the state wakes only the views that read it; redrawing never emits."""

from unittest.mock import patch

import numpy as np
import pytest

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.palette import DARK
from headbrush.server.session.state import WORKSPACES, History, Stage
from headbrush.server.views.header.title_bar import TitleBar
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.registry import ROWS, build_views
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from headbrush.server.views.strength.strength_overview import StrengthOverview
from headbrush.server.views.strength.strength_vector import StrengthVector
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, from_codes, to_codes
from tests.server.fakes import show_page
from tests.server.pictures import pattern_picture

VIEWS = (
    ImageOverview,
    HeadImportance,
    StrengthOverview,
    StrengthVector,
    EntropyDistribution,
    PatternLayout,
)

CHANGES = {
    "metric": (
        {"metric": "cls"},
        {
            "HeadImportance.react",
            "TopHeads.react",
            "DifferenceTable.react",
            "PartialPruning.react",
            "TitleBar.react_to_answer",
        },
    ),
    "image colour": ({"image_colour": "correct"}, {"ImageOverview.react_to_colour"}),
    "overview": ({"overview": "counts"}, {"StrengthOverview.react_to_overview"}),
    "pattern style": ({"pattern_style": "points"}, {"PatternLayout.react_to_drawing"}),
    "pattern colour": ({"pattern_colour": "layer"}, {"PatternLayout.react_to_drawing"}),
    "zoom": (
        {"pattern_range": (-1.0, 1.0, -1.0, 1.0)},
        {"PatternLayout.react_to_range", "PatternLayout.react_to_drawing"},
    ),
    "pattern": (
        {"pattern": "cls"},
        {
            "PatternLayout.react_to_range",
            "PatternLayout.react_to_drawing",
            "PatternLayout.react_to_selection",
        },
    ),
    "head": (
        {"head": 0, "layer": 1},
        {
            "HeadImportance.react_to_head",
            "TopHeads.react_to_head",
            "DifferenceTable.react_to_head",
            "StrengthOverview.react_to_head",
            "HeadCounts.react_to_head",
            "StrengthVector.react",
            "EntropyDistribution.react",
            "EntropyDistribution.react_to_image",
            "PatternLayout.react_to_selection",
            "PruningAnswer.react",
            "ShownMatrix.react",
            "TitleBar.react_to_selection",
        },
    ),
    "brush": (
        {"clauses": (Clause("images", Ids((1, 2))),)},
        {
            "ImageOverview.react_to_brush",
            "HeadImportance.react",
            "HeadCounts.react",
            "BrushBar.react",
            "CompositionMenu.react",
            "TopHeads.react",
            "StrengthOverview.react",
            "StrengthVector.react",
            "EntropyDistribution.react",
            "EntropyDistribution.react_to_image",
            "PatternLayout.react_to_drawing",
            "PruningAnswer.react_to_brush",
            "ShownMatrix.react_to_brush",
            "TitleBar.react_to_answer",
            "TitleBar.react_to_brush",
        },
    ),
    "mode": ({"mode": 3}, {"PartialPruning.react_to_mode", "Prediction.react"}),
    "threshold": ({"threshold": 0.5}, {"ShownMatrix.react_to_threshold", "MatrixWords.react"}),
    "token": ({"token": 2}, {"ShownMatrix.react_to_token", "MatrixWords.react"}),
}


def whole_page(session):
    """Every view, as a page has them when all workspaces have been shown."""
    views = []
    for workspace in WORKSPACES:
        with session.history.only_in(workspace):
            views.append(build_views(session, [r.name for r in ROWS if r.workspace == workspace]))
    return views, TitleBar(session, "", report_of)


def change_in(workspace, woken, session, values):
    """Change a state in a workspace that is shown; ``woken`` holds what that has redrawn."""
    _views = whole_page(session)
    session.history.change(workspace=workspace)
    woken.clear()
    session.history.change(**values)


@pytest.fixture
def woken():
    """Names of the methods that a change wakes, the link aside."""
    seen = []
    on_change = History.on_change

    def noting(self, parts, callback, stage=Stage.VIEWS):
        name = callback.__qualname__

        def called(state):
            if ".react" in name and name != "TitleBar.react_to_link":
                seen.append(name)
            callback(state)

        on_change(self, parts, called, stage)

    with patch.object(History, "on_change", noting):
        yield seen


@pytest.mark.parametrize(("values", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_change_wakes_only_the_views_that_read_it(woken, session, values, expected):
    _views = whole_page(session)
    woken.clear()
    session.history.change(**values)
    assert sorted(woken) == sorted(expected)


WHAT_IF = {
    "prune set": (
        {"pruned": PruneSet.parse("0.0")},
        {
            "SetAnswer.react",
            "PruneHeads.react",
            "HeadGrid.react",
            "GivenImportance.react",
            "PruningCurve.react",
        },
    ),
    "metric": (
        {"metric": "cls"},
        {"HeadGrid.react_to_values", "GivenImportance.react_to_metric", "TitleBar.react_to_answer"},
    ),
    "head": (
        {"head": 0, "layer": 1},
        {
            "PruneHeads.react",
            "HeadGrid.react_to_head",
            "GivenImportance.react_to_head",
            "TitleBar.react_to_selection",
        },
    ),
    "pattern": ({"pattern": "cls"}, set()),
}


TRENDS = {
    "comparison": ({"trend_group": "wrong"}, {"ClassHeads.react"}),
    "order": ({"trend_order": "alike"}, {"ClassHeads.react_to_order"}),
    "image": (
        {"image": 7},
        {"UnlikeImages.react_to_choice", "SimilarImages.react", "TitleBar.react_to_selection"},
    ),
    "head": (
        {"head": 0, "layer": 1},
        {
            "ClassGrid.react_to_head",
            "ClassConsistency.react_to_head",
            "UnlikeImages.react_to_choice",
            "TitleBar.react_to_selection",
        },
    ),
    "pattern": ({"pattern": "cls"}, set()),
}


EXPLAIN = {
    "image": ({"image": 7}, {"ExplanationAnswer.react", "TitleBar.react_to_selection"}),
    "class": ({"explained_class": 1}, {"ExplanationAnswer.react"}),
    "map": ({"explained_map": "lens"}, {"ExplanationAnswer.react_to_choice"}),
    "form": ({"explained_form": "beside"}, {"ExplainedImage.react"}),
    "token": ({"token": 3}, {"ExplainedImage.react", "SpeakingHeads.react", "PatchPlot.react"}),
    "pattern": ({"pattern": "cls"}, set()),
}


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("values", "expected"), EXPLAIN.values(), ids=EXPLAIN)
def test_an_explanation_is_redrawn_by_what_it_shows(woken, session, values, expected):
    change_in("explain", woken, session, values)
    assert set(woken) == expected


@pytest.mark.parametrize(("values", "expected"), TRENDS.values(), ids=TRENDS)
def test_trends_are_redrawn_by_what_they_show(woken, session, values, expected):
    change_in("trends", woken, session, values)
    assert set(woken) == expected


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("values", "expected"), WHAT_IF.values(), ids=WHAT_IF)
def test_a_hidden_workspace_sleeps(woken, session, values, expected):
    change_in("what_if", woken, session, values)
    assert sorted(woken) == sorted(expected)


@pytest.mark.parametrize("values", [values for values, _ in CHANGES.values()], ids=CHANGES)
def test_redrawing_changes_nothing_itself(session, values):
    _views = whole_page(session)
    start = session.state
    session.history.change(**values)
    changed = session.state
    for name, value in values.items():
        assert getattr(changed, name) == value
    session.history.undo()
    session.history.undo()
    assert session.state in (start, changed)  # zooming is no step


def test_a_theme_redraws_pictures_but_is_no_part_of_the_state(session):
    view = PatternLayout(session)
    before, picture = session.state, pattern_picture(view)
    session.reader.change_theme(DARK)
    assert session.state == before
    assert (pattern_picture(view) != picture).any()


def test_every_view_tells_in_words_what_it_shows(session):
    _views = [view(session) for view in VIEWS]
    names = {"image_overview", "head_importance", "strength_overview", "strength_vector",
             "entropy_distribution", "pattern_layout"}  # fmt: skip
    assert set(session.summaries) == names
    before = dict(session.summaries)
    session.history.change(image=3, layer=2, head=1, metric="patch", pattern="cls")
    assert all(session.summaries[name] != before[name] for name in names)
    assert "L2·H1" in session.summaries["strength_vector"]


def test_the_token_views_tell_the_strongest_attention_and_the_threshold(session, data, document):
    matrix = ShownMatrix(session)
    MatrixWords(session, matrix)
    session.history.change(image=8, layer=1, head=0, threshold=0.2, token=3)
    attention = data.store.attention(8, 1, 0)
    strong = (attention >= 0.2).sum()
    assert f"strongest {attention.max():.3g}" in session.summaries["attention_matrix"]
    for view in ("attention_matrix", "two_axes", "threshold"):
        assert f"{strong} of 289 values are at least 0.2" in session.summaries[view]
    patch = attention[3, 1:].argmax()
    row, column = divmod(patch, 4)
    assert session.summaries["image_context"].endswith(
        f"attends most to patch 2 (row 0, column 2), which looks most at "
        f"patch {patch} (row {row}, column {column})."
    )
    show_page(document)
    session.select_image(None)
    mean = data.mean_matrices.ask(1, 0, np.ones(24, bool)).result().matrix
    strong = (from_codes(to_codes(mean)) >= 0.2).sum()
    assert session.summaries["two_axes"] == (
        "Lines from source to target tokens of L1·H0, mean over 6 of 24 images: those whose "
        f"attention is stored: {strong} of 289 values are at least 0.2."
    )


def test_a_browser_that_begins_to_listen_is_told_all(session):
    session.summaries.describe("one", "1 thing")
    session.summaries.describe("two", "2 things")
    assert session.summaries.channel.tags == ["two", "2 things"]
    session.summaries.channel.tags = []
    assert session.summaries.channel.tags == ["one", "1 thing", "two", "2 things"]
