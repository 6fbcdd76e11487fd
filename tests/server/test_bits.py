"""C1 as bits: points of heads, the bars of the selected head, and the brush as a class."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.models import HoverTool

from headbrush.analysis.measures.bits.whole import divide_rows, source_rows
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.findings import head_finding
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.csv_export import to_csv
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.images.image_overview import ImageOverview
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.strength.strength_overview import StrengthOverview
from tests.stores import BITS, make_bits_store, make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(make_bits_store(tmp_path_factory.mktemp("bits") / "s.headbrush"))


@pytest.fixture
def session(store):
    data = StoreData(store)
    return Session(data, default_state(data))


def shown(session):
    """C1 as bits: its models by name."""
    view = StrengthOverview(session)
    session.history.change(overview="bits")
    return {model.name: model for model in view.layout.references() if model.name}


def brush(session, images):
    session.add_clause(Clause("images", Ids(tuple(images))))


def test_only_the_chosen_plot_is_shown(session):
    view = StrengthOverview(session)
    plots = {"entropy": "overview_plot", "counts": "head_counts", "bits": "bits_overview"}
    for overview in ("bits", "counts", "entropy", "bits"):
        session.history.change(overview=overview)
        visible = {name: view.layout.select_one({"name": name}).visible for name in plots.values()}
        assert [name for name in visible if visible[name]] == [plots[overview]]
        assert view.layout.select_one({"name": "bits_bar"}).visible == (overview == "bits")


def test_bits_are_drawn_only_once_they_are_looked_at(session):
    view = StrengthOverview(session)
    assert view.layout.select_one({"name": "bits_plot"}) is None
    for overview in ("bits", "entropy", "bits"):
        session.history.change(overview=overview)
        assert len(list(view.layout.select({"name": "bits_plot"}))) == 1
        assert len(list(view.layout.select({"name": "bits_bars"}))) == 1


def test_heads_are_drawn_by_fixed_and_content(session):
    models = shown(session)
    dots = models["bits_plot"].renderers[0]
    assert (dots.glyph.x, dots.glyph.y) == ("fixed", "content")
    np.testing.assert_allclose(dots.data_source.data["fixed"], BITS[0].ravel(), rtol=1e-6)
    np.testing.assert_allclose(
        dots.data_source.data["content"], (BITS[1] + BITS[2]).ravel(), rtol=1e-6, atol=1e-6
    )
    session.select_head(3)
    assert models["bits_ring"].data["x"] == pytest.approx([BITS[0, 1, 1]])
    assert models["bits_ring"].data["y"] == pytest.approx([BITS[1, 1, 1] + BITS[2, 1, 1]])


def test_the_bar_is_that_of_the_selected_head(session):
    models = shown(session)
    session.select_head(1)
    bars, words = models["bits_bars"].data, models["bits_words"].text
    assert list(bars["row"]) == ["by class"]
    found = [bars[name][0] for name in ("fixed", "class", "within", "spread")]
    assert found == pytest.approx(BITS[:, 0, 1])
    assert models["bits_bar_plot"].x_range.end == pytest.approx(4)
    assert "L0·H1: follows the content; moves 10\u00a0% of its attention." in words
    for part in ("fixed 1.00", "class 0.50", "within 1.50", "spread 1.00"):
        assert part in words


def test_a_part_below_zero_has_no_length(session):
    models = shown(session)
    session.select_head(2)
    assert models["bits_bars"].data["within_shown"][0] > 0
    session.select_head(3)
    bars = models["bits_bars"].data
    assert all(bars[f"{name}_shown"][0] >= 0 for name in ("fixed", "class", "within", "spread"))


def test_a_brush_is_divided_over_the_stored_images(session, store):
    models = shown(session)
    session.select_head(4)
    brush(session, [0, 1, 2, 3, 4, 5, 6, 7, 8])
    kept = store.kept_images
    rows = np.stack([source_rows(store.attention(int(i), 2, 0), 1, (4, 4)) for i in kept])
    division, _moved = divide_rows(rows[:, None], kept < 9, 0)
    bars = models["bits_bars"].data
    assert list(bars["row"]) == ["by class", "by brush"]
    for name, part in zip(("fixed", "class", "within", "spread"), division.stacked(), strict=True):
        assert bars[name][1] == pytest.approx(part[0], abs=1e-6)
    total = sum(bars[name][1] for name in ("fixed", "class", "within", "spread"))
    assert total == pytest.approx(4, abs=1e-5)
    images = f"{(kept < 9).sum()} of {len(kept)} stored images"
    assert images in models["bits_words"].text
    session.drop_clauses()
    assert list(models["bits_bars"].data["row"]) == ["by class"]


@pytest.mark.parametrize(("images", "which"), [([1, 2, 3], "none"), (range(23), "all")])
def test_a_brush_that_divides_no_stored_images_says_so(session, images, which):
    models = shown(session)
    brush(session, images)
    assert list(models["bits_bars"].data["row"]) == ["by class"]
    assert f"Of 6 images with stored attention, {which} are brushed." in models["bits_words"].text


def test_nothing_is_read_while_other_plots_are_shown(session, monkeypatch):
    def divide(*_given):
        raise AssertionError("attention was read")

    StrengthOverview(session)
    monkeypatch.setattr(session.data.matrices, "divide", divide)
    brush(session, [0, 1, 4])
    session.select_head(3)


def test_damaged_attention_is_said(session, monkeypatch):
    def attention(*_given):
        raise StoreError("00000.nc: damaged")

    monkeypatch.setattr(session.data.store, "attention", attention)
    models = shown(session)
    brush(session, [0, 1, 4])
    assert "00000.nc: damaged" in models["bits_words"].text


def test_a_store_without_bits_says_so(tmp_path):
    data = StoreData(Store(make_store(tmp_path / "old.headbrush")))
    session = Session(data, default_state(data))
    view = StrengthOverview(session)
    session.history.change(overview="bits")
    brush(session, [0, 1])
    note = view.layout.select_one({"name": "bits_missing"})
    assert note.visible
    assert "has no bits" in note.text


@pytest.mark.parametrize("kind", [HeadImportance, StrengthOverview])
def test_tooltips_say_what_decides(session, tmp_path, kind):
    def tips(view):
        return [list(map(tuple, tool.tooltips)) for tool in view.layout.select({"type": HoverTool})]

    assert any(("looks", "@bits") in lines for lines in tips(kind(session)))
    assert session.heads.data["bits"][0] == (
        "positional: 3.0 of 4.0 bits fixed, content 0.3; moves 0\u00a0% of its attention"
    )
    data = StoreData(Store(make_store(tmp_path / "old.headbrush")))
    old = Session(data, default_state(data))
    assert not any(("looks", "@bits") in lines for lines in tips(kind(old)))


def test_reports_and_csv_files_say_what_decides(session, tmp_path):
    assert "Where it looks: positional (3.0 of 4.0 bits fixed" in head_finding(session.data, 0)
    assert "Where it looks: follows the content (1.0 of" in head_finding(session.data, 1)
    brush(session, [0, 1, 4])
    packed = to_csv(session.data, session.brush(), "heads")
    table = pd.read_csv(io.BytesIO(gzip.decompress(packed)))
    names = ("bits_fixed", "bits_class", "bits_within_class", "bits_spread")
    np.testing.assert_allclose(table[list(names)].to_numpy().T, BITS.reshape(4, -1), rtol=1e-5)
    np.testing.assert_allclose(table["moved"], np.arange(6) / 10, rtol=1e-5)
    assert table["looks"][1] == "follows the content"
    packed = to_csv(session.data, session.brush(), "patterns")
    table = pd.read_csv(io.BytesIO(gzip.decompress(packed)))
    surprise = session.data.store.read("surprise")
    expected = surprise[table["image"], table["layer"], table["head"]]
    np.testing.assert_allclose(table["surprise"], expected, rtol=1e-5)
    make_report(session.data, views=["strength_overview"]).save_data(tmp_path / "values.nc")
    with xr.open_dataset(tmp_path / "values.nc") as values:
        np.testing.assert_allclose(values["bits"], BITS, rtol=1e-6)
        np.testing.assert_array_equal(values["anomaly"], session.data.store.read("anomaly"))
    old = StoreData(Store(make_store(tmp_path / "old.headbrush")))
    assert "Where it looks" not in head_finding(old, 0)


def test_the_tooltip_of_an_image_says_how_far_it_stands_out(session, store, tmp_path):
    view = ImageOverview(session)
    (hover,) = view.layout.select({"type": HoverTool})
    assert "stands out: @stands_out" in hover.tooltips
    np.testing.assert_array_equal(session.images.data["stands_out"], store.read("anomaly"))
    session.select_image(3)
    far = store.read("anomaly")[3]
    assert f"It stands out by {far:+.1f} standard deviations" in session.summaries[view.name]
    table = pd.read_csv(
        io.BytesIO(gzip.decompress(to_csv(session.data, session.brush(), "images")))
    )
    np.testing.assert_allclose(table["stands_out"], store.read("anomaly"), rtol=1e-5)
    data = StoreData(Store(make_store(tmp_path / "old.headbrush")))
    old = ImageOverview(Session(data, default_state(data)))
    (hover,) = old.layout.select({"type": HoverTool})
    assert "stands out" not in hover.tooltips
