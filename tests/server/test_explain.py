"""Explain: one prediction, asked step by step, against plain computations."""

from dataclasses import replace

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.events import ButtonClick, Tap

from headbrush.analysis.explain.words import (
    BROADCASTS,
    IDLE,
    NONE,
    OF_HEADS,
    Sources,
    random_orders,
)
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state, from_query, to_query
from headbrush.server.stores.store_data import NO_DIRECT, StoreData
from headbrush.server.views.tokens.explain import explanation_answer
from headbrush.server.views.tokens.explain.explained_image import ExplainedImage
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.tokens.explain.explanation_maps import ExplanationMaps
from headbrush.server.views.tokens.explain.sinks import SinkCard
from headbrush.server.views.tokens.explain.speaking_heads import SpeakingHeads
from headbrush.server.views.tokens.explain.words import faith_words
from headbrush.server.views.tokens.hidden_sinks import without_sinks
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, from_codes, to_codes
from tests.server.fakes import FakeModel, live_models, pass_time, run
from tests.server.pages import columns, happen, part, words
from tests.stores import make_speaking_store

LAYERS, HEADS, PATCHES, IMAGE = 3, 2, 16, 5
KINDS = ExplainedImage, ExplanationMaps, SpeakingHeads, SinkCard


def sources(image=IMAGE, which=1, absent=""):
    """What the model of these tests says; head 0 has a sink, patch 3, and head 3 one, CLS."""
    draw = np.random.default_rng([image, which])
    found = draw.normal(size=(3, LAYERS, HEADS, PATCHES)).astype("f4")
    found[:2] = np.abs(found[:2])
    sinks, token = np.full((LAYERS, HEADS), NONE, np.int8), np.zeros((LAYERS, HEADS), int)
    sinks[0, 0], token[0, 0], sinks[1, 1] = IDLE, 4, BROADCASTS
    return Sources(
        values=found,
        absent=np.array(["", "", absent]),
        says=found[2].sum(-1),
        logit=np.array(3.0),
        probability=np.array(0.5),
        parts=np.array([0.1, 0.2, 0.3]),
        absent_parts=np.array(absent),
        sinks=sinks,
        sink_token=token,
        outliers=np.zeros(LAYERS, int),
    )


def reply(question):
    """The answer to a question; maps and figures depend on its words alone."""
    what, image, which, *more = question
    draw = np.random.default_rng([image, which, *str(more).encode()])
    if what == "sources":
        return sources(image, which)
    if what == "ablation":
        return draw.normal(size=PATCHES), more[0] == 1
    if what == "faithfulness":
        return means_of(more[0])[:, :4]  # the model answers about the first
    return draw.normal(size=PATCHES if what == "patch_map" else (LAYERS, HEADS))


def means_of(orders):
    """Deletion and insertion ``(2, n)`` of orders, each by its own words."""
    return np.transpose([np.random.default_rng(order).random(2) for order in orders])


class Page:
    """The workspace without a browser."""

    def __init__(self, data, document, **state):
        self.model, self.document = FakeModel(), document
        with live_models(lambda _store: self.model):
            shown = replace(default_state(data), workspace="explain", **{"image": IMAGE} | state)
            self.session = Session(data, shown, document=document)
            self.answer = ExplanationAnswer(self.session)
            self.image, self.maps, self.heads, self.sinks = (
                kind(self.session, self.answer) for kind in KINDS
            )

    def reply(self, most=100):
        """Answer questions, oldest first; what was asked, in order."""
        asked = []
        while len(asked) < most:
            waiting = [one for one in self.model.asked if not one[1].done()]
            if not waiting:
                break
            question, future = waiting[0]
            asked.append(question)
            with live_models(lambda _store: self.model):
                future.set_result(reply(question))
                run(self.document)
        return asked

    def change(self, **values):
        with live_models(lambda _store: self.model):
            self.session.history.change(**values)

    def said(self, view):
        return self.session.summaries[view.name]


@pytest.fixture
def page(data, document):
    return Page(data, document)


def shown_values(page):
    (found,) = columns(page.image, "explained_plot_values")["image"]
    return found.ravel()


