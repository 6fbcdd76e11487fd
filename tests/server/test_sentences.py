"""A report says only what its numbers say: every sentence has a rule, and is not said beyond it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.pages.report import findings
from headbrush.server.pages.report.make_report import make_report

PARTS = {2: "prefix → prefix", 3: "prefix ↔ patches", 4: "patches → patches"}
SMALL, NONE = "the head hardly matters", "no part alone explains it"
AGAINST = "the parts work against each other"
BOTH = "prefix ↔ patches and patches → patches each have alone at least 80 %"


@pytest.fixture(scope="module")
def report(data):
    return make_report(data, views=["partial_pruning"], heads=["0.0"], images=["0"])


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ([0, 0.4, 0.1, 0.33, 0.2, 0.33, 0.2, 0.4], "So prefix ↔ patches alone has at least 80 %"),
        ([0, 0.4, 0.1, 0.3, 0.2, 0.3, 0.2, 0.4], NONE),
        ([0, 0.0932, 0, 0.013, 0.0179, 0.013, 0.0179, 0.0932], NONE),
        ([0, 0.4, 0, 0.35, 0.36, 0.4, 0.4, 0.4], BOTH),
        ([0, 0.1, 0, 0, 0.3, 0, 0.3, 0.1], AGAINST),
        ([0, 4e-5, 1e-5, 3e-5, 2e-5, 3e-5, 2e-5, 4e-5], SMALL),
    ],
)
def test_a_report_names_the_part_that_explains_a_head_if_one_does(data, report, effects, expected):
    pruning = SimpleNamespace(metrics=np.tile(effects, (len(PRUNING_METRICS), 1)))
    text = findings.mode_finding(data, replace(report.pages[0], pruning=pruning))
    assert expected in text
    said = [words for words in (SMALL, NONE, AGAINST, "at least 80 %") if words in text]
    assert said == [
        next(words for words in (SMALL, NONE, AGAINST, "at least 80 %") if words in expected)
    ]


def test_whatever_the_effects_the_sentence_on_parts_holds():
    rng = np.random.default_rng(0)
    said = set()
    for _case in range(2000):
        effects = rng.uniform(0, 1, 8) * rng.choice([1e-4, 1], p=[0.1, 0.9])
        effects[0] = 0
        text = findings.part_sentence(effects)
        named = {mode for mode, name in PARTS.items() if name in text}
        reach = {mode for mode in PARTS if effects[mode] >= 0.8 * effects[1]}
        if SMALL in text:
            assert effects.max() < 1e-3
        elif NONE in text:
            assert not reach
        else:
            beyond = {mode for mode in PARTS if 0.8 * effects[mode] > effects[1]}
            assert named == (beyond or reach)
            assert (AGAINST in text) == bool(beyond)
        said.add(next(one for one in (SMALL, NONE, AGAINST, "80 %") if one in text))
    assert len(said) == 4


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.51, "few images"), (0.5, ""), (0.2, ""), (0.19, "all images much alike"), (0.1, "alike")],
)
def test_few_images_or_all_alike_are_said_of_clear_shares_only(share, words):
    text = findings.spread_words(share)
    assert words in text
    assert bool(text) == bool(words)


@pytest.fixture
def with_effects(data, monkeypatch):
    """The store as if pruning had these effects, ``(image, head)``."""

    def make(effects):
        monkeypatch.setattr(data, "importance", lambda _metric: effects)
        return data

    return make


def test_a_head_that_changes_nothing_is_not_the_most_important(data, with_effects):
    shown = with_effects(np.zeros((data.num_images, data.num_heads)))
    for number in range(data.num_heads):
        text = findings.head_finding(shown, number)
        assert "most important head in 0% of the images" in text
        assert "five most important in 0%" in text
        assert "changes nothing on average" in text
    assert findings.main_finding(shown).startswith("No head matters by itself")


def test_a_head_that_matters_to_two_images_is_said_to_matter_to_few(data, with_effects):
    effects = np.full((data.num_images, data.num_heads), 1e-3)
    effects[:, 0] = 0
    effects[:2, 0] = 1.0
    text = findings.head_finding(with_effects(effects), 0)
    assert f"most important head in {2 / data.num_images:.0%} of the images" in text
    assert "100% of its effect, so it matters to few images" in text
    assert "all images much alike" in findings.head_finding(with_effects(effects), 1)
