"""Partial pruning without the model: what `--modes all` stored is shown, and what it lacks said."""

import numpy as np
import pytest

from headbrush.analysis.model.pruning.modes import MODES, PRUNING_MODES
from headbrush.analysis.store.schema import METRICS, PRUNING_METRICS
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.session import Session
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.stored_pruning import stored_pruning
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from tests.server.fakes import answer, bars, pruned, run, show_page
from tests.server.pages import image_state, note, plot_of
from tests.stores import attributes, make_store, values

GONE = "The model was not found: put it back at /x."


def by_mode():
    """Random values, the whole head's first: ``(mode, metric, image, layer, head)``."""
    importance = values()["importance"]
    rest = np.random.default_rng(5).uniform(0, 0.3, (len(PRUNING_MODES) - 1, *importance.shape))
    return np.concatenate([importance[None], rest.astype("f4")])


def store_of(path, modes=PRUNING_MODES, **changed):
    make_store(path)
    kept = {"mode": np.array(modes), "importance_by_mode": by_mode()[: len(modes)]}
    write_summary(path, values() | kept | changed, attributes())
    return StoreData(Store(path))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("modes") / "s.headbrush")


@pytest.fixture
def kept_session(kept):
    return Session(kept, image_state(kept))


def fail(document, model):
    for _, future in model.asked:
        if not future.done():
            future.set_exception(LiveError(GONE))
    run(document)


def test_every_mode_is_the_stores_and_no_change_is_zero(kept):
    found = stored_pruning(kept, 7, 3)
    np.testing.assert_array_equal(found.metrics[:, 1:], by_mode()[:, :4, 7, 1, 1].T)
    assert found.metrics[:, 0].tolist() == [0, 0, 0, 0]
    lost = found.metrics[PRUNING_METRICS.index("probability")]
    label, probability = kept.labels[7], values()["probability"][7]
    np.testing.assert_array_equal(found.probability[:, label], probability[label] - lost)
    np.testing.assert_array_equal(found.probability[0], probability)
    assert np.isnan(np.delete(found.probability[1:], label, axis=1)).all()


def test_a_store_of_whole_heads_or_of_strange_modes_holds_none(data, tmp_path):
    assert stored_pruning(data, 0, 0) is None
    strange = store_of(tmp_path / "s.headbrush", modes=(1, 2, 99))
    assert stored_pruning(strange, 0, 0) is None


def test_metrics_that_the_model_does_not_have_stay_undefined(tmp_path):
    missing = by_mode()
    missing[:, METRICS.index("cls")] = np.nan
    found = stored_pruning(store_of(tmp_path / "s.headbrush", importance_by_mode=missing), 0, 0)
    assert np.isnan(found.metrics).all(1).tolist() == [False, False, True, False]


def test_a_headless_model_has_no_predictions(tmp_path):
    nothing = np.full_like(values()["probability"], np.nan)
    label = np.full(24, -1, "i4")
    headless = store_of(tmp_path / "s.headbrush", probability=nothing, label=label)
    assert stored_pruning(headless, 0, 0).probability.shape == (len(MODES), 0)


def test_bars_come_from_the_store_while_the_model_is_gone(kept_session, model, document, kept):
    view = PartialPruning(kept_session, PruningAnswer(kept_session))
    show_page(document)
    fail(document, model)
    state = kept_session.state
    expected = by_mode()[:, METRICS.index("jsd"), state.image, state.layer, state.head]
    np.testing.assert_array_equal(bars(view)["value"], [0, *expected])
    assert plot_of(view).visible
    assert note(view).endswith("JSD (bits), from the store")
    kept_session.history.change(metric="probability")
    kept_share = stored_pruning(kept, state.image, kept_session.head.number).probability
    np.testing.assert_array_equal(bars(view)["value"], kept_share[:, kept.labels[state.image]])
    kept_session.history.change(image=9)
    answer(document, model, pruned())
    assert "store" not in note(view)


def test_of_the_prediction_the_true_class_is_shown_and_the_rest_is_unknown(
    kept_session, model, document, kept
):
    view = Prediction(kept_session, PruningAnswer(kept_session))
    kept_session.history.change(mode=4)
    show_page(document)
    fail(document, model)
    image, shown = kept_session.state.image, bars(view)
    label, probability = kept.labels[image], kept.probability[image]
    known = np.char.startswith(np.array(shown["shown"], str), "true: ")
    order = np.argsort(-probability)
    assert shown["name"] == [kept.class_names[index] for index in order]
    np.testing.assert_array_equal(shown["before"], probability[order])
    assert np.isfinite(shown["after"]).tolist() == known.tolist()
    pruned_share = stored_pruning(kept, image, kept_session.head.number).probability[4, label]
    assert shown["after"][known].tolist() == [pruned_share]
    assert [words.endswith("→ ?") for words in shown["numbers"]] == (~known).tolist()
    assert note(view) == f"{GONE} Only the true class's pruned probability is stored."


def test_what_a_page_shows_was_read_before_so_that_nothing_waits_for_the_disk(
    tmp_path, model, document
):
    data = store_of(tmp_path / "s.headbrush")
    data.prepare()
    session = Session(data, image_state(data))
    view = PartialPruning(session, PruningAnswer(session))
    show_page(document)
    (data.store.path / "summary.nc").unlink()
    fail(document, model)
    assert note(view).endswith("from the store")


def test_a_report_without_the_model_shows_what_the_store_holds(kept):
    report = make_report(kept, ["3"], ["2.1"])
    (page,) = report.pages
    np.testing.assert_array_equal(page.pruning.metrics[:, 1:], by_mode()[:, :4, 3, 2, 1].T)
    panels = {panel.view: panel for panel in page.panels}
    assert panels["partial_pruning"].root.select_one({"name": "pruning_plot"}).visible
    assert "from the store" in panels["partial_pruning"].words
    assert "Only the true class's pruned probability" in panels["prediction"].words
    whole = values()["importance"][METRICS.index("jsd"), 3, 2, 1]
    assert f"pruning all of L2·H1 gives JSD of the prediction {whole:.3g}" in report.html
    np.testing.assert_array_equal(page.pruning.metrics[1, 1], whole)
