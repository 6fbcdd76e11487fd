"""A report shows each head's means over the images, as the page does without a selected image."""

import gzip
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest

from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.store.schema import METRICS, PRUNING_METRICS
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.make_report import make_report, report_of
from headbrush.server.pages.report.parts.panels import MOST_COMPUTED
from headbrush.server.pages.report.parts.request import PAGE_VIEWS
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from tests.server.fakes import FakeModel, live_models, pruned
from tests.stores import attributes, make_store, values

STORED = range(0, 24, 4)
"""Images of the store whose attention it has."""


class PromptModel(FakeModel):
    """Answers at once, each image in its own way."""

    def partial_pruning(self, *selection, **_how):
        done: Future = Future()
        done.set_result(pruned(seed=selection[0]))
        self.asked.append((selection, done))
        return done


@pytest.fixture
def fresh(store_path):
    """A store that has computed no mean yet."""
    return StoreData(Store(store_path))


def brushed(data, *images):
    return replace(default_state(data), clauses=(Clause("images", Ids(images)),))


def page_of_means(data, **how):
    page, *_ = make_report(data, ["all"], ["2.1"], **how).pages
    assert page.image is None
    return page


def words_of(page, view):
    return next(panel.words for panel in page.panels if panel.view == view)


def test_means_are_shown_in_place_of_an_image_and_by_default_before_one(data):
    pages = make_report(data, ["all", "4"], ["2.1", "0.0"]).pages
    assert [(page.head, page.image) for page in pages] == [(5, None), (5, 4), (0, None), (0, 4)]
    usual = make_report(data, heads=["2.1"], views=["threshold"]).pages
    assert [page.image for page in usual] == [None, data.first.image_of(5)]
    assert pages[0].title == f"{data.head_labels[5]} over all images"
    assert [panel.view for panel in pages[0].panels] == list(PAGE_VIEWS)


def test_the_matrix_is_the_mean_of_the_stored_ones_and_says_of_how_many(data):
    page = page_of_means(data)
    expected = np.mean([data.store.attention(image, 2, 1) for image in STORED], 0)
    np.testing.assert_allclose(page.attention, expected, rtol=2**-8)
    for view in ("attention_matrix", "threshold", "two_axes", "image_context"):
        assert "mean over 6 of 24 images: those whose attention is stored" in words_of(page, view)
    assert "show a mean over 6 of 24 images" in findings.mode_finding(data, page)


def test_means_are_over_the_brush_that_a_page_had(data):
    page = page_of_means(data, state=brushed(data, 0, 1, 8))
    assert page.title == f"{data.head_labels[5]} over 3 brushed images"
    expected = np.mean([data.store.attention(image, 2, 1) for image in (0, 8)], 0)
    np.testing.assert_allclose(page.attention, expected, rtol=2**-8)
    assert page.of_matrices == "mean over 2 of 3 images: those whose attention is stored"


def test_the_parts_are_means_of_the_model_over_so_many_images_as_it_is_asked_about(fresh):
    model = PromptModel()
    with live_models(lambda _store: model):
        page = page_of_means(fresh)
    asked = [selection[0] for selection, _ in model.asked]
    assert len(asked) == len(set(asked)) == MOST_COMPUTED < 24
    expected = np.mean([pruned(seed=image).metrics for image in asked], 0)
    np.testing.assert_allclose(page.pruning.metrics, expected, rtol=1e-6)
    said = f"mean of {MOST_COMPUTED} of 24 images"
    assert words_of(page, "partial_pruning").count(said) == 1
    assert "so far" not in words_of(page, "partial_pruning")
    assert words_of(page, "prediction").count(said) == 1
    assert f"On average ({said}) pruning all of L2·H1" in findings.mode_finding(fresh, page)


def test_a_report_of_a_page_that_knows_more_asks_no_more(fresh):
    first, second = PromptModel(), PromptModel()
    with live_models(lambda _store: first):
        page_of_means(fresh)
    with live_models(lambda _store: second):
        page = page_of_means(fresh)
    assert second.asked == []
    assert page.of_images == f"mean of {MOST_COMPUTED} of 24 images"


def test_parts_that_the_store_has_are_means_of_all_images(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    importance = values()["importance"]
    modes = np.random.default_rng(5).uniform(0, 0.5, (7, *importance.shape)).astype("f4")
    modes[0] = importance
    kept = {"mode": np.array(PRUNING_MODES), "importance_by_mode": modes}
    write_summary(path, values() | kept, attributes())
    data = StoreData(Store(path))
    page = page_of_means(data)
    expected = modes[:, METRICS.index("jsd"), :, 2, 1].mean(1)
    found = page.pruning.metrics[PRUNING_METRICS.index("jsd"), 1:]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert page.of_images == "mean of all 24 images"
    assert "from the store" in words_of(page, "partial_pruning")


def test_without_model_and_parts_the_whole_head_is_shown_and_the_rest_is_unknown(fresh):
    page = page_of_means(fresh)
    whole = values()["importance"][METRICS.index("jsd"), :, 2, 1].mean()
    assert page.pruning.metrics[PRUNING_METRICS.index("jsd"), 1] == pytest.approx(whole)
    said = findings.mode_finding(fresh, page)
    assert "Which part of L2·H1 matters on average is unknown" in said
    assert "explains" not in said


def test_what_a_page_of_all_images_saves_has_the_means_of_its_head(data):
    state = default_state(data)
    html = gzip.decompress(report_of(data, state, (), ())).decode()
    label = data.head_at(state.layer, state.head)
    assert f"{label!s} over all images</h2>" in html
    assert "headbrush report" in html
    assert html.count('class="hb-page-of-head"') == 1


def test_a_loss_of_probability_is_said_to_be_one(fresh):
    state = replace(default_state(fresh), metric="probability")
    with live_models(lambda _store: PromptModel()):
        page = page_of_means(fresh, state=state)
    lost = page.pruning.metrics[PRUNING_METRICS.index("probability"), 1]
    said = findings.mode_finding(fresh, page)
    assert f"gives loss of true-class probability {lost:.3g}; only" in said


def test_an_image_that_is_called_all_is_an_image(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    names = values()["name"].copy()
    names[7] = "all"
    write_summary(path, values() | {"name": names}, attributes())
    pages = make_report(path, ["all"], ["0.0"], ["threshold"]).pages
    assert [page.image for page in pages] == [7]
