"""What if: the prune set, and what a model predicts then, asked image by image."""

import re

import numpy as np
import pytest
from bokeh.events import ButtonClick
from bokeh.models import Div

from headbrush.analysis.model.pruning.prune_set import PrunedPart, PruneSet
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.pages.keyboard import press
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.prune.choosing import weakest
from headbrush.server.stores.model.pool import Rank
from headbrush.server.stores.model.set_effects import MOST_GIVEN, RunningSet
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.what_if.changed_predictions import ChangedPredictions
from headbrush.server.views.what_if.given_importance import GivenImportance
from headbrush.server.views.what_if.head_grid import combined
from headbrush.server.views.what_if.prune_heads import PruneHeads
from headbrush.server.views.what_if.pruned_prediction import PrunedPrediction
from headbrush.server.views.what_if.set_answer import SetAnswer
from headbrush.server.views.what_if.set_effects import SetEffects
from tests.server.fakes import FakeModel, live_models, run
from tests.server.pages import columns, drag, happen, part, words

SET = PruneSet.of_heads([(1, 0), (2, 1)])
OTHER = PruneSet.of_heads([(0, 0)])


def after(data, image, pruned):
    """What the model of these tests predicts; it depends on image and set alone."""
    rng = np.random.default_rng([image, *str(pruned).encode()])
    return rng.dirichlet(np.ones(len(data.class_names)) / 2)


def given(image, pruned):
    """What more pruning changes for the model of these tests."""
    shape = (len(PRUNING_METRICS), 3, 2)
    return np.random.default_rng([image, *str(pruned).encode(), 1]).uniform(-0.1, 1, shape)


@pytest.fixture
def fake(data):
    data.pruned_means = StoreData(data.store).pruned_means  # no page has asked before
    model = FakeModel()
    with live_models(lambda _store: model):
        yield model


def reply(document, data, model, most=1000):
    """Answer questions, oldest first, until none is left or so many were answered."""
    answered = 0
    while answered < most:
        waiting = [one for one in model.asked if not one[1].done()]
        if not waiting:
            return
        (what, about, pruned, _), future = waiting[0]
        if what == "predictions":
            future.set_result(np.stack([after(data, image, pruned) for image in about]))
        else:
            future.set_result(given(about, pruned))
        run(document)
        answered += 1


def views(session, *kinds):
    shared = SetAnswer(session)
    return [kind(session, shared) for kind in kinds]


def test_the_effect_equals_a_plain_computation(session, data, document, fake):
    session.select_image(None)
    (effects,) = views(session, SetEffects)
    session.history.change(pruned=SET)
    reply(document, data, fake)
    predictions = np.stack([after(data, image, SET) for image in range(data.num_images)])
    right = np.mean(predictions.argmax(1) == data.labels)
    before, middle = data.probability, (data.probability + predictions) / 2
    kl = [(one * np.log2(one / middle)).sum(1) for one in (before, predictions)]
    flips = int((predictions.argmax(1) != before.argmax(1)).sum())
    said = words(effects, "set_said")
    assert f"Without 2 of 6 heads, {100 * right:.1f}\u00a0% are predicted correctly" in said
    assert f"{flips} of 24 predictions change, mean JSD {np.mean(kl):.2g} bits" in said
    assert said.endswith("over all 24 images.</p>")
    asked = [about for (what, about, *_), _ in fake.asked if what == "predictions"]
    assert sorted(sum(asked, ())) == list(range(24))
    assert [len(one) for one in asked][:2] == [1, 2]


def test_the_selected_image_is_asked_about_first_and_before_others(session, data, document, fake):
    session.history.change(image=5)
    effects, prediction = views(session, SetEffects, PrunedPrediction)
    session.history.change(pruned=SET)
    (about, pruned, rank), *_ = [one[0][1:] for one in fake.asked]
    assert (about, pruned, rank) == ((5,), SET, Rank.FIRST)
    assert all(one[0][3] > Rank.FIRST for one in fake.asked[1:])
    reply(document, data, fake)
    expected = after(data, 5, SET)
    bars = columns(prediction, "pruned_prediction_bars")
    classes = [data.class_names.index(name) for name in bars["name"]]
    assert np.allclose(bars["after"], expected[classes])
    assert np.allclose(bars["before"], data.probability[5][classes])
    assert data.names[5] in part(prediction, "pruned_prediction_note").text
    assert "24 images" in words(effects, "set_said")


