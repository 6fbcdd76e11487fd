"""A model that answers when the test says so, and the loop of a page without a server."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from bokeh.events import DocumentReady

from headbrush.analysis.model.pruning.modes import MODES, PrunedHead
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.stores.model.pool import Rank
from headbrush.server.views.importance.partial_pruning import PartialPruning
from headbrush.server.views.importance.prediction import Prediction
from headbrush.server.views.importance.pruning_answer import PruningAnswer


class FakeModel:
    """Keeps every question as a future that the test answers."""

    def __init__(self):
        self.asked = []

    def warm_up(self):
        pass

    def partial_pruning(self, image, layer, head, _rank=Rank.FIRST):
        self.asked.append(((image, layer, head), Future()))
        return self.asked[-1][1]

    def predictions(self, images, pruned, rank=Rank.GROWING):
        self.asked.append((("predictions", tuple(images), pruned, rank), Future()))
        return self.asked[-1][1]

    def importance(self, image, pruned, rank=Rank.FIRST):
        self.asked.append((("importance", image, pruned, rank), Future()))
        return self.asked[-1][1]

    def sources(self, *question):
        return self.kept("sources", question)

    def patch_map(self, *question):
        return self.kept("patch_map", question)

    def ablation(self, *question):
        return self.kept("ablation", question)

    def faithfulness(self, *question):
        return self.kept("faithfulness", question)

    def total_effects(self, *question):
        return self.kept("total_effects", question)

    def kept(self, what, question):
        self.asked.append(((what, *question), Future()))
        return self.asked[-1][1]


class PromptWorker:
    """Does at once what it is asked."""

    def __init__(self, _name):
        pass

    def submit(self, work, *given):
        future = Future()
        try:
            future.set_result(work(*given))
        except InputError as error:
            future.set_exception(error)
        return future


@contextmanager
def live_models(made):
    """What all views ask instead of the model of a store: ``made(store)``."""
    views = "headbrush.server.views"
    asking = (
        "importance.pruning_answer", "what_if.set_answer", "what_if.given_question",
        "tokens.explain.explanation_answer",
    )  # fmt: skip
    with ExitStack() as stack:
        for module in asking:
            stack.enter_context(patch(f"{views}.{module}.live_model", made))
        yield


@contextmanager
def prompt_queues():
    """What is stored is read, and trends are computed, at once, by whoever asks."""
    folder = "headbrush.server.stores.attention"
    with (
        patch(f"{folder}.matrices.ThreadQueue", PromptWorker),
        patch(f"{folder}.mean_matrices.ThreadQueue", PromptWorker),
        patch("headbrush.server.tools.threads.kept_answers.ThreadQueue", PromptWorker),
    ):
        yield


def pruned(classes=3, seed=0):
    rng = np.random.default_rng(seed)
    metrics = rng.uniform(0.01, 1, (len(PRUNING_METRICS), len(MODES)))
    probability = rng.dirichlet(np.ones(classes), len(MODES))
    return PrunedHead(metrics.astype("f4"), probability.astype("f4"))


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives; in a thread of its own, as browser tests leave a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def run(document):
    """Run what waits for the loop."""
    for callback in document.session_callbacks:
        if type(callback).__name__ == "NextTickCallback":
            callback.callback()


def pass_time(document, milliseconds):
    """Run what was to run within so much time."""
    for callback in document.session_callbacks:
        if getattr(callback, "timeout", milliseconds + 1) <= milliseconds:
            callback.callback()


def show_page(document):
    """What the browser tells when it has drawn the page."""
    document.callbacks.trigger_event(DocumentReady())


def answer(document, model, result):
    """Answer all that was asked and still waits."""
    for _, future in model.asked:
        if not future.done():
            future.set_result(result)
    run(document)


def bars(view):
    """What the bars of a view show."""
    return view.layout.select_one({"name": f"{view.name}_bars"}).data


def pruning_views(session):
    """B2 and B3, which share one answer of the model."""
    answer = PruningAnswer(session)
    return PartialPruning(session, answer), Prediction(session, answer)
