"""The workspace Trends, without a browser: what it shows and what a click brushes."""

import re
from urllib.parse import parse_qsl

import numpy as np
import pytest
from bokeh.events import ButtonClick, Tap

from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import MOST_WORDS, default_state, from_query, to_query
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.classes import LEVEL, class_trends
from headbrush.server.stores.trends.questions import compared_classes
from headbrush.server.stores.trends.unlike import unlike_their_class
from headbrush.server.views.common.class_axis import told_apart
from headbrush.server.views.trends.class_heads import ClassHeads
from headbrush.server.views.trends.consistency import ClassConsistency
from headbrush.server.views.trends.similar_images import SimilarImages
from headbrush.server.views.trends.unlike_images import UnlikeImages, ordinal
from tests.server.fakes import prompt_queues
from tests.server.pages import columns, drag, happen, part, plot_of, words
from tests.stores import make_store


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A store in which one head matters more to the second class."""
    path = make_store(tmp_path_factory.mktemp("trends") / "planted.headbrush", images=60)
    with prompt_queues():
        data = StoreData(Store(path))
    effects = np.random.default_rng(3).gamma(1.0, size=(data.num_images, data.num_heads))
    effects[data.labels == 1, 4] += 6
    data.importance = lambda _metric: effects
    return data, effects


@pytest.fixture
def page(planted):
    return Session(planted[0], default_state(planted[0]))


def cell(view, layer_head, class_name):
    """The place of a cell in the source."""
    cells = columns(view, "trend_cells")
    pairs = zip(cells["head"], cells["class"], strict=True)
    return list(pairs).index((layer_head, class_name))


def tap(view, x, y):
    happen(Tap(plot_of(view), x=x, y=y))


def test_every_cell_holds_the_effect_of_its_class_and_head(page, planted):
    data, effects = planted
    view = ClassHeads(page)
    expected = class_trends(effects, data.labels, len(data.class_names))
    cells = columns(view, "trend_cells")
    for number in range(len(cells["g"])):
        one = data.class_names.index(cells["class"][number])
        head = data.head_labels.index(cells["head"][number])
        belongs = data.labels == one
        assert cells["g"][number] == pytest.approx(expected.g[one, head])
        assert cells["family_p"][number] == expected.family_p[one, head]
        assert cells["mean"][number] == pytest.approx(effects[belongs, head].mean())
        assert cells["mean_rest"][number] == pytest.approx(effects[~belongs, head].mean())
        assert (cells["n"][number], cells["n_rest"][number]) == (belongs.sum(), (~belongs).sum())
    assert len(cells["g"]) == len(data.class_names) * data.num_heads
    assert len(columns(view, "trend_marked")["x"]) == (expected.family_p <= LEVEL).sum()
    told = part(view, "trends_note").text
    assert f"{data.head_labels[4]} matters more to {data.class_names[1]}" in told
    assert f"(n = {(data.labels == 1).sum()}) against" in told


def test_alike_heads_stand_together_and_a_tap_finds_the_same_cell(page, planted):
    data, _ = planted
    view = ClassHeads(page)
    page.history.change(trend_order="alike")
    place = cell(view, data.head_labels[4], data.class_names[1])
    cells = columns(view, "trend_cells")
    tap(view, cells["x"][place], cells["y"][place])
    assert page.head.number == 4
    assert page.brush().images.tolist() == (data.labels == 1).tolist()
    assert columns(view, "trend_head")["x"] == [cells["x"][place]]
    steps = page.history.step
    tap(view, cells["x"][place], cells["y"][place])
    assert page.brush().images.all()
    page.history.undo()
    assert page.history.step == steps


def test_a_box_brushes_its_heads_and_the_images_of_its_classes(page, planted):
    data, _ = planted
    view = ClassHeads(page)
    cells = columns(view, "trend_cells")
    inside = (cells["x"] <= 2) & (cells["y"] <= 1)
    drag(view, {"type": "rect", "x0": -0.4, "x1": 2.4, "y0": -0.4, "y1": 1.4})
    classes = {data.class_names.index(name) for name in cells["class"][inside]}
    brush = page.brush()
    assert np.flatnonzero(brush.heads).tolist() == [0, 1, 2]
    assert brush.images.tolist() == [label in classes for label in data.labels]


def test_wrong_predictions_are_compared_with_right_ones(page, planted):
    data, effects = planted
    view = ClassHeads(page)
    page.history.change(trend_group="wrong")
    cells = columns(view, "trend_cells")
    if not len(cells["g"]):
        assert "No class has two wrong and two right" in part(view, "trends_note").text
        return
    one = data.class_names.index(cells["class"][0])
    head = data.head_labels.index(cells["head"][0])
    wrong = (data.labels == one) & ~data.correct
    assert cells["n"][0] == wrong.sum()
    assert cells["mean"][0] == pytest.approx(effects[wrong, head].mean())


def test_a_store_without_values_says_why(planted, monkeypatch):
    data, _ = planted
    monkeypatch.setattr(data, "importance", lambda _metric: np.full((60, data.num_heads), np.nan))
    monkeypatch.setattr(data, "version", 1)
    page = Session(data, default_state(data))
    view = ClassHeads(page)
    assert len(columns(view, "trend_cells")["g"]) == 0
    assert part(view, "trends_note").text == data.why_undefined(page.state.metric)


def test_both_views_show_how_much_of_a_class_and_which_heads_are_brushed(page, planted):
    data, _ = planted
    heads, alike = ClassHeads(page), ClassConsistency(page)
    assert len(columns(heads, "trend_brushed")["x0"]) == 0
    of_class = np.flatnonzero(data.labels == 1)
    share = len(of_class[::3]) / len(of_class)
    page.brush_ids("images", of_class[::3].tolist(), "replace")
    place = cell(heads, data.head_labels[0], data.class_names[1])
    row = columns(heads, "trend_cells")["y"][place]
    below, above = row - share / 2, row + share / 2
    shown = {name: list(column) for name, column in columns(heads, "trend_brushed").items()}
    assert shown == {"x0": [-0.5], "y0": [below], "x1": [-0.5], "y1": [above]}
    row = list(columns(alike, "consistency_rows")["class"]).index(data.class_names[1])
    shown = columns(alike, "consistency_brushed")
    np.testing.assert_allclose([*shown["y0"], *shown["y1"]], [row - share / 2, row + share / 2])
    page.drop_clauses("images")
    page.brush_ids("heads", [4], "replace")
    page.history.change(trend_order="alike")
    place = cell(heads, data.head_labels[4], data.class_names[1])
    at, bottom = columns(heads, "trend_cells")["x"][place], len(data.class_names) - 0.5
    shown = {name: list(column) for name, column in columns(heads, "trend_brushed").items()}
    assert shown == {"x0": [at - 0.5], "y0": [bottom], "x1": [at + 0.5], "y1": [bottom]}
    assert len(columns(alike, "consistency_brushed")["y0"]) == 0


def test_a_class_is_found_by_words_in_both_views_as_one_step_that_the_link_knows(page, planted):
    data, _ = planted
    heads, alike = ClassHeads(page), ClassConsistency(page)
    wanted, steps = data.class_names[2], page.history.step
    field = part(heads, "trends_find")
    for typed in (wanted[:3], f" {wanted[-1]} {wanted[:4].upper()}"):
        field.value_input = typed
    field.value = typed
    assert set(columns(heads, "trend_cells")["class"]) == {wanted}
    assert columns(alike, "consistency_rows")["class"] == [wanted]
    for note in (part(heads, "trends_note"), part(alike, "consistency_note")):
        assert f"1 of {len(data.class_names)} classes are shown with “{typed.strip()}”" in note.text
    assert opened(to_query(page.state, data)[0], data).trend_words == typed
    page.history.undo()
    assert (field.value_input, field.value, page.history.step) == ("", "", steps)
    assert set(columns(heads, "trend_cells")["class"]) == set(data.class_names)
    field.value_input = "none of them"
    assert len(columns(heads, "trend_cells")["class"]) == 0
    assert "None of 3 classes has a name with “none of them”" in part(heads, "trends_note").text


def opened(query, data):
    """The state of a link."""
    state, note = from_query({k: [v.encode()] for k, v in parse_qsl(query)}, data)
    assert note == ""
    return state


def test_words_of_a_link_are_not_trusted(planted):
    data, _ = planted
    state, note = from_query({"trend_words": [b"x" * (MOST_WORDS + 1)]}, data)
    assert state.trend_words == ""
    assert "trend_words" in note


def test_without_labels_that_is_said(planted, monkeypatch):
    data, _ = planted
    monkeypatch.setattr(data, "is_labelled", np.zeros(data.num_images, bool))
    monkeypatch.setattr(data, "version", 2)
    page = Session(data, default_state(data))
    for view, name in (
        (ClassHeads(page), "trends_note"),
        (ClassConsistency(page), "consistency_note"),
    ):
        assert part(view, name).text.startswith("No image of this store has a label")
    assert "No image has a label" in words(UnlikeImages(page), "unlike_said")


def test_an_image_without_values_takes_no_value_of_a_head(planted, monkeypatch):
    data, effects = planted
    effects = effects.copy()
    effects[5], effects[6, 2] = np.nan, np.nan  # one image without values, one head without one
    monkeypatch.setattr(data, "importance", lambda _metric: effects)
    found = compared_classes(data, data.first.metric, "class", 20)
    known = np.isfinite(effects).any(1)
    expected = class_trends(effects[known], data.labels[known], 3, 20)
    assert np.isnan(found.g[:, 2]).all()
    np.testing.assert_array_equal(found.g, expected.g)


def test_names_with_the_same_beginning_are_told_apart():
    names = [
        f"a very long name of class number {n}{end}" for n in (12, 13) for end in ("", " of x" * 9)
    ]
    shown = told_apart([*names, "short", "another name that is too long"])
    assert len(set(shown)) == 6
    assert max(map(len, shown)) == 20
    assert all(name.startswith("a very …") for name in shown[:4])
    assert [f" {n}" in name for n, name in zip((12, 12, 13, 13), shown[:4], strict=True)] == [
        True
    ] * 4
    assert shown[4:] == ["short", "another name that i…"]


def test_distances_of_classes_are_shown_and_brush_them(page, planted):
    data, _ = planted
    view = ClassConsistency(page)
    rows = columns(view, "consistency_rows")
    assert sorted(rows["class"]) == sorted(data.class_names)
    assert rows["class"][0] == data.class_names[1]  # the planted one is farthest from the rest
    tap(view, rows["within"][0], 0)
    assert page.brush().images.tolist() == (data.labels == 1).tolist()
    tap(view, rows["within"][0], 0)
    assert page.brush().images.all()


def test_unlike_images_are_listed_and_the_heads_of_the_selected_one_named(page, planted):
    data, effects = planted
    view = UnlikeImages(page)
    found = unlike_their_class(effects, data.labels)
    numbers = [int(n) for n in re.findall(r'data-number="(\d+)"', words(view, "unlike_list"))]
    assert numbers == found.order.tolist()[: len(numbers)]
    page.brush_ids("images", found.order[3:6].tolist(), "replace")
    numbers = [int(n) for n in re.findall(r'data-number="(\d+)"', words(view, "unlike_list"))]
    assert numbers == found.order[3:6].tolist()
    page.asks.channel.tags = ["image", numbers[1], 0]
    assert page.state.image == numbers[1]
    said = words(view, "unlike_said")
    heads = [int(n) for n in re.findall(r'data-ask="head" data-number="(\d+)"', said)]
    assert heads == found.columns_of(numbers[1], 5)
    page.asks.channel.tags = ["head", heads[2], 1]
    assert page.head.number == heads[2]


def test_similar_images_need_an_image_and_can_be_brushed(page, planted):
    data, _ = planted
    view = SimilarImages(page)
    assert "Select an image" in words(view, "similar_said")
    page.select_image(7)
    numbers = [int(n) for n in re.findall(r'data-number="(\d+)"', words(view, "similar_list"))]
    same = sum(int(data.labels[n] == data.labels[7]) for n in numbers)
    assert f"{same} are of its class" in words(view, "similar_said")
    happen(ButtonClick(part(view, "similar_brush")))
    assert set(np.flatnonzero(page.brush().images)) == {7, *numbers}


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.001, "1st"), (0.02, "2nd"), (0.113, "11th"), (0.53, "53rd"), (0.999, "99th")],
)
def test_percentiles_in_words(share, told):
    assert ordinal(share) == f"{told} percentile"


def test_what_a_page_asks_is_not_trusted(page):
    before = page.state
    for asked in (["image", 1e9], ["head", "x"], ["head", -1], ["nothing", 1], ["image"], []):
        page.asks.channel.tags = asked
    assert page.state == before


def test_the_choices_are_in_the_link(page, planted):
    page.history.change(workspace="trends", trend_group="wrong", trend_order="alike")
    query, note = to_query(page.state, planted[0])
    assert note == ""
    state = opened(query, planted[0])
    assert (state.workspace, state.trend_group, state.trend_order) == ("trends", "wrong", "alike")


def test_a_report_holds_the_trends_of_its_store(planted):
    views = ["class_heads", "class_consistency", "unlike_images", "similar_images"]
    made = make_report(planted[0], views=views)
    assert [panel.view for panel in made.sections["trends"]] == views[:3]  # no image is selected
    assert f"out. The largest effect: {planted[0].head_labels[4]} matters more" in made.html