def test_the_shown_map_is_asked_for_first_then_how_faithful_it_is(data, document):
    page = Page(data, document, explained_map="lens", explained_class=2)
    asked = page.reply()
    kinds = [(what, *more[:1]) if what == "patch_map" else (what,) for what, _, _, *more in asked]
    assert kinds[:6] == [
        ("sources",), ("patch_map", "lens"), ("patch_map", "rollout"), ("patch_map", "generic"),
        ("ablation",), ("ablation",),
    ]  # fmt: skip
    assert kinds[6:9] == [("faithfulness",), ("faithfulness",), ("total_effects",)]
    assert kinds[9:] == [("faithfulness",)] * 2
    assert {question[1:3] for question in asked} == {(IMAGE, 2)}
    lens = reply(("patch_map", IMAGE, 2, "lens", ()))
    order = tuple(sorted(range(PATCHES), key=lambda patch: -lens[patch]))
    (first, *_), rest = asked[6][3], asked[7][3]
    assert first == order
    assert rest == asked[6][3][4:]  # what was not yet answered
    assert [len(one[3]) for one in asked if one[0] == "faithfulness"] == [6, 2, 6, 2]
    np.testing.assert_allclose(page.answer.random, means_of(random_orders(PATCHES)))
    np.testing.assert_allclose(page.answer.faith("lens"), means_of([order])[:, 0])
    np.testing.assert_allclose(shown_values(page), lens, rtol=1e-6)


@pytest.mark.parametrize("kind", OF_HEADS)
@pytest.mark.parametrize("heads", ["all", "brushed", "selected"])
def test_a_map_of_heads_is_a_sum_or_a_mean_of_theirs(data, document, kind, heads):
    page = Page(
        data, document, explained_map=kind, explained_heads=heads, explained_class=1, layer=2,
        head=1, clauses=(Clause("heads", Ids((0, 3, 5))),),
    )  # fmt: skip
    page.reply(1)
    of = sources().values[OF_HEADS.index(kind)].reshape(-1, PATCHES)
    last = [4, 5] if kind != "speaks" else range(6)
    chosen = {"all": last, "brushed": [0, 3, 5], "selected": [5]}[heads]
    total = sum(of[number] for number in chosen)
    expected = total if kind == "speaks" else total / len(chosen)
    np.testing.assert_allclose(shown_values(page), expected, rtol=1e-5)


def test_a_rollout_of_brushed_heads_is_asked_for_them(data, document):
    page = Page(data, document, explained_heads="brushed", clauses=(Clause("heads", Ids((1,))),))
    asked = page.reply()
    rollouts = [question[4] for question in asked if question[3:4] == ("rollout",)]
    assert rollouts == [(False, True, *[False] * 4)]
    page.change(clauses=(Clause("heads", Ids((2,))),))
    asked = page.reply()
    assert [one[0] for one in asked if one[0] != "faithfulness"] == ["patch_map"]


def test_another_image_or_class_drops_what_was_asked(page):
    page.reply(2)
    (old,) = [future for _, future in page.model.asked if not future.done()]
    page.change(image=7)
    assert old.cancelled()
    assert page.answer.sources is None
    asked = page.reply()
    assert {question[1] for question in asked} == {7}
    page.change(explained_class=0)
    assert {question[1:3] for question in page.reply()} == {(7, 0)}


def test_tiles_have_a_tick_only_beyond_every_random_order(page):
    page.reply()
    html = words(page.maps, "maps_list")
    random = page.answer.random
    better = 0
    for kind in ("attends", "moves", "speaks", "rollout", "generic", "lens", "ablation"):
        deletion, insertion = page.answer.faith(kind)
        better += (deletion < random[0]).all() and (insertion > random[1]).all()
        assert f"del. {deletion:.2f}" in html
    assert html.count("✓") == better
    assert html.count("<img") == 7
    assert 'data-number="2"' in html
    page.session.asks.channel.tags = ["explained_map", 5]
    assert page.session.state.explained_map == "lens"
    page.session.asks.channel.tags = ["explained_map", 7]
    page.session.asks.channel.tags = ["explained_map", "x"]
    assert page.session.state.explained_map == "lens"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((0.3, 0.8), "both better than all 2 random orders"),
        ((0.3, 0.7), "only deletion better than all 2"),
        ((0.4, 0.8), "only insertion better than all 2"),
        ((0.4, 0.7), "neither better than all 2"),
    ],
)
def test_figures_are_called_better_only_beyond_every_random_order(found, said):
    assert said in faith_words(np.array(found), np.array([[0.4, 0.6], [0.5, 0.7]]))


