"""Without a selected image, B2 and B3 show means over the brushed images, answer by answer."""

from itertools import count
from unittest.mock import patch

import numpy as np
import pytest

from headbrush.analysis.model.pruning.modes import MODES, PrunedHead
from headbrush.analysis.store.schema import METRICS, PRUNING_METRICS
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.model import mean_pruning
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.mean_pruning import RunningMean, stored_mean
from headbrush.server.stores.model.null_model import NullModel
from headbrush.server.stores.model.stored_pruning import stored_pruning
from headbrush.server.stores.store_data import StoreData
from tests.server.fakes import bars, pass_time, pruned, pruning_views, run, show_page
from tests.server.pages import note, plot_of
from tests.stores import attributes, make_store, values

JSD = PRUNING_METRICS.index("jsd")


@pytest.fixture(autouse=True)
def _always_drawn():
    """Every answer is drawn, however soon it follows the last."""
    clock = count()
    with patch("headbrush.server.views.importance.mean_question.time.monotonic", clock.__next__):
        yield


@pytest.fixture
def session(store_path):
    """Of a store that has computed no mean yet."""
    data = StoreData(Store(store_path))
    return Session(data, default_state(data))


def brush(session, *images):
    session.history.change(clauses=(Clause("images", Ids(images)),))


def reply(document, model, results):
    """Answer each question about an image as it comes, until all of ``results`` are given."""
    for _ in results:
        (image, *_), future = model.asked[-1]
        if isinstance(results[image], Exception):
            future.set_exception(results[image])
        else:
            future.set_result(results[image])
        run(document)


def slow_means(data, results):
    """Sums over answers, one at a time."""
    metrics, label, changed = np.zeros((len(PRUNING_METRICS), 8)), np.zeros(8), np.zeros(8)
    for image, result in results.items():
        for mode in MODES:
            for metric in range(len(PRUNING_METRICS)):
                metrics[metric, mode] += float(result.metrics[metric, mode]) / len(results)
            label[mode] += float(result.probability[mode, data.labels[image]]) / len(results)
            most = int(np.argmax(result.probability[mode]))
            changed[mode] += (most != int(np.argmax(result.probability[0]))) / len(results)
    return metrics, label, changed


def test_the_mean_is_that_of_the_single_answers(session, model, document):
    view, prediction = pruning_views(session)
    show_page(document)
    results = {image: pruned(seed=image) for image in range(24)}
    reply(document, model, results)
    assert sorted(selection[0] for selection, _ in model.asked) == list(range(24))
    metrics, label, changed = slow_means(session.data, results)
    np.testing.assert_allclose(bars(view)["value"], metrics[JSD])
    assert note(view).endswith("mean of all 24 images")
    session.history.change(metric="probability", mode=5)
    np.testing.assert_allclose(bars(view)["value"], label)
    after = np.mean([result.probability[5] for result in results.values()], 0)
    order = np.argsort(-np.mean([result.probability[0] for result in results.values()], 0))
    np.testing.assert_allclose(bars(prediction)["after"], after[order])
    assert not any(name.startswith("true: ") for name in bars(prediction)["shown"])
    assert note(prediction).startswith(
        f"{100 * changed[5]:.1f}\u00a0% of the predictions change; true"
    )
    assert f"{100 * label[0]:.1f}\u00a0% → {100 * label[5]:.1f}\u00a0%" in note(prediction)


def test_it_is_refined_answer_by_answer_and_says_of_how_many_images_it_is(session, model, document):
    view, prediction = pruning_views(session)
    show_page(document)
    results = [pruned(seed=seed) for seed in range(3)]
    for number, result in enumerate(results, 1):
        assert len(model.asked) == number  # one question at a time
        model.asked[-1][1].set_result(result)
        run(document)
        mean = np.mean([one.metrics[JSD] for one in results[:number]], 0)
        np.testing.assert_allclose(bars(view)["value"], mean, rtol=1e-6)
        for shown in (view, prediction):
            assert f"mean of {number} of 24 images so far" in note(shown)


def test_what_the_store_knows_is_shown_while_the_model_is_waited_for(session, model, document):
    view, _ = pruning_views(session)
    show_page(document)
    assert len(model.asked) == 1  # and not answered
    pass_time(document, 1000)
    number = session.head.number
    whole = session.data.importance("jsd")[:, number].mean(dtype=float)
    values = bars(view)["value"]
    assert values[1] == pytest.approx(whole)
    assert np.isnan(values[2:]).all()
    assert "mean of all 24 images. Parts: computing" in note(view)
    assert plot_of(view).y_range.start == pytest.approx(len(MODES) - 0.45)  # room for the rest


def test_a_brush_a_head_or_an_image_begins_anew_and_cancels(session, model, document):
    view, _ = pruning_views(session)
    show_page(document)
    steps = (
        lambda: brush(session, 3, 5),
        lambda: session.select_head(1 - session.head.number % 2),
        lambda: session.select_image(7),
        lambda: session.select_image(None),
    )
    for step in steps:
        waiting = model.asked[-1][1]
        step()
        assert waiting.cancelled()
    results = {3: pruned(seed=3), 5: pruned(seed=5)}
    reply(document, model, results)
    np.testing.assert_allclose(bars(view)["value"], slow_means(session.data, results)[0][JSD])
    assert note(view).endswith("mean of all 2 brushed images")


