"""What if these heads were gone: a real mouse, a real model, and whole passes as the oracle."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import running_without
from headbrush.analysis.store.facts.studies.compensation import load_compensation
from headbrush.analysis.store.facts.studies.interactions import load_interactions
from headbrush.analysis.store.store import Store
from tests.browser.axe import findings
from tests.browser.conftest import MODEL_S, HeadbrushPage
from tests.browser.test_sizes import FAULTS, SIZES, faults_of, resize

DONE = "named('set_said').text.includes('over all {} images')"


@pytest.fixture(scope="module")
def studies(store_path):
    """Interactions, answers and a curve of some images, by the command line; gone afterwards."""
    few, curve = ["--images", "4"], ["prune", "--curve"]
    for command in (["interactions", *few], ["compensation", *few], curve):
        words = [sys.executable, "-m", "headbrush", *command, str(store_path)]
        subprocess.run(words, check=True, capture_output=True)
    yield load_interactions(Store(store_path)), load_compensation(Store(store_path))
    shutil.rmtree(store_path / "studies")


@pytest.fixture(scope="module")
def opened(browser, server, studies):
    """A page that was begun in the first workspace, and shows the second."""
    assert studies
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(path=Path(__file__).with_name("drawn_text.js"))
        page = HeadbrushPage(context.new_page(), server)
        page.page.wait_for_selector("html[data-ready]")
        page.page.get_by_role("tab", name="What if").click()
        page.wait("named('prune_grid') != null")
        page.wait("Bokeh.index.find_one(named('prune_grid')) != null")
        yield page
        assert page.faults == []


def click_cell(page, layer, head):
    page.page.wait_for_timeout(400)  # two quick clicks are a double click
    page.click("prune_grid", layer, head)


def text(page, name):
    return page.value(name, "text")


def predictions(data, pruned):
    """Whole passes, image by image, without the heads of the set."""
    source = json.loads(data.store.attrs["model_source"])
    model = load_model(source["name"], device="cpu")
    found = []
    with torch.inference_mode(), running_without(model, pruned):
        for name in data.names:
            picture = load_image(Path(data.store.attrs["images"]) / name)
            output = model.outputs(model.transform(picture)[None])
            found.append(model.kind.probability(output)[0].numpy())
    return np.stack(found)


def test_clicks_prune_heads_and_the_figures_are_those_of_whole_passes(opened, data):
    click_cell(opened, 0, 1)
    click_cell(opened, 1, 0)
    opened.wait("named('prune_chips').text.includes('L1·H0')")
    opened.wait(DONE.format(data.num_images), MODEL_S)
    after = predictions(data, PruneSet.of_heads([(0, 1), (1, 0)]))
    right = 100 * np.mean(after.argmax(1) == data.labels)
    changed = int((after.argmax(1) != data.predicted).sum())
    said = text(opened, "set_said")
    assert f"{right:.1f}\u00a0% are predicted correctly" in said
    assert f"{changed} of {data.num_images} predictions change" in said
    assert "prune=0.1,1.0" in opened.page.url
    mean = opened.source("percent_after")  # B3 is the first source with this column
    assert len(mean["name"])


def test_a_chip_gives_a_head_back_and_keeps_the_focus_and_undo_takes_it_back(opened):
    chips = opened.page.locator("[data-name=prune_heads]").get_by_role("button", name="Give L0·H1")
    chips.focus()
    opened.page.keyboard.press("Enter")
    opened.wait("!named('prune_chips').text.includes('L0·H1')")
    opened.page.wait_for_function(
        "(() => { let at = document.activeElement;"
        "while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
        "return at?.dataset?.ask === 'drop' })()"
    )
    opened.page.keyboard.press("z")
    opened.wait("named('prune_chips').text.includes('L0·H1')")


def test_a_box_prunes_many_and_with_keys_takes_away(opened, data):
    last = data.num_layers - 0.6
    opened.drag("prune_grid", (0.6, -0.4), (last, data.heads_per_layer - 0.6))
    kept = data.num_layers - 1
    count = kept * data.heads_per_layer
    opened.wait(f"named('set_said').text.includes('Without {count} of')", MODEL_S)
    opened.drag("prune_grid", (0.6, -0.4), (last, 0.4), keys=("Control", "Shift"))
    opened.wait(f"named('set_said').text.includes('Without {count - kept} of')", MODEL_S)


def test_a_named_set_outlives_the_page(opened, data):
    opened.wait(DONE.format(data.num_images), MODEL_S)
    shown = re.search(r"Without \d+ of", text(opened, "set_said"))[0]
    field = opened.page.locator("[data-name=set_effects] input")
    field.fill("late heads")
    opened.page.get_by_role("button", name="Save the set").click()
    opened.wait("named('set_table').text.includes('late heads')")
    opened.page.get_by_role("button", name="Clear", exact=True).click()
    opened.wait("named('set_said').text.includes('No head is pruned')")
    opened.page.goto(opened.page.url.split("?")[0] + "?workspace=what_if")
    opened.page.wait_for_selector("html[data-ready]")
    opened.page.get_by_role("button", name="late heads", exact=True).click(timeout=20_000)
    opened.wait(f"named('set_said').text.includes({shown!r})", MODEL_S)
    opened.page.wait_for_function("location.search.includes('late+heads')")


def test_changed_images_are_selected_and_brushed(opened, data):
    opened.page.get_by_role("button", name="Clear", exact=True).click()
    everything = (data.num_layers - 0.6, data.heads_per_layer - 0.6)
    opened.drag("prune_grid", (-0.4, -0.4), everything)
    opened.wait(DONE.format(data.num_images), MODEL_S)
    changed = int(re.search(r"(\d+) of \d+ predictions change", text(opened, "set_said"))[1])
    assert changed, "an untrained model without any head predicts the same"
    opened.page.locator("[data-name=changed_predictions]").get_by_role("button").nth(1).click()
    opened.wait("named('selection_text').text.includes('image ')")
    opened.wait("named('pruned_prediction_note').text.includes('→')", MODEL_S)
    opened.page.keyboard.press("Escape")
    opened.page.get_by_role("button", name=re.compile("Brush the")).click()
    opened.wait(f"named('brushed_text').text.includes('{changed} of {data.num_images} images')")
    opened.drop_brush()


def test_a_click_on_a_pair_prunes_both_heads(opened, studies, data):
    pairs, _ = studies
    drawn = "Array.from(Bokeh.documents[0].get_model_by_name('pair_cells').data.image[0])"
    shown = np.array(opened.page.evaluate(drawn)).reshape(pairs.iota.shape)
    expected = np.where(pairs.within_noise & ~np.eye(len(shown), dtype=bool), np.nan, pairs.iota)
    np.testing.assert_allclose(shown, expected, rtol=1e-5, atol=1e-7)
    last = data.num_heads - 1
    click = (data.head_labels[0], data.head_labels[last])
    opened.click("pair_plot", last, 0)
    opened.wait(f"{list(click)}.every(one => named('prune_chips').text.includes(one))")
    opened.wait("named('set_said').text.includes('Without 2 of')", MODEL_S)


def test_what_answers_a_loss_is_shown_of_the_selected_head(opened, studies, data):
    _, answers = studies
    menu = opened.page.locator("[data-name=head_pairs] select")
    menu.select_option(label="what answers when a head is gone")
    opened.wait("named('answer_bars').data.right.length === 5")
    opened.wait("Bokeh.index.find_one(named('answer_plot')) != null")
    opened.page.wait_for_timeout(400)
    opened.click("answer_plot", 0, 1)
    opened.wait(f"named('selection_text').text.includes('head {data.head_labels[1]}')")
    ends = opened.page.evaluate(
        "Array.from(Bokeh.documents[0].get_model_by_name('answer_bars').data.right)"
    )
    assert ends[0] == pytest.approx(answers.direct[1])
    assert ends[3] == pytest.approx(ends[4]) == pytest.approx(answers.total[1], abs=1e-4)
    menu.select_option(label="pairs of heads")
    opened.wait("named('pair_plot').visible")


@pytest.mark.parametrize("size", SIZES)
def test_every_text_of_the_workspace_is_read_in_every_window(opened, size):
    assert FAULTS
    resize(opened, size)
    assert faults_of(opened) == []


def test_axe_finds_nothing_serious_in_the_workspace(opened):
    resize(opened, "usual")
    assert findings(opened.page) == []
    opened.page.locator("#theme").click()
    assert findings(opened.page) == []
    opened.page.locator("#theme").click()


def test_the_first_workspace_is_as_it_was(opened):
    resize(opened, "usual")
    opened.page.keyboard.press("1")
    opened.page.wait_for_selector("[data-name=head_importance]:not([hidden])")
    assert faults_of(opened) == []
    opened.page.keyboard.press("2")
    opened.page.wait_for_selector("[data-name=prune_heads]:not([hidden])")
