"""The prediction with and without the pruned part."""

from unittest.mock import patch

import numpy as np
import pytest

from headbrush.server.views.common.prediction_bars import drawn_width, fitted
from headbrush.server.views.importance.prediction import Prediction, most_probable
from headbrush.server.views.importance.pruning_answer import PruningAnswer
from tests.server.fakes import answer, bars, pruned
from tests.server.pages import note, words


def test_classes_are_the_top_five_of_both_and_the_label_by_unpruned_probability():
    before = np.array([0.3, 0.25, 0.2, 0.1, 0.05, 0.04, 0.03, 0.03])
    after = before[::-1]
    assert most_probable(before, before, 0) == [0, 1, 2, 3, 4]
    assert sorted(most_probable(before, after, 0)) == list(range(8))
    assert most_probable(before, before, 7) == [0, 1, 2, 3, 4, 7]


def test_prediction_is_that_of_the_chosen_mode_with_the_true_class_marked(
    session, model, document, data
):
    view = Prediction(session, PruningAnswer(session))
    session.history.change(image=5, mode=3)
    answer(document, model, found := pruned())
    shown = bars(view)
    order = np.argsort(-found.probability[0])
    np.testing.assert_array_equal(shown["before"], found.probability[0, order])
    np.testing.assert_array_equal(shown["after"], found.probability[3, order])
    truth = list(order).index(data.labels[5])
    assert [name.startswith("true: ") for name in shown["shown"]].count(True) == 1
    assert shown["shown"][truth] == f"true: {data.class_name(int(data.labels[5]))}"
    session.history.change(mode=7)
    np.testing.assert_array_equal(bars(view)["after"], found.probability[7, order])
    assert "7 = 3 + 4" in words(view, "prediction_legend")


def test_without_a_label_the_predicted_class_stands_for_it_and_it_is_said(
    session, model, document, data
):
    view = Prediction(session, PruningAnswer(session))
    read, unknown = data.store.read, np.full(data.num_images, -1)
    with patch.object(data.store, "read", lambda name: unknown if name == "label" else read(name)):
        session.history.change(image=5)
        answer(document, model, pruned())
    assert "no label: using the predicted class" in note(view)
    assert any(name.startswith("predicted: ") for name in bars(view)["shown"])


def test_long_class_names_are_cut_but_whole_on_hover(session, model, document, data):
    view = Prediction(session, PruningAnswer(session))
    long = "great white shark, white shark, man-eater, man-eating shark" * 2
    with patch.object(data, "class_names", [long] * 3):
        session.history.change(image=5)
        answer(document, model, pruned())
    assert all(len(name) <= 30 and name.endswith("…") for name in bars(view)["shown"])
    assert bars(view)["name"] == [long] * 3


@pytest.mark.parametrize("numbers", ["98.5\u00a0% → 95.4\u00a0%", "0.8\u00a0% → 3.7\u00a0%"])
def test_a_usual_name_is_whole_in_the_narrowest_page_that_shows_all_panels(numbers):
    """200 pixels are B3's at 1280."""
    assert fitted("true: ankle-boot", 192 - drawn_width(numbers)) == "true: ankle-boot"


@pytest.mark.parametrize("pixels", [0, 5, 20, 60])
def test_a_shortened_name_is_the_longest_beginning_that_fits(pixels):
    name = "Wimmelbild of many moths"
    shown = fitted(name, pixels)
    assert shown.endswith("…")
    assert name.startswith(shown[:-1])
    assert drawn_width(shown) <= max(pixels, drawn_width("…"))
    assert drawn_width(name[: len(shown)] + "…") > pixels