def test_a_new_set_drops_the_questions_about_the_old_one(session, data, document, fake):
    session.select_image(None)
    (effects,) = views(session, SetEffects)
    session.history.change(pruned=SET)
    reply(document, data, fake, 1)
    assert "1 of 24 images so far" in words(effects, "set_said")
    (old,) = [future for _, future in fake.asked if not future.done()]
    session.history.change(pruned=OTHER)
    assert old.cancelled()
    reply(document, data, fake)
    assert "Without 1 of 6 heads" in words(effects, "set_said")
    count = len(fake.asked)
    session.history.undo()  # the first answer is still known
    reply(document, data, fake)
    assert len(fake.asked) > count
    assert "all 24 images" in words(effects, "set_said")


def test_without_a_set_nothing_is_asked_and_nothing_changes(session, data, fake):
    session.select_image(None)
    shown = views(session, SetEffects, PrunedPrediction, ChangedPredictions, GivenImportance)
    assert not fake.asked
    effects, prediction, changed, important = shown
    assert "No head is pruned" in words(effects, "set_said")
    assert "no prediction changes" in words(changed, "changed_list")
    bars = columns(prediction, "pruned_prediction_bars")
    assert np.array_equal(bars["before"], bars["after"])
    lines = columns(important, "given_lines")
    assert np.array_equal(lines["before"], lines["given"])
    assert np.allclose(lines["given"], data.importance(session.state.metric).mean(0))


def test_the_brush_decides_over_which_images(session, data, document, fake):
    session.select_image(None)
    (effects,) = views(session, SetEffects)
    session.add_clause(Clause("images", Ids((3, 8, 20))))
    session.history.change(pruned=SET)
    reply(document, data, fake)
    assert {image for one in fake.asked for image in one[0][1]} == {3, 8, 20}
    assert "over all 3 brushed images" in words(effects, "set_said")
    session.add_clause(Clause("images", Ids(())))
    assert "No image is brushed." in words(effects, "set_said")


def test_changed_predictions_are_listed_selected_and_brushed(session, data, document, fake):
    session.select_image(None)
    (changed,) = views(session, ChangedPredictions)
    session.history.change(pruned=SET)
    reply(document, data, fake)
    flips = [
        image for image in range(24)
        if after(data, image, SET).argmax() != data.probability[image].argmax()
    ]  # fmt: skip
    assert flips
    text = words(changed, "changed_list")
    assert sorted(int(n) for n in _numbers(text, "image")) == flips
    channel = session.asks.channel
    channel.tags = ["image", flips[0], 1]
    assert session.state.image == flips[0]
    session.select_image(None)
    press_button(changed, "changed_brush")
    assert np.flatnonzero(session.brush().images).tolist() == flips


def test_what_does_not_change_is_counted_as_it_grows(session, data, document, fake):
    session.select_image(None)
    effects, changed = views(session, SetEffects, ChangedPredictions)
    session.history.change(pruned=SET)
    while not fake.asked[-1][1].done():
        (_, images, *_), future = fake.asked[-1]
        future.set_result(data.probability[list(images)])
        run(document)
        count = re.search("0 of (\\d+) predictions change", words(effects, "set_said"))[1]
        assert words(changed, "changed_list").startswith(f"<p>None of the {count} predictions")
    assert count == "24"


def _numbers(text, ask):
    return [piece.split('"')[0] for piece in text.split(f'data-ask="{ask}" data-number="')[1:]]


def press_button(view, name):
    happen(ButtonClick(part(view, name)))


