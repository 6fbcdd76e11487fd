"""Where the page and the report show what a head has learned."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
from bokeh.models import HoverTool

from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.findings import head_finding
from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.csv_export import to_csv
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.header.title_bar import TitleBar
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.strength.strength_overview import StrengthOverview
from tests.server.pages import part, words
from tests.stores import make_named_store, make_store

VIEWS = (HeadImportance, StrengthOverview, PatternLayout)


def session_of(path):
    data = StoreData(Store(path))
    return Session(data, default_state(data))


@pytest.fixture
def named(tmp_path):
    number = np.full((24, 3, 2), -1)
    number[:18, 1, 1] = 1
    number[3, 0, 0] = 2
    return session_of(make_named_store(tmp_path / "s.headbrush", number))


def tips(view):
    """All tooltips of a view's plots: lists of pairs."""
    tools = view.layout.select({"type": HoverTool})
    return [list(map(tuple, tool.tooltips)) for tool in tools]


@pytest.mark.parametrize("kind", VIEWS)
def test_tooltips_name_the_pattern_where_the_store_has_names(named, tmp_path, kind):
    assert any(("pattern", "@pattern") in lines for lines in tips(kind(named)))
    without = session_of(make_store(tmp_path / "old.headbrush"))
    assert not any(("pattern", "@pattern") in lines for lines in tips(kind(without)))


def test_heads_carry_their_names_over_all_images(named):
    assert list(named.heads.data["pattern"]) == [
        "no name", "no name", "no name", "2 rows above (clear, in 75\u00a0% of images)",
        "no name", "no name",
    ]  # fmt: skip


def test_a_pattern_of_one_image_carries_its_own_name(named):
    view = PatternLayout(named)
    own = next(
        renderer.data_source
        for plot in view.layout.select({"name": "patterns_plot"})
        for renderer in plot.renderers
        if "pattern" in getattr(getattr(renderer, "data_source", None), "data", {})
    )
    named.history.change(image=3)
    assert list(own.data["pattern"]) == ["self", "no name", "no name", "2 rows above"] + 2 * [
        "no name"
    ]
    named.history.change(image=20)
    assert list(own.data["pattern"]) == ["no name"] * 6


def test_the_title_bar_says_what_the_selected_head_has_learned(named, tmp_path):
    bar = TitleBar(named, "", report_of)
    named.select_head(3)
    assert words(bar, "selection_text") == "head L1·H1: 2 rows above · all 24 images"
    title = part(bar, "selection_text").html_attributes["title"]
    assert title == "head L1·H1: 2 rows above (clear, in 75\u00a0% of images) · all 24 images"
    unnamed = named.data.short_patterns.index("no name")
    named.select_head(unnamed)
    said = words(bar, "selection_text")
    assert said == f"head {named.data.head_labels[unnamed]}: no pattern name · all 24 images"
    named.select_head(3)
    named.select_image(3)
    assert words(bar, "selection_text").startswith("head L1·H1 · image 3, ")
    assert words(bar, "selection_text").endswith(" · L1·H1 here: 2 rows above")
    named.select_image(20)
    assert "here" not in words(bar, "selection_text")
    old = TitleBar(session_of(make_store(tmp_path / "old.headbrush")), "", report_of)
    assert ":" not in words(old, "selection_text")


def test_a_report_says_what_a_head_has_learned(named, tmp_path):
    assert "Pattern: 2 rows above (clear, in 75\u00a0% of images)." in head_finding(named.data, 3)
    old = StoreData(Store(make_store(tmp_path / "old.headbrush")))
    assert "Pattern" not in head_finding(old, 3)


def table_of(session, table):
    text = gzip.decompress(to_csv(session.data, session.brush(), table)).decode()
    return pd.read_csv(io.StringIO(text), keep_default_na=False)


def test_exported_heads_and_patterns_have_their_names(named, tmp_path):
    heads = table_of(named, "heads")
    assert heads["pattern"].tolist() == ["", "", "", "2 rows above", "", ""]
    assert heads["pattern_fit"].tolist() == ["", "", "", "0.6", "", ""]
    assert heads["pattern_share_of_images"].tolist() == ["", "", "", "0.75", "", ""]
    patterns = table_of(named, "patterns")
    expected = {(image, 1, 1): "2 rows above" for image in range(18)} | {(3, 0, 0): "self"}
    found = {
        (row.image, row.layer, row.head): row.pattern
        for row in patterns.itertuples()
        if row.pattern
    }
    assert found == expected
    old = session_of(make_store(tmp_path / "old.headbrush"))
    assert "pattern" not in table_of(old, "heads").columns


def test_exported_names_follow_the_brushed_images(named):
    named.add_clause(Clause("images", Ids((20, 21))))
    assert table_of(named, "heads")["pattern"].tolist() == [""] * 6
