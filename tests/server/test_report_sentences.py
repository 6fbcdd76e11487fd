"""Sentences on names, bits, hints, brushes and layouts follow from numbers, or are not there."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from headbrush.analysis.store.facts.head_bits import HeadBits
from headbrush.analysis.store.facts.layouts import why_first
from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.report.findings import head_finding
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.common import prediction_bars
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.importance.compared_heads import ComparedHeads
from tests.stores import (
    attributes,
    bits_values,
    make_bits_store,
    make_named_store,
    make_store,
    values,
)


def changed(path, images=24, attrs=None, **content):
    """A store of which some values are others."""
    make_store(path, images=images)
    write_summary(path, values(images) | content, attributes(**(attrs or {})))
    return StoreData(Store(path))


@pytest.mark.parametrize("count", [1, 2, 3, 24, 299, 300, 4_321, 50_000])
def test_all_and_none_are_said_only_of_all_and_none(count):
    for part in {0, 1, count // 2, count - 1, count}:
        said = percent(part / count)
        assert (said == "0\u00a0%") == (part == 0)
        assert (said == "100\u00a0%") == (part == count)
        assert float(said[:-2]) == pytest.approx(100 * part / count, abs=0.5)


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "0.0"), (1e-5, "<0.1"), (4e-4, "<0.1"), (6e-4, "0.1"), (0.5, "50.0"),
        (0.9994, "99.9"), (0.9996, ">99.9"), (1.0, "100.0"),
    ],
)  # fmt: skip
def test_a_probability_of_one_or_none_is_said_only_of_that(probability, said):
    assert prediction_bars.percent(probability) == f"{said}\u00a0%"
    assert prediction_bars.percent(np.nan) == "?"


def test_shares_are_written_in_one_way():
    root = Path(__file__).parent.parent.parent
    folders = ("analysis", "server", "headbrush")
    sources = [file for folder in folders for file in (root / folder).rglob("*.py")]
    assert len(sources) > 300
    found = {
        f"{file.name}: {name}"
        for file in sources
        for name in re.findall(r"\{([^{}]+):\.\d%\}", file.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_name_of_all_images_but_one_is_not_that_of_all(tmp_path):
    number = np.zeros((24, 3, 2), "i1")
    number[0, 0, 0] = 2
    data = StoreData(Store(make_named_store(tmp_path / "s.headbrush", number)))
    assert "in 96\u00a0% of images" in head_finding(data, 0)
    assert "in 100\u00a0% of images" in head_finding(data, 1)
    none = StoreData(Store(make_named_store(tmp_path / "none.headbrush", -1)))
    assert "Pattern: no name." in head_finding(none, 0)


@pytest.mark.parametrize(
    ("fit", "rows", "strength"),
    [(5000, 8000, "clear"), (4999, 9000, "leaning"), (9000, 7999, "leaning")],
)
def test_a_name_is_clear_only_from_its_two_thresholds(tmp_path, fit, rows, strength):
    path = make_named_store(tmp_path / "s.headbrush", 0, fit, rows)
    assert f"({strength}, in 100\u00a0% of images)" in head_finding(StoreData(Store(path)), 0)


@pytest.mark.parametrize(
    ("bits", "kind"),
    [
        ((3.0, 0.0, 1.0, 0.0), "positional"),  # content is a quarter of what is decided
        ((3.0, 0.1, 1.0, 0.0), "position and content"),
        ((2.0, 1.0, 0.9, 0.1), "position and content"),
        ((2.0, 1.0, 1.0, 0.0), "follows the content"),
        ((0.25, 0.0, 0.125, 3.625), "nearly even"),  # less than a tenth is decided
        ((0.3, 0.1, 0.1, 3.5), "position and content"),
        ((-0.1, 0.0, 0.0, 4.1), "nearly even"),
        ((1.0, np.nan, np.nan, 3.0), "unknown"),
        ((0.0, np.nan, 4.0, 0.0), "follows the content"),
    ],
)
def test_where_a_head_looks_is_said_by_shares_of_its_bits(bits, kind):
    head = HeadBits(*bits, 0.1)
    assert head.kind == kind
    assert head.words.startswith(f"{kind}: ")


def test_bits_next_to_none_have_no_sign():
    said = HeadBits(3.0, 0.0, -0.04, 1.0, 0.004).figures
    assert said == "3.0 of 4.0 bits fixed, content 0.0; moves 0.4\u00a0% of its attention"


def test_an_image_stands_out_only_beyond_the_mean(tmp_path):
    path = make_bits_store(tmp_path / "s.headbrush")

    def said(anomaly):
        content = bits_values() | {"anomaly": np.asarray(anomaly, float)}
        write_summary(path, values() | content, attributes())
        return str(dict(facts_of(Store(path), 1)).get("standing out", ""))

    assert said(np.zeros(24)) == ""
    assert said([np.nan] * 24) == ""
    two = said([2.0, 0.5, *[-0.1] * 22])
    assert two.startswith("class-0/000.png +2.0, class-1/001.png +0.5 (a hint")
    assert "-0.1" not in two


@pytest.mark.parametrize(
    ("own", "others", "is_better"),
    [(0.84, (0.61, 0.4), False), (0.61, (0.61, 0.4), False), (0.54, (0.59, 0.4), True)],
)
def test_the_first_layout_is_praised_only_where_no_other_is_better(
    tmp_path, own, others, is_better
):
    shares = dict(zip(("offset", "patch", "cls"), (own, *others), strict=True))
    attrs = {f"{name}_embedding_same_head": share for name, share in shares.items()}
    xy = np.zeros((24, 3, 2, 2), "f4")
    store = changed(tmp_path / "s.headbrush", attrs=attrs, offset_embedding=xy).store
    said = why_first(store)
    assert ("Another separates heads better" in said) == is_better
    assert f"{percent(own)} are of the same head" in said


def test_a_head_whose_effect_is_not_known_is_said_to_be_no_place(tmp_path):
    importance = values()["importance"].copy()
    importance[..., 0, 0] = np.nan  # of no image
    importance[:, :6, 0, 1] = np.nan  # of six of 24
    data = changed(tmp_path / "s.headbrush", importance=importance)
    first = head_finding(data, 0)
    assert first.startswith("its effect is not known.")
    assert "most important" not in first
    known = data.importance(data.first.metric)[6:]
    share = percent(np.mean(np.nanargmax(known, 1) == 1))
    said = f"the most important head in {share} of the 18 images of which its effect is known"
    assert said in head_finding(data, 1)


def test_one_image_has_no_spread_over_images(tmp_path):
    one = changed(tmp_path / "one.headbrush", images=1)
    assert "±" not in head_finding(one, 0)
    assert "±" in head_finding(changed(tmp_path / "two.headbrush", images=2), 0)


def test_a_compared_brush_of_one_image_has_no_spread():
    found = ComparedHeads(make_figure("plot"))
    effects = np.arange(6.0).reshape(3, 2)
    brushes = [
        SimpleNamespace(name="one", images=np.array([True, False, False])),
        SimpleNamespace(name="two", images=np.array([False, True, True])),
    ]
    found.resolve(brushes, effects, None)
    told = found.told(brushes)
    assert told["told_first"] == ["one: 0 (n = 1)", "one: 1 (n = 1)"]
    assert told["told_second"] == ["two: 3 ± 1 (n = 2)", "two: 4 ± 1 (n = 2)"]
    assert told["told_difference"] == ["one − two: -3", "one − two: -3"]
