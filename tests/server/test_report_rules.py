"""A conclusion is written where its figures bear it, and nowhere else."""

from typing import Any

import numpy as np
import pytest

from headbrush.server.pages.report.rules import (
    explaining_parts,
    first_places,
    spread_words,
    strongest_hop,
)
from headbrush.server.stores.answer import answer_words
from tests.server.test_answer import fake

NAMES = "p", "x", "t"


@pytest.mark.parametrize(
    ("whole", "parts", "said"),
    [
        (0.0932, (0, 0.013, 0.0179), "No part alone explains it"),
        (0.4, (0.1, 0.3199, 0.2), "No part alone explains it"),
        (0.4, (0.1, 0.3201, 0.2), "So x alone explains it"),
        (0.4, (0.1, 0.49, 0.39), "So x and t each explain it alone"),
        (0.4, (0.1, 0.51, 0.39), "Pruning only x changes more: the parts work against each other"),
        (0.4, (0.4, 0.4, 0.4), "So p, x and t each explain it alone"),
        (-0.4, (-0.39, 0.9, 0), "So p alone explains it"),
        (0.4, (-0.4, 0, 0), "No part alone explains it"),
        (0.0, (-0.4, 0.4, 0), "its parts offset each other"),
        (4e-5, (4e-5, 0, 0), "the head hardly matters"),
    ],
)
def test_a_part_explains_a_head_only_by_four_fifths_of_its_effect(whole, parts, said):
    assert said in explaining_parts(whole, dict(zip(NAMES, parts, strict=True)))


ALIKE, FEW = "many images alike", "to few images"


@pytest.mark.parametrize(
    ("effects", "said", "unsaid"),
    [
        (np.full(40, 0.3), ALIKE, FEW),
        ([1.0] * 4 + [0.0] * 36, FEW, ALIKE),
        ([1.0] * 8 + [0.0] * 32, "has 50\u00a0% of its effect (", "images alike"),
        ([1.0] * 2, "median 1, mean 1", "few"),
        ([1.0] + [0.01] * 4, "median 0.01", "few"),
        (np.zeros(40), "changes nothing", "average"),
        ([1.0, -2.0] * 20, "does no harm on average", "nothing"),
        ([1.0] * 4 + [-0.05] * 36, "has 100\u00a0% of its effect", ALIKE),
        (np.full(40, np.nan), "not known", "nothing"),
    ],
)
def test_a_head_matters_to_few_or_many_images_only_where_it_does(effects, said, unsaid):
    words = spread_words(np.asarray(effects, float))
    assert said in words
    assert unsaid not in words


def test_a_head_that_does_nothing_in_an_image_is_not_its_most_important():
    values = np.array([[0, 0, 0], [2, 2, 1], [-1, -2, -3], [np.nan, 1, 2]], float)
    places = [first_places(values, head).tolist() for head in range(3)]
    assert places == [[3, 0, 3, 3], [3, 0, 3, 1], [3, 2, 3, 0]]


@pytest.mark.parametrize(
    ("strength", "hop"), [([0.2, 0.2, 0.2], None), ([0.1, 0.2, 0.1], 1), ([0.3], 0)]
)
def test_no_hop_is_the_strongest_where_all_are_alike(strength, hop):
    assert strongest_hop(np.array(strength)) == hop


@pytest.mark.parametrize(
    ("metric", "values", "said", "unsaid"),
    [
        (
            "jsd",
            [[0.2, 0.2, 0.1]],
            "Pruning L0·H0 changes predictions most (as much as L0·H1):",
            "",
        ),
        ("jsd", [[0.2] * 9], "(as much as 8 other heads)", ""),
        ("jsd", [[0.2, 0.1]], "changes predictions most:", "as much"),
        ("probability", [[-0.2, -0.1]], "never lowers the probability", "No head matters"),
        ("probability", [[0.0, 0.0]], "No head matters by itself", "most"),
        ("gradient", [[0.2, 0.2]], "depend most on L0·H0 (as much as L0·H1)", ""),
    ],
)
def test_a_head_stands_out_only_where_no_other_does_as_much(metric, values, said, unsaid):
    data: Any = fake(values)
    words = answer_words(data, metric, np.ones(1, bool))
    assert said in words
    assert not unsaid or unsaid not in words
