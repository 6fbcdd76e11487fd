"""Partial pruning: what it shows of the model's answer, and when it asks and redraws."""

from unittest.mock import patch

import numpy as np
import pytest
from bokeh.events import Tap

from headbrush.analysis.model.pruning.modes import PrunedHead
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.tools.pending_answer import PATIENCE_MS
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from tests.server.fakes import (
    answer,
    bars,
    pass_time,
    pruned,
    pruning_views,
    run,
    show_page,
)
from tests.server.pages import happen, note, part, plot_of


def test_nothing_is_asked_before_the_page_is_shown(session, model, document):
    PartialPruning(session, PruningAnswer(session))
    assert model.asked == []
    show_page(document)
    state = session.state
    assert [asked for asked, _ in model.asked] == [(state.image, state.layer, state.head)]


@pytest.mark.parametrize("metric", ["jsd", "cls", "patch"])
def test_bars_are_the_metric_under_every_mode(session, model, document, metric):
    view = PartialPruning(session, PruningAnswer(session))
    show_page(document)
    answer(document, model, found := pruned())
    session.history.change(metric=metric)
    np.testing.assert_array_equal(bars(view)["value"], found.metrics[PRUNING_METRICS.index(metric)])
    assert not part(view, "pruning_reference").visible


def test_probability_is_shown_itself_with_the_unpruned_as_reference(session, model, document, data):
    view = PartialPruning(session, PruningAnswer(session))
    session.history.change(metric="probability", image=4)
    answer(document, model, found := pruned())
    kept = found.probability[:, data.labels[4]]
    np.testing.assert_array_equal(bars(view)["value"], kept)
    assert part(view, "pruning_reference").visible
    assert part(view, "pruning_reference").location == pytest.approx(kept[0])


def test_a_click_on_a_bar_and_the_menu_choose_the_mode(session, model):
    view = PartialPruning(session, PruningAnswer(session))
    plot, menu, chosen = plot_of(view), part(view, "mode"), part(view, "pruning_chosen")
    happen(Tap(plot, x=0.1, y=4.3))
    assert (session.state.mode, menu.value) == (4, "4")
    assert (chosen.top, chosen.bottom) == (3.5, 4.5)
    menu.value = "6"
    assert session.state.mode == 6
    for y in (0.2, 8.4, -3.0):  # unpruned is no pruning to predict by
        happen(Tap(plot, x=0.1, y=y))
    assert session.state.mode == 6
    session.history.undo()
    assert menu.value == "4"
    assert model.asked == []


def test_metric_and_mode_ask_the_model_nothing_new(session, model, document):
    pruning_views(session)
    show_page(document)
    asked = len(model.asked)
    answer(document, model, pruned())
    session.history.change(metric="patch")
    session.history.change(mode=5)
    session.history.change(clauses=(Clause("images", Ids((1, 2))),))
    assert len(model.asked) == asked


def test_each_part_of_the_state_redraws_only_who_reads_it(session, model, document):
    view, prediction = pruning_views(session)
    with patch.object(EntropyDistribution, "react", autospec=True) as counted:
        EntropyDistribution(session)
        counted.reset_mock()
        show_page(document)
        answer(document, model, pruned())
        seen = {name: dict(bars(shown)) for name, shown in (("b", view), ("p", prediction))}
        session.history.change(mode=3)
        assert bars(view)["value"] is seen["b"]["value"]
        assert bars(prediction)["after"] is not seen["p"]["after"]
        seen["p"] = dict(bars(prediction))
        session.history.change(metric="cls")
        assert bars(view)["value"] is not seen["b"]["value"]
        assert bars(prediction)["after"] is seen["p"]["after"]
        session.history.change(image=9)
        assert counted.call_count == 0
        session.history.change(head=1 - session.state.head)
        assert counted.call_count == 1


def test_an_answer_for_an_old_selection_changes_nothing(session, model, document):
    pruning = PruningAnswer(session)
    view = PartialPruning(session, pruning)
    session.history.change(image=1)
    first = model.asked[-1][1]
    first.set_running_or_notify_cancel()
    session.history.change(image=2)
    first.set_result(pruned(seed=1))
    run(document)
    assert pruning.result is None
    answer(document, model, found := pruned(seed=2))
    np.testing.assert_array_equal(bars(view)["value"], found.metrics[PRUNING_METRICS.index("jsd")])


def test_a_waiting_question_is_cancelled_when_the_selection_moves_on(session, model):
    PartialPruning(session, PruningAnswer(session))
    session.history.change(image=1)
    session.history.change(layer=1)
    (_, old), (selection, new) = model.asked
    assert old.cancelled()
    assert not new.cancelled()
    assert selection == (1, 1, session.state.head)
    session.select_image(None)
    assert new.cancelled()


def test_computing_is_said_only_after_a_while_and_fades_the_old_bars(session, model, document):
    views = pruning_views(session)
    show_page(document)
    answer(document, model, pruned())
    values = part(views[0], "pruning_values")
    before = [note(view) for view in views]
    session.history.change(image=3)
    assert [note(view) for view in views] == before
    pass_time(document, PATIENCE_MS)
    for view in views:
        assert note(view).endswith("the model …")
    assert values.glyph.fill_alpha < 1
    answer(document, model, pruned())
    assert [note(view).startswith("computing") for view in views] == [False, False]
    assert values.glyph.fill_alpha == 1


def test_a_model_that_is_gone_is_explained_and_no_old_bar_is_shown(session, model, document):
    views = pruning_views(session)
    show_page(document)
    for _, future in model.asked:
        future.set_exception(LiveError("The model was not found: put it back at /x."))
    run(document)
    for view in views:
        assert note(view) == "The model was not found: put it back at /x."
        assert not plot_of(view).visible
    session.history.change(image=3)
    answer(document, model, pruned())
    assert all(plot_of(view).visible for view in views)


def test_a_metric_that_is_not_measured_by_pruning_has_no_bars(session, model, document):
    view = PartialPruning(session, PruningAnswer(session))
    show_page(document)
    answer(document, model, pruned())
    session.history.change(metric="gradient")
    assert "not measured by pruning" in note(view)
    assert not plot_of(view).visible
    session.history.change(metric="jsd")
    assert plot_of(view).visible


def test_a_headless_model_has_only_layer_metrics_and_says_why(
    session, model, document, data, monkeypatch
):
    monkeypatch.setitem(vars(data), "probability", np.zeros((data.num_images, 0)))
    view, prediction = pruning_views(session)
    show_page(document)
    found = pruned(classes=3)
    found.metrics[:2] = np.nan
    answer(document, model, PrunedHead(found.metrics, np.zeros((1, 0), "f4")))
    for shown in (view, prediction):
        assert "has no classifier" in note(shown)
        assert not plot_of(shown).visible
    session.history.change(metric="patch")
    np.testing.assert_array_equal(
        bars(view)["value"], found.metrics[PRUNING_METRICS.index("patch")]
    )
    assert plot_of(view).visible


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.000"), (0.4021, "0.402"), (0.0011, "0.001"), (6.2e-4, "6e-4"), (3e-10, "≈ 0")],
)
def test_values_are_short_and_never_a_false_zero(session, model, document, value, shown):
    view = PartialPruning(session, PruningAnswer(session))
    show_page(document)
    found = pruned()
    found.metrics[PRUNING_METRICS.index("jsd"), 2] = value
    answer(document, model, found)
    assert bars(view)["shown"][2] == shown