def test_a_brush_of_heads_or_the_same_images_asks_nothing(session, model, document):
    pruning_views(session)
    show_page(document)
    asked = len(model.asked)
    session.history.change(clauses=(Clause("heads", Ids((1, 2))),))
    brush(session, *range(24))
    session.history.change(metric="patch", mode=2)
    assert len(model.asked) == asked


def test_a_mean_is_gone_on_with_not_begun_again(session, model, document):
    view, _ = pruning_views(session)
    show_page(document)
    first = model.asked[0][0][0]
    model.asked[0][1].set_result(pruned())
    run(document)
    session.select_image(2)
    session.select_image(None)
    assert "mean of 1 of 24 images so far" in note(view)
    asked_now = model.asked[-1][0][0]
    assert asked_now not in (first, 2)


def test_no_more_images_are_asked_about_than_are_said(session, model, document):
    with patch.object(mean_pruning, "MOST_COMPUTED", 4):
        view, _ = pruning_views(session)
        show_page(document)
        for _ in range(4):
            model.asked[-1][1].set_result(pruned())
            run(document)
    assert len(model.asked) == 4
    assert note(view).endswith("mean of 4 of 24 images")


def test_images_without_an_answer_are_left_out_and_counted(session, model, document):
    view, _ = pruning_views(session)
    show_page(document)
    brush(session, 1, 2, 3)
    results = {1: pruned(seed=1), 2: LiveError("Gone."), 3: pruned(seed=3)}
    reply(document, model, results)
    del results[2]
    np.testing.assert_allclose(bars(view)["value"], slow_means(session.data, results)[0][JSD])
    assert note(view).endswith("mean of 2 of 3 brushed images; 1 gave no answer (Gone.)")


def test_without_a_model_the_store_tells_what_it_has(session, document):
    data = session.data
    with patch(
        "headbrush.server.views.importance.pruning_answer.live_model", lambda _: NullModel()
    ):
        view, prediction = pruning_views(session)
        show_page(document)
    value = bars(view)["value"]
    whole = data.importance("jsd")[:, session.head.number].mean()
    assert value[:2] == pytest.approx([0, whole])
    assert np.isnan(value[2:]).all()
    assert list(bars(view)["shown"][2:]) == ["?"] * 6
    assert "from the store. This server runs no models" in note(view)
    kept = data.label_probability.mean()
    lost = data.importance("probability")[:, session.head.number].mean()
    np.testing.assert_allclose(
        sorted(bars(prediction)["before"]), sorted(data.probability.mean(0)), rtol=1e-5
    )
    assert f"true class ({100 * kept:.1f}\u00a0% → {100 * (kept - lost):.1f}\u00a0%) is" in note(
        prediction
    )
    session.history.change(mode=3)
    assert "Only pruning the whole head is stored, mean of all 24 images." in note(prediction)


@pytest.mark.usefixtures("model")
def test_an_empty_brush_says_so(session, document):
    views = pruning_views(session)
    show_page(document)
    brush(session)
    for view in views:
        assert note(view) == "No image is brushed."
        assert not plot_of(view).visible


@pytest.mark.parametrize("images", [range(24), (2,), (5, 7, 11)])
def test_a_mean_of_the_store_is_that_of_its_single_answers(tmp_path, images):
    path = make_store(tmp_path / "s")
    by_mode = np.random.default_rng(7).uniform(0, 0.4, (7, len(METRICS), 24, 3, 2)).astype("f4")
    kept = {"mode": np.arange(1, 8), "importance_by_mode": by_mode}
    kept["importance"] = by_mode[0]
    write_summary(path, values() | kept, attributes())
    data = StoreData(Store(path))
    brushed = np.zeros(24, bool)
    brushed[list(images)] = True
    found = stored_mean(data, brushed, 3)
    assert found.has_all_modes
    singles = [stored_pruning(data, image, 3) for image in images]
    np.testing.assert_allclose(found.metrics, np.mean([s.metrics for s in singles], 0), rtol=1e-5)
    label = [s.probability[:, data.labels[i]] for s, i in zip(singles, images, strict=True)]
    np.testing.assert_allclose(found.label_probability, np.mean(label, 0), atol=1e-6)


def test_the_first_images_stand_for_all():
    brushed = np.arange(1000) % 3 > 0
    order, seen = RunningMean(brushed), []
    while (image := order.next_image) is not None:
        seen.append(image)
        order.add(image, PrunedHead(np.zeros((4, 8)), np.zeros((1, 0))), -1)
    assert len(set(seen)) == mean_pruning.MOST_COMPUTED
    assert brushed[seen].all()
    assert abs(np.mean(seen[:50]) - 500) < 100
    assert np.isnan(order.mean.changed).all()


def test_two_pages_that_look_at_the_same_share_the_answers():
    both, brushed = RunningMean(np.ones(5, bool)), pruned()
    image = both.next_image
    both.add(image, brushed, 0)
    both.add(image, pruned(seed=1), 0)  # the other page's late answer
    both.skip(image, "late")
    assert (both.mean.count, both.skipped) == (1, 0)
    np.testing.assert_allclose(both.mean.metrics, brushed.metrics)
