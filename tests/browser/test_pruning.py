"""Partial pruning and prediction with a real mouse, against leave-one-out itself."""

import json
import shutil
from pathlib import Path

import numpy as np
import torch

from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.pruning.modes import MODES
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.stores.metrics import METRIC_AXES, METRIC_NAMES
from tests.browser.conftest import MODEL_S, HeadbrushPage, selected_image, serving

ANSWERED = "named('pruning_note').text.startsWith('L')"


def expected_metrics(data, image, layer, head):
    """All metrics of one head under all modes, ``(metric, mode)``."""
    source = json.loads(data.store.attrs["model_source"])
    model = load_model(source["name"], device="cpu")
    picture = load_image(Path(data.store.attrs["images"]) / data.names[image])
    traced = trace(model, model.transform(picture)[None])
    label = torch.tensor([int(data.labels[image])])
    return leave_one_out(model, traced, label, list(MODES))[:, :, 0, layer, head]


def test_bars_are_leave_one_out_in_every_mode_and_metric(page, data):
    page.wait(ANSWERED, MODEL_S)
    head = data.first.head
    expected = expected_metrics(data, selected_image(data), head.layer, head.head)
    menu = page.page.locator("select[name=metric]")
    for metric in ("cls", "patch", "jsd"):
        menu.select_option(label=METRIC_NAMES[metric])
        page.wait(f"named('pruning_note').text.includes({METRIC_AXES[metric]!r})")
        shown = page.source("pictogram")["value"]
        np.testing.assert_allclose(shown, expected[PRUNING_METRICS.index(metric)], atol=1e-6)


def test_a_click_on_a_bar_chooses_the_mode_and_its_prediction(page, data):
    page.wait(ANSWERED, MODEL_S)
    before = page.source("percent_after")
    page.click("pruning_plot", 0.0, 4)
    page.wait("named('mode').value == '4'")
    page.wait("named('prediction_legend').text.includes('4 patch→patch')")
    after = page.source("percent_after")
    assert after["before"] == before["before"]
    assert after["after"] != before["after"]
    page.page.wait_for_timeout(500)  # two quick clicks are a double click
    page.click("pruning_plot", 0.0, 2)
    page.wait("named('prediction_legend').text.includes('2 CLS→CLS')")
    assert sorted(before["name"]) == sorted(data.class_names)


def test_a_new_selection_gets_its_own_bars(page, data):
    page.wait(ANSWERED, MODEL_S)
    height = page.frame("importance_plot")["y1"] / 2
    for number in (0, 3):
        page.click("importance_plot", number, height)
        page.wait(f"named('pruning_note').text.startsWith({data.head_labels[number]!r})", MODEL_S)
        page.page.wait_for_timeout(500)  # two quick clicks are a double click
        head = divmod(number, data.heads_per_layer)
        expected = expected_metrics(data, selected_image(data), *head)
        np.testing.assert_allclose(
            page.source("pictogram")["value"], expected[PRUNING_METRICS.index("jsd")], atol=1e-6
        )


def test_a_store_whose_model_is_gone_says_so_and_the_rest_works(
    browser, store_path, data, tmp_path
):
    copied = shutil.copytree(store_path, tmp_path / "copied.headbrush")
    place = json.loads(data.store.attrs["model_source"])["name"]
    away = Path(place).rename(tmp_path / "away")
    try:
        with serving(copied) as url, browser.new_context() as context:
            page = HeadbrushPage(context.new_page(), f"{url}?image={selected_image(data)}")
            for note in ("pruning_note", "prediction_note"):
                page.wait(f"named({note!r}).text.includes('The model was not found')")
                assert "…/" + "/".join(Path(place).parts[-2:]) in page.value(note, "text")
            assert not page.value("pruning_plot", "visible")
            assert "from the store" in page.value("matrix_note", "text")
            page.click("importance_plot", 3, page.frame("importance_plot")["y1"] / 2)
            page.wait(f"named('selection_text').text.includes({data.head_labels[3]!r})")
            image = selected_image(data)
            np.testing.assert_allclose(page.source("strength")["strength"], data.strength[image, 3])
            assert page.faults == []
    finally:
        away.rename(place)