def test_heads_are_ranked_by_what_they_say_and_by_what_they_take_from_a_patch(page):
    page.change(explained_class=1)
    page.reply()
    bars = columns(page.heads, "speaking_bars")
    says = sources().says.ravel()
    assert list(bars["number"]) == sorted(range(6), key=lambda head: -abs(says[head]))
    np.testing.assert_allclose(bars["value"], says[bars["number"]])
    total = reply(("total_effects", IMAGE, 1)).ravel()
    np.testing.assert_allclose(bars["total"], total[bars["number"]])
    plot = part(page.image, "explained_plot")
    happen(Tap(plot, sx=0, sy=0, x=2.5, y=1.2))  # patch 6
    assert page.session.state.token == 7
    for kind in ("attends", "speaks", "lens"):
        page.change(explained_map=kind)
        row = OF_HEADS.index(kind) if kind in OF_HEADS else 2
        taken = sources().values[row, :, :, 6].ravel()
        bars = columns(page.heads, "speaking_bars")
        np.testing.assert_allclose(bars["value"], sorted(taken, key=lambda value: -abs(value)))
    happen(Tap(part(page.heads, "speaking_plot"), sx=0, sy=0, x=0, y=0.2))
    assert page.session.head.number == bars["number"][0]
    happen(Tap(plot, sx=0, sy=0, x=2.5, y=1.2))
    assert page.session.state.token is None
    happen(Tap(plot, sx=0, sy=0, x=-0.5, y=1.2))
    assert page.session.state.token is None


def test_sinks_are_counted_brushed_and_left_out(page):
    page.change(explained_map="attends", explained_heads="selected", layer=0, head=0)
    page.reply()
    assert "2 of 6 heads have a sink" in page.said(page.sinks)
    before = shown_values(page).copy()
    page.change(sinks="hidden")
    after = shown_values(page)
    assert before[3] > 0
    assert after[3] == 0
    np.testing.assert_array_equal(np.delete(after, 3), np.delete(before, 3))
    page.session.asks.channel.tags = ["sinks", IDLE]
    assert np.flatnonzero(page.session.brush().heads).tolist() == [0]
    page.session.asks.channel.tags = ["sinks", "x"]
    assert np.flatnonzero(page.session.brush().heads).tolist() == [0]


def test_attention_without_sinks_is_divided_by_what_is_left():
    attention = np.full((20, 20), 0.4 / 19, np.float32)
    attention[:, 3] = 0.6
    attention[4] = np.eye(20)[3]
    found, sinks = without_sinks(attention)
    assert sinks.tolist() == [3]
    for row in range(20):
        left = attention[row].sum() - attention[row, 3]
        expected = [0 if token == 3 or not left else attention[row, token] / left
                    for token in range(20)]  # fmt: skip
        np.testing.assert_allclose(found[row], expected, rtol=1e-5)
    even = np.full((20, 20), 0.05, np.float32)
    np.testing.assert_allclose(without_sinks(even)[0], even, rtol=1e-6)


