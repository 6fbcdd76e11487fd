"""Names of heads over images, and the table of them."""

from collections import Counter

import numpy as np
import pytest
from typer.testing import CliRunner

from headbrush.analysis.store.facts.head_names import head_names
from headbrush.analysis.store.store import Store
from headbrush.cli import app
from tests.stores import PATTERN_FAMILIES, PATTERN_LABELS, make_named_store, make_store


def test_the_most_frequent_name_over_any_images_wins(tmp_path):
    rng = np.random.default_rng(0)
    number = rng.integers(-1, len(PATTERN_LABELS), (24, 3, 2))
    fit = rng.integers(2500, 10_001, number.shape)
    store = Store(make_named_store(tmp_path / "s.headbrush", number, fit))
    for images in (None, np.arange(24) % 3 == 0, np.array([4])):
        chosen = np.arange(24) if images is None else np.arange(24)[images]
        for head, name in enumerate(head_names(store, images)):
            place = divmod(head, 2)
            families = ["", *PATTERN_FAMILIES]
            of_images = [families[number[image, *place] + 1] for image in chosen]
            most = max(Counter(of_images).values())
            winners = {family for family, count in Counter(of_images).items() if count == most}
            assert name.family in winners
            assert name.confidence == pytest.approx(most / len(chosen))
            if name.family:
                won = [
                    i for i, family in zip(chosen, of_images, strict=True) if family == name.family
                ]
                assert name.fit == pytest.approx(np.mean([fit[i, *place] for i in won]) / 1e4)


def test_clear_needs_a_good_fit_nearly_everywhere(tmp_path):
    number = np.full((24, 3, 2), 2)
    fit, rows = np.full((2, *number.shape), 9000)
    fit[:, 1], rows[:, 2] = 4900, 7900
    names = head_names(Store(make_named_store(tmp_path / "s.headbrush", number, fit, rows)))
    assert [name.is_clear for name in names] == [True, True, False, False, False, False]
    assert {name.family for name in names} == {"self"}


def test_class_token_names_hold_in_half_of_the_images(tmp_path):
    bits = np.zeros((24, 3, 2), "u1")
    bits[:12, 0, 0], bits[:11, 0, 1], bits[:, 1, 0] = 1, 1, 3
    names = head_names(Store(make_named_store(tmp_path / "s.headbrush", bits * 0 - 1, bits=bits)))
    found = [name.class_token for name in names]
    assert found == [("CLS to CLS",), (), ("CLS to CLS", "patches to CLS"), (), (), ()]


def test_a_mixture_is_said(tmp_path):
    second = [[2, -1], [100, 0], [2, 2]]
    number = np.full((24, 3, 2), 0)
    number[:, 2] = -1
    names = head_names(Store(make_named_store(tmp_path / "s.headbrush", number, second=second)))
    assert [name.words for name in names] == [
        "row above + self", "row above", "row above", "row above", "", "",
    ]  # fmt: skip


def test_names_that_a_store_does_not_list_are_none(tmp_path):
    names = head_names(Store(make_named_store(tmp_path / "s.headbrush", np.full((24, 3, 2), 100))))
    assert {str(name) for name in names} == {"no name"}


def test_info_lists_every_head_with_its_name_and_importance(tmp_path):
    number = np.full((24, 3, 2), -1)
    number[:, 1, 1] = 1
    store = Store(make_named_store(tmp_path / "s.headbrush", number))
    done = CliRunner().invoke(app, ["info", str(store.path), "--heads"])
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 6
    line = [word for word in lines[1 + 3].split(" ") if word]
    jsd = store.read("importance")[1, :, 1, 1].mean()
    assert line[:5] == ["L1·H1", "2", "rows", "above", "clear"]
    assert line[5:] == ["0.60", "100\u00a0%", f"{jsd:.5f}"]
    assert "no name" in lines[1]


def test_a_store_without_names_says_so(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    assert head_names(Store(path)) == []
    done = CliRunner().invoke(app, ["info", str(path), "--heads"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "no names of patterns" in done.stderr