def test_importance_given_the_set_is_a_mean_over_the_same_images(session, data, document, fake):
    session.select_image(None)
    session.history.change(metric="cls")
    (important,) = views(session, GivenImportance)
    session.history.change(pruned=SET)
    assert not [one for one in fake.asked if one[0][0] == "importance"]  # predictions come first
    reply(document, data, fake)
    place = PRUNING_METRICS.index("cls")
    expected = np.mean([given(image, SET)[place].ravel() for image in range(24)], 0)
    gone = np.isin(np.arange(6), [2, 5])
    expected[gone] = np.nan
    lines = columns(important, "given_lines")
    assert np.allclose(lines["given"], expected, equal_nan=True)
    assert np.isfinite(lines["gone"]).tolist() == gone.tolist()
    rise = np.nan_to_num(expected - data.importance("cls").mean(0), nan=-np.inf)
    assert f"{data.head_labels[rise.argmax()]} rises most" in words(important, "given_note") or (
        f"{data.head_labels[rise.argmax()]} matters most now" in words(important, "given_note")
    )
    assert MOST_GIVEN >= 24


def test_named_sets_are_compared_over_the_same_images(session, data, document, fake):
    session.select_image(None)
    (effects,) = views(session, SetEffects)
    for pruned, name in ((SET, "two"), (OTHER, "one <b>")):
        session.history.change(pruned=pruned)
        part(effects, "set_name").value = name
        press_button(effects, "set_save")
    reply(document, data, fake)
    assert [one.name for one in session.reader.sets] == ["two", "one <b>"]
    table = words(effects, "set_table")
    for pruned in (SET, OTHER):
        now = np.array([after(data, image, pruned).argmax() for image in range(24)])
        assert f"<td>{100 * np.mean(now == data.labels):.1f}\u00a0%</td>" in table
    assert "one &lt;b&gt;" in table
    channel = session.asks.channel
    channel.tags = ["apply", 0, 1]
    assert session.state.pruned == SET
    channel.tags = ["delete", 0, 2]
    assert [one.name for one in session.reader.sets] == ["one <b>"]
    for nonsense in (["apply", "x"], ["apply", 99, 1], ["image", -1, 2], ["drop", None, 3], ["?"]):
        channel.tags = nonsense
    assert session.state.pruned == SET


def test_a_model_that_is_not_there_is_said_once(session, document, fake):
    session.history.change(image=2)
    effects, prediction, important = views(session, SetEffects, PrunedPrediction, GivenImportance)
    session.history.change(pruned=SET)
    for _ in range(20):
        for _, future in fake.asked:
            if not future.done():
                future.set_exception(InputError("The model had random weights."))
        run(document)
    assert "The model had random weights." in words(effects, "set_said")
    assert "The model had random weights." in words(prediction, "pruned_prediction_note")
    assert "The model had random weights." in words(important, "given_note")
    assert sum(one[0][0] == "predictions" for one in fake.asked) < 8  # it gives up


def test_cells_are_pruned_by_taps_boxes_and_the_key(session):
    view = PruneHeads(session)
    box = {"type": "rect", "x0": 0.6, "x1": 2.4, "y0": -0.4, "y1": 0.4}
    box |= {"sx0": 0, "sx1": 1, "sy0": 0, "sy1": 1}
    drag(view, box)
    assert session.state.pruned == PruneSet.of_heads([(1, 0), (2, 0)])
    straight = {"x0": 1.1, "x1": 1.1, "y0": -0.3, "y1": 0.8}  # along a layer, enclosing no cell
    drag(view, box | straight)
    assert session.state.pruned == PruneSet.of_heads([(1, 0), (1, 1)])
    drag(view, box)
    drag(view, box | {"x0": 1.6}, ctrl=True, shift=True)
    assert session.state.pruned == PruneSet.of_heads([(1, 0)])
    session.history.change(layer=2, head=1)
    press(session, "x")  # elsewhere it does nothing
    assert len(session.state.pruned) == 1
    session.history.change(workspace="what_if")
    press(session, "x")
    assert session.state.pruned == PruneSet.of_heads([(1, 0), (2, 1)])
    press(session, "x")
    assert session.state.pruned == PruneSet.of_heads([(1, 0)])
    assert columns(view, "prune_cells")["mark"].tolist() == ["", "", "×", "", "", ""]
    assert "L1·H0" in words(view, "prune_chips")
    session.history.undo()
    assert len(session.state.pruned) == 2