def test_the_matrix_says_whether_sinks_are_left_out(session, data):
    session.history.change(image=8, layer=1, head=0)
    matrix = ShownMatrix(session)
    before = matrix.codes.copy()
    session.history.change(sinks="hidden")
    kept, sinks = without_sinks(data.store.attention(8, 1, 0))
    np.testing.assert_array_equal(matrix.codes, to_codes(kept))
    assert matrix.remark.endswith(f"without {len(sinks)} sink" if len(sinks) else "no sink")
    session.history.undo()
    np.testing.assert_array_equal(from_codes(matrix.codes), from_codes(before))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A store that holds what heads say."""
    return StoreData(Store(make_speaking_store(tmp_path_factory.mktemp("told") / "s.headbrush")))


def test_where_the_model_does_not_answer_stored_values_are_shown(told, document):
    page = Page(told, document)
    with live_models(lambda _store: page.model):
        page.model.asked[0][1].set_exception(InputError("The model was not found."))
        run(document)
    assert page.said(page.maps) == "The model was not found."
    assert len(page.model.asked) == 1
    which = int(told.predicted[IMAGE])
    place = told.store.read("direct_class")[IMAGE].tolist().index(which)
    stored = told.store.read("direct")[IMAGE, :, :, place].ravel()
    bars = columns(page.heads, "speaking_bars")
    np.testing.assert_allclose(bars["value"], stored[bars["number"]])
    assert "stored values; The model was not found" in page.said(page.heads)


def test_without_an_image_the_mean_for_the_true_class_is_shown(told, document):
    page = Page(told, document, image=None, clauses=(Clause("images", Ids((8, 9, 10))),))
    assert page.model.asked == []
    mean = (told.store.read("direct")[8, ..., 0] + told.store.read("direct")[10, ..., 0]) / 2
    bars = columns(page.heads, "speaking_bars")
    np.testing.assert_allclose(bars["value"], mean.ravel()[bars["number"]], rtol=1e-6)
    assert "mean over 2 images" in page.said(page.heads)
    offered = words(page.image, "explained_choice")
    assert offered.count('data-ask="image"') == 3


def test_a_store_without_what_heads_say_says_how_to_add_it(data, document):
    page = Page(data, document, image=None)
    assert page.said(page.heads) == NO_DIRECT
    assert page.said(page.image) == "Select an image to explain its prediction."


def test_a_link_brings_the_explanation_back(data):
    state = replace(
        default_state(data), workspace="explain", image=3, explained_class=2, token=4,
        explained_map="rollout", explained_heads="selected", explained_form="beside",
        explained_tile="2", sinks="hidden",
    )  # fmt: skip
    query, _ = to_query(state, data)
    pairs = dict(pair.split("=") for pair in query.split("&"))
    found, fault = from_query({key: [value.encode()] for key, value in pairs.items()}, data)
    assert (found, fault) == (state, "")
    for wrong in ("3", "-1", "x"):
        found, fault = from_query({"explained_class": [wrong.encode()]}, data)
        assert found.explained_class is None
        assert "explained_class could not be used" in fault


def test_tiles_of_one_size_are_asked_for_and_kept(data, document):
    page = Page(data, document, explained_map="ablation", explained_class=2)
    page.reply()
    page.change(explained_tile="2")
    assert shown_values(page).size == 1  # nothing is known of it
    asked = page.reply()
    assert asked[:2] == [("ablation", IMAGE, 2, 0, "2"), ("ablation", IMAGE, 2, 1, "2")]
    assert asked[2][0] == "faithfulness"
    np.testing.assert_allclose(shown_values(page), reply(asked[1])[0], rtol=1e-6)
    assert "without each tile of 2 × 2 patches" in page.said(page.image)
    page.session.history.undo()
    assert page.reply() == []
    np.testing.assert_allclose(
        shown_values(page), reply(("ablation", IMAGE, 2, 1, "auto"))[0], rtol=1e-6
    )


def test_a_part_of_an_ablation_is_drawn_where_it_is_known(data, document):
    page = Page(data, document, explained_map="ablation")
    page.reply(1)
    effect = np.full(PATCHES, np.nan)
    effect[:3] = 0.5, -2, 1
    ((_, future),) = [one for one in page.model.asked if not one[1].done()]
    with live_models(lambda _store: page.model):
        future.set_result((effect, False))
        run(document)
    np.testing.assert_array_equal(shown_values(page), effect)
    mapper = part(page.image, "explained_plot").renderers[1].glyph.color_mapper
    assert (mapper.low, mapper.high) == (-2, 2)


def test_a_model_that_died_is_asked_again_by_a_button(data, document, monkeypatch):
    page = Page(data, document)
    button = part(page.image, "explained_retry")
    assert not button.visible
    monkeypatch.setattr(explanation_answer, "LiveModel", FakeModel)
    with live_models(lambda _store: page.model):
        page.model.asked[0][1].set_exception(InputError("The model's process ended."))
        run(document)
        assert button.visible
        assert page.said(page.image).endswith("The model's process ended.")
        happen(ButtonClick(button))
    assert page.reply()[0][0] == "sources"
    assert not button.visible
    assert page.answer.fault == ""


def test_a_model_that_loads_for_minutes_is_waited_for(data, document):
    page = Page(data, document)
    pass_time(document, 10 * 60_000)
    assert page.answer.waits_for.endswith("the model …")
    assert page.reply()[0][0] == "sources"
    assert page.answer.fault == ""


def test_a_report_has_what_is_stored(told):
    report = make_report(told, views=["speaking_heads"])
    (panel,) = report.sections["explain"]
    assert panel.view == "speaking_heads"
    assert "mean over 23 images" in panel.words


def test_nothing_is_asked_while_another_workspace_is_shown(data):
    model = FakeModel()
    with live_models(lambda _store: model):
        session = Session(data, replace(default_state(data), image=1), document=Document())
        ExplanationAnswer(session)
    assert model.asked == []
