"""Whichever view fails, the other views, the header and the comparison still work."""

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import wraps
from types import FunctionType
from unittest.mock import patch

import pytest
from bokeh.document import Document

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.facts.studies.interactions import save_interactions
from headbrush.analysis.store.store import Store
from headbrush.server.pages import compare as compare_page
from headbrush.server.pages import explore as explore_page
from headbrush.server.pages.compare import OneScale, compare
from headbrush.server.pages.explore import explore
from headbrush.server.pages.pair import Pair
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.state import WORKSPACES
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views import registry
from headbrush.server.views.header.title_bar import TitleBar
from headbrush.server.views.registry import ROWS
from headbrush.server.views.tokens.description import MatrixWords
from headbrush.server.views.tokens.selected_matrix import ShownMatrix
from tests.server.fakes import FakeModel, live_models, prompt_queues
from tests.server.studies import interactions
from tests.stores import make_store

SHARED = sorted({row.needs for row in ROWS if row.needs is not None}, key=lambda kind: kind.name)
DEPENDENT = {kind.name: {row.name for row in ROWS if row.needs is kind} for kind in SHARED}
DEPENDENT[ShownMatrix.name].add(MatrixWords.name)
KINDS = [*(row.view_class for row in ROWS), *SHARED, MatrixWords, TitleBar]

COMPARED = [row.view_class for row in ROWS if row.letter in ("A", "B1", "C1")]


class ViewFault(Exception):
    """What no view raises by itself."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A store for which every view has something to show."""
    path = make_store(tmp_path_factory.mktemp("whole") / "small.headbrush")
    save_interactions(path, interactions(Store(path).attrs))
    with prompt_queues():
        return StoreData(Store(path))


@pytest.fixture(scope="module")
def whole(data):
    """Names of the roots of a page on which nothing fails."""
    with prompt_queues(), live_models(lambda _store: FakeModel()):
        document, _ = page_of(data)
    return roots(document)


@contextmanager
def failing_when_built(kind):
    with patch.object(kind, "__init__", side_effect=ViewFault("built")):
        yield lambda: None


@contextmanager
def failing_when_redrawn(kind):
    """Every method that starts with ``react`` fails, once ``fail()`` is called."""
    is_due = []

    def failing(real):
        @wraps(real)
        def react(*given):
            if is_due:
                raise ViewFault("redrawn")
            return real(*given)

        return react

    reacts = {
        name: failing(member)
        for name, member in vars(kind).items()
        if isinstance(member, FunctionType) and name.startswith("react")
    }
    with standing_in(kind, type(kind.__name__, (kind,), reacts)):
        yield lambda: is_due.append(True)


@contextmanager
def standing_in(kind, other):
    """Pages build ``other`` where they would build ``kind``."""

    def instead(row):
        view_class = other if row.view_class is kind else row.view_class
        return replace(row, view_class=view_class, needs=other if row.needs is kind else row.needs)

    with ExitStack() as stack:
        stack.enter_context(patch.object(registry, "ROWS", tuple(map(instead, ROWS))))
        for place in (registry, explore_page, compare_page):
            if getattr(place, kind.__name__, None) is kind:
                stack.enter_context(patch.object(place, kind.__name__, other))
        compared = tuple(other if one is kind else one for one in COMPARED)
        stack.enter_context(patch.object(compare_page, "VIEWS", compared))
        yield


def page_of(data):
    """A page on which every workspace has been shown."""
    document = Document()
    (session,) = explore(document, data, default_state(data), "", {}, "")
    for workspace in (*WORKSPACES, WORKSPACES[0]):
        session.history.change(workspace=workspace)
    return document, session


def failed(session):
    return set(session.faults.channel.tags[::2])


def change_everything(session):
    """The reader's acts that views follow."""
    session.history.change(image=5, layer=1, head=1)
    session.add_clause(Clause("images", Ids((1, 2, 3))))
    session.history.change(metric="patch", overview="entropy", pattern="cls", threshold=0.1, mode=3)
    session.history.change(workspace="what_if")
    session.history.change(pruned=PruneSet.parse("0.0,2.1:4"), layer=2, metric="jsd", image=3)
    session.add_clause(Clause("images", Ids((1, 2))))
    session.history.change(workspace="trends")
    session.history.change(trend_group="wrong", trend_order="alike", metric="patch", image=4)
    session.add_clause(Clause("images", Ids((2, 3))))
    session.history.change(workspace="explain")
    session.history.change(image=5, explained_map="lens", explained_form="beside", token=3)
    session.history.change(layer=1, head=0)
    session.history.change(workspace="explore")
    session.drop_clauses()
    session.history.undo()


def roots(document):
    return [root.name for root in document.roots]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_view_that_cannot_be_built_leaves_the_page_to_the_others(kind, data, whole, caplog):
    with failing_when_built(kind):
        document, session = page_of(data)
    change_everything(session)
    assert failed(session) == {kind.name} | DEPENDENT.get(kind.name, set())
    causes = {record.exc_info[0] for record in caplog.records if record.exc_info}
    assert causes == {ViewFault}
    assert roots(document) == whole
    for panel in document.template_variables["panels"]:
        assert panel["title"]
        assert panel["help"]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_view_that_cannot_be_redrawn_leaves_the_page_to_the_others(kind, data):
    with failing_when_redrawn(kind) as fail:
        _, session = page_of(data)
        fail()
        change_everything(session)
    follows = any(name.startswith("react") for name in vars(kind))
    assert failed(session) == ({kind.name} if follows else set())


@pytest.mark.parametrize("kind", [*COMPARED, Pair, OneScale], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("way", [failing_when_built, failing_when_redrawn])
def test_a_view_that_fails_leaves_the_comparison_to_the_others(kind, way, data):
    document = Document()
    with way(kind) as fail:
        first, second = compare(document, (data, data), {}, {}, ("one", "two"))
        fail()
        change_everything(first)
        change_everything(second)
    assert {name.removeprefix("a_").removeprefix("b_") for name in failed(first)} <= {kind.name}
    assert {root.name for root in document.roots} >= {"a_image_overview", "b_head_importance"}