def test_a_part_of_a_head_is_pruned_where_one_is_chosen(session):
    view = PruneHeads(session)
    part(view, "prune_mode").value = "4"
    session.history.change(layer=1, head=1)
    press_button(view, "prune_selected")
    assert session.state.pruned == PruneSet((PrunedPart(1, 1, 4),))
    assert "L1·H1 4 patch→patch" in words(view, "prune_chips")
    part(view, "prune_mode").value = "99"
    assert part(view, "prune_selected").label == "keep L1·H1"


def test_the_weakest_heads_are_those_of_the_least_mean(session, data):
    session.select_image(None)
    session.add_clause(Clause("images", Ids((1, 2, 3))))
    mean = data.importance("jsd")[[1, 2, 3]].mean(0)
    session.history.change(metric="jsd")
    view = PruneHeads(session)
    part(view, "prune_count").value = 3
    press_button(view, "prune_weakest")
    expected = {divmod(int(number), 2) for number in np.argsort(mean)[:3]}
    assert session.state.pruned.places == expected
    images = np.ones(24, bool)
    assert weakest(data, "jsd", images, 6) == np.argsort(data.importance("jsd").mean(0)).tolist()


@pytest.mark.parametrize(
    ("combine", "expected"),
    [("replace", "1.0,2.0"), ("add", "0.0,1.0:4,2.0"), ("subtract", "0.0"),
     ("intersect", "1.0:4"), ("xor", "0.0,2.0")],
)  # fmt: skip
def test_a_box_joins_the_set_as_it_joins_a_brush(combine, expected):
    before, chosen = PruneSet.parse("0.0,1.0:4"), PruneSet.parse("1.0,2.0")
    if combine == "add":  # the union of a head's parts
        expected = str(before | chosen)
    assert str(combined(before, chosen, combine)) == expected


@pytest.mark.usefixtures("fake")
def test_a_report_of_a_set_has_its_figures_and_nothing_to_press(data):
    made = make_report(data, heads=["0.0"], images=["0"], prune="1.0,2.1")
    assert [panel.view for panel in made.sections["what_if"]] == [
        "prune_heads", "set_effects", "pruned_prediction", "given_importance",
        "changed_predictions",
    ]  # fmt: skip
    texts = [model.text for model in made.document.models if isinstance(model, Div)]
    assert not [text for text in texts if "data-ask" in text]
    assert any("L1·H0" in text for text in texts)
    plain = make_report(data, heads=["0.0"], images=["0"])
    assert "what_if" not in plain.sections


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"prune": "9.0"}, "head 9.0 is not in this model: layers are 0 to 2, heads 0 to 1."),
        ({"prune": "1.0:8"}, "pruning mode '8'"),
        ({"prune": "x"}, "'x' is not a head"),
        ({"views": ["set_effects"]}, "--view set_effects: it shows a prune set"),
    ],
)
def test_a_report_of_a_wrong_set_is_refused_in_one_line(data, asked, words):
    with pytest.raises(InputError, match=re.escape(words)) as error:
        make_report(data, **asked)
    assert "\n" not in str(error.value)


def test_questions_grow_while_answers_are_quick_and_shrink_when_they_are_late(data):
    running = RunningSet(data, np.ones(data.num_images, bool))
    sizes = []
    for seconds in (0.01, 0.3, 0.01, 0.7, 2.0, 2.0, 0.01):
        images = running.next_images
        sizes.append(len(images))
        running.add(images, data.probability[images])
        running.pace(seconds)
    assert sizes == [1, 2, 4, 8, 8, 1, 0]  # 24 images; the late ones halve it, and one is left
    assert running.effect.count == data.num_images
