"""A workspace asks the model only while it is shown, and goes on where it stopped."""

import pytest

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.server.session.turn import Turn
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.what_if.given_importance import GivenImportance
from headbrush.server.views.what_if.set_answer import SetAnswer
from headbrush.server.views.what_if.set_effects import SetEffects
from tests.server.fakes import pruned, run, show_page
from tests.server.pages import words
from tests.server.test_what_if import reply

SET = PruneSet.of_heads([(1, 0), (2, 1)])


@pytest.fixture(autouse=True)
def _nothing_known(data):
    data.pruned_means = StoreData(data.store).pruned_means


def what_if(session):
    shared = SetAnswer(session)
    return SetEffects(session, shared), GivenImportance(session, shared)


BUILT = [
    ("explore", PruningAnswer, None),
    ("explore", PruningAnswer, 3),
    ("what_if", what_if, None),
    ("what_if", what_if, 3),
    ("explain", ExplanationAnswer, 3),
]


@pytest.mark.parametrize(("workspace", "build", "image"), BUILT)
def test_a_hidden_workspace_asks_nothing_and_goes_on_when_it_is_shown(
    session, model, document, workspace, build, image
):
    session.history.change(image=image, workspace=workspace, pruned=SET)
    with session.history.only_in(workspace):
        kept = build(session)
    show_page(document)
    before = waiting(model)
    assert before
    session.history.change(workspace="trends")
    run(document)
    assert not waiting(model)
    count = len(model.asked)
    session.history.change(workspace=workspace)
    assert waiting(model) == before, kept
    session.history.change(workspace="trends")
    session.history.change(image=5)
    run(document)
    assert len(model.asked) == count + len(before)
    session.history.change(workspace=workspace)
    again = waiting(model)
    assert again
    assert len(again) == len(set(again))


def waiting(model):
    """The questions without an answer."""
    return [asked for asked, future in model.asked if not future.done()]


def test_what_is_known_is_not_asked_again(session, data, model, document):
    session.history.change(image=None, workspace="what_if", pruned=SET)
    with session.history.only_in("what_if"):
        effects, importance = what_if(session)
    reply(document, data, model, 2)
    session.history.change(workspace="explore")
    session.history.change(workspace="what_if")
    reply(document, data, model)
    asked = [image for (what, images, *_), _ in model.asked if what == "predictions"
             for image in images]  # fmt: skip
    answered = [about[1] for about, future in model.asked if not future.cancelled()]
    assert "all 24 images" in words(effects, "set_said")
    assert len(asked) > data.num_images  # the one that was broken off
    assert sorted(sum((one for one in answered if isinstance(one, tuple)), ())) == list(range(24))
    assert "mean of 24 images" in words(importance, "given_note")


def test_a_page_that_begins_elsewhere_asks_when_it_is_shown(session, model, document):
    session.history.change(image=None, workspace="what_if")
    with session.history.only_in("explore"):
        answer = PruningAnswer(session)
    show_page(document)
    assert not model.asked
    session.history.change(workspace="explore")
    ((_, future),) = model.asked
    future.set_result(pruned())
    run(document)
    assert answer.result is not None


def test_what_belongs_to_no_workspace_is_always_shown(session):
    said = []
    turn = Turn(session.history, lambda: said.append("pause"), lambda: said.append("resume"))
    session.history.change(workspace="explain")
    assert turn.is_on
    assert "pause" not in said
